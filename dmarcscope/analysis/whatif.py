"""Replay records under another policy or other SPF results, as RFC 9989 has it (§4.4, §4.7, §4.10.1, §5.3).

Facts: a receiver's own verdict counts where the change leaves alone what it rests on. Under another mode, alignment is computed anew from
the results; strict alignment that passed is relaxed alignment, too, and relaxed alignment that failed no strict one. What cannot be
known makes a fate «cannot be told», unless the policy is none or the receiver would let the message through anyhow.
A line is a row of ``whatif_questions.alike``.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dmarcscope.align.alignment import OrganizationalOf, is_within
from dmarcscope.align.policy import of_tag, subdomain_policy
from dmarcscope.align.tree_walk import existence
from dmarcscope.analysis.interval import wilson
from dmarcscope.analysis.policy_record import with_tags, written
from dmarcscope.analysis.recomputed import TRUTH, dkim, spf
from dmarcscope.model.discovery import Existence
from dmarcscope.model.dmarc_record import Alignment, DmarcRecord, Standing
from dmarcscope.model.observation import Observation
from dmarcscope.model.verdict import LEGITIMATE, SenderClass
from dmarcscope.model.whatif import ARRIVES, STOPPED, Change, Fate, Move, Risk, SelfCheck, SenderFate, Tally
from dmarcscope.model.words import Policy, SpfResult

FATES = {Policy.NONE: Fate.DELIVERED, Policy.QUARANTINE: Fate.QUARANTINED, Policy.REJECT: Fate.REJECTED}
THEN = {"none": "delivered", "pass": "delivered", "quarantine": "quarantined", "reject": "rejected"}
NOT_TOLD = "not told"
SAME = {("delivered", fate) for fate in ARRIVES} | {("quarantined", Fate.QUARANTINED), ("rejected", Fate.REJECTED)}
"""What a receiver did and a fate that is the same."""
KEPT_REASONS = frozenset({"mailing_list", "trusted_forwarder", "forwarded", "local_policy arc"})
"""Why a receiver let through what fails, and will again: it knows the way that the message came."""
FIELDS = {
    Fate.DELIVERED: ("delivered",),
    Fate.OVERRIDDEN: ("delivered", "overridden"),
    Fate.QUARANTINED: ("quarantined",),
    Fate.REJECTED: ("rejected",),
    Fate.UNTOLD: ("untold",),
}
"""What a fate is counted in."""

COMPUTED = {"dkim": dkim, "spf": spf}

Line = Mapping[str, Any]


def nowhere_missing(_: str) -> Existence:
    """Of no name it is known whether it exists."""
    return Existence.UNKNOWN


@dataclass(frozen=True, slots=True)
class World:
    """What lines are replayed under.

    ``record``: the policy record of ``domain``; None where the policies of then go on. ``existing``: whether an author domain exists.
    ``spf``: by source, the result of the changed SPF record of ``domain``, None where it cannot be told; empty if that does not change.
    ``without``: the senders that are left out.
    """

    domain: str
    record: DmarcRecord | None
    owner_of: OrganizationalOf
    existing: Callable[[str], Existence] = nowhere_missing
    spf: Mapping[str, SpfResult | None] = field(default_factory=dict)
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of all lines; ``untold_spf`` messages rest on the SPF result of then, as the new one cannot be told."""

    total: Tally
    lines: tuple[SenderFate, ...]
    moves: tuple[Move, ...]
    risk: Risk
    leaving: int
    untold_spf: int


def replay(lines: Iterable[Line], world: World, weeks: float) -> Replay:
    """What would become of every message; ``weeks`` is the length of the period."""
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    moves: Counter[tuple[str, Fate]] = Counter()
    records: Counter[tuple[str, Fate]] = Counter()
    leaving = untold_spf = 0
    for line in lines:
        fate, then = fate_of(line, world), THEN.get(line["disposition"], NOT_TOLD)
        count(tallies[line["sender"] or "", line["class"] or SenderClass.UNKNOWN], line, then, fate)
        moves[then, fate] += line["messages"]
        records[then, fate] += line["records"]
        leaving += line["messages"] * (line["sender"] in world.without)
        untold_spf += line["messages"] * is_spf_untold(line, world)
    found = [SenderFate(sender, sender_class, tally) for (sender, sender_class), tally in tallies.items()]
    return Replay(
        summed(each.tally for each in found),
        tuple(sorted(found, key=worst_first)),
        tuple(Move(then, fate, moves[then, fate], records[then, fate]) for then, fate in sorted(records)),
        risk(found, world.without, weeks),
        leaving,
        untold_spf,
    )


