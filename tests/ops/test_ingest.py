"""What an ingest tells and leaves behind: every artefact accounted for, once, whatever comes with it."""

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from storeworld import SMALL, ask, facts, packed, put, report, table_lines, take_in, write_world, zipped

from dmarcscope.errors import SetupError
from dmarcscope.intake.paths import Arrival
from dmarcscope.ops import ingest as verb
from dmarcscope.ops.ingest import ingest
from dmarcscope.ops.replay import replay
from dmarcscope.store import spool
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.spool import Spooled

NOW = datetime(2026, 5, 4, tzinfo=UTC)
STATES = ("stored", "duplicate", "superseded", "sidelined", "ignored")
DRIVER = Path(__file__).parents[1] / "kill" / "driver.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "in"
    write_world(folder, 90)
    return folder


def states(root: Path) -> dict[str, str]:
    """The state of each artefact by the end of its name."""
    with StoreFiles(root, SMALL) as store:
        return {Path(row["name"]).name: row["state"] for row in store.ledger.rows("SELECT name, state FROM artefacts")}


def reason(root: Path, name: str) -> str:
    with StoreFiles(root, SMALL) as store:
        rows = store.ledger.rows("SELECT name, reason FROM artefacts")
        return next(row["reason"] or "" for row in rows if Path(row["name"]).name == name)


def messages(root: Path) -> int:
    with StoreFiles(root, SMALL) as store:
        found = ask(store, "SELECT coalesce(sum(count), 0) AS messages FROM records")[0]["messages"]
        assert found == store.ledger.totals()["messages"]
        return int(found)


def test_the_outcome_sums_up_and_a_second_run_is_all_duplicates(world: Path, root: Path) -> None:
    count = len(list(world.iterdir()))
    first = take_in(root, world)
    assert first.artefacts == count == sum(getattr(first, state) for state in STATES)
    assert all(getattr(first, state) for state in STATES), "the world has all sorts"
    before = facts(root)
    assert {state: before.totals[state] for state in STATES} == {state: getattr(first, state) for state in STATES}
    second = take_in(root, world)
    assert second.artefacts == second.duplicate == count
    assert (second.reports, second.records, second.messages) == (0, 0, 0)
    assert facts(root) == before


