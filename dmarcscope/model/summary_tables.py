"""The series and tables of a summary; what a long tail holds is folded into a `Rest` that keeps its sums."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from dmarcscope.model.sender_line import SenderLine
from dmarcscope.model.verdict import SenderClass


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
