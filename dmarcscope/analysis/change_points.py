"""Where a series of days changes: shares by likelihood and Wilson intervals, volumes by whole weeks, bursts by median and spread.

Facts: mail has a weekday rhythm, comes in batches, and reporters come and go. Strategy: shares are compared message by message; volumes
week by week, so that each weekday counts once; a change is told only if it is large *and* the figures leave little doubt.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import log
from statistics import median
from typing import NamedTuple

from dmarcscope.analysis.interval import Interval, wilson

FEWEST = 20
"""Messages on each side of a change of a share."""
LEAST_STEP = 0.2
"""A share that changes by less is not told."""
LEAST_LIKELY = 10.0
"""How much likelier (log) two shares must be than one: a scan over a quarter of a year finds 3 or 4 by chance."""
VERY_SURE = 3.2905
"""Standard deviations of a normal distribution that hold 99.9 % of it."""
SAME_SIDE = 0.75
"""The share of messages on each side that lie on days whose own share is on that side, too: mail that swings has no day of change."""
SHORT_SPELL = 3
"""Days that can be unlike those before and after."""
MOST_POINTS = 6
"""Changes of one share in one period."""

WEEK = 7
LEAST_WEEKS, MOST_WEEKS = 2, 4
"""Whole weeks that are compared on each side."""
LEAST_RATIO, SAFE_RATIO = 2.0, 3.0
"""What counts as grown; and where there are less than three weeks on a side."""
LEAST_A_WEEK = 50
"""Messages a week by which a volume must differ."""

BURST_LEAST = 50
"""Messages on a day that can be a burst."""
BURST_RATIO = 5.0
"""How many times the usual day a burst is."""
BURST_SPREADS = 6.0
"""And how many spreads (1.4826 times the median deviation) above it."""
BURST_AROUND = 14
"""Days before and after that tell what is usual."""
BURST_LONGEST = 7
"""What lasts longer is no burst."""


class Part(NamedTuple):
    """So many of so many."""

    successes: int
    trials: int

    @property
    def share(self) -> float:
        """The share; nothing of nothing is 0."""
        return self.successes / self.trials if self.trials else 0.0

    def interval(self, deviations: float) -> Interval:
        """The interval it may well lie in."""
        return wilson(self.successes, self.trials, deviations)


class Step(NamedTuple):
    """A share changes on the day ``at``, from what it was since ``begin`` to what it is before ``end`` (places in the series)."""

    begin: int
    at: int
    end: int
    before: Part
    after: Part

    @property
    def down(self) -> bool:
        """Whether it fell."""
        return self.after.share < self.before.share

    def apart(self, deviations: float) -> bool:
        """Whether the two intervals do not overlap."""
        one, other = self.before.interval(deviations), self.after.interval(deviations)
        return one.high < other.low or other.high < one.low


def steps(trials: Sequence[int], successes: Sequence[int]) -> list[Step]:
    """The days on which a share changes, the first first.

    >>> [step.at for step in steps([50] * 8, [50] * 5 + [0] * 3)]
    [5]
    """
    sums = Sums(trials, successes)
    points = sorted(places(sums, 0, len(trials), MOST_POINTS))
    # What looked like a change within a whole may be none between its neighbours.
    while True:
        ends = [0, *points, len(trials)]
        found = [sums.step(*ends[place : place + 3]) for place in range(len(points))]
        weak = next((step.at for step in found if not (is_told(step) and sums.is_steady(step))), None)
        if weak is None:
            return found
        points.remove(weak)


class Sums:
    """Sums of a stretch of days, in no time."""

    def __init__(self, trials: Sequence[int], successes: Sequence[int]) -> None:
        self.told = [count > 0 for count in trials]
        self._trials = [0, *accumulate(trials)]
        self._successes = [0, *accumulate(successes)]

    def is_steady(self, step: Step) -> bool:
        """Whether nearly all days before are on one side of the middle between the two shares, and nearly all days after on the other."""
        middle = (step.before.share + step.after.share) / 2
        days = [(at, self.part(at, at + 1)) for at in range(step.begin, step.end) if self.told[at]]
        right = [0, 0]
        for at, part in days:
            right[at >= step.at] += part.trials * ((part.share < middle) == ((at >= step.at) == step.down))
        return right[0] >= SAME_SIDE * step.before.trials and right[1] >= SAME_SIDE * step.after.trials

    def part(self, begin: int, end: int) -> Part:
        """Of the days from ``begin`` up to ``end``."""
        return Part(self._successes[end] - self._successes[begin], self._trials[end] - self._trials[begin])

    def step(self, begin: int, at: int, end: int) -> Step:
        """The two sides of a day."""
        return Step(begin, at, end, self.part(begin, at), self.part(at, end))


def places(sums: Sums, begin: int, end: int, left: int) -> Iterator[int]:
    """The likeliest day of change in a stretch, and those before and after it."""
    if left <= 0:
        return
    found = [step for at in range(begin + 1, end) if sums.told[at] and is_told(step := sums.step(begin, at, end))]
    best = max(found, key=lambda step: (gain(step), -step.at), default=None)
    if best is None or gain(best) < LEAST_LIKELY:
        yield from spell(sums, begin, end)
        return
    yield best.at
    yield from places(sums, begin, best.at, left // 2)
    yield from places(sums, best.at, end, left // 2)


def spell(sums: Sums, begin: int, end: int) -> Iterator[int]:
    """The begin and end of the few days in a stretch, if any, that are most unlike the rest; what is so short does not show otherwise."""
    found: list[tuple[float, int, int]] = []
    for at in range(begin + 1, end):
        if not sums.told[at]:
            continue
        for stop in range(at + 1, min(at + SHORT_SPELL, end - 1) + 1):
            if sums.told[stop]:
                inside, first, second = sums.part(at, stop), sums.part(begin, at), sums.part(stop, end)
                outside = Part(first.successes + second.successes, first.trials + second.trials)
                step = Step(begin, at, stop, outside, inside)
                if is_told(step) and gain(step) >= LEAST_LIKELY:
                    found.append((gain(step), at, stop))
    if found:
        _, at, stop = max(found)
        yield from (at, stop)


def is_told(step: Step) -> bool:
    """Whether a change of a share is large, and beyond doubt."""
    if min(step.before.trials, step.after.trials) < FEWEST or abs(step.before.share - step.after.share) < LEAST_STEP:
        return False
    return step.apart(1.96)


def gain(step: Step) -> float:
    """How much likelier (log) two shares make the counts than one."""
    whole = Part(step.before.successes + step.after.successes, step.before.trials + step.after.trials)
    return likelihood(step.before) + likelihood(step.after) - likelihood(whole)


def likelihood(part: Part) -> float:
    """The log-likelihood of a count under its own share."""
    return sum(count * log(count / part.trials) for count in (part.successes, part.trials - part.successes) if count)


class Shift(NamedTuple):
    """A volume changes on the day ``at``: messages of the whole weeks before and after it."""

    at: int
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def ratio(self) -> float:
        """How many times as much."""
        return (median(self.after) + 0.5) / (median(self.before) + 0.5)

    @property
    def contrast(self) -> float:
        """How far apart the means are; it is greatest on the very day of the change."""
        one, other = ((sum(side) + 0.5) / len(side) for side in (self.before, self.after))
        return max(one, other) / min(one, other)

    @property
    def is_told(self) -> bool:
        """Whether each week after is beyond each week before, and the volume at least doubled or halved."""
        low, high = sorted((self.before, self.after), key=median)
        few = min(len(low), len(high)) <= LEAST_WEEKS
        times = max(self.ratio, 1 / self.ratio)
        return max(low) < min(high) and median(high) - median(low) >= LEAST_A_WEEK and times >= (SAFE_RATIO if few else LEAST_RATIO)

    @property
    def is_clear(self) -> bool:
        """Whether even the weeks that are nearest to each other differ by as much, and there are three on each side."""
        low, high = sorted((self.before, self.after), key=median)
        return min(len(low), len(high)) > LEAST_WEEKS and min(high) >= LEAST_RATIO * max(low)


def weeks_around(begin: int, at: int, end: int) -> tuple[list[range], list[range]]:
    """The whole weeks before and after a day within a stretch, as many as are compared.

    >>> [len(side) for side in weeks_around(0, 15, 60)]
    [2, 4]
    """
    before = [range(at - WEEK * (number + 1), at - WEEK * number) for number in range(MOST_WEEKS)]
    after = [range(at + WEEK * number, at + WEEK * (number + 1)) for number in range(MOST_WEEKS)]
    return [week for week in before if week.start >= begin][::-1], [week for week in after if week.stop <= end]


def bursts(counts: Sequence[int]) -> list[range]:
    """The stretches of days with far more than usual, that last a week at most.

    >>> bursts([3, 5, 2, 400, 380, 4, 3, 2])
    [range(3, 5)]
    """
    high = [is_burst(counts, at) for at in range(len(counts))]
    found: list[range] = []
    for at, burst in enumerate(high):
        if burst and found and found[-1].stop == at:
            found[-1] = range(found[-1].start, at + 1)
        elif burst:
            found.append(range(at, at + 1))
    return [days for days in found if len(days) <= BURST_LONGEST]


def is_burst(counts: Sequence[int], at: int) -> bool:
    """Whether a day stands out from those around it."""
    if counts[at] < BURST_LEAST:
        return False
    around = counts[max(0, at - BURST_AROUND) : at + BURST_AROUND + 1]
    usual = median(around)
    spread = 1.4826 * median(abs(count - usual) for count in around)
    return counts[at] >= max(BURST_RATIO * usual, usual + BURST_SPREADS * spread)
