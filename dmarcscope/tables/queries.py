"""The questions asked of the record table, as portable SQL over the view ``records``; values are bound, never written in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dmarcscope.errors import SetupError
from dmarcscope.tables.columns import NO_MONTH, RECORD_COLUMNS, REPORT_COLUMNS

# A record with several DKIM results belongs to one of them only, so that sums stay whole: one that passed for the author's domain (or
# one above or below it), else one that passed, else the first.
DKIM_DOMAIN = """coalesce(
    [x.domain for x in dkim if x.result = 'pass' and (x.domain = header_from
        or ends_with(header_from, '.' || x.domain) or ends_with(x.domain, '.' || header_from))][1],
    [x.domain for x in dkim if x.result = 'pass'][1],
    dkim[1].domain)"""
SPF_DOMAIN = "coalesce([x.domain for x in spf if x.scope is distinct from 'helo'][1], spf[1].domain)"

GROUPS = {
    "source_ip": "source_ip",
    "dkim_domain": DKIM_DOMAIN,
    "spf_domain": SPF_DOMAIN,
    "header_from": "header_from",
    "reporter": "reporter",
    "day": "epoch_us(period_begin) // 86400000000",
    "disposition": "disposition",
}
"""What messages can be summed by, and how a record tells it. A period belongs to the day on which it begins."""
SHOWN = {"day": "* REPLACE (strftime(make_timestamp(day * 86400000000), '%Y-%m-%d') AS day)"}
"""How a group is shown where that differs: a number of days is summed by in a fifth of the time that its text takes."""

DECIDING = """
    CAST(coalesce(sum("count"), 0) AS BIGINT) AS messages,
    CAST(coalesce(sum("count") FILTER (WHERE dmarc_pass), 0) AS BIGINT) AS dmarc_pass"""
SUMS = f"""{DECIDING},
    CAST(coalesce(sum("count") FILTER (WHERE dkim_aligned), 0) AS BIGINT) AS dkim_aligned,
    CAST(coalesce(sum("count") FILTER (WHERE spf_aligned), 0) AS BIGINT) AS spf_aligned,
    CAST(coalesce(sum("count") FILTER (WHERE disposition IN ('none', 'pass')), 0) AS BIGINT) AS delivered,
    CAST(coalesce(sum("count") FILTER (WHERE disposition = 'quarantine'), 0) AS BIGINT) AS quarantined,
    CAST(coalesce(sum("count") FILTER (WHERE disposition = 'reject'), 0) AS BIGINT) AS rejected,
    count(DISTINCT reporter) AS reporters,
    min(period_begin) AS first_seen,
    max(period_end) AS last_seen"""

SOURCES_MEANINGS = {
    "(the group)": "what the messages are summed by: `source_ip`, or what `--by` names",
    "messages": "messages reported",
    "dmarc_pass": "of these, passed DMARC: DKIM or SPF passed and is aligned",
    "dkim_aligned": "of these, DKIM passed and is aligned",
    "spf_aligned": "of these, SPF passed and is aligned",
    "delivered": "of these, disposition `none` or `pass`: the policy stopped nothing",
    "quarantined": "of these, disposition `quarantine`",
    "rejected": "of these, disposition `reject`",
    "reporters": "how many reporters saw them",
    "first_seen": "begin of the earliest period, UTC",
    "last_seen": "end of the latest period, UTC",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records are meant. ``domain`` takes in its subdomains; ``since`` ≤ begin of the period < ``until``.

    ``verified``: only reports whose mail came, verifiably, from its author domain; the ledger knows which are not, and whoever asks puts
    their keys into ``without``.
    """

    domain: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    source_ip: str | None = None
    reporter: str | None = None
    report_key: int | None = None
    verified: bool = False
    without: tuple[int, ...] = ()

    def where(self) -> tuple[str, list[Any]]:
        """A WHERE clause ("" where all are meant) and its values."""
        terms: list[str] = []
        values: list[Any] = []
        if self.domain is not None:
            terms.append("(policy_domain = ? OR header_from = ? OR ends_with(header_from, ?))")
            values += [self.domain, self.domain, f".{self.domain}"]
        if self.since is not None:
            # The month says nothing new, but the table is partitioned by it: other months are not even opened.
            terms.append(f"(month >= ? OR month = '{NO_MONTH}') AND period_begin >= ?")
            values += [f"{self.since:%Y-%m}", self.since]
        if self.until is not None:
            terms.append("month <= ? AND period_begin < ?")
            values += [f"{self.until:%Y-%m}", self.until]
        for column in ("source_ip", "reporter", "report_key"):
            value = getattr(self, column)
            if value is not None:
                terms.append(f"{column} = ?")
                values.append(value)
        if self.without:
            terms.append("report_key NOT IN (SELECT unnest(CAST(? AS BIGINT[])))")
            values.append(list(self.without))
        return (f"WHERE {' AND '.join(terms)}" if terms else ""), values


def sources(by: str, which: Filter, limit: int | None) -> tuple[str, list[Any]]:
    """Who sends: messages summed by ``by``, those with most messages that fail first (days in their order).

    Raises SetupError for an unknown ``by``.
    """
    if by not in GROUPS:
        raise SetupError(f"cannot sum by {by!r}", fix=f"Choose one of: {', '.join(GROUPS)}")
    where, values = which.where()
    key, order = GROUPS[by], "1" if by == "day" else f"messages - dmarc_pass DESC, messages DESC, {by}"
    scope = f"FROM records {where}"
    if limit is not None:
        # First who is meant, by the two sums that decide; then all sums for those alone: distinct reporters are what costs.
        first = f"SELECT * FROM (SELECT {key} AS {by}, {DECIDING} {scope} GROUP BY 1) AS s ORDER BY {order} LIMIT {limit:d}"  # noqa: S608
        scope = f"FROM (SELECT *, {key} AS chosen_by {scope}) AS r SEMI JOIN ({first}) AS f ON r.chosen_by IS NOT DISTINCT FROM f.{by}"  # noqa: S608
        key, values = "chosen_by", values + values
    sums = f"SELECT {key} AS {by}, {SUMS} {scope} GROUP BY 1"
    return f"SELECT {SHOWN.get(by, '*')} FROM ({sums}) AS summed ORDER BY {order}", values  # noqa: S608


RECORD_ORDER = tuple(
    column.name for column in (*REPORT_COLUMNS, *RECORD_COLUMNS) if column.name != "month"
)  # the month is told by period_begin


def records(which: Filter, limit: int | None) -> tuple[str, list[Any]]:
    """The lines themselves, in the order of their reports."""
    where, values = which.where()
    names = ", ".join(f'"{name}"' for name in RECORD_ORDER)
    sql = f"SELECT {names} FROM records {where} ORDER BY report_key, line"  # noqa: S608 (own words; values bound)
    return (f"{sql} LIMIT {limit:d}" if limit is not None else sql), values


def count_records(which: Filter) -> tuple[str, list[Any]]:
    """How many lines there are."""
    where, values = which.where()
    return f"SELECT count(*) AS lines FROM records {where}", values  # noqa: S608 (own words; values bound)


LINES_BY_REPORT = """SELECT report_key, count(*) AS records,
    CAST(coalesce(sum(greatest("count", 0)), 0) AS BIGINT) AS messages FROM records GROUP BY report_key"""

DOMAINS = """SELECT policy_domain, CAST(coalesce(sum("count"), 0) AS BIGINT) AS messages
    FROM records GROUP BY 1 ORDER BY 2 DESC LIMIT 10"""
