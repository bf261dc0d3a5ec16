"""The record table: a Delta Lake table, one line per record, partitioned by month.

A commit is all or nothing and carries the number of the ledger's batch, so that after a crash the table itself tells whether it has a
batch. Readers read the files of one version and are never blocked. Callers hold the store's lock while they write.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from arro3.core import Table

from dmarcscope.errors import SetupError, StoreUnavailable
from dmarcscope.store.spool import sync
from dmarcscope.tables.columns import RECORDS_SCHEMA

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable, WriterProperties

APPLICATION = "dmarcscope"  # whose batches the transaction numbers are
PARTITION = "month"
MANY_FILES = 24  # more files than months and this: time to compact
KEEP_HOURS = 7 * 24  # replaced files stay a week for readers that still hold an older version
STATISTICS = "report_key,policy_domain,period_begin"  # what files are skipped by


class RecordTable:
    """The record table in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self) -> None:
        """Make the empty table, if it is not there. Raises StoreUnavailable if the disk does not take it."""
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        try:
            if not DeltaTable.is_deltatable(str(self.root)):
                DeltaTable.create(
                    str(self.root),
                    schema=RECORDS_SCHEMA,
                    partition_by=[PARTITION],
                    configuration={"delta.dataSkippingStatsColumns": STATISTICS},
                )
                self._make_durable(0)
        except (OSError, DeltaError) as error:
            raise self._unwritable(error) from error

    def version_or_none(self) -> int | None:
        """The number of the newest version, None if there is no table."""
        from deltalake import DeltaTable

        return self.version() if DeltaTable.is_deltatable(str(self.root)) else None

    def files(self) -> list[str]:
        """The parquet files of the newest version; they stay readable for a week whatever is written meanwhile."""
        return self._paths(self._open())

    def _paths(self, table: "DeltaTable") -> list[str]:
        # Not file_uris(): that gives a blank in the store's own path as %20.
        relative = table.get_add_actions(flatten=True).column("path").to_pylist()
        return sorted(str(self.root / unquote(path)) for path in relative)

    def version(self) -> int:
        """The number of the newest version."""
        return self._open().version()

    def has_batch(self, batch: int) -> bool:
        """Whether the commit of that batch, or a later one, is in the table."""
        done = self._open().transaction_version(APPLICATION)
        return done is not None and done >= batch

    def append(self, lines: Table, batch: int) -> None:
        """Add lines as one durable commit. Raises StoreUnavailable if the disk does not take them; then nothing is visible."""
        self._write(lines, batch, None)

    def replace(self, lines: Table, batch: int, keys: Sequence[int], first_new: int) -> None:
        """Take out all lines of the reports ``keys`` and add new ones, in one commit. New reports have keys from ``first_new``."""
        # An overwrite takes a condition that the old lines and the new ones must both meet; keys only ever grow.
        listed = ", ".join(map(str, keys))
        self._write(lines, batch, f"report_key IN ({listed}) OR report_key >= {first_new}")

    def _write(self, lines: Table, batch: int, condition: str | None) -> None:
        from deltalake import write_deltalake
        from deltalake.exceptions import DeltaError

        table = self._open()
        before = table.version()
        try:
            if condition is None:
                write_deltalake(table, lines, mode="append", writer_properties=compressed(), commit_properties=numbered(batch))
            else:
                write_deltalake(
                    table,
                    lines,
                    mode="overwrite",
                    predicate=condition,
                    writer_properties=compressed(),
                    commit_properties=numbered(batch),
                )
            self._make_durable(before + 1)
        except (OSError, DeltaError) as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(
            f"the record table cannot be written ({first_line(error)})",
            where=str(self.root),
            fix="What was received is in the spool and is taken up at the next run",
        )

    def _make_durable(self, first: int) -> None:
        """Force what the versions from ``first`` on have added to disk, data before log: the library leaves it to the system."""
        log = self.root / "_delta_log"
        version = first
        while (entry := log / f"{version:020d}.json").exists():
            actions = [json.loads(line) for line in entry.read_text().splitlines()]
            added = [self.root / unquote(action["add"]["path"]) for action in actions if "add" in action]
            for path in (*added, *{path.parent for path in added}, entry):
                sync(path)
            version += 1
        for folder in (self.root, log):
            sync(folder)

    def compact(self) -> None:
        """Join small files if there are many, and remove files that nothing has needed for a week."""
        from deltalake.exceptions import DeltaError

        try:
            table = self._open()
            months = {partition[PARTITION] for partition in table.partitions()}
            if len(self._paths(table)) <= len(months) + MANY_FILES:
                return
            before = table.version()
            table.optimize.compact(writer_properties=compressed())
            self._make_durable(before + 1)
            table.vacuum(retention_hours=KEEP_HOURS, dry_run=False, full=True)  # full: also what failed commits left behind
        except (OSError, DeltaError, SetupError):
            return  # it only saves space and time; the next run tries again

    def _open(self) -> "DeltaTable":
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        try:
            return DeltaTable(str(self.root))
        except (OSError, DeltaError) as error:
            raise SetupError(
                f"the record table cannot be read ({first_line(error)})", where=str(self.root), fix="Run dmarcscope verify"
            ) from error


def compressed() -> "WriterProperties":
    from deltalake import WriterProperties

    return WriterProperties(compression="ZSTD", compression_level=3)


def numbered(batch: int) -> "CommitProperties":
    from deltalake import CommitProperties, Transaction

    return CommitProperties(app_transactions=[Transaction(APPLICATION, batch)])


def first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:300]
