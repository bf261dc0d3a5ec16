"""What Authentication-Results say: every vector as ``expected.json`` says, one field at a time, and anything at all."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dmarcscope.parse.authentication_results import (
    MAX_FIELD_CHARACTERS,
    MAX_FIELDS,
    MAX_HEADER_BYTES,
    METHODS,
    AuthenticationResults,
    MethodResult,
    header_of,
    origin,
    parse_field,
)

VECTORS = Path(__file__).parents[1] / "vectors" / "authentication_results"
EXPECTED = json.loads((VECTORS / "expected.json").read_text(encoding="utf-8"))
HOST = ["mx.example.org"]
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure


@pytest.mark.parametrize("name", EXPECTED)
def test_vector(name: str) -> None:
    row = EXPECTED[name]
    header = header_of((VECTORS / name).read_bytes())
    assert header is not None
    found = origin(header, row.get("authserv_ids", HOST))
    assert found.author_domain == row["author_domain"], row["why"]
    assert found.authserv_id == row["authserv_id"], row["why"]
    assert found.verified is row["verified"], (found.reason, row["why"])
    assert found.reason == row["reason"], row["why"]


def test_every_vector_is_expected() -> None:
    assert {path.name for path in VECTORS.glob("*.eml")} == EXPECTED.keys()


Row = tuple[str, str | None, list[MethodResult], str]  # field, authserv-id, results, why
DKIM = MethodResult("dkim", "pass", (("header.d", "a.example"),))
FIELDS: list[Row] = [
    ("h; none", "h", [], "nothing was checked"),
    ("h 1; none", "h", [], "with a version"),
    ("h;", "h", [], "nothing at all"),
    ("", None, [], "empty"),
    (" (c) ", None, [], "only a comment"),
    ("h(c)1; dkim=pass header.d=a.example", "h", [DKIM], "a comment right after the name"),
    ("dkim=pass header.d=a.example", None, [DKIM], "no name, as Microsoft writes"),
    ("; dkim=pass header.d=a.example", None, [DKIM], "an empty name"),
    ("h dkim=pass header.d=a.example", "h", [DKIM], "no semicolon after the name"),
    ("h; DKIM/1=PASS Header.D=a.example", "h", [DKIM], "a version of the method; case"),
    ("h; dkim = pass header . d = a.example", "h", [DKIM], "blanks around the marks"),
    ("h; dkim=pass(ok)header.d=a.example", "h", [DKIM], "a comment right after the result ends it"),
    ("h; dkim=pass (a;b=c) header.d=a.example", "h", [DKIM], "marks inside a comment"),
    ("h; dkim=pass (a \\) b) header.d=a.example", "h", [DKIM], "an escaped parenthesis"),
    ("h; dkim=pass header.d=\n\ta.example", "h", [DKIM], "folded"),
    ('h; dkim=fail reason="no; key"', "h", [MethodResult("dkim", "fail", (), "no; key")], "a quoted reason"),
    ("h; dkim=fail reason=no key", "h", [MethodResult("dkim", "fail", (), "no key")], "an unquoted reason of two words"),
    ("h; dkim=fail reason=a reason=b", "h", [MethodResult("dkim", "fail", (), "a")], "the first reason"),
    ("h; spf=none header.x=", "h", [MethodResult("spf", "none", (("header.x", ""),))], "an empty value at the end"),
    ("h; x=y a.b= c.d=e", "h", [MethodResult("x", "y", (("a.b", "c.d=e"),))], "an unknown ptype may be a value with an equals sign"),
    ("h; spf=pass smtp.mailfrom=@a.example", "h", [MethodResult("spf", "pass", (("smtp.mailfrom", "@a.example"),))], "no local part"),
    ("h; a=b d=e", "h", [MethodResult("a", "b", (("d", "e"),))], "a property without a type"),
    ("h; header.d=x; a=b", "h", [MethodResult("a", "b")], "a property before any result"),
    ("h; =; a=b =c", "h", [MethodResult("a", "b")], "values without a name"),
    ("h; a==b", "h", [MethodResult("a", "=b")], "one mark too many"),
    ("h; a=b c) d", "h", [MethodResult("a", "b")], "loose words after a result"),
]


@pytest.mark.parametrize(("field", "authserv_id", "results", "why"), FIELDS, ids=range(len(FIELDS)))
def test_field(field: str, authserv_id: str | None, results: list[MethodResult], why: str) -> None:
    assert parse_field(field) == AuthenticationResults(authserv_id, tuple(results)), why


BROKEN = [
    ('h; dkim=pass; spf="pass', "a quoted string that does not end"),
    ("h; dkim=pass; spf=pass (x", "a comment that does not end"),
    ("h; dkim=pass; " + "(" * 21 + ")" * 21, "comments too deep"),
    ("h; dkim=pass; " + "x" * MAX_FIELD_CHARACTERS, "too long"),
]


@pytest.mark.parametrize(("field", "why"), BROKEN, ids=range(len(BROKEN)))
def test_broken_field_keeps_what_stands_before_the_break(field: str, why: str) -> None:
    found = parse_field(field)
    assert not found.is_whole, why
    assert found.results[0] == MethodResult("dkim", "pass"), why


HEADERS = [
    (b"From: a@b\r\n\r\nx", b"From: a@b", "CRLF"),
    (b"From: a@b\n\nx", b"From: a@b", "LF"),
    (b"From: a@b\r\rx", b"From: a@b", "CR"),
    (b"From: a@b", b"From: a@b", "a header alone"),
    (b"From a@b Mon\nFrom: a@b\n\nx", b"From: a@b", "the separator of an mbox"),
    (b"\xef\xbb\xbfFrom: a@b\n\nx", b"From: a@b", "a byte order mark"),
    (b"\n\nFrom: a@b\n\nx", b"From: a@b", "blank lines before"),
    (b"<?xml version='1.0'?>", None, "a report"),
    (b"\x1f\x8b\x08\0", None, "gzip"),
    (b"PK\3\4", None, "zip"),
    (b"", None, "nothing"),
    (b"Dear all,\n\n", None, "a letter without a header"),
]


@pytest.mark.parametrize(("data", "header", "why"), HEADERS, ids=range(len(HEADERS)))
def test_header(data: bytes, header: bytes | None, why: str) -> None:
    assert header_of(data) == header, why


def test_limits() -> None:
    spoken = b"Authentication-Results: mx.example.org; dmarc=pass\nFrom: a@example.com\n"
    other = b"Authentication-Results: other.example; none\n"
    assert origin(other * (MAX_FIELDS - 1) + spoken, HOST).verified is True
    assert origin(other * MAX_FIELDS + spoken, HOST).verified is None, "one field too many above"
    long = b"X: " + b"y" * MAX_HEADER_BYTES + b"\n"
    assert len(header_of(long + spoken) or b"") == MAX_HEADER_BYTES
    assert origin(long + spoken, HOST).author_domain is None, "cut before it"
    assert origin(b"From: " + b"a" * MAX_FIELD_CHARACTERS + b" <a@example.com>\n", HOST).author_domain is None, "From is too long"


HOSTILE = [
    b"(",
    b")",
    b'"',
    b"\\",
    b"(\\",
    b"a=",
    b"=",
    b";",
    b". ",
    b"/ ",
    b"a.b=( ",
    b'""',
    b"()",
    b"<",
    b">",
    b",",
    b":",
    b"@",
    b" ",
    b"\n ",
    b"x ",
]


@pytest.mark.parametrize("piece", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_fields_end_quickly(piece: bytes) -> None:
    """A header full of one piece, as one field and as many: a quadratic step would take minutes."""
    body = piece * (15_000 // len(piece))
    fields = b"".join(name + b": mx.example.org; " + body + b"\n" for name in [b"Authentication-Results", b"From"] * 8)
    one = b"Authentication-Results: mx.example.org; " + piece * (250_000 // len(piece)) + b"\nFrom: " + body
    began = time.process_time()
    origin(fields, HOST)
    origin(one, HOST)
    assert time.process_time() - began < 10


PIECES = st.lists(
    st.sampled_from(
        [
            b"Authentication-Results: mx.example.org",
            b"From: ",
            b"Received: x",
            b"\n",
            b"\r\n",
            b"\r",
            b"\n ",
            b";",
            b"=",
            b"(",
            b")",
            b'"',
            b"\\",
            b".",
        ]
        + [
            b"dkim=pass",
            b"dmarc=pass",
            b"header.d=",
            b"example.com",
            b"<",
            b">",
            b"@",
            b",",
            b":",
            b" ",
            b"\xff",
            b"\0",
            "ü.example".encode(),
        ]
    ),
    max_size=60,
).map(b"".join)


@UNHURRIED
@given(st.one_of(st.binary(max_size=2000), PIECES), st.sampled_from([[], HOST, ["", *HOST]]))
@example(b"Authentication-Results:", [""])
def test_no_bytes_raise(data: bytes, ids: list[str]) -> None:
    header = header_of(data)
    assert header is None or header in data
    found = origin(data, ids)
    assert (found.authserv_id is None) <= (found.verified is None)
    assert found.reason
    parse_field(data.decode("latin-1"))


@UNHURRIED
@given(PIECES)
def test_what_stands_below_never_makes_a_mail_verified(below: bytes) -> None:
    """The host's own field says no and stands above its Received: whatever the sender writes below stays without effect."""
    for top in (b"dmarc=fail", b"dkim=none; spf=none", b"spf=pass smtp.mailfrom=attacker.example", b"none"):
        above = b"Authentication-Results: mx.example.org; " + top + b"\nReceived: by mx.example.org\n"
        assert origin(above + below, HOST).verified is not True
        hop = b"Received: by inner.example.org\n"
        assert origin(hop + above + below, HOST).verified is not True


