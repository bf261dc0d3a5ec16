"""Who sends as a domain, on the sample reports and on a small world: sums that are whole, the time before, and what lies behind a line."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dnsworld import FIRST_DAY, record, report
from storeworld import SMALL, put, take_in

from dmarcscope.config.loading import load
from dmarcscope.errors import SetupError
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.meant import Meant
from dmarcscope.model.verdict import SenderClass
from dmarcscope.ops.resolve import resolve
from dmarcscope.ops.senders import as_table, behind, count, records, senders
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.columns import SENDERS_SCHEMA, VERDICT_COLUMNS
from dmarcscope.tables.queries import GROUPS, Filter
from dmarcscope.tables.rows import rows, rows_of
from dmarcscope.wiring import dns_settings, knowledge

SAMPLE = Path(__file__).parents[2] / "sample_reports"
TRUTH = json.loads((SAMPLE / "truth.json").read_text())
WEEK = timedelta(days=7)
W20 = datetime(2026, 5, 11, tzinfo=UTC)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample reports, and what the DNS says of them."""
    folder = tmp_path_factory.mktemp("senders") / "store"
    take_in(folder, SAMPLE / "reports")
    with StoreFiles(folder, SMALL) as store:
        resolve(store, dns_settings(load(SAMPLE / "dmarcscope.toml")), Filter())
        yield store


@pytest.fixture(scope="module")
def known() -> Knowledge:
    """The sample's owner's list and the packaged catalogue."""
    return knowledge(SAMPLE / "dmarcscope.toml")


def test_who_sends_as_the_sample_domain(sample, known):
    found = senders(sample, Filter(domain="example.com"), known)
    lines = {line.sender: line for line in found.lines}
    truth = {name: one["messages"] for name, one in TRUTH["senders"].items()}
    told = {
        "mail.example.com": ("Own mail server", SenderClass.YOURS_ALIGNED),
        "Letterbox": ("Letterbox", SenderClass.YOURS_ALIGNED),
        "Billwell": ("Billwell", SenderClass.YOURS_NEEDS_FIXING),
        "example.net": ("Mailing list", SenderClass.MAILING_LIST),
        "example.org": ("Alumni forwarder", SenderClass.FORWARDED),
        "hosting.example": ("Hosting forwarder", SenderClass.FORWARDED),
        "deskpilot.example": ("Deskpilot", SenderClass.UNKNOWN),
    }
    assert {name: (lines[name].messages, lines[name].sender_class) for name in told} == {
        name: (truth[true], sender_class) for name, (true, sender_class) in told.items()
    }
    rest = [line for line in found.lines if line.sender not in told]
    assert sum(line.messages for line in rest) == truth["Spoofer"]
    assert {line.sender_class for line in rest} <= {SenderClass.UNAUTHORISED, SenderClass.UNKNOWN}, "nothing spoofed is called yours"


def test_sums_are_those_of_the_truth(sample, known):
    found = senders(sample, Filter(), known)
    totals = TRUTH["totals"]
    for name in ("messages", "dmarc_pass", "dkim_aligned", "spf_aligned"):
        assert sum(getattr(line, name) for line in found.lines) == totals[name], name
    disposed = totals["disposition"]
    assert sum(line.delivered for line in found.lines) == disposed["none"] + disposed["pass"]
    assert sum(line.quarantined for line in found.lines) == disposed["quarantine"]
    assert sum(line.rejected for line in found.lines) == disposed["reject"]
    assert found.catalogue == known.catalogue.version
    assert (found.begin, found.has_before) == (datetime(2026, 4, 27, tzinfo=UTC), False)
    assert {line.messages_before for line in found.lines} == {None}


def test_a_week_against_the_week_before(sample, known):
    found = senders(sample, Filter(since=W20, until=W20 + WEEK), known)
    assert found.has_before
    assert (found.begin, found.end) == (W20, W20 + WEEK - timedelta(seconds=1))
    assert sum(line.messages for line in found.lines) == TRUTH["by_week"]["2026-W20"]["messages"]
    earlier = Counter(), Counter()
    for one in rows_of(records(sample, Filter(since=W20 - WEEK, until=W20), known, Meant())[1]):
        earlier[0][one["sender"]] += one["count"]
        earlier[1][one["sender"]] += one["count"] if one["dmarc_pass"] else 0
    steady = [line for line in found.lines if line.sender in {"Letterbox", "mail.example.com", "Billwell", "example.org"}]
    assert len(steady) == 4
    for line in steady:
        assert (line.messages_before, line.dmarc_pass_before) == (earlier[0][line.sender], earlier[1][line.sender])
    (new,) = (line for line in found.lines if line.sender == "deskpilot.example")
    assert new.messages_before == 0, "nothing of it was there before, which is known"


@pytest.mark.parametrize("by", GROUPS)
def test_what_lies_behind_a_sender(sample, known, by):
    (line,) = (one for one in senders(sample, Filter(), known).lines if one.sender == "Billwell")
    found = rows(behind(sample, Filter(), known, Meant("billWELL"), by))
    assert {by, "messages", "dmarc_pass", "first_seen"} <= set(found[0])
    assert sum(one["messages"] for one in found) == line.messages
    assert sum(one["dmarc_pass"] for one in found) == line.dmarc_pass
    if by == "source_ip":
        assert {one["source_ip"]: one["ptr_name"] for one in found} == {
            "198.51.100.33": "out1.billwell.example",
            "198.51.100.34": "out2.billwell.example",
        }


