"""Reports to lines: one line per record, the report's own facts repeated on each."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, chain, product
from typing import Any

from arro3.core import Array, DataType, RecordBatch, list_array, struct_array

from dmarcscope.model.aggregate import AggregateReport, either
from dmarcscope.tables.columns import INTEGER, NO_MONTH, RECORDS_SCHEMA, SMALL, TIME

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def month_of(report: AggregateReport) -> str:
    """The partition that a report's lines belong to."""
    begin = report.metadata.begin
    return NO_MONTH if begin is None else f"{begin.year:04d}-{begin.month:02d}"


REPORT_VALUES: dict[str, Callable[[AggregateReport], Any]] = {
    "month": month_of,
    "reporter": lambda report: report.metadata.org_name,
    "report_id": lambda report: report.metadata.report_id,
    "policy_domain": lambda report: report.policy.domain,
    "period_begin": lambda report: report.metadata.begin,
    "period_end": lambda report: report.metadata.end,
    "p": lambda report: report.policy.p,
    "sp": lambda report: report.policy.sp,
    "np": lambda report: report.policy.np,
    "adkim": lambda report: report.policy.adkim,
    "aspf": lambda report: report.policy.aspf,
    "pct": lambda report: report.policy.pct,
    "testing": lambda report: report.policy.testing,
}
PASSES = {pair: either(*pair) for pair in product((True, False, None), repeat=2)}
# In the order of Record.
PLAIN = ("source_ip", "count", "disposition", "dkim_aligned", "spf_aligned", "header_from", "envelope_from", "envelope_to")
NESTED = ("reasons", "dkim", "spf")


def flatten(reports: Sequence[AggregateReport]) -> RecordBatch:
    """All records of the reports as lines of RECORDS_SCHEMA, in order; ``report_key`` numbers the reports from 0."""
    sizes = [len(report.records) for report in reports]
    owner = Array(list(chain.from_iterable([index] * size for index, size in enumerate(sizes))), type=SMALL)
    columns: dict[str, Array] = {"report_key": owner.cast(INTEGER)}
    for name, value in REPORT_VALUES.items():
        columns[name] = array([value(report) for report in reports], name).take(owner)
    columns["line"] = Array(list(chain.from_iterable(range(1, size + 1) for size in sizes)), type=SMALL)
    records = list(chain.from_iterable(report.records for report in reports))
    values = dict(zip((*PLAIN, *NESTED), zip(*records, strict=True) if records else [()] * len((*PLAIN, *NESTED)), strict=True))
    columns.update((name, array(values[name], name)) for name in PLAIN)
    verdicts = zip(values["dkim_aligned"], values["spf_aligned"], strict=True)
    columns["dmarc_pass"] = array([PASSES[pair] for pair in verdicts], "dmarc_pass")
    columns.update((name, nested(values[name], type_of(name))) for name in NESTED)
    return RecordBatch.from_arrays([columns[name] for name in RECORDS_SCHEMA.names], schema=RECORDS_SCHEMA)


def type_of(name: str) -> DataType:
    """The type of a column of the record table."""
    return RECORDS_SCHEMA.field(name).type


def array(values: Sequence[Any], name: str) -> Array:
    """A column of that name."""
    return typed(values, type_of(name))


def typed(values: Sequence[Any], kind: DataType) -> Array:
    """A column of that type; times are given as aware datetimes."""
    if kind == TIME:
        values = [None if value is None else (value - EPOCH) // MICROSECOND for value in values]
        return Array(values, type=INTEGER).cast(TIME)
    return Array(values, type=kind)


def nested(groups: Sequence[Sequence[tuple[Any, ...]]], kind: DataType) -> Array:
    """A list column from one tuple of named tuples per line, a field at a time."""
    ends = list(accumulate(map(len, groups), initial=0))
    element = kind.value_field
    fields = list(element.type.fields) if element else []
    values = list(zip(*chain.from_iterable(groups), strict=True)) or [()] * len(fields)
    arrays = [Array(column, type=field.type) for column, field in zip(values, fields, strict=True)]
    return list_array(Array(ends, type=SMALL), struct_array(arrays, fields=fields), type=kind)


def renumbered(lines: RecordBatch, keys: Sequence[int | None]) -> RecordBatch:
    """The lines with ``keys`` in place of the numbers of their reports; lines of reports without a key are left out."""
    own = Array(keys, type=INTEGER).take(lines.column("report_key").cast(SMALL))
    columns = [own if name == "report_key" else lines.column(name) for name in lines.schema.names]
    if None in keys:
        kept = Array([index for index, key in enumerate(own.to_pylist()) if key is not None], type=SMALL)
        columns = [column.take(kept) for column in columns]
    return RecordBatch.from_arrays(columns, schema=lines.schema)
