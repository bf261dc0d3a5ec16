"""What to publish, for people: what, why, and lines to copy that are never broken."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from dmarcscope.model.fix import Fix, Lookups
from dmarcscope.present.prose import copyable, lines, prose, sentence
from dmarcscope.present.wording import counted, safe

SPF_LIMIT = 10


def fixes(found: Sequence[Fix], width: int) -> Text:
    """All of them, what aligns most messages first."""
    if not found:
        return Text("Nothing to mend: all mail that is known to be yours passes.", style="green")
    end = prose("Once it is published: dmarcscope check DOMAIN. What stands between < and > is told by your account.", width, indent=0)
    return lines([*(part for number, fix in enumerate(found, 1) for part in of_one(number, fix, width)), end])


def of_one(number: int, fix: Fix, width: int) -> Iterator[Text]:
    """One of them."""
    head = Text(f"{number}. {safe(fix.sender)}", style="bold")
    yield head.append(f" as {safe(fix.domain)}", style="not bold dim").append(f"  {gain(fix)}", style="not bold green")
    yield prose(f"{sentence(fix.what).removesuffix('.')}.", width, indent=3)
    yield prose(f"{sentence(fix.why)}.", width, indent=3, first="Why: ", style="dim")
    yield from (copyable(record) for record in fix.records)
    if fix.lookups is not None:
        yield Text(f"   {cost(fix.lookups, fix.domain)}", style="red" if (fix.lookups.after or 0) > SPF_LIMIT else "dim")
    if fix.documentation:
        yield Text(f"   How: {safe(fix.documentation)}", style="dim")
    yield Text()


def gain(fix: Fix) -> str:
    """What it is worth."""
    return f"aligns {counted(max(1, round(fix.messages_a_week)), 'message')} a week"


def cost(counted_lookups: Lookups, domain: str) -> str:
    """The look-ups of an SPF record."""
    if counted_lookups.after is None:
        return f"DNS look-ups: not all that it names was asked for yet; dmarcscope check {safe(domain)} asks (limit: {SPF_LIMIT})."
    before = "" if counted_lookups.before is None else f"{counted_lookups.before} before, "
    return f"DNS look-ups of the record: {before}{counted_lookups.after} after, of at most {SPF_LIMIT} (RFC 7208 §4.6.4)."
