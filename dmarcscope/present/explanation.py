"""An explanation for people: verdict by verdict the chain from what reporters said to the rule that decided."""

from collections.abc import Iterable, Iterator

from rich.text import Text

from dmarcscope.analysis.explanation import CLASSES
from dmarcscope.model.explanation import Block, Counts, DnsRecords, Explanation, IdentityResult, SourceSaid
from dmarcscope.model.verdict import SenderClass
from dmarcscope.present.prose import WIDEST, lines, prose
from dmarcscope.present.wording import counted, day, number, safe, share

COLOURS = {
    "yours-aligned": "green",
    "yours-needs-fixing": "yellow",
    "forwarded": "cyan",
    "mailing-list": "cyan",
    "unauthorised": "red",
    "unknown": "magenta",
}
WHOSE = {"own": "own", "other": "another's", "none": "no domain"}
STANDINGS = {
    "seen": "seen",
    "changed": "changed on that day, or some time around it",
    "after": "last seen before, and nothing else since",
    "unknown": "nobody had asked by then",
}
NAME, RECORD, WORD = 80, 200, 120
"""Characters that are shown of a stranger's name, of a record, and of other words."""
TERMS = 4
"""Steps to an SPF term that are shown."""


def explanation(found: Explanation, width: int) -> Text:
    """The whole explanation."""
    shown = [headline(found)]
    for place, block in enumerate(found.blocks, 1):
        shown += [Text(), *part(block, f"{place}. " if len(found.blocks) > 1 else "", width)]
    if found.more_verdicts:
        more = f"… {counted(found.more_verdicts, 'verdict')} more, on {counted(found.more_messages, 'message')}; --limit N shows more."
        shown += [Text(), Text(more, style="dim")]
    told = f"Senders as known by the catalogue of {safe(found.catalogue)}." if found.catalogue else "No catalogue of senders is used."
    shown += [Text(), prose(f"{told} Every rule in plain words: docs/classes.md", width, indent=0, style="dim")]
    return lines([*shown, *(prose(text, width, indent=0) for text in found.attribution)])


def headline(found: Explanation) -> Text:
    """What was asked for, and how much of it there is."""
    kind = {"address": "", "sender": "", "record": "Record "}[found.kind]
    text = Text(kind).append(safe(found.asked, NAME), style="bold")
    text.append(f": {counted(found.messages, 'message')} in {counted(found.records, 'record')}, {day(found.begin)} – {day(found.end)}")
    verdicts = len(found.blocks) + found.more_verdicts
    return text.append(f"; {counted(verdicts, 'verdict')}." if verdicts > 1 else ".")


def part(block: Block, before: str, width: int) -> Iterator[Text]:
    """One verdict."""
    meaning = CLASSES[SenderClass(block.sender_class)]
    yield Text.assemble(
        before, (block.sender_class, f"bold {COLOURS[block.sender_class]}"), f" ({meaning}), sender ", (safe(block.sender, NAME), "bold")
    )
    yield prose(f"{block.because.sentence}.", width, first=f"Rule {block.because.rule}: ", style="bold")
    confidence = f"confidence {block.confidence:.2f}, example record {block.example}"
    yield prose(f"{confidence}, the most common of {counted(block.kinds, 'kind')}" if block.kinds > 1 else confidence, width)
    if block.because.inputs:
        yield prose("; ".join(block.because.inputs), width, first="It looked at: ")
    yield prose(block.because.otherwise, width, first="Would have changed it: ")
    if block.because.not_fitting:
        yield prose(", ".join(block.because.not_fitting), width, first="Rules before it that did not fit: ")
    if block.entry is not None:
        where = f" ({safe(block.entry.path)}:{block.entry.line})" if block.entry.path and block.entry.line else ""
        yield prose(f"{safe(block.entry.name, NAME)}, «{block.entry.label}»{where}", width, first="Your list of senders: ")
    yield from reported(block, width)
    yield from sources(block, width)
    yield from dns(block.dns, width)
    if block.hints:
        yield heading("What its name rests on")
        yield from (item(f"{hint.what} {safe(hint.value, NAME)}: {safe(hint.whose, NAME)}", width) for hint in block.hints)


