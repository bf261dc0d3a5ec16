"""The timeline of a store: the story of the sample reports, what the DNS said when, and what there is none of."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from storeworld import take_in

from dmarcscope.enrich.catalogue import load_catalogue
from dmarcscope.errors import SetupError
from dmarcscope.lookup.cache import Kept
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.change import Kind, Rests
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.ops.changes import as_dict, as_lines, changes
from dmarcscope.ops.resolve import resolve
from dmarcscope.store.answers import LedgerAnswers
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter

SAMPLE = Path(__file__).parents[2] / "sample_reports"
STORY = json.loads((SAMPLE / "truth.json").read_text())["story"]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
EXAMPLE = Filter(domain="example.com")
KNOWLEDGE = Knowledge(load_catalogue())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("changes") / "store"
    take_in(root, SAMPLE / "reports")
    with StoreFiles(root) as opened:
        resolve(opened, DnsSettings(zone_files=tuple(sorted((SAMPLE / "zones").glob("*.zone"))), offline=True), Filter())
        yield opened


def told(store, which=EXAMPLE, limit=None):
    return changes(store, which, KNOWLEDGE, NOW, limit)


def test_the_story_of_the_sample_and_nothing_else(store):
    found = told(store)
    assert (found.first, found.last, found.left_out) == (date(2026, 4, 27), date(2026, 5, 24), {})
    by_kind = {kind: [change for change in found.changes if change.kind is kind] for kind in Kind}
    (new,) = by_kind[Kind.SENDER_NEW]
    assert (new.what, new.day.isoformat()) == ("deskpilot.example", STORY["new_sender_since"])
    (broken,) = by_kind[Kind.FAILING_ALONE]
    assert (broken.what, broken.mechanism, broken.day.isoformat()) == (
        "your own server mail.example.com",
        "SPF",
        STORY["spf_mistake_since"],
    )
    days = [
        (change.day + timedelta(days=number)).isoformat()
        for change in by_kind[Kind.BURST]
        for number in range(((change.until or change.day) - change.day).days + 1)
    ]
    assert days == STORY["spoofing_bursts"]
    assert len(found.changes) == 2 + len(by_kind[Kind.BURST])


def test_why_spf_broke_and_what_mends_it(store):
    broken = next(change for change in told(store).changes if change.kind is Kind.FAILING_ALONE)
    assert [cause.rests for cause in broken.causes] == [Rests.REPORTS, Rests.TODAY, Rests.CHANGE]
    assert "SPF of example.com gives permerror since 18 May" in broken.causes[0].words
    assert broken.causes[1].publish == 'example.com. IN TXT "v=spf1 include:_spf.deskpilot.example mx ~all"'


def test_bursts_have_hosts(store):
    bursts = [change for change in told(store).changes if change.kind is Kind.BURST]
    assert [(change.after.messages, change.more["hosts"]) for change in bursts] == [(414, 18), (356, 19), (1128, 31), (870, 22)]


PERIODS = [
    # the filter, the kinds, why
    (Filter(domain="example.com", since=datetime(2026, 5, 15, tzinfo=UTC)), ["started-failing-alone", "burst"], "only what falls into it"),
    (Filter(domain="example.com", until=datetime(2026, 5, 6, tzinfo=UTC)), ["burst"], "the end is not part of it"),
    (Filter(domain="news.example.com"), [], "nothing changed there"),
    (Filter(domain="other.example"), [], "no reports about it"),
    (Filter(), ["burst", "burst", "sender-new", "burst", "started-failing-alone", "burst"], "all domains"),
]


@pytest.mark.parametrize(("which", "kinds", "why"), PERIODS, ids=[row[-1] for row in PERIODS])
def test_periods(store, which, kinds, why):
    assert [change.kind.value for change in told(store, which).changes] == kinds


def test_the_most_telling_of_them(store):
    found = told(store, limit=2)
    assert len(found.changes) == 2
    assert sum(found.left_out.values()) == 4


def test_for_machines(store):
    found = told(store)
    whole = as_dict(found)
    assert json.loads(json.dumps(whole, default=str)) == json.loads(json.dumps(as_dict(told(store)), default=str))
    assert whole["changes"][-2]["after"]["messages_a_week"] == 1542.0
    flat = as_lines(found)
    assert len(flat) == len(found.changes)
    assert all(set(line) == set(flat[0]) for line in flat)


def test_a_record_that_changed_while_it_was_asked(store):
    question = Question("k9._domainkey.example.com", "TXT")
    for outcome, records, day in ((Outcome.FOUND, ("v=DKIM1; p=AA",), 20), (Outcome.TIMEOUT, (), 21), (Outcome.NXDOMAIN, (), 22)):
        at = datetime(2026, 5, day, 12, tzinfo=UTC).timestamp()
        LedgerAnswers(store.ledger).put_many([Kept(Answer(question, outcome, records, ttl=60), at, at + 60)])
    (change,) = [change for change in told(store).changes if change.kind is Kind.DNS]
    assert (change.not_before, change.day) == (date(2026, 5, 20), date(2026, 5, 22))
    assert "k9._domainkey.example.com vanished" in change.words


def test_where_there_is_nothing(tmp_path):
    with StoreFiles(tmp_path / "store") as empty:
        with pytest.raises(SetupError, match="no store"):
            told(empty)
        empty.create()
        assert (told(empty).first, told(empty).changes) == (None, ())
        with pytest.raises(SetupError, match="is no domain"):
            told(empty, Filter(domain="a b"))
