"""Small .mmdb files as different makers lay them out, and hostile ones: one value, which every address leads to."""

from dmarcscope.enrich.mmdb import ARRAY, MAP, MARKER, SEPARATOR, TEXT, UINT32, control, metadata, pointer, text, uint

GOOGLE, ELSEWHERE, SIX = "8.8.8.8", "9.9.9.9", "2606:4700::1111"


def value(of) -> bytes:
    """A value: a text, a number, or a map of values."""
    if isinstance(of, dict):
        return control(MAP, len(of)) + b"".join(text(key) + value(inner) for key, inner in of.items())
    return text(of) if isinstance(of, str) else uint(UINT32, of)


def everywhere(data: bytes, *, kind: str = "Test", description: str = "a test", epoch: int = 1_780_000_000, six: bool = True) -> bytes:
    """A file that says the same of every address."""
    nodes = 1
    record = nodes + len(SEPARATOR)
    about = metadata(nodes, 24, kind, description, epoch)
    if not six:
        about = about.replace(text("ip_version") + uint(5, 6), text("ip_version") + uint(5, 4))
    return (record << 24 | record).to_bytes(6, "big") + SEPARATOR + data + MARKER + about


def fan_out(levels: int) -> bytes:
    """A value of a few hundred bytes that is 2**levels texts when it is read."""
    data = b""
    for _ in range(levels):
        following = len(data) + len(control(ARRAY, 2)) + 4
        data += control(ARRAY, 2) + pointer(following) * 2
    return data + text("x")


# Why each is no good, and its bytes.
HOSTILE = {
    "is empty": b"",
    "is something else": b"start,end,asn\n" * 100,
    "has metadata and no tree": MARKER + metadata(1 << 20, 24, "Test", "", 0),
    "has metadata of another kind": everywhere(value("x"))[:-80],
    "points at itself": everywhere(pointer(0)),
    "holds itself": everywhere(control(ARRAY, 1) + pointer(0)),
    "points past its end": everywhere(pointer(134_744_064)),
    "says it is longer than it is": everywhere(control(TEXT, 60_000)),
    "is a trillion texts": everywhere(fan_out(40)),
    "holds no text where one should be": everywhere(control(MAP, 1) + text("asn") + control(TEXT, 2) + b"\xff\xfe"),
}
