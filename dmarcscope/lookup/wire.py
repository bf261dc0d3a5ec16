"""Questions and answers as octets: RFC 1035 §4.1, with EDNS (RFC 6891 §6.1) and TXT strings joined (RFC 7208 §3.3).

Reads only what an ``Answer`` holds: the answer section, and from the authority section whether there is a SOA (and its TTL for negative
answers) or a referral. That is some ten times faster than making message objects. Kinds that are not in ``READERS`` are left to dnspython.
Whatever the octets, nothing but Unreadable is raised.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

IN = 1
A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, DNAME, SPF = 1, 2, 5, 6, 12, 15, 16, 28, 39, 99
NUMBERS = {"A": A, "NS": NS, "CNAME": CNAME, "SOA": SOA, "PTR": PTR, "MX": MX, "TXT": TXT, "AAAA": AAAA, "DNAME": DNAME, "SPF": SPF}

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, REFUSED = 0, 1, 2, 3, 5
QR, OPCODE, TC, RD, AD, RCODE = 0x8000, 0x7800, 0x0200, 0x0100, 0x0020, 0x000F
HEADER_SIZE = 12
PAYLOAD = 1232  # octets: fits every network's packets without fragments (the DNS flag day of 2020)
MAX_TTL = 0x7FFFFFFF
MAX_JUMPS = 127  # pointers in a name: as many as it can have labels; a chain of thousands would cost seconds

# RFC 6840 §5.7: AD in a question asks for AD in the answer. RFC 6891 §6.1.2: the OPT record says how large an answer may be.
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_SERIALS = struct.Struct("!5I")
_OPT = b"\0" + struct.pack("!HHIH", 41, PAYLOAD, 0, 0)

_PLAIN = re.compile(rb"[A-Za-z0-9_.-]*")
_ESCAPED = frozenset(b'."();@$\\')


class Unreadable(Exception):
    """These octets are no answer."""


class Record(NamedTuple):
    """One record of the answer section; ``strings`` for TXT only."""

    owner: str
    kind: int
    ttl: int
    text: str
    strings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What an answer says. ``negative_ttl``: from the SOA (RFC 2308 §5), None without one. ``refers``: name servers, and no SOA."""

    rcode: int
    authenticated: bool
    records: list[Record]
    negative_ttl: int | None
    refers: bool


def kind_number(kind: str) -> int:
    """The number of a kind of record; raises ValueError for a word that names none."""
    if (number := NUMBERS.get(kind)) is not None:
        return number
    from dns.exception import DNSException
    from dns.rdatatype import from_text

    try:
        return int(from_text(kind))
    except DNSException as error:
        raise ValueError(f"there is no kind of record called {kind!r}") from error


def question_of(name: bytes, kind: int) -> bytes:
    """The question section for a name in wire form."""
    return name + struct.pack("!HH", kind, IN)


def message_of(number: int, question: bytes, *, edns: bool) -> bytes:
    """A whole message that asks a recursive server."""
    head = _HEADER.pack(number, RD | AD, 1, 0, 0, int(edns))
    return head + question + _OPT if edns else head + question


def is_answer(data: bytes, question: bytes) -> bool:
    """Whether these octets (the number has been compared) answer this question.

    >>> is_answer(message_of(7, b"\\0\\0\\2\\0\\1", edns=False), b"\\0\\0\\2\\0\\1")
    False
    """
    if len(data) < HEADER_SIZE:
        return False
    _, flags, questions, *_ = _HEADER.unpack_from(data)
    if not flags & QR or flags & OPCODE:
        return False
    if questions == 0:
        # RFC 1035 §4.1.1: a server that could not read the question cannot repeat it.
        return flags & RCODE not in {NOERROR, NXDOMAIN}
    # RFC 5452 §9.1: the question must be the one that was asked. Case may differ (RFC 4343 §3).
    echo = data[HEADER_SIZE : HEADER_SIZE + len(question)]
    return questions == 1 and (echo == question or (echo[:-4].lower() == question[:-4].lower() and echo[-4:] == question[-4:]))


def rcode_of(data: bytes) -> int:
    """The response code of a message."""
    return data[3] & RCODE


def is_cut(data: bytes) -> bool:
    """Whether the server left out what did not fit (RFC 2181 §9)."""
    return bool(data[2] << 8 & TC)


def read_reply(data: bytes, question: bytes) -> Reply:
    """What a message that ``is_answer`` says. Raises Unreadable."""
    _, flags, _, answers, authorities, _ = _HEADER.unpack_from(data)
    wanted = int.from_bytes(question[-4:-2], "big")
    kinds = {wanted, CNAME, DNAME}
    at, records = HEADER_SIZE + len(question), []
    for _ in range(answers):
        owner, kind, ttl, start, at = _record_head(data, at)
        if kind in kinds:
            records.append(Record(owner, kind, ttl, *record_text(kind, data, start, at)))
    negative_ttl, refers = _authority(data, at, authorities)
    return Reply(flags & RCODE, bool(flags & AD), records, negative_ttl, refers and negative_ttl is None)


