"""Whether a domain is ready for a stricter policy: the evidence, the gates with their figures, the verdicts, and what to publish next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from dmarcscope.model.discovery import Existence
from dmarcscope.model.dmarc_record import DmarcRecord
from dmarcscope.model.verdict import SenderClass
from dmarcscope.model.words import Policy


class Answer(StrEnum):
    """May I?"""

    READY = "ready"
    NOT_YET = "not-yet"
    NO_DATA = "no-data"


class Passage(StrEnum):
    """What a gate says: an advice does not close it, and is worth knowing."""

    OPEN = "open"
    CLOSED = "closed"
    ADVICE = "advice"


class Stage(StrEnum):
    """The steps on the way to p=reject; in test mode receivers do as at the step before (RFC 9989 §4.7, t)."""

    NONE = "none"
    QUARANTINE_TEST = "quarantine-test"
    QUARANTINE = "quarantine"
    REJECT_TEST = "reject-test"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class SenderSums:
    """The mail of one sender in one class. ``judged``: messages of which it is known whether they passed DMARC.

    ``by_dkim``: messages that passed by an aligned DKIM signature, perhaps by SPF, too.
    """

    sender: str
    sender_class: SenderClass
    messages: int
    judged: int
    passing: int
    by_dkim: int
    first_seen: datetime | None
    last_seen: datetime | None

    @property
    def failing(self) -> int:
        """Messages that are known not to pass."""
        return self.judged - self.passing


@dataclass(frozen=True, slots=True)
class PolicyDays:
    """A policy as reports tell it, and the days from ``first`` to ``last`` that they are about; null where nothing was told."""

    policy_domain: str | None
    p: str | None
    sp: str | None
    np: str | None
    pct: str | None
    testing: str | None
    first: date
    last: date
    messages: int


@dataclass(frozen=True, slots=True)
class NameSums:
    """The mail of one author domain. ``yours`` are messages of your own senders; ``existing``: whether the DNS knows the name."""

    name: str
    messages: int
    yours: int
    yours_passing: int
    existing: Existence = Existence.UNKNOWN


@dataclass(frozen=True, slots=True)
class ReporterSums:
    """How many messages a reporter told of."""

    reporter: str
    messages: int


@dataclass(frozen=True, slots=True)
class Published:
    """The DMARC record that was last seen at the domain itself: ``record`` is None where none was there, or several.

    ``what`` says in words what was there, and ``seen`` when.
    """

    record: DmarcRecord | None
    what: str
    seen: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict on a domain rests on. ``first_day`` to ``last_day`` is the period asked about, both belong to it.

    ``listed``: the names in the owner's list. ``published`` is None where nobody asked the DNS. ``sends_nothing``: its SPF record
    lets nobody send; None where that was not asked.
    """

    domain: str
    first_day: date
    last_day: date
    senders: tuple[SenderSums, ...] = ()
    policies: tuple[PolicyDays, ...] = ()
    names: tuple[NameSums, ...] = ()
    reporters: tuple[ReporterSums, ...] = ()
    listed: frozenset[str] = frozenset()
    published: Published | None = None
    sends_nothing: bool | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a gate found: whether it is passed, the figure in words, what is missing, and the numbers behind it."""

    passage: Passage
    figure: str
    missing: str = ""
    numbers: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GateFound:
    """A gate on the way to a policy with what it found. ``limit`` is what it asks for, in words, and ``reason`` why."""

    gate: str
    question: str
    limit: str
    reason: str
    found: Found


@dataclass(frozen=True, slots=True)
class TargetVerdict:
    """May this policy be asked for? ``because`` are the reasons, in words; ``reached``: it is asked for already."""

    target: Policy
    answer: Answer
    reached: bool
    because: tuple[str, ...]
    gates: tuple[GateFound, ...] = ()


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do next. ``stage`` is where it leads, ``may`` whether it may be done now, ``what`` says it in words.

    ``tags`` are the tags to change; ``record`` is the whole text and ``line`` the line to publish, None where the present record is not
    known; ``hint`` says then how to come to it. ``also`` are further lines, such as the SPF record of a domain that sends nothing.
    """

    stage: Stage
    may: bool
    what: str
    tags: str = ""
    record: str | None = None
    line: str | None = None
    hint: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Present:
    """The policy that is asked for now: ``by`` says who tells so («DNS», «reports» or «nobody»), ``text`` the tags."""

    stage: Stage
    by: str
    text: str
    policy_domain: str | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """The whole answer for one domain. ``days`` are those of data; ``answer`` is that of the next stricter policy."""

    domain: str
    first_day: date
    last_day: date
    days: int
    messages: int
    yours: int
    yours_passing: int
    parked: bool
    present: Present
    quarantine: TargetVerdict
    reject: TargetVerdict
    next_step: NextStep
    advice: tuple[str, ...] = ()

    @property
    def verdict(self) -> TargetVerdict:
        """The verdict on the next stricter policy; on p=reject where that is asked for already."""
        early = self.present.stage in {Stage.NONE, Stage.QUARANTINE_TEST} and not self.parked
        return self.quarantine if early else self.reject
