"""The resolver against a real name server (nsd), and against one that misbehaves in every way we know."""

import asyncio
import time
from ipaddress import ip_address

import bad_nameserver as bad
import dns.flags
import dns.rcode
import pytest
from bad_nameserver import BadNameServer, made, says
from nameserver import NameServer, free_port

from dmarcscope.errors import SetupError
from dmarcscope.lookup import resolver, servers, wire
from dmarcscope.lookup.asking import ask_all
from dmarcscope.lookup.opening import open_resolver
from dmarcscope.lookup.resolver import DnsResolver
from dmarcscope.lookup.settings import DnsSettings, system_nameservers
from dmarcscope.model.answer import Answer, Outcome, Question

FOUND, NO_DATA, NXDOMAIN, SERVFAIL, TIMEOUT, REFUSED, MALFORMED, NOT_ASKED = Outcome
GOOD = says("{name} 300 IN A 203.0.113.7")
TO_B = "{name} 300 IN CNAME b.example.com."

ZONES = {
    "example.com": """\
@ IN MX 10 mx.example.com.
@ IN MX 20 MX2.Example.com.
@ IN TXT "v=spf1 " "-all"
@ IN TXT "second"
bytes IN TXT "gr\\252n"
a 120 IN A 203.0.113.7
a IN A 203.0.113.8
a IN AAAA 2001:db8:0:0::7
alias 60 IN CNAME a
twice IN CNAME alias
dangling IN CNAME nothing
nodata IN CNAME a
away IN CNAME a.example.net.
refused IN CNAME a.example.edu.
round1 IN CNAME round2
round2 IN CNAME round1
tree IN DNAME other
a.other IN A 203.0.113.9
*.wild IN TXT "wild"
deep.empty IN A 203.0.113.10
odd\\.label IN A 203.0.113.11
long IN TXT """
    + " ".join(f'"{"x" * 200}"' for _ in range(20))
    + "\n"
    + "".join(f"h{number} IN A 203.0.113.{number % 256}\n" for number in range(500)),
    "example.net": "a IN A 198.51.100.1\n",
    "8.in-addr.arpa": "8.8.8 IN PTR DNS.example.com.\n",
}


def run(settings, work):
    """Runs ``work(resolver)`` with a resolver of these settings."""

    async def whole():
        async with DnsResolver(settings) as asker:
            return await work(asker)

    return asyncio.run(whole())


def ask_bad(behaviour, name="a.example.com", kind="A", *, tcp=True, **settings):
    """The answer that comes from a misbehaving server, and what it was asked."""

    async def whole():
        async with BadNameServer(behaviour, tcp=tcp) as server:
            given_settings = {"timeout": 0.1, "tries": 2, **settings}
            async with DnsResolver(DnsSettings(nameservers=(server.address,), **given_settings)) as asker:
                return await asker.ask(name, kind), server.queries

    return asyncio.run(whole())


@pytest.fixture(scope="module")
def nsd(tmp_path_factory):
    with NameServer(tmp_path_factory.mktemp("nsd"), ZONES) as server:
        yield server


