"""How complete the reports of a period are, in words: one line beside an answer, or a table of reporters."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from dmarcscope.model.coverage import Coverage, Heard
from dmarcscope.present.prose import sentence
from dmarcscope.present.terminal import Column, drawn, fill
from dmarcscope.present.wording import counted, number, safe, share

NAMED = 3
"""Reporters that are named in one line."""


def line(found: Coverage) -> str:
    """One line: through which day it is complete, which usual reporters are silent, what is likely still to come."""
    if found.first_day is None:
        return "no reports in this period"
    through = f"complete through {day(found.complete_through)}" if found.complete_through else "no day is complete yet"
    parts = [through, silence(found.usual, found.silent)]
    if found.expected:
        parts.append(f"{share(found.expected, found.messages + found.expected)} of the messages likely still to come")
    if found.spread_reports:
        parts.append(f"{counted(found.spread_reports, 'report')} about several days, spread over them")
    return "; ".join(filter(None, parts))


def day(moment: date) -> str:
    """A day as people say it.

    >>> day(date(2026, 5, 2))
    '2 May 2026'
    """
    return f"{moment.day} {moment:%B %Y}"


def silence(usual: Sequence[Heard], silent: Sequence[Heard]) -> str:
    """Which of the usual reporters are not heard any more."""
    if not usual:
        return "no reporter is usual yet"
    if not silent:
        return f"all {counted(len(usual), 'usual reporter')} heard" if len(usual) > 1 else "the one usual reporter heard"
    named = [f"{safe(one.reporter, 40)} since {day(one.silent_since)}" for one in silent[:NAMED] if one.silent_since]
    more = [f"{len(silent) - NAMED} more"] if len(silent) > NAMED else []
    return f"{len(silent)} of {counted(len(usual), 'usual reporter')} not heard: {', '.join([*named, *more])}"


COLUMNS = (
    Column("reporter", lambda row: safe(row["reporter"], 40)),
    Column("messages", lambda row: number(row["messages"]), right=True),
    Column("usual", lambda row: "yes" if row["usual"] else Text("no", style="dim")),
    Column("first day", lambda row: f"{row['first_day']}", wide=130),
    Column("last day", lambda row: f"{row['last_day']}"),
    Column("silent since", lambda row: Text(f"{row['silent_since'] or ''}", style="red")),
    Column("days a report", lambda row: number(row["span_days"]), right=True, wide=115),
    Column("comes after", lambda row: f"{row['lag_hours']} h", right=True, wide=115),
    Column("still to come", lambda row: number(row["expected"]) if row["expected"] else "", right=True),
)


def coverage(found: Coverage, lines: Sequence[Mapping[str, Any]], width: int) -> RenderableType:
    """The line, and a table of reporters."""
    table, columns = drawn(COLUMNS, width)
    for row in lines:
        fill(table, columns, row)
    head = "" if found.first_day is None or found.last_day is None else f"{day(found.first_day)} – {day(found.last_day)}: "
    summary = Text(f"{sentence(head + line(found))}.", style="bold")
    return Group(summary, "", table) if lines else summary
