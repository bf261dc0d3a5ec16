"""The mail of senders and selectors day by day, and which reporters were heard when.

Facts: a report about several days is spread over them; a reporter that is silent says nothing about who sends.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate

from dmarcscope.analysis.change_points import WEEK
from dmarcscope.analysis.coverage import spread
from dmarcscope.model.change import Tally
from dmarcscope.model.verdict import SenderClass

YOURS = "yours"
UNAUTHORISED = SenderClass.UNAUTHORISED.value
FORWARDED = frozenset({SenderClass.FORWARDED.value, SenderClass.MAILING_LIST.value})
UNKNOWN = SenderClass.UNKNOWN.value
COUNTS = ("messages", "dmarc", "dkim", "spf")


@dataclass(frozen=True, slots=True)
class Days:
    """The days that are looked at, as places in series. Changes before the day ``told`` only serve to compare."""

    first: date
    last: date
    told: date

    def __len__(self) -> int:
        """How many days there are."""
        return (self.last - self.first).days + 1

    def day(self, at: int) -> date:
        """The day at a place."""
        return self.first + timedelta(days=at)

    def at(self, day: date) -> int:
        """The place of a day; it may lie outside."""
        return (day - self.first).days

    def zeros(self) -> list[int]:
        """A series of nothing."""
        return [0] * len(self)


@dataclass(slots=True)
class Stream:
    """The mail of one sender or selector, day by day: in all, of reports that tell of one day, and by reporter."""

    domain: str
    name: str
    role: str
    whole: dict[str, list[int]]
    sharp: dict[str, list[int]]
    by_reporter: dict[str, list[int]] = field(default_factory=dict)

    @property
    def messages(self) -> list[int]:
        """Messages by day."""
        return self.whole["messages"]

    @property
    def exact(self) -> dict[str, list[int]]:
        """The series that tell of the day best: those of reports about one day, if they are half of all at least."""
        return self.sharp if 2 * sum(self.sharp["messages"]) >= sum(self.messages) else self.whole


class Heard:
    """Which reporters told of which days. ``told``: by reporter, a 1 for each day that it told of, else a 0."""

    def __init__(self, told: Mapping[str, Sequence[int]]) -> None:
        self._told = told
        self._bits = {reporter: 1 << place for place, reporter in enumerate(told)}
        length = max(map(len, told.values()), default=0)
        self._weeks = [0] * length
        for reporter, series in told.items():
            for at in weeks_heard(series):
                self._weeks[at] |= self._bits[reporter]

    def of(self, reporter: str) -> Sequence[int]:
        """The days of a reporter."""
        return self._told.get(reporter, ())

    def through(self, weeks: Iterable[range], reporters: Iterable[str]) -> list[str]:
        """Those of some reporters that were heard in each of some weeks."""
        every = -1
        for week in weeks:
            every &= self._weeks[week.start]
        return [reporter for reporter in reporters if every & self._bits.get(reporter, 0)]


def weeks_heard(told: Sequence[int]) -> Iterator[int]:
    """The first days of the weeks in which a reporter told of half as many days at least as it does on the average while it reports."""
    known = [at for at, one in enumerate(told) if one]
    if not known:
        return
    usual = len(known) * WEEK / max(known[-1] - known[0] + 1, WEEK)
    sums = [0, *accumulate(told)]
    yield from (at for at in range(len(told) - WEEK + 1) if 2 * (sums[at + WEEK] - sums[at]) >= usual)


def days_between(first: date, last: date, messages: int) -> list[tuple[date, int]]:
    """Messages spread over the days from ``first`` to ``last``."""
    if first == last:
        return [(first, messages)]
    return spread(messages, datetime.combine(first, time(), UTC), datetime.combine(last + timedelta(days=1), time(), UTC))


def add(series: list[int], days: Days, shares: Iterable[tuple[date, int]]) -> None:
    """Add messages of days to a series; what lies outside is left out."""
    for day, messages in shares:
        if days.first <= day <= days.last:
            series[days.at(day)] += messages


def streams(tallies: Iterable[Tally], days: Days) -> list[Stream]:
    """The mail of each sender in each role, day by day."""
    tallies = list(tallies)
    # A sender of yours whose mail fails may not be known as yours by that mail.
    mine = {(one.domain, one.sender) for one in tallies if one.role == YOURS}
    found: dict[tuple[str, str, str], Stream] = {}
    for one in tallies:
        role = YOURS if one.role == UNKNOWN and (one.domain, one.sender) in mine else one.role
        key = one.domain, one.sender, role
        if key not in found:
            found[key] = Stream(*key, {name: days.zeros() for name in COUNTS}, {name: days.zeros() for name in COUNTS})
        stream = found[key]
        for name in COUNTS:
            shares = days_between(one.first, one.last, getattr(one, name))
            add(stream.whole[name], days, shares)
            if one.first == one.last:
                add(stream.sharp[name], days, shares)
            if name == "messages":
                add(stream.by_reporter.setdefault(one.reporter, days.zeros()), days, shares)
    return list(found.values())
