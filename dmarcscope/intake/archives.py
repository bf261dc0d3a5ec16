"""Archives of several members: zip (PKWARE APPNOTE 6.3) and tar (POSIX ustar, with the GNU and pax long names).

Both are read here rather than by the standard library's modules because those give up where a report can still be had:
a wrong checksum, a missing central directory, junk before or after; and because nothing here is ever written to disk,
none of their features are needed.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import NamedTuple

from dmarcscope.intake.limits import Broken, Budget, Member, Members, UnreadableMember, clean_name
from dmarcscope.intake.streams import RAW_DEFLATE, Sink, inflate, open_bzip2

_LOCAL = struct.Struct("<4s5H3L2H")  # APPNOTE 4.3.7
_CENTRAL = struct.Struct("<4s6H3L5H2L")  # APPNOTE 4.3.12
_END = struct.Struct("<4s4H2LH")  # APPNOTE 4.3.16
_LOCAL_MAGIC, _CENTRAL_MAGIC, _END_MAGIC = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_ENCRYPTED, _SIZES_FOLLOW, _STRONGLY_ENCRYPTED = 0x0001, 0x0008, 0x0040  # APPNOTE 4.4.4
_STORED, _DEFLATED, _BZIPPED = 0, 8, 12  # APPNOTE 4.4.5
_UNSET = 0xFFFFFFFF  # APPNOTE 4.5.3: the real number is in the zip64 field


@dataclass(frozen=True, slots=True)
class _Entry:
    """One member as a header states it; ``body`` is where its packed bytes begin."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    body: int

    @property
    def is_folder(self) -> bool:
        return self.name.endswith(("/", "\\")) and self.size == 0


def open_zip(data: bytes, budget: Budget) -> Members:
    """Each member of a zip archive but its folders; without a central directory, each that a local header announces."""
    entries = _central_entries(data, budget.limits.max_members + 1)
    if entries is None:
        yield from _salvage(data, budget)
        return
    if any(isinstance(entry, _Entry) and entry.name == "[Content_Types].xml" for entry in entries):
        msg = "an Office document, not an archive of reports: export the report itself and hand that in"
        raise UnreadableMember(msg)
    for entry in entries:
        if isinstance(entry, Broken):
            budget.open_member()
            yield entry
        elif not entry.is_folder:
            budget.open_member()
            yield _zip_member(data, entry, budget)


def _central_entries(data: bytes, most: int) -> list[_Entry | Broken] | None:
    """At most the first ``most`` members of the central directory, or None when there is none to trust.

    The directory is taken to end where the end record begins, so that junk before the archive shifts nothing (vector
    023).
    """
    end = data.rfind(_END_MAGIC)
    if end < 0 or len(data) < end + _END.size:
        return None
    _, _, _, _, count, size, offset, _ = _END.unpack_from(data, end)
    if count == 0 and size == 0 and data.find(_LOCAL_MAGIC, 0, end) < 0:
        return []
    start = _directory_start(data, end, size, offset)
    if start is None:
        return None
    shift = 0 if offset == _UNSET else start - offset
    entries: list[_Entry | Broken] = []
    at = start
    while len(entries) < most and at + _CENTRAL.size <= len(data) and data.startswith(_CENTRAL_MAGIC, at):
        entry, at = _central_entry(data, at, shift)
        entries.append(entry)
    if all(isinstance(entry, Broken) for entry in entries):
        return None  # every offset is wrong: the local headers are a better guide; vector 064
    return entries


def _directory_start(data: bytes, end: int, size: int, offset: int) -> int | None:
    """Where the directory begins: its size before the end record, or at the offset stated there or in zip64."""
    for start in (end - size, offset):
        if 0 <= start < end and data.startswith(_CENTRAL_MAGIC, start):
            return start
    if _UNSET in (size, offset):  # APPNOTE 4.3.14: the zip64 end record, right before its locator of 20 bytes
        locator = end - 20
        zip64 = data.rfind(b"PK\x06\x06", 0, max(locator, 0) + 4)
        if zip64 >= 0 and len(data) >= zip64 + 56:
            start = zip64 - int.from_bytes(data[zip64 + 40 : zip64 + 48], "little")
            if start >= 0 and data.startswith(_CENTRAL_MAGIC, start):
                return start
    return None


