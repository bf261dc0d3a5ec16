"""The DNS as the ledger remembers it, or with one record changed; and SPF of many sources by way of either."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address

from dmarcscope.lookup.asking import AT_ONCE, Resolver
from dmarcscope.lookup.opening import open_resolver
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.lookup.spf import check_host
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.spf_check import SpfCheck
from dmarcscope.model.words import SpfResult
from dmarcscope.parse.spf_meant import RECORD
from dmarcscope.parse.values import canonical_ip
from dmarcscope.store.answers import LedgerAnswers, Observations
from dmarcscope.store.files import StoreFiles

NEVER = "nobody has asked for it yet"
NOBODY = {"TXT": "v=spf1 ?all", "A": "0.0.0.0", "AAAA": "::", "MX": "0 ."}  # noqa: S104 (an address that nobody has)
"""Answers that make a term match nobody, without being void (RFC 7208 §4.6.4; RFC 7505)."""


class Remembered:
    """Answers with what was last seen of a name; NOT_ASKED for what never was. Asks nobody."""

    def __init__(self, seen: Observations) -> None:
        self._seen = seen
        self._answers: dict[Question, Answer] = {}

    async def ask(self, name: str, kind: str) -> Answer:
        """What was last seen."""
        question = Question(name.lower().removesuffix("."), kind.upper())
        if question not in self._answers:
            found = self._seen.of(question)
            self._answers[question] = found[-1].answer if found else Answer(question, Outcome.NOT_ASKED, detail=NEVER)
        return self._answers[question]


class WithSpf:
    """Another resolver's answers, but for the SPF record of one domain."""

    def __init__(self, inner: Resolver, domain: str, record: str) -> None:
        self._inner = inner
        self._question = Question(domain, "TXT")
        self._record = record

    async def ask(self, name: str, kind: str) -> Answer:
        """What came of a question, with the changed record."""
        answer = await self._inner.ask(name, kind)
        if answer.question != self._question:
            return answer
        others = [text for text in answer.records if not RECORD.match(text)]
        return replace(answer, outcome=Outcome.FOUND, records=(*others, self._record), strings=(), detail="")


class Supposing:
    """Another resolver's answers; what it could not ask is supposed to match nobody. ``supposed`` are the questions of that kind."""

    def __init__(self, inner: Resolver) -> None:
        self._inner = inner
        self.supposed: set[tuple[str, str]] = set()

    async def ask(self, name: str, kind: str) -> Answer:
        """What came of a question, or something that is harmless to SPF."""
        answer = await self._inner.ask(name, kind)
        if answer.outcome.is_told:
            return answer
        self.supposed.add((answer.question.name, answer.question.kind))
        return replace(answer, outcome=Outcome.FOUND, records=(NOBODY[kind],) if kind in NOBODY else (), detail="")


@asynccontextmanager
async def opened(store: StoreFiles, dns: DnsSettings | None) -> AsyncIterator[Resolver]:
    """A resolver for the time of the block: what the ledger remembers, or with ``dns`` the DNS itself, whose answers are kept."""
    if dns is None:
        yield Remembered(Observations(store.ledger))
        return
    async with open_resolver(dns, LedgerAnswers(store.ledger)) as resolver:
        yield resolver


async def evaluated(resolver: Resolver, sources: Iterable[str | None], domain: str) -> dict[str, SpfCheck]:
    """SPF of a domain for many sources, some of them at a time; what is no address is left out."""
    waiting = iter({ip for ip in sources if ip is not None and canonical_ip(ip) == ip})
    found: dict[str, SpfCheck] = {}

    async def work() -> None:
        for ip in waiting:
            found[ip] = await check_host(resolver, ip_address(ip), domain, f"postmaster@{domain}", domain)
            await asyncio.sleep(0)  # answers from memory never wait, and others must have their turn

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    return found


async def results(resolver: Resolver, sources: Iterable[str | None], domain: str) -> dict[str, SpfResult | None]:
    """The SPF results of many sources; None where that cannot be told, as something was never asked for."""
    wanted = {ip for ip in sources if ip is not None}
    supposing = Supposing(resolver)
    checks = await evaluated(supposing, wanted, domain)
    return {ip: told(checks[ip], supposing) if ip in checks else None for ip in wanted}


def told(check: SpfCheck, supposing: Supposing) -> SpfResult | None:
    """The result of an evaluation, if it does not rest on what was supposed."""
    unsure = [each.term for each in check.questions if (each.name, each.kind) in supposing.supposed]
    if not unsure:
        return check.result if check.result is not SpfResult.TEMPERROR else None
    # What could not be asked may let the source in as well: a pass stays one, and nothing else is sure.
    lets_in = all(term and term[0] not in "-~?" for term in unsure)
    return SpfResult.PASS if check.result is SpfResult.PASS and lets_in else None
