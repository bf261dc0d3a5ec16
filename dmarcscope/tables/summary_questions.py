"""What a summary asks: once of the classified records, then of what was kept of the answer; as portable SQL, values are bound.

``told`` holds the records of the period without their results, and ``earlier`` those of the weeks before it, summed up.
"""

from collections.abc import Sequence
from typing import Any

from dmarcscope.model.verdict import SenderClass
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.sender_questions import FAILING, ROLE

Question = tuple[str, list[Any]]
NOBODY = "(none)"
"""A reporter without a name."""
FORGED = f"class = '{SenderClass.UNAUTHORISED.value}'"
WORDS = f"""class, coalesce(sender, '') AS sender, {ROLE} AS role, coalesce(reporter, '{NOBODY}') AS reporter, period_begin, period_end"""

TOLD = f"""SELECT {WORDS}, report_key, coalesce(source_ip, '') AS source_ip, coalesce(header_from, '') AS header_from, disposition,
    dmarc_pass, dkim_aligned, spf_aligned, len(reasons) > 0 AS overridden, spf_state, "count" FROM classified"""  # noqa: S608 (own words)
"""To be kept as `told`."""
EARLIER = f"""SELECT class, coalesce(sender, '') AS sender, {ROLE} AS role, period_begin, period_end,
    CAST(coalesce(sum("count"), 0) AS BIGINT) AS messages,
    CAST(coalesce(sum("count") FILTER (WHERE dmarc_pass), 0) AS BIGINT) AS passing
    FROM classified GROUP BY 1, 2, 3, 4, 5"""  # noqa: S608 (own words)
"""To be kept as `earlier`."""


KEPT_NAME = "judged_records"
KEPT = """SELECT * EXCLUDE (line, envelope_from, dkim, spf),
    [{'domain': x.domain, 'selector': x.selector, 'result': x.result} for x in dkim] AS dkim,
    [{'domain': x.domain, 'scope': x.scope, 'result': x.result} for x in spf] AS spf FROM classified"""
"""To be kept as `judged_records`: all that any part of a summary looks at."""


def kept(which: Filter) -> Question:
    """Those of a filter."""
    where, values = which.where()
    return f"SELECT * FROM {KEPT_NAME} {where}", values  # noqa: S608 (own words; values bound)


def summed(what: str, name: str) -> str:
    """A sum of messages under a condition; an empty one is 0."""
    condition = f" FILTER (WHERE {what})" if what else ""
    return f'CAST(coalesce(sum("count"){condition}, 0) AS BIGINT) AS {name}'


SUMS = ", ".join(
    (
        summed("", "messages"),
        summed("dmarc_pass", "passing"),
        summed("disposition IN ('none', 'pass')", "delivered"),
        summed("disposition = 'quarantine'", "quarantined"),
        summed("disposition = 'reject'", "rejected"),
    )
)
"""What became of messages; those of another disposition, or of none, are the rest of them."""
REST = "count(*) AS lines, " + ", ".join(
    f"CAST(coalesce(sum({name}), 0) AS BIGINT) AS {name}" for name in ("messages", "passing", "delivered", "quarantined", "rejected")
)

CLASSES = f"""SELECT class, {SUMS}, {summed("overridden", "overridden")} FROM told GROUP BY 1"""  # noqa: S608
TIMES = f"""SELECT class, sender, role, period_begin, period_end, {summed("", "messages")}, {summed("dmarc_pass", "passing")}
    FROM told GROUP BY 1, 2, 3, 4, 5"""  # noqa: S608
"""Each sender's messages by class and span of time."""
BEFORE = "SELECT class, sender, role, period_begin, period_end, messages, passing FROM earlier"
MATRIX = f"""SELECT sender, role, reporter, {summed("", "messages")}, {summed("dmarc_pass", "passing")},
    {summed(FAILING, "needs_fixing")} FROM told GROUP BY 1, 2, 3"""  # noqa: S608
OWN_STOPPED = f"""SELECT sender, {summed("", "messages")} FROM told
    WHERE {FAILING} AND disposition IN ('quarantine', 'reject') GROUP BY 1 HAVING sum("count") > 0 ORDER BY 2 DESC, 1"""  # noqa: S608
"""Your senders whose mail fails and was stopped."""
SPF_BROKEN = f"""SELECT sender, {summed("", "messages")}, {summed("spf_state IN ('own-permerror', 'own-temperror')", "broken")}
    FROM told WHERE role = 'yours' GROUP BY 1"""  # noqa: S608
