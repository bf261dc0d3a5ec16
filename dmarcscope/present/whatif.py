"""A replay, and what is published in vain, for people: the answer first, then by sender, then the records to copy."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from dmarcscope.align.tree_walk import dmarc_name
from dmarcscope.model.dmarc_record import Alignment
from dmarcscope.model.verdict import LEGITIMATE, SenderClass
from dmarcscope.model.whatif import Change, InUse, Published, Risk, SelfCheck, SenderFate, SpfEdit, SpfEffect, Unused, Use, WhatIf
from dmarcscope.parse.slips import listed
from dmarcscope.parse.spf_lint import MAX_LOOKUPS
from dmarcscope.parse.zone_line import txt_line
from dmarcscope.present.prose import copyable, lines, prose
from dmarcscope.present.senders import NAMES
from dmarcscope.present.terminal import Column, drawn, fill
from dmarcscope.present.wording import counted, day, number, safe, share

SHOWN = 40
"""Senders that are listed; all of them with --format."""
MODES = {Alignment.STRICT: "strict", Alignment.RELAXED: "relaxed"}
OTHERS = {SenderClass.UNAUTHORISED: "unauthorised", SenderClass.UNKNOWN: "of unknown senders"}
KIND = {Published.SPF_TERM: "SPF term", Published.DKIM_KEY: "DKIM key"}
USES = {
    Use.USED: ("used", "green"),
    Use.UNUSED: ("can go", "yellow"),
    Use.TOO_EARLY: ("too early to tell", "dim"),
    Use.UNTOLD: ("cannot be told", "dim"),
}
SENDERS = (
    Column("sender", lambda row: safe(row["sender"] or "(none)", 50)),
    Column("class", lambda row: Text(class_name(row["class"]), style="" if row["legitimate"] else "dim")),
    Column("messages", lambda row: number(row["messages"]), right=True),
    Column("delivered", lambda row: number(row["delivered"]), right=True),
    Column("overridden", lambda row: some(row["overridden"]), right=True, wide=110),
    Column("quarantined", lambda row: stopped(row, "quarantined"), right=True),
    Column("rejected", lambda row: stopped(row, "rejected"), right=True),
    Column("not told", lambda row: some(row["untold"]), right=True, wide=100),
    Column("newly stopped", lambda row: some(row["newly_stopped"]), right=True, wide=120),
    Column("newly let in", lambda row: some(row["newly_delivered"]), right=True, wide=135),
)
IN_USE = (
    Column("published", lambda row: safe(row["name"], 70)),
    Column("", lambda row: Text(USES[row["use"]][0], style=USES[row["use"]][1])),
    Column("messages", lambda row: number(row["messages"]), right=True),
    Column("hosts", lambda row: some(row["sources"]), right=True, wide=100),
    Column("last seen", lambda row: day(row["last_seen"]), wide=100),
    Column("senders", lambda row: safe(", ".join(row["senders"][:3]) + (" …" if len(row["senders"]) > 3 else ""), 60), wide=120),
)


def whatif(found: WhatIf, width: int) -> Text:
    """The replay."""
    shown = [Text(title(found.domain, found.change), style="bold"), period(found), *answer(found, width), Text()]
    shown += [as_text(by_sender(found.lines, width), width)]
    if found.dmarc is not None and found.change.tags:
        shown += [Text(), Text("The DMARC record", style="bold"), copyable(txt_line(dmarc_name(found.domain), found.dmarc.after))]
    if found.spf is not None:
        shown += [Text(), *spf(found.spf, width)]
    if found.serving:
        shown += [Text(), prose("Published for no one else; it can go with them:", width, indent=0)]
        shown += [Text(f"  {KIND[item.what]} {safe(item.name)}  ({counted(item.messages, 'message')})") for item in found.serving]
    shown += [Text(), *(styled(note, width, "yellow") for note in found.notes), self_check(found.self_check, width)]
    return lines(shown)


def title(domain: str, change: Change) -> str:
    """What is tried, in words.

    >>> title("example.com", Change())
    'What if nothing changed for example.com?'
    """
    words = [f"{name}={word}" for name, word in change.tags.items()]
    words += [f"{safe(term)} out of its SPF record" for term in change.remove_spf]
    words += [f"{safe(term)} in its SPF record" for term in change.add_spf]
    had = f"What if {safe(domain)} had {joined(words)}" if words else ""
    left = f"{safe(domain)} went without {joined([safe(name) for name in change.without])}" if change.without else ""
    if not had:
        return f"What if {left}?" if left else f"What if nothing changed for {safe(domain)}?"
    return f"{had}, and {left}?" if left else f"{had}?"


def joined(words: Sequence[str]) -> str:
    """Words as a sentence has them.

    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def period(found: WhatIf) -> Text:
    """What is replayed."""
    return Text(f"Replayed: {counted(found.total.messages, 'message')} from {day(found.begin)} to {day(found.end)}.", style="dim")


