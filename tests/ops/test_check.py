"""What a check says about domains of every sort: sound, silent, broken, hostile, and such as cannot be asked about."""

import asyncio
import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from dmarcscope.errors import SetupError
from dmarcscope.lookup.policy_file import MAX_BYTES, fetch_policy
from dmarcscope.lookup.zones import ZoneResolver, read_zone
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.domain_check import DomainCheck, KeyStanding, State, Topic
from dmarcscope.model.domain_facts import Consent, SeenSelector
from dmarcscope.model.problem import Severity
from dmarcscope.ops.check import as_dict, check_domain
from dmarcscope.parse.dmarc_record import dmarc_record
from dmarcscope.parse.spf_record import spf_record
from dmarcscope.present.domain_check import domain_check

ZONES = sorted((Path(__file__).parents[1] / "vectors" / "zones").glob("*.zone"))
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world():
    return ZoneResolver([read_zone(path) for path in ZONES])


def checked(world, domain, **options) -> DomainCheck:
    return asyncio.run(check_domain(world, domain, now=NOW, **options))


def codes(check: DomainCheck, topic: Topic | None = None) -> set[str]:
    """The codes of errors and warnings."""
    sections = [check.section(topic)] if topic else check.sections
    return {each.problem.code for section in sections for each in section.findings if each.problem.severity is not Severity.NOTE}


# Domain, state, codes of all errors and warnings.
WORLD = [
    ("sound.example", State.SOUND, set()),
    ("vendor.example", State.SOUND, set()),
    ("locked.example", State.SOUND, set()),
    ("www.sound.example", State.SOUND, set()),
    ("empty.example", State.FINDINGS, {"no-dmarc", "no-spf"}),
    ("quiet.example", State.FINDINGS, {"lock-down-dmarc"}),
    ("parked.example", State.FINDINGS, {"lock-down-dmarc", "lock-down-spf"}),
    ("nosuch.sound.example", State.FINDINGS, {"no-such-domain"}),
    ("slips.example", State.FINDINGS, {"unknown-tag", "pct-removed", "sp-weaker", "syntax-error", "all-pass", "mechanism-as-modifier"}),
    ("twice.example", State.FINDINGS, {"several-records", "second-version"}),
    ("foreign.example", State.FINDINGS, {"reports-not-authorised", "reports-redirected", "reports-no-mail-host"}),
    ("near.example", State.FINDINGS, {"spf-lookups-near"}),
    (
        "greedy.example",
        State.FINDINGS,
        {"ptr", "spf-lookups-exceeded", "spf-voids-exceeded", "spf-below-missing", "spf-loop", "spf-dead-host"},
    ),
    ("tried.example", State.FINDINGS, {"np-weaker", "bimi-not-enforcing"}),
    ("child.suffix.example", State.FINDINGS, {"only-public-suffix"}),
    ("other.suffix.example", State.SOUND, set()),
    (
        "broken.example",
        State.FINDINGS,
        {"nearly-record", "several-records", "mx-dead-host", "mx-alias", "bad-id", "sts-no-host", "no-mailto", "bad-uri", "not-svg"},
    ),
    ("dark.example", State.COULD_NOT_CHECK, set()),
]


@pytest.mark.parametrize(("domain", "state", "expected"), WORLD, ids=[row[0] for row in WORLD])
def test_domains_of_every_sort(world, domain, state, expected):
    found = checked(world, domain)
    assert (found.state, codes(found)) == (state, expected)


@pytest.mark.parametrize("path", ZONES, ids=lambda path: path.name)
def test_every_zone_can_be_shown_and_written(world, path):
    found = (
        checked(world, path.name.removesuffix(".zone").removesuffix("."), selectors=["s1", "good"]) if path.name != "example.zone" else None
    )
    if found is None:
        return
    shown = domain_check(found, 80).plain
    # Nothing that a terminal obeys, whatever a zone holds.
    assert all(char == "\n" or char.isprintable() for char in shown)
    assert "\u202e" not in shown
    assert json.loads(json.dumps(as_dict(found)))["domain"] == found.domain


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_narrow_terminals_and_long_names(world, width):
    long = ".".join(["a" * 60] * 3 + ["sound.example"])
    for domain in (long, "foreign.example", "hostile.example", "greedy.example"):
        shown = domain_check(checked(world, domain, selectors=["s" * 60]), width).plain
        assert domain in shown


