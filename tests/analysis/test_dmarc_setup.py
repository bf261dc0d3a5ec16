"""Records stay letter for letter as they are, but for the address that is added."""

import asyncio
from pathlib import Path

import pytest

from dmarcscope.errors import SetupError
from dmarcscope.lookup.zones import ZoneResolver, read_zone
from dmarcscope.model.dmarc_setup import SetupState
from dmarcscope.ops.setup import as_dict, plan_setup
from dmarcscope.parse.adding_uri import mailto, with_uri
from dmarcscope.parse.dmarc_record import dmarc_record
from dmarcscope.present.dmarc_setup import setup

ZONES = sorted((Path(__file__).parents[1] / "vectors" / "zones").glob("*.zone"))
NEW = "mailto:new@example.net"

# The record, the tag, the record with the address.
ADDED = [
    ("v=DMARC1; p=none", "rua", f"v=DMARC1; p=none; rua={NEW}"),
    ("v=DMARC1; p=none;", "rua", f"v=DMARC1; p=none; rua={NEW};"),
    ("v=DMARC1; p=none; ", "rua", f"v=DMARC1; p=none; rua={NEW};"),
    ("v=DMARC1;p=reject;pct=50;rua=mailto:a@b.example;sp=none", "rua", f"v=DMARC1;p=reject;pct=50;rua=mailto:a@b.example,{NEW};sp=none"),
    (
        "v=DMARC1; P = reject ; RUA = mailto:a@b.example!10m ; fo=1",
        "rua",
        f"v=DMARC1; P = reject ; RUA = mailto:a@b.example!10m,{NEW} ; fo=1",
    ),
    (
        "v=DMARC1; p=none; rua=mailto:a@b.example, mailto:c@d.example",
        "rua",
        f"v=DMARC1; p=none; rua=mailto:a@b.example, mailto:c@d.example,{NEW}",
    ),
    ("v=DMARC1; p=none; rua=mailto:a@b.example,", "rua", f"v=DMARC1; p=none; rua=mailto:a@b.example,{NEW}"),
    ("v=DMARC1; p=none; rua=", "rua", f"v=DMARC1; p=none; rua={NEW}"),
    ("v=DMARC1; rua=; p=none", "rua", f"v=DMARC1; rua={NEW}; p=none"),
    ("v=DMARC1; p=none; rua=mailto:a@b.example", "ruf", f"v=DMARC1; p=none; rua=mailto:a@b.example; ruf={NEW}"),
    ("v=DMARC1; p=none; xrua=mailto:a@b.example", "rua", f"v=DMARC1; p=none; xrua=mailto:a@b.example; rua={NEW}"),
    (f"v=DMARC1; p=none; rua={NEW}", "rua", f"v=DMARC1; p=none; rua={NEW}"),
    ("v=DMARC1; p=none; rua=MAILTO:New@Example.NET!5m", "rua", "v=DMARC1; p=none; rua=MAILTO:New@Example.NET!5m"),
    ("v=DMARC1; p=none; note=\xe9; rua=mailto:a@b.example", "rua", f"v=DMARC1; p=none; note=\xe9; rua=mailto:a@b.example,{NEW}"),
]


@pytest.mark.parametrize(("before", "tag", "after"), ADDED)
def test_the_address_is_added_and_nothing_else_changes(before, tag, after):
    assert with_uri(before, tag, NEW) == after
    assert "new@example.net" in {uri.address.lower() for uri in getattr(dmarc_record(after), tag)}


@pytest.mark.parametrize("address", ["", "nobody", "@example.com", "a@", "a b@example.com", "a@example", "mailto:", "https://example.com/"])
def test_what_is_no_address(address):
    assert mailto(address) == ""


@pytest.fixture(scope="module")
def world():
    return ZoneResolver([read_zone(path) for path in ZONES])


def planned(world, domain, rua, **options):
    return asyncio.run(plan_setup(world, domain, rua=rua, **options))


# Domain, mailbox, what is to be published by name, state, a word of why.
PLANS = [
    (
        "empty.example",
        "a@empty.example",
        {"_dmarc.empty.example": "v=DMARC1; p=none; rua=mailto:a@empty.example"},
        SetupState.NOT_YET,
        "no DMARC record",
    ),
    (
        "empty.example",
        "a@stranger.example",
        {
            "_dmarc.empty.example": "v=DMARC1; p=none; rua=mailto:a@stranger.example",
            "empty.example._report._dmarc.stranger.example": "v=DMARC1",
        },
        SetupState.NOT_YET,
        "another owner",
    ),
    (
        "near.example",
        "b@vendor.example",
        {
            "_dmarc.near.example": "v=DMARC1; p=reject; rua=mailto:dmarc@near.example,mailto:b@vendor.example",
            "near.example._report._dmarc.vendor.example": "v=DMARC1",
        },
        SetupState.NOT_YET,
        "stays as it is",
    ),
    (
        "near.example",
        "dmarc@near.example",
        {"_dmarc.near.example": "v=DMARC1; p=reject; rua=mailto:dmarc@near.example"},
        SetupState.LIVE,
        "already",
    ),
    (
        "www.near.example",
        "x@near.example",
        {"_dmarc.near.example": "v=DMARC1; p=reject; rua=mailto:dmarc@near.example,mailto:x@near.example"},
        SetupState.NOT_YET,
        "organizational domain near.example",
    ),
    (
        "child.suffix.example",
        "a@child.suffix.example",
        {"_dmarc.child.suffix.example": "v=DMARC1; p=reject; rua=mailto:a@child.suffix.example"},
        SetupState.NOT_YET,
        "public suffix",
    ),
    ("twice.example", "a@twice.example", {}, SetupState.NOT_YET, "2 DMARC records"),
    ("dark.example", "a@dark.example", {}, SetupState.COULD_NOT_ASK, ""),
]


@pytest.mark.parametrize(("domain", "rua", "lines", "state", "why"), PLANS)
def test_plans(world, domain, rua, lines, state, why):
    plan = planned(world, domain, rua)
    assert {line.name: line.text for line in plan.lines} == lines
    assert plan.state is state
    assert why in " ".join(plan.why)
    assert as_dict(plan)["state"] == state.value


def test_a_subdomain_may_have_a_record_of_its_own_instead(world):
    plan = planned(world, "www.near.example", "x@near.example")
    assert plan.instead.text == "v=DMARC1; p=reject; rua=mailto:x@near.example"


def test_nothing_is_proposed_where_nothing_could_be_asked(world):
    """A record with p=none in place of a stricter one that did not answer would be harm done."""
    plan = planned(world, "dark.example", "a@dark.example")
    assert plan.lines == ()
    assert plan.unknown


def test_lines_stand_there_in_one_piece_and_in_both_forms(world):
    shown = setup(planned(world, "www.near.example", "x@stranger.example", ruf="y@near.example"), 60, verify=False).plain
    assert (
        '_dmarc.near.example. IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@near.example,mailto:x@stranger.example; ruf=mailto:y@near.example"'
        in shown
    )
    assert "Name   _dmarc\n" in shown
    assert "by whoever runs it" in " ".join(shown.split())


@pytest.mark.parametrize(("domain", "rua"), [("no domain", "a@b.example"), ("near.example", "nobody")])
def test_what_cannot_be_meant_is_said(world, domain, rua):
    with pytest.raises(SetupError):
        planned(world, domain, rua)
