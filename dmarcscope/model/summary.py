"""The summary of a period, for one domain or several: the verdict, the figures behind it, what to do, and all tables and series.

Sums are of messages, and agree with each other to the message: what a long tail holds is folded into a `Rest` that keeps its sums.
Days are UTC. Where a text quotes a stranger (senders, reporters, names), the field holds it as it came; sentences are made harmless for a
terminal, and neither is escaped for HTML.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from dmarcscope.model.change import Change, Kind, Timeline, Tone
from dmarcscope.model.coverage import Coverage
from dmarcscope.model.fix import Lookups
from dmarcscope.model.readiness import Readiness
from dmarcscope.model.sender_line import SenderLine
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


class Finding(StrEnum):
    """What a verdict rests on."""

    NO_REPORTS = "no-reports"  # none at all about the domain, ever
    NO_MAIL = "no-mail"  # none of this period, while there are some of other times
    REPORTS_MISSING = "reports-missing"  # usual reporters are silent, or the period is not complete yet
    OWN_STOPPED = "own-mail-stopped"  # mail of the owner's fails, and receivers quarantine or reject it
    OWN_FAILING = "own-mail-failing"  # a notable share fails, and is delivered all the same
    FORGED_DELIVERED = "forged-mail-delivered"  # unauthorised mail at volume, delivered as p=none asks nothing
    NEW_UNKNOWN = "new-unknown-sender"
    UNKNOWN = "unknown-sender"  # at volume, though not new
    BROKEN_ALONE = "spf-or-dkim-broken"  # while the other carries the mail
    BAD_CHANGE = "change"  # a change of the timeline that is bad or to be looked at, and that nothing above tells
    FORGED_STOPPED = "forged-mail-stopped"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that a verdict rests on: ``count`` of what it names (senders, reporters, changes), and the ``messages`` concerned.

    ``names``: those with most messages first; not all, where there are many. ``of``: the messages of which these are some.
    """

    finding: Finding
    tone: Tone
    count: int = 0
    messages: int = 0
    of: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SummaryVerdict:
    """Should I worry? ``sentence`` answers it, ``because`` tells why, a sentence each, the gravest first; ``reasons`` is the same as data.

    ``subject`` is the subject line of the mail: one line, at most some eighty characters, without anything a header would obey.
    """

    tone: Tone
    sentence: str
    because: tuple[str, ...]
    subject: str
    reasons: tuple[Reason, ...]


class FigureName(StrEnum):
    """The five figures."""

    REPORTED = "reported"
    PASSING = "passing"
    YOURS_FAILING = "yours-failing"
    FORWARDED = "forwarded"
    UNAUTHORISED = "unauthorised"


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the five: ``messages`` of ``whole`` (all that were reported), and the same of the period before; None where there is none.

    ``parts`` sum up to ``messages`` where there are some: `forwarded` and `mailing-list`; `stopped`, `delivered` and `untold`.
    """

    name: FigureName
    messages: int
    whole: int
    before: int | None
    whole_before: int | None
    parts: Mapping[str, int] = field(default_factory=dict)

    @property
    def change(self) -> int | None:
        """Messages more (or fewer) than in the period before."""
        return None if self.before is None else self.messages - self.before

    @property
    def share(self) -> float | None:
        """Which share it is, from 0 to 1; None of nothing."""
        return self.messages / self.whole if self.whole else None

    @property
    def share_before(self) -> float | None:
        """The same in the period before."""
        return self.before / self.whole_before if self.before is not None and self.whole_before else None


@dataclass(frozen=True, slots=True)
class ClassTotal:
    """The mail of one class and what receivers did with it. ``delivered + quarantined + rejected + untold = messages``."""

    sender_class: SenderClass
    messages: int
    passing: int
    delivered: int
    quarantined: int
    rejected: int
    untold: int
    overridden: int
    before: int | None

    @property
    def stopped(self) -> int:
        """Quarantined or rejected."""
        return self.quarantined + self.rejected


@dataclass(frozen=True, slots=True)
class Span:
    """One bar of a chart in time: the messages from ``first`` to ``last`` (both belong to it), by class; and how many passed.

    Reports about several days are spread over those of the period. All classes are there, those without mail with a 0.
    """

    first: date
    last: date
    by_class: Mapping[SenderClass, int]
    passing: int

    @property
    def messages(self) -> int:
        """Their sum."""
        return sum(self.by_class.values())


@dataclass(frozen=True, slots=True)
class Point:
    """A sender's messages from ``first`` to ``last`` (both belong to it), and how many of them passed DMARC."""

    first: date
    last: date
    messages: int
    passing: int


