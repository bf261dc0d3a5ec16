"""Explain a verdict: the chain from what reporters said to the rule that decided, for an address, a sender or one record."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from dmarcscope.analysis.evidence import Identities, within
from dmarcscope.analysis.explanation import because
from dmarcscope.analysis.rules import Case
from dmarcscope.errors import SetupError
from dmarcscope.lookup.ptr import reverse_name
from dmarcscope.model.answer import Question
from dmarcscope.model.explanation import Block, Counts, DnsRecords, Entry, Explanation, IdentityResult, Said, SourceSaid, SpfTerm
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.verdict import SenderClass, Verdict
from dmarcscope.ops.ask import resolved
from dmarcscope.ops.classified import LEARNING, Classified, classified, organizational_domains
from dmarcscope.ops.history import on_day
from dmarcscope.ops.reports import find, reports
from dmarcscope.ops.senders import known_sender, recent
from dmarcscope.parse.values import canonical_ip
from dmarcscope.store.answers import Observations
from dmarcscope.store.checks import Checks
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables import explain_questions as questions
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows

BLOCKS = 5
"""Verdicts that are told in full; the rest is summed."""
SHOWN = 8
"""Reporters, results, sources and names that are told of each."""
RECORD = re.compile(r"(?P<report>.+):(?P<line>\d{1,9})")
"""A record: report_key or report_id, and its line."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: which records, in words for the question."""

    kind: str
    which: Filter
    source_ip: str | None = None
    sender: str | None = None
    line: int | None = None

    def keep(self, judged: Classified) -> bool:
        """Keep the records that are meant as `explained`; whether there are any."""
        sql, values = judged.question(*questions.explained(self.source_ip, self.sender, self.line))
        judged.store.engine.keep("explained", sql, values)
        return bool(rows(ask(judged, questions.ANY)))


def explain(store: StoreFiles, what: str, which: Filter, knowledge: Knowledge, *, limit: int = BLOCKS) -> Explanation:
    """Explain an address, a sender's name, or a record («KEY:LINE», «REPORT-ID:LINE»): a block per verdict, at most ``limit``.

    Where no time is asked for, it is the last month of data, and all there is where an address sent nothing in that; a record is judged
    by the month before and after it. Raises SetupError for what is not there, with the names that are like it.
    """
    store.require()
    subject = subject_of(store, what.strip(), resolved(store, which))
    judged = classified(store, subject.which, knowledge)
    if subject.sender is not None:
        known_sender(judged, subject.sender)
    if not subject.keep(judged):
        judged = elsewhen(store, subject, which, knowledge)
    return explained(what.strip(), subject, judged, knowledge, limit)


def subject_of(store: StoreFiles, what: str, which: Filter) -> Subject:
    """What is asked about: an address, else a record, else a sender."""
    ip = canonical_ip(what)
    if ip is not None:
        # All mail is judged the same; the address only says which of it is shown.
        return Subject("address", recent(store, which), source_ip=ip)
    record = RECORD.fullmatch(what)
    if record is None:
        return Subject("sender", recent(store, which), sender=what)
    entry = entry_of(store, record["report"])
    begin = entry["period_begin"]
    around = which if begin is None or which.since or which.until else replace(which, since=begin - LEARNING, until=begin + LEARNING)
    return Subject("record", replace(around, report_key=entry["report_key"]), line=int(record["line"]))


def entry_of(store: StoreFiles, report: str) -> Mapping[str, Any]:
    """The ledger's line of a report: by its key, as records show it, else by its report_id. Raises SetupError if it is not one."""
    by_key = rows(reports(store, Filter(report_key=int(report)))) if report.isascii() and report.isdecimal() and len(report) < 19 else []
    return by_key[0] if by_key else find(store, report, Filter())


def elsewhen(store: StoreFiles, subject: Subject, which: Filter, knowledge: Knowledge) -> Classified:
    """The same at any time, where none was asked for. Raises SetupError where nothing is there."""
    told = {
        "record": "no such record is in that report",
        "address": f"no mail from {subject.source_ip} is reported",
        "sender": f"no mail of {subject.sender!r} is reported",
    }
    if subject.kind == "address" and which.since is None:
        judged = classified(store, resolved(store, which), knowledge)
        if subject.keep(judged):
            return judged
    again = "Give another time or domain, or see: dmarcscope sources"
    raise SetupError(told[subject.kind], fix="See its lines with: dmarcscope show REPORT" if subject.kind == "record" else again)


