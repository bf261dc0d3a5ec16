"""Take reports from a folder of files that others write into: look at it again and again, and take what is new or has changed."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from time import time

from dmarcscope.errors import SetupError
from dmarcscope.intake.paths import Arrival, arrivals, walk
from dmarcscope.model.after import After
from dmarcscope.ops.collecting import TICK, Collector, Helm, origin_of
from dmarcscope.ops.events import Event, Happening
from dmarcscope.ops.ingest import arriving_size, chunks, now
from dmarcscope.store.ledger import time_text
from dmarcscope.store.spool import text

SETTLE_SECONDS = 2.0
"""A file that was changed so lately may still be being written."""
STORED = ("stored", "duplicate", "superseded")

Stamp = tuple[int, int]
"""Size and time of the last change (ns) of a file: with another it is to be read again."""


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder of files as the operator configured it. ``authserv_ids``: as of a mailbox, for mails that stand there as files."""

    name: str
    path: Path
    poll_seconds: float = 10.0
    after: After = After.KEEP
    move_to: Path | None = None
    authserv_ids: tuple[str, ...] = ()


@dataclass(slots=True)
class Pending:
    """A file with which something is to be done: as it was when it was read, the time before that, and the artefacts that it is."""

    stamp: Stamp
    since: str
    names: set[str] = field(default_factory=set)


