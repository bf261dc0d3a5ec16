"""The engine: DuckDB over the files of one version of the record table. It only reads, and never blocks a writer."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from arro3.core import RecordBatch, RecordBatchReader, Schema, Table

from dmarcscope.store.records import RecordTable
from dmarcscope.tables.columns import RECORDS_SCHEMA

if TYPE_CHECKING:
    import duckdb

NAMES = ", ".join(f'"{name}"' for name in RECORDS_SCHEMA.names)


MEMORY = "1GiB"
"""What an answer may take of memory; those that people read take a tenth of it."""


def quoted(path: object) -> str:
    """A path as SQL takes it."""
    return "'" + str(path).replace("'", "''") + "'"


class Engine:
    """Asks questions of the record table; ``records`` is its name in SQL."""

    def __init__(self, table: RecordTable) -> None:
        self._table = table
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._files: list[str] = []
        self.made: Any = None  # what was lent last, for whoever lent it

    def ask(self, sql: str, values: Sequence[Any] = (), *, newest: bool = True) -> Table:
        """The answer to a question as an Arrow table, of the newest version of the record table or else that of the question before."""
        return Table.from_arrow(self._connect(newest=newest).sql(sql, params=list(values)))

    def stream(self, sql: str, values: Sequence[Any] = (), *, newest: bool = True) -> tuple[Schema, Iterator[RecordBatch]]:
        """The answer piece by piece, for answers too large to hold."""
        reader = RecordBatchReader.from_arrow(self._connect(newest=newest).sql(sql, params=list(values)))
        return reader.schema, iter(reader)

    def keep(self, name: str, sql: str, values: Sequence[Any] = ()) -> None:
        """Keep the answer to a question under a name, for further questions of this process."""
        self._connect(newest=False).execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}", list(values))

    def lend(self, name: str, table: Table) -> None:
        """Let a table be asked under a name, likewise."""
        self._connect(newest=False).register(name, table)

    def version(self) -> tuple[str, ...]:
        """What tells the newest version of the record table, which is asked from now on, from others."""
        self._connect()
        return tuple(self._files)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self.made = None

    def _connect(self, *, newest: bool = True) -> "duckdb.DuckDBPyConnection":
        import duckdb

        if self._connection is None:
            self._connection = duckdb.connect()
            self._connection.execute("SET TimeZone = 'UTC'")
            # A store is larger than memory: beyond this it sorts and joins on disk, in the store's folder, which nobody else may read.
            self._connection.execute(f"SET memory_limit = '{MEMORY}'")
            self._connection.execute(f"SET temp_directory = {quoted(self._table.root.parent / f'answer-{uuid4().hex}')}")
            # In a notebook without widgets even switching it off fails, and there it is off already.
            if self._connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(True,)]:
                self._connection.execute("SET enable_progress_bar = false")
            self._files = [""]
        if not newest and self._files != [""]:
            return self._connection
        files = self._table.files()
        if files != self._files:
            self._view(self._connection, files)
            self._files = files
        return self._connection

    def _view(self, connection: "duckdb.DuckDBPyConnection", files: list[str]) -> None:
        """Let ``records`` mean these files. (File names are ours: no quote can be in them but from the store's own path.)"""
        if not files:
            connection.register("nothing", Table.from_batches([], schema=RECORDS_SCHEMA))
            connection.execute(f"CREATE OR REPLACE VIEW records AS SELECT {NAMES} FROM nothing")  # noqa: S608 (our own names)
            return
        listed = ", ".join(map(quoted, files))
        connection.execute(
            f"CREATE OR REPLACE VIEW records AS SELECT {NAMES}"  # noqa: S608 (our own names, and quoted)
            f" FROM read_parquet([{listed}], hive_partitioning = true, hive_types_autocast = false)"
        )
