"""May I enforce? The verdicts for people: first the answer, then what is missing, what to publish, and the figures of every gate."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from dmarcscope.model.coverage import Coverage
from dmarcscope.model.readiness import Answer, GateFound, NextStep, Passage, Readiness, TargetVerdict
from dmarcscope.present import coverage as covering
from dmarcscope.present.coverage import day
from dmarcscope.present.prose import copyable, lines, prose, sentence
from dmarcscope.present.terminal import Column, drawn, fill
from dmarcscope.present.wording import counted, number, safe, share

ANSWERS = {Answer.READY: ("ready", "bold green"), Answer.NOT_YET: ("not yet", "bold red"), Answer.NO_DATA: ("no data", "bold yellow")}
REACHED = {
    Answer.READY: ("asked for already, and in order", "bold green"),
    Answer.NOT_YET: ("asked for already, and not in order", "bold red"),
    Answer.NO_DATA: ("asked for already, and no data", "bold yellow"),
}
MARKS = {Passage.OPEN: ("ok      ", "green"), Passage.CLOSED: ("missing ", "red"), Passage.ADVICE: ("advice  ", "yellow")}
PRESENT = {"DNS": "DNS, as last seen", "reports": "the newest reports"}


def readiness(found: Readiness, covered: Coverage, width: int) -> Text:
    """The whole answer for one domain."""
    shown = [Text(f"{safe(found.domain)}: may I enforce?", style="bold"), *facts(found, covered, width), Text()]
    for verdict in (found.quarantine, found.reject):
        shown += target(verdict, width)
    shown += [Text(), Text("What to do next", style="bold"), *step(found.next_step, width)]
    shown += [prose(f"{sentence(one)}.", width, first="advice  ", style="yellow") for one in found.advice]
    every = gates(found.quarantine, found.reject)
    if every:
        shown += [Text(), Text("The gates", style="bold"), *(one for gate in every for one in gate_lines(*gate, width))]
    return lines(shown)


def facts(found: Readiness, covered: Coverage, width: int) -> Iterator[Text]:
    """What the answer rests on."""
    if found.messages:
        mine = f"{number(found.yours)} of your own" + (
            f", {share(found.yours_passing, found.yours)} of them passing" if found.yours else ""
        )
        yield prose(
            f"{day(found.first_day)} – {day(found.last_day)}: {counted(found.days, 'day')} of data,"
            f" {counted(found.messages, 'message')}, {mine}.",
            width,
        )
    known = found.present.by != "nobody"
    asked = f"{found.present.text or 'nothing'} (says {PRESENT[found.present.by]})" if known else "not known, by neither DNS nor reports"
    yield prose(f"Asked for now: {asked}.", width)
    yield prose(f"{sentence(covering.line(covered))}.", width)


def target(verdict: TargetVerdict, width: int) -> Iterator[Text]:
    """One verdict with its reasons."""
    word, style = (REACHED if verdict.reached else ANSWERS)[verdict.answer]
    because = ", because:" if verdict.because else ""
    yield Text.assemble(f"{'At' if verdict.reached else 'To'} p={verdict.target.value}: ", (word, style), because)
    for reason in verdict.because:
        yield prose(f"{reason[:1].upper()}{reason[1:]}.", width, first="- ")


def step(found: NextStep, width: int) -> Iterator[Text]:
    """What to do next, with the lines to copy."""
    yield prose(f"{sentence(found.what)}.", width)
    if found.line is not None:
        yield prose("Publish:" if found.may else "Only then publish:", width)
        yield copyable(found.line)
    elif found.tags:
        yield prose(f"The tags to change are {found.tags}; {found.hint}.", width)
    if found.also:
        yield prose("And publish:" if found.line is not None else "Publish:", width)
        for line in found.also:
            yield copyable(line)


Pair = tuple[GateFound | None, GateFound | None]


def gates(quarantine: TargetVerdict, reject: TargetVerdict) -> list[Pair]:
    """The gates of both verdicts side by side, each once, in the order of the first and then the second."""
    first = {one.gate: one for one in quarantine.gates}
    second = {one.gate: one for one in reject.gates}
    return [(first.get(name), second.get(name)) for name in dict.fromkeys([*first, *second])]


def gate_lines(one: GateFound | None, other: GateFound | None, width: int) -> Iterator[Text]:
    """A gate: question and figure, and for each policy what it asks for and whether it is passed."""
    gate = one or other
    if gate is None:
        return
    yield Text.assemble("  ", (gate.question, "bold"), f"  {safe(gate.found.figure, 300)}")
    told = [(name, found) for name, found in (("quarantine", one), ("reject", other)) if found is not None]
    if len(told) == 2 and told[0][1].limit == told[1][1].limit:
        told = [("both", told[0][1])]
    for name, found in told:
        mark, style = MARKS[found.found.passage]
        yield prose(f"to {name}: {found.limit}", width, indent=4, first=mark, style=style)
    if any(found.found.passage is not Passage.OPEN for _, found in told):
        yield prose(f"{sentence(gate.reason)}.", width, indent=12, style="dim")


LINES = (
    Column("domain", lambda row: safe(row["domain"], 60)),
    Column("now", lambda row: safe(row["stage"], 20)),
    Column("to quarantine", lambda row: verdict_text(row["to_quarantine"])),
    Column("to reject", lambda row: verdict_text(row["to_reject"])),
    Column("days", lambda row: number(row["days"]), right=True, wide=90),
    Column("messages", lambda row: number(row["messages"]), right=True),
    Column("your own", lambda row: number(row["yours"]), right=True, wide=90),
    Column("pass", lambda row: share(row["yours_passing"], row["yours"]), right=True),
    Column("what is missing", lambda row: safe("parked: reject at once" if row["parked"] else row["missing"], 60), wide=120),
)


def verdict_text(answer: str) -> Text:
    """An answer as a cell."""
    word, style = ANSWERS[Answer(answer)]
    return Text(word, style=style)


def many(found: Sequence[Mapping[str, Any]], width: int) -> RenderableType:
    """Many domains, a line each."""
    table, columns = drawn(LINES, width)
    for row in found:
        fill(table, columns, row)
    return table
