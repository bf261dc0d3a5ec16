"""The ledger in short: what is in the store, what waits, what could not be read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dmarcscope.store.files import StoreFiles
from dmarcscope.store.ledger import time_text


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a store. ``sidelined``: name, reason and time of what could not be read, newest first."""

    store: str
    totals: dict[str, int]
    domains: int
    reporters: int
    first_period: datetime | None
    last_period: datetime | None
    last_received: str | None
    defective_reports: int
    sidelined: tuple[tuple[str, str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """Flat, for machines."""
        facts = {name: getattr(self, name) for name in self.__slots__ if name not in {"totals", "sidelined"}}
        listed = [{"name": name, "reason": reason, "received_at": at} for name, reason, at in self.sidelined]
        return {"store": self.store, **self.totals, **facts, "unreadable": listed}


SHOWN = 20


def status(store: StoreFiles, since: datetime | None = None, until: datetime | None = None) -> Status:
    """The state of the store; ``since`` and ``until`` limit what is counted to artefacts that arrived in that time."""
    store.require()
    first, last = time_text(since) if since else "", time_text(until) if until else "~"
    facts = store.ledger.rows(
        "SELECT count(DISTINCT policy_domain), count(DISTINCT reporter), min(period_begin), max(period_end),"
        " count(*) FILTER (WHERE defects != '[]')"
        " FROM reports JOIN artefacts USING (artefact_id)"
        " WHERE reports.state = 'stored' AND received_at >= ? AND received_at < ?",
        (first, last),
    )[0]
    sidelined = store.ledger.rows(
        "SELECT name, coalesce(reason, ''), received_at FROM artefacts WHERE (state = 'sidelined' OR refused > 0)"
        " AND received_at >= ? AND received_at < ? ORDER BY artefact_id DESC LIMIT ?",
        (first, last, SHOWN),
    )
    newest = store.ledger.rows("SELECT max(last_seen_at) FROM artefacts")[0][0]
    return Status(
        store=str(store.root),
        totals=store.ledger.totals(first, last),
        domains=facts[0],
        reporters=facts[1],
        first_period=moment(facts[2]),
        last_period=moment(facts[3]),
        last_received=newest,
        defective_reports=facts[4],
        sidelined=tuple(tuple(row) for row in sidelined),
    )


def moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
