"""Makes the record table of a large store column by column with numpy, without the XML it would have come from.

A year of reports: days in order of arrival, 20 records each, domains and reporters of very unequal size, sources that
are mostly shared services or the domain's own, and a long tail of strays seen once or twice. What a receiver found
depends on source and domain together, so that the table repeats itself as much as a real one does, and no more.

Names and types of the columns come from the project; ``_MAKERS`` says how each is filled.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from arro3.core import Table
from numpy.typing import NDArray

from benchmarks.measure import Figures
from benchmarks.worlds import make_once
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.columns import RECORDS_SCHEMA

Ints = NDArray[np.int64]

VERSION = 2
SEED = 7


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the made table is and how many of each thing it names."""

    reports_per_month: int
    records_per_report: int = 20
    months: int = 12
    domains: int = 200
    reporters: int = 30
    sources: int = 300_000
    own_sources: int = 120  # of one domain, beside the sources that all share
    reports_per_batch: int = 21_000

    @property
    def rows(self) -> int:
        """Records in the whole table."""
        return self.reports_per_month * self.records_per_report * self.months


SHAPES = {
    "10M": Shape(41_700),  # 10,008,000 records
    "1M": Shape(4_170),
}

FIRST_MONTH = np.datetime64("2025-06", "M")
IPV4_SOURCES = 2 * 65_536
OWN_AMONG = 160_000  # domains' own sources lie among these, so that about one in five is IPv6

# What the receiver found, by kind of mail stream. Whose domain: own, vendor, list or "" for no signature.
# weight, dkim aligned, spf aligned, signatures, envelope from, spf result, reason
KINDS: tuple[tuple[int, str, str, tuple[tuple[str, str], ...], str, str, str], ...] = (
    (38, "pass", "pass", (("own", "pass"),), "own", "pass", ""),
    (26, "pass", "fail", (("own", "pass"), ("vendor", "pass")), "vendor", "pass", ""),
    (10, "fail", "fail", (("vendor", "pass"),), "vendor", "pass", ""),
    (10, "pass", "fail", (("own", "pass"),), "list", "pass", ""),
    (3, "fail", "fail", (("own", "fail"),), "own", "softfail", "forwarded"),
    (4, "fail", "fail", (("own", "fail"), ("vendor", "fail"), ("list", "pass")), "list", "pass", "mailing_list"),
    (2, "fail", "fail", (("own", "fail"), ("list", "pass")), "list", "pass", "local_policy"),
    (7, "fail", "fail", (), "own", "fail", ""),
)
POLICIES = ("none", "none", "quarantine", "reject", "reject")


def domain_name(rank: int) -> str:
    """Returns the name of the domain that is ``rank``-th in size, from 0."""
    return f"{('amber', 'birch', 'cedar', 'delta', 'ember')[rank % 5]}-{rank:03d}.example"


def reporter_name(rank: int) -> str:
    """Returns the name of the reporter that is ``rank``-th in size, from 0."""
    return f"{('mammoth-mail', 'outpost', 'yonder', 'campus', 'islandnet')[rank % 5]}{rank or ''}.example"


def source_address(index: int) -> str:
    """Returns one of the made sources' addresses, all different: first the whole of 198.18.0.0/15, then IPv6."""
    if index >= IPV4_SOURCES:
        return f"2001:db8:{index % 4096:x}:{index >> 12:x}::{index % 251 + 1:x}"
    return f"198.{18 + (index >> 16)}.{(index >> 8) % 256}.{index % 256}"


def _names(whose: str, domain: int) -> str:
    return {
        "own": domain_name(domain),
        "vendor": f"mail{domain % 7}.sendworks.example",
        "list": f"lists{domain % 11}.example",
    }[whose]


def _signatures(domain: int, kind: int) -> list[dict[str, str | None]]:
    return [
        {"domain": _names(whose, domain), "selector": f"{whose[:1]}2026", "result": result, "human_result": None}
        for whose, result in KINDS[kind][3]
    ]


def _spf(domain: int, kind: int) -> list[dict[str, str | None]]:
    whose, result = KINDS[kind][4:6]
    return [{"domain": _names(whose, domain), "scope": "mfrom", "result": result, "human_result": None}]


def _reasons(domain: int, kind: int) -> list[dict[str, str | None]]:
    reason = KINDS[kind][6]
    return [{"type": reason, "comment": "arc=pass" if reason == "local_policy" else None}] if reason else []