def fate_of(line: Line, world: World) -> Fate:
    """What would become of the messages of a line."""
    passes = dmarc_passes(line, world)
    if passes:
        return Fate.DELIVERED
    policy = policy_of(line, world)
    if policy is Policy.NONE:
        return Fate.DELIVERED
    # RFC 9989 §5.3: receivers may depart from the policy, for reasons that they know.
    if THEN.get(line["disposition"]) == "delivered" and KEPT_REASONS.intersection(line["reasons"] or ()):
        return Fate.OVERRIDDEN
    return Fate.UNTOLD if passes is None or policy is None else FATES[policy]


def dmarc_passes(line: Line, world: World) -> bool | None:
    """Whether DKIM or SPF passes and is aligned; None if that cannot be known."""
    if line["sender"] in world.without:
        return False
    record = record_for(line, world)
    verdicts = (dkim_aligned(line, record.adkim, world.owner_of), spf_aligned(line, record.aspf, world))
    # RFC 9989 §4.4: one of the two is enough.
    if any(verdicts):
        return True
    return None if None in verdicts else False


def dkim_aligned(line: Line, mode: Alignment, owner_of: OrganizationalOf) -> bool | None:
    """Whether DKIM is aligned under a mode."""
    known = by_verdict(line["dkim_aligned"], mode_of(line["adkim"]), mode)
    return known if known is not None else computed(line, "dkim", mode, owner_of)


def spf_aligned(line: Line, mode: Alignment, world: World) -> bool | None:
    """Whether SPF is aligned under a mode, and with the changed record."""
    changed = with_spf(line, world)
    if changed is None:
        known = by_verdict(line["spf_aligned"], mode_of(line["aspf"]), mode)
        return known if known is not None else computed(line, "spf", mode, world.owner_of)
    return computed({**changed, "spf_aligned": None}, "spf", mode, world.owner_of)


def with_spf(line: Line, world: World) -> dict[str, Any] | None:
    """A line with the results of the changed SPF record; None if it has the results that it had."""
    result = world.spf.get(line["source_ip"]) if line["spf_names_domain"] else None
    if result is None:
        return None
    passed = {*line["spf_passed"]} - {world.domain} | ({world.domain} if result is SpfResult.PASS else set())
    untold = [name for name in line["spf_untold"] if name != world.domain]
    if passed == {*line["spf_passed"]} and untold == [*line["spf_untold"]]:
        return None
    return {**line, "spf_passed": sorted(passed), "spf_untold": untold}


def is_spf_untold(line: Line, world: World) -> bool:
    """Whether SPF of a line should be evaluated anew, and could not be."""
    return bool(line["spf_names_domain"]) and line["source_ip"] in world.spf and world.spf[line["source_ip"]] is None


def by_verdict(told: bool | None, then: Alignment, mode: Alignment) -> bool | None:
    """What a receiver's verdict under the mode of then says about a mode; None if nothing.

    >>> by_verdict(False, Alignment.RELAXED, Alignment.STRICT), by_verdict(True, Alignment.RELAXED, Alignment.STRICT)
    (False, None)
    """
    # RFC 9989 §4.4: what is aligned strictly is so in relaxed mode, and what is not in relaxed mode is not in strict.
    return told if then is mode or told is (then is Alignment.STRICT) else None


def computed(line: Line, kind: str, mode: Alignment, owner_of: OrganizationalOf) -> bool | None:
    """Alignment from the results themselves."""
    # A receiver that saw something pass and does not tell what leaves nothing to compute from.
    if line[f"{kind}_aligned"] and not line[f"{kind}_passed"]:
        return None
    return TRUTH[COMPUTED[kind]({**line, "adkim": mode.value, "aspf": mode.value}, owner_of).verdict]


