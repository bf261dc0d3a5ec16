"""The rules: for each, cases that fit and near misses, judged as stored records are, by results, hosts and all other mail of the domain."""

import re
from ipaddress import ip_network
from pathlib import Path

import pytest
from judging import AUTHOR, EXTERNAL, OWN, Mail, World, with_

from dmarcscope.analysis.rules import RULES
from dmarcscope.model.evidence import Authorised
from dmarcscope.model.network import Network
from dmarcscope.model.owner_list import KnownBy, Label, ListedSender, OwnerList
from dmarcscope.model.verdict import SenderClass

ALIGNED, FIX, FORWARDED, LIST, UNAUTHORISED, UNKNOWN = (one.value for one in SenderClass)
PAGE = Path(__file__).parent.parent.parent / "docs" / "classes.md"
NET = KnownBy(addresses=(ip_network("203.0.113.0/24"),))


def listed(label: Label, known_by: KnownBy = NET, name: str = "Listed", domains: tuple[str, ...] = ()) -> World:
    return World(OwnerList((ListedSender(name, label, domains=domains, known_by=known_by),)))


PASSING = Mail("pass s1@example.com", "pass example.com", "dkim spf")
FAILING = Mail("", "fail example.com")
STRANGER = Mail("pass a@other.example", "pass other.example", ptr="out.other.example")
BROKEN = Mail("fail s1@example.com,pass l@lists.example.net", "pass lists.example.net", ptr="lists.example.net")
LETTER = Mail("pass k@letterbox.example", "pass bounce.letterbox.example", ptr="a.out.letterbox.example", ip="198.51.100.2")
CHANGER = Mail("fail s1@example.com,pass c@club.example", "pass club.example", ptr="out.club.example", ip="198.51.100.3")
"""Mail that a host passes on and changes, without any name that lists bear."""
TIED = World(targets=(("example.com", "lb"),))
TERM = (("example.com", Authorised("ip4:203.0.113.9")),)
VIA = (("example.com", Authorised("ip4:203.0.113.0/24", ("_spf.letterbox.example",))),)
SIGNER = KnownBy(dkim_domains=("other.example",))
BIGMAIL = Mail("pass k@bigmail.example", "pass bigmail.example", ptr="a.mx.bigmail.example")
KEY = Mail("pass own@example.com", "fail example.com", "dkim", ptr="m1.rented.example")
"""A key of the author's that nothing but itself speaks for."""
RENTED = with_(KEY, ptr="vm-203-0-113-9.rented.example")
"""The same from a host that has the name which its operator gave it, with its address in it."""


def scattered(spf: str = "fail example.com") -> list[Mail]:
    """Mail that nothing authenticates, from named hosts of as many operators as are many."""
    return [Mail("", spf, ip=f"198.51.{number}.7", ptr=f"cpe-198-51-{number}-7.isp{number}.example") for number in range(10)]


