"""The record under evaluation and how far it came, and the tree that is made of it at the end, whatever the end was.

Facts: an evaluation may be cut off at any question, so everything worth telling is noted before it is asked for. Most records are
evaluated for many clients, so what is the same for all of them is made once: see ``Plan``.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from dmarcscope.lookup.spf_inquiry import Ending, Inquiry
from dmarcscope.model.spf_check import SpfNode, SpfStep, SpfTerm, TermEnd
from dmarcscope.model.spf_record import Directive, Mechanism, Modifier, SpfRecord
from dmarcscope.model.words import SpfResult
from dmarcscope.parse.spf_record import spf_syntax

MAX_KEPT_TEXT, MAX_KEPT = 1024, 256
"""Records of up to so many characters are kept as parsed, the last so many of them: a few MB, and were all of them hostile, 50."""

ERRORS = {SpfResult.TEMPERROR: TermEnd.TEMPERROR, SpfResult.PERMERROR: TermEnd.PERMERROR}


PLAIN = frozenset({Mechanism.ALL, Mechanism.IP4, Mechanism.IP6})


class Trial(NamedTuple):
    """A mechanism to try: its place among the terms, and for ``ip4`` and ``ip6`` the network as number.

    ``version`` is that of the network's addresses, 0 for others. An address is in it if without its last ``shift`` bits it is ``prefix``.
    """

    place: int
    term: Directive
    asks: bool
    version: int = 0
    shift: int = 0
    prefix: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A record made ready: what to try in order, where to go then, and its terms as they are told when passed or not reached."""

    record: SpfRecord
    trials: tuple[Trial, ...]
    redirect: tuple[int, Modifier] | None
    passed: tuple[SpfTerm, ...]
    unreached: tuple[SpfTerm, ...]


def planned(text: str) -> Plan:
    """The plan of a record; those of the texts asked for last are not made again."""
    return _kept(text) if len(text) <= MAX_KEPT_TEXT else plan(spf_syntax(text))


@lru_cache(maxsize=MAX_KEPT)
def _kept(text: str) -> Plan:
    return plan(spf_syntax(text))


def forget() -> None:
    """Drops what is kept, for measuring."""
    _kept.cache_clear()


def plan(record: SpfRecord) -> Plan:
    """A record made ready."""
    trials, redirect = [], None
    unreached = tuple(SpfTerm(term.text, TermEnd.NOT_REACHED) for term in record.terms)
    passed = list(unreached)
    for place, term in enumerate(record.terms):
        if isinstance(term, Directive):
            trials.append(trial(place, term))
            passed[place] = SpfTerm(term.text, TermEnd.NO_MATCH)
        elif term.name == "redirect":
            redirect = (place, term)
    return Plan(record, tuple(trials), redirect, tuple(passed), unreached)


def trial(place: int, term: Directive) -> Trial:
    """A mechanism made ready."""
    network = term.network
    if network is None:
        return Trial(place, term, term.mechanism not in PLAIN)
    shift = network.max_prefixlen - network.prefixlen
    return Trial(place, term, False, network.version, shift, int(network.network_address) >> shift)


@dataclass(slots=True)
class Visit:
    """A record under evaluation.

    ``at`` is the place of the term that is tried, None before the first. ``since`` and ``until`` are the counts of look-ups and void
    look-ups when it began and ended, ``depth`` is how many records lead here, and ``marks`` has the terms that ask, by their places.
    """

    domain: str
    since: tuple[int, int]
    depth: int = 0
    until: tuple[int, int] | None = None
    plan: Plan | None = None
    at: int | None = None
    marks: dict[int, "Mark"] = field(default_factory=dict)
    redirected: "Mark | None" = None
    ending: Ending | None = None


@dataclass(slots=True)
class Mark:
    """A term that asks, as reached: counts as in ``Visit``, and the record below it."""

    text: str
    since: tuple[int, int]
    until: tuple[int, int] | None = None
    below: Visit | None = None


def counts(inquiry: Inquiry) -> tuple[int, int]:
    """Look-ups and void look-ups so far."""
    return inquiry.lookups, inquiry.voids


def deciding(visit: Visit) -> Visit:
    """The record that the result is from: the first, or what redirects lead to."""
    while visit.redirected is not None and visit.redirected.below is not None:
        visit = visit.redirected.below
    return visit


def open_path(visit: Visit | None) -> tuple[SpfStep, ...]:
    """The way to the term at which an evaluation was cut off."""
    steps: list[SpfStep] = []
    while visit is not None and visit.at is not None:
        mark = visit.marks[visit.at]
        steps.append(SpfStep(visit.domain, mark.text))
        visit = mark.below
    return tuple(steps)


def node(visit: Visit, now: tuple[int, int]) -> SpfNode:
    """The record with all below it as a tree; ``now`` are the counts at the end, for what was cut off."""
    lookups, voids = spent(visit.since, visit.until or now)
    text = visit.plan.record.text if visit.plan else None
    ending = visit.ending or Ending(SpfResult.TEMPERROR, "it was not finished in time")
    return SpfNode(visit.domain, text, terms(visit, ending, now), ending.result, ending.reason, lookups, voids)


def terms(visit: Visit, ending: Ending, now: tuple[int, int]) -> tuple[SpfTerm, ...]:
    """The terms of a record with what became of each, in the order of the record."""
    if visit.plan is None:
        return ()
    if visit.at is None:
        return visit.plan.unreached
    reached = len(visit.plan.passed) if visit.redirected else visit.at
    found = [*visit.plan.passed[:reached], *visit.plan.unreached[reached:]]
    for place, mark in visit.marks.items():
        found[place] = marked(mark, now)
    last = ERRORS.get(ending.result, TermEnd.FOLLOWED if visit.redirected else TermEnd.MATCH)
    if visit.at < len(found):
        found[visit.at] = replace(found[visit.at], end=last)
    return tuple(found)


def marked(mark: Mark, now: tuple[int, int]) -> SpfTerm:
    """A term that asks and does not match, as far as it knows."""
    lookups, voids = spent(mark.since, mark.until or now)
    return SpfTerm(mark.text, TermEnd.NO_MATCH, lookups, voids, node=node(mark.below, now) if mark.below else None)


def spent(since: tuple[int, int], until: tuple[int, int]) -> tuple[int, int]:
    """What was counted in between."""
    return until[0] - since[0], until[1] - since[1]