REAL = [
    # name, kind, outcome, records, aliases, TTL, why
    ("a.example.com", "A", FOUND, ("203.0.113.7", "203.0.113.8"), (), 120, "both records, the lower TTL"),
    ("A.Example.COM.", "a", FOUND, ("203.0.113.7", "203.0.113.8"), (), 120, "case and final dot do not matter"),
    ("a.example.com", "AAAA", FOUND, ("2001:db8::7",), (), 300, "IPv6 in canonical form"),
    ("example.com", "MX", FOUND, ("10 mx.example.com", "20 mx2.example.com"), (), 300, "names in lower case"),
    ("example.com", "TXT", FOUND, ("second", "v=spf1 -all"), (), 300, "strings joined without a space (RFC 7208 §3.3)"),
    ("bytes.example.com", "TXT", FOUND, ("gr\xfcn",), (), 300, "an octet as the character of that number"),
    ("example.com", "NS", FOUND, ("ns.example.com",), (), 300, "NS"),
    ("example.com", "SOA", FOUND, ("ns.example.com hostmaster.example.com 1 7200 3600 604800 60",), (), 3600, "SOA"),
    ("8.8.8.8.in-addr.arpa", "PTR", FOUND, ("dns.example.com",), (), 300, "a public address"),
    ("alias.example.com", "A", FOUND, ("203.0.113.7", "203.0.113.8"), ("a.example.com",), 60, "the alias has the lowest TTL"),
    ("twice.example.com", "AAAA", FOUND, ("2001:db8::7",), ("alias.example.com", "a.example.com"), 60, "two aliases"),
    ("alias.example.com", "CNAME", FOUND, ("a.example.com",), (), 60, "asked for, an alias is data"),
    ("x.wild.example.com", "TXT", FOUND, ("wild",), (), 300, "a wildcard"),
    ("a.tree.example.com", "A", FOUND, ("203.0.113.9",), ("a.other.example.com",), 0, "DNAME; nsd gives its CNAME a TTL of 0"),
    ("long.example.com", "TXT", FOUND, ("x" * 4000,), (), 300, "too long for UDP: over TCP"),
    ("odd\\.label.example.com", "A", FOUND, ("203.0.113.11",), (), 300, "a dot within a label"),
    ("away.example.com", "A", FOUND, ("198.51.100.1",), ("a.example.net",), 300, "an alias into another zone"),
    ("a.example.com", "MX", NO_DATA, (), (), 60, "the name has other records; TTL by the SOA's minimum (RFC 2308 §5)"),
    ("empty.example.com", "A", NO_DATA, (), (), 60, "an empty non-terminal is there (RFC 8020 §2)"),
    ("nodata.example.com", "MX", NO_DATA, (), ("a.example.com",), 60, "what an alias leads to has none"),
    ("no.example.com", "A", NXDOMAIN, (), (), 60, "not there"),
    ("dangling.example.com", "A", NXDOMAIN, (), ("nothing.example.com",), 60, "the code is about the last name (RFC 6604 §2.1)"),
    ("round1.example.com", "A", MALFORMED, (), None, 60, "aliases in a circle"),
    ("a.example.edu", "A", REFUSED, (), (), 60, "none of the server's zones"),
    ("refused.example.com", "A", REFUSED, (), ("a.example.edu",), 60, "an alias that leads where nothing is told"),
]


@pytest.mark.parametrize(("name", "kind", "outcome", "records", "aliases", "ttl", "why"), REAL, ids=[row[-1] for row in REAL])
def test_real_server(nsd, name, kind, outcome, records, aliases, ttl, why):
    answer = run(DnsSettings(nameservers=(nsd.address,), timeout=1), lambda asker: asker.ask(name, kind))
    assert answer.outcome is outcome, answer
    assert tuple(sorted(answer.records)) == records
    assert aliases is None or answer.aliases == aliases
    assert answer.ttl == ttl or (ttl == 0 and answer.ttl <= 300), why
    assert answer.question == Question(name.lower().removesuffix("."), kind.upper())
    assert bool(answer.detail) != outcome.is_told


def test_strings_before_they_were_joined(nsd):
    answer = run(DnsSettings(nameservers=(nsd.address,)), lambda asker: asker.ask("example.com", "TXT"))
    assert sorted(answer.strings) == [("second",), ("v=spf1 ", "-all")]


def test_changed_zone_is_seen(tmp_path):
    """Nothing is remembered but by a cache."""
    with NameServer(tmp_path, {"example.com": "a IN A 203.0.113.1\n"}) as server:
        settings = DnsSettings(nameservers=(server.address,))
        assert run(settings, lambda asker: asker.ask("a.example.com", "A")).records == ("203.0.113.1",)
        server.change({"example.com": "a IN A 203.0.113.2\n"})
        assert run(settings, lambda asker: asker.ask("a.example.com", "A")).records == ("203.0.113.2",)


def test_many_questions_at_once(nsd):
    asked = [Question(f"h{number}.example.com", "A") for number in range(500)] * 2
    answers = run(DnsSettings(nameservers=(nsd.address,), concurrency=50), lambda asker: ask_all(asker, asked))
    assert [answer.records for answer in answers] == [(f"203.0.113.{int(q.name[1:-12]) % 256}",) for q in asked]


