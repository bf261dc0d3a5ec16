"""Which SPF terms and DKIM keys of a domain were of use in a period, and which can go (RFC 7208 §4.6.2; RFC 6376 §3.6.1).

Facts: a term is of use if today's record lets a source of the period send by way of it, the first term that matches. A key is of use if a
signature with it passed. Nothing is called unused after less than WANTED_DAYS days of reports without a long gap, or where something
that nobody could tell may have used it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from dmarcscope.model.source_check import KeyToday
from dmarcscope.model.spf_record import Directive, Mechanism, Modifier, SpfRecord
from dmarcscope.model.verdict import SenderClass
from dmarcscope.model.whatif import InUse, Published, Use

WANTED_DAYS = 90
"""Days without use after which something can go: what is sent once a quarter has been seen by then."""
MAX_GAP = timedelta(days=14)
"""Time without any report after which nobody knows what was sent meanwhile; reports of some senders come once a week."""
GONE = frozenset({KeyToday.MISSING, KeyToday.REVOKED})
"""Keys that are no longer there."""
PASSED_ON = frozenset({SenderClass.FORWARDED, SenderClass.MAILING_LIST})
Row = Mapping[str, Any]


class Way(NamedTuple):
    """How today's record comes to its end for a source: by the term of that text, «» if none matches.

    ``is_told``: False if it could not be told, from that term on (None: from the first).
    """

    term: str | None
    is_told: bool = True


@dataclass(slots=True)
class Found:
    """What used something; ``senders`` without those who only pass on what others sent."""

    messages: int = 0
    sources: int = 0
    senders: dict[str, None] = field(default_factory=dict)
    last_seen: datetime | None = None

    def add(self, row: Row, sources: int) -> None:
        """Count a row in."""
        self.messages += row["messages"]
        self.sources += sources
        if row["class"] not in PASSED_ON:
            self.senders[row["sender"] or ""] = None
        self.last_seen = max(filter(None, (self.last_seen, row["last_seen"])), default=None)


def unbroken_since(days: Sequence[date]) -> date | None:
    """The first day of the last stretch of days with reports that has no gap of more than MAX_GAP; ``days`` are in their order.

    >>> unbroken_since([date(2026, 1, 1), date(2026, 3, 1), date(2026, 3, 8)])
    datetime.date(2026, 3, 1)
    """
    first = None
    before = None
    for each in days:
        if before is None or each - before > MAX_GAP:
            first = each
        before = each
    return first


def days_between(begin: datetime | None, end: datetime | None) -> int:
    """Whole days of reports, the last one of which ends a second early as reports have it."""
    return 0 if begin is None or end is None else (end - begin + timedelta(minutes=1)).days


def terms_in_use(record: SpfRecord, rows: Iterable[Row], ways: Mapping[str, Way], days: int) -> list[InUse]:
    """The terms of an SPF record that let somebody send, in their order.

    ``rows`` are those of ``whatif_questions.envelope_sources``; ``ways`` says of each source how today's record comes to its end.
    """
    texts = [term.text for term in record.terms if is_of_use(term)]
    used: dict[str, Found] = defaultdict(Found)
    doubtful: dict[str, int] = defaultdict(int)
    for row in rows:
        way = ways.get(row["source_ip"] or "", Way(None, is_told=False))
        if way.is_told:
            used[way.term or ""].add(row, 1)
        elif row["passed"]:
            # Terms are tried in order: what could not be told may have been let through by any from there on.
            first = texts.index(way.term) if way.term in texts else 0
            for text in texts[first:]:
                doubtful[text] += row["messages"]
    return [judged_term(text, used.get(text), doubtful[text], days) for text in dict.fromkeys(texts)]


def is_of_use(term: Directive | Modifier) -> bool:
    """Whether a term is there to let somebody send, or to shut somebody out."""
    return term.name == "redirect" if isinstance(term, Modifier) else term.mechanism is not Mechanism.ALL


def judged_term(text: str, found: Found | None, doubtful: int, days: int) -> InUse:
    """One term with its verdict."""
    if found is not None:
        why = "today's record lets these sources of the period send by way of it"
        return in_use(Published.SPF_TERM, text, Use.USED, found, why)
    if doubtful:
        why = f"for {doubtful:,} messages that passed SPF it could not be told by which term: a name was never asked for, or is an error"
        return InUse(Published.SPF_TERM, text, Use.UNTOLD, why=why)
    use, why = vain("no source of the period sends by way of it", days)
    return InUse(Published.SPF_TERM, text, use, why=why)


def vain(why: str, days: int) -> tuple[Use, str]:
    """The verdict on what was not of use."""
    return (Use.UNUSED, why) if days >= WANTED_DAYS else (Use.TOO_EARLY, f"{why}, but the reports reach over {days} of {WANTED_DAYS} days")


def in_use(what: Published, name: str, use: Use, found: Found, why: str) -> InUse:
    """A verdict with what it rests on."""
    return InUse(what, name, use, found.messages, found.sources, tuple(sorted(found.senders)), found.last_seen, why)


class SeenKey(NamedTuple):
    """A key that was ever seen, in the DNS or in reports; ``state`` as it was last seen, None where nobody asked."""

    domain: str
    selector: str
    state: KeyToday | None
    last_signed: datetime | None = None

    @property
    def name(self) -> str:
        """Where it is published."""
        return f"{self.selector}._domainkey.{self.domain}"


def keys_in_use(keys: Iterable[SeenKey], rows: Iterable[Row], days: int) -> list[InUse]:
    """The keys that are published, in the order of their names; those that are gone, or revoked, are left out.

    ``rows`` are those of ``whatif_questions.signatures``.
    """
    passed: dict[tuple[str, str], Found] = defaultdict(Found)
    failed: dict[tuple[str, str], Found] = defaultdict(Found)
    unnamed: dict[str, int] = defaultdict(int)
    for row in rows:
        if row["selector"] is not None:
            (passed if row["passed"] else failed)[row["domain"], row["selector"]].add(row, row["sources"])
        elif row["passed"]:
            unnamed[row["domain"]] += row["messages"]
    there = {(key.domain, key.selector): key for key in keys if key.state not in GONE}
    return [judged_key(there[key], passed.get(key), failed.get(key), unnamed[key[0]], days) for key in sorted(there)]


def judged_key(key: SeenKey, passed: Found | None, failed: Found | None, unnamed: int, days: int) -> InUse:
    """One key with its verdict."""
    what, name = Published.DKIM_KEY, key.name
    if passed is not None:
        return in_use(what, name, Use.USED, passed, "signatures with it passed")
    if key.state is None:
        return InUse(what, name, Use.UNTOLD, last_seen=key.last_signed, why="whether it is still there was never asked")
    if failed is not None:
        return in_use(what, name, Use.UNTOLD, failed, "signatures name it, and none passed: a broken sender of yours, or anybody")
    if unnamed:
        why = f"{unnamed:,} messages were signed as {key.domain} by a selector that the reporters do not tell"
        return InUse(what, name, Use.UNTOLD, last_seen=key.last_signed, why=why)
    use, why = vain("no signature of the period names it", days)
    return InUse(what, name, use, last_seen=key.last_signed, why=why)


def serving_only(items: Sequence[InUse], senders: frozenset[str]) -> tuple[InUse, ...]:
    """What is of use to none but these senders, and would be in vain without them."""
    return tuple(item for item in items if item.use is Use.USED and item.senders and senders.issuperset(item.senders))
