"""Answers from master files: as a server of those zones would give them, and nothing of any other name."""

import asyncio

import pytest
from nameserver import NameServer

from dmarcscope.errors import SetupError
from dmarcscope.lookup.opening import open_resolver
from dmarcscope.lookup.resolver import DnsResolver
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.lookup.zones import OfflineResolver, ZoneResolver, read_zone
from dmarcscope.model.answer import Answer, Outcome, Question

FOUND, NO_DATA, NXDOMAIN, SERVFAIL, TIMEOUT, REFUSED, MALFORMED, NOT_ASKED = Outcome

# The example of RFC 4592 §2.2.1, and what else there is.
EXAMPLE = """\
$ORIGIN example.
$TTL 3600
@ IN SOA ns.example.com. admin.example.com. 1 7200 3600 604800 600
@ IN NS ns.example.com.
*.example. TXT "this is a wildcard"
*.example. MX 10 host1.example.
sub.*.example. TXT "this is not a wildcard"
host1.example. A 192.0.2.1
_ssh._tcp.host1.example. SRV 0 0 22 host1.example.
_ssh._tcp.host2.example. SRV 0 0 22 host1.example.
Alias 60 CNAME HOST1
there CNAME a.other.example.
out CNAME a.elsewhere.example.org.
round1 CNAME round2
round2 CNAME round1
dangling CNAME nothing.host1
*.aliases CNAME host1
txt TXT "one " "two" "gr\\252n"
odd\\.label A 192.0.2.3
"""
OTHER = "a 30 IN A 192.0.2.2\n"  # no $ORIGIN, no SOA: named by its file

ROWS = [
    # name, kind, outcome, records, aliases, TTL, why
    ("host3.example", "MX", FOUND, ("10 host1.example",), (), 3600, "RFC 4592 §2.2.1: by the wildcard"),
    ("host3.example", "A", NO_DATA, (), (), 600, "the wildcard has no A"),
    ("foo.bar.example", "TXT", FOUND, ("this is a wildcard",), (), 3600, "a wildcard stands for several labels"),
    ("host1.example", "MX", NO_DATA, (), (), 600, "host1 is there, so the wildcard is not for it"),
    ("sub.*.example", "MX", NO_DATA, (), (), 600, "is there"),
    ("_telnet._tcp.host1.example", "SRV", NXDOMAIN, (), (), 600, "the closest encloser is _tcp.host1, which has no wildcard"),
    ("host2.example", "TXT", NO_DATA, (), (), 600, "an empty non-terminal, not the wildcard (RFC 4592 §2.2.2)"),
    ("_tcp.host1.example", "TXT", NO_DATA, (), (), 600, "an empty non-terminal"),
    ("ghost.*.example", "MX", NXDOMAIN, (), (), 600, "the closest encloser is the asterisk label itself"),
    ("*.example", "TXT", FOUND, ("this is a wildcard",), (), 3600, "the wildcard's own name"),
    ("example", "NS", FOUND, ("ns.example.com",), (), 3600, "the zone's own name"),
    ("example", "A", NO_DATA, (), (), 600, "the zone's own name is there"),
    ("EXAMPLE.", "soa", FOUND, ("ns.example.com admin.example.com 1 7200 3600 604800 600",), (), 3600, "case and final dot"),
    ("alias.example", "A", FOUND, ("192.0.2.1",), ("host1.example",), 60, "an alias; the lowest TTL"),
    ("alias.example", "CNAME", FOUND, ("host1.example",), (), 60, "an alias, asked for"),
    ("alias.example", "MX", NO_DATA, (), ("host1.example",), 60, "what the alias leads to has none"),
    ("x.aliases.example", "A", FOUND, ("192.0.2.1",), ("host1.example",), 3600, "an alias by a wildcard"),
    ("dangling.example", "A", NXDOMAIN, (), ("nothing.host1.example",), 600, "an alias of nothing"),
    ("round1.example", "A", MALFORMED, (), None, 0, "a circle"),
    ("txt.example", "TXT", FOUND, ("one twogr\xfcn",), (), 3600, "strings joined, octets as characters"),
    ("odd\\.label.example", "A", FOUND, ("192.0.2.3",), (), 3600, "a dot within a label"),
]

