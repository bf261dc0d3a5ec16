"""Ask the DNS about what the reports name: the sources, whether SPF authorises them today, the keys, and whose domains they are.

    record table ─ what is not fresh ─▶ workers ─ questions ─▶ resolver ─▶ cache and observations in the ledger
                                            └─────── results ─────────▶ sources, spf_checks, keys, walks in the ledger

Facts: what was told less than a day ago is not asked again, so a run that was stopped goes on where it was. What could not be told never
replaces what was. Nothing is sent but to the resolver; offline, nothing at all.
Strategy: names are read from the table as they are needed, so memory does not grow with their number; a watch over the workers ends them
when time is up, when somebody stops it, or when no name server answers.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from itertools import chain, groupby, islice
from threading import Event as Flag
from time import monotonic
from typing import Any, TypeVar

from dmarcscope.errors import LookupUnavailable
from dmarcscope.lookup.asking import AT_ONCE, Resolver
from dmarcscope.lookup.dkim import key_name
from dmarcscope.lookup.dmarc import Walk
from dmarcscope.lookup.opening import open_resolver
from dmarcscope.lookup.ptr import ptr, untold
from dmarcscope.lookup.running import finished
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.lookup.spf import check_host
from dmarcscope.model.answer import Answer, Outcome
from dmarcscope.model.dkim_key import DkimKey, KeyState
from dmarcscope.model.source_check import Check, KeyCheck, KeyToday, PtrResult, SourceCheck, SpfToday, WalkCheck
from dmarcscope.model.words import SpfResult
from dmarcscope.ops.ingest import Progress, now, silent
from dmarcscope.parse.dkim_key import dkim_key, dkim_keys
from dmarcscope.parse.values import canonical_ip
from dmarcscope.parse.values import domain as read_domain
from dmarcscope.store.answers import LedgerAnswers
from dmarcscope.store.checks import Checks, Key
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.ledger import Ledger
from dmarcscope.tables import queries
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows_of

PATIENCE = 5.0
"""Seconds that look-ups wait for the ledger; whoever stores goes before them."""
AHEAD = 1_000
"""Names that are read from the table at once."""
SAVE_EVERY = 500
"""Results that are written at once."""
TICK = 0.1  # seconds between two looks at whether it is over
SELECTOR = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")

T = TypeVar("T")


@dataclass(slots=True)
class Resolved:
    """What look-ups found out. ``found`` counts results by kind and word; ``fresh`` is what needed no asking; ``waits`` says why it
    ended before the end, and is empty if it did not.
    """

    found: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in ("sources", "spf", "keys", "domains")})
    fresh: int = 0
    questions: int = 0
    seconds: float = 0.0
    waits: str = ""

    @property
    def done(self) -> int:
        """How much was asked for."""
        return sum(sum(words.values()) for words in self.found.values())

    def as_dict(self) -> dict[str, Any]:
        """Flat, for machines."""
        counts = {kind: sum(words.values()) for kind, words in self.found.items()}
        words = {kind: dict(sorted(found.items())) for kind, found in self.found.items()}
        return {**counts, "fresh": self.fresh, "questions": self.questions, "seconds": self.seconds, "waits": self.waits, "found": words}


def resolve(
    store: StoreFiles,
    dns: DnsSettings,
    which: Filter,
    *,
    again: bool = False,
    retry: timedelta = timedelta(0),
    budget: float | None = None,
    patience: float | None = None,
    stop: Flag | None = None,
    progress: Progress = silent,
) -> Resolved:
    """Ask about the sources, domains and keys of the records that ``which`` means; ``again``: also about what is fresh.

    What could not be told lately is asked for again after ``retry``.

    Ends after ``budget`` seconds, when ``stop`` is set, or when no name server has answered for ``patience`` seconds (None: as long as the
    settings let a question take). Raises SetupError for settings that are of no use, StoreUnavailable if the ledger cannot be written.
    """
    store.require()
    if dns.offline and not dns.zone_files:
        return Resolved(waits="offline: nothing is asked")
    started = monotonic()
    with closing(Ledger(store.ledger.path, PATIENCE)) as ledger:
        run = Lookups(store, ledger, retry=None if again else retry, progress=progress)
        watch = Watch(budget, patience if patience is not None else longest(dns), stop)
        finished(run.all(dns, which, watch))
        run.answers.prune(now())
        if run.answers.trouble is not None:
            raise run.answers.trouble
    run.outcome.seconds = round(monotonic() - started, 3)
    return run.outcome


def longest(dns: DnsSettings) -> float:
    """Seconds that a question may take before there is no answer to it."""
    return dns.timeout * float(2**dns.tries - 1) * max(1, len(dns.nameservers)) + 1


def need_answers(outcome: Resolved) -> None:
    """Raise LookupUnavailable if look-ups ended because nobody answered."""
    if outcome.waits == SILENCE:
        raise LookupUnavailable(SILENCE, fix="What was found out is kept; try again later, or name other servers under [dns]")


SILENCE = "no name server answers"


class Listening:
    """A resolver that counts what it asks, and what it hears of name servers."""

    def __init__(self, inner: Resolver) -> None:
        self._inner = inner
        self.questions = 0
        self.waiting = 0
        self.heard = 0
        self.in_vain = 0
        self.dead = False
        """Whether all name servers are known to answer nothing at all."""

    @property
    def is_silent(self) -> bool:
        """Whether nobody answers."""
        return self.dead or bool(self.in_vain and not self.heard)

    async def ask(self, name: str, kind: str) -> Answer:
        """What came of a question."""
        self.questions += 1
        self.waiting += 1
        try:
            answer = await self._inner.ask(name, kind)
        finally:
            self.waiting -= 1
        self.in_vain += answer.outcome is Outcome.TIMEOUT
        self.heard += answer.outcome not in {Outcome.TIMEOUT, Outcome.NOT_ASKED}
        self.dead = answer.outcome is Outcome.TIMEOUT and answer.ttl == 0
        return answer


@dataclass(slots=True)
class Watch:
    """When look-ups end before their end."""

    budget: float | None
    patience: float
    stop: Flag | None

    async def over(self, listening: Listening) -> str:
        """Wait until it is time to end, and say why."""
        started = monotonic()
        # Silence is counted in ticks: while the table is read nothing is heard, and nothing ticks.
        heard, silent_ticks = 0, 0
        while True:
            await asyncio.sleep(TICK)
            if self.stop is not None and self.stop.is_set():
                return "stopped"
            silent_ticks = silent_ticks + 1 if listening.waiting and listening.heard == heard else 0
            heard = listening.heard
            if silent_ticks * TICK > self.patience:
                return SILENCE
            if self.budget is not None and monotonic() - started > self.budget:
                return "time is up"


class Lookups:
    """One run of look-ups."""

    def __init__(self, store: StoreFiles, ledger: Ledger, *, retry: timedelta | None, progress: Progress) -> None:
        self._store = store
        self._checks = Checks(ledger)
        self._retry = retry  # None: everything is asked for again
        self._progress = progress
        self._results: list[Check] = []
        self.answers = LedgerAnswers(ledger)
        self.outcome = Resolved()

    async def all(self, dns: DnsSettings, which: Filter, watch: Watch) -> None:
        """Everything; keys and domains first, as they are few and matter most, then the sources with most mail."""
        work = chain(self._keys(which), self._domains(which), self._sources(which))
        try:
            async with open_resolver(dns, self.answers) as resolver:
                listening = Listening(resolver)
                try:
                    over = await self._until(watch.over(listening), self._work(listening, work))
                    self.outcome.waits = over or (SILENCE if listening.is_silent else "")
                finally:
                    self.outcome.questions = listening.questions
        finally:
            self._save()

    async def _until(self, over: Any, work: Any) -> str:
        """Do the work, unless it is over before; why it was, or empty."""
        working, ending = asyncio.ensure_future(work), asyncio.ensure_future(over)
        try:
            await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                return ""
            return str(ending.result())
        finally:
            for task in (working, ending):
                task.cancel()
            await asyncio.gather(working, ending, return_exceptions=True)

    async def _work(self, resolver: Listening, items: Iterator["Item"]) -> None:
        async def worker() -> None:
            for kind, keys in items:
                if resolver.dead:
                    return
                check = await KINDS[kind](resolver, keys)
                # While nobody has answered at all, it says nothing of the name that it could not be told.
                self._note(check, keep=not (check.trouble and resolver.is_silent))
                await asyncio.sleep(0)  # answers from memory never wait, and others must have their turn

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(worker())

    def _note(self, check: Check, *, keep: bool) -> None:
        if keep:
            self._results.append(check)
        name, word = counted(check)
        self.outcome.found[name][word] += 1
        self._progress(1)
        if len(self._results) >= SAVE_EVERY:
            self._save()

    def _save(self) -> None:
        if self._results:
            self._checks.put(self._results, now())
        self._results.clear()

    # What is to be asked.

    def _keys(self, which: Filter) -> Iterator["Item"]:
        found = ((row["domain"], row["selector"]) for row in self._rows(queries.keys(which)))
        yield from self._due(KeyCheck, (pair for pair in found if is_domain(pair[0]) and SELECTOR.fullmatch(pair[1])))

    def _domains(self, which: Filter) -> Iterator["Item"]:
        found = ((row["domain"],) for row in self._rows(queries.all_domains(which)))
        yield from self._due(WalkCheck, (one for one in found if is_domain(one[0])))

    def _sources(self, which: Filter) -> Iterator["Item"]:
        """Each source and then its pairs, some sources at a time."""
        pairs = ((row["source_ip"], row["domain"]) for row in self._rows(queries.source_domains(which)))
        sound = (pair for pair in pairs if canonical_ip(pair[0]) == pair[0])
        last = None  # the pairs of a source stand together, and a portion may end between them
        for part in portions(sound, AHEAD):
            ips = [ip for ip, _ in groupby(ip for ip, _ in part) if ip != last]
            last = part[-1][0]
            yield from self._due(SourceCheck, ((ip,) for ip in ips))
            yield from self._due(SpfToday, ((ip, domain) for ip, domain in part if domain is not None and is_domain(domain)))

    def _rows(self, question: tuple[str, list[Any]]) -> Iterator[dict[str, Any]]:
        return rows_of(self._store.engine.stream(*question)[1])

    def _due(self, kind: type[Check], keys: Iterable[Key]) -> Iterator["Item"]:
        """Those that are not fresh."""
        for part in portions(keys, AHEAD):
            fresh = set() if self._retry is None else self._checks.fresh(kind, part, now(), self._retry)
            self.outcome.fresh += len(fresh)
            for key in part:
                if key not in fresh:
                    yield kind, key


def portions(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Items in lists of that size."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def is_domain(name: str) -> bool:
    """Whether a text of a report is a domain name."""
    return read_domain(name) == (name, None)


Item = tuple[type[Check], Key]


async def source_check(resolver: Resolver, keys: Key) -> SourceCheck:
    """The name of a source."""
    found = await ptr(resolver, keys[0])
    if found.result is PtrResult.TEMPERROR:
        return SourceCheck(keys[0], trouble=found.reason)
    return SourceCheck(keys[0], found.result.value, found.name, found.confirmed)


async def spf_today(resolver: Resolver, keys: Key) -> SpfToday:
    """Whether SPF of a domain authorises a source."""
    ip, domain = keys
    found = await check_host(resolver, ip_address(ip), domain, f"postmaster@{domain}", domain)
    # RFC 7208 §2.6.6: a temporary error says nothing about the source.
    if found.result is SpfResult.TEMPERROR:
        return SpfToday(ip, domain, trouble=found.reason)
    path = json.dumps([(step.domain, step.term) for step in found.path], ensure_ascii=False)
    return SpfToday(ip, domain, found.result.value, found.matched, path, found.reason)


async def key_check(resolver: Resolver, keys: Key) -> KeyCheck:
    """What stands at a selector."""
    domain, selector = keys
    answer = await resolver.ask(key_name(selector, domain), "TXT")
    if not answer.outcome.is_told:
        return KeyCheck(domain, selector, trouble=untold(answer))
    return key_of(domain, selector, answer.records)


def key_of(domain: str, selector: str, records: Sequence[str]) -> KeyCheck:
    """What the records of a selector are good for."""
    choice = dkim_keys(records)
    if len(choice.candidates) > 1:
        return KeyCheck(domain, selector, KeyToday.SEVERAL)
    if choice.text is None:
        return KeyCheck(domain, selector, KeyToday.MISSING)
    key = dkim_key(choice.text)
    return KeyCheck(domain, selector, state_of(key), key.algorithm[:20], key.bits)


def state_of(key: DkimKey) -> KeyToday:
    """The state of a key, in one word."""
    if key.state is KeyState.USABLE:
        return KeyToday.TESTING if key.testing else KeyToday.USABLE
    return KeyToday.REVOKED if key.state is KeyState.REVOKED else KeyToday.UNUSABLE


async def walk_check(resolver: Resolver, keys: Key) -> WalkCheck:
    """Walk the DNS tree from a domain: what is met there is observed."""
    walk = await Walk(keys[0]).run(resolver)
    return WalkCheck(keys[0], "" if walk.owner.domain is not None else walk.owner.why)


KINDS: dict[type[Check], Callable[[Resolver, Key], Any]] = {
    SourceCheck: source_check,
    SpfToday: spf_today,
    KeyCheck: key_check,
    WalkCheck: walk_check,
}
UNTOLD = "not told"


def counted(check: Check) -> tuple[str, str]:
    """The kind and the word that a result counts as."""
    match check:
        case SourceCheck():
            return "sources", UNTOLD if check.trouble else str(check.ptr_result)
        case SpfToday():
            return "spf", UNTOLD if check.trouble else str(check.result)
        case KeyCheck():
            return "keys", UNTOLD if check.trouble else str(check.state)
        case WalkCheck():
            return "domains", UNTOLD if check.trouble else "told"