OWNERS_LABEL = [
    ("ours, and DMARC passes", listed(Label.OURS), [PASSING], ALIGNED),
    ("ours, and DMARC fails: to be fixed", listed(Label.OURS), [FAILING], FIX),
    ("not ours, whatever passes: the label beats all", listed(Label.NOT_OURS), [PASSING], UNAUTHORISED),
    ("a forwarder", listed(Label.FORWARDER), [FAILING], FORWARDED),
    ("a list", listed(Label.MAILING_LIST), [FAILING], LIST),
    ("a label beats the receiver's reason", listed(Label.NOT_OURS), [with_(FAILING, reasons=("mailing_list",))], UNAUTHORISED),
    ("by a signature that passed", listed(Label.OURS, KnownBy(dkim_domains=("other.example",))), [STRANGER], FIX),
    ("by the name of the host", listed(Label.OURS, KnownBy(ptr_suffixes=("other.example",))), [STRANGER], FIX),
    ("by the envelope that passed", listed(Label.OURS, KnownBy(spf_domains=("other.example",))), [STRANGER], FIX),
    ("by a signature, where SPF is not told", listed(Label.OURS, SIGNER), [with_(STRANGER, spf="", ptr=None)], FIX),
    ("by a signature, from a nameless host that SPF names", listed(Label.OURS, SIGNER), [with_(STRANGER, ptr=None)], FIX),
    (
        "by a signature, from a host that the owner's SPF lets in",
        listed(Label.OURS, SIGNER),
        [with_(STRANGER, spf="pass example.com", aligned="spf", ptr=None)],
        ALIGNED,
    ),
    ("by its name alone, as the evidence gives it", listed(Label.OURS, KnownBy(), "other.example"), [STRANGER], FIX),
    ("limited to this domain", listed(Label.NOT_OURS, domains=("example.com",)), [FAILING], UNAUTHORISED),
]
RECEIVERS_REASON = [
    ("a list, says the receiver", World(), [with_(FAILING, reasons=("mailing_list",))], LIST),
    ("forwarded, says the receiver", World(), [with_(FAILING, reasons=("forwarded",))], FORWARDED),
    ("a trusted forwarder", World(), [with_(FAILING, reasons=("trusted_forwarder",))], FORWARDED),
    ("local policy with a passed ARC chain", World(), [with_(FAILING, reasons=("local_policy arc",))], FORWARDED),
    ("an ARC chain from a host with a list's name", World(), [with_(BROKEN, reasons=("local_policy arc",))], LIST),
    ("even though the author's DKIM passes", World(), [with_(EXTERNAL, reasons=("forwarded",)), OWN], FORWARDED),
    (
        "a forwarder says the receiver, but the host is one that changes all it passes on",
        World(),
        [with_(CHANGER, reasons=("trusted_forwarder",)), CHANGER, OWN],
        LIST,
    ),
]
CATALOGUED_SERVICE = [
    ("the domain has published its key", TIED, [with_(LETTER, dkim="pass lb@example.com", aligned="dkim")], ALIGNED),
    (
        "it is included in SPF",
        World(),
        [with_(LETTER, authorised=(("example.com", Authorised("ip4:198.51.100.0/24", ("_spf.letterbox.example",))),))],
        FIX,
    ),
    ("signs as itself and is seen for weeks", World(), [LETTER], FIX),
    (
        "signs as itself once, and passes for the author elsewhere",
        World(),
        [with_(LETTER, days=(0.0, 1.0)), with_(LETTER, dkim="pass k@letterbox.example,pass x@example.com", aligned="dkim")],
        FIX,
    ),
    ("by its network alone", World(), [Mail("pass k@parcelpost.example", network=Network(64501, "Parcelpost"))], FIX),
    ("a forwarding service", World(), [Mail("pass k@passalong.example", "pass passalong.example", ptr="a.passalong.example")], FORWARDED),
    ("a list service", World(), [Mail("pass k@rundmail.example", "pass rundmail.example", ptr="a.rundmail.example")], LIST),
    (
        "exact matches go before forwarding patterns",
        TIED,
        [with_(LETTER, dkim="pass lb@example.com", aligned="dkim", spf="fail example.com"), OWN],
        ALIGNED,
    ),
    (
        "seen for as many days as are enough",
        World(),
        [with_(LETTER, days=(0.0, 14.0))],
        FIX,
    ),
    (
        "its signature, and neither SPF nor a name tells of another host",
        World(),
        [with_(LETTER, spf="", ptr=None)],
        FIX,
    ),
    ("its envelope alone, as SPF passes for it", World(), [with_(LETTER, dkim="", ptr=None)], FIX),
    (
        "the domain's own account at Google, which has made no key for it yet",
        World(),
        [with_(BIGMAIL, dkim="pass g@example-com.20230601.gappssmtp.com", spf="none example.com")],
        FIX,
    ),
    (
        "an account at Microsoft that is called like the domain",
        World(),
        [with_(BIGMAIL, dkim="pass selector1-example-onmicrosoft-com@example.onmicrosoft.com", spf="none example.com")],
        FIX,
    ),
]
OWN_SPF = [
    ("SPF passes, aligned", World(), [Mail("", "pass example.com", "spf")], ALIGNED),
    ("SPF passes for a subdomain's bounces that the receiver took as not aligned", World(), [Mail("", "pass bounce.example.com")], FIX),
    ("today's record lets it in, though it did not then", World(), [with_(FAILING, authorised=TERM)], FIX),
    (
        "no SPF result is told, and today's record lets it in",
        World(),
        [Mail("pass s1@example.com", aligned="dkim", authorised=TERM)],
        ALIGNED,
    ),
    (
        "today's record names the host itself, though the envelope was another's",
        World(),
        [Mail("pass x@other.example", "pass other.example", ptr="out.other.example", authorised=TERM)],
        FIX,
    ),
    (
        "HELO is no envelope: a host at a hosting company that greets with its own name, and that today's record names",
        World(),
        [Mail("", "pass a.racks.example", scope="helo", ptr="a.racks.example", authorised=TERM)],
        FIX,
    ),
]
OWN_HOST = [
    ("the host's name lies below the domain", World(), [Mail("", "fail example.com", ptr="web.example.com")], FIX),
    ("and DMARC passes by DKIM", World(), [Mail("pass s1@example.com", "permerror example.com", "dkim", ptr="web.example.com")], ALIGNED),
]
OWN_KEY = [
    (
        "a key's mail all from one operator",
        World(),
        [Mail("pass own@example.com", "fail example.com", "dkim", ptr="m1.rented.example", messages=900)],
        ALIGNED,
    ),
    (
        "at a service's host that the domain does not include",
        World(),
        [with_(LETTER, dkim="pass own@example.com", spf="none bounce.example.com", aligned="dkim")],
        ALIGNED,
    ),
    (
        "an operator that sends 30 % of the key's mail is a home beside another",
        World(),
        [with_(KEY, messages=400), with_(KEY, ptr="m1.second.example", messages=600)],
        ALIGNED,
    ),
    (
        "generic names: the part of the address space is the operator",
        World(),
        [RENTED, with_(RENTED, ip="203.0.113.77", ptr="vm-203-0-113-77.rented.example", messages=900)],
        ALIGNED,
    ),
    (
        "a nameless host is known by whom SPF passes for",
        World(),
        [with_(KEY, spf="pass crm.example", ptr=None), with_(KEY, spf="pass crm.example", ip="198.18.0.1", ptr=None, messages=900)],
        ALIGNED,
    ),
    (
        "generic names, far apart, are known by whom SPF passes for",
        World(),
        [
            with_(RENTED, spf="pass crm.example"),
            with_(RENTED, spf="pass crm.example", ip="198.18.7.9", ptr="vm-198-18-7-9.rented.example", messages=900),
        ],
        ALIGNED,
    ),
    (
        "a reporter that tells no DKIM results, on hosts from which named keys are sent",
        World(),
        [with_(KEY, dkim=""), with_(KEY, messages=900), OWN],
        ALIGNED,
    ),
    (
        "no reporter tells keys: the mail of the unnamed one comes from here",
        World(),
        [with_(KEY, dkim="", messages=900)],
        ALIGNED,
    ),
]
OWN_SENDER_FAILING = [
    (
        "its key fails where it is at home",
        World(),
        [
            with_(HOME := Mail("fail own@example.com", "fail example.com", ptr="m1.rented.example")),
            with_(HOME, dkim="pass own@example.com", aligned="dkim", messages=900),
        ],
        FIX,
    ),
    (
        "unsigned, from where authenticated mail comes",
        World(),
        [with_(HOME, dkim=""), with_(HOME, dkim="pass own@example.com", aligned="dkim", messages=900)],
        FIX,
    ),
]
FORWARDED_WHOLE = [
    ("DKIM survives, SPF fails", World(), [EXTERNAL, OWN], FORWARDED),
    ("DKIM survives, SPF passes for the forwarder", World(), [with_(EXTERNAL, spf="pass alumni.example"), OWN], FORWARDED),
    ("a key of an own sender, at a mailbox provider's host", World(), [with_(EXTERNAL, ptr="a.mx.bigmail.example"), OWN], FORWARDED),
    ("a list that changes nothing", World(), [with_(EXTERNAL, ptr="lists.alumni.example"), OWN], LIST),
    (
        "at a shared host that is a key's home, when SPF speaks for another",
        World(),
        [
            with_(EXTERNAL, spf="pass fwd.example", ptr="a.mx.bigmail.example"),
            with_(OWN, ptr="b.mx.bigmail.example", ip="198.51.100.98"),
        ],
        FORWARDED,
    ),
    (
        "a reporter that tells no DKIM results: the unnamed key is not at home where the named ones are not",
        World(),
        [with_(EXTERNAL, dkim="", messages=900), OWN],
        FORWARDED,
    ),
    (
        "a hosting company's hosts, when SPF speaks for another: the key's home, and still not told from a forwarder's",
        World(),
        [
            with_(KEY, spf="pass crm.example", ptr="a.racks.example"),
            with_(KEY, spf="pass crm.example", ptr="b.racks.example", ip="198.18.0.1", messages=900),
        ],
        FORWARDED,
    ),
    ("a list by its signature", World(), [with_(EXTERNAL, dkim="pass s1@example.com,pass l@lists.alumni.example"), OWN], LIST),
    (
        "a list, as receivers call these hosts elsewhere",
        World(),
        [EXTERNAL, with_(EXTERNAL, reasons=("mailing_list",)), OWN],
        LIST,
    ),
    (
        "generic names of another part of the address space are another operator's",
        World(),
        [RENTED, with_(RENTED, ip="198.18.7.9", ptr="vm-198-18-7-9.rented.example", messages=900)],
        FORWARDED,
    ),
    (
        "an operator of less than 30 % of the key's mail is no home",
        World(),
        [with_(KEY, messages=250), with_(KEY, ptr="m1.second.example", messages=750)],
        FORWARDED,
    ),
    (
        "where the key's owner is evident, its home is there, and others need 30 %",
        World(),
        [with_(KEY, messages=250), with_(OWN, dkim="pass own@example.com", messages=750)],
        FORWARDED,
    ),
]
FORWARDED_BROKEN = [
    ("a list that changes what it passes on", World(), [BROKEN, OWN], LIST),
    ("a host that changes all that it passes on is a list, whatever its name", World(), [CHANGER, OWN], LIST),
    (
        "a host that changes a quarter of what it passes on is a forwarder",
        World(),
        [
            CHANGER,
            with_(CHANGER, dkim="pass s1@example.com", aligned="dkim", messages=30),
            OWN,
        ],
        FORWARDED,
    ),
    (
        "a forwarder that changes it, by a key that stands in the DNS",
        World(published=(("example.com", "s1"),)),
        [
            Mail("fail s1@example.com,pass f@fwd.example", "pass fwd.example", ptr="out.fwd.example"),
            with_(OWN, dkim="pass s2@example.com"),
            with_(EXTERNAL, dkim="pass s2@example.com", ptr="out.fwd.example", spf="pass fwd.example"),
        ],
        FORWARDED,
    ),
]
KNOWN_RELAY = [
    (
        "an unsigned message by hosts that forward others",
        World(),
        [Mail("", "pass alumni.example", ip=EXTERNAL.ip, ptr=EXTERNAL.ptr), EXTERNAL, OWN],
        FORWARDED,
    ),
    (
        "a receiver that trusts the forwarder says of its hosts that they pass mail on",
        World(),
        [Mail("", "pass out.fwd.example", ptr="out.fwd.example"), Mail(ptr="out.fwd.example", reasons=("trusted_forwarder",))],
        FORWARDED,
    ),
]
ABUSE = [
    ("nothing passes, no name", World(), [FAILING], UNAUTHORISED),
    (
        "it signs with its own domain, from a host without a name, as a subdomain that does not exist",
        World(nonexistent=("payroll.example.com",)),
        [Mail("pass x@spam.example", "pass spam.example", author="payroll.example.com")],
        UNAUTHORISED,
    ),
    ("it claims a key that nobody knows, and has no name", World(), [Mail("fail nokey@example.com", "fail example.com")], UNAUTHORISED),
    ("no results at all, and no name", World(), [Mail()], UNAUTHORISED),
    (
        "nobody asked about the host, but the author's domain does not exist",
        World(nonexistent=("payroll.example.com",)),
        [Mail("", "fail payroll.example.com", ptr="", author="payroll.example.com")],
        UNAUTHORISED,
    ),
    (
        "a service's own mail for weeks, as a subdomain that does not exist, from a host without a name",
        World(nonexistent=("payroll.example.com",)),
        [with_(LETTER, author="payroll.example.com", ptr=None)],
        UNAUTHORISED,
    ),
    ("generic names that lead back, of many operators", World(), [*scattered()], UNAUTHORISED),
    (
        "much for weeks, but from more addresses than one forgotten system has",
        World(),
        [with_(FAILING, messages=900, sources=6)],
        UNAUTHORISED,
    ),
    ("much from one address, but for a day", World(), [with_(FAILING, messages=900, days=(0.0, 1.0))], UNAUTHORISED),
    ("for weeks from one address, but too little to be a system", World(), [with_(FAILING, messages=90)], UNAUTHORISED),
    (
        "a nameless spoofer with an envelope of its own, beside one that nothing authenticates",
        World(),
        [
            Mail("pass x@spam.example", "fail example.com", ip="203.0.113.10", ptr=None),
            FAILING,
        ],
        UNAUTHORISED,
    ),
]
NOTHING_KNOWN = [
    ("a stranger that authenticates as itself", World(), [STRANGER], UNKNOWN),
    ("nobody asked for its name: one sign is not enough", World(), [with_(FAILING, ptr="")], UNKNOWN),
    (
        "an account at a mailbox provider is anybody's",
        World(),
        [Mail("pass k@bigmail.example", "pass bigmail.example", ptr="a.mx.bigmail.example")],
        UNKNOWN,
    ),
    ("only part of a day of a service that never was used: may be abuse of an account", World(), [with_(LETTER, days=(0.0, 1.0))], UNKNOWN),
    ("no author, no results, not asked", World(), [Mail(author=None, ptr="")], UNKNOWN),
    (
        "however many operators: nobody has asked about the hosts, so that no sign counts",
        World(),
        [with_(one, ptr="") for one in scattered()],
        UNKNOWN,
    ),
    ("much from one nameless address for weeks: a forgotten system may do that", World(), [with_(FAILING, messages=900)], UNKNOWN),
    ("a named host of many that send such mail", World(), [Mail("", "fail example.com", ptr="out.other.example"), *scattered()], UNKNOWN),
    (
        "a service that never passes, seen for less than two weeks",
        World(),
        [with_(LETTER, days=(0.0, 13.0))],
        UNKNOWN,
    ),
    (
        "an include of a shared service ties nobody to the author",
        World(),
        [with_(BIGMAIL, authorised=(("example.com", Authorised("ip4:203.0.113.0/24", ("_spf.bigmail.example",))),))],
        UNKNOWN,
    ),
    (
        "today's record lets the host in by an include, and the envelope was another's",
        World(),
        [with_(STRANGER, authorised=VIA)],
        UNKNOWN,
    ),
    (
        "a shared host that today's record names, when SPF speaks for another",
        World(),
        [with_(STRANGER, ptr="a.mx.bigmail.example", authorised=TERM)],
        UNKNOWN,
    ),
    (
        "HELO is no envelope: its domain names no service",
        World(),
        [with_(LETTER, dkim="", scope="helo", ptr="out.other.example")],
        UNKNOWN,
    ),
    (
        "«forwarded» is a guess and teaches nothing of the host",
        World(),
        [Mail("", "pass out.fwd.example", ptr="out.fwd.example"), Mail(ptr="out.fwd.example", reasons=("forwarded",))],
        UNKNOWN,
    ),
]

