"""What is wrong or unwise in a published record: a value with its reason and its remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a problem is: an error breaks what the owner wants, a warning may, a note is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to know about a record.

    ``code`` is a stable word («pct-removed»), ``what`` a plain sentence, ``section`` where it is written («RFC 9989 §4.7»), and
    ``fix`` what to publish instead (a record, a tag or a term), or empty.
    """

    severity: Severity
    code: str
    what: str
    section: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of the TXT records of a name are records of one kind.

    ``candidates``: those that are, in the order of the answer. ``problems``: too many of them, or others that nearly are.
    """

    candidates: tuple[str, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def text(self) -> str | None:
        """The record, if there is exactly one; several are as good as none (and for SPF worse)."""
        return self.candidates[0] if len(self.candidates) == 1 else None


def worst_first(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Errors, then warnings, then notes, each in the order in which they come."""
    order = list(Severity)
    return tuple(sorted(problems, key=lambda problem: order.index(problem.severity)))
