"""The replay beside a brute-force reading of RFC 9989, and what becomes of what cannot be known."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import brute_force_dmarc as brute
import pytest

from dmarcscope.align.tree_walk import organizational_domain, walk_names
from dmarcscope.analysis.interval import wilson
from dmarcscope.analysis.spf_change import changed_record
from dmarcscope.analysis.unused import SeenKey, Way, days_between, keys_in_use, serving_only, terms_in_use
from dmarcscope.analysis.whatif import World, changed_policy, existing_names, fate_of, record_text, replay, self_check, weeks_between
from dmarcscope.errors import SetupError
from dmarcscope.model.answer import Outcome, Question
from dmarcscope.model.discovery import Existence, Step
from dmarcscope.model.dmarc_record import Alignment, DmarcRecord, Standing
from dmarcscope.model.observation import Observation
from dmarcscope.model.source_check import KeyToday
from dmarcscope.model.whatif import Change, Fate, Use
from dmarcscope.model.words import Policy, SpfResult
from dmarcscope.parse.dmarc_record import dmarc_record
from dmarcscope.parse.spf_record import spf_record

DOMAIN = "example.com"
AUTHORS = ("example.com", "news.example.com", "deep.er.example.com", "own.example.com", "x.own.example.com", "ghost.example.com")
IDENTIFIERS = (*AUTHORS, "bounce.news.example.com", "vendor.example", "mail.vendor.example", "com")
POLICIES = ("none", "quarantine", "reject")
RESULTS = ("pass", "pass", "fail", "none", "temperror")
MESSAGES = 12_000
LEGITIMATE = ("yours-aligned", "yours-needs-fixing", "forwarded", "mailing-list")
CLASSES = (*LEGITIMATE, "unauthorised", "unknown")


# The generated world.


def some_tags(rng: random.Random) -> dict[str, str]:
    """The tags of a record, each with each value, and often left out."""
    values = {"sp": POLICIES, "np": POLICIES, "adkim": "rs", "aspf": "rs", "t": "yn"}
    return {"p": rng.choice(POLICIES), **{name: rng.choice(words) for name, words in values.items() if rng.random() < 0.6}}


def some_zone(rng: random.Random) -> dict[str, dict[str, str]]:
    """The domain, perhaps a name below it with a record of its own, and another owner below a public suffix."""
    zone = {DOMAIN: some_tags(rng), "example": {"p": "none", "psd": "y"}}
    if rng.random() < 0.5:
        zone["own.example.com"] = some_tags(rng)
    if rng.random() < 0.3:
        zone["own.example.com"] = {**some_tags(rng), "psd": "n"}
    if rng.random() < 0.5:
        zone["vendor.example"] = {"p": "reject"}
    return zone


def some_message(rng: random.Random) -> brute.Message:
    author = rng.choice(AUTHORS)
    return brute.Message(
        author,
        author != "ghost.example.com",
        tuple((rng.choice(IDENTIFIERS), rng.choice(RESULTS)) for _ in range(rng.randrange(4))),
        rng.choice((*IDENTIFIERS, None)),
        rng.choice(RESULTS),
        rng.choice(IDENTIFIERS),
        rng.choice(RESULTS),
        rng.random() < 0.2,
    )


def passed(results) -> list[str]:
    return sorted({domain for domain, result in results if result == "pass"})


def line_of(message: brute.Message, zone, rng: random.Random) -> dict:
    """The line of a report about a message, as a receiver writes it who does as it is asked."""
    where = brute.policy_domain(message.author, zone)
    tags = zone[where]
    spf = [(message.helo, message.helo_result) if message.mail_from is None else (message.mail_from, message.mail_from_result)]
    fate = brute.fate(message, zone)
    return {
        "source_ip": "192.0.2.1",
        "spf_names_domain": DOMAIN in {domain for domain, _ in spf},
        "header_from": message.author,
        "policy_domain": where,
        "sender": rng.choice(("Mill", "Letterbox", None)),
        "class": rng.choice(CLASSES),
        **{name: tags.get(name) for name in ("adkim", "aspf", "p", "sp", "np")},
        "testing": tags.get("t"),
        "dkim_aligned": brute.dkim_passes(message, zone, tags),
        "spf_aligned": brute.spf_passes(message, zone, tags),
        "disposition": {"quarantined": "quarantine", "rejected": "reject"}.get(fate, rng.choice(("none", "pass"))),
        "reasons": ["mailing_list"] if message.lets_through else rng.choice((None, [], ["local_policy"])),
        "dkim_passed": passed(message.dkim),
        "dkim_untold": [],
        "dkim_results": bool(message.dkim),
        "spf_passed": passed(spf),
        "spf_untold": [],
        "spf_results": True,
        "messages": rng.randrange(1, 50),
        "records": 1,
    }


def record_of_tags(tags: dict[str, str]) -> DmarcRecord:
    return dmarc_record("; ".join(["v=DMARC1", *(f"{name}={value}" for name, value in tags.items())]))


def owner_of(zone):
    """Whose domain a domain is, as the project finds it in what was observed."""
    steps = {name: Step(name, Outcome.FOUND, record_of_tags(tags)) for name, tags in zone.items()}

    def of(domain: str) -> str | None:
        every = [steps.get(name, Step(name, Outcome.NXDOMAIN)) for name in walk_names(domain)]
        return organizational_domain(domain, every).domain

    return of


def existing(name: str) -> Existence:
    return Existence.MISSING if name == "ghost.example.com" else Existence.UNKNOWN


def some_change(rng: random.Random) -> tuple[Change, dict[str, str]]:
    """A change, and the same as tags."""
    tags = {name: word for name, word in some_tags(rng).items() if rng.random() < 0.6}
    words = {"policy" if name == "p" else name: Policy(word) for name, word in tags.items() if name in {"p", "sp", "np"}}
    modes = {name: Alignment(word) for name, word in tags.items() if name in {"adkim", "aspf"}}
    testing = {"testing": tags["t"] == "y"} if "t" in tags else {}
    return Change(**words, **modes, **testing), tags


def some_case(rng: random.Random):
    """A message, the line about it, and what it is replayed under: the world as the project has it, and as a zone."""
    zone = some_zone(rng)
    message = some_message(rng)
    line = line_of(message, zone, rng)
    change, tags = some_change(rng)
    changed = {**zone, DOMAIN: {**zone[DOMAIN], **tags}}
    record = changed_policy(record_of_tags(zone[DOMAIN]), change)
    return message, line, World(DOMAIN, record, owner_of(zone), existing), changed


def test_every_fate_is_that_of_a_plain_reading_of_the_rfc():
    rng = random.Random(5)
    seen: Counter[tuple] = Counter()
    for number in range(MESSAGES):
        message, line, world, changed = some_case(rng)
        wanted = brute.fate(message, changed)
        assert fate_of(line, world).value == wanted, (number, message, changed)
        tags = changed[DOMAIN]
        seen[tags.get("adkim", "r"), tags.get("aspf", "r"), tags["p"], tags.get("t", "n"), wanted] += 1
    for adkim in "rs":
        for aspf in "rs":
            for policy, testing, fate in (("reject", "n", "rejected"), ("reject", "y", "quarantined"), ("quarantine", "n", "quarantined")):
                assert seen[adkim, aspf, policy, testing, fate], (adkim, aspf, policy, testing, fate)
            assert seen[adkim, aspf, "none", "n", "delivered"]


def test_a_changed_spf_record_is_read_as_the_rfc_has_it():
    """The result for the domain is another one, and everything else as it was."""
    rng = random.Random(6)
    changed_fates = 0
    for _ in range(5_000):
        message, line, world, changed = some_case(rng)
        result = rng.choice((SpfResult.PASS, SpfResult.FAIL, SpfResult.SOFTFAIL))
        before = fate_of(line, world)
        after = fate_of(line, replace(world, spf={"192.0.2.1": result}))
        place = "helo_result" if message.mail_from is None else "mail_from_result"
        touched = replace(message, **{place: result.value}) if line["spf_names_domain"] else message
        assert after.value == brute.fate(touched, changed)
        changed_fates += before is not after
    assert changed_fates > 50


def hidden(line: dict, rng: random.Random) -> dict:
    """The line of a reporter who leaves things out."""
    left_out = dict(line)
    for kind in ("dkim", "spf"):
        if rng.random() < 0.4:
            left_out[f"{kind}_aligned"] = None
        if rng.random() < 0.4:
            left_out |= {f"{kind}_passed": [], f"{kind}_results": False}
        elif rng.random() < 0.2:
            left_out |= {f"{kind}_passed": [], f"{kind}_untold": line[f"{kind}_passed"] or ["somewhere.example"]}
    return left_out


def test_what_is_not_told_never_makes_a_wrong_fate():
    """A fate that is told of a line with gaps is that of the line without; only where nothing at all is told of DKIM, it had no signature."""
    rng = random.Random(7)
    found: Counter[str] = Counter()
    for _ in range(8_000):
        message, line, world, changed = some_case(rng)
        gaps = hidden(line, rng)
        if not gaps["dkim_aligned"] and not gaps["dkim_results"] and line["dkim_passed"]:
            continue  # RFC 9990: no result means no signature, and there was one
        world = world if rng.random() < 0.7 else replace(world, owner_of=lambda _: None)
        fate = fate_of(gaps, world)
        found[fate] += 1
        # What is let through arrives either way, and is counted as let through if it may fail.
        if fate is Fate.OVERRIDDEN:
            assert message.lets_through
        else:
            assert fate is Fate.UNTOLD or fate.value == brute.fate(message, changed), (gaps, world)
    assert found[Fate.UNTOLD] > 100
    assert found[Fate.UNTOLD] < 4_000


def test_the_policies_of_then_come_out_as_reported():
    rng = random.Random(8)
    for _ in range(3_000):
        zone = some_zone(rng)
        line = line_of(some_message(rng), zone, rng)
        check = self_check([line], World(DOMAIN, None, owner_of(zone), existing))
        assert (check.compared, check.agree) == (line["messages"], line["messages"])


def test_no_message_is_lost_or_counted_twice():
    rng = random.Random(9)
    lines = []
    for number in range(6_000):
        _, line, world, _ = some_case(rng)
        line = hidden(line, rng) if number % 2 else line
        lines.append({**line, "disposition": rng.choice((line["disposition"], None, "odd"))})
    world = replace(world, record=changed_policy(world.record, Change(Policy.REJECT, aspf=Alignment.STRICT, testing=False)))
    found = replay(lines, world, weeks=2.0)
    total = found.total
    assert total.messages == sum(line["messages"] for line in lines)
    assert total.records == len(lines)
    assert total.messages == total.delivered + total.quarantined + total.rejected + total.untold
    assert total.overridden <= total.delivered
    for name in ("messages", "records", "delivered", "overridden", "quarantined", "rejected", "untold", "newly_stopped", "newly_delivered"):
        assert getattr(total, name) == sum(getattr(line.tally, name) for line in found.lines), name
    assert sum(move.messages for move in found.moves) == total.messages
    assert sum(move.records for move in found.moves) == total.records
    assert total.newly_stopped == sum(
        move.messages for move in found.moves if move.then == "delivered" and move.fate in {Fate.QUARANTINED, Fate.REJECTED}
    )
    legitimate = [line.tally for line in found.lines if line.sender_class in LEGITIMATE]
    assert found.risk.stopped == sum(tally.stopped for tally in legitimate)
    assert found.risk.legitimate == sum(tally.messages for tally in legitimate)
    share = wilson(found.risk.stopped, found.risk.told)
    assert found.risk.low == pytest.approx(share.low * found.risk.legitimate / 2)
    assert found.risk.low < found.risk.a_week < found.risk.high


# One line at a time.

OWN = World(DOMAIN, dmarc_record("v=DMARC1; p=reject; sp=quarantine; np=none"), {DOMAIN: DOMAIN, f"a.{DOMAIN}": DOMAIN}.get)
FAILS = {
    "source_ip": "192.0.2.1",
    "spf_names_domain": True,
    "header_from": DOMAIN,
    "policy_domain": DOMAIN,
    "sender": "Mill",
    "class": "yours-needs-fixing",
    "adkim": "r",
    "aspf": "r",
    "p": "none",
    "sp": None,
    "np": None,
    "testing": None,
    "dkim_aligned": False,
    "spf_aligned": False,
    "disposition": "none",
    "reasons": None,
    "dkim_passed": [],
    "dkim_untold": [],
    "dkim_results": False,
    "spf_passed": [],
    "spf_untold": [],
    "spf_results": True,
    "messages": 10,
    "records": 2,
}
STRICT = replace(OWN, record=replace(OWN.record, adkim=Alignment.STRICT, aspf=Alignment.STRICT))


@pytest.mark.parametrize(
    ("line", "world", "fate", "why"),
    [
        ({}, OWN, Fate.REJECTED, "p for the domain itself"),
        ({"header_from": "a.example.com"}, OWN, Fate.QUARANTINED, "sp for a name below; whether it exists is not known"),
        (
            {"header_from": "a.example.com"},
            replace(OWN, existing=lambda _: Existence.MISSING),
            Fate.DELIVERED,
            "np for one that is missing",
        ),
        ({"header_from": None}, OWN, Fate.UNTOLD, "no author is told, and the tags ask for different things"),
        ({"header_from": None}, replace(OWN, record=dmarc_record("v=DMARC1; p=reject")), Fate.REJECTED, "and here for the same"),
        (
            {"header_from": "own.example.com", "policy_domain": "own.example.com", "p": "quarantine"},
            OWN,
            Fate.QUARANTINED,
            "its own record",
        ),
        ({"policy_domain": "com", "p": "none"}, OWN, Fate.REJECTED, "the domain's record goes before one above it"),
        ({"policy_domain": None, "p": None}, OWN, Fate.REJECTED, "a reporter that does not tell where the record was"),
        ({"reasons": ["local_policy arc"]}, OWN, Fate.OVERRIDDEN, "let through before, and again"),
        ({"reasons": ["local_policy"]}, OWN, Fate.REJECTED, "nothing says why, or that it will be so again"),
        ({"reasons": ["sampled_out"]}, OWN, Fate.REJECTED, "RFC 9989 has no sampling"),
        ({"reasons": ["policy_test_mode"]}, OWN, Fate.REJECTED, "the mode is another one now"),
        ({"reasons": ["mailing_list"], "disposition": "reject"}, OWN, Fate.REJECTED, "a reason that let nothing through"),
        ({"dkim_aligned": None}, OWN, Fate.REJECTED, "SPF is told of, so there was no signature"),
        ({"dkim_aligned": None, "spf_results": False}, OWN, Fate.UNTOLD, "nothing is told at all"),
        ({"dkim_aligned": None, "spf_results": False}, replace(OWN, record=dmarc_record("v=DMARC1; p=none")), Fate.DELIVERED, "no matter"),
        ({"dkim_aligned": True}, STRICT, Fate.UNTOLD, "it was aligned, and with what is not told"),
        ({"dkim_aligned": True, "dkim_passed": [DOMAIN], "dkim_results": True}, STRICT, Fate.DELIVERED, "the same domain"),
        ({"dkim_aligned": True, "dkim_passed": [f"a.{DOMAIN}"], "dkim_results": True}, STRICT, Fate.REJECTED, "no longer near enough"),
        ({"adkim": "s", "dkim_passed": [f"a.{DOMAIN}"], "dkim_results": True}, OWN, Fate.DELIVERED, "near enough in relaxed mode"),
        ({"adkim": "s", "dkim_passed": ["b.example.com"], "dkim_results": True}, OWN, Fate.UNTOLD, "nobody knows whose b.example.com is"),
        (
            {"spf_aligned": True, "spf_passed": [DOMAIN]},
            replace(OWN, without=frozenset({"Mill"})),
            Fate.REJECTED,
            "a sender that is left out",
        ),
        ({"spf_aligned": True, "spf_passed": [DOMAIN]}, replace(OWN, spf={"192.0.2.1": SpfResult.FAIL}), Fate.REJECTED, "a term is gone"),
        ({"spf_aligned": True, "spf_passed": [DOMAIN]}, replace(OWN, spf={"192.0.2.1": None}), Fate.DELIVERED, "stays as it was reported"),
        ({}, replace(OWN, spf={"192.0.2.1": SpfResult.PASS}), Fate.DELIVERED, "a term is new"),
        ({}, replace(OWN, record=None), Fate.DELIVERED, "the policy of then"),
        ({"p": "blocked"}, replace(OWN, record=None), Fate.DELIVERED, "no valid p counts as none"),
        ({"p": "reject", "testing": "y"}, replace(OWN, record=None), Fate.QUARANTINED, "test mode of then"),
    ],
)
def test_a_line(line, world, fate, why):
    assert fate_of({**FAILS, **line}, world) is fate, why


def test_who_is_left_out_is_no_legitimate_mail_any_more():
    lines = [{**FAILS, "spf_aligned": True, "spf_passed": [DOMAIN]}, {**FAILS, "sender": "Letterbox"}]
    found = replay(lines, replace(OWN, without=frozenset({"Mill"})), weeks=1)
    assert found.leaving == 10
    assert (found.risk.legitimate, found.risk.stopped) == (10, 10), "Letterbox alone"
    assert found.total.rejected == 20


def test_messages_with_an_untold_spf_result_are_counted():
    found = replay([FAILS, {**FAILS, "spf_names_domain": False}], replace(OWN, spf={"192.0.2.1": None}), weeks=1)
    assert found.untold_spf == 10


# Whether names exist.


def seen(name: str, outcome: Outcome, day: int = 1) -> Observation:
    at = datetime(2026, 5, day, tzinfo=UTC)
    return Observation(Question(name, "TXT"), outcome, (), (), (), False, at, at)


@pytest.mark.parametrize(
    ("observations", "name", "wanted", "why"),
    [
        ([], "a.example.com", Existence.UNKNOWN, "nobody asked"),
        ([seen("a.example.com", Outcome.NXDOMAIN)], "a.example.com", Existence.MISSING, "NXDOMAIN"),
        ([seen("a.example.com", Outcome.NO_DATA)], "a.example.com", Existence.EXISTS, "no TXT, but a name"),
        ([seen("_dmarc.a.example.com", Outcome.NXDOMAIN)], "a.example.com", Existence.UNKNOWN, "a name below says nothing"),
        ([seen("s._domainkey.a.example.com", Outcome.FOUND)], "a.example.com", Existence.EXISTS, "a name below is there"),
        ([seen("a.example.com", Outcome.NXDOMAIN)], "b.a.example.com", Existence.MISSING, "RFC 8020: nothing is below what is not there"),
        (
            [seen("a.example.com", Outcome.FOUND), seen("a.example.com", Outcome.NXDOMAIN, 2)],
            "a.example.com",
            Existence.MISSING,
            "what was seen last counts",
        ),
    ],
)
def test_existing_names(observations, name, wanted, why):
    assert existing_names(observations)(name) is wanted, why


# The changed records.


@pytest.mark.parametrize(
    ("text", "change", "wanted", "why"),
    [
        ("v=DMARC1; p=none; rua=mailto:d@example.com", Change(Policy.REJECT), "v=DMARC1; p=reject; rua=mailto:d@example.com", "one tag"),
        ("v=DMARC1;p=none", Change(testing=True), "v=DMARC1;p=none; t=y", "a new tag after p"),
        ("v=DMARC1; p=reject; t=y", Change(testing=False), "v=DMARC1; p=reject", "no t is t=n"),
        ("v=DMARC1; p=none; pct=20", Change(Policy.REJECT), "v=DMARC1; p=reject", "RFC 9989 has no pct"),
        ("v=DMARC1; p=none; pct=20", Change(), "v=DMARC1; p=none; pct=20", "nothing is to be changed"),
        (None, Change(Policy.REJECT, aspf=Alignment.STRICT), "v=DMARC1; p=reject; aspf=s", "a first record"),
    ],
)
def test_the_text_of_the_changed_policy(text, change, wanted, why):
    before = dmarc_record(text) if text else None
    after = changed_policy(before, change)
    assert record_text(text, change, after) == wanted, why
    assert dmarc_record(wanted).p is after.p


def test_a_record_without_a_valid_policy_needs_one():
    broken = DmarcRecord("", Standing.AS_NONE)
    assert changed_policy(broken, Change(sp=Policy.REJECT)).standing is Standing.AS_NONE
    assert changed_policy(broken, Change(Policy.REJECT)).standing is Standing.IN_FORCE
    assert changed_policy(None, Change(sp=Policy.REJECT)) is None


SPF = "v=spf1 mx include:_spf.vendor.example +ip4:192.0.2.0/24 ?a:web.example.com ~all"


@pytest.mark.parametrize(
    ("published", "remove", "add", "wanted", "why"),
    [
        ([SPF], ["mx"], [], SPF.replace("mx ", ""), "as written"),
        (
            [SPF],
            ["INCLUDE:_spf.Vendor.example."],
            [],
            SPF.replace("include:_spf.vendor.example ", ""),
            "case and the last dot do not matter",
        ),
        ([SPF], ["ip4:192.0.2.0/24"], [], SPF.replace("+ip4:192.0.2.0/24 ", ""), "nor does a plus"),
        ([SPF], ["a:web.example.com"], [], SPF.replace("?a:web.example.com ", ""), "nor another qualifier, if there is one alone"),
        ([SPF], [], ["ip6:2001:db8::/32"], SPF.replace(" ~all", " ip6:2001:db8::/32 ~all"), "before all, where it is reached"),
        ([SPF], ["~all"], ["-all"], SPF.replace("~all", "-all"), "another end"),
        ([SPF], ["~all"], ["redirect=b.example"], SPF.replace("~all", "redirect=b.example"), "a modifier at the end"),
        (["v=spf1 redirect=b.example"], [], ["mx"], "v=spf1 mx redirect=b.example", "before the modifiers"),
        (["v=spf1 mx"], [], ["a"], "v=spf1 mx a", "a record without an end"),
        ([], [], ["mx"], "v=spf1 mx ~all", "a first record"),
        ([], [], ["mx", "-all"], "v=spf1 mx -all", "a first record with an end of its own"),
        (["hello"], [], ["mx"], "v=spf1 mx ~all", "other texts are none of ours"),
        (["v=spf1 mx ~all", "v=spf1 a ~all"], [], ["ptr"], "v=spf1 mx a ptr ~all", "two records become one"),
    ],
)
def test_a_changed_spf_record(published, remove, add, wanted, why):
    edit = changed_record(DOMAIN, published, remove, add)
    assert edit.after == wanted, why
    assert spf_record(edit.after).error is None
    assert bool(edit.notes) == (len(published) > 1)


@pytest.mark.parametrize(
    ("published", "remove", "add", "complaint"),
    [
        ([SPF], ["include:vendor.example"], [], "Perhaps: «include:_spf.vendor.example»"),
        ([SPF], ["vendor"], [], "Perhaps: «include:_spf.vendor.example»"),
        ([SPF], ["zzz"], [], "Its terms are: «mx»"),
        (["v=spf1"], ["zzz"], [], "It has no terms"),
        ([], ["mx"], [], "has no SPF record"),
        ([SPF], [], ["mx"], "has «mx» already"),
        ([SPF], [], ["ipv4:192.0.2.1"], "Perhaps: ip4:192.0.2.1"),
        ([SPF], [], ["-all"], "--remove-spf=~all"),
        ([SPF], [], ["  "], "there is no term"),
        (["v=spf1 ip4:1.2.3 mx -all"], ["mx"], [], "would not be valid"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(published, remove, add, complaint):
    with pytest.raises(SetupError, match=r".") as raised:
        changed_record(DOMAIN, published, remove, add)
    assert complaint in str(raised.value)


# What is of use.

AT = datetime(2026, 5, 30, tzinfo=UTC)


def source(ip: str, *, sender: str = "Mill", passes: bool = True, messages: int = 5) -> dict:
    return {
        "source_ip": ip,
        "sender": sender,
        "class": "yours-aligned",
        "passed": passes,
        "last_seen": AT,
        "messages": messages,
        "records": 1,
    }


def uses(rows, ways, days=90):
    return {item.name: item.use for item in terms_in_use(spf_record(SPF), rows, ways, days)}


TERMS = ("mx", "include:_spf.vendor.example", "+ip4:192.0.2.0/24", "?a:web.example.com")


def test_terms_that_let_nobody_send_can_go():
    found = uses([source("192.0.2.1"), source("203.0.113.9", passes=False)], {"192.0.2.1": Way("mx"), "203.0.113.9": Way("~all")})
    assert found == dict(zip(TERMS, (Use.USED, Use.UNUSED, Use.UNUSED, Use.UNUSED), strict=True)), "all is no term that can go"


def test_too_few_days_call_nothing_unused():
    found = uses([source("192.0.2.1")], {"192.0.2.1": Way("mx")}, days=89)
    assert found == dict(zip(TERMS, (Use.USED, Use.TOO_EARLY, Use.TOO_EARLY, Use.TOO_EARLY), strict=True))


def test_what_could_not_be_told_may_have_used_any_term_from_there_on():
    untold = {"192.0.2.1": Way("include:_spf.vendor.example", is_told=False)}
    assert uses([source("192.0.2.1")], untold) == dict(zip(TERMS, (Use.UNUSED, Use.UNTOLD, Use.UNTOLD, Use.UNTOLD), strict=True))
    assert uses([source("192.0.2.1", passes=False)], untold)[TERMS[1]] is Use.UNUSED, "receivers said that no term let it send"
    assert set(uses([source("192.0.2.1")], {}).values()) == {Use.UNTOLD}


def signed(selector, *, passes: bool = True, sender: str = "Mill", domain: str = DOMAIN) -> dict:
    row = {"domain": domain, "selector": selector, "sender": sender, "class": "yours-aligned", "passed": passes, "sources": 2}
    return {**row, "last_seen": AT, "messages": 5, "records": 1}


@pytest.mark.parametrize(
    ("state", "rows", "days", "use", "why"),
    [
        (KeyToday.USABLE, [signed("s1")], 90, Use.USED, "it signed"),
        (KeyToday.USABLE, [signed("s2")], 90, Use.UNUSED, "another one did"),
        (KeyToday.USABLE, [], 89, Use.TOO_EARLY, "a day is missing"),
        (KeyToday.USABLE, [signed("s1", passes=False)], 90, Use.UNTOLD, "signatures name it, and none passed"),
        (KeyToday.USABLE, [signed(None)], 90, Use.UNTOLD, "a reporter does not tell the selector"),
        (KeyToday.USABLE, [signed(None, domain="a.example.com")], 90, Use.UNUSED, "that is another domain's"),
        (None, [], 90, Use.UNTOLD, "nobody asked whether it is there"),
    ],
)
def test_keys(state, rows, days, use, why):
    (found,) = keys_in_use([SeenKey(DOMAIN, "s1", state)], rows, days)
    assert (found.name, found.use) == (f"s1._domainkey.{DOMAIN}", use), why


def test_keys_that_are_gone_are_not_spoken_of():
    assert keys_in_use([SeenKey(DOMAIN, "s1", KeyToday.MISSING), SeenKey(DOMAIN, "s2", KeyToday.REVOKED)], [], 90) == []


def test_what_served_a_sender_alone():
    rows = [source("192.0.2.1"), source("192.0.2.2", sender="Letterbox"), source("192.0.2.3", sender="Letterbox")]
    ways = {"192.0.2.1": Way("mx"), "192.0.2.2": Way("mx"), "192.0.2.3": Way(TERMS[1])}
    items = terms_in_use(spf_record(SPF), rows, ways, 90)
    assert [item.name for item in serving_only(items, frozenset({"Letterbox"}))] == [TERMS[1]]
    forwarded = [*rows, {**source("192.0.2.4", sender="Forwarder"), "class": "forwarded"}]
    items = terms_in_use(spf_record(SPF), forwarded, {**ways, "192.0.2.4": Way(TERMS[1])}, 90)
    assert [item.name for item in serving_only(items, frozenset({"Letterbox"}))] == [TERMS[1]], "a forwarder needs no term of ours"
    assert [item.name for item in serving_only(items, frozenset({"Letterbox", "Mill"}))] == ["mx", TERMS[1]]


def test_spans():
    begin = datetime(2026, 5, 4, tzinfo=UTC)
    assert days_between(begin, begin + timedelta(days=90, seconds=-1)) == 90
    assert weeks_between(begin, begin + timedelta(days=7)) == 1.0
    assert weeks_between(begin, begin) == pytest.approx(1 / 7)
    assert weeks_between(None, begin) == 0.0
    assert replay([FAILS], OWN, weeks=0.0).risk.a_week == 0.0
