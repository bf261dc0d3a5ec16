"""The questions about senders, over the relation `classified` (see `tables.classifying`)."""

from typing import Any

from dmarcscope.errors import SetupError
from dmarcscope.model.meant import Meant
from dmarcscope.tables.queries import GROUPS, SHOWN, SUMS

ROLE = "CASE WHEN class IN ('yours-aligned', 'yours-needs-fixing') THEN 'yours' ELSE class END"
"""What a sender is to the owner: mail of one's own is one line, whether it passes or not."""
FAILING = "class = 'yours-needs-fixing'"
NOW = "period_begin >= ?"
"""Of the time asked for, and not of the time before it."""


def total(where: str) -> str:
    """The sum of messages of some records."""
    return f'CAST(coalesce(sum("count") FILTER (WHERE {where}), 0) AS BIGINT)'


TROUBLES = {
    "dkim_failing": f"{FAILING} AND dkim_state = 'failing'",
    "dkim_other": f"{FAILING} AND dkim_state = 'other'",
    "dkim_missing": f"{FAILING} AND dkim_state = 'missing'",
    "spf_broken": "spf_state IN ('own-permerror', 'own-temperror') AND class IN ('yours-aligned', 'yours-needs-fixing')",
    "spf_not_listed": f"{FAILING} AND spf_state IN ('own-fail', 'own-softfail', 'own-neutral', 'own-none', 'own-unknown')",
    "spf_other": f"{FAILING} AND spf_state = 'other'",
}
"""What may be wrong with mail of one's own, and how a record tells it."""
TROUBLE_SUMS = ", ".join(f"{total(where)} AS {name}" for name, where in TROUBLES.items())


def senders(since: Any) -> tuple[str, list[Any]]:
    """A line per sender, role, and whether it is of the time from ``since`` on (`is_now`) or of that before; None: all is now."""
    now, values = ("true", []) if since is None else (NOW, [since])
    sql = f"""SELECT sender, {ROLE} AS role, {now} AS is_now, {SUMS}, {total("len(reasons) > 0")} AS overridden,
            {total(FAILING)} AS needs_fixing, count(DISTINCT source_ip) AS sources, CAST(avg(confidence) AS DOUBLE) AS confidence,
            {TROUBLE_SUMS}
        FROM classified GROUP BY 1, 2, 3"""  # noqa: S608 (own words; values bound)
    return sql, values


def by_group(by: str, meant: Meant) -> tuple[str, list[Any]]:
    """The mail of a sender or class summed by something else; columns as in `queries.sources`. Raises SetupError for an unknown ``by``."""
    if by not in GROUPS:
        raise SetupError(f"cannot sum by {by!r}", fix=f"Choose one of: {', '.join(GROUPS)}")
    where, values = of(meant)
    order = "1" if by == "day" else f"messages - dmarc_pass DESC, messages DESC, {by}"
    sql = f"SELECT {SHOWN.get(by, '*')} FROM (SELECT {GROUPS[by]} AS {by}, {SUMS} FROM classified {where} GROUP BY 1) AS s ORDER BY {order}"  # noqa: S608
    return sql, values


def of(meant: Meant) -> tuple[str, list[Any]]:
    """A WHERE clause for the records of a sender (in whatever case it is written), a class, or both."""
    terms = {"lower(sender) = lower(?)": meant.sender, "class = ?": meant.sender_class}
    given = {term: value for term, value in terms.items() if value is not None}
    return (f"WHERE {' AND '.join(given)}" if given else ""), list(given.values())


def troubles() -> str:
    """What is wrong with mail of one's own, by sender and author domain, most messages first."""
    return f"""SELECT sender, header_from, {total("true")} AS messages, {total(FAILING)} AS needs_fixing, {TROUBLE_SUMS}
        FROM classified WHERE class IN ('yours-aligned', 'yours-needs-fixing') AND header_from IS NOT NULL
        GROUP BY 1, 2 HAVING {total(FAILING)} > 0 OR {total(TROUBLES["spf_broken"])} > 0 ORDER BY needs_fixing DESC, messages DESC, 1, 2"""  # noqa: S608


FAILING_KEYS = f"""SELECT sender, header_from, x.domain AS domain, x.selector AS selector, CAST(sum("count") AS BIGINT) AS messages
    FROM (SELECT sender, header_from, "count", unnest(dkim) AS x FROM classified WHERE {FAILING} AND dkim_state = 'failing') AS s
    WHERE x.result <> 'pass' AND x.domain IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4"""  # noqa: S608
ENVELOPE = """coalesce([x.domain for x in spf if x.scope IS DISTINCT FROM 'helo' AND contains(x.domain, '.')][1],
    [x.domain for x in spf if contains(x.domain, '.')][1])"""
"""Whose SPF record was asked for where none passed: see `evidence.counting`."""
ENVELOPES = f"""SELECT sender, header_from, {ENVELOPE} AS envelope, CAST(sum("count") AS BIGINT) AS messages FROM classified
    WHERE ({TROUBLES["spf_not_listed"]}) OR ({TROUBLES["spf_broken"]}) GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3"""  # noqa: S608
UNLISTED_HOSTS = f"""SELECT sender, header_from, {ENVELOPE} AS envelope, source_ip, CAST(sum("count") AS BIGINT) AS messages FROM classified
    WHERE {TROUBLES["spf_not_listed"]} AND source_ip IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4"""  # noqa: S608
