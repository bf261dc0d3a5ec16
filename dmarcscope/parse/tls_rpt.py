"""Read where a domain wants TLS reports (RFC 8460 §3)."""

from collections.abc import Iterable

from dmarcscope.model.problem import Choice, Problem, Severity, worst_first
from dmarcscope.model.tls_rpt import TlsRptRecord
from dmarcscope.parse.report_uri import report_uris, uri_problems
from dmarcscope.parse.tag_list import choose, first_values, form_problems, grammar, mended, tag_list, why_not

SECTION = "RFC 8460 §3"
TLS_RPT = grammar("TLS-RPT", "TLSRPTv1", ("v", "rua"), SECTION)
SCHEMES = ("mailto", "https")


def tls_rpt_records(texts: Iterable[str]) -> Choice:
    """Which of the TXT records at ``_smtp._tls`` are TLS-RPT records; if not exactly one is, there are no reports (RFC 8460 §3)."""
    return choose(texts, TLS_RPT)


def tls_rpt_record(text: str) -> TlsRptRecord:
    """What the text of a TLS-RPT record says.

    >>> tls_rpt_record("v=TLSRPTv1; rua=mailto:tls@example.com").rua[0].address
    'tls@example.com'
    """
    if not TLS_RPT.opening.match(text):
        what = f"no TLS-RPT record: {why_not(text, TLS_RPT)}"
        fix = mended(text, TLS_RPT) if "=" in text else ""
        return TlsRptRecord(text, (), (Problem(Severity.ERROR, "not-tls-rpt", what, SECTION, fix),))
    tags = tag_list(text)
    value = first_values(tags).get("rua")
    problems = list(form_problems(text, tags, TLS_RPT))
    if value is None:
        problems.append(Problem(Severity.ERROR, "no-rua", "«rua» is missing: nobody is named to report to", SECTION))
        return TlsRptRecord(text, (), worst_first(problems))
    uris = report_uris(value)
    problems += uri_problems("rua", value, uris, SECTION)
    return TlsRptRecord(text, tuple(uri for uri in uris if uri.is_valid and uri.scheme in SCHEMES), worst_first(problems))
