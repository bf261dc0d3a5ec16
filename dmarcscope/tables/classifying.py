"""The questions that classifying asks of the record table, and the relation `classified` that it makes.

Records are grouped by their *evidence*: the columns that the rules look at, known by a 64-bit hash of them.
"""

from typing import Any

from dmarcscope.tables.queries import Filter

DKIM = "[{'domain': x.domain, 'selector': x.selector, 'result': x.result} for x in dkim]"
SPF = "[{'domain': x.domain, 'scope': x.scope, 'result': x.result} for x in spf]"
REASONS = """list_sort(list_distinct([x.type || CASE WHEN lower(x.comment) LIKE '%arc=pass%' THEN ' arc' ELSE '' END
    for x in reasons if x.type is not null]))"""
# Each list has a hash of its own: of lists side by side only the row of their elements is hashed, not which list holds which.
EVIDENCE = f"hash(header_from, dkim_aligned, spf_aligned, hash({DKIM}), hash({SPF}), hash({REASONS}))"
DAY = "epoch(period_begin) / 86400"

SIGHTINGS = f"""SELECT {EVIDENCE} AS evidence, source_ip, CAST(coalesce(sum("count"), 0) AS BIGINT) AS messages,
    min({DAY}) AS first_day, max(epoch(period_end) / 86400) AS last_day"""
"""Mail of equal evidence from one source."""


def sightings(which: Filter) -> tuple[str, list[Any]]:
    """Evidence and source of all mail, to be kept as `sightings`."""
    where, values = which.where()
    return f"{SIGHTINGS} FROM records {where} GROUP BY 1, 2", values


def evidence(which: Filter) -> tuple[str, list[Any]]:
    """Each evidence with what it consists of."""
    where, values = which.where()
    sql = (
        f"SELECT {EVIDENCE} AS evidence, any_value(header_from) AS header_from, any_value(dkim_aligned) AS dkim_aligned,"  # noqa: S608
        f" any_value(spf_aligned) AS spf_aligned, any_value({DKIM}) AS dkim, any_value({SPF}) AS spf, any_value({REASONS}) AS reasons"
        f" FROM records {where} GROUP BY 1"
    )
    return sql, values


SOURCES = "SELECT DISTINCT source_ip FROM sightings"
CASES = """SELECT evidence, place, CAST(sum(messages) AS BIGINT) AS messages, min(first_day) AS first_day, max(last_day) AS last_day
    FROM sightings AS s JOIN places AS p ON s.source_ip IS NOT DISTINCT FROM p.source_ip GROUP BY 1, 2"""
"""Mail of equal evidence from one place; `places` tells the place of each source."""


def classified(which: Filter) -> tuple[str, list[Any]]:
    """The records with their verdicts: `places` tells the place of each source, `judged` the verdict on each evidence from a place, by its
    number in `verdicts`.
    """
    where, values = which.where()
    sql = (
        "SELECT r.* EXCLUDE (evidence), v.* EXCLUDE (verdict)"  # noqa: S608 (own words; values bound)
        f" FROM (SELECT *, {EVIDENCE} AS evidence FROM records {where}) AS r"
        " LEFT JOIN places AS p ON r.source_ip IS NOT DISTINCT FROM p.source_ip"
        " LEFT JOIN judged AS j ON r.evidence = j.evidence AND p.place = j.place LEFT JOIN verdicts AS v ON j.verdict = v.verdict"
    )
    return sql, values


def newest(which: Filter) -> tuple[str, list[Any]]:
    """The end of the last period."""
    where, values = which.where()
    return f"SELECT max(period_end) AS newest FROM records {where}", values  # noqa: S608 (own words; values bound)


def period(which: Filter) -> tuple[str, list[Any]]:
    """The begin of the first period and the end of the last."""
    where, values = which.where()
    return f"SELECT min(period_begin) AS begin, max(period_end) AS finish FROM records {where}", values  # noqa: S608 (own words; values bound)