BAD = [
    # behaviour, name and kind, outcome, records, words of the detail, why
    (bad.silence, TIMEOUT, (), "no answer within 0.2 s", "nothing comes: the second wait is twice the first"),
    (bad.late(0.05, GOOD), FOUND, ("203.0.113.7",), "", "late, but in time"),
    (bad.in_turn(bad.late(0.15, GOOD)), FOUND, ("203.0.113.7",), "", "too late the first time, in time the second"),
    (bad.in_turn(bad.silence, GOOD), FOUND, ("203.0.113.7",), "", "lost once, asked again"),
    (says(rcode=dns.rcode.SERVFAIL), SERVFAIL, (), "SERVFAIL", "told so"),
    (says(rcode=dns.rcode.REFUSED), REFUSED, (), "REFUSED", "told so"),
    (says(rcode=dns.rcode.NOTIMP), SERVFAIL, (), "NOTIMP", "any other error is the server's failure"),
    (bad.in_turn(bad.silence, says(rcode=dns.rcode.SERVFAIL)), SERVFAIL, (), "SERVFAIL", "an error that was told weighs more than silence"),
    (bad.changed(GOOD, bad.wrong_id), TIMEOUT, (), "no answer", "another number: as if it had not come (RFC 5452 §9.1)"),
    (bad.changed(GOOD, bad.wrong_id, also_right=True), FOUND, ("203.0.113.7",), "", "a forged answer first, then the right one"),
    (bad.changed(GOOD, bad.wrong_question), MALFORMED, (), "another question", "another name: not taken"),
    (bad.changed(GOOD, bad.wrong_question, also_right=True), FOUND, ("203.0.113.7",), "", "and the wait goes on"),
    (bad.changed(GOOD, bad.no_response), MALFORMED, (), "another question", "not marked as a response"),
    (bad.garbage, MALFORMED, (), "another question", "the number is right, the rest is nothing"),
    (bad.garbage_after_the_question, MALFORMED, (), "cannot be read", "the question is right, the rest is nothing"),
    (bad.changed(GOOD, bad.cut_in_half), MALFORMED, (), "cannot be read", "ends within a record"),
    (bad.changed(GOOD, bad.forward_pointer), MALFORMED, (), "points forward", "a name that points to itself"),
    (bad.name_of_300_octets, MALFORMED, (), "over 255 octets", "a name that is too long"),
    (bad.over_tcp(bad.truncated, GOOD), FOUND, ("203.0.113.7",), "", "cut off: over TCP (RFC 7766 §5)"),
    (bad.over_tcp(bad.truncated, bad.silence), MALFORMED, (), "none over TCP", "TCP closes without a word"),
    (bad.over_tcp(bad.truncated, bad.late(9, GOOD)), TIMEOUT, (), "over TCP within", "TCP is silent"),
    (bad.truncated, MALFORMED, (), "over TCP, too", "cut off over TCP"),
    (bad.over_tcp(bad.truncated, bad.changed(GOOD, bad.wrong_id)), MALFORMED, (), "another question", "another number over TCP"),
    (bad.over_tcp(bad.truncated, bad.changed(GOOD, bad.cut_in_half)), MALFORMED, (), "cannot be read", "half a message over TCP"),
    (bad.endless_aliases, MALFORMED, (), "over 16 aliases", "aliases without end, one an answer"),
    (says("{name} 300 IN CNAME {name}"), MALFORMED, (), "circle", "an alias of itself"),
    (says(TO_B, "b.example.com. 300 IN CNAME {name}"), MALFORMED, (), "circle", "a circle within an answer"),
    (bad.in_turn(says(TO_B), says("{name} 300 IN CNAME a.example.com.")), MALFORMED, (), "circle", "a circle over two answers"),
    (bad.in_turn(says(TO_B), GOOD), FOUND, ("203.0.113.7",), "", "an alias alone: asked on"),
    (says(TO_B, authority=bad.SOA_RECORD), NO_DATA, (), "", "an alias with a SOA: the name behind has no such records"),
    (says("example.com. 300 IN DNAME example.net.", "a.example.net. 200 IN A 203.0.113.5"), FOUND, ("203.0.113.5",), "", "DNAME, no CNAME"),
    (
        says("example.com. 300 IN DNAME " + ("x" * 63 + ".") * 3 + "x" * 61 + "."),
        MALFORMED,
        (),
        "a name that is none",
        "DNAME makes the name too long",
    ),
    (says("other.example.com. 300 IN A 203.0.113.5"), NO_DATA, (), "", "records of other names are no answer"),
    (says(authority=("example.com. 300 IN NS ns.example.com.",)), SERVFAIL, (), "not recursive", "a referral says nothing of the name"),
    (bad.formerr_to_edns(GOOD), FOUND, ("203.0.113.7",), "", "without EDNS (RFC 6891 §7)"),
    (says(rcode=dns.rcode.FORMERR), SERVFAIL, (), "FORMERR", "and if that does not help, either"),
]


