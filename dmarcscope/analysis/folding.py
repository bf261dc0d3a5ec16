"""Long tails of a summary are folded, with their sums kept: a page of the busiest domain stays one that can be opened."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from dmarcscope.model.sender_line import SenderLine
from dmarcscope.model.summary_tables import AuthorLine, Group, ReporterLine, Rest

SENDERS = 500
"""Senders with a line of their own,"""
WITH_TREND = 100
"""and those of them whose course is told."""
SOURCES = 2_000
"""Sources with a line of their own: what somebody would still scroll through; thirty thousand lines are 6 MB."""
REPORTERS = 200
AUTHORS = 300
GROUPS = 25
"""Lines of a table within the page: forgers, networks, countries."""
CHANGES = 60
"""Changes of a period that are told, the most telling."""
MATRIX_SENDERS, MATRIX_REPORTERS = 15, 12
"""What can be told apart in a heat map on a phone."""
TEXT = 255
"""Letters of a stranger's name: as many as a domain may have."""

Line = TypeVar("Line", SenderLine, Group, ReporterLine, AuthorLine)
SUMMED = ("messages", "passing", "delivered", "quarantined", "rejected")


def short(text: str | None, limit: int = TEXT) -> str:
    """A stranger's name that is no longer than one may be.

    >>> short("a" * 300)[-3:], short(None)
    ('aa…', '')
    """
    told = text or ""
    return told if len(told) <= limit else f"{told[: limit - 1]}…"


def fold(lines: Sequence[Line], limit: int, sums: Callable[[Line], Sequence[int]]) -> tuple[tuple[Line, ...], Rest]:
    """The first lines, and what the others come to; ``sums`` tells the sums of a line in the order of a `Rest`."""
    return tuple(lines[:limit]), rest(map(sums, lines[limit:]))


def rest(sums: Iterable[Sequence[int]]) -> Rest:
    """What lines come to."""
    told = list(sums)
    return Rest(len(told), *(sum(column) for column in zip(*told, strict=True)))


def of_group(one: Group | ReporterLine) -> Sequence[int]:
    """The sums of a group or reporter."""
    return one.messages, one.passing, one.delivered, one.quarantined, one.rejected


def of_author(one: AuthorLine) -> Sequence[int]:
    """The sums of an author domain; what became of its mail is not told."""
    return one.messages, one.passing, 0, 0, 0


def of_sender(one: SenderLine) -> Sequence[int]:
    """The sums of a sender."""
    return one.messages, one.dmarc_pass, one.delivered, one.quarantined, one.rejected
