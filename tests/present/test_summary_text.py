"""The summary in plain text: it fits, strangers cannot write into it, and its figures are those of the summary."""

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage

import pytest

from dmarcscope.analysis.course import days, weeks
from dmarcscope.analysis.figures import class_totals, figures
from dmarcscope.analysis.readiness import readiness
from dmarcscope.model.change import Cause, Change, Kind, Rests, Sureness, Timeline, Tone
from dmarcscope.model.coverage import Coverage
from dmarcscope.model.fix import Lookups
from dmarcscope.model.readiness import Evidence
from dmarcscope.model.sender_line import SenderLine
from dmarcscope.model.summary import DomainCount, LedgerCounts, OverviewLine, Period, Restated, Summaries, Summary, ToDo, ToDoKind
from dmarcscope.model.summary_figures import FigureName, Finding, Reason, SummaryVerdict
from dmarcscope.model.summary_tables import (
    AuthorLine,
    Group,
    Groups,
    Matrix,
    ReporterLine,
    Rest,
    SenderTrend,
    SourceLine,
    Tables,
    Unauthorised,
)
from dmarcscope.model.verdict import SenderClass
from dmarcscope.present import summary_wording as wording
from dmarcscope.present.summary_text import SHOWN, WIDTH, text

MONDAY = datetime(2026, 5, 11, tzinfo=UTC)
WEEK = Period(MONDAY, MONDAY + timedelta(days=7), "week 20 of 2026", "2026-W20")
HOSTILE = "a\u202eb\x1b[31m\r\nBcc: x@example.org\x00<script>" + "z" * 5000
RECORD = f'k1._domainkey.example.com. IN TXT "v=DKIM1; p={"A" * 400}"'


def group(name, messages=30):
    return Group(name, 3, messages, 0, messages - 10, 10, 0, 0)


def summary(name="Letterbox", count=1):
    """A summary with something in every part; ``name`` stands wherever a stranger may write."""
    rows = [
        {"class": one.value, **dict.fromkeys(("messages", "delivered"), 30), "passing": 0, "quarantined": 0, "rejected": 0, "overridden": 0}
        for one in SenderClass
    ]
    classes = class_totals(rows, dict.fromkeys(SenderClass, 20))
    line = SenderLine(name, SenderClass.UNKNOWN, 30, 0, 0, 0, 30, 0, 0, 0, 0, 1, 1, None, None, 20, 0, 0.5, (name,), ("x",), "is it yours?")
    told = {
        "class": "unknown",
        "sender": name,
        "role": "unknown",
        "period_begin": MONDAY,
        "period_end": MONDAY + timedelta(days=1),
        "messages": 30,
        "passing": 0,
    }
    change = Change(
        date(2026, 5, 12),
        Kind.DNS,
        Tone.BAD,
        "example.com",
        name,
        f"{name} vanished",
        Sureness.SEEN,
        causes=(Cause(f"because of {name}", Rests.DNS, None, RECORD),),
    )
    why = (Reason(Finding.NEW_UNKNOWN, Tone.WARNING, 1, 30, 180, (name,)), Reason(Finding.BAD_CHANGE, Tone.BAD, 1, names=(name,)))
    verdict = SummaryVerdict(
        Tone.BAD,
        wording.sentence(why, Tone.BAD, "example.com", WEEK),
        wording.because(why),
        wording.subject("example.com", why, WEEK),
        why,
    )
    groups = Groups(tuple(group(name) for _ in range(count)), Rest(2, 60, 0, 60))
    return Summary(
        domain="example.com",
        period=WEEK,
        made=MONDAY,
        verdict=verdict,
        figures=figures(classes, 0),
        classes=classes,
        has_before=True,
        timeline=Timeline(WEEK.first_day, WEEK.last_day, (change,), {Kind.BURST: 2}),
        to_do=(ToDo(ToDoKind.FIX, name, f"publish the key of {name}", f"{name} asks for it", (RECORD,), 30.0, "", "", Lookups(3, 11)),),
        senders=tuple(SenderTrend(line, is_new=at == 0) for at in range(count)),
        senders_rest={SenderClass.UNKNOWN: Rest(4, 44)},
        unauthorised=Unauthorised(groups, groups, groups, groups),
        readiness=readiness(Evidence("example.com", WEEK.first_day, WEEK.last_day)),
        coverage=Coverage(WEEK.first_day, WEEK.last_day, date(2026, 5, 16), 180, 9, 0, ()),
        ledger=LedgerCounts(5, 4, 1, sidelined=1, messages=180),
        complete=False,
        restated=(Restated(MONDAY, MONDAY, "week 19 of 2026", None, {FigureName.REPORTED: 5}, {FigureName.REPORTED: 7}),),
        spans=days([told], WEEK).spans,
        weeks=weeks([told], WEEK).spans,
        matrix=Matrix((), ()),
        networks=groups,
        tables=Tables(
            (SourceLine("192.0.2.1", name, name, "NL", name, SenderClass.UNKNOWN, 30, 0, 0, 0, 30, 0, 0),),
            Rest(3, 33),
            (ReporterLine(name, 2, 30, 0, 30, 0, 0, True, None, 0),),
            Rest(),
            (AuthorLine(name, 30, 0, {}),),
            Rest(),
        ),
        has_dns=False,
        has_owner_list=False,
        has_networks=True,
        catalogue="1",
        attribution=(),
    )


