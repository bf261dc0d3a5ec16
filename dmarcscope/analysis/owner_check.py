"""Hold the owner's list against the mail that was reported: what is unlisted, silent, overdue, failing, or passes and must not.

Windows count back from the day of the check: the last 7 days against the 28 before for what began to fail; volume in the last 7 days
whose reports are likely in, as reports come up to 72 hours late. A report's messages belong to the day on which its period begins.
"""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dmarcscope.analysis.interval import wilson
from dmarcscope.model.owner_list import Label, ListedSender, OwnerList
from dmarcscope.model.verdict import YOURS, SenderClass

WEEK, BEFORE = 7, 28
LAG = 3
"""Days in which reports may still come."""
LOOK_BACK = 91
"""Days that are looked at: a quarter of a year tells whether a sender was there before."""
ASKED_ABOUT = YOURS | {SenderClass.UNKNOWN}
"""Classes whose senders belong on the list; who forwards or is unauthorised does not."""
PASSED_ON = {SenderClass.FORWARDED, SenderClass.MAILING_LIST}
"""Classes that show, where most of a sender's mail is of them, that the rest is passed on as well."""


class FindingKind(StrEnum):
    """What may be found, the most pressing first."""

    NO_REPORTS = "no-reports"
    NOT_OURS_PASSES = "not-ours-passes"
    FAILING = "failing"
    UNLISTED = "unlisted"
    SILENT = "silent"
    VOLUME = "volume"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on something is told: unlisted senders with so many messages in 28 days, and so many days of silence."""

    least_messages: int = 10
    silent_days: int = 14


@dataclass(frozen=True, slots=True)
class SenderDay:
    """The messages of one sender and class on one day. ``domains``: those that the list or the question names and that this mail is of."""

    sender: str
    sender_class: SenderClass
    domains: tuple[str, ...]
    day: date
    last_seen: date
    messages: int
    dmarc_pass: int


@dataclass(frozen=True, slots=True)
class OwnerFinding:
    """One thing to do about the list or a sender. ``line``: of the entry in the file; 0 if there is none."""

    kind: FindingKind
    sender: str
    what: str
    since: date | None
    figure: str
    fix: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the list, the day, the limits, and one domain with those below it, or all."""

    owner: OwnerList
    today: date
    limits: Limits = Limits()
    domain: str | None = None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The domains that mail must be told apart by."""
        named = {name for entry in self.owner.senders for name in entry.domains}
        return tuple(sorted(named | ({self.domain} if self.domain else set())))

    def days(self, last: int) -> date:
        """The first of the last so many days; the day of the check is one of them."""
        return self.today - timedelta(days=last - 1)


def check_list(question: Question, rows: Iterable[SenderDay]) -> list[OwnerFinding]:
    """All that is found, the most pressing kind first; then unlisted senders by their messages, others in the order of the list."""
    asked = [row for row in rows if row.day <= question.today and (question.domain is None or question.domain in row.domains)]
    mail = shared_out(question.owner.senders, asked)
    entries = [entry for entry in question.owner.senders if concerns(entry, question.domain)]
    found = [finding for entry in entries for finding in of_entry(question, entry, mail.get(entry, ()), asked)]
    found += unlisted(question, mail.get(None, ()))
    found += no_reports(question, asked)
    order = list(FindingKind)
    return sorted(found, key=lambda finding: order.index(finding.kind))


def shared_out(entries: Sequence[ListedSender], rows: Iterable[SenderDay]) -> dict[ListedSender | None, list[SenderDay]]:
    """The rows of each entry, the first that fits; under None those of no entry."""
    named: dict[str, list[ListedSender]] = {}
    for entry in entries:
        named.setdefault(entry.name.casefold(), []).append(entry)
    shared: dict[ListedSender | None, list[SenderDay]] = {}
    for row in rows:
        fitting = (entry for entry in named.get(row.sender.casefold(), ()) if not entry.domains or set(entry.domains) & set(row.domains))
        shared.setdefault(next(fitting, None), []).append(row)
    return shared


def concerns(entry: ListedSender, domain: str | None) -> bool:
    """Whether an entry says something about a domain or what is below it."""
    return domain is None or not entry.domains or any(related(name, domain) for name in entry.domains)


def related(one: str, other: str) -> bool:
    """Whether one of two domains is the other or below it."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def seen_whole(entry: ListedSender, domain: str | None) -> bool:
    """Whether all mail that an entry is about is asked for, so that its volume can be judged."""
    return domain is None or (bool(entry.domains) and all(name == domain or name.endswith(f".{domain}") for name in entry.domains))


