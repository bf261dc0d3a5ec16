"""Which change explains another; and which of many changes are worth telling.

Strategy: a change that only says what another says, too, goes into its causes; changes of the same kind and cause on one day are one; of
what is left, the most telling stay. Nothing is said to be a cause that came later, or more than a few days before.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import log10

from dmarcscope.analysis.streams import YOURS
from dmarcscope.model.answer import Outcome
from dmarcscope.model.change import Cause, Change, Kind, Rests, Result, Sureness, Timeline, Tone
from dmarcscope.model.observation import Observation
from dmarcscope.model.source_check import SpfToday
from dmarcscope.parse.spf_meant import spf_records
from dmarcscope.parse.tag_list import first_values, tag_list
from dmarcscope.parse.zone_line import txt_line

SOON = timedelta(days=3)
"""A change of the DNS shows within this time: that is how long answers are kept, at the most."""
BESIDE = timedelta(days=2)
"""Days between two changes that are about one thing."""
LATELY = timedelta(days=30)
COMPARED = timedelta(days=14)
"""Days before and after a change whose results are compared."""
WEIGHT = {Tone.BAD: 3.0, Tone.WARNING: 2.0, Tone.GOOD: 1.2, Tone.NEUTRAL: 1.0}
SENDER_LIFE = {Kind.SENDER_NEW: Kind.SELECTOR_NEW, Kind.SENDER_GONE: Kind.SELECTOR_GONE, Kind.SENDER_BACK: Kind.SELECTOR_BACK}
ALIKE = (Kind.FAILING, Kind.FAILING_ALONE, Kind.RECOVERED, Kind.RECOVERED_ALONE, Kind.SENDER_GONE)
"""Changes that are one if they have the same cause on the same day."""


@dataclass(frozen=True, slots=True)
class Known:
    """What causes are looked for in, beside the changes themselves.

    ``results``: those of senders whose shares changed. ``today``: TXT answers of the DNS as they were last seen, by name. ``sources``: of a
    sender. ``spf_today``: what SPF says today of a source and a domain.
    """

    results: Sequence[Result] = ()
    today: Mapping[str, Observation] | None = None
    sources: Mapping[str, Sequence[str]] | None = None
    spf_today: Mapping[tuple[str, ...], SpfToday] | None = None


def timeline(changes: Iterable[Change], known: Known, first: date | None, last: date | None, limit: int | None) -> Timeline:
    """The changes with their causes: those that are worth most, oldest first."""
    every = list(changes)
    told = folded([with_causes(change, every, known) for change in every])
    ranked = by_worth(told)
    kept, rest = (ranked, []) if limit is None else (ranked[:limit], ranked[limit:])
    order = list(Kind)
    kept.sort(key=lambda change: (change.day, change.domain, -WEIGHT[change.tone], order.index(change.kind), change.what))
    left_out = Counter(change.kind for change in rest)
    return Timeline(first, last, tuple(kept), {kind: left_out[kind] for kind in Kind if left_out[kind]})


def by_worth(changes: Iterable[Change]) -> list[Change]:
    """Changes, those most worth telling first. Of what happens again and again at a domain, each further one is worth less."""
    ranked = sorted(changes, key=lambda change: (-score(change), change.day, change.kind, change.domain, change.what))
    before: Counter[tuple[str, Kind]] = Counter()
    worth: list[tuple[float, int, Change]] = []
    for place, change in enumerate(ranked):
        worth.append((score(change) / (1 + before[change.domain, change.kind] / 2), -place, change))
        before[change.domain, change.kind] += 1
    return [change for _, _, change in sorted(worth, key=lambda one: one[:2], reverse=True)]


def score(change: Change) -> float:
    """How much a change is worth telling: by what it is, and by how much mail it is about."""
    # What lasts a day is as much mail as there is in it.
    sides = [side for side in (change.before, change.after) if side]
    affected = max((side.messages if change.kind is Kind.BURST else side.a_week for side in sides), default=100.0)
    return WEIGHT[change.tone] * log10(10 + affected) * (0.7 if change.sure is Sureness.LIKELY else 1.0)


# Causes.


def with_causes(change: Change, every: Sequence[Change], known: Known) -> Change:
    """A change with what explains it."""
    finders: dict[Kind, tuple[Callable[[Change, Sequence[Change], Known], Iterator[Cause]], ...]] = {
        Kind.FAILING: (of_mechanism,),
        Kind.FAILING_ALONE: (of_mechanism,),
        Kind.RECOVERED: (of_dns,),
        Kind.RECOVERED_ALONE: (of_dns,),
        Kind.SENDER_NEW: (of_selector,),
        Kind.SENDER_GONE: (of_selector, of_successor),
        Kind.SENDER_BACK: (of_selector,),
        Kind.SELECTOR_NEW: (of_rotation,),
        Kind.POLICY: (of_dmarc_record,),
    }
    causes = [cause for find in finders.get(change.kind, ()) for cause in find(change, every, known)]
    return replace(change, causes=(*change.causes, *causes)) if causes else change


def of_mechanism(change: Change, every: Sequence[Change], known: Known) -> Iterator[Cause]:
    """Why DKIM or SPF of a sender fails since a day: what reporters say, what the DNS did, and how it stands today."""
    for mechanism in ("DKIM", "SPF"):
        if mechanism in change.mechanism:
            before, after = around(change, mechanism, known.results)
            yield from (of_spf if mechanism == "SPF" else of_dkim)(change, before, after, every, known)


Results = Mapping[tuple[str, str, str], int]
"""Messages by identity, selector and result."""


def around(change: Change, mechanism: str, results: Iterable[Result]) -> tuple[Results, Results]:
    """The results of a sender's mail in the time before and after a change."""
    sides: tuple[Counter[tuple[str, str, str]], Counter[tuple[str, str, str]]] = (Counter(), Counter())
    end = (change.until or change.day + COMPARED) + timedelta(days=1)
    for one in results:
        mine = (one.domain, one.sender, one.mechanism) == (change.domain, change.what, mechanism)
        if mine and change.day - COMPARED <= one.day < end:
            sides[one.day >= change.day][one.identity, one.selector, one.result] += one.messages
    return sides


