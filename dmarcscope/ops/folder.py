"""Take reports from a folder of files that others write into: look at it again and again, and take what is new or has changed."""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from time import time

from dmarcscope.errors import SetupError
from dmarcscope.intake.paths import Arrival, arrivals, walk
from dmarcscope.model.mail_origin import MailOrigin
from dmarcscope.ops.after import After
from dmarcscope.ops.collecting import Collector, Helm
from dmarcscope.ops.events import Event, Happening
from dmarcscope.ops.ingest import arriving_size, chunks
from dmarcscope.parse.authentication_results import header_of, origin

SETTLE_SECONDS = 2.0
"""A file that was changed so lately may still be being written."""
HEADER_BYTES = 256 * 1024
TICK = 0.3
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


class FileCollector(Collector):
    """Collects from one folder of files, and what is below it."""

    def __init__(self, helm: Helm, watched: WatchedFolder) -> None:
        super().__init__(helm, "", str(watched.path))
        self._watched = watched
        self._taken: dict[str, Stamp] = {}
        self._pending: dict[str, set[str]] = {}  # files with which something is to be done, and the artefacts that they are

    def serve(self) -> None:
        """Collect until it is time to stop."""
        self._taken.update(self._known())
        while not self.helm.stop.is_set():
            for chunk in chunks(self._new(), arriving_size):
                if self.helm.stop.is_set():
                    return
                self._bring(chunk)
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
            size, seen = known.get(path, (-1, ""))
            if size == stamp[0] and stamp[1] < datetime.fromisoformat(seen).timestamp() * 1e9:
                found[path] = stamp
                self._note_pending([Arrival(path, Path(path))])
        return found

    def _files(self) -> Iterator[tuple[str, Stamp]]:
        """The files that are there, with their stamps. Raises SetupError if the folder is not there."""
        if not self._watched.path.is_dir():
            raise SetupError("the watched folder is not there", where=self.folder, fix="Make it, or correct its path")
        target = self._watched.move_to
        for file in walk(self._watched.path):
            if target is not None and Path(file).is_relative_to(target):
                continue
            try:
                status = os.stat(file)  # noqa: PTH116 (texts, as `walk` gives them)
            except OSError:
                continue  # gone meanwhile
            yield file, (status.st_size, status.st_mtime_ns)

    def _new(self) -> Iterator[Arrival]:
        """What is new or changed, and at rest; a file of several mails is several artefacts."""
        for file, stamp in self._files():
            at_rest = self.helm.once or time() - stamp[1] / 1e9 >= SETTLE_SECONDS
            if self._taken.get(file) == stamp or not at_rest:
                continue
            self._taken[file] = stamp
            for arrival in arrivals([file]):
                yield replace(arrival, origin=self._origin(arrival))

    def _bring(self, chunk: list[Arrival]) -> None:
        try:
            self.helm.keeper.keep(chunk)
        except BaseException:
            for arrival in chunk:
                self._taken.pop(file_of(arrival), None)  # to be taken again
            raise
        self._note_pending(chunk)
        self.helm.tell(Event(Happening.FETCHED, {"place": self.place, "mails": len(chunk)}))

    def _origin(self, arrival: Arrival) -> MailOrigin | None:
        if not self._watched.authserv_ids:
            return None
        content = arrival.content
        try:
            data = content if isinstance(content, bytes) else content.open("rb").read(HEADER_BYTES)
        except OSError:
            return None
        header = header_of(data)
        return origin(header, self._watched.authserv_ids) if header is not None else None

    # What becomes of files.

    def _note_pending(self, chunk: Iterable[Arrival]) -> None:
        if self._watched.after is not After.KEEP:
            for arrival in chunk:
                self._pending.setdefault(file_of(arrival), set()).add(arrival.name)

    def _settle(self) -> None:
        """Move or delete files all of whose artefacts are stored."""
        if not self._pending or self.helm.keeper.offline:
            return
        names = [name for names in self._pending.values() for name in names]
        states: dict[str, str] = self.ask(lambda: self.mails.final_files(names), {})
        for file, parts in list(self._pending.items()):
            if not all(name in states for name in parts):
                continue
            del self._pending[file]
            if all(states[name] in STORED for name in parts):
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
        except FileNotFoundError:
            return
        except OSError as error:
            self.helm.tell(Event(Happening.REFUSED, {"place": str(file), "reason": error.strerror or str(error), "again_in": None}))

    def _finish(self) -> None:
        self.fetched_all.set()
        while not self.helm.stop.is_set() and not self.helm.keeper.done.wait(TICK):
            pass
        self._settle()

    def _pause(self) -> None:
        left = self._watched.poll_seconds
        while left > 0 and not self.helm.stop.wait(min(TICK, left)):
            left -= TICK
            self._settle()


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