def of_entry(question: Question, entry: ListedSender, rows: Sequence[SenderDay], every: Sequence[SenderDay]) -> Iterator[OwnerFinding]:
    """What is found about one entry."""
    yield from overdue(question, entry)
    if entry.label is Label.NOT_OURS:
        yield from passing(question, entry, rows)
    if entry.label is not Label.OURS:
        return
    yield from failing(question, entry, rows)
    gone = list(silent(question, entry, rows, every))
    yield from gone or volume(question, entry, rows, every)


def overdue(question: Question, entry: ListedSender) -> Iterator[OwnerFinding]:
    """The day to look at the entry again is past."""
    if entry.review is None or entry.review >= question.today:
        return
    days = (question.today - entry.review).days
    owner = f"Ask {entry.owner} whether" if entry.owner else "See whether"
    fix = f"{owner} it is still needed; then: {command('accept', entry.name)} --review YYYY-MM-DD"
    yield OwnerFinding(FindingKind.OVERDUE, entry.name, "its review is due", entry.review, counted(days, "day"), fix, entry.line)


def passing(question: Question, entry: ListedSender, rows: Sequence[SenderDay]) -> Iterator[OwnerFinding]:
    """Mail passes DMARC of a sender that is none of ours."""
    recent = [row for row in rows if row.day >= question.days(BEFORE) and row.dmarc_pass]
    if not recent:
        return
    messages = sum(row.dmarc_pass for row in recent)
    fix = (
        "Its key or address is still in your DNS: take out its DKIM key and SPF term"
        f" (dmarcscope explain {shlex.quote(entry.name)} names them); or {command('accept', entry.name)}"
    )
    what, figure = "is listed as not ours, and its mail passes DMARC", f"{counted(messages, 'message')} in {BEFORE} days"
    yield OwnerFinding(FindingKind.NOT_OURS_PASSES, entry.name, what, min(row.day for row in recent), figure, fix, entry.line)


def failing(question: Question, entry: ListedSender, rows: Sequence[SenderDay]) -> Iterator[OwnerFinding]:
    """The share that passes has fallen, and further than chance explains: the intervals of both spans do not overlap."""
    start = question.days(WEEK)
    now = [row for row in rows if row.day >= start]
    before = [row for row in rows if start - timedelta(days=BEFORE) <= row.day < start]
    if not now or not before:
        return
    low = wilson(*passed(before)).low
    if wilson(*passed(now)).high >= low:
        return
    fell = (day for day in sorted({row.day for row in now}) if wilson(*passed([row for row in now if row.day == day])).high < low)
    figure = f"{percent(*passed(now))} pass in the last {WEEK} days, {percent(*passed(before))} in the {BEFORE} before"
    fix = f"See what changed: dmarcscope changes, dmarcscope explain {shlex.quote(entry.name)}"
    yield OwnerFinding(FindingKind.FAILING, entry.name, "its mail has begun to fail DMARC", next(fell, start), figure, fix, entry.line)


def passed(rows: Iterable[SenderDay]) -> tuple[int, int]:
    """Messages that pass, and all."""
    rows = list(rows)
    return sum(row.dmarc_pass for row in rows), sum(row.messages for row in rows)


