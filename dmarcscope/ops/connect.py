"""A DuckDB connection of the user's own: the tables of a store as views, all of one moment, and no way to write to the store.

Facts: reports, verdicts and senders are few and are copied; records are read from the files of one version of the record table, which stay
for a week at least. DuckDB itself has no access to any file or network: a file that DuckDB may read, COPY may overwrite (``use_tmp_file
false``). So the files are read for it, by Arrow, and texts as dictionaries, which is nearly as fast.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arro3.core import Table

from dmarcscope.analysis.roll_up import lines
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.sender_line import Senders
from dmarcscope.ops.classified import Classified, classified
from dmarcscope.ops.reports import reports
from dmarcscope.ops.senders import as_table, before
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.records import PARTITION
from dmarcscope.tables import classifying, sender_questions
from dmarcscope.tables.columns import (
    LEDGER_COLUMNS,
    RECORD_COLUMNS,
    RECORDS_SCHEMA,
    REPORT_COLUMNS,
    SENDER_COLUMNS,
    TEXT,
    VERDICT_COLUMNS,
    Column,
)
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows

if TYPE_CHECKING:
    import duckdb
    from pyarrow.dataset import Dataset

FILES = "record_files"
"""What `records` is read from; it is asked through the view."""
MANY = frozenset({"report_id", PARTITION})
"""Texts that differ from report to report, or are no column of the files: no dictionary of them helps."""
STATES = (
    Column("dkim_state", TEXT, "DKIM of the author's own domain: `aligned`, `failing`, `other` (signed by others only) or `missing`"),
    Column("spf_state", TEXT, "SPF: `aligned`, `own-` and the result (for the own domain), `other` (another domain's) or `missing`"),
)
RECORDS = (*REPORT_COLUMNS, *RECORD_COLUMNS)
VIEWS = {
    "records": ("One line per record of a stored report: what reporters say", RECORDS),
    "classified": ("The records with a verdict on each, as computed when the connection was made", (*RECORDS, *VERDICT_COLUMNS, *STATES)),
    "reports": ("One line per report of the ledger, duplicates and superseded ones too", LEDGER_COLUMNS),
    "senders": ("One line per sender of the same time as `classified`", SENDER_COLUMNS),
}
"""The views: what each holds, and its columns."""


def connect(store: StoreFiles, which: Filter, knowledge: Knowledge) -> "duckdb.DuckDBPyConnection":
    """A connection with the views ``records``, ``classified``, ``reports`` and ``senders`` of what a filter means, described by comments.

    It needs the store no more. Raises SetupError where there is no store, or one that cannot be read.
    """
    import duckdb

    store.require()
    files, judged = judged_version(store, which, knowledge)
    lent = {name: store.engine.ask(f"SELECT * FROM {name}", newest=False) for name in ("places", "judged", "verdicts")}  # noqa: S608 (own names)
    lent |= {"reports": reports(store, which), "senders": senders_of(which, judged, knowledge)}
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register(FILES, dataset(store.records.root.resolve(), files))
        connection.execute("CREATE SCHEMA store")
        for name, table in lent.items():
            keep(connection, name, table)
        make_views(connection, which)
        connection.execute("SET enable_external_access = false")
    except BaseException:
        connection.close()
        raise
    return connection


def judged_version(store: StoreFiles, which: Filter, knowledge: Knowledge) -> tuple[tuple[str, ...], Classified]:
    """The files of one version of the record table, and the verdicts on their records: a writer may come between."""
    files = store.engine.version()
    while True:
        # As `senders` judges them, who are compared with the time before.
        judged = classified(store, replace(which, since=before(store, which)), knowledge)
        newest = store.engine.version()
        if newest == files:
            return files, judged
        files = newest


def senders_of(which: Filter, judged: Classified, knowledge: Knowledge) -> Table:
    """The senders of the time asked for, all of it where it is not bounded, beside the time before it that is judged, too."""
    has_before = judged.which.since != which.since
    found = rows(judged.ask(*sender_questions.senders(which.since)))
    told = tuple(lines(found, judged.known, knowledge.catalogue, has_before=has_before))
    begin, end = replace(judged, which=which).period
    return as_table(Senders(which.domain, begin, end, has_before, told, knowledge.catalogue.version, knowledge.networks.attribution))


def dataset(root: Path, files: tuple[str, ...]) -> "Dataset":
    """The records in files, read as they are asked for."""
    import pyarrow as pa
    from pyarrow import dataset as ds
    from pyarrow.fs import LocalFileSystem

    plain = pa.schema(RECORDS_SCHEMA)
    if not files:
        return ds.dataset(plain.empty_table())
    texts = [name for name in plain.names if pa.types.is_string(plain.field(name).type) and name not in MANY]
    schema = pa.schema([pa.field(one.name, pa.dictionary(pa.int32(), one.type)) if one.name in texts else one for one in plain])
    return ds.dataset(
        [str(Path(file).resolve()) for file in files],
        schema=schema,
        format=ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(dictionary_columns=set(texts))),
        filesystem=LocalFileSystem(),
        partitioning=ds.partitioning(pa.schema([plain.field(PARTITION)]), flavor="hive"),
        partition_base_dir=str(root),
    )


def keep(connection: "duckdb.DuckDBPyConnection", name: str, table: Table) -> None:
    """Copy a table into the connection."""
    connection.register("lent", table)
    connection.execute(f"CREATE TABLE store.{name} AS SELECT * FROM lent")  # noqa: S608 (own names)
    connection.unregister("lent")


def make_views(connection: "duckdb.DuckDBPyConnection", which: Filter) -> None:
    """Make the views, and say what they and their columns are."""
    where, values = which.where()
    names = ", ".join(f'"{column.name}"' for column in RECORDS)
    verdicts = ("places", "judged", "verdicts")
    told, bound = classifying.classified(which)
    asked = {
        "records": written(f"SELECT {names} FROM {FILES} {where}", values),  # noqa: S608 (own names; values quoted)
        "classified": written(f"WITH {', '.join(f'{one} AS (FROM store.{one})' for one in verdicts)} {told}", bound),
        "reports": "FROM store.reports",
        "senders": "FROM store.senders",
    }
    for name, (what, columns) in VIEWS.items():
        connection.execute(f"CREATE VIEW {name} AS {asked[name]}")
        connection.execute(f"COMMENT ON VIEW {name} IS {quoted(what)}")
        for column in columns:
            connection.execute(f'COMMENT ON COLUMN {name}."{column.name}" IS {quoted(column.meaning)}')


def written(sql: str, values: list[Any]) -> str:
    """A question with its values written in: a view takes no others. No ``?`` stands in our questions but for a value.

    >>> written("x = ? AND y < ?", ["it's", datetime(2026, 5, 4, tzinfo=UTC)])
    "x = 'it''s' AND y < TIMESTAMPTZ '2026-05-04T00:00:00+00:00'"
    """
    first, *others = sql.split("?")
    return first + "".join(literal(value) + text for value, text in zip(values, others, strict=True))


def literal(value: str | datetime) -> str:
    """A value as SQL."""
    return f"TIMESTAMPTZ {quoted(value.astimezone(UTC).isoformat())}" if isinstance(value, datetime) else quoted(value)


def quoted(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"