def answer(found: WhatIf, width: int) -> Iterator[Text]:
    """The sums, in sentences: what matters first."""
    total, at_risk = found.total, found.risk
    yield Text()
    yield styled(risk(at_risk), width, "bold red" if at_risk.stopped else "bold green" if at_risk.legitimate else "bold yellow")
    ends = " and ".join(
        f"{number(count)} {word}" for count, word in ((total.quarantined, "quarantined"), (total.rejected, "rejected")) if count
    )
    whose = f": {ends}; {', '.join(stopped_by_class(found))}" if ends else ""
    yield prose(f"Stopped in all: {number(total.stopped)} ({share(total.stopped, total.messages)}){whose}.", width, indent=0)
    if total.overridden:
        what = "would fail and arrive all the same, as receivers let them through before and told why (mailing lists, forwarders, ARC)."
        yield prose(f"Overridden: {number(total.overridden)} {what}", width, indent=0)
    if total.untold:
        yield prose(f"Cannot be told: {number(total.untold)}, as what reporters tell does not decide it.", width, indent=0)
    then = f"{number(total.newly_stopped)} were delivered and would be stopped, {number(total.newly_delivered)} the other way round."
    yield prose(f"Against what the receivers did then: {then}", width, indent=0)
    if found.change.without:
        yield prose(
            f"Left out: {number(found.leaving)} messages of {joined([safe(name) for name in found.without])}, which pass no more.",
            width,
            indent=0,
        )


def styled(text: str, width: int, style: str) -> Text:
    """A sentence in a style."""
    shown = prose(text, width, indent=0)
    shown.stylize(style)
    return shown


def stopped_by_class(found: WhatIf) -> Iterator[str]:
    """Of what is stopped, how much is whose."""
    yield f"{number(found.risk.stopped)} of it legitimate"
    for kind, word in OTHERS.items():
        count = sum(line.tally.stopped for line in found.lines if line.sender_class == kind and line.sender not in found.without)
        if count:
            yield f"{number(count)} {word}"
    left_out = sum(line.tally.stopped for line in found.lines if line.sender in found.without)
    if left_out:
        yield f"{number(left_out)} of who is left out"


def risk(found: Risk) -> str:
    """The legitimate mail at risk, in one sentence."""
    if not found.legitimate:
        return "No legitimate mail is known in this time, so nothing can be said of it."
    most = f"at most {number(ceil(found.high))} a week (95 %)"
    if not found.stopped:
        return f"Legitimate mail at risk: none of {number(found.told)} messages; {most}."
    between = f"{number(floor(found.low))} to {number(ceil(found.high))}"
    whole = f"{number(found.stopped)} of {number(found.told)} ({share(found.stopped, found.told)})"
    newly = f"; {number(found.newly)} of them were delivered then" if found.newly else "; all of them were stopped then, too"
    return f"Legitimate mail at risk: {number(round(found.a_week))} messages a week ({between}, 95 %): {whole} in this time{newly}."


def self_check(found: SelfCheck, width: int) -> Text:
    """How far the replay is to be trusted."""
    if not found.compared:
        return prose("No receiver told what it did, so the replay cannot be compared with it.", width, indent=0)
    explained = f"; for {share(found.explained, found.compared)} they told why they departed from it" if found.explained else ""
    text = f"Self-check: under the policy of then, the replay is what receivers did for {share(found.agree, found.compared)}{explained}."
    return styled(text, width, "dim")


def by_sender(found: Sequence[SenderFate], width: int) -> RenderableType:
    """The table of senders."""
    rows = [sender_facts(line) for line in found]
    filled = [column for column in SENDERS if not column.right or any(str(column.cell(row)) for row in rows)]
    table, columns = drawn(filled, width)
    for row in rows[:SHOWN]:
        fill(table, columns, row)
    names = [name for name, value in (rows[0] if rows else {}).items() if isinstance(value, int) and name != "legitimate"]
    if rows[SHOWN:]:
        rest = {name: sum(row[name] for row in rows[SHOWN:]) for name in names}
        fill(table, columns, {**rest, "sender": f"… {number(len(rows) - SHOWN)} more", "class": "", "legitimate": False}, "dim")
    if rows:
        total = {name: sum(row[name] for row in rows) for name in names}
        table.add_section()
        fill(table, columns, {**total, "sender": "all", "class": "", "legitimate": False}, "bold")
    return table


def sender_facts(line: SenderFate) -> dict[str, Any]:
    """A line of the table, for people and machines."""
    tally = line.tally
    return {
        "sender": line.sender,
        "class": str(line.sender_class),
        "legitimate": any(line.sender_class == each for each in LEGITIMATE),
        "messages": tally.messages,
        "records": tally.records,
        "delivered": tally.delivered,
        "overridden": tally.overridden,
        "quarantined": tally.quarantined,
        "rejected": tally.rejected,
        "untold": tally.untold,
        "newly_stopped": tally.newly_stopped,
        "newly_delivered": tally.newly_delivered,
    }