def _record_head(data: bytes, at: int) -> tuple[str, int, int, int, int]:
    """Owner, kind, TTL, and where the data begin and end. Records of other classes have kind 0."""
    owner, at = read_name(data, at)
    try:
        kind, kind_class, ttl, size = _RECORD.unpack_from(data, at)
    except struct.error as error:
        raise Unreadable("it ends within a record") from error
    start = at + _RECORD.size
    if start + size > len(data):
        raise Unreadable("it ends within the data of a record")
    # RFC 2181 §8: a TTL with its highest bit set is zero.
    return owner, kind if kind_class == IN else 0, ttl if ttl <= MAX_TTL else 0, start, start + size


def _authority(data: bytes, at: int, count: int) -> tuple[int | None, bool]:
    """The TTL of a negative answer, if there is a SOA, and whether there are name servers."""
    refers = False
    for _ in range(count):
        _, kind, ttl, start, at = _record_head(data, at)
        if kind == SOA:
            # RFC 2308 §5: the lesser of the SOA's own TTL and its minimum field.
            return min(ttl, int(_soa(data, start, at)[0].rpartition(" ")[2])), refers
        refers = refers or kind == NS
    return None, refers


def read_name(data: bytes, at: int) -> tuple[str, int]:
    """A name at a place, as lower-case text with escapes, and where it ends. Raises Unreadable."""
    labels: list[bytes] = []
    size, end, limit, jumps = 1, 0, at, 0
    try:
        while length := data[at]:
            if length < 0x40:
                labels.append(data[at + 1 : at + 1 + length])
                size += length + 1
                at += length + 1
            elif length >= 0xC0:
                # RFC 1035 §4.1.4: a pointer leads to a prior place; so no circle is possible.
                target = (length & 0x3F) << 8 | data[at + 1]
                if target >= limit or jumps == MAX_JUMPS:
                    raise Unreadable("a name points forward, or too often")
                end, jumps = end or at + 2, jumps + 1
                at = limit = target
            else:
                raise Unreadable("a label is of an unknown kind")
            if size > 255:
                raise Unreadable("a name is over 255 octets long")
    except IndexError:
        raise Unreadable("it ends within a name") from None
    return _name_text(labels), end or at + 1


def _name_text(labels: list[bytes]) -> str:
    """Labels as text: lower case, without final dot, odd octets escaped (RFC 1035 §5.1)."""
    joined = b".".join(labels)
    if _PLAIN.fullmatch(joined) and joined.count(b".") == len(labels) - 1:
        return joined.decode("ascii").lower()
    return ".".join("".join(map(_escape, label.lower())) for label in labels)


def _escape(octet: int) -> str:
    if octet in _ESCAPED:
        return "\\" + chr(octet)
    return chr(octet) if 0x20 < octet < 0x7F else f"\\{octet:03d}"


Text = tuple[str, tuple[str, ...]]


def record_text(kind: int, data: bytes, start: int, end: int) -> Text:
    """The data of a record as text, and the strings of a TXT record. Raises Unreadable."""
    reader = READERS.get(kind)
    return reader(data, start, end) if reader else _other(kind, data, start, end)


def _whole_name(data: bytes, start: int, end: int) -> str:
    name, at = read_name(data, start)
    if at != end:
        raise Unreadable("the data of a record do not end with their name")
    return name


def _name(data: bytes, start: int, end: int) -> Text:
    return _whole_name(data, start, end), ()


def _ipv4(data: bytes, start: int, end: int) -> Text:
    if end - start != 4:
        raise Unreadable("an IPv4 address has not four octets")
    return str(IPv4Address(data[start:end])), ()


def _ipv6(data: bytes, start: int, end: int) -> Text:
    if end - start != 16:
        raise Unreadable("an IPv6 address has not sixteen octets")
    return str(IPv6Address(data[start:end])), ()


def _mx(data: bytes, start: int, end: int) -> Text:
    if end - start < 3:
        raise Unreadable("an MX record is too short")
    return f"{int.from_bytes(data[start : start + 2], 'big')} {_whole_name(data, start + 2, end)}", ()


def _txt(data: bytes, start: int, end: int) -> Text:
    strings, at = [], start
    while at < end:
        after = at + 1 + data[at]
        if after > end:
            raise Unreadable("a string of a TXT record is longer than the record")
        strings.append(data[at + 1 : after].decode("latin-1"))
        at = after
    return "".join(strings), tuple(strings)


def _soa(data: bytes, start: int, end: int) -> Text:
    server, at = read_name(data, start)
    mailbox, at = read_name(data, at)
    if at + _SERIALS.size != end:
        raise Unreadable("a SOA record has the wrong length")
    return " ".join((server, mailbox, *map(str, _SERIALS.unpack_from(data, at)))), ()


def _other(kind: int, data: bytes, start: int, end: int) -> Text:
    from dns.exception import DNSException
    from dns.rdata import from_wire

    try:
        return from_wire(IN, kind, data, start, end - start).to_text(), ()  # type: ignore[arg-type]
    except (DNSException, ValueError, IndexError) as error:
        raise Unreadable(f"the data of a record of kind {kind} cannot be read") from error


READERS: dict[int, Callable[[bytes, int, int], Text]] = {
    A: _ipv4,
    NS: _name,
    CNAME: _name,
    SOA: _soa,
    PTR: _name,
    MX: _mx,
    TXT: _txt,
    AAAA: _ipv6,
    DNAME: _name,
    SPF: _txt,
}
