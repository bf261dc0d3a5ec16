"""What the ledger knows of mails: to whom a summary went, what it said, and what waits, failed or is unsure.

Facts: a mail and a note of it cannot be one transaction. So it is noted before the server is handed it (`sending`) and after (`sent`);
whatever is `sending` while nobody sends is unsure. Each method is one transaction.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from sqlite3 import Row

from dmarcscope.model.delivery import Assignment, Delivery, DeliveryState, Figures
from dmarcscope.model.summary import Former
from dmarcscope.model.summary_figures import FigureName
from dmarcscope.store.ledger import Ledger, time_text

OF = "what = ? AND period_begin = ? AND period_end = ?"
COLUMNS = "what, period_begin, period_end, recipient, message_id, state, attempts, planned_at, tried_at, retry_at, sent_at, reason"
CUT_SHORT = "the run that sent it ended before it could note what became of it"


class Deliveries:
    """The part of a ledger about mails. All methods raise StoreUnavailable or SetupError as the ledger does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of(self, assignment: Assignment) -> list[Delivery]:
        """The mails about a summary, to whom they were planned first."""
        return self._found(f"{OF} ORDER BY delivery_id", key(assignment))

    def waiting(self, now: datetime) -> list[Delivery]:
        """The mails whose time has come."""
        return self._found("state = 'planned' AND (retry_at IS NULL OR retry_at <= ?) ORDER BY delivery_id", (time_text(now),))

    def recent(self, limit: int) -> list[Delivery]:
        """The last mails, newest first."""
        return self._found("TRUE ORDER BY delivery_id DESC LIMIT ?", (limit,))

    def troubled(self) -> list[Delivery]:
        """The mails that somebody may want to do something about: unsure ones, and those that were refused for now."""
        return self._found("state = 'unsure' OR (state = 'planned' AND attempts > 0) ORDER BY delivery_id", ())

    def about(self, what: str) -> list[Delivery]:
        """All mails about a domain or a group, as they were planned."""
        return self._found("what = ? ORDER BY delivery_id", (what,))

    def told(self, domains: Iterable[str] | None) -> list[Former]:
        """What was said of domains (None: of all): of each period the last word, oldest period first."""
        asked = None if domains is None else json.dumps(list(domains))
        rows = self._ledger.rows(
            "SELECT domain.key AS domain, period_begin, period_end, domain.value AS figures, coalesce(sent_at, tried_at) AS told"
            " FROM deliveries, json_each(figures) AS domain WHERE state IN ('sent', 'unsure')"
            " AND (? IS NULL OR domain.key IN (SELECT value FROM json_each(?))) ORDER BY period_begin, period_end, told, delivery_id",
            (asked, asked),
        )
        return list({(row["domain"], row["period_begin"], row["period_end"]): former(row) for row in rows}.values())

    def plan(self, assignment: Assignment, recipients: Iterable[str], message_id: str, now: datetime) -> None:
        """Note that a summary is to be sent. Whoever has a mail about it planned, sent or refused keeps it, and the mail's identity."""
        with self._ledger.transaction() as connection:
            known = connection.execute(f"SELECT message_id FROM deliveries WHERE {OF} LIMIT 1", key(assignment)).fetchone()  # noqa: S608
            connection.executemany(
                "INSERT OR IGNORE INTO deliveries (what, period_begin, period_end, recipient, message_id, state, planned_at)"
                " VALUES (?, ?, ?, ?, ?, 'planned', ?)",
                [(*key(assignment), recipient, known[0] if known else message_id, time_text(now)) for recipient in recipients],
            )

    def again(self, assignment: Assignment, recipients: Iterable[str], now: datetime) -> None:
        """Plan mails anew that were sent, failed or are unsure."""
        with self._ledger.transaction() as connection:
            connection.executemany(
                "UPDATE deliveries SET state = 'planned', attempts = 0, retry_at = NULL, planned_at = ?, reason = NULL"  # noqa: S608
                f" WHERE {OF} AND recipient = ? AND state != 'sending'",
                [(time_text(now), *key(assignment), recipient) for recipient in recipients],
            )

    def sending(self, assignment: Assignment, recipients: Iterable[str], figures: Figures, now: datetime) -> None:
        """Note that the server is about to be handed the mail, and what it says."""
        said = json.dumps({domain: dict(of) for domain, of in figures.items()}, ensure_ascii=False)
        with self._ledger.transaction() as connection:
            connection.executemany(
                f"UPDATE deliveries SET state = 'sending', tried_at = ?, figures = ? WHERE {OF} AND recipient = ?",  # noqa: S608
                [(time_text(now), said, *key(assignment), recipient) for recipient in recipients],
            )

    def settle(self, assignment: Assignment, became: Mapping[str, tuple[DeliveryState, str, datetime | None]], now: datetime) -> None:
        """Note what became of a try, by recipient: the state, the reason, and for `planned` when to try again."""
        with self._ledger.transaction() as connection:
            connection.executemany(
                "UPDATE deliveries SET state = ?, reason = ?, retry_at = ?, tried_at = ?, attempts = attempts + 1,"  # noqa: S608 (own words)
                f" sent_at = iif(? = 'sent', ?, sent_at) WHERE {OF} AND recipient = ?",
                [
                    (state, reason, retry and time_text(retry), time_text(now), state, time_text(now), *key(assignment), recipient)
                    for recipient, (state, reason, retry) in became.items()
                ],
            )

    def cut_short(self) -> list[Delivery]:
        """What a run left `sending` that is no more is unsure from now on; the caller alone sends. Returns these mails."""
        with self._ledger.transaction() as connection:
            numbers = [row[0] for row in connection.execute("SELECT delivery_id FROM deliveries WHERE state = 'sending'")]
            connection.executemany(
                "UPDATE deliveries SET state = 'unsure', attempts = attempts + 1, reason = ? WHERE delivery_id = ?",
                [(CUT_SHORT, number) for number in numbers],
            )
        return self._found("delivery_id IN (SELECT value FROM json_each(?)) ORDER BY delivery_id", (json.dumps(numbers),))

    def _found(self, where: str, values: Iterable[str | int]) -> list[Delivery]:
        rows = self._ledger.rows(f"SELECT {COLUMNS} FROM deliveries WHERE {where}", tuple(values))  # noqa: S608 (own words)
        return [delivery_of(row) for row in rows]


def key(assignment: Assignment) -> tuple[str, int, int]:
    """An assignment as the ledger names it."""
    return assignment.what, int(assignment.begin.timestamp()), int(assignment.end.timestamp())


def delivery_of(row: Row) -> Delivery:
    """A line of the ledger."""
    begin, end = (datetime.fromtimestamp(row[name], UTC) for name in ("period_begin", "period_end"))
    tried, retry, sent = (datetime.fromisoformat(row[name]) if row[name] else None for name in ("tried_at", "retry_at", "sent_at"))
    return Delivery(
        Assignment(row["what"], begin, end),
        row["recipient"],
        row["message_id"],
        DeliveryState(row["state"]),
        row["attempts"],
        datetime.fromisoformat(row["planned_at"]),
        tried,
        retry,
        sent,
        row["reason"] or "",
    )


def former(row: Row) -> Former:
    """What a mail said of a domain; figures of a later dmarcscope that this one does not know are left out."""
    known = {name.value for name in FigureName}
    figures = {FigureName(name): int(value) for name, value in json.loads(row["figures"]).items() if name in known}
    begin, end = (datetime.fromtimestamp(row[name], UTC) for name in ("period_begin", "period_end"))
    return Former(row["domain"], begin, end, figures, datetime.fromisoformat(row["told"]) if row["told"] else None)
