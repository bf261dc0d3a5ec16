"""What the check of the owner's list asks of the classified records, as portable SQL over ``classified``; values are bound."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

DAY = "epoch_us({0}) // 86400000000"


def sender_days(scopes: Sequence[str]) -> tuple[str, list[Any]]:
    """Messages by sender, class and day, and by which of these domains their author domain is or is below.

    Days are counted from 1970; a period belongs to the day on which it begins.
    """
    sql = (
        f"SELECT sender, class, domains, {DAY.format('period_begin')} AS day, max({DAY.format('period_end')}) AS last_seen,"  # noqa: S608
        ' CAST(coalesce(sum("count"), 0) AS BIGINT) AS messages,'
        ' CAST(coalesce(sum("count") FILTER (WHERE dmarc_pass), 0) AS BIGINT) AS dmarc_pass'
        " FROM (SELECT *, list_filter(CAST(? AS VARCHAR[]),"
        " lambda d: coalesce(header_from = d OR ends_with(header_from, '.' || d), false)) AS domains FROM classified) AS c"
        " WHERE period_begin IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 4, 2, 3"
    )
    return sql, [list(scopes)]


SENDERS = """SELECT sender, CAST(coalesce(sum("count"), 0) AS BIGINT) AS messages FROM classified
    WHERE sender IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"""
"""Every sender, those with most messages first."""


def day_of(number: int) -> date:
    """A day from its number.

    >>> day_of(20587)
    datetime.date(2026, 5, 14)
    """
    return datetime.fromtimestamp(number * 86400, UTC).date()
