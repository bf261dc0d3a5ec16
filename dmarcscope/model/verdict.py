"""The verdict on a record: which class of mail it is, who sends it, and why."""

from dataclasses import dataclass
from enum import StrEnum


class SenderClass(StrEnum):
    """What a message is to the owner of the domain; `docs/classes.md` tells each rule in plain words."""

    YOURS_ALIGNED = "yours-aligned"
    YOURS_NEEDS_FIXING = "yours-needs-fixing"
    FORWARDED = "forwarded"
    MAILING_LIST = "mailing-list"
    UNAUTHORISED = "unauthorised"
    UNKNOWN = "unknown"


YOURS = frozenset({SenderClass.YOURS_ALIGNED, SenderClass.YOURS_NEEDS_FIXING})
LEGITIMATE = YOURS | {SenderClass.FORWARDED, SenderClass.MAILING_LIST}
"""Mail that somebody wants to arrive."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing that speaks for a name: ``what`` (`ptr`, `dkim`, `spf`, …) with the value seen, and whose it is."""

    what: str
    value: str
    whose: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A class with its reasons. ``confidence`` is between 0 and 1: how far the rule is to be trusted, not a measured frequency.

    ``because`` are the inputs of the rule in words, ``otherwise`` what would have changed the verdict.
    """

    sender_class: SenderClass
    sender: str
    rule: str
    confidence: float
    because: tuple[str, ...] = ()
    otherwise: str = ""
    hints: tuple[Hint, ...] = ()
