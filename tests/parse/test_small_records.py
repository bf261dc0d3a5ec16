"""TLS-RPT, BIMI and MX records: a table for each, with a reason on each row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.parse.bimi import bimi_record, bimi_records
from dmarcscope.parse.mx_record import mx_records
from dmarcscope.parse.tls_rpt import tls_rpt_record, tls_rpt_records

# A record, where reports go, the codes of its problems, why.
TLS_RPT: list[tuple[str, list[str], list[str], str]] = [
    ("v=TLSRPTv1; rua=mailto:tls@example.com", ["mailto:tls@example.com"], [], "as in RFC 8460 §3"),
    ("v=TLSRPTv1;rua=https://example.com/tls", ["https://example.com/tls"], [], "over https"),
    ("v=TLSRPTv1; rua=mailto:a@example.com,https://example.com/", ["mailto:a@example.com", "https://example.com/"], [], "both"),
    ("v=TLSRPTv1", [], ["no-rua"], "nobody is named"),
    ("v=TLSRPTv1; rua=tls@example.com", [], ["no-mailto"], "an address alone"),
    ("v=TLSRPTv1; rua=ftp://example.com/", [], ["not-deliverable"], "neither of the two"),
    ("v=tlsrptv1; rua=mailto:a@example.com", [], ["not-tls-rpt"], "letter for letter"),
    ("v=TLSRPTv1 rua=mailto:a@example.com", [], ["not-tls-rpt"], "no semicolon"),
    ("", [], ["not-tls-rpt"], "nothing"),
]
LOGO, CERTIFICATE = "https://example.com/logo.svg", "https://example.com/vmc.pem"
# A record, whether it is valid, its logo, whether it declines, the codes of its problems, why.
BIMI: list[tuple[str, bool, str, bool, list[str], str]] = [
    (f"v=BIMI1; l={LOGO}; a={CERTIFICATE};", True, LOGO, False, [], "logo and certificate"),
    (f"v=BIMI1; l={LOGO}", True, LOGO, False, ["no-certificate"], "self-asserted"),
    ("v=BIMI1; l=; a=;", True, "", True, [], "declined"),
    ("v=BIMI1; l=;", True, "", True, [], "declined without a"),
    ("v=BIMI1", False, "", False, ["no-logo"], "no logo"),
    ("v=BIMI1; l=http://example.com/logo.svg; a=" + CERTIFICATE, False, "", False, ["bad-uri"], "not https"),
    ("v=BIMI1; l=https://example.com/logo.png; a=" + CERTIFICATE, True, "https://example.com/logo.png", False, ["not-svg"], "a PNG"),
    (f"v=BIMI1; l={LOGO}; a={CERTIFICATE}; avp=team", True, LOGO, False, ["bad-preference"], "no preference"),
    (f"v=bimi1; l={LOGO}", False, "", False, ["not-bimi"], "letter for letter"),
    ("", False, "", False, ["not-bimi"], "nothing"),
]
# MX records, hosts, whether mail is taken at all, the codes of the problems, why.
MX: list[tuple[list[str], tuple[tuple[int, str], ...], bool, list[str], str]] = [
    ([], (), False, [], "no records are no null MX"),
    (["20 B.example.com.", "10 a.example.com"], ((10, "a.example.com"), (20, "b.example.com")), False, [], "lowest first"),
    (["0 ."], (), True, [], "the null MX (RFC 7505)"),
    (["0 "], (), True, [], "the null MX without its final dot"),
    (["0 .", "10 a.example.com"], ((10, "a.example.com"),), False, ["null-mx-not-alone"], "both at once"),
    (["10 192.0.2.1"], ((10, "192.0.2.1"),), False, ["mx-address"], "an address"),
    (["mail"], (), False, [], "no MX record"),
]


@pytest.mark.parametrize(("text", "uris", "codes", "why"), TLS_RPT, ids=range(len(TLS_RPT)))
def test_tls_rpt(text: str, uris: list[str], codes: list[str], why: str) -> None:
    record = tls_rpt_record(text)
    assert ([uri.text for uri in record.rua], [problem.code for problem in record.problems]) == (uris, codes), why


@pytest.mark.parametrize(("text", "valid", "logo", "declined", "codes", "why"), BIMI, ids=range(len(BIMI)))
def test_bimi(text: str, valid: bool, logo: str, declined: bool, codes: list[str], why: str) -> None:
    record = bimi_record(text)
    assert (record.is_valid, record.logo, record.declined) == (valid, logo, declined), why
    assert [problem.code for problem in record.problems] == codes, why


@pytest.mark.parametrize(("records", "hosts", "null", "codes", "why"), MX, ids=range(len(MX)))
def test_mx(records: list[str], hosts: tuple[tuple[int, str], ...], null: bool, codes: list[str], why: str) -> None:
    found = mx_records(records)
    assert (found.hosts, found.null, [problem.code for problem in found.problems]) == (hosts, null, codes), why


@given(st.text())
def test_no_text_raises(text: str) -> None:
    for each in (text, f"v=TLSRPTv1;{text}", f"v=BIMI1;{text}"):
        tls_rpt_record(each)
        bimi_record(each)
        tls_rpt_records([each])
        bimi_records([each])
        mx_records([each, f"10 {each}"])