@pytest.mark.parametrize(("behaviour", "outcome", "records", "detail", "why"), BAD, ids=[row[-1] for row in BAD])
def test_misbehaving_server(behaviour, outcome, records, detail, why):
    answer, _ = ask_bad(behaviour)
    assert answer.outcome is outcome, answer
    assert answer.records == records
    assert detail in answer.detail
    if not outcome.is_told:
        assert 1 <= answer.ttl <= 300, "RFC 9520 §3.2"


def test_failure_over_tcp_that_is_not_served():
    answer, _ = ask_bad(bad.truncated, tcp=False)
    assert answer.outcome is MALFORMED
    assert "none over TCP" in answer.detail


def test_a_megabyte_over_tcp_is_read_as_one_message():
    start = time.monotonic()
    answer, queries = ask_bad(bad.megabyte, kind="TXT", timeout=2)
    assert answer.outcome is FOUND
    assert len(answer.records[0]) == 259 * 250
    assert [query.tcp for query in queries] == [False, True]
    assert time.monotonic() - start < 2


NEGATIVE = [
    # TTL of the SOA, its minimum, TTL of the answer, why
    (3600, 60, 60, "the minimum is less"),
    (30, 60, 30, "the SOA's own TTL is less"),
    (900_000, 900_000, resolver.MAX_NEGATIVE_TTL, "no longer than three hours (RFC 2308 §5)"),
    (0x80000001, 60, 0, "a TTL with its highest bit set is zero (RFC 2181 §8)"),
]


@pytest.mark.parametrize(("own", "minimum", "ttl", "why"), NEGATIVE, ids=[row[-1] for row in NEGATIVE])
def test_ttl_of_negative_answers(own, minimum, ttl, why):
    soa = f"example.com. {min(own, wire.MAX_TTL)} IN SOA ns.example.com. a.example.com. 1 2 3 4 {minimum}"

    async def behaviour(query):
        message = made(query, (), rcode=dns.rcode.NXDOMAIN, authority=(soa,))
        return [message.replace(min(own, wire.MAX_TTL).to_bytes(4, "big"), own.to_bytes(4, "big"), 1)]

    answer, _ = ask_bad(behaviour)
    assert (answer.outcome, answer.ttl) == (NXDOMAIN, ttl)


def test_negative_without_soa_is_not_kept():
    """RFC 2308 §5."""
    answer, _ = ask_bad(says(rcode=dns.rcode.NXDOMAIN))
    assert (answer.outcome, answer.ttl) == (NXDOMAIN, 0)


def test_positive_ttl_is_capped():
    answer, _ = ask_bad(says("{name} 9999999 IN A 203.0.113.7"))
    assert answer.ttl == resolver.MAX_TTL


def test_authenticated_needs_all_of_the_chain():
    signed = dns.flags.AD
    assert ask_bad(says(*bad.A_RECORD, flags=signed))[0].authenticated
    assert not ask_bad(bad.in_turn(says(TO_B, flags=signed), GOOD))[0].authenticated


def test_what_is_sent():
    """RFC 6840 §5.7: AD asks for AD. RFC 6891: EDNS with 1232 octets. Numbers and ports are of chance."""

    async def whole():
        async with BadNameServer(GOOD) as server, DnsResolver(DnsSettings(nameservers=(server.address,))) as asker:
            await asyncio.gather(*(asker.ask(f"h{number}.example.com", "A") for number in range(50)))
            return server.queries

    queries = asyncio.run(whole())
    assert len({query.message.id for query in queries}) > 40
    for query in queries:
        assert query.message.flags == dns.flags.RD | dns.flags.AD
        assert query.message.edns == 0
        assert query.message.payload == 1232


