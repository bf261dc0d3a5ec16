"""SPF records counted as trees: what the unluckiest message costs, and what is wrong with the tree (RFC 7208 §4.6.4)."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import DictResolver

from dmarcscope.lookup.spf_walk import count_record, walk
from dmarcscope.model.problem import Severity
from dmarcscope.model.spf_check import SpfNode, SpfTree
from dmarcscope.parse.spf_record import spf_record


def walked(zones: Any, domain: str = "example.com") -> tuple[SpfTree, DictResolver]:
    resolver = DictResolver(zones)
    return asyncio.run(walk(resolver, domain)), resolver


def nodes(root: SpfNode) -> Iterator[SpfNode]:
    yield root
    for term in root.terms:
        if term.node:
            yield from nodes(term.node)


def test_walk_counts_every_term() -> None:
    zones = {
        "example.com": {
            "TXT": ["v=spf1 a mx include:i.example include:%{i}.example exists:gone.example ip4:192.0.2.1 redirect=r.example"],
            "A": ["192.0.2.1"],
            "AAAA": ["2001:db8::1"],
            "MX": ["10 m.example"],
        },
        "m.example": {"A": ["192.0.2.1"]},
        "i.example": {"TXT": ["v=spf1 a:gone.example ptr ~all redirect=never.example"]},
        "r.example": {"TXT": ["v=spf1 -all a"]},
    }
    tree, _ = walked(zones)
    counts = [(term.text, term.lookups, term.void_lookups, term.void_lookups6) for term in tree.root.terms]
    assert counts == [
        ("a", 1, 0, 0),
        ("mx", 1, 0, 1),
        ("include:i.example", 3, 2, 2),
        ("include:%{i}.example", 1, 1, 1),
        ("exists:gone.example", 1, 1, 1),
        ("ip4:192.0.2.1", 0, 0, 0),
        ("redirect=r.example", 1, 0, 0),
    ]
    assert (tree.lookups, tree.void_lookups, tree.void_lookups6, tree.is_complete) == (8, 4, 5, True)
    assert {problem.code for problem in tree.problems} == {"spf-lookups-near", "spf-voids-exceeded", "spf-dead-host"}


TREES = [
    ("v=spf1 a a a a a a a a a a a -all", {}, "spf-lookups-exceeded", Severity.ERROR, "eleven look-ups"),
    ("v=spf1 a a a a a a a a -all", {}, "spf-lookups-near", Severity.WARNING, "eight of ten"),
    ("v=spf1 include:example.com -all", {}, "spf-loop", Severity.ERROR, "a record that includes itself"),
    (
        "v=spf1 include:i.example -all",
        {"i.example": {"TXT": ["v=spf1 include:example.com"]}},
        "spf-loop",
        Severity.ERROR,
        "a circle of two",
    ),
    ("v=spf1 include:gone.example -all", {}, "spf-below-missing", Severity.ERROR, "an include of nothing"),
    ("v=spf1 redirect=gone.example", {}, "spf-below-missing", Severity.ERROR, "a redirect to nothing"),
    (
        "v=spf1 include:i.example -all",
        {"i.example": {"TXT": ["v=spf1 moo"]}},
        "spf-below-permerror",
        Severity.ERROR,
        "a broken record below",
    ),
    (
        "v=spf1 include:i.example -all",
        {"i.example": {"TXT": "timeout"}},
        "spf-below-temperror",
        Severity.WARNING,
        "could not ask is not «not there»",
    ),
    (
        "v=spf1 include:i.example -all",
        {"i.example": {"TXT": "timeout"}},
        "spf-tree-incomplete",
        Severity.WARNING,
        "and the counts are not certain",
    ),
    (
        "v=spf1 mx:m.example -all",
        {"m.example": {"MX": [f"1 h{n}.example" for n in range(11)]}},
        "spf-mail-hosts-exceeded",
        Severity.ERROR,
        "eleven hosts",
    ),
    ("v=spf1 a:x.example a:y.example a:z.example -all", {}, "spf-voids-exceeded", Severity.ERROR, "three dead hosts"),
    ("v=spf1 a:gone.example -all", {}, "spf-dead-host", Severity.WARNING, "one dead host"),
    ("v=spf1 a:a..example -all", {}, "spf-no-name", Severity.WARNING, "a target that is no name"),
    (
        "v=spf1 a:h.example a:h.example/24 a:h.example/28 -all",
        {"h.example": {"A": ["192.0.2.1"]}},
        "spf-voids6-exceeded",
        Severity.WARNING,
        "hosts without AAAA records",
    ),
]


@pytest.mark.parametrize(("record", "zones", "code", "severity", "why"), TREES)
def test_walk_tells_problems(record: str, zones: Any, code: str, severity: Severity, why: str) -> None:
    tree, _ = walked({"example.com": {"TXT": [record], "A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}, **zones})
    assert severity in [problem.severity for problem in tree.problems if problem.code == code], why


def test_walk_of_a_good_record_has_no_problem() -> None:
    zones = {"example.com": {"TXT": ["v=spf1 include:i.example -all"]}, "i.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 ~all"]}}
    tree, _ = walked(zones)
    assert (tree.lookups, tree.void_lookups, tree.problems, tree.is_complete) == (1, 0, (), True)


def test_walk_of_a_tree_that_doubles_is_cut() -> None:
    zones = {f"e{n}.example": {"TXT": [f"v=spf1 include:e{n + 1}.example include:e{n + 1}.example -all"]} for n in range(40)}
    tree, resolver = walked({"example.com": {"TXT": ["v=spf1 include:e0.example -all"]}, **zones})
    assert not tree.is_complete
    assert len(resolver.asked) <= 50
    assert sum(1 for _ in nodes(tree.root)) <= 101
    assert "spf-lookups-exceeded" in {problem.code for problem in tree.problems}


@pytest.mark.parametrize(
    ("record", "count", "why"),
    [
        ("v=spf1 ip4:192.0.2.1 -all", 0, "nothing asks"),
        ("v=spf1 a mx ptr include:a.example exists:b.example redirect=c.example", 6, "all that ask"),
        ("v=spf1 a -all mx redirect=c.example", 1, "nothing after all"),
        ("v=spf1 exists:%{p}.example exists:%{p}.example -all", 3, "the client's names once"),
        ("v=spf1 ptr exists:%{p}.example -all", 2, "known from ptr already"),
        ("v=spf1 -all exp=%{p}.example", 0, "exp is free"),
    ],
)
def test_count_record(record: str, count: int, why: str) -> None:
    assert count_record(spf_record(record)).lookups == count, why
