"""A sender over a period: how much it sends as a domain, what became of it, and what to do."""

from dataclasses import dataclass
from datetime import datetime

from dmarcscope.model.verdict import SenderClass


@dataclass(frozen=True, slots=True)
class SenderLine:
    """Sums of messages. ``overridden``: the receiver gave a reason for not following the policy. ``sources``: addresses.

    ``messages_before`` and ``dmarc_pass_before`` are those of the period before, as long as this one; None where there is none.
    ``needs_fixing``: of messages that are yours, those that fail. ``known_by``: what the name rests on. ``rules``: what decided the class.
    """

    sender: str
    sender_class: SenderClass
    messages: int
    dmarc_pass: int
    dkim_aligned: int
    spf_aligned: int
    delivered: int
    quarantined: int
    rejected: int
    overridden: int
    needs_fixing: int
    sources: int
    reporters: int
    first_seen: datetime | None
    last_seen: datetime | None
    messages_before: int | None
    dmarc_pass_before: int | None
    confidence: float | None
    known_by: tuple[str, ...]
    rules: tuple[str, ...]
    next_step: str


@dataclass(frozen=True, slots=True)
class Senders:
    """All senders of a period, those that matter most first; ``attribution`` is to be shown where networks or countries are."""

    domain: str | None
    begin: datetime | None
    end: datetime | None
    has_before: bool
    lines: tuple[SenderLine, ...]
    catalogue: str
    attribution: tuple[str, ...]
