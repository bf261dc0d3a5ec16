"""Every file of the shared corpus comes out with the facts that are known of it, or is refused with a reason."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dmarcscope.errors import ReportError
from dmarcscope.intake.unpack import LeafKind, unpack
from dmarcscope.model.aggregate import AggregateReport
from dmarcscope.parse import values, xml
from dmarcscope.parse.aggregate import parse_reports, read_careful, read_plain
from dmarcscope.tables.flatten import flatten

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
if not CORPUS.is_dir():
    pytest.skip("no ../shared/corpus beside this checkout", allow_module_level=True)

EXPECTED: dict[str, dict[str, Any]] = json.loads((CORPUS / "expected.json").read_text(encoding="utf-8"))
READ = ("parse", "parse-empty", "lenient")
KINDS = {"tlsrpt": LeafKind.TLS_REPORT, "ruf": LeafKind.FAILURE_REPORT, "arf-abuse": LeafKind.ABUSE_REPORT}
POLICY = ("adkim", "aspf", "discovery_method", "fo", "np", "p", "pct", "sp", "testing")
UNASSERTED = frozenset({"dialect", "invalid_ips", "n_distinct_ips", "records_without_count", "well_formed", "xml_error"})
"""Facts about the file rather than of the report; ``defects`` and the columns say them in our own way."""

IDENTITIES = "the author stands under <identities>, which expected.json does not look into and we read"
RUA = "danielsen__DmarcRua/dev__testing__resources__dmarc__aggregate__{}.xml"
DIFFERENT: dict[tuple[str, str], str] = {
    (RUA.format("2bcd8fcbd79c40f9b5b39d7ecbb5a3d8"), "header_froms"): IDENTITIES,
    (RUA.format("594c0856490f4891911c8ac56a82d98e"), "header_froms"): IDENTITIES,
    (RUA.format("d4fae9b86fdc44e7ab9c90eb35ac8543"), "header_froms"): IDENTITIES,
}
"""Facts that we know better, each with the reason."""


def read(name: str) -> tuple[list[AggregateReport], list[str]]:
    """The reports in a file, and the reasons why the rest is none."""
    found = unpack((CORPUS / name).read_bytes())
    reports, reasons = [], [refusal.reason for refusal in found.refusals]
    for leaf in found.leaves:
        if leaf.kind is not LeafKind.XML:
            reasons.append(leaf.kind.value)
            continue
        try:
            reports += parse_reports(leaf.data)
        except ReportError as error:
            reasons.append(str(error))
    return reports, reasons


def facts_of(report: AggregateReport) -> dict[str, Any]:
    """What expected.json knows of a report, from ours."""
    metadata, records = report.metadata, report.records
    flags = {name: [getattr(record, flag) for record in records] for name, flag in FLAGS.items()}
    counts = [record.count or 0 for record in records]
    dispositions: Counter[str] = Counter()
    for record in records:
        dispositions[(record.disposition or "").lower()] += record.count or 0
    return {
        "org_name": metadata.org_name,
        "email": metadata.email,
        "report_id": metadata.report_id,
        "begin": metadata.begin and int(metadata.begin.timestamp()),
        "end": metadata.end and int(metadata.end.timestamp()),
        "errors": list(metadata.errors),
        "generator": metadata.generator,
        "domain": report.policy.domain,
        "policy": {name: getattr(report.policy, name) for name in POLICY},
        "version": report.version,
        "namespace": report.namespace,
        "n_records": len(records),
        "sum_counts": report.messages,
        "disposition_messages": dict(dispositions),
        "header_froms": sorted({record.header_from for record in records if record.header_from}),
        "source_ips": sorted({record.source_ip for record in records if record.source_ip}),
        **{f"{name}_messages": sum(c for c, flag in zip(counts, column, strict=True) if flag) for name, column in flags.items()},
        **{f"{name}_records": sum(map(bool, column)) for name, column in flags.items()},
    }


FLAGS = {"dkim_pass": "dkim_aligned", "spf_pass": "spf_aligned", "dmarc_pass": "dmarc_pass"}


def as_ours(name: str, value: Any) -> Any:
    """A fact as written in the file, in the form that we document for it."""
    if name == "header_froms":
        return sorted({values.domain(written).value for written in value})
    if name == "source_ips":
        return sorted({values.source_ip(written).value for written in value if written})
    if name == "disposition_messages":
        return {word.lower(): messages for word, messages in value.items()}
    if name == "policy":
        return {field: value.get(field) or None for field in POLICY}
    if name == "domain":
        return values.domain(value).value if value else None
    return None if value == "" else value


def names(*expectations: str) -> list[str]:
    return [name for name, row in EXPECTED.items() if row["expect"] in expectations and row["kind"] in ("rua", "none")]


@pytest.mark.parametrize("name", names(*READ))
def test_facts(name: str) -> None:
    reports, reasons = read(name)
    expected = EXPECTED[name]["reports"]
    assert len(reports) == EXPECTED[name]["n_reports"], reasons
    wrong = {}
    for report, truth in zip(reports, expected, strict=True):
        ours = facts_of(report)
        unsure = {*truth["uncertain"], *UNASSERTED}
        if "all" in unsure:
            continue
        assert truth["facts"].keys() - ours.keys() <= UNASSERTED, "every kind of fact is compared"
        for fact in truth["facts"].keys() - unsure:
            if ours[fact] != as_ours(fact, truth["facts"][fact]) and (name, fact) not in DIFFERENT:
                wrong[fact] = (ours[fact], truth["facts"][fact])
    assert not wrong


NO_DEFECT = {
    "dmarc-analyzer__dmarc-analyzer/backend__testdata__aggregate_legacy_namespace.xml": 'xmlns="" children: namespaces mark nothing',
}
"""Lenient files whose oddity is none to us."""


@pytest.mark.parametrize("name", [name for name in names("lenient") if name not in NO_DEFECT])
def test_what_was_recovered_is_said(name: str) -> None:
    reports, reasons = read(name)
    assert reasons or all(report.defects for report in reports)


@pytest.mark.parametrize("name", names(*READ))
def test_conservation(name: str) -> None:
    reports, _ = read(name)
    table = flatten(reports)
    assert table.num_rows == sum(len(report.records) for report in reports)
    assert sum(count or 0 for count in table["count"].to_pylist()) == sum(report.messages for report in reports)


@pytest.mark.parametrize("name", names(*READ))
def test_both_ways_agree(name: str) -> None:
    for leaf in unpack((CORPUS / name).read_bytes()).leaves:
        plain = read_plain(leaf.data) if leaf.kind is LeafKind.XML else None
        if plain is not None:
            assert [plain] == [read_careful(document) for document in xml.documents(leaf.data)]


@pytest.mark.parametrize("name", [name for name, row in EXPECTED.items() if row["expect"] in ("reject", "security")])
def test_refused_with_a_reason(name: str) -> None:
    reports, reasons = read(name)
    assert not reports
    assert reasons
    assert all(reasons)


@pytest.mark.parametrize("name", [name for name, row in EXPECTED.items() if row["kind"] in KINDS])
def test_what_is_no_aggregate_report_is_told_by_its_kind(name: str) -> None:
    row = EXPECTED[name]
    reports, reasons = read(name)
    assert not reports
    if row["expect"] not in ("reject", "security"):
        assert KINDS[row["kind"]].value in reasons
