"""Mails (RFC 5322, MIME of RFC 2045-2047 and 2231) and mbox files, taken apart into their parts.

The structure is read here, in one pass over the bytes, because the standard library's parser takes time that grows with
the square of the nesting and gives up on less than reporters send; the meaning of a field (names in RFC 2231, encoded
words) is the library's work.
"""

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dmarcscope.intake.kinds import LOOK_BYTES, Closed, LeafKind, feedback_kind, look
from dmarcscope.intake.limits import Broken, Budget, Member, Members, UnreadableMember, clean_name
from dmarcscope.intake.streams import from_base64, open_uuencode

MAX_HEADER_BYTES = 256 * 1024
"""A header longer than this is cut: the fields that matter come early, and nobody sends more (vector 062)."""

MAX_FIELD_BYTES = 4096
"""Of the fields that are looked into; the standard library's parameter parser is quadratic in a field's length."""

_HEADER_END = re.compile(rb"\r\n\r\n|\n\r?\n|\r\r(?!\n)|[\r\n](?=<)")  # the last for a header without its blank line; vector 048
_HEADER_START = re.compile(rb"[A-Za-z][A-Za-z0-9_.-]{0,75}[ \t]*:")
_FIELD = re.compile(
    rb"(?:^|(?<=[\r\n]))(content-type|content-transfer-encoding|content-disposition)[ \t]*:"
    rb"((?:[^\r\n]+|\r?\n[ \t]|\r[ \t])*)",
    re.IGNORECASE,
)
_FIRST_LINE = re.compile(rb"\A[\s\x00]*(?:\xef\xbb\xbf)?(?:>?From [^\r\n]*(?:\r\n|\r|\n)|[0-9]+[ \t]*\r?\n)?")
_SNIFFED = re.compile(rb"(?:\A|[\r\n])--([^\r\n]{1,200}?)[ \t]*(?:\r\n|\r|\n)content-[a-z-]{1,40}:", re.IGNORECASE)
_SNIFF_BYTES = 4096
_NEXT_MAIL = re.compile(rb"(?:\r?\n){2}(?=From [^\r\n]*\r?\n[!-9;-~]{1,76}:)")
_REPORT_MARK = b"<feedback"
_SIGNATURES = frozenset(
    [
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "application/pgp-signature",
        "application/pgp-keys",
    ]
)
_OPAQUE = frozenset(["application/pkcs7-mime", "application/x-pkcs7-mime"])


@dataclass(frozen=True, slots=True)
class _Part:
    """One part that holds no parts: its type, name and encoding as the header says, and its body still encoded."""

    content_type: str
    name: str
    encoding: str
    body: bytes

    @property
    def is_mail(self) -> bool:
        return self.content_type in (
            "message/rfc822",
            "message/global",
            "text/rfc822-headers",
            "message/rfc822-headers",
        )


def open_mbox(data: bytes, budget: Budget) -> Members:
    """Each mail of an mbox (RFC 4155), split where a blank line, a ``From`` line and a field follow each other."""
    first = _FIRST_LINE.match(data)
    starts = [0, *(found.end() for found in _NEXT_MAIL.finditer(data, first.end() if first else 0))]
    for number, start in enumerate(starts, 1):
        budget.open_member()
        end = starts[number] if number < len(starts) else len(data)
        # without its separator line each is a mail of its own; the blanks before the next are harmless
        name = f"mail-{number}" if len(starts) > 1 else ""
        yield Member(name, _FIRST_LINE.sub(b"", data[start:end], count=1))


def open_mail(data: bytes, budget: Budget) -> Members:
    """Each part of a mail, decoded; of a feedback report (RFC 5965) not the mail that it is about."""
    parts: list[_Part | Broken] = []
    stopped: UnreadableMember | None = None
    try:
        parts.extend(_parts(data, budget, 0))
    except UnreadableMember as refusal:  # what was found before the limit is read all the same
        stopped = refusal
    is_feedback = any(isinstance(part, _Part) and part.content_type == "message/feedback-report" for part in parts)
    for number, part in enumerate(parts, 1):
        if isinstance(part, Broken):
            yield part
        elif not (is_feedback and part.is_mail):
            yield from _decoded(part, "" if len(parts) == 1 else f"part-{number}", budget)
    if stopped is not None:
        raise stopped


