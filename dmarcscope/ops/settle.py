"""Decide what becomes of reports: new, a duplicate, or one that takes the place of another. Pure; the ledger is asked before.

Same identity and same content: a duplicate. Same identity, other content: the latest counts, and the other is superseded.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from dmarcscope.ops.reading import Reading
from dmarcscope.store.ledger import Known, ReportEntry, Verdict


class Fate(StrEnum):
    """What becomes of one report."""

    STORED = "stored"  # its lines go into the table
    KEPT = "kept"  # they are there, from this same artefact
    DUPLICATE = "duplicate"  # another artefact brought the same
    SUPERSEDED = "superseded"  # a later version counts, which is in this batch too
    STAYS_SUPERSEDED = "stays-superseded"  # a later version counts, and the ledger knows


@dataclass(frozen=True, slots=True)
class Plan:
    """The fate of each report of a batch, in order (None: not ours to decide), and the keys of reports whose lines go out."""

    fates: tuple[Fate | None, ...]
    replaces: tuple[int, ...]

    def positions(self, *fates: Fate) -> list[int]:
        """Which reports have one of these fates."""
        return [position for position, fate in enumerate(self.fates) if fate in fates]


def decide(entries: Sequence[ReportEntry], known: Iterable[Known], ours: AbstractSet[int], *, anew: bool) -> Plan:
    """Plan for reports in the order of work, given what the ledger knows under their identities and of their artefacts.

    ``ours``: the artefacts to decide on. ``anew``: they are read again, and what is stored from them is to be replaced.
    The later of two versions is the one whose artefact came later, whatever the order in which they are worked on.
    """
    book = Book(known)
    fates: list[Fate | None] = []
    for position, entry in enumerate(entries):
        if entry.artefact_id not in ours:
            fates.append(None)
            continue
        mine = book.take_own(entry)
        fate = book.fate_of(entry, mine, anew=anew)
        if fate in (Fate.STORED, Fate.KEPT):
            earlier = book.counts.get(entry.identity)
            if earlier is not None:
                fates[earlier.position] = Fate.STAYS_SUPERSEDED if earlier.known else Fate.SUPERSEDED
            book.counts[entry.identity] = Counting(position, entry.artefact_id, mine is not None)
        if fate is Fate.STORED:
            book.replace(entry, mine)
        if fate is not Fate.DUPLICATE:
            book.contents.add((entry.identity, entry.content))
        fates.append(fate)
    return Plan(tuple(fates), tuple(sorted(book.replaced)))


@dataclass(frozen=True, slots=True)
class Counting:
    """The report of this batch that counts for its identity; ``known``: the ledger has a line for it."""

    position: int
    artefact_id: int
    known: bool


class Book:
    """What is known of each identity while a batch is decided."""

    def __init__(self, known: Iterable[Known]) -> None:
        self.counts: dict[str, Counting] = {}
        self.contents: set[tuple[str, str]] = set()  # identity and content of what this batch has brought
        self.replaced: set[int] = set()
        self._own: dict[tuple[int, str], Known] = {}
        self._others: dict[str, set[Known]] = {}
        for report in known:
            if report.state != "duplicate":
                self._others.setdefault(report.identity, set()).add(report)
                self._own[report.artefact_id, report.content] = report

    def take_own(self, entry: ReportEntry) -> Known | None:
        """What the ledger has of this very report; once, for an artefact may hold the same report twice."""
        return self._own.pop((entry.artefact_id, entry.content), None)

    def others(self, entry: ReportEntry, mine: Known | None) -> AbstractSet[Known]:
        """What else is known under the same identity."""
        return self._others.get(entry.identity, set()) - {mine}

    def replace(self, entry: ReportEntry, mine: Known | None) -> None:
        """Note whose lines go out for this report's."""
        going = [*self.others(entry, mine), *([mine] if mine else [])]
        self.replaced.update(one.report_key for one in going if one.state == "stored")

    def fate_of(self, entry: ReportEntry, mine: Known | None, *, anew: bool) -> Fate:
        """What becomes of one report, given itself as known before."""
        if mine is not None and (mine.state == "superseded" or mine.report_key in self.replaced):
            return Fate.STAYS_SUPERSEDED
        if mine is not None and not anew:
            return Fate.KEPT
        others = self.others(entry, mine)
        if (entry.identity, entry.content) in self.contents or any(one.content == entry.content for one in others):
            return Fate.DUPLICATE
        counting = self.counts.get(entry.identity)
        if mine is None and (
            any(one.artefact_id > entry.artefact_id and one.state == "stored" for one in others)
            or (counting is not None and counting.artefact_id > entry.artefact_id)
        ):
            return Fate.SUPERSEDED
        return Fate.STORED


def verdict(artefact_id: int, reading: Reading, states: Sequence[str]) -> Verdict:
    """What becomes of an artefact, given what became of its reports, and the reason in words."""
    refused = len(reading.refusals)
    reasons = list(reading.refusals[:3])
    if refused > len(reasons):
        reasons.append(f"and {refused - len(reasons)} more members")
    if not states:
        state = "sidelined" if refused else "ignored"
        if not refused:
            kinds = ", ".join(sorted(set(reading.others))) or "nothing inside"
            reasons.append(f"no aggregate report: {kinds}")
    else:
        state = next(state for state in SENTENCES if state in states)
        if len(set(states)) > 1:
            counts = ", ".join(f"{states.count(one)} {one}" for one in dict.fromkeys(states))
            reasons.append(f"{len(states)} reports: {counts}")
        elif SENTENCES[state]:
            reasons.append(SENTENCES[state])
    return Verdict(artefact_id, state, "; ".join(reasons) or None, refused)


# States of reports in the order in which they decide for their artefact, and why, where that needs saying.
SENTENCES = {
    "stored": "",
    "superseded": "a later version of the same report counts",
    "duplicate": "the same report came before",
}
STATES = {
    Fate.STORED: "stored",
    Fate.KEPT: "stored",
    Fate.DUPLICATE: "duplicate",
    Fate.SUPERSEDED: "superseded",
    Fate.STAYS_SUPERSEDED: "superseded",
}
