"""What a sender is called: by authenticated identities first, by a host's name only if it leads back."""

import pytest
from judging import CATALOGUE, EXTERNAL, OWN, Mail, World, organizational_of, with_

from dmarcscope.analysis.evidence import identities
from dmarcscope.analysis.naming import is_tied
from dmarcscope.model.network import Network
from dmarcscope.model.owner_list import KnownBy, Label, ListedSender, OwnerList
from dmarcscope.model.verdict import Hint

NETWORK = Network(64500, "Example Hosting", "NL")
STRANGER = Mail("pass a@other.example", "pass bounce.other.example", ptr="out.host.example")
LISTED = World(OwnerList((ListedSender("Our Help Desk", Label.OURS, known_by=KnownBy(dkim_domains=("other.example",))),)))

NAMES = [
    ("the owner's own server by its name", World(), [OWN], "your own server mail.example.com"),
    ("the owner's own name for it", LISTED, [STRANGER], "Our Help Desk"),
    (
        "a service by its signature, on its own host",
        World(),
        [Mail("pass k@letterbox.example", ptr="a.out.letterbox.example")],
        "Letterbox",
    ),
    (
        "a service by a key of the author's that leads to it",
        World(targets=(("example.com", "lb"),)),
        [Mail("pass lb@example.com", "pass bounce.letterbox.example", "dkim", ptr="")],
        "Letterbox",
    ),
    ("a stranger by the domain that passed, not by its host", World(), [STRANGER], "other.example"),
    ("a stranger's failing signature names nobody", World(), [Mail("fail a@letterbox.example", ptr="out.host.example")], "host.example"),
    ("a forwarder by its host", World(), [EXTERNAL, OWN], "alumni.example"),
    ("a forwarder without a name by its envelope", World(), [with_(EXTERNAL, ptr=None, spf="pass fwd.example"), OWN], "fwd.example"),
    ("a nameless host by its network", World(), [Mail(network=NETWORK)], "unknown hosts at Example Hosting AS64500"),
    ("a nameless host", World(), [Mail()], "hosts without a name"),
    ("one that nobody asked about", World(), [Mail(ptr="")], "hosts not looked up"),
]


@pytest.mark.parametrize(("why", "world", "mails", "name"), NAMES, ids=[one[0] for one in NAMES])
def test_names(why, world, mails, name):
    assert world.first(*mails).sender == name, why


def test_a_name_that_does_not_lead_back_names_nobody():
    assert World().first(Mail(ptr="a.out.letterbox.example?")).sender not in {sender.name for sender in CATALOGUE.senders}


def test_hints_say_what_a_name_rests_on_identities_first():
    classifier, seen, _ = World().judge(
        Mail("pass k@letterbox.example", "pass bounce.letterbox.example", ptr="a.out.letterbox.example", network=NETWORK)
    )
    assert classifier.hints(seen[0].who, seen[0].place) == (
        Hint("DKIM", "letterbox.example", "Letterbox"),
        Hint("SPF", "bounce.letterbox.example", "Letterbox"),
        Hint("PTR", "letterbox.example", "Letterbox"),
        Hint("network", "Example Hosting AS64500", "Example Hosting AS64500"),
    )


ACCOUNTS = [
    ("example-com.20230601.gappssmtp.com", True),
    ("other-com.20230601.gappssmtp.com", False),
    ("example-com.20230601.gappssmtp.com.evil.example", False),
]


@pytest.mark.parametrize(("signer", "tied"), ACCOUNTS, ids=["the domain's own account", "another's account", "a name that only looks so"])
def test_an_account_of_the_domain_ties_a_service_to_it(signer, tied):
    """Google signs for a domain that made no key as <domain>.<date>.gappssmtp.com."""
    who = identities(Mail(f"pass 2023@{signer}").evidence(), organizational_of)
    assert is_tied(who, CATALOGUE.senders[2], []) == tied
