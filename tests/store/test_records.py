"""The record table: a commit is all or nothing, and the engine sees one version of it."""

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dmarcscope.errors import SetupError
from dmarcscope.parse.aggregate import parse_reports
from dmarcscope.store import records as module
from dmarcscope.store.engine import Engine
from dmarcscope.store.records import RecordTable
from dmarcscope.tables.flatten import flatten, renumbered
from dmarcscope.tables.rows import rows

DAY = 86_400


def xml(count: int, day: int, records: int) -> bytes:
    begin = 1_777_852_800 + day * DAY
    record = (
        f"<record><row><source_ip>192.0.2.1</source_ip><count>{count}</count><policy_evaluated><disposition>none</disposition>"
        "<dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>example.com</header_from></identifiers>"
        "<auth_results><spf><domain>example.com</domain><result>fail</result></spf></auth_results></record>"
    )
    return (
        "<feedback><report_metadata><org_name>mill</org_name><report_id>1</report_id><date_range>"
        f"<begin>{begin}</begin><end>{begin + DAY}</end></date_range></report_metadata><policy_published><domain>example.com</domain>"
        f"<p>none</p></policy_published>{record * records}</feedback>"
    ).encode()


def lines(keys: Sequence[int], *, count: int = 1, day: int = 0, records: int = 2) -> Any:
    """Two lines for each report, with its key."""
    (report,) = parse_reports(xml(count, day, records))
    return renumbered(flatten([report for _ in keys]), keys)


@pytest.fixture
def table(tmp_path: Path) -> RecordTable:
    made = RecordTable(tmp_path / "records")
    made.create()
    return made


def ask(table: RecordTable, sql: str) -> list[tuple[Any, ...]]:
    engine = Engine(table)
    try:
        return [tuple(row.values()) for row in rows(engine.ask(sql))]
    finally:
        engine.close()


def held(table: RecordTable) -> list[tuple[int, int]]:
    """Each report's key and the sum of its counts."""
    return [(key, int(total)) for key, total in ask(table, "SELECT report_key, sum(count) FROM records GROUP BY 1 ORDER BY 1")]


def test_an_empty_table_can_be_asked(table: RecordTable) -> None:
    assert table.files() == []
    assert ask(table, "SELECT count(*), sum(count), min(month) FROM records") == [(0, None, None)]
    assert not table.has_batch(1)


def test_making_it_again_changes_nothing(table: RecordTable) -> None:
    table.append(lines([1]), 1)
    table.create()
    assert held(table) == [(1, 2)]


def test_appended_lines_are_there_with_their_batch(table: RecordTable) -> None:
    table.append(lines([1, 2]), 1)
    assert (table.has_batch(1), table.has_batch(2)) == (True, False)
    table.append(lines([3], count=5), 2)
    assert table.has_batch(2)
    assert held(table) == [(1, 2), (2, 2), (3, 10)]


@pytest.mark.parametrize("batch", [1, 7])
def test_a_batch_without_lines_is_a_commit_too(table: RecordTable, batch: int) -> None:
    table.append(lines([1], records=0), batch)
    assert table.has_batch(batch)
    assert held(table) == []


def test_replacing_is_one_commit_and_leaves_the_others_alone(table: RecordTable) -> None:
    table.append(lines([1, 2]), 1)
    table.append(lines([3], day=40), 2)
    before = table.version()
    table.replace(lines([4, 5], count=7, day=1), 3, [1, 3], 4)
    assert held(table) == [(2, 2), (4, 14), (5, 14)]
    assert table.version() == before + 1
    assert table.has_batch(3)


def test_replacing_by_nothing(table: RecordTable) -> None:
    table.append(lines([1, 2]), 1)
    table.replace(lines([3], records=0), 2, [1], 3)
    assert held(table) == [(2, 2)]
    assert table.has_batch(2)