def is_within(name: str, domain: str) -> bool:
    """Whether a name is a domain or below it."""
    return name == domain or name.endswith(f".{domain}")


def most(results: Results, which: Callable[[str, str, str], bool]) -> tuple[str, str, str] | None:
    """The result that most of the mail has, among some; None if that is little of all."""
    chosen = {key: count for key, count in results.items() if which(*key)}
    best = max(chosen, key=lambda key: (chosen[key], key), default=None)
    return best if best is not None and chosen[best] > 0.2 * sum(results.values()) else None


def of_spf(change: Change, before: Results, after: Results, every: Sequence[Change], known: Known) -> Iterator[Cause]:
    """Why SPF is no longer aligned."""
    span = span_of(change)
    was = most(before, lambda name, _, result: is_within(name, change.domain) and result == "pass")
    failing = most(after, lambda name, _, result: is_within(name, change.domain) and result not in {"pass", ""})
    if failing is None:
        other = most(after, lambda name, _selector, _result: bool(name) and not is_within(name, change.domain))
        if other is not None and was is not None:
            yield Cause(f"its return path is in {other[0]} {span}; before, it was in {was[0]}", Rests.REPORTS, change.day)
        return
    name, _, result = failing
    yield Cause(f"SPF of {name} gives {result} {span}, reporters say", Rests.REPORTS, change.day)
    yield from dns_causes(change, {name}, every)
    yield from spf_today(change, name, every, known)


def span_of(change: Change) -> str:
    """When a change holds, in words."""
    if change.until is None:
        return f"since {words_of(change.day)}"
    return f"on {words_of(change.day)}" if change.until == change.day else f"from {words_of(change.day)} to {words_of(change.until)}"


def spf_today(change: Change, name: str, every: Sequence[Change], known: Known) -> Iterator[Cause]:
    """How SPF of a name stands today, with a record that mends it where one follows."""
    seen = (known.today or {}).get(name)
    choice = spf_records(seen.records if seen is not None else ())
    if seen is not None and len(choice.candidates) > 1:
        at = seen.last_seen.date()
        what = f"{name} has {len(choice.candidates)} SPF records, which together are a permanent error (DNS, {at:%Y-%m-%d})"
        yield Cause(what, Rests.TODAY, at, txt_line(name, choice.problems[0].fix))
        yield from newcomers(change, choice.candidates, every)
        return
    if seen is not None and not choice.candidates:
        yield Cause(f"{name} has no SPF record (DNS, {seen.last_seen.date():%Y-%m-%d})", Rests.TODAY, seen.last_seen.date())
        return
    checks = [(known.spf_today or {}).get((ip, name)) for ip in (known.sources or {}).get(change.what, ())]
    told = Counter((check.result, check.reason) for check in checks if check is not None and check.result is not None)
    if told:
        (now, reason), _ = told.most_common(1)[0]
        words = "it passes" if now == "pass" else f"it gives {now}: {reason}" if reason else f"it gives {now}"
        yield Cause(words, Rests.TODAY)