def class_name(word: str) -> str:
    """How people call a class; the line of a sum has none.

    >>> class_name("yours-needs-fixing")
    'yours, needs fixing'
    """
    return NAMES[SenderClass(word)][0] if word else ""


def some(count: int) -> str:
    """A number, or nothing for none."""
    return number(count) if count else ""


def stopped(row: Mapping[str, Any], what: str) -> Text:
    """A number of messages that are stopped; of legitimate mail it stands out."""
    return Text(some(row[what]), style="bold red" if row["legitimate"] and row[what] else "")


def spf(found: SpfEffect, width: int) -> Iterator[Text]:
    """The changed SPF record and what it costs."""
    yield Text("The SPF record", style="bold")
    yield from edited(found.edit, width)
    least = "" if found.is_complete else "at least "
    before = "none, as it cannot be read" if found.lookups_before is None else f"{least}{found.lookups_before}"
    cost = prose(f"Look-ups: {before} → {least}{found.lookups_after} of {MAX_LOOKUPS}.", width)
    if found.lookups_after > MAX_LOOKUPS:
        cost.stylize("bold red")
    yield cost
    for problem in found.problems:
        yield prose(problem, width, first="error  ", style="red")
    if found.untold_sources:
        yield prose(
            f"For {number(found.untold_sources)} of {counted(found.sources, 'source')} the new result cannot be told, as a name was never"
            f" asked for: {counted(found.untold_messages, 'message')} replayed with the result of then. dmarcscope resolve or --dns asks.",
            width,
            first="not known  ",
            style="yellow",
        )


def edited(edit: SpfEdit, width: int) -> Iterator[Text]:
    """A record to publish."""
    for note in edit.notes:
        yield prose(note, width)
    if edit.before is not None:
        yield Text("      was  ", style="dim").append(safe(edit.before, 4000), style="dim")
    yield copyable(txt_line(edit.domain, edit.after))


def unused(found: Unused, width: int) -> Text:
    """What is published, and what of it can go."""
    idle = [item for item in found.items if item.use is Use.UNUSED]
    shown = [Text(f"What is published for {safe(found.domain)}, and what of it was of use", style="bold"), reach(found), Text()]
    if found.days < found.wanted_days:
        text = f"The reports reach over {counted(found.days, 'day')} without a long gap."
        text += f" Before {found.wanted_days} days are seen, nothing is called unused."
        shown.append(styled(text, width, "yellow"))
    elif idle:
        shown.append(prose(f"{len(idle)} can go: {listed(item.name for item in idle)}.", width, indent=0))
    else:
        shown.append(prose("Nothing is known to be unused.", width, indent=0))
    for kind in Published:
        rows = [item for item in found.items if item.what is kind]
        if rows:
            shown += [Text(), Text(f"{KIND[kind]}s", style="bold"), as_text(in_use(rows, width), width)]
    reasons = dict.fromkeys((item.use, item.why) for item in found.items if item.use is not Use.USED)
    shown += [prose(f"{why}.", width, first=f"{USES[use][0]}: ", style=USES[use][1]) for use, why in reasons]
    if found.edit is not None:
        shown += [Text(), Text("The SPF record without what can go", style="bold"), *edited(found.edit, width)]
    if found.lookups is not None:
        shown.append(prose(f"Look-ups: {found.lookups[0]} → {found.lookups[1]} of {MAX_LOOKUPS}.", width))
    shown += [prose(note, width, indent=0) for note in found.notes]
    return lines(shown)


def reach(found: Unused) -> Text:
    """The time that was looked at."""
    text = f"Reports from {day(found.begin)} to {day(found.end)}; on {counted(found.heard, 'day')} of them a period begins."
    return Text(text, style="dim")


def in_use(rows: Sequence[InUse], width: int) -> RenderableType:
    """The table of what is published."""
    table, columns = drawn(IN_USE, width)
    for item in rows:
        facts = use_facts(item)
        fill(table, columns, {**facts, "use": item.use})
    return table


def use_facts(item: InUse) -> dict[str, Any]:
    """A line of the table, for people and machines."""
    return {
        "what": str(item.what),
        "name": item.name,
        "use": str(item.use),
        "messages": item.messages,
        "sources": item.sources,
        "senders": list(item.senders),
        "last_seen": item.last_seen,
        "why": item.why,
    }


def as_text(table: RenderableType, width: int) -> Text:
    """A table as text of that width, so that it may stand among lines to copy, which are wider."""
    console = Console(width=width)
    pieces = [(one.text, one.style or "") for one in console.render(table) if not one.control]
    shown = Text.assemble(*pieces)
    shown.rstrip()
    return shown