def test_server_without_edns_is_remembered():
    async def whole():
        async with BadNameServer(bad.formerr_to_edns(GOOD)) as server, DnsResolver(DnsSettings(nameservers=(server.address,))) as asker:
            answers = await asyncio.gather(*(asker.ask(f"h{number}.example.com", "A") for number in range(20)))
            before = len(server.queries)
            answers.append(await asker.ask("last.example.com", "A"))
            return answers, len(server.queries) - before

    answers, more = asyncio.run(whole())
    assert {answer.outcome for answer in answers} == {FOUND}, "also those that were under way when it showed"
    assert more == 1


def test_every_third_packet_lost():
    asked = [Question(f"h{number}.example.com", "A") for number in range(60)]

    async def whole():
        async with BadNameServer(bad.drops_every_third(GOOD)) as server:
            settings = DnsSettings(nameservers=(server.address,), timeout=0.1, tries=6)
            async with DnsResolver(settings) as asker:
                return await ask_all(asker, asked)

    assert {answer.outcome for answer in asyncio.run(whole())} == {FOUND}


def test_joint_questions_are_asked_once():
    async def whole():
        async with BadNameServer(bad.late(0.02, GOOD)) as server, DnsResolver(DnsSettings(nameservers=(server.address,))) as asker:
            answers = await asyncio.gather(*(asker.ask("a.example.com", kind) for kind in ("A", "a", "A", "AAAA") * 5))
            return answers, server.queries

    answers, queries = asyncio.run(whole())
    assert sorted(query.kind for query in queries) == ["A", "AAAA"]
    assert len({id(answer) for answer in answers}) == 2


def test_joint_question_survives_who_asked_first():
    async def whole():
        async with BadNameServer(bad.late(0.05, GOOD)) as server, DnsResolver(DnsSettings(nameservers=(server.address,))) as asker:
            first = asyncio.create_task(asker.ask("a.example.com", "A"))
            await asyncio.sleep(0.01)
            second = asyncio.create_task(asker.ask("a.example.com", "A"))
            third = asyncio.create_task(asker.ask("a.example.com", "A"))
            await asyncio.sleep(0.01)
            first.cancel()
            third.cancel()
            answer = await second
            return answer, first.cancelled(), third.cancelled()

    answer, *cancelled = asyncio.run(whole())
    assert answer.outcome is FOUND
    assert cancelled == [True, True]


def test_concurrency_is_bounded():
    busy = most = 0

    async def behaviour(query):
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.01)
        busy -= 1
        return [made(query)]

    async def whole():
        async with BadNameServer(behaviour) as server, DnsResolver(DnsSettings((server.address,), concurrency=4)) as asker:
            return await asyncio.gather(*(asker.ask(f"h{number}.example.com", "A") for number in range(40)))

    answers = asyncio.run(whole())
    assert {answer.outcome for answer in answers} == {FOUND}
    assert most == 4


SEVERAL = [
    # first server, second server, outcome, questions that the first and the second got, why
    (GOOD, bad.silence, FOUND, (1, 0), "the preferred one answers"),
    (bad.silence, GOOD, FOUND, (1, 1), "the preferred one is silent"),
    (says(rcode=dns.rcode.SERVFAIL), GOOD, FOUND, (1, 1), "the preferred one fails"),
    (says(rcode=dns.rcode.REFUSED), bad.silence, REFUSED, (1, 2), "who told of an error is not asked again, who was silent is"),
    (says(rcode=dns.rcode.NXDOMAIN), GOOD, NXDOMAIN, (1, 0), "«not there» is an answer"),
]


@pytest.mark.parametrize(("first", "second", "outcome", "counts", "why"), SEVERAL, ids=[row[-1] for row in SEVERAL])
def test_several_servers(first, second, outcome, counts, why):
    async def whole():
        async with BadNameServer(first) as one, BadNameServer(second) as other:
            settings = DnsSettings(nameservers=(one.address, other.address), timeout=0.05, tries=2)
            async with DnsResolver(settings) as asker:
                answer = await asker.ask("a.example.com", "A")
                return answer.outcome, (len(one.queries), len(other.queries))

    assert asyncio.run(whole()) == (outcome, counts)


@pytest.fixture
def quick_probes(monkeypatch):
    monkeypatch.setattr(servers, "PROBE_WAIT", 0.1)
    monkeypatch.setattr(servers, "DEAD_SECONDS", 0.2)