def _parts(data: bytes, budget: Budget, depth: int) -> Iterator[_Part | Broken]:
    """The parts of the mail or part ``data`` that hold no parts, in order."""
    if depth > budget.limits.max_depth:
        yield Broken("", f"more than {budget.limits.max_depth} multiparts inside each other (MAX_DEPTH): not opened further")
        return
    budget.spend(len(data))
    header, body = _split_header(data, depth)
    fields = _fields(header)
    content_type, name, boundary = _content_type(fields)
    delimiter = b"--" + boundary if boundary and content_type.startswith("multipart/") else b""
    is_clear = content_type.startswith("message/") or (delimiter and delimiter in body)
    if not is_clear and (sniffed := _SNIFFED.search(body, 0, _SNIFF_BYTES)) is not None:
        # Deviation (RFC 2046 §5.1): no boundary, a wrong one, or a type that announces none; vectors 045 and 046
        delimiter = b"--" + sniffed[1]
    if not delimiter or delimiter not in body:
        budget.open_member()
        yield _Part(content_type, name, _encoding(fields), body)
        return
    for section, is_part in _sections(body, delimiter):
        if is_part:
            yield from _parts(section, budget, depth + 1)
        elif len(section) >= len(body):  # the boundary is there, but never as a line of its own: all is one text
            budget.open_member()
            yield _Part("text/plain", name, _encoding(fields), body)
        elif _REPORT_MARK in section:  # a report in the preamble or after the end: outside of the letter, not to be lost; vector 047
            budget.open_member()
            yield _Part("text/plain", "", "", section)


def _split_header(data: bytes, depth: int) -> tuple[bytes, bytes]:
    start = 0
    if depth == 0 and (found := _FIRST_LINE.match(data)) is not None:
        start = found.end()
    elif _HEADER_START.match(data) is None:  # a part may have no fields (RFC 2046 §5.1); then its blank line comes first
        return b"", data
    end = _HEADER_END.search(data, start)
    if end is None:
        return data[start : start + MAX_HEADER_BYTES], b""
    return data[start : min(end.start(), start + MAX_HEADER_BYTES)], data[end.end() :]


def _fields(header: bytes) -> dict[str, str]:
    """The three fields that say what a part is; of several with one name the first."""
    fields: dict[str, str] = {}
    for found in _FIELD.finditer(header):
        value = b" ".join(found[2][:MAX_FIELD_BYTES].split())
        fields.setdefault(found[1].lower().decode(), value.decode("utf-8", "replace"))
    return fields


def _encoding(fields: dict[str, str]) -> str:
    return fields.get("content-transfer-encoding", "").split(";")[0].strip(" \"'").lower()


_PLAIN_TYPE = re.compile(r"([\w.+-]+/[\w.+-]+)[ ;]*\Z")


def _content_type(fields: dict[str, str]) -> tuple[str, str, bytes]:
    """Type, file name and boundary of a part."""
    stated = fields.get("content-type", "")
    disposition = fields.get("content-disposition", "")
    if (plain := _PLAIN_TYPE.match(stated)) is not None and "=" not in disposition:
        return plain[1].lower(), "", b""
    if not stated and not disposition:
        return "text/plain", "", b""
    from email.message import Message  # the library that knows RFC 2231; not needed for a part without parameters

    message = Message()
    message["Content-Type"] = stated or "text/plain"
    if disposition:
        message["Content-Disposition"] = disposition
    try:
        name = _decoded_words(message.get_filename(""))
        boundary = message.get_boundary("")
    except (
        ValueError,
        LookupError,
        TypeError,
        IndexError,
    ):  # what the library raises on hostile parameters: no name, no boundary
        name, boundary = "", ""
    return stated.split(";")[0].strip().lower(), clean_name(name), boundary.encode("utf-8", "surrogateescape")


