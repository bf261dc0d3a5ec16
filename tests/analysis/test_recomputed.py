"""Alignment computed anew, beside what was reported."""

import pytest

from dmarcscope.analysis.recomputed import ReporterAlignment, by_reporter, recomputed, remembered
from dmarcscope.model.discovery import Verdict

ALIGNED, NOT, UNKNOWN = Verdict.ALIGNED, Verdict.NOT_ALIGNED, Verdict.UNKNOWN
OWNERS = {
    "example.com": "example.com",
    "mail.example.com": "example.com",
    "vendor.example": "vendor.example",
    "x.vendor.example": "vendor.example",
    "a.city.example": "a.city.example",
    "b.city.example": "city.example",
}


def line(**given) -> dict[str, object]:
    """A line of `queries.verdicts`."""
    base = {
        "reporter": "mill.example",
        "header_from": "example.com",
        "adkim": "r",
        "aspf": "r",
        "dkim_aligned": True,
        "spf_aligned": False,
        "dkim_passed": ["example.com"],
        "dkim_untold": [],
        "dkim_results": 1,
        "spf_passed": ["vendor.example"],
        "spf_untold": [],
        "spf_results": 1,
        "records": 1,
        "messages": 10,
        "report_key": 7,
        "source_ip": "192.0.2.1",
    }
    return {**base, **given}


ROWS = [
    # what is otherwise, DKIM, SPF, why
    ({}, ALIGNED, NOT, "a signature of the domain; SPF of another"),
    ({"dkim_passed": ["mail.example.com"]}, ALIGNED, NOT, "relaxed: the same organizational domain"),
    ({"dkim_passed": ["mail.example.com"], "adkim": "s"}, NOT, NOT, "strict"),
    ({"dkim_passed": ["mail.example.com"], "adkim": "rigid"}, ALIGNED, NOT, "a word that is none counts as relaxed"),
    ({"dkim_passed": ["mail.example.com"], "adkim": None}, ALIGNED, NOT, "without a word too"),
    ({"dkim_passed": ["vendor.example", "example.com"]}, ALIGNED, NOT, "one of several is enough"),
    ({"dkim_passed": []}, NOT, NOT, "no signature passed"),
    ({"dkim_passed": [], "dkim_results": 0}, NOT, NOT, "SPF is told of, so there was no signature"),
    ({"dkim_passed": [], "dkim_results": 0, "spf_passed": [], "spf_results": 0}, UNKNOWN, UNKNOWN, "nothing is told at all"),
    ({"dkim_passed": [], "dkim_untold": ["example.com"]}, UNKNOWN, NOT, "the result is missing"),
    ({"dkim_untold": ["vendor.example"]}, ALIGNED, NOT, "another decides"),
    ({"spf_passed": ["example.com"]}, ALIGNED, ALIGNED, "SPF of the domain"),
    ({"spf_passed": ["mail.example.com"], "aspf": "s"}, ALIGNED, NOT, "strict SPF"),
    ({"spf_passed": ["new.example.com"]}, ALIGNED, UNKNOWN, "nobody has asked whose domain it is"),
    ({"spf_passed": ["new.example.org"]}, ALIGNED, NOT, "whosever it is, it is not that of the author"),
    ({"dkim_passed": ["new.example.com", "example.com"]}, ALIGNED, NOT, "one that is known goes before one that is not"),
    ({"header_from": None}, UNKNOWN, UNKNOWN, "no author domain"),
]


@pytest.mark.parametrize(("given", "dkim", "spf", "why"), ROWS, ids=[row[-1] for row in ROWS])
def test_recomputed(given, dkim, spf, why):
    found = recomputed(line(**given), OWNERS.get, OWNERS.get)
    assert (found.dkim.verdict, found.spf.verdict) == (dkim, spf)
    assert found.dkim.why
    assert found.spf.why
    assert not found.psl_differs


def test_where_the_list_says_otherwise():
    """city.example is a public suffix on the list, and by the tree walk b.city.example belongs to it."""
    by_psl = {"a.city.example": "a.city.example", "b.city.example": "b.city.example", "city.example": "city.example"}.get
    given = line(header_from="b.city.example", dkim_passed=["city.example"], spf_passed=[])
    found = recomputed(given, {**OWNERS, "city.example": "city.example"}.get, by_psl)
    assert (found.dkim.verdict, found.dkim_by_psl.verdict) == (ALIGNED, NOT)
    assert found.psl_differs


STANDINGS = [
    ({}, "agree", "as reported"),
    ({"dkim_aligned": False}, "disagree", "reported as failing, found aligned"),
    ({"spf_aligned": True}, "disagree", "reported as aligned, found not"),
    ({"dkim_aligned": None}, "unknown", "not reported"),
    ({"dkim_aligned": None, "spf_aligned": True}, "disagree", "one that disagrees weighs more than one that is unknown"),
    ({"spf_passed": ["new.example.com"]}, "unknown", "nobody has asked"),
]


@pytest.mark.parametrize(("given", "word", "why"), STANDINGS, ids=[row[-1] for row in STANDINGS])
def test_every_record_counts_once(given, word, why):
    (found,) = by_reporter([line(records=3, **given)], OWNERS.get, OWNERS.get)
    assert {name: getattr(found, name) for name in ("agree", "disagree", "unknown")} == {"agree": 0, "disagree": 0, "unknown": 0, word: 3}
    assert found.records == 3
    assert bool(found.examples) == (word == "disagree")


def test_by_reporter_those_that_disagree_most_first():
    lines = [
        line(reporter="b", records=9),
        line(reporter="a", records=2, dkim_aligned=False, spf_aligned=True),
        line(reporter=None, records=1),
        *(line(reporter="a", dkim_aligned=False) for _ in range(9)),
    ]
    found = by_reporter(lines, OWNERS.get, OWNERS.get)
    assert [(one.reporter, one.records, one.disagree) for one in found] == [("a", 11, 11), ("b", 9, 0), (None, 1, 0)]
    assert (found[0].dkim_disagree, found[0].spf_disagree) == (11, 2)
    assert len(found[0].examples) == 3
    assert found[0].examples[0] == (
        "report 7, 192.0.2.1 as example.com: DKIM reported not aligned, found aligned: the domains are identical"
    )


def test_owners_are_asked_for_once():
    asked = []
    of = remembered(lambda domain: asked.append(domain) or None)
    assert [of("a"), of("a"), of("b")] == [None, None, None]
    assert asked == ["a", "b"]
    assert ReporterAlignment("x").records == 0
