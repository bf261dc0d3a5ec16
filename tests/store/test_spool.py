"""Bytes that were received are there, whole, whoever dies; and only those."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dmarcscope.errors import SetupError
from dmarcscope.intake.paths import Arrival
from dmarcscope.model.mail_origin import MailOrigin
from dmarcscope.store import spool as module
from dmarcscope.store.locks import is_held, try_lock
from dmarcscope.store.spool import FOUND_NAME, JOURNAL, LOCK, Incoming, Spool, Spooled

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = datetime(2026, 5, 5, 12, tzinfo=UTC)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "spool")
    made.create()
    return made


def died(spool: Spool, *arrivals: Arrival) -> Path:
    """The folder that a run leaves which died after it had received this."""
    incoming = spool.receive().__enter__()
    if arrivals:
        incoming.put(arrivals, NOW)
    assert incoming._lock is not None
    os.close(incoming._lock)
    return incoming._folder


def adopted(spool: Spool) -> list[Spooled]:
    """What the next run finds of all dead ones, and settles."""
    found = []
    for dead in spool.abandoned():
        with dead:
            here = dead.recover(LATER)
            dead.settle(one.sha256 for one in here)
            found += here
    return found


def folders(spool: Spool) -> list[Path]:
    return list((spool.root / "incoming").iterdir())


def test_what_was_put_is_there_and_settles(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "b.xml").write_bytes(b"two")
    with spool.receive() as incoming:
        found = incoming.put([Arrival("a", b"one"), Arrival("b", tmp_path / "b.xml")], NOW)
        assert found == [(Spooled(digest(b"one"), 3, "a", NOW), b"one"), (Spooled(digest(b"two"), 3, "b", NOW), b"two")]
        assert spool.read(digest(b"one")) == b"one", "it can be read before it has settled"
        incoming.settle(one.sha256 for one, _ in found)
    assert sorted(path.name for path in spool.settled()) == sorted([digest(b"one"), digest(b"two")])
    assert spool.read(digest(b"two")) == b"two"
    assert folders(spool) == [], "nothing is left of the run"


def test_bytes_that_are_not_there(spool: Spool) -> None:
    assert spool.size("ab" * 32) == 0
    with pytest.raises(FileNotFoundError):
        spool.read("ab" * 32)


def test_the_same_bytes_twice_in_a_chunk_and_again_later(spool: Spool) -> None:
    with spool.receive() as incoming:
        found = incoming.put([Arrival(str(number), b"same") for number in range(20)], NOW)
        assert {one.sha256 for one, _ in found} == {digest(b"same")}
        assert [one.name for one, _ in found] == [str(number) for number in range(20)], "each has its name, in order"
        incoming.settle(one.sha256 for one, _ in found)
        again = incoming.put([Arrival("again", b"same")], NOW)
        assert not (incoming._folder / digest(b"same")).exists(), "what has settled is not written again"
        incoming.settle(one.sha256 for one, _ in again)
    assert spool.read(digest(b"same")) == b"same"


def test_a_dead_run_is_taken_over_with_names_times_and_order(spool: Spool) -> None:
    contents = [str(number).encode() for number in range(30)]
    died(spool, *(Arrival(f"name-{number}", data) for number, data in enumerate(contents)))
    found = adopted(spool)
    assert [one.name for one in found] == [f"name-{number}" for number in range(30)], "in the order of arrival"
    assert {one.received_at for one in found} == {NOW}
    assert len(list(spool.settled())) == 30
    assert folders(spool) == []


def test_a_half_written_file_is_removed(spool: Spool) -> None:
    folder = died(spool, Arrival("whole", b"whole"))
    (folder / digest(b"the whole story")).write_bytes(b"the whole st")
    (folder / "copy-0123").write_bytes(b"half of something large")
    assert [one.name for one in adopted(spool)] == ["whole"]
    assert folders(spool) == []
    assert len(list(spool.settled())) == 1


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ('{"sha256": "ab', "the journal was cut off in the middle of a line"),
        ("\0\0\0\0", "the disk gave zeros after a loss of power"),
        ("\udcff\udcfe", "or anything"),
        ("", "or nothing"),
    ],
)
def test_a_journal_that_was_cut_off(spool: Spool, rest: str, why: str) -> None:
    folder = died(spool, Arrival("first", b"first"), Arrival("second", b"second"))
    lines = filter(None, (folder / JOURNAL).read_text().splitlines())
    kept = next(line for line in lines if json.loads(line)["name"] == "first")
    (folder / JOURNAL).write_bytes(f"{kept}\n{rest}".encode("utf-8", "surrogateescape"))
    found = adopted(spool)
    assert [(one.name, one.received_at) for one in found] == [("first", NOW), (FOUND_NAME, LATER)], why


def test_without_a_journal(spool: Spool) -> None:
    folder = died(spool, Arrival("first", b"first"))
    (folder / JOURNAL).unlink()
    assert adopted(spool) == [Spooled(digest(b"first"), 5, FOUND_NAME, LATER)]


def test_two_names_for_the_same_bytes_of_a_dead_run(spool: Spool) -> None:
    died(spool, Arrival("a", b"same"), Arrival("b", b"same"))
    assert [one.name for one in adopted(spool)] == ["a", "b"]


def test_a_dead_run_whose_files_had_settled_in_part(spool: Spool) -> None:
    incoming = spool.receive().__enter__()
    found = incoming.put([Arrival("a", b"a"), Arrival("b", b"b")], NOW)
    incoming.settle([found[0][0].sha256])
    assert incoming._lock is not None
    os.close(incoming._lock)
    assert [one.name for one in adopted(spool)] == ["a", "b"], "whether the ledger had heard of the first is for the ledger to know"
    assert len(list(spool.settled())) == 2


def test_the_journal_is_emptied_when_all_is_settled(spool: Spool) -> None:
    """A watch lives for months: its journal must not grow, nor tell a dead run's heir of what was settled long ago."""
    with spool.receive() as incoming:
        first = incoming.put([Arrival("a", b"a")], NOW)
        second = incoming.put([Arrival("b", b"b")], NOW)
        assert incoming.is_waiting
        incoming.settle(one.sha256 for one, _ in first)
        assert [name for _, name, _ in spool.waiting()] == ["b"]
        incoming.settle(one.sha256 for one, _ in second)
        assert not incoming.is_waiting
        assert (incoming._folder / JOURNAL).stat().st_size == 0
        incoming.put([Arrival("c", b"c")], NOW)
        assert list(spool.waiting()) == [(digest(b"c"), "c", NOW)]


