"""Which reporters were heard in a period, through which day it is complete, and how a report about several days is spread over them.

Facts: reports come once a day from most reporters and once a week from some, some hours to three days after the end of their period;
a reporter to which nothing was sent on a day is silent about it. Strategy: what is usual is told by the four weeks up to a reporter's last
report, so that one that fell silent is measured by what it did before. Days are UTC.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import ceil

from dmarcscope.model.coverage import Arrival, Coverage, Heard

ONE_DAY = timedelta(hours=26)
"""The longest period that is still that of one day: some reporters cut theirs an hour or two late."""
LONGEST = timedelta(days=62)
"""A longer period is a mistake of the reporter, and belongs to the day on which it begins."""
LOOK_BACK = 28
"""Days before a reporter's last report that tell whether it is usual."""
USUAL_WEEKS = 3
"""In so many of these four weeks a usual reporter reported,"""
USUAL_SHARE = 0.6
"""or else on this share of the days,"""
FEWEST_DAYS = 7
"""if there are at least so many."""
LATEST = timedelta(hours=72)
"""After that time a report is not waited for any more: hardly any comes later."""
PLAUSIBLE = 14 * 86_400
"""Seconds; a report that came later was not sent then but taken in then, from a folder of old mails."""
ENOUGH_LAGS = 5
"""Reports with a time of arrival from which a reporter's own delay is told."""
LAG_SHARE = 0.9
"""This share of a reporter's reports came within what counts as its delay."""
DAY = timedelta(days=1)


def is_spread(begin: datetime, end: datetime) -> bool:
    """Whether a period is about several days, so that its messages are spread over them.

    >>> is_spread(datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 11, tzinfo=UTC))
    True
    """
    return ONE_DAY < end - begin <= LONGEST


def spread(messages: int, begin: datetime, end: datetime) -> list[tuple[date, int]]:
    """The messages of a period, day by day in UTC; their sum is always ``messages``.

    A period of about a day belongs to the day on which it begins. A longer one gives each of its days a share by the time that it
    takes of the day, in whole messages: what is left over goes to the days with the largest remainders, earlier ones first.

    >>> spread(10, datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 7, tzinfo=UTC))
    [(datetime.date(2026, 5, 4), 4), (datetime.date(2026, 5, 5), 3), (datetime.date(2026, 5, 6), 3)]
    """
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    if not is_spread(begin, end):
        return [(begin.date(), messages)]
    days = days_of(begin, end)
    seconds = [seconds_on(day, begin, end) for day in days]
    whole = sum(seconds)
    shares = [divmod(messages * part, whole) for part in seconds]
    left = messages - sum(share for share, _ in shares)
    first = sorted(range(len(days)), key=lambda at: (-shares[at][1], at))[:left]
    return [(day, share + (at in first)) for at, (day, (share, _)) in enumerate(zip(days, shares, strict=True))]


def days_of(begin: datetime, end: datetime) -> list[date]:
    """The days that a period is about; the moment of its end belongs to the next day."""
    if not is_spread(begin, end):
        return [begin.date()]
    last = (end - timedelta(seconds=1)).date()
    return [begin.date() + timedelta(days=at) for at in range((last - begin.date()).days + 1)]


