"""What changed around the mail: policies as reporters read them, DNS records as they were seen, reporters that fell silent or came back.

Facts: some reporters read an old policy for weeks, and some tell tags that others do not. Strategy: a tag is what most of the mail was
judged by, each reporter's word counting until it says another; one that never changes its word can so never make a change.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from dmarcscope.analysis.change_points import Part
from dmarcscope.analysis.changes import digits, with_share
from dmarcscope.analysis.coverage import LOOK_BACK, Habit, patience, usual
from dmarcscope.analysis.streams import Days
from dmarcscope.model.answer import Outcome
from dmarcscope.model.change import Change, Figures, Kind, PolicyTally, Sureness, Tone
from dmarcscope.model.observation import Change as Seen
from dmarcscope.model.observation import Observation
from dmarcscope.parse.spf_meant import spf_records

DAY = timedelta(days=1)
WEEK = 7
LAGGING = timedelta(days=7)
"""How long after a change most reporters have read it."""
STRICTNESS = {"none": 0, "quarantine": 1, "reject": 2}
MANY = 3
"""So many reporters on one day are one change."""
MOST_NAMED = 5

# Policies.


def policy_changes(tallies: Iterable[PolicyTally], days: Days) -> Iterator[Change]:
    """What the owner asked for, tag by tag; tags that change within days are one change."""
    by_domain: dict[str, list[PolicyTally]] = defaultdict(list)
    for one in tallies:
        by_domain[one.domain].append(one)
    for domain, every in sorted(by_domain.items()):
        tags = sorted({tag for one in every for tag in one.tags}, key=TAG_ORDER.index)
        found = sorted((flip for tag in tags for flip in flips(tag, every)), key=lambda flip: flip.day)
        while found:
            together = [flip for flip in found if flip.day - found[0].day <= 2 * DAY]
            found = found[len(together) :]
            yield policy_change(domain, together, every, days)


TAG_ORDER = ("p", "sp", "np", "adkim", "aspf", "pct", "testing")


@dataclass(frozen=True, slots=True)
class Flip:
    """A tag that has another value for most of the mail since a day; ``settled`` is when most of the mail was judged by it."""

    tag: str
    old: str
    new: str
    day: date
    settled: date


def flips(tag: str, tallies: Sequence[PolicyTally]) -> Iterator[Flip]:
    """Where the value of a tag changed for most of the mail."""
    told = [one for one in tallies if tag in one.tags]
    weights: dict[str, int] = defaultdict(int)
    for one in told:
        weights[one.reporter] += one.messages
    # A report about several days read the policy some time within them.
    words = sorted(told, key=lambda one: (one.last, one.messages))
    values = {one.reporter: one.tags[tag] for one in reversed(words)}
    turned: dict[tuple[str, str], date] = {}
    current = leading(values, weights)
    for one in words:
        value = one.tags[tag]
        if values[one.reporter] != value:
            turned[one.reporter, value] = one.last
            values[one.reporter] = value
        leader = leading(values, weights)
        if leader != current and current is not None and leader is not None:
            first = min((day for (_, new), day in turned.items() if new == leader and one.last - day <= LAGGING), default=one.last)
            yield Flip(tag, current, leader, first, one.last)
        current = leader


def leading(values: Mapping[str, str], weights: Mapping[str, int]) -> str | None:
    """The value that most of the mail was judged by."""
    sums: dict[str, int] = defaultdict(int)
    for reporter, value in values.items():
        sums[value] += weights[reporter]
    return max(sums, key=lambda value: (sums[value], value), default=None)


def policy_change(domain: str, flipped: Sequence[Flip], every: Sequence[PolicyTally], days: Days) -> Change:
    """Some tags that changed together, and what became of failing mail in the weeks before and after."""
    day, settled = flipped[0].day, max(flip.settled for flip in flipped)
    before = stopped(every, day - WEEK * DAY, day - DAY)
    after = stopped(every, settled, settled + (WEEK - 1) * DAY)
    parts = ", ".join(f"{flip.tag}={flip.old} → {flip.tag}={flip.new}" for flip in flipped)
    words = f"policy of {domain}: {parts}"
    if min(before.trials, after.trials) > 0:
        words += f"; of mail that fails, {digits(before.share)} was stopped in the week before, {digits(after.share)} in the week after"
    old = {f"{flip.tag}_before": flip.old for flip in flipped}
    return Change(
        day,
        Kind.POLICY,
        policy_tone(flipped),
        domain,
        domain,
        words,
        Sureness.SEEN,
        not_before=max(days.first, day - DAY),
        before=with_share(before, before.trials, WEEK) if before.trials else None,
        after=with_share(after, after.trials, WEEK) if after.trials else None,
        more={**old, **{f"{flip.tag}_after": flip.new for flip in flipped}},
    )


def policy_tone(flipped: Iterable[Flip]) -> Tone:
    """Stricter is good, weaker is a warning."""
    steps = [STRICTNESS[flip.new] - STRICTNESS[flip.old] for flip in flipped if {flip.new, flip.old} <= STRICTNESS.keys()]
    if any(step < 0 for step in steps):
        return Tone.WARNING
    return Tone.GOOD if steps else Tone.NEUTRAL


def stopped(every: Iterable[PolicyTally], first: date, last: date) -> Part:
    """How much of the mail that failed was quarantined or rejected, in reports that lie within some days."""
    within = [one for one in every if first <= one.first and one.last <= last]
    return Part(sum(one.stopped for one in within), sum(one.failing for one in within))


# DNS.


def dns_changes(seen: Iterable[Seen]) -> Iterator[Change]:
    """Records of SPF, DMARC and DKIM that are others than before; both answers were seen."""
    for one in seen:
        before, after = one.before, one.after
        if before is None or not (subject := subject_of(after.question.name, before, after)):
            continue
        difference = spf_difference(before, after) if subject == "SPF" else one.difference
        if difference:
            yield dns_change(subject, before, after, difference)


def subject_of(name: str, before: Observation, after: Observation) -> str:
    """Which kind of record a TXT name holds, empty if none that matters here."""
    if after.question.kind != "TXT":
        return ""
    if name.startswith("_dmarc."):
        return "DMARC"
    if "._domainkey." in name:
        return "DKIM"
    return "SPF" if any(spf_records(one.records).candidates for one in (before, after)) else ""


def spf_difference(before: Observation, after: Observation) -> tuple[str, ...]:
    """What has changed in the SPF records of a name; its other texts are of no matter."""
    old, new = (spf_records(one.records).candidates for one in (before, after))
    if sorted(old) == sorted(new):
        return ()
    if len(old) == len(new) == 1:
        was, now = old[0].split(), new[0].split()
        return (*(f"- {term}" for term in was if term not in now), *(f"+ {term}" for term in now if term not in was)) or (f"~ {new[0]}",)
    return (*(f"- {text}" for text in old if text not in new), *(f"+ {text}" for text in new if text not in old))


def dns_change(subject: str, before: Observation, after: Observation, difference: Sequence[str]) -> Change:
    """One record that changed between two answers."""
    name = after.question.name
    gone = after.outcome is not Outcome.FOUND or not after.records
    several = subject == "SPF" and len(spf_records(after.records).candidates) > 1
    made = before.outcome is not Outcome.FOUND
    verb = "vanished from the DNS" if gone else "was published" if made else "changed"
    what = {"SPF": f"SPF record of {name}", "DMARC": f"DMARC record {name}", "DKIM": f"DKIM key {name}"}[subject]
    words = f"{what} {verb}"
    if several:
        words = f"{name} has {len(spf_records(after.records).candidates)} SPF records now, which together are a permanent error"
    elif not gone and not made:
        words += f": {'; '.join(difference[:3])}{' …' if len(difference) > 3 else ''}"
    day, earliest = after.first_seen.date(), before.last_seen.date()
    return Change(
        day,
        Kind.DNS,
        Tone.BAD if several else Tone.WARNING if gone else Tone.NEUTRAL,
        domain_of(name),
        name,
        words,
        Sureness.SEEN,
        not_before=earliest if earliest < day else None,
        mechanism=subject,
        more={"difference": "\n".join(difference), "state": "gone" if gone else "new" if made else "changed"},
    )


def domain_of(name: str) -> str:
    """The domain that a record is of.

    >>> domain_of("s1._domainkey.example.com"), domain_of("_dmarc.example.com"), domain_of("example.com")
    ('example.com', 'example.com', 'example.com')
    """
    return name.rpartition("_domainkey.")[2].removeprefix("_dmarc.")


# Reporters.


def reporter_changes(habits: Iterable[Habit], last: date) -> Iterator[Change]:
    """Usual reporters that fell silent, or came back; several on one day are one change."""
    silent: dict[date, list[tuple[Habit, Figures]]] = defaultdict(list)
    back: dict[date, list[tuple[Habit, Figures]]] = defaultdict(list)
    habits = list(habits)
    earliest = min((day for one in habits for day in one.by_day), default=last)
    for one in habits:
        known = sorted(day for day in one.by_day if day <= last)
        for place, (day, following) in enumerate(pairwise([*known, last + DAY]), 1):
            # A pause within the data ends with the next report, one at its end with the data.
            pause = (following - day).days - (following > last)
            if pause <= patience(one, known[:place]) or not usual(one, earliest, day):
                continue
            silent[day + DAY].append((one, recent(one, day)))
            if following <= last:
                back[following].append((one, recent(one, day)))
    yield from reporters_at(silent, Kind.REPORTER_SILENT)
    yield from reporters_at(back, Kind.REPORTER_BACK)


def recent(one: Habit, day: date) -> Figures:
    """What a reporter told in the four weeks up to a day."""
    within = {known: messages for known, messages in one.by_day.items() if 0 <= (day - known).days < LOOK_BACK}
    return Figures(sum(within.values()), (day - min(within)).days + 1)


def reporters_at(found: Mapping[date, Sequence[tuple[Habit, Figures]]], kind: Kind) -> Iterator[Change]:
    """Reporters day by day."""
    for day, some in sorted(found.items()):
        every = sorted(some, key=lambda one: (-one[1].a_week, one[0].reporter))
        groups = [every] if len(every) >= MANY else [[one] for one in every]
        for group in groups:
            yield reporter_change(day, group, kind)


def reporter_change(day: date, group: Sequence[tuple[Habit, Figures]], kind: Kind) -> Change:
    """One or several reporters that fell silent, or came back."""
    names = [one.reporter for one, _ in group]
    whole = Figures(sum(figures.messages for _, figures in group), max(figures.days for _, figures in group))
    listed = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    silent = kind is Kind.REPORTER_SILENT
    verb = (
        "reports no more"
        if silent and len(names) == 1
        else "report no more"
        if silent
        else "reports again"
        if len(names) == 1
        else "report again"
    )
    words = f"{listed} {verb}; before, {whole.a_week:,.0f} messages a week"
    tone = Tone.WARNING if silent else Tone.GOOD
    return Change(
        day,
        kind,
        tone,
        "",
        listed,
        words,
        Sureness.SEEN,
        before=whole,
        after=Figures(0, 0) if silent else None,
        more={"reporters": len(names)},
    )
