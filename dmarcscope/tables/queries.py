"""The questions asked of the record table, as portable SQL over the view ``records``; values are bound, never written in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dmarcscope.errors import SetupError
from dmarcscope.tables.columns import DNS_COLUMNS, NO_MONTH, RECORD_COLUMNS, REPORT_COLUMNS

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
    **{column.name: column.meaning for column in DNS_COLUMNS},
}


OF_DOMAIN = "policy_domain = ? OR header_from = ? OR ends_with(header_from, ?)"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records are meant. ``domain`` takes in its subdomains; ``since`` ≤ begin of the period < ``until``.

    ``verified``: only reports whose mail came, verifiably, from its author domain; the ledger knows which are not, and whoever asks puts
    their keys into ``without``. ``domains``: those of several domains, where ``domain`` names none.
    """

    domain: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    source_ip: str | None = None
    reporter: str | None = None
    report_key: int | None = None
    verified: bool = False
    without: tuple[int, ...] = ()
    domains: tuple[str, ...] = ()

    def where(self) -> tuple[str, list[Any]]:
        """A WHERE clause ("" where all are meant) and its values."""
        terms: list[str] = []
        values: list[Any] = []
        meant = self.domains if self.domain is None else (self.domain,)
        if meant:
            terms.append(f"({' OR '.join([OF_DOMAIN] * len(meant))})")
            values += [value for one in meant for value in (one, one, f".{one}")]
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


def _unnested(which: Filter, column: str, names: str) -> tuple[str, list[Any]]:
    """The elements of a list column, one a line, as ``x`` beside other columns."""
    where, values = which.where()
    return f"(SELECT {names}, unnest({column}) AS x FROM records {where})", values  # noqa: S608 (own words; values bound)


def source_domains(which: Filter) -> tuple[str, list[Any]]:
    """Each source with the domains that it sends as: author domains and those of its envelopes. The sources with most messages first.

    A source without any has one line with a null.
    """
    where, values = which.where()
    pairs, of_pairs = source_pairs(which)
    summed = f'SELECT source_ip, sum("count") AS messages FROM records {where} GROUP BY 1'  # noqa: S608
    sql = (
        f"SELECT f.source_ip, p.domain FROM ({summed}) AS f LEFT JOIN ({pairs}) AS p ON p.source_ip = f.source_ip AND p.domain IS NOT NULL"  # noqa: S608
        " WHERE f.source_ip IS NOT NULL ORDER BY f.messages DESC NULLS LAST, f.source_ip, p.domain"
    )
    return sql, [*values, *of_pairs]


def source_pairs(which: Filter) -> tuple[str, list[Any]]:
    """Each source with each domain that it sends as, in no order."""
    where, values = which.where()
    unnested, again = _unnested(which, "spf", "source_ip")
    sql = (
        f"SELECT DISTINCT source_ip, header_from AS domain FROM records {where}"  # noqa: S608 (own words; values bound)
        f" UNION SELECT DISTINCT source_ip, x.domain FROM {unnested} AS s WHERE x.scope IS DISTINCT FROM 'helo'"
    )
    return sql, [*values, *again]


def source_keys(which: Filter) -> tuple[str, list[Any]]:
    """Each source with the keys that signed its mail."""
    unnested, values = _unnested(which, "dkim", "source_ip")
    sql = f"SELECT DISTINCT source_ip, x.domain AS domain, x.selector AS selector FROM {unnested} AS s WHERE x.selector IS NOT NULL"  # noqa: S608
    return f"{sql} AND x.domain IS NOT NULL ORDER BY 1, 2, 3", values


def keys(which: Filter) -> tuple[str, list[Any]]:
    """Each domain and selector that signed; the records of one key stand together."""
    unnested, values = _unnested(which, "dkim", "source_ip")
    sql = f"SELECT DISTINCT x.domain AS domain, x.selector AS selector FROM {unnested} AS s WHERE x.selector IS NOT NULL"  # noqa: S608
    return f"{sql} AND x.domain IS NOT NULL ORDER BY 1, 2", values


