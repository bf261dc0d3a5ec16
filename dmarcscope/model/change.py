"""What changed in a period: one timeline of senders, selectors, policies, DNS records and reporters, with likely causes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Kind(StrEnum):
    """What has changed."""

    SENDER_NEW = "sender-new"
    SENDER_GONE = "sender-gone"
    SENDER_BACK = "sender-back"
    SENDER_GROWN = "sender-grown"
    SENDER_SHRUNK = "sender-shrunk"
    FAILING = "started-failing"  # DMARC
    RECOVERED = "recovered"
    FAILING_ALONE = "started-failing-alone"  # SPF or DKIM, while DMARC passes through the other
    RECOVERED_ALONE = "recovered-alone"
    BURST = "burst"  # mail that nobody authorised, for a few days
    SELECTOR_NEW = "selector-new"
    SELECTOR_GONE = "selector-gone"
    SELECTOR_BACK = "selector-back"
    POLICY = "policy"
    DNS = "dns"
    REPORTER_SILENT = "reporter-silent"
    REPORTER_BACK = "reporter-back"


class Tone(StrEnum):
    """What a change is to the owner."""

    GOOD = "good"
    NEUTRAL = "neutral"
    WARNING = "warning"
    BAD = "bad"


class Sureness(StrEnum):
    """How sure a change is: it was seen; figures speak for it clearly; or they speak for it, and there are few of them."""

    SEEN = "seen"
    CLEAR = "clear"
    LIKELY = "likely"


class Rests(StrEnum):
    """What a cause rests on."""

    REPORTS = "reports"  # reporters say so
    DNS = "dns"  # answers of the DNS were seen to change
    TODAY = "dns-today"  # the DNS as it was last seen
    CHANGE = "change"  # another change at about the same time


@dataclass(frozen=True, slots=True)
class Figures:
    """One side of a change: ``messages`` in so many ``days``; where a share has changed, that share and the interval it may well lie in."""

    messages: int
    days: int
    share: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def a_week(self) -> float:
        """Messages a week."""
        return 7 * self.messages / self.days if self.days else 0.0


@dataclass(frozen=True, slots=True)
class Cause:
    """What explains a change, in words; ``publish`` is a line to publish that mends it, or empty."""

    words: str
    rests: Rests
    day: date | None = None
    publish: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. ``day`` is the first day on which it is seen.

    ``not_before``: it may have happened since that day, where it cannot be told to the day. ``until``: the last day of what lasted for
    some days only. ``what``: the sender, selector, DNS name or reporter; ``mechanism``: SPF, DKIM or both, where one of them changed.
    ``more`` holds further figures by name.
    """

    day: date
    kind: Kind
    tone: Tone
    domain: str
    what: str
    words: str
    sure: Sureness
    not_before: date | None = None
    until: date | None = None
    role: str = ""
    mechanism: str = ""
    before: Figures | None = None
    after: Figures | None = None
    more: Mapping[str, int | str] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """The changes from ``first`` to ``last`` (both belong to it; None where there are no reports), oldest first; ``left_out`` tells how
    many lesser ones of each kind are not told.
    """

    first: date | None
    last: date | None
    changes: tuple[Change, ...]
    left_out: Mapping[Kind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tally:
    """Mail of a sender that a reporter tells of, from the day ``first`` to the day ``last``.

    ``role`` is its class, in which both of yours are one: `yours`.
    """

    domain: str
    sender: str
    role: str
    reporter: str
    first: date
    last: date
    messages: int
    dmarc: int = 0
    dkim: int = 0
    spf: int = 0


@dataclass(frozen=True, slots=True)
class SelectorTally:
    """Mail that a selector signed for a domain within ``domain``, whether it passed or not."""

    domain: str
    signer: str
    selector: str
    sender: str
    reporter: str
    first: date
    last: date
    messages: int
    passing: int


@dataclass(frozen=True, slots=True)
class PolicyTally:
    """The policy that a reporter read, by tag; tags that it does not tell are left out. ``failing`` messages, ``stopped`` ones of them."""

    domain: str
    reporter: str
    first: date
    last: date
    tags: Mapping[str, str]
    messages: int
    failing: int
    stopped: int


@dataclass(frozen=True, slots=True)
class Result:
    """A DKIM or SPF result of a sender's mail on a day, by the domain (and selector) it is about."""

    domain: str
    sender: str
    role: str
    mechanism: str
    day: date
    identity: str
    selector: str
    result: str
    messages: int
