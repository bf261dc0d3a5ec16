"""Outlook's .msg files (MS-OXMSG): attachments, embedded messages and the body, through the extra ``olefile``."""

import struct
from importlib import import_module
from io import BytesIO
from typing import Protocol

from dmarcscope.intake.limits import Broken, Budget, Member, Members, UnreadableMember, clean_name

Path = tuple[str, ...]


class _Entry(Protocol):
    """What is used of a directory entry."""

    size: int


class _Ole(Protocol):
    """What is used of an open ``olefile.OleFileIO``."""

    root: _Entry

    def listdir(self, streams: bool, storages: bool) -> list[list[str]]: ...
    def get_size(self, filename: list[str]) -> int: ...
    def openstream(self, filename: list[str]) -> BytesIO: ...


_PROPERTIES = "__properties_version1.0"  # MS-OXMSG §2.4: each message storage has one
_ATTACHMENT = "__attach_version1.0_#"  # MS-OXMSG §2.2.2
_DATA = "__substg1.0_37010102"  # PidTagAttachDataBinary
_EMBEDDED = "__substg1.0_3701000D"  # PidTagAttachDataObject, a message inside the message
_NAMES = (
    "__substg1.0_3707001F",
    "__substg1.0_3704001F",
    "__substg1.0_3707001E",
    "__substg1.0_3704001E",
    "__substg1.0_3001001F",
)
_BODIES = (
    "__substg1.0_1000001F",
    "__substg1.0_1000001E",
    "__substg1.0_10130102",
)  # PidTagBody, in both alphabets; PidTagHtml

# What olefile raises on hostile files besides its own errors, which are OSErrors
_OLE_ERRORS = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
    RecursionError,
    MemoryError,
    OverflowError,
)


MAX_STREAMS = 2_000
"""Streams in one message; a report mail has about a hundred, and finding one takes olefile a look at all (vector 075)."""


def _is_sound(data: bytes) -> bool:
    """Whether the header's counts fit the file (MS-CFB §2.2): olefile walks as many sectors as they say, up to 2**32."""
    if len(data) < 512:
        return False
    shift, mini_shift = struct.unpack_from("<HH", data, 30)
    if shift not in (9, 12) or mini_shift != 6:
        return False
    sectors = len(data) >> shift
    fat_sectors: int = struct.unpack_from("<L", data, 44)[0]
    mini_fat_sectors: int = struct.unpack_from("<L", data, 64)[0]
    difat_sectors: int = struct.unpack_from("<L", data, 72)[0]
    enough = sectors // (1 << shift - 3) + 110  # twice what the sectors need, and what the header can hold anyway
    return bool(fat_sectors <= enough and mini_fat_sectors <= sectors and difat_sectors <= enough)


def open_msg(data: bytes, budget: Budget) -> Members:
    """Each attachment of an Outlook message, also of the messages embedded in it, and the body."""
    try:
        olefile = import_module("olefile")
    except ImportError:
        msg = "an Outlook message, and the package that opens it is missing: install dmarcscope[msg]"
        raise UnreadableMember(msg) from None
    if not _is_sound(data):
        msg = "an OLE file whose header does not fit its size: save the message again, as .eml"
        raise UnreadableMember(msg)
    try:
        ole: _Ole = olefile.OleFileIO(BytesIO(data))
        paths = [tuple(path) for path in ole.listdir(streams=True, storages=False)]
    except _OLE_ERRORS as error:
        msg = f"an OLE file that cannot be opened ({type(error).__name__}): save the message again, as .eml"
        raise UnreadableMember(msg) from None
    if len(paths) > MAX_STREAMS or ole.root.size > len(data):
        msg = f"an OLE file of more than {MAX_STREAMS} streams (MAX_STREAMS) or past its end: save it again, as .eml"
        raise UnreadableMember(msg)
    if (_PROPERTIES,) not in paths and not any(path[0].startswith(_ATTACHMENT) for path in paths):
        msg = "an Office document, not an Outlook message: hand in the report itself"
        raise UnreadableMember(msg)
    known = frozenset(paths)
    for path in paths:
        if path[-1] == _DATA or (path[-1] in _BODIES and _is_message(path[:-1])):
            budget.open_member()
            yield _member(ole, path, _name(ole, path, known), len(data), budget)


def _is_message(storage: Path) -> bool:
    """Whether a body in this storage belongs to a message: the outermost, or one embedded in an attachment."""
    return not storage or storage[-1] == _EMBEDDED


def _member(ole: _Ole, path: Path, name: str, most: int, budget: Budget) -> Member | Broken:
    try:
        size = ole.get_size(list(path))
        if size > most:  # olefile would walk as many sectors
            return Broken(name, "msg: the stream is longer than the file: save the message again, as .eml")
        budget.check_member(size, max(size, 1))
        budget.spend(size)
        data = ole.openstream(list(path)).read()
    except UnreadableMember as refusal:
        return Broken(name, f"msg: {refusal}")
    except _OLE_ERRORS as error:
        return Broken(name, f"msg: the stream is damaged ({type(error).__name__}): save the message again, as .eml")
    if path[-1].endswith("001F"):  # PtypString: UTF-16, little endian
        data = data.decode("utf-16-le", "replace").encode()
    return Member(name, data)


def _name(ole: _Ole, path: Path, known: frozenset[Path]) -> str:
    """The name of the attachment, with those of the messages it is embedded in."""
    names: list[str] = []
    for depth, storage in enumerate(path[:-1], 1):
        if storage.startswith(_ATTACHMENT):
            names.append(_attachment_name(ole, path[:depth], known) or f"attachment-{len(names) + 1}")
    if path[-1] in _BODIES:
        names.append("body")
    return "/".join(names)


def _attachment_name(ole: _Ole, storage: Path, known: frozenset[Path]) -> str:
    for stream in _NAMES:
        try:
            if (*storage, stream) in known and ole.get_size([*storage, stream]) <= 4096:
                raw = ole.openstream([*storage, stream]).read()
                text = raw.decode("utf-16-le", "replace") if stream.endswith("F") else raw.decode("cp1252", "replace")
                return clean_name(text.rstrip("\x00"))
        except _OLE_ERRORS:
            continue
    return ""
