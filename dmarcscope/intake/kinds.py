"""What bytes are, told by the bytes alone: names and declared types lie too often to be asked first.

The look is tolerant on purpose. RFC 9990 wants XML; the wild sends byte order marks, blank lines, NULs and stray bytes
before it, and the parser behind can say more about what is wrong than a refusal here could.
"""

import re
from enum import StrEnum


class LeafKind(StrEnum):
    """What a leaf is. Only ``XML`` may be an aggregate report; the parser decides."""

    XML = "xml"
    FAILURE_REPORT = "failure-report"
    ABUSE_REPORT = "abuse-report"
    TLS_REPORT = "tls-report"
    PICTURE = "picture"
    PDF = "pdf"
    HTML = "html"
    JSON = "json"
    TEXT = "text"
    MAIL_WITHOUT_REPORT = "mail-without-report"
    OTHER = "other"


class Container(StrEnum):
    """What must be opened to see what is inside."""

    GZIP = "gzip"
    ZLIB = "zlib"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZIP = "zip"
    TAR = "tar"
    MAIL = "mail"
    MBOX = "mbox"
    BASE64 = "base64"
    UUENCODE = "uuencode"
    OLE = "ole"


class Closed(StrEnum):
    """What is recognised and cannot be opened here; the value is the reason for the refusal."""

    EMPTY = "the file is empty"
    TNEF = "a winmail.dat (TNEF) wrapper, which is not opened here: ask the sender to switch off Outlook rich text"
    RAR = "a RAR archive, which is not opened here: unpack it and hand in what it holds"
    SEVEN_ZIP = "a 7z archive, which is not opened here: unpack it and hand in what it holds"
    PGP = "encrypted with PGP: decrypt it and hand in what it holds"
    UNKNOWN = "not recognisable as report, container or mail"


Kind = LeafKind | Container | Closed

LOOK_BYTES = 64 * 1024
"""How far the look goes into the bytes; whoever hides a report behind more junk than this has hidden it."""

_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\x1f\x8b", Container.GZIP),  # RFC 1952 §2.3.1
    (b"PK\x03\x04", Container.ZIP),  # APPNOTE 4.3.7: a local file header
    (b"PK\x05\x06", Container.ZIP),  # APPNOTE 4.3.16: an archive without members
    (b"PK\x07\x08", Container.ZIP),  # APPNOTE 8.5.5: the marker of a spanned archive
    (b"BZh", Container.BZIP2),
    (b"\xfd7zXZ\x00", Container.XZ),
    (b"x\x9c", Container.ZLIB),  # RFC 1950 §2.2, deflate with the usual window
    (b"x\xda", Container.ZLIB),
    (b"x\x01", Container.ZLIB),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Container.OLE),
    (b"\x78\x9f\x3e\x22", Closed.TNEF),
    (b"Rar!\x1a\x07", Closed.RAR),
    (b"7z\xbc\xaf\x27\x1c", Closed.SEVEN_ZIP),
    (b"-----BEGIN PGP MESSAGE-----", Closed.PGP),
    (b"\x00\x05\x16\x07", LeafKind.OTHER),  # AppleDouble, the ._files of a Mac
    (b"\x00\x00\x00\x01Bud1", LeafKind.OTHER),  # .DS_Store
    (b"%PDF-", LeafKind.PDF),
    (b"\x89PNG\r\n", LeafKind.PICTURE),
    (b"GIF8", LeafKind.PICTURE),
    (b"\xff\xd8\xff", LeafKind.PICTURE),
    (b"\x00\x00\x01\x00", LeafKind.PICTURE),
    (b"II*\x00", LeafKind.PICTURE),
    (b"MM\x00*", LeafKind.PICTURE),
    # base64 of gzip, zip, "<?xml ", "<feedb": somebody saved a part without its header
    (b"H4sI", Container.BASE64),
    (b"UEsDB", Container.BASE64),
    (b"PD94bWwg", Container.BASE64),
    (b"PGZlZWRi", Container.BASE64),
)
_FIRST_BYTES = frozenset(magic[0] for magic, _ in _MAGIC)

