"""Check the owner's list against a store, and say which senders a store has seen."""

from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dmarcscope.analysis.owner_check import LOOK_BACK, Limits, OwnerFinding, Question, SenderDay
from dmarcscope.analysis.owner_check import check_list as found_in
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.verdict import SenderClass
from dmarcscope.ops.classified import classified
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.owner_questions import SENDERS, day_of, sender_days
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows

NO_LIMITS_NAMED = Limits()


def check_owner_list(
    store: StoreFiles, knowledge: Knowledge, *, today: date, domain: str | None = None, limits: Limits = NO_LIMITS_NAMED
) -> list[OwnerFinding]:
    """What is to be done about the list and the senders, the most pressing first; ``domain`` takes in those below it."""
    question = Question(knowledge.owner, today, limits, domain)
    judged = classified(store, looked_at(today, domain), knowledge)
    return found_in(question, map(sender_day, rows(judged.ask(*sender_days(question.scopes)))))


def looked_at(today: date, domain: str | None) -> Filter:
    """The records that the check looks at: those of the last quarter of a year."""
    tomorrow = datetime.combine(today, time(), UTC) + timedelta(days=1)
    return Filter(domain=domain, since=tomorrow - timedelta(days=LOOK_BACK), until=tomorrow)


def sender_day(row: dict[str, Any]) -> SenderDay:
    """A line of the answer."""
    day = day_of(row["day"])
    return SenderDay(
        sender=row["sender"] or "",
        sender_class=SenderClass(row["class"]),
        domains=tuple(row["domains"]),
        day=day,
        last_seen=day if row["last_seen"] is None else day_of(row["last_seen"]),
        messages=row["messages"],
        dmarc_pass=row["dmarc_pass"],
    )


def seen_senders(store: StoreFiles, knowledge: Knowledge) -> list[str]:
    """Every sender that a store has seen, those with most messages first."""
    return [row["sender"] for row in rows(classified(store, Filter(), knowledge).ask(SENDERS))]


def as_dicts(found: list[OwnerFinding]) -> list[dict[str, Any]]:
    """Findings for machines, a flat line each."""
    return [{**asdict(finding), "kind": finding.kind.value, "since": finding.since and finding.since.isoformat()} for finding in found]
