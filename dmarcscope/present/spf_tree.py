"""An SPF record as a tree, with what each term costs and what became of it."""

from collections.abc import Iterator

from rich.text import Text

from dmarcscope.model.spf_check import SpfCheck, SpfNode, SpfQuestion, SpfTerm, TermEnd
from dmarcscope.model.words import SpfResult
from dmarcscope.present.prose import lines, prose, quoted, sentence
from dmarcscope.present.wording import counted, safe

MAX_LINES = 120
"""Lines of a tree that are shown; honest ones have a few dozens."""
MAX_TERM = 80
ENDS = {
    TermEnd.MATCH: ("matches", "bold green"),
    TermEnd.NO_MATCH: ("no match", "dim"),
    TermEnd.FOLLOWED: ("followed", "green"),
    TermEnd.TEMPERROR: ("temporary error", "yellow"),
    TermEnd.PERMERROR: ("permanent error", "red"),
    TermEnd.NOT_REACHED: ("not reached", "dim"),
    TermEnd.COUNTED: ("", ""),
}
COLOURS = {SpfResult.PASS: "bold green", SpfResult.FAIL: "bold red", SpfResult.PERMERROR: "bold red", SpfResult.TEMPERROR: "bold yellow"}


def tree(root: SpfNode, *, indent: int = 2) -> list[Text]:
    """A line for each term, at most MAX_LINES; look-ups at the right of those that cost any."""
    shown = []
    for number, line in enumerate(branches(root, "")):
        if number == MAX_LINES:
            shown.append(Text(" " * indent + "… the rest of this tree is not shown", style="dim"))
            break
        shown.append(Text(" " * indent) + line)
    return shown


def branches(node: SpfNode, before: str) -> Iterator[Text]:
    """The terms of a record, each with the record below it."""
    for number, term in enumerate(node.terms):
        last = number == len(node.terms) - 1
        yield Text(before + ("└ " if last else "├ "), style="dim") + described(term)
        if term.node is not None:
            further = before + ("  " if last else "│ ")
            if not term.node.terms and term.node.reason:
                yield Text(f"{further}  {safe(term.node.reason, 200)}", style="yellow")
            yield from branches(term.node, further)


def described(term: SpfTerm) -> Text:
    """A term with what became of it, and what it costs."""
    word, style = ENDS[term.end]
    text = Text(safe(term.text, MAX_TERM), style="bold" if term.end is TermEnd.MATCH else "dim" if term.end is TermEnd.NOT_REACHED else "")
    parts = [counted(term.lookups, "look-up")] if term.lookups else []
    voids = max(term.void_lookups, term.void_lookups6)
    parts += [f"{voids} void"] if voids else []
    costs = f"  ({', '.join(parts)})" if parts else ""
    text.append(costs, style="dim")
    if word:
        text.append(f"  {word}", style=style)
    return text.append(f"  {safe(term.note, 160)}", style="yellow") if term.note else text


def evaluation(check: SpfCheck, address: str, width: int) -> Text:
    """The answer to an SPF question: result, reason, path, tree, and every question that was asked."""
    shown = [Text.assemble(f"SPF of {safe(check.domain)} for {address}: ", (check.result.value, COLOURS.get(check.result, "bold")))]
    shown.append(prose(f"{sentence(check.reason)}.", width))
    if check.explanation:
        shown.append(prose(f"The owner explains (a stranger's text): {check.explanation}", width))
    if check.path:
        shown += [Text(), Text("Path" if check.matched else "Path to what went wrong", style="bold")]
        shown += [
            prose(f"{step.term or '(its record)'}  of {step.domain}", width, indent=2 + 2 * depth) for depth, step in enumerate(check.path)
        ]
    if check.tree.record is not None:
        shown += [Text(), Text("Record", style="bold"), quoted(check.tree.record, width), *tree(check.tree)]
        shown.append(Text(f"  {check.lookups} of 10 look-ups, {check.void_lookups} of 2 void ones.", style="dim"))
    shown += [Text(), Text(f"Asked ({counted(len(check.questions), 'question')})", style="bold")]
    shown += [question(each, width) for each in check.questions]
    return lines(shown)


def question(asked: SpfQuestion, width: int) -> Text:
    """A question and what came of it."""
    found = ", ".join(asked.records[:4]) + (" …" if len(asked.records) > 4 else "") if asked.records else asked.detail or asked.outcome
    return prose(f"{asked.kind} {asked.name}: {safe(found, width * 2)}", width)