def _central_entry(data: bytes, at: int, shift: int) -> tuple[_Entry | Broken, int]:
    head = _CENTRAL.unpack_from(data, at)
    flags, method, crc, packed, size = head[3], head[4], head[7], head[8], head[9]
    name_length, extra_length, comment_length, offset = head[10], head[11], head[12], head[16]
    names = at + _CENTRAL.size
    extra = names + name_length
    after = extra + extra_length + comment_length
    name = clean_name(data[names:extra])
    size, packed, offset = _zip64(data[extra : extra + extra_length], (size, packed, offset))
    local = offset + shift
    if local < 0 or not data.startswith(_LOCAL_MAGIC, local) or local + _LOCAL.size > len(data):
        return Broken(
            name,
            f"zip: no member begins at byte {local}, where the directory says so: ask the reporter to send it again",
        ), after
    lengths = _LOCAL.unpack_from(data, local)[9:11]
    return _Entry(name, flags, method, crc, packed, size, local + _LOCAL.size + sum(lengths)), after


def _zip64(extra: bytes, numbers: tuple[int, int, int]) -> tuple[int, int, int]:
    """APPNOTE 4.5.3: the 64-bit value of each number that does not fit its field, in their order."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        at += 4
        if tag == 1:
            wide = extra[at : at + length]
            real = []
            for number in numbers:
                if number == _UNSET and len(wide) >= 8:
                    real.append(int.from_bytes(wide[:8], "little"))
                    wide = wide[8:]
                else:
                    real.append(number)
            return real[0], real[1], real[2]
        at += length
    return numbers


def _zip_member(data: bytes, entry: _Entry, budget: Budget) -> Member | Broken:
    """The member's bytes, with a note where they are not what the header says."""
    if entry.flags & (_ENCRYPTED | _STRONGLY_ENCRYPTED):
        return Broken(entry.name, "zip: the member is encrypted: ask the reporter for a report without a password")
    packed = _Packed(data, entry.body, min(entry.body + entry.packed, len(data)))
    try:
        found, problem = _unpack_zip_member(packed, entry, budget)
    except UnreadableMember as refusal:
        return Broken(entry.name, f"zip: {refusal}")
    notes = []
    if not problem and entry.body + entry.packed > len(data):
        problem = "cut short"
    if problem:
        if not found:
            return Broken(
                entry.name,
                f"zip: the member is {problem} and nothing could be unpacked: ask the reporter to send it again",
            )
        notes.append(f"zip: {problem}, {len(found)} bytes were unpacked before")
    elif zlib.crc32(found) != entry.crc:
        notes.append("zip: the checksum does not fit")
    return Member(entry.name, found, tuple(notes), _is_mac_junk(entry.name))


class _Packed(NamedTuple):
    data: bytes
    start: int
    end: int


def _unpack_zip_member(packed: _Packed, entry: _Entry, budget: Budget) -> tuple[bytes, str]:
    size = packed.end - packed.start
    sink = Sink(budget)
    if entry.method == _DEFLATED:
        _, problem = inflate(*packed, RAW_DEFLATE, sink)
        return sink.value(), problem
    if entry.method == _STORED:
        sink.add(packed.data[packed.start : packed.end], max(size, 1))
        return sink.value(), ""
    if entry.method == _BZIPPED:
        member = next(iter(open_bzip2(packed.data[packed.start : packed.end], budget)))
        return (member.data, "") if isinstance(member, Member) else (b"", member.reason)
    msg = f"packed with method {entry.method}, which is not read here: unpack it and hand in what it holds"
    raise UnreadableMember(msg)


def _is_mac_junk(name: str) -> bool:
    """Finder's own files beside the real members."""
    last = name.rpartition("/")[2]
    return name.startswith("__MACOSX/") or last.startswith("._") or last == ".DS_Store"


def _salvage(data: bytes, budget: Budget) -> Members:
    """Members by their local headers alone (APPNOTE 4.3.7), for an archive that was cut short."""
    note = "zip: no central directory, found by its local header"
    at = data.find(_LOCAL_MAGIC)
    count = 0
    while 0 <= at <= len(data) - _LOCAL.size:
        budget.open_member()
        entry = _local_entry(data, at)
        found, after = _salvaged_member(data, entry, budget)
        if not entry.is_folder:
            count += 1
            yield (found if isinstance(found, Broken) else Member(found.name, found.data, (note, *found.notes), found.nameable))
        at = data.find(_LOCAL_MAGIC, max(after, at + 4))
    if not count:
        msg = "zip: neither a central directory nor a member can be found: ask the reporter to send it again"
        raise UnreadableMember(msg)