@pytest.mark.parametrize("path", [path for path in ZONES if path.name != "example.zone"], ids=lambda path: path.name)
def test_lines_to_copy_are_sound(world, path):
    """What is to be published instead has no error of its own, and reads back from a zone file as it was meant."""
    from dns.zone import from_text

    for finding in checked(world, path.name.removesuffix(".zone")).findings:
        if " IN " not in finding.publish:
            continue
        read = from_text(f"$ORIGIN .\n$TTL 60\n{finding.publish}\n", origin=".", relativize=False, check_origin=False)
        texts = [b"".join(data.strings).decode() for _, _, data in read.iterate_rdatas("TXT")]
        for text in texts:
            readers = {"v=DMARC1; ": dmarc_record, "v=spf1": spf_record}
            for opening, reader in readers.items():
                if text.startswith(opening):
                    assert not [each for each in reader(text).problems if each.severity is Severity.ERROR], finding.publish


MENDED = [
    ("slips.example", "unknown-tag", 'aspf=s"', "the slip alone is mended: sp and pct stay as they are"),
    ("slips.example", "pct-removed", 't=y"', "what softens the policy is a line of its own"),
    ("slips.example", "syntax-error", '"v=spf1 mx include:_spf.vendor.example ip4:192.0.2.7 ~all"', "three slips of one record, one line"),
    ("broken.example", "nearly-record", '"v=DMARC1; p=reject; rua=mailto:dmarc@broken.example"', "also the address without mailto"),
    ("broken.example", "several-records", '"v=spf1 mx include:_spf.vendor.example -all"', "the terms of both"),
    ("quiet.example", "lock-down-mx", "quiet.example. IN MX 0 .", "no quotation marks"),
    ("foreign.example", "reports-not-authorised", 'foreign.example._report._dmarc.stranger.example. IN TXT "v=DMARC1"', "at the other's"),
]


@pytest.mark.parametrize(("domain", "code", "end", "why"), MENDED)
def test_a_line_to_copy(world, domain, code, end, why):
    lines = [finding.publish for finding in checked(world, domain).findings if finding.problem.code == code]
    assert any(line.endswith(end) for line in lines), why


def test_findings_of_one_record_never_contradict_each_other(world):
    found = checked(world, "slips.example").section(Topic.SPF)
    assert len({finding.publish for finding in found.findings}) == 1


def test_the_walk_and_the_policies_are_told(world):
    found = checked(world, "nosuch.foreign.example").section(Topic.DMARC)
    text = " ".join(found.meaning)
    assert "_dmarc.nosuch.foreign.example (no such name), then _dmarc.foreign.example (a record), then _dmarc.example" in text
    assert "organizational domain foreign.example" in text
    assert [(applied.tag, applied.policy) for _, applied in found.policies] == [("p", "reject")] * 3


def test_consents(world):
    found = {each.host: each.consent for each in checked(world, "foreign.example").section(Topic.DMARC).destinations}
    assert found == {
        "vendor.example": Consent.GIVEN_TO_ALL,
        "agreed.example": Consent.GIVEN,
        "stranger.example": Consent.MISSING,
        "moved.example": Consent.ELSEWHERE,
        "nomail.stranger.example": Consent.MISSING,
        "reports.foreign.example": Consent.OWN,
    }


KEYS = [
    ("good", None, KeyStanding.PUBLISHED, set(), "all is well"),
    ("good", 100, KeyStanding.PUBLISHED, {"selector-unused"}, "not seen for 100 days"),
    ("short", None, KeyStanding.PUBLISHED, {"short-key"}, "1024 bits"),
    ("ed", 1, KeyStanding.PUBLISHED, set(), "Ed25519"),
    ("revoked", None, KeyStanding.REVOKED, {"revoked"}, "on purpose"),
    ("revoked", 2, KeyStanding.REVOKED, {"revoked", "revoked-in-use"}, "somebody still signs with it"),
    ("trial", None, KeyStanding.PUBLISHED, {"testing"}, "t=y"),
    ("two", None, KeyStanding.UNUSABLE, {"several-records"}, "two keys"),
    ("cut", None, KeyStanding.UNUSABLE, {"bad-key"}, "a string is missing"),
    ("vendor", None, KeyStanding.PUBLISHED, set(), "by way of a CNAME"),
    ("lost", None, KeyStanding.MISSING, {"no-such-selector"}, "the CNAME leads nowhere"),
    ("never", 3, KeyStanding.MISSING, {"signing-without-key"}, "signs now, and there is no key"),
    ("never", 60, KeyStanding.MISSING, {"key-gone"}, "signed once, long ago"),
]


