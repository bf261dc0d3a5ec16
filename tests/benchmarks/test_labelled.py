"""The labelled world is the same on every run, its truth adds up with its table, and its scorer counts as one would by hand."""

from collections import Counter
from datetime import timedelta

import pytest

from benchmarks.labelled.facts import NOW, START
from benchmarks.labelled.judging import judge
from benchmarks.labelled.keeping import kept_in, truth_rows, write
from benchmarks.labelled.scoring import By, Judged, naive_class, score, summary
from benchmarks.labelled.traffic import aligned, reports
from benchmarks.labelled.world import HELD_OUT, SEEDS, TUNING, make_world
from dmarcscope.model.sender import Catalogue, Kind, Sender
from dmarcscope.model.verdict import SenderClass
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.rows import rows

SCALE = 0.01  # of the usual number of messages

VENDORS = tuple(
    Sender(
        f"Service {number}",
        (Kind.MARKETING, Kind.TRANSACTIONAL, Kind.CRM, Kind.HELP_DESK)[number % 4],
        dkim_domains=(f"service{number}.example",),
        dkim_selectors=(f"sv{number}",),
        dkim_targets=(f"dkim.service{number}.example",),
        spf_domains=(f"_spf.service{number}.example",),
        return_path_domains=(f"bounces{number}.example",),
        ptr_suffixes=(f"hosts{number}.example",),
    )
    for number in range(60)
)
OTHERS = tuple(
    Sender(f"{kind} {number}", kind, dkim_domains=(f"{kind}-{number}.example",), ptr_suffixes=(f"{kind}-{number}.example",))
    for kind in (Kind.ISP, Kind.FORWARDER, Kind.EDUCATION, Kind.SECURITY_GATEWAY, Kind.MAILING_LIST, Kind.CLOUD, Kind.MAILBOX_PROVIDER)
    for number in range(6)
)
CATALOGUE = Catalogue((*VENDORS, *OTHERS), "of the tests")


@pytest.fixture(scope="module")
def world():
    return make_world(TUNING, CATALOGUE.senders)


