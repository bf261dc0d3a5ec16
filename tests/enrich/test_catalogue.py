"""The catalogue that comes along: its form, that nothing in it contradicts, and that it says enough; and catalogues of the owner's over it."""

import re
from collections import defaultdict
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from publicsuffixlist import PublicSuffixList

from dmarcscope.analysis.fixes import service_lines
from dmarcscope.analysis.matching import services
from dmarcscope.enrich.catalogue import MAX_BYTES, READERS, load_catalogue, packaged_catalogue, read_catalogue
from dmarcscope.errors import SetupError
from dmarcscope.model.sender import Aligning, Kind, Sender
from dmarcscope.parse.spf_record import spf_record
from dmarcscope.parse.values import domain

CATALOGUE = packaged_catalogue()
SENDERS = CATALOGUE.senders
DOMAINS = ("dkim_domains", "dkim_targets", "spf_domains", "return_path_domains", "ptr_suffixes")
IDENTITIES = (*DOMAINS, "asns")
"""What tells a sender; a selector is not among it."""
INDEXES = {
    "envelope": ("return_path_domains", "dkim_domains", "spf_domains"),
    "hosts": ("ptr_suffixes", "return_path_domains", "dkim_domains"),
}
"""Facts that are looked up as one: see `matching.services`."""
MORE_EXACT = {
    ("u17391058.wl059.sendgrid.net", "sendgrid.net"): "the account of Stytch at Twilio SendGrid, which all its customers share",
}
"""Domains of one sender below those of another on purpose."""
TWO_FACES = {
    "google.com": "Google signs its own mail so, and its hosts send that of its customers, too",
    "outlook.com": "Microsoft signs mail of people so, and its hosts send that of its customers, too",
}
"""Domains that one sender signs with while they name the hosts of another."""
HOST = re.compile(r"(?:@|(?:[A-Za-z0-9_-]|<[^<>]+>)+(?:\.(?:[A-Za-z0-9_-]|<[^<>]+>)+)*)")


def test_there_are_enough_and_they_are_dated():
    assert len(SENDERS) >= 250
    assert date(2026, 11, 1) <= date.fromisoformat(CATALOGUE.version)
    assert {sender.kind for sender in SENDERS} == set(Kind), "each kind that the issue names is there"


def test_the_keys_are_the_fields_of_a_sender():
    assert list(READERS) == [field.name for field in fields(Sender)]


def test_names_differ_in_whatever_case():
    assert len({sender.name.casefold() for sender in SENDERS}) == len(SENDERS)
    assert [sender.name for sender in SENDERS if sender.name != " ".join(sender.name.split()) or not sender.name.isprintable()] == []


def test_domains_are_domains_each_once():
    for sender in SENDERS:
        for field in DOMAINS:
            written = getattr(sender, field)
            assert len(set(written)) == len(written), f"{sender.name}: {field}"
            for one in written:
                assert (domain(one).value, domain(one).problem) == (one, None), f"{sender.name}: {field}"


def whose(*names):
    """By domain: the senders that have it in one of some facts."""
    found = defaultdict(set)
    for sender in SENDERS:
        for name in names:
            for one in getattr(sender, name):
                found[one].add(sender.name)
    return found


@pytest.mark.parametrize("field", IDENTITIES)
def test_a_fact_is_that_of_one_sender(field):
    assert {fact: names for fact, names in whose(field).items() if len(names) > 1} == {}


@pytest.mark.parametrize("field", DOMAINS)
def test_no_domain_lies_below_that_of_another(field):
    owners = whose(field)
    for one, names in owners.items():
        above = one.partition(".")[2]
        while above:
            assert above not in owners or owners[above] == names or (one, above) in MORE_EXACT, (names, owners[above])
            above = above.partition(".")[2]


def test_exceptions_are_needed():
    together = [whose(field) for field in DOMAINS]
    for one, above in MORE_EXACT:
        assert any(one in owners and above in owners for owners in together)