KEYWORD = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,5})?", fullmatch=True)
METHOD = st.one_of(st.sampled_from(sorted(METHODS)), KEYWORD).filter(lambda word: word != "reason")
TOKEN = st.from_regex(r"[A-Za-z0-9@_.+-]{1,20}", fullmatch=True)
ANY_VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc"]), min_size=1, max_size=20)
PROPERTY = st.tuples(st.tuples(KEYWORD, KEYWORD).map(".".join), st.one_of(TOKEN, ANY_VALUE))
RESULTS = st.lists(
    st.builds(
        MethodResult,
        method=METHOD,
        result=KEYWORD,
        properties=st.lists(PROPERTY, max_size=4).map(tuple),
        reason=st.none() | TOKEN | ANY_VALUE,
    ),
    max_size=5,
)
CFWS = st.sampled_from(["", " ", "\r\n\t", " (a comment) ", " (one (in) \\) another; x=y)\n "])
FWS = CFWS.map(lambda blank: blank or " ")


def quoted(value: str) -> str:
    """A token as it is, all else as a quoted string."""
    plain = value.replace("@", "").replace("_", "").replace(".", "").replace("+", "").replace("-", "")
    return value if plain.isascii() and plain.isalnum() else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@UNHURRIED
@given(TOKEN, RESULTS, st.data())
def test_a_well_formed_field_is_read_as_it_was_meant(authserv_id: str, results: list[MethodResult], data: st.DataObject) -> None:
    def cfws() -> str:
        return data.draw(CFWS)

    def fws() -> str:
        return data.draw(FWS)

    field = cfws() + authserv_id + data.draw(st.sampled_from(["", " 1"]))
    for each in results:
        field += cfws() + ";" + cfws() + each.method + data.draw(st.sampled_from(["", "/1"])) + cfws() + "=" + cfws() + each.result
        if each.reason is not None:
            field += fws() + "reason" + cfws() + "=" + cfws() + quoted(each.reason)
        for name, value in each.properties:
            ptype, _, rest = name.partition(".")
            field += fws() + ptype + cfws() + "." + cfws() + rest + cfws() + "=" + cfws() + quoted(value)
    if not results:
        field += ";" + cfws() + "none"
    field += fws()
    assert parse_field(field) == AuthenticationResults(authserv_id, tuple(results))
