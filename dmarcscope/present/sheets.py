"""The tables of a summary as rows of words: what a page or a notebook shows behind a chart, and in full at its end.

Cells hold a stranger's text made harmless for a terminal, and not escaped for HTML. Numbers and shares are written as everywhere else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dmarcscope.model.summary import Summary
from dmarcscope.model.summary_tables import AuthorLine, Group, Groups, ReporterLine, Rest, SenderTrend, SourceLine
from dmarcscope.model.verdict import SenderClass
from dmarcscope.present.summary_wording import CLASSES
from dmarcscope.present.wording import counted, day, number, safe, share

NOT_KNOWN = "not known"
WIDTH = 80
"""Letters of a stranger's name that a cell shows."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column. ``figures``: it holds numbers or shares, which are set to the right and sorted as numbers."""

    name: str
    figures: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of words. ``foot`` is a row about what was folded, or empty; the first cell of a row names it."""

    key: str
    title: str
    head: tuple[Head, ...]
    rows: tuple[tuple[str, ...], ...]
    foot: tuple[str, ...] = ()


def sheet(key: str, title: str, head: str, rows: Iterable[Sequence[str]], foot: Sequence[str] = ()) -> Sheet:
    """A table; ``head`` names its columns, with commas between, a `*` before those of words."""
    names = (one.strip() for one in head.split(","))
    heads = tuple(Head(name.removeprefix("*"), figures=not name.startswith("*")) for name in names)
    return Sheet(key, title, heads, tuple(tuple(row) for row in rows), tuple(foot))


def class_name(one: SenderClass | None) -> str:
    """How a class is called for people."""
    return CLASSES[one] if one else "all classes"


def named(text: str, width: int = WIDTH) -> str:
    """A stranger's name; an empty one is not known."""
    return safe(text, width) if text else NOT_KNOWN


def last_seen(moment: datetime | None) -> str:
    """The last day of what ends then."""
    return day(moment - timedelta(seconds=1) if moment else None)


def iso(moment: date | None) -> str:
    """A day, or nothing."""
    return moment.isoformat() if moment else "–"


def in_full(summary: Summary) -> tuple[Sheet, ...]:
    """All tables of a domain that hold something."""
    tables, forged = summary.tables, summary.unauthorised
    every = (
        senders(summary),
        sources(tables.sources, tables.sources_rest),
        reporters(tables.reporters, tables.reporters_rest),
        authors(tables.authors, tables.authors_rest),
        groups("forgers", "Unauthorised mail by sender", "sender", forged.senders),
        groups("forger-networks", "Unauthorised mail by network", "network", forged.networks),
        groups("forger-countries", "Unauthorised mail by country", "country", forged.countries),
        groups("forged-names", "Unauthorised mail by the name that was forged", "author domain", forged.authors),
        groups("networks", "All mail by network", "network", summary.networks),
    )
    return tuple(one for one in every if one.rows or one.foot)


def senders(summary: Summary) -> Sheet:
    """All senders of all classes."""
    head = (
        "*sender,*class,messages,before,pass DMARC,share,DKIM aligned,SPF aligned,delivered,quarantined,rejected,addresses,"
        "reporters,*first seen,*last seen,*known by"
    )
    rests = summary.senders_rest.values()
    rest = Rest(*(sum(getattr(one, name) for one in rests) for name in Rest.__slots__)) if rests else Rest()
    foot: tuple[str, ...] = ()
    if rest:
        foot = (
            f"{counted(rest.count, 'other sender')}",
            "",
            number(rest.messages),
            "",
            number(rest.passing),
            share(rest.passing, rest.messages),
        )
        foot += ("", "", number(rest.delivered), number(rest.quarantined), number(rest.rejected), "", "", "", "", "")
    return sheet("senders", "Senders", head, map(sender, summary.senders), foot)


def sender(trend: SenderTrend) -> tuple[str, ...]:
    """One of them."""
    line = trend.line
    return (
        named(line.sender),
        class_name(line.sender_class),
        number(line.messages),
        "–" if line.messages_before is None else number(line.messages_before),
        number(line.dmarc_pass),
        share(line.dmarc_pass, line.messages),
        number(line.dkim_aligned),
        number(line.spf_aligned),
        number(line.delivered),
        number(line.quarantined),
        number(line.rejected),
        number(line.sources),
        number(line.reporters),
        day(line.first_seen),
        last_seen(line.last_seen),
        safe("; ".join(line.known_by), 160),
    )


