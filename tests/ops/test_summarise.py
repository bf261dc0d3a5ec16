"""The summary of a period: all its parts agree to the message, with each other, with the ledger and with the other commands."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from storeworld import put, take_in

from dmarcscope.analysis import folding
from dmarcscope.enrich.catalogue import load_catalogue
from dmarcscope.enrich.owner_list import read_list
from dmarcscope.errors import SetupError
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.model.change import Kind, Tone
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.network import Network
from dmarcscope.model.summary import Former, ToDoKind
from dmarcscope.model.summary_figures import FigureName, Finding
from dmarcscope.model.verdict import SenderClass
from dmarcscope.ops.changes import changes
from dmarcscope.ops.coverage import coverage
from dmarcscope.ops.fixes import fixes
from dmarcscope.ops.resolve import resolve
from dmarcscope.ops.senders import senders
from dmarcscope.ops.summarise import as_dict, overview_rows, summarise
from dmarcscope.present.summary_text import text
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter

SAMPLE = Path(__file__).parents[2] / "sample_reports"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
KNOWLEDGE = Knowledge(load_catalogue(), read_list(SAMPLE / "senders.yaml"))
BARE = Knowledge(load_catalogue())
MONDAY = datetime(2026, 5, 18, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = Filter(since=MONDAY, until=MONDAY + 7 * DAY)
SUMS = ("messages", "passing", "delivered", "quarantined", "rejected")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("summarise") / "store"
    take_in(root, SAMPLE / "reports")
    with StoreFiles(root) as opened:
        resolve(opened, DnsSettings(zone_files=tuple(sorted((SAMPLE / "zones").glob("*.zone"))), offline=True), Filter())
        yield opened


def told(store, which=WEEK, knowledge=KNOWLEDGE, domain="example.com", **more):
    (found,) = summarise(store, [domain], which, knowledge, NOW, **more).summaries
    return found


def agree(found):
    """Fails unless every part comes to the same, to the message."""
    whole = found.messages
    of_class = {one.sender_class: one.messages for one in found.classes}
    passing = found.figure(FigureName.PASSING).messages
    assert sum(of_class.values()) == whole
    assert sum(one.passing for one in found.classes) == passing
    assert all(one.messages == one.delivered + one.stopped + one.untold for one in found.classes)
    assert found.figure(FigureName.YOURS_FAILING).messages == of_class[SenderClass.YOURS_NEEDS_FIXING]
    assert all(sum(one.parts.values()) == one.messages for one in found.figures if one.parts)
    senders_sum = sum(one.line.messages for one in found.senders) + sum(one.messages for one in found.senders_rest.values())
    assert senders_sum == whole
    yours = {SenderClass.YOURS_ALIGNED, SenderClass.YOURS_NEEDS_FIXING}
    for classes in [yours, *({one} for one in SenderClass if one not in yours)]:
        lines = sum(one.line.messages for one in found.senders if one.line.sender_class in classes)
        assert lines + sum(rest.messages for one, rest in found.senders_rest.items() if one in classes) == sum(
            of_class[one] for one in classes
        )
    for one in SenderClass:
        assert sum(span.by_class[one] for span in found.spans) == of_class[one]
    assert sum(span.passing for span in found.spans) == passing
    assert all(span.passing <= span.messages for span in (*found.spans, *found.weeks))
    for one in found.senders[: folding.WITH_TREND]:
        assert sum(point.messages for point in one.points) == one.line.messages
        assert sum(point.passing for point in one.points) == one.line.dmarc_pass
    if found.period.week:
        assert found.weeks[-1].by_class == of_class
    assert sum(sum(row.messages) for row in found.matrix.rows) == whole
    assert sum(sum(row.passing) for row in found.matrix.rows) == passing
    tables = found.tables
    for lines, rest in (
        (tables.sources, tables.sources_rest),
        (tables.reporters, tables.reporters_rest),
        (tables.authors, tables.authors_rest),
        (found.networks.groups, found.networks.rest),
    ):
        assert sum(line.messages for line in lines) + rest.messages == whole
        assert sum(line.passing for line in lines) + rest.passing == passing
    assert all(sum(line.by_class.values()) == line.messages for line in tables.authors)
    forged = found.of_class(SenderClass.UNAUTHORISED)
    for part in (found.unauthorised.senders, found.unauthorised.networks, found.unauthorised.countries, found.unauthorised.authors):
        assert [sum(getattr(line, name) for line in part.groups) + getattr(part.rest, name) for name in SUMS] == [
            getattr(forged, name) for name in SUMS
        ]
    assert sum(found.ledger.__getattribute__(name) for name in ("stored", "duplicate", "superseded", "pending")) == found.ledger.received


def test_all_parts_of_the_sample_agree(store):
    found = told(store)
    agree(found)
    assert found.messages == found.ledger.messages == found.coverage.messages == 6052


WEEKS = [(number, MONDAY - 7 * number * DAY) for number in range(4)]


@pytest.mark.parametrize(("number", "begin"), WEEKS, ids=[f"{begin:%d-%m}" for _, begin in WEEKS])
def test_each_week_is_what_the_next_one_says_of_it(store, number, begin):
    found = told(store, Filter(since=begin, until=begin + 7 * DAY))
    agree(found)
    assert found.has_before == (number < 3)
    if found.has_before:
        before = told(store, Filter(since=begin - 7 * DAY, until=begin))
        assert [one.before for one in found.figures] == [one.messages for one in before.figures]
        assert [one.before for one in found.classes] == [one.messages for one in before.classes]
    else:
        assert all(one.before is None and one.change is None for one in found.figures)
        assert not any(one.is_new for one in found.senders)


def test_other_commands_say_the_same(store):
    found, which = told(store), replace(WEEK, domain="example.com")
    assert [one.line for one in found.senders] == list(senders(store, which, KNOWLEDGE).lines)
    assert found.timeline == changes(store, which, KNOWLEDGE, NOW)
    assert found.coverage == coverage(store, which, NOW)
    mending = [one.what for one in fixes(store, which, KNOWLEDGE)]
    assert [one.what for one in found.to_do if one.kind is ToDoKind.FIX] == mending[:3]


def test_the_week_of_the_sample_in_words(store):
    found = told(store)
    assert found.verdict.tone is Tone.BAD
    assert found.verdict.subject == "example.com: 346 of your messages stopped, 1 sender failing, week 21"
    assert [one.finding for one in found.verdict.reasons] == [
        Finding.OWN_STOPPED,
        Finding.OWN_FAILING,
        Finding.UNKNOWN,
        Finding.BROKEN_ALONE,
        Finding.FORGED_STOPPED,
    ]
    assert [(one.kind, one.subject) for one in found.to_do] == [
        (ToDoKind.FIX, "mail.example.com"),
        (ToDoKind.FIX, "Billwell"),
        (ToDoKind.UNKNOWN, "deskpilot.example"),
    ]
    assert found.to_do[0].records == ('example.com. IN TXT "v=spf1 include:_spf.deskpilot.example mx ~all"',)
    new = told(store, Filter(since=MONDAY - 7 * DAY, until=MONDAY))
    assert [one.line.sender for one in new.senders if one.is_new] == ["deskpilot.example"]
    assert "1 new sender" in new.verdict.subject
    assert found.has_dns
    assert found.has_owner_list
    assert not found.has_networks


PERIODS = [
    (Filter(), datetime(2026, 6, 1, tzinfo=UTC), "2026-W21", "the last week with reports"),
    (Filter(), datetime(2026, 5, 25, tzinfo=UTC), "2026-W21", "on Monday, the week before"),
    (Filter(), datetime(2026, 5, 24, 12, tzinfo=UTC), "2026-W20", "a week that is not over is none"),
    (Filter(), datetime(2026, 4, 1, tzinfo=UTC), "2026-W13", "before there were reports"),
    (WEEK, NOW, "2026-W21", "the week that is asked for"),
    (Filter(since=MONDAY), NOW, "2026-W21", "up to the last report"),
    (Filter(until=MONDAY), NOW, "2026-W20", "a week before an end"),
    (Filter(since=datetime(2026, 5, 5, tzinfo=UTC), until=MONDAY), NOW, "", "days that are no week"),
]


@pytest.mark.parametrize(("which", "now", "week", "why"), PERIODS, ids=[row[-1] for row in PERIODS])
def test_which_period(store, which, now, week, why):
    (found,) = summarise(store, ["example.com"], which, KNOWLEDGE, now).summaries
    assert found.period.week == week
    agree(found)


def test_a_long_period_has_weeks_for_bars(store):
    found = told(store, Filter(since=datetime(2026, 4, 1, tzinfo=UTC), until=datetime(2026, 5, 25, tzinfo=UTC)))
    assert [(span.last - span.first).days for span in found.spans] == [6] * 7 + [4]
    agree(found)


def test_knowing_less_the_sums_are_the_same(store):
    found = told(store, knowledge=BARE)
    agree(found)
    assert (found.messages, found.has_owner_list) == (6052, False)
    assert {one.kind for one in found.to_do} <= set(ToDoKind)


class World:
    """A network table of two networks."""

    attribution = ("A table that we made up",)

    def of(self, ip):
        return Network(64500, "Example Hosting", "NL") if ip.startswith("203.") else Network(64501, "Example Mail", "DE")


def test_networks_and_countries(store):
    found = told(store, knowledge=replace(KNOWLEDGE, networks=World()))
    agree(found)
    assert {one.key for one in found.networks.groups} == {"Example Hosting AS64500", "Example Mail AS64501"}
    assert {one.key for one in found.unauthorised.countries.groups} <= {"NL", "DE"}
    assert found.attribution == World.attribution
    assert all(one.country in {"NL", "DE"} for one in found.tables.sources)


def test_several_domains(store):
    found = summarise(store, ["news.example.com", "nothing.example", "example.com"], WEEK, KNOWLEDGE, NOW)
    assert [one.domain for one in found.summaries] == [one.domain for one in found.overview]
    tones = [one.tone for one in found.overview]
    assert tones == sorted(tones, key=[Tone.BAD, Tone.WARNING, Tone.NEUTRAL, Tone.GOOD].index)
    within = {one.domain: one.within for one in found.overview}
    assert within == {"example.com": "", "news.example.com": "example.com", "nothing.example": ""}
    assert found.messages == 6052  # what is within another domain is counted once
    for one in found.summaries:
        agree(one)
    assert found.subject.startswith("3 domains: 1 to act on")
    every = summarise(store, None, WEEK, KNOWLEDGE, NOW)
    assert [one.domain for one in every.summaries] == ["example.com"]
    assert len(overview_rows(found)) == 3


def test_json_carries_all_of_it(store):
    found = summarise(store, ["example.com"], WEEK, KNOWLEDGE, NOW)
    whole = json.loads(json.dumps(as_dict(found), allow_nan=False))
    (one,) = whole["summaries"]
    assert [(each["name"], each["messages"], each["change"]) for each in one["figures"]] == [
        (each.name.value, each.messages, each.change) for each in found.summaries[0].figures
    ]
    assert one["period"]["begin"] == "2026-05-18T00:00:00Z"
    assert one["classes"][0]["sender_class"] == "yours-aligned"
    assert one["timeline"]["changes"][0]["kind"] == Kind.FAILING_ALONE.value
    assert one["readiness"]["reject"]["answer"] == "not-yet"
    assert one["complete_through"] == "2026-05-24"


FORMER = {FigureName.REPORTED: 6242, FigureName.PASSING: 3919, FigureName.UNAUTHORISED: 1231}
RESTATED = [
    (MONDAY - 7 * DAY, FORMER, {}, "the same as then"),
    (MONDAY - 7 * DAY, {**FORMER, FigureName.REPORTED: 6000}, {FigureName.REPORTED: 6242}, "reports came later"),
    (MONDAY - 7 * DAY, {FigureName.UNAUTHORISED: 1000}, {FigureName.UNAUTHORISED: 1231}, "classes, of the weeks that are judged"),
    (MONDAY - 49 * DAY, {FigureName.REPORTED: 5}, {FigureName.REPORTED: 0}, "facts, of any week"),
    (MONDAY, {FigureName.REPORTED: 5}, {}, "the period itself is told anyway"),
]


@pytest.mark.parametrize(("begin", "figures", "now", "why"), RESTATED, ids=[row[-1] for row in RESTATED])
def test_earlier_weeks_restated(store, begin, figures, now, why):
    former = Former("example.com", begin, begin + 7 * DAY, figures)
    other = replace(former, domain="other.example", figures={FigureName.REPORTED: 1})
    assert [one.now for one in told(store, former=[former, other]).restated] == ([now] if now else [])


def feedback(begin, days, lines, org="mill.example", domain="example.com"):
    """A report; ``lines`` are source, count, disposition, whether DKIM passed, and the author domain."""
    records = "".join(
        f"<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>{disposition}</disposition>"
        f"<dkim>{dkim}</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>{author}</header_from></identifiers>"
        f"<auth_results><dkim><domain>{domain}</domain><selector>s1</selector><result>{dkim}</result></dkim>"
        "<spf><domain>elsewhere.example</domain><result>fail</result></spf></auth_results></record>"
        for ip, count, disposition, dkim, author in lines
    )
    first = int(begin.timestamp())
    return (
        f"<?xml version='1.0'?><feedback><report_metadata><org_name>{org}</org_name><email>dmarc@mill.example</email>"
        f"<report_id>{org[:20]}-{first}-{domain}</report_id><date_range><begin>{first}</begin><end>{first + days * 86_400 - 1}</end>"
        f"</date_range></report_metadata><policy_published><domain>{domain}</domain><p>none</p></policy_published>{records}</feedback>"
    ).encode()


def line(ip="192.0.2.1", count=10, disposition="none", dkim="pass", author="example.com"):
    return ip, count, disposition, dkim, author


@pytest.fixture
def made(tmp_path):
    """Makes a store of reports."""
    opened = []

    def make(*reports):
        files = {f"r{number}__xml__gz": gzip.compress(report) for number, report in enumerate(reports)}
        take_in(tmp_path / "store", put(tmp_path / "in", **files))
        opened.append(StoreFiles(tmp_path / "store"))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_a_report_about_several_days_is_spread_and_stays_whole(made):
    store = made(
        feedback(MONDAY + 5 * DAY, 7, [line(count=101), line("192.0.2.2", 7, dkim="fail")]),
        feedback(MONDAY, 1, [line(count=3)], "a.example"),
    )
    found = told(store)
    agree(found)
    assert [span.messages for span in found.spans] == [3, 0, 0, 0, 0, 55, 53]  # those that pass and those that fail are spread apart
    nothing = told(store, Filter(since=MONDAY + 7 * DAY, until=MONDAY + 14 * DAY))
    assert nothing.messages == 0  # a report belongs to the period in which it begins


def test_one_sender_only(made):
    found = told(made(*(feedback(MONDAY - 7 * DAY + at * DAY, 1, [line()]) for at in range(14))))
    agree(found)
    assert len(found.senders) == 1
    assert (found.messages, found.has_before, found.has_dns) == (70, True, False)
    assert found.verdict.tone is Tone.GOOD
    assert found.verdict.subject == "example.com: all is well, week 21"


def test_a_week_without_mail(made):
    store = made(*(feedback(MONDAY - 28 * DAY + at * DAY, 1, [line()]) for at in range(24)))
    found = told(store)
    agree(found)
    assert found.messages == 0
    assert [one.finding for one in found.verdict.reasons] == [Finding.REPORTS_MISSING, Finding.NO_MAIL]
    assert (found.verdict.tone, found.to_do[0].kind) == (Tone.WARNING, ToDoKind.REPORTS)
    assert found.verdict.subject == "example.com: no mail reported, 1 reporter silent, week 21"


def test_no_reports_at_all(tmp_path):
    with StoreFiles(tmp_path / "store") as empty:
        with pytest.raises(SetupError, match="no store"):
            told(empty)
        empty.create()
        found = told(empty, Filter())
        agree(found)
        assert found.period.week == "2026-W22"
        assert [one.finding for one in found.verdict.reasons] == [Finding.NO_REPORTS]
        nothing = summarise(empty, None, Filter(), KNOWLEDGE, NOW)
        assert (nothing.summaries, nothing.has_reports) == ((), False)
        assert "dmarcscope ingest" in text(nothing)
        with pytest.raises(SetupError, match="is no domain"):
            summarise(empty, ["a b"], Filter(), KNOWLEDGE, NOW)


def test_strangers_names(made):
    hostile = "&lt;script&gt;alert(1)&lt;/script&gt;\u202e=cmd|' /C calc'!A0"
    names = [hostile, "x" * 100_000, "a.example&#13;&#10;Bcc: all@example.org"]
    store = made(*(feedback(MONDAY, 1, [line(f"192.0.2.{at}", dkim="fail")], name) for at, name in enumerate(names, 1)))
    found = told(store)
    agree(found)
    assert max(len(one.reporter) for one in found.tables.reporters) <= folding.TEXT
    shown = text(summarise(store, ["example.com"], WEEK, KNOWLEDGE, NOW))
    assert "\u202e" not in shown
    assert "\r" not in shown
    assert len(json.dumps(as_dict(summarise(store, ["example.com"], WEEK, KNOWLEDGE, NOW)))) < 60_000
    assert "\n" not in found.verdict.subject


def test_long_tails_are_folded_with_their_sums(made):
    def ip(number):
        return f"{11 + number % 150}.{number // 250 % 250}.{number % 250}.{number % 200 + 1}"

    reports = [
        feedback(
            MONDAY + at * DAY,
            1,
            [
                line(ip(at * 6_000 + number), 1 + number % 5, "reject" if number % 3 else "none", "fail", f"a{number % 400}.example.com")
                for number in range(6_000)
            ],
            f"reporter{at}.example",
        )
        for at in range(5)
    ]
    store = made(*reports)
    whole = summarise(store, ["example.com"], WEEK, BARE, NOW)
    (found,) = whole.summaries
    agree(found)
    assert len(found.tables.sources) == folding.SOURCES
    assert len(found.tables.authors) == folding.AUTHORS
    assert found.tables.sources_rest.count > 20_000
    assert len(json.dumps(as_dict(whole))) < 3_000_000


def test_days_are_dates(store):
    found = told(store)
    assert (found.period.first_day, found.period.last_day) == (date(2026, 5, 18), date(2026, 5, 24))
    assert found.complete
    assert found.complete_through == date(2026, 5, 24)
