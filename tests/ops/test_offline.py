"""While the store cannot be written, watching goes on: nothing is lost, nothing in the mailbox is touched, and it comes back by itself."""

import faulthandler
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Self

import pytest
from mailworld import report_mail
from servers.dovecot import Dovecot
from storeworld import facts, report, take_in

from dmarcscope.errors import SetupError, SpoolUnavailable, StoreUnavailable
from dmarcscope.model.after import After
from dmarcscope.ops import collecting, keeping
from dmarcscope.ops.after import Rules
from dmarcscope.ops.events import Event, Happening
from dmarcscope.ops.folder import WatchedFolder
from dmarcscope.ops.mailbox import Mailbox
from dmarcscope.ops.status import status
from dmarcscope.ops.watch import watch
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.locks import locked

BRIEF = 0.2
DEADLINE = 40
NO_MOUNT = "NOT TESTED: watching on a full disk. A small file system can only be mounted by root: run the tests as root"


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a lock or for the next try."""
    monkeypatch.setattr(collecting, "PATIENCE", BRIEF)
    monkeypatch.setattr(keeping, "LONGEST_RETRY", 1.0)
    monkeypatch.setitem(collecting.WAITS, SpoolUnavailable, (0.2, 1.0))


class Watching:
    """A watch in a thread, and what it tells."""

    def __init__(self, store: Path, *places: Mailbox | WatchedFolder) -> None:
        self.events: list[Event] = []
        self._stop = threading.Event()
        self._store = store
        self._thread = threading.Thread(target=self._run, args=(list(places),))
        self.error: Exception | None = None

    def _run(self, places: list[Mailbox | WatchedFolder]) -> None:
        try:
            with StoreFiles(self._store, BRIEF) as files:
                watch(files, places, self.events.append, stop=self._stop, chance=Random(1))
        except Exception as error:  # noqa: BLE001 (told by the test)
            self.error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()
        assert self.error is None

    def told(self, what: Happening) -> list[Event]:
        return [event for event in self.events if event.what is what]

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert self.error is None, self.error
            if time.monotonic() > deadline:
                faulthandler.dump_traceback()
                pytest.fail(f"{what} never came; told: {[(event.what.value, event.facts) for event in self.events]}")
            time.sleep(0.05)

    def until_told(self, what: Happening) -> None:
        self.until(lambda: bool(self.told(what)), what.value)


def mailbox(server: Dovecot) -> Mailbox:
    return Mailbox("reports", server.account(), rules=Rules(After.MOVE, "done"), poll_seconds=1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Dovecot]:
    with Dovecot(tmp_path / "dovecot") as running:
        yield running


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store that has one report already."""
    first = tmp_path / "first.xml"
    first.write_bytes(report(999))
    take_in(tmp_path / "store", first)
    return tmp_path / "store"


