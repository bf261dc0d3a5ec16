"""One name server each: UDP over shared sockets, TCP for what UDP cuts off, and whether it lives.

RFC 5452 §9.2 against forged answers: ``CHANNELS`` sockets on ports that the kernel picks at random, connected, so that only datagrams from
the server's address and port arrive; a random one and a random number for each question, and the question compared with the answer's.
A datagram that does not fit is dropped, and the wait goes on.

Health: after ``SUSPECT_AFTER`` failures without an answer in between, the server is asked for the root's name servers, which every server
answers somehow. Only if that gets no answer is it dead: what waits for it ends at once, nothing more is asked, and the probe is repeated
until it is answered. Names whose own servers are silent can therefore never make a living resolver look dead.
"""

import asyncio
import secrets
import socket
from typing import NamedTuple, Self

from dmarcscope.errors import SetupError
from dmarcscope.lookup import wire
from dmarcscope.model.answer import Outcome

CHANNELS = 16  # sockets per server: four bits of chance beside the sixteen of the number, and room in their buffers
BURST = 64  # datagrams read from one socket before others have their turn
DATAGRAM = 65535  # octets
SUSPECT_AFTER = 3  # failures in a row
PROBE_WAIT = 2.0  # seconds
DEAD_SECONDS = 5.0  # until a dead server is probed again; twice that the next time, and so on
MAX_DEAD_SECONDS = 60.0

PROBE = wire.question_of(b"\0", wire.NS)


class Trouble(NamedTuple):
    """Why there is no answer from a server."""

    outcome: Outcome
    detail: str


class Waiting:
    """A question that is under way."""

    __slots__ = ("future", "odd", "question", "timer")

    def __init__(self, question: bytes, future: "asyncio.Future[bytes | Trouble]") -> None:
        self.question = question
        self.future = future
        self.odd = False  # whether a datagram with the right number and a wrong question came
        self.timer: asyncio.TimerHandle | None = None

    def end(self, got: bytes | Trouble) -> None:
        """Tell who waits, unless somebody did."""
        if not self.future.done():
            self.future.set_result(got)


class Channel:
    """One UDP socket, connected to a server, on a port of the kernel's choice. Raises OSError if there is no way there."""

    def __init__(self, family: int, address: tuple[object, ...]) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, Waiting] = {}
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(address)
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._receive)

    async def ask(self, number: int, question: bytes, wait: float, *, edns: bool) -> bytes | Trouble:
        """The answer to a question, or why none came within ``wait`` seconds."""
        while number in self._waiting:
            number = secrets.randbits(16)
        waiting = self._waiting[number] = Waiting(question, self._loop.create_future())
        timer = self._loop.call_later(wait, self._expire, waiting, wait)
        try:
            self._socket.send(wire.message_of(number, question, edns=edns))
        except BlockingIOError:
            pass  # the buffer is full: as good as lost on the way, and repeated like that
        except OSError as error:
            waiting.end(Trouble(Outcome.TIMEOUT, _why(error)))
        try:
            return await waiting.future
        finally:
            timer.cancel()
            del self._waiting[number]

    def abandon(self, trouble: Trouble) -> None:
        """End all that waits here."""
        for waiting in self._waiting.values():
            waiting.end(trouble)

    def close(self) -> None:
        """Let go of the socket."""
        self.abandon(Trouble(Outcome.TIMEOUT, "the resolver was closed"))
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _receive(self) -> None:
        for _ in range(BURST):
            try:
                data = self._socket.recv(DATAGRAM)
            except BlockingIOError:
                return
            except OSError as error:  # what ICMP brought: nobody listens there, no way there
                self.abandon(Trouble(Outcome.TIMEOUT, _why(error)))
                return
            waiting = self._waiting.get(int.from_bytes(data[:2], "big"))
            if waiting is None:
                continue
            if wire.is_answer(data, waiting.question):
                waiting.end(data)
            else:
                waiting.odd = True

    @staticmethod
    def _expire(waiting: Waiting, wait: float) -> None:
        if waiting.odd:
            waiting.end(Trouble(Outcome.MALFORMED, "only an answer to another question came"))
        else:
            waiting.end(Trouble(Outcome.TIMEOUT, f"no answer within {wait:g} s"))


