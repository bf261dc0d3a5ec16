"""A plan for reports, for people: what to publish where, as a line of a zone file and as the fields of a web form."""

from collections.abc import Iterator

from rich.text import Text

from dmarcscope.model.dmarc_setup import SetupLine, SetupPlan, SetupState
from dmarcscope.parse.zone_line import txt_line
from dmarcscope.present.prose import copyable, lines, prose, sentence
from dmarcscope.present.wording import safe

LIVE = {True: ("live", "green"), False: ("not yet", "yellow"), None: ("could not ask", "yellow")}
ENDS = {
    SetupState.LIVE: ("All of it is live: reports come within a day or two.", "bold green"),
    SetupState.NOT_YET: ("Not live yet. Name servers may remember the old answer for a while after a change.", "bold yellow"),
    SetupState.COULD_NOT_ASK: ("Could not be asked, so it is not known whether it is live.", "bold yellow"),
}


def setup(plan: SetupPlan, width: int, *, verify: bool) -> Text:
    """The plan; with ``verify`` only whether it is live."""
    shown = [] if verify else list(proposal(plan, width))
    if verify:
        shown += [Text.assemble((f"{LIVE[line.is_live][0]:>13}", LIVE[line.is_live][1]), f"  {safe(line.name)}") for line in plan.lines]
        shown += [prose(f"{why}", width) for why in plan.why if not plan.lines]
    shown += [prose(f"{sentence(gap)}.", width, first="not known  ", style="yellow") for gap in plan.unknown]
    if verify or plan.state is not SetupState.NOT_YET:
        word, style = ENDS[plan.state]
        shown.append(Text(word, style=style))
    elif plan.lines:
        shown.append(Text("When it is published: the same command with --verify tells whether it is live.", style="dim"))
    return lines(shown)


def proposal(plan: SetupPlan, width: int) -> Iterator[Text]:
    """What to publish, and why."""
    yield Text(f"Reports about {safe(plan.domain)}", style="bold")
    for why in plan.why:
        yield prose(why, width)
    for line in plan.lines:
        yield Text()
        yield from to_publish(line, plan.domain, width)
    if plan.instead is not None:
        yield Text()
        yield prose(f"Or, for {plan.domain} alone, a record of its own in place of the inherited one:", width)
        yield copyable(txt_line(plan.instead.name, plan.instead.text))
    yield Text()


def to_publish(line: SetupLine, domain: str, width: int) -> Iterator[Text]:
    """One record, in both forms."""
    foreign = line.owner != domain and not domain.endswith(f".{line.owner}")
    if line.is_live:
        yield prose(f"{line.name} is live already:", width)
        yield copyable(txt_line(line.name, line.text))
        return
    verb = "Change" if line.before is not None else "Publish"
    yield prose(f"{verb}{f' (in the DNS of {line.owner}, by whoever runs it)' if foreign else ''}:", width)
    if line.before is not None:
        yield Text("      was  ", style="dim").append(safe(line.before, 4000), style="dim")
    yield copyable(txt_line(line.name, line.text))
    yield prose(f"In a web form (many append {line.owner} to the name by themselves):", width)
    for field, value in (("Name", relative(line)), ("Type", "TXT"), ("Value", line.text)):
        yield Text(f"      {field:<6} ", style="dim").append(safe(value, 4000))


def relative(line: SetupLine) -> str:
    """The name without the domain whose DNS it is in.

    >>> relative(SetupLine("_dmarc.example.com", "", "example.com", None, None))
    '_dmarc'
    """
    return line.name.removesuffix(f".{line.owner}")