def sources(lines: Sequence[SourceLine], rest: Rest) -> Sheet:
    """The sending addresses."""
    head = (
        "*address,*name,*network,*country,*sender,*class,messages,pass DMARC,share,DKIM aligned,SPF aligned,delivered,quarantined,rejected"
    )
    rows = (
        (
            safe(one.source_ip, 45),
            safe(one.name, WIDTH) or "–",
            safe(one.network, WIDTH) or "–",
            safe(one.country, 10) or "–",
            named(one.sender),
            class_name(one.sender_class),
            *sums(one.messages, one.passing),
            number(one.dkim_aligned),
            number(one.spf_aligned),
            number(one.delivered),
            number(one.quarantined),
            number(one.rejected),
        )
        for one in lines
    )
    return sheet("sources", "Sending addresses", head, rows, folded(rest, ("other address", "other addresses"), 5, 2))


def reporters(lines: Sequence[ReporterLine], rest: Rest) -> Sheet:
    """Who reports."""
    head = "*reporter,reports,messages,pass DMARC,share,delivered,quarantined,rejected,*usual,*silent since,still to come"
    rows = (
        (
            named(one.reporter),
            number(one.reports),
            *sums(one.messages, one.passing),
            number(one.delivered),
            number(one.quarantined),
            number(one.rejected),
            "yes" if one.usual else "no",
            iso(one.silent_since),
            number(one.expected),
        )
        for one in lines
    )
    return sheet("reporters", "Reporters", head, rows, (*folded(rest, ("other reporter",), 1, 0), "", "", "") if rest else ())


def authors(lines: Sequence[AuthorLine], rest: Rest) -> Sheet:
    """The domains of the From addresses."""
    head = "*author domain,messages,pass DMARC,share," + ",".join(class_name(one).replace(",", "") for one in SenderClass)
    rows = ((named(one.name), *sums(one.messages, one.passing), *(number(one.by_class.get(of, 0)) for of in SenderClass)) for one in lines)
    foot = (counted(rest.count, "other name"), *sums(rest.messages, rest.passing), *[""] * len(SenderClass)) if rest else ()
    return sheet("authors", "Author domains", head, rows, foot)


def groups(key: str, title: str, what: str, found: Groups) -> Sheet:
    """Mail summed by something."""
    head = f"*{what},addresses,messages,pass DMARC,share,delivered,quarantined,rejected,not told"
    rest = found.rest
    foot: tuple[str, ...] = ()
    if rest:
        untold = rest.messages - rest.delivered - rest.quarantined - rest.rejected
        foot = (*folded(rest, (f"other {what}", "other countries" if what == "country" else ""), 1, 0), number(untold))
    return sheet(key, title, head, map(group, found.groups), foot)


def groups_in_short(key: str, title: str, what: str, found: Groups, most: int) -> Sheet:
    """The first groups: messages, and how many of them were delivered and stopped; the others are summed up."""
    rows = [(named(one.key), number(one.messages), number(one.delivered), number(one.stopped)) for one in found.groups[:most]]
    tail = found.groups[most:]
    count = found.rest.count + len(tail)
    messages = found.rest.messages + sum(one.messages for one in tail)
    delivered = found.rest.delivered + sum(one.delivered for one in tail)
    stopped = found.rest.quarantined + found.rest.rejected + sum(one.stopped for one in tail)
    foot = (f"{number(count)} more", number(messages), number(delivered), number(stopped)) if count else ()
    return sheet(key, title, f"*{what},messages,delivered,stopped", rows, foot)


def group(one: Group) -> tuple[str, ...]:
    """One of them."""
    became = (one.delivered, one.quarantined, one.rejected, one.untold)
    return named(one.key), number(one.sources), *sums(one.messages, one.passing), *map(number, became)


def sums(messages: int, passing: int) -> tuple[str, str, str]:
    """Messages, those that pass, and their share."""
    return number(messages), number(passing), share(passing, messages)


def folded(rest: Rest, noun: tuple[str, ...], before: int, after: int) -> tuple[str, ...]:
    """What was folded: ``before`` empty cells until its messages, ``after`` until what became of them."""
    if not rest:
        return ()
    became = (rest.delivered, rest.quarantined, rest.rejected)
    return counted(rest.count, *noun), *[""] * before, *sums(rest.messages, rest.passing), *[""] * after, *map(number, became)