def test_two_jobs_store_what_one_stores(world: Path, tmp_path: Path) -> None:
    one, two = take_in(tmp_path / "one", world), take_in(tmp_path / "two", world, jobs=2)
    assert {**one.as_dict(), "seconds": 0} == {**two.as_dict(), "seconds": 0}
    assert facts(tmp_path / "one") == facts(tmp_path / "two")


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_the_size_of_batches_changes_nothing(size: int, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in(tmp_path / "usual", world)
    monkeypatch.setattr(verb, "CHUNK_ARTEFACTS", 5)
    monkeypatch.setattr(verb, "BATCH_ARTEFACTS", size * 5)
    monkeypatch.setattr(verb, "CHUNK_BYTES", 2000)
    take_in(tmp_path / "other", world)
    assert facts(tmp_path / "other") == facts(tmp_path / "usual")


def test_the_same_report_in_another_container_is_a_duplicate(root: Path, tmp_path: Path) -> None:
    data = report(1)
    found = take_in(root, put(tmp_path / "in", a__xml=data, b__gz=gzip.compress(data, mtime=0), c__zip=zipped({"x.xml": data})))
    assert (found.stored, found.duplicate, found.reports) == (1, 2, 1)
    assert facts(root).totals["reports"] == 1


def test_the_same_bytes_under_another_name_are_a_duplicate_that_says_of_what(root: Path, tmp_path: Path) -> None:
    take_in(root, put(tmp_path / "in", a__xml=report(1), b__xml=report(1)))
    assert states(root) == {"a.xml": "stored", "b.xml": "duplicate"}
    assert reason(root, "b.xml").endswith("a.xml")


def test_two_reports_and_a_bad_member_in_one_zip(root: Path, tmp_path: Path) -> None:
    members = {"one.xml": report(1), "bad.xml.gz": b"\x1f\x8b\x08\x00broken", "two.xml": report(2)}
    found = take_in(root, put(tmp_path / "in", a__zip=zipped(members)))
    assert (found.stored, found.reports, found.partly) == (1, 2, 1), "what can be read counts, and the rest is told"
    assert "bad.xml.gz" in reason(root, "a.zip")
    assert len(facts(root).lines) == 6


@pytest.mark.parametrize("together", [True, False], ids=["in one run", "in two runs"])
def test_the_later_version_counts(together: bool, root: Path, tmp_path: Path) -> None:
    source = put(tmp_path / "in", a__xml=report(1, version=1), z__xml=report(7))
    if not together:
        take_in(root, source)
    take_in(root, put(source, b__xml=report(1, version=2)))
    assert states(root) == {"a.xml": "superseded", "b.xml": "stored", "z.xml": "stored"}
    assert "later version" in reason(root, "a.xml")
    only = take_in(tmp_path / "only", put(tmp_path / "latest", b__xml=report(1, version=2), z__xml=report(7)))
    assert messages(root) == only.messages
    assert table_lines(root) == table_lines(tmp_path / "only")
    facts(root)


def test_a_report_that_does_not_say_which_it_is_never_supersedes(root: Path, tmp_path: Path) -> None:
    versions = {f"{version}__xml": report(1, version=version, report_id=None) for version in (1, 2)}
    found = take_in(root, put(tmp_path / "in", **versions))
    assert (found.stored, found.superseded) == (2, 0)


def test_reports_without_records_are_stored_and_can_be_superseded(root: Path, tmp_path: Path) -> None:
    take_in(root, put(tmp_path / "a", a__xml=report(1, records=0)))
    assert messages(root) == 0
    take_in(root, put(tmp_path / "b", b__xml=report(1)))
    assert messages(root) > 0
    take_in(root, put(tmp_path / "c", c__xml=report(1, records=0, version=3).replace(b"mill.example</email>", b"m@mill.example</email>")))
    assert messages(root) == 0, "the latest counts, and it is empty"
    assert states(root) == {"a.xml": "superseded", "b.xml": "superseded", "c.xml": "stored"}
    facts(root)


def test_a_replay_of_everything_changes_nothing(world: Path, root: Path) -> None:
    take_in(root, world)
    before = facts(root)
    with StoreFiles(root, SMALL) as store:
        replay(store, everything=True)
    after = facts(root)
    assert (after.totals, after.lines, after.artefacts, after.states) == (before.totals, before.lines, before.artefacts, before.states)


def test_a_replay_that_died_before_it_read_anything_is_made_good_by_the_next_ingest(world: Path, root: Path, tmp_path: Path) -> None:
    take_in(root, world)
    before = facts(root)
    with StoreFiles(root, SMALL) as store:
        store.ledger.reopen([one.artefact_id for one in store.ledger.artefacts(STATES, with_refused=False)], "dead")
    take_in(root, put(tmp_path / "none"))
    after = facts(root)
    assert (after.totals, after.lines, after.states) == (before.totals, before.lines, before.states)


def test_an_artefact_whose_bytes_are_gone_does_not_stop_the_others(world: Path, root: Path, tmp_path: Path) -> None:
    with StoreFiles(root, SMALL) as store:
        store.create()
        store.ledger.receive([Spooled("ab" * 32, 10, "gone.xml", NOW)], "dead")
    found = take_in(root, world)
    assert found.artefacts == len(list(world.iterdir())) + 1
    assert states(root)["gone.xml"] == "sidelined"
    assert "cannot be read from the spool" in reason(root, "gone.xml")
    assert "ingest it again" in reason(root, "gone.xml")


def test_what_is_replayed_without_its_bytes_stays_stored(root: Path, tmp_path: Path) -> None:
    take_in(root, put(tmp_path / "in", a__xml=report(1)))
    with StoreFiles(root, SMALL) as store:
        next(store.spool.settled()).unlink()
        replay(store, everything=True)
        assert store.ledger.totals()["stored"] == 1
    assert messages(root) > 0


def test_an_artefact_too_large_to_hold_is_kept_and_sidelined(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "LARGEST_HELD", 4000)
    big = report(1, records=40)
    take_in(root, put(tmp_path / "in", a__xml=big, b__xml=report(2, records=1)))
    assert states(root) == {"a.xml": "sidelined", "b.xml": "stored"}
    assert len(facts(root).spool) == 2
    monkeypatch.undo()
    with StoreFiles(root, SMALL) as store:
        assert replay(store).stored == 1
    assert states(root) == {"a.xml": "stored", "b.xml": "stored"}


def test_a_name_that_is_no_utf_8_is_taken_in(root: Path) -> None:
    with StoreFiles(root, SMALL) as store:
        ingest(store, [Arrival("caf\udce9.xml", report(1))])
    assert states(root) == {"caf\\udce9.xml": "stored"}


def test_a_file_that_cannot_be_read_is_the_operators_fault_and_loses_nothing(root: Path, tmp_path: Path) -> None:
    good = put(tmp_path / "in", a__xml=report(1)) / "a.xml"
    with StoreFiles(root, SMALL) as store, pytest.raises(SetupError, match=r"gone\.xml"):
        ingest(store, [Arrival("a", good), Arrival("gone.xml", tmp_path / "gone.xml")])
    take_in(root, good)
    assert facts(root).totals["stored"] == 1


def test_the_same_name_and_bytes_twice_in_one_run_count_once(root: Path) -> None:
    arrivals = [Arrival("a", report(1)), Arrival("b", report(2)), Arrival("a", report(1))]
    with StoreFiles(root, SMALL) as store:
        found = ingest(store, arrivals)
    assert (found.artefacts, found.stored, found.duplicate, found.reports) == (3, 2, 1, 2)
    facts(root)


def test_a_batch_that_died_pending_is_not_hidden_by_a_later_one(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run A lives while run B dies between noting a batch and storing it. A's next commit has a higher number than B's batch."""
    monkeypatch.setattr(verb, "CHUNK_ARTEFACTS", 1)
    monkeypatch.setattr(verb, "BATCH_ARTEFACTS", 1)
    lost = report(50)

    def arrive() -> Iterator[Arrival]:
        yield Arrival("a", report(1))
        with StoreFiles(root, SMALL) as other:
            code = (
                "import os, sys\nfrom pathlib import Path\nfrom dmarcscope.intake.paths import Arrival\n"
                "from dmarcscope.ops.ingest import ingest\nfrom dmarcscope.store.files import StoreFiles\n"
                "from dmarcscope.store.records import RecordTable\nRecordTable.append = lambda *_: os._exit(137)\n"
                "ingest(StoreFiles(Path(sys.argv[1])), [Arrival('lost', Path(sys.argv[2]))])\n"
            )
            (tmp_path / "lost.xml").write_bytes(lost)
            died = subprocess.run([sys.executable, "-c", code, str(root), str(tmp_path / "lost.xml")], check=False, timeout=60)
            assert died.returncode == 137
            assert other.ledger.pending_batches() != []
        yield Arrival("b", report(2))

    with StoreFiles(root, SMALL) as store:
        ingest(store, arrive())
    take_in(root, put(tmp_path / "none"))
    assert facts(root).totals["reports"] == 3
    assert states(root)["lost"] == "stored"


def test_two_processes_at_once_take_in_all_of_it_once(world: Path, root: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in world.iterdir())
    third = len(names) // 3
    for number, part in enumerate((names[: 2 * third], names[third:])):  # the middle third is in both
        folder = put(tmp_path / f"part-{number}")
        for name in part:
            (folder / name).write_bytes((world / name).read_bytes())
    commands = [[sys.executable, str(DRIVER), str(root), str(tmp_path / f"part-{number}"), "1"] for number in (0, 1, 0)]
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for command in commands]
    for process in processes:
        assert process.communicate(timeout=120)[1] == b""
        assert process.returncode == 0
    found = facts(root)
    take_in(tmp_path / "alone", tmp_path / "part-0", tmp_path / "part-1")
    alone = facts(tmp_path / "alone")
    assert {key: found.totals[key] for key in ("artefacts", "ignored", "reports")} == {
        key: alone.totals[key] for key in ("artefacts", "ignored", "reports")
    }
    assert found.spool == alone.spool
    assert found.artefacts == alone.artefacts


def test_two_runs_at_once_leave_none_of_their_arrivals_out_of_the_count(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "CHUNK_ARTEFACTS", 2)

    def arrive() -> Iterator[Arrival]:
        yield Arrival("a", report(1))
        yield Arrival("b", report(2))
        with StoreFiles(root, SMALL) as other:
            ingest(other, [Arrival("a", report(1)), Arrival("c", report(3))])
        yield Arrival("d", report(4))

    with StoreFiles(root, SMALL) as store:
        found = ingest(store, arrive())
    assert found.artefacts == 3
    assert (found.stored, found.duplicate) == (2, 1), "the other run was quicker with one of them"
    assert facts(root).totals["reports"] == 4


def test_readers_see_whole_batches_only(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each report has three records: a reader that sees a count not divisible sees half a batch."""
    monkeypatch.setattr(verb, "CHUNK_ARTEFACTS", 5)
    monkeypatch.setattr(verb, "BATCH_ARTEFACTS", 10)
    seen: list[int] = []
    done = threading.Event()
    with StoreFiles(root, SMALL) as store:
        store.create()

    def watch() -> None:
        with StoreFiles(root, SMALL) as reader:
            while not done.is_set():
                seen.append(ask(reader, "SELECT count(*) AS lines FROM records")[0]["lines"])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with StoreFiles(root, SMALL) as store:
            ingest(store, [Arrival(str(number), packed(number, report(number))[1]) for number in range(120)])
    finally:
        done.set()
        watcher.join()
    assert seen == sorted(seen)
    assert len(set(seen)) > 3, "it looked while the batches came"
    assert all(count % 30 == 0 for count in seen)
