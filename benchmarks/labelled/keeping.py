"""Keeps a labelled world on disk: a store as dmarcscope makes it, and beside it the truth of each record."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from arro3.core import Table

from benchmarks.labelled.facts import NOW, START, Met, put_facts
from benchmarks.labelled.scene import Scene
from benchmarks.labelled.traffic import Line, Report, reports
from benchmarks.labelled.world import SEEDS, make_world
from benchmarks.worlds import make_once
from dmarcscope.model.sender import Sender
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.ledger import ReportEntry, Verdict
from dmarcscope.store.spool import Spooled
from dmarcscope.tables.columns import RECORDS_SCHEMA

READERS = {"__init__.py", "__main__.py", "judging.py", "scoring.py"}
"""Files of this package that make nothing; a change to any other makes the world anew."""

TRUTH_SCHEMA = pa.schema(
    [
        ("report_key", pa.int64()),
        ("line", pa.int32()),
        ("class", pa.string()),
        ("sender", pa.string()),
        ("names", pa.list_(pa.string())),
        ("kind", pa.string()),
        ("hard", pa.bool_()),
        ("count", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a labelled world lies, and the scene that it was made from, whose networks are asked about."""

    scene: Scene
    store: Path
    truth: Path


def prepare(name: str, senders: Sequence[Sender]) -> Kept:
    """Returns the world of a named seed, written first where it is missing, made by other code, or of another catalogue."""
    seed = SEEDS[name]
    scene = make_world(seed, senders)
    facts = hashlib.sha256(repr(tuple(senders)).encode()).hexdigest()[:16]
    stamp = f"makers {_makers()} seed {seed} catalogue {facts}\n{RECORDS_SCHEMA}\n"
    folder = make_once(f"labelled-{name}-{seed}", stamp, lambda folder: write(scene, folder))
    return kept_in(scene, folder)


def _makers() -> str:
    """A short name of the code that makes the world."""
    sources = sorted(path for path in Path(__file__).parent.glob("*.py") if path.name not in READERS)
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def kept_in(scene: Scene, folder: Path) -> Kept:
    """The places in a folder that ``write`` has filled."""
    return Kept(scene, folder / "store", folder / "truth.parquet")


def write(scene: Scene, folder: Path, scale: float = 1.0) -> None:
    """Writes store and truth into a folder."""
    met = Met()
    truths: list[dict[str, Any]] = []
    with StoreFiles(folder / "store") as files:
        files.create()
        for month, found in groupby(reports(scene, scale), key=lambda report: f"{period(report)[0]:%Y-%m}"):
            batch = list(found)
            for report in batch:
                met.note(report)
            keys = _store(files, month, batch)
            truths += [truth for key, report in zip(keys, batch, strict=True) for truth in _truths(key, report)]
        put_facts(files.ledger, scene, met)
    pq.write_table(pa.Table.from_pylist(truths, TRUTH_SCHEMA), folder / "truth.parquet", compression="zstd")


def period(report: Report) -> tuple[Any, Any]:
    """Begin and end of a report's day, UTC."""
    begin = START + timedelta(days=report.day, hours=report.reporter.hour)
    return begin, begin + timedelta(seconds=86_399)


def report_id(report: Report) -> str:
    """The reporter's name for a report."""
    text = f"{report.reporter.name}/{report.domain.name}/{report.day}"
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _store(files: StoreFiles, month: str, batch: Sequence[Report]) -> list[int]:
    """Stores a month's reports as ingest would: noted in the ledger, put into the table, confirmed. Returns their keys."""
    bundle = hashlib.sha256(month.encode()).hexdigest()
    (artefact,) = files.ledger.receive([Spooled(bundle, 0, f"labelled/{month}.zip", NOW)], "labelled")
    entries = [_entry(artefact.artefact_id, report) for report in batch]
    number, keys = files.ledger.begin_batch(entries, (), NOW)
    files.records.append(Table.from_arrow(_table(batch, keys)), number)
    files.ledger.finish_batch(number, [Verdict(artefact.artefact_id, "stored")], (), NOW)
    return keys


def _entry(artefact: int, report: Report) -> ReportEntry:
    begin, end = period(report)
    name = report_id(report)
    return ReportEntry(
        artefact_id=artefact,
        member=f"{name}.xml",
        identity=name,
        content=hashlib.sha256(name.encode()).hexdigest(),
        reporter=report.reporter.name,
        email=f"dmarc-reports@{report.reporter.name}",
        report_id=name,
        policy_domain=report.domain.name,
        period_begin=int(begin.timestamp()),
        period_end=int(end.timestamp()),
        dialect="rfc7489",
        records=len(report.lines),
        messages=sum(line.count for line in report.lines),
        defects=(),
    )


def _table(batch: Sequence[Report], keys: Sequence[int]) -> pa.Table:
    rows = (row for key, report in zip(keys, batch, strict=True) for row in _rows(key, report))
    return pa.Table.from_pylist(list(rows), pa.schema(RECORDS_SCHEMA))


def _rows(key: int, report: Report) -> Iterator[dict[str, Any]]:
    begin, end = period(report)
    domain = report.domain
    of_report = {
        "report_key": key,
        "month": f"{begin:%Y-%m}",
        "reporter": report.reporter.name,
        "report_id": report_id(report),
        "policy_domain": domain.name,
        "period_begin": begin,
        "period_end": end,
        "p": domain.p,
        "sp": domain.sp,
        "np": domain.np,
        "adkim": domain.adkim,
        "aspf": domain.aspf,
        "pct": "100",
        "testing": None,
    }
    for number, line in enumerate(report.lines, 1):
        yield of_report | _row(number, line)


def _row(number: int, line: Line) -> dict[str, Any]:
    told = ("source_ip", "count", "disposition", "dkim_aligned", "spf_aligned", "header_from", "envelope_from", "envelope_to")
    return {
        "line": number,
        "dmarc_pass": line.dkim_aligned or line.spf_aligned,
        **{name: getattr(line, name) for name in (*told, "reasons", "dkim", "spf")},
    }


def _truths(key: int, report: Report) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(report.lines, 1):
        truth = line.flow.truth
        yield {
            "report_key": key,
            "line": number,
            "class": line.sender_class.value,
            "sender": truth.sender,
            "names": list(truth.names),
            "kind": truth.kind,
            "hard": truth.hard,
            "count": line.count,
        }


def truth_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the truth of each record."""
    for batch in pq.ParquetFile(path).iter_batches():
        yield from batch.to_pylist()
