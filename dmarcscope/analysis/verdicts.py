"""Should the owner worry? What a period's verdict rests on, by rules that `docs/summary.md` tells in plain words.

Facts: reports that are missing say nothing about the mail, so that they are told before all else. Strategy: each rule looks at one thing
and gives a reason or none; the gravest tone of all reasons is that of the verdict.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from dmarcscope.analysis.folding import short
from dmarcscope.model.change import Change, Kind, Timeline, Tone
from dmarcscope.model.coverage import Coverage
from dmarcscope.model.readiness import Readiness, Stage
from dmarcscope.model.summary import Period
from dmarcscope.model.summary_figures import ClassTotal, Finding, Reason
from dmarcscope.model.summary_tables import SenderTrend
from dmarcscope.model.verdict import YOURS, SenderClass

FEW = 10
"""Fewer messages of a sender in a period are told in the tables, and are nothing to worry about."""
STOPPED_SHARE = 0.005
"""From this share of the owner's mail on, receivers that stop it are bad news; less is worth a look."""
MOSTLY = 0.5
"""Where this share of the owner's mail fails, the domain as a whole is broken."""
FORGED_A_WEEK = 100
"""Unauthorised messages a week that are delivered as the policy asks for nothing: a campaign, and no noise;"""
FORGED_SHARE = 0.01
"""and at least this share of all messages."""
UNKNOWN_SHARE = 0.01
"""Unknown senders that are not new are told from this share of all messages on."""
BROKEN_SHARE = 0.02
"""SPF of a sender is broken where this share of its mail meets a record in error; some fail at the receiver's DNS."""
SILENT_SHARE = 0.25
"""Where this share of the usual reporters is silent, that is no accident of one of them."""
TO_COME = 0.05
"""A share of messages still to come that is worth telling."""
NAMED = 5
"""Names that a reason gives."""
RANK = (Tone.BAD, Tone.WARNING, Tone.NEUTRAL, Tone.GOOD)
TOLD_OTHERWISE = frozenset(
    {Kind.SENDER_NEW, Kind.FAILING, Kind.FAILING_ALONE, Kind.BURST, Kind.REPORTER_SILENT, Kind.SENDER_GROWN, Kind.SENDER_SHRUNK}
)
"""Changes that another rule tells of, or that are no trouble by themselves."""
GRAVE = frozenset({Tone.BAD, Tone.WARNING})
FIRST = (Finding.NO_REPORTS, Finding.REPORTS_MISSING, Finding.NO_MAIL)
"""Said before all else."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rules look at. ``own_stopped`` and ``spf_broken``: messages by sender. ``ever``: whether anything was ever reported."""

    period: Period
    classes: Sequence[ClassTotal]
    senders: Sequence[SenderTrend]
    own_stopped: Mapping[str, int]
    spf_broken: Mapping[str, int]
    timeline: Timeline
    coverage: Coverage
    readiness: Readiness
    ever: bool

    @property
    def messages(self) -> int:
        """All that were reported."""
        return sum(one.messages for one in self.classes)

    def of(self, *wanted: SenderClass) -> int:
        """Messages of some classes."""
        return sum(one.messages for one in self.classes if one.sender_class in wanted)

    @property
    def weeks(self) -> float:
        """How long the period is."""
        return max((self.period.end - self.period.begin).total_seconds() / 604_800, 1 / 7)


def reasons(seen: Seen) -> tuple[Reason, ...]:
    """All there is to tell: what is missing first, then the gravest first; that it is quiet, where nothing is."""
    found = [reason for rule in RULES for reason in rule(seen)]
    if not any(reason.tone in GRAVE or reason.finding in FIRST for reason in found):
        found.append(Reason(Finding.QUIET, Tone.GOOD, messages=seen.messages, of=seen.messages))
    # The rules stand in the order of what is told first among equals.
    return tuple(sorted(found, key=lambda one: (FIRST.index(one.finding) if one.finding in FIRST else len(FIRST), RANK.index(one.tone))))


def tone(found: Iterable[Reason]) -> Tone:
    """The gravest tone; good, where nothing is grave."""
    tones = {one.tone for one in found}
    return next((one for one in RANK if one in tones and one in GRAVE), Tone.GOOD)


def no_reports(seen: Seen) -> Iterable[Reason]:
    """Nobody has ever reported about the domain."""
    if not seen.ever:
        yield Reason(Finding.NO_REPORTS, Tone.WARNING)


def reports_missing(seen: Seen) -> Iterable[Reason]:
    """Usual reporters are silent, or a part of the period is likely still to come."""
    usual, silent = seen.coverage.usual, seen.coverage.silent
    late = seen.coverage.share_to_come >= TO_COME
    if not silent and not late:
        return
    is_grave = len(silent) >= SILENT_SHARE * len(usual) and bool(silent)
    names = tuple(short(one.reporter) for one in silent[:NAMED])
    whole = seen.coverage.messages + seen.coverage.expected
    yield Reason(
        Finding.REPORTS_MISSING,
        Tone.WARNING if is_grave else Tone.NEUTRAL,
        len(silent),
        seen.coverage.expected if late else 0,
        whole,
        names,
    )


