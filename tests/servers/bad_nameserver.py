"""A name server that misbehaves, over UDP and TCP on loopback, within the test's own event loop.

A behaviour is a coroutine function: a ``Query`` → the messages to send back, in order (none: silence). Over TCP each is sent behind its length.
"""

import asyncio
import random
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from nameserver import free_port

HOST = "127.0.0.1"
A_RECORD = ("{name} 300 IN A 203.0.113.7",)
SOA_RECORD = ("example.com. 3600 IN SOA ns.example.com. hostmaster.example.com. 1 7200 3600 604800 60",)


@dataclass
class Query:
    """What was asked: the octets, the message read, whether over TCP, and how many were asked before."""

    wire: bytes
    message: dns.message.Message
    tcp: bool
    before: int

    @property
    def name(self) -> str:
        return self.message.question[0].name.to_text()

    @property
    def kind(self) -> str:
        return dns.rdatatype.to_text(self.message.question[0].rdtype)


Behaviour = Callable[[Query], Awaitable[list[bytes]]]


class BadNameServer:
    """Runs within ``async with``; ``queries`` has all that was asked."""

    def __init__(self, behaviour: Behaviour, *, tcp: bool = True):
        self.behaviour = behaviour
        self.queries: list[Query] = []
        self.port = free_port()
        self._with_tcp = tcp
        self._tasks: set[asyncio.Task] = set()

    @property
    def address(self) -> tuple[str, int]:
        return HOST, self.port

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(self), local_addr=(HOST, self.port))
        self._tcp = await asyncio.start_server(self._talk, HOST, self.port) if self._with_tcp else None
        return self

    async def __aexit__(self, *_):
        self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def note(self, wire: bytes, *, tcp: bool) -> Query:
        query = Query(wire, dns.message.from_wire(wire), tcp, len(self.queries))
        self.queries.append(query)
        return query

    def start(self, work):
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _talk(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            size = int.from_bytes(await reader.readexactly(2), "big")
            query = self.note(await reader.readexactly(size), tcp=True)
            for message in await self.behaviour(query):
                writer.write(struct.pack("!H", len(message)) + message)
            await writer.drain()
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: BadNameServer):
        self.server = server

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        query = self.server.note(data, tcp=False)

        async def work():
            for message in await self.server.behaviour(query):
                self.transport.sendto(message, address)

        self.server.start(work())


def made(query: Query, answer=A_RECORD, *, rcode=dns.rcode.NOERROR, authority=(), flags=0) -> bytes:
    """An answer with records in master-file form, ``{name}`` being the name that was asked."""
    message = dns.message.make_response(query.message, recursion_available=True)
    message.set_rcode(rcode)
    message.flags |= flags
    for section, records in ((message.answer, answer), (message.authority, authority)):
        for record in records:
            owner, ttl, _, kind, data = record.format(name=query.name).split(" ", 4)
            section.append(dns.rrset.from_text(owner, int(ttl), "IN", kind, data))
    return message.to_wire(max_size=65535)


def says(*answer: str, **more) -> Behaviour:
    """Answers with these records (see ``made``)."""

    async def behaviour(query):
        return [made(query, answer, **more)]

    return behaviour


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behaves another way each time, the last of them from then on."""

    async def behaviour(query):
        return await behaviours[min(query.before, len(behaviours) - 1)](query)

    return behaviour


def late(seconds: float, then: Behaviour) -> Behaviour:
    async def behaviour(query):
        await asyncio.sleep(seconds)
        return await then(query)

    return behaviour


def drops_every_third(then: Behaviour) -> Behaviour:
    async def behaviour(query):
        return [] if query.before % 3 == 2 else await then(query)

    return behaviour


def over_tcp(udp: Behaviour, tcp: Behaviour) -> Behaviour:
    async def behaviour(query):
        return await (tcp if query.tcp else udp)(query)

    return behaviour


def formerr_to_edns(then: Behaviour) -> Behaviour:
    """As servers from before EDNS: the header alone, with FORMERR."""

    async def behaviour(query):
        if query.message.edns < 0:
            return await then(query)
        return [query.wire[:2] + struct.pack("!5H", 0x8001, 0, 0, 0, 0)]

    return behaviour


def changed(then: Behaviour, change: Callable[[bytearray], object], *, also_right: bool = False) -> Behaviour:
    """The answers with octets changed, and after them the right ones, if wanted."""

    async def behaviour(query):
        right = await then(query)
        wrong = [bytearray(message) for message in right]
        for message in wrong:
            change(message)
        return [bytes(message) for message in wrong] + (right if also_right else [])

    return behaviour


def wrong_id(message: bytearray) -> None:
    message[0] ^= 0xFF


def wrong_question(message: bytearray) -> None:
    message[13] ^= 0x01  # the first letter of the name


def no_response(message: bytearray) -> None:
    message[2] &= 0x7F  # a question, as it seems


def cut_in_half(message: bytearray) -> None:
    del message[-len(message) // 3 :]


def forward_pointer(message: bytearray) -> None:
    """The owner of the first record points to itself."""
    at = bytes(message).index(b"\xc0\x0c")
    message[at : at + 2] = struct.pack("!H", 0xC000 | at)


async def silence(query: Query) -> list[bytes]:
    return []


async def garbage(query: Query) -> list[bytes]:
    """The right number, and then anything."""
    return [query.wire[:2] + random.Random(7).randbytes(80)]


async def garbage_after_the_question(query: Query) -> list[bytes]:
    question = query.message.question[0].name.to_wire() + struct.pack("!HH", query.message.question[0].rdtype, 1)
    return [query.wire[:2] + struct.pack("!5H", 0x8180, 1, 9, 9, 9) + question + random.Random(7).randbytes(300)]


async def truncated(query: Query) -> list[bytes]:
    return [made(query, (), flags=dns.flags.TC)]


async def endless_aliases(query: Query) -> list[bytes]:
    """Each name is an alias of the next, without end, one an answer."""
    label, _, rest = query.name.partition(".")
    number = int(label) if label.isdigit() else 0
    return [made(query, (f"{query.name} 300 IN CNAME {number + 1}.{rest}",))]


async def megabyte(query: Query) -> list[bytes]:
    """As much TXT as a message holds, over TCP, sixteen times; and no more than that it is cut off over UDP."""
    if not query.tcp:
        return await truncated(query)
    text = " ".join(f'"{"x" * 250}"' for _ in range(259))
    return [made(query, (f"{query.name} 300 IN TXT {text}",))] * 16


async def name_of_300_octets(query: Query) -> list[bytes]:
    """A record whose owner has six labels of fifty octets."""
    name = (b"\x32" + b"x" * 50) * 6 + b"\0"
    question = query.message.question[0].name.to_wire() + struct.pack("!HH", query.message.question[0].rdtype, 1)
    head = query.wire[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0)
    return [head + question + name + struct.pack("!HHIH", 1, 1, 300, 4) + b"\xcb\0\x71\7"]
