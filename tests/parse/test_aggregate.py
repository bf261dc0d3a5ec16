"""Every vector comes out as ``expected.json`` says; the two ways agree; whatever the bytes, only ReportError is raised."""

import importlib.util
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcscope.errors import ReportError
from dmarcscope.model.aggregate import AggregateReport, Defect
from dmarcscope.model.words import Dialect
from dmarcscope.parse import aggregate, xml
from dmarcscope.parse.aggregate import parse_reports, read_careful, read_plain
from dmarcscope.parse.defects import MAX_KINDS
from dmarcscope.parse.head import MAX_ERRORS
from dmarcscope.parse.values import MAX_TEXT
from dmarcscope.tables.flatten import flatten

VECTORS = Path(__file__).parents[1] / "vectors" / "aggregate"
EXPECTED: dict[str, dict[str, Any]] = json.loads((VECTORS / "expected.json").read_text(encoding="utf-8"))
PLAIN = (VECTORS / "001-plain.xml").read_bytes()
SMALL = [path.read_bytes() for path in sorted(VECTORS.glob("*.xml")) if path.stat().st_size < 10_000]


def load_make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_aggregate_vectors", VECTORS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def careful(data: bytes) -> list[AggregateReport]:
    return [read_careful(document) for document in xml.documents(data)]


def vector(part: str) -> AggregateReport:
    (path,) = VECTORS.glob(f"[0-9]*-{part}.xml")
    return parse_reports(path.read_bytes())[0]


def has(defects: list[Defect], field: str, problem: str) -> bool:
    return any(defect.field == field and problem in defect.problem for defect in defects)


@pytest.mark.parametrize("name", EXPECTED)
def test_vector(name: str) -> None:
    row, data = EXPECTED[name], (VECTORS / name).read_bytes()
    if row["refused"]:
        with pytest.raises(ReportError, match=re.escape(row["refused"])):
            parse_reports(data)
        return
    reports = parse_reports(data)
    records = [record for report in reports for record in report.records]
    passed = sum(record.count or 0 for record in records if record.dmarc_pass)
    found = (len(reports), len(records), sum(report.messages for report in reports), passed)
    assert found == (row["reports"], row["records"], row["messages"], row["dmarc_pass"]), row["why"]
    defects = [defect for report in reports for defect in report.defects]
    missed = [(field, problem) for field, problem in row["defects"] if not has(defects, field, problem)]
    assert not missed, (row["why"], [str(defect) for defect in defects])
    assert row["defects"] or not defects, "a report without an oddity has no defect"
    assert flatten(reports)["count"].to_pylist() == [record.count for record in records], "conservation"


@pytest.mark.parametrize("name", [name for name, row in EXPECTED.items() if not row["refused"]])
def test_both_ways_agree_on_vectors(name: str) -> None:
    data = (VECTORS / name).read_bytes()
    plain = read_plain(data)
    assert plain is None or [plain] == careful(data)


def test_vectors_are_what_their_script_makes() -> None:
    make = load_make()
    assert {path.name: path.read_bytes() for path in VECTORS.glob("[0-9]*.xml")} == make.files()
    assert json.loads(json.dumps(make.expected())) == EXPECTED


