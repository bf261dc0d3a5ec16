"""From sums by sender to lines: which class a sender has as a whole, what it is known by, and the one next step."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from dmarcscope.model.sender import Catalogue
from dmarcscope.model.sender_line import SenderLine
from dmarcscope.model.verdict import SenderClass

TOLERATED = 0.02
"""Share of a sender's mail that may fail before the sender as a whole needs fixing: some mail breaks on its way, whatever one does."""
ORDER = tuple(SenderClass)

Known = Mapping[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]]
"""By sender and role: what the name rests on, and the rules that decided."""


def lines(rows: Iterable[Mapping[str, Any]], known: Known, catalogue: Catalogue, *, has_before: bool) -> list[SenderLine]:
    """A line per sender, most messages first; ``rows`` as `sender_questions.senders` gives them."""
    kinds = {sender.name for sender in catalogue.senders}
    every = list(rows)
    earlier = {(row["sender"], row["role"]): row for row in every if not row["is_now"]}
    now = [{**row, **of_before(earlier.get((row["sender"], row["role"])))} for row in every if row["is_now"]]
    found = [line_of(row, known, kinds, has_before=has_before) for row in now]
    return sorted(found, key=lambda line: (-line.messages, ORDER.index(line.sender_class), line.sender))


def of_before(row: Mapping[str, Any] | None) -> dict[str, int]:
    """The sums of the time before; a sender that was not there then sent nothing."""
    return {"messages_before": row["messages"] if row else 0, "dmarc_pass_before": row["dmarc_pass"] if row else 0}


def line_of(row: Mapping[str, Any], known: Known, catalogued: set[str], *, has_before: bool) -> SenderLine:
    """One line."""
    sender_class = class_of(row)
    known_by, rules = known.get((row["sender"], row["role"]), ((), ()))
    return SenderLine(
        sender=row["sender"],
        sender_class=sender_class,
        **{name: row[name] for name in SUMMED},
        messages_before=row["messages_before"] if has_before else None,
        dmarc_pass_before=row["dmarc_pass_before"] if has_before else None,
        confidence=row["confidence"],
        known_by=known_by,
        rules=rules,
        next_step=next_step(row, sender_class, is_catalogued=row["sender"] in catalogued),
    )


SUMMED = (
    "messages",
    "dmarc_pass",
    "dkim_aligned",
    "spf_aligned",
    "delivered",
    "quarantined",
    "rejected",
    "overridden",
    "needs_fixing",
    "sources",
    "reporters",
    "first_seen",
    "last_seen",
)


def class_of(row: Mapping[str, Any]) -> SenderClass:
    """The class of a sender as a whole."""
    if row["role"] != "yours":
        return SenderClass(row["role"])
    return SenderClass.YOURS_NEEDS_FIXING if row["needs_fixing"] > TOLERATED * row["messages"] else SenderClass.YOURS_ALIGNED


def next_step(row: Mapping[str, Any], sender_class: SenderClass, *, is_catalogued: bool) -> str:
    """The one next step, short enough for a line."""
    return STEPS[sender_class](row, is_catalogued)


def for_failing(row: Mapping[str, Any], is_catalogued: bool) -> str:
    """What mends most of the mail that fails."""
    worst = max(FIXES, key=lambda name: row[name])
    if not row[worst]:
        return "see `fixes`: neither DKIM nor SPF is told of by its reports"
    return FIXES[worst] + ("; the records are in `fixes`" if is_catalogued else "; see `fixes`")


def for_aligned(row: Mapping[str, Any], is_catalogued: bool) -> str:  # noqa: ARG001 (one of a table)
    """Nothing, unless SPF is broken while DKIM carries the mail."""
    return "mend SPF: its record is in error, and only DKIM carries this mail; see `fixes`" if row["spf_broken"] else "nothing to do"


def saying(text: str) -> Callable[[Mapping[str, Any], bool], str]:
    """Always the same."""
    return lambda _row, _is_catalogued: text


FIXES = {
    "dkim_failing": "mend its DKIM signature",
    "dkim_other": "let it sign with your domain (DKIM)",
    "dkim_missing": "let it sign with DKIM, as your domain",
    "spf_not_listed": "add it to your SPF record",
    "spf_broken": "mend your SPF record, which is in error",
}
STEPS: Mapping[SenderClass, Callable[[Mapping[str, Any], bool], str]] = {
    SenderClass.YOURS_ALIGNED: for_aligned,
    SenderClass.YOURS_NEEDS_FIXING: for_failing,
    SenderClass.FORWARDED: saying("nothing to do: DKIM is what carries it"),
    SenderClass.MAILING_LIST: saying("nothing to do; it counts against p=reject"),
    SenderClass.UNAUTHORISED: saying("not yours: enforcement stops it; see `readiness`"),
    SenderClass.UNKNOWN: saying("is it yours? `senders accept` or `reject` it"),
}


def summed(found: Sequence[SenderLine], name: str) -> int:
    """The sum of a figure over all lines."""
    return sum(getattr(line, name) or 0 for line in found)
