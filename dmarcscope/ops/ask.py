"""Ask the record table: who sends, and the lines behind it."""

from collections.abc import Iterator
from dataclasses import replace

from arro3.core import RecordBatch, Schema, Table

from dmarcscope.ops.today import with_today
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.mails import Mails
from dmarcscope.tables import queries
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows


def sources(store: StoreFiles, by: str, which: Filter, limit: int | None = None) -> Table:
    """Messages summed by ``by``; columns as in `queries.SOURCES_MEANINGS`. Raises SetupError for an unknown ``by``."""
    store.require()
    which = resolved(store, which)
    return with_today(store, store.engine.ask(*queries.sources(by, which, limit)), by, which)


def records(store: StoreFiles, which: Filter, limit: int | None = None) -> Table:
    """The lines of the record table, all at once."""
    store.require()
    return store.engine.ask(*queries.records(resolved(store, which), limit))


def count_records(store: StoreFiles, which: Filter) -> int:
    """How many lines there are."""
    return int(rows(store.engine.ask(*queries.count_records(resolved(store, which))))[0]["lines"])


def record_batches(store: StoreFiles, which: Filter, limit: int | None = None) -> tuple[Schema, Iterator[RecordBatch]]:
    """The lines of the record table piece by piece: memory does not grow with their number."""
    store.require()
    return store.engine.stream(*queries.records(resolved(store, which), limit))


def resolved(store: StoreFiles, which: Filter) -> Filter:
    """The filter with what only the ledger knows."""
    return replace(which, without=tuple(Mails(store.ledger).unverified_reports())) if which.verified else which


def domains(store: StoreFiles) -> list[str]:
    """The policy domains with most messages, to help who asked for one that is not there."""
    return [row["policy_domain"] for row in rows(store.engine.ask(queries.DOMAINS)) if row["policy_domain"]]