def many(*found, also=()):
    overview = tuple(
        OverviewLine(
            one.domain, one.verdict.tone, one.verdict.sentence, one.verdict.subject, 180, 120, 0, 30, 60, 30, 30, 30, "p=none", "not yet", 1
        )
        for one in found
    )
    tones = [one.tone for one in overview]
    return Summaries(
        WEEK,
        MONDAY,
        overview,
        found,
        also,
        bool(found),
        wording.subject_of_many(tones, WEEK),
        wording.sentence_of_many(tones, WEEK),
        Tone.BAD,
        "1",
        (),
    )


NAMES = [
    ("Letterbox", "a plain name"),
    (HOSTILE, "controls, line breaks, and five thousand letters"),
    ("\u05d0\u05d1\u05d2 \u0627\u0628", "right to left"),
    ("", "no name"),
    ("x" * 1_000_000, "a million letters"),
]


@pytest.mark.parametrize(("name", "why"), NAMES, ids=[each[-1] for each in NAMES])
@pytest.mark.parametrize("count", [1, 40])
def test_it_fits_whatever_names_are(name, why, count):
    shown = text(many(summary(name, count)))
    too_long = [line for line in shown.splitlines() if len(line) > WIDTH and RECORD not in line]
    assert too_long == []
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert not any(line.startswith("Bcc") for line in shown.splitlines())
    assert shown.count(RECORD) == 2  # of the change and of the thing to do, in one piece


def test_the_parts_stand_in_their_order():
    shown = text(many(summary()))
    headings = [before for before, line in zip(shown.splitlines(), shown.splitlines()[1:], strict=False) if re.fullmatch("-+", line)]
    assert headings == [
        "Figures",
        "What changed",
        "What to do",
        "Your senders",
        "Forwarders and mailing lists",
        "Unknown senders",
        "Unauthorised",
        "Ready for a stricter policy?",
        "Reports",
        "Messages by day",
        "Sources",
    ]


def test_long_tables_end_with_their_sum():
    shown = text(many(summary(count=40)))
    unknown = shown.partition("Unknown senders\n")[2].partition("Unauthorised\n")[0].splitlines()
    assert len(unknown) == 1 + 1 + SHOWN + 1 + 1
    hidden = 30 * (40 - SHOWN) + 44
    assert unknown[-2].split() == ["…", str(40 - SHOWN + 4), "more", f"{hidden}"]


