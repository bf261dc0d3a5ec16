"""Who sends, for people: a line per sender with its class, what became of its mail, and the one next step."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dmarcscope.analysis.roll_up import summed
from dmarcscope.model.sender_line import SenderLine, Senders
from dmarcscope.model.verdict import SenderClass
from dmarcscope.present.wording import counted, day, number, safe, share

NAMES = {
    SenderClass.YOURS_ALIGNED: ("yours", "green"),
    SenderClass.YOURS_NEEDS_FIXING: ("yours, needs fixing", "yellow"),
    SenderClass.FORWARDED: ("forwarded", "cyan"),
    SenderClass.MAILING_LIST: ("mailing list", "cyan"),
    SenderClass.UNAUTHORISED: ("unauthorised", "red"),
    SenderClass.UNKNOWN: ("unknown", "magenta"),
}
"""How classes are called for people, and their colours."""
ALIGNED_FROM, COUNTS_FROM, SEEN_FROM = 106, 132, 158
"""From how many columns on a terminal has room for DKIM and SPF apart, for what became of the mail, and for first and last seen."""


def senders(found: Senders, shown: int | None, width: int) -> RenderableType:
    """The table, a sum over it, and what to do below it; ``shown`` lines at most."""
    first = found.lines if shown is None else found.lines[:shown]
    rest = found.lines[len(first) :]
    table = drawn(found, width)
    for line in first:
        table.add_row(*cells(line, found, width))
    if rest:
        table.add_row(Text(f"… {number(len(rest))} more", style="dim"), "", Text(number(sum(one.messages for one in rest)), style="dim"))
    return Group(title(found), in_short(found.lines, width), "", table, "", *steps(first, width), *notes(found))


def title(found: Senders) -> Text:
    """What was asked for."""
    text = Text(f"Who sends as {safe(found.domain) if found.domain else 'your domains'}", style="bold")
    if found.begin and found.end:
        text.append(f", {day(found.begin)} to {day(last_day(found.end))}")
    if found.has_before:
        text.append(" (change: against as long a time before)", style="dim")
    return text


def last_day(end: datetime) -> datetime:
    """The day in which a period ends: one that ends at midnight is over the day before."""
    return end - timedelta(seconds=1)


def in_short(lines: Sequence[SenderLine], width: int) -> Text:
    """Whose mail it is, in one sentence, which no line breaks within a part."""
    total = summed(lines, "messages")
    sums = {one: sum(line.messages for line in lines if line.sender_class is one) for one in NAMES}
    parts = [Text(f"{share(sums[one], total)} {name}", style=style) for one, (name, style) in NAMES.items() if sums[one]]
    text = Text(f"{counted(total, 'message')}:" if parts else f"{counted(total, 'message')}.")
    room = width - text.cell_len
    for place, part in enumerate(parts, 1):
        part.append("." if place == len(parts) else ";", style="not bold default")
        fits = part.cell_len < room
        text.append(" " if fits else "\n").append_text(part)
        room = (room if fits else width + 1) - part.cell_len - 1
    return text


def drawn(found: Senders, width: int) -> Table:
    """The empty table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    table.add_column("sender", no_wrap=True, overflow="ellipsis", min_width=18)
    table.add_column("class", no_wrap=True)
    table.add_column("messages", justify="right", no_wrap=True)
    if found.has_before:
        table.add_column("change", justify="right", no_wrap=True)
    table.add_column("pass DMARC", justify="right", no_wrap=True)
    if width >= ALIGNED_FROM:
        table.add_column("DKIM", justify="right", no_wrap=True)
        table.add_column("SPF", justify="right", no_wrap=True)
    if width >= COUNTS_FROM:
        for heading in ("delivered", "quarantined", "rejected"):
            table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("hosts", justify="right", no_wrap=True)
    if width >= SEEN_FROM:
        table.add_column("seen", no_wrap=True)
    return table


def cells(line: SenderLine, found: Senders, width: int) -> Iterable[RenderableType]:
    """One line."""
    name, style = NAMES[line.sender_class]
    yield Text(safe(line.sender, 60), style=style)
    yield Text(name, style=style)
    yield number(line.messages)
    if found.has_before:
        yield change(line)
    yield Text(share(line.dmarc_pass, line.messages), style=style if line.dmarc_pass < line.messages else "green")
    if width >= ALIGNED_FROM:
        yield share(line.dkim_aligned, line.messages)
        yield share(line.spf_aligned, line.messages)
    if width >= COUNTS_FROM:
        yield from (number(line.delivered), number(line.quarantined), number(line.rejected))
    yield number(line.sources)
    if width >= SEEN_FROM:
        yield f"{day(line.first_seen)} – {day(last_day(line.last_seen) if line.last_seen else None)}"


def change(line: SenderLine) -> Text:
    """How the messages have changed against the time before."""
    earlier = line.messages_before or 0
    if not earlier:
        return Text("new", style="magenta")
    percent = round(100 * (line.messages - earlier) / earlier)
    return Text("±0 %" if percent == 0 else f"{percent:+d} %", style="" if abs(percent) < 50 else "bold")


def steps(lines: Sequence[SenderLine], width: int) -> Iterable[RenderableType]:
    """What to do next about each sender that asks for something, those with most messages first."""
    asking = [line for line in lines if line.next_step != "nothing to do" and "nothing to do" not in line.next_step]
    if not asking:
        yield Text("Nothing to do.", style="green")
        return
    yield Text("Next steps", style="bold")
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(20, width // 3))
    table.add_column()
    for line in asking:
        table.add_row(Text(safe(line.sender, 60), style=NAMES[line.sender_class][1]), line.next_step)
    yield table


def notes(found: Senders) -> Iterable[RenderableType]:
    """What goes on from here, and whose data is shown."""
    yield Text("More of one: dmarcscope senders --sender NAME --by source_ip", style="dim")
    yield Text("Why it is called so: dmarcscope explain NAME", style="dim")
    for words in found.attribution:
        yield Text(safe(words), style="dim")