@pytest.mark.parametrize("sender_class", list(SenderClass))
def test_what_lies_behind_a_class(sample, known, sender_class):
    found = rows(behind(sample, Filter(), known, Meant(sender_class=sender_class.value), "day"))
    lines = list(rows_of(records(sample, Filter(), known, Meant(sender_class=sender_class.value))[1]))
    assert {one["class"] for one in lines} <= {sender_class}
    assert sum(one["messages"] for one in found) == sum(one["count"] for one in lines)
    assert [one["day"] for one in found] == sorted(one["day"] for one in found)


def test_a_sender_and_a_class(sample, known):
    everything = count(sample, Filter(), known, Meant("hosts without a name"))
    parts = [count(sample, Filter(), known, Meant("hosts without a name", one.value)) for one in SenderClass]
    assert sum(parts) == everything > 0
    assert count(sample, Filter(), known, Meant("Billwell", "unauthorised")) == 0


def test_the_records_in_their_order(sample, known):
    schema, batches = records(sample, Filter(), known, Meant(), 500)
    lines = list(rows_of(batches))
    assert schema.names[-4:] == [column.name for column in VERDICT_COLUMNS]
    assert len(lines) == 500
    assert [(one["report_key"], one["line"]) for one in lines] == sorted((one["report_key"], one["line"]) for one in lines)
    assert all(one["class"] and one["sender"] and one["rule"] and 0 <= one["confidence"] <= 1 for one in lines)


UNKNOWN = [
    ("Billwel", "Billwell", "a slip of the pen"),
    ("MAIL.EXAMPLE.ORG", "mail.example.com", "nearly another"),
    ("pilot", "deskpilot.example", "a part of it"),
    ("Zzzzzzzz", "Billwell", "nothing like it: those that there are"),
]


@pytest.mark.parametrize(("name", "near", "why"), UNKNOWN, ids=[row[-1] for row in UNKNOWN])
def test_nobody_of_that_name(sample, known, name, near, why):
    for verb in (lambda *words: behind(*words, "source_ip"), records):
        with pytest.raises(SetupError, match="no sender is called") as caught:
            verb(sample, Filter(), known, Meant(name))
        assert near in str(caught.value), why


def test_no_group_of_that_name(sample, known):
    with pytest.raises(SetupError, match="cannot sum by 'sender'"):
        behind(sample, Filter(), known, Meant("Billwell"), "sender")


def test_the_lines_as_a_table(sample, known):
    found = senders(sample, Filter(), known)
    table = as_table(found)
    assert table.schema.names == SENDERS_SCHEMA.names
    told = rows(table)
    assert [one["sender"] for one in told] == [line.sender for line in found.lines]
    assert told[0]["class"] == found.lines[0].sender_class
    assert (told[0]["known_by"], told[0]["messages_before"]) == (list(found.lines[0].known_by), None)
    assert as_table(found, 2).num_rows == 2


# The time that is meant.

EMPTY = Knowledge()


def moment(day: int) -> datetime:
    """The begin of a day of the small world."""
    return datetime.fromtimestamp(FIRST_DAY, UTC) + timedelta(days=day)


@pytest.fixture
def days(tmp_path):
    """Makes a store with a message more on each of some days than on the one before."""

    def make(*numbers: int) -> StoreFiles:
        reports = {f"{number}__xml": report(record("8.8.8.8", count=number + 1), number=number) for number in numbers}
        take_in(tmp_path / "store", put(tmp_path / "in", **reports))
        opened.append(StoreFiles(tmp_path / "store", SMALL))
        return opened[-1]

    opened: list[StoreFiles] = []
    yield make
    for store in opened:
        store.close()


def test_without_a_time_the_last_month_of_data(days):
    store = days(*range(40))
    found = senders(store, Filter(), EMPTY)
    assert (found.begin, found.end) == (moment(10), moment(40) - timedelta(seconds=1))
    assert sum(line.messages for line in found.lines) == sum(range(11, 41))
    assert not found.has_before, "ten days are no month"


def test_the_month_before(days):
    store = days(0, 5, *range(29, 60))
    found = senders(store, Filter(), EMPTY)
    assert found.has_before
    assert [(line.messages, line.messages_before) for line in found.lines] == [(sum(range(31, 61)), 1 + 6 + 30)]


def test_as_much_time_before_as_there_is_data_of(days):
    store = days(*range(20))
    found = senders(store, Filter(since=moment(15), until=moment(400)), EMPTY)
    assert sum(line.messages for line in found.lines) == sum(range(16, 21))
    assert [line.messages_before for line in found.lines] == [sum(range(11, 16))], "five days, and not four hundred"


def test_no_data_in_that_time(days):
    store = days(3)
    for which in (Filter(since=moment(50)), Filter(until=moment(0)), Filter(domain="nobody.example")):
        found = senders(store, which, EMPTY)
        assert (found.lines, found.begin, found.end, found.has_before) == ((), None, None, False)
        assert as_table(found).num_rows == 0
        assert rows(behind(store, which, EMPTY, Meant(sender_class="unknown"), "day")) == []


def test_a_store_without_reports(tmp_path):
    with StoreFiles(tmp_path / "store", SMALL) as store:
        for verb in (senders, lambda *words: behind(*words, Meant(), "day"), lambda *words: count(*words, Meant())):
            with pytest.raises(SetupError, match="there is no store here yet"):
                verb(store, Filter(), EMPTY)
        store.create()
        assert senders(store, Filter(), EMPTY).lines == ()
        assert count(store, Filter(), EMPTY, Meant()) == 0
        with pytest.raises(SetupError, match="no sender is called 'Anybody' in that time"):
            behind(store, Filter(), EMPTY, Meant("Anybody"), "day")