@pytest.mark.parametrize("index", INDEXES)
def test_facts_that_are_looked_up_together_agree(index):
    shared = {one for one, names in whose(*INDEXES[index]).items() if len(names) > 1}
    assert shared <= set(TWO_FACES)


@pytest.mark.parametrize("field", DOMAINS)
def test_no_public_suffix(field):
    """One of a registry: what a service lets its customers register below its own name is the service's all the same."""
    suffixes = PublicSuffixList(only_icann=True)
    assert {one for one in whose(field) if suffixes.is_public(one)} == set()


def test_every_sender_is_told_by_more_than_a_selector():
    assert [sender.name for sender in SENDERS if not any(getattr(sender, field) for field in IDENTITIES)] == []
    known = services(CATALOGUE)
    for selector in {selector for sender in SENDERS for selector in sender.dkim_selectors}:
        assert known.targets.find(f"{selector}._domainkey.customer.invalid") is None
        assert known.dkim.find(selector) is None


def test_every_sender_has_a_fix_and_tells_where_it_was_read():
    assert [sender.name for sender in SENDERS if not sender.fix or not sender.read] == []
    assert [sender.name for sender in SENDERS if not sender.fix.endswith(".") or len(sender.fix) > 400] == []
    addresses = [place for sender in SENDERS for place in sender.read if "://" in place]
    assert len(addresses) > len(SENDERS) * 0.9
    assert [place for place in addresses if not re.fullmatch(r"https?://[^\s/]+/?\S*", place)] == []


def test_documentation_is_an_address_that_nobody_can_change_on_its_way():
    told = [sender.documentation for sender in SENDERS if sender.documentation]
    assert told
    assert [address for address in told if not re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]+(?:/\S*)?", address)] == []


@pytest.mark.parametrize("what", ["dkim", "return_path"])
def test_records_are_told_only_where_they_help(what):
    for sender in SENDERS:
        assert getattr(sender, what) is Aligning.YES or not getattr(sender, f"{what}_records"), sender.name


def records():
    """All records of all senders."""
    return [(sender.name, line) for sender in SENDERS for line in (*sender.dkim_records, *sender.return_path_records)]


def test_records_are_host_type_and_value():
    for name, line in records():
        (found,) = service_lines([line], "example.com")
        host, _, rest = found.partition(" IN ")
        kind, _, value = rest.partition(" ")
        assert host == "example.com." or host.endswith(".example.com."), name
        assert "\\" not in host, name
        assert HOST.fullmatch(host.removesuffix(".")), name
        assert kind in {"CNAME", "TXT", "MX", "NS"}, name
        assert value.count("<") == value.count(">"), name
        if kind == "TXT":
            assert value.startswith(("<", '"')), "a semicolon outside of quotation marks begins a comment"
        else:
            assert value.endswith((".", ">")), "a name without a final dot is one below the domain"


def test_dkim_records_are_at_selectors():
    for sender in SENDERS:
        for line in sender.dkim_records:
            host, kind = re.fullmatch(r"(.*?) (CNAME|TXT|MX|NS) .*", line).groups()
            proof_of_ownership = kind == "TXT" and re.fullmatch(r"@|_[a-z]+", host)
            assert "._domainkey" in host or kind == "NS" or proof_of_ownership, sender.name


def test_a_record_to_publish_is_no_second_spf_record():
    """Who publishes an SPF record beside the one that the domain has breaks SPF for all mail (RFC 7208 §4.5)."""
    for name, line in records():
        host, _, value = line.partition(" TXT ")
        if value.startswith("v=spf1"):
            assert host != "@", name
            assert spf_record(value).error is None, name


# Catalogues of the owner's.

RELAY = '[[sender]]\nname = "Group relay"\nkind = "transactional"\ndkim_domains = ["relay.example"]\n'


def written(folder, text, name="own.toml"):
    """A file of this text."""
    (folder / name).write_text(text)
    return folder / name


def test_without_more_it_is_the_packaged_one():
    assert load_catalogue() == CATALOGUE


