"""DMARC records: the vectors, and what no text may do."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.model.dmarc_record import Alignment, DmarcRecord, Psd, Standing
from dmarcscope.model.problem import Severity
from dmarcscope.model.words import Policy
from dmarcscope.parse.dmarc_record import DMARC, dmarc_record, dmarc_records
from dmarcscope.parse.report_uri import report_uris
from dmarcscope.parse.tag_list import MAX_TAGS, mended

VECTORS = sorted((Path(__file__).parent.parent / "vectors" / "dmarc_record").glob("*.json"))
RECORD = "v=DMARC1; p=none; rua=mailto:a@example.com"

# The TXT records of a name, the one that counts, the codes of the problems, why.
CHOICES: list[tuple[list[str], str | None, list[str], str]] = [
    ([], None, [], "no record at all"),
    ([RECORD], RECORD, [], "one"),
    (["v=spf1 -all", RECORD, "google-site-verification=x"], RECORD, [], "other texts are none of DMARC's business"),
    ([RECORD, RECORD], None, ["several-records"], "several are all discarded (§4.10, steps 2 and 6)"),
    (["v=dmarc1; p=none"], None, ["nearly-record"], "nearly one: the case of the version"),
    ([" v=DMARC1; p=none"], None, ["nearly-record"], "nearly one: a blank before it"),
    (['"v=DMARC1; p=none"'], None, ["nearly-record"], "nearly one: quotation marks"),
    (["v=DMARC1 p=none"], None, ["nearly-record"], "nearly one: no semicolon"),
    (["DMARC1; p=none"], None, ["nearly-record"], "nearly one: no v="),
    (["v=dmarc1; p=none", RECORD], RECORD, ["nearly-record"], "a bad one beside a good one does no harm, and is said"),
]


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    vector = json.loads(path.read_text())
    record = dmarc_record(vector["text"])
    assert record.standing == vector["standing"], vector["why"]
    assert [problem.code for problem in record.problems] == vector["codes"], vector["why"]
    for name, value in vector["values"].items():
        assert plain(record, name) == value, (name, vector["why"])
    for problem, fix in zip(record.problems, vector.get("fixes", ()), strict=False):
        assert problem.fix == fix, vector["why"]


def plain(record: DmarcRecord, name: str) -> object:
    """A field as JSON has it."""
    value = getattr(record, name)
    if name in {"rua", "ruf"}:
        return [uri.address for uri in value]
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize(("texts", "chosen", "codes", "why"), CHOICES, ids=range(len(CHOICES)))
def test_choice(texts: list[str], chosen: str | None, codes: list[str], why: str) -> None:
    choice = dmarc_records(texts)
    assert choice.text == chosen, why
    assert [problem.code for problem in choice.problems] == codes, why


def test_every_problem_says_where_it_is_written() -> None:
    for path in VECTORS:
        for problem in dmarc_record(json.loads(path.read_text())["text"]).problems:
            assert problem.what, path
            assert problem.section.startswith("RFC "), path


def test_whole_records_that_are_offered_are_better() -> None:
    """A fix that is a record is a DMARC record in force without errors of form, unless a value itself is wrong."""
    for path in VECTORS:
        for problem in dmarc_record(json.loads(path.read_text())["text"]).problems:
            if problem.fix.startswith("v="):
                assert dmarc_record(problem.fix).standing is not Standing.NOT_DMARC, path
                assert not {"missing-semicolon", "no-tag", "odd-characters"} & {each.code for each in dmarc_record(problem.fix).problems}


NEAR = st.text(st.sampled_from(list("v=DMARC1;p sp,rua:mailto@example.comnonereject!%\t\"'\\\u201c\xa0")))


@given(st.one_of(st.text(), NEAR, NEAR.map(lambda text: f"v=DMARC1; {text}")))
def test_no_text_raises(text: str) -> None:
    record = dmarc_record(text)
    assert record.text == text
    assert (record.standing is Standing.NOT_DMARC) == (not dmarc_records([text]).candidates)
    order = list(Severity)
    found = [order.index(problem.severity) for problem in record.problems]
    assert found == sorted(found)


@given(st.text())
def test_never_stronger_than_written(text: str) -> None:
    record = dmarc_record(f"v=DMARC1; p={text}; rua=mailto:a@example.com")
    if record.p is not None and not set(";=") & set(text):
        assert text.strip(" \t\r\n").lower() == record.p


ADDRESSES = st.lists(st.from_regex(r"\A[a-z0-9]{1,8}@[a-z0-9]{1,8}\.example\Z"), max_size=2, unique=True)
SPACES = st.sampled_from(["", " ", "\t", "  "])


@st.composite
def written(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    """The text of a lawful record, and what it says."""
    values: dict[str, object] = {
        "p": draw(st.sampled_from(list(Policy))),
        "sp": draw(st.none() | st.sampled_from(list(Policy))),
        "np": draw(st.none() | st.sampled_from(list(Policy))),
        "adkim": draw(st.sampled_from(list(Alignment))),
        "aspf": draw(st.sampled_from(list(Alignment))),
        "psd": draw(st.sampled_from(list(Psd))),
        "fo": tuple(draw(st.permutations(draw(st.sampled_from([["0"], ["1"], ["d"], ["s"], ["1", "d"], ["0", "d", "s"]]))))),
        "testing": draw(st.booleans()),
        "rua": draw(ADDRESSES),
    }
    tags = {
        **{name: str(values[name]) for name in ("p", "sp", "np", "adkim", "aspf", "psd") if values[name] is not None},
        "fo": ":".join(values["fo"]),  # type: ignore[arg-type]
        "t": "y" if values["testing"] else "n",
        "rua": ",".join(f"mailto:{address}" for address in values["rua"]),  # type: ignore[attr-defined]
    }
    tags = {name: value for name, value in tags.items() if value}
    between = draw(SPACES)
    pieces = [f"{name}{draw(SPACES)}={draw(SPACES)}{tags[name]}" for name in draw(st.permutations(list(tags)))]
    return f"{between};{between}".join(["v=DMARC1", *pieces]), values


@given(written())
def test_what_is_written_is_read(pair: tuple[str, dict[str, object]]) -> None:
    text, values = pair
    record = dmarc_record(text)
    assert record.standing is Standing.IN_FORCE
    assert {problem.severity for problem in record.problems} <= {Severity.WARNING, Severity.NOTE}
    for name, value in values.items():
        assert ([uri.address for uri in record.rua] if name == "rua" else getattr(record, name)) == value


@given(written())
def test_a_good_record_is_mended_to_itself(pair: tuple[str, dict[str, object]]) -> None:
    better = dmarc_record(mended(pair[0], DMARC))
    same = dmarc_record(pair[0])
    assert (better.p, better.sp, better.np, better.fo, better.rua) == (same.p, same.sp, same.np, same.fo, same.rua)


@given(st.text())
def test_no_uri_raises(text: str) -> None:
    for uri in report_uris(text):
        assert not uri.address or "@" in uri.address


@pytest.mark.parametrize("filler", [" ", ";", "=", ",", "p ", "mailto:", "v=", "\t;", '"', "!1", "a@", "rua=mailto:a@b.example,", "%21"])
def test_long_texts_take_no_time(filler: str) -> None:
    for start in ("v=DMARC1;", "v=DMARC1; rua=", "v", ""):
        before = time.perf_counter()
        record = dmarc_record(start + filler * (300_000 // len(filler)))
        dmarc_records([record.text])
        assert time.perf_counter() - before < 10, "linear: what is not takes minutes"
        assert len(record.problems) <= 4 * MAX_TAGS
