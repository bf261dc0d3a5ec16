"""One thing packed into one stream: gzip (RFC 1952), zlib (RFC 1950), bzip2, xz, base64 (RFC 4648) and uuencode.

Everything is unpacked in bounded steps, and the budget is asked after each. What was unpacked before a stream breaks
off is kept, with a note: a report that was cut short still holds whole records, and the parser says what is missing.
"""

import binascii
import re
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

from dmarcscope.intake.limits import Budget, Member, Members, UnreadableMember, clean_name

if TYPE_CHECKING:
    from bz2 import BZ2Decompressor
    from lzma import LZMADecompressor

CHUNK_BYTES = 1 << 20
"""Unpacked at most in one step."""

SLICE_BYTES = 32 * 1024
"""Packed bytes handed over in one step, so that what a step leaves over is never much to copy."""

XZ_MEMORY_BYTES = 80 << 20
"""What an xz stream may ask for as its dictionary: xz -9 needs 65 MiB."""

RAW_DEFLATE = -15
WITH_GZIP_HEADER = 31
WITH_ZLIB_HEADER = 15

_GZIP_MAGIC = b"\x1f\x8b\x08"


class Sink:
    """Takes the pieces of one member as they are unpacked, and stops when they become too much."""

    __slots__ = ("_budget", "_buffer", "_first", "size")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._first = b""
        self._buffer: BytesIO | None = None
        self.size = 0

    def add(self, piece: bytes, packed: int) -> None:
        """Takes ``piece``; ``packed`` is how many bytes of the stream have been used for the member so far."""
        self.size += len(piece)
        self._budget.check_member(self.size, packed)
        self._budget.spend(len(piece))
        if self._buffer is not None:
            self._buffer.write(piece)
        elif not self._first:
            self._first = piece
        elif piece:
            self._buffer = BytesIO()
            self._buffer.write(self._first)
            self._buffer.write(piece)

    def feed(self, size: int) -> None:
        """Counts ``size`` packed bytes as work: a hostile stream may be long and yield nothing."""
        self._budget.spend(size)

    def cut(self, size: int) -> None:
        """Forgets what came after the first ``size`` bytes."""
        self.size = size
        if self._buffer is None:
            self._first = self._first[:size]
        else:
            self._buffer.truncate(size)
            self._buffer.seek(size)

    def value(self) -> bytes:
        """All pieces as one; without a copy."""
        return self._first if self._buffer is None else self._buffer.getvalue()


def inflate(data: bytes, start: int, end: int, wbits: int, sink: Sink) -> tuple[int, str]:
    """Unpacks one deflate stream into ``sink``; returns where it ended and what was wrong with it.

    What was wrong is "" when nothing was. A stream that breaks keeps every byte that came out before the break.
    """
    mark = sink.size
    at, whole = _inflate(data, (start, end), wbits, sink, careful_from=end)
    if whole is None:  # the step that failed took what it had unpacked with it: again, byte by byte from there on
        sink.cut(mark)
        at, whole = _inflate(data, (start, end), wbits, sink, careful_from=max(start, at - SLICE_BYTES))
        return at, f"damaged at byte {at}" if whole is None else ""
    return at, "" if whole else "cut short"


def _inflate(data: bytes, span: tuple[int, int], wbits: int, sink: Sink, *, careful_from: int) -> tuple[int, bool | None]:
    """One pass: where it stopped, and whether the stream was whole (None: damaged)."""
    start, end = span
    engine = zlib.decompressobj(wbits)
    at = start
    try:
        while at < end:
            stop = min(end, at + SLICE_BYTES, careful_from) if at < careful_from else at + 1
            piece = data[at:stop]
            at = stop
            sink.feed(len(piece))
            while True:
                out = engine.decompress(piece, CHUNK_BYTES)
                sink.add(out, at - start)
                piece = engine.unconsumed_tail
                if engine.eof:
                    return at - len(engine.unused_data), True
                if not piece:
                    break
        sink.add(engine.flush(), at - start)
    except zlib.error:
        return at, None
    return at, engine.eof


def open_gzip(data: bytes, budget: Budget) -> Members:
    """The one stream that the members of a gzip file make together (RFC 1952 §2.2)."""
    sink = Sink(budget)
    at, notes = 0, []
    while True:
        budget.open_member()
        at, problem = _gzip_member(data, at, sink)
        if problem:
            notes.append(f"gzip: {problem}, {sink.size} bytes were unpacked before")
            break
        if at >= len(data):
            break
        if not data.startswith(_GZIP_MAGIC, at):
            # Deviation (RFC 1952 §2.2): padding and junk after the last member; vectors 012 and 013
            notes.append(_tail_note("gzip", data, at))
            break
    if not sink.size and notes:
        msg = f"{notes[0]}: ask the reporter to send it again"
        raise UnreadableMember(msg)
    yield Member("", sink.value(), tuple(notes))


def _gzip_member(data: bytes, start: int, sink: Sink) -> tuple[int, str]:
    """One member: where it ended and what was wrong.

    zlib's own gzip reader goes first; when it fails, header and checksum are read here.
    """
    mark = sink.size
    at, whole = _inflate(data, (start, len(data)), WITH_GZIP_HEADER, sink, careful_from=len(data))
    if whole:
        return at, ""
    if whole is False:
        return at, "cut short"
    sink.cut(mark)
    body = _gzip_header_end(data, start)
    if body is None:
        return start, "its header is damaged"
    at, problem = inflate(data, body, len(data), RAW_DEFLATE, sink)
    return (at, problem) if problem else (at + 8, "the checksum does not fit")