def heading(text: str) -> Text:
    """A heading within a verdict."""
    return Text(f"  {text}", style="bold")


def item(text: str, width: int) -> Text:
    """A line below a heading."""
    return prose(text, width, indent=4)


def reported(block: Block, width: int) -> Iterator[Text]:
    """What reporters said."""
    said = block.said
    yield heading("What reporters said")
    sums = f"{counted(said.messages, 'message')} in {counted(said.records, 'record')} from {counted(said.reporter_count, 'reporter')}"
    yield item(f"{sums}: {counts(said.reporters, said.reporter_count)}", width)
    passing = (("DMARC passes", said.dmarc_pass), ("DKIM aligned", said.dkim_aligned), ("SPF aligned", said.spf_aligned))
    yield item(", ".join(f"{name} {share(part, said.messages)}" for name, part in passing), width)
    yield item(f"author domain: {counts(said.authors)}", width)
    yield item(f"disposition: {counts(said.dispositions)}", width)
    if said.reasons:
        yield item(f"reasons for not following the policy: {counts(said.reasons)}", width)
    for one in block.identities:
        yield item(identity(one), width)
    if not block.identities:
        yield item("no DKIM and no SPF result", width)


def counts(found: Counts, several: int | None = None) -> str:
    """Words with their messages; ``several`` is how many there are."""
    told = ", ".join(f"{safe(word or '(none)', WORD)} {number(messages)}" for word, messages in found)
    rest = (several or 0) - len(found)
    return f"{told} and {number(rest)} more" if rest > 0 else told


def identity(one: IdentityResult) -> str:
    """A result, and whose the domain is."""
    selector = f" selector {safe(one.selector, NAME)}" if one.selector else ""
    whose = WHOSE[one.whose]
    domain = safe(one.domain or "–", NAME)
    return f"{one.kind} {safe(one.result or 'without a result', WORD)} for {domain}{selector} ({whose}): {counted(one.messages, 'message')}"


def sources(block: Block, width: int) -> Iterator[Text]:
    """Which hosts sent it, and what is known of them."""
    yield heading("Hosts")
    for one in block.sources:
        yield item(source(one), width)
        for term in one.spf:
            by = f" by {safe(term.term, WORD)}" if term.term else ""
            way = [safe(step, WORD) for step in term.path[:TERMS]]
            cut = " → …" if len(term.path) > TERMS else ""
            path = f"; the way: {' → '.join(way)}{cut}" if len(way) > 1 else ""
            yield prose(f"SPF of {safe(term.domain, NAME)} today: {safe(term.result, WORD)}{by}{path}", width, indent=6)
    if block.source_count > len(block.sources):
        yield item(f"… {counted(block.source_count - len(block.sources), 'host')} more", width)


def source(one: SourceSaid) -> str:
    """A host in one line."""
    name = {
        True: f"{safe(one.ptr_name, NAME)}, which leads back to it",
        False: f"{safe(one.ptr_name, NAME)}, which does not lead back to it" if one.ptr_name else "no name",
        None: "its name was not asked for (dmarcscope resolve)",
    }[one.ptr_confirmed]
    network = ", ".join(filter(None, [safe(one.network, NAME), safe(one.country, 8)]))
    return f"{safe(one.ip or '(none)', NAME)} ({counted(one.messages, 'message')}): {name}" + (f"; {network}" if network else "")


def dns(found: Iterable[DnsRecords], width: int) -> Iterator[Text]:
    """What the DNS had then, and has now."""
    told = list(found)
    if not told:
        return
    yield heading(f"DNS, on {told[0].day} and as last seen")
    for one in told:
        yield item(f"{safe(one.name, NAME)} {one.kind}", width)
        then = f": {records(one.then)}" if one.standing != "unknown" else ""
        yield prose(f"then ({STANDINGS[one.standing]}){then}", width, indent=6)
        way = f" by way of {safe(one.aliases[-1], NAME)}" if one.aliases else ""
        yield prose(f"now (seen {day(one.now_at)}){way}: {records(one.now)}", width, indent=6)


def records(found: Iterable[str]) -> str:
    """Records, each in its quotation marks, cut to what fits on a line or two."""
    return ", ".join(f"«{safe(record, min(RECORD, WIDEST))}»" for record in found) or "nothing"