def mode_of(told: str | None) -> Alignment:
    """The mode of then; RFC 9989 §4.7: relaxed is the default, and counts for a value that is none."""
    return Alignment.STRICT if told == Alignment.STRICT else Alignment.RELAXED


def record_for(line: Line, world: World) -> DmarcRecord:
    """The policy record that applies to a line."""
    return world.record if world.record is not None and is_governed(line, world.domain) else record_of(line)


def is_governed(line: Line, domain: str) -> bool:
    """Whether the record of a domain is the one for a line: not for names below it that have a record of their own."""
    author, where = line["header_from"], line["policy_domain"]
    if where == domain:
        return True
    # A record of the domain itself goes before one further up (RFC 9989 §4.10.1).
    above = where is None or is_within(domain, where)
    return above and author is not None and is_within(author, domain)


def record_of(line: Line) -> DmarcRecord:
    """The policy record of then, as the report tells of it."""
    words = {name: line[name] for name in ("p", "sp", "np")}
    known = {name: next((each for each in Policy if each == word), None) for name, word in words.items()}
    # RFC 9989 §4.10.1: without a valid p, or with an invalid sp or np, it is as if it said p=none, or there were none.
    is_invalid = known["p"] is None or any(words[name] is not None and known[name] is None for name in ("sp", "np"))
    return DmarcRecord(
        "",
        Standing.AS_NONE if is_invalid else Standing.IN_FORCE,
        p=known["p"],
        sp=known["sp"],
        np=known["np"],
        adkim=mode_of(line["adkim"]),
        aspf=mode_of(line["aspf"]),
        testing=line["testing"] == "y",
    )


def policy_of(line: Line, world: World) -> Policy | None:
    """What is asked of receivers for a line that fails, in view of test mode; None if that cannot be known."""
    record, author = record_for(line, world), line["header_from"]
    where = world.domain if world.record is not None and record is world.record else line["policy_domain"] or author
    if record.standing is not Standing.IN_FORCE:
        return Policy.NONE
    own = of_tag(record, "p", "").tested
    if author is None:
        every = {own, *(subdomain_policy(record, each).tested for each in (Existence.EXISTS, Existence.MISSING))}
        return own if len(every) == 1 else None
    if author == where:
        return own
    # A name that is not known to be missing counts as one that is there.
    missing = world.existing(author) is Existence.MISSING
    return subdomain_policy(record, Existence.MISSING if missing else Existence.EXISTS).tested


def count(tally: Tally, line: Line, then: str, fate: Fate) -> None:
    """Count a line in."""
    messages = line["messages"]
    tally.messages += messages
    tally.records += line["records"]
    for name in FIELDS[fate]:
        setattr(tally, name, getattr(tally, name) + messages)
    tally.newly_stopped += messages * (then == "delivered" and fate in STOPPED)
    tally.newly_delivered += messages * (then in {"quarantined", "rejected"} and fate in ARRIVES)


