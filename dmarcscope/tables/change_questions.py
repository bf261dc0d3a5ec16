"""What the timeline of changes asks of the classified records, as portable SQL over ``classified``; values are bound.

Days are numbers of days since 1970. A period of about a day has that day as its first and last; what is longer is spread later.
"""

from collections.abc import Sequence
from typing import Any

from dmarcscope.model.verdict import YOURS, SenderClass

DAY = 86_400_000_000  # microseconds
HOUR = DAY // 24
MOST_SENDERS = 300
"""Senders that are looked at, those with most messages first."""
MOST_SELECTORS = 300
FEWEST = 20
"""Senders and selectors with fewer messages are noise."""
MOST_SOURCES = 50
"""Sources of a sender of which it is looked up what SPF says today."""
TAGS = ("p", "sp", "np", "adkim", "aspf", "pct", "testing")

Question = tuple[str, list[Any]]

FIRST = f"epoch_us(period_begin) // {DAY}"
LENGTH = "epoch_us(period_end) - epoch_us(period_begin)"
LAST = f"CASE WHEN {LENGTH} > {26 * HOUR} AND {LENGTH} <= {62 * DAY} THEN (epoch_us(period_end) - 1) // {DAY} ELSE {FIRST} END"
SPAN = f"{FIRST} AS first, {LAST} AS last"
DOMAIN = "coalesce(policy_domain, header_from, '')"
REPORTER = "coalesce(reporter, '(none)')"
ROLE = f"CASE WHEN class IN ({', '.join(repr(each.value) for each in sorted(YOURS))}) THEN 'yours' ELSE class END"
# Who forges a domain goes by many names: all of it is one.
SENDER = f"CASE WHEN class = '{SenderClass.UNAUTHORISED.value}' THEN '' ELSE coalesce(sender, '') END"

PASSED = "x.result = 'pass'"
STOPPED = "NOT dmarc_pass AND disposition IN ('quarantine', 'reject')"
DELIVERED = "disposition IN ('none', 'pass')"


def summed(what: str, name: str) -> str:
    """A sum of messages under a condition; an empty one is 0."""
    condition = f" FILTER (WHERE {what})" if what else ""
    return f'CAST(coalesce(sum("count"){condition}, 0) AS BIGINT) AS {name}'


def most(inner: str, names: str, limit: int) -> str:
    """The lines of those groups (of the columns ``names``) with most messages, that have enough of them."""
    return (
        f"SELECT * EXCLUDE (whole, place) FROM (SELECT *, dense_rank() OVER (ORDER BY whole DESC, {names}) AS place"  # noqa: S608
        f" FROM (SELECT *, sum(messages) OVER (PARTITION BY {names}) AS whole FROM ({inner}) AS a) AS b WHERE whole >= {FEWEST}) AS c"
        f" WHERE place <= {limit} ORDER BY {names}, first, last, reporter"
    )


def senders() -> Question:
    """Each sender's messages by reporter and span of days, and how many of them passed."""
    sums = ", ".join((summed("", "messages"), summed("dmarc_pass", "dmarc"), summed("dkim_aligned", "dkim"), summed("spf_aligned", "spf")))
    inner = (
        f"SELECT {DOMAIN} AS domain, {SENDER} AS sender, {ROLE} AS role, {REPORTER} AS reporter, {SPAN}, {sums}"  # noqa: S608 (own words)
        " FROM classified WHERE period_begin IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6"
    )
    return most(inner, "domain, sender, role", MOST_SENDERS), []


def selectors() -> Question:
    """Each selector of the domains that signed, by sender, reporter and span of days."""
    inner = (
        f"SELECT domain, x.domain AS signer, x.selector AS selector, sender, reporter, first, last, {summed('', 'messages')},"  # noqa: S608
        f" {summed(PASSED, 'passing')} FROM (SELECT {DOMAIN} AS domain, coalesce(sender, '') AS sender,"
        f' {REPORTER} AS reporter, {SPAN}, "count", unnest(dkim) AS x FROM classified'
        f" WHERE period_begin IS NOT NULL AND class <> '{SenderClass.UNAUTHORISED.value}') AS s"
        " WHERE x.selector IS NOT NULL AND (x.domain = domain OR ends_with(x.domain, '.' || domain)) GROUP BY 1, 2, 3, 4, 5, 6, 7"
    )
    return most(inner, "domain, signer, selector", MOST_SELECTORS), []


