"""Collect what departs from the standard in one report: each kind once, with the number of records it touches."""

from dmarcscope.model.aggregate import Defect

MAX_KINDS = 200
"""Kinds of defects listed per report: more than any honest reporter makes; a hostile one must not fill the ledger."""
MAX_VALUE = 200
"""Characters of the value shown: enough to recognise it; the bytes are in the spool."""


class Defects:
    """A counter of defects, in the order in which they were met."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str | None, str], tuple[int, int | None]] = {}
        self._more = 0

    def report(self, field: str, value: str | None, problem: str) -> None:
        """Note a defect of the report itself."""
        self._add((field, value and shorten(value), problem), 0, None)

    def records(self, field: str, value: str | None, problem: str, records: int, first: int) -> None:
        """Note a defect in so many records, the first of which has this number (from 1)."""
        self._add((field, value and shorten(value), problem), records, first)

    def _add(self, key: tuple[str, str | None, str], records: int, first: int | None) -> None:
        if key in self._found:
            before, earliest = self._found[key]
            self._found[key] = (before + records, earliest if earliest is not None else first)
        elif len(self._found) < MAX_KINDS:
            self._found[key] = (records, first)
        else:
            self._more += 1

    def listed(self) -> tuple[Defect, ...]:
        """All defects; where there are more kinds than MAX_KINDS, a last one that says how many more."""
        found = [Defect(*key, records, first) for key, (records, first) in self._found.items()]
        if self._more:
            found.append(Defect("feedback", None, f"{self._more} more defects of other kinds"))
        return tuple(found)


def shorten(value: str) -> str:
    """The value, or its first MAX_VALUE characters."""
    return value if len(value) <= MAX_VALUE else value[:MAX_VALUE] + "…"
