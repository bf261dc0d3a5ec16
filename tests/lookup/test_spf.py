"""SPF: the vectors, what an evaluation tells beside its result, and that it never asks more than it may (RFC 7208 §4.6.4)."""

import asyncio
import re
import time
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Any

import pytest
from fakes import DictResolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmarcscope.lookup.spf import RFC_LIMITS, check_host
from dmarcscope.lookup.spf_walk import walk
from dmarcscope.model.answer import Outcome
from dmarcscope.model.spf_check import SpfCheck, SpfLimits, SpfNode, SpfTree, TermEnd
from dmarcscope.model.words import SpfResult

VECTORS = sorted((Path(__file__).parents[1] / "vectors" / "spf").glob("*.toml"))
RESULTS = set(SpfResult) - {SpfResult.POLICY}
NOW = datetime(2026, 1, 1, tzinfo=UTC)

REPEATED = re.compile(r"\{(\d+)×([^×]*)×\}")


def unfolded(value: Any) -> Any:
    """A value of a vector; «{3×ab×}» stands for «ababab»."""
    if isinstance(value, str):
        return REPEATED.sub(lambda found: int(found.group(1)) * found.group(2), value)
    return [unfolded(each) for each in value]


def checked(zones: Any, question: dict[str, str], limits: SpfLimits = RFC_LIMITS) -> tuple[SpfCheck, DictResolver]:
    resolver = DictResolver(zones)
    ip = ip_address(question["ip"])
    work = check_host(
        resolver, ip, question["domain"], question["sender"], question["helo"], limits=limits, receiver="mx.receiver.example", now=NOW
    )
    return asyncio.run(work), resolver


def ask(record: str, zones: Any | None = None, ip: str = "192.0.2.1") -> SpfCheck:
    """An evaluation of example.com with a record."""
    question = {"ip": ip, "domain": "example.com", "sender": "user@example.com", "helo": "mail.example.com"}
    return checked({"example.com": {"TXT": [record]}, **(zones or {})}, question)[0]


TOLD = {
    "result": lambda check: check.result,
    "matched": lambda check: check.matched,
    "lookups": lambda check: check.lookups,
    "void_lookups": lambda check: check.void_lookups,
    "explanation": lambda check: check.explanation,
    "explanation_length": lambda check: len(check.explanation),
    "path": lambda check: [f"{step.domain} {step.term}" for step in check.path],
    "questions": lambda check: [f"{question.name} {question.kind}" for question in check.questions],
}


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    vector = tomllib.loads(path.read_text(encoding="utf-8"))
    zones = {
        name: {kind: unfolded(value) if isinstance(value, list) else value for kind, value in kinds.items()}
        for name, kinds in vector.get("zones", {}).items()
    }
    limits = SpfLimits(**vector.get("limits", {}))
    check, resolver = checked(zones, vector["question"], limits)
    expected = {"matched": None, **vector["expected"]}
    assert expected.pop("reason", "") in check.reason
    assert {key: TOLD[key](check) for key in expected} == expected, vector["why"]
    assert_evidence(check, resolver, limits)


def assert_evidence(check: SpfCheck, resolver: DictResolver, limits: SpfLimits) -> None:
    """What holds for every evaluation: nothing is left out, and nothing contradicts itself."""
    assert check.result in RESULTS
    assert check.reason
    assert [(asked.name, asked.kind) for asked in check.questions] == [(asked.name, asked.kind) for asked in resolver.asked]
    assert check.tree.result in {check.result, *([SpfResult.NONE] if check.result is SpfResult.PERMERROR else [])}
    assert (check.tree.lookups, check.tree.void_lookups) == (check.lookups, check.void_lookups)
    assert check.lookups <= limits.lookups
    assert check.void_lookups <= limits.void_lookups + 1
    assert check.matched is None or check.matched == check.path[-1].term
    for node in nodes(check.tree):
        assert node.lookups == sum(term.lookups for term in node.terms)
        own = sum(term.void_lookups for term in node.terms)
        assert 0 <= node.void_lookups - own <= 1  # the question for the record itself
    here = check.tree
    for step in check.path:
        assert here.domain == step.domain
        term = next(term for term in here.terms if term.text == step.term and term.end not in {TermEnd.NO_MATCH, TermEnd.NOT_REACHED})
        here = term.node or here