FACTS: list[tuple[str, Callable[[AggregateReport], object], object, str]] = [
    ("cp1252-declared", lambda r: r.metadata.org_name, "Müller € GmbH", "decoded as declared"),
    ("utf-16-bom", lambda r: r.metadata.org_name, "reporter.example", "wide text"),
    ("cdata", lambda r: r.metadata.org_name, "A & B <C> <record>", "CDATA is text"),
    ("bare-ampersand", lambda r: r.metadata.org_name, "Smith & Sons", "the name as meant"),
    ("raw-less-than", lambda r: r.metadata.org_name, "a < b", "the name as meant"),
    ("report-id-escaped-brackets", lambda r: r.metadata.report_id, "<1@reporter.example>", "kept whole"),
    ("report-id-raw-brackets", lambda r: r.metadata.report_id, "<1@reporter.example>", "kept whole"),
    ("report-id-raw-word", lambda r: r.metadata.report_id, "<a1b2>", "kept whole"),
    ("metadata-errors", lambda r: r.metadata.errors, ("one", "two"), "all errors"),
    ("extension-with-known-names", lambda r: r.metadata.email, "dmarc@reporter.example", "not the extension's"),
    ("extension-with-known-names", lambda r: r.dialect, Dialect.RFC9990, "only RFC 9990 knows extensions"),
    ("namespace-rfc9990", lambda r: r.dialect, Dialect.RFC9990, "by namespace"),
    ("version-missing", lambda r: r.dialect, Dialect.DRAFT, "by version"),
    ("unknown-elements", lambda r: r.unknown_elements, {"invention": 1}, "counted"),
    ("policy-domain-idn", lambda r: r.policy.domain, "xn--bcher-kva.example", "A-labels"),
    ("pct-empty", lambda r: r.policy.pct, None, "empty is absent"),
    ("ip6-port", lambda r: r.records[0].source_ip, "2001:db8::1", "canonical"),
    ("ip-mapped", lambda r: r.records[0].source_ip, "192.0.2.1", "canonical"),
    ("ip-bogus", lambda r: r.records[0].source_ip, "999.1.1.1", "as written"),
    ("ip-empty", lambda r: r.records[0].source_ip, None, "absent"),
    ("count-zero", lambda r: r.records[0].count, 0, "zero is a number"),
    ("count-missing", lambda r: r.records[0].count, None, "never a zero or a one"),
    ("verdict-none", lambda r: r.records[0].dkim_aligned, False, "not aligned"),
    ("verdict-missing", lambda r: r.records[0].dmarc_pass, None, "unknown, not fail"),
    ("verdict-in-invention", lambda r: r.records[0].dkim_aligned, None, "no verdict from elsewhere"),
    ("verdict-in-extension", lambda r: r.records[0].dkim_aligned, None, "no verdict from an extension"),
    ("disposition-upper-case", lambda r: r.records[0].disposition, "none", "lower case"),
    ("disposition-unknown", lambda r: r.records[0].disposition, "15", "as written"),
    ("reason-two", lambda r: [x.type for x in r.records[0].reasons], ["forwarded", "other"], "all reasons"),
    ("reason-unknown", lambda r: r.records[0].reasons[0], ("arc", "c"), "type and comment"),
    ("spf-several", lambda r: [x.scope for x in r.records[0].spf], ["mfrom", "helo"], "all checks"),
    ("spf-hardfail", lambda r: r.records[0].spf[0].result, "hardfail", "as written"),
    ("spf-bare", lambda r: r.records[0].spf_aligned, False, "auth_results is no verdict"),
    ("dkim-thirty", lambda r: len(r.records[0].dkim), 30, "all signatures"),
    ("human-result-escaped", lambda r: r.records[0].spf[0].human_result, "<a> & b", "unescaped once"),
    ("value-one-megabyte", lambda r: len(r.records[0].spf[0].human_result or ""), MAX_TEXT, "bounded"),
    ("header-from-one-megabyte", lambda r: len(r.records[0].header_from or ""), MAX_TEXT, "bounded"),
    ("header-from-idn", lambda r: r.records[0].header_from, "xn--bcher-kva.example", "A-labels"),
    ("identities", lambda r: r.records[0].header_from, "example.com", "read under the other name"),
    (
        "dates-milliseconds",
        lambda r: r.metadata.begin and r.metadata.begin.isoformat(),
        "2026-01-05T00:00:00+00:00",
        "UTC",
    ),
    ("dates-iso", lambda r: r.metadata.end and r.metadata.end.isoformat(), "2026-01-05T23:59:59+00:00", "UTC"),
    ("policy-twice", lambda r: r.policy.domain, "example.com", "the first"),
]