def all_domains(which: Filter) -> tuple[str, list[Any]]:
    """Every domain that an identifier or an authentication result names."""
    where, values = which.where()
    dkim, of_dkim = _unnested(which, "dkim", "source_ip")
    spf, of_spf = _unnested(which, "spf", "source_ip")
    sql = (
        f"SELECT domain FROM (SELECT header_from AS domain FROM records {where} UNION SELECT x.domain FROM {dkim} AS d"  # noqa: S608
        f" UNION SELECT x.domain FROM {spf} AS s) AS every WHERE domain IS NOT NULL ORDER BY 1"
    )
    return sql, [*values, *of_dkim, *of_spf]


# Records with the same verdicts and the same results are judged once. A result that is missing is not one that failed.
PASSED = "list_sort(list_distinct([x.domain for x in {0} if x.result = 'pass' and x.domain is not null]))"
UNTOLD = "list_sort(list_distinct([coalesce(x.domain, '') for x in {0} if x.result is null]))"
MAIL_FROM = "[x for x in spf if x.scope is distinct from 'helo']"
SPF_THAT_COUNTS = f"CASE WHEN len({MAIL_FROM}) > 0 THEN {MAIL_FROM} ELSE spf END"
"""The results for MAIL FROM; those for HELO only where there are no others, as for mail without a sender (RFC 9989 §4.4.2)."""


VERDICT_NAMES = (
    "reporter, header_from, adkim, aspf, dkim_aligned, spf_aligned,"
    f" {PASSED.format('dkim')} AS dkim_passed, {UNTOLD.format('dkim')} AS dkim_untold, len(dkim) AS dkim_results,"
    f" {PASSED.format('counting')} AS spf_passed, {UNTOLD.format('counting')} AS spf_untold, len(counting) AS spf_results"
)


def _counting(which: Filter) -> tuple[str, list[Any]]:
    """The records, each with its SPF results that count."""
    where, values = which.where()
    return f"(SELECT *, {SPF_THAT_COUNTS} AS counting FROM records {where}) AS r", values  # noqa: S608 (own words; values bound)


def verdicts(which: Filter) -> tuple[str, list[Any]]:
    """What reporters say of alignment beside the results that it rests on, equal ones together; an example of each."""
    scope, values = _counting(which)
    grouped = ", ".join(str(number) for number in range(1, 13))
    sql = (
        f'SELECT {VERDICT_NAMES}, count(*) AS records, CAST(coalesce(sum("count"), 0) AS BIGINT) AS messages,'  # noqa: S608
        f" min(report_key) AS report_key, min(source_ip) AS source_ip FROM {scope} GROUP BY {grouped} ORDER BY 1"
    )
    return sql, values


def each_verdict(which: Filter, limit: int | None) -> tuple[str, list[Any]]:
    """The same, record by record, in the order of their reports."""
    scope, values = _counting(which)
    sql = f'SELECT report_key, line, source_ip, "count", {VERDICT_NAMES} FROM {scope} ORDER BY report_key, line'  # noqa: S608
    return (f"{sql} LIMIT {limit:d}" if limit is not None else sql), values


def selectors(domain: str) -> tuple[str, list[Any]]:
    """Each selector that signed as a domain or one below it, with the end of the last period and whether it ever passed; latest first."""
    sql = (
        "SELECT x.domain AS domain, x.selector AS selector, max(period_end) AS last_seen,"
        " coalesce(bool_or(x.result = 'pass'), false) AS passed"
        " FROM (SELECT period_end, unnest(dkim) AS x FROM records) AS s"
        " WHERE x.selector IS NOT NULL AND (x.domain = ? OR ends_with(x.domain, ?)) GROUP BY 1, 2 ORDER BY 3 DESC NULLS LAST, 1, 2"
    )
    return sql, [domain, f".{domain}"]