_REPORT_MARKS = (b"<feedback", b":feedback", b"<report_metadata", b"<record>")
_WIDE_MARKS = tuple(mark.decode().encode(code) for mark in _REPORT_MARKS for code in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"))
_WIDE_XML = tuple("<?xml".encode(code) for code in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"))
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff", b"\xff\xfe", b"\xfe\xff")
_BLANKS = b" \t\r\n\x00\x0b\x0c\x1a"

_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,99}:)?([A-Za-z_][\w.-]{0,99})(?=[\s/>:])")
_MARKUP = re.compile(rb"<(?:[?!]|(?:[A-Za-z_][\w.-]{0,99}:)?[A-Za-z_][\w.-]{0,99}[\s/>])")
_HTML_ROOTS = frozenset(
    b"html head body div p table tr td br span meta style font center h1 h2 h3 h4 b i a title img pre ul ol link script".split()
)
_HEADER_NAME = re.compile(rb"[!-9;-~]{1,76}[ \t]*:")
_MAIL_NAMES = frozenset(
    b"from to cc subject date received return-path delivered-to x-original-to message-id mime-version content-type "
    b"envelope-to reply-to content-transfer-encoding content-disposition dkim-signature authentication-results "
    b"arc-seal sender x-apparently-to authentication-results-original received-spf".split()
)
_FEEDBACK_TYPE = re.compile(rb"(?:^|[\r\n])feedback-type[ \t]*:[ \t]*([A-Za-z-]{1,40})", re.IGNORECASE)
_AUTH_FAILURE = re.compile(rb"[\r\n]auth-failure[ \t]*:", re.IGNORECASE)
_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\r?\n|\r\r(?!\n)")
_UUENCODED = re.compile(rb"(?:^|[\r\n])begin [0-7]{3,4} [^\r\n]{1,255}\r?\n[ -`]")
_NOT_TEXT = bytes({*range(0x20)} - {7, 8, 9, 10, 11, 12, 13, 26, 27}) + b"\x7f"


def look(data: bytes) -> Kind:
    """What ``data`` is, in time linear in the first ``LOOK_BYTES``.

    >>> look(b"<feedback><record/></feedback>")
    <LeafKind.XML: 'xml'>
    >>> look(b"")
    <Closed.EMPTY: 'the file is empty'>
    """
    if data.startswith((b"<?xml", b"<feedback")) and data.find(b"<feedback", 0, 1024) >= 0:
        return LeafKind.XML
    if not data:
        return Closed.EMPTY
    if (kind := _by_magic(data)) is not None:
        return kind
    head = data[:LOOK_BYTES]
    return _by_mark_up(head) or _by_text(head) or _by_depth(data, head)


def body_start(data: bytes) -> int:
    """Where ``data`` begins after a byte order mark, or the blanks and NULs before the first real byte."""
    head = data[:LOOK_BYTES]
    for bom in _BOMS:
        if head.startswith(bom):
            return len(bom)
    return len(head) - len(head.lstrip(_BLANKS))


def feedback_kind(data: bytes) -> LeafKind | None:
    """Which report a machine-readable ``message/feedback-report`` part is, or None when it has no ``Feedback-Type``.

    RFC 5965 §3.1 names the field; RFC 6591 §3.1 and RFC 9991 make ``auth-failure`` a failure report; all else is a
    complaint.
    """
    fields = data[:LOOK_BYTES].lstrip(_BLANKS)
    blank = _BLANK_LINE.search(fields)
    fields = fields[: blank.start()] if blank else fields
    found = _FEEDBACK_TYPE.search(fields)
    if found is None:
        return LeafKind.FAILURE_REPORT if _AUTH_FAILURE.search(fields) else None
    return LeafKind.FAILURE_REPORT if found[1].lower() == b"auth-failure" else LeafKind.ABUSE_REPORT


def is_tar(data: bytes) -> bool:
    """Whether the first block is a tar header: the sum it states is its own, with the sum's field as blanks."""
    if len(data) < 512 or not data[0]:
        return False
    stated = data[148:156].strip(b" \x00")
    if not stated.isdigit() or len(stated) > 8 or b"8" in stated or b"9" in stated:
        return False
    return int(stated, 8) == sum(data[:148]) + 256 + sum(data[156:512])


