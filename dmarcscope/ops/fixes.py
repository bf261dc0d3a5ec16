"""What to publish so that mail of one's own passes, with the look-ups of SPF records before and after; asks nobody."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from dmarcscope.analysis.fixes import Key, KeyFacts, Trouble
from dmarcscope.analysis.fixes import fixes as found_fixes
from dmarcscope.lookup.running import finished
from dmarcscope.lookup.spf_walk import walk
from dmarcscope.model.answer import Outcome, Question
from dmarcscope.model.fix import Fix, Lookups
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.ops.ask import resolved
from dmarcscope.ops.classified import Classified, classified
from dmarcscope.ops.remembered import Remembered, WithSpf
from dmarcscope.ops.senders import recent
from dmarcscope.store.answers import Observations
from dmarcscope.store.checks import Checks
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables import sender_questions
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows

WEEK = timedelta(days=7)


def fixes(store: StoreFiles, which: Filter, knowledge: Knowledge) -> list[Fix]:
    """All that is to be done about the mail of the time asked for (the last month of data if none is), what aligns most messages first."""
    store.require()
    judged = classified(store, recent(store, resolved(store, which)), knowledge)
    found = found_fixes(troubles(judged, knowledge))
    return finished(with_lookups(store, found))


def troubles(judged: Classified, knowledge: Knowledge) -> list[Trouble]:
    """What is wrong, with all that is known about it."""
    begin, end = judged.period
    weeks = (end - begin) / WEEK if begin and end else 1.0
    services = {sender.name: sender for sender in knowledge.catalogue.senders}
    rows_of_trouble = rows(judged.ask(sender_questions.troubles()))
    seen = Observations(judged.store.ledger)
    keys = failing_keys(judged)
    envelopes: dict[tuple[str, str], str] = {}
    for row in rows(judged.ask(sender_questions.ENVELOPES)):
        envelopes.setdefault((row["sender"], row["header_from"]), row["envelope"])
    hosts: dict[tuple[str, str, str], list[str]] = {}
    for row in rows(judged.ask(sender_questions.UNLISTED_HOSTS)):
        hosts.setdefault((row["sender"], row["header_from"], row["envelope"]), []).append(row["source_ip"])
    found = []
    for row in rows_of_trouble:
        whose = (row["sender"], row["header_from"])
        envelope = envelopes.get(whose, row["header_from"])
        service, listed = services.get(row["sender"]), hosts.get((*whose, envelope), ())
        found.append(Trouble(row, weeks, service, envelope, published(seen, envelope), keys.get(whose, {}), listed))
    return found


def published(seen: Observations, domain: str) -> tuple[str, ...] | None:
    """The TXT records of a domain as they were last seen; None where nobody has asked."""
    found = seen.of(Question(domain, "TXT"))
    return None if not found else found[-1].records if found[-1].outcome is Outcome.FOUND else ()


def failing_keys(judged: Classified) -> dict[tuple[str, str], dict[Key, KeyFacts]]:
    """The keys that fail, by sender and author domain."""
    lines = [row for row in rows(judged.ask(sender_questions.FAILING_KEYS)) if is_own(judged, row)]
    checks = Checks(judged.store.ledger).of_keys(sorted({row["domain"] for row in lines}))
    seen = Observations(judged.store.ledger)
    found: dict[tuple[str, str], dict[Key, KeyFacts]] = {}
    for row in lines:
        key = (row["domain"], row["selector"])
        check = checks.get((row["domain"], row["selector"] or ""))
        facts = KeyFacts(check.state if check else None, last_record(seen, key))
        found.setdefault((row["sender"], row["header_from"]), {})[key] = facts
    return found


def is_own(judged: Classified, row: dict[str, Any]) -> bool:
    """Whether a key is of the author's domain."""
    of = judged.organizational_of
    return of(row["domain"]) == of(row["header_from"])


def last_record(seen: Observations, key: Key) -> str | None:
    """The last record that was seen at the name of a key."""
    domain, selector = key
    told = [one for one in seen.of(Question(f"{selector}._domainkey.{domain}".lower(), "TXT")) if one.records] if selector else []
    return told[-1].records[0] if told else None


async def with_lookups(store: StoreFiles, found: Iterable[Fix]) -> list[Fix]:
    """The same, with what each SPF record costs before and after."""
    known = Remembered(Observations(store.ledger))
    done = []
    for fix in found:
        record = spf_of(fix)
        if record is not None:
            before = await walk(known, fix.domain)
            after = await walk(WithSpf(known, fix.domain, record), fix.domain)
            counts = [tree.lookups if tree.is_complete else None for tree in (before, after)]
            fix = replace(fix, lookups=Lookups(*counts))  # noqa: PLW2901 (the same, told more of)
        done.append(fix)
    return done


def spf_of(fix: Fix) -> str | None:
    """The SPF record that a fix publishes at its domain, if it does."""
    line = fix.records[0] if fix.records else ""
    start = line.find("v=spf1")
    is_whole = line.startswith(f"{fix.domain}. IN TXT ") and start >= 0 and "<" not in line
    return line[start:].replace('" "', "").removesuffix('"') if is_whole else None


def as_dicts(found: Iterable[Fix]) -> list[dict[str, Any]]:
    """Flat, for machines."""
    flat = []
    for fix in found:
        facts = asdict(fix)
        counted = facts.pop("lookups") or {"before": None, "after": None}
        flat.append({**facts, "records": list(fix.records), "lookups_before": counted["before"], "lookups_after": counted["after"]})
    return flat