def summed(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    total = Tally()
    for tally in tallies:
        for name in Tally.__slots__:
            setattr(total, name, getattr(total, name) + getattr(tally, name))
    return total


def is_legitimate(line: SenderFate) -> bool:
    """Whether somebody wants the mail of a line to arrive."""
    return any(line.sender_class == each for each in LEGITIMATE)


def worst_first(line: SenderFate) -> tuple[Any, ...]:
    """Legitimate mail that is stopped first, then most messages."""
    tally = line.tally
    return (-tally.stopped * is_legitimate(line), -tally.stopped, -tally.messages, line.sender, line.sender_class)


def risk(lines: Iterable[SenderFate], without: frozenset[str], weeks: float) -> Risk:
    """What would be stopped of the legitimate mail; whoever is left out is no longer any."""
    whole = summed(line.tally for line in lines if is_legitimate(line) and line.sender not in without)
    told = whole.messages - whole.untold
    if not whole.messages or weeks <= 0:
        return Risk(whole.messages, told, whole.stopped, whole.newly_stopped)
    a_week = whole.messages / weeks
    ends = wilson(whole.stopped, told)
    share = whole.stopped / told if told else 0.0
    return Risk(whole.messages, told, whole.stopped, whole.newly_stopped, share * a_week, ends.low * a_week, ends.high * a_week)


def self_check(lines: Iterable[Line], world: World) -> SelfCheck:
    """How well a replay under the policies of then meets what the receivers did."""
    compared = agree = explained = 0
    as_it_was = replace(world, record=None, spf={}, without=frozenset())
    for line in lines:
        fate, then = fate_of(line, as_it_was), THEN.get(line["disposition"], NOT_TOLD)
        if fate is Fate.UNTOLD or then == NOT_TOLD:
            continue
        is_same = (then, fate) in SAME
        compared += line["messages"]
        agree += line["messages"] * is_same
        explained += line["messages"] * (not is_same and bool(line["reasons"]))
    return SelfCheck(compared, agree, explained)


def changed_policy(record: DmarcRecord | None, change: Change) -> DmarcRecord | None:
    """A policy record with the tags of a change; None if there is none, and no policy for a new one."""
    if record is None and change.policy is None:
        return None
    before = record or DmarcRecord("", Standing.IN_FORCE)
    # A record without a valid policy becomes one in force only by a policy.
    standing = Standing.IN_FORCE if change.policy is not None else before.standing
    given = {
        name: value
        for name, value in (
            ("p", change.policy),
            ("sp", change.sp),
            ("np", change.np),
            ("adkim", change.adkim),
            ("aspf", change.aspf),
            ("testing", change.testing),
        )
        if value is not None
    }
    return replace(before, standing=standing, **given)  # type: ignore[arg-type]


def record_text(text: str | None, change: Change, plain: DmarcRecord) -> str:
    """The text of a policy record after a change, all else as it was; without a text, that of a new record which says what ``plain`` does.

    >>> record_text("v=DMARC1; p=none; rua=mailto:d@example.com", Change(Policy.REJECT), DmarcRecord("", Standing.IN_FORCE))
    'v=DMARC1; p=reject; rua=mailto:d@example.com'
    """
    if text is not None:
        # Test mode ends without a tag, and RFC 9989 has no pct: the replay takes the policy for all mail.
        tags: dict[str, str | None] = {name: None if (name, word) == ("t", "n") else word for name, word in change.tags.items()}
        return with_tags(text, tags | {"pct": None} if tags else tags)
    told = {"p": plain.p, "sp": plain.sp, "np": plain.np, "adkim": plain.adkim, "aspf": plain.aspf}
    shown: dict[str, str | None] = {name: word for name, word in told.items() if word is not Alignment.RELAXED}
    return f"v=DMARC1; {written(shown | {'t': 'y' if plain.testing else None})}"


def existing_names(observations: Sequence[Observation]) -> Callable[[str], Existence]:
    """Whether names exist, told by what was seen last of each of them and those below."""
    newest = {one.question: one for one in sorted(observations, key=lambda one: one.first_seen)}
    outcomes: dict[str, list[Any]] = defaultdict(list)
    for question, one in newest.items():
        outcomes[question.name].append(one.outcome)
    told = {name: existence(every) for name, every in outcomes.items()}
    # RFC 8020: a name exists if one below it does, and does not if one above it does not.
    there = {above for name, one in told.items() if one is Existence.EXISTS for above in above_and(name)}
    gone = {name for name, one in told.items() if one is Existence.MISSING and name not in there}

    def of(name: str) -> Existence:
        if name in there:
            return Existence.EXISTS
        return Existence.MISSING if gone.intersection(above_and(name)) else Existence.UNKNOWN

    return of


def above_and(name: str) -> list[str]:
    """A name and those above it.

    >>> above_and("a.example.com")
    ['a.example.com', 'example.com', 'com']
    """
    labels = name.split(".")
    return [".".join(labels[place:]) for place in range(len(labels))]


def weeks_between(begin: datetime | None, end: datetime | None) -> float:
    """The length of a period in weeks, at least one day; 0 where it is not known."""
    return 0.0 if begin is None or end is None else max((end - begin).total_seconds(), 86_400.0) / 604_800.0
