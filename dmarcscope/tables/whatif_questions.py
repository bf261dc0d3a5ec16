"""The questions of a replay, asked of the relation ``classified``; values are bound, never written in."""

from dataclasses import replace
from typing import Any

from dmarcscope.tables.queries import PASSED, SPF_THAT_COUNTS, UNTOLD, Filter

ARC_PASSED = "regexp_matches(lower(coalesce(x.comment, '')), 'arc\\s*[=:]\\s*pass')"
REASONS = f"""list_sort(list_distinct([
    CASE WHEN x.type = 'local_policy' AND {ARC_PASSED} THEN 'local_policy arc' ELSE x.type END
    for x in reasons if x.type is not null]))"""
"""The types of a record's override reasons; one whose comment tells of an ARC chain that passed is ``local_policy arc``."""
COUNTING = f"(SELECT *, {SPF_THAT_COUNTS} AS counting FROM classified) AS r"  # noqa: S608 (own words)
MESSAGES = 'CAST(coalesce(sum("count"), 0) AS BIGINT) AS messages, count(*) AS records'
NAMES_DOMAIN = "len([x for x in counting if x.domain = ?]) > 0"


def alike(domain: str, *, by_source: bool) -> tuple[str, list[Any]]:
    """All records, those together that a replay cannot tell apart; sources are told apart where SPF is to be evaluated anew.

    Columns: source_ip (null unless ``by_source`` and SPF names the domain), spf_names_domain, header_from, policy_domain, sender, class,
    adkim, aspf, p, sp, np, testing, dkim_aligned, spf_aligned, disposition, reasons, dkim_passed, dkim_untold, dkim_results, spf_passed,
    spf_untold, spf_results, messages, records.
    """
    source = f"CASE WHEN {NAMES_DOMAIN} THEN source_ip END" if by_source else "CAST(NULL AS VARCHAR)"
    sql = f"""
        SELECT {source} AS source_ip, {NAMES_DOMAIN if by_source else "false"} AS spf_names_domain,
            header_from, policy_domain, sender, class, adkim, aspf, p, sp, np, testing, dkim_aligned, spf_aligned, disposition,
            {REASONS} AS reasons,
            {PASSED.format("dkim")} AS dkim_passed, {UNTOLD.format("dkim")} AS dkim_untold, coalesce(len(dkim), 0) > 0 AS dkim_results,
            {PASSED.format("counting")} AS spf_passed, {UNTOLD.format("counting")} AS spf_untold,
            coalesce(len(counting), 0) > 0 AS spf_results, {MESSAGES}
        FROM {COUNTING} GROUP BY ALL"""  # noqa: S608 (own words; values bound)
    return sql, [domain, domain] if by_source else []


def newest_policy(domain: str) -> tuple[str, list[Any]]:
    """What the last report about a domain says of its policy; no line where there is none."""
    sql = (
        "SELECT p, sp, np, adkim, aspf, testing, period_end FROM classified WHERE policy_domain = ?"
        " ORDER BY period_end DESC NULLS LAST, report_key DESC LIMIT 1"
    )
    return sql, [domain]


def envelope_sources(domain: str) -> tuple[str, list[Any]]:
    """Each source that sent with a domain as the envelope sender, by sender and class; ``passed``: a receiver said that SPF passed."""
    sql = f"""
        SELECT source_ip, sender, class, bool_or(len([x for x in counting if x.domain = ? and x.result = 'pass']) > 0) AS passed,
            max(period_end) AS last_seen, {MESSAGES}
        FROM {COUNTING} WHERE {NAMES_DOMAIN} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""  # noqa: S608
    return sql, [domain, domain]


def signatures(domain: str) -> tuple[str, list[Any]]:
    """Each key of a domain or one below it that signed, by sender and class, and whether it passed. A selector not told is null."""
    sql = f"""
        SELECT x.domain AS domain, x.selector AS selector, sender, class, x.passed AS passed, count(DISTINCT source_ip) AS sources,
            max(period_end) AS last_seen, {MESSAGES}
        FROM (SELECT *, unnest(list_distinct([{{'domain': x.domain, 'selector': x.selector, 'passed': x.result IS NOT DISTINCT FROM 'pass'}}
            for x in dkim])) AS x FROM classified) AS s
        WHERE x.domain = ? OR ends_with(x.domain, ?) GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"""  # noqa: S608
    return sql, [domain, f".{domain}"]


def days_heard(which: Filter) -> tuple[str, list[Any]]:
    """Each day on which a period of records begins, whenever that was, with the last end of these; asked of ``records`` itself."""
    where, values = replace(which, since=None).where()
    sql = f"SELECT CAST(period_begin AS DATE) AS day, max(period_end) AS last FROM records {where} GROUP BY 1 ORDER BY 1"  # noqa: S608
    return f"SELECT * FROM ({sql}) AS days WHERE day IS NOT NULL AND last IS NOT NULL ORDER BY 1", values  # noqa: S608


DAYS = """
    SELECT count(DISTINCT CAST(period_begin AS DATE)) AS heard, min(period_begin) AS first, max(period_end) AS last
    FROM classified"""
"""On how many days a period begins, the first begin and the last end."""
SENDERS = f"SELECT sender, {MESSAGES} FROM classified GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608
"""Every sender, those with most messages first."""
