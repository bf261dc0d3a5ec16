"""Whether domains are ready for a stricter policy: the evidence from the store, and what it comes to. It asks nobody."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from dmarcscope.align.tree_walk import dmarc_name, existence
from dmarcscope.analysis.readiness import readiness as judged
from dmarcscope.analysis.silent import lets_nobody_send
from dmarcscope.errors import SetupError
from dmarcscope.model.answer import Outcome, Question
from dmarcscope.model.coverage import Coverage
from dmarcscope.model.discovery import Existence
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.observation import Observation
from dmarcscope.model.owner_list import OwnerList
from dmarcscope.model.readiness import (
    Answer,
    Evidence,
    NameSums,
    Passage,
    PolicyDays,
    Published,
    Readiness,
    ReporterSums,
    SenderSums,
    TargetVerdict,
)
from dmarcscope.model.verdict import SenderClass
from dmarcscope.ops.classified import classified
from dmarcscope.ops.coverage import as_dict as coverage_dict
from dmarcscope.ops.coverage import coverage, first_day, last_day, with_period
from dmarcscope.ops.history import domain_of
from dmarcscope.parse.dmarc_record import dmarc_record, dmarc_records
from dmarcscope.parse.spf_meant import spf_records
from dmarcscope.store.answers import Observations
from dmarcscope.store.engine import Engine
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables import decision_questions as questions
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows

EPOCH = date(1970, 1, 1)
UNNAMED = "(none)"
"""A sender or reporter without a name."""
KINDS = ("TXT", "A", "AAAA", "MX")
"""What names are asked for, whose answers tell whether they exist."""
MOST_NAMES = 200
"""Subdomains with mail of your own of which it is looked up whether they exist."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """The answer for a domain, and how complete the reports about it are."""

    readiness: Readiness
    coverage: Coverage

    @property
    def is_ready(self) -> bool:
        """Whether the next stricter policy may be asked for, or p=reject may stay."""
        return self.readiness.verdict.answer is Answer.READY


def readiness(store: StoreFiles, domains: Iterable[str] | None, which: Filter, knowledge: Knowledge, now: datetime) -> list[Assessed]:
    """The answers for some domains, in their order; for all policy domains of the period if None, those with most messages first.

    ``which`` limits the period and the reports; without a period, it is the last 90 days of data. Raises SetupError where there is no
    store, or for what is no domain.
    """
    store.require()
    wanted = None if domains is None else list(dict.fromkeys(domain_of(domain) for domain in domains))
    # One domain alone is asked for alone; of several, all records are judged once.
    one = wanted[0] if wanted and len(wanted) == 1 else None
    asked = with_period(store, replace(which, domain=one), now)
    if asked.since is None or asked.until is None:
        if wanted is None:
            raise SetupError("there are no reports yet", where=str(store.root), fix="Take some in with: dmarcscope ingest PATH")
        return [no_reports(domain, Remembered(store), now) for domain in wanted]
    store.engine.keep("deciding", *classified(store, asked, knowledge).question(questions.DECIDING))
    policy_domains = [row["policy_domain"] for row in rows(store.engine.ask(questions.POLICY_DOMAINS))]
    ledger = Remembered(store)
    answers = []
    for domain in policy_domains if wanted is None else wanted:
        own_record = domain in policy_domains and ledger.has_record(domain) is not False
        evidence = evidence_of(store.engine, domain, asked, own_record=own_record)
        evidence = ledger.beside(replace(evidence, listed=listed(knowledge.owner)))
        answer = judged(evidence)
        # The ledger knows reports by their policy domain, which may be one above.
        covered = coverage(store, replace(asked, domain=answer.present.policy_domain or domain), now)
        answers.append(Assessed(answer, covered))
    return answers


def no_reports(domain: str, ledger: "Remembered", now: datetime) -> Assessed:
    """The answer where the store has no reports at all."""
    day = now.date()
    return Assessed(judged(ledger.beside(Evidence(domain, day, day))), Coverage(None, None, None, 0, 0, 0, ()))


def evidence_of(engine: Engine, domain: str, asked: Filter, *, own_record: bool) -> Evidence:
    """What the reports say."""
    if asked.since is None or asked.until is None:
        raise ValueError("a period has two ends")
    scope = questions.scope(domain, own_record=own_record)
    return Evidence(
        domain,
        first_day(asked.since),
        max(last_day(asked.until), first_day(asked.since)),
        senders=tuple(sender(row) for row in rows(engine.ask(*questions.senders(scope)))),
        policies=tuple(policy(row) for row in rows(engine.ask(*questions.policies(scope)))),
        names=tuple(NameSums(**row) for row in rows(engine.ask(*questions.names(scope)))),
        reporters=tuple(ReporterSums(row["reporter"] or UNNAMED, row["messages"]) for row in rows(engine.ask(*questions.reporters(scope)))),
    )


def sender(row: Mapping[str, Any]) -> SenderSums:
    """A line of `decision_questions.senders`."""
    sums = {name: row[name] for name in ("messages", "judged", "passing", "by_dkim", "first_seen", "last_seen")}
    return SenderSums(row["sender"] or UNNAMED, SenderClass(row["class"] or SenderClass.UNKNOWN), **sums)


def policy(row: Mapping[str, Any]) -> PolicyDays:
    """A line of `decision_questions.policies`."""
    first, last = (EPOCH + timedelta(days=row[name]) for name in ("first", "last"))
    return PolicyDays(**{**row, "first": first, "last": max(first, last)})


def listed(owner: OwnerList) -> frozenset[str]:
    """The names in the owner's list, as they are compared."""
    return frozenset(one.name.casefold() for one in owner.senders)


