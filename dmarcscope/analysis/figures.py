"""The sums of a period by class, and the five figures that they make."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dmarcscope.model.summary_figures import ClassTotal, Figure, FigureName
from dmarcscope.model.verdict import SenderClass

SUMS = ("messages", "passing", "delivered", "quarantined", "rejected", "overridden")


def class_totals(rows: Iterable[Mapping[str, Any]], before: Mapping[SenderClass, int] | None) -> tuple[ClassTotal, ...]:
    """All six classes, those without mail with nothing; ``before``: messages of the period before, None where there is none."""
    told = {SenderClass(row["class"]): row for row in rows}
    return tuple(class_total(one, told.get(one, dict.fromkeys(SUMS, 0)), before) for one in SenderClass)


def class_total(one: SenderClass, row: Mapping[str, Any], before: Mapping[SenderClass, int] | None) -> ClassTotal:
    """One of them."""
    sums = {name: row[name] for name in SUMS}
    untold = sums["messages"] - sums["delivered"] - sums["quarantined"] - sums["rejected"]
    return ClassTotal(sender_class=one, untold=untold, before=None if before is None else before.get(one, 0), **sums)


def before_sums(rows: Iterable[Mapping[str, Any]], since: datetime) -> tuple[dict[SenderClass, int], int]:
    """Of earlier rows, those from ``since`` on: messages by class, and how many passed."""
    messages: Counter[SenderClass] = Counter()
    passing = 0
    for row in rows:
        if row["period_begin"] >= since:
            messages[SenderClass(row["class"])] += row["messages"]
            passing += row["passing"]
    return dict(messages), passing


def figures(classes: Sequence[ClassTotal], passing_before: int | None) -> tuple[Figure, ...]:
    """The five."""
    of = {one.sender_class: one for one in classes}
    whole = sum(one.messages for one in classes)
    forged = of[SenderClass.UNAUTHORISED]
    passed_on, listed = of[SenderClass.FORWARDED], of[SenderClass.MAILING_LIST]
    before = {one: total.before for one, total in of.items()}
    whole_before = added(*before.values())
    return (
        Figure(FigureName.REPORTED, whole, whole, whole_before, whole_before),
        Figure(FigureName.PASSING, sum(one.passing for one in classes), whole, passing_before, whole_before),
        Figure(
            FigureName.YOURS_FAILING,
            of[SenderClass.YOURS_NEEDS_FIXING].messages,
            whole,
            before[SenderClass.YOURS_NEEDS_FIXING],
            whole_before,
        ),
        Figure(
            FigureName.FORWARDED,
            passed_on.messages + listed.messages,
            whole,
            added(before[SenderClass.FORWARDED], before[SenderClass.MAILING_LIST]),
            whole_before,
            {"forwarded": passed_on.messages, "mailing-list": listed.messages},
        ),
        Figure(
            FigureName.UNAUTHORISED,
            forged.messages,
            whole,
            before[SenderClass.UNAUTHORISED],
            whole_before,
            {"stopped": forged.stopped, "delivered": forged.delivered, "untold": forged.untold},
        ),
    )


def added(*parts: int | None) -> int | None:
    """A sum, if there is one."""
    told = [part for part in parts if part is not None]
    return sum(told) if told else None


def by_name(classes: Mapping[SenderClass, int], passing: int) -> dict[FigureName, int]:
    """The five figures of sums by class, as a former summary tells them."""
    at = classes.get
    return {
        FigureName.REPORTED: sum(classes.values()),
        FigureName.PASSING: passing,
        FigureName.YOURS_FAILING: at(SenderClass.YOURS_NEEDS_FIXING, 0),
        FigureName.FORWARDED: at(SenderClass.FORWARDED, 0) + at(SenderClass.MAILING_LIST, 0),
        FigureName.UNAUTHORISED: at(SenderClass.UNAUTHORISED, 0),
    }
