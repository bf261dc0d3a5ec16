"""An explanation: the chain from what reporters said to the verdict, for an address, a sender or a single record."""

from dataclasses import dataclass
from datetime import date, datetime

from dmarcscope.model.verdict import Hint

Counts = tuple[tuple[str, int], ...]
"""Words with how many messages each stands for, most first."""


@dataclass(frozen=True, slots=True)
class Said:
    """What reporters said, summed. ``dispositions`` and ``reasons`` are their words, with messages; ``reporters`` the ones with most."""

    messages: int
    records: int
    dkim_aligned: int
    spf_aligned: int
    dmarc_pass: int
    reporters: Counts
    reporter_count: int
    dispositions: Counts
    reasons: Counts
    authors: Counts
    begin: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class IdentityResult:
    """A DKIM or SPF result with the messages that have it. ``whose`` is `own` (the author's organizational domain), `other` or `none`."""

    kind: str
    domain: str | None
    selector: str | None
    result: str | None
    whose: str
    messages: int


@dataclass(frozen=True, slots=True)
class SpfTerm:
    """What SPF of a domain says today of an address: the result, the term that decided, and the way to it."""

    domain: str
    result: str
    term: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceSaid:
    """What is known of a source beside the reports. ``ptr_confirmed`` is None where nobody asked."""

    ip: str | None
    messages: int
    ptr_name: str | None
    ptr_confirmed: bool | None
    network: str
    country: str
    spf: tuple[SpfTerm, ...]


@dataclass(frozen=True, slots=True)
class DnsRecords:
    """What stood at a name on the day of the record, and what was seen there last. ``standing`` says how sure the former is.

    ``now_at`` is None where nobody ever asked; nothing is then said by ``now``. ``aliases`` are where CNAMEs led, last.
    """

    name: str
    kind: str
    day: date
    standing: str
    then: tuple[str, ...]
    now: tuple[str, ...]
    now_at: datetime | None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry of the owner's list that was met, if any; ``path`` and ``line`` are where it stands."""

    name: str
    label: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Because:
    """Why a class was given: the rule with its sentence, its inputs in words, what would have changed it, and the rules before it."""

    rule: str
    sentence: str
    inputs: tuple[str, ...]
    otherwise: str
    not_fitting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One verdict with all that it rests on. DNS facts and inputs are those of its most common kind of record, ``example`` (KEY:LINE).

    ``kinds`` are the kinds of records, by result and host, that share it.
    """

    sender_class: str
    sender: str
    confidence: float
    because: Because
    said: Said
    kinds: int
    example: str
    identities: tuple[IdentityResult, ...]
    sources: tuple[SourceSaid, ...]
    source_count: int
    dns: tuple[DnsRecords, ...]
    hints: tuple[Hint, ...]
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """All verdicts on what was asked for, those on most messages first; those that are not shown are only counted.

    ``kind`` is `address`, `sender` or `record`; ``catalogue`` the version of the facts, ``attribution`` whose networks are shown.
    """

    asked: str
    kind: str
    begin: datetime | None
    end: datetime | None
    messages: int
    records: int
    blocks: tuple[Block, ...]
    more_verdicts: int
    more_messages: int
    catalogue: str
    attribution: tuple[str, ...]
