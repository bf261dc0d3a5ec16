"""What changed in the mail of a period: senders and selectors that are new or gone, volumes, shares that pass, bursts of forged mail.

Strategy: volumes are compared over reporters that were heard before and after, so that a reporter who falls silent is one change and not
ten. What is told of several days is spread over them, and says nothing about the day on which a share changed where there is better.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from dmarcscope.analysis.change_points import VERY_SURE, WEEK, Part, Shift, Step, bursts, steps, weeks_around
from dmarcscope.analysis.naming import NAMELESS, NOT_LOOKED_UP
from dmarcscope.analysis.streams import COUNTS, FORWARDED, UNAUTHORISED, UNKNOWN, YOURS, Days, Heard, Stream, add, days_between
from dmarcscope.model.change import Change, Figures, Kind, SelectorTally, Sureness, Tone

NAMES = {"dmarc": "DMARC", "dkim": "DKIM", "spf": "SPF"}
EXPECTED = 20.0
"""Messages that were to be expected in the time in which there is none: by chance, that happens once in 500 million such times."""
FRESH = timedelta(days=28)
"""In this time a new sender must send enough to be told."""
FEWEST_NEW = 20
ENOUGH_AT_ONCE = 100
"""So many messages may come within a day or two; fewer must come on three days at least."""
CLEARLY_THERE = 50
"""With so many messages it is beyond doubt that a sender was there."""
DAYS_BEFORE = 7
"""Days of data that are needed to say that something was not there before."""
GONE_DAYS = 14
BACK_DAYS = 21
"""Days of silence after which a sender is gone; or was, if it is back."""
PAUSES = 2
"""And how many times as long as any pause before."""
NEAR = 2
"""Days between changes that are one."""
SHORT = 3
"""Days after which what failed and recovered is told as one."""
FEWEST_SHORT = 50
"""Messages that must fail for that to be told."""


def sender_changes(every: Sequence[Stream], heard: Heard, days: Days) -> Iterator[Change]:
    """All that changed in the mail of senders."""
    for stream in every:
        if stream.role == UNAUTHORISED:
            yield from burst_changes(stream, days)
            yield from volume_changes(without_bursts(stream), heard, days)
            continue
        if is_nameless(stream):
            yield from burst_changes(stream, days)
        yield from lifetime(stream, heard, days, SENDER_KINDS)
        yield from volume_changes(stream, heard, days)
        yield from share_changes(stream, days)


# Volumes.


def volume_changes(stream: Stream, heard: Heard, days: Days) -> Iterator[Change]:
    """Where a sender began to send more, or less, week by week; while it was there at all."""
    active = [at for at, count in enumerate(stream.messages) if count]
    if not active:
        return
    begin, end = (0, len(days)) if stream.role == UNAUTHORISED else (active[0], active[-1] + 1)
    while True:
        shifts = [shift for at in range(begin, end) if (shift := shift_at(stream, heard, begin, at, end)) and shift.is_told]
        best = max(shifts, key=lambda shift: (shift.contrast, -shift.at), default=None)
        if best is None:
            return
        yield volume_change(stream, best, days)
        begin = best.at  # what was before is told


def shift_at(stream: Stream, heard: Heard, begin: int, at: int, end: int) -> Shift | None:
    """The whole weeks before and after a day, of reporters that were heard in each of them."""
    before, after = weeks_around(begin, at, end)
    if min(len(before), len(after)) < 2:
        return None
    weeks = [*before, *after]
    common = heard.through(weeks, stream.by_reporter)
    if not common:
        return None
    sums = [sum(sum(stream.by_reporter[reporter][week.start : week.stop]) for reporter in common) for week in weeks]
    if stream.role != UNAUTHORISED and not all(sums):
        return None  # gone for a time, which is told as such
    return Shift(at, tuple(sums[: len(before)]), tuple(sums[len(before) :]))


def volume_change(stream: Stream, shift: Shift, days: Days) -> Change:
    """A shift as a change."""
    grown = shift.ratio > 1
    forged = stream.role == UNAUTHORISED
    before = Figures(sum(shift.before), WEEK * len(shift.before))
    after = Figures(sum(shift.after), WEEK * len(shift.after))
    what = "mail that nobody authorised" if forged else stream.name
    verb = "more" if grown else "less"
    words = f"{what}: {verb} than before, {before.a_week:,.0f} → {after.a_week:,.0f} messages a week"
    tone = (Tone.WARNING if grown else Tone.GOOD) if forged else Tone.NEUTRAL
    kind = Kind.SENDER_GROWN if grown else Kind.SENDER_SHRUNK
    sure = Sureness.CLEAR if shift.is_clear else Sureness.LIKELY
    return Change(days.day(shift.at), kind, tone, stream.domain, stream.name, words, sure, role=stream.role, before=before, after=after)


# Mail that nobody authorised.


def is_nameless(stream: Stream) -> bool:
    """Whether it is mail of unknown hosts: where nobody has looked them up, forged mail is among it."""
    return stream.role == UNKNOWN and (stream.name in {NAMELESS, NOT_LOOKED_UP} or stream.name.startswith("unknown hosts at "))


def burst_changes(stream: Stream, days: Days) -> Iterator[Change]:
    """Days with far more forged mail than usual; hosts and deliveries are filled in later."""
    counts = stream.exact["messages"]
    usual = sorted(counts)[len(counts) // 2]
    for found in bursts(counts):
        messages = sum(counts[found.start : found.stop])
        first, last = days.day(found.start), days.day(found.stop - 1)
        yield Change(
            first,
            Kind.BURST,
            Tone.WARNING,
            stream.domain,
            stream.name,
            burst_words(stream.role, messages),
            Sureness.CLEAR,
            until=last if last != first else None,
            role=stream.role,
            before=Figures(usual, 1),
            after=Figures(messages, len(found)),
        )


def burst_words(role: str, messages: int) -> str:
    """A burst in words."""
    return f"burst of {messages:,} unauthorised messages" if role == UNAUTHORISED else f"burst of {messages:,} messages of unknown senders"


def burst_told(change: Change, messages: int, hosts: int, delivered: int) -> Change:
    """A burst with what is known of its days: messages, hosts, and how many were delivered."""
    fate = f"{percent(Part(delivered, messages).share)} of them delivered"
    words = f"{burst_words(change.role, messages)} from {hosts:,} host{'' if hosts == 1 else 's'}, {fate}"
    side = Figures(messages, change.after.days if change.after else 1)
    return replace(change, words=words, after=side, more={"hosts": hosts, "delivered": delivered})


def without_bursts(stream: Stream) -> Stream:
    """The same with bursts cut down to a usual day, which leaves what goes on."""
    calm: dict[str, list[int]] = {}
    burst = {at for found in bursts(stream.exact["messages"]) for at in found}
    for reporter, counts in stream.by_reporter.items():
        usual = sorted(counts)[len(counts) // 2]
        calm[reporter] = [usual if at in burst else count for at, count in enumerate(counts)]
    return Stream(stream.domain, stream.name, stream.role, stream.whole, stream.sharp, calm)


# New, gone, back.

SENDER_KINDS = (Kind.SENDER_NEW, Kind.SENDER_GONE, Kind.SENDER_BACK)
SELECTOR_KINDS = (Kind.SELECTOR_NEW, Kind.SELECTOR_GONE, Kind.SELECTOR_BACK)
Kinds = tuple[Kind, Kind, Kind]


def lifetime(stream: Stream, heard: Heard, days: Days, kinds: Kinds) -> Iterator[Change]:
    """When a sender or selector was first seen, fell silent, and came back."""
    active = [at for at, count in enumerate(stream.messages) if count]
    if not active:
        return
    new, gone, back = kinds
    if is_new(stream, heard, active):
        yield life_change(stream, days, new, active[0], active[-1] + 1)
    for number, (last, following) in enumerate(pairwise([*active, len(days)]), 1):
        if is_gone(stream, heard, active[:number], following):
            yield life_change(stream, days, gone, last + 1, following, since=active[0])
            # A pause that ends is told as such; what is seen at its end needs to be more than a straggler.
            if following < len(days) and following - last > BACK_DAYS and is_enough(stream, following):
                yield life_change(stream, days, back, following, active[-1] + 1)


def is_new(stream: Stream, heard: Heard, active: Sequence[int]) -> bool:
    """Whether a sender would have been seen before, had it been there."""
    first = active[0]
    begun = [next((at for at, one in enumerate(heard.of(reporter)) if one), first) for reporter in stream.by_reporter]
    if not is_enough(stream, first) or first - min(begun, default=first) < DAYS_BEFORE:
        return False
    return missed(stream, heard, range(first), range(first, active[-1] + 1)) >= EXPECTED


def is_enough(stream: Stream, first: int) -> bool:
    """Whether a sender sends enough after a day to be told of."""
    fresh = stream.messages[first : first + FRESH.days]
    return sum(fresh) >= (FEWEST_NEW if sum(count > 0 for count in fresh) >= 3 else ENOUGH_AT_ONCE)


def is_gone(stream: Stream, heard: Heard, active: Sequence[int], following: int) -> bool:
    """Whether a sender that was seen on some days is gone from the last of them until the day ``following``."""
    pause = following - active[-1] - 1
    longest = max((later - earlier - 1 for earlier, later in pairwise(active)), default=0)
    if len(active) < 3 or pause < max(GONE_DAYS, PAUSES * longest):
        return False
    return missed(stream, heard, range(active[-1] + 1, following), range(active[0], active[-1] + 1)) >= EXPECTED


def missed(stream: Stream, heard: Heard, silent: range, life: range) -> float:
    """Messages to be expected in a silent time by what each reporter told in the life of a sender, on the days it was heard."""
    expected = 0.0
    for reporter, counts in stream.by_reporter.items():
        told = heard.of(reporter)
        alive = sum(told[life.start : life.stop])
        if alive:
            expected += sum(counts[life.start : life.stop]) / alive * sum(told[silent.start : silent.stop])
    return expected


def life_change(stream: Stream, days: Days, kind: Kind, at: int, end: int, since: int = 0) -> Change:
    """A sender or selector that is new, gone or back, from the day ``at``."""
    ended = kind in {Kind.SENDER_GONE, Kind.SELECTOR_GONE}
    there = figures(stream, range(since, at)) if ended else figures(stream, range(at, end))
    nothing = Figures(0, end - at if ended else at)
    quantity = f"{there.a_week:,.0f} messages a week"
    if not ended and stream.role != "selector":
        quantity += f", of which {percent(there.share)} pass DMARC"
    seen = {Kind.SENDER_NEW: "new", Kind.SENDER_BACK: "back again", Kind.SELECTOR_NEW: "new", Kind.SELECTOR_BACK: "back again"}
    words = f"{stream.name}: gone after {quantity}" if ended else f"{stream.name}: {seen[kind]}, {quantity}"
    sure = Sureness.CLEAR if there.messages >= CLEARLY_THERE else Sureness.LIKELY
    return Change(
        days.day(at),
        kind,
        life_tone(stream.role, there, ended=ended),
        stream.domain,
        stream.name,
        words,
        sure,
        role=stream.role,
        before=there if ended else nothing,
        after=nothing if ended else there,
    )


def life_tone(role: str, there: Figures, *, ended: bool) -> Tone:
    """What it is to the owner: somebody unknown who begins to send, or one of their own who stops, wants looking at."""
    if ended:
        return Tone.WARNING if role == YOURS else Tone.NEUTRAL
    failing = role == YOURS and (there.share or 0.0) < 0.5
    return Tone.WARNING if failing or role == UNKNOWN else Tone.NEUTRAL


def figures(stream: Stream, days: range) -> Figures:
    """Messages of some days, and the share of them that passes."""
    messages = sum(stream.messages[days.start : days.stop])
    return with_share(Part(sum(stream.whole["dmarc"][days.start : days.stop]), messages), messages, len(days))


def with_share(part: Part, messages: int, days: int) -> Figures:
    """Figures with a share and its interval."""
    low, high = part.interval(1.959963984540054)
    return Figures(messages, days, round(part.share, 4), round(low, 4), round(high, 4))


def percent(share: float | None) -> str:
    """A share in words.

    >>> percent(0.0), percent(0.9996), percent(0.5)
    ('none', '99.9 %', '50 %')
    """
    return {0.0: "none", 1.0: "all"}.get(share or 0.0, digits(share))


def digits(share: float | None) -> str:
    """A share in figures; never rounded up to all or down to nothing.

    >>> digits(1.0), digits(0.9996), digits(0.5), digits(0.0001)
    ('100 %', '99.9 %', '50 %', '0.1 %')
    """
    value = 100 * (share or 0.0)
    if 0.0 < value < 1.0 or 99.0 < value < 100.0:
        return f"{min(max(value, 0.1), 99.9):.1f} %"
    return f"{value:.0f} %"


# Shares that pass.


def share_changes(stream: Stream, days: Days) -> Iterator[Change]:
    """Where mail began to fail or to pass; DKIM or SPF alone, where DMARC still passes through the other."""
    exact = stream.exact
    # Forwarders and lists break what they break, more or less; the author's own servers tell better what changed.
    names = ("dmarc",) if stream.role in FORWARDED else ("dmarc", "dkim", "spf")
    found = {name: list(short_joined(steps(exact["messages"], exact[name]))) for name in names}
    used: set[tuple[str, int]] = set()
    for step, until in found["dmarc"]:
        same = [
            (name, other) for name in names[1:] for other, _ in found[name] if other.down == step.down and abs(other.at - step.at) <= NEAR
        ]
        used.update((name, other.at) for name, other in same)
        mechanism = " and ".join(NAMES[name] for name, _ in sorted(same))
        yield share_change(stream, step, until, mechanism, "dmarc", days)
    for name in names[1:]:
        for step, until in found[name]:
            if (name, step.at) not in used:
                yield share_change(stream, step, until, NAMES[name], name, days)


def short_joined(found: Sequence[Step]) -> Iterator[tuple[Step, int | None]]:
    """Steps; one down that is soon followed by one up is told with its last day, and is worth telling only if it is large."""
    skip = False
    for place, step in enumerate(found):
        following = found[place + 1] if place + 1 < len(found) else None
        if skip:
            skip = False
            continue
        if following is not None and step.down and not following.down and following.at - step.at <= SHORT:
            skip = True
            if step.after.trials - step.after.successes >= FEWEST_SHORT:
                yield step, following.at - 1
            continue
        yield step, None


def share_change(stream: Stream, step: Step, until: int | None, mechanism: str, name: str, days: Days) -> Change:
    """A step as a change."""
    alone = name != "dmarc"
    by_kind = {
        (True, False): (Kind.FAILING, Tone.BAD if stream.role == YOURS else Tone.WARNING),
        (False, False): (Kind.RECOVERED, Tone.GOOD),
        (True, True): (Kind.FAILING_ALONE, Tone.WARNING),
        (False, True): (Kind.RECOVERED_ALONE, Tone.GOOD),
    }
    kind, tone = by_kind[step.down, alone]
    counts = stream.exact["messages"]
    told = [at for at in range(step.begin, step.at) if counts[at]]
    not_before = days.day(told[-1] + 1) if told and told[-1] + 1 < step.at else None
    before = with_share(step.before, sum(stream.messages[step.begin : step.at]), step.at - step.begin)
    after = with_share(step.after, sum(stream.messages[step.at : step.end]), step.end - step.at)
    other = "DKIM" if name == "spf" else "SPF"
    passing = Part(sum(stream.exact["dmarc"][step.at : step.end]), step.after.trials).share
    return Change(
        days.day(step.at),
        kind,
        tone,
        stream.domain,
        stream.name,
        share_words(
            stream.name, kind, mechanism, before, after, f"{percent(passing)} of it still passes DMARC, by {other}", over=until is not None
        ),
        Sureness.CLEAR if step.apart(VERY_SURE) else Sureness.LIKELY,
        not_before=not_before,
        until=None if until is None else days.day(until),
        role=stream.role,
        mechanism=mechanism,
        before=before,
        after=after,
    )


def share_words(name: str, kind: Kind, mechanism: str, before: Figures, after: Figures, still: str, *, over: bool) -> str:
    """A change of a share in words; ``over``: it lasted for some days only."""
    shares = f"{digits(before.share)} → {digits(after.share)} of {after.a_week:,.0f} messages a week"
    verbs = {
        Kind.FAILING: f"{name} {'failed DMARC' if over else 'fails DMARC now'}: the share that passes went {shares}",
        Kind.RECOVERED: f"{name} passes DMARC again: {shares}",
        Kind.FAILING_ALONE: f"{mechanism} of {name} {'was not aligned' if over else 'is not aligned any more'}: {shares}; {still}",
        Kind.RECOVERED_ALONE: f"{mechanism} of {name} is aligned now: {shares}",
    }
    return verbs[kind]


# Selectors.


def selector_changes(tallies: Iterable[SelectorTally], heard: Heard, days: Days) -> Iterator[Change]:
    """DKIM selectors of the domains that are new, gone or back. One that never passed is somebody's who has no key."""
    found: dict[tuple[str, str], Stream] = {}
    passing: set[tuple[str, str]] = set()
    senders: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in tallies:
        name = f"{one.selector}._domainkey.{one.signer}"
        key = one.domain, name
        if key not in found:
            found[key] = Stream(*key, "selector", {count: days.zeros() for count in COUNTS}, {count: days.zeros() for count in COUNTS})
        shares = days_between(one.first, one.last, one.messages)
        add(found[key].whole["messages"], days, shares)
        add(found[key].by_reporter.setdefault(one.reporter, days.zeros()), days, shares)
        if one.passing:
            passing.add(key)
        senders[key][one.sender] += one.messages
    for key in sorted(passing):
        sender = max(senders[key], key=lambda name: (senders[key][name], name))
        for change in lifetime(found[key], heard, days, SELECTOR_KINDS):
            yield with_sender(change, sender)


def with_sender(change: Change, sender: str) -> Change:
    """The change of a selector with the sender that signs with it."""
    ended = change.kind is Kind.SELECTOR_GONE
    there = change.before if ended else change.after
    amount = f"{there.a_week:,.0f} messages a week" if there else ""
    verb = {
        Kind.SELECTOR_NEW: "signs with a new selector",
        Kind.SELECTOR_BACK: "signs again with",
        Kind.SELECTOR_GONE: "no longer signs with",
    }
    words = f"{sender} {verb[change.kind]} {change.what}, {'after ' if ended else ''}{amount}"
    plain = replace(there, share=None, low=None, high=None) if there else None
    before, after = (plain, change.after) if ended else (change.before, plain)
    return replace(change, words=words, tone=Tone.NEUTRAL, more={"sender": sender}, before=before, after=after)