def test_a_sender_of_the_owners_is_added(tmp_path):
    found = load_catalogue([written(tmp_path, f'version = "3"\n{RELAY}')])
    assert len(found.senders) == len(SENDERS) + 1
    assert set(found.senders) > set(SENDERS)
    assert found.version == f"{CATALOGUE.version} + own.toml 3"
    assert services(found).dkim.find("relay.example").name == "Group relay"


@pytest.mark.parametrize("name", ["Mailchimp", "MAILCHIMP"], ids=["same name", "same name in another case"])
def test_a_sender_of_the_same_name_replaces(tmp_path, name):
    own = '[[sender]]\nname = "NAME"\nkind = "other"\ndkim_domains = ["mc.example"]\n'.replace("NAME", name)
    found = load_catalogue([written(tmp_path, own)])
    assert len(found.senders) == len(SENDERS)
    (one,) = (sender for sender in found.senders if sender.name.casefold() == "mailchimp")
    assert (one.name, one.kind, one.dkim_domains, one.fix) == (name, Kind.OTHER, ("mc.example",), "")
    assert found.version == f"{CATALOGUE.version} + own.toml"


def test_what_the_owner_says_of_a_domain_counts(tmp_path):
    first = written(tmp_path, RELAY.replace("relay.example", "sendgrid.net"), "first.toml")
    last = written(tmp_path, RELAY.replace("relay.example", "sendgrid.net").replace("Group", "Newer"), "last.toml")
    assert services(load_catalogue()).dkim.find("x.sendgrid.net").name == "Twilio SendGrid"
    assert services(load_catalogue([first])).dkim.find("x.sendgrid.net").name == "Group relay"
    assert services(load_catalogue([first, last])).dkim.find("x.sendgrid.net").name == "Newer relay"
    assert services(load_catalogue([last, first])).dkim.find("x.sendgrid.net").name == "Group relay"


def test_the_example_of_the_documentation_is_read(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "senders-list.md").read_text()
    (example,) = re.findall(r"```toml\n(version = .*?)```", text, re.DOTALL)
    (sender,) = set(load_catalogue([written(tmp_path, example)]).senders) - set(SENDERS)
    assert all(getattr(sender, field.name) for field in fields(Sender)), "every key is shown"


def test_blanks_around_a_text_are_none_of_it():
    (sender,) = read_catalogue(f'{RELAY.replace("relay.example", " relay.example ")}dkim_records = [" k CNAME k.example "]', "x").senders
    assert (sender.dkim_domains, sender.dkim_records) == (("relay.example",), ("k CNAME k.example",))


def entry(line):
    """An entry with one more line."""
    return f"{RELAY}{line}\n"