FITTING = {
    "owners-label": OWNERS_LABEL,
    "receivers-reason": RECEIVERS_REASON,
    "catalogued-service": CATALOGUED_SERVICE,
    "own-spf": OWN_SPF,
    "own-host": OWN_HOST,
    "own-key": OWN_KEY,
    "own-sender-failing": OWN_SENDER_FAILING,
    "forwarded-whole": FORWARDED_WHOLE,
    "forwarded-broken": FORWARDED_BROKEN,
    "service-host": [
        (
            "the name of a service that is seen with the domain for weeks",
            World(),
            [with_(LETTER, dkim="", spf="fail example.com"), LETTER],
            FIX,
        ),
    ],
    "known-relay": KNOWN_RELAY,
    "passes": [("DMARC passes, with no result to say by what", World(), [Mail(aligned="dkim", author=None)], ALIGNED)],
    "abuse": ABUSE,
    "nothing-known": NOTHING_KNOWN,
}
"""By rule: why, what is known, the mail to be judged (the first) with the other mail of the domain, and its class."""

NEAR_MISSES = [
    ("owners-label", "an address beside the block", listed(Label.OURS), [with_(FAILING, ip="203.0.114.9")]),
    ("owners-label", "an entry about another domain", listed(Label.OURS, domains=("example.org",)), [FAILING]),
    (
        "owners-label",
        "a domain that signed and failed says nothing",
        listed(Label.OURS, KnownBy(dkim_domains=("other.example",))),
        [Mail("fail a@other.example")],
    ),
    (
        "owners-label",
        "an unconfirmed name is anybody's",
        listed(Label.OURS, KnownBy(ptr_suffixes=("other.example",))),
        [Mail(ptr="out.other.example?")],
    ),
    (
        "owners-label",
        "a message of a listed signer, sent again by a nameless host for which SPF passes as another's",
        listed(Label.OURS, SIGNER),
        [with_(STRANGER, spf="pass spam.example", ptr=None)],
    ),
    (
        "owners-label",
        "a message of a listed signer, from a nameless host that SPF does not let in",
        listed(Label.OURS, SIGNER),
        [with_(STRANGER, spf="fail other.example", ptr=None)],
    ),
    (
        "owners-label",
        "known by name alone: what was passed on is not its host's",
        listed(Label.OURS, KnownBy(), "alumni.example"),
        [EXTERNAL, OWN],
    ),
    (
        "owners-label",
        "a forwarder known by name alone: the owner's own mail stays the owner's",
        listed(Label.FORWARDER, KnownBy(), "Letterbox"),
        [LETTER],
    ),
    ("receivers-reason", "local policy without ARC says nothing", World(), [with_(FAILING, reasons=("local_policy",))]),
    ("receivers-reason", "«other» says nothing", World(), [with_(FAILING, reasons=("other", "sampled_out"))]),
    ("receivers-reason", "SPF passes for the author: it came from the owner", World(), [with_(PASSING, reasons=("forwarded",))]),
    (
        "catalogued-service",
        "its signature failed",
        World(),
        [with_(LETTER, dkim="fail k@letterbox.example", spf="", ptr="out.other.example")],
    ),
    (
        "catalogued-service",
        "a forwarder's host, to which its signed mail came",
        World(),
        [with_(LETTER, spf="pass fwd.example", ptr="out.fwd.example")],
    ),
    (
        "catalogued-service",
        "a name below another domain",
        World(),
        [Mail("pass k@notletterbox.example", "pass notletterbox.example", ptr="a.notletterbox.example")],
    ),
    (
        "catalogued-service",
        "a service's own signature, from a host of which nothing but a failure for another is told",
        World(),
        [with_(LETTER, spf="fail other.example", ptr=None)],
    ),
    ("catalogued-service", "an account at a mailbox provider, for however long", World(), [BIGMAIL]),
    (
        "catalogued-service",
        "another's account at Google",
        World(),
        [with_(BIGMAIL, dkim="pass g@other-example.20230601.gappssmtp.com")],
    ),
    (
        "catalogued-service",
        "another's account at Microsoft",
        World(),
        [with_(BIGMAIL, dkim="pass selector1-other-onmicrosoft-com@other.onmicrosoft.com")],
    ),
    ("own-spf", "SPF passes for another domain", World(), [STRANGER]),
    ("own-spf", "it passes for HELO of another's", World(), [with_(STRANGER, scope="helo", dkim="")]),
    ("own-spf", "today's record lets it in, by an include, and the envelope was another's", World(), [with_(STRANGER, authorised=VIA)]),
    ("own-spf", "another domain's record of today", World(), [with_(FAILING, authorised=(("other.example", Authorised("a")),))]),
    ("own-host", "a name that does not lead back", World(), [Mail("", "fail example.com", ptr="web.example.com?")]),
    ("own-host", "a domain that only ends alike", World(), [Mail("", "fail example.com", ptr="web.notexample.com")]),
    ("own-key", "the key's mail comes from elsewhere: forwarded", World(), [EXTERNAL, OWN]),
    (
        "own-key",
        "the unnamed key of a reporter that tells no DKIM results, where the named keys are at home elsewhere",
        World(),
        [with_(EXTERNAL, dkim="", messages=900), OWN],
    ),
    (
        "own-key",
        "at home on a shared host, but SPF speaks for another: a mailbox that sends its mail on",
        World(),
        [with_(OWN, spf="pass other.example", aligned="dkim", ptr="a.mx.bigmail.example")],
    ),
    ("own-sender-failing", "hosts that send nothing else of the domain", World(), [HOME, OWN]),
    (
        "own-sender-failing",
        "a shared host, on which the domain has mail, too",
        World(),
        [
            Mail("", "pass stranger.example", ptr="a.mx.bigmail.example"),
            Mail("pass own@example.com", "pass example.com", "dkim spf", ptr="b.mx.bigmail.example", messages=900),
        ],
    ),
    ("forwarded-whole", "no author DKIM and unaligned SPF is never forwarded by itself", World(), [STRANGER]),
    ("forwarded-broken", "a key that nobody knows", World(), [with_(BROKEN, dkim="fail nokey@example.com,pass l@lists.example.net")]),
    ("forwarded-broken", "nothing else passes", World(), [with_(BROKEN, dkim="fail s1@example.com", spf="fail lists.example.net"), OWN]),
    (
        "known-relay",
        "nothing at all authenticates it",
        World(),
        [Mail("", "fail example.com", ip=EXTERNAL.ip, ptr=EXTERNAL.ptr), EXTERNAL, OWN],
    ),
    (
        "known-relay",
        "a rented host: others of that operator are not this one",
        World(),
        [
            Mail("", "pass fwd.example", ip="198.51.100.97", ptr="b.racks.example"),
            with_(EXTERNAL, ptr="a.racks.example", spf="pass fwd.example"),
            OWN,
        ],
    ),
    ("abuse", "the host has a name that leads back", World(), [with_(FAILING, ptr="out.other.example")]),
    ("abuse", "the host has a name, though it does not lead back", World(), [with_(FAILING, ptr="out.other.example?")]),
    ("abuse", "nobody has asked about the host", World(), [with_(FAILING, ptr="")]),
    ("abuse", "it sends much for weeks from one address: perhaps a forgotten system", World(), [with_(FAILING, messages=900)]),
    ("abuse", "one with a generic name that leads back: one sign alone", World(), scattered()[:1]),
    ("abuse", "it passes DMARC", World(), [with_(EXTERNAL, ptr=None), OWN]),
    ("service-host", "a service that is seen for a day", World(), [with_(LETTER, dkim="", spf="fail example.com", days=(0.0, 1.0))]),
    ("service-host", "a hosting company's host is anybody's", World(), [Mail("", "fail example.com", ptr="a.racks.example")]),
    ("service-host", "another's signature says whose mail it is", World(), [with_(LETTER, dkim="pass a@other.example", spf="")]),
    ("service-host", "a name that does not lead back", World(), [with_(LETTER, dkim="", spf="", ptr="a.out.letterbox.example?")]),
    ("passes", "DMARC fails", World(), [FAILING]),
]
"""Which rule does not fit, why, what is known, and the mail."""

