"""The spool: raw bytes exactly as received, named by their SHA-256, durable before anything else is tried.

    spool/ab/abcdef…                 settled: the ledger knows them
    spool/incoming/RUN/abcdef…       received by a run that has not yet told the ledger
    spool/incoming/RUN/journal.jsonl their names, order and times of arrival, a line each
    spool/offline.json               there while the store cannot be written: since when, and why
    spool/incoming/RUN/lock          held while the run lives; a folder is only ever seen under its name with its lock held

A run writes into its own folder and forces it to disk; only then the ledger hears of it, and the files are moved to their place by a
rename. After a crash the next run finds folders whose lock nobody holds, and takes their files over. A half-written file
betrays itself: its name is not its hash. It was never acknowledged, so its source still has it.

While the ledger cannot be written the same folder is where things wait: the journal says what they are (`Spool.waiting`). It is
emptied whenever all that it tells of is settled.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock, RLock
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from dmarcscope.errors import SetupError
from dmarcscope.intake.paths import Arrival
from dmarcscope.model.mail_origin import MailOrigin
from dmarcscope.store.locks import is_held, try_lock

JOURNAL = "journal.jsonl"
LOCK = "lock"
OFFLINE = "offline.json"
HASH_LENGTH = 64
WRITERS = 4  # threads that wait for the disk: fsync is all waiting, and the disk serves several at once
CHUNK = 1 << 20
FOUND_NAME = "(found in the spool)"


@dataclass(frozen=True, slots=True)
class Spooled:
    """One artefact whose bytes are durable: their hash and size, where it came from, when it arrived (UTC), and how it authenticated."""

    sha256: str
    size: int
    name: str
    received_at: datetime
    origin: MailOrigin | None = None


class Spool:
    """The raw bytes of one store. ``incoming``: the folder in which runs have theirs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"

    def create(self) -> None:
        """Make the folders, if they are not there."""
        self.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, sha256: str) -> Path:
        """Where the bytes of that hash are, or would be once settled."""
        settled = self.root / sha256[:2] / sha256
        if settled.exists() or not self.incoming.exists():
            return settled
        return next((path for path in self.incoming.glob(f"*/{sha256}")), settled)

    def read(self, sha256: str) -> bytes:
        """The bytes of that hash. Raises FileNotFoundError if they are not there."""
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError:
            return self.path(sha256).read_bytes()  # another run has just moved them to their place

    def size(self, sha256: str) -> int:
        """How many bytes there are of that hash, 0 if they are not there."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return 0

    def read_held(self, sha256: str) -> bytes | None:
        """The bytes of that hash, None if they are too many to hold. Raises FileNotFoundError if they are not there."""
        return None if self.size(sha256) > LARGEST_HELD else self.read(sha256)

    def settled(self) -> Iterator[Path]:
        """Every file in its final place."""
        for folder in sorted(self.root.glob("??")):
            yield from sorted(folder.iterdir())

    def receive(self) -> "Incoming":
        """A folder of its own for a run that takes in artefacts; use it as a context manager."""
        return Incoming(self, self.incoming / uuid4().hex)

    def alive(self) -> set[str]:
        """The names of runs whose process lives."""
        return {folder.name for folder in self._runs() if is_held(folder / LOCK)}

    def abandoned(self) -> Iterator["Incoming"]:
        """The folders of runs that died, each locked by us while it is looked at."""
        for folder in self._runs():
            try:
                descriptor = try_lock(folder / LOCK)
            except FileNotFoundError:
                continue  # its run has ended meanwhile
            if descriptor is not None:
                yield Incoming(self, folder, descriptor)

    def waiting(self) -> Iterator[tuple[str, str, datetime]]:
        """What is durable and not settled: hash, name and time of arrival (UTC) of each; of all runs, living and dead."""
        for folder in self._runs():
            for sha256, told in journalled(folder).items():
                if (folder / sha256).exists():
                    for one in told:
                        yield sha256, one["name"], datetime.fromisoformat(one["received_at"])

    def gone_offline(self, since: datetime, reason: str) -> None:
        """Note for others that the store cannot be written; the time of the first such note stays."""
        before = self.offline()
        note = {"since": (before[0] if before else since).isoformat(), "reason": reason}
        with suppress(OSError):  # whoever has no room for this has none for anything, and hears of it by other ways
            part = self.incoming / f".offline-{uuid4().hex}"
            write_durably(part, json.dumps(note).encode())
            part.replace(self.root / OFFLINE)

    def offline(self) -> tuple[datetime, str] | None:
        """Since when (UTC) and why the store cannot be written, as the last run noted; None if it can."""
        try:
            note = json.loads((self.root / OFFLINE).read_bytes())
            return datetime.fromisoformat(note["since"]), str(note["reason"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def back_online(self) -> None:
        """The store can be written again, and what waited is taken up."""
        with suppress(OSError):
            (self.root / OFFLINE).unlink(missing_ok=True)

    def _runs(self) -> list[Path]:
        """Folders of runs, but for those that are just being made."""
        if not self.incoming.exists():
            return []
        return sorted(path for path in self.incoming.iterdir() if path.is_dir() and not path.name.startswith("."))


class Incoming:
    """The folder of one run: artefacts go in, become durable together, and are settled when the ledger knows them. Thread-safe."""

    def __init__(self, spool: Spool, folder: Path, lock: int | None = None) -> None:
        self._spool = spool
        self._folder = folder
        self._lock = lock
        self._pool: ThreadPoolExecutor | None = None
        self._journal: int | None = None
        self._changing = RLock()
        self._order = 0
        self._outstanding: set[str] = set()  # hashes in the journal that are not settled
        self._touched: set[Path] = set()

    @property
    def run(self) -> str:
        """The name of the run; the ledger notes it beside what the run has received."""
        return self._folder.name

    @property
    def is_waiting(self) -> bool:
        """Whether it holds anything that the ledger does not know."""
        return bool(self._outstanding)

    def __enter__(self) -> Self:
        if self._lock is None:
            # Made and locked under another name: nobody can see it without its lock held, and think that its run is dead.
            new = self._folder.with_name(f".{self._folder.name}")
            new.mkdir(parents=True, mode=0o700)
            self._lock = try_lock(new / LOCK)
            new.rename(self._folder)
            sync(self._folder.parent)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pool:
            self._pool.shutdown()
        if self._journal is not None:
            os.close(self._journal)
            self._journal = None
        with suppress(OSError):  # an empty folder that stays is taken away by the next run
            for folder in (self._spool.root, *sorted(self._touched)) if self._touched else ():
                sync(folder)
            if not self._outstanding and not self._files():
                shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)

    def put(self, arrivals: Iterable[Arrival], now: datetime) -> list[tuple[Spooled, bytes | None]]:
        """Make the bytes of all arrivals durable, then return them with their bytes (None for a file too large to hold).

        Raises OSError if the disk takes no more; what is durable by then is taken up by the next run. Raises SetupError
        for a file that cannot be read.
        """
        incoming = list(arrivals)
        with self._changing:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(WRITERS)
            if self._journal is None:
                self._journal = os.open(self._folder / JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            orders = range(self._order, self._order + len(incoming))
            self._order += len(incoming)
            note = Notes(self._journal, now)
            written = list(self._pool.map(self._put_one, incoming, orders, [note] * len(incoming)))
            self._outstanding.update(sha256 for sha256, *_ in written)
            os.fsync(self._journal)
            sync(self._folder)
        return [
            (Spooled(sha256, size, name, now, arrival.origin), data)
            for arrival, (sha256, size, name, data) in zip(incoming, written, strict=True)
        ]

    def _put_one(self, arrival: Arrival, order: int, notes: "Notes") -> tuple[str, int, str, bytes | None]:
        content, name = arrival.content, text(arrival.name)
        if isinstance(content, Path):
            held = read_held(content, name)
            if held is None:
                sha256, size = self._copy(content, arrival, order, notes)
                return sha256, size, name, None
            content = held
        sha256 = hashlib.sha256(content).hexdigest()
        notes.add(order, sha256, arrival)
        if not (self._spool.root / sha256[:2] / sha256).exists():  # what has settled is durable already
            write_durably(self._folder / sha256, content)
        return sha256, len(content), name, content

    def _copy(self, source: Path, arrival: Arrival, order: int, notes: "Notes") -> tuple[str, int]:
        """Copy a file that is too large to hold in memory."""
        digest, size, copy = hashlib.sha256(), 0, self._folder / f"copy-{uuid4().hex}"
        try:
            with source.open("rb") as origin, copy.open("wb") as target:
                while block := origin.read(CHUNK):
                    digest.update(block)
                    size += len(block)
                    target.write(block)
                target.flush()
                os.fsync(target.fileno())
        except OSError:
            copy.unlink(missing_ok=True)
            raise
        notes.add(order, digest.hexdigest(), arrival)
        copy.rename(self._folder / digest.hexdigest())
        return digest.hexdigest(), size

    def settle(self, hashes: Iterable[str]) -> None:
        """Move artefacts that the ledger knows to their final place; with the last one the journal has nothing more to tell."""
        known = set(hashes)
        self._move(known)
        with self._changing:
            self._outstanding -= known
            if self._journal is not None and not self._outstanding:
                os.ftruncate(self._journal, 0)

    def _move(self, hashes: Iterable[str]) -> None:
        for sha256 in hashes:
            target = self._spool.root / sha256[:2] / sha256
            try:
                (self._folder / sha256).rename(target)
            except FileNotFoundError:
                if not (self._folder / sha256).exists():
                    continue  # settled before, by a run that died before it said so
                target.parent.mkdir(mode=0o700, exist_ok=True)
                (self._folder / sha256).rename(target)
            self._touched.add(target.parent)

    def recover(self, now: datetime) -> list[Spooled]:
        """What a dead run left here whole, in the order of arrival; half-written files are removed."""
        told = journalled(self._folder)
        sizes = self._whole_files()
        for sha256 in told.keys() - sizes.keys():
            settled = self._spool.root / sha256[:2] / sha256
            if settled.exists():  # the same bytes had come before under another name, or the run died as it settled them
                sizes[sha256] = settled.stat().st_size
        found = []
        for sha256, size in sizes.items():
            for one in told.get(sha256, [{"order": LAST, "name": FOUND_NAME, "received_at": now.isoformat()}]):
                origin = MailOrigin(**one["origin"]) if one.get("origin") else None
                found.append((one["order"], Spooled(sha256, size, one["name"], datetime.fromisoformat(one["received_at"]), origin)))
        self._outstanding.update(sizes)
        return [one for _, one in sorted(found, key=lambda item: item[0])]

    def _whole_files(self) -> dict[str, int]:
        """Hash and size of each file that is what its name says."""
        whole = {}
        for path in self._files():
            try:
                sha256, size = hash_file(path)
            except FileNotFoundError:
                continue  # another run has taken it meanwhile
            if sha256 == path.name:
                whole[sha256] = size
            else:
                path.unlink(missing_ok=True)
        return whole

    def _files(self) -> list[Path]:
        try:
            return [path for path in self._folder.iterdir() if path.name not in {JOURNAL, LOCK}]
        except FileNotFoundError:
            return []  # another run has looked after it meanwhile


def journalled(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What the journal of a run's folder tells, by hash: order, name, received_at and origin; a line that was cut off is passed over."""
    told: dict[str, list[dict[str, Any]]] = {}
    try:
        lines = (folder / JOURNAL).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    for line in lines:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        told.setdefault(entry["sha256"], []).append(entry)
    return told


