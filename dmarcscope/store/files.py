"""A store is a folder: the spool, the ledger and the record table, and the lock under which the last two are written."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from dmarcscope.errors import SetupError, StoreUnavailable
from dmarcscope.store.engine import Engine
from dmarcscope.store.ledger import Ledger
from dmarcscope.store.locks import locked
from dmarcscope.store.records import RecordTable
from dmarcscope.store.spool import Spool

PATIENCE = 30.0
"""Seconds to wait for another process that writes: a batch takes well under one."""
UNFIT = "%\\[]^|"
"""Signs that the record table's library misreads or refuses in a path (deltalake 1.6)."""


class StoreFiles:
    """The files of one store. Use it as a context manager, or close it."""

    def __init__(self, root: Path, patience: float = PATIENCE) -> None:
        self.root = root
        self.spool = Spool(root / "spool")
        self.ledger = Ledger(root / "ledger.db", patience)
        self.records = RecordTable(root / "records")
        self.engine = Engine(self.records)
        self._patience = patience

    def exists(self) -> bool:
        """Whether there is a store in the folder. Raises StoreUnavailable if we may not look."""
        try:
            return self.ledger.path.exists()
        except OSError as error:
            raise StoreUnavailable(f"the store cannot be read ({error.strerror})", where=str(self.root)) from error

    def require(self) -> None:
        """Raise SetupError unless there is a store to read."""
        if not self.exists():
            raise SetupError("there is no store here yet", where=str(self.root), fix="Fill one with: dmarcscope ingest PATH")

    def create(self) -> None:
        """Make what is missing of the store. Raises StoreUnavailable if the disk does not let us, SetupError if the place is wrong."""
        try:
            self.check_place()
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not os.access(self.root, os.W_OK):
                raise StoreUnavailable("the store is read-only", where=str(self.root), fix="Make it writable, or name another with --store")
            self.spool.create()
        except OSError as error:
            raise StoreUnavailable(f"the store cannot be made ({error})", where=str(self.root)) from error
        with self.writing():
            self._check_whole()
            self.ledger.create()
            self.records.create()

    def check_place(self) -> None:
        """Raise SetupError for a path that is no folder or that the record table's library cannot address."""
        place = str(self.root.resolve())
        if self.root.exists() and not self.root.is_dir():
            raise SetupError("the store is a folder, and this is none", where=str(self.root), fix="Name another with --store")
        wrong = sorted({sign for sign in place if sign in UNFIT or not sign.isprintable()})
        if wrong:
            signs = " ".join(sign if sign.isprintable() else ascii(sign) for sign in wrong)
            raise SetupError(f"the path of a store must not contain {signs}", where=place, fix="Name another with --store")
        # Readers of the table take a folder of that form above it for one of its partitions, and pass its lines over.
        if any(part.startswith("month=") for part in self.root.resolve().parts):
            raise SetupError("no folder above a store may be called month=…", where=place, fix="Name another with --store")

    def _check_whole(self) -> None:
        """Raise SetupError for a record table without its ledger: a new ledger would count its batches and reports from 1 again."""
        if not self.ledger.is_made() and self.records.version_or_none():
            raise SetupError(
                "there is a record table but no ledger",
                where=str(self.root),
                fix="Restore ledger.db from a backup; or move records/ away and ingest the files in spool/ anew",
            )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store's lock: whoever writes to ledger and table together does it alone.

        Raises StoreUnavailable if another process does not let go of it in time.
        """
        with ExitStack() as held:
            try:
                held.enter_context(locked(self.root / "lock", self._patience))
            except OSError as error:
                raise StoreUnavailable(f"the store cannot be locked ({error})", where=str(self.root)) from error
            yield

    def close(self) -> None:
        """Let go of all files."""
        self.engine.close()
        self.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