CASES = [pytest.param(rule, *case, id=f"{rule}: {case[0]}") for rule, cases in FITTING.items() for case in cases]


@pytest.mark.parametrize(("rule", "why", "world", "mails", "expected"), CASES)
def test_a_rule_fits(rule, why, world, mails, expected):
    found = world.first(*mails)
    assert (found.rule, found.sender_class.value) == (rule, expected), why


@pytest.mark.parametrize(("rule", "why", "world", "mails"), [pytest.param(*one, id=f"{one[0]}: {one[1]}") for one in NEAR_MISSES])
def test_a_rule_does_not_fit(rule, why, world, mails):
    assert world.first(*mails).rule != rule, why


def test_every_rule_has_cases_and_near_misses():
    names = [rule.name for rule in RULES]
    assert set(FITTING) == set(names)
    assert {one[0] for one in NEAR_MISSES} == set(names) - {"nothing-known"}
    assert names[0] == "owners-label", "the owner's list beats every rule"
    assert names.index("catalogued-service") < names.index("forwarded-whole"), "exact matches go before forwarding patterns"
    assert names[-1] == "nothing-known"


NOT_YOURS = [
    (
        "the headers of a real message replayed, from a nameless host",
        World(),
        [Mail("fail s1@example.com,pass x@spam.example", "pass spam.example"), OWN],
    ),
    ("a spoofer that signs with its own domain", World(), [with_(STRANGER, ptr=None), OWN]),
    ("a spoofer with the owner's domain in MAIL FROM", World(), [FAILING, OWN]),
    ("a name that claims to be the owner's and does not lead back", World(), [with_(FAILING, ptr="mail.example.com?"), OWN]),
    ("a new account at a marketing service, for a day", World(), [with_(LETTER, days=(0.0, 1.0)), OWN]),
    ("a domain that resembles the author's", World(), [Mail("pass s1@examp1e.com", "pass examp1e.com", ptr="mail.examp1e.com"), OWN]),
]


