"""What is to be done after a period, at most three things: what mends most mail, whose mail it is, the next step of the policy."""

import re
from collections.abc import Iterable, Sequence

from dmarcscope.analysis.folding import short
from dmarcscope.analysis.verdicts import FEW, Seen
from dmarcscope.model.change import Change, Kind
from dmarcscope.model.fix import Fix
from dmarcscope.model.summary import ToDo, ToDoKind
from dmarcscope.model.summary_tables import SenderTrend
from dmarcscope.model.verdict import SenderClass

AT_MOST = 3
"""More than three things to do are none."""
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")
"""A name that a shell takes as it is, and that nobody can hide anything in."""


def to_do(seen: Seen, fixes: Sequence[Fix]) -> tuple[ToDo, ...]:
    """The most pressing things: reports that are missing, then what concerns most messages; the policy's next step, if it may be taken."""
    steps = tuple(next_step(seen))
    pressing = sorted((*map(fix, fixes), *whose(seen)), key=lambda one: -one.messages_a_week)
    first = (*reports(seen), *pressing)
    return (*first[: AT_MOST - len(steps)], *steps)


def chosen(found: Sequence[ToDo], fixes: Iterable[Fix]) -> list[Fix]:
    """The fixes among them, of which it is worth asking what their SPF record costs."""
    wanted = {(one.subject, one.what) for one in found if one.kind is ToDoKind.FIX}
    return [one for one in fixes if (short(one.sender), one.what) in wanted]


def fix(one: Fix) -> ToDo:
    """What to publish."""
    return ToDo(
        ToDoKind.FIX,
        short(one.sender),
        one.what,
        one.why,
        one.records,
        round(one.messages_a_week, 1),
        documentation=one.documentation,
        lookups=one.lookups,
    )


def whose(seen: Seen) -> Iterable[ToDo]:
    """Senders of which somebody has to say whose they are."""
    for one in seen.senders:
        if one.line.sender_class is SenderClass.UNKNOWN and one.line.messages >= FEW:
            yield unknown(one, seen)


def unknown(one: SenderTrend, seen: Seen) -> ToDo:
    """One of them."""
    line = one.line
    name = line.sender if PLAIN.fullmatch(line.sender) else "NAME"
    new = "it is new, " if one.is_new else ""
    failing = "passes DMARC" if line.dmarc_pass == line.messages else "does not all pass DMARC" if line.dmarc_pass else "fails DMARC"
    return ToDo(
        ToDoKind.UNKNOWN,
        short(line.sender),
        "say whether this sender is yours: accept it, and it is told here how its mail passes; or reject it, and enforcement stops it",
        f"{new}{line.messages:,} messages came from {line.sources:,} {'address' if line.sources == 1 else 'addresses'}, and it {failing}"
        f"{''.join(f'; {text}' for text in line.known_by[:2])}",
        promised(seen, line.sender),
        round(line.messages / seen.weeks, 1),
        command=f"dmarcscope senders accept {name}",
    )


def promised(seen: Seen, sender: str) -> tuple[str, ...]:
    """Lines to publish that a change of this sender names."""
    told = (change for change in seen.timeline.changes if change.what == sender and change.kind in {Kind.SENDER_NEW, Kind.FAILING})
    return tuple(dict.fromkeys(line for change in told for line in published(change)))


def published(change: Change) -> Iterable[str]:
    """The lines that its causes name."""
    return (cause.publish for cause in change.causes if cause.publish)


def next_step(seen: Seen) -> Iterable[ToDo]:
    """The next step of the policy, where it may be taken now."""
    step = seen.readiness.next_step
    if not step.may or step.stage is seen.readiness.present.stage:
        return
    lines = (*((step.line,) if step.line else ()), *step.also)
    because = seen.readiness.verdict.because
    yield ToDo(
        ToDoKind.READINESS,
        seen.readiness.domain,
        step.what,
        "; ".join(because) or step.hint or "all gates are open",
        lines,
        round(seen.messages / seen.weeks, 1),
        command="" if lines else f"dmarcscope readiness {seen.readiness.domain}",
    )


def reports(seen: Seen) -> Iterable[ToDo]:
    """What to do about reports that do not come."""
    domain = seen.readiness.domain
    if not seen.ever:
        yield ToDo(
            ToDoKind.REPORTS,
            domain,
            "ask for reports: publish a DMARC record with an address for them (rua)",
            "nobody has ever reported about this domain",
            (f'_dmarc.{domain}. IN TXT "v=DMARC1; p=none; rua=mailto:<address for reports>"',) if is_unpublished(seen) else (),
            0.0,
            command=f"dmarcscope check {domain}",
        )
    elif seen.coverage.silent and len(seen.coverage.silent) == len(seen.coverage.usual):
        yield ToDo(
            ToDoKind.REPORTS,
            domain,
            "find out why no reports come: is the address in rua still read, and does its mailbox have room?",
            f"all {len(seen.coverage.usual)} usual reporters are silent",
            (),
            0.0,
            command=f"dmarcscope check {domain}",
        )


def is_unpublished(seen: Seen) -> bool:
    """Whether nothing is known of a record that it has; one that is there is never to be overwritten by a guess."""
    return seen.readiness.present.by == "nobody"