def nodes(root: SpfNode) -> Iterator[SpfNode]:
    yield root
    for term in root.terms:
        if term.node:
            yield from nodes(term.node)


def test_vectors_are_numbered_and_say_why() -> None:
    assert [path.name[:3] for path in VECTORS] == [f"{number:03}" for number in range(1, len(VECTORS) + 1)]
    assert all(tomllib.loads(path.read_text(encoding="utf-8"))["why"] for path in VECTORS)


def test_tree_tells_of_each_term() -> None:
    zones = {
        "i.example": {"TXT": ["v=spf1 a:gone.example mx -all"], "MX": ["10 m.example"]},
        "m.example": {"A": ["198.51.100.1"]},
    }
    tree = ask("v=spf1 ip4:198.51.100.7 include:i.example exp=e.example ip4:192.0.2.1 mx -all", zones).tree
    ends = [(term.text, term.end, term.lookups, term.void_lookups) for term in tree.terms]
    assert ends == [
        ("ip4:198.51.100.7", TermEnd.NO_MATCH, 0, 0),
        ("include:i.example", TermEnd.NO_MATCH, 3, 1),
        ("exp=e.example", TermEnd.NOT_REACHED, 0, 0),
        ("ip4:192.0.2.1", TermEnd.MATCH, 0, 0),
        ("mx", TermEnd.NOT_REACHED, 0, 0),
        ("-all", TermEnd.NOT_REACHED, 0, 0),
    ]
    below = tree.terms[1].node
    assert below is not None
    assert below.result is SpfResult.FAIL
    assert [(term.text, term.end, term.lookups, term.void_lookups) for term in below.terms] == [
        ("a:gone.example", TermEnd.NO_MATCH, 1, 1),
        ("mx", TermEnd.NO_MATCH, 1, 0),
        ("-all", TermEnd.MATCH, 0, 0),
    ]


def test_questions_name_who_asked() -> None:
    check = ask("v=spf1 include:i.example -all", {"i.example": {"TXT": ["v=spf1 a:h.example ~all"]}, "h.example": {"A": "servfail"}})
    assert [(each.domain, each.term, each.outcome, each.is_void) for each in check.questions] == [
        ("example.com", "", Outcome.FOUND, False),
        ("example.com", "include:i.example", Outcome.FOUND, False),
        ("i.example", "a:h.example", Outcome.SERVFAIL, False),
    ]
    assert check.questions[-1].detail


def test_time_limit_cuts_off_a_hanging_server() -> None:
    started = time.monotonic()
    zones = {"example.com": {"TXT": ["v=spf1 a -all"], "A": "hang"}}
    question = {"ip": "192.0.2.1", "domain": "example.com", "sender": "a@example.com", "helo": "h.example.com"}
    check, _ = checked(zones, question, SpfLimits(seconds=0.05))
    assert check.result is SpfResult.TEMPERROR
    assert check.questions[-1].outcome is Outcome.TIMEOUT
    assert check.tree.terms[0].end is TermEnd.TEMPERROR
    assert time.monotonic() - started < 5


def test_time_limit_spares_the_result_when_the_explanation_hangs() -> None:
    zones = {"example.com": {"TXT": ["v=spf1 -all exp=e.example"]}, "e.example": {"TXT": "hang"}}
    question = {"ip": "192.0.2.1", "domain": "example.com", "sender": "a@example.com", "helo": "h.example.com"}
    check, _ = checked(zones, question, SpfLimits(seconds=0.05))
    assert (check.result, check.explanation) == (SpfResult.FAIL, "")


def test_cancelling_from_outside_goes_through() -> None:
    async def cancelled() -> None:
        resolver = DictResolver({"example.com": {"TXT": "hang"}})
        task = asyncio.create_task(check_host(resolver, IPv4Address("192.0.2.1"), "example.com", "", "example.com"))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


