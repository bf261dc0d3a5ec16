"""Every file of the shared quirks gives the numbers that a careful reader reports, and says what is odd."""

import json
from pathlib import Path
from typing import Any

import pytest

from dmarcscope.errors import ReportError
from dmarcscope.intake.unpack import unpack
from dmarcscope.model.aggregate import AggregateReport
from dmarcscope.parse.aggregate import parse_reports

QUIRKS = Path(__file__).parents[3] / "shared" / "quirks"
if not QUIRKS.is_dir():
    pytest.skip("no ../shared/quirks beside this checkout", allow_module_level=True)

EXPECTED: dict[str, dict[str, Any]] = json.loads((QUIRKS / "expected.json").read_text(encoding="utf-8"))
MUST_REFUSE = "79-billion-laughs.xml"

NO_DEFECT = {
    "01-baseline.xml": "nothing is odd",
    "02-no-xml-decl.xml": "XML 1.0 needs no declaration",
    "07-latin1-declared.xml": "declared as it is",
    "08-cp1252-declared.xml": "declared as it is",
    "10-utf16.xml": "declared as it is",
    "11-rfc9990-ns.xml": "RFC 9990 as written",
    "13-ns-legacy.xml": "namespaces are no reliable mark, so none is wrong",
    "14-ns-prefixed.xml": "a declared prefix",
    "16-disposition-pass-nons.xml": "RFC 9990 knows the word, with or without its namespace",
    "26-spf-scope-helo.xml": "RFC 7489 knows the scope",
    "28-spf-missing.xml": "the element itself is optional",
    "29-spf-two.xml": "several are allowed",
    "31-auth-results-empty.xml": "RFC 9990 allows no results at all",
    "37-reason-two.xml": "several are allowed",
    "56-pct-empty.xml": "an empty policy field says as much as a missing one",
    "58-sp-empty.xml": "an empty policy field says as much as a missing one",
    "59-adkim-missing.xml": "optional",
    "65-metadata-error.xml": "an error that the reporter tells is a fact",
    "67-version-after.xml": "read wherever it stands under feedback",
    "68-extra-unknown-elems.xml": "counted among the unknown elements",
    "71-entity-amp.xml": "escaped as it must be",
}
"""Files whose oddity is no departure from a standard; those about containers are the intake's."""


def read(name: str) -> tuple[list[AggregateReport], list[str], list[str]]:
    found = unpack((QUIRKS / name).read_bytes())
    reports, reasons = [], [refusal.reason for refusal in found.refusals]
    for leaf in found.leaves:
        try:
            reports += parse_reports(leaf.data)
        except ReportError as error:
            reasons.append(str(error))
    return reports, reasons, [note for leaf in found.leaves for note in leaf.notes]


@pytest.mark.parametrize("name", [name for name in EXPECTED if name != MUST_REFUSE])
def test_numbers(name: str) -> None:
    reports, reasons, _ = read(name)
    assert not reasons
    assert sum(report.messages for report in reports) == EXPECTED[name]["messages"]
    passed = sum(record.count or 0 for report in reports for record in report.records if record.dmarc_pass)
    assert passed == EXPECTED[name]["dmarc_pass"]


def test_entity_bomb_is_refused() -> None:
    reports, reasons, _ = read(MUST_REFUSE)
    assert not reports
    assert "entities" in " ".join(reasons)


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.endswith(".xml") and name != MUST_REFUSE])
def test_departures_are_said(name: str) -> None:
    reports, _, notes = read(name)
    defects = [str(defect) for report in reports for defect in report.defects]
    assert bool(defects or notes) != (name in NO_DEFECT), (defects, NO_DEFECT.get(name))