def silent(question: Question, entry: ListedSender, rows: Sequence[SenderDay], every: Sequence[SenderDay]) -> Iterator[OwnerFinding]:
    """No mail of a sender that was there before, or that is expected; where nobody's mail is reported, nobody is silent."""
    first = question.days(question.limits.silent_days)
    if not any(row.last_seen >= first for row in every) or any(row.last_seen >= first and row.messages for row in rows):
        return
    last = max((row.last_seen for row in rows), default=None)
    awaited = entry.expected is not None and entry.expected[0] > 0 and seen_whole(entry, question.domain)
    if last is None and not awaited:
        return
    figure = f"{counted((question.today - last).days, 'day')} ago" if last else f"never in the last {LOOK_BACK} days"
    fix = "See whether it still sends for you; if not, take it off the list, and its key and SPF term out of your DNS"
    yield OwnerFinding(FindingKind.SILENT, entry.name, "sends nothing any more", last, figure, fix, entry.line)


def volume(question: Question, entry: ListedSender, rows: Sequence[SenderDay], every: Sequence[SenderDay]) -> Iterator[OwnerFinding]:
    """More or fewer messages a week than expected."""
    if entry.expected is None or not seen_whole(entry, question.domain):
        return
    end = question.today - timedelta(days=LAG)
    start = end - timedelta(days=WEEK - 1)
    messages = sum(row.messages for row in rows if start <= row.day <= end)
    low, high = entry.expected
    # Too few can be said only of a week that reports tell of from its first day to its last.
    whole_week = any(row.day <= start for row in every) and any(row.day >= end for row in every)
    if messages > high:
        what, fix = "sends more than expected", "See what it sends, and whether all of it is yours"
    elif messages < low and whole_week:
        what, fix = "sends less than expected", "See whether something does not go out"
    else:
        return
    fix = f"{fix}; if it stays so: {command('accept', entry.name)} --expected FROM-TO"
    figure = f"{counted(messages, 'message')} in the week to {end}, expected {low:,} to {high:,}"
    yield OwnerFinding(FindingKind.VOLUME, entry.name, what, start, figure, fix, entry.line)


def unlisted(question: Question, rows: Iterable[SenderDay]) -> Iterator[OwnerFinding]:
    """Senders of mail that is or may be ours, on no list."""
    sums: dict[str, list[SenderDay]] = {}
    for row in rows:
        if row.sender_class in ASKED_ABOUT or row.sender_class in PASSED_ON:
            sums.setdefault(row.sender, []).append(row)
    found = []
    for sender, days in sums.items():
        recent = [row for row in days if row.day >= question.days(BEFORE) and row.sender_class in ASKED_ABOUT]
        messages = sum(row.messages for row in recent)
        others = sum(row.messages for row in days if row.day >= question.days(BEFORE) and row.sender_class in PASSED_ON)
        if messages >= max(1, question.limits.least_messages, others):
            found.append((messages, sender, min(row.day for row in days), {row.sender_class for row in recent}))
    for messages, sender, first, classes in sorted(found, key=lambda each: (-each[0], each[1])):
        what = (
            "sends as you and is on no list" if classes & YOURS else "sends under your name, nobody knows whether it may, and is on no list"
        )
        fix = f"See who it is: dmarcscope explain {shlex.quote(sender)}; then: {command('accept', sender)}, or reject"
        yield OwnerFinding(FindingKind.UNLISTED, sender, what, first, f"{counted(messages, 'message')} in {BEFORE} days", fix)


def no_reports(question: Question, rows: Sequence[SenderDay]) -> Iterator[OwnerFinding]:
    """Nothing was reported of late: what the list says cannot be checked."""
    last = max((row.last_seen for row in rows), default=None)
    first = question.days(question.limits.silent_days)
    if last is not None and last >= first:
        return
    figure = f"none in {LOOK_BACK} days" if last is None else f"the last {counted((question.today - last).days, 'day')} ago"
    fix = "See dmarcscope status, and whether the reports still come in; --on DAY checks as of another day"
    yield OwnerFinding(FindingKind.NO_REPORTS, "", "no reports come in, so that most of this cannot be checked", last, figure, fix)


def command(verb: str, sender: str) -> str:
    """A command that says something of a sender."""
    return f"dmarcscope senders {verb} {shlex.quote(sender)}"


def counted(count: int, one: str) -> str:
    """A number with its noun."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"


def percent(part: int, whole: int) -> str:
    """A share in percent."""
    return f"{100 * part / whole:.1f} %" if whole else "–"
