"""Answers for machines: CSV, JSON and parquet, piece by piece onto a binary stream.

Texts in reports come from strangers. In CSV one that a spreadsheet would take for a formula gets an apostrophe in front.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, BinaryIO

from arro3.core import RecordBatch, Schema

from dmarcscope.tables.rows import rows_of

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(schema: Schema, batches: Iterable[RecordBatch], out: BinaryIO) -> None:
    """A header line and a line per row; lists as JSON text, times as ISO 8601."""
    text = io.TextIOWrapper(out, "utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(schema.names)
    for batch in batches:
        columns = [[csv_value(value) for value in column.to_pylist()] for column in batch.columns]
        writer.writerows(zip(*columns, strict=True))
    text.flush()
    text.detach()


def csv_value(value: Any) -> Any:
    """A value as CSV holds it.

    >>> csv_value("=1+1"), csv_value(None), csv_value([{"type": "other"}])
    ("'=1+1", '', '[{"type": "other"}]')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=plain)
    return plain(value)


def write_json(_schema: Schema, batches: Iterable[RecordBatch], out: BinaryIO) -> None:
    """An array of objects, one per row and line; times as ISO 8601."""
    out.write(b"[")
    before = b"\n"
    for row in rows_of(batches):
        out.write(before + json.dumps(row, ensure_ascii=False, default=plain).encode("utf-8", "replace"))
        before = b",\n"
    out.write(b"\n]\n")


def write_parquet(schema: Schema, batches: Iterable[RecordBatch], out: BinaryIO) -> None:
    """A parquet file with the columns as they are."""
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetWriter(out, pa.schema(schema), compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(pa.record_batch(batch))


def plain(value: Any) -> Any:
    """What JSON has no word for: a time as ISO 8601 with Z; anything else as its text."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int | float) else str(value)


WRITERS: dict[str, Callable[[Schema, Iterable[RecordBatch], BinaryIO], None]] = {
    "csv": write_csv,
    "json": write_json,
    "parquet": write_parquet,
}
