"""A disk that is full or read-only, a ledger or a store that is locked: a clear error, nothing half done, and nothing lost afterwards."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from storeworld import SMALL, Facts, ask, facts, put, report, take_in, write_world

from dmarcscope.errors import SetupError, StoreUnavailable
from dmarcscope.intake.paths import Arrival
from dmarcscope.ops import ingest as verb
from dmarcscope.ops.ingest import ingest
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.locks import locked

BRIEF = 0.2
DRIVER = Path(__file__).parents[1] / "kill" / "driver.py"
NO_MOUNT = "NOT TESTED: what a full or read-only disk does. A small file system can only be mounted by root: run the tests as root"
Mount = Callable[[Path, str], None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mounts a small file system at a folder, and takes it away at the end."""
    mounted: list[Path] = []

    def at(folder: Path, options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip(NO_MOUNT)
        mounted.append(folder)

    yield at
    for folder in reversed(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "in"
    write_world(folder, 60)
    return folder


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put(tmp_path_factory.mktemp("first") / "in", first__xml=report(999))


@pytest.fixture(scope="module")
def clean(world: Path, first: Path, tmp_path_factory: pytest.TempPathFactory) -> Facts:
    root = tmp_path_factory.mktemp("clean") / "store"
    take_in(root, first)
    take_in(root, world)
    return facts(root)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "CHUNK_ARTEFACTS", 10)
    monkeypatch.setattr(verb, "BATCH_ARTEFACTS", 20)


def fill(folder: Path, leave: int) -> Path:
    """Fill the disk but for some bytes. Returns the file that does."""
    filler = folder / ".filler"
    state = os.statvfs(folder)
    with filler.open("wb") as file:
        file.write(b"x" * max(0, state.f_bavail * state.f_frsize - leave))
    return filler


KIB = 1024
FULL = [
    ("spool", [0, 8 * KIB, 100 * KIB], "the spool cannot be written"),
    ("records", [0, 8 * KIB, 40 * KIB], "the record table cannot be written"),
    (".", [0, 8 * KIB, 64 * KIB], "the ledger cannot be"),  # spool and table have disks of their own
]


@pytest.mark.parametrize(("part", "free", "message"), FULL, ids=["spool", "table", "ledger"])
def test_full_disk(part: str, free: list[int], message: str, world: Path, first: Path, clean: Facts, tmp_path: Path, mount: Mount) -> None:
    complaints = []
    for leave in free:
        root = tmp_path / f"store-{leave}"
        if part == ".":
            mount(root, "size=1m")
            mount(root / "spool", "size=16m")
            mount(root / "records", "size=16m")
        else:
            mount(root / part, "size=1m" if part == "records" else "size=2m")
        take_in(root, first)
        filler = fill(root / part, leave)
        with pytest.raises(StoreUnavailable) as caught:
            take_in(root, world)
        complaints.append(str(caught.value))
        filler.unlink()
        take_in(root, world)
        # A disk that fills within a chunk may keep a later file and not an earlier one: then another of two equal reports is the copy.
        found = facts(root)
        assert replace(found, states=clean.states) == clean, f"{leave} bytes free: {caught.value}"
    assert any(message in one for one in complaints), complaints


def test_what_was_received_before_the_disk_was_full_is_taken_up_by_any_later_run(
    world: Path, first: Path, clean: Facts, tmp_path: Path, mount: Mount
) -> None:
    """The source is not asked again: the artefacts of the failed run are in the spool."""
    root = tmp_path / "store"
    mount(root / "records", "size=1m")
    take_in(root, first)
    filler = fill(root / "records", 0)
    with pytest.raises(StoreUnavailable, match="record table"):
        take_in(root, world)
    with StoreFiles(root, SMALL) as store:
        waiting = store.ledger.totals()["received"]
        assert waiting >= 20, "a batch was received and waits"
        assert ask(store, "SELECT count(DISTINCT report_key) AS reports FROM records") == [{"reports": 1}]
    filler.unlink()
    assert take_in(root, put(tmp_path / "none")).artefacts == waiting
    take_in(root, world)
    assert facts(root) == clean


def test_a_disk_that_is_full_from_the_start(world: Path, first: Path, clean: Facts, tmp_path: Path, mount: Mount) -> None:
    root = tmp_path / "disk"
    mount(root, "size=4m")
    for leave in (0, 4 * KIB, 8 * KIB, 16 * KIB, 40 * KIB, 80 * KIB, 120 * KIB):
        filler = fill(root, leave)
        with pytest.raises(StoreUnavailable):
            take_in(root / "store", world)
        filler.unlink()
    take_in(root / "store", first)
    take_in(root / "store", world)
    assert facts(root / "store").totals == clean.totals


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True, capture_output=True)


def test_a_read_only_store_can_be_read_and_refuses_the_rest(world: Path, first: Path, clean: Facts, tmp_path: Path, mount: Mount) -> None:
    disk = tmp_path / "disk"
    mount(disk, "size=16m")
    root = disk / "store"
    take_in(root, first)
    remount(disk, "ro")
    with pytest.raises(StoreUnavailable, match="read-only"):
        take_in(root, world)
    with StoreFiles(root, SMALL) as store:
        assert store.ledger.totals()["stored"] == 1
        assert store.spool.alive() == set()
        assert ask(store, "SELECT count(*) AS lines FROM records") == [{"lines": 3}]
        with store.writing(), pytest.raises(StoreUnavailable):  # a lock can be had, to look at ledger and table at one moment
            store.ledger.abandon_batch(1)
    remount(disk, "rw")
    take_in(root, world)
    assert facts(root) == clean