def policies() -> Question:
    """The policies that each reporter read, and what it did with mail that failed."""
    sql = (
        f"SELECT policy_domain AS domain, {REPORTER} AS reporter, {SPAN}, {', '.join(TAGS)}, {summed('', 'messages')},"  # noqa: S608
        f" {summed('NOT dmarc_pass', 'failing')}, {summed(STOPPED, 'stopped')}"
        f" FROM classified WHERE policy_domain IS NOT NULL AND period_begin IS NOT NULL GROUP BY ALL ORDER BY {', '.join(TAGS)}"
    )
    return sql, []


def results(column: str, names: Sequence[str]) -> Question:
    """The results in ``column`` (`dkim` or `spf`) of some senders' mail, by day; only of reports that tell of one day."""
    selector, which = ("coalesce(x.selector, '')", "true") if column == "dkim" else ("''", "x.scope IS DISTINCT FROM 'helo'")
    sql = (
        f"SELECT domain, sender, role, '{column.upper()}' AS mechanism, first, coalesce(x.domain, '') AS identity,"  # noqa: S608
        f" {selector} AS selector, coalesce(x.result, '') AS result, {summed('', 'messages')} FROM (SELECT {DOMAIN} AS domain, sender,"
        f' {ROLE} AS role, {SPAN}, "count", unnest({column}) AS x FROM classified'
        " WHERE period_begin IS NOT NULL AND list_contains(CAST(? AS VARCHAR[]), sender)) AS s"
        f" WHERE first = last AND {which} GROUP BY ALL ORDER BY ALL"
    )
    return sql, [list(names)]


def sources(names: Sequence[str]) -> Question:
    """The sources of some senders that are yours, those with most messages first."""
    sql = (
        "SELECT sender, source_ip FROM (SELECT sender, source_ip,"  # noqa: S608 (own words; values bound)
        ' row_number() OVER (PARTITION BY sender ORDER BY sum("count") DESC, source_ip) AS place FROM classified'
        " WHERE list_contains(CAST(? AS VARCHAR[]), sender) AND source_ip IS NOT NULL GROUP BY 1, 2) AS s"
        f" WHERE place <= {MOST_SOURCES} ORDER BY sender, place"
    )
    return sql, [list(names)]


def bursts(spans: Sequence[tuple[str, str, str, int, int]]) -> Question:
    """Of each span of days of a domain's sender in a role: messages, hosts, and how much of it was delivered; in reports about one day."""
    named = (
        "SELECT unnest(range(len(d))) AS place, unnest(d) AS of_domain, unnest(s) AS of_sender, unnest(r) AS of_role, unnest(b) AS begun,"
        " unnest(e) AS ended FROM (SELECT CAST(? AS VARCHAR[]) AS d, CAST(? AS VARCHAR[]) AS s, CAST(? AS VARCHAR[]) AS r,"
        " CAST(? AS BIGINT[]) AS b, CAST(? AS BIGINT[]) AS e)"
    )
    sql = (
        f"SELECT place, {summed('', 'messages')}, count(DISTINCT source_ip) AS hosts, {summed(DELIVERED, 'delivered')}"  # noqa: S608
        f" FROM ({named}) AS n JOIN (SELECT {DOMAIN} AS domain, {SENDER} AS sender, {ROLE} AS role, source_ip, disposition,"
        f' "count", {SPAN} FROM classified WHERE period_begin IS NOT NULL) AS c ON c.domain = of_domain AND c.sender = of_sender'
        " AND c.role = of_role AND c.first BETWEEN begun AND ended AND c.last = c.first GROUP BY 1 ORDER BY 1"
    )
    return sql, [list(column) for column in zip(*spans, strict=True)]
