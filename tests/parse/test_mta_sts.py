"""MTA-STS: the record, the policy, and the mail servers that it names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.model.mta_sts import StsMode
from dmarcscope.parse.mta_sts import LONGEST, allows, sts_policy, sts_record, sts_records

GOOD = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmx: *.example.net\nmax_age: 604800\n"

# A record, its id, the codes of its problems, why.
RECORDS: list[tuple[str, str | None, list[str], str]] = [
    ("v=STSv1; id=20260101T000000;", "20260101T000000", [], "as in RFC 8461 §3.1"),
    ("v=STSv1;id=1", "1", [], "no blanks, no final semicolon"),
    ("v=STSv1", None, ["no-id"], "an id is wanted"),
    ("v=STSv1; id=2026-01-01;", None, ["bad-id"], "letters and digits only"),
    ("v=STSv1; id=" + "1" * 33, None, ["bad-id"], "at most 32"),
    ("v=stsv1; id=1", None, ["not-sts"], "letter for letter"),
    ("v=STSv1; id=1; x=2", "1", ["unknown-tag"], "extensions are ignored"),
    ("", None, ["not-sts"], "nothing"),
]
# A policy, its mode, its mail servers, the codes of its problems, why.
POLICIES: list[tuple[str, str | None, tuple[str, ...], list[str], str]] = [
    (GOOD, "enforce", ("mx.example.com", "*.example.net"), [], "as in RFC 8461 §3.2"),
    (GOOD.replace("\n", "\r\n"), "enforce", ("mx.example.com", "*.example.net"), [], "lines end in CRLF"),
    (GOOD.replace("enforce", "testing"), "testing", ("mx.example.com", "*.example.net"), ["testing"], "testing"),
    ("version: STSv1\nmode: none\nmax_age: 86400\n", "none", (), [], "none needs no mail server"),
    ("version: STSv1\nmode: enforce\nmax_age: 604800", None, (), ["no-mx"], "enforce does"),
    (GOOD.replace("604800", "soon"), None, ("mx.example.com", "*.example.net"), ["bad-max-age"], "no number"),
    (GOOD.replace("604800", "300"), "enforce", ("mx.example.com", "*.example.net"), ["short-max-age"], "soon forgotten"),
    (GOOD.replace("604800", str(LONGEST + 1)), "enforce", ("mx.example.com", "*.example.net"), ["long-max-age"], "above a year"),
    (GOOD.replace("enforce", "enforced"), None, ("mx.example.com", "*.example.net"), ["bad-mode"], "no mode"),
    (GOOD.replace("STSv1", "STSv2"), None, ("mx.example.com", "*.example.net"), ["wrong-version"], "another version"),
    (GOOD + "mode: none\n", "enforce", ("mx.example.com", "*.example.net"), ["repeated-field"], "the first counts"),
    (GOOD + "mx: m*.example.com\n", "enforce", ("mx.example.com", "*.example.net"), ["bad-mx"], "a star is a whole label"),
    (GOOD + "max-age: 1\n", "enforce", ("mx.example.com", "*.example.net"), ["unknown-field"], "a slip"),
    (GOOD + "<html>\n", "enforce", ("mx.example.com", "*.example.net"), ["no-field"], "no field"),
    ("", None, (), ["wrong-version", "bad-mode", "bad-max-age", "no-mx"], "nothing"),
]


@pytest.mark.parametrize(("text", "identity", "codes", "why"), RECORDS, ids=range(len(RECORDS)))
def test_record(text: str, identity: str | None, codes: list[str], why: str) -> None:
    record = sts_record(text)
    assert (record.id, [problem.code for problem in record.problems]) == (identity, codes), why


@pytest.mark.parametrize(("text", "mode", "mx", "codes", "why"), POLICIES, ids=range(len(POLICIES)))
def test_policy(text: str, mode: str | None, mx: tuple[str, ...], codes: list[str], why: str) -> None:
    policy = sts_policy(text)
    assert (policy.mode, policy.mx, [problem.code for problem in policy.problems]) == (mode, mx, codes), why


def test_mail_servers() -> None:
    policy = sts_policy(GOOD)
    allowed = {"mx.example.com", "a.example.net"}
    for host in ("mx.example.com", "a.example.net", "example.net", "a.b.example.net", "mx2.example.com", "com", ""):
        assert allows(policy, host) == (host in allowed), host


def test_choice() -> None:
    assert sts_records(["v=STSv1; id=1", "x"]).text == "v=STSv1; id=1"
    assert sts_records(["v=STSv1; id=1", "v=STSv1; id=2"]).text is None


@given(st.text() | st.text(st.sampled_from(list("version:STSv1\nmodexma_g*. 09"))))
def test_no_text_raises(text: str) -> None:
    for each in (text, GOOD + text, "v=STSv1;" + text):
        sts_record(each)
        policy = sts_policy(each)
        assert policy.mode is None or policy.mx or policy.mode is StsMode.NONE or policy.problems