def _local_entry(data: bytes, at: int) -> _Entry:
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack_from(data, at)
    names = at + _LOCAL.size
    body = names + name_length + extra_length
    size, packed, _ = _zip64(data[names + name_length : body], (size, packed, 0))
    return _Entry(clean_name(data[names : names + name_length]), flags, method, crc, packed, size, body)


def _salvaged_member(data: bytes, entry: _Entry, budget: Budget) -> tuple[Member | Broken, int]:
    """The member, and where the search for the next may go on."""
    sizes_follow = bool(entry.flags & _SIZES_FOLLOW) and not entry.packed
    if not sizes_follow:
        return _zip_member(data, entry, budget), entry.body + entry.packed
    if entry.flags & _ENCRYPTED:
        return _zip_member(data, entry, budget), entry.body
    if entry.method == _DEFLATED:  # a deflate stream knows its own end
        sink = Sink(budget)
        try:
            after, problem = inflate(data, entry.body, len(data), RAW_DEFLATE, sink)
        except UnreadableMember as refusal:
            return Broken(entry.name, f"zip: {refusal}"), entry.body
        if problem and not sink.size:
            return Broken(entry.name, f"zip: the member is {problem} and nothing could be unpacked"), entry.body
        notes = (f"zip: {problem}, {sink.size} bytes were unpacked before",) if problem else ()
        return Member(entry.name, sink.value(), notes, _is_mac_junk(entry.name)), entry.body if problem else after
    ends = [end for magic in (_LOCAL_MAGIC, _CENTRAL_MAGIC, b"PK\x07\x08") if (end := data.find(magic, entry.body)) >= 0]
    end = min(ends, default=len(data))
    found = data[entry.body : end]
    budget.spend(len(found))
    return Member(entry.name, found, (), _is_mac_junk(entry.name)), end


_BLOCK = 512
_TAR_WITHOUT_BYTES = frozenset(b"123456gK")  # POSIX ustar: links, devices, folders, pipes; pax and GNU facts about other members
_TAR_LONG_NAME, _TAR_PAX = ord("L"), ord("x")


def open_tar(data: bytes, budget: Budget) -> Members:
    """Each file of a tar archive; links, folders and devices hold no bytes to read."""
    at, long_name = 0, ""
    while at + _BLOCK <= len(data) and data[at]:
        size = _tar_number(data[at + 124 : at + 136])
        if size is None:
            yield Broken(
                "",
                f"tar: the header at byte {at} is damaged, and what follows cannot be found: ask for it again",
            )
            return
        kind, body = data[at + 156], at + _BLOCK
        budget.open_member()
        if kind in (_TAR_LONG_NAME, _TAR_PAX):
            long_name = _tar_long_name(data[body : body + min(size, 4096)], kind)
        elif kind not in _TAR_WITHOUT_BYTES and not _tar_name(data, at).endswith("/"):
            yield _tar_member(data, body, size, long_name or _tar_name(data, at), budget)
            long_name = ""
        at = body + (size + _BLOCK - 1) // _BLOCK * _BLOCK


def _tar_member(data: bytes, body: int, size: int, name: str, budget: Budget) -> Member | Broken:
    found = data[body : body + size]
    try:
        budget.check_member(len(found), max(size, 1))
        budget.spend(len(found))
    except UnreadableMember as refusal:
        return Broken(name, f"tar: {refusal}")
    notes = () if len(found) == size else (f"tar: cut short, {len(found)} of {size} bytes are there",)
    return Member(name, found, notes, _is_mac_junk(name))


def _tar_name(data: bytes, at: int) -> str:
    name = data[at : at + 100].partition(b"\x00")[0]
    prefix = data[at + 345 : at + 500].partition(b"\x00")[0] if data[at + 257 : at + 263] == b"ustar\x00" else b""
    return clean_name(prefix + b"/" + name if prefix else name)


def _tar_long_name(body: bytes, kind: int) -> str:
    if kind == _TAR_LONG_NAME:
        return clean_name(body.partition(b"\x00")[0])
    _, found, value = body.partition(b" path=")
    return clean_name(value.partition(b"\n")[0]) if found else ""


def _tar_number(digits: bytes) -> int | None:
    """Octal digits, or GNU's binary number when the first bit is set."""
    if digits[0] & 0x80:
        return int.from_bytes(digits[4:], "big")
    digits = digits.strip(b" \x00")
    try:
        return int(digits or b"0", 8)
    except ValueError:
        return None
