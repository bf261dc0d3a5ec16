"""A replay of stored reports: beside a brute-force reading of RFC 9989, with changed SPF records, and what is published in vain."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import brute_force_dmarc as brute
import pytest
from dnsworld import DAY, FIRST_DAY, ZONE, offline, record, report
from storeworld import SMALL, put, take_in

from dmarcscope.errors import SetupError
from dmarcscope.model.dmarc_record import Alignment
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.whatif import Change, Published, Use
from dmarcscope.model.words import Policy
from dmarcscope.ops.resolve import resolve
from dmarcscope.ops.unused import unused
from dmarcscope.ops.whatif import whatif
from dmarcscope.present import whatif as presenting
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter

DOMAIN = "example.com"
WHICH = Filter(DOMAIN)
NOTHING = Knowledge()

# A world of reports made by a receiver that reads RFC 9989 as the brute force does.

AUTHORS = ("example.com", "news.example.com", "deep.er.example.com", "own.example.com", "x.own.example.com", "ghost.example.com")
IDENTIFIERS = (*AUTHORS[:5], "bounce.news.example.com", "vendor.example", "mail.vendor.example")
NOW = {
    DOMAIN: {"p": "quarantine", "sp": "none", "np": "reject"},
    "own.example.com": {"p": "reject", "adkim": "s"},
    "vendor.example": {"p": "reject"},
    "example": {"p": "none", "psd": "y"},
}
"""What is published when it is replayed."""
RECORDS, REPORTS = 60, 90


def text(tags: dict[str, str]) -> str:
    return "; ".join(["v=DMARC1", *(f"{name}={value}" for name, value in tags.items())])


def world_zones(folder: Path):
    """The same as zone files; every name but the ghost exists."""
    hosts = "".join(
        f"{name.removesuffix('.example.com')} A 8.8.8.8\n" for name in {*AUTHORS, *IDENTIFIERS} if name.endswith(".example.com")
    )
    hosts = "".join(line for line in hosts.splitlines(keepends=True) if not line.startswith("ghost"))
    return offline(
        folder,
        example=ZONE + f'_dmarc TXT "{text(NOW["example"])}"\n_dmarc.vendor TXT "{text(NOW["vendor.example"])}"\nmail.vendor A 9.9.9.9\n',
        example__com=ZONE + f'_dmarc TXT "{text(NOW[DOMAIN])}"\n_dmarc.own TXT "{text(NOW["own.example.com"])}"\n{hosts}',
    )


def some_message(rng: random.Random) -> brute.Message:
    author = rng.choice(AUTHORS)
    words = ("pass", "pass", "fail", "none")
    dkim = tuple((rng.choice(IDENTIFIERS), rng.choice(words)) for _ in range(rng.randrange(3)))
    mail_from = rng.choice((*IDENTIFIERS, None))
    return brute.Message(
        author,
        author != "ghost.example.com",
        dkim,
        mail_from,
        rng.choice(words),
        rng.choice(IDENTIFIERS),
        rng.choice(words),
        rng.random() < 0.2,
    )


def xml_of(message: brute.Message, count: int, zone: dict) -> str:
    """The record about a message."""
    tags = zone[brute.policy_domain(message.author, zone)]
    disposition = {"quarantined": "quarantine", "rejected": "reject"}.get(brute.fate(message, zone), "none")
    reason = "<reason><type>mailing_list</type></reason>" if message.lets_through else ""
    verdicts = [("dkim", brute.dkim_passes(message, zone, tags)), ("spf", brute.spf_passes(message, zone, tags))]
    told = "".join(f"<{name}>{'pass' if passes else 'fail'}</{name}>" for name, passes in verdicts)
    dkim = "".join(
        f"<dkim><domain>{domain}</domain><selector>s</selector><result>{result}</result></dkim>" for domain, result in message.dkim
    )
    bounce = message.mail_from is None
    spf = (message.helo, "helo", message.helo_result) if bounce else (message.mail_from, "mfrom", message.mail_from_result)
    return (
        f"<record><row><source_ip>8.8.8.8</source_ip><count>{count}</count><policy_evaluated><disposition>{disposition}</disposition>{told}"
        f"{reason}</policy_evaluated></row><identifiers><header_from>{message.author}</header_from></identifiers><auth_results>{dkim}"
        f"<spf><domain>{spf[0]}</domain><scope>{spf[1]}</scope><result>{spf[2]}</result></spf></auth_results></record>"
    )


def report_of(number: int, where: str, tags: dict[str, str], records: list[str]) -> bytes:
    begin = FIRST_DAY + number * DAY
    published = "".join(
        f"<{'testing' if name == 't' else name}>{value}</{'testing' if name == 't' else name}>" for name, value in tags.items()
    )
    return (
        f'<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0"><report_metadata><org_name>mill.example</org_name><report_id>{number}</report_id>'
        f"<date_range><begin>{begin}</begin><end>{begin + DAY - 1}</end></date_range></report_metadata><policy_published><domain>{where}</domain>"
        f"{published}</policy_published>{''.join(records)}</feedback>"
    ).encode()


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The store, and every message with how often it came."""
    rng = random.Random(11)
    folder = tmp_path_factory.mktemp("whatif")
    messages: list[tuple[brute.Message, int]] = []
    files = {}
    for number in range(REPORTS):
        values = {"sp": ("none", "quarantine", "reject"), "adkim": "rs", "aspf": "rs", "t": "yn"}
        then = {"p": rng.choice(values["sp"]), **{name: rng.choice(words) for name, words in values.items() if rng.random() < 0.5}}
        zone = {**NOW, DOMAIN: then}
        drawn = [(some_message(rng), rng.randrange(1, 30)) for _ in range(RECORDS)]
        messages += drawn
        for where in {brute.policy_domain(message.author, zone) for message, _ in drawn}:
            mine = [xml_of(message, count, zone) for message, count in drawn if brute.policy_domain(message.author, zone) == where]
            files[f"{number}-{where.replace('.', '_')}__xml"] = report_of(number, where, zone[where], mine)
    put(folder / "in", **files)
    take_in(folder / "store", folder / "in")
    with StoreFiles(folder / "store", SMALL) as store:
        resolve(store, world_zones(folder / "zones"), Filter())
        yield store, messages


