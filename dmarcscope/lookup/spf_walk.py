"""An SPF record as a tree with the cost of each term, without a client: what the unluckiest message costs (RFC 7208 §4.6.4).

Facts: every term is counted as if none matched. Terms after ``all`` are never reached (§5.1), nor is ``redirect`` where there is an
``all`` (§6.1). Of the macros only d and o are known without a message; a term with others is counted and not followed.
An IPv4 client asks for A and an IPv6 client for AAAA records, so void look-ups are counted for both. A client without names costs
one; what names cost that lead nowhere is up to the client, and not counted.
Strategy: a question is asked once, and caps on records, terms, questions and time bound what a hostile tree can cost; the tree
says then that it is not complete.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

from dmarcscope.lookup.asking import Resolver
from dmarcscope.lookup.spf import RFC_LIMITS, plain_domain
from dmarcscope.lookup.spf_inquiry import shown
from dmarcscope.lookup.spf_macros import Scope, asked_name, identity, is_name, is_sending_domain, target_name
from dmarcscope.lookup.spf_visit import planned
from dmarcscope.lookup.spf_walk_problems import problems_of
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.spf_check import SpfCount, SpfLimits, SpfNode, SpfQuestion, SpfStep, SpfTerm, SpfTree, TermEnd
from dmarcscope.model.spf_record import Directive, Macro, MacroString, Mechanism, Modifier, SpfRecord
from dmarcscope.model.words import SpfResult
from dmarcscope.parse.spf_lint import ASKING
from dmarcscope.parse.spf_meant import RECORD

MAX_RECORDS = 100
"""Records in a tree: ten would already be one too many for every receiver."""
MAX_TERMS = 10_000
"""Terms in a tree, after which no more records are followed: the longest real ones have some hundreds."""
MAX_QUESTIONS = 300
"""Questions: an honest tree of ten look-ups has up to 10 × 21, with ten mail hosts each."""
MAX_SECONDS = 60.0

KNOWN_LETTERS = frozenset("do")
VOID = (Outcome.NO_DATA, Outcome.NXDOMAIN)

Term = Directive | Modifier


@dataclass(frozen=True, slots=True)
class Cost:
    """What a term costs: look-ups, and void look-ups for clients with IPv4 and with IPv6 addresses."""

    lookups: int = 0
    voids4: int = 0
    voids6: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.lookups + other.lookups, self.voids4 + other.voids4, self.voids6 + other.voids6)


def reached(record: SpfRecord) -> tuple[Term, ...]:
    """The terms that an evaluation comes to if nothing matches but ``all``; ``redirect`` last, and no other modifier."""
    found: list[Term] = []
    for term in record.directives:
        found.append(term)
        # RFC 7208 §5.1: mechanisms after all are ignored, and so is redirect.
        if term.mechanism is Mechanism.ALL:
            return tuple(found)
    redirect = record.modifier("redirect")
    return (*found, redirect) if redirect else tuple(found)


def asks(term: Term) -> bool:
    """Whether a term that is reached asks the DNS (RFC 7208 §4.6.4)."""
    return isinstance(term, Modifier) or term.mechanism in ASKING


def spec_of(term: Term) -> MacroString | None:
    """The domain-spec of a term."""
    return term.value if isinstance(term, Modifier) else term.domain


def count_record(record: SpfRecord) -> SpfCount:
    """How many look-ups each term of a record costs by itself, without the records that it includes. Asks nothing.

    >>> from dmarcscope.parse.spf_record import spf_record
    >>> count_record(spf_record("v=spf1 ip4:192.0.2.1 mx include:a.example -all")).lookups
    2
    """
    names_asked = False
    found = []
    for term in reached(record):
        count = int(asks(term))
        if letters(spec_of(term)) & {"p"} and not names_asked:
            # RFC 7208 §4.6.4: the client's names are a look-up of their own, asked for once.
            count += 1
            names_asked = True
        names_asked = names_asked or is_ptr(term)
        found.append((term.text, count))
    return SpfCount(tuple(found))


def letters(spec: MacroString | None) -> set[str]:
    """The letters of the macros in it."""
    return {part.letter for part in spec.parts if isinstance(part, Macro)} if spec else set()


def is_ptr(term: Term) -> bool:
    """Whether a term asks for the client's names."""
    return isinstance(term, Directive) and term.mechanism is Mechanism.PTR


