"""Identifier alignment: the vectors, and what holds for any two domains."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.align.alignment import alignment, psl_organizational_domain
from dmarcscope.model.discovery import Verdict
from dmarcscope.model.dmarc_record import Alignment

VECTORS = sorted((Path(__file__).parent.parent / "vectors" / "alignment").glob("*.json"))


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    vector = json.loads(path.read_text())
    found = alignment(vector["author"], vector["identifier"], Alignment(vector["mode"]), vector["organizational"].get)
    assert found.verdict == vector["verdict"], vector["why"]
    assert found.why


DOMAINS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(".".join)


@st.composite
def owners(draw: st.DrawFn) -> tuple[str, str, dict[str, str]]:
    """Two domains, and the organizational domain of each: itself or one above."""
    one, other = draw(DOMAINS), draw(DOMAINS)
    return one, other, {domain: domain.split(".", draw(st.integers(0, domain.count("."))))[-1] for domain in (one, other)}


@given(owners(), st.sampled_from([set(), {0}, {1}, {0, 1}]))
def test_less_known_never_contradicts(trio: tuple[str, str, dict[str, str]], hidden: set[int]) -> None:
    """A verdict from less knowledge is unknown, or the one from full knowledge."""
    one, other, known = trio
    full = alignment(one, other, Alignment.RELAXED, known.get).verdict
    assert full is not Verdict.UNKNOWN
    less = {domain: owner for number, (domain, owner) in enumerate(known.items()) if number not in hidden}
    assert alignment(one, other, Alignment.RELAXED, less.get).verdict in {full, Verdict.UNKNOWN}


@given(owners())
def test_strict_implies_relaxed(trio: tuple[str, str, dict[str, str]]) -> None:
    one, other, known = trio
    strict = alignment(one, other, Alignment.STRICT, known.get).verdict
    assert (strict is Verdict.ALIGNED) == (one == other)
    if strict is Verdict.ALIGNED:
        assert alignment(one, other, Alignment.RELAXED, known.get).verdict is Verdict.ALIGNED


@pytest.mark.parametrize(
    ("domain", "suffix", "owner", "why"),
    [
        ("a.mail.example.com", "com", "example.com", "one label more than the suffix"),
        ("example.co.uk", "co.uk", "example.co.uk", "already that"),
        ("co.uk", "co.uk", "co.uk", "a public suffix itself"),
        ("example.com", None, None, "the suffix is not known"),
        ("example.com", "org", None, "a suffix of something else"),
    ],
)
def test_public_suffix(domain: str, suffix: str | None, owner: str | None, why: str) -> None:
    assert psl_organizational_domain(domain, lambda _: suffix) == owner, why
