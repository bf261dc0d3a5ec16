"""The tree walk: the vectors step by step, and what holds for any domain and any records."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.align.alignment import is_within
from dmarcscope.align.policy import applied_policy
from dmarcscope.align.tree_walk import MAX_QUERIES, discover, dmarc_name, existence, next_name, organizational_domain, walk_names
from dmarcscope.model.answer import Outcome
from dmarcscope.model.discovery import Existence, Step, Where
from dmarcscope.parse.dmarc_record import dmarc_record, dmarc_records

VECTORS = sorted((Path(__file__).parent.parent / "vectors" / "tree_walk").glob("*.json"))

Records = dict[str, str | list[str]]


def step(domain: str, records: Records, untold: dict[str, str]) -> Step:
    """What is found at one name of an invented DNS."""
    if domain in untold:
        return Step(domain, Outcome(untold[domain]))
    found = records.get(domain, [])
    text = dmarc_records([found] if isinstance(found, str) else found).text
    return Step(domain, Outcome.FOUND if found else Outcome.NXDOMAIN, dmarc_record(text) if text else None)


def walk(domain: str, records: Records, untold: dict[str, str]) -> Iterator[Step]:
    """The steps of a walk, as whoever asks takes them."""
    steps: list[Step] = []
    while (name := next_name(domain, steps)) is not None:
        steps.append(step(name, records, untold))
        yield steps[-1]


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    vector = json.loads(path.read_text())
    domain, why = vector["domain"], vector["why"]
    steps = list(walk(domain, vector["records"], vector["untold"]))
    assert [each.domain for each in steps] == vector["asked"], why
    found = discover(domain, steps)
    assert found.organizational.domain == vector["organizational"], why
    assert (found.where, found.policy_domain) == (vector["where"], vector["policy_domain"]), why
    policy = applied_policy(found, Existence(vector["existence"]))
    assert (policy.tag, policy.policy, policy.tested) == (vector["tag"], vector["policy"], vector["tested"]), why
    assert found.why
    assert found.organizational.why
    assert policy.why


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_all_names_at_once_tell_the_same(path: Path) -> None:
    """Who asks for all names together, in any order, comes to the same end."""
    vector = json.loads(path.read_text())
    domain = vector["domain"]
    every = [step(name, vector["records"], vector["untold"]) for name in reversed(walk_names(domain))]
    assert discover(domain, every) == discover(domain, list(walk(domain, vector["records"], vector["untold"])))


def test_what_was_not_asked_is_not_known() -> None:
    record = dmarc_record("v=DMARC1; p=reject; rua=mailto:a@example.com")
    assert organizational_domain("a.example.com", []).domain is None
    assert organizational_domain("a.example.com", [Step("a.example.com", Outcome.NXDOMAIN)]).domain is None
    assert organizational_domain("a.example.com", [Step("example.com", Outcome.FOUND, record)]).domain is None
    assert discover("a.example.com", []).where is Where.UNKNOWN


def test_names() -> None:
    assert dmarc_name("example.com") == "_dmarc.example.com"
    assert [len(walk_names(".".join("a" * labels))) for labels in (1, 2, 7, 8, 9, 50)] == [1, 2, 7, 8, 8, 8]


@pytest.mark.parametrize(
    ("outcomes", "existing", "why"),
    [
        ([], Existence.UNKNOWN, "nothing was asked"),
        ([Outcome.NXDOMAIN], Existence.MISSING, "the name is not there"),
        ([Outcome.NO_DATA], Existence.EXISTS, "a name without that type is there (RFC 8020)"),
        ([Outcome.TIMEOUT, Outcome.REFUSED, Outcome.SERVFAIL, Outcome.MALFORMED, Outcome.NOT_ASKED], Existence.UNKNOWN, "no answer"),
        ([Outcome.TIMEOUT, Outcome.NXDOMAIN], Existence.MISSING, "one answer is enough: NXDOMAIN is for all types"),
        ([Outcome.NXDOMAIN, Outcome.FOUND], Existence.EXISTS, "answers that contradict each other: what was found is there"),
    ],
)
def test_existence(outcomes: list[Outcome], existing: Existence, why: str) -> None:
    assert existence(outcomes) is existing, why


LABELS = st.lists(st.sampled_from("abc"), min_size=1, max_size=12)
KINDS = st.sampled_from(["", "v=DMARC1; p=none", "v=DMARC1; p=reject; psd=n", "v=DMARC1; p=reject; psd=y", "v=DMARC1", "timeout"])


@given(LABELS, st.lists(KINDS, min_size=MAX_QUERIES, max_size=MAX_QUERIES), st.sampled_from(list(Existence)))
def test_any_walk(labels: list[str], kinds: list[str], existing: Existence) -> None:
    domain = ".".join(labels)
    names = dict(zip(walk_names(domain), kinds, strict=False))
    untold = {name: kind for name, kind in names.items() if kind == "timeout"}
    steps = list(walk(domain, {name: kind for name, kind in names.items() if kind and kind != "timeout"}, untold))
    assert len(steps) <= MAX_QUERIES
    assert all(each.outcome.is_told for each in steps[:-1])
    owner = organizational_domain(domain, steps)
    assert (owner.domain is None) == (not steps[-1].outcome.is_told), "known unless a question had no answer"
    assert owner.domain is None or is_within(domain, owner.domain), "itself or above"
    found = discover(domain, steps)
    assert found.policy_domain is None or is_within(domain, found.policy_domain)
    if untold.keys() & {each.domain for each in steps}:
        assert found.where in {Where.AUTHOR, Where.UNKNOWN}, "could not ask is never «not there»"
    policy = applied_policy(found, existing)
    assert policy.policy is None or found.record is not None