def test_all_dead_ends_quickly(quick_probes):
    """2,000 questions that would wait 0.3 s each, 20 at once: 30 seconds without a breaker."""
    asked = [Question(f"h{number}.example.com", "A") for number in range(2000)]

    async def whole():
        async with BadNameServer(bad.silence) as server:
            settings = DnsSettings(nameservers=(server.address,), timeout=0.1, tries=2, concurrency=20)
            async with DnsResolver(settings) as asker:
                start = time.monotonic()
                answers = await ask_all(asker, asked)
                lasted = time.monotonic() - start
                server.behaviour = GOOD
                await asyncio.sleep(0.6)
                return answers, lasted, await asker.ask("a.example.com", "A"), len(server.queries)

    answers, lasted, again, queries = asyncio.run(whole())
    assert {answer.outcome for answer in answers} == {TIMEOUT}
    assert lasted < 3
    assert queries < 200
    assert answers[-1].detail == "no name server has answered lately"
    assert answers[-1].ttl == 0, "nothing was asked, so nothing is remembered"
    assert again.outcome is FOUND, "a probe found it living again"


def test_dead_server_is_asked_no_more(quick_probes):
    async def whole():
        async with BadNameServer(bad.silence) as dead, BadNameServer(GOOD) as living:
            settings = DnsSettings(nameservers=(dead.address, living.address), timeout=0.05)
            async with DnsResolver(settings) as asker:
                for number in range(6):
                    await asker.ask(f"h{number}.example.com", "A")
                await asyncio.sleep(0.15)
                before = len(dead.queries)
                start = time.monotonic()
                answers = [await asker.ask(f"i{number}.example.com", "A") for number in range(20)]
                return answers, before, {query.name for query in dead.queries[before:]}, time.monotonic() - start

    answers, before, asked, lasted = asyncio.run(whole())
    assert {answer.outcome for answer in answers} == {FOUND}
    assert before <= 5
    assert asked <= {"."}, "but for the probe"
    assert lasted < 0.5


def test_silent_names_do_not_make_a_living_server_dead(quick_probes):
    """A recursive server is silent about names whose own servers are; it answers a probe."""

    async def behaviour(query):
        return [] if query.name.startswith("silent") else [made(query)]

    async def whole():
        async with BadNameServer(behaviour) as server:
            settings = DnsSettings(nameservers=(server.address,), timeout=0.05, tries=1, concurrency=10)
            async with DnsResolver(settings) as asker:
                await asyncio.gather(*(asker.ask(f"silent{number}.example.com", "A") for number in range(50)))
                return await asker.ask("a.example.com", "A")

    assert asyncio.run(whole()).outcome is FOUND


def test_nobody_listens():
    """The kernel says so at once (ICMP), and nothing waits."""
    start = time.monotonic()
    answer = run(DnsSettings(nameservers=(("127.0.0.1", free_port()),), timeout=5), lambda asker: asker.ask("a.example.com", "A"))
    assert answer.outcome is TIMEOUT
    assert "Connection refused" in answer.detail
    assert time.monotonic() - start < 1


NEVER_SENT = [
    # name, kind, words of the detail, why
    ("", "NS", "empty", "no name"),
    (".", "NS", "empty", "the root"),
    ("a..example.com", "A", "empty label", "two dots"),
    (".example.com", "A", "empty label", "a dot before"),
    ("x" * 64 + ".com", "A", "over 63", "a long label"),
    (".".join(["x" * 49] * 6), "A", "over 255", "a name of 300 octets"),
    ("müller.example.com", "A", "A-label", "not in A-label form"),
    ("a\\", "A", "escapes nothing", "a backslash at the end"),
    ("a\\999.example.com", "A", "escapes nothing", "no octet has that number"),
    ("localhost", "A", "RFC 6761 §6.3", "a reserved name"),
    ("a.test", "A", "RFC 6761 §6.2", "a reserved name"),
    ("a.invalid", "TXT", "RFC 6761 §6.4", "a reserved name"),
    ("printer.local", "A", "RFC 6762", "multicast DNS"),
    ("abc.onion", "A", "RFC 7686", "onion services"),
    ("nas.home.arpa", "A", "RFC 8375", "home networks"),
    ("1.0.0.10.in-addr.arpa", "PTR", "10.0.0.1 is not a public", "a private address"),
    ("1.0.0.127.in-addr.arpa", "PTR", "127.0.0.1 is not", "loopback"),
    ("9.2.0.192.in-addr.arpa", "PTR", "192.0.2.9 is not", "documentation"),
    ("1.0.64.100.in-addr.arpa", "PTR", "100.64.0.1 is not", "shared by carriers (RFC 6598)"),
    ("1.0.0.224.in-addr.arpa", "PTR", "224.0.0.1 is not", "multicast"),
    (ip_address("2001:db8::7").reverse_pointer, "PTR", "2001:db8::7 is not", "documentation, IPv6"),
    (ip_address("fe80::1").reverse_pointer, "PTR", "fe80::1 is not", "link-local, IPv6"),
]


