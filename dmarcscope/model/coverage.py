"""How complete the reports of a period are: who was heard, who is usual, what is likely still to come."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Arrival:
    """Reports of one reporter about the same period, as the ledger has them.

    ``lag``: seconds from the end of the period until the first of them arrived; None where that says nothing.
    """

    reporter: str
    begin: datetime
    end: datetime
    messages: int
    lag: int | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A reporter in a period.

    ``usual``: it reported in most weeks, or on most days, of the four weeks up to its last report. ``silent_since``: the first day without
    a report, where a usual reporter is overdue; else None. ``lag_hours``: how long after a period's end its reports usually arrive.
    ``span_days``: how many days one report usually is about. ``expected``: messages likely still to come from it.
    """

    reporter: str
    usual: bool
    messages: int
    first_day: date
    last_day: date
    silent_since: date | None
    lag_hours: int
    span_days: int
    spread_reports: int
    expected: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The reporters of a period from ``first_day`` to ``last_day`` (both belong to it), those with most messages first.

    ``complete_through``: the last day up to which nothing is likely to come any more; None where not even the first is complete.
    ``expected``: messages likely still to come, beside ``messages`` that came. ``spread_reports``: reports about several days, whose
    messages are spread over these days.
    """

    first_day: date | None
    last_day: date | None
    complete_through: date | None
    messages: int
    expected: int
    spread_reports: int
    reporters: tuple[Heard, ...]

    @property
    def usual(self) -> tuple[Heard, ...]:
        """The usual reporters."""
        return tuple(one for one in self.reporters if one.usual)

    @property
    def silent(self) -> tuple[Heard, ...]:
        """The usual reporters that are overdue."""
        return tuple(one for one in self.reporters if one.silent_since is not None)

    @property
    def share_to_come(self) -> float:
        """Which share of the period's messages is likely still to come, from 0 to 1."""
        whole = self.messages + self.expected
        return self.expected / whole if whole else 0.0
