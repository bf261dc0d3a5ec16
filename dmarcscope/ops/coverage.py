"""How complete the reports of a period are, told by the ledger: who reported what, and when it arrived."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dmarcscope.analysis import coverage as judging
from dmarcscope.model.coverage import Arrival, Coverage
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.mails import VERIFIED
from dmarcscope.tables.queries import Filter

DEFAULT_DAYS = 90
"""Days back from the newest report where no period is asked for: three monthly cycles."""
AHEAD = timedelta(days=1)
"""A period that ends later than this from now is a mistake of the reporter, and not the newest."""
FARTHEST = 100 * 86_400
"""Seconds after its begin at which a period is taken to end at the latest; longer ones are mistakes."""
NOBODY = "(none)"
"""A reporter without a name."""

NEWEST = "SELECT max(period_end) FROM reports WHERE state = 'stored' AND period_end <= ?"
ARRIVALS = f"""SELECT coalesce(reporter, '{NOBODY}') AS reporter, period_begin, coalesce(period_end, period_begin) AS period_end,
    sum(messages) AS messages, min(CAST(strftime('%s', received_at) AS INTEGER) - period_end) AS lag
    FROM reports JOIN artefacts USING (artefact_id) WHERE reports.state = 'stored'"""  # noqa: S608 (own words)


def coverage(store: StoreFiles, which: Filter, now: datetime) -> Coverage:
    """The coverage of a period, that of `with_period` where none is asked for. ``now``: until when reports could come."""
    store.require()
    asked = with_period(store, which, now)
    if asked.since is None or asked.until is None:
        return Coverage(None, None, None, 0, 0, 0, ())
    first, last = first_day(asked.since), last_day(asked.until)
    back = replace(asked, since=asked.since - timedelta(days=judging.LOOK_BACK))
    return judging.coverage(arrivals(store, back), first, last, max(now, asked.until))


def with_period(store: StoreFiles, which: Filter, now: datetime) -> Filter:
    """The filter with both ends of its period: up to the newest report at the most, and from DEFAULT_DAYS before its end where not told.

    Both ends are None where there are no reports.
    """
    ((newest,),) = store.ledger.rows(NEWEST, (int((now + AHEAD).timestamp()),))
    if newest is None:
        return replace(which, since=None, until=None)
    end = datetime.fromtimestamp(newest, UTC)
    until = min(which.until, end) if which.until is not None else end
    since = which.since if which.since is not None else until - timedelta(days=DEFAULT_DAYS)
    # A period asked for that lies after all data is a period without data.
    return replace(which, since=since, until=max(until, since))


def first_day(since: datetime) -> date:
    """The first day that a period takes in."""
    return since.astimezone(UTC).date()


def last_day(until: datetime) -> date:
    """The last day that a period takes in; the moment of its end belongs to the next."""
    return (until.astimezone(UTC) - timedelta(seconds=1)).date()


def arrivals(store: StoreFiles, which: Filter) -> list[Arrival]:
    """The reports that are meant, those of a reporter about the same period in one."""
    terms: list[str] = []
    values: list[Any] = []
    bounds: dict[str, tuple[Any, ...] | None] = {
        "policy_domain = ? OR substr(policy_domain, ?) = ?": below(which.domain) if which.domain else None,
        "period_begin >= ?": (which.since.timestamp(),) if which.since else None,
        "period_begin < ?": (which.until.timestamp(),) if which.until else None,
        "reporter = ?": (which.reporter,) if which.reporter else None,
        VERIFIED: () if which.verified else None,
    }
    for term, bound in bounds.items():
        if bound is not None:
            terms.append(f" AND ({term})")
            values += bound
    return [arrival(row) for row in store.ledger.rows(f"{ARRIVALS}{''.join(terms)} GROUP BY 1, 2, 3", values)]


def below(domain: str) -> tuple[str, int, str]:
    """The values that mean a domain and the names below it."""
    return domain, -len(domain) - 1, f".{domain}"


def arrival(row: Any) -> Arrival:
    """A line of the ledger."""
    begin, end = row["period_begin"], min(row["period_end"], row["period_begin"] + FARTHEST)
    return Arrival(row["reporter"], datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC), row["messages"], row["lag"])


def as_dict(found: Coverage) -> dict[str, Any]:
    """A coverage, for machines."""
    return {**asdict(found), "share_to_come": round(found.share_to_come, 4), "reporters": reporters(found)}


def reporters(found: Coverage) -> list[dict[str, Any]]:
    """Its reporters, a line each, for machines."""
    return [asdict(one) for one in found.reporters]