@pytest.mark.parametrize(("name", "kind", "detail", "why"), NEVER_SENT, ids=[row[-1] for row in NEVER_SENT])
def test_never_sent(name, kind, detail, why):
    answer, queries = ask_bad(GOOD, name, kind)
    assert answer.outcome is NOT_ASKED
    assert detail in answer.detail
    assert not queries
    assert answer.ttl == 0


SENT = [
    ("8.8.8.8.in-addr.arpa", "a public address"),
    ("168.192.in-addr.arpa", "not a whole address"),
    ("300.2.0.192.in-addr.arpa", "not an address"),
    (ip_address("2606:4700::1111").reverse_pointer, "a public address, IPv6"),
    ("_dmarc.example.com", "example names are asked like any other (RFC 6761 §6.5)"),
    ("a.example", "likewise"),
    ("notlocal", "a name that only ends like a reserved one"),
    ("local.example.com", "reserved only at its end"),
]


@pytest.mark.parametrize(("name", "why"), SENT, ids=[row[-1] for row in SENT])
def test_sent(name, why):
    assert ask_bad(GOOD, name)[0].outcome is FOUND


def test_alias_to_a_reserved_name_is_not_asked_on():
    answer, queries = ask_bad(says("{name} 300 IN CNAME mail.local."))
    assert (answer.outcome, answer.aliases) == (NOT_ASKED, ("mail.local",))
    assert len(queries) == 1


def test_word_that_is_no_kind():
    with pytest.raises(ValueError, match="no kind of record"):
        ask_bad(GOOD, kind="NONSENSE")


def test_kind_that_is_read_by_dnspython():
    answer, _ = ask_bad(says("{name} 300 IN CAA 0 issue ca.example.net"), kind="CAA")
    assert answer.records == ('0 issue "ca.example.net"',)


BAD_SETTINGS = [
    ({"timeout": 0}, "timeout is 0"),
    ({"tries": 0}, "tries is 0"),
    ({"concurrency": -1}, "concurrency is -1"),
    ({"nameservers": (("ns.example.com", 53),)}, "is no address"),
    ({"nameservers": (("127.0.0.1", 0),)}, "port 0"),
]


@pytest.mark.parametrize(("settings", "words"), BAD_SETTINGS)
def test_settings_that_cannot_be(settings, words):
    with pytest.raises(SetupError, match=words):
        DnsSettings(**settings)


def test_system_nameservers(tmp_path):
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\nnameserver 2001:db8::1\n")
    assert system_nameservers(path) == (("192.0.2.1", 53), ("2001:db8::1", 53))
    path.write_text("search example.com\n")
    with pytest.raises(SetupError, match="no name server"):
        system_nameservers(path)
    with pytest.raises(SetupError, match="no name server"):
        system_nameservers(tmp_path / "nothing")


def test_open_resolver_asks_remembers_and_has_zones(tmp_path):
    path = tmp_path / "internal.test.zone"
    path.write_text("$TTL 60\n@ IN A 203.0.113.1\nout IN CNAME a.example.com.\n")

    async def whole():
        async with BadNameServer(GOOD) as server:
            settings = DnsSettings(nameservers=(server.address,), zone_files=(path,))
            async with open_resolver(settings) as asker:
                names = ("internal.test", "out.internal.test", "a.example.com", "a.example.com", "other.test")
                return [await asker.ask(name, "A") for name in names], server.queries

    answers, queries = asyncio.run(whole())
    assert [answer.outcome for answer in answers] == [FOUND, FOUND, FOUND, FOUND, NOT_ASKED]
    assert answers[1] == Answer(Question("out.internal.test", "A"), FOUND, ("203.0.113.7",), aliases=("a.example.com",), ttl=60)
    assert len(queries) == 1
