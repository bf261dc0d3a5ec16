"""Make the file of networks (AS number, name and country of addresses) from downloaded tables, and tell which files are used.

Nothing is fetched here: the user downloads.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from uuid import uuid4

from dmarcscope.enrich.mmdb import NetworkTree
from dmarcscope.enrich.network_table import TableLine, origin, read_table
from dmarcscope.enrich.networks import EXAMPLES, OURS, home_file, is_documentation, library, opened
from dmarcscope.errors import SetupError, StoreUnavailable
from dmarcscope.ops.ingest import Progress, silent

OLD_DAYS = 90
"""Days after which a file is called old: in three months some addresses have moved to other networks."""

EVERY = 10_000  # lines between two calls of progress
NO_ROOM = {28, 122}  # ENOSPC, EDQUOT


@dataclass(frozen=True, slots=True)
class Built:
    """A file that was made: of how many lines, how many networks and systems it holds, whose data they are and of which day."""

    file: Path
    lines: int
    networks: int
    systems: int
    size: int
    attribution: str
    dated: date
    examples: bool

    def as_dict(self) -> dict[str, Any]:
        """The facts, for machines."""
        return {**asdict(self), "file": str(self.file)}


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that is used: what it is, how many networks it holds, whose data they are, of which day and how many days old."""

    file: Path
    kind: str
    networks: int
    attribution: str
    dated: date | None
    age_days: int | None

    @property
    def is_old(self) -> bool:
        """Whether it is time for a newer one."""
        return self.age_days is not None and self.age_days > OLD_DAYS

    def as_dict(self) -> dict[str, Any]:
        """The facts, for machines."""
        return {**asdict(self), "file": str(self.file), "is_old": self.is_old}


def build(tables: Sequence[Path], target: Path | None = None, *, attribution: str = "", progress: Progress = silent) -> Built:
    """Make one file of networks of some tables, in place of what was there; of lines that overlap, the later counts.

    ``tables`` are npm packages (.tgz), folders, or .csv and .tsv files, gzipped or not; ``attribution`` says whose data they are and need
    not be given where that is known. Without ``target`` it is the file that is used unless another is named. Raises SetupError for a table
    that cannot be read or without the extra that reads the file, StoreUnavailable if the disk is full; the file is then as it was.
    """
    library()  # better known before the work than after
    file = target or home_file()
    words, dated = whose(tables, attribution)
    made = Making(progress)
    for table in tables:
        made.take(read_table(table))
    if not made.lines:
        raise SetupError("tell of no network", where=", ".join(map(str, tables)), fix="Name other tables")
    epoch = int(datetime.combine(dated, time(), UTC).timestamp())
    networks = written(made, file, words, epoch)
    return Built(file, made.lines, networks, len(made.systems), file.stat().st_size, words, dated, made.only_examples)


class Making:
    """A tree of networks in the making."""

    def __init__(self, progress: Progress = silent) -> None:
        self.tree = NetworkTree()
        self.lines = 0
        self.systems: set[int] = set()
        self.only_examples = True  # nothing but addresses of documentation so far
        self._progress = progress

    def take(self, lines: Iterable[TableLine]) -> None:
        """Put the lines of a table into the tree. Raises SetupError for one that does not go there."""
        for line in lines:
            try:
                self.tree.put(line.first, line.last, line.network)
            except ValueError as error:
                raise SetupError(f"cannot be taken: {error}", where=line.where, fix="Name a table of networks") from error
            if line.network.asn is not None:
                self.systems.add(line.network.asn)
            self.only_examples = self.only_examples and is_documentation(line.first) and is_documentation(line.last)
            self.lines += 1
            if self.lines % EVERY == 0:
                self._progress(EVERY)
        self._progress(self.lines % EVERY)


def whose(tables: Sequence[Path], attribution: str) -> tuple[str, date]:
    """Whose data tables hold, and the day that the oldest is of. Raises SetupError if nobody says whose."""
    if not tables:
        raise SetupError("no table is named", fix="Name a table that you have downloaded; see docs/networks.md")
    origins = [origin(table) for table in tables]
    for table, found in zip(tables, origins, strict=True):
        if not attribution and not found.attribution:
            fix = "Say it with --attribution 'NAME (ADDRESS); LICENCE'; it is shown beside results, as most licences want"
            raise SetupError("does not say whose data it holds", where=str(table), fix=fix)
    words = attribution.strip() or "; ".join(dict.fromkeys(found.attribution for found in origins))
    return words, min(found.dated for found in origins)


def written(made: Making, file: Path, attribution: str, epoch: int) -> int:
    """Write a tree, whole or not at all, once it has been seen that it can be read; returns the number of networks."""
    part = file.with_name(f".{file.name}.{uuid4().hex}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as out:
            networks = made.tree.write(out, kind=EXAMPLES if made.only_examples else OURS, description=attribution, epoch=epoch)
            out.flush()
            os.fsync(out.fileno())
        opened(part)
        part.replace(file)
        sync(file.parent)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StoreUnavailable(f"the disk is full ({error.strerror})", where=str(file), fix="Make room and try again") from error
        raise SetupError(f"cannot be written ({error.strerror or error})", where=str(file), fix="Name another with --target") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return networks


def sync(folder: Path) -> None:
    """Force the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def status(files: Sequence[Path], today: date) -> list[DataFile]:
    """What each of the files is. Reads them whole. Raises SetupError for one that is missing or damaged."""
    return [file_status(file, today) for file in files]


def file_status(file: Path, today: date) -> DataFile:
    """What a file is. Raises SetupError if it is missing or damaged."""
    found = opened(file)
    age = (today - found.built).days if found.built else None
    return DataFile(file, found.kind, found.count(), found.attribution, found.built, age)