def seconds_on(day: date, begin: datetime, end: datetime) -> int:
    """How much of a period lies on a day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int((min(end, midnight + DAY) - max(begin, midnight)).total_seconds())


@dataclass(frozen=True, slots=True)
class Habit:
    """What a reporter does: messages by day in the period and before, the days it told of, and how it reports."""

    reporter: str
    by_day: dict[date, int]
    lag: timedelta
    span: int
    spread_begins: tuple[date, ...]

    @property
    def last(self) -> date:
        """The last day that it told of."""
        return max(self.by_day)


def coverage(arrivals: Iterable[Arrival], first: date, last: date, now: datetime) -> Coverage:
    """The coverage of the period from ``first`` to ``last``, both taken whole.

    ``arrivals`` are those of the period and of the four weeks before. ``now``: until when reports could come.
    """
    grouped: dict[str, list[Arrival]] = defaultdict(list)
    for one in arrivals:
        grouped[one.reporter].append(one)
    habits = [habit(reporter, of) for reporter, of in grouped.items()]
    habits = [one for one in habits if any(day <= last for day in one.by_day)]
    earliest = min((day for one in habits for day in one.by_day), default=first)
    heard = [told(one, earliest, first, last, now) for one in habits]
    heard = [one for one in heard if one.messages or one.usual or one.last_day >= first]
    regular = [one for one in habits if usual(one, earliest, last)]
    return Coverage(
        first if heard else None,
        last if heard else None,
        complete_through(regular, first, last, now) if heard else None,
        sum(one.messages for one in heard),
        sum(one.expected for one in heard),
        sum(one.spread_reports for one in heard),
        tuple(sorted(heard, key=lambda one: (-one.messages, one.reporter))),
    )


def habit(reporter: str, arrivals: Sequence[Arrival]) -> Habit:
    """What a reporter does, told by its reports."""
    by_day: dict[date, int] = defaultdict(int)
    for one in arrivals:
        for day, messages in spread(one.messages, one.begin, one.end):
            by_day[day] += messages
    spans = sorted(len(days_of(one.begin, one.end)) for one in arrivals)
    begins = tuple(one.begin.date() for one in arrivals if is_spread(one.begin, one.end))
    return Habit(reporter, dict(by_day), delay([one.lag for one in arrivals]), spans[len(spans) // 2], begins)


def delay(lags: Iterable[int | None]) -> timedelta:
    """How long after its period a reporter's reports usually come; at most LATEST, which counts where too few tell it."""
    known = sorted(lag for lag in lags if lag is not None and 0 <= lag <= PLAUSIBLE)
    if len(known) < ENOUGH_LAGS:
        return LATEST
    return min(LATEST, timedelta(seconds=known[ceil(LAG_SHARE * len(known)) - 1]))


def usual(one: Habit, earliest: date, last: date) -> bool:
    """Whether a reporter reports as a rule, told by the four weeks up to its last report; ``earliest`` is the first day of data."""
    days = sorted(day for day in one.by_day if day <= last)
    newest = days[-1]
    ages = [(newest - day).days for day in days if (newest - day).days < LOOK_BACK]
    weeks = {age // 7 for age in ages}
    available = min(LOOK_BACK, (newest - earliest).days + 1)
    return len(weeks) >= USUAL_WEEKS or (available >= FEWEST_DAYS and len(ages) >= USUAL_SHARE * available)


def told(one: Habit, earliest: date, first: date, last: date, now: datetime) -> Heard:
    """A reporter in the period."""
    known = sorted(day for day in one.by_day if day <= last)
    within = [day for day in known if day >= first]
    regular = usual(one, earliest, last)
    silent = regular and (last - known[-1]).days > patience(one, known)
    since = known[-1] + DAY if silent else None
    return Heard(
        one.reporter,
        regular,
        sum(one.by_day[day] for day in within),
        within[0] if within else known[0],
        known[-1],
        since,
        ceil(one.lag.total_seconds() / 3600),
        one.span,
        sum(first <= begin <= last for begin in one.spread_begins),
        0 if silent or not regular else expected(one, known, last, now),
    )


def patience(one: Habit, known: Sequence[date]) -> int:
    """Days without a report after which a reporter is silent: its longest pause of late, or the length of its reports, and three more."""
    recent = [day for day in known if (known[-1] - day).days < LOOK_BACK]
    gaps = [(later - day).days for day, later in pairwise(recent)]
    return max(*gaps, one.span, 1) + LATEST.days if gaps else one.span + LATEST.days


def open_since(one: Habit, now: datetime) -> date:
    """The first day about which a report of this reporter may still come."""
    # A day may be the first of a report about several days, which comes after the last of them.
    return (now - one.lag - timedelta(days=one.span)).astimezone(UTC).date() + DAY


def expected(one: Habit, known: Sequence[date], last: date, now: datetime) -> int:
    """Messages likely still to come: those of a usual day for each day that is open, and of which nothing was told."""
    recent = [day for day in known if (known[-1] - day).days < LOOK_BACK]
    span = max((known[-1] - recent[0]).days + 1, 1)
    begin = max(open_since(one, now), known[-1] + DAY)
    missing = max((last - begin).days + 1, 0)
    return round(sum(one.by_day[day] for day in recent) * missing / span)


def complete_through(regular: Sequence[Habit], first: date, last: date, now: datetime) -> date | None:
    """The last day up to which every usual reporter has told of each day, or is not waited for any more."""
    ends = [max(one.last, open_since(one, now) - DAY) for one in regular]
    # Without a usual reporter nobody knows who would report: wait as long as for any.
    through = min([last, *ends]) if ends else min(last, (now - LATEST).astimezone(UTC).date() - DAY)
    return through if through >= first else None