TOLD = [
    ("messages reported                180           +60 (before: 120)", "a figure with its change"),
    ("Complete through 2026-05-16; more reports may come.", "how far it is complete"),
    ("5 reports received: 4 stored, 1 duplicate. 1 file or mail of that time could", "the ledger"),
    ("- Restated, week 19 of 2026: messages reported 5 → 7.", "what was said otherwise before"),
    ("2 lesser changes not told", "what is left out"),
    ("DNS look-ups: 3 before, 11 after, of at most 10", "what an SPF record costs"),
    ("The DNS was not asked yet", "that the DNS was not asked"),
    ("2026-05-11", "days"),
]


@pytest.mark.parametrize(("words", "why"), TOLD, ids=[one[1] for one in TOLD])
def test_what_it_tells(words, why):
    assert words in text(many(summary()))


def test_several_domains_begin_with_an_overview():
    other = replace(summary(), domain="example.org")
    shown = text(many(summary(), other, also=(DomainCount("c.example", 1234),)))
    assert shown.startswith("DMARC summary, week 20 of 2026 (2026-05-11 to 2026-05-17, UTC)\n")
    assert "Not told here: 1 more domain with 1,234 messages" in shown
    assert shown.index("example.com, week 20") < shown.index("example.org, week 20")
    assert max(len(line) for line in shown.splitlines() if RECORD not in line) <= WIDTH


def reason(finding, told=Tone.WARNING, count=1, messages=5, of=10, names=("a.example",)):
    return Reason(finding, told, count, messages, of, names)


def test_every_finding_has_its_sentence():
    for finding in Finding:
        (why,) = wording.because([reason(finding)])
        assert why.endswith(".")
        assert why[0].isupper() or not why[0].isalpha() or finding is Finding.BAD_CHANGE
        assert finding in wording.IN_SHORT or finding in {Finding.QUIET, Finding.FORGED_STOPPED}


SUBJECTS = [
    ([], "example.com: all is well, week 20", "a quiet week"),
    (
        [reason(Finding.OWN_FAILING, count=2), reason(Finding.NEW_UNKNOWN)],
        "example.com: 1 new sender, 2 senders failing, week 20",
        "as it was asked for",
    ),
    ([reason(Finding.OWN_STOPPED, Tone.NEUTRAL)], "example.com: all is well, week 20", "a handful"),
    ([reason(Finding.NO_MAIL, Tone.GOOD)], "example.com: no mail reported, week 20", "nothing"),
    ([reason(Finding.REPORTS_MISSING, count=0, messages=5)], "example.com: 50.0 % still to come, week 20", "half of it is missing"),
]


@pytest.mark.parametrize(("found", "expected", "why"), SUBJECTS, ids=[each[-1] for each in SUBJECTS])
def test_subjects(found, expected, why):
    assert wording.subject("example.com", found, WEEK) == expected


def test_a_subject_is_one_line_that_is_not_too_long():
    every = [reason(finding, Tone.BAD, 123_456, 123_456_789, 10**12, (HOSTILE,)) for finding in Finding]
    subject = wording.subject(HOSTILE, every, replace(WEEK, week="", label="1 September 2026 to 30 September 2026"))
    mail = EmailMessage()
    mail["Subject"] = subject  # raises for what would begin another header
    assert len(subject) <= 130
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e]", subject)
    assert len(wording.subject("example.com", every, WEEK)) <= wording.SUBJECT


def test_several_in_a_sentence():
    tones = [Tone.BAD, Tone.WARNING, Tone.GOOD, Tone.GOOD]
    assert wording.subject_of_many(tones, WEEK) == "4 domains: 1 to act on, 1 to look at, week 20"
    assert wording.sentence_of_many(tones, WEEK) == (
        "1 domain needs you to act now; 1 domain has something to look at; 2 domains are well, in week 20 of 2026."
    )
    assert wording.sentence_of_many([], WEEK) == "No mail is reported for any domain in week 20 of 2026."


def test_it_can_be_written():
    out = io.BytesIO()
    out.write(text(many(summary(HOSTILE))).encode())
    assert out.getvalue()
