"""What to publish or to set so that a sender's mail passes as a domain."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lookups:
    """How many look-ups an SPF record causes (RFC 7208 §4.6.4: at most 10), before and after; None where that is not known."""

    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Fix:
    """One thing to do. ``records`` are lines to publish, ready to be copied; <…> stands for what only the sender's account tells.

    ``messages_a_week``: how many messages of the period, by the week, it would align. ``why``: what the reports show.
    ``lookups`` is of SPF records alone.
    """

    sender: str
    domain: str
    what: str
    why: str
    records: tuple[str, ...]
    messages_a_week: float
    documentation: str = ""
    lookups: Lookups | None = None