@pytest.mark.parametrize(("selector", "days", "standing", "expected", "why"), KEYS)
def test_selectors(world, selector, days, standing, expected, why):
    seen = SeenSelector("keys.example", selector, None if days is None else NOW - timedelta(days=days))
    section = checked(world, "keys.example", selectors=[seen]).section(Topic.DKIM)
    assert section.selectors[0].standing is standing, why
    assert {finding.problem.code for finding in section.findings} == expected, why


def test_a_selector_that_never_passed_may_be_a_forgers(world):
    seen = SeenSelector("keys.example", "never", NOW - timedelta(days=3), has_passed=False)
    section = checked(world, "keys.example", selectors=[seen]).section(Topic.DKIM)
    assert [finding.problem.severity for finding in section.findings] == [Severity.WARNING]
    assert "forger" in section.findings[0].problem.what


def test_a_selector_is_checked_once_with_its_latest_time(world):
    seen = [SeenSelector("keys.example", "good", NOW - timedelta(days=days)) for days in (100, 1)]
    section = checked(world, "keys.example", selectors=["good", *seen]).section(Topic.DKIM)
    assert [each.seen.last_seen for each in section.selectors] == [NOW - timedelta(days=1)]


def test_without_selectors_dkim_is_not_looked_at(world):
    assert checked(world, "sound.example").section(Topic.DKIM).state is State.NOT_CHECKED


class Failing:
    """Answers as the world does, but for some names, which end otherwise."""

    def __init__(self, world, endings):
        self.world, self.endings = world, endings

    async def ask(self, name, kind):
        for ending, outcome in self.endings.items():
            if name == ending:
                return Answer(Question(name, kind), outcome, detail="made to be so")
        return await self.world.ask(name, kind)


UNTOLD = [Outcome.SERVFAIL, Outcome.TIMEOUT, Outcome.REFUSED, Outcome.MALFORMED, Outcome.NOT_ASKED]
GAPS = [
    ("_dmarc.sound.example", Topic.DMARC),
    ("sound.example", Topic.SPF),
    ("_spf.vendor.example", Topic.SPF),
    ("s1._domainkey.sound.example", Topic.DKIM),
    ("mx1.sound.example", Topic.MX),
    ("_mta-sts.sound.example", Topic.MTA_STS),
    ("mta-sts.sound.example", Topic.MTA_STS),
    ("_smtp._tls.sound.example", Topic.TLS_RPT),
    ("default._bimi.sound.example", Topic.BIMI),
]


@pytest.mark.parametrize("outcome", UNTOLD)
@pytest.mark.parametrize(("name", "topic"), GAPS, ids=[row[0] for row in GAPS])
def test_what_could_not_be_asked_is_neither_missing_nor_sound(world, name, topic, outcome):
    found = checked(Failing(world, {name: outcome}), "sound.example", selectors=["s1"])
    assert found.section(topic).state is State.COULD_NOT_CHECK
    assert found.state is State.COULD_NOT_CHECK
    assert not codes(found)


def test_a_consent_that_could_not_be_asked_is_not_missing(world):
    name = "foreign.example._report._dmarc.stranger.example"
    found = checked(Failing(world, {name: Outcome.SERVFAIL}), "foreign.example").section(Topic.DMARC)
    assert "c@stranger.example" in " ".join(found.unknown)
    assert not any(finding.where == name for finding in found.findings)


def test_findings_weigh_more_than_gaps(world):
    found = checked(Failing(world, {"_smtp._tls.slips.example": Outcome.TIMEOUT}), "slips.example")
    assert found.state is State.FINDINGS
    assert found.section(Topic.TLS_RPT).state is State.COULD_NOT_CHECK


def test_hostile_destinations_are_bounded(world):
    class Many:
        asked = 0

        async def ask(self, name, kind):
            Many.asked += 1
            if name == "_dmarc.many.example":
                uris = ",".join(f"mailto:a@h{number}.other{number}.example" for number in range(100))
                return Answer(Question(name, kind), Outcome.FOUND, (f"v=DMARC1; p=none; rua={uris}",))
            return Answer(Question(name, kind), Outcome.NXDOMAIN)

    found = checked(Many(), "many.example")
    assert "many-destinations" in {finding.problem.code for finding in found.findings}
    assert Many.asked < 200