def test_a_reader_keeps_its_version_while_others_write(table: RecordTable) -> None:
    table.append(lines([1]), 1)
    old = table.files()
    table.replace(lines([2], count=9), 2, [1], 2)
    for batch in range(3, 40):
        table.append(lines([batch]), batch)
    table.compact()
    assert all(Path(file).exists() for file in old), "what it reads is there for a week"
    assert not set(old) & set(table.files())


def test_compaction_keeps_every_line_and_batch(table: RecordTable) -> None:
    for batch in range(1, 41):
        table.append(lines([batch], count=batch, day=batch), batch)
    before, files = held(table), len(table.files())
    table.compact()
    assert held(table) == before
    assert len(table.files()) < files
    assert len(table.files()) == len(ask(table, "SELECT DISTINCT month FROM records"))
    assert table.has_batch(40)
    assert not table.has_batch(41)
    again = table.version()
    table.compact()
    assert table.version() == again, "there is nothing to do"


def test_what_a_failed_commit_left_behind_goes_after_a_week_and_not_before(table: RecordTable) -> None:
    table.append(lines([1]), 1)
    month = Path(table.files()[0]).parent
    week = time.time() - (module.KEEP_HOURS + 1) * 3600
    for name, age in (("part-old.parquet", week), ("part-new.parquet", time.time())):
        (month / name).write_bytes(b"half")
        os.utime(month / name, (age, age))
    for batch in range(2, 40):
        table.append(lines([batch]), batch)
    table.compact()
    assert (month / "part-new.parquet").exists()
    assert not (month / "part-old.parquet").exists()
    assert len(held(table)) == 39


def test_partitions_are_months_and_come_back_as_text(table: RecordTable) -> None:
    table.append(lines([1]), 1)
    table.append(lines([2], day=60), 2)
    assert ask(table, "SELECT DISTINCT month FROM records ORDER BY 1") == [("2026-05",), ("2026-07",)]
    assert {Path(file).parent.name for file in table.files()} == {"month=2026-05", "month=2026-07"}


def test_times_come_back_as_utc(table: RecordTable) -> None:
    table.append(lines([1]), 1)
    ((begin,),) = ask(table, "SELECT DISTINCT period_begin FROM records")
    assert begin == datetime(2026, 5, 4, tzinfo=UTC)


@pytest.mark.parametrize("name", ["it's", 'say "x"', "a b", "ü", "a*b?", "a#b&c=d", "(x) {y}; $HOME `z`"])
def test_a_store_with_an_odd_path(name: str, tmp_path: Path) -> None:
    table = RecordTable(tmp_path / name / "records")
    table.root.parent.mkdir()
    table.create()
    table.append(lines([1]), 1)
    table.replace(lines([2]), 2, [1], 2)
    for batch in range(3, 33):
        table.append(lines([batch]), batch)
    table.compact()
    assert [key for key, _ in held(table)] == list(range(2, 33))


def test_an_engine_sees_each_new_version(table: RecordTable) -> None:
    engine = Engine(table)
    for batch in (1, 2, 3):
        table.append(lines([batch]), batch)
        assert rows(engine.ask("SELECT count(*) AS lines FROM records")) == [{"lines": 2 * batch}]
    engine.close()
    assert rows(engine.ask("SELECT count(*) AS lines FROM records WHERE report_key = ?", [2])) == [{"lines": 2}]
    engine.close()


def test_a_stream_gives_all_of_it(table: RecordTable) -> None:
    table.append(lines(range(1, 2001)), 1)
    engine = Engine(table)
    schema, batches = engine.stream("SELECT report_key FROM records")
    assert schema.names == ["report_key"]
    assert sum(batch.num_rows for batch in batches) == 4000
    engine.close()


def test_a_table_that_cannot_be_read_is_named(table: RecordTable) -> None:
    table.append(lines([1]), 1)
    for path in (table.root / "_delta_log").glob("*.json"):
        path.write_text("{no json")
    with pytest.raises(SetupError, match="cannot be read"):
        table.files()


def test_no_table(tmp_path: Path) -> None:
    table = RecordTable(tmp_path / "records")
    assert table.version_or_none() is None
    with pytest.raises(SetupError):
        table.files()