class NameServer:
    """One name server. ``alive`` is False while it answers nothing at all; ``edns`` turns False if it knows no EDNS.

    Made and used within one running event loop. Raises SetupError if the address is none.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError) as error:
            raise SetupError(
                f"the name server {host!r} is no address", where="DNS settings", fix="Give its IPv4 or IPv6 address."
            ) from error
        self._family: int = found[0][0]
        self._address: tuple[object, ...] = found[0][4]
        self._channels: list[Channel | None] = [None] * CHANNELS
        self._failures = 0
        self._probing: asyncio.Task[None] | None = None
        self.alive = True
        self.edns = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)
        for channel in self._channels:
            if channel is not None:
                channel.close()

    @property
    def is_suspect(self) -> bool:
        """Whether it failed so often that others are asked first."""
        return self._failures >= SUSPECT_AFTER

    async def ask(self, question: bytes, wait: float, *, edns: bool) -> bytes | Trouble:
        """The octets of an answer over UDP, or why there is none within ``wait`` seconds."""
        got = await self._udp(question, wait, edns=edns)
        self._note(failed=isinstance(got, Trouble) and got.outcome is Outcome.TIMEOUT)
        return got

    async def ask_again_over_tcp(self, question: bytes, wait: float) -> bytes | Trouble:
        """The same over TCP (RFC 7766 §5), for an answer that UDP cut off: a connection of its own, as such answers are few."""
        message = wire.message_of(secrets.randbits(16), question, edns=self.edns)
        try:
            async with asyncio.timeout(wait):
                data = await self._tcp(message)
        except TimeoutError:
            return Trouble(Outcome.TIMEOUT, f"no answer over TCP within {wait:g} s")
        except (OSError, EOFError) as error:
            return Trouble(Outcome.MALFORMED, f"the answer was cut off, and there is none over TCP: {_why(error)}")
        if data[:2] != message[:2] or not wire.is_answer(data, question):
            return Trouble(Outcome.MALFORMED, "an answer to another question came over TCP")
        # RFC 2181 §9: what is cut off is not used; over TCP there is no way to get the rest.
        return Trouble(Outcome.MALFORMED, "the answer is cut off over TCP, too") if wire.is_cut(data) else data

    async def _udp(self, question: bytes, wait: float, *, edns: bool) -> bytes | Trouble:
        chance = secrets.randbits(32)
        place = (chance >> 16) % CHANNELS
        channel = self._channels[place]
        if channel is None:
            try:
                channel = self._channels[place] = Channel(self._family, self._address)
            except OSError as error:
                return Trouble(Outcome.TIMEOUT, _why(error))
        return await channel.ask(chance & 0xFFFF, question, wait, edns=edns)

    async def _tcp(self, message: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            # RFC 7766 §8: the length and the message in one segment.
            writer.write(len(message).to_bytes(2, "big") + message)
            size = int.from_bytes(await reader.readexactly(2), "big")
            return await reader.readexactly(size)
        finally:
            writer.transport.abort()

    def _note(self, *, failed: bool) -> None:
        if not failed:
            self._failures = 0
            return
        self._failures += 1
        if self.is_suspect and self._probing is None:
            self._probing = asyncio.get_running_loop().create_task(self._probe())

    async def _probe(self) -> None:
        """Find out whether the server is dead, and if so wait until it is not."""
        pause = DEAD_SECONDS
        while isinstance(got := await self._udp(PROBE, PROBE_WAIT, edns=False), Trouble):
            self.alive = False
            for channel in self._channels:
                if channel is not None:
                    channel.abandon(got)
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_DEAD_SECONDS)
        self.alive, self._failures, self._probing = True, 0, None


def _why(error: BaseException) -> str:
    strerror = getattr(error, "strerror", None)
    return str(strerror or error or type(error).__name__)