def _gzip_header_end(data: bytes, start: int) -> int | None:
    """RFC 1952 §2.3: ten bytes, then what the flags announce: extra field, file name, comment, header checksum."""
    if len(data) < start + 10 or data[start + 2] != 8:
        return None
    flags, at = data[start + 3], start + 10
    if flags & 4:
        at += 2 + int.from_bytes(data[at : at + 2], "little")
    for flag in (8, 16):
        if flags & flag:
            at = data.find(b"\x00", at) + 1
            if not at:
                return None
    return at + 2 if flags & 2 else at


def open_zlib(data: bytes, budget: Budget) -> Members:
    """A bare zlib stream (RFC 1950), which a few senders write where gzip is meant."""
    sink = Sink(budget)
    at, problem = inflate(data, 0, len(data), WITH_ZLIB_HEADER, sink)
    if not sink.size:
        msg = "not recognisable as report, container or mail"
        raise UnreadableMember(msg)
    notes = ["packed as a bare zlib stream"]
    if problem:
        notes.append(f"zlib: {problem}")
    elif at < len(data):
        notes.append(_tail_note("zlib", data, at))
    yield Member("", sink.value(), tuple(notes))


def open_bzip2(data: bytes, budget: Budget) -> Members:
    """The one stream in a bzip2 file."""
    from bz2 import BZ2Decompressor  # not needed for the containers that RFC 9990 names

    return _open_rare("bzip2", BZ2Decompressor(), data, budget)


def open_xz(data: bytes, budget: Budget) -> Members:
    """The one stream in an xz file."""
    from lzma import LZMADecompressor  # not needed for the containers that RFC 9990 names

    return _open_rare("xz", LZMADecompressor(memlimit=XZ_MEMORY_BYTES), data, budget)


def _open_rare(name: str, engine: "BZ2Decompressor | LZMADecompressor", data: bytes, budget: Budget) -> Members:
    from lzma import LZMAError  # what the xz engine raises; the bzip2 engine raises OSError

    sink, at, problem = Sink(budget), 0, ""
    try:
        while not engine.eof:
            piece = b""
            if engine.needs_input:
                piece = data[at : at + SLICE_BYTES]
                at += len(piece)
                sink.feed(len(piece))
                if not piece:
                    problem = "cut short"
                    break
            sink.add(engine.decompress(piece, CHUNK_BYTES), at)
    except (OSError, EOFError, ValueError, LZMAError):
        problem = f"damaged before byte {at}"
    if not sink.size:
        msg = f"{name}: {problem or 'nothing in it'}: ask the sender to send it again"
        raise UnreadableMember(msg)
    at -= len(engine.unused_data) if engine.eof else 0
    notes = [f"packed with {name}"]
    if problem:
        notes.append(f"{name}: {problem}, {sink.size} bytes were unpacked before")
    elif at < len(data):
        notes.append(_tail_note(name, data, at))
    yield Member("", sink.value(), tuple(notes))


def _tail_note(name: str, data: bytes, at: int) -> str:
    what = "junk" if data[at:].strip(b"\x00") else "zeros"
    return f"{name}: {len(data) - at} bytes of {what} after the end"


_PADDING = re.compile(rb"=+")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))


def from_base64(text: bytes) -> bytes:
    """The bytes behind base64 (RFC 2045 §6.8), and behind what is sent in its place.

    Foreign characters are ignored, missing padding is added, and padded pieces in a row are joined.
    """
    letters = text.translate(None, _NOT_BASE64).rstrip(b"=")
    pieces = _PADDING.split(letters) if b"=" in letters else [letters]
    decoded = []
    for piece in pieces:
        whole = piece if len(piece) % 4 != 1 else piece[:-1]
        decoded.append(binascii.a2b_base64(whole + b"=" * (-len(whole) % 4)))
    return b"".join(decoded)


def open_base64(data: bytes, budget: Budget) -> Members:
    """Base64 without a header that says so: the saved body of a part."""
    decoded = from_base64(data)
    budget.spend(len(decoded))
    yield Member("", decoded, ("base64 that no header announces",))


_UU_BEGIN = re.compile(rb"(?:^|[\r\n])begin [0-7]{3,4} ([^\r\n]{1,255})\r?\n")


def open_uuencode(data: bytes, budget: Budget) -> Members:
    """Each uuencoded file in a text (POSIX uuencode): the lines between ``begin`` and ``end``."""
    at = 0
    while (found := _UU_BEGIN.search(data, at)) is not None:
        budget.open_member()
        at, decoded, notes = _uu_lines(data, found.end())
        budget.spend(len(decoded))
        yield Member(clean_name(found[1]), decoded, notes)


def _uu_lines(data: bytes, at: int) -> tuple[int, bytes, tuple[str, ...]]:
    decoded: list[bytes] = []
    while at < len(data):
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        line = data[at:end].rstrip(b"\r")
        if line.rstrip() == b"end":
            return end, b"".join(decoded), ()
        try:
            decoded.append(binascii.a2b_uu(line))
        except binascii.Error:
            return at, b"".join(decoded), ("uuencode: a line that cannot be decoded, what came before is kept",)
        at = end + 1
    return at, b"".join(decoded), ("uuencode: no end line",)