LARGE = 65000


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param("a ", id="terms that ask"),
        pytest.param("ip4:198.51.100.1 ", id="terms that do not"),
        pytest.param("include:example.com ", id="includes of itself"),
        pytest.param("exists:%{s}.%{l}.%{p}.example ", id="macros"),
        pytest.param("x=%{s} ", id="unknown modifiers"),
        pytest.param("moo ", id="errors"),
        pytest.param("\xff", id="junk"),
    ],
)
def test_huge_records_end(unit: str) -> None:
    started = time.monotonic()
    check = ask("v=spf1 " + unit * (LARGE // len(unit)))
    assert check.result in RESULTS
    assert len(check.questions) <= 1 + 10 * 11
    assert len(check.reason) < 5000
    assert time.monotonic() - started < 60, "a few seconds; more is a circle"


# A model check: random little worlds, in which everything is there: loops, dead names, errors, many hosts, macros, junk.

NAMES = [f"d{number}.example" for number in range(6)] + ["gone.example", "a..b.example", "x" * 64 + ".example"]
TARGETS = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(["%{d}", "%{p}.example", "%{ir}.%{v}.example", "%{l1r+-}.d1.example", "%{H}", "%{o}", "%{S}%{S}%{S}.d2.example"]),
)
TERMS = st.one_of(
    st.builds("{}{}:{}".format, st.sampled_from(["", "-", "~", "?"]), st.sampled_from(["include", "a", "mx", "ptr", "exists"]), TARGETS),
    st.builds("{}={}".format, st.sampled_from(["redirect", "exp", "moo"]), TARGETS),
    st.sampled_from(
        ["a", "mx", "ptr", "a/8//32", "mx//0", "ip4:198.51.100.0/24", "ip6:2001:db8::/32", "-all", "?all", "+all", "moo", "a:", "\xff"]
    ),
)
RECORDS = st.one_of(
    st.lists(TERMS, max_size=14).map(lambda terms: " ".join(["v=spf1", *terms])),
    st.text(st.characters(max_codepoint=255), max_size=40),
    st.text(st.characters(max_codepoint=255), max_size=40).map("v=spf1 ".__add__),
)
ERRORS = st.sampled_from(["timeout", "servfail", "refused", "malformed", "not-asked", "nxdomain", "no-data"])
ADDRESSES4 = st.lists(st.sampled_from(["192.0.2.1", "198.51.100.1", "203.0.113.1"]), max_size=3)
ADDRESSES6 = st.lists(st.sampled_from(["2001:db8::1", "2001:db8:1::1"]), max_size=3)
HOSTS = st.lists(st.sampled_from(NAMES), max_size=14)
KINDS = st.fixed_dictionaries(
    {"TXT": st.one_of(st.lists(RECORDS, min_size=1, max_size=1), st.lists(RECORDS, max_size=3), ERRORS)},
    optional={
        "A": st.one_of(ADDRESSES4, ERRORS),
        "AAAA": st.one_of(ADDRESSES6, ERRORS),
        "MX": st.one_of(HOSTS.map(lambda hosts: [f"10 {host}" for host in hosts]), ERRORS),
        "CNAME": st.lists(st.sampled_from(NAMES), min_size=1, max_size=1),
    },
)
CLIENTS = ["192.0.2.1", "2001:db8::1"]
REVERSE = st.one_of(HOSTS.map(lambda hosts: {"PTR": hosts}), ERRORS.map(lambda error: {"PTR": error}))
WORLDS = st.dictionaries(st.sampled_from(NAMES[:6]), KINDS, min_size=1)
IDENTITIES = st.one_of(st.sampled_from(["user@d0.example", "", "a-b+c@d1.example", "@", "x" * 80 + "@d0.example"]), st.text(max_size=30))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    zones=WORLDS,
    reverse=REVERSE,
    client=st.sampled_from(CLIENTS),
    sender=IDENTITIES,
    helo=IDENTITIES,
    domain=st.one_of(st.sampled_from(NAMES), st.text(max_size=20)),
)
def test_never_asks_more_than_it_may(zones: Any, reverse: Any, client: str, sender: str, helo: str, domain: str) -> None:
    zones = {**zones, ip_address(client).reverse_pointer: reverse}
    question = {"ip": client, "domain": domain, "sender": sender, "helo": helo}
    limits = SpfLimits()
    check, resolver = checked(zones, question, limits)
    assert_evidence(check, resolver, limits)
    assert_within_limits(check, limits)


