"""The reports that the ledger knows, and one of them in full."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from arro3.core import Table

from dmarcscope.errors import SetupError
from dmarcscope.intake.unpack import LeafKind, unpack
from dmarcscope.model.aggregate import AggregateReport
from dmarcscope.parse.aggregate import parse_reports
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.mails import VERIFIED
from dmarcscope.tables.columns import LEDGER_SCHEMA
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import table_of

SELECT = """SELECT report_key, reporter, report_id, policy_domain, period_begin, period_end, records, messages, defects,
    reports.state AS state, artefacts.sha256 AS artefact, artefacts.name AS name, member, email, dialect,
    mail_from, mail_verified, mail_reason
    FROM reports JOIN artefacts USING (artefact_id)"""


@dataclass(frozen=True, slots=True)
class ShownReport:
    """One report in full: the ledger's line, and the report as read from its bytes."""

    entry: dict[str, Any]
    report: AggregateReport


def reports(store: StoreFiles, which: Filter, limit: int | None = None) -> Table:
    """The reports of the ledger by period, one line each, as LEDGER_SCHEMA; duplicates and superseded ones are there too."""
    store.require()
    terms: list[str] = ["1"]
    values: list[Any] = []
    bounds: dict[str, tuple[Any, ...] | None] = {
        "policy_domain = ? OR policy_domain LIKE ?": (which.domain, f"%.{which.domain}") if which.domain else None,
        "period_begin >= ?": (which.since.timestamp(),) if which.since else None,
        "period_begin < ?": (which.until.timestamp(),) if which.until else None,
        "reporter = ?": (which.reporter,) if which.reporter else None,
        "report_key = ?": (which.report_key,) if which.report_key is not None else None,
        VERIFIED: () if which.verified else None,
    }
    for term, bound in bounds.items():
        if bound is not None:
            terms.append(f"({term})")
            values += bound
    sql = f"{SELECT} WHERE {' AND '.join(terms)} ORDER BY period_begin, report_key"
    if limit is not None:
        sql += f" LIMIT {limit:d}"
    return table_of([line(row) for row in store.ledger.rows(sql, values)], LEDGER_SCHEMA)


def line(row: Any) -> dict[str, Any]:
    """A row of the ledger with times and lists as such."""
    values = dict(row)
    for name in ("period_begin", "period_end"):
        if values[name] is not None:
            values[name] = datetime.fromtimestamp(values[name], UTC)
    values["defects"] = json.loads(values["defects"])
    if values["mail_verified"] is not None:
        values["mail_verified"] = bool(values["mail_verified"])
    return values


def find(store: StoreFiles, name: str, which: Filter) -> dict[str, Any]:
    """The one report that a key, a report_id or the begin of an artefact's hash names. Raises SetupError if it is not one."""
    store.require()
    rows = [
        line(row)
        for row in store.ledger.rows(
            f"{SELECT} WHERE (CAST(report_key AS TEXT) = ?1 OR report_id = ?1 OR (length(?1) >= 8 AND artefacts.sha256 LIKE ?1 || '%'))"
            " AND reports.state IN ('stored', 'superseded')"
            " AND coalesce(period_begin, 0) >= ?2 AND coalesce(period_begin, 0) < ?3"
            " ORDER BY report_key",
            (
                name.replace("%", ""),
                which.since.timestamp() if which.since else 0,
                which.until.timestamp() if which.until else 2**53,
            ),
        )
    ]
    if not rows:
        raise SetupError(f"no report {name!r} in this store", fix="List them with: dmarcscope reports")
    if len(rows) > 1:
        keys = ", ".join(str(row["report_key"]) for row in rows[:10])
        raise SetupError(f"{len(rows)} reports are called {name!r}", fix=f"Name one by its key: {keys}")
    return rows[0]


def show(store: StoreFiles, name: str, which: Filter) -> ShownReport:
    """A report read again from its bytes. Raises SetupError if it is not there or not one."""
    entry = find(store, name, which)
    data = raw(store, entry)
    member, _, number = entry["member"].partition("#")
    for leaf in unpack(data).leaves:
        if leaf.kind is LeafKind.XML and leaf.path == member:
            return ShownReport(entry, parse_reports(leaf.data)[int(number or 0)])
    raise SetupError("the artefact no longer yields this report", where=entry["name"], fix="Run dmarcscope verify")


def raw(store: StoreFiles, entry: dict[str, Any]) -> bytes:
    """The bytes of the artefact that brought a report, as they were received. Raises SetupError if they are gone."""
    try:
        return store.spool.read(entry["artefact"])
    except FileNotFoundError as error:
        raise SetupError("the bytes are not in the spool", where=entry["artefact"], fix="Run dmarcscope verify") from error


def as_dict(shown: ShownReport) -> dict[str, Any]:
    """A report for machines: the ledger's line, and the report with its records."""
    report = shown.report
    records = [
        {
            **record._asdict(),
            "reasons": [one._asdict() for one in record.reasons],
            "dkim": [one._asdict() for one in record.dkim],
            "spf": [one._asdict() for one in record.spf],
            "dmarc_pass": record.dmarc_pass,
        }
        for record in report.records
    ]
    metadata = {**asdict(report.metadata), "errors": list(report.metadata.errors)}
    return {**shown.entry, "metadata": metadata, "policy": asdict(report.policy), "lines": records}