AUTHORS = f"""SELECT header_from, class, {summed("", "messages")}, {summed("dmarc_pass", "passing")},
    {summed("disposition IN ('none', 'pass')", "delivered")}, {summed("disposition = 'quarantine'", "quarantined")},
    {summed("disposition = 'reject'", "rejected")} FROM told GROUP BY 1, 2"""  # noqa: S608
REPORTERS = f"SELECT reporter, count(DISTINCT report_key) AS reports, {SUMS} FROM told GROUP BY 1 ORDER BY 3 DESC, 1"  # noqa: S608

SOURCES = f"""SELECT source_ip, sender, role, {SUMS}, {summed("dkim_aligned", "dkim_aligned")}, {summed("spf_aligned", "spf_aligned")},
    {summed(FAILING, "needs_fixing")} FROM told GROUP BY 1, 2, 3"""  # noqa: S608
BY_ADDRESS = f"SELECT source_ip, {FORGED} AS forged, {SUMS} FROM told GROUP BY 1, 2"  # noqa: S608
"""Each source, its unauthorised mail apart: what networks and countries are summed from."""


def forged_by(column: str, limit: int) -> Question:
    """Unauthorised mail by ``column`` (`sender` or `header_from`), those with most messages."""
    inner = f"SELECT {column} AS key, count(DISTINCT source_ip) AS sources, {SUMS} FROM told WHERE {FORGED} GROUP BY 1"  # noqa: S608
    return f"{inner} ORDER BY messages DESC, key LIMIT {limit:d}", []


def first_sources(limit: int) -> Question:
    """The sources with most messages."""
    return f"{SOURCES} ORDER BY messages DESC, source_ip, sender, role LIMIT {limit:d}", []


def other_sources(limit: int) -> Question:
    """What the others come to."""
    ranked = f"SELECT * FROM ({SOURCES}) AS s ORDER BY messages DESC, source_ip, sender, role OFFSET {limit:d}"  # noqa: S608
    return f"SELECT {REST} FROM ({ranked}) AS r", []  # noqa: S608


FORGED_TOTAL = f"SELECT {SUMS} FROM told WHERE {FORGED}"  # noqa: S608
FORGED_COUNTS = f"""SELECT count(DISTINCT sender) AS senders, count(DISTINCT header_from) AS authors, count(DISTINCT source_ip) AS sources
    FROM told WHERE {FORGED}"""  # noqa: S608
TOTAL = f"SELECT {SUMS}, count(DISTINCT source_ip) AS sources FROM told"  # noqa: S608


def domains(which: Filter) -> Question:
    """The policy domains of a period, those with most messages first."""
    where, values = which.where()
    sql = f"""SELECT policy_domain AS domain, CAST(coalesce(sum("count"), 0) AS BIGINT) AS messages FROM records {where}
        GROUP BY 1 HAVING policy_domain IS NOT NULL ORDER BY 2 DESC, 1"""  # noqa: S608
    return sql, values


def facts(which: Filter) -> Question:
    """What the records of a filter come to, without any verdict."""
    where, values = which.where()
    sql = f"SELECT {summed('', 'messages')}, {summed('dmarc_pass', 'passing')} FROM records {where}"  # noqa: S608 (own words; values bound)
    return sql, values


LEDGER_COUNTS = """SELECT reports.state AS state, count(*) AS reports, coalesce(sum(messages), 0) AS messages,
    count(*) FILTER (WHERE defects <> '[]') AS defective, max(received_at) AS newest
    FROM reports JOIN artefacts USING (artefact_id)
    WHERE (policy_domain = ? OR substr(policy_domain, ?) = ?) AND period_begin >= ? AND period_begin < ? GROUP BY 1"""
"""What became of the reports about a domain and a period (asked of the ledger)."""
SIDELINED = "SELECT count(*) FROM artefacts WHERE (state = 'sidelined' OR refused > 0) AND received_at >= ? AND received_at <= ?"


def former_classes(spans: Sequence[tuple[int, int]]) -> Question:
    """The sums of earlier periods (begin and end in seconds), by class; over `earlier`."""
    named = (
        "SELECT unnest(range(len(b))) AS place, unnest(b) AS begun, unnest(e) AS ended"
        " FROM (SELECT CAST(? AS BIGINT[]) AS b, CAST(? AS BIGINT[]) AS e)"
    )
    sql = (
        "SELECT place, class, CAST(coalesce(sum(messages), 0) AS BIGINT) AS messages,"  # noqa: S608 (own words; values bound)
        f" CAST(coalesce(sum(passing), 0) AS BIGINT) AS passing FROM ({named}) AS n"
        " JOIN earlier ON epoch(period_begin) >= begun AND epoch(period_begin) < ended GROUP BY 1, 2"
    )
    return sql, [list(column) for column in zip(*spans, strict=True)]
