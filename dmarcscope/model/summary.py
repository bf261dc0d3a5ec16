"""The summary of a period, for one domain or several: the verdict, the figures behind it, what to do, and all tables and series.

Sums are of messages, and agree with each other to the message: what a long tail holds is folded into a `Rest` that keeps its sums.
Days are UTC. Where a text quotes a stranger (senders, reporters, names), the field holds it as it came; sentences are made harmless for a
terminal, and neither is escaped for HTML.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from dmarcscope.model.change import Change, Kind, Timeline, Tone
from dmarcscope.model.coverage import Coverage
from dmarcscope.model.fix import Lookups
from dmarcscope.model.readiness import Readiness
from dmarcscope.model.summary_figures import ClassTotal, Figure, FigureName, SummaryVerdict
from dmarcscope.model.summary_tables import (
    Groups,
    Matrix,
    Rest,
    SenderTrend,
    Span,
    Tables,
    Unauthorised,
)
from dmarcscope.model.verdict import YOURS, SenderClass

MARKED = frozenset({Kind.DNS, Kind.POLICY, Kind.SELECTOR_NEW, Kind.SELECTOR_GONE, Kind.SELECTOR_BACK})
"""Changes that are marked in a chart of days: what was published."""
FORWARDING = frozenset({SenderClass.FORWARDED, SenderClass.MAILING_LIST})


@dataclass(frozen=True, slots=True)
class Period:
    """From ``begin`` on, up to ``end``, which does not belong to it; both UTC. ``label``: «week 20 of 2026», or its dates.

    ``week`` is the ISO week («2026-W20») where it is exactly one, else empty.
    """

    begin: datetime
    end: datetime
    label: str
    week: str = ""

    @property
    def first_day(self) -> date:
        """Its first day."""
        return self.begin.date()

    @property
    def last_day(self) -> date:
        """The last day that belongs to it."""
        return max((self.end - timedelta(seconds=1)).date(), self.first_day)


class ToDoKind(StrEnum):
    """Where something to do comes from."""

    FIX = "fix"  # mail of one's own that would pass
    UNKNOWN = "unknown"  # whose is it?
    READINESS = "readiness"  # the next step of the policy
    REPORTS = "reports"  # no reports, or reporters that fell silent


@dataclass(frozen=True, slots=True)
class ToDo:
    """One thing to do. ``records`` are lines to publish, to be copied as they are; <…> stands for what only the sender's account tells.

    ``subject`` is the sender, reporter or domain it is about. ``command``: one to type, where that is what to do. ``messages_a_week``:
    messages that it is about, by the week. ``documentation``: an address of our own catalogue.
    """

    kind: ToDoKind
    subject: str
    what: str
    why: str
    records: tuple[str, ...]
    messages_a_week: float
    command: str = ""
    documentation: str = ""
    lookups: Lookups | None = None


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """What became of the reports about the period: ``received = stored + duplicate + superseded + pending``.

    ``messages`` are those of the stored ones, as the ledger has them. ``sidelined``: files and mails that arrived while those reports did,
    and could not be read, whatever they are about.
    """

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    superseded: int = 0
    pending: int = 0
    sidelined: int = 0
    defective: int = 0
    messages: int = 0
    newest_received: datetime | None = None


@dataclass(frozen=True, slots=True)
class Former:
    """What an earlier summary said of a period: its figures by name. ``told``: when."""

    domain: str
    begin: datetime
    end: datetime
    figures: Mapping[FigureName, int]
    told: datetime | None = None


@dataclass(frozen=True, slots=True)
class Restated:
    """An earlier period whose figures are not those that a summary told: ``then`` and ``now``, by name, only those that differ."""

    begin: datetime
    end: datetime
    label: str
    told: datetime | None
    then: Mapping[FigureName, int]
    now: Mapping[FigureName, int]


@dataclass(frozen=True, slots=True)
class Summary:
    """All that is told of one domain (with those below it) in one period, ``made`` at a time.

    ``figures`` are the five in their order, ``classes`` all six. ``has_before``: whether there is a period before to compare with.
    ``spans`` are the days of the period (the weeks of a long one), ``weeks`` the weeks up to its end. ``senders`` are all, those with most
    messages first, but for the end of a long tail: ``senders_rest`` by class. ``complete``: nothing of it is likely to come any more.
    ``has_dns``: whether the DNS was ever asked; ``has_owner_list``: whether there is an owner's list; ``has_networks``: a network table.
    """

    domain: str
    period: Period
    made: datetime
    verdict: SummaryVerdict
    figures: tuple[Figure, ...]
    classes: tuple[ClassTotal, ...]
    has_before: bool
    timeline: Timeline
    to_do: tuple[ToDo, ...]
    senders: tuple[SenderTrend, ...]
    senders_rest: Mapping[SenderClass, Rest]
    unauthorised: Unauthorised
    readiness: Readiness
    coverage: Coverage
    ledger: LedgerCounts
    complete: bool
    restated: tuple[Restated, ...]
    spans: tuple[Span, ...]
    weeks: tuple[Span, ...]
    matrix: Matrix
    networks: Groups
    tables: Tables
    has_dns: bool
    has_owner_list: bool
    has_networks: bool
    catalogue: str
    attribution: tuple[str, ...]

    @property
    def messages(self) -> int:
        """Messages reported."""
        return self.figure(FigureName.REPORTED).messages

    def figure(self, name: FigureName) -> Figure:
        """One of the five."""
        return next(one for one in self.figures if one.name is name)

    def of_class(self, one: SenderClass) -> ClassTotal:
        """The sums of a class."""
        return next(total for total in self.classes if total.sender_class is one)

    @property
    def yours(self) -> tuple[SenderTrend, ...]:
        """Your senders."""
        return tuple(one for one in self.senders if one.line.sender_class in YOURS)

    @property
    def forwarders(self) -> tuple[SenderTrend, ...]:
        """Forwarders and mailing lists."""
        return tuple(one for one in self.senders if one.line.sender_class in FORWARDING)

    @property
    def unknown(self) -> tuple[SenderTrend, ...]:
        """Senders of which it is not known whose they are."""
        return tuple(one for one in self.senders if one.line.sender_class is SenderClass.UNKNOWN)

    @property
    def marks(self) -> tuple[Change, ...]:
        """Changes of what is published, to be marked in a chart of days."""
        return tuple(one for one in self.timeline.changes if one.kind in MARKED)

    @property
    def complete_through(self) -> date | None:
        """The last day up to which nothing is likely to come any more."""
        return self.coverage.complete_through


@dataclass(frozen=True, slots=True)
class OverviewLine:
    """One of several domains, in a line. ``within``: another domain of the overview that takes it in, or empty."""

    domain: str
    tone: Tone
    sentence: str
    subject: str
    messages: int
    messages_before: int | None
    passing: int
    yours_failing: int
    forwarded: int
    unauthorised: int
    unauthorised_delivered: int
    unknown: int
    policy: str
    answer: str
    to_do: int
    within: str = ""


@dataclass(frozen=True, slots=True)
class DomainCount:
    """A domain and its messages."""

    domain: str
    messages: int


@dataclass(frozen=True, slots=True)
class Summaries:
    """The summaries of one period: an overview (the gravest first) and a summary each, in the same order.

    ``also``: domains with mail that have no summary here, as there are too many. ``has_reports``: whether the store holds any reports.
    ``subject`` is that of one mail about all of them.
    """

    period: Period
    made: datetime
    overview: tuple[OverviewLine, ...]
    summaries: tuple[Summary, ...]
    also: tuple[DomainCount, ...]
    has_reports: bool
    subject: str
    sentence: str
    tone: Tone
    catalogue: str
    attribution: tuple[str, ...]

    @property
    def messages(self) -> int:
        """Messages of all domains in the overview, each counted once."""
        return sum(line.messages for line in self.overview if not line.within)