@pytest.mark.parametrize(("name", "fact", "value", "why"), FACTS)
def test_fact(name: str, fact: Callable[[AggregateReport], object], value: object, why: str) -> None:
    assert fact(vector(name)) == value, why


def test_external_entity_is_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP-SECRET")
    declared = f'<!DOCTYPE feedback [<!ENTITY x SYSTEM "{secret.as_uri()}">]><feedback>'.encode()
    parameter = f'<!DOCTYPE feedback [<!ENTITY % x SYSTEM "{secret.as_uri()}"> %x;]><feedback>'.encode()
    dtd = f'<!DOCTYPE feedback SYSTEM "{secret.as_uri()}"><feedback>'.encode()
    include = f'<feedback xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{secret.as_uri()}" parse="text"/>'
    for start in (declared, parameter, dtd, include.encode()):
        data = PLAIN.replace(b"<feedback>", start).replace(b"20260105.1", b"&x;")
        try:
            found = repr(parse_reports(data))
        except ReportError as error:
            found = str(error)
        assert "TOP-SECRET" not in found


MANY = 1 << 19
HEAD = PLAIN[: PLAIN.index(b"<record>")]
RECORD = PLAIN[PLAIN.index(b"<record>") : PLAIN.index(b"</record>") + 9]
HOSTILE: list[tuple[bytes, str]] = [
    (HEAD + b"<record>" * (MANY // 8) + b"</feedback>", "deeper than any tree may be"),
    (HEAD + b"<record " * (MANY // 8) + b"</feedback>", "libxml2's recovery alone takes quadratic time over these"),
    (HEAD + b"<x " * (MANY // 3) + b"</feedback>", "and over these"),
    (b"<feedback>" * (MANY // 10), "each would cost a parser"),
    (HEAD + RECORD + b"</feedback" + b" " * MANY + b"x" + b"</feedback " * 100, "blanks and no end"),
    (HEAD + RECORD + (b"</record" + b" " * 2000) * (MANY // 2008), "blanks and no end"),
    (b"<feedback " + b" ".join(b'a%d="1"' % n for n in range(100_000)) + b">" + HEAD[50:], "attributes"),
    (HEAD + b"<a>" * 100_000 + b"</a>" * 100_000 + RECORD + b"</feedback>", "nested deep"),
    (HEAD + b"<a/>" * (MANY // 4) + RECORD + b"</feedback>", "many elements make a large tree of a small text"),
    (HEAD + b"&" * MANY + RECORD + b"</feedback>", "ampersands"),
    (HEAD + b"<" * MANY + RECORD + b"</feedback>", "tags that are none"),
    (HEAD + RECORD + b"<!-- " * (MANY // 5) + b"</feedback>", "comments without end"),
    (HEAD + RECORD + b"<![CDATA[" * (MANY // 9) + b"</feedback>", "CDATA without end"),
    (b'<?xml version="1.0" encoding="punycode"?>' + HEAD + b"-" + b"a" * MANY, "a codec in quadratic time"),
    (HEAD + b"".join(b"<record><x%d/></record>" % n for n in range(20_000)) + b"</feedback>", "each of a new shape"),
    (
        HEAD + b"".join(b"<record><count>z%d</count></record>" % n for n in range(15_000)) + b"</feedback>",
        "each odd anew",
    ),
    (
        b"<feedback>" + b"<policy_published>" * 200 + b"<a>x</a>" * 10_000 + b"</policy_published>" * 200 + RECORD,
        "nested policies",
    ),
    (HEAD + b"<error>x</error>" * 10_000 + RECORD + b"</feedback>", "errors without end"),
]


@pytest.mark.parametrize(("data", "why"), HOSTILE, ids=[why for _, why in HOSTILE])
def test_hostile_input_ends(data: bytes, why: str) -> None:
    """Each took seconds to minutes before its limit was there; the suite's own time tells when one comes back."""
    try:
        (report,) = parse_reports(data)
    except ReportError:
        return
    assert len(report.defects) <= MAX_KINDS + 1, why
    assert len(report.unknown_elements) <= MAX_KINDS + 1, why
    assert len(report.metadata.errors) <= MAX_ERRORS, why


def test_defects_of_records_are_counted_once_when_recovery_reads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregate, "BLOCK", 1)  # so that the strict way has converted records before it fails
    report = parse_reports(PLAIN.replace(b"<count>4<", b"<count> 4 <").replace(b"</feedback>", b"<x></feedback>"))[0]
    assert [defect.records for defect in report.defects if defect.field == "count"] == [1]


def test_large_report_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregate, "BLOCK", 3)
    data = HEAD + RECORD * 10 + b"</feedback>"
    plain = read_plain(data)
    assert plain is not None
    assert [plain] == careful(data)
    assert plain.messages == 40


# Whatever the bytes, only ReportError is raised; what comes out can be put in a table without loss.


def check(data: bytes) -> None:
    try:
        reports = parse_reports(data)
    except ReportError:
        return
    plain = read_plain(data)
    if plain is not None:
        assert [plain] == careful(data)
    table = flatten(reports)
    assert sum(count or 0 for count in table["count"].to_pylist()) == sum(report.messages for report in reports)
    assert table.num_rows == sum(len(report.records) for report in reports)
    for report in reports:
        for record in report.records:
            assert record.count is None or record.count >= 0
    if b"<!" not in data and b"<?" not in data[4:] and len(reports) == data.lower().count(b"<feedback"):
        begun = len(xml.RECORD_START.findall(xml.decode(data[data.lower().index(b"<feedback") :])[0]))
        read = sum(len(report.records) for report in reports)
        assert read >= begun or any(defect.field in ("record", "feedback") for report in reports for defect in report.defects)


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda data: b"<feedback>" + data))
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes(data: bytes) -> None:
    check(data)


@given(st.text(alphabet="<>/&;![]-? =\"'abx0:\0\n", max_size=200))
@settings(max_examples=300, deadline=None)
def test_arbitrary_markup(text: str) -> None:
    check(HEAD + b"<record>" + text.encode() + b"</record></feedback>")


INSERTED = st.sampled_from(
    [
        *(
            b"< > & </ <record> </record> <feedback> </feedback> <!-- --> <!--x--> <![CDATA[ ]]> <? ?> <record/> <RECORD> &#xD800; &#0; &#65; "
            b"<count>9</count> <dkim>pass</dkim> <extension> \0 \xff \x1c"
        ).split(b" "),
        b"\r",
        b" ",
    ]
)


@given(st.sampled_from(SMALL), st.lists(st.tuples(st.integers(0, 2), st.floats(0, 1), INSERTED), max_size=5))
@settings(max_examples=600, deadline=None)
def test_mutated_reports(data: bytes, changes: list[tuple[int, float, bytes]]) -> None:
    for kind, place, piece in changes:
        at = int(place * len(data))
        flipped = bytes([data[at] ^ 1 << len(piece) % 8]) if at < len(data) else b""
        middle = (piece + data[at:], flipped + data[at + 1 :], data[at + 20 * len(piece) :])[kind]
        data = data[:at] + middle
    check(data)


@pytest.mark.parametrize("seed", range(4))
def test_cut_anywhere(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(60):
        cut = rng.randrange(len(PLAIN))
        check(PLAIN[:cut])
        whole = PLAIN[:cut].count(b"</record>")
        try:
            read = len(parse_reports(PLAIN[:cut])[0].records)
        except ReportError:
            read = 0
        assert read >= whole, cut


def test_no_more_records_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregate, "MAX_RECORDS", 3)
    for start in (b"", b"<!-- the careful way -->"):
        assert len(parse_reports(start + HEAD[HEAD.index(b"<feedback") :] + RECORD * 3 + b"</feedback>")[0].records) == 3
        with pytest.raises(ReportError, match="MAX_RECORDS"):
            parse_reports(start + HEAD[HEAD.index(b"<feedback") :] + RECORD * 4 + b"</feedback>")
