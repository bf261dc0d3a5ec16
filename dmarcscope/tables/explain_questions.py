"""The questions that an explanation asks: the records that are meant, kept as `explained`, and those of one verdict of them, as `told`."""

from typing import Any

from dmarcscope.tables.classifying import EVIDENCE

COLUMNS = f"""class, sender, rule, confidence, {EVIDENCE} AS evidence, source_ip, header_from, reporter, disposition, dkim_aligned,
    spf_aligned, dmarc_pass, reasons, dkim, spf, arg_max(report_key, "count") AS report_key, arg_max(line, "count") AS line,
    CAST(coalesce(sum("count"), 0) AS BIGINT) AS messages, count(*) AS records, min(period_begin) AS begin, max(period_end) AS finish,
    max(period_begin) AS last_begin"""


def explained(source_ip: str | None = None, sender: str | None = None, line: int | None = None) -> tuple[str, list[Any]]:
    """The records that are meant, equal ones of one source and reporter together; a sender in whatever case it is written."""
    terms = {"source_ip = ?": source_ip, "lower(sender) = lower(?)": sender, "line = ?": line}
    given = {term: value for term, value in terms.items() if value is not None}
    where = f"WHERE {' AND '.join(given)}" if given else ""
    return f"SELECT {COLUMNS} FROM classified {where} GROUP BY ALL", list(given.values())  # noqa: S608 (own words; values bound)


ANY = "SELECT 1 FROM explained LIMIT 1"
SPAN = "SELECT min(begin) AS begin, max(finish) AS finish FROM explained"
VERDICTS = """SELECT class, sender, rule, CAST(sum(messages) AS BIGINT) AS messages, CAST(sum(records) AS BIGINT) AS records
    FROM explained GROUP BY 1, 2, 3 ORDER BY messages DESC, records DESC, 1, 2, 3"""
TOLD = "SELECT * FROM explained WHERE class = ? AND sender = ? AND rule = ?"
"""The records of one verdict, to be kept as `told`."""

SAID = """SELECT CAST(sum(messages) AS BIGINT) AS messages, CAST(sum(records) AS BIGINT) AS records,
    CAST(coalesce(sum(messages) FILTER (WHERE dkim_aligned), 0) AS BIGINT) AS dkim_aligned,
    CAST(coalesce(sum(messages) FILTER (WHERE spf_aligned), 0) AS BIGINT) AS spf_aligned,
    CAST(coalesce(sum(messages) FILTER (WHERE dmarc_pass), 0) AS BIGINT) AS dmarc_pass,
    count(DISTINCT reporter) AS reporters, count(DISTINCT source_ip) AS sources, count(DISTINCT (evidence, source_ip)) AS kinds,
    min(begin) AS begin, max(finish) AS finish FROM told"""
EXAMPLE = """SELECT evidence, source_ip, any_value(confidence) AS confidence, arg_max(report_key, messages) AS report_key,
    arg_max(line, messages) AS line, max(last_begin) AS last_begin, CAST(sum(messages) AS BIGINT) AS messages FROM told
    GROUP BY 1, 2 ORDER BY messages DESC, source_ip, evidence LIMIT 1"""
"""The most common kind of record, by its results and its source, and one of them."""

BY_REPORTER = """SELECT coalesce(reporter, '(none)') AS word, CAST(sum(messages) AS BIGINT) AS messages FROM told
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?"""
BY_DISPOSITION = """SELECT coalesce(disposition, '(none)') AS word, CAST(sum(messages) AS BIGINT) AS messages FROM told
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?"""
BY_AUTHOR = """SELECT coalesce(header_from, '(none)') AS word, CAST(sum(messages) AS BIGINT) AS messages FROM told
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?"""
BY_REASON = """SELECT concat_ws(': ', x.type, x.comment) AS word, CAST(sum(messages) AS BIGINT) AS messages
    FROM (SELECT messages, unnest(reasons) AS x FROM told) AS s GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?"""
BY_SOURCE = "SELECT source_ip, CAST(sum(messages) AS BIGINT) AS messages FROM told GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?"
DKIM_RESULTS = """SELECT header_from, x.domain AS domain, x.selector AS selector, x.result AS result,
    CAST(sum(messages) AS BIGINT) AS messages FROM (SELECT header_from, messages, unnest(dkim) AS x FROM told) AS s
    GROUP BY 1, 2, 3, 4 ORDER BY messages DESC, 1, 2, 3, 4 LIMIT ?"""
SPF_RESULTS = """SELECT header_from, x.domain AS domain, x.scope AS scope, x.result AS result,
    CAST(sum(messages) AS BIGINT) AS messages FROM (SELECT header_from, messages, unnest(spf) AS x FROM told) AS s
    GROUP BY 1, 2, 3, 4 ORDER BY messages DESC, 1, 2, 3, 4 LIMIT ?"""