CHANGES = [
    (Change(), {}),
    (Change(Policy.REJECT), {"p": "reject"}),
    (Change(sp=Policy.REJECT, np=Policy.NONE), {"sp": "reject", "np": "none"}),
    (Change(Policy.REJECT, sp=Policy.QUARANTINE, testing=True), {"p": "reject", "sp": "quarantine", "t": "y"}),
    (Change(Policy.REJECT, sp=Policy.REJECT, adkim=Alignment.STRICT), {"p": "reject", "sp": "reject", "adkim": "s"}),
    (Change(aspf=Alignment.STRICT, adkim=Alignment.STRICT), {"aspf": "s", "adkim": "s"}),
]


@pytest.mark.parametrize(("change", "tags"), CHANGES, ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_stored_reports_come_to_what_the_rfc_says(generated, change, tags):
    store, messages = generated
    wanted: Counter[str] = Counter()
    for message, count in messages:
        wanted[brute.fate(message, {**NOW, DOMAIN: {**NOW[DOMAIN], **tags}})] += count
    found = whatif(store, WHICH, change, NOTHING)
    total = found.total
    assert total.records == len(messages) == RECORDS * REPORTS
    assert total.messages == sum(count for _, count in messages)
    assert total.untold == 0
    assert total.overridden == wanted["overridden"]
    assert total.delivered == wanted["delivered"] + wanted["overridden"]
    assert (total.quarantined, total.rejected) == (wanted["quarantined"], wanted["rejected"])
    assert total.messages == sum(line.tally.messages for line in found.lines) == sum(move.messages for move in found.moves)
    assert (found.self_check.compared, found.self_check.agree) == (total.messages, total.messages), "this receiver does as it is asked"


def test_what_nobody_asked_for_is_not_guessed(generated, tmp_path):
    """The same reports without any answer of the DNS: fewer fates are told, and those that are, are right."""
    store, messages = generated
    take_in(tmp_path / "store", store.root.parent / "in")
    change = Change(Policy.REJECT, sp=Policy.REJECT, np=Policy.REJECT, adkim=Alignment.RELAXED, aspf=Alignment.RELAXED, testing=False)
    tags = {"p": "reject", "sp": "reject", "np": "reject"}
    wanted = Counter()
    for message, count in messages:
        wanted[brute.fate(message, {**NOW, DOMAIN: tags})] += count
    with StoreFiles(tmp_path / "store", SMALL) as other:
        found = whatif(other, WHICH, change, NOTHING)
    total = found.total
    assert total.untold > 0
    assert total.messages == total.delivered + total.quarantined + total.rejected + total.untold
    assert total.rejected <= wanted["rejected"] <= total.rejected + total.untold
    assert found.dmarc.is_from == "reports"
    assert any("known from reports alone" in note for note in found.notes)


# The SPF record.

SENT = (
    record("8.8.8.8", count=50, verdicts=("fail", "pass")),
    record("8.8.8.8", dkim="s1@example.com", count=7, verdicts=("pass", "pass")),
    record("9.9.9.9", spf="vendor.example", count=20),
    record("9.9.9.9", count=5).replace("<result>pass</result></spf>", "<result>fail</result></spf>"),
)


@pytest.fixture
def store(tmp_path: Path):
    take_in(tmp_path / "store", put(tmp_path / "in", a__xml=report(*SENT)))
    with StoreFiles(tmp_path / "store", SMALL) as opened:
        yield opened


@pytest.fixture
def zones(tmp_path: Path):
    return offline(tmp_path / "zones")


def totals(found) -> tuple[int, int, int]:
    return found.total.delivered, found.total.rejected, found.total.untold


def test_a_term_is_taken_out(store, zones):
    resolve(store, zones, Filter())
    assert totals(whatif(store, WHICH, Change(), NOTHING)) == (57, 25, 0)
    found = whatif(store, WHICH, Change(remove_spf=("include:spf.example.com",)), NOTHING)
    assert totals(found) == (7, 75, 0), "what is signed arrives all the same"
    assert found.spf.edit.after == "v=spf1 -all"
    assert (found.spf.lookups_before, found.spf.lookups_after, found.spf.is_complete) == (1, 0, True)
    assert (found.spf.sources, found.spf.untold_sources, found.spf.untold_messages) == (2, 0, 0)


def test_a_term_is_put_in(store, zones):
    resolve(store, zones, Filter())
    found = whatif(store, WHICH, Change(add_spf=("ip4:9.9.9.9",)), NOTHING)
    assert totals(found) == (62, 20, 0), "SPF that passes for another domain is aligned with nothing"
    assert found.spf.edit.after == "v=spf1 include:spf.example.com ip4:9.9.9.9 -all"


def test_the_dns_is_asked_where_that_is_wanted(store, zones):
    with pytest.raises(SetupError, match=r"the SPF record of example\.com is not known"):
        whatif(store, WHICH, Change(add_spf=("mx",)), NOTHING)
    found = whatif(store, WHICH, Change(add_spf=("ip4:9.9.9.9",)), NOTHING, zones)
    assert totals(found) == (62, 20, 0)
    assert whatif(store, WHICH, Change(add_spf=("ip4:9.9.9.9",)), NOTHING).spf.is_complete, "what was told is remembered"


def test_what_was_never_asked_for_is_counted_apart(store, zones):
    resolve(store, zones, Filter())
    found = whatif(store, WHICH, Change(remove_spf=("include:spf.example.com",), add_spf=("include:new.example",)), NOTHING)
    assert (found.spf.untold_sources, found.spf.untold_messages) == (2, 62)
    assert not found.spf.is_complete
    assert totals(found) == (57, 25, 0), "replayed with the results of then"
    found = whatif(store, WHICH, Change(add_spf=("include:new.example", "ip4:9.9.9.9")), NOTHING)
    assert totals(found) == (62, 20, 0), "whatever the unknown record says, 9.9.9.9 is let in by the next term"
    assert (found.spf.untold_sources, found.spf.untold_messages) == (0, 0)


def test_a_sender_is_left_out(store, zones):
    resolve(store, zones, Filter())
    now = whatif(store, WHICH, Change(), NOTHING)
    own = max(now.lines, key=lambda line: line.tally.delivered)
    found = whatif(store, WHICH, Change(without=(own.sender.upper(),)), NOTHING)
    assert found.leaving == sum(line.tally.messages for line in now.lines if line.sender == own.sender)
    assert found.without == (own.sender,)
    assert not any(line.tally.delivered for line in found.lines if line.sender == own.sender)
    assert {item.name for item in found.serving} == {"include:spf.example.com", "s1._domainkey.example.com"}
    with pytest.raises(SetupError, match="no sender «nobody-at-all» sent anything"):
        whatif(store, WHICH, Change(without=("nobody-at-all",)), NOTHING)


def test_what_cannot_be_asked_of_a_store(store, zones):
    with pytest.raises(SetupError, match=r"there are no reports about other\.example"):
        whatif(store, Filter("other.example"), Change(), NOTHING)
    with pytest.raises(SetupError, match=r"there are no reports about other\.example"):
        unused(store, Filter("other.example"), NOTHING)
    resolve(store, offline(zones.zone_files[0].parent / "bare", example__com=ZONE + "mail A 8.8.8.8\n"), Filter())
    with pytest.raises(SetupError, match="no DMARC record of its own"):
        whatif(store, WHICH, Change(sp=Policy.REJECT), NOTHING)
    assert totals(whatif(store, WHICH, Change(), NOTHING)) == (82, 0, 0), "p=none of then"
    assert totals(whatif(store, WHICH, Change(Policy.REJECT), NOTHING)) == (57, 25, 0), "a first record"


# What is published in vain.

TWO_TERMS = (
    ZONE
    + '@ TXT "v=spf1 include:spf.example.com ip4:7.7.7.7 -all"\nspf TXT "v=spf1 ip4:8.8.8.8 -all"\n_dmarc TXT "v=DMARC1; p=reject"\n'
    + 's1._domainkey TXT "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="\n'
    + 's2._domainkey TXT "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="\nold._domainkey TXT "v=DKIM1; p="\n'
)


def unused_store(tmp_path: Path, last_day: int):
    """Reports from the first day to the last: s2 and 7.7.7.7 are seen on the first alone, and long before."""
    early = (record("8.8.8.8", dkim="s1@example.com s2@example.com old@example.com"), record("7.7.7.7"))
    late = record("8.8.8.8", dkim="s1@example.com", count=9)
    files = {f"{day}__xml": report(late, number=day) for day in (*range(10, last_day, 10), last_day)} | {"0__xml": report(*early)}
    take_in(tmp_path / "store", put(tmp_path / "in", **files))
    store = StoreFiles(tmp_path / "store", SMALL)
    resolve(store, offline(tmp_path / "zones", example__com=TWO_TERMS), Filter())
    return store


def test_what_was_of_no_use_for_ninety_days_can_go(tmp_path):
    with unused_store(tmp_path, 91) as store:
        found = unused(store, WHICH, NOTHING)
    uses = {item.name: item.use for item in found.items}
    assert uses == {
        "include:spf.example.com": Use.USED,
        "ip4:7.7.7.7": Use.UNUSED,
        "s1._domainkey.example.com": Use.USED,
        "s2._domainkey.example.com": Use.UNUSED,
    }, "a key that is revoked is gone already"
    assert (found.days, found.heard) == (90, 10)
    assert found.edit.after == "v=spf1 include:spf.example.com -all"
    assert found.lookups == (1, 1)
    keys = {item.name: item for item in found.items if item.what is Published.DKIM_KEY}
    assert keys["s2._domainkey.example.com"].last_seen == datetime.fromtimestamp(FIRST_DAY + DAY - 1, UTC)
    assert keys["s1._domainkey.example.com"].messages == 90
    shown = presenting.unused(found, 100).plain
    assert "2 can go: «ip4:7.7.7.7», «s2._domainkey.example.com»." in shown
    assert 'example.com. IN TXT "v=spf1 include:spf.example.com -all"' in shown


def test_too_few_days_call_nothing_unused(tmp_path):
    with unused_store(tmp_path, 60) as store:
        found = unused(store, WHICH, NOTHING)
        assert {item.use for item in found.items} == {Use.USED}, "within 61 days, all of it was seen"
        later = unused(store, replace(WHICH, since=datetime.fromtimestamp(FIRST_DAY + DAY, UTC)), NOTHING)
    assert (found.days, found.edit) == (61, None)
    assert {item.name for item in later.items if item.use is Use.TOO_EARLY} == {"ip4:7.7.7.7", "s2._domainkey.example.com"}
    assert later.edit is None


def test_a_long_time_without_reports_is_no_time_without_use(tmp_path):
    late = record("8.8.8.8", dkim="s1@example.com")
    files = {f"{day}__xml": report(late, number=day) for day in (40, 50, 91)}
    take_in(tmp_path / "early", put(tmp_path / "more", **files, **{"0__xml": report(record("7.7.7.7"))}))
    with StoreFiles(tmp_path / "early", SMALL) as store:
        resolve(store, offline(tmp_path / "zones", example__com=TWO_TERMS), Filter())
        found = unused(store, WHICH, NOTHING)
    assert found.days == 1, "the last day after six weeks of silence"
    assert {item.use for item in found.items} == {Use.USED, Use.TOO_EARLY}


def test_without_the_dns_nothing_is_said_of_terms(tmp_path):
    take_in(tmp_path / "store", put(tmp_path / "in", a__xml=report(*SENT), b__xml=report(*SENT, number=120)))
    with StoreFiles(tmp_path / "store", SMALL) as store:
        found = unused(store, WHICH, NOTHING)
        assert [(item.name, item.use) for item in found.items] == [("s1._domainkey.example.com", Use.USED)]
        assert "was never asked for" in found.notes[0]
        told = unused(store, WHICH, NOTHING, offline(tmp_path / "zones"))
    assert told.items[0].use is Use.USED
    assert not told.notes