def _by_magic(data: bytes) -> Kind | None:
    if data[0] not in _FIRST_BYTES:
        return None
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    return LeafKind.PICTURE if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _by_mark_up(head: bytes) -> Kind | None:
    """XML, HTML and SVG, when the first real byte opens a tag."""
    if any(head.find(mark, 0, 4096) >= 0 for mark in _WIDE_XML):
        return LeafKind.XML
    start = body_start(head)
    text = head[start : start + 4096].lstrip(_BLANKS)
    if not _MARKUP.match(text):
        return None
    if any(mark in head for mark in _REPORT_MARKS):
        return LeafKind.XML
    lowered = text.lower()
    if lowered.startswith(b"<!doctype html"):
        return LeafKind.HTML
    root = _ROOT.search(lowered)
    name = root[1] if root else b""
    if name == b"svg":
        return LeafKind.PICTURE
    return LeafKind.HTML if name in _HTML_ROOTS else LeafKind.XML


def _by_text(head: bytes) -> Kind | None:
    """Mails, feedback fields, JSON and what else is written in letters."""
    text = head[body_start(head) :].lstrip(_BLANKS)
    if _HEADER_NAME.match(text) and (feedback := feedback_kind(text)) is not None:
        return feedback
    if _looks_like_mail(text):
        return Container.MBOX if text.startswith((b"From ", b">From ")) else Container.MAIL
    if text[:1] in (b"{", b"[") and (b'"' in text or text.rstrip(_BLANKS)[-1:] in (b"}", b"]")):
        return _json_kind(text)
    return None if text else LeafKind.TEXT


def _by_depth(data: bytes, head: bytes) -> Kind:
    """The looks that cost more, for what none of the cheap ones knew.

    Archives come first: they may hold plain XML within sight.
    """
    if is_tar(data):
        return Container.TAR
    if head.find(b"PK\x03\x04") >= 0 and data.rfind(b"PK\x05\x06") >= 0:
        return Container.ZIP
    if any(mark in head for mark in _REPORT_MARKS) or any(mark in head for mark in _WIDE_MARKS):
        return LeafKind.XML
    start = len(head) - len(head.lstrip(_BLANKS))
    if 0 < start < len(data) and (kind := _by_magic(data[start : start + 64])) is not None:
        return kind
    if _is_text(head):
        return Container.UUENCODE if _UUENCODED.search(head) else LeafKind.TEXT
    return Closed.UNKNOWN


def _json_kind(text: bytes) -> LeafKind:
    # RFC 8460 §4.4: the keys of a TLS report
    if b'"organization-name"' in text or (b'"policies"' in text and (b'"date-range"' in text or b'"report-id"' in text)):
        return LeafKind.TLS_REPORT
    return LeafKind.JSON


def _looks_like_mail(text: bytes) -> bool:
    """Whether the first lines are a header (RFC 5322 §2.2) with at least one field that only mails have."""
    lines = text[:LOOK_BYTES].splitlines()[:400]
    if lines and (lines[0].startswith((b"From ", b">From ")) or (lines[0].isdigit() and len(lines) > 1)):
        lines = lines[1:]  # the separator line of an mbox; the length line of an Apple .emlx
    known = 0
    for line in lines:
        if not line:
            break
        if line[:1] in (b" ", b"\t"):
            continue
        found = _HEADER_NAME.match(line)
        if found is None:
            return known > 1
        known += found[0].rstrip(b": \t").lower() in _MAIL_NAMES
    return known > 0


def _is_text(head: bytes) -> bool:
    if head.startswith(_BOMS[1:]):
        return True
    sample = head[:4096]
    if len(sample.translate(None, _NOT_TEXT)) != len(sample):
        return False
    high = len(sample) - len(sample.translate(None, bytes(range(0x80, 0x100))))
    if high * 3 < len(sample):
        return True
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(sample) - 4
    return True
