"""What each text means: a table for each reader, with a reason on each row."""

import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.parse import values
from dmarcscope.parse.values import MAX_COUNT, MAX_TEXT, Reading

Row = tuple[str, object, str, str]  # as written, its value, part of the problem ("" if none), why

COUNTS: list[Row] = [
    ("4", 4, "", "plain"),
    ("04", 4, "", "xs:integer allows leading zeros"),
    ("+4", 4, "", "and a plus sign"),
    (" 4\n", 4, "otherwise", "blanks"),
    ("4.0", 4, "otherwise", "a float printed"),
    ("4.", 4, "otherwise", "a float printed by C"),
    ("4.5", None, "not a whole", "half a message"),
    ("0", 0, "no messages", "zero is kept as zero"),
    ("-0", 0, "no messages", "and so is its negative"),
    ("-3", None, "negative", "never subtracted"),
    ("", None, "empty", "never a one"),
    (" ", None, "empty", "never a one"),
    ("many", None, "not a whole", "no number"),
    ("1e3", None, "not a whole", "xs:integer has no exponent"),
    ("1,000", None, "not a whole", "1000 or 1? no guess"),
    ("0x10", None, "not a whole", "no hexadecimal"),
    ("٤", None, "not a whole", "xs:integer is ASCII"),
    (str(MAX_COUNT), MAX_COUNT, "", "the largest"),
    (str(MAX_COUNT + 1), None, "larger", "beyond belief"),
    ("9" * 31, None, "not a whole", "too long to look at"),
    ("9" * 100_000, None, "not a whole", "int() would refuse it"),
]
ADDRESSES: list[Row] = [
    ("192.0.2.1", "192.0.2.1", "", "plain"),
    ("2001:db8::1", "2001:db8::1", "", "canonical"),
    ("2001:DB8:0:0:0:0:0:1", "2001:db8::1", "otherwise", "RFC 5952"),
    ("::ffff:192.0.2.1", "192.0.2.1", "otherwise", "IPv4-mapped"),
    ("::FFFF:c000:201", "192.0.2.1", "otherwise", "IPv4-mapped in hexadecimal"),
    (" 192.0.2.1 ", "192.0.2.1", "otherwise", "blanks"),
    ("[192.0.2.1]", "192.0.2.1", "otherwise", "brackets"),
    ("[2001:db8::1]", "2001:db8::1", "otherwise", "brackets"),
    ("192.0.2.1:25", "192.0.2.1", "otherwise", "port"),
    ("[2001:db8::1]:25", "2001:db8::1", "otherwise", "brackets and port"),
    ("fe80::1%eth0", "fe80::1", "otherwise", "scope"),
    ("192.0.2.0/24", "192.0.2.0", "otherwise", "mask"),
    ("192.0.2.01", "192.0.2.01", "not an IP", "octal or decimal? no guess"),
    ("192.0.2", "192.0.2", "not an IP", "inet_aton would invent an address"),
    ("3221225985", "3221225985", "not an IP", "inet_aton would invent an address"),
    ("999.1.1.1", "999.1.1.1", "not an IP", "bogus"),
    ("unknown", "unknown", "not an IP", "a word"),
    ("192.0.2.1\0", "192.0.2.1\0", "not an IP", "inet_pton raises on NUL"),
    ("", None, "empty", "absent"),
    ("x" * 9999, "x" * MAX_TEXT, "not an IP", "bounded"),
]
DOMAINS: list[Row] = [
    ("example.com", "example.com", "", "plain"),
    ("_dmarc.ex-1.example", "_dmarc.ex-1.example", "", "underscores are used"),
    ("Example.COM", "example.com", "otherwise", "case"),
    ("example.com.", "example.com", "otherwise", "final dot"),
    (" example.com ", "example.com", "otherwise", "blanks"),
    ("bücher.example", "xn--bcher-kva.example", "otherwise", "U-label"),
    ("BÜCHER.example.", "xn--bcher-kva.example", "otherwise", "U-label, case, dot"),
    ("joe@example.com", "joe@example.com", "not a domain", "an address stays as written"),
    ("a..b", "a..b", "not a domain", "an empty label"),
    (".", ".", "not a domain", "the root sends no mail"),
    ("\ufffd.example", "\ufffd.example", "not a domain", "what could not be decoded is not guessed"),
    ("", None, "empty", "absent"),
    ("a." * 126 + "a", "a." * 126 + "a", "", "253 characters, the most"),
    ("a." * 127, "a." * 126 + "a", "otherwise", "as many and a dot"),
    ("a." * 127 + "a", "a." * 127 + "a", "not a domain", "too long"),
    ("ü" * 9999, "ü" * MAX_TEXT, "not a domain", "bounded"),
]
OPTIONAL_DOMAINS: list[Row] = [
    ("", None, "", "the null sender"),
    ("<>", None, "", "the null sender as SMTP writes it"),
    ("example.com", "example.com", "", "a domain"),
]
VERDICTS: list[Row] = [
    ("pass", True, "", "plain"),
    ("fail", False, "", "plain"),
    (" Pass ", True, "otherwise", "case and blanks"),
    ("none", False, "raw result", "never a pass"),
    ("softfail", False, "raw result", "never a pass"),
    ("neutral", False, "raw result", "never a pass"),
    ("temperror", False, "raw result", "never a pass"),
    ("hardfail", False, "raw result", "never a pass"),
    ("", None, "empty", "absent is no fail"),
    ("passed", None, "unknown", "nearly pass is no pass"),
    ("true", None, "unknown", "nor this"),
    ("1", None, "unknown", "nor this"),
]
WORDS: list[Row] = [
    ("none", "none", "", "plain"),
    ("REJECT ", "reject", "otherwise", "case and blanks"),
    ("pass", "pass", "", "RFC 9990"),
    ("Delete", "Delete", "not a word", "kept as written"),
    ("", None, "empty", "absent"),
    ("x" * 9999, "x" * MAX_TEXT, "not a word", "bounded"),
]
MOMENTS: list[Row] = [
    ("1767225600", "2026-01-01T00:00:00+00:00", "", "plain"),
    (" 1767225600 ", "2026-01-01T00:00:00+00:00", "otherwise", "blanks"),
    ("1767225600.9", "2026-01-01T00:00:00+00:00", "otherwise", "fraction"),
    ("1767225600000", "2026-01-01T00:00:00+00:00", "milliseconds", "Java"),
    ("2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00+00:00", "ISO", "offset"),
    ("2026-01-01 00:00:00", "2026-01-01T00:00:00+00:00", "ISO", "no offset means UTC"),
    ("2026-01-01", "2026-01-01T00:00:00+00:00", "ISO", "a date"),
    ("0001-01-01T00:00:00+23:00", None, "not a time", "before all time in UTC"),
    ("-5", None, "no believable", "before 1970"),
    ("9" * 20, None, "no believable", "after the year 9999"),
    ("9" * 21, None, "not a time", "too long to look at"),
    ("", None, "empty", "absent"),
    ("soon", None, "not a time", "a word"),
]
TEXTS: list[Row] = [
    (" a b ", "a b", "", "outer blanks"),
    (" ", None, "", "empty is absent"),
    ("x" * 9999, "x" * MAX_TEXT, "cut after", "bounded"),
]