def _disposition(domain: int, kind: int) -> str:
    _, dkim, spf, *_, reason = KINDS[kind]
    return "none" if "pass" in (dkim, spf) or reason else _policy(domain)


def _policy(domain: int) -> str:
    return POLICIES[domain % len(POLICIES)]


def zipf(rng: np.random.Generator, size: int, count: int, exponent: float = 1.0) -> Ints:
    """Returns ``size`` ranks below ``count``, the n-th drawn with weight 1/n**exponent."""
    edges = np.cumsum(1 / np.arange(1, count + 1) ** exponent)
    drawn: Ints = np.searchsorted(edges, rng.random(size) * edges[-1]).astype(np.int64)
    return drawn


@dataclass(frozen=True)
class Batch:
    """The drawn numbers of some whole reports of one month, from which every column follows; one item per record."""

    shape: Shape
    month: np.datetime64  # of unit M
    first_key: int
    domains: Ints  # per report, as the next three
    reporters: Ints
    begins: Ints  # seconds since 1970
    ids: Ints
    sources: Ints  # per record, as the next two
    kinds: Ints
    counts: Ints

    def spread(self, per_report: Ints) -> Ints:
        """Repeats each report's value for its records."""
        return np.repeat(per_report, self.shape.records_per_report)

    @cached_property
    def domain(self) -> Ints:
        """Each record's domain."""
        return self.spread(self.domains)

    @cached_property
    def finding(self) -> Ints:
        """Each record's number among the pairs of domain and kind, which decides what the receiver found."""
        return self.domain * len(KINDS) + self.kinds


def _draw(rng: np.random.Generator, shape: Shape, month: np.datetime64, first_key: int, days: Ints) -> Batch:
    reports, records = len(days), len(days) * shape.records_per_report
    domains, reporters = zipf(rng, reports, shape.domains), zipf(rng, reports, shape.reporters, 1.3)
    domain = np.repeat(domains, shape.records_per_report)
    shared = zipf(rng, records, shape.sources, 0.9)
    own = (domain * 9_973 + zipf(rng, records, shape.own_sources) * 31) % OWN_AMONG
    sources = np.where(rng.random(records) < 0.7, own, shared)
    edges = np.cumsum([kind[0] for kind in KINDS])
    # A source does for a domain what it always does: the kind is a hash of the two.
    mixed = (sources * 2_654_435_761 + domain * 40_503) % 1_000_003 % int(edges[-1])
    begins = days * 86_400 + reporters % 3 * 3_600
    return Batch(
        shape,
        month,
        first_key,
        domains,
        reporters,
        begins,
        rng.integers(10**17, 10**18, reports),
        sources,
        np.searchsorted(edges, mixed, side="right").astype(np.int64),
        np.minimum(rng.pareto(0.9, records) + 1, 40_000).astype(np.int64),
    )


def batches(shape: Shape, seed: int = SEED) -> Iterator[Batch]:
    """Yields the table's batches in order of arrival; each lies within one month."""
    rng = np.random.default_rng(seed)
    key = 1
    for month in FIRST_MONTH + np.arange(shape.months):
        first, last = (day.astype(np.int64) for day in (month.astype("M8[D]"), (month + 1).astype("M8[D]")))
        days = np.sort(rng.integers(first, last, shape.reports_per_month))
        for start in range(0, len(days), shape.reports_per_batch):
            part = days[start : start + shape.reports_per_batch]
            yield _draw(rng, shape, month, key, part)
            key += len(part)


Maker = Callable[[Batch, pa.DataType], pa.Array]

# Columns: each maker returns an array of one value per record, which is then cast to the project's type.


def _chosen(values: list[Any], indices: Ints, kind: pa.DataType | None = None) -> pa.Array:
    return pa.array(values, kind).take(pa.array(indices))


def _by_finding(value: Callable[[int, int], object]) -> Maker:
    def make(batch: Batch, kind: pa.DataType) -> pa.Array:
        pool = [value(domain, number) for domain in range(batch.shape.domains) for number in range(len(KINDS))]
        return _chosen(pool, batch.finding, kind)

    return make


def _by_domain(value: Callable[[int], object]) -> Maker:
    return lambda batch, kind: _chosen([value(n) for n in range(batch.shape.domains)], batch.domain, kind)