def test_another_name_for_settled_bytes_outlives_its_run(spool: Spool) -> None:
    """No file waits for it, only a line of the journal: a mail that brings what came before must still be dealt with."""
    with spool.receive() as incoming:
        found = incoming.put([Arrival("first", b"same")], NOW)
        incoming.settle(one.sha256 for one, _ in found)
    with spool.receive() as incoming:
        incoming.put([Arrival("second", b"same", MailOrigin("example.org", "mx.example.com", True, "why"))], NOW)
    (again,) = adopted(spool)
    assert (again.name, again.received_at, again.origin) == ("second", NOW, MailOrigin("example.org", "mx.example.com", True, "why"))
    assert folders(spool) == []


def test_a_journal_line_that_the_disk_cut_off_spoils_no_other(spool: Spool) -> None:
    with spool.receive() as incoming:
        incoming.put([Arrival("a", b"a")], NOW)
        with (incoming._folder / JOURNAL).open("ab") as journal:
            journal.write(b'\n{"sha256": "0123')  # as a full disk leaves it
        incoming.put([Arrival("b", b"b")], NOW)
    assert [one.name for one in adopted(spool)] == ["a", "b"]


def test_since_when_and_why_it_is_offline(spool: Spool) -> None:
    assert spool.offline() is None
    spool.gone_offline(NOW, "the disk is full")
    spool.gone_offline(LATER, "the ledger is locked")
    assert spool.offline() == (NOW, "the ledger is locked"), "the first time, the latest reason"
    assert list(spool.settled()) == []
    spool.back_online()
    spool.back_online()
    assert spool.offline() is None
    (spool.root / "offline.json").write_bytes(b"\0\0")
    assert spool.offline() is None, "a note that cannot be read is none"