@pytest.fixture(scope="module")
def kept(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled")
    write(world, folder, SCALE)
    return kept_in(world, folder)


def test_the_world_is_the_same_on_every_run(world):
    again = make_world(TUNING, CATALOGUE.senders)
    assert list(reports(again, SCALE)) == list(reports(world, SCALE))


def test_the_two_worlds_share_no_domain_and_no_invented_host(world):
    other = make_world(HELD_OUT, CATALOGUE.senders)
    assert SEEDS["tuning"] == TUNING
    assert SEEDS["held-out"] == HELD_OUT
    assert len(set(SEEDS.values())) == len(SEEDS)
    assert not {domain.name for domain in world.domains} & {domain.name for domain in other.domains}
    vendors = [{flow.truth.sender for flow in scene.flows if flow.truth.kind.startswith("vendor, catalogued")} for scene in (world, other)]
    assert vendors[0] != vendors[1]


def test_a_world_of_an_empty_catalogue_can_be_made():
    made = make_world(TUNING, ())
    assert {flow.truth.sender_class for flow in made.flows} >= {SenderClass.FORWARDED, SenderClass.MAILING_LIST}


def test_the_truth_adds_up_with_the_table(kept):
    truth, messages = Counter(), Counter()
    for row in truth_rows(kept.truth):
        truth[row["report_key"]] += 1
        messages[row["report_key"]] += row["count"]
    with StoreFiles(kept.store) as store:
        table = rows(store.engine.ask('SELECT report_key, count(*) AS records, sum("count")::BIGINT AS messages FROM records GROUP BY 1'))
        ledger = store.ledger.rows("SELECT report_key, records, messages FROM reports WHERE state = 'stored'")
    assert truth
    assert {row["report_key"]: (row["records"], row["messages"]) for row in table} == {key: (truth[key], messages[key]) for key in truth}
    assert {row[0]: (row[1], row[2]) for row in ledger} == {key: (truth[key], messages[key]) for key in truth}


@pytest.mark.parametrize("sender_class", SenderClass)
def test_each_class_is_there(kept, sender_class):
    assert any(row["class"] == sender_class for row in truth_rows(kept.truth))


def test_the_hard_cases_are_few_and_marked(world):
    hard = [flow for flow in world.flows if flow.truth.hard]
    assert {flow.truth.kind for flow in hard} == {"spoofer: account at a catalogued service", "spoofer: another customer of Microsoft's"}
    assert all(flow.truth.sender_class is SenderClass.UNAUTHORISED for flow in hard)


def test_parked_domains_send_nothing_of_their_own(world):
    assert len(world.parked) == 2
    parked = [flow for flow in world.flows if flow.domain.parked]
    assert {flow.truth.sender_class for flow in parked} == {SenderClass.UNAUTHORISED}


def test_what_is_aligned_follows_from_what_passed(kept):
    with StoreFiles(kept.store) as store:
        found = rows(store.engine.ask("SELECT header_from, policy_domain, adkim, aspf, dkim_aligned, spf_aligned, dkim, spf FROM records"))
    for row in found:
        dkim = any(
            one["result"] == "pass" and aligned(one["domain"], row["header_from"], row["policy_domain"], row["adkim"])
            for one in row["dkim"]
        )
        assert row["dkim_aligned"] or not dkim
        spf = any(
            one["result"] == "pass" and aligned(one["domain"], row["header_from"], row["policy_domain"], row["aspf"]) for one in row["spf"]
        )
        assert row["spf_aligned"] or not spf


def test_some_sources_were_never_looked_up_and_none_is_of_no_network(kept):
    with StoreFiles(kept.store) as store:
        known = {row[0] for row in store.ledger.rows("SELECT ip FROM sources WHERE checked_at IS NOT NULL")}
        seen = {row["source_ip"] for row in rows(store.engine.ask("SELECT DISTINCT source_ip FROM records"))}
        checked = store.ledger.rows("SELECT max(checked_at) FROM sources")[0][0]
    assert known < seen
    assert 0.85 < len(known) / len(seen) < 0.95
    assert all(kept.scene.places.of(ip) for ip in seen)
    assert checked.startswith(f"{NOW:%Y-%m-%d}")
    assert timedelta(90) < NOW - START < timedelta(91)


def test_dmarcscope_says_something_of_each_record(kept):
    judged = judge(kept, CATALOGUE)
    assert len(judged) == sum(1 for _ in truth_rows(kept.truth))
    assert "\n".join(summary(score(one for one, _ in judged)))


# The scorer, by hand.

ALIGNED, FIXING, FORWARDED, LIST, SPOOFED, UNKNOWN = SenderClass
BY_HAND = (
    # true, said, by the naive rule, messages, hard
    Judged(ALIGNED, ALIGNED, ALIGNED, 70, "own", ("example.com",), "mail.example.com"),
    Judged(FIXING, ALIGNED, FORWARDED, 10, "own", ("example.com",), "hosts without a name"),
    Judged(FIXING, UNKNOWN, SPOOFED, 20, "vendor", ("Letterbox",), "unknown, 2 hosts at Example"),
    Judged(FORWARDED, ALIGNED, FORWARDED, 5, "forwarder", ("alumni.example",), "alumni.example"),
    Judged(FORWARDED, FORWARDED, FORWARDED, 15, "forwarder", ("alumni.example",), "Somebody Else"),
    Judged(SPOOFED, SPOOFED, FORWARDED, 8, "spoofer"),
    Judged(SPOOFED, FIXING, FORWARDED, 2, "spoofer"),
    Judged(SPOOFED, FIXING, FORWARDED, 100, "account", hard=True),
)


def test_precision_and_recall():
    found = score(BY_HAND)
    yours = {ALIGNED, FIXING}
    assert found.said.precision(By.MESSAGES, yours) == 80 / 87
    assert found.said.recall(By.MESSAGES, yours) == 80 / 100
    assert found.said.precision(By.RECORDS, {ALIGNED}) == 1 / 3
    assert found.said.recall(By.RECORDS, {FORWARDED}) == 1 / 2
    assert found.said.precision(By.MESSAGES, {LIST}) is None, "nothing was called so"
    assert found.naive.precision(By.MESSAGES, {FORWARDED}) == 20 / 40


def test_the_hard_case_is_counted_apart():
    found = score(BY_HAND)
    assert found.called_yours == 2
    assert found.hard.cells[By.MESSAGES] == {(SPOOFED, FIXING): 100}


def test_names():
    found = score(BY_HAND[:5]).name_shares(By.MESSAGES)
    assert found == {"named": 90 / 120, "named, of what can be": 90 / 120, "rightly, of these": 75 / 90}


@pytest.mark.parametrize(
    ("spf", "dkim", "signed", "expected"),
    [
        (True, False, False, ALIGNED),
        (False, True, True, FORWARDED),
        (False, False, False, FORWARDED),
        (False, False, True, SPOOFED),
    ],
    ids=["SPF aligned", "DKIM aligned, SPF not", "no signature at all", "a signature that is not aligned"],
)
def test_the_rule_used_elsewhere(spf, dkim, signed, expected):
    assert naive_class(spf_aligned=spf, dkim_aligned=dkim, signed=signed) is expected