OWN = [
    ("there.example", "A", FOUND, ("192.0.2.2",), ("a.other.example",), 30, "an alias into another zone; its TTL"),
    ("a.other.example", "A", FOUND, ("192.0.2.2",), (), 30, "the longer zone counts"),
    ("b.other.example", "TXT", NXDOMAIN, (), (), 0, "and the wildcard of the shorter does not; without SOA not kept"),
    ("out.example", "A", NOT_ASKED, (), ("a.elsewhere.example.org",), 0, "an alias to where no zone file is"),
    ("elsewhere.example.org", "A", NOT_ASKED, (), (), 0, "no zone file holds it"),
    ("ample", "A", NOT_ASKED, (), (), 0, "half a label is not in the zone"),
    ("x" * 64 + ".example", "A", NOT_ASKED, (), (), 0, "no name"),
]


@pytest.fixture(scope="module")
def zones(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zones")
    (folder / "main").write_text(EXAMPLE)
    (folder / "other.example.zone").write_text(OTHER)
    return [read_zone(folder / "main"), read_zone(folder / "other.example.zone")]


@pytest.mark.parametrize(("name", "kind", "outcome", "records", "aliases", "ttl", "why"), ROWS + OWN, ids=[row[-1] for row in ROWS + OWN])
def test_answers(zones, name, kind, outcome, records, aliases, ttl, why):
    answer = asyncio.run(ZoneResolver(zones).ask(name, kind))
    assert (answer.outcome, answer.records, answer.ttl) == (outcome, records, ttl)
    assert aliases is None or answer.aliases == aliases
    assert answer.question == Question(name.lower().removesuffix("."), kind.upper())
    assert bool(answer.detail) != outcome.is_told
    assert not answer.authenticated


def test_as_nsd_answers(tmp_path):
    """The same zone, served by a real server, gives the same."""
    with NameServer(tmp_path, {"example": EXAMPLE}) as server:

        async def whole():
            async with DnsResolver(DnsSettings(nameservers=(server.address,))) as asker:
                return [await asker.ask(row[0], row[1]) for row in ROWS]

        answers = asyncio.run(whole())
    for (name, kind, outcome, records, aliases, ttl, why), answer in zip(ROWS, answers, strict=True):
        assert (answer.outcome, answer.records) == (outcome, records), (name, kind, why)
        if aliases is not None:
            assert (answer.aliases, answer.ttl) == (aliases, ttl), (name, kind, why)


def test_beyond_is_asked_for_other_names_only(zones):
    asked = []

    class Beyond:
        async def ask(self, name, kind):
            asked.append((name, kind))
            return Answer(Question(name, kind), FOUND, ("192.0.2.9",), ttl=5, aliases=("b.example.org",), authenticated=True)

    resolver = ZoneResolver(zones, Beyond())
    answers = [asyncio.run(resolver.ask(name, "A")) for name in ("host1.example", "out.example", "a.example.org")]
    assert asked == [("a.elsewhere.example.org", "A"), ("a.example.org", "A")]
    assert answers[1].question == Question("out.example", "A")
    assert answers[1].aliases == ("a.elsewhere.example.org", "b.example.org")
    assert answers[1].ttl == 5
    assert not answers[1].authenticated, "the first alias is not"
    assert answers[2].authenticated


def test_offline_asks_nobody(tmp_path):
    path = tmp_path / "example.com.zone"
    path.write_text("@ 60 IN A 192.0.2.1\n")

    async def whole(*files):
        async with open_resolver(DnsSettings(offline=True, zone_files=files)) as resolver:
            return [await resolver.ask(name, "A") for name in ("example.com", "example.net")]

    answers = asyncio.run(whole(path))
    assert [(answer.outcome, answer.detail) for answer in answers] == [(FOUND, ""), (NOT_ASKED, "no zone file holds it")]
    answers = asyncio.run(whole())
    assert [(answer.outcome, answer.detail) for answer in answers] == [(NOT_ASKED, "offline")] * 2
    assert asyncio.run(OfflineResolver("told so").ask("a", "A")) == Answer(Question("a", "A"), NOT_ASKED, detail="told so")


BROKEN = [
    ("@ IN A 192.0.2.1\n@ IN A nonsense\n", "example.com.zone:2", "the line of a mistake"),
    ("", "no records", "an empty file"),
    ("a IN CNAME b\na IN A 192.0.2.1\n", "example.com.zone", "an alias beside other records (RFC 1034 §3.6.2)"),
    ("\xff\xfe".encode("latin-1"), "example.com.zone", "no text"),
    (None, "example.com.zone", "no file"),
]


@pytest.mark.parametrize(("text", "words", "why"), BROKEN, ids=[row[-1] for row in BROKEN])
def test_broken_files(tmp_path, text, words, why):
    path = tmp_path / "example.com.zone"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SetupError, match=words):
        read_zone(path)
