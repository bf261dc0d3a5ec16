"""Where a domain wants reports about encrypted mail to it (RFC 8460 §3)."""

from dataclasses import dataclass

from dmarcscope.model.dmarc_record import ReportUri
from dmarcscope.model.problem import Problem


@dataclass(frozen=True, slots=True)
class TlsRptRecord:
    """The TXT record at ``_smtp._tls``; ``rua`` is empty where the record cannot be used."""

    text: str
    rua: tuple[ReportUri, ...]
    problems: tuple[Problem, ...] = ()
