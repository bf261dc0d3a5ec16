"""What the labelled world is made of: hosts, signatures, flows of mail, and the truth about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from dmarcscope.model.verdict import SenderClass

FIRST_DAY = date(2026, 2, 2)  # a Monday
DAYS = 90
NEVER = 10 * DAYS
"""A day that does not come."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What mail truly is.

    Of the owner's mail the class given here is `yours-aligned`; whether a message is aligned, or needs fixing, each record shows.
    A right name contains one of ``names``; without any, nobody can tell a name. ``kind`` is what it is in the words of this world.
    ``hard``: the reports cannot tell it from the owner's own mail.
    """

    sender_class: SenderClass
    sender: str
    names: tuple[str, ...]
    kind: str
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """A machine that sends; ``confirmed``: its name leads back to its address."""

    ip: str
    name: str | None
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """A DKIM signature; one that is not ``broken`` passes for as long as its key stands in the zone."""

    domain: str
    selector: str
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Messages to all reporters together on a working day, the share of that on a day of the weekend, and when.

    ``weekdays`` of a sender that is not heard daily. Day 0 is the first of the world; ``peaks`` add to a day.
    """

    daily: float
    weekend: float = 0.3
    first: int = 0
    last: int = DAYS - 1
    weekdays: frozenset[int] = frozenset(range(7))
    peaks: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))

    def volume(self, day: int) -> float:
        """The messages to be expected on a day."""
        if not self.first <= day <= self.last:
            return 0.0
        usual = self.daily * (self.weekend if day % 7 >= 5 else 1.0) if day % 7 in self.weekdays else 0.0
        return usual + self.peaks.get(day, 0.0)


@dataclass(frozen=True, slots=True)
class Domain:
    """One of the owner's domains: its policy, the alignment it asks for, and ``size``, by which its flows are measured."""

    name: str
    size: float
    p: str
    sp: str
    np: str | None
    adkim: str
    aspf: str
    otherwise: str  # what SPF says of sources that are not listed
    parked: bool = False

    @property
    def word(self) -> str:
        """The name without its ending."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Flow:
    """One way in which mail reaches receivers. An empty ``envelope`` is the null sender, for which SPF looks at the host's own name.

    ``reason`` is what a receiver that knows such ways says when DMARC fails; ``arc``: a chain passes by which it may be told.
    ``per_host``: messages that a host sends before another takes over. ``reporters``: those alone hear of it, if any are named.
    """

    truth: Truth
    domain: Domain
    hosts: tuple[Host, ...]
    authors: tuple[str, ...]
    envelopes: tuple[str, ...]
    signatures: tuple[Signature, ...]
    rhythm: Rhythm
    reason: str = ""
    arc: bool = False
    per_host: float = 40.0
    reporters: frozenset[str] = frozenset()
