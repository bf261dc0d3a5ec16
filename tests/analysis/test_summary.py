"""What a summary is made of: the course of a period, figures, the rules of its verdict, and what is to be done, without any store."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dmarcscope.analysis import folding
from dmarcscope.analysis.course import days, steps_of, weeks
from dmarcscope.analysis.figures import before_sums, class_totals, figures
from dmarcscope.analysis.folding import fold, of_group, short
from dmarcscope.analysis.readiness import readiness
from dmarcscope.analysis.summary import author_lines, by_place, groups, matrix, reporter_lines, with_trend
from dmarcscope.analysis.to_do import to_do
from dmarcscope.analysis.verdicts import FEW, Seen, reasons, tone
from dmarcscope.model.change import Change, Kind, Sureness, Timeline, Tone
from dmarcscope.model.coverage import Coverage, Heard
from dmarcscope.model.fix import Fix
from dmarcscope.model.readiness import Evidence, NextStep, Present, Stage
from dmarcscope.model.sender_line import SenderLine
from dmarcscope.model.summary import Period, ToDoKind
from dmarcscope.model.summary_figures import FigureName, Finding
from dmarcscope.model.summary_tables import Group, SenderTrend
from dmarcscope.model.verdict import SenderClass

MONDAY = datetime(2026, 5, 11, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = Period(MONDAY, MONDAY + 7 * DAY, "week 20 of 2026", "2026-W20")
YOURS, FAILING, FORGED, UNKNOWN = (
    SenderClass.YOURS_ALIGNED,
    SenderClass.YOURS_NEEDS_FIXING,
    SenderClass.UNAUTHORISED,
    SenderClass.UNKNOWN,
)


def row(begin, messages, passing=0, *, hours=24, one=YOURS, sender="a.example"):
    return {
        "class": one.value,
        "sender": sender,
        "role": "yours",
        "period_begin": begin,
        "period_end": begin + timedelta(hours=hours, seconds=-1),
        "messages": messages,
        "passing": passing,
    }


SPREADS = [
    (row(MONDAY, 10, 10), [10, 0, 0, 0, 0, 0, 0], "a day is one"),
    (row(MONDAY + timedelta(hours=23), 10, 4), [10, 0, 0, 0, 0, 0, 0], "one that is cut late belongs to the day of its begin"),
    (row(MONDAY, 70, 7, hours=168), [10] * 7, "a week is seven"),
    (row(MONDAY + 5 * DAY, 9, 3, hours=168), [0, 0, 0, 0, 0, 5, 4], "what lies after the period falls into it"),
    (row(MONDAY + 6 * DAY, 5, 5, hours=72), [0, 0, 0, 0, 0, 0, 5], "the last day takes all"),
    (row(MONDAY, 3, 1, hours=24 * 400), [3, 0, 0, 0, 0, 0, 0], "a year is a mistake"),
    ({**row(MONDAY, 3, 1), "period_end": None}, [3, 0, 0, 0, 0, 0, 0], "no end"),
]


@pytest.mark.parametrize(("one", "expected", "why"), SPREADS, ids=[each[-1] for each in SPREADS])
def test_messages_of_days(one, expected, why):
    found = days([one], WEEK)
    assert [span.messages for span in found.spans] == expected
    assert sum(span.passing for span in found.spans) == one["passing"]
    assert [point.messages for point in found.points["a.example", "yours"]] == expected


STEPS = [
    (1, [0], "a day"),
    (31, [0] * 31, "a month has days"),
    (32, [6, 6, 6, 6, 3], "more has weeks, the last as short as it is"),
    (401, [27] * 14 + [8], "more than a year has four weeks"),
]


@pytest.mark.parametrize(("length", "expected", "why"), STEPS, ids=[each[-1] for each in STEPS])
def test_steps(length, expected, why):
    found = steps_of(Period(MONDAY, MONDAY + length * DAY, ""))
    assert [(last - first).days for first, last in found] == expected
    assert found[-1][1] == (MONDAY + (length - 1) * DAY).date()


def test_weeks_up_to_the_end():
    rows = [row(MONDAY - at * DAY, 2**at) for at in (0, 7, 14, 21, 22)] + [row(MONDAY + 6 * DAY + timedelta(hours=23), 3)]
    found = weeks(rows, WEEK)
    assert [span.messages for span in found.spans] == [2**21, 2**14, 2**7, 4]
    assert (found.spans[0].first, found.spans[-1].last) == (date(2026, 4, 20), date(2026, 5, 17))


def totals(before=None, **messages):
    """Sums by class; unauthorised mail is delivered, the others pass."""
    rows = [
        {
            "class": one.value,
            "messages": count,
            "passing": 0 if one in {FORGED, FAILING, UNKNOWN} else count,
            "delivered": count,
            "quarantined": 0,
            "rejected": 0,
            "overridden": 0,
        }
        for one in SenderClass
        if (count := messages.get(one.name.lower(), 0))
    ]
    return class_totals(rows, before)


def test_five_figures():
    found = figures(totals({YOURS: 50}, yours_aligned=80, forwarded=3, mailing_list=4, unauthorised=10, yours_needs_fixing=2), 40)
    assert [one.name for one in found] == list(FigureName)
    assert [(one.messages, one.before, one.change) for one in found] == [(99, 50, 49), (87, 40, 47), (2, 0, 2), (7, 0, 7), (10, 0, 10)]
    assert found[3].parts == {"forwarded": 3, "mailing-list": 4}
    assert found[4].parts == {"stopped": 0, "delivered": 10, "untold": 0}
    assert found[1].share == 87 / 99
    assert figures(totals(), None)[0].share is None


def test_sums_before():
    rows = [row(MONDAY - 8 * DAY, 5, 5), row(MONDAY - DAY, 3, 1), row(MONDAY - 7 * DAY, 4, 0, one=FORGED)]
    assert before_sums(rows, MONDAY - 7 * DAY) == ({YOURS: 3, FORGED: 4}, 1)


def test_a_matrix_folds_what_is_too_much():
    rows = [
        {"sender": f"s{at}", "role": "unknown", "reporter": f"r{to}", "messages": 100 - at - to, "passing": at, "needs_fixing": 0}
        for at in range(20)
        for to in range(14)
    ]
    found = matrix(rows)
    assert (len(found.rows), len(found.reporters)) == (folding.MATRIX_SENDERS + 1, folding.MATRIX_REPORTERS + 1)
    assert (found.rows[-1].sender, found.rows[-1].sender_class, found.reporters[-1]) == ("", None, "")
    assert sum(sum(one.messages) for one in found.rows) == sum(one["messages"] for one in rows)
    assert found.rows[0].messages[0] == 100
    assert matrix([]).rows == ()


def sums(messages, passing=0):
    return {"messages": messages, "passing": passing, "delivered": messages, "quarantined": 0, "rejected": 0}


def test_groups_and_what_is_missing_to_them():
    found = groups([{"key": "a", "sources": 2, **sums(5)}], sums(12, 3), 4)
    assert (found.groups[0].messages, found.rest.count, found.rest.messages, found.rest.passing) == (5, 3, 7, 3)
    assert not groups([], sums(0), 0).rest
    placed = by_place([{"source_ip": f"192.0.2.{at}", **sums(at)} for at in range(60)], lambda ip: ip[-2:])
    assert sum(one.messages for one in placed.groups) + placed.rest.messages == sum(range(60))


def test_a_usual_reporter_that_told_nothing_has_a_line():
    silent = Heard("silent.example", True, 0, date(2026, 5, 1), date(2026, 5, 2), date(2026, 5, 3), 4, 1, 0, 0)
    rows = [{"reporter": "r.example", "reports": 2, **sums(5)}]
    lines, _ = reporter_lines(rows, Coverage(date(2026, 5, 11), date(2026, 5, 17), None, 5, 0, 0, (silent,)))
    assert [(one.reporter, one.messages, one.silent_since) for one in lines] == [
        ("r.example", 5, None),
        ("silent.example", 0, date(2026, 5, 3)),
    ]


def test_author_domains_by_class():
    rows = [{"header_from": "b", "class": "unknown", **sums(3)}, {"header_from": "b", "class": "forwarded", **sums(4, 4)}]
    ((found,), rest) = author_lines(rows)
    assert (found.messages, found.passing, found.by_class[SenderClass.FORWARDED], bool(rest)) == (7, 4, 4, False)


def test_folding_keeps_sums():
    lines = [Group(str(at), 1, at, at, at, 0, 0, 0) for at in range(10)]
    first, rest = fold(lines, 4, of_group)
    assert (len(first), rest.count, rest.messages) == (4, 6, sum(range(4, 10)))
    assert short("é" * 1_000_000) == "é" * 254 + "…"


def sender(name="a.example", one=YOURS, messages=100, failing=0, **more):
    line = SenderLine(
        name,
        one,
        messages,
        messages - failing,
        0,
        0,
        messages,
        0,
        0,
        0,
        failing,
        1,
        1,
        None,
        None,
        None,
        None,
        None,
        (),
        (),
        "nothing to do",
    )
    return SenderTrend(line, **more)


def test_long_tails_of_senders_have_no_course():
    lines = [sender(f"s{at}", messages=1000 - at).line for at in range(folding.SENDERS + 5)]
    told, tail = with_trend(lines, days([], WEEK), weeks([], WEEK), None)
    assert len(told) == folding.SENDERS
    assert (tail[YOURS].count, tail[YOURS].messages) == (5, sum(1000 - folding.SENDERS - at for at in range(5)))


EVIDENCE = readiness(Evidence("example.com", date(2026, 4, 20), date(2026, 5, 17)))
USUAL = Heard("r.example", True, 50, date(2026, 4, 1), date(2026, 5, 17), None, 4, 1, 0, 0)
SILENT = replace(USUAL, reporter="s.example", messages=0, silent_since=date(2026, 5, 12))
COVERED = Coverage(date(2026, 5, 11), date(2026, 5, 17), date(2026, 5, 17), 100, 0, 0, (USUAL,))


def seen(**more):
    facts = {
        "period": WEEK,
        "classes": totals(yours_aligned=1000),
        "senders": (sender(messages=1000),),
        "own_stopped": {},
        "spf_broken": {},
        "timeline": Timeline(None, None, ()),
        "coverage": COVERED,
        "readiness": EVIDENCE,
        "ever": True,
    }
    return Seen(**{**facts, **more})


def at_stage(stage):
    return replace(EVIDENCE, present=Present(stage, "DNS", ""))


def change(kind, told, what="a.example"):
    return Change(date(2026, 5, 12), kind, told, "example.com", what, f"{what} changed", Sureness.SEEN)


def timeline(*changes):
    return Timeline(date(2026, 5, 11), date(2026, 5, 17), changes)


FORGING = {"classes": totals(yours_aligned=1000, unauthorised=200), "senders": (sender("x", FORGED, 200),)}
VERDICTS = [
    ({}, Tone.GOOD, [Finding.QUIET], "a quiet week"),
    ({"ever": False, "classes": totals()}, Tone.WARNING, [Finding.NO_REPORTS], "nobody ever reported"),
    ({"classes": totals()}, Tone.WARNING, [Finding.NO_MAIL], "no mail, though there are usual reporters"),
    ({"classes": totals(), "coverage": replace(COVERED, reporters=())}, Tone.GOOD, [Finding.NO_MAIL], "no mail, and nobody who would tell"),
    ({"classes": totals(), "readiness": replace(EVIDENCE, parked=True)}, Tone.GOOD, [Finding.NO_MAIL], "a parked domain"),
    (
        {"coverage": replace(COVERED, reporters=(USUAL, SILENT))},
        Tone.WARNING,
        [Finding.REPORTS_MISSING],
        "half of the reporters is silent",
    ),
    (
        {"coverage": replace(COVERED, reporters=(*[USUAL] * 9, SILENT)), "own_stopped": {"a": 50}},
        Tone.BAD,
        [Finding.REPORTS_MISSING, Finding.OWN_STOPPED],
        "one of ten is silent: told first, and nothing to worry about",
    ),
    ({"coverage": replace(COVERED, expected=50)}, Tone.GOOD, [Finding.REPORTS_MISSING], "a third is still to come"),
    ({"coverage": replace(COVERED, expected=2)}, Tone.GOOD, [Finding.QUIET], "hardly anything is still to come"),
    ({"own_stopped": {"a.example": 10}}, Tone.BAD, [Finding.OWN_STOPPED], "own mail stopped, at the limit"),
    ({"own_stopped": {"a.example": 9}}, Tone.GOOD, [Finding.OWN_STOPPED, Finding.QUIET], "a handful of it"),
    (
        {"own_stopped": {"a.example": 10}, "classes": totals(yours_aligned=100_000)},
        Tone.GOOD,
        [Finding.OWN_STOPPED, Finding.QUIET],
        "ten of a hundred thousand",
    ),
    (
        {"senders": (sender(one=FAILING, failing=FEW),)},
        Tone.WARNING,
        [Finding.OWN_FAILING],
        "a sender fails, and is delivered",
    ),
    ({"senders": (sender(one=FAILING, failing=FEW - 1),)}, Tone.GOOD, [Finding.QUIET], "one that fails a few times"),
    (
        {"senders": (sender(one=FAILING, failing=600),), "classes": totals(yours_aligned=400, yours_needs_fixing=600)},
        Tone.BAD,
        [Finding.OWN_FAILING],
        "most of the mail fails",
    ),
    (FORGING, Tone.BAD, [Finding.FORGED_DELIVERED], "forged at volume with p=none"),
    ({**FORGING, "readiness": at_stage(Stage.QUARANTINE)}, Tone.WARNING, [Finding.FORGED_DELIVERED], "delivered though p=quarantine"),
    (
        {"classes": totals(yours_aligned=1000, unauthorised=99), "senders": (sender("x", FORGED, 99),)},
        Tone.GOOD,
        [Finding.QUIET],
        "noise of forgers",
    ),
    (
        {"classes": totals(yours_aligned=100_000, unauthorised=200), "senders": (sender("x", FORGED, 200),)},
        Tone.GOOD,
        [Finding.QUIET],
        "much, and little beside the whole",
    ),
    ({"senders": (sender(one=UNKNOWN, is_new=True),)}, Tone.WARNING, [Finding.NEW_UNKNOWN], "a new unknown sender"),
    ({"senders": (sender(one=UNKNOWN, messages=9, is_new=True),)}, Tone.GOOD, [Finding.QUIET], "a new one with hardly any mail"),
    ({"senders": (sender(one=UNKNOWN, messages=10),)}, Tone.WARNING, [Finding.UNKNOWN], "an unknown sender that sends a hundredth"),
    ({"spf_broken": {"a.example": 20}}, Tone.WARNING, [Finding.BROKEN_ALONE], "SPF is broken"),
    ({"spf_broken": {"a.example": 19}}, Tone.GOOD, [Finding.QUIET], "some fail at the receiver's DNS"),
    (
        {"timeline": timeline(change(Kind.FAILING_ALONE, Tone.WARNING))},
        Tone.WARNING,
        [Finding.BROKEN_ALONE],
        "DKIM began to fail",
    ),
    ({"timeline": timeline(change(Kind.DNS, Tone.BAD))}, Tone.BAD, [Finding.BAD_CHANGE], "a key vanished"),
    ({"timeline": timeline(change(Kind.POLICY, Tone.NEUTRAL))}, Tone.GOOD, [Finding.QUIET], "a change that is no trouble"),
    ({"timeline": timeline(change(Kind.BURST, Tone.WARNING))}, Tone.GOOD, [Finding.QUIET], "figures tell of bursts"),
]


@pytest.mark.parametrize(("facts", "expected", "findings", "why"), VERDICTS, ids=[each[-1] for each in VERDICTS])
def test_should_the_owner_worry(facts, expected, findings, why):
    found = reasons(seen(**facts))
    assert (tone(found), [one.finding for one in found]) == (expected, findings)


def fix(messages, what="do this", sender_name="b.example"):
    return Fix(sender_name, "example.com", what, "of this", ("example.com. IN TXT x",), messages)


READY = replace(EVIDENCE, next_step=NextStep(Stage.QUARANTINE, may=True, what="go on", line="_dmarc.example.com. IN TXT y"))
TO_DO = [
    ({}, [], [], "nothing"),
    ({}, [fix(5.0), fix(3.0)], [ToDoKind.FIX, ToDoKind.FIX], "two fixes"),
    ({"senders": (sender(one=UNKNOWN),)}, [fix(500.0), fix(3.0)], [ToDoKind.FIX, ToDoKind.UNKNOWN, ToDoKind.FIX], "by messages"),
    ({"readiness": READY}, [fix(9.0), fix(8.0), fix(7.0)], [ToDoKind.FIX, ToDoKind.FIX, ToDoKind.READINESS], "three, with the next step"),
    ({"readiness": replace(READY, next_step=replace(READY.next_step, may=False))}, [], [], "a step that may not be taken"),
    ({"ever": False}, [], [ToDoKind.REPORTS], "no reports ever"),
    ({"coverage": replace(COVERED, reporters=(SILENT,))}, [fix(9.0)], [ToDoKind.REPORTS, ToDoKind.FIX], "all reporters are silent"),
    ({"coverage": replace(COVERED, reporters=(SILENT, USUAL))}, [], [], "one of them is"),
]


@pytest.mark.parametrize(("facts", "fixes", "kinds", "why"), TO_DO, ids=[each[-1] for each in TO_DO])
def test_at_most_three_things(facts, fixes, kinds, why):
    found = to_do(seen(**facts), fixes)
    assert [one.kind for one in found] == kinds
    assert all(one.records or one.command or one.kind is ToDoKind.FIX for one in found)


NAMES = [
    ("a.example", "dmarcscope senders accept a.example", "a plain name"),
    ("$(reboot)", "dmarcscope senders accept NAME", "what a shell would obey"),
    ("--list x", "dmarcscope senders accept NAME", "what an option looks like"),
    ("your own server mail", "dmarcscope senders accept NAME", "spaces"),
]


@pytest.mark.parametrize(("name", "command", "why"), NAMES, ids=[each[-1] for each in NAMES])
def test_commands_to_copy_hold_plain_names(name, command, why):
    (found,) = to_do(seen(senders=(sender(name, UNKNOWN),)), [])
    assert found.command == command
