"""Reporters' verdicts beside recomputed ones: every record counted, nothing that was reported changed."""

from pathlib import Path

import pytest
from dnsworld import offline, record, report
from storeworld import SMALL, ask, put, take_in

from dmarcscope.enrich.suffixes import packaged_suffixes
from dmarcscope.ops.alignment import alignment, record_batches
from dmarcscope.ops.resolve import resolve
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows, rows_of

HONEST = (
    record("8.8.8.8", dkim="s1@example.com", verdicts=("pass", "pass"), count=5),
    record("8.8.8.8", author="news.example.com", dkim="s1@example.com", spf="vendor.example", verdicts=("pass", "fail")),
    record("9.9.9.9", dkim="a@vendor.example", spf="vendor.example"),
)
WRONG = (
    record("9.9.9.9", dkim="a@vendor.example", spf="vendor.example", verdicts=("pass", "fail"), count=7),
    record("8.8.8.8", author="news.example.com", dkim="s1@example.com", verdicts=("fail", "fail")),
    record("8.8.8.8", dkim="s1@example.com", verdicts=("pass", "pass")),
)


@pytest.fixture
def store(tmp_path: Path):
    folder = put(tmp_path / "in", a__xml=report(*HONEST), b__xml=report(*WRONG, number=1, reporter="careless.example"))
    take_in(tmp_path / "store", folder)
    with StoreFiles(tmp_path / "store", SMALL) as opened:
        yield opened


def found(store: StoreFiles) -> dict[str, tuple[int, int, int, int]]:
    answer = rows(alignment(store, Filter()))
    return {row["reporter"]: (row["records"], row["agree"], row["disagree"], row["unknown"]) for row in answer}


def test_a_reporter_who_errs_is_found(store, tmp_path):
    before = ask(store, "SELECT * FROM records")
    resolve(store, offline(tmp_path / "zones"), Filter())
    assert found(store) == {"careless.example": (3, 1, 2, 0), "mill.example": (3, 3, 0, 0)}
    first = rows(alignment(store, Filter()))[0]
    assert (first["reporter"], first["dkim_disagree"], first["spf_disagree"], first["messages"]) == ("careless.example", 2, 1, 9)
    assert any("9.9.9.9 as example.com: DKIM reported aligned, found not aligned" in example for example in first["examples"])
    assert ask(store, "SELECT * FROM records") == before, "what was reported stays as it is"


def test_what_nobody_asked_is_unknown(store):
    assert found(store) == {"careless.example": (3, 1, 1, 1), "mill.example": (3, 2, 0, 1)}, "names alone decide some"


def test_every_record_with_both_verdicts(store, tmp_path):
    resolve(store, offline(tmp_path / "zones"), Filter())
    schema, batches = record_batches(store, Filter())
    each = list(rows_of(batches))
    assert [(row["report_key"], row["line"]) for row in each] == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
    assert [row["standing"] for row in each] == ["agree", "agree", "agree", "disagree", "disagree", "agree"]
    assert each[3]["dkim_aligned"] is True
    assert each[3]["dkim_recomputed"] is False
    assert each[4]["dkim_recomputed"] is True
    assert list(each[0]) == schema.names
    assert len(list(rows_of(record_batches(store, Filter("news.example.com"))[1]))) == 2
    assert len(list(rows_of(record_batches(store, Filter(), 4)[1]))) == 4


def test_the_packaged_list_says_its_date():
    suffixes = packaged_suffixes()
    assert suffixes.dated >= "2025-01-01"
    assert [suffixes.suffix_of(name) for name in ("a.example.co.uk", "example.com", "a.b.nosuchending")] == ["co.uk", "com", "nosuchending"]