def test_a_read_only_store_whose_last_run_was_killed(world: Path, first: Path, tmp_path: Path, mount: Mount) -> None:
    """The ledger's journal holds the latest: it is read, or the reader is told; never an older story."""
    disk = tmp_path / "disk"
    mount(disk, "size=16m")
    root = disk / "store"
    take_in(root, first)
    command = [sys.executable, str(DRIVER), str(root), str(world), "1", "finish_batch:after", "2"]
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 137
    assert (root / "ledger.db-wal").stat().st_size
    remount(disk, "ro")
    with StoreFiles(root, SMALL) as store:
        found = store.ledger.totals()["stored"]
    remount(disk, "rw")
    with StoreFiles(root, SMALL) as store:
        assert store.ledger.totals()["stored"] == found > 1
    (root / "ledger.db-wal").write_bytes(b"x" * 100)
    (root / "ledger.db-shm").unlink(missing_ok=True)
    remount(disk, "ro")
    with StoreFiles(root, SMALL) as store, pytest.raises(StoreUnavailable):
        store.ledger.totals()


def test_a_store_of_another_user(first: Path, tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("NOT TESTED: a store of another user. Run the tests as root")
    take_in(tmp_path / "store", first)
    code = (
        "import os\nfrom pathlib import Path\n"
        "from dmarcscope.errors import StoreUnavailable\nfrom dmarcscope.store.files import StoreFiles\n"
        "os.setgid(65534), os.setuid(65534)\n"
        "try:\n    StoreFiles(Path('store')).create()\nexcept StoreUnavailable as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert "store" in done.stdout, done.stderr
    assert done.returncode == 0, done.stderr


def test_a_locked_ledger(world: Path, first: Path, clean: Facts, tmp_path: Path) -> None:
    root = tmp_path / "store"
    take_in(root, first)
    other = sqlite3.connect(root / "ledger.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(StoreUnavailable, match="locked"):
            take_in(root, world, patience=BRIEF)
    finally:
        other.execute("ROLLBACK")
        other.close()
    take_in(root, world)
    assert facts(root) == clean


def test_a_ledger_held_by_somebody_who_lets_nobody_even_read(first: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    take_in(root, first)
    other = sqlite3.connect(root / "ledger.db", isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    try:
        with StoreFiles(root, BRIEF) as store, pytest.raises(StoreUnavailable, match="locked"):
            store.ledger.totals()
    finally:
        other.execute("ROLLBACK")
        other.close()


@pytest.mark.parametrize("what", ["ledger", "store"])
def test_locked_in_the_middle_of_a_run(what: str, world: Path, first: Path, clean: Facts, tmp_path: Path) -> None:
    root = tmp_path / "store"
    take_in(root, first)
    held: list[sqlite3.Connection] = []
    lock = locked(root / "lock", SMALL)

    def arrive() -> Iterator[Arrival]:
        for number, path in enumerate(sorted(world.iterdir())):
            if number == 35 and what == "ledger":
                held.append(sqlite3.connect(root / "ledger.db", isolation_level=None))
                held[0].execute("BEGIN EXCLUSIVE")
            elif number == 35:
                lock.__enter__()
            yield Arrival(str(path), path)

    with StoreFiles(root, BRIEF) as store, pytest.raises(StoreUnavailable):
        ingest(store, arrive())
    if held:
        held[0].close()
    else:
        lock.__exit__(None, None, None)
    waiting = take_in(root, put(tmp_path / "none")).artefacts
    assert waiting >= 10, "what was in the spool is taken up, although its source is not asked again"
    take_in(root, world)
    assert facts(root) == clean


def test_a_store_whose_lock_is_held(world: Path, first: Path, clean: Facts, tmp_path: Path) -> None:
    root = tmp_path / "store"
    take_in(root, first)
    with locked(root / "lock", SMALL), pytest.raises(StoreUnavailable, match="another process"):
        take_in(root, world, patience=BRIEF)
    take_in(root, world)
    assert facts(root) == clean


def test_a_record_table_without_its_ledger_is_refused(world: Path, first: Path, tmp_path: Path) -> None:
    """A new ledger would count batches and reports from 1 again, and the table would claim to have them."""
    root = tmp_path / "store"
    take_in(root, first)
    for path in root.glob("ledger.db*"):
        path.unlink()
    with pytest.raises(SetupError, match="no ledger"):
        take_in(root, world)
    assert not any(path.stat().st_size for path in root.glob("ledger.db")), "and nothing was begun"


@pytest.mark.parametrize("sign", "%[]|^\\")
def test_a_path_that_the_record_table_cannot_live_in_is_refused(sign: str, first: Path, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="must not contain"):
        take_in(tmp_path / f"a{sign}20b", first)


def test_a_path_that_looks_like_a_partition_of_the_table_is_refused(first: Path, tmp_path: Path) -> None:
    """Questions about a time would pass over all that is in it."""
    with pytest.raises(SetupError, match="month="):
        take_in(tmp_path / "month=2020-01" / "store", first)


def test_a_store_that_is_a_file(first: Path, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("no folder")
    with pytest.raises(SetupError, match="folder"):
        take_in(tmp_path / "store", first)
