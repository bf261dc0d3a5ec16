"""Should I worry? The verdict of a summary with what it rests on, its five figures, and the sums of each class."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dmarcscope.model.change import Tone
from dmarcscope.model.verdict import SenderClass


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
