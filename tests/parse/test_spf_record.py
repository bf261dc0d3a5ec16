"""SPF records: the vectors, the macros, which record counts, and what no text may do."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.model.spf_record import Directive, Macro, MacroString, Modifier, SyntaxProblem
from dmarcscope.parse.macro_string import domain_spec, explain_string, macro_string
from dmarcscope.parse.spf_meant import spf_records
from dmarcscope.parse.spf_record import spf_record

VECTORS = sorted((Path(__file__).parent.parent / "vectors" / "spf_record").glob("*.json"))

# A macro-string, its parts, why.
MACROS: list[tuple[str, tuple[str | Macro, ...], str]] = [
    ("", (), "empty is lawful for an unknown modifier"),
    ("example.com", ("example.com",), "literal text"),
    ("%{d}", (Macro("d"),), "one macro"),
    ("%{D}", (Macro("d", escape=True),), "upper-case: URL-escaped (§7.3)"),
    ("%{d2}", (Macro("d", 2),), "a number of parts"),
    ("%{d02}", (Macro("d", 2),), "leading zeros do not matter"),
    ("%{ir}", (Macro("i", None, reverse=True),), "turned around"),
    ("%{iR}", (Macro("i", None, reverse=True),), "r without regard to case (RFC 5234 §2.3)"),
    ("%{l1r-}", (Macro("l", 1, reverse=True, delimiters="-"),), "all transformers"),
    ("%{l.-+,/_=}", (Macro("l", delimiters=".-+,/_="),), "all delimiters"),
    ("a%%b%_c%-d", ("a%b c%20d",), "escapes are literal text (§7.1)"),
    ("%{d99999999999999999999}", (Macro("d", 9999),), "a huge number is no number to compute with"),
    ("%{i}.%{d}", (Macro("i"), ".", Macro("d")), "text between macros"),
]
BAD_MACROS = ["%", "%a", "%{", "%{}", "%{d", "%{dx}", "%{d-r}", "%{d0}", "%{z}", "a b", "\x7f", "\xe9", "%{d2.r}", "%(d)"]
DOMAINS: list[tuple[str, bool, str]] = [
    ("a.b", True, "two labels"),
    ("a.b.", True, "a final dot"),
    ("a.b..", False, "two final dots"),
    (".com", True, "an empty macro-string before the dot is in the grammar"),
    ("com", False, "one label"),
    ("a.1", False, "digits only"),
    ("a.1a", True, "a digit and a letter"),
    ("a.b-", False, "a hyphen at the end"),
    ("a.-b", False, "a hyphen at the beginning"),
    ("a.b--c", True, "hyphens inside"),
    ("a.b_c", False, "an underscore in the toplabel"),
    ("_a.b", True, "an underscore elsewhere"),
    ("%{d}", True, "a macro"),
    ("%{d}.", False, "a macro and a dot are no end"),
    ("%{d}.com", True, "a macro, a dot and a toplabel"),
    ("", False, "empty"),
]
CHOICES: list[tuple[list[str], str | None, list[str], str]] = [
    (["v=spf1 -all", "x"], "v=spf1 -all", [], "one"),
    (["V=SPF1"], "V=SPF1", [], "without regard to case (§4.5)"),
    (["v=spf1 -all", "v=spf1 -all"], None, ["several-records"], "several are a permanent error (§4.5)"),
    (["v=spf10 -all"], None, ["nearly-spf"], "the version ends at a blank"),
    (["v=spf1;-all"], None, ["nearly-spf"], "a semicolon as in DMARC"),
    (["v=spf1-all"], None, ["nearly-spf"], "no blank"),
    ([" v=spf1 -all"], None, ["nearly-spf"], "a blank before it"),
    (['"v=spf1 -all"'], None, ["nearly-spf"], "quotation marks"),
    (["v=spf -all"], None, ["nearly-spf"], "no number"),
    (["spf2.0/pra -all", "v=spf1 -all"], "v=spf1 -all", ["sender-id"], "left over from Sender ID"),
    (["v=DKIM1; p=", "v=verifydomain MS=1"], None, [], "something else"),
]


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    vector = json.loads(path.read_text())
    record = spf_record(vector["text"])
    assert (record.error and record.error.position) == vector["position"], vector["why"]
    assert [problem.code for problem in record.problems] == vector["codes"], vector["why"]
    if "terms" in vector:
        assert [plain(term) for term in record.terms] == vector["terms"], vector["why"]
    for problem, fix in zip(record.problems, vector.get("fixes", ()), strict=False):
        assert problem.fix == fix, vector["why"]


def plain(term: Directive | Modifier) -> list[object]:
    """A mechanism as JSON has it."""
    assert isinstance(term, Directive)
    domain, network = term.domain and term.domain.text, term.network and str(term.network)
    return [term.qualifier, term.mechanism, domain, network, term.cidr4, term.cidr6]


@pytest.mark.parametrize(("text", "parts", "why"), MACROS, ids=range(len(MACROS)))
def test_macro(text: str, parts: tuple[str | Macro, ...], why: str) -> None:
    assert macro_string(text) == MacroString(parts, text), why


@pytest.mark.parametrize("text", BAD_MACROS)
def test_bad_macro(text: str) -> None:
    assert isinstance(macro_string(text), SyntaxProblem)


@pytest.mark.parametrize(("text", "good", "why"), DOMAINS, ids=range(len(DOMAINS)))
def test_domain_end(text: str, good: bool, why: str) -> None:
    assert isinstance(domain_spec(text), MacroString) == good, why


def test_explanation_has_blanks_and_its_own_letters() -> None:
    assert explain_string("%{c} of %{r} at %{t}") == MacroString(
        (Macro("c"), " of ", Macro("r"), " at ", Macro("t")), "%{c} of %{r} at %{t}"
    )
    assert isinstance(explain_string("caf\xe9"), SyntaxProblem)


@pytest.mark.parametrize(("texts", "chosen", "codes", "why"), CHOICES, ids=range(len(CHOICES)))
def test_choice(texts: list[str], chosen: str | None, codes: list[str], why: str) -> None:
    choice = spf_records(texts)
    assert choice.text == chosen, why
    assert [problem.code for problem in choice.problems] == codes, why


def test_several_records_are_joined_to_one() -> None:
    choice = spf_records(["v=spf1 include:a.example ~all", "v=spf1 include:b.example include:a.example -all"])
    assert choice.problems[0].fix == "v=spf1 include:a.example include:b.example ~all"


def test_every_problem_says_where_it_is_written() -> None:
    for path in VECTORS:
        for problem in spf_record(json.loads(path.read_text())["text"]).problems:
            assert problem.what, path
            assert problem.section.startswith("RFC "), path


def test_what_is_offered_can_be_read() -> None:
    for path in VECTORS:
        for problem in spf_record(json.loads(path.read_text())["text"]).problems:
            assert spf_record(f"v=spf1 {problem.fix}").error is None, (path, problem.fix)


NEAR = st.text(st.sampled_from(list('ainp46mxlcudertsv=spf1:/.%{}-+~? 0129\u2013\xa0"')))


@given(st.one_of(st.text(), NEAR, NEAR.map(lambda text: f"v=spf1 {text}"), st.text().map(lambda text: f"v=spf1 {text}")))
def test_no_text_raises(text: str) -> None:
    record = spf_record(text)
    assert record.text == text
    assert (record.error is None) == ("syntax-error" not in {problem.code for problem in record.problems})
    for term in record.terms:
        assert text[term.position : term.position + len(term.text)] == term.text
    spf_records([text])


LABELS = st.from_regex(r"\A[a-z0-9_]{1,6}\.[a-z]{2,6}\Z")
TERMS = st.one_of(
    st.just("all"),
    LABELS.map(lambda domain: f"include:{domain}"),
    st.tuples(st.sampled_from(["a", "mx"]), st.just("") | LABELS.map(lambda domain: f":{domain}"), st.integers(0, 32)).map(
        lambda parts: f"{parts[0]}{parts[1]}/{parts[2]}"
    ),
    st.ip_addresses(v=4).map(lambda address: f"ip4:{address}"),
    st.ip_addresses(v=6).map(lambda address: f"ip6:{address}/64"),
    LABELS.map(lambda domain: f"exists:%{{ir}}.{domain}"),
)


@given(st.lists(st.tuples(st.sampled_from(["", "+", "-", "~", "?"]), TERMS).map("".join)))
def test_what_is_written_is_read(terms: list[str]) -> None:
    record = spf_record(" ".join(["v=spf1", *terms]))
    assert record.error is None
    assert [term.text for term in record.terms] == terms
    assert spf_record(" ".join(["v=spf1", *(rewritten(term) for term in record.directives)])).error is None


def rewritten(term: Directive) -> str:
    """A mechanism from what was understood of it."""
    argument = f":{term.domain.text}" if term.domain else f":{term.network}" if term.network else ""
    lengths = f"/{term.cidr4}//{term.cidr6}" if term.mechanism in {"a", "mx"} else ""
    return f"{term.qualifier}{term.mechanism}{argument}{lengths}"


@given(st.lists(TERMS.filter(lambda term: term != "all")))
def test_rewritten_terms_mean_the_same(terms: list[str]) -> None:
    record = spf_record(" ".join(["v=spf1", *terms]))
    again = spf_record(" ".join(["v=spf1", *(rewritten(term) for term in record.directives)]))
    meaning = [(term.qualifier, term.mechanism, term.domain, term.network, term.cidr4, term.cidr6) for term in record.directives]
    assert meaning == [(term.qualifier, term.mechanism, term.domain, term.network, term.cidr4, term.cidr6) for term in again.directives]


@pytest.mark.parametrize("filler", [" ", "a", "a ", "%", "%{d}", "ip4:192.0.2.1 ", "/1", "a.", "x=", "1", "%{d1", "~all ", "all:", ".-"])
def test_long_texts_take_no_time(filler: str) -> None:
    for start in ("v=spf1 ", "v=spf1 a:", "v=spf1 x=", "v", ""):
        before = time.perf_counter()
        text = start + filler * (65_000 // len(filler))
        spf_record(text)
        spf_records([text, text])
        assert time.perf_counter() - before < 10, "linear: what is not takes minutes"
    assert spf_record("v=spf1 " + "a " * 50_000).error is not None, "longer than a DNS record can be"
