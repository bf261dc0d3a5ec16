"""The interval in which a share may well lie that was measured on a sample (Wilson, 1927)."""

from math import sqrt
from typing import NamedTuple

CONFIDENT = 1.959963984540054
"""Standard deviations of a normal distribution that hold 95 % of it."""


class Interval(NamedTuple):
    """From ``low`` to ``high``, both between 0 and 1."""

    low: float
    high: float


def wilson(successes: int, trials: int, deviations: float = CONFIDENT) -> Interval:
    """The score interval without continuity correction; nothing tried says nothing: from 0 to 1.

    >>> tuple(round(end, 4) for end in wilson(81, 263))
    (0.2553, 0.3662)
    """
    if trials <= 0:
        return Interval(0.0, 1.0)
    share, square = successes / trials, deviations**2
    middle = share + square / (2 * trials)
    reach = deviations * sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    whole = 1 + square / trials
    return Interval(max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole))