@pytest.mark.parametrize(("why", "world", "mails"), NOT_YOURS, ids=[one[0] for one in NOT_YOURS])
def test_strangers_are_never_yours(why, world, mails):
    assert world.first(*mails).sender_class.value not in {ALIGNED, FIX}, why


ODD = [
    ("nothing at all", Mail(author=None, ip=None, ptr="")),
    ("no author", Mail("pass s1@example.com", "pass example.com", author=None)),
    ("an empty author", Mail(author="")),
    ("a result without a domain", Mail("pass, fail")),
    ("an unknown word for a result", Mail("hardfail s1@example.com", "bestguess example.com")),
    ("what is no address", Mail(ip="not an address", ptr="")),
    ("a hostile long text", Mail(f"pass s@{'a.' * 5000}example", f"pass {'b.' * 5000}example", author=f"{'c.' * 5000}example.com")),
    ("controls and quotes", Mail("pass \x1b[31m'@exa\nmple", "fail ';DROP TABLE records", author="\u202eexample.com")),
    ("one label", Mail("pass s@localhost", "pass localhost", author="localhost")),
    ("dots alone", Mail("pass s@..", "pass .", author="...")),
    ("a count of nothing", Mail(messages=0)),
    ("a negative count", Mail("pass s1@example.com", "", "dkim", messages=-5)),
]