class Notes:
    """The journal while a chunk is written: each name is noted before its bytes are, so that a dead run's files have names."""

    def __init__(self, journal: int, now: datetime) -> None:
        self._journal = journal
        self._lock = Lock()
        self._now = now.isoformat()

    def add(self, order: int, sha256: str, arrival: Arrival) -> None:
        """Note one artefact: its place in the order of arrival, hash, name, and how it authenticated."""
        entry = {"sha256": sha256, "name": text(arrival.name), "order": order, "received_at": self._now}
        if arrival.origin is not None:
            entry["origin"] = asdict(arrival.origin)
        line = f"\n{json.dumps(entry)}\n".encode()  # a line that a full disk cut off must not spoil this one
        with self._lock:
            if os.write(self._journal, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


LAST = 1 << 62
"""The place of a file that the journal does not know: after all others."""
LARGEST_HELD = 256 * 1024 * 1024
"""Bytes of an artefact that are read into memory: five times the largest report known; larger ones are kept, but sidelined."""


def write_durably(path: Path, content: bytes) -> None:
    """Write a file and force it to disk; nothing is left if the disk is full."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def read_held(source: Path, name: str) -> bytes | None:
    """What is in a file that arrives, None if it is too large to hold. Raises SetupError if it cannot be read."""
    try:
        with source.open("rb") as file:
            return None if os.fstat(file.fileno()).st_size > LARGEST_HELD else file.read()
    except OSError as error:
        raise SetupError(f"cannot be read ({error.strerror or error})", where=name, fix="Mend it, or leave it out") from error


def text(name: str) -> str:
    """A name as text that can be stored: bytes of a file name that are no UTF-8 are written as \\udc.. escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def sync(path: Path) -> None:
    """Force a file's content, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def hash_file(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size of a file, read in pieces."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return digest.hexdigest(), file.tell()
