"""Find out what of a domain's SPF record and DKIM keys was of use, and what can go. It asks nobody unless it is told to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from dmarcscope.analysis.spf_change import changed_record
from dmarcscope.analysis.unused import WANTED_DAYS, SeenKey, Way, days_between, keys_in_use, terms_in_use, unbroken_since
from dmarcscope.errors import SetupError
from dmarcscope.lookup.asking import Resolver
from dmarcscope.lookup.running import finished
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.lookup.spf_walk import walk
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.source_check import KeyToday
from dmarcscope.model.spf_check import SpfCheck
from dmarcscope.model.spf_record import SpfRecord
from dmarcscope.model.whatif import InUse, SpfEdit, Unused, Use
from dmarcscope.model.words import SpfResult
from dmarcscope.ops.ask import resolved
from dmarcscope.ops.classified import Classified, classified
from dmarcscope.ops.remembered import WithSpf, evaluated, opened
from dmarcscope.ops.resolve import key_of
from dmarcscope.ops.selectors import seen_selectors
from dmarcscope.parse.spf_meant import spf_records
from dmarcscope.parse.spf_record import spf_record
from dmarcscope.store.answers import Observations
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables import whatif_questions as questions
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows

KEYS = "._domainkey."
ERRORS = frozenset({SpfResult.TEMPERROR, SpfResult.PERMERROR})
NO_RECORD = "The SPF record of {domain} was never asked for, so nothing is said of its terms. Run dmarcscope resolve, or add --dns."


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is looked at, and over how many days of it the reports reach without a long gap."""

    which: Filter
    days: int


def unused(store: StoreFiles, which: Filter, knowledge: Knowledge, dns: DnsSettings | None = None) -> Unused:
    """What of a domain's record and keys was of use in the last WANTED_DAYS days of reports, or since ``which.since``.

    ``which.domain`` must be given. Without ``dns``, SPF is evaluated with what the ledger remembers. Raises SetupError where there is no
    store or no such mail.
    """
    store.require()
    return finished(found_out(store, which, knowledge, dns))


async def found_out(store: StoreFiles, which: Filter, knowledge: Knowledge, dns: DnsSettings | None) -> Unused:
    """The same, in an event loop."""
    domain = which.domain or ""
    window = window_of(store, which)
    judged = classified(store, window.which, knowledge)
    heard = rows(judged.ask(questions.DAYS))[0]
    async with opened(store, dns) as resolver:
        record, notes = await readable_record(resolver, domain)
        terms = await terms_of(judged, resolver, domain, record, window.days) if record is not None else []
        edit = without_unused(domain, record, terms)
        lookups = None
        if edit is not None:
            before, after = await walk(resolver, domain), await walk(WithSpf(resolver, domain, edit.after), domain)
            lookups = (before.lookups, after.lookups)
    keys = keys_of(store, judged, domain, window.days)
    return Unused(domain, heard["first"], heard["last"], window.days, heard["heard"], WANTED_DAYS, (*terms, *keys), edit, lookups, notes)


def window_of(store: StoreFiles, which: Filter) -> Window:
    """The last days of reports. Raises SetupError where there are none."""
    which = resolved(store, which)
    heard = rows(store.engine.ask(*questions.days_heard(which)))
    begun = unbroken_since([row["day"] for row in heard])
    if begun is None:
        raise SetupError(
            f"there are no reports about {which.domain}", where=str(store.root), fix="dmarcscope sources shows which there are"
        )
    first, last = datetime.combine(begun, time(), UTC), max(row["last"] for row in heard)
    since = which.since or last - timedelta(days=WANTED_DAYS) + timedelta(seconds=1)
    return Window(replace(which, since=since), days_between(max(first, since), last))


async def readable_record(resolver: Resolver, domain: str) -> tuple[SpfRecord | None, tuple[str, ...]]:
    """The one SPF record of a domain; where there is none that can be read, why nothing is said of it."""
    answer = await resolver.ask(domain, "TXT")
    if not answer.outcome.is_told:
        return None, (NO_RECORD.format(domain=domain),)
    choice = spf_records(answer.records)
    if choice.text is None or len(choice.candidates) != 1:
        what = f"{len(choice.candidates)} SPF records, which is a permanent error" if choice.candidates else "no SPF record"
        return None, (f"{domain} has {what}, so nothing is said of terms.",)
    record = spf_record(choice.text)
    if record.error is not None:
        return None, (f"The SPF record of {domain} cannot be read: {record.error.what}. Nothing is said of its terms.",)
    return record, ()


async def terms_of(judged: Classified, resolver: Resolver, domain: str, record: SpfRecord, days: int) -> list[InUse]:
    """The terms of the record, and what let whom send."""
    senders = rows(judged.ask(*questions.envelope_sources(domain)))
    checks = await evaluated(resolver, (row["source_ip"] for row in senders), domain)
    return terms_in_use(record, senders, {ip: way_of(check) for ip, check in checks.items()}, days)


def way_of(check: SpfCheck) -> Way:
    """How an evaluation ended, by the term of the first record."""
    term = check.path[0].term if check.path else ""
    return Way(term or None, is_told=False) if check.result in ERRORS else Way(term)


def without_unused(domain: str, record: SpfRecord | None, terms: Iterable[InUse]) -> SpfEdit | None:
    """The record without the terms that were of no use; None where there are none."""
    idle = [term.name for term in terms if term.use is Use.UNUSED]
    return changed_record(domain, [record.text], idle) if record is not None and idle else None


def keys_of(store: StoreFiles, judged: Classified, domain: str, days: int) -> list[InUse]:
    """The keys of the domain that were ever seen, and what signed with them."""
    known: dict[tuple[str, str], SeenKey] = {}
    for seen in seen_selectors(store, domain):
        known[seen.domain, seen.selector] = SeenKey(seen.domain, seen.selector, None, seen.last_seen if seen.has_passed else None)
    for (owner, selector), state in states(store, domain).items():
        before = known.get((owner, selector))
        known[owner, selector] = SeenKey(owner, selector, state, before.last_signed if before else None)
    return keys_in_use(known.values(), rows(judged.ask(*questions.signatures(domain))), days)


def states(store: StoreFiles, domain: str) -> Mapping[tuple[str, str], KeyToday]:
    """What was last seen at each selector of a domain and those below it."""
    found: dict[tuple[str, str], KeyToday] = {}
    for one in Observations(store.ledger).under(domain, "TXT"):
        selector, dot, owner = one.question.name.partition(KEYS)
        if dot:
            found[owner, selector] = KeyToday(key_of(owner, selector, one.records).state or KeyToday.MISSING)
    return found