def newcomers(change: Change, records: Sequence[str], every: Sequence[Change]) -> Iterator[Cause]:
    """Senders that were new shortly before, and that one of several records names."""
    for other in every:
        if other.kind is Kind.SENDER_NEW and other.domain == change.domain and change.day - LATELY <= other.day <= change.day:
            naming = next((text for text in records if any(names(term, other.what) for term in text.split()[1:])), None)
            if naming is not None:
                yield Cause(f"«{naming}» names {other.what}, which is new since {words_of(other.day)}", Rests.CHANGE, other.day)


def names(term: str, sender: str) -> bool:
    """Whether a term of an SPF record points into a sender's domain.

    >>> names("include:_spf.deskpilot.example", "deskpilot.example"), names("ip4:192.0.2.1", "example.com")
    (True, False)
    """
    return "." in sender and is_within(term.partition(":")[2].lower(), sender)


def of_dkim(change: Change, before: Results, after: Results, every: Sequence[Change], known: Known) -> Iterator[Cause]:
    """Why DKIM is no longer aligned."""
    was = most(before, lambda name, _, result: is_within(name, change.domain) and result == "pass")
    failing = most(after, lambda name, _, result: is_within(name, change.domain) and result not in {"pass", "none", ""})
    since = span_of(change)
    if failing is not None:
        name, selector, result = failing
        key = f"{selector}._domainkey.{name}" if selector else name
        new = was is not None and selector and was[1] and (name, selector) != was[:2]
        sign = f" (before, it signed with {was[1]}._domainkey.{was[0]})" if new and was else ""
        yield Cause(f"signatures of {key} give {result} {since}, reporters say{sign}", Rests.REPORTS, change.day)
        found = list(dns_causes(change, {key}, every)) if selector else []
        yield from found
        yield from key_today(key, known, told=bool(found)) if selector else ()
        return
    other = most(after, lambda name, _, result: bool(name) and result == "pass" and not is_within(name, change.domain))
    if other is not None:
        yield Cause(f"it signs only as {other[0]} {since}", Rests.REPORTS, change.day)
    elif was is not None and not any(name for (name, _, result) in after if result not in {"none", ""}):
        yield Cause(f"its mail is not signed any more {since}", Rests.REPORTS, change.day)
    if was is not None and was[1]:
        yield from dns_causes(change, {f"{was[1]}._domainkey.{was[0]}"}, every)


def key_today(key: str, known: Known, *, told: bool) -> Iterator[Cause]:
    """That a key is not there today."""
    seen = (known.today or {}).get(key)
    if seen is None or told:
        return
    at = seen.last_seen.date()
    if seen.outcome is not Outcome.FOUND:
        yield Cause(f"there is no key at {key} (DNS, {at:%Y-%m-%d})", Rests.TODAY, at)
    elif all(first_values(tag_list(text)).get("p", "").strip() == "" for text in seen.records):
        yield Cause(f"the key at {key} is revoked: it is empty (DNS, {at:%Y-%m-%d})", Rests.TODAY, at)


def of_dns(change: Change, every: Sequence[Change], known: Known) -> Iterator[Cause]:
    """Why mail passes again: a record that was changed shortly before."""
    identities = {
        f"{one.selector}._domainkey.{one.identity}" if one.selector else one.identity
        for one in known.results
        if (one.domain, one.sender) == (change.domain, change.what) and one.result == "pass" and is_within(one.identity, change.domain)
    }
    yield from dns_causes(change, identities, every)


def dns_causes(change: Change, names: Iterable[str], every: Sequence[Change]) -> Iterator[Cause]:
    """Changes of the DNS at some names that came shortly before a change, or may have."""
    wanted = set(names)
    for other in every:
        if other.kind is Kind.DNS and other.what in wanted and may_precede(other, change):
            yield Cause(f"{dns_words(other)}", Rests.DNS, other.day)


def dns_words(change: Change) -> str:
    """A change of the DNS, with its day."""
    when = f"on {words_of(change.day)}"
    if change.not_before is not None:
        when = f"between {words_of(change.not_before)} and {words_of(change.day)}"
    return f"{change.words} ({when})"