def _by_reporter(value: Callable[[int], object]) -> Maker:
    def make(batch: Batch, kind: pa.DataType) -> pa.Array:
        return _chosen([value(n) for n in range(batch.shape.reporters)], batch.spread(batch.reporters), kind)

    return make


def _always(value: object) -> Maker:
    return lambda batch, kind: pa.repeat(pa.scalar(value, kind), len(batch.sources))


def _time(seconds_later: int) -> Maker:
    def make(batch: Batch, kind: pa.DataType) -> pa.Array:
        seconds = batch.spread(batch.begins) + seconds_later
        return pa.array(seconds * 1_000_000).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))

    return make


def _source_ip(batch: Batch, kind: pa.DataType) -> pa.Array:
    used, positions = np.unique(batch.sources, return_inverse=True)
    return _chosen([source_address(index) for index in used.tolist()], positions.astype(np.int64), kind)


def _report_key(batch: Batch, kind: pa.DataType) -> pa.Array:
    return pa.array(batch.spread(batch.first_key + np.arange(len(batch.domains))))


def _line(batch: Batch, kind: pa.DataType) -> pa.Array:
    return pa.array(np.tile(np.arange(1, batch.shape.records_per_report + 1), len(batch.domains)))


_MAKERS: dict[str, Maker] = {
    "report_key": _report_key,
    "month": lambda batch, kind: pa.repeat(pa.scalar(str(batch.month), pa.string()), len(batch.sources)),
    "reporter": _by_reporter(reporter_name),
    "report_id": lambda batch, kind: _chosen(batch.ids.astype(str).tolist(), batch.spread(np.arange(len(batch.ids))), kind),
    "policy_domain": _by_domain(domain_name),
    "period_begin": _time(0),
    "period_end": _time(86_399),
    "p": _by_domain(_policy),
    "sp": _by_domain(_policy),
    "np": _by_domain(lambda domain: "reject" if domain % 10 == 0 else None),
    "adkim": _always("r"),
    "aspf": _always("r"),
    "pct": _by_reporter(lambda rank: None if rank % 10 == 9 else "100"),
    "testing": _by_reporter(lambda rank: "n" if rank % 10 == 9 else None),
    "line": _line,
    "source_ip": _source_ip,
    "count": lambda batch, kind: pa.array(batch.counts),
    "disposition": _by_finding(_disposition),
    "dkim_aligned": _by_finding(lambda domain, kind: KINDS[kind][1] == "pass"),
    "spf_aligned": _by_finding(lambda domain, kind: KINDS[kind][2] == "pass"),
    "dmarc_pass": _by_finding(lambda domain, kind: "pass" in KINDS[kind][1:3]),
    "header_from": _by_domain(domain_name),
    "envelope_from": _by_finding(lambda domain, kind: _names(KINDS[kind][4], domain)),
    "envelope_to": _by_reporter(lambda rank: reporter_name(rank) if rank % 3 == 1 else None),
    "reasons": _by_finding(_reasons),
    "dkim": _by_finding(_signatures),
    "spf": _by_finding(_spf),
}


def record_batch(batch: Batch, schema: pa.Schema) -> pa.RecordBatch:
    """Returns the batch's columns in the order and types of ``schema``."""
    arrays = [_MAKERS[field.name](batch, field.type).cast(field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _write(store: Path, shape: Shape) -> None:
    """Writes the table through the project's own writer, compaction included."""
    schema = pa.schema(RECORDS_SCHEMA)
    with StoreFiles(store) as files:
        files.create()
        for number, batch in enumerate(batches(shape), start=1):
            files.records.append(Table.from_arrow(pa.Table.from_batches([record_batch(batch, schema)])), number)
            files.records.compact()


def prepare(name: str) -> Figures:
    """Makes the store of the named shape unless it is there, one commit a batch, and returns its rows, files and bytes.

    Its ledger knows nothing of these records, so it answers questions and cannot be verified.
    """
    shape = SHAPES[name]
    stamp = f"version {VERSION} seed {SEED} {shape}\n{RECORDS_SCHEMA}\n"
    store = make_once(folder_name(name), stamp, lambda folder: _write(folder, shape))
    files = [path for path in (store / "records").rglob("*") if path.is_file()]
    return {"rows": shape.rows, "files": len(files), "bytes": sum(path.stat().st_size for path in files)}


def folder_name(shape: str) -> str:
    """Returns the name, under the data folder, of the store that ``prepare`` makes."""
    return f"table-{shape}"
