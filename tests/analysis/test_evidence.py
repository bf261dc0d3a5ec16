"""What the results of a record come to: whose identities passed or failed, kept apart."""

import pytest
from judging import organizational_of, signature

from dmarcscope.analysis.evidence import identities, is_list_name
from dmarcscope.model.evidence import Evidence, SpfResult


def made(dkim="", spf=(), author="news.example.com", reasons=(), aligned=""):
    signatures = tuple(signature(one) for one in dkim.split(",") if one)
    return identities(Evidence(author, "dkim" in aligned, "spf" in aligned, signatures, tuple(spf), reasons), organizational_of)


SORTED = [
    ("the author's own", "pass s1@example.com", "own_passed"),
    ("below the author", "pass s1@a.news.example.com", "own_passed"),
    ("failing is not passing", "fail s1@example.com", "own_failed"),
    ("permerror is a failure, too", "permerror s1@example.com", "own_failed"),
    ("policy is a failure, too", "policy s1@example.com", "own_failed"),
    ("an unknown word is no pass", "hardfail s1@example.com", "own_failed"),
    ("another's that passes", "pass s1@other.example", "other_passed"),
    ("another's that fails", "temperror s1@other.example", "other_failed"),
    ("a name that only ends alike", "pass s1@notexample.com", "other_passed"),
]


@pytest.mark.parametrize(("why", "dkim", "where"), SORTED, ids=[one[0] for one in SORTED])
def test_signatures_are_sorted(why, dkim, where):
    found = made(dkim)
    filled = [name for name in ("own_passed", "own_failed", "other_passed", "other_failed") if getattr(found, name)]
    assert filled == [where], why


@pytest.mark.parametrize("dkim", ["none s1@example.com", "pass", "fail"], ids=["no signature", "passed, no domain", "failed, no domain"])
def test_what_names_nobody_is_left_out(dkim):
    found = made(dkim)
    assert (found.own_passed, found.own_failed, found.other_passed, found.other_failed) == ((), (), (), ())


def test_one_key_that_is_reported_twice_is_one():
    assert made("pass s1@example.com,pass s1@example.com,pass s2@example.com").own_passed == (("example.com", "s1"), ("example.com", "s2"))


STATES = [
    ("nothing", {}, "missing", "missing"),
    ("aligned, as the receiver saw it", {"aligned": "dkim spf"}, "aligned", "aligned"),
]


@pytest.mark.parametrize(("why", "told", "dkim", "spf"), STATES, ids=[one[0] for one in STATES])
def test_states(why, told, dkim, spf):
    found = made(**told)
    assert (found.dkim_state, found.spf_state) == (dkim, spf), why


@pytest.mark.parametrize(
    ("dkim", "state"),
    [("fail s1@example.com,pass s1@other.example", "failing"), ("pass s1@other.example", "other"), ("fail s1@other.example", "missing")],
)
def test_failing_for_the_author_is_not_passing_for_another(dkim, state):
    assert made(dkim).dkim_state == state


SPF = [
    (
        "MAIL FROM goes before HELO",
        (SpfResult("helo.other.example", "helo", "pass"), SpfResult("example.com", "mfrom", "fail")),
        ("example.com", "fail"),
        "own-fail",
    ),
    ("HELO where there is no other", (SpfResult("mail.example.com", "helo", "pass"),), ("mail.example.com", "pass"), "own-pass"),
    (
        "one that passed before others",
        (SpfResult("a.example", None, "fail"), SpfResult("b.example", None, "pass")),
        ("b.example", "pass"),
        "other",
    ),
    ("a result without a domain names nobody", (SpfResult(None, None, "pass"),), (None, None), "missing"),
    ("no result is told", (SpfResult("example.com", None, None),), ("example.com", None), "own-unknown"),
    ("the error is told", (SpfResult("example.com", None, "permerror"),), ("example.com", "permerror"), "own-permerror"),
]


@pytest.mark.parametrize(("why", "spf", "counts", "state"), SPF, ids=[one[0] for one in SPF])
def test_the_spf_result_that_counts(why, spf, counts, state):
    found = made(spf=spf)
    assert ((found.spf_domain, found.spf_result), found.spf_state) == (counts, state), why


def test_spf_that_fails_for_another_names_nobody():
    found = made(spf=(SpfResult("other.example", None, "fail"),))
    assert (found.spf_passed, found.spf_other, found.nothing_passed) == (None, None, True)


REASONS = [
    (("local_policy",), ""),
    (("local_policy arc",), "arc"),
    (("local_policy", "mailing_list"), "mailing-list"),
    (("mailing_list", "local_policy arc"), "arc"),
    (("forwarded",), "forwarded"),
    (("sampled_out", "other"), ""),
    (("MAILING_LIST",), ""),
]


@pytest.mark.parametrize(("given", "word"), REASONS, ids=["+".join(one[0]) for one in REASONS])
def test_reasons(given, word):
    assert made(reasons=given).override == word


def test_without_an_author_nothing_is_own():
    found = made("pass s1@example.com", (SpfResult("example.com", None, "pass"),), author=None)
    assert (found.author, found.own_passed, found.spf_own) == (None, (), False)
    assert found.other_passed == (("example.com", "s1"),)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lists.example.net", True),
        ("a.mailman.example.net", True),
        ("list", False),
        ("example.list", False),
        ("listing.example", False),
        (None, False),
    ],
)
def test_names_of_lists(name, expected):
    assert is_list_name(name) == expected
