"""Records become lines: all of them, in order, with the report's facts beside each, and nothing absent made up."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcscope.model.aggregate import (
    AggregateReport,
    DkimSignature,
    PolicyPublished,
    Reason,
    Record,
    ReportMetadata,
    SpfCheck,
)
from dmarcscope.model.words import Dialect
from dmarcscope.parse.aggregate import parse_reports
from dmarcscope.tables.columns import NO_MONTH, RECORDS_SCHEMA
from dmarcscope.tables.flatten import flatten, renumbered

VECTORS = Path(__file__).parents[1] / "vectors" / "aggregate"
NOTHING = Record(None, None, None, None, None, None, None, None, (), (), ())
FULL = NOTHING._replace(
    source_ip="192.0.2.1",
    count=4,
    dkim_aligned=False,
    spf_aligned=True,
    reasons=(Reason("forwarded", None), Reason("other", "c")),
    dkim=(DkimSignature("a.example", "s", "pass", None), DkimSignature("b.example", None, "fail", "bad")),
    spf=(SpfCheck("a.example", "mfrom", "pass", None),),
)


def lines(reports: list[AggregateReport]) -> pa.RecordBatch:
    """The lines of the reports, checked in full, as the Arrow that can check and compare."""
    batch = flatten(reports)
    assert batch.schema == RECORDS_SCHEMA
    found = pa.record_batch(batch)
    found.validate(full=True)
    return found


def report(*records: Record, begin: datetime | None = None) -> AggregateReport:
    return AggregateReport(ReportMetadata(org_name="r", begin=begin), PolicyPublished(domain="a.example"), records, Dialect.RFC7489)


@pytest.mark.parametrize("reports", [[], [report()], [report(), report()]], ids=["none", "no records", "two without records"])
def test_empty_input_is_an_empty_table(reports: list[AggregateReport]) -> None:
    assert lines(reports).num_rows == 0
    assert renumbered(flatten(reports), [5] * len(reports)).num_rows == 0


def test_lines_keep_their_order_number_and_report() -> None:
    table = lines([report(FULL, NOTHING), report(), report(FULL)])
    assert table["report_key"].to_pylist() == [0, 0, 2]
    assert table["line"].to_pylist() == [1, 2, 1]


KEYS = [
    ([7, 8, 9], [7, 7, 9], "each report its own"),
    ([None, 8, 9], [9], "what has no key is left out"),
    ([7, None, None], [7, 7], "the first or the last"),
    ([None, None, None], [], "or all"),
]


@pytest.mark.parametrize(("keys", "found", "why"), KEYS)
def test_renumbered(keys: list[int | None], found: list[int], why: str) -> None:
    batch = pa.record_batch(renumbered(flatten([report(FULL, NOTHING), report(), report(FULL)]), keys))
    batch.validate(full=True)
    assert batch["report_key"].to_pylist() == found, why


def test_lists_keep_every_result() -> None:
    row = lines([report(NOTHING, FULL)]).to_pylist()[1]
    assert row["reasons"] == [reason._asdict() for reason in FULL.reasons]
    assert row["dkim"] == [signature._asdict() for signature in FULL.dkim]
    assert row["spf"] == [check._asdict() for check in FULL.spf]


def test_what_is_absent_is_null() -> None:
    row = lines([report(NOTHING)]).to_pylist()[0]
    given_values = {"report_key": 0, "month": NO_MONTH, "reporter": "r", "policy_domain": "a.example", "line": 1}
    empty_lists: dict[str, object] = {"reasons": [], "dkim": [], "spf": []}
    assert {name: value for name, value in row.items() if value is not None} == given_values | empty_lists


PASSES = [
    (True, False, True, "either is enough"),
    (False, True, True, "either is enough"),
    (True, None, True, "the other does not matter"),
    (False, False, False, "both are known to fail"),
    (False, None, None, "the unknown one may have passed"),
    (None, None, None, "nothing is known"),
]


@pytest.mark.parametrize(("dkim", "spf", "passed", "why"), PASSES)
def test_dmarc_pass(dkim: bool | None, spf: bool | None, passed: bool | None, why: str) -> None:
    record = NOTHING._replace(dkim_aligned=dkim, spf_aligned=spf)
    assert lines([report(record)])["dmarc_pass"].to_pylist() == [passed] == [record.dmarc_pass], why


MONTHS = [
    (datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC), "2026-01", "UTC decides"),
    (datetime(1, 1, 1, tzinfo=UTC), "0001-01", "the first month there is"),
    (datetime(9999, 12, 31, tzinfo=UTC), "9999-12", "and the last"),
    (None, NO_MONTH, "no begin, no month"),
]


@pytest.mark.parametrize(("begin", "month", "why"), MONTHS)
def test_month(begin: datetime | None, month: str, why: str) -> None:
    table = lines([report(FULL, begin=begin)])
    assert table["month"].to_pylist() == [month], why
    assert table["period_begin"].to_pylist() == [begin], why


TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
VERDICT = st.none() | st.booleans()
COUNT = st.none() | st.integers(0, 2**53)
RECORDS = st.builds(
    Record,
    TEXT,
    COUNT,
    TEXT,
    VERDICT,
    VERDICT,
    TEXT,
    TEXT,
    TEXT,
    st.lists(st.builds(Reason, TEXT, TEXT), max_size=3).map(tuple),
    st.lists(st.builds(DkimSignature, TEXT, TEXT, TEXT, TEXT), max_size=3).map(tuple),
    st.lists(st.builds(SpfCheck, TEXT, TEXT, TEXT, TEXT), max_size=3).map(tuple),
)


def record_of(row: dict[str, Any]) -> Record:
    """The record that a line of the table came from."""
    kinds = {"reasons": Reason, "dkim": DkimSignature, "spf": SpfCheck}
    values: list[Any] = []
    for name in Record._fields:
        value = row[name]
        values.append(tuple(kinds[name](**item) for item in value) if isinstance(value, list) else value)
    return Record(*values)


@given(st.lists(st.lists(RECORDS, max_size=4), max_size=4))
@settings(max_examples=100, deadline=None)
def test_every_record_comes_back(groups: list[list[Record]]) -> None:
    reports = [report(*records) for records in groups]
    table = lines(reports)
    assert [record_of(row) for row in table.to_pylist()] == [record for records in groups for record in records]
    assert sum(count or 0 for count in table["count"].to_pylist()) == sum(each.messages for each in reports)


def test_the_table_of_all_vectors_is_valid() -> None:
    reports = []
    for path in sorted(VECTORS.glob("*.xml")):
        if "entity" not in path.name and "no-f" not in path.name:
            reports += parse_reports(path.read_bytes())
    assert lines(reports).num_rows == sum(len(each.records) for each in reports)
