"""What the DNS said, and when: one and the same answer, from the first time to the last that it was seen."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from dmarcscope.model.answer import Answer, Outcome, Question


@dataclass(frozen=True, slots=True)
class Observation:
    """An answer that came at ``first_seen``, at ``last_seen`` and each time between (UTC), ``times`` times in all.

    ``records`` are sorted, as name servers hand them out in any order. ``authenticated`` is the AD bit of the last answer.
    """

    question: Question
    outcome: Outcome
    records: tuple[str, ...]
    strings: tuple[tuple[str, ...], ...]
    aliases: tuple[str, ...]
    authenticated: bool
    first_seen: datetime
    last_seen: datetime
    times: int = 1

    @property
    def answer(self) -> Answer:
        """As an answer; its TTL is 0, as it is one of the past."""
        return Answer(self.question, self.outcome, self.records, self.strings, self.aliases, 0, self.authenticated)


class Standing(StrEnum):
    """How sure it is that an observation holds for a day."""

    SEEN = "seen"  # it was seen before or on the day, and on the day or after it
    CHANGED = "changed"  # on the day one answer gave way to another, or some time around it: before there was one, after it another
    AFTER = "after"  # it was last seen before the day, and nothing else since
    UNKNOWN = "unknown"  # nobody had asked by then


@dataclass(frozen=True, slots=True)
class RecordsOn:
    """What a name had on a day: the observations that may hold, in order, and how sure that is."""

    question: Question
    day: date
    standing: Standing
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """An observation, what came before it, and the difference in words; ``before`` is None for the first."""

    after: Observation
    before: Observation | None
    difference: tuple[str, ...]
