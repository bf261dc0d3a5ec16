"""The ledger accounts for every artefact, report and batch, one transaction at a time."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from dmarcscope.errors import SetupError, StoreUnavailable
from dmarcscope.store.ledger import FINAL_STATES, SCHEMA_VERSION, Ledger, ReportEntry, Verdict
from dmarcscope.store.spool import FOUND_NAME, Spooled

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ENTRY = ReportEntry(1, "", "i", "a", "mill.example", None, "r-1", "example.com", 0, 86399, "rfc7489", 3, 30, ("pct: 'x'",))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.db", 0.2)
    made.create()
    yield made
    made.close()


def come(name: str, content: str) -> Spooled:
    return Spooled(content * 64, 10, name, NOW)


def states(ledger: Ledger) -> dict[str, str]:
    return {row["name"]: row["state"] for row in ledger.rows("SELECT name, state FROM artefacts")}


def report_states(ledger: Ledger) -> list[tuple[int, str]]:
    return [tuple(row) for row in ledger.rows("SELECT report_key, state FROM reports ORDER BY report_key")]


def test_what_arrives_is_received_once_however_often_it_comes(ledger: Ledger) -> None:
    first = ledger.receive([come("x", "a"), come("y", "b")], "run-1")
    assert [(one.artefact_id, one.state) for one in first] == [(1, "received"), (2, "received")]
    again = ledger.receive([come("y", "b"), come("x", "b")], "run-2")
    assert [(one.artefact_id, one.name) for one in again] == [(2, "y"), (3, "x")], "another name or other bytes: another artefact"
    assert [row["arrivals"] for row in ledger.rows("SELECT arrivals FROM artefacts ORDER BY artefact_id")] == [1, 2, 1]
    assert ledger.totals()["artefacts"] == 3


def test_one_that_came_without_a_name_gets_the_name_under_which_it_comes_again(ledger: Ledger) -> None:
    ledger.receive([come(FOUND_NAME, "a")], "run-1")
    assert [one.artefact_id for one in ledger.receive([come("x", "a")], "run-2")] == [1]
    assert states(ledger) == {"x": "received"}
    ledger.receive([come(FOUND_NAME, "a")], "run-3")
    ledger.receive([come("x", "a")], "run-4")
    assert ledger.totals()["artefacts"] == 2, "a name that is taken stays where it is"


@pytest.mark.parametrize("state", FINAL_STATES)
def test_every_final_state_holds_when_the_artefact_comes_again(ledger: Ledger, state: str) -> None:
    ledger.receive([come("x", "a")], "run-1")
    ledger.finish([Verdict(1, state, "because", refused=2)], [])
    assert [one.state for one in ledger.receive([come("x", "a")], "run-2")] == [state]
    assert ledger.unfinished(set()) == []
    assert ledger.totals()[state] == 1
    assert tuple(ledger.rows("SELECT reason, refused, run FROM artefacts")[0]) == ("because", 2, None)


def test_no_other_state_is_taken(ledger: Ledger) -> None:
    ledger.receive([come("x", "a")], "run-1")
    with pytest.raises(sqlite3.IntegrityError):
        ledger.finish([Verdict(1, "lost")], [])
    assert states(ledger) == {"x": "received"}
    ledger.finish([Verdict(1, "ignored")], [])
    assert states(ledger) == {"x": "ignored"}, "the failed transaction is over"


def test_only_what_the_dead_had_in_hand_is_unfinished(ledger: Ledger) -> None:
    ledger.receive([come("x", "a")], "dead")
    ledger.receive([come("y", "b")], "alive")
    assert [one.name for one in ledger.unfinished({"alive"})] == ["x"]
    ledger.receive([come("x", "a")], "alive")
    assert ledger.unfinished({"alive"}) == [], "it is in another's hands now"
    assert ledger.still_received([1, 2, 99]) == {1, 2}


def test_a_batch_is_pending_then_stored(ledger: Ledger) -> None:
    ledger.receive([come("x", "a")], "run")
    batch, keys = ledger.begin_batch([ENTRY, replace(ENTRY, identity="j", member="b")], [], NOW)
    assert (batch, keys) == (1, [1, 2])
    assert ledger.pending_batches() == [1]
    assert report_states(ledger) == [(1, "pending"), (2, "pending")]
    assert ledger.totals()["messages"] == 0, "what is pending does not count"
    ledger.finish_batch(batch, [Verdict(1, "stored")], [(replace(ENTRY, member="c"), "duplicate")], NOW)
    assert ledger.pending_batches() == []
    assert report_states(ledger) == [(1, "stored"), (2, "stored"), (3, "duplicate")]
    assert {name: ledger.totals()[name] for name in ("reports", "records", "messages", "stored")} == {
        "reports": 2, "records": 6, "messages": 60, "stored": 1,
    }  # fmt: skip


def test_a_batch_that_never_came_to_the_table_is_forgotten_and_its_number_is_not_used_again(ledger: Ledger) -> None:
    ledger.receive([come("x", "a")], "run")
    ledger.begin_batch([ENTRY], [], NOW)
    ledger.abandon_batch(1)
    assert report_states(ledger) == []
    assert states(ledger) == {"x": "received"}
    assert ledger.begin_batch([ENTRY], [], NOW) == (2, [2]), "neither the batch's number nor the report's key"


def test_a_batch_that_came_to_the_table_is_confirmed(ledger: Ledger) -> None:
    ledger.receive([come("x", "a")], "run")
    ledger.begin_batch([ENTRY], [], NOW)
    ledger.confirm_batch(1, NOW)
    assert report_states(ledger) == [(1, "stored")]
    assert states(ledger) == {"x": "received"}, "its verdict is for whoever reads it again"


def test_what_a_batch_replaces_is_superseded(ledger: Ledger) -> None:
    ledger.receive([come("x", "a"), come("y", "b")], "run")
    ledger.begin_batch([ENTRY], [], NOW)
    ledger.finish_batch(1, [Verdict(1, "stored")], [], NOW)
    ledger.begin_batch([replace(ENTRY, artefact_id=2, content="b")], [1], NOW)
    ledger.finish_batch(2, [Verdict(2, "stored")], [], NOW)
    assert report_states(ledger) == [(1, "superseded"), (2, "stored")]
    assert states(ledger) == {"x": "superseded", "y": "stored"}


def test_an_artefact_with_another_report_that_counts_is_not_superseded(ledger: Ledger) -> None:
    ledger.receive([come("x", "a"), come("y", "b")], "run")
    ledger.begin_batch([ENTRY, replace(ENTRY, identity="j", member="2")], [], NOW)
    ledger.finish_batch(1, [Verdict(1, "stored")], [], NOW)
    ledger.begin_batch([replace(ENTRY, artefact_id=2, content="b")], [1], NOW)
    ledger.finish_batch(2, [Verdict(2, "stored")], [], NOW)
    assert states(ledger) == {"x": "stored", "y": "stored"}


def test_an_earlier_reading_of_the_same_member_is_gone_and_one_of_another_member_is_superseded(ledger: Ledger) -> None:
    ledger.receive([come("x", "a")], "run")
    ledger.begin_batch([replace(ENTRY, member="old"), replace(ENTRY, identity="j", member="same")], [], NOW)
    ledger.finish_batch(1, [Verdict(1, "stored")], [], NOW)
    ledger.begin_batch([replace(ENTRY, member="new"), replace(ENTRY, identity="j", member="same")], [1, 2], NOW)
    ledger.finish_batch(2, [Verdict(1, "stored")], [], NOW)
    assert report_states(ledger) == [(1, "superseded"), (3, "stored"), (4, "stored")]


def test_known_reports_are_found_by_identity_and_by_artefact(ledger: Ledger) -> None:
    ledger.receive([come("x", "a"), come("y", "b")], "run")
    ledger.begin_batch([ENTRY, replace(ENTRY, artefact_id=2, identity="j")], [], NOW)
    assert {one.report_key for one in ledger.known_reports(["i"], [])} == {1}
    assert {one.report_key for one in ledger.known_reports(["no"], [2])} == {2}
    assert {one.report_key for one in ledger.known_reports(["i"], [1, 2])} == {1, 2}


def test_each_content_is_given_once_with_the_state_of_its_first_artefact(ledger: Ledger) -> None:
    ledger.receive([come("x", "a"), come("y", "a"), come("z", "b")], "run")
    ledger.finish([Verdict(1, "sidelined", "why"), Verdict(2, "duplicate", refused=1), Verdict(3, "stored", refused=1)], [])
    assert [(one.name, one.state) for one in ledger.artefacts(("sidelined",), with_refused=False)] == [("x", "sidelined")]
    assert [one.name for one in ledger.artefacts(("sidelined",), with_refused=True)] == ["x", "z"]
    assert [one.name for one in ledger.artefacts(FINAL_STATES, with_refused=False)] == ["x", "z"]


def test_the_first_with_the_same_bytes(ledger: Ledger) -> None:
    ledger.receive([come("x", "a"), come("y", "a")], "run")
    found = ledger.first_with_bytes("a" * 64, 2)
    assert found is not None
    assert found.name == "x"
    assert ledger.first_with_bytes("a" * 64, 1) is None


def test_reopened_artefacts_are_received_and_their_duplicates_forgotten(ledger: Ledger) -> None:
    ledger.receive([come("x", "a")], "run")
    ledger.finish([Verdict(1, "duplicate", "why", refused=1)], [(ENTRY, "duplicate")])
    ledger.reopen([1], "again")
    assert report_states(ledger) == []
    assert tuple(ledger.rows("SELECT state, reason, refused, run FROM artefacts")[0]) == ("received", None, 0, "again")


def test_creating_it_again_changes_nothing(ledger: Ledger, tmp_path: Path) -> None:
    ledger.receive([come("x", "a")], "run")
    other = Ledger(tmp_path / "ledger.db", 0.2)
    other.create()
    assert other.totals()["artefacts"] == 1
    other.close()


def test_a_newer_schema_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as connection:
        connection.execute("UPDATE facts SET value = '99' WHERE name = 'schema'")
    other = Ledger(tmp_path / "ledger.db", 0.2)
    for call in (other.create, other.totals, other.pending_batches):
        with pytest.raises(SetupError, match="schema 99"):
            call()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database at all, but long enough to look at" * 50)
    ledger = Ledger(tmp_path / "ledger.db", 0.2)
    for call in (ledger.create, ledger.totals):
        with pytest.raises(SetupError, match="not a ledger"):
            call()
    assert (tmp_path / "ledger.db").read_bytes().startswith(b"no database"), "it is left as it was"


def test_a_damaged_ledger_is_told_from_a_busy_one(ledger: Ledger, tmp_path: Path) -> None:
    ledger.receive([come(str(number), f"{number % 10}") for number in range(2000)], "run")
    ledger.close()
    data = bytearray((tmp_path / "ledger.db").read_bytes())
    data[8192:] = b"\xff" * (len(data) - 8192)
    (tmp_path / "ledger.db").write_bytes(data)
    other = Ledger(tmp_path / "ledger.db", 0.2)
    with pytest.raises(SetupError, match="damaged"):
        other.unfinished(set())
    with pytest.raises(SetupError, match="damaged"):
        other.receive([come("new", "f")], "run")
    other.close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "nowhere" / "ledger.db", 0.2)
    with pytest.raises(StoreUnavailable):
        ledger.totals()


def test_a_ledger_whose_making_was_cut_off(tmp_path: Path) -> None:
    """The file is there, the tables are not: a reader is told, and the next ingest makes them."""
    (tmp_path / "ledger.db").touch()
    ledger = Ledger(tmp_path / "ledger.db", 0.2)
    assert not ledger.is_made()
    with pytest.raises(StoreUnavailable, match="no such table"):
        ledger.totals()
    ledger.create()
    assert ledger.is_made()
    assert ledger.totals()["artefacts"] == 0
    ledger.close()


def test_another_that_writes_is_waited_for_and_then_named(ledger: Ledger, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        ledger.receive([come("x", "a")], "run")
    assert ledger.totals()["artefacts"] == 0, "readers are never blocked"
    other.execute("ROLLBACK")
    other.close()
    ledger.receive([come("x", "a")], "run")


def fail_within(ledger: Ledger, statement: str, error: BaseException) -> None:
    with ledger.transaction() as connection:
        connection.execute(statement)
        raise error


def test_an_error_in_a_transaction_takes_all_of_it_back(ledger: Ledger) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail_within(ledger, "INSERT INTO facts VALUES ('x', 'y')", KeyboardInterrupt())
    assert ledger.rows("SELECT 1 FROM facts WHERE name = 'x'") == []
    ledger.receive([come("x", "a")], "run")


def test_an_error_after_which_sqlite_has_rolled_back_by_itself_is_told_as_it_is(ledger: Ledger) -> None:
    with pytest.raises(StoreUnavailable, match="disk is full"):
        fail_within(ledger, "ROLLBACK", sqlite3.OperationalError("database or disk is full"))
    ledger.receive([come("x", "a")], "run")


def test_a_ledger_of_schema_1_is_brought_up(tmp_path: Path) -> None:
    """As the first release left it; what is in it stays, and opening it is enough."""
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as old:
        for statement in files("dmarcscope.store").joinpath("schema.sql").read_text().split(";\n"):
            old.execute(statement)
        old.execute("INSERT INTO facts VALUES ('schema', '1')")
        old.execute(
            "INSERT INTO artefacts (sha256, name, size, state, received_at, last_seen_at) VALUES ('ab', 'a.xml', 1, 'stored', 't', 't')"
        )
        old.commit()
    for _ in range(2):
        ledger = Ledger(path, 1)
        row = ledger.rows("SELECT name, state, mail_from FROM artefacts")[0]
        assert tuple(row) == ("a.xml", "stored", None)
        assert ledger.rows("SELECT count(*) FROM mails")[0][0] == 0
        assert ledger.rows("SELECT value FROM facts WHERE name = 'schema'")[0][0] == str(SCHEMA_VERSION)
        ledger.close()


def test_a_ledger_of_a_later_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    made = Ledger(path, 1)
    made.create()
    made.close()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("UPDATE facts SET value = '99' WHERE name = 'schema'")
        newer.commit()
    with pytest.raises(SetupError, match=r"schema 99.*a newer dmarcscope"):
        Ledger(path, 1).rows("SELECT 1")
