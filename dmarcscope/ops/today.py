"""What the DNS says today beside an answer: joined from the ledger, without a question asked."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any

from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table, list_array, struct_array

from dmarcscope.model.source_check import SourceCheck
from dmarcscope.store.checks import Checks
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables import queries
from dmarcscope.tables.columns import DNS_COLUMNS, SMALL
from dmarcscope.tables.flatten import typed
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows, rows_of

MAX_LISTED = 50
"""Domains or keys that are listed of one line: a shared source may have thousands."""

Lists = dict[str, list[tuple[Any, ...]]]
Values = tuple[Sequence[Any], Sequence[Any], Sequence[Any], Sequence[Any]]


def with_today(store: StoreFiles, answer: Table, by: str, which: Filter) -> Table:
    """An answer of `sources` with the columns about the DNS; they are null where nobody has asked."""
    groups = [row[by] for row in rows(answer.select([by]))]
    checks = Checks(store.ledger)
    nothing = [None] * len(groups)
    values: Values = (nothing, nothing, nothing, nothing)
    if by == "source_ip" and checks.any():
        values = of_sources(store, checks, groups, which)
    elif by == "dkim_domain" and checks.any():
        values = (nothing, nothing, nothing, of_signers(store, checks, groups, which))
    return beside(answer, values)


def of_sources(store: StoreFiles, checks: Checks, ips: Sequence[str | None], which: Filter) -> Values:
    """The four columns for sources."""
    known = [ip for ip in ips if ip is not None]
    names, spf = checks.of_sources(known), checks.of_spf(known)
    wanted = set(known)
    pairs = ((row["source_ip"], row["domain"]) for row in lines(store, queries.source_pairs(which)) if row["source_ip"] in wanted)
    listed: Lists = {}
    for pair in sorted(pair for pair in pairs if pair in spf):
        found = spf[pair]
        listed.setdefault(pair[0], []).append((found.domain, found.result, found.term))
    keys = [row for row in lines(store, queries.source_keys(which)) if row["source_ip"] in wanted]
    nobody = SourceCheck("")
    return (
        [names.get(ip or "", nobody).ptr_name for ip in ips],
        [names.get(ip or "", nobody).ptr_confirmed if names.get(ip or "", nobody).ptr_name else None for ip in ips],
        [listed.get(ip or "") for ip in ips],
        keys_of(checks, keys, "source_ip", ips),
    )


def of_signers(store: StoreFiles, checks: Checks, domains: Sequence[str | None], which: Filter) -> Sequence[Any]:
    """The column of keys for signing domains."""
    return keys_of(checks, list(lines(store, queries.keys(which))), "domain", domains)


def keys_of(checks: Checks, signed: Sequence[Mapping[str, Any]], group: str, groups: Sequence[str | None]) -> list[Any]:
    """The keys that signed, for each of the groups; None where none of them is known."""
    known = checks.of_keys(sorted({row["domain"] for row in signed}))
    listed: Lists = {}
    for row in signed:
        found = known.get((row["domain"], row["selector"]))
        if found is not None:
            listed.setdefault(row[group], []).append((found.domain, found.selector, found.state))
    return [listed.get(name or "") for name in groups]


def lines(store: StoreFiles, question: tuple[str, list[Any]]) -> Iterable[dict[str, Any]]:
    """An answer of the record table, line by line."""
    return rows_of(store.engine.stream(*question)[1])


def beside(answer: Table, values: Values) -> Table:
    """An answer with the four columns beside it."""
    columns = [column_of(found, column.type) for found, column in zip(values, DNS_COLUMNS, strict=True)]
    names = answer.schema.names
    added = [Field(column.name, column.type, nullable=True) for column in DNS_COLUMNS]
    schema = Schema([*(answer.schema.field(name) for name in names), *added])
    if not answer.num_rows:
        return Table.from_batches([], schema=schema)
    whole = [answer.column(name).combine_chunks() for name in names]
    return Table.from_batches([RecordBatch.from_arrays([*whole, *columns], schema=schema)], schema=schema)


def column_of(values: Sequence[Any], kind: DataType) -> Array:
    """One column; lists are lists of tuples, or None."""
    if not DataType.is_list(kind):
        return typed(values, kind)
    cut = [(value or ())[:MAX_LISTED] for value in values]
    element = kind.value_field
    fields = list(element.type.fields) if element else []
    parts = list(zip(*chain.from_iterable(cut), strict=True)) or [()] * len(fields)
    structs = struct_array([Array(part, type=field.type) for part, field in zip(parts, fields, strict=True)], fields=fields)
    ends = Array(list(accumulate(map(len, cut), initial=0)), type=SMALL)
    return list_array(ends, structs, type=kind, mask=Array([value is None for value in values], type=DataType.bool()))