def no_mail(seen: Seen) -> Iterable[Reason]:
    """No mail of this period; of a domain that sends nothing, that is as it should be."""
    if seen.ever and not seen.messages:
        is_expected = seen.readiness.parked or not seen.coverage.usual
        yield Reason(Finding.NO_MAIL, Tone.GOOD if is_expected else Tone.WARNING)


def own_stopped(seen: Seen) -> Iterable[Reason]:
    """Receivers stop mail of the owner's that fails."""
    stopped, yours = sum(seen.own_stopped.values()), seen.of(*YOURS)
    if stopped:
        is_bad = stopped >= FEW and stopped >= STOPPED_SHARE * yours
        told = Tone.BAD if is_bad else Tone.NEUTRAL
        yield named(Finding.OWN_STOPPED, told, seen.own_stopped, yours)


def own_failing(seen: Seen) -> Iterable[Reason]:
    """Senders of the owner's fail in a notable part."""
    failing = {
        one.line.sender: one.line.needs_fixing
        for one in seen.senders
        if one.line.sender_class is SenderClass.YOURS_NEEDS_FIXING and one.line.needs_fixing >= FEW
    }
    if failing:
        yours = seen.of(*YOURS)
        told = Tone.BAD if sum(failing.values()) >= MOSTLY * yours else Tone.WARNING
        yield named(Finding.OWN_FAILING, told, failing, yours)


def forged_delivered(seen: Seen) -> Iterable[Reason]:
    """Unauthorised mail arrives, as nothing else is asked for."""
    forged = next(one for one in seen.classes if one.sender_class is SenderClass.UNAUTHORISED)
    at_volume = forged.delivered >= FORGED_A_WEEK * seen.weeks and forged.delivered >= FORGED_SHARE * seen.messages
    if not at_volume:
        return
    is_open = seen.readiness.present.stage in {Stage.NONE, Stage.QUARANTINE_TEST}
    told = Tone.BAD if is_open else Tone.WARNING
    yield Reason(Finding.FORGED_DELIVERED, told, len(forgers(seen)), forged.delivered, forged.messages, forgers(seen)[:NAMED])


def forgers(seen: Seen) -> tuple[str, ...]:
    """Who sends unauthorised mail."""
    return tuple(one.line.sender for one in seen.senders if one.line.sender_class is SenderClass.UNAUTHORISED)


def unknown(seen: Seen) -> Iterable[Reason]:
    """Senders of which nobody has said whose they are: new ones, and others that send much."""
    senders = [one for one in seen.senders if one.line.sender_class is SenderClass.UNKNOWN and one.line.messages >= FEW]
    new = {one.line.sender: one.line.messages for one in senders if one.is_new}
    old = {one.line.sender: one.line.messages for one in senders if not one.is_new and one.line.messages >= UNKNOWN_SHARE * seen.messages}
    if new:
        yield named(Finding.NEW_UNKNOWN, Tone.WARNING, new, seen.messages)
    if old:
        yield named(Finding.UNKNOWN, Tone.WARNING, old, seen.messages)


def broken_alone(seen: Seen) -> Iterable[Reason]:
    """SPF or DKIM is broken while the other carries the mail."""
    lines = {one.line.sender: one.line for one in seen.senders if one.line.sender_class is SenderClass.YOURS_ALIGNED}
    broken = {
        sender: messages
        for sender, messages in seen.spf_broken.items()
        if sender in lines and messages >= max(FEW, BROKEN_SHARE * lines[sender].messages)
    }
    for change in seen.timeline.changes:
        if change.kind is Kind.FAILING_ALONE and change.what in lines:
            broken.setdefault(change.what, lines[change.what].messages)
    if broken:
        yield named(Finding.BROKEN_ALONE, Tone.WARNING, broken, seen.of(*YOURS))


def bad_changes(seen: Seen) -> Iterable[Reason]:
    """Changes that are bad, or to be looked at, and that no other rule tells of."""
    grave = [one for one in seen.timeline.changes if one.tone in GRAVE and one.kind not in TOLD_OTHERWISE]
    if grave:
        told = Tone.BAD if any(one.tone is Tone.BAD for one in grave) else Tone.WARNING
        yield Reason(Finding.BAD_CHANGE, told, len(grave), names=tuple(words(one) for one in grave[:NAMED]))


def words(change: Change) -> str:
    """A change in its words."""
    return short(change.words)


def forged_stopped(seen: Seen) -> Iterable[Reason]:
    """Unauthorised mail that receivers stopped: the policy works."""
    forged = next(one for one in seen.classes if one.sender_class is SenderClass.UNAUTHORISED)
    if forged.stopped:
        yield Reason(Finding.FORGED_STOPPED, Tone.GOOD, len(forgers(seen)), forged.stopped, forged.messages, forgers(seen)[:NAMED])


def named(finding: Finding, told: Tone, messages: Mapping[str, int], of: int) -> Reason:
    """A reason about some senders."""
    names = sorted(messages, key=lambda name: (-messages[name], name))
    return Reason(finding, told, len(names), sum(messages.values()), of, tuple(map(short, names[:NAMED])))


RULES: tuple[Callable[[Seen], Iterable[Reason]], ...] = (
    no_reports,
    reports_missing,
    no_mail,
    own_stopped,
    forged_delivered,
    own_failing,
    unknown,
    broken_alone,
    bad_changes,
    forged_stopped,
)
