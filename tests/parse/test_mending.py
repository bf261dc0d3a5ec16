"""Records that are mended: what is offered is free of errors, and changes nothing that was right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.model.problem import Severity
from dmarcscope.parse.adding_uri import names, with_uri
from dmarcscope.parse.dmarc_record import DMARC, dmarc_record
from dmarcscope.parse.mending import mended_dmarc, mended_spf
from dmarcscope.parse.spf_record import spf_record
from dmarcscope.parse.zone_line import txt_line

DMARC_TEXTS = [
    ("v=DMARC1; p=reject; rua=mailto:a@b.example", "", "nothing to mend"),
    ("v=DMARC1; p=rejct; rua=mailto:a@b.example", "v=DMARC1; p=reject; rua=mailto:a@b.example", "a slip of the pen"),
    ("v=DMARC1; p=nothing; rua=mailto:a@b.example", "", "nobody knows what was meant"),
    ("v=DMARC1; rua=mailto:a@b.example", "v=DMARC1; p=none; rua=mailto:a@b.example", "counts as none anyway"),
    ("v=DMARC1; p=reject; sp=none; rua=mailto:a@b.example", "", "a weaker policy is the owner's decision"),
    (
        "v=DMARC1; p=none; rua=a@b.example, mailto: c@d.example,",
        "v=DMARC1; p=none; rua=mailto:a@b.example,mailto:c@d.example",
        "both addresses",
    ),
    (
        "v=DMARC1; p=none; p=reject; rua=mailto:a@b.example",
        "v=DMARC1; p=none; rua=mailto:a@b.example",
        "the first counts, for those who take any",
    ),
    ("v=DMARC1;p=none;;rua=mailto:a@b.example", "", "only semicolons: not worth a change by itself"),
]


@pytest.mark.parametrize(("text", "better", "why"), DMARC_TEXTS)
def test_dmarc(text, better, why):
    assert mended_dmarc(text, dmarc_record(text).problems) == better, why


SPF_TEXTS = [
    ("v=spf1 mx -all", "", "nothing to mend"),
    ("v=spf1 mx", "v=spf1 mx ~all", "an end"),
    ("v=spf1 mx redirect=a.example", "", "redirect is an end"),
    ("v=spf1 ip:192.0.2.1 mx mx -all", "v=spf1 ip4:192.0.2.1 mx -all", "a slip, and a term that stands there twice"),
    ("v=spf1 a: -all", "", "nobody knows which host"),
    ("v=spf1 +all", "v=spf1 ~all", "nobody wants that"),
]


@pytest.mark.parametrize(("text", "better", "why"), SPF_TEXTS)
def test_spf(text, better, why):
    assert mended_spf(text) == better, why


PIECES = st.sampled_from(
    ["v=DMARC1", "p=none", "p=x", "sp=reject", "rua=mailto:a@b.example", "rua=a@b.example", ",", "=", "t=y", "é", "\x1b", '"']
)
RECORDS = st.lists(PIECES | st.text(max_size=10), max_size=12).map("; ".join)


@given(RECORDS)
def test_whatever_is_offered_for_dmarc_is_free_of_errors(text):
    better = mended_dmarc(text, dmarc_record(text).problems)
    if better:
        assert DMARC.opening.match(better)
        assert not [each for each in dmarc_record(better).problems if each.severity is Severity.ERROR]
        assert txt_line("_dmarc.example.com", better).isascii()


TERMS = st.sampled_from(["mx", "a:", "ip:192.0.2.1", "include=a.example", "+all", "-all", "redirect=b.example", "all:x", "é", "\x1b"])


@given(st.lists(TERMS | st.text(max_size=10), max_size=12).map(lambda terms: " ".join(["v=spf1", *terms])))
def test_whatever_is_offered_for_spf_is_free_of_errors(text):
    better = mended_spf(text)
    if better:
        assert not [each for each in spf_record(better).problems if each.severity is Severity.ERROR]


@given(RECORDS, st.sampled_from(["rua", "ruf"]))
def test_an_added_address_is_there_and_added_once(text, tag):
    uri = "mailto:new@example.net"
    added = with_uri(text, tag, uri)
    assert names(added, tag, uri)
    assert with_uri(added, tag, uri) == added


@given(st.text(), st.text())
def test_a_line_is_printable_whatever_it_holds(name, text):
    line = txt_line(name, text)
    assert line.isascii()
    assert line.isprintable()