class Remembered:
    """What the DNS was last seen to say, as the ledger has it."""

    def __init__(self, store: StoreFiles) -> None:
        self._seen = Observations(store.ledger)
        self._dmarc = self._seen.newest_dmarc()

    def has_record(self, domain: str) -> bool | None:
        """Whether a domain has a DMARC record of its own; None where nobody asked."""
        seen = self._dmarc.get(domain)
        return bool(dmarc_records(seen.records).candidates) if seen is not None else None

    def beside(self, evidence: Evidence) -> Evidence:
        """The evidence with the record of the domain, with its SPF, and with which of its subdomains exist."""
        published = self._dmarc.get(evidence.domain)
        sending = [one.name for one in evidence.names if one.yours][:MOST_NAMES]
        existing = {name: existence(one.outcome for one in self._at(name)) for name in sending}
        return replace(
            evidence,
            published=published_record(published) if published else None,
            sends_nothing=self._sends_nothing(evidence.domain),
            names=tuple(replace(one, existing=existing.get(one.name, Existence.UNKNOWN)) for one in evidence.names),
        )

    def _at(self, name: str) -> list[Observation]:
        """The last answer of each kind at a name."""
        return [found[-1] for kind in KINDS if (found := self._seen.of(Question(name, kind)))]

    def _sends_nothing(self, domain: str) -> bool | None:
        """Whether SPF of a domain lets nobody send; None where nobody asked."""
        seen = self._seen.of(Question(domain, "TXT"))
        return lets_nobody_send(spf_records(seen[-1].records).text) if seen else None


def published_record(seen: Observation) -> Published:
    """The DMARC record of an answer."""
    choice = dmarc_records(seen.records)
    if choice.text is not None:
        return Published(dmarc_record(choice.text), choice.text, seen.last_seen)
    name = seen.question.name
    if len(choice.candidates) > 1:
        return Published(None, f"{name} has {len(choice.candidates)} DMARC records, and receivers ignore them all", seen.last_seen)
    missing = "does not exist" if seen.outcome is Outcome.NXDOMAIN else "has no DMARC record"
    return Published(None, f"{name} {missing}", seen.last_seen)


def as_dict(found: Assessed) -> dict[str, Any]:
    """An answer, for machines."""
    ready = found.readiness
    return {
        **line(found),
        "verdicts": [target_dict(one) for one in (ready.quarantine, ready.reject)],
        "present": asdict(ready.present),
        "next_step": asdict(ready.next_step),
        "advice": list(ready.advice),
        "coverage": coverage_dict(found.coverage),
    }


def target_dict(found: TargetVerdict) -> dict[str, Any]:
    """A verdict with its gates, for machines."""
    gates = [
        {
            "gate": one.gate,
            "question": one.question,
            "passage": one.found.passage.value,
            "figure": one.found.figure,
            "limit": one.limit,
            "missing": one.found.missing,
            "reason": one.reason,
            "numbers": dict(one.found.numbers),
        }
        for one in found.gates
    ]
    return {
        "policy": found.target.value,
        "answer": found.answer.value,
        "reached": found.reached,
        "because": list(found.because),
        "gates": gates,
    }


def line(found: Assessed) -> dict[str, Any]:
    """An answer in one line, for machines and tables."""
    ready, step = found.readiness, found.readiness.next_step
    return {
        "domain": ready.domain,
        "first_day": ready.first_day,
        "last_day": ready.last_day,
        "days": ready.days,
        "messages": ready.messages,
        "yours": ready.yours,
        "yours_passing": ready.yours_passing,
        "parked": ready.parked,
        "stage": ready.present.stage.value,
        "policy": ready.present.text,
        "to_quarantine": ready.quarantine.answer.value,
        "to_reject": ready.reject.answer.value,
        "ready": found.is_ready,
        "missing": ", ".join(one.gate for one in ready.verdict.gates if one.found.passage is Passage.CLOSED),
        "because": "; ".join(ready.verdict.because),
        "next_stage": step.stage.value,
        "next_record": step.line,
        "record_name": dmarc_name(ready.domain),
    }
