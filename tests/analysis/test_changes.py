"""What counts as a change, and what explains what, on small invented worlds: every row says what must be told, and why."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from dmarcscope.analysis.causes import Known, timeline
from dmarcscope.analysis.change_points import bursts, steps
from dmarcscope.analysis.changes import selector_changes, sender_changes
from dmarcscope.analysis.coverage import habit
from dmarcscope.analysis.published_changes import dns_changes, policy_changes, reporter_changes
from dmarcscope.analysis.record_diff import changes as record_changes
from dmarcscope.analysis.streams import Days, Heard, streams
from dmarcscope.model.answer import Outcome, Question
from dmarcscope.model.change import Kind, PolicyTally, Rests, Result, SelectorTally, Sureness, Tally, Tone
from dmarcscope.model.coverage import Arrival
from dmarcscope.model.observation import Observation

FIRST = date(2026, 3, 2)  # a Monday
LENGTH = 84
DAYS = Days(FIRST, FIRST + timedelta(days=LENGTH - 1), FIRST)
REPORTERS = ("a.example", "b.example", "c.example")
WEEKEND = 0.2
NOTHING = Known()
ALL = {name: [1] * LENGTH for name in REPORTERS}


def day(at: int) -> date:
    return FIRST + timedelta(days=at)


def mail(amount, *, role="yours", sender="s.example", passing=1.0, reporters=REPORTERS, heard=ALL, domain="example.com"):
    """Tallies of a sender; ``amount`` and ``passing`` are numbers, or functions of the day."""
    found = []
    for at in range(LENGTH):
        whole = amount(at) if callable(amount) else amount * (WEEKEND if at % 7 >= 5 else 1.0)
        share = passing(at) if callable(passing) else passing
        for reporter in reporters:
            count = round(whole / len(reporters))
            if count and heard[reporter][at]:
                part = round(count * share)
                found.append(Tally(domain, sender, role, reporter, day(at), day(at), count, part, part, 0))
    return found


def told(tallies, heard=ALL, known=NOTHING, limit=None, more=()):
    """The timeline of some tallies."""
    changes = [*sender_changes(streams(tallies, DAYS), Heard(heard), DAYS), *more]
    return timeline(changes, known, DAYS.first, DAYS.last, limit).changes


def silent_from(name: str, at: int):
    return {**ALL, name: [1] * at + [0] * (LENGTH - at)}


def month_ends(at: int) -> float:
    return 60 + (600 if at in {0, 28, 29, 59, 60} else 0)


ROWS = [
    # tallies, heard, kinds with days, why
    (mail(90), ALL, [], "nothing but weekdays and weekends"),
    (mail(month_ends), ALL, [], "a monthly batch is no growth"),
    (mail(lambda at: 300 if at % 7 == 3 else 0), ALL, [], "a weekly newsletter"),
    (mail(lambda at: 900 if at in {10, 40, 70} else 0), ALL, [("sender-new", 10)], "a monthly newsletter is new once, and never gone"),
    (mail(lambda at: 90 if at >= 30 else 0), ALL, [("sender-new", 30)], "new"),
    (mail(lambda at: 90 if at >= 3 else 0), ALL, [], "data of three days before say nothing"),
    (mail(lambda at: 3 if at in {30, 41, 50} else 0), ALL, [], "a handful of messages is noise"),
    (mail(lambda at: 600 if at == 30 else 0), ALL, [("sender-new", 30)], "once, and a lot"),
    (mail(lambda at: 90 if at < 40 else 0), ALL, [("sender-gone", 40)], "gone"),
    (mail(lambda at: 90 if at < 76 else 0), ALL, [], "a week of silence is a holiday"),
    (mail(lambda at: 0 if 20 <= at < 50 else 90), ALL, [("sender-gone", 20), ("sender-back", 50)], "gone and back"),
    (mail(lambda at: 90 if at < 42 else 400), ALL, [("sender-grown", 42)], "grown"),
    (mail(lambda at: 400 if at < 42 else 90), ALL, [("sender-shrunk", 42)], "shrunk"),
    (mail(lambda at: 90 if at < 42 else 120), ALL, [], "a third more is not told"),
    (mail(lambda at: 3 if at < 42 else 9), ALL, [], "threefold, and hardly any mail"),
    (mail(90, heard=silent_from("a.example", 42)), silent_from("a.example", 42), [], "a reporter fell silent: no sender shrank"),
    (
        mail(90, reporters=("a.example",), heard=silent_from("a.example", 42)),
        silent_from("a.example", 42),
        [],
        "nor is one gone that only it told of",
    ),
    (mail(90, passing=lambda at: 1.0 if at < 50 else 0.0), ALL, [("started-failing", 50)], "fails from one day on"),
    (mail(90, passing=lambda at: 0.0 if at < 50 else 1.0), ALL, [("recovered", 50)], "passes from one day on"),
    (mail(90, passing=lambda at: 0.0 if at in {50, 51} else 1.0), ALL, [("started-failing", 50)], "two bad days are told as one"),
    (mail(9, passing=lambda at: 0.0 if at == 50 else 1.0), ALL, [], "nine messages on one bad day are not"),
    (mail(90, passing=lambda at: 0.85 if at < 50 else 0.75), ALL, [], "a little worse is not told"),
    (mail(90, passing=lambda at: float(at % 2)), ALL, [], "a share that swings has no day of change"),
    (
        mail(lambda at: 800 if at in {20, 21} else 6, role="unauthorised", sender="", passing=0.0),
        ALL,
        [("burst", 20)],
        "a burst of two days",
    ),
    (mail(lambda at: 12 + 5 * (at % 3), role="unauthorised", sender="", passing=0.0), ALL, [], "forged mail as ever"),
    (
        mail(lambda at: 12 if at < 42 else 90, role="unauthorised", sender="", passing=0.0),
        ALL,
        [("sender-grown", 42)],
        "more of it for good",
    ),
    (mail(60, role="unknown") + mail(30, passing=0.0), ALL, [], "known and unknown mail of a sender of yours is one"),
]


@pytest.mark.parametrize(("tallies", "heard", "expected", "why"), ROWS, ids=[row[-1] for row in ROWS])
def test_changes_of_senders(tallies, heard, expected, why):
    found = [(change.kind.value, (change.day - FIRST).days) for change in told(tallies, heard)]
    assert found == expected


def test_chance_alone_changes_nothing():
    """A year of twenty senders whose mail only varies by chance, by weekday and in batches."""
    rng = random.Random(7)
    tallies = []
    for number in range(20):
        mean, share = rng.choice([2, 10, 60, 300]), rng.choice([0.0, 0.5, 0.9, 1.0])
        for at in range(LENGTH):
            for reporter in REPORTERS:
                usual = mean * (WEEKEND if at % 7 >= 5 else 1.0) * rng.choice([0.7, 1.0, 1.3])
                count = max(0, round(rng.gauss(usual, usual**0.5)))
                part = sum(rng.random() < share for _ in range(count))
                if count:
                    tallies.append(Tally("example.com", f"s{number}.example", "yours", reporter, day(at), day(at), count, part, part, 0))
    assert told(tallies) == ()


def test_what_is_told_of_several_days_says_nothing_about_the_day():
    weekly = [
        Tally("example.com", "s.example", "yours", "weekly.example", day(at), day(at + 6), 70, *([0 if at >= 49 else 70] * 2), 0)
        for at in range(0, LENGTH, 7)
    ]
    daily = mail(90, passing=lambda at: 1.0 if at < 52 else 0.0)
    (change,) = told(daily + weekly, {**ALL, "weekly.example": [1] * LENGTH})
    assert change.day == day(52)


def test_figures_and_how_sure():
    (change,) = told(mail(90, passing=lambda at: 1.0 if at < 50 else 0.25))
    assert (change.tone, change.sure, change.mechanism) == (Tone.BAD, Sureness.CLEAR, "DKIM")
    assert change.before.share == 1.0
    assert change.after.low < change.after.share < change.after.high < change.before.low
    assert round(change.after.a_week) in range(440, 500)


def test_spf_alone_is_a_warning():
    tallies = [
        Tally("example.com", "own", "yours", "a.example", day(at), day(at), 50, 50, 50, 50 if at < 60 else 0) for at in range(LENGTH)
    ]
    (change,) = told(tallies)
    assert (change.kind, change.tone, change.mechanism, change.day) == (Kind.FAILING_ALONE, Tone.WARNING, "SPF", day(60))
    assert "all of it still passes DMARC, by DKIM" in change.words


# Causes.


def seen(name: str, texts, first: date, last: date, outcome=Outcome.FOUND) -> Observation:
    noon = [datetime(at.year, at.month, at.day, 12, tzinfo=UTC) for at in (first, last)]
    return Observation(Question(name, "TXT"), outcome, tuple(texts), (), (), False, *noon)


def result(at: int, mechanism: str, identity: str, selector: str, word: str, count: int = 50) -> Result:
    return Result("example.com", "s.example", "yours", mechanism, day(at), identity, selector, word, count)


KEY = "k1._domainkey.example.com"
FAILS = mail(90, passing=lambda at: 1.0 if at < 50 else 0.0)
SIGNED = [result(at, "DKIM", "example.com", "k1", "pass" if at < 50 else "neutral") for at in range(LENGTH)]


def key_until(last: int, since: int) -> list[Observation]:
    return [seen(KEY, ["v=DKIM1; p=AA"], day(0), day(last)), seen(KEY, [], day(since), day(since), Outcome.NXDOMAIN)]


CAUSES = [
    # DNS, results, words of the causes, why
    (key_until(48, 49), SIGNED, ["give neutral since 21 April", "vanished from the DNS"], "the key was gone on the day before"),
    (key_until(30, 60), SIGNED, ["give neutral", "vanished from the DNS (between"], "it may have been gone by then"),
    (key_until(20, 22), SIGNED, ["give neutral"], "it was gone weeks before: that explains nothing"),
    (key_until(60, 61), SIGNED, ["give neutral"], "it was still there: what comes later is no cause"),
    ([], SIGNED, ["give neutral"], "nobody asked the DNS: reporters say it all the same"),
    (
        [],
        [result(at, "DKIM", *(("example.com", "k1") if at < 50 else ("vendor.example", "v")), "pass") for at in range(LENGTH)],
        ["signs only as vendor.example"],
        "it signs as another since",
    ),
    ([], [result(at, "DKIM", "example.com", "k1", "pass") for at in range(50)], ["is not signed any more"], "it does not sign"),
]


@pytest.mark.parametrize(("dns", "results", "expected", "why"), CAUSES, ids=[row[-1] for row in CAUSES])
def test_why_dkim_fails(dns, results, expected, why):
    found = told(FAILS, known=Known(results), more=dns_changes(record_changes(dns)))
    failing = next(change for change in found if change.kind is Kind.FAILING)
    assert len(failing.causes) == len(expected)
    for cause, words in zip(failing.causes, expected, strict=True):
        assert words in cause.words
    # What a cause tells is not told again.
    assert sum(change.kind is Kind.DNS for change in found) == bool(dns) - any(cause.rests is Rests.DNS for cause in failing.causes)


def test_two_spf_records_of_today_are_merged():
    own = [
        Tally("example.com", "s.example", "yours", "a.example", day(at), day(at), 50, 50, 50, 50 if at < 60 else 0) for at in range(LENGTH)
    ]
    new = mail(lambda at: 90 if at >= 53 else 0, role="unknown", sender="desk.example", passing=0.0)
    results = [result(at, "SPF", "example.com", "", "pass" if at < 60 else "permerror") for at in range(LENGTH)]
    both = ["v=spf1 include:_spf.desk.example ~all", "v=spf1 mx ~all"]
    found = told(own + new, known=Known(results, {"example.com": seen("example.com", both, day(90), day(90))}))
    broken = next(change for change in found if change.kind is Kind.FAILING_ALONE)
    assert [cause.rests for cause in broken.causes] == [Rests.REPORTS, Rests.TODAY, Rests.CHANGE]
    assert broken.causes[1].publish == 'example.com. IN TXT "v=spf1 include:_spf.desk.example mx ~all"'
    assert "names desk.example" in broken.causes[2].words


def signed(selector: str, days: range) -> list[SelectorTally]:
    return [SelectorTally("example.com", "example.com", selector, "s.example", "a.example", day(at), day(at), 50, 50) for at in days]


def test_a_selector_that_takes_the_place_of_another_is_one_change():
    found = selector_changes(signed("old", range(40)) + signed("new", range(40, LENGTH)), Heard(ALL), DAYS)
    (change,) = timeline(found, Known(), DAYS.first, DAYS.last, None).changes
    assert (change.kind, change.what) == (Kind.SELECTOR_NEW, "new._domainkey.example.com")
    assert "takes the place of old._domainkey.example.com" in change.causes[0].words


def test_a_selector_of_a_new_sender_is_told_with_it():
    selectors = selector_changes(signed("k1", range(30, LENGTH)), Heard(ALL), DAYS)
    (change,) = told(mail(lambda at: 90 if at >= 30 else 0), more=selectors)
    assert change.kind is Kind.SENDER_NEW
    assert "k1._domainkey.example.com" in change.causes[0].words


def test_servers_that_move_are_told_together():
    tallies = [
        *mail(lambda at: 90 if at < 40 else 0, sender="old1"),
        *mail(lambda at: 60 if at < 40 else 0, sender="old2"),
        *mail(lambda at: 150 if at >= 40 else 0, sender="new1"),
    ]
    gone, new = sorted(told(tallies), key=lambda change: change.kind is Kind.SENDER_NEW)
    assert gone.more == {"also": "old2"}
    assert "new1 is new since" in gone.causes[0].words
    assert new.what == "new1"


# Policies and reporters.


def policy(reporter: str, at: int, **tags: str) -> PolicyTally:
    return PolicyTally("example.com", reporter, day(at), day(at), tags, 100, 40, 36 if tags.get("p") != "none" else 0)


def always(value: str):
    return [value] * LENGTH


def turned(at: int):
    return ["none"] * at + ["reject"] * (LENGTH - at)


POLICIES = [
    # by reporter: p by day, the change as (day, old, new), why
    ({"a": always("none"), "b": always("none")}, None, "as ever"),
    ({"a": turned(30), "b": turned(31)}, 30, "read by both within a day"),
    ({"a": always("none"), "b": always("reject")}, None, "two readings that never change are none"),
    (
        {"a": always("none"), "b": turned(30), "c": turned(31)},
        30,
        "one reads an old policy for ever",
    ),
    ({"a": ["none", "none", "none", "none", "none", None, None] * 12, "b": always("reject")}, None, "one is silent at weekends"),
    (
        {"a": always("none"), "b": turned(30), "c": always("none")},
        None,
        "one of three read something odd",
    ),
]


@pytest.mark.parametrize(("readings", "expected", "why"), POLICIES, ids=[row[-1] for row in POLICIES])
def test_policies(readings, expected, why):
    tallies = [policy(name, at, p=values[at]) for at in range(LENGTH) for name, values in readings.items() if values[at]]
    found = list(policy_changes(tallies, DAYS))
    assert [(change.day - FIRST).days for change in found] == ([] if expected is None else [expected])
    if found:
        assert found[0].tone is Tone.GOOD
        assert found[0].more == {"p_before": "none", "p_after": "reject"}
        assert found[0].after.share > found[0].before.share


def test_the_record_that_was_seen_to_change_is_told_with_the_policy():
    dns = [
        seen("_dmarc.example.com", [f"v=DMARC1; p={p}"], day(first), day(last)) for p, first, last in (("none", 0, 28), ("reject", 31, 60))
    ]
    reports = [policy("a", at, p="none" if at < 30 else "reject") for at in range(LENGTH)]
    changes = [*policy_changes(reports, DAYS), *dns_changes(record_changes(dns))]
    (change,) = timeline(changes, Known(), DAYS.first, DAYS.last, None).changes
    assert change.kind is Kind.POLICY
    assert "p=none → p=reject" in change.causes[0].words


SPF = [
    (["v=spf1 mx -all"], ["v=spf1 mx a -all"], "neutral", "changed: + a", "a term more"),
    (["v=spf1 mx -all", "token=1"], ["v=spf1 mx -all", "token=2"], "", "", "another text is of no matter"),
    (["v=spf1 mx -all"], ["v=spf1 mx -all", "v=spf1 a -all"], "bad", "has 2 SPF records now", "a second record"),
    (["v=spf1 mx -all"], [], "warning", "vanished from the DNS", "gone"),
    ([], ["v=spf1 mx -all"], "neutral", "was published", "made"),
]


@pytest.mark.parametrize(("before", "after", "tone", "words", "why"), SPF, ids=[row[-1] for row in SPF])
def test_spf_records(before, after, tone, words, why):
    outcomes = [Outcome.FOUND if texts else Outcome.NO_DATA for texts in (before, after)]
    pair = [seen("example.com", before, day(0), day(5), outcomes[0]), seen("example.com", after, day(7), day(9), outcomes[1])]
    found = list(dns_changes(record_changes(pair)))
    assert [change.tone.value for change in found] == ([tone] if tone else [])
    for change in found:
        assert words in change.words
        assert (change.not_before, change.day) == (day(5), day(7))


def arrivals(name: str, days) -> list[Arrival]:
    begin = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
    return [Arrival(name, begin + timedelta(days=at), begin + timedelta(days=at, hours=23), 10) for at in days]


REPORTING = [
    (range(LENGTH), [], "as ever"),
    ([at for at in range(LENGTH) if at % 7 < 5], [], "silent at weekends"),
    (range(50), [("reporter-silent", 50)], "silent"),
    ([*range(30), *range(50, LENGTH)], [("reporter-silent", 30), ("reporter-back", 50)], "silent and back"),
    ([0, 40, 80], [], "heard now and then: not usual"),
    (range(82), [], "late by two days"),
]


@pytest.mark.parametrize(("days", "expected", "why"), REPORTING, ids=[row[-1] for row in REPORTING])
def test_reporters(days, expected, why):
    found = reporter_changes([habit("a.example", arrivals("a.example", days))], DAYS.last)
    assert [(change.kind.value, (change.day - FIRST).days) for change in found] == expected


def test_many_reporters_on_one_day_are_one_change():
    habits = [habit(name, arrivals(name, range(50))) for name in ("a", "b", "c", "d")]
    (change,) = reporter_changes([*habits, habit("e", arrivals("e", range(LENGTH)))], DAYS.last)
    assert change.more == {"reporters": 4}


# Which are told.


def test_the_most_telling_are_told_and_the_rest_is_counted():
    tallies = [one for number in range(5) for one in mail(lambda at: 90 if at >= 30 else 0, sender=f"n{number}", role="forwarded")]
    tallies += mail(90, passing=lambda at: 1.0 if at < 50 else 0.0)
    changes = list(sender_changes(streams(tallies, DAYS), Heard(ALL), DAYS))
    found = timeline(changes, Known(), DAYS.first, DAYS.last, 2)
    assert [change.kind for change in found.changes] == [Kind.SENDER_NEW, Kind.FAILING]
    assert found.left_out == {Kind.SENDER_NEW: 4}
    assert timeline(changes, Known(), DAYS.first, DAYS.last, 2) == found


@pytest.mark.parametrize(
    ("trials", "successes", "at", "why"),
    [
        ([], [], [], "nothing"),
        ([0] * 9, [0] * 9, [], "no mail"),
        ([100, 0, 0, 100], [100, 0, 0, 0], [3], "the day on which it is seen, not one without mail"),
        ([10] * 20, [10] * 10 + [0] * 10, [10], "down"),
        ([50] * 12, [50] * 4 + [0] * 4 + [50] * 4, [4, 8], "down and up"),
        ([9, 9], [9, 0], [], "too few"),
    ],
)
def test_steps(trials, successes, at, why):
    assert [step.at for step in steps(trials, successes)] == at


def test_what_lasts_longer_than_a_week_is_no_burst():
    assert bursts([2] * 20 + [300] * 8 + [2] * 20) == []
    assert bursts([2] * 20 + [300] * 7 + [2] * 20) == [range(20, 27)]
