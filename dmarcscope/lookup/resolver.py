"""Asks recursive name servers: many questions at once, each of them once, with every outcome as a value.

For each question: the servers in their order, those that fail often last; a server that told of an error is not asked again, one that was
silent is, after all others, with twice the patience. Aliases are followed within an answer and asked on where it ends. Nothing is
remembered here (see ``cache``); who asks what is under way already waits for the same answer.
"""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Self

from dmarcscope.lookup import wire
from dmarcscope.lookup.chain import BadChain, Chain
from dmarcscope.lookup.names import BadName, canonical, why_not_to_ask, wire_name
from dmarcscope.lookup.servers import NameServer, Trouble
from dmarcscope.lookup.settings import DnsSettings, system_nameservers
from dmarcscope.lookup.wire import Reply
from dmarcscope.model.answer import Answer, Outcome, Question

MAX_TTL = 7 * 86_400  # seconds; RFC 8767 §4: a cap of days to weeks
MAX_NEGATIVE_TTL = 3 * 3_600  # RFC 2308 §5: one to three hours have proved good

# RFC 9520 §3.2: failures are remembered too, from 1 second to 5 minutes. Servers that are all dead are known as such without.
FAILURE_TTL = {Outcome.SERVFAIL: 60, Outcome.REFUSED: 60, Outcome.MALFORMED: 60, Outcome.TIMEOUT: 30}

TOLD = {wire.NOERROR: Outcome.NO_DATA, wire.NXDOMAIN: Outcome.NXDOMAIN}
ERRORS = {wire.SERVFAIL: "SERVFAIL", wire.REFUSED: "REFUSED", wire.FORMERR: "FORMERR", 4: "NOTIMP", 6: "YXDOMAIN", 9: "NOTAUTH"}

ALL_DEAD = Trouble(Outcome.TIMEOUT, "no name server has answered lately")


class DnsResolver:
    """Asks the name servers of the settings, as an async context manager within one event loop.

    Settings that name none mean those of the system; raises SetupError if that names none either.
    """

    def __init__(self, settings: DnsSettings) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._flying: dict[Question, asyncio.Future[Answer | None]] = {}
        self._servers = [NameServer(host, port) for host, port in settings.nameservers or system_nameservers()]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for server in self._servers:
            await self._stack.enter_async_context(server)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def ask(self, name: str, kind: str) -> Answer:
        """What came of a question (see ``Resolver.ask``). ``kind`` may be any that dnspython knows; ValueError for any other word."""
        question = Question(canonical(name), kind.upper())
        while (flying := self._flying.get(question)) is not None:
            # A future of None: who asked first was cancelled.
            if (answer := await asyncio.shield(flying)) is not None:
                return answer
        future = self._flying[question] = asyncio.get_running_loop().create_future()
        answer = None
        try:
            answer = await self._answer(question)
            return answer
        finally:
            del self._flying[question]
            future.set_result(answer)

    async def _answer(self, question: Question) -> Answer:
        chain = Chain(question.name, wire.kind_number(question.kind))
        try:
            while True:
                reply = await self._reply(chain.end, chain.kind)
                if isinstance(reply, Trouble):
                    return _untold(question, chain, reply)
                if chain.follow(reply):
                    return _told(question, chain, reply)
        except BadChain as error:
            return _untold(question, chain, Trouble(Outcome.MALFORMED, str(error)))

    async def _reply(self, name: str, kind: int) -> Reply | Trouble:
        """What the servers say about a name, or why they say nothing."""
        try:
            question = wire.question_of(wire_name(name), kind)
        except BadName as error:
            return Trouble(Outcome.NOT_ASKED, str(error))
        if reason := why_not_to_ask(name):
            return Trouble(Outcome.NOT_ASKED, reason)
        async with self._slots:
            return await self._ask_servers(question)

    async def _ask_servers(self, question: bytes) -> Reply | Trouble:
        """Round after round over the servers, until one tells. Errors that were told weigh more than silence."""
        silence, told = ALL_DEAD, None
        asked: set[NameServer] = set()
        for turn in range(self._settings.tries):
            wait = self._settings.timeout * 2**turn
            for server in self._in_order():
                if server in asked or not server.alive:
                    continue
                got = await _ask(server, question, wait)
                if isinstance(got, Reply):
                    return got
                got = Trouble(got.outcome, f"{server.host}#{server.port}: {got.detail}")
                if got.outcome is Outcome.TIMEOUT:
                    silence = got
                else:
                    told = got
                    asked.add(server)
        return told or silence

    def _in_order(self) -> Iterable[NameServer]:
        if len(self._servers) == 1:
            return self._servers
        return sorted(self._servers, key=lambda server: server.is_suspect)


async def _ask(server: NameServer, question: bytes, wait: float) -> Reply | Trouble:
    """What one server says, in at most a few steps: without EDNS if it knows none, over TCP if UDP cuts it off."""
    edns = server.edns
    got = await server.ask(question, wait, edns=edns)
    if edns and _is_formerr(got):
        # RFC 6891 §7: an old server answers FORMERR to EDNS; ask without it, and if that helps, from then on.
        got = await server.ask(question, wait, edns=False)
        server.edns = _is_formerr(got)
    if not isinstance(got, Trouble) and wire.is_cut(got):
        got = await server.ask_again_over_tcp(question, wait)
    return got if isinstance(got, Trouble) else _read(got, question)


def _is_formerr(got: bytes | Trouble) -> bool:
    return not isinstance(got, Trouble) and wire.rcode_of(got) == wire.FORMERR


def _read(data: bytes, question: bytes) -> Reply | Trouble:
    rcode = wire.rcode_of(data)
    if rcode not in TOLD:
        outcome = Outcome.REFUSED if rcode == wire.REFUSED else Outcome.SERVFAIL
        return Trouble(outcome, f"the server answers {ERRORS.get(rcode, f'code {rcode}')}")
    try:
        reply = wire.read_reply(data, question)
    except wire.Unreadable as error:
        return Trouble(Outcome.MALFORMED, f"the answer cannot be read: {error}")
    # RFC 2308 §2.2: name servers without a SOA are a referral, which says nothing about the name.
    if reply.refers and not reply.records and rcode == wire.NOERROR:
        return Trouble(Outcome.SERVFAIL, "the server only refers to others: it is not recursive")
    return reply


def _told(question: Question, chain: Chain, reply: Reply) -> Answer:
    """The answer at the end of a chain."""
    if chain.records:
        outcome, ttl = Outcome.FOUND, min(chain.ttl, MAX_TTL)
    else:
        # RFC 2308 §2.1: with aliases, the code is about the last name. §5: without a SOA it is not kept.
        outcome, ttl = TOLD[reply.rcode], min(chain.ttl, reply.negative_ttl or 0, MAX_NEGATIVE_TTL)
    return Answer(
        question,
        outcome,
        records=tuple([record.text for record in chain.records]),
        strings=tuple([record.strings for record in chain.records]) if chain.kind == wire.TXT else (),
        aliases=tuple(chain.aliases),
        ttl=ttl,
        authenticated=chain.authenticated,
    )


def _untold(question: Question, chain: Chain, trouble: Trouble) -> Answer:
    ttl = 0 if trouble is ALL_DEAD else FAILURE_TTL.get(trouble.outcome, 0)
    return Answer(question, trouble.outcome, aliases=tuple(chain.aliases), ttl=ttl, detail=trouble.detail)