ENTRY = "own.toml, sender 1 (Group relay): "
WRONG = [
    # text, where and what, why
    ("[[sender]\n", "own.toml: is no TOML: ", "a bracket is missing"),
    ('name = "A"\n', "own.toml: is no catalogue of senders", "an entry without its heading"),
    ("sender = 3\n", "own.toml: is no catalogue of senders", "a number"),
    ("sender = [3]\n", "own.toml: is no catalogue of senders", "numbers"),
    ('[sender]\nname = "A"\n', "own.toml: is no catalogue of senders", "one table and no list"),
    ("[[senders]]\n", "own.toml: is no catalogue of senders", "a slip of the pen"),
    ('[[sender]]\nkind = "crm"\n', "own.toml, sender 1 (without name): has no name or no kind", "who?"),
    ('[[sender]]\nname = "A"\n', "own.toml, sender 1 (A): has no name or no kind", "what for?"),
    (f'{RELAY}[[sender]]\nname = "B"\n', "own.toml, sender 2 (B): has no name or no kind", "the second"),
    (RELAY.replace("Group relay", " "), "own.toml, sender 1 ( ): name: is to be a text", "a blank name"),
    (RELAY.replace('"Group relay"', "7"), "own.toml, sender 1 (7): name: is to be a text", "a number for a name"),
    (RELAY.replace("transactional", "spam"), f"{ENTRY}kind: 'spam' is not a valid Kind", "no such kind"),
    (RELAY.replace('"transactional"', "[1]"), f"{ENTRY}kind: [1] is not a valid Kind", "a list of kinds"),
    (entry('dkim_domain = ["a.example"]'), f"{ENTRY}has the unknown key 'dkim_domain'", "a slip of the pen"),
    (RELAY.replace('["relay.example"]', '"relay.example"'), f"{ENTRY}dkim_domains: is to be a list", "a text for a list"),
    (RELAY.replace('"relay.example"', "1"), f"{ENTRY}dkim_domains: is to be a text", "a number for a domain"),
    (RELAY.replace("relay.example", "relay.example."), f"{ENTRY}dkim_domains: 'relay.example.' is no domain", "a final dot"),
    (RELAY.replace("relay.example", "Relay.example"), f"{ENTRY}dkim_domains: 'Relay.example' is no domain in lower case", "a capital"),
    (RELAY.replace("relay.example", "example"), f"{ENTRY}dkim_domains: 'example' is no domain", "half the world"),
    (RELAY.replace("relay.example", "bücher.example"), f"{ENTRY}dkim_domains: 'bücher.example' is no domain", "no A-label"),
    (RELAY.replace("relay.example", "a b.example"), f"{ENTRY}dkim_domains: 'a b.example' is no domain", "a blank within"),
    (entry("asns = [0]"), f"{ENTRY}asns: is to be a list of AS numbers", "no such number"),
    (entry("asns = [4294967296]"), f"{ENTRY}asns: is to be a list of AS numbers", "33 bits"),
    (entry("asns = [true]"), f"{ENTRY}asns: is to be a list of AS numbers", "a truth"),
    (entry("asns = 64500"), f"{ENTRY}asns: is to be a list of AS numbers", "one alone"),
    (entry('dkim = "maybe"'), f"{ENTRY}dkim: 'maybe' is not a valid Aligning", "neither yes nor no"),
    (entry("return_path = true"), f"{ENTRY}return_path: True is not a valid Aligning", "a truth"),
    (entry('dkim_records = ["k1._domainkey dkim.example"]'), f"{ENTRY}dkim_records: 'k1._domainkey dkim.example' is not «host", "no type"),
    (entry('dkim_records = ["k1._domainkey SRV x"]'), f"{ENTRY}dkim_records: 'k1._domainkey SRV x' is not «host", "another type"),
    (entry('return_path_records = ["a b MX 10 x"]'), f"{ENTRY}return_path_records: 'a b MX 10 x' is not «host", "a blank in the host"),
    (entry('return_path_records = ["bounce MX "]'), f"{ENTRY}return_path_records: 'bounce MX' is not «host", "no value"),
    (entry('fix = ""'), f"{ENTRY}fix: is to be a text", "nothing said"),
    (entry('read = "here"'), f"{ENTRY}read: is to be a list", "a text for a list"),
    (RELAY + RELAY.replace("Group", "GROUP"), "own.toml: has 'group relay' twice", "the same name in another case"),
]


@pytest.mark.parametrize(("text", "complaint", "why"), WRONG, ids=[row[-1] for row in WRONG])
def test_what_is_wrong_is_told_with_its_place(tmp_path, text, complaint, why):
    path = written(tmp_path, text)
    with pytest.raises(SetupError) as caught:
        load_catalogue([path])
    assert str(caught.value).startswith(f"{tmp_path}/{complaint}"), why
    assert caught.value.fix


def test_a_file_that_cannot_be_read(tmp_path):
    large, other = tmp_path / "large.toml", tmp_path / "latin.toml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    other.write_bytes('fix = "é"'.encode("latin-1"))
    complaints = {tmp_path / "none.toml": "No such file", tmp_path: "Is a directory", large: "is larger than", other: "is not UTF-8"}
    for path, words in complaints.items():
        with pytest.raises(SetupError, match=re.escape(str(path))) as caught:
            load_catalogue([path])
        assert words in str(caught.value)
        assert caught.value.fix
