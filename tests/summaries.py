"""Summaries made by hand for the tests of the page, the mail and the figures: sums that agree with each other to the message."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from dmarcscope.model.change import Cause, Change, Kind, Rests, Sureness, Timeline, Tone
from dmarcscope.model.coverage import Coverage, Heard
from dmarcscope.model.fix import Lookups
from dmarcscope.model.readiness import Answer, Found, GateFound, NextStep, Passage, Present, Readiness, Stage, TargetVerdict
from dmarcscope.model.sender_line import SenderLine
from dmarcscope.model.summary import LedgerCounts, OverviewLine, Period, Restated, Summaries, Summary, ToDo, ToDoKind
from dmarcscope.model.summary_figures import ClassTotal, Figure, FigureName, Finding, Reason, SummaryVerdict
from dmarcscope.model.summary_tables import (
    AuthorLine,
    Group,
    Groups,
    Matrix,
    MatrixRow,
    Point,
    ReporterLine,
    Rest,
    SenderTrend,
    SourceLine,
    Span,
    Tables,
    Unauthorised,
)
from dmarcscope.model.verdict import YOURS, SenderClass
from dmarcscope.model.words import Policy

YOURS_ALIGNED, NEEDS_FIXING = SenderClass.YOURS_ALIGNED, SenderClass.YOURS_NEEDS_FIXING
WEEK = Period(datetime(2026, 5, 11, tzinfo=UTC), datetime(2026, 5, 18, tzinfo=UTC), "week 20 of 2026", "2026-W20")
MADE = datetime(2026, 5, 19, 6, 0, tzinfo=UTC)
DAYS = 7


class Sent(NamedTuple):
    """A sender of an invented domain: what it sent, how much of it passed and was stopped."""

    name: str
    of: SenderClass
    messages: int
    passing: int
    quarantined: int = 0
    rejected: int = 0
    untold: int = 0
    before: int | None = None
    sources: int = 2
    is_new: bool = False


TYPICAL = (
    Sent("Letterbox", YOURS_ALIGNED, 2187, 2187, before=2044, sources=4),
    Sent("mail.example.com", YOURS_ALIGNED, 1572, 1571, before=1610),
    Sent("Billwell", NEEDS_FIXING, 489, 0, quarantined=470, before=492),
    Sent("hosting.example", SenderClass.FORWARDED, 252, 199, before=251),
    Sent("example.net", SenderClass.MAILING_LIST, 245, 0, quarantined=34, before=238, sources=1),
    Sent("hosts without a name", SenderClass.UNAUTHORISED, 1128, 0, quarantined=866, rejected=198, untold=8, before=310, sources=31),
    Sent("spam.example", SenderClass.UNAUTHORISED, 178, 0, quarantined=146, rejected=25, before=201, sources=11),
    Sent("deskpilot.example", SenderClass.UNKNOWN, 332, 0, quarantined=315, before=0, is_new=True),
)
REPORTERS = ("Google LLC", "Outlook.com", "Yahoo", "mail.example.org", "Comcast")


def share_out(whole: int, parts: int) -> list[int]:
    """A number in so many parts, the first ones greater."""
    return [whole // parts + (at < whole % parts) for at in range(parts)]


def line(one: Sent) -> SenderLine:
    delivered = one.messages - one.quarantined - one.rejected - one.untold
    return SenderLine(
        sender=one.name,
        sender_class=one.of,
        messages=one.messages,
        dmarc_pass=one.passing,
        dkim_aligned=one.passing,
        spf_aligned=one.passing // 2,
        delivered=delivered,
        quarantined=one.quarantined,
        rejected=one.rejected,
        overridden=0,
        needs_fixing=one.messages - one.passing if one.of in YOURS else 0,
        sources=one.sources,
        reporters=4,
        first_seen=WEEK.begin,
        last_seen=WEEK.end,
        messages_before=one.before,
        dmarc_pass_before=None if one.before is None else min(one.before, one.passing),
        confidence=0.9,
        known_by=(f"DKIM {one.name}",),
        rules=("catalogued-service",),
        next_step="let it sign with your domain (DKIM); see `fixes`" if one.of is NEEDS_FIXING else "nothing to do",
    )


def points(one: Sent) -> tuple[Point, ...]:
    first = WEEK.first_day
    parts = zip(share_out(one.messages, DAYS), share_out(one.passing, DAYS), strict=True)
    return tuple(Point(first + timedelta(days=at), first + timedelta(days=at), *pair) for at, pair in enumerate(parts))


def weeks(one: Sent) -> tuple[Point, ...]:
    found = []
    for back in range(4, -1, -1):
        first = WEEK.first_day - timedelta(weeks=back)
        messages = one.messages if not back else (one.before or 0) * (10 - back) // 10
        passing = one.passing if not back else messages * one.passing // max(one.messages, 1)
        found.append(Point(first, first + timedelta(days=6), messages, passing))
    return tuple(found)


def totals(sent: Sequence[Sent]) -> tuple[ClassTotal, ...]:
    found = []
    for of in SenderClass:
        some = [one for one in sent if one.of is of]
        messages, passing, quarantined, rejected, untold = (
            sum(getattr(one, name) for one in some) for name in ("messages", "passing", "quarantined", "rejected", "untold")
        )
        before = sum(one.before or 0 for one in some)
        found.append(
            ClassTotal(of, messages, passing, messages - quarantined - rejected - untold, quarantined, rejected, untold, 0, before)
        )
    return tuple(found)


def figures(sent: Sequence[Sent]) -> tuple[Figure, ...]:
    classes = {one.sender_class: one for one in totals(sent)}
    whole, before = sum(one.messages for one in sent), sum(one.before or 0 for one in sent)
    forged = classes[SenderClass.UNAUTHORISED]
    forwarded, lists = classes[SenderClass.FORWARDED], classes[SenderClass.MAILING_LIST]
    return (
        Figure(FigureName.REPORTED, whole, whole, before, before),
        Figure(FigureName.PASSING, sum(one.passing for one in sent), whole, before * 7 // 10, before),
        Figure(FigureName.YOURS_FAILING, sum(one.messages - one.passing for one in sent if one.of in YOURS), whole, before // 9, before),
        Figure(
            FigureName.FORWARDED,
            forwarded.messages + lists.messages,
            whole,
            (forwarded.before or 0) + (lists.before or 0),
            before,
            {"forwarded": forwarded.messages, "mailing-list": lists.messages},
        ),
        Figure(
            FigureName.UNAUTHORISED,
            forged.messages,
            whole,
            forged.before,
            before,
            {"stopped": forged.stopped, "delivered": forged.delivered, "untold": forged.untold},
        ),
    )


def spans(sent: Sequence[Sent]) -> tuple[Span, ...]:
    found = []
    for at in range(DAYS):
        day = WEEK.first_day + timedelta(days=at)
        by_class = dict.fromkeys(SenderClass, 0)
        for one in sent:
            by_class[one.of] += share_out(one.messages, DAYS)[at]
        found.append(Span(day, day, by_class, sum(share_out(one.passing, DAYS)[at] for one in sent)))
    return tuple(found)


def group(key: str, some: Sequence[Sent]) -> Group:
    messages, passing, quarantined, rejected, untold, sources = (
        sum(getattr(one, name) for one in some) for name in ("messages", "passing", "quarantined", "rejected", "untold", "sources")
    )
    return Group(key, sources, messages, passing, messages - quarantined - rejected - untold, quarantined, rejected, untold)


def matrix(sent: Sequence[Sent], reporters: Sequence[str]) -> Matrix:
    width = len(reporters)
    rows = [MatrixRow(one.name, one.of, tuple(share_out(one.messages, width)), tuple(share_out(one.passing, width))) for one in sent[:15]]
    rest = sent[15:]
    if rest:
        messages, passing = sum(one.messages for one in rest), sum(one.passing for one in rest)
        rows.append(MatrixRow("", None, tuple(share_out(messages, width)), tuple(share_out(passing, width))))
    return Matrix(tuple(reporters), tuple(rows))


def gate(passage: Passage, question: str, figure: str, missing: str = "") -> GateFound:
    return GateFound(
        question[:8],
        question,
        "95 % at the low end of the interval",
        "what fails of your own is to be mended first",
        Found(passage, figure, missing),
    )


def readiness(domain: str, sent: Sequence[Sent]) -> Readiness:
    yours = [one for one in sent if one.of in YOURS]
    gates = (
        gate(Passage.OPEN, "How many days of data are there?", "35 days, reports about 35 of them"),
        gate(
            Passage.CLOSED,
            "How much of your own mail passes?",
            "88.4 % of 4,248 messages pass",
            "490 messages a week of your own would be lost",
        ),
        gate(Passage.ADVICE, "Do your users post to mailing lists?", "245 messages a week", "tell them"),
    )
    reject = TargetVerdict(
        Policy.REJECT,
        Answer.NOT_YET,
        False,
        ("own mail: 490 messages a week of your own would be lost", "unlabelled: say whose deskpilot.example is"),
        gates,
    )
    quarantine = TargetVerdict(
        Policy.QUARANTINE, Answer.NOT_YET, True, ("own mail: 490 messages a week of your own would be lost",), gates[:2]
    )
    step = NextStep(
        Stage.REJECT_TEST,
        False,
        "stay at p=quarantine for now; when nothing is missing any more, go to p=reject; t=y",
        "p=reject; t=y",
        "v=DMARC1; p=reject; t=y",
        f'_dmarc.{domain}. IN TXT "v=DMARC1; p=reject; t=y; rua=mailto:dmarc-reports@example.com"',
    )
    return Readiness(
        domain, date(2026, 4, 13), WEEK.last_day, 35, sum(one.messages for one in sent),
        sum(one.messages for one in yours), sum(one.passing for one in yours), False,
        Present(Stage.QUARANTINE, "DNS", "p=quarantine; sp=quarantine; np=reject", domain), quarantine, reject, step, ("publish np=reject",),
    )  # fmt: skip


def timeline(domain: str) -> Timeline:
    return Timeline(
        WEEK.first_day,
        WEEK.last_day,
        (
            Change(date(2026, 5, 11), Kind.SENDER_NEW, Tone.WARNING, domain, "deskpilot.example", "deskpilot.example: new, 332 messages a week, of which none pass DMARC", Sureness.SEEN),
            Change(date(2026, 5, 13), Kind.BURST, Tone.WARNING, domain, "", "burst of 1,128 unauthorised messages from 31 hosts, 5 % of it delivered", Sureness.CLEAR, until=date(2026, 5, 14)),
            Change(
                date(2026, 5, 15), Kind.DNS, Tone.BAD, domain, domain, f"{domain} has 2 SPF records since then", Sureness.SEEN,
                causes=(Cause("two records together are a permanent error", Rests.DNS, None, f'{domain}. IN TXT "v=spf1 include:_spf.deskpilot.example mx ~all"'),),
            ),
            Change(date(2026, 5, 17), Kind.RECOVERED, Tone.GOOD, domain, "Letterbox", "Letterbox: passes again, 98 % → 100 % of 2,187 messages", Sureness.LIKELY),
        ),
        {Kind.SENDER_GROWN: 2},
    )  # fmt: skip


def to_do(domain: str) -> tuple[ToDo, ...]:
    return (
        ToDo(ToDoKind.FIX, "Billwell", "let Billwell sign with your domain (DKIM)", "489 messages fail, as it signs as billwell.example", (f"<selector>._domainkey.{domain}. IN CNAME <selector>.dkim.billwell.example.",), 489.0, documentation="https://docs.billwell.example/dkim"),
        ToDo(ToDoKind.FIX, "mail.example.com", "publish one SPF record instead of two", "receivers see a permanent error", (f'{domain}. IN TXT "v=spf1 include:_spf.deskpilot.example mx ~all"',), 1572.0, lookups=Lookups(4, 5)),
        ToDo(ToDoKind.UNKNOWN, "deskpilot.example", "say whether this sender is yours", "it is new, 332 messages came from 2 addresses, and it fails DMARC", (), 332.0, command="dmarcscope senders accept deskpilot.example   (or: dmarcscope senders reject deskpilot.example)"),
    )  # fmt: skip


def coverage(reporters: Sequence[str], messages: int) -> Coverage:
    parts = share_out(messages, max(len(reporters), 1))
    heard = tuple(
        Heard(name, at < 4, parts[at], WEEK.first_day, WEEK.last_day, date(2026, 5, 15) if at == 3 else None, 9, 1, 0, 0)
        for at, name in enumerate(reporters)
    )
    return Coverage(WEEK.first_day, WEEK.last_day, date(2026, 5, 17), messages, 0, 0, heard)


def sources(sent: Sequence[Sent], most: int = 2000) -> tuple[SourceLine, ...]:
    found = []
    for number, one in enumerate(sent):
        parts = zip(
            *(share_out(getattr(one, name), one.sources) for name in ("messages", "passing", "quarantined", "rejected", "untold")),
            strict=True,
        )
        for at, (messages, passing, quarantined, rejected, untold) in enumerate(parts):
            if len(found) < most:
                found.append(
                    SourceLine(
                        f"192.0.{number % 250}.{at % 250}", f"host-{at}.{one.name}"[:200], "AS64500 Example Hosting", "DE", one.name, one.of,
                        messages, passing, passing, passing // 2, messages - quarantined - rejected - untold, quarantined, rejected,
                    )
                )  # fmt: skip
    return tuple(found)


def summary(domain: str = "example.com", sent: Sequence[Sent] = TYPICAL, reporters: Sequence[str] = REPORTERS) -> Summary:
    """A summary of a domain with these senders."""
    sent = sorted(sent, key=lambda one: -one.messages)
    messages = sum(one.messages for one in sent)
    first, tail = sent[:500], sent[500:]
    forged = [one for one in sent if one.of is SenderClass.UNAUTHORISED]
    forgers = Groups(tuple(group(one.name, [one]) for one in forged[:25]), rest_of(forged[25:]))
    one_group = Groups((group("AS64500 Example Hosting", forged),)) if forged else Groups()
    found = sources(sent)
    whole = group("", sent)
    known = sum(one.messages for one in found), sum(one.passing for one in found)
    sources_rest = Rest()
    if known[0] < messages:
        sources_rest = Rest(
            whole.sources - len(found), messages - known[0], whole.passing - known[1], whole.delivered - sum(one.delivered for one in found),
            whole.quarantined - sum(one.quarantined for one in found), whole.rejected - sum(one.rejected for one in found),
        )  # fmt: skip
    senders = tuple(SenderTrend(line(one), points(one), weeks(one), one.is_new) for one in first)
    reporter_lines = []
    shares = [
        share_out(getattr(whole, name), max(len(reporters), 1)) for name in ("messages", "passing", "quarantined", "rejected", "untold")
    ]
    for at, name in enumerate(reporters):
        told, passing, quarantined, rejected, untold = (one[at] for one in shares)
        since = date(2026, 5, 15) if at == 3 else None
        delivered = told - quarantined - rejected - untold
        reporter_lines.append(ReporterLine(name, 7, told, passing, delivered, quarantined, rejected, at < 4, since, 0))
    by_class = {one.sender_class: one.messages for one in totals(sent)}
    return Summary(
        domain=domain,
        period=WEEK,
        made=MADE,
        verdict=SummaryVerdict(
            Tone.BAD,
            "Act: mail of your own is being stopped.",
            ("Billwell: 470 of its 489 messages were stopped, as they fail DMARC.", "1 new sender that nobody knows: deskpilot.example."),
            f"{domain}: 1 new sender, 1 sender failing, week 20",
            (Reason(Finding.OWN_STOPPED, Tone.BAD, 1, 470, 489, ("Billwell",)),),
        ),
        figures=figures(sent),
        classes=totals(sent),
        has_before=True,
        timeline=timeline(domain),
        to_do=to_do(domain),
        senders=senders,
        senders_rest={of: rest_of([one for one in tail if one.of is of]) for of in {one.of for one in tail}},
        unauthorised=Unauthorised(
            forgers, one_group, replace(one_group, groups=tuple(replace(one, key="NL") for one in one_group.groups)),
            replace(one_group, groups=tuple(replace(one, key=domain) for one in one_group.groups)),
        ),
        readiness=readiness(domain, sent),
        coverage=coverage(reporters, messages),
        ledger=LedgerCounts(36, 33, 2, 1, 0, 1, 2, messages, MADE),
        complete=True,
        restated=(Restated(datetime(2026, 5, 4, tzinfo=UTC), WEEK.begin, "week 19 of 2026", MADE - timedelta(days=7), {FigureName.REPORTED: 5100}, {FigureName.REPORTED: 5146}),),
        spans=spans(sent),
        weeks=(),
        matrix=matrix(sent, reporters),
        networks=Groups((group("AS64500 Example Hosting", sent[:2]), group("AS64511 Other Networks", sent[2:]))) if sent[2:] else Groups((whole,) if sent else ()),
        tables=Tables(
            found, sources_rest, tuple(reporter_lines), Rest(),
            (AuthorLine(domain, messages, whole.passing, by_class),) if sent else (), Rest(),
        ),
        has_dns=True,
        has_owner_list=True,
        has_networks=True,
        catalogue="2026-05",
        attribution=("IP to country by DB-IP",),
    )  # fmt: skip


def rest_of(some: Sequence[Sent]) -> Rest:
    whole = group("", some)
    return Rest(len(some), whole.messages, whole.passing, whole.delivered, whole.quarantined, whole.rejected) if some else Rest()


def overview(one: Summary) -> OverviewLine:
    forged = one.of_class(SenderClass.UNAUTHORISED)
    return OverviewLine(
        one.domain, one.verdict.tone, one.verdict.sentence, one.verdict.subject, one.messages, one.figure(FigureName.REPORTED).before,
        one.figure(FigureName.PASSING).messages, one.figure(FigureName.YOURS_FAILING).messages, one.figure(FigureName.FORWARDED).messages,
        forged.messages, forged.delivered, one.of_class(SenderClass.UNKNOWN).messages, one.readiness.present.text, one.readiness.verdict.answer.value, len(one.to_do),
    )  # fmt: skip


def together(*every: Summary, has_reports: bool = True) -> Summaries:
    """Summaries of several domains, or of one."""
    first = every[0].verdict if every else None
    return Summaries(
        WEEK, MADE, tuple(map(overview, every)), every, (), has_reports,
        first.subject if first else "dmarcscope: no reports yet", first.sentence if first else "There are no reports yet.",
        first.tone if first else Tone.NEUTRAL, "2026-05", ("IP to country by DB-IP",),
    )  # fmt: skip


def typical() -> Summaries:
    """One domain, a week like others: somebody fails, somebody is new, somebody forges."""
    return together(summary())


def several() -> Summaries:
    """Three domains, of which one is quiet and one has no mail."""
    quiet = replace(
        summary("example.org", TYPICAL[:1], REPORTERS[:3]),
        verdict=SummaryVerdict(Tone.GOOD, "All is well.", ("All 2,187 messages pass.",), "example.org: all is well, week 20", ()),
        to_do=(),
        timeline=Timeline(WEEK.first_day, WEEK.last_day, ()),
    )
    return together(summary(), without_mail().summaries[0], quiet)


def nothing() -> Summaries:
    """No reports at all, of no domain."""
    return together(has_reports=False)


def without_mail() -> Summaries:
    """A domain with reports of other weeks, and none of this."""
    bare = summary("example.net", (), ())
    return together(
        replace(
            bare,
            verdict=SummaryVerdict(Tone.WARNING, "No reports came about this week.", ("4 usual reporters are silent.",), "example.net: no reports, week 20", ()),
            timeline=Timeline(None, None, ()),
            to_do=(),
            coverage=Coverage(None, None, None, 0, 0, 0, ()),
            ledger=LedgerCounts(),
            restated=(),
            complete=False,
            has_before=False,
            figures=tuple(replace(one, before=None, whole_before=None) for one in bare.figures),
            has_networks=False,
            networks=Groups(),
        )
    )  # fmt: skip


def one_sender() -> Summaries:
    """A domain with one sender, one address and one reporter."""
    alone = summary("example.org", (Sent("mail.example.org", YOURS_ALIGNED, 1, 1, before=1, sources=1),), ("Google LLC",))
    verdict = SummaryVerdict(Tone.GOOD, "All is well.", ("The one message passes.",), "example.org: all is well, week 20", ())
    return together(replace(alone, verdict=verdict, to_do=(), timeline=Timeline(WEEK.first_day, WEEK.last_day, ()), restated=()))


def huge() -> Summaries:
    """600 senders, of which 500 have a line, and 30,000 addresses."""
    classes = tuple(SenderClass)
    sent = [
        Sent(f"sender-{at:03}.customers.example", classes[at % 6], 9000 - at * 13, (9000 - at * 13) if at % 6 == 0 else (9000 - at * 13) // 3, before=9000 - at * 11, sources=50)
        for at in range(600)
    ]  # fmt: skip
    return together(summary("example.com", sent, [f"reporter {at:02}" for at in range(12)]))


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "javascript:alert(3)",
    "<a href='javascript:alert(4)'>here</a>",
    "</script><script>alert(5)</script>",
    "evil\u202egnp.exe\u200b",
    "{{ 7 * 7 }}{% raw %}",
    "%{customdata}%{meta[0]}<b>bold</b>&lt;i&gt;",
    "nul\x00esc\x1b[31mred\r\nBcc: x@example.org",
    "A" * 1_000_000,
    "=cmd|'/c calc'!A1",
    "https://evil.example/track.png",
)
"""What a stranger might write into any field."""


def hostile() -> Summaries:
    """Every foreign field holds hostile text."""
    classes = tuple(SenderClass)
    sent = [Sent(text, classes[at % 6], 50 - at, 20 - at, before=10) for at, text in enumerate(HOSTILE)]
    bad = summary(HOSTILE[0], sent, HOSTILE)
    changes = tuple(
        replace(one, words=HOSTILE[at], what=HOSTILE[at], causes=(Cause(HOSTILE[1], Rests.DNS, None, HOSTILE[4]),))
        for at, one in enumerate(bad.timeline.changes)
    )
    things = tuple(
        replace(one, subject=HOSTILE[at], what=HOSTILE[1], why=HOSTILE[3], records=HOSTILE, command=HOSTILE[4], documentation=HOSTILE[2])
        for at, one in enumerate(bad.to_do)
    )
    all_groups = Groups(tuple(group(text, [sent[at]]) for at, text in enumerate(HOSTILE)))
    worst = replace(
        bad,
        verdict=replace(bad.verdict, sentence=HOSTILE[0], because=HOSTILE, subject=HOSTILE[8]),
        timeline=replace(bad.timeline, changes=changes),
        to_do=things,
        unauthorised=Unauthorised(all_groups, all_groups, all_groups, all_groups),
        networks=all_groups,
        tables=replace(
            bad.tables,
            sources=tuple(replace(one, source_ip=text, name=text, network=text, country=text, sender=text) for one, text in zip(bad.tables.sources, HOSTILE, strict=False)),
            authors=tuple(AuthorLine(text, 5, 1, dict.fromkeys(SenderClass, 0)) for text in HOSTILE),
        ),
        readiness=replace(
            bad.readiness,
            domain=HOSTILE[0],
            present=replace(bad.readiness.present, text=HOSTILE[1]),
            advice=HOSTILE,
            next_step=replace(bad.readiness.next_step, what=HOSTILE[0], line=HOSTILE[4], also=HOSTILE, hint=HOSTILE[3]),
            reject=replace(bad.readiness.reject, because=HOSTILE, gates=(gate(Passage.CLOSED, HOSTILE[0], HOSTILE[1], HOSTILE[3]),)),
        ),
        restated=(replace(bad.restated[0], label=HOSTILE[4]),),
        catalogue=HOSTILE[0],
        attribution=HOSTILE,
    )  # fmt: skip
    return replace(together(worst), sentence=HOSTILE[0], subject=HOSTILE[8], catalogue=HOSTILE[0], attribution=HOSTILE)


def right_to_left() -> Summaries:
    """Names that are written from right to left, beside others."""
    names = ("בריד ישראל", "شركة البريد", "mail.example.com", "دائرة <test> 123")
    sent = [Sent(name, tuple(SenderClass)[at], 400 - at * 50, 300 - at * 90, before=350) for at, name in enumerate(names)]
    return together(summary("xn--4dbrk0ce.example", sent, ("גוגל", "Outlook.com", "ياهو")))


def long_names() -> Summaries:
    """Names as long as they may be, with and without a place to break."""
    names = (
        "a" * 255,
        "-".join(["very"] * 50),
        "WWWWWWWWWW." * 23 + "example",
        "the same beginning, thirty letters long, one",
        "the same beginning, thirty letters long, two",
    )
    sent = [Sent(name, tuple(SenderClass)[at % 6], 400 - at * 50, 300 - at * 70, before=350) for at, name in enumerate(names)]
    return together(summary("subdomain." * 20 + "example.com", sent, ("R" * 255, "reporter with a long name and many words " * 5)))


ALL = {
    "typical": typical,
    "several": several,
    "nothing": nothing,
    "without-mail": without_mail,
    "one-sender": one_sender,
    "huge": huge,
    "hostile": hostile,
    "right-to-left": right_to_left,
    "long-names": long_names,
}
"""All of them by name."""