def assert_within_limits(check: SpfCheck, limits: SpfLimits) -> None:
    """RFC 7208 §4.6.4, counted anew from the questions alone."""
    counted = [each for each in check.questions if each.term and not each.term.lower().startswith("exp=")]
    explaining = [each for each in check.questions if each.term.lower().startswith("exp=")]
    # The record itself is asked for once, and the explanation once, with the client's names.
    assert len(check.questions) - len(counted) - len(explaining) <= 1
    assert len([each for each in explaining if each.kind == "TXT"]) <= 1
    # The client's names: one question, and at most ten to validate them, in the whole evaluation.
    assert len([each for each in check.questions if each.kind == "PTR"]) <= 1
    # Includes, redirects, and first questions of a, mx and exists are look-ups.
    assert len([each for each in counted if each.kind in {"TXT", "MX", "PTR"}]) <= limits.lookups
    assert len(counted) <= check.lookups * (1 + limits.mx_names)
    assert len(check.questions) <= 1 + limits.lookups * (1 + limits.mx_names) + 1 + 1 + limits.ptr_names
    void = [each for each in counted if each.is_void]
    assert len(void) == check.void_lookups <= limits.void_lookups + 1
    if check.void_lookups > limits.void_lookups:
        assert check.result is SpfResult.PERMERROR


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(zones=WORLDS, domain=st.one_of(st.sampled_from(NAMES), st.text(max_size=20)))
def test_a_walk_ends_too(zones: Any, domain: str) -> None:
    tree, resolver = walked(zones, domain)
    assert len(tree.questions) == len(resolver.asked) == len(set(resolver.asked)) <= 300
    for node in nodes(tree.root):
        assert node.lookups == sum(term.lookups for term in node.terms)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(zones=WORLDS, reverse=REVERSE, client=st.sampled_from(CLIENTS), sender=st.sampled_from(["user@d0.example", "a-b+c@d0.example"]))
def test_a_walk_counts_the_worst(zones: Any, reverse: Any, client: str, sender: str) -> None:
    """No message costs more look-ups than the walk says, nor more void ones, where it saw everything."""
    tree, _ = walked(zones, "d0.example")
    question = {"ip": client, "domain": "d0.example", "sender": sender, "helo": "d0.example"}
    check, _ = checked(
        {**zones, ip_address(client).reverse_pointer: reverse}, question, SpfLimits(lookups=1000, void_lookups=1000, mx_names=1000)
    )
    notes = "".join(term.note for node in nodes(tree.root) for term in node.terms)
    if tree.is_complete and "loop" not in notes and "depends" not in notes:
        assert check.lookups <= tree.lookups


def walked(zones: Any, domain: str = "example.com") -> tuple[SpfTree, DictResolver]:
    resolver = DictResolver(zones)
    return asyncio.run(walk(resolver, domain)), resolver


def test_depth_is_limited_even_without_other_limits() -> None:
    question = {"ip": "192.0.2.1", "domain": "d.example", "sender": "a@d.example", "helo": "d.example"}
    limits = SpfLimits(lookups=100_000, void_lookups=100_000)
    check, _ = checked({"d.example": {"TXT": ["v=spf1 include:%{h} -all"]}}, question, limits)
    assert check.result is SpfResult.PERMERROR
    assert "deep" in check.reason


def test_ipv6_client_with_zone_is_an_address() -> None:
    assert ask("v=spf1 ip6:fe80::/10 -all", ip="fe80::1%eth0").result is SpfResult.PASS