class FileCollector(Collector):
    """Collects from one folder of files, and what is below it."""

    def __init__(self, helm: Helm, watched: WatchedFolder) -> None:
        super().__init__(helm, "", str(watched.path))
        self._watched = watched
        self._taken: dict[str, Stamp] = {}
        self._pending: dict[str, Pending] = {}  # files with which something is to be done
        self._settled_at = -1  # as the keeper counts what is stored

    def serve(self) -> None:
        """Collect until it is time to stop."""
        self._taken.update(self._known())
        while not self.helm.stop.is_set():
            for chunk in chunks(self._new(), arriving_size):
                if self.helm.stop.is_set():
                    return
                self.helm.expect(len(chunk))
                self._bring(chunk)
                self.helm.progress(len(chunk))
            self._settle()
            self.went_well()
            if self.helm.once:
                self._finish()
                return
            self._pause()

    def _known(self) -> dict[str, Stamp]:
        """Files that an earlier run took in, and that have not changed since."""
        known: dict[str, tuple[int, str]] = self.ask(lambda: self.mails.known_files(self.folder), {})
        found: dict[str, Stamp] = {}
        for path, stamp in self._files():
            size, seen = known.get(text(path), (-1, ""))
            if size == stamp[0] and stamp[1] < datetime.fromisoformat(seen).timestamp() * 1e9:
                found[path] = stamp
                self._note_pending([Arrival(path, Path(path))], found, "")
        return found

    def _files(self) -> Iterator[tuple[str, Stamp]]:
        """The files that are there, with their stamps. Raises SetupError if the folder is not there."""
        if not self._watched.path.is_dir():
            raise SetupError("the watched folder is not there", where=self.folder, fix="Make it, or correct its path")
        target = self._watched.move_to
        for file in walk(self._watched.path):
            if target is not None and Path(file).is_relative_to(target):
                continue
            stamp = stamp_of(file)
            if stamp is not None:
                yield file, stamp

    def _new(self) -> Iterator[Arrival]:
        """What is new or changed, and at rest; a file of several mails is several artefacts."""
        for file, stamp in self._files():
            changing = 0 <= time() - stamp[1] / 1e9 < SETTLE_SECONDS and not self.helm.once
            if self._taken.get(file) == stamp or changing:
                continue
            self._taken[file] = stamp
            try:
                for arrival in arrivals([file]):
                    yield replace(arrival, origin=origin_of(arrival.content, self._watched.authserv_ids))
            except FileNotFoundError:
                continue  # gone while it was read
            except SetupError as error:
                self._pass_over(error)

    def _pass_over(self, error: SetupError) -> None:
        """Tell of a file that cannot be read; when it changes it is tried again."""
        self.helm.tell(Event(Happening.TROUBLE, {"place": self.place, "reason": str(error), "again_in": None}))
        if self.helm.once:
            self.error = error

    def _bring(self, chunk: list[Arrival]) -> None:
        began = time_text(now())
        try:
            self.helm.keeper.keep(chunk)
        except SetupError as error:  # one of the files cannot be read: not a reason to leave out the others
            if len(chunk) > 1:
                for arrival in chunk:
                    self._bring([arrival])
            elif stamp_of(file_of(chunk[0])) is not None:
                self._pass_over(error)
            return
        except BaseException:
            for arrival in chunk:
                self._taken.pop(file_of(arrival), None)  # to be taken again
            raise
        self._note_pending(chunk, self._taken, began)
        self.helm.tell(Event(Happening.FETCHED, {"place": self.place, "mails": len(chunk)}))

    # What becomes of files.

    def _note_pending(self, chunk: Iterable[Arrival], stamps: Mapping[str, Stamp], since: str) -> None:
        if self._watched.after is After.KEEP:
            return
        for arrival in chunk:
            file = file_of(arrival)
            pending = self._pending.get(file)
            if pending is None or pending.stamp != stamps[file]:
                pending = self._pending[file] = Pending(stamps[file], since)
            pending.names.add(text(arrival.name))
        self._settled_at = -1

    def _settle(self) -> None:
        """Move or delete files all of whose artefacts are stored."""
        if not self._pending or self.helm.keeper.offline or self._settled_at == self.helm.keeper.stored:
            return
        self._settled_at = self.helm.keeper.stored
        names = [name for pending in self._pending.values() for name in pending.names]
        states: dict[str, tuple[str, str]] = self.ask(lambda: self.mails.final_files(names), {})
        for file, pending in list(self._pending.items()):
            found = [states.get(name, ("", "")) for name in pending.names]
            if any(seen < pending.since or not state for state, seen in found):
                continue
            del self._pending[file]
            # One that was changed after it was read is left: it is read again.
            if all(state in STORED for state, _ in found) and stamp_of(file) == pending.stamp:
                self._do(Path(file))

    def _do(self, file: Path) -> None:
        target = self._watched.move_to
        try:
            if self._watched.after is After.MOVE and target is not None:
                place = target / file.relative_to(self._watched.path)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(file, free_name(place))
                self.helm.tell(Event(Happening.MOVED, {"place": str(file), "mails": 1, "to": str(target)}))
            else:
                file.unlink()
                self.helm.tell(Event(Happening.DELETED, {"place": str(file), "mails": 1, "to": None}))
        except OSError as error:
            if stamp_of(str(file)) is not None:  # else somebody was quicker
                self.helm.tell(Event(Happening.REFUSED, {"place": str(file), "reason": error.strerror or str(error), "again_in": None}))

    def _finish(self) -> None:
        self.wait_until_stored()
        self._settle()

    def _pause(self) -> None:
        left = self._watched.poll_seconds
        while left > 0 and not self.helm.stop.wait(min(TICK, left)):
            left -= TICK
            self._settle()


def stamp_of(file: str) -> Stamp | None:
    """Size and time of a file, None if it is not there."""
    try:
        status = os.stat(file)  # noqa: PTH116 (texts, as `walk` gives them)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def file_of(arrival: Arrival) -> str:
    """The file that an arrival is, or is a mail of."""
    return str(arrival.content) if isinstance(arrival.content, Path) else arrival.name.rpartition("#")[0]


def free_name(place: Path) -> Path:
    """The place, or the next name beside it that is free: nothing is overwritten."""
    number = 1
    free = place
    while free.exists():
        free = place.with_name(f"{place.name}.{number}")
        number += 1
    return free
