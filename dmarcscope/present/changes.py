"""The timeline of changes for a terminal: day by day, the newest at the end, next to the prompt; each with its reason below it."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import groupby

from rich.text import Text

from dmarcscope.model.change import Change, Kind, Rests, Sureness, Timeline, Tone
from dmarcscope.present.prose import copyable, lines, prose, sentence
from dmarcscope.present.wording import counted, safe

MARKS = {
    Tone.GOOD: ("✓ ", "green"),
    Tone.NEUTRAL: ("• ", "dim"),
    Tone.WARNING: ("▲ ", "yellow"),
    Tone.BAD: ("✗ ", "bold red"),
}
"""The sign of each tone, and its colour."""
LEADS = {Rests.TODAY: "now     ", Rests.CHANGE: "with    "}
"""What stands before a cause; «because» before the others."""
BECAUSE = "because "
NAMES = {
    Kind.SENDER_NEW: "new senders",
    Kind.SENDER_GONE: "senders gone",
    Kind.SENDER_BACK: "senders back",
    Kind.SENDER_GROWN: "senders grown",
    Kind.SENDER_SHRUNK: "senders shrunk",
    Kind.FAILING: "senders that fail",
    Kind.RECOVERED: "senders that recovered",
    Kind.FAILING_ALONE: "senders with SPF or DKIM failing",
    Kind.RECOVERED_ALONE: "senders with SPF or DKIM recovered",
    Kind.BURST: "bursts",
    Kind.SELECTOR_NEW: "new selectors",
    Kind.SELECTOR_GONE: "selectors gone",
    Kind.SELECTOR_BACK: "selectors back",
    Kind.POLICY: "policies",
    Kind.DNS: "DNS records",
    Kind.REPORTER_SILENT: "reporters silent",
    Kind.REPORTER_BACK: "reporters back",
}


def changes(found: Timeline, domain: str | None, width: int) -> Text:
    """The whole timeline, oldest first."""
    name = safe(domain) if domain else "All domains"
    if found.first is None or found.last is None:
        return Text(f"{name}: there are no reports yet.", style="bold")
    period = f"{name}, {day(found.first)} – {day(found.last)}"
    if not found.changes:
        return Text(f"{period}: nothing changed that is worth telling.", style="green")
    shown = [headline(found, period)]
    named = domain is None and len({change.domain for change in found.changes if change.domain}) > 1
    for at, every in groupby(found.changes, key=lambda change: change.day):
        shown += [Text(), Text(f"{at:%A}, {day(at)}", style="bold")]
        for change in every:
            shown += one_change(change, width, named=named)
    if found.left_out:
        shown += [Text(), prose(left_out(found), width, indent=0, style="dim")]
    return lines(shown)


def headline(found: Timeline, period: str) -> Text:
    """How many changes there are, and of what kind."""
    tones = Counter(change.tone for change in found.changes)
    text = Text(f"{period}: ", style="bold").append(counted(len(found.changes), "change"))
    if tones[Tone.BAD]:
        text.append(f", {tones[Tone.BAD]} bad", style="bold red")
    if tones[Tone.WARNING]:
        text.append(f", {tones[Tone.WARNING]} to look at", style="yellow")
    return text.append(".")


def one_change(change: Change, width: int, *, named: bool) -> Iterator[Text]:
    """A change, and what explains it."""
    mark, style = MARKS[change.tone]
    words = f"{change.domain}: {change.words}" if named and change.domain and change.domain not in change.words else sentence(change.words)
    yield prose(
        f"{words}{when(change)}{'' if change.sure is not Sureness.LIKELY else ' (likely; there are few figures)'}.",
        width,
        first=mark,
        style=style,
    )
    told = False
    for cause in change.causes:
        lead = LEADS.get(cause.rests) or ("and     " if told else BECAUSE)
        told = told or lead == BECAUSE
        yield prose(f"{cause.words}.", width, indent=6, first=lead, style="dim")
        if cause.publish:
            yield prose("Publish instead:", width, indent=6 + len(lead))
            yield copyable(cause.publish, indent=6 + len(lead))


def when(change: Change) -> str:
    """How long it lasted, or since when it may be."""
    if change.until is not None:
        return f", until {day(change.until)}"
    if change.kind is Kind.DNS and change.not_before is not None:
        return f"; last seen otherwise on {day(change.not_before)}"
    return ""


def left_out(found: Timeline) -> str:
    """How many changes are not told."""
    parts = ", ".join(f"{count} {NAMES[kind]}" for kind, count in found.left_out.items())
    return f"Not shown: {counted(sum(found.left_out.values()), 'lesser change')} ({parts}). --limit shows more, --format json all."


def day(moment: date) -> str:
    """A day as people say it.

    >>> day(date(2026, 5, 2))
    '2 May 2026'
    """
    return f"{moment.day} {moment:%B %Y}"
