"""The name of an address, confirmed by the name's addresses (RFC 8601 §3)."""

import asyncio

import pytest
from fakes import DictResolver

from dmarcscope.lookup.ptr import MAX_NAMES, ptr
from dmarcscope.model.source_check import PtrResult

REVERSE = "1.2.0.192.in-addr.arpa"
REVERSE6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
A = {"A": ["192.0.2.1"]}

ROWS = [
    # zones, address, result, name, why
    ({REVERSE: {"PTR": ["mail.example"]}, "mail.example": A}, "192.0.2.1", "pass", "mail.example", "there and back"),
    ({REVERSE: {"PTR": ["Mail.Example."]}, "mail.example": A}, "192.0.2.1", "pass", "mail.example", "case and final dot"),
    ({REVERSE6: {"PTR": ["m.example"]}, "m.example": {"AAAA": ["2001:db8::1"]}}, "2001:db8::1", "pass", "m.example", "IPv6"),
    ({REVERSE: {"PTR": ["mail.example"]}, "mail.example": {"A": ["192.0.2.2"]}}, "192.0.2.1", "fail", "mail.example", "another address"),
    ({REVERSE: {"PTR": ["mail.example"]}}, "192.0.2.1", "fail", "mail.example", "the name does not exist"),
    ({REVERSE: {"PTR": ["b.example", "a.example"]}, "b.example": A}, "192.0.2.1", "pass", "b.example", "one of several is enough"),
    ({REVERSE: {"PTR": ["b.example", "a.example"]}}, "192.0.2.1", "fail", "a.example", "the first of several, in an order of its own"),
    ({}, "192.0.2.1", "permerror", None, "no name at all"),
    ({REVERSE: {"TXT": ["x"]}}, "192.0.2.1", "permerror", None, "no name of this kind"),
    ({REVERSE: {"PTR": [""]}}, "192.0.2.1", "permerror", None, "the root is no name of a host"),
    ({REVERSE: {"PTR": "timeout"}}, "192.0.2.1", "temperror", None, "could not be asked"),
    ({REVERSE: {"PTR": "servfail"}}, "192.0.2.1", "temperror", None, "could not be asked"),
    (
        {REVERSE: {"PTR": ["a.example"]}, "a.example": {"A": "timeout"}},
        "192.0.2.1",
        "temperror",
        "a.example",
        "the way back could not be asked",
    ),
    (
        {REVERSE: {"PTR": ["a.example", "b.example"]}, "a.example": {"A": "timeout"}, "b.example": A},
        "192.0.2.1",
        "pass",
        "b.example",
        "another",
    ),
    (
        {REVERSE: {"PTR": [f"h{number:02}.example" for number in range(30)]}, f"h{MAX_NAMES:02}.example": A},
        "192.0.2.1",
        "fail",
        "h00.example",
        "no more names are asked for than the limit",
    ),
]


@pytest.mark.parametrize(("zones", "ip", "result", "name", "why"), ROWS, ids=[row[-1] for row in ROWS])
def test_ptr(zones, ip, result, name, why):
    resolver = DictResolver(zones)
    found = asyncio.run(ptr(resolver, ip))
    assert (found.result, found.name) == (PtrResult(result), name)
    assert found.confirmed == (result == "pass")
    assert found.reason
    assert len(resolver.asked) <= 1 + MAX_NAMES
