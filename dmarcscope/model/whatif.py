"""What would become of the mail of a period under another policy, other SPF terms or without a sender, and what is published in vain."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dmarcscope.model.dmarc_record import Alignment
from dmarcscope.model.words import Policy


class Fate(StrEnum):
    """What would become of a message; each message has exactly one of these."""

    DELIVERED = "delivered"
    OVERRIDDEN = "overridden"  # fails, and would be let through as before, for a reason that the receiver gave
    QUARANTINED = "quarantined"
    REJECTED = "rejected"
    UNTOLD = "cannot-be-told"


STOPPED = frozenset({Fate.QUARANTINED, Fate.REJECTED})
ARRIVES = frozenset({Fate.DELIVERED, Fate.OVERRIDDEN})


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be tried; None and empty: as it is. Terms as they stand in a record; senders by their names."""

    policy: Policy | None = None
    sp: Policy | None = None
    np: Policy | None = None
    adkim: Alignment | None = None
    aspf: Alignment | None = None
    testing: bool | None = None
    remove_spf: tuple[str, ...] = ()
    add_spf: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the DMARC record that change, with their new values."""
        words = {"p": self.policy, "sp": self.sp, "np": self.np, "adkim": self.adkim, "aspf": self.aspf}
        testing = None if self.testing is None else "y" if self.testing else "n"
        return {name: str(word) for name, word in {**words, "t": testing}.items() if word is not None}

    @property
    def changes_spf(self) -> bool:
        """Whether the SPF record changes."""
        return bool(self.remove_spf or self.add_spf)

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is to be changed."""
        return not (self.tags or self.changes_spf or self.without)


@dataclass(slots=True)
class Tally:
    """Messages, and what would become of them: delivered + quarantined + rejected + untold = messages.

    ``overridden`` is the part of ``delivered`` that fails and rests on a reason of the receiver. Against what the receivers did then:
    """

    messages: int = 0
    records: int = 0
    delivered: int = 0
    overridden: int = 0
    quarantined: int = 0
    rejected: int = 0
    untold: int = 0
    newly_stopped: int = 0
    newly_delivered: int = 0

    @property
    def stopped(self) -> int:
        """Quarantined or rejected."""
        return self.quarantined + self.rejected


@dataclass(frozen=True, slots=True)
class SenderFate:
    """What would become of the mail of a sender in one class."""

    sender: str
    sender_class: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Move:
    """Messages by what the receivers did («delivered», «quarantined», «rejected» or «not told») and what would become of them."""

    then: str
    fate: Fate
    messages: int
    records: int


@dataclass(frozen=True, slots=True)
class Risk:
    """Legitimate mail that would be stopped. ``told`` of the ``legitimate`` messages have a known fate, ``stopped`` of these are stopped.

    ``newly`` of the stopped were delivered then. ``low`` to ``high`` is the Wilson interval of 95 % around the share that is stopped, in
    messages a week, as ``a_week`` is; all three are 0 where there is no legitimate mail.
    """

    legitimate: int = 0
    told: int = 0
    stopped: int = 0
    newly: int = 0
    a_week: float = 0.0
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """How well a replay under the policy of then meets what the receivers did.

    ``compared`` messages have a disposition and a known fate; of these ``agree`` came out as reported, and ``explained`` did not, but
    the receiver gave a reason.
    """

    compared: int = 0
    agree: int = 0
    explained: int = 0


@dataclass(frozen=True, slots=True)
class SpfEdit:
    """An SPF record before (None: there is none) and after a change, with what was put in and taken out."""

    domain: str
    before: str | None
    after: str
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpfEffect:
    """What a changed SPF record costs and does.

    ``lookups_before`` is None where there is no record that can be read. ``is_complete``: whether all that the trees lead to could be
    asked; else the counts are the least. ``sources``: addresses for which SPF was evaluated anew; ``untold_sources`` could not be, and
    their ``untold_messages`` are replayed with the result that was reported.
    """

    edit: SpfEdit
    lookups_before: int | None
    lookups_after: int
    is_complete: bool
    sources: int
    untold_sources: int
    untold_messages: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DmarcEdit:
    """The DMARC record of a domain: its text before (None: there is none, or only reports tell of it) and after, and where it is from."""

    domain: str
    before: str | None
    after: str
    is_from: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A replay of a period. ``lines`` have every message once, those with most legitimate mail stopped first.

    ``leaving``: messages of the senders that are left out; they pass no more, and are no legitimate mail. ``without``: the names of these
    as they are known here. ``serving``: SPF terms and selectors that served nobody else.
    """

    domain: str
    begin: datetime | None
    end: datetime | None
    change: Change
    dmarc: DmarcEdit | None
    spf: SpfEffect | None
    total: Tally
    lines: tuple[SenderFate, ...]
    moves: tuple[Move, ...]
    risk: Risk
    self_check: SelfCheck
    without: tuple[str, ...] = ()
    leaving: int = 0
    serving: tuple["InUse", ...] = ()
    notes: tuple[str, ...] = ()


class Use(StrEnum):
    """Whether something that is published was of use."""

    USED = "used"
    UNUSED = "unused"
    TOO_EARLY = "too-early"  # not seen in use, in a period that is too short to say so
    UNTOLD = "cannot-be-told"


class Published(StrEnum):
    """What is published."""

    SPF_TERM = "spf-term"
    DKIM_KEY = "dkim-key"


@dataclass(frozen=True, slots=True)
class InUse:
    """A term of the SPF record («include:spf.example.net») or a key («selector._domainkey.example.com») and its use in a period.

    ``messages``, ``sources`` and ``senders``: what it authorised or signed; who only passes on what others sent is no
    such sender. ``last_seen``: the end of the last period in which it was of
    use; for keys of all that was ever reported. ``why`` says what the verdict rests on.
    """

    what: Published
    name: str
    use: Use
    messages: int = 0
    sources: int = 0
    senders: tuple[str, ...] = ()
    last_seen: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Unused:
    """What is published for a domain, and what of it was of use between ``begin`` and ``end``.

    The reports reach over ``days`` days without a long gap; periods begin on ``heard`` days.

    ``edit`` is the SPF record without the terms that are not used, None where there are none.
    """

    domain: str
    begin: datetime | None
    end: datetime | None
    days: int
    heard: int
    wanted_days: int
    items: tuple[InUse, ...]
    edit: SpfEdit | None = None
    lookups: tuple[int, int] | None = None
    notes: tuple[str, ...] = field(default=())