@pytest.mark.parametrize("given", ["", "localhost", "a b.example", "x" * 300 + ".example", "a..example", "-", "é" * 100])
def test_what_is_no_domain_is_said(world, given):
    with pytest.raises(SetupError):
        checked(world, given)


def test_domains_are_taken_as_people_write_them(world):
    assert checked(world, " Sound.Example. ").domain == "sound.example"
    assert checked(world, "bücher.example").domain == "xn--bcher-kva.example"


# A policy file over HTTPS, from a server of the test's own.

POLICY = b"version: STSv1\nmode: enforce\nmx: *.sound.example\nmax_age: 604800\n"
ANSWERS = {
    "good": (200, "text/plain", POLICY),
    "moved": (301, "text/plain", b""),
    "typed": (200, "text/html", POLICY),
    "large": (200, "text/plain", b"x" * (MAX_BYTES + 1)),
    "busy": (503, "text/plain", b""),
    "none": (404, "text/plain", b""),
}


@pytest.fixture(scope="module")
def web():
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(f"mta-sts.{name}.example" for name in ANSWERS)).configure_cert(serving)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, kind, body = ANSWERS[self.headers["Host"].split(".")[1]]
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Location", "https://elsewhere.example/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = serving.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    yield server.server_address[1], trusting
    server.shutdown()
    server.server_close()
    thread.join()


FETCHED = [
    ("good", POLICY.decode(), "", True),
    ("moved", None, "redirects are not followed", True),
    ("typed", None, "text/html", True),
    ("large", None, "longer than", True),
    ("busy", None, "503", False),
    ("none", None, "404", True),
]


@pytest.mark.parametrize(("name", "text", "why", "told"), FETCHED)
def test_policy_files(web, name, text, why, told):
    port, trusting = web
    found = asyncio.run(fetch_policy(f"{name}.example", ["127.0.0.1"], port=port, context=trusting, anywhere=True))
    assert (found.text, found.is_told) == (text, told)
    assert why in found.why


def test_a_certificate_that_nobody_vouches_for_is_refused(web):
    found = asyncio.run(fetch_policy("good.example", ["127.0.0.1"], port=web[0], anywhere=True))
    assert found.text is None
    assert "certificate" in found.why


def test_a_certificate_for_another_name_is_refused(web):
    found = asyncio.run(fetch_policy("other.example", ["127.0.0.1"], port=web[0], context=web[1], anywhere=True))
    assert found.text is None
    assert "not valid for mta-sts.other.example" in found.why


def test_addresses_that_are_not_public_are_not_connected_to(web):
    found = asyncio.run(fetch_policy("good.example", ["127.0.0.1", "10.0.0.1"], port=web[0], context=web[1]))
    assert found.text is None
    assert "public" in found.why


def test_selectors_of_the_reports_in_a_store(tmp_path):
    """The sample reports: every selector that signed as the domain, with the end of the last period."""
    import dmarcscope
    from dmarcscope.ops.selectors import seen_selectors

    samples = Path(__file__).parents[2] / "sample_reports" / "reports"
    with dmarcscope.open_store(tmp_path / "store") as store:
        assert seen_selectors(store.files, "example.com") == []
        store.ingest([samples])
        frame = store.records("example.com")
        seen = seen_selectors(store.files, "example.com")
    signed = {
        (one["domain"], one["selector"])
        for results in frame["dkim"]
        if results is not None
        for one in results
        if one["selector"] and one["domain"] and f".{one['domain']}".endswith(".example.com")
    }
    assert {(each.domain, each.selector) for each in seen} == signed
    assert signed
    assert all(each.last_seen.tzinfo for each in seen)


def test_the_python_api_does_the_same():
    import dmarcscope

    offline = dmarcscope.DnsSettings(offline=True, zone_files=tuple(ZONES))
    assert dmarcscope.check_domain("sound.example", selectors=["s1"], dns=offline).state is State.SOUND
    assert dmarcscope.check_spf("203.0.113.9", "sound.example", dns=offline).result == "pass"
    assert dmarcscope.plan_setup("near.example", rua="dmarc@near.example", dns=offline).state == "live"