def written(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value


READERS: list[tuple[Callable[[str], Reading], list[Row]]] = [
    (values.count, COUNTS),
    (values.source_ip, ADDRESSES),
    (values.domain, DOMAINS),
    (values.optional_domain, OPTIONAL_DOMAINS),
    (values.verdict, VERDICTS),
    (values.disposition, WORDS),
    (values.moment, MOMENTS),
    (values.text, TEXTS),
]
ROWS = [(read, *row) for read, rows in READERS for row in rows]


@pytest.mark.parametrize(("read", "raw", "value", "problem", "why"), ROWS, ids=range(len(ROWS)))
def test_reading(read: Callable[[str], Reading], raw: str, value: object, problem: str, why: str) -> None:
    found = read(raw)
    assert written(found.value) == value, why
    assert bool(found.problem) == bool(problem), (found.problem, why)
    assert problem in (found.problem or ""), why


@given(st.text())
def test_no_text_raises_and_none_becomes_a_pass(raw: str) -> None:
    for read, _ in READERS:
        read(raw)
    assert values.verdict(raw).value is not True or raw.strip().lower() == "pass"
    assert values.count(raw).value is None or values.count(raw).value >= 0


@given(st.ip_addresses())
def test_every_address_is_read_as_itself(address: object) -> None:

    plain = ipaddress.ip_address(str(address))
    mapped = getattr(plain, "ipv4_mapped", None)
    assert ipaddress.ip_address(values.source_ip(str(address)).value) == (mapped or plain)