@contextmanager
def locked_ledger(root: Path) -> Iterator[None]:
    """Somebody writes to the ledger and does not end."""
    other = sqlite3.connect(root / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@contextmanager
def unreadable_ledger(root: Path) -> Iterator[None]:
    """Somebody holds the ledger so that it cannot even be read."""
    other = sqlite3.connect(root / "ledger.db", isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.close()


@contextmanager
def damaged_ledger(root: Path) -> Iterator[None]:
    """The ledger is damaged; later its backup is brought back."""
    ledger = root / "ledger.db"
    for journal in root.glob("ledger.db-*"):
        journal.unlink()
    good = ledger.read_bytes()
    ledger.write_bytes(b"this was a ledger once\n" * 400)
    try:
        yield
    finally:
        for journal in root.glob("ledger.db-*"):
            journal.unlink()
        ledger.write_bytes(good)


@contextmanager
def migration(root: Path) -> Iterator[None]:
    """Somebody holds the store's lock, as whoever writes ledger and table together does."""
    with locked(root / "lock", BRIEF):
        yield


@contextmanager
def newer_schema(root: Path) -> Iterator[None]:
    """A newer dmarcscope has changed the ledger, and then changes it back."""
    other = sqlite3.connect(root / "ledger.db", isolation_level=None)
    try:
        before = other.execute("SELECT value FROM facts WHERE name = 'schema'").fetchone()[0]
        other.execute("UPDATE facts SET value = '999' WHERE name = 'schema'")
        yield
        other.execute("UPDATE facts SET value = ? WHERE name = 'schema'", [before])
    finally:
        other.close()


@contextmanager
def damaged_table(root: Path) -> Iterator[None]:
    """The log of the record table cannot be read; then it can again."""
    log = root / "records" / "_delta_log"
    log.rename(root / "log-away")
    log.mkdir()
    (log / f"{0:020d}.json").write_text("{")
    try:
        yield
    finally:
        (log / f"{0:020d}.json").unlink()
        log.rmdir()
        (root / "log-away").rename(log)


TROUBLES = [locked_ledger, unreadable_ledger, damaged_ledger, migration, newer_schema, damaged_table]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_reports_are_kept_while_the_store_is_away(trouble: Callable[[Path], Iterator[None]], root: Path, server: Dovecot) -> None:
    server.deliver([report_mail(number) for number in range(5)])
    with trouble(root):
        watching = Watching(root, mailbox(server))
        watching.__enter__()
        watching.until_told(Happening.OFFLINE)
        watching.until(lambda: bool(watching.told(Happening.FETCHED)), "the first mails")
        server.deliver([report_mail(number) for number in range(5, 8)])
        with StoreFiles(root, BRIEF) as files:
            watching.until(lambda: waiting(files) == 8, "eight that wait")
            told = status(files)
        assert told.offline_since is not None
        assert told.offline_reason
        assert not told.is_well
        assert server.count("INBOX") == 8, "a mail is touched only when its report is stored"
        assert not watching.told(Happening.STORED)
    watching.until_told(Happening.ONLINE)
    watching.until(lambda: server.count("done") == 8, "all moved")
    watching.__exit__()
    found = facts(root)
    assert (found.totals["artefacts"], found.totals["stored"]) == (9, 9)
    with StoreFiles(root, BRIEF) as files:
        told = status(files)
        assert (told.is_well, told.waiting, told.offline_since) == (True, 0, None)


def waiting(files: StoreFiles) -> int:
    """How many artefacts wait for the store: in the spool, or in the ledger as received."""
    with_ledger = 0
    try:
        with_ledger = files.ledger.totals()["received"]
    except (StoreUnavailable, SetupError):
        files.ledger.close()
    return status(files).waiting + with_ledger


def test_killed_and_started_again_while_it_is_away(root: Path, server: Dovecot) -> None:
    """What is in the spool is not fetched again, although the ledger cannot say what is known."""
    server.deliver([report_mail(number) for number in range(6)])
    with unreadable_ledger(root):
        with Watching(root, mailbox(server)) as first:
            first.until_told(Happening.FETCHED)
        server.deliver([report_mail(6)])
        with Watching(root, mailbox(server)) as second:
            second.until_told(Happening.FETCHED)
            assert [event.facts["mails"] for event in second.told(Happening.FETCHED)] == [1], "only what is new"
    with Watching(root, mailbox(server)) as third:
        third.until(lambda: server.count("done") == 7, "all moved")
    assert facts(root).totals["stored"] == 8


def test_a_watched_folder_goes_on_too(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    with Watching(root, WatchedFolder("drop", folder, poll_seconds=0.3, after=After.DELETE)) as watching:
        watching.until(lambda: bool(watching.told(Happening.STARTED)), "the start")
        with locked_ledger(root):
            for number in range(3):
                aged(folder / f"{number}.xml", report(number))
            watching.until_told(Happening.OFFLINE)
            assert len(list(folder.iterdir())) == 3
        watching.until(lambda: not list(folder.iterdir()), "all stored and deleted")
    assert facts(root).totals["stored"] == 4


def aged(path: Path, content: bytes) -> None:
    """A file that was written a while ago."""
    path.write_bytes(content)
    os.utime(path, (time.time() - 60, time.time() - 60))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(NO_MOUNT)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=False)


def test_without_room_for_the_spool_nothing_is_taken(root: Path, server: Dovecot, small_disk: Path) -> None:
    shutil.copytree(root / "spool", small_disk, dirs_exist_ok=True)
    shutil.rmtree(root / "spool")
    (root / "spool").symlink_to(small_disk)
    with Watching(root, mailbox(server)) as watching:
        watching.until_told(Happening.CONNECTED)
        filler = small_disk / "filler"
        state = os.statvfs(small_disk)
        filler.write_bytes(b"x" * (state.f_bavail * state.f_frsize))
        server.deliver([report_mail(number, records=200) for number in range(4)])
        watching.until_told(Happening.NO_ROOM)
        assert server.count("INBOX") == 4
        assert server.flags("INBOX") == [set()] * 4, "nothing is touched"
        with StoreFiles(root, BRIEF) as files:
            (place,) = status(files).contents.places
            assert "spool" in (place.trouble or ""), "status says what keeps it"
        filler.unlink()
        watching.until(lambda: server.count("done") == 4, "all moved")
    assert facts(root).totals["stored"] == 5


def test_once_says_that_it_could_not_store_and_loses_nothing(root: Path, server: Dovecot) -> None:
    server.deliver([report_mail(number) for number in range(3)])
    with locked_ledger(root), StoreFiles(root, BRIEF) as files, pytest.raises(StoreUnavailable):
        watch(files, [mailbox(server)], lambda _event: None, stop=threading.Event(), once=True)
    assert server.count("INBOX") == 3
    with StoreFiles(root, BRIEF) as files:
        watch(files, [mailbox(server)], lambda _event: None, stop=threading.Event(), once=True)
    assert server.count("done") == 3
    assert facts(root).totals["stored"] == 4
