"""Who was heard, through which day a period is complete, and how reports about several days are spread."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.analysis.coverage import LONGEST, coverage, delay, is_spread, spread
from dmarcscope.model.coverage import Arrival

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 5, 4, tzinfo=UTC)
FIRST = START.date()

SPREAD = [
    # begin, length, messages, shares by day, why
    (START, DAY, 7, [7], "a whole day"),
    (START, DAY - timedelta(seconds=1), 7, [7], "up to the last second"),
    (START + 7 * HOUR, DAY, 7, [7], "a day in another time zone belongs to the day on which it begins"),
    (START + 23 * HOUR, 26 * HOUR, 7, [7], "26 hours are still one day"),
    (START, 7 * DAY, 70, [10] * 7, "a week"),
    (START, 7 * DAY - timedelta(seconds=1), 70, [10] * 7, "a week up to the last second"),
    (START, 3 * DAY, 10, [4, 3, 3], "what is left over goes to the first of equal remainders"),
    (START, 3 * DAY, 2, [1, 1, 0], "fewer messages than days"),
    (START, 3 * DAY, 0, [0, 0, 0], "no messages"),
    (START + 12 * HOUR, 2 * DAY, 8, [2, 4, 2], "by the time on each day"),
    (START, timedelta(0), 5, [5], "no length"),
    (START, -DAY, 5, [5], "it ends before it begins"),
    (START, LONGEST + DAY, 5, [5], "too long to be believed"),
]


@pytest.mark.parametrize(("begin", "length", "messages", "shares", "why"), SPREAD)
def test_spread(begin, length, messages, shares, why):
    expected = [(FIRST + timedelta(days=at), share) for at, share in enumerate(shares)]
    assert spread(messages, begin, begin + length) == expected, why


def test_days_are_those_of_utc():
    begin = datetime.fromisoformat("2026-05-05T01:00:00+02:00")
    assert spread(6, begin, begin + 2 * DAY)[0][0] == date(2026, 5, 4)


# Reports tell times in whole seconds.
moments = st.integers(631_152_000, 3_786_912_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
lengths = st.integers(-2 * 86_400, 70 * 86_400).map(lambda seconds: timedelta(seconds=seconds))


@given(st.integers(0, 10**12), moments, lengths)
def test_sums_are_conserved(messages, begin, length):
    found = spread(messages, begin, begin + length)
    assert sum(share for _, share in found) == messages
    assert all(share >= 0 for _, share in found)
    days = [day for day, _ in found]
    assert days == [days[0] + timedelta(days=at) for at in range(len(days))]
    assert (len(days) > 1) == is_spread(begin, begin + length)


@given(st.integers(0, 10**6), moments, lengths)
def test_no_day_gets_more_than_its_part_and_one(messages, begin, length):
    found = spread(messages, begin, begin + length)
    if len(found) > 1:
        assert max(share for _, share in found[1:-1] or [(0, 0)]) <= messages * DAY / length + 1


def daily(reporter: str, days, messages: int = 10, lag: int | None = None) -> list[Arrival]:
    """A report about each of the days, as numbers from 4 May on."""
    return [Arrival(reporter, START + day * DAY, START + (day + 1) * DAY, messages, lag) for day in days]


def weekly(reporter: str, weeks, messages: int = 70) -> list[Arrival]:
    """A report about each of the weeks."""
    return [Arrival(reporter, START + week * 7 * DAY, START + (week + 1) * 7 * DAY, messages) for week in weeks]


def asked(arrivals, first: int, last: int, now: timedelta = timedelta(days=60)):
    return coverage(arrivals, FIRST + timedelta(days=first), FIRST + timedelta(days=last), START + now)


USUAL = [
    # days on which it reported, whether it is usual, why
    (range(28), True, "daily"),
    ([day for day in range(28) if day % 7 < 5], True, "on weekdays"),
    ([0, 8, 15, 27], True, "once a week"),
    ([8, 15, 27], True, "in three weeks of four"),
    ([26, 27], False, "since two days, beside one that reports for four weeks"),
    ([0], False, "once"),
]


@pytest.mark.parametrize(("days", "usual", "why"), USUAL)
def test_who_is_usual(days, usual, why):
    found = asked([*daily("a", days), *daily("other", range(28))], 0, 27)
    assert next(one for one in found.reporters if one.reporter == "a").usual is usual, why


def test_ten_days_of_data_make_a_daily_reporter_usual():
    assert asked(daily("a", range(10)), 0, 9).usual


SILENT = [
    # days on which it reported, the first day it is missing, why
    (range(28), None, "to the end"),
    (range(25), None, "three days may still be on their way"),
    (range(20), 20, "longer"),
    ([day for day in range(28) if day % 7 < 5], None, "a weekend is no silence for one that has them"),
    ([day for day in range(20) if day % 7 < 5], 19, "nor is it its begin"),
]


@pytest.mark.parametrize(("days", "since", "why"), SILENT)
def test_who_is_silent(days, since, why):
    found = asked([*daily("a", days), *daily("other", range(28), 1)], 0, 27)
    one = next(one for one in found.reporters if one.reporter == "a")
    assert one.silent_since == (FIRST + timedelta(days=since) if since is not None else None), why


def test_a_usual_reporter_that_fell_silent_before_the_period_is_told():
    found = asked([*daily("gone", range(28)), *daily("other", range(42))], 35, 41)
    assert [(one.reporter, one.messages) for one in found.silent] == [("gone", 0)]
    assert found.messages == 70


def test_one_that_never_was_usual_is_not_missed():
    found = asked([*daily("once", [3]), *daily("other", range(42))], 35, 41)
    assert [one.reporter for one in found.reporters] == ["other"]


def test_a_weekly_reporter_is_spread_and_not_silent_between_its_reports():
    found = asked([*weekly("isp", range(3)), *daily("other", range(28))], 0, 27)
    isp = next(one for one in found.reporters if one.reporter == "isp")
    assert (isp.span_days, isp.spread_reports, isp.silent_since, isp.messages) == (7, 3, None, 210)
    assert found.spread_reports == 3


def test_a_period_that_cuts_a_report_takes_its_share():
    assert asked(weekly("isp", range(4)), 3, 5).messages == 30


COMPLETE = [
    # arrivals, hours from 4 May until now, the last day asked for, complete through, why
    (daily("a", range(10)), 10 * 24 + 1, 9, 9, "all have reported"),
    (daily("a", range(9)), 10 * 24 + 1, 9, 8, "the last day is still to come"),
    (daily("a", range(9)), 10 * 24 + 73, 9, 9, "it is not waited for any more"),
    ([*daily("a", range(10)), *daily("b", range(8))], 10 * 24 + 1, 9, 7, "the slowest counts"),
    ([*daily("a", range(10)), *daily("b", range(8), lag=3600)], 10 * 24 + 2, 9, 9, "one that is quick otherwise is not waited for long"),
    (weekly("isp", range(2)), 17 * 24, 16, 13, "the week is not over"),
    ([*daily("a", range(21)), *weekly("isp", range(2))], 21 * 24 + 1, 20, 13, "nor is it for the others then"),
    (daily("a", [0]), 25, 0, None, "nobody is usual yet, and the three days are not over"),
    (daily("a", [0]), 24 + 72, 0, 0, "now they are"),
]


@pytest.mark.parametrize(("arrivals", "hours", "last", "through", "why"), COMPLETE)
def test_complete_through(arrivals, hours, last, through, why):
    found = asked(arrivals, 0, last, timedelta(hours=hours))
    assert found.complete_through == (FIRST + timedelta(days=through) if through is not None else None), why


def test_what_is_still_to_come():
    found = asked([*daily("a", range(10), 10), *daily("b", range(8), 30)], 0, 9, timedelta(hours=10 * 24 + 1))
    assert (found.messages, found.expected) == (340, 60)
    assert found.share_to_come == pytest.approx(0.15)


def test_nothing_is_expected_of_the_silent_or_after_the_wait():
    assert asked([*daily("a", range(28)), *daily("b", range(10), 30)], 0, 27).expected == 0


def test_no_reports():
    found = asked([], 0, 9)
    assert (found.first_day, found.complete_through, found.reporters, found.share_to_come) == (None, None, (), 0.0)


DELAYS = [
    ([], 72, "nothing is known"),
    ([3600] * 4, 72, "too few"),
    ([3600] * 5, 1, "always the same"),
    ([3600] * 9 + [360_000], 1, "one in ten may be late"),
    ([360_000] * 9, 72, "nobody is waited for longer"),
    ([30 * 86_400] * 9, 72, "old mails that were taken in later tell nothing"),
    ([-3600] * 9, 72, "nor do reports from the future"),
    ([None] * 9, 72, "nor does a report without an end"),
]


@pytest.mark.parametrize(("lags", "hours", "why"), DELAYS)
def test_delay(lags, hours, why):
    assert delay(lags) == timedelta(hours=hours), why


reports = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60), st.integers(1, 9), st.integers(0, 1000)), max_size=40)


@given(reports, st.integers(0, 80))
def test_every_message_is_counted_once(found, now):
    arrivals = [Arrival(who, START + day * DAY, START + (day + length) * DAY, messages) for who, day, length, messages in found]
    told = coverage(arrivals, FIRST, FIRST + timedelta(days=90), START + now * DAY)
    assert told.messages == sum(one.messages for one in arrivals) == sum(one.messages for one in told.reporters)