def test_a_living_run_is_left_alone(spool: Spool) -> None:
    with spool.receive() as incoming:
        incoming.put([Arrival("a", b"a")], NOW)
        assert list(spool.abandoned()) == []
        assert spool.alive() == {incoming.run}
        incoming.settle([digest(b"a")])
    assert spool.alive() == set()


def test_a_living_run_of_another_process_is_left_alone_until_it_is_killed(spool: Spool) -> None:
    code = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from dmarcscope.intake.paths import Arrival\nfrom dmarcscope.store.spool import Spool\n"
        "incoming = Spool(Path(sys.argv[1])).receive().__enter__()\nincoming.put([Arrival('a', b'a')], datetime.now(UTC))\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(spool.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert adopted(spool) == []
        assert len(spool.alive()) == 1
        process.kill()
    assert [one.name for one in adopted(spool)] == ["a"]


def test_asking_who_lives_disturbs_nobody_and_makes_nothing(spool: Spool) -> None:
    folder = died(spool, Arrival("a", b"a"))
    (folder / LOCK).chmod(0o400)
    assert not is_held(folder / LOCK)
    assert not is_held(folder / "no-such-lock")
    assert not (folder / "no-such-lock").exists()
    held = try_lock(folder / LOCK)
    assert held is not None
    assert is_held(folder / LOCK)
    assert list(spool.abandoned()) == [], "another run looks after it already"
    os.close(held)
    assert len(adopted(spool)) == 1


def test_a_run_is_never_seen_before_it_is_locked(spool: Spool) -> None:
    """Many begin and end while others look for the dead: nobody loses a folder to them."""
    stop = threading.Event()
    taken: list[Spooled] = []
    troubles: list[BaseException] = []

    def look() -> None:
        try:
            while not stop.is_set():
                taken.extend(adopted(spool))
                spool.alive()
        except BaseException as error:  # noqa: BLE001 (told below)
            troubles.append(error)

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for number in range(60):
            data = str(number).encode()
            with spool.receive() as incoming:
                incoming.put([Arrival(str(number), data)], NOW)
                incoming.settle([digest(data)])
    finally:
        stop.set()
        for watcher in watchers:
            watcher.join()
    assert troubles == []
    assert taken == [], "no living run was taken for a dead one"
    assert len(list(spool.settled())) == 60


def test_a_file_too_large_to_hold_is_copied(spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_HELD", 1000)
    monkeypatch.setattr(module, "CHUNK", 64)
    data = bytes(range(256)) * 5
    (tmp_path / "large").write_bytes(data)
    with spool.receive() as incoming:
        found = incoming.put([Arrival("large", tmp_path / "large"), Arrival("small", b"small")], NOW)
        assert found[0] == (Spooled(digest(data), len(data), "large", NOW), None), "its bytes are not held"
        incoming.settle(one.sha256 for one, _ in found)
    assert spool.read(digest(data)) == data
    assert spool.read_held(digest(data)) is None
    assert spool.read_held(digest(b"small")) == b"small"


def test_a_disk_that_is_full_leaves_no_half_of_a_file(spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("NOT TESTED: no /dev/full on this system")
    monkeypatch.setattr(os, "fsync", lambda _: os.write(os.open("/dev/full", os.O_WRONLY), b"x"))
    with pytest.raises(OSError, match="No space left"):
        module.write_durably(tmp_path / "file", b"data")
    assert not (tmp_path / "file").exists()


def test_a_source_that_cannot_be_read_is_named(spool: Spool, tmp_path: Path) -> None:
    with spool.receive() as incoming, pytest.raises(SetupError, match=r"gone\.xml"):
        incoming.put([Arrival("gone.xml", tmp_path / "gone.xml")], NOW)
    with spool.receive() as incoming, pytest.raises(SetupError, match="directory"):
        incoming.put([Arrival("folder", tmp_path)], NOW)


def test_a_folder_that_was_taken_away_meanwhile(spool: Spool) -> None:
    """Two look at the same dead run: the second finds nothing, and nothing breaks."""
    folder = died(spool, Arrival("a", b"a"))
    second = Incoming(spool, folder, None)
    assert len(adopted(spool)) == 1
    assert second.recover(LATER) == []
    second.settle([digest(b"a")])
    assert spool.read(digest(b"a")) == b"a"