def explained(what: str, subject: Subject, judged: Classified, knowledge: Knowledge, limit: int) -> Explanation:
    """The explanation of the records that are kept as `explained`."""
    verdicts = rows(ask(judged, questions.VERDICTS))
    teller = Teller(judged, knowledge)
    span = rows(ask(judged, questions.SPAN))[0]
    return Explanation(
        asked=what,
        kind=subject.kind,
        begin=span["begin"],
        end=span["finish"],
        messages=sum(row["messages"] for row in verdicts),
        records=sum(row["records"] for row in verdicts),
        blocks=tuple(teller.block(row) for row in verdicts[:limit]),
        more_verdicts=len(verdicts[limit:]),
        more_messages=sum(row["messages"] for row in verdicts[limit:]),
        catalogue=knowledge.catalogue.version,
        attribution=tuple(knowledge.networks.attribution),
    )


def ask(judged: Classified, sql: str, values: Iterable[Any] = ()) -> Any:
    """The answer to a question about `explained` or `told`."""
    return judged.store.engine.ask(sql, list(values), newest=False)


class Teller:
    """Tells of one verdict after the other what it rests on."""

    def __init__(self, judged: Classified, knowledge: Knowledge) -> None:
        self._judged = judged
        self._knowledge = knowledge
        self._organizational_of = organizational_domains()
        self._checks = Checks(judged.store.ledger)
        self._seen = Observations(judged.store.ledger)

    def block(self, row: Mapping[str, Any]) -> Block:
        """One verdict."""
        self._judged.store.engine.keep("told", questions.TOLD, (row["class"], row["sender"], row["rule"]))
        example, figures = self._rows(questions.EXAMPLE)[0], self._rows(questions.SAID)[0]
        who, place = self._judged.identities[example["evidence"]], self._judged.places[example["source_ip"]]
        case = self._judged.classifier.case(who, place)
        verdict = Verdict(SenderClass(row["class"]), row["sender"], row["rule"], example["confidence"])
        asked = spf_domains(who)
        return Block(
            sender_class=row["class"],
            sender=row["sender"],
            confidence=example["confidence"],
            because=because(case, verdict),
            said=self._said(figures),
            kinds=figures["kinds"],
            example=f"{example['report_key']}:{example['line']}",
            identities=tuple(self._identities()),
            sources=tuple(self._source(one["source_ip"], one["messages"], asked) for one in self._rows(questions.BY_SOURCE, (SHOWN,))),
            source_count=figures["sources"],
            dns=tuple(self._dns(who, example)),
            hints=self._judged.classifier.hints(who, place),
            entry=self._entry(case, verdict),
        )

    def _rows(self, sql: str, values: Iterable[Any] = ()) -> list[dict[str, Any]]:
        return rows(ask(self._judged, sql, values))

    def _counts(self, sql: str) -> Counts:
        return tuple((row["word"], row["messages"]) for row in self._rows(sql, (SHOWN,)))

    def _said(self, figures: Mapping[str, Any]) -> Said:
        return Said(
            **{name: figures[name] for name in ("messages", "records", "dkim_aligned", "spf_aligned", "dmarc_pass")},
            reporters=self._counts(questions.BY_REPORTER),
            reporter_count=figures["reporters"],
            dispositions=self._counts(questions.BY_DISPOSITION),
            reasons=self._counts(questions.BY_REASON),
            authors=self._counts(questions.BY_AUTHOR),
            begin=figures["begin"],
            end=figures["finish"],
        )

    def _identities(self) -> Iterable[IdentityResult]:
        for kind, sql in (("DKIM", questions.DKIM_RESULTS), ("SPF", questions.SPF_RESULTS)):
            summed: dict[tuple[Any, ...], int] = {}
            for row in self._rows(sql, (SHOWN,)):
                named = "SPF of HELO" if row.get("scope") == "helo" else kind
                key = (named, row["domain"], row.get("selector"), row["result"], self._whose(row["header_from"], row["domain"]))
                summed[key] = summed.get(key, 0) + row["messages"]
            for (named, domain, selector, result, whose), messages in summed.items():
                yield IdentityResult(named, domain, selector, result, whose, messages)

    def _whose(self, header_from: str | None, domain: str | None) -> str:
        """Whose a domain is to an author."""
        if domain is None:
            return "none"
        author = self._organizational_of(header_from) if header_from else None
        return "own" if within(author, self._organizational_of)(domain) else "other"

    def _source(self, ip: str | None, messages: int, asked: Iterable[str]) -> SourceSaid:
        """What is known of a source; SPF of the domains that are ``asked`` about."""
        named = self._checks.of_sources([ip]).get(ip) if ip else None
        network = self._knowledge.networks.of(ip) if ip else None
        told = self._checks.of_spf([ip]) if ip else {}
        terms = (told[str(ip), domain] for domain in dict.fromkeys(asked) if (str(ip), domain) in told)
        return SourceSaid(
            ip=ip,
            messages=messages,
            ptr_name=named.ptr_name if named else None,
            ptr_confirmed=named.ptr_confirmed if named else None,
            network=" ".join(filter(None, [network.name, f"AS{network.asn}" if network.asn else ""])) if network else "",
            country=network.country if network else "",
            spf=tuple(SpfTerm(one.domain, one.result or "", one.term or "", steps(one.path)) for one in terms),
        )

    def _dns(self, who: Identities, example: Mapping[str, Any]) -> Iterable[DnsRecords]:
        """The records that the verdict may rest on, on the day of the latest such record and now."""
        begin: datetime | None = example["last_begin"]
        if begin is None:
            return
        day = begin.astimezone(UTC).date()
        own = dict.fromkeys([*who.own_passed, *who.own_failed])
        names = [(f"{selector}._domainkey.{domain}".lower(), "TXT") for domain, selector in own if selector]
        names += [(domain, "TXT") for domain in spf_domains(who) if within(who.author, self._organizational_of)(domain)]
        ip = canonical_ip(example["source_ip"] or "")
        names += [(reverse_name(ip), "PTR")] if ip else []
        for name, kind in names[:SHOWN]:
            found = self._records(Question(name, kind), day)
            if found is not None:
                yield found

    def _records(self, question: Question, day: date) -> DnsRecords | None:
        """What a name had then and has now; None where nobody ever asked."""
        seen = self._seen.of(question)
        if not seen:
            return None
        then = on_day(question, seen, day)
        last = seen[-1]
        return DnsRecords(
            name=question.name,
            kind=question.kind,
            day=day,
            standing=then.standing.value,
            then=tuple(dict.fromkeys(record for one in then.observations for record in relevant(question, one.records))),
            now=tuple(relevant(question, last.records)),
            now_at=last.last_seen,
            aliases=last.aliases,
        )

    def _entry(self, case: Case, verdict: Verdict) -> Entry | None:
        """The owner's entry: that which the evidence met, else one by the sender's name."""
        owner = self._knowledge.owner
        named = next((one for one in owner.senders if one.name.casefold() == verdict.sender.casefold()), None)
        listed = case.listed or named
        return Entry(listed.name, listed.label.value, owner.path, listed.line) if listed else None


def relevant(question: Question, records: Iterable[str]) -> list[str]:
    """Of TXT records at a domain those about SPF; all others as they are."""
    if question.kind != "TXT" or "._domainkey." in question.name:
        return list(records)
    return [record for record in records if record.lower().startswith("v=spf1")]


def spf_domains(who: Identities) -> tuple[str, ...]:
    """The domains whose SPF is of interest: that which was asked about, and the author's."""
    return tuple(dict.fromkeys(domain for domain in (who.spf_domain, who.header_from, who.author) if domain))


def steps(path: str | None) -> tuple[str, ...]:
    """The way to an SPF term in words.

    >>> steps('[["example.com", "include:spf.example.net"], ["spf.example.net", "ip4:192.0.2.1"]]')
    ('example.com: include:spf.example.net', 'spf.example.net: ip4:192.0.2.1')
    """
    found = json.loads(path) if path else []
    return tuple(": ".join(str(word) for word in step if word) for step in found if isinstance(step, list))


def as_dict(found: Explanation) -> dict[str, Any]:
    """An explanation, for machines."""
    told = asdict(found)
    for block in told["blocks"]:
        for name in ("reporters", "dispositions", "reasons", "authors"):
            block["said"][name] = dict(block["said"][name])
    return told
