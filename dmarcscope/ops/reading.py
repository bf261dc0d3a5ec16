"""Read artefacts: unpack, parse and flatten them, without a word to the store. This is the work that several processes share."""

import gc
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from arro3.core import RecordBatch

from dmarcscope.errors import ReportError
from dmarcscope.intake.unpack import Leaf, LeafKind, unpack
from dmarcscope.model.aggregate import AggregateReport
from dmarcscope.parse.aggregate import parse_reports
from dmarcscope.store.ledger import ReportEntry
from dmarcscope.tables.flatten import flatten

TOO_LARGE = "larger than can be read (256 MiB): kept unread; split it and hand in the parts"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one artefact holds: its reports, what else is in it (kinds), and what could not be read (reasons)."""

    reports: tuple[ReportEntry, ...]
    others: tuple[str, ...]
    refusals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChunkReading:
    """The readings of some artefacts and the lines of all their reports; ``report_key`` numbers these from 0."""

    readings: tuple[Reading, ...]
    lines: RecordBatch


def read_artefacts(artefacts: Sequence[tuple[int, bytes | None]]) -> ChunkReading:
    """Read artefacts given by number and bytes (None: too large to be held). Never raises for what is in them."""
    readings, reports = [], []
    with uncollected():
        for artefact_id, data in artefacts:
            reading, found = read_artefact(artefact_id, data)
            readings.append(reading)
            reports.extend(found)
        return ChunkReading(tuple(readings), flatten(reports))


@contextmanager
def uncollected() -> Iterator[None]:
    """Reading makes tuples by the million and no cycles; to look for cycles among them costs a sixth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def read_artefact(artefact_id: int, data: bytes | None) -> tuple[Reading, list[AggregateReport]]:
    """Read one artefact: what the ledger is to know, and the reports themselves."""
    if data is None:
        return Reading((), (), (TOO_LARGE,)), []
    unpacked = unpack(data)
    entries: list[ReportEntry] = []
    reports: list[AggregateReport] = []
    others: list[str] = []
    refusals = [f"{refusal.path}: {refusal.reason}" if refusal.path else refusal.reason for refusal in unpacked.refusals]
    for leaf in unpacked.leaves:
        if leaf.kind is not LeafKind.XML:
            others.append(leaf.kind.value)
            continue
        try:
            found = parse_reports(leaf.data)
        except ReportError as error:  # the one place where a report that cannot be read is noted and the rest goes on
            if b"feedback" in leaf.data:
                refusals.append(f"{leaf.path}: {error}" if leaf.path else str(error))
            else:
                others.append("other-xml")
            continue
        content = hashlib.sha256(leaf.data).hexdigest()
        entries.extend(entry(artefact_id, leaf, content, number, report) for number, report in enumerate(found))
        reports.extend(found)
    return Reading(tuple(entries), tuple(others), tuple(refusals)), reports


def entry(artefact_id: int, leaf: Leaf, content: str, number: int, report: AggregateReport) -> ReportEntry:
    """What the ledger notes of a report: the ``number``-th in its XML document."""
    metadata, policy = report.metadata, report.policy
    own_content = f"{content}#{number}" if number else content
    begin, end = (None if moment is None else int(moment.timestamp()) for moment in (metadata.begin, metadata.end))
    return ReportEntry(
        artefact_id=artefact_id,
        member=f"{leaf.path}#{number}" if number else leaf.path,
        identity=identity(metadata.org_name, policy.domain, metadata.report_id, begin, end) or own_content,
        content=own_content,
        reporter=metadata.org_name,
        email=metadata.email,
        report_id=metadata.report_id,
        policy_domain=policy.domain,
        period_begin=begin,
        period_end=end,
        dialect=report.dialect.value,
        records=len(report.records),
        messages=report.messages,
        defects=(*leaf.notes, *map(str, report.defects)),
    )


def identity(reporter: str | None, domain: str | None, report_id: str | None, begin: int | None, end: int | None) -> str | None:
    """A hash of what makes a report that report (RFC 9990: the ID is unique for the reporter); None where that is not known.

    A report that does not say who it is from, or which it is, is only ever the same as one with the same bytes.
    """
    if reporter is None or report_id is None or begin is None:
        return None
    told = "\x1f".join(map(str, (reporter.lower(), domain, report_id, begin, end)))
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()