@dataclass(frozen=True, slots=True)
class Rest:
    """What was folded: ``count`` lines, and their sums. Nothing folded: all zero."""

    count: int = 0
    messages: int = 0
    passing: int = 0
    delivered: int = 0
    quarantined: int = 0
    rejected: int = 0

    def __bool__(self) -> bool:
        """Whether anything was folded."""
        return self.count > 0


@dataclass(frozen=True, slots=True)
class SenderTrend:
    """A sender with its course: ``points`` by the steps of the period (as `Summary.spans`), ``weeks`` the weeks up to its end, oldest
    first, the period among them (as `Summary.weeks`). Both are empty for senders of a long tail.
    """

    line: SenderLine
    points: tuple[Point, ...] = ()
    weeks: tuple[Point, ...] = ()
    is_new: bool = False


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
class Group:
    """Mail summed by something (``key``; empty where it is not known): what receivers did with it. ``sources``: addresses."""

    key: str
    sources: int
    messages: int
    passing: int
    delivered: int
    quarantined: int
    rejected: int
    untold: int

    @property
    def stopped(self) -> int:
        """Quarantined or rejected."""
        return self.quarantined + self.rejected


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups, those with most messages first, and what was folded."""

    groups: tuple[Group, ...] = ()
    rest: Rest = field(default_factory=Rest)


@dataclass(frozen=True, slots=True)
class Unauthorised:
    """Unauthorised mail, summed four ways; each sums up to the same. ``authors``: the names that were forged.

    ``networks`` («Example Hosting AS64500») and ``countries`` (ISO 3166, two letters) are of the network table; one empty key without it.
    """

    senders: Groups
    networks: Groups
    countries: Groups
    authors: Groups


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A sender's messages by reporter, in the order of `Matrix.reporters`. The last row, with an empty name and no class, is all others."""

    sender: str
    sender_class: SenderClass | None
    messages: tuple[int, ...]
    passing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Sender by reporter: those with most messages. The last reporter, "", is all others; it and the last row are there only if needed."""

    reporters: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """An address of a sender: ``name`` is its forward-confirmed name (else empty), ``network`` and ``country`` those of the table."""

    source_ip: str
    name: str
    network: str
    country: str
    sender: str
    sender_class: SenderClass
    messages: int
    passing: int
    dkim_aligned: int
    spf_aligned: int
    delivered: int
    quarantined: int
    rejected: int


@dataclass(frozen=True, slots=True)
class ReporterLine:
    """A reporter: its reports and messages of the period, what it did, and how it reports (as `Heard` of the coverage).

    ``usual``: it reports as a rule. ``silent_since``: the first day that is missing, where a usual one is overdue. ``expected``: messages
    likely still to come.
    """

    reporter: str
    reports: int
    messages: int
    passing: int
    delivered: int
    quarantined: int
    rejected: int
    usual: bool
    silent_since: date | None
    expected: int


@dataclass(frozen=True, slots=True)
class AuthorLine:
    """An author domain (`header_from`), such as a subdomain, by class; ``passing`` of all its messages."""

    name: str
    messages: int
    passing: int
    by_class: Mapping[SenderClass, int]


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables in full, but for the ends of long tails (``…_rest``).

    That of senders is `Summary.senders`, and that of changes `Summary.timeline`.
    """

    sources: tuple[SourceLine, ...]
    sources_rest: Rest
    reporters: tuple[ReporterLine, ...]
    reporters_rest: Rest
    authors: tuple[AuthorLine, ...]
    authors_rest: Rest


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
