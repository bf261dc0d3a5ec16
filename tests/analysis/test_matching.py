"""To whom domains and addresses belong: the longest name wins, and names that only look alike do not match."""

from ipaddress import ip_network

import pytest
from judging import CATALOGUE

from dmarcscope.analysis.matching import Domains, Listed, by_field, services
from dmarcscope.model.owner_list import KnownBy, Label, ListedSender, OwnerList
from dmarcscope.model.sender import Kind, Sender

NAMES = Domains([("example.com", "all"), ("mail.example.com", "mail"), ("example.com", "second")])

FOUND = [
    ("itself", "example.com", "all"),
    ("below", "a.b.example.com", "all"),
    ("the longest name wins", "x.mail.example.com", "mail"),
    ("a name that only ends alike", "notexample.com", None),
    ("above", "com", None),
    ("nothing", "", None),
    ("no domain", None, None),
    ("dots alone", "...", None),
]


@pytest.mark.parametrize(("why", "domain", "expected"), FOUND, ids=[one[0] for one in FOUND])
def test_to_whom_a_domain_belongs(why, domain, expected):
    assert NAMES.find(domain) == expected, why


def test_what_stands_in_an_earlier_fact_counts_first():
    bounces = Sender("Bounces", Kind.OTHER, return_path_domains=("mail.example",))
    signs = Sender("Signs", Kind.OTHER, dkim_domains=("mail.example",))
    assert by_field([signs, bounces], "return_path_domains", "dkim_domains").find("mail.example") is bounces


def test_a_catalogue_is_asked_by_each_fact():
    known = services(CATALOGUE)
    found = {
        "dkim": known.dkim.find("letterbox.example"),
        "target": known.targets.find("x.dkim.letterbox.example"),
        "include": known.spf.find("_spf.letterbox.example"),
        "bounce": known.envelope.find("bounce.letterbox.example"),
        "host": known.hosts.find("a.out.letterbox.example"),
    }
    assert {name: sender and sender.name for name, sender in found.items()} == dict.fromkeys(found, "Letterbox")
    assert known.hosts.find("a.out.notletterbox.example") is None
    assert known.networks[64501].name == "Parcelpost"


NET = ListedSender("Net", Label.OURS, known_by=KnownBy(addresses=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))))
HOST = ListedSender(
    "Host", Label.OURS, known_by=KnownBy(ptr_suffixes=("example.net",), dkim_domains=("example.org",), spf_domains=("example.org",))
)
LISTED = Listed(OwnerList((NET, HOST)))


@pytest.mark.parametrize(
    ("ip", "expected"), [("192.0.2.7", NET), ("2001:db8::7", NET), ("192.0.3.7", None), ("not an address", None), ("", None), (None, None)]
)
def test_whose_an_address_is(ip, expected):
    assert LISTED.of_address(ip) is expected


def test_whose_a_name_or_identity_is():
    assert LISTED.of_host("a.example.net") is LISTED.of_signer("example.org") is LISTED.of_envelope("b.example.org") is HOST
    assert LISTED.of_host("example.org") is None


def test_of_entries_that_fit_the_first_counts():
    assert LISTED.first([HOST, None, NET]) is NET
    assert LISTED.first([None]) is None


def test_an_empty_list_lists_nobody():
    empty = Listed(OwnerList())
    assert not empty
    assert empty.of_address("192.0.2.7") is None
