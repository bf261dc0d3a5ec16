"""The course of a period: days (or weeks) and the weeks up to its end, with the messages of each class and sender.

Facts: a record belongs to the period in which its report begins. Strategy: reports about several days are spread over those of them
that lie in the period, messages that pass and others apart, so that sums stay whole and no day has more that pass than there are.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dmarcscope.analysis.coverage import is_spread, spread
from dmarcscope.model.summary import Period
from dmarcscope.model.summary_tables import Point, Span
from dmarcscope.model.verdict import YOURS, SenderClass

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
WEEKS = 4
"""Weeks up to the end of the period, the last of them among them."""
STEPS = ((31, 1), (400, 7))
"""Up to so many days of a period, a bar is so many days;"""
LONG_STEP = 28
"""of longer ones it is this many."""
Who = tuple[str, str]
"""A sender and its role."""


@dataclass(frozen=True, slots=True)
class Course:
    """Spans with the messages of each class, and for each sender a point for each span."""

    spans: tuple[Span, ...]
    points: Mapping[Who, tuple[Point, ...]]


def days(rows: Iterable[Mapping[str, Any]], period: Period) -> Course:
    """The course within a period; ``rows`` have class, sender, role, period_begin, period_end, messages and passing."""
    steps = steps_of(period)
    length = (steps[0][1] - steps[0][0]).days + 1
    first, last = period.first_day, len(steps) - 1
    return course(steps, ((row, cut) for row in rows for cut in cuts(row, period, lambda day: min((day - first).days // length, last))))


def weeks(rows: Iterable[Mapping[str, Any]], period: Period) -> Course:
    """The weeks up to the end of the period; what began before them is left out, and nothing is spread."""
    begins = [period.end - WEEK * number for number in range(WEEKS, 0, -1)]
    steps = [(begin.date(), (begin + WEEK - timedelta(seconds=1)).date()) for begin in begins]
    placed = ((row, (at, row["messages"], row["passing"])) for row in rows if 0 <= (at := week_of(row["period_begin"], period)) < WEEKS)
    return course(steps, placed)


def week_of(begin: datetime, period: Period) -> int:
    """In which of the weeks a report begins; negative where before them."""
    seconds = (period.end - begin).total_seconds()
    return WEEKS - 1 - int((seconds - 1) // WEEK.total_seconds())


def steps_of(period: Period) -> list[tuple[date, date]]:
    """The days of a period, or its weeks."""
    whole = (period.last_day - period.first_day).days + 1
    step = next((length for up_to, length in STEPS if whole <= up_to), LONG_STEP)
    begins = [period.first_day + DAY * at for at in range(0, whole, step)]
    return [(begin, min(begin + DAY * (step - 1), period.last_day)) for begin in begins]


Cut = tuple[int, int, int]
"""A place, with messages and how many of them pass."""


def cuts(row: Mapping[str, Any], period: Period, place: Any) -> Iterable[Cut]:
    """A row by place."""
    begin, end = row["period_begin"], row["period_end"] or row["period_begin"]
    if not is_spread(begin, end):
        yield place(begin.date()), row["messages"], row["passing"]
        return
    end = min(end, period.end)
    for passing, messages in ((1, row["passing"]), (0, row["messages"] - row["passing"])):
        for day, share in spread(messages, begin, end):
            yield place(day), share, share * passing


def course(steps: Sequence[tuple[date, date]], placed: Iterable[tuple[Mapping[str, Any], Cut]]) -> Course:
    """Sum up what has a place."""
    by_class: list[dict[SenderClass, int]] = [dict.fromkeys(SenderClass, 0) for _ in steps]
    passing = [0] * len(steps)
    of_sender: dict[Who, list[list[int]]] = defaultdict(lambda: [[0, 0] for _ in steps])
    for row, (at, messages, passed) in placed:
        by_class[at][SenderClass(row["class"])] += messages
        passing[at] += passed
        sums = of_sender[row["sender"], row["role"]][at]
        sums[0] += messages
        sums[1] += passed
    return Course(
        tuple(Span(*step, counted, passed) for step, counted, passed in zip(steps, by_class, passing, strict=True)),
        {who: tuple(Point(*step, *sums) for step, sums in zip(steps, told, strict=True)) for who, told in of_sender.items()},
    )


def role_of(sender_class: SenderClass) -> str:
    """The role of a class: both of yours are one."""
    return "yours" if sender_class in YOURS else sender_class.value
