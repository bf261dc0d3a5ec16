"""The evidence about a domain, made ready for the gates: its days, its senders, and how figures are said."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import floor

from dmarcscope.model.readiness import Evidence, Found, Passage, PolicyDays, SenderSums, Stage
from dmarcscope.model.verdict import SenderClass

LONGEST_REPORT = 62
"""Days of a report that are believed."""
NAMED = 3
"""Senders that are named in one sentence."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """The evidence with what every gate asks of it.

    ``first`` and ``last`` are the first and last day of data, ``days`` those between with any; ``stage`` is the present one.
    """

    evidence: Evidence
    stage: Stage
    first: date | None
    last: date | None
    days: int

    @property
    def span(self) -> int:
        """Days from the first to the last of data."""
        return (self.last - self.first).days + 1 if self.first and self.last else 0

    def of(self, classes: Iterable[SenderClass]) -> list[SenderSums]:
        """The sums of these classes, a sender's together, those with most messages first."""
        wanted, found = frozenset(classes), dict[str, SenderSums]()
        for one in self.evidence.senders:
            if one.sender_class in wanted:
                found[one.sender] = together(found[one.sender], one) if one.sender in found else one
        return sorted(found.values(), key=lambda one: (-one.messages, one.sender))

    def weekly(self, messages: int) -> float:
        """So many messages as a number a week."""
        return messages * 7 / max(self.span, 1)

    def a_week(self, messages: int) -> str:
        """So many messages, in words, as a number a week."""
        often = self.weekly(messages)
        if 0 < often < 1:
            return "less than one message a week"
        return f"{often:,.0f} message{'' if round(often) == 1 else 's'} a week"


def weighed(evidence: Evidence, stage: Stage) -> Weighed:
    """The evidence, made ready for the gates."""
    days = days_of(evidence.policies, evidence)
    return Weighed(evidence, stage, min(days, default=None), max(days, default=None), len(days))


def days_of(policies: Iterable[PolicyDays], evidence: Evidence) -> set[date]:
    """The days of the period that these reports are about."""
    found: set[date] = set()
    for one in policies:
        span = min((one.last - one.first).days, LONGEST_REPORT)
        found.update(one.first + timedelta(days=at) for at in range(max(span, 0) + 1))
    return {day for day in found if evidence.first_day <= day <= evidence.last_day}


def together(one: SenderSums, other: SenderSums) -> SenderSums:
    """The mail of a sender that is in two classes."""
    first = min(filter(None, (one.first_seen, other.first_seen)), default=None)
    last = max(filter(None, (one.last_seen, other.last_seen)), default=None)
    sums = {name: getattr(one, name) + getattr(other, name) for name in ("messages", "judged", "passing", "by_dkim")}
    return replace(one, first_seen=first, last_seen=last, **sums)


def percent(share: float) -> str:
    """A share in percent, never rounded up.

    >>> percent(0.99999), percent(0.95)
    ('99.9 %', '95 %')
    """
    return f"{floor(share * 1000 + 1e-9) / 10:g} %"


def named(found: Sequence[str]) -> str:
    """Some names in a sentence.

    >>> named(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    if len(found) > NAMED:
        return f"{', '.join(found[:NAMED])} and {len(found) - NAMED} more"
    return " and ".join(filter(None, (", ".join(found[:-1]), *found[-1:])))


def passed(figure: str, **numbers: object) -> Found:
    """A gate that is open."""
    return Found(Passage.OPEN, figure, "", numbers)


def closed(figure: str, missing: str, **numbers: object) -> Found:
    """A gate that is closed."""
    return Found(Passage.CLOSED, figure, missing, numbers)