def _decoded_words(name: str) -> str:
    """RFC 2047 forbids encoded words in parameters; many write them there nevertheless."""
    if "=?" not in name:
        return name
    from email.errors import HeaderParseError
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(name)))
    except (HeaderParseError, ValueError, LookupError):
        return name


_DELIMITER_END = re.compile(rb"(--)?[ \t]*(\r\n|\r|\n|\Z)")


def _sections(body: bytes, delimiter: bytes) -> Iterator[tuple[bytes, bool]]:
    """What lies before, between and after the delimiters, and whether it is a part.

    RFC 2046 §5.1.1: a delimiter is two hyphens and the boundary at the start of a line; two more hyphens end the
    multipart; the line end before it belongs to it. Without an end delimiter the last part ends with the body.
    """
    line_end = b"\n" if b"\n" in body else b"\r"
    if body.startswith(delimiter):
        body = line_end + body
    at, is_part = 0, False
    found = body.find(line_end + delimiter)
    while found >= 0:
        after = _DELIMITER_END.match(body, found + 1 + len(delimiter))
        if after is not None:
            end = found - 1 if body.startswith(b"\r\n", found - 1) and found else found
            yield body[at:end], is_part
            at, is_part = after.end(), not after[1]
        found = body.find(line_end + delimiter, found + 1)
    yield body[at:], is_part


def _quoted_printable(body: bytes) -> bytes:
    # Deviation (RFC 2045 §6.7): bare CR as line end would hide the soft breaks; vector 038
    return binascii.a2b_qp(body.replace(b"\r", b"\n") if b"\n" not in body else body)


def _as_it_is(body: bytes) -> bytes:
    return body


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": from_base64,
    "b": from_base64,
    "base-64": from_base64,
    "quoted-printable": _quoted_printable,
    "q": _quoted_printable,
}
_UUENCODED = frozenset(["x-uuencode", "uuencode", "x-uue", "uue"])
_NOT_BASE64_START = (b"<", b"{", b"\x1f\x8b", b"PK\x03\x04", b"--")


def _decoded(part: _Part, unnamed: str, budget: Budget) -> Members:
    """The part's bytes; what the declared encoding cannot have produced is taken as it is."""
    name = part.name or unnamed
    budget.spend(len(part.body))
    if part.encoding in _UUENCODED:
        members = list(open_uuencode(part.body, budget))
        yield from members
        if members:
            return
    data, notes = _without_encoding(part)
    if not data.strip() and not part.name:
        return  # an empty body beside the attachments
    try:
        budget.check_member(len(data), max(len(part.body), 1))
    except UnreadableMember as refusal:
        yield Broken(name, f"mail: {refusal}")
        return
    if part.content_type in _OPAQUE and look(data) is Closed.UNKNOWN:
        yield Broken(name, "encrypted or wrapped with S/MIME: decrypt it in the mail program and hand in the attachment")
        return
    if part.content_type == "message/feedback-report" and feedback_kind(data) is None:
        data = b"Feedback-Type: other\r\n\r\n" + data
        notes.append("mail: a feedback report without Feedback-Type")
    yield Member(name, data, tuple(notes), nameable=part.content_type in _SIGNATURES)


def _without_encoding(part: _Part) -> tuple[bytes, list[str]]:
    data = part.body
    decode = _DECODERS.get(part.encoding, _as_it_is)
    if decode is from_base64 and data.lstrip()[:4].startswith(_NOT_BASE64_START):
        return data, ["mail: declared as base64, but it is not"]
    if decode is _as_it_is and b'=3D"' in data[:LOOK_BYTES] and _REPORT_MARK in data[:LOOK_BYTES]:
        return _quoted_printable(data), ["mail: quoted-printable that no header announces"]
    return decode(data), []


MAIL_ONLY_KINDS = frozenset(
    [
        LeafKind.TEXT,
        LeafKind.HTML,
        LeafKind.PICTURE,
        LeafKind.PDF,
        LeafKind.JSON,
        LeafKind.OTHER,
        LeafKind.MAIL_WITHOUT_REPORT,
    ]
)
"""Leaves that make no report of the mail they are in."""
