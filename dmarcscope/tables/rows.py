"""Tables as rows, and rows as tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from arro3.core import Array, DataType, RecordBatch, Schema, Table, list_array

from dmarcscope.tables.columns import SMALL, TEXT
from dmarcscope.tables.flatten import typed


def rows_of(batches: Iterable[RecordBatch]) -> Iterator[dict[str, Any]]:
    """Each row as a dictionary; times are aware, lists are lists."""
    for batch in batches:
        names = batch.schema.names
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield dict(zip(names, values, strict=True))


def rows(table: Table) -> list[dict[str, Any]]:
    """All rows of a table."""
    return list(rows_of(table.to_batches()))


def table_of(records: Sequence[Mapping[str, Any]], schema: Schema) -> Table:
    """Rows as a table; a list column takes lists of texts."""
    columns = [column_of([record[name] for record in records], schema.field(name).type) for name in schema.names]
    return Table.from_batches([RecordBatch.from_arrays(columns, schema=schema)], schema=schema)


def column_of(values: Sequence[Any], kind: DataType) -> Array:
    """One column; lists are lists of texts."""
    if not DataType.is_list(kind):
        return typed(values, kind)
    ends = list(accumulate(map(len, values), initial=0))
    texts = Array([text for value in values for text in value], type=TEXT)
    return list_array(Array(ends, type=SMALL), texts, type=kind)
