"""A summary as plain text, for a terminal and for the plain part of a mail: at most 78 columns, but for lines that are to be copied.

Facts: every stranger's text goes through `wording.safe`. Strategy: a section for each part, in the order of the page; tables are cut after
`SHOWN` lines, and a last line holds the sum of the others.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dmarcscope.model.change import Change, Tone
from dmarcscope.model.fix import Lookups
from dmarcscope.model.readiness import Passage, TargetVerdict
from dmarcscope.model.summary import OverviewLine, Period, Summaries, Summary, ToDo
from dmarcscope.model.summary_figures import Figure, FigureName
from dmarcscope.model.summary_tables import Group, Groups, ReporterLine, Rest, SenderTrend
from dmarcscope.model.verdict import YOURS, SenderClass
from dmarcscope.present.prose import MAX_LINE, sentence
from dmarcscope.present.summary_wording import ANSWERS, CLASSES, FIGURES, PARTS, beside, complete, policy
from dmarcscope.present.wording import counted, number, safe, share

WIDTH = 78
SHOWN = 12
"""Lines of a table."""
NAME = 30
"""Letters of a name in a table."""
LONGEST = 2_000
"""Letters of a sentence, which may quote a stranger."""
MARKS = {Tone.BAD: "!!", Tone.WARNING: " !", Tone.NEUTRAL: " -", Tone.GOOD: " +"}
FORWARDING = (SenderClass.FORWARDED, SenderClass.MAILING_LIST)


def text(found: Summaries) -> str:
    """All summaries, several of them with an overview first."""
    parts: list[str] = []
    if len(found.summaries) != 1:
        parts += overview(found)
    for one in found.summaries:
        parts += [*([""] if parts else []), *summary(one)]
    return "\n".join(parts) + "\n"


def overview(found: Summaries) -> Iterator[str]:
    """The overview of several domains, or of none."""
    yield from title(f"DMARC summary, {named(found.period)}")
    yield from wrapped(found.sentence)
    if not found.has_reports:
        yield from wrapped("There are no reports in this store yet. Take some in with: dmarcscope ingest PATH")
        return
    if found.overview:
        yield ""
        yield row("domain", "messages", "pass", "failing", "forged", "policy")
    for line in found.overview:
        yield overview_line(line)
        yield from wrapped(line.sentence, indent=5)
    if found.also:
        messages = number(sum(one.messages for one in found.also))
        yield from wrapped(f"Not told here: {counted(len(found.also), 'more domain')} with {messages} messages; name them to see them.")


def overview_line(line: OverviewLine) -> str:
    """A domain in a line."""
    cells = (number(line.messages), share(line.passing, line.messages), number(line.yours_failing), number(line.unauthorised), line.policy)
    return row(f"{MARKS[line.tone]} {line.domain}", *cells)


def row(name: str, messages: str, passing: str, failing: str, forged: str, asked: str) -> str:
    """A line of the overview."""
    return f"{safe(name, 24):24} {messages:>10} {passing:>7} {failing:>9} {forged:>8} {asked}"[:WIDTH].rstrip()


def summary(found: Summary) -> Iterator[str]:
    """One summary, part by part."""
    yield from verdict(found)
    for heading, part in SECTIONS:
        yield from section(heading, part(found))


def verdict(found: Summary) -> Iterator[str]:
    """Should I worry, and why?"""
    yield from title(f"{safe(found.domain, 60)}, {named(found.period)}")
    yield from wrapped(found.verdict.sentence)
    for why in beside(found.verdict):
        yield from wrapped(why, first="- ", indent=2)
    yield from wrapped(complete(found))
    if found.messages and not found.has_dns:
        yield from wrapped("The DNS was not asked yet, so that few senders have a name; dmarcscope resolve asks it.")


def named(period: Period) -> str:
    """A period with its days."""
    return f"{period.label} ({period.first_day} to {period.last_day}, UTC)" if period.week else f"{period.label} (UTC)"


def figures(found: Summary) -> Iterator[str]:
    """The five figures."""
    for one in found.figures:
        yield f"{FIGURES[one.name]:24}{number(one.messages):>12} {of_whole(one):>8}  {against(one)}".rstrip()
        if any(one.parts.values()):
            parts = ", ".join(f"{PARTS[name]} {number(count)}" for name, count in one.parts.items() if count)
            yield f"{'':24}  {parts}"
    unknown = found.of_class(SenderClass.UNKNOWN)
    if unknown.messages:
        yield f"{'of unknown senders':24}{number(unknown.messages):>12} {share(unknown.messages, found.messages):>8}"
    if not found.has_before:
        yield "There is no period before to compare with."


def of_whole(one: Figure) -> str:
    """Its share, of all but the whole."""
    return "" if one.name is FigureName.REPORTED else share(one.messages, one.whole)


def against(one: Figure) -> str:
    """The change against the period before."""
    if one.before is None or one.change is None:
        return ""
    return f"{one.change:+,} (before: {number(one.before)})" if one.change else f"±0 (before: {number(one.before)})"


def changes(found: Summary) -> Iterator[str]:
    """What changed."""
    if not found.timeline.changes:
        yield "Nothing changed that is worth telling."
    for change in found.timeline.changes:
        yield from wrapped(f"{change.day} {sentence(change.words)}.", first=f"{MARKS[change.tone]} ", indent=3)
        yield from causes(change)
    left = sum(found.timeline.left_out.values())
    if left:
        yield f"{counted(left, 'lesser change')} not told; dmarcscope changes tells them."


def causes(change: Change) -> Iterator[str]:
    """Why, and what mends it."""
    for cause in change.causes:
        yield from wrapped(f"{cause.words}.", first="because ", indent=14, before=6)
        if cause.publish:
            yield f"      {safe(cause.publish, MAX_LINE)}"


def things_to_do(found: Summary) -> Iterator[str]:
    """At most three things."""
    if not found.to_do:
        yield "Nothing."
    for place, one in enumerate(found.to_do, 1):
        yield from thing(place, one)


def thing(place: int, one: ToDo) -> Iterator[str]:
    """One of them; lines to copy are never broken."""
    worth = f" ({counted(max(1, round(one.messages_a_week)), 'message')} a week)" if one.messages_a_week else ""
    yield from wrapped(f"{safe(one.subject, 60)}{worth}", first=f"{place}. ", indent=3)
    yield from wrapped(f"{sentence(one.what).removesuffix('.')}.", indent=3)
    yield from wrapped(f"Why: {one.why}.", indent=3)
    yield from (f"   {safe(line, MAX_LINE)}" for line in one.records)
    if one.lookups is not None and one.lookups.after is not None:
        yield from wrapped(cost(one.lookups), indent=3)
    if one.command:
        yield f"   {safe(one.command, LONGEST)}"
    if one.documentation:
        yield f"   How: {safe(one.documentation, LONGEST)}"


def cost(lookups: Lookups) -> str:
    """The look-ups of an SPF record."""
    before = "" if lookups.before is None else f"{lookups.before} before, "
    return f"DNS look-ups: {before}{lookups.after} after, of at most 10 (RFC 7208 §4.6.4)."


def of_classes(found: Summary, classes: Iterable[SenderClass]) -> Iterator[str]:
    """The senders of some classes."""
    wanted = set(classes)
    told = [one for one in found.senders if one.line.sender_class in wanted]
    tails = [rest for one, rest in found.senders_rest.items() if one in wanted]
    if not told and not tails:
        yield "None."
        return
    yield f"{'sender':{NAME}} {'messages':>10} {'change':>8} {'pass':>8}  {'class'}"
    yield from map(sender, told[:SHOWN])
    hidden = sum(one.line.messages for one in told[SHOWN:]) + sum(rest.messages for rest in tails)
    yield from others(len(told[SHOWN:]) + sum(rest.count for rest in tails), hidden)


def sender(one: SenderTrend) -> str:
    """One sender."""
    line = one.line
    before = line.messages_before
    change = "new" if one.is_new else "" if not before else f"{round(100 * (line.messages - before) / before):+d} %"
    name = safe(line.sender, NAME)
    return f"{name:{NAME}} {number(line.messages):>10} {change:>8} {share(line.dmarc_pass, line.messages):>8}  {CLASSES[line.sender_class]}"


def yours(found: Summary) -> Iterator[str]:
    """Your senders, and their next steps."""
    yield from of_classes(found, YOURS)
    for one in found.yours[:SHOWN]:
        if one.line.sender_class is SenderClass.YOURS_NEEDS_FIXING or one.line.next_step != "nothing to do":
            yield from wrapped(f"{safe(one.line.sender, 60)}: {one.line.next_step}", first="- ", indent=2)


def forwarders(found: Summary) -> Iterator[str]:
    """Forwarders and mailing lists."""
    yield from of_classes(found, FORWARDING)


def unknown(found: Summary) -> Iterator[str]:
    """Senders of which it is not known whose they are."""
    yield from of_classes(found, [SenderClass.UNKNOWN])


def unauthorised(found: Summary) -> Iterator[str]:
    """Who forges, and what receivers did with it."""
    forged = found.of_class(SenderClass.UNAUTHORISED)
    if not forged.messages:
        yield "None."
        return
    counts = (forged.delivered, forged.quarantined, forged.rejected, forged.untold)
    told = zip(("delivered", "quarantined", "rejected", "not told"), counts, strict=True)
    yield from wrapped(f"{counted(forged.messages, 'message')}: {', '.join(f'{number(count)} {name}' for name, count in told if count)}.")
    yield from groups("sender", found.unauthorised.senders)
    if found.has_networks:
        yield from groups("network", found.unauthorised.networks)
        yield from groups("country", found.unauthorised.countries)
    yield from groups("as", found.unauthorised.authors)
    for words in found.attribution:
        yield from wrapped(words)


def groups(heading: str, found: Groups) -> Iterator[str]:
    """A table of groups."""
    yield ""
    yield f"{heading:{NAME}} {'messages':>10} {'delivered':>10} {'quarantined':>12} {'rejected':>9}"
    yield from map(group, found.groups[:SHOWN])
    hidden = found.groups[SHOWN:]
    yield from others(len(hidden) + found.rest.count, sum(one.messages for one in hidden) + found.rest.messages)


def group(one: Group | ReporterLine) -> str:
    """One line of it."""
    name = safe((one.key if isinstance(one, Group) else one.reporter) or "(not known)", NAME)
    sums = f"{number(one.messages):>10} {number(one.delivered):>10} {number(one.quarantined):>12} {number(one.rejected):>9}"
    return f"{name:{NAME}} {sums}"


def others(count: int, messages: int) -> Iterator[str]:
    """What the lines come to that are not there."""
    if count:
        yield f"{f'… {number(count)} more':{NAME}} {number(messages):>10}"


def readiness(found: Summary) -> Iterator[str]:
    """May the policy be stricter, and what is missing?"""
    ready = found.readiness
    yield from wrapped(f"Policy now: {policy(ready)}{f' ({ready.present.by})' if ready.present.by != 'nobody' else ''}.")
    for target in (ready.quarantine, ready.reject):
        if not target.reached:
            yield from to_policy(target)
    yield from wrapped(f"Next: {ready.next_step.what}.")
    if ready.next_step.line and ready.next_step.may:
        yield f"  {safe(ready.next_step.line, MAX_LINE)}"
    yield from wrapped(f"It rests on {counted(ready.days, 'day')} of data, {ready.first_day} to {ready.last_day}.")


def to_policy(target: TargetVerdict) -> Iterator[str]:
    """The way to a policy, with the gates that are closed."""
    yield f"p={target.target.value}: {ANSWERS[target.answer]}"
    closed = [gate for gate in target.gates if gate.found.passage is Passage.CLOSED]
    for gate in closed:
        yield from wrapped(f"{gate.gate}: {gate.found.figure}; {gate.found.missing}", first="x ", indent=4, before=2)
    if not closed:
        for why in target.because:
            yield from wrapped(why, indent=2)


def reports(found: Summary) -> Iterator[str]:
    """Coverage, and what the ledger counts."""
    ledger = found.ledger
    states = ("stored", "duplicate", "superseded", "pending")
    told = ", ".join(f"{number(getattr(ledger, state))} {state}" for state in states if getattr(ledger, state) or state == "stored")
    yield from wrapped(f"{counted(ledger.received, 'report')} received: {told}. {unread(ledger.sidelined)}")
    yield from wrapped(complete(found))
    for one in found.coverage.silent:
        yield from wrapped(f"{safe(one.reporter, 60)} is silent since {one.silent_since}.", first="- ", indent=2)
    for again in found.restated:
        parts = ", ".join(f"{FIGURES[name]} {number(again.then[name])} → {number(now)}" for name, now in again.now.items())
        yield from wrapped(f"Restated, {again.label}: {parts}.", first="- ", indent=2)
    lines = found.tables.reporters
    yield f"{'reporter':{NAME}} {'messages':>10} {'delivered':>10} {'quarantined':>12} {'rejected':>9}"
    yield from map(group, lines[:SHOWN])
    rest = found.tables.reporters_rest
    yield from others(len(lines[SHOWN:]) + rest.count, sum(one.messages for one in lines[SHOWN:]) + rest.messages)


def unread(count: int) -> str:
    """What could not be read meanwhile."""
    return f"{counted(count, 'file or mail', 'files and mails')} of that time could not be read." if count else "All could be read."


SHORT = {
    SenderClass.YOURS_ALIGNED: "yours",
    SenderClass.YOURS_NEEDS_FIXING: "failing",
    SenderClass.FORWARDED: "forwarded",
    SenderClass.MAILING_LIST: "lists",
    SenderClass.UNAUTHORISED: "forged",
    SenderClass.UNKNOWN: "unknown",
}
"""Classes as headings of narrow columns."""


def course(found: Summary) -> Iterator[str]:
    """Messages by day and class; what was published is marked."""
    yield f"{'from':10} {''.join(f'{SHORT[one]:>10}' for one in SenderClass)}"
    for span in found.spans:
        marked = sum(span.first <= change.day <= span.last for change in found.marks)
        yield f"{span.first} {''.join(f'{number(span.by_class[one]):>10}' for one in SenderClass)}{'  *' if marked else ''}"
    if found.marks:
        yield "* what is published changed"


def sources(found: Summary) -> Iterator[str]:
    """The sources with most messages."""
    lines = found.tables.sources
    if not lines:
        yield "None."
        return
    yield f"{'source':24} {'sender':26} {'messages':>10} {'pass':>8}"
    for one in lines[:SHOWN]:
        passing = share(one.passing, one.messages)
        yield f"{safe(one.source_ip, 24):24} {safe(one.sender, 26):26} {number(one.messages):>10} {passing:>8}"
    rest: Rest = found.tables.sources_rest
    count = len(lines[SHOWN:]) + rest.count
    if count:
        yield f"{f'… {number(count)} more':51} {number(sum(one.messages for one in lines[SHOWN:]) + rest.messages):>10}"


SECTIONS: Sequence[tuple[str, Any]] = (
    ("Figures", figures),
    ("What changed", changes),
    ("What to do", things_to_do),
    ("Your senders", yours),
    ("Forwarders and mailing lists", forwarders),
    ("Unknown senders", unknown),
    ("Unauthorised", unauthorised),
    ("Ready for a stricter policy?", readiness),
    ("Reports", reports),
    ("Messages by day", course),
    ("Sources", sources),
)
"""The parts in their order, the same as on the page."""


def section(heading: str, lines: Iterable[str]) -> Iterator[str]:
    """A part with its heading."""
    yield ""
    yield heading
    yield "-" * len(heading)
    yield from lines


def title(words: str) -> Iterator[str]:
    """A title, underlined."""
    lines = list(wrapped(words))
    yield from lines
    yield "=" * max(map(len, lines))


def wrapped(words: str, *, first: str = "", indent: int = 0, before: int = 0) -> list[str]:
    """A sentence in lines; ``first`` stands before it, ``before`` columns in, and lines go on ``indent`` columns in.

    >>> wrapped("one", first="- ", indent=2)
    ['- one']
    """
    start = " " * before + first if first else " " * indent
    return textwrap.wrap(
        safe(words, LONGEST), WIDTH, initial_indent=start, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=True
    )