@pytest.mark.parametrize(("why", "mail"), ODD, ids=[one[0] for one in ODD])
def test_odd_input_gets_a_class_with_a_reason(why, mail):
    found = World().first(mail, OWN)
    assert isinstance(found.sender_class, SenderClass), why
    assert found.rule in {rule.name for rule in RULES}
    assert found.sender, "a sender has a name"
    assert 0 <= found.confidence <= 1


def test_verdicts_do_not_depend_on_the_order():
    mails = [mails[0] for cases in FITTING.values() for _, world, mails, _ in cases if world.owner == OwnerList()]
    forth, back = World().judge(*mails)[2], World().judge(*reversed(mails))[2]
    assert [(one.sender_class, one.sender, one.rule) for one in forth] == [
        (one.sender_class, one.sender, one.rule) for one in reversed(back)
    ]


def test_no_mail_no_verdicts():
    assert World().judge()[2] == []


def test_another_domains_mail_teaches_nothing():
    """What was learnt of one author domain says nothing about another."""
    stolen = with_(EXTERNAL, author="example.org", dkim="pass s1@example.org")
    alone, beside = World().first(stolen), World().first(stolen, OWN, EXTERNAL)
    assert alone == beside


def test_the_page_names_every_rule_and_class_in_its_order():
    page = PAGE.read_text()
    found = re.findall(r"^### \d+\. `([a-z-]+)`", page, re.MULTILINE)
    assert found == [rule.name for rule in RULES], "every rule of RULES stands in docs/classes.md, in its order"
    for one in SenderClass:
        assert f"| `{one.value}` |" in page
    assert AUTHOR in page
