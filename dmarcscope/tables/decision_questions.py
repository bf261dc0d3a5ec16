"""The questions behind a decision about the policy, as portable SQL; values are bound.

The relation ``classified`` is summed up once, without sources and results, as ``DECIDING``; that is kept as ``deciding``, which all others
ask, domain by domain.
"""

from typing import Any

from dmarcscope.model.verdict import YOURS

MINE = f"class IN ({', '.join(repr(each.value) for each in sorted(YOURS))})"
DAY = 86_400_000_000  # microseconds
Question = tuple[str, list[Any]]


DECIDING = """SELECT policy_domain, header_from, class, sender, reporter, p, sp, np, pct, testing, period_begin, period_end,
    dmarc_pass, dkim_aligned, CAST(sum("count") AS BIGINT) AS "count" FROM classified GROUP BY ALL"""
"""What is asked about, much shorter than the records."""


def scope(domain: str, *, own_record: bool) -> Question:
    """Which records a domain's policy is about: those that were judged by its record, with subdomains that have none of their own.

    Where no report names it as the policy domain, those of the author domain and the names below it.
    """
    if own_record:
        return "WHERE policy_domain = ?", [domain]
    return "WHERE (header_from = ? OR ends_with(header_from, ?))", [domain, f".{domain}"]


def summed(what: str, name: str = "messages") -> str:
    """A sum of messages under a condition; an empty one is 0."""
    condition = f" FILTER (WHERE {what})" if what else ""
    return f'CAST(coalesce(sum("count"){condition}, 0) AS BIGINT) AS {name}'


POLICY_DOMAINS = f"SELECT policy_domain, {summed('')} FROM deciding WHERE policy_domain IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608
"""Every policy domain, those with most messages first."""


def senders(where: Question) -> Question:
    """Each sender in each class: what it sent, what of it passed and by what, and when it was seen."""
    sums = ", ".join(
        (
            summed(""),
            summed("dmarc_pass IS NOT NULL", "judged"),
            summed("dmarc_pass", "passing"),
            summed("dmarc_pass AND dkim_aligned", "by_dkim"),
        )
    )
    seen = "min(period_begin) AS first_seen, max(period_end) AS last_seen"
    sql = f"SELECT sender, class, {sums}, {seen} FROM deciding {where[0]} GROUP BY 1, 2 ORDER BY messages DESC, 1, 2"  # noqa: S608
    return sql, where[1]


def policies(where: Question) -> Question:
    """Each policy that reports tell of with each span of days that they are about, as numbers of days since 1970."""
    days = f"epoch_us(period_begin) // {DAY} AS first, (epoch_us(coalesce(period_end, period_begin)) - 1) // {DAY} AS last"
    sql = (
        f"SELECT policy_domain, p, sp, np, pct, testing, {days}, {summed('')} FROM deciding {where[0]}"  # noqa: S608 (values bound)
        " AND period_begin IS NOT NULL GROUP BY ALL ORDER BY last, messages"
    )
    return sql, where[1]


def names(where: Question) -> Question:
    """Each author domain: its messages, and those of your own senders."""
    sums = ", ".join((summed(""), summed(MINE, "yours"), summed(f"{MINE} AND dmarc_pass", "yours_passing")))
    sql = f"SELECT header_from AS name, {sums} FROM deciding {where[0]} AND header_from IS NOT NULL GROUP BY 1 ORDER BY yours DESC, 1"  # noqa: S608
    return sql, where[1]


def reporters(where: Question) -> Question:
    """Each reporter with what it told of."""
    return f"SELECT reporter, {summed('')} FROM deciding {where[0]} GROUP BY 1 ORDER BY 2 DESC, 1", where[1]  # noqa: S608
