"""What is different between two answers of the DNS, in words: tag by tag for DMARC and DKIM records, term by term for SPF."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from dmarcscope.model.answer import Outcome
from dmarcscope.model.observation import Change, Observation
from dmarcscope.parse.tag_list import first_values, tag_list

MISSING = {Outcome.NO_DATA: "no records", Outcome.NXDOMAIN: "the name does not exist"}
MAX_SHOWN = 120
"""Characters of a value that are shown."""
MAX_LINES = 40
"""Lines of one difference."""


def changes(observations: Iterable[Observation]) -> list[Change]:
    """Each observation with what is different from the one before, for the same name and kind; in the order given."""
    found: list[Change] = []
    before: Observation | None = None
    for one in observations:
        if before is not None and before.question != one.question:
            before = None
        found.append(Change(one, before, difference(before, one) if before is not None else ()))
        before = one
    return found


def difference(before: Observation, after: Observation) -> tuple[str, ...]:
    """What has changed, a line each.

    Lines begin with «+» for what is new, «-» for what is gone and «~» for what has another value.
    """
    lines = [*outcomes(before, after), *records(before.records, after.records), *aliases(before.aliases, after.aliases)]
    # RFC 1035 §3.3.14: the same text in other strings is the same to all who read it.
    if not lines and before.strings != after.strings:
        lines = ["~ the same text, cut into strings otherwise"]
    if len(lines) > MAX_LINES:
        lines = [*lines[: MAX_LINES - 1], f"… {len(lines) - MAX_LINES + 1} more"]
    return tuple(lines)


def outcomes(before: Observation, after: Observation) -> Iterator[str]:
    """That something is there now, or no longer."""
    if before.outcome is after.outcome:
        return
    if after.outcome in MISSING:
        yield f"~ {MISSING[after.outcome]} any more" if before.outcome is Outcome.FOUND else f"~ {MISSING[after.outcome]} now"


def records(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """What has changed between two sets of records: a record that replaces another of its kind is compared part by part."""
    gone, new = only_in(before, after), only_in(after, before)
    for old in tuple(gone):
        like = next((one for one in new if kind_of(old) == kind_of(one) != ""), None)
        if like is not None:
            gone.remove(old)
            new.remove(like)
            yield from parts(old, like)
    yield from (f"- {cut(record)}" for record in gone)
    yield from (f"+ {cut(record)}" for record in new)


def only_in(these: Sequence[str], others: Sequence[str]) -> list[str]:
    """Those that are not among the others, at most MAX_LINES of them: no more is shown."""
    known = set(others)
    return [one for one in these if one not in known][:MAX_LINES]


def kind_of(text: str) -> str:
    """The kind of a TXT record, empty if it is none that has parts.

    >>> kind_of("v=spf1 -all"), kind_of("v=DMARC1; p=none"), kind_of("k=rsa; p=MII"), kind_of("hello")
    ('v=spf1', 'v=dmarc1', 'key', '')
    """
    begin = text.split(";", 1)[0].split(" ", 1)[0].strip().lower()
    if begin.startswith("v="):
        return "key" if begin == "v=dkim1" else begin
    return "key" if begin.startswith(("k=", "p=", "h=", "t=", "s=", "n=")) else ""


def parts(before: str, after: str) -> Iterator[str]:
    """What has changed within a record."""
    if kind_of(before) == "v=spf1":
        yield from terms(before.split()[1:], after.split()[1:])
        return
    old, new = (first_values(tag_list(text)) for text in (before, after))
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            yield f"- {name}={cut(old[name])}"
        elif name not in old:
            yield f"+ {name}={cut(new[name])}"
        elif old[name] != new[name]:
            yield f"~ {name}={cut(old[name])} → {name}={cut(new[name])}"
    if old == new:
        yield f"~ {cut(before)} → {cut(after)}"


def terms(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """Which terms of an SPF record are new, gone or in another place."""
    gone, new = only_in(before, after), only_in(after, before)
    yield from (f"- {cut(term)}" for term in gone)
    yield from (f"+ {cut(term)}" for term in new)
    if not gone and not new and any(one != other for one, other in zip_longest(before, after)):
        yield f"~ the terms stand in another order: {cut(' '.join(after))}"


def aliases(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """That the way to it has changed."""
    if before != after:
        way = [" → ".join(names) or "no alias" for names in (before, after)]
        yield f"~ by way of {cut(way[0])}; now {cut(way[1])}"


def cut(text: str) -> str:
    """A text short enough for a line."""
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
