"""From sums to lines: the class of a sender as a whole, and the one next step."""

from datetime import UTC, datetime

import pytest

from dmarcscope.analysis.roll_up import FIXES, STEPS, SUMMED, lines, summed
from dmarcscope.model.sender import Catalogue, Kind, Sender
from dmarcscope.model.verdict import SenderClass
from dmarcscope.tables.sender_questions import TROUBLES

CATALOGUE = Catalogue((Sender("Letterbox", Kind.MARKETING),), "2026-01-01")
SEEN = {"first_seen": datetime(2026, 5, 1, tzinfo=UTC), "last_seen": datetime(2026, 5, 2, tzinfo=UTC), "confidence": 0.9}


def row(sender="mail.example.com", role="yours", *, is_now=True, **sums):
    """Sums of a sender; those that are not told are nothing."""
    return {"sender": sender, "role": role, "is_now": is_now, **dict.fromkeys((*SUMMED, *TROUBLES), 0), **SEEN, **sums}


def line(*, known=None, **facts):
    """The line of one row."""
    (found,) = lines([row(**facts)], known or {}, CATALOGUE, has_before=False)
    return found


ALIGNED, FIXING = SenderClass.YOURS_ALIGNED, SenderClass.YOURS_NEEDS_FIXING
CLASSES = [
    # role, messages, failing, class, why
    ("yours", 100, 0, ALIGNED, "all passes"),
    ("yours", 100, 2, ALIGNED, "two in a hundred break on their way"),
    ("yours", 100, 3, FIXING, "more than that do not"),
    ("yours", 50, 1, ALIGNED, "just two percent"),
    ("yours", 49, 1, FIXING, "just more"),
    ("yours", 1, 1, FIXING, "all fails"),
    ("yours", 0, 0, ALIGNED, "records without messages"),
    ("forwarded", 100, 0, SenderClass.FORWARDED, "a role is a class"),
    ("mailing-list", 100, 0, SenderClass.MAILING_LIST, "likewise"),
    ("unauthorised", 100, 0, SenderClass.UNAUTHORISED, "likewise"),
    ("unknown", 100, 0, SenderClass.UNKNOWN, "likewise"),
]


@pytest.mark.parametrize(("role", "messages", "failing", "expected", "why"), CLASSES, ids=[f"{r[0]} {r[1]} {r[2]}" for r in CLASSES])
def test_the_class_as_a_whole(role, messages, failing, expected, why):
    assert line(role=role, messages=messages, needs_fixing=failing).sender_class is expected, why


FAILING = {"messages": 100, "needs_fixing": 50}
STEP = [
    # facts, words, why
    ({"messages": 9}, "nothing to do", "it passes"),
    (
        {"messages": 9, "spf_broken": 4},
        "mend SPF: its record is in error, and only DKIM carries this mail",
        "what is broken while it passes",
    ),
    ({**FAILING, "dkim_failing": 50}, "mend its DKIM signature; see `fixes`", "a bad key"),
    ({**FAILING, "dkim_missing": 50}, "let it sign with DKIM, as your domain; see `fixes`", "no signature"),
    ({**FAILING, "dkim_other": 50}, "let it sign with your domain (DKIM); see `fixes`", "a signature of another's"),
    ({**FAILING, "spf_not_listed": 50}, "add it to your SPF record; see `fixes`", "no SPF"),
    ({**FAILING, "spf_broken": 50}, "mend your SPF record, which is in error; see `fixes`", "no sound SPF"),
    ({**FAILING, "dkim_missing": 20, "dkim_other": 30}, "let it sign with your domain (DKIM); see", "what mends most"),
    ({**FAILING, "dkim_missing": 50, "spf_not_listed": 50}, "let it sign with DKIM", "DKIM before SPF where both would do"),
    ({**FAILING, "dkim_failing": 50, "sender": "Letterbox"}, "mend its DKIM signature; the records are in `fixes`", "a service"),
    (FAILING, "see `fixes`: neither DKIM nor SPF is told of", "reports that say nothing"),
    ({"role": "forwarded"}, "nothing to do: DKIM is what carries it", "not ours to mend"),
    ({"role": "mailing-list"}, "nothing to do; it counts against p=reject", "not ours to mend"),
    ({"role": "unauthorised"}, "not yours: enforcement stops it", "what DMARC is for"),
    ({"role": "unknown"}, "is it yours?", "only the owner knows"),
]


@pytest.mark.parametrize(("facts", "words", "why"), STEP, ids=[row[-1] for row in STEP])
def test_the_next_step(facts, words, why):
    assert line(**facts).next_step.startswith(words), why


def test_every_class_has_a_step_and_every_step_its_sum():
    assert set(STEPS) == set(SenderClass)
    assert set(FIXES) <= set(TROUBLES)


def test_most_messages_go_first():
    found = lines(
        [
            row("a", messages=5),
            row("unknown", "unknown", messages=9),
            row("c", messages=9),
            row("b", messages=9),
            row("d", messages=9, needs_fixing=9),
        ],
        {},
        CATALOGUE,
        has_before=False,
    )
    assert [one.sender for one in found] == ["b", "c", "d", "unknown", "a"], "of as many, by class and name"


def test_no_sum_is_lost():
    rows = [row(f"s{number}", role, messages=number) for number, role in enumerate(["yours", *map(str, list(SenderClass)[2:])], 1)]
    found = lines(rows, {}, CATALOGUE, has_before=False)
    assert summed(found, "messages") == sum(one["messages"] for one in rows)
    assert summed(found, "messages_before") == 0, "nothing is told of it"


BEFORE = [
    row("grown", messages=5),
    row("grown", messages=3, dmarc_pass=2, is_now=False),
    row("new", messages=4),
    row("new", "unknown", messages=9, is_now=False),
    row("gone", messages=7, is_now=False),
]


def test_the_time_before():
    found = lines(BEFORE, {}, CATALOGUE, has_before=True)
    told = [(one.sender, one.messages, one.messages_before, one.dmarc_pass_before) for one in found]
    assert told == [("grown", 5, 3, 2), ("new", 4, 0, 0)], "what it was in another role is another line; who is gone has none"


def test_no_time_before():
    found = lines([one for one in BEFORE if one["is_now"]], {}, CATALOGUE, has_before=False)
    assert {(one.messages_before, one.dmarc_pass_before) for one in found} == {(None, None)}, "no reports of it: not nothing, but unknown"


def test_what_is_known_is_that_of_the_role():
    known = {
        ("mail.example.com", "yours"): (("PTR mail.example.com",), ("own-spf", "own-host")),
        ("mail.example.com", "unknown"): ((), ("nothing-known",)),
    }
    assert line(known=known).known_by == ("PTR mail.example.com",)
    assert line(known=known).rules == ("own-spf", "own-host")
    assert line(known=known, role="unknown").rules == ("nothing-known",)
    assert line(known=known, sender="another").rules == ()
