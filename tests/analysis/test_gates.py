"""Each gate on the way to a stricter policy: what opens it, what closes it, and what it says is missing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dmarcscope.analysis.gates import GATES
from dmarcscope.analysis.gauges import turns
from dmarcscope.analysis.weighing import weighed
from dmarcscope.model.discovery import Existence
from dmarcscope.model.readiness import Evidence, NameSums, Passage, PolicyDays, Published, ReporterSums, SenderSums, Stage
from dmarcscope.model.verdict import SenderClass
from dmarcscope.model.words import Policy
from dmarcscope.parse.dmarc_record import dmarc_record

LAST = date(2026, 5, 24)
OPEN, CLOSED, ADVICE = Passage.OPEN, Passage.CLOSED, Passage.ADVICE
QUARANTINE, REJECT = Policy.QUARANTINE, Policy.REJECT
YOURS, FIXING, FORWARDED, LIST, BAD, UNKNOWN = (
    SenderClass.YOURS_ALIGNED,
    SenderClass.YOURS_NEEDS_FIXING,
    SenderClass.FORWARDED,
    SenderClass.MAILING_LIST,
    SenderClass.UNAUTHORISED,
    SenderClass.UNKNOWN,
)
LONG_AGO = datetime(2026, 3, 1, tzinfo=UTC)


def mail(
    sender: str, messages: int, passing: int, sender_class: SenderClass = YOURS, *, by_dkim: int | None = None, first=LONG_AGO, judged=None
):
    """The sums of a sender."""
    last = datetime(2026, 5, 24, tzinfo=UTC)
    return SenderSums(
        sender,
        sender_class,
        messages,
        messages if judged is None else judged,
        passing,
        passing if by_dkim is None else by_dkim,
        first,
        last,
    )


def told(p: str = "none", days: int = 84, *, until: date = LAST, **more) -> PolicyDays:
    """Reports about so many days up to one, under a policy."""
    values = {"sp": None, "np": None, "pct": None, "testing": None, "messages": 100, "policy_domain": "example.com", **more}
    return PolicyDays(p=p, first=until - timedelta(days=min(days, 60) - 1), last=until, **values)


def evidence(**given) -> Evidence:
    """The evidence of a domain that is in order, and otherwise as given."""
    base = Evidence(
        "example.com",
        LAST - timedelta(days=89),
        LAST,
        senders=(mail("own", 8400, 8400),),
        policies=(told(),),
        names=(NameSums("example.com", 8400, 8400, 8400),),
        reporters=tuple(ReporterSums(name, 100) for name in ("google.com", "a.example", "b.example")),
        listed=frozenset({"own"}),
    )
    return replace(base, **given)


def published(text: str) -> Published:
    """A record that was seen."""
    return Published(dmarc_record(text), text, datetime(2026, 5, 25, tzinfo=UTC))


NEW = datetime(2026, 5, 20, tzinfo=UTC)
ROWS = [
    # the gate, the target, what is otherwise, the present step, what it says, in words, why
    ("days", QUARANTINE, {}, Stage.NONE, OPEN, "60 days", "enough"),
    ("days", QUARANTINE, {"policies": (told(days=30),)}, Stage.NONE, OPEN, "30 days", "just enough"),
    ("days", QUARANTINE, {"policies": (told(days=29),)}, Stage.NONE, CLOSED, "1 more day", "one day too few"),
    ("days", QUARANTINE, {"policies": (told(days=2), told(days=2, until=date(2026, 4, 20)))}, Stage.NONE, OPEN, "4 of them", "few reports, long"),
    ("days", QUARANTINE, {"policies": (told(days=9, until=date(2026, 1, 9)), told(days=9))}, Stage.NONE, CLOSED, "21 more", "before the period"),
    ("days", QUARANTINE, {"policies": ()}, Stage.NONE, CLOSED, "30 more", "none"),
    ("month", QUARANTINE, {}, Stage.NONE, OPEN, "May 2026", "the turn from April"),
    ("month", REJECT, {"policies": (told(days=23),)}, Stage.NONE, CLOSED, "last days of a month", "since 2 May"),
    ("own mail", QUARANTINE, {}, Stage.NONE, OPEN, "100 % of 8,400", "all passes"),
    ("own mail", QUARANTINE, {"senders": (mail("own", 73, 73),)}, Stage.NONE, OPEN, "surely 95 %", "as few as are enough"),
    ("own mail", QUARANTINE, {"senders": (mail("own", 72, 72),)}, Stage.NONE, CLOSED, "to be sure", "too few, although all pass"),
    ("own mail", REJECT, {"senders": (mail("own", 73, 73),)}, Stage.NONE, CLOSED, "to be sure", "more is asked for reject"),
    ("own mail", QUARANTINE, {"senders": (mail("own", 8400, 7900, FIXING),)}, Stage.NONE, CLOSED, "58 messages a week", "too much fails"),
    ("own mail", QUARANTINE, {"senders": (mail("own", 900, 0, UNKNOWN),)}, Stage.NONE, CLOSED, "which senders are yours", "none is known"),
    ("own mail", QUARANTINE, {"senders": (mail("own", 900, 100, judged=100),)}, Stage.NONE, OPEN, "of 100 messages", "no verdict is no failure"),
    ("own mail", QUARANTINE, {"senders": (mail("own", 900, 900), mail("bad", 9000, 0, BAD))}, Stage.NONE, OPEN, "of 900", "spoofers do not count"),
    ("worst sender", QUARANTINE, {}, Stage.NONE, OPEN, "none fails", "all in order"),
    ("worst sender", QUARANTINE, {"senders": (mail("own", 8400, 8400), mail("bills", 60, 0, FIXING))}, Stage.NONE, CLOSED, "bills", "a small one that fails"),
    ("worst sender", QUARANTINE, {"senders": (mail("own", 8400, 8400), mail("few", 10, 9, FIXING))}, Stage.NONE, OPEN, "few: 90", "too few to be sure"),
    ("worst sender", QUARANTINE, {"senders": (mail("a", 900, 0, FIXING), mail("b", 60, 0, FIXING))}, Stage.NONE, CLOSED, "and so must 1 more", "two"),
    ("worst sender", QUARANTINE, {"senders": (mail("a", 500, 500), mail("a", 500, 0, FIXING))}, Stage.NONE, CLOSED, "50 % of 1,000", "in two classes"),
    ("unlabelled", QUARANTINE, {}, Stage.NONE, OPEN, "none", "all are listed"),
    ("unlabelled", QUARANTINE, {"listed": frozenset()}, Stage.NONE, CLOSED, "say of own", "nobody has said so"),
    ("unlabelled", QUARANTINE, {"senders": (mail("Own", 9, 9),)}, Stage.NONE, OPEN, "none", "names compare without regard to case"),
    ("unlabelled", QUARANTINE, {"senders": (mail("own", 96, 96), mail("x", 4, 0, UNKNOWN))}, Stage.NONE, OPEN, "4 %", "little"),
    ("unlabelled", REJECT, {"senders": (mail("own", 96, 96), mail("x", 4, 0, UNKNOWN))}, Stage.NONE, CLOSED, "say of x", "too much for reject"),
    ("unlabelled", QUARANTINE, {"senders": (mail("own", 90, 90), mail("l", 9, 0, LIST), mail("bad", 9999, 0, BAD))}, Stage.NONE, OPEN, "none", "not theirs"),
    ("unlabelled", QUARANTINE, {"senders": (mail("x", 9, 0, UNKNOWN), mail("b", 9999, 0, BAD))}, Stage.NONE, CLOSED, "100 %", "spoofers do not thin it"),
    ("new senders", QUARANTINE, {}, Stage.NONE, OPEN, "none", "none"),
    ("new senders", QUARANTINE, {"senders": (mail("new", 10, 0, FIXING, first=NEW),)}, Stage.NONE, CLOSED, "look at new", "new and failing"),
    ("new senders", QUARANTINE, {"senders": (mail("new", 10, 10, first=NEW),)}, Stage.NONE, CLOSED, "since 2026-05-20", "new and not listed"),
    ("new senders", QUARANTINE, {"senders": (mail("own", 10, 10, first=NEW),)}, Stage.NONE, OPEN, "none", "new, listed and in order"),
    ("new senders", QUARANTINE, {"senders": (mail("new", 9, 0, UNKNOWN, first=NEW),)}, Stage.NONE, OPEN, "none", "noise"),
    ("new senders", QUARANTINE, {"senders": (mail("new", 99, 0, BAD, first=NEW),)}, Stage.NONE, OPEN, "none", "a spoofer"),
    ("reporters", QUARANTINE, {}, Stage.NONE, OPEN, "3, 1 of them big", "three, Google among them"),
    ("reporters", QUARANTINE, {"reporters": (ReporterSums("google.com", 9),)}, Stage.NONE, CLOSED, "2 more", "too few"),
    ("reporters", QUARANTINE, {"reporters": tuple(ReporterSums(f"{n}.example", 9) for n in range(5))}, Stage.NONE, CLOSED, "many of your", "no big one"),
    ("reporters", QUARANTINE, {"reporters": tuple(ReporterSums(f"{n}.example", 999 + n) for n in range(3))}, Stage.NONE, OPEN, "2 of them", "big by messages"),
    ("reporters", QUARANTINE, {"reporters": ()}, Stage.NONE, CLOSED, "3 more", "nobody"),
    ("time at none", QUARANTINE, {}, Stage.NONE, OPEN, "60 days", "long enough"),
    ("time at none", QUARANTINE, {"policies": (told(days=10),)}, Stage.NONE, CLOSED, "20 more days under p=none", "too short"),
    ("time at none", QUARANTINE, {"policies": (told("quarantine"),)}, Stage.QUARANTINE, OPEN, "already", "beyond that"),
    ("time at none", QUARANTINE, {"policies": (told("quarantine", testing="y"),)}, Stage.QUARANTINE_TEST, OPEN, "60", "a test asks for nothing"),
    ("time at quarantine", REJECT, {}, Stage.NONE, CLOSED, "30 more days under p=quarantine", "never"),
    ("time at quarantine", REJECT, {"policies": (told("quarantine"),)}, Stage.QUARANTINE, OPEN, "60 days", "long enough"),
    ("time at quarantine", REJECT, {"policies": (told("reject", testing="y"),)}, Stage.REJECT_TEST, OPEN, "60 days", "a test of reject is quarantine"),
    ("time at quarantine", REJECT, {"policies": (told("quarantine", testing="y"),)}, Stage.QUARANTINE_TEST, CLOSED, "30 more", "a test of it is not"),
    ("time at quarantine", REJECT, {"policies": (told("reject"),)}, Stage.REJECT, OPEN, "already", "beyond that"),
    ("passed on", QUARANTINE, {}, Stage.NONE, OPEN, "0 % of 8,400", "nothing"),
    ("passed on", REJECT, {"senders": (mail("own", 9000, 9000), mail("f", 500, 200, FORWARDED))}, Stage.NONE, CLOSED, "35 messages a week", "too much"),
    ("passed on", QUARANTINE, {"senders": (mail("own", 9000, 9000), mail("f", 500, 200, FORWARDED))}, Stage.NONE, OPEN, "at most 3.5 %", "not for quarantine"),
    ("passed on", QUARANTINE, {"senders": (mail("own", 30, 30),)}, Stage.NONE, CLOSED, "to be sure", "too few"),
    ("passed on", QUARANTINE, {"senders": ()}, Stage.NONE, OPEN, "none is known", "nothing wanted"),
    ("mailing lists", REJECT, {}, Stage.NONE, OPEN, "none", "none"),
    ("mailing lists", REJECT, {"senders": (mail("own", 900, 900), mail("list", 9, 0, LIST))}, Stage.NONE, CLOSED, "stay at p=quarantine", "one a week"),
    ("mailing lists", REJECT, {"senders": (mail("own", 900, 900), mail("list", 8, 0, LIST))}, Stage.NONE, OPEN, "less than one", "one in a while"),
    ("mailing lists", REJECT, {"senders": (mail("list", 900, 900, LIST),)}, Stage.NONE, OPEN, "none", "a list that leaves mail as it is"),
    ("DKIM", REJECT, {}, Stage.NONE, OPEN, "100 % of 8,400", "all signed"),
    ("DKIM", REJECT, {"senders": (mail("own", 900, 900, by_dkim=0),)}, Stage.NONE, CLOSED, "let own sign", "by SPF alone"),
    ("DKIM", REJECT, {"senders": (mail("own", 20, 20),)}, Stage.NONE, CLOSED, "to be sure", "too few"),
    ("DKIM", REJECT, {"senders": (mail("own", 20, 0, FIXING),)}, Stage.NONE, CLOSED, "of each of your senders", "nothing passes"),
    ("subdomains", REJECT, {"policies": (told(np="reject"),)}, Stage.NONE, OPEN, "none sends", "missing names are refused"),
    ("subdomains", REJECT, {}, Stage.NONE, ADVICE, "np=reject costs nothing: no mail", "they could be"),
    ("subdomains", REJECT, {"published": published("v=DMARC1; p=quarantine; sp=none; np=reject; rua=mailto:a@example.com")}, Stage.QUARANTINE, ADVICE,
     "«sp=none» makes subdomains weaker", "a weaker sp"),
    ("subdomains", REJECT, {"policies": (told("reject"),)}, Stage.REJECT, OPEN, "none sends", "without sp and np, p counts for all"),
    ("subdomains", REJECT, {"names": (NameSums("a.example.com", 9, 9, 0, Existence.MISSING),)}, Stage.NONE, ADVICE, "does not know", "own mail of no name"),
    ("subdomains", REJECT, {"names": (NameSums("a.example.com", 9, 9, 0),)}, Stage.NONE, ADVICE, "if a.example.com exist", "nobody asked"),
    ("subdomains", REJECT, {"names": (NameSums("a.example.com", 9, 0, 0, Existence.MISSING),)}, Stage.NONE, ADVICE, "costs nothing: no", "others' mail"),
    ("pct", REJECT, {}, Stage.NONE, OPEN, "all mail", "no pct"),
    ("pct", REJECT, {"policies": (told("quarantine", pct="100"),)}, Stage.QUARANTINE, OPEN, "all mail", "the old default, which reporters write"),
    ("pct", REJECT, {"policies": (told("quarantine", pct="25"),)}, Stage.QUARANTINE, ADVICE, "«pct=25» is no longer a tag", "as reports say"),
    ("pct", REJECT, {"published": published("v=DMARC1; p=quarantine; pct=5; rua=mailto:a@example.com")}, Stage.QUARANTINE, ADVICE, "pct=5", "as DNS says"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "target", "given", "stage", "passage", "words", "why"), ROWS)
def test_gate(name, target, given, stage, passage, words, why):
    gate = next(gate for gate in GATES if gate.name == name)
    found = gate.judge(weighed(evidence(**given), stage), gate.limits[target])
    assert found.passage is passage, (why, found)
    assert words in f"{found.figure} / {found.missing}", (why, found)
    assert bool(found.missing) == (passage is not Passage.OPEN)


def test_every_gate_is_tried_and_has_a_reason():
    assert {gate.name for gate in GATES} == {row[0] for row in ROWS}
    assert all(gate.reason and gate.question.endswith("?") and gate.limits for gate in GATES)


TURNS = [
    (date(2026, 4, 28), date(2026, 5, 5), [date(2026, 5, 1)], "just so"),
    (date(2026, 4, 29), date(2026, 5, 5), [], "begun too late"),
    (date(2026, 4, 28), date(2026, 5, 4), [], "over too early"),
    (date(2025, 12, 1), date(2026, 2, 10), [date(2026, 2, 1), date(2026, 1, 1)], "two, over a year's end"),
    (None, None, [], "no data"),
]


@pytest.mark.parametrize(("first", "last", "found", "why"), TURNS)
def test_turns_of_the_month(first, last, found, why):
    assert turns(first, last) == found, why