def may_precede(cause: Change, effect: Change) -> bool:
    """Whether a change happened, or may have happened, within SOON before another; what is told by days may be a day late."""
    earliest, latest = cause.not_before or cause.day, cause.day
    begun = effect.not_before or effect.day
    return earliest <= effect.day and latest >= begun - SOON


def of_selector(change: Change, every: Sequence[Change], _known: Known) -> Iterator[Cause]:
    """The selector that came or went with a sender."""
    for other in every:
        if is_of_sender(other, change):
            yield Cause(f"its selector is {other.what}" if change.kind is not Kind.SENDER_GONE else other.words, Rests.CHANGE, other.day)


def is_of_sender(selector: Change, sender: Change) -> bool:
    """Whether a selector came or went as its sender did."""
    same = selector.domain == sender.domain and selector.more.get("sender") == sender.what
    return same and selector.kind is SENDER_LIFE.get(sender.kind) and abs(selector.day - sender.day) <= COMPARED


def of_successor(change: Change, every: Sequence[Change], _known: Known) -> Iterator[Cause]:
    """The sender of yours that is new since one of yours is gone."""
    for other in every:
        mine = other.role == change.role == YOURS and other.domain == change.domain
        if mine and other.kind is Kind.SENDER_NEW and abs(other.day - change.day) <= SOON:
            yield Cause(f"{other.what} is new since {words_of(other.day)}, and may have taken its place", Rests.CHANGE, other.day)


def of_rotation(change: Change, every: Sequence[Change], _known: Known) -> Iterator[Cause]:
    """The selector whose place another takes."""
    for other in every:
        if is_replaced(other, change):
            yield Cause(
                f"it takes the place of {other.what}, last seen on {words_of(other.day - timedelta(days=1))}", Rests.CHANGE, other.day
            )


def is_replaced(old: Change, new: Change) -> bool:
    """Whether one selector of a sender gave way to another."""
    same = old.domain == new.domain and old.more.get("sender") == new.more.get("sender")
    pair = (old.kind, new.kind) == (Kind.SELECTOR_GONE, Kind.SELECTOR_NEW)
    return pair and same and abs(old.day - new.day) <= COMPARED


def of_dmarc_record(change: Change, every: Sequence[Change], _known: Known) -> Iterator[Cause]:
    """The DMARC record that was seen to change."""
    yield from dns_causes(change, {f"_dmarc.{change.domain}"}, every)


# Folding.


def folded(changes: Sequence[Change]) -> list[Change]:
    """Without changes that another tells as its cause; those of the same kind, day and cause in one."""
    kept = [change for change in changes if not any(tells(other, change) for other in changes)]
    groups: dict[tuple[object, ...], list[Change]] = defaultdict(list)
    for change in kept:
        cause = change.causes[0].words if change.causes and change.kind in ALIKE else ""
        alike = (change.domain, change.kind, change.mechanism, change.day, cause) if cause else (id(change),)
        groups[alike].append(change)
    return [group[0] if len(group) == 1 else joined(group) for group in groups.values()]


def tells(other: Change, change: Change) -> bool:
    """Whether a change is told by another: a selector's by its sender's, an old selector's by the new one's, a record's
    by what it explains.
    """
    if is_of_sender(change, other) or is_replaced(change, other):
        return True
    if change.kind is Kind.DNS:
        return any(cause.rests is Rests.DNS and cause.words == dns_words(change) for cause in other.causes)
    # Mail that others pass on breaks with the key that signed it.
    broken = other.kind is Kind.FAILING and "DKIM" in other.mechanism and other.role == YOURS
    passed_on = change.kind is Kind.FAILING and change.role != YOURS and change.domain == other.domain
    return broken and passed_on and abs(change.day - other.day) <= BESIDE


def joined(group: Sequence[Change]) -> Change:
    """Changes with the same cause as one, told by the largest."""
    first, *others = sorted(group, key=lambda change: (-score(change), change.what))
    named = ", ".join(change.what for change in others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
    return replace(first, words=f"{first.words}; likewise {named}", more={**first.more, "also": ", ".join(one.what for one in others)})


def words_of(day: date) -> str:
    """A day in words.

    >>> words_of(date(2026, 5, 2))
    '2 May'
    """
    return f"{day.day} {day:%B}"