async def walk(resolver: Resolver, domain: str, *, limits: SpfLimits = RFC_LIMITS) -> SpfTree:
    """The record of a domain with all that it includes, counted as if nothing matched.

    Asks at most MAX_QUESTIONS questions, begins none after MAX_SECONDS, and raises nothing. ``limits`` are those that the problems
    speak of. Must run in an asyncio event loop.
    """
    name = plain_domain(domain)
    walker = Walker(resolver, name, limits)
    root = await walker.record(name, (), SpfStep(name, ""))
    return SpfTree(
        domain=name,
        root=root,
        lookups=root.lookups,
        void_lookups=root.void_lookups,
        void_lookups6=root.void_lookups6,
        is_complete=walker.is_complete,
        questions=tuple(walker.questions),
        problems=problems_of(root, limits, is_complete=walker.is_complete),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A term under count, the domains of the records above it, and the name that it is about (None: it depends on the message)."""

    asker: SpfStep
    above: tuple[str, ...]
    name: str | None


class Walker:
    """Counts one tree."""

    def __init__(self, resolver: Resolver, domain: str, limits: SpfLimits) -> None:
        self.limits = limits
        self.questions: list[SpfQuestion] = []
        self.is_complete = True
        self._resolver = resolver
        self._who = identity(IPv4Address(0), f"postmaster@{domain}", domain)
        self._answers: dict[Question, Answer] = {}
        self._until = asyncio.get_running_loop().time() + MAX_SECONDS
        self._records = self._terms = 0
        self._names_asked = False

    async def record(self, domain: str, above: tuple[str, ...], asker: SpfStep) -> SpfNode:
        """The record of a domain; ``above`` are the domains that lead to it."""
        self._records += 1
        if not is_sending_domain(domain):
            return SpfNode(domain, None, (), SpfResult.NONE, f"{shown(domain)} is no domain name that can have an SPF record")
        answer = await self.ask(asked_name(domain), "TXT", asker)
        void = int(answer.outcome in VOID and bool(asker.term))
        candidates = [text for text in answer.records if RECORD.match(text)]
        if len(candidates) != 1:
            return SpfNode(domain, None, (), *unread(domain, answer, len(candidates)), 0, void, void)
        record = planned(candidates[0]).record
        self._terms += len(record.terms)
        if record.error is not None:
            terms = tuple(SpfTerm(term.text, TermEnd.NOT_REACHED) for term in record.terms)
            reason = f"the record of {shown(domain)} cannot be read: {record.error.what}"
            return SpfNode(domain, record.text, terms, SpfResult.PERMERROR, reason)
        counted = {term.position: await self.term(term, domain, (*above, domain)) for term in reached(record)}
        terms = tuple(counted.get(term.position, SpfTerm(term.text, TermEnd.NOT_REACHED)) for term in record.terms)
        total = sum((Cost(term.lookups, term.void_lookups, term.void_lookups6) for term in terms), Cost())
        return SpfNode(domain, record.text, terms, None, "", total.lookups, total.voids4, total.voids6)

    async def term(self, term: Term, domain: str, above: tuple[str, ...]) -> SpfTerm:
        """One term that is reached, with what is below it."""
        if not asks(term):
            return SpfTerm(term.text, TermEnd.COUNTED)
        spec = spec_of(term)
        cost = Cost(1) + self.client_names(term, spec)
        place = Place(SpfStep(domain, term.text), above, self.target(spec, domain))
        below = await (self.follow(place) if isinstance(term, Modifier) else COUNTS[term.mechanism](self, place))
        cost += below.cost
        return SpfTerm(term.text, TermEnd.COUNTED, cost.lookups, cost.voids4, cost.voids6, below.node, below.note)

    def client_names(self, term: Term, spec: MacroString | None) -> Cost:
        """The cost of the client's names: a look-up for the first ``%{p}``, a void one if the client has none; asked for once."""
        uses_macro = "p" in letters(spec)
        if self._names_asked or not (uses_macro or is_ptr(term)):
            return Cost()
        self._names_asked = True
        return Cost(int(uses_macro), 1, 1)

    def target(self, spec: MacroString | None, domain: str) -> str | None:
        """The name that a term is about; None if that depends on the message."""
        if spec is None:
            return domain
        return target_name(spec, Scope(self._who, domain)) if letters(spec) <= KNOWN_LETTERS else None

    async def ask(self, name: str, kind: str, asker: SpfStep) -> Answer:
        """What came of a question, as asked before or now; NOT_ASKED when there were enough."""
        question = Question(name, kind)
        if question not in self._answers:
            if len(self.questions) >= MAX_QUESTIONS or asyncio.get_running_loop().time() > self._until:
                self.is_complete = False
                return Answer(question, Outcome.NOT_ASKED, detail="enough was asked for this tree")
            answer = self._answers[question] = await self._resolver.ask(name, kind)
            self.is_complete = self.is_complete and answer.outcome.is_told
            kept = SpfQuestion(name, kind, answer.outcome, answer.records, asker.domain, asker.term, answer.detail)
            self.questions.append(kept)
        return self._answers[question]

    async def follow(self, place: Place) -> "Below":
        """``include`` and ``redirect``: the record that they lead to."""
        if place.name is None:
            return DEPENDS
        name = place.name.lower()
        if name in place.above:
            return Below(note=f"a loop: {name} is being evaluated already")
        if self._records >= MAX_RECORDS or self._terms >= MAX_TERMS:
            self.is_complete = False
            return Below(note="not followed: the tree is too large")
        node = await self.record(name, place.above, place.asker)
        return Below(Cost(node.lookups, node.void_lookups, node.void_lookups6), node)

    async def hosts(self, place: Place, names: list[str]) -> "Below":
        """The void look-ups for the addresses of hosts, and those hosts that have none of either kind."""
        cost, dead = Cost(), []
        for name in names:
            void4 = (await self.ask(name, "A", place.asker)).outcome in VOID
            void6 = (await self.ask(name, "AAAA", place.asker)).outcome in VOID
            cost += Cost(0, int(void4), int(void6))
            dead += [name] if void4 and void6 else []
        return Below(cost, note=f"no address: {', '.join(name[:80] for name in dead[:10])}" if dead else "")


@dataclass(frozen=True, slots=True)
class Below:
    """What a term costs beside its own look-up, and what is below it."""

    cost: Cost = Cost()
    node: SpfNode | None = None
    note: str = ""


DEPENDS = Below(Cost(0, 1, 1), note="its name depends on the message; counted as one that is not there")
NO_NAME = Below(note="no domain name: it never matches")


def unread(domain: str, answer: Answer, candidates: int) -> tuple[SpfResult, str]:
    """The result of a domain without exactly one record, and why (RFC 7208 §4.4, §4.5)."""
    if not answer.outcome.is_told:
        return SpfResult.TEMPERROR, f"TXT records of {shown(domain)} could not be asked for: {answer.outcome} {answer.detail}".strip()
    if candidates:
        return SpfResult.PERMERROR, f"{shown(domain)} has {candidates} SPF records"
    there = "does not exist" if answer.outcome is Outcome.NXDOMAIN else "has no SPF record"
    return SpfResult.NONE, f"{shown(domain)} {there}"


async def count_a(walker: Walker, place: Place) -> Below:
    """``a``: one question for the addresses."""
    if place.name is None:
        return DEPENDS
    return await walker.hosts(place, [asked_name(place.name)]) if is_name(place.name) else NO_NAME


async def count_mx(walker: Walker, place: Place) -> Below:
    """``mx``: the mail hosts, and the addresses of each."""
    if place.name is None:
        return DEPENDS
    if not is_name(place.name):
        return NO_NAME
    answer = await walker.ask(asked_name(place.name), "MX", place.asker)
    if answer.outcome in VOID:
        return Below(Cost(0, 1, 1), note=f"no mail hosts: {place.name}")
    hosts = [name for name in (record.rpartition(" ")[2].removesuffix(".") for record in answer.records) if name]
    if len(hosts) > walker.limits.mx_names:
        return Below(note=f"{len(hosts)} mail hosts of at most {walker.limits.mx_names}: always a permanent error")
    return await walker.hosts(place, hosts)


async def count_ptr(_walker: Walker, _place: Place) -> Below:
    """``ptr``: the client's names, which are counted already."""
    return Below()


async def count_exists(walker: Walker, place: Place) -> Below:
    """``exists``: that it does not match means that it finds nothing."""
    if place.name is None:
        return DEPENDS
    if not is_name(place.name):
        return NO_NAME
    answer = await walker.ask(asked_name(place.name), "A", place.asker)
    void = int(answer.outcome in VOID)
    return Below(Cost(0, void, void), note="it matches every message" if answer.records else "")


COUNTS: dict[Mechanism, Callable[[Walker, Place], Awaitable[Below]]] = {
    Mechanism.INCLUDE: Walker.follow,
    Mechanism.A: count_a,
    Mechanism.MX: count_mx,
    Mechanism.PTR: count_ptr,
    Mechanism.EXISTS: count_exists,
}
