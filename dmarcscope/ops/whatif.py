"""Replay a period under a change of policy, SPF record or senders. It asks nobody unless it is told to."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from arro3.core import Table

from dmarcscope.align.tree_walk import dmarc_name
from dmarcscope.analysis.spf_change import changed_record
from dmarcscope.analysis.unused import serving_only
from dmarcscope.analysis.whatif import (
    World,
    changed_policy,
    existing_names,
    record_of,
    record_text,
    replay,
    self_check,
    weeks_between,
)
from dmarcscope.errors import SetupError
from dmarcscope.lookup.asking import Resolver
from dmarcscope.lookup.running import finished
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.lookup.spf_walk import walk
from dmarcscope.model.dmarc_record import DmarcRecord, Standing
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.problem import Severity
from dmarcscope.model.spf_check import SpfTree
from dmarcscope.model.whatif import Change, DmarcEdit, InUse, SpfEdit, SpfEffect, WhatIf
from dmarcscope.model.words import SpfResult
from dmarcscope.ops.alignment import owners
from dmarcscope.ops.classified import Classified, classified
from dmarcscope.ops.remembered import WithSpf, opened, results
from dmarcscope.ops.unused import keys_of, readable_record, terms_of
from dmarcscope.parse.dmarc_record import dmarc_record, dmarc_records
from dmarcscope.parse.slips import listed
from dmarcscope.store.answers import Observations
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables import whatif_questions as questions
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows, rows_of

IN_DNS, IN_REPORTS, NOWHERE = "dns", "reports", "nowhere"
LONG_AGO = 36_500  # days: whatever was of use in the period counts, however long that is


def whatif(store: StoreFiles, which: Filter, change: Change, knowledge: Knowledge, dns: DnsSettings | None = None) -> WhatIf:
    """What would become of the mail that ``which`` means; ``which.domain`` is the domain whose records change.

    Without ``dns``, the DNS is what the ledger remembers. Raises SetupError where there is no store or no such mail, and for a change that
    cannot be made: a term that is not there, a sender that nobody knows, a record that was never asked for.
    """
    store.require()
    return finished(found_out(store, which, change, knowledge, dns))


async def found_out(store: StoreFiles, which: Filter, change: Change, knowledge: Knowledge, dns: DnsSettings | None) -> WhatIf:
    """The same, in an event loop."""
    domain = which.domain or ""
    judged = classified(store, which, knowledge)
    senders = rows(judged.ask(questions.SENDERS))
    if not senders:
        raise SetupError(f"there are no reports about {domain}", where=str(store.root), fix="dmarcscope sources shows which there are")
    without = known_senders(change.without, [row["sender"] or "" for row in senders])
    lines = judged.ask(*questions.alike(domain, by_source=change.changes_spf))
    begin, end = judged.period
    async with opened(store, dns) as resolver:
        now = await policy_now(resolver, judged, domain)
        record = changed_record_of(now, change, domain)
        spf = await spf_now(resolver, change, domain, lines) if change.changes_spf else None
        served = await all_in_use(store, judged, resolver, domain) if without else []
    world = World(
        domain,
        record,
        owners(store).by_walk,
        existing_names(Observations(store.ledger).under(domain)),
        spf.results if spf else {},
        without,
    )
    found = replay(each(lines), world, weeks_between(begin, end))
    return WhatIf(
        domain,
        begin,
        end,
        change,
        DmarcEdit(domain, now.text, record_text(now.text, change, record), now.is_from) if record is not None else None,
        spf.effect(found.untold_spf) if spf else None,
        found.total,
        found.lines,
        found.moves,
        found.risk,
        self_check(each(lines), world),
        tuple(sorted(without)),
        found.leaving,
        serving_only(served, without),
        tuple(notes_of(now, change, record)),
    )


def each(lines: Table) -> Iterator[dict[str, Any]]:
    """The lines of an answer, one at a time: only the answer itself is held."""
    return rows_of(lines.to_batches())


def known_senders(given: Sequence[str], known: Sequence[str]) -> frozenset[str]:
    """The senders that are meant. Raises SetupError, with those that are like it, for one who sent nothing."""
    by_name = {name.lower(): name for name in known if name}
    found = []
    for name in given:
        wanted = name.strip().lower()
        if wanted not in by_name:
            near = [by_name[one] for one in by_name if wanted and wanted in one] or [
                by_name[one] for one in difflib.get_close_matches(wanted[:100], by_name, 3, 0.5)
            ]
            fix = f"Perhaps: {listed(near)}" if near else f"Those with most messages: {listed(list(by_name.values())[:5])}"
            raise SetupError(f"no sender {listed([name])} sent anything in this time", where="--without", fix=fix)
        found.append(by_name[wanted])
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class PolicyNow:
    """The policy record of a domain as it is; ``text`` is None where only reports tell of it, or there is none."""

    text: str | None
    record: DmarcRecord | None
    is_from: str


async def policy_now(resolver: Resolver, judged: Classified, domain: str) -> PolicyNow:
    """The policy record as the DNS has it, else as the last report about the domain tells of it."""
    answer = await resolver.ask(dmarc_name(domain), "TXT")
    if answer.outcome.is_told:
        text = dmarc_records(answer.records).text
        return PolicyNow(text, dmarc_record(text) if text is not None else None, IN_DNS if text is not None else NOWHERE)
    told = rows(judged.ask(*questions.newest_policy(domain)))
    return PolicyNow(None, record_of(told[0]), IN_REPORTS) if told else PolicyNow(None, None, NOWHERE)


def changed_record_of(now: PolicyNow, change: Change, domain: str) -> DmarcRecord | None:
    """The policy record after the change; None where there is none. Raises SetupError for tags of no record."""
    record = changed_policy(now.record, change)
    if record is None and change.tags:
        raise SetupError(f"{domain} has no DMARC record of its own", fix="Say with --policy what a new one would ask for")
    return record


def notes_of(now: PolicyNow, change: Change, record: DmarcRecord | None) -> Iterator[str]:
    """What to know about the policy that is replayed."""
    if now.is_from == IN_REPORTS:
        yield "The DMARC record is known from reports alone, as nobody has asked the DNS for it: its other tags are not shown."
    if now.is_from == NOWHERE and record is None:
        yield "There is no DMARC record of the domain itself: each message is replayed under the policy that applied to it then."
    if record is not None and record.standing is not Standing.IN_FORCE:
        yield "The DMARC record has no valid policy, so it asks for nothing: dmarcscope check says what to mend."
    if change.tags and now.text is not None and "pct" in dict(now.record.tags if now.record else ()):
        yield "The record has pct, which RFC 9989 no longer knows: it is left out, and the policy is replayed for all mail."


@dataclass(frozen=True, slots=True)
class SpfNow:
    """A changed SPF record, what it costs, and its results by source (None: cannot be told)."""

    edit: SpfEdit
    before: SpfTree
    after: SpfTree
    results: dict[str, SpfResult | None]

    def effect(self, untold_messages: int) -> SpfEffect:
        """The same for people."""
        return SpfEffect(
            self.edit,
            self.before.lookups if self.before.root.record is not None else None,
            self.after.lookups,
            self.before.is_complete and self.after.is_complete,
            len(self.results),
            sum(result is None for result in self.results.values()),
            untold_messages,
            tuple(problem.what for problem in self.after.problems if problem.severity is Severity.ERROR),
        )


async def spf_now(resolver: Resolver, change: Change, domain: str, lines: Table) -> SpfNow:
    """SPF with the changed record, for all sources whose results name the domain."""
    published = await resolver.ask(domain, "TXT")
    if not published.outcome.is_told:
        fix = "Run dmarcscope resolve, or add --dns"
        raise SetupError(f"the SPF record of {domain} is not known ({published.detail or published.outcome})", fix=fix)
    edit = changed_record(domain, published.records, change.remove_spf, change.add_spf)
    changed = WithSpf(resolver, domain, edit.after)
    sources = {line["source_ip"] for line in each(lines) if line["spf_names_domain"]}
    return SpfNow(edit, await walk(resolver, domain), await walk(changed, domain), await results(changed, sources, domain))


async def all_in_use(store: StoreFiles, judged: Classified, resolver: Resolver, domain: str) -> list[InUse]:
    """The terms and keys of the domain, with whom they served in the period."""
    record, _ = await readable_record(resolver, domain)
    terms = await terms_of(judged, resolver, domain, record, LONG_AGO) if record is not None else []
    return [*terms, *keys_of(store, judged, domain, LONG_AGO)]
