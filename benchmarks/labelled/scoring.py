"""How right verdicts are against the truth: precision and recall by class, the confusions, and the names.

Figures leave the hard cases out, as no report tells them from the owner's own mail; those are counted apart. Beside them stands the
rule «DKIM aligned or absent and SPF unaligned = forwarded», as it is used elsewhere.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dmarcscope.model.verdict import YOURS, SenderClass

UNNAMED = ("unknown", "hosts ", "your own hosts", "nameless")
"""How a sender begins that is not named: one that is only described."""

EVERY = frozenset(SenderClass)


class By(StrEnum):
    """What is counted."""

    MESSAGES = "messages"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class Judged:
    """A record: its truth, and what was said of it."""

    true: SenderClass
    said: SenderClass
    naive: SenderClass
    count: int
    kind: str
    names: tuple[str, ...] = ()
    sender: str = ""
    hard: bool = False

    @property
    def named(self) -> bool:
        """Whether a sender is named at all."""
        return bool(self.sender) and not self.sender.casefold().startswith(UNNAMED)

    @property
    def named_rightly(self) -> bool:
        """Whether the name is one of the right ones."""
        said = self.sender.casefold()
        return self.named and any(name.casefold() in said for name in self.names)


Cell = tuple[SenderClass, SenderClass]
"""The true class and the one that was said."""


@dataclass(slots=True)
class Confusion:
    """How often each class was said of each."""

    cells: dict[By, Counter[Cell]] = field(default_factory=lambda: {by: Counter() for by in By})

    def note(self, true: SenderClass, said: SenderClass, count: int) -> None:
        """Count a record."""
        self.cells[By.MESSAGES][true, said] += count
        self.cells[By.RECORDS][true, said] += 1

    def sum(self, by: By, true: Collection[SenderClass], said: Collection[SenderClass]) -> int:
        """How often one of some classes was called one of others."""
        return sum(count for (was, called), count in self.cells[by].items() if was in true and called in said)

    def precision(self, by: By, classes: Collection[SenderClass]) -> float | None:
        """Of what was called so, the share that is so; None where nothing was."""
        return share(self.sum(by, classes, classes), self.sum(by, EVERY, classes))

    def recall(self, by: By, classes: Collection[SenderClass]) -> float | None:
        """Of what is so, the share that was called so; None where nothing is."""
        return share(self.sum(by, classes, classes), self.sum(by, classes, EVERY))


@dataclass(slots=True)
class Score:
    """All that is counted."""

    said: Confusion = field(default_factory=Confusion)
    naive: Confusion = field(default_factory=Confusion)
    hard: Confusion = field(default_factory=Confusion)
    kinds: dict[str, Counter[Cell]] = field(default_factory=dict)  # messages by kind, the hard ones too
    names: dict[By, Counter[str]] = field(default_factory=lambda: {by: Counter() for by in By})

    def note(self, one: Judged) -> None:
        """Count a record."""
        if one.hard:
            self.hard.note(one.true, one.said, one.count)
        else:
            self.said.note(one.true, one.said, one.count)
            self.naive.note(one.true, one.naive, one.count)
        self.kinds.setdefault(one.kind, Counter())[one.true, one.said] += one.count
        for by, weight in ((By.MESSAGES, one.count), (By.RECORDS, 1)):
            names = self.names[by]
            names["all"] += weight
            names["named"] += weight * one.named
            names["nameable"] += weight * bool(one.names)
            names["nameable, named"] += weight * (one.named and bool(one.names))
            names["rightly"] += weight * one.named_rightly

    @property
    def called_yours(self) -> int:
        """Messages that are unauthorised and were called the owner's, but for the hard cases."""
        return self.said.sum(By.MESSAGES, {SenderClass.UNAUTHORISED}, YOURS)

    def name_shares(self, by: By) -> dict[str, float | None]:
        """The shares that were named: of all, and of what has a right name; and of the latter's, those that are right."""
        names = self.names[by]
        return {
            "named": share(names["named"], names["all"]),
            "named, of what can be": share(names["nameable, named"], names["nameable"]),
            "rightly, of these": share(names["rightly"], names["nameable, named"]),
        }


def score(judged: Iterable[Judged]) -> Score:
    """Counts records."""
    found = Score()
    for one in judged:
        found.note(one)
    return found


def naive_class(*, spf_aligned: bool, dkim_aligned: bool, signed: bool) -> SenderClass:
    """The class by the rule used elsewhere.

    >>> naive_class(spf_aligned=False, dkim_aligned=False, signed=False).value
    'forwarded'
    """
    if spf_aligned:
        return SenderClass.YOURS_ALIGNED
    return SenderClass.FORWARDED if dkim_aligned or not signed else SenderClass.UNAUTHORISED


def share(part: int, whole: int) -> float | None:
    """A share, None of nothing."""
    return part / whole if whole else None


# In words.

GROUPS: Mapping[str, Collection[SenderClass]] = {"yours": YOURS, **{one.value: {one} for one in SenderClass}}
"""Classes as they are told: the owner's mail as one first, then each by itself."""


def figure(value: float | None) -> str:
    """A share in percent with two decimals."""
    return "—" if value is None else f"{value:.2%}"


def table(confusion: Confusion) -> Iterator[str]:
    """Yields lines of precision and recall."""
    yield f"{'':<20} {'precision':>22} {'recall':>22}"
    yield f"{'':<20} {'messages':>11} {'records':>10} {'messages':>11} {'records':>10}"
    for name, classes in GROUPS.items():
        values = [of(by, classes) for of in (confusion.precision, confusion.recall) for by in By]
        yield "{:<20} {:>11} {:>10} {:>11} {:>10}".format(name, *map(figure, values))


def matrix(confusion: Confusion, by: By) -> Iterator[str]:
    """Yields the lines of who was called what."""
    yield f"{'true ╲ said, ' + by:<20}" + "".join(f"{one.value:>20}" for one in SenderClass)
    for true in SenderClass:
        yield f"{true.value:<20}" + "".join(f"{confusion.cells[by][true, said]:>20,}" for said in SenderClass)


def by_kind(kinds: Mapping[str, Counter[Cell]]) -> Iterator[str]:
    """Yields a line for each kind of mail: messages, the share called rightly, and what the rest was called."""
    for kind, cells in sorted(kinds.items()):
        whole = sum(cells.values())
        right = sum(count for (true, said), count in cells.items() if true is said)
        wrong: Counter[str] = Counter()
        for (true, said), count in cells.items():
            if true is not said:
                wrong[said.value] += count
        rest = ", ".join(f"{said} {count:,}" for said, count in wrong.most_common())
        yield f"{kind:<64} {whole:>9,} {figure(share(right, whole)):>9}  {rest}"


def summary(found: Score) -> Iterator[str]:
    """Yields everything, for people."""
    yield from table(found.said)
    for by in By:
        yield ""
        yield from matrix(found.said, by)
    yield ""
    yield f"unauthorised called yours: {found.called_yours:,} messages"
    shares = {by: found.name_shares(by) for by in By}
    for what in shares[By.MESSAGES]:
        yield f"{what}: {figure(shares[By.MESSAGES][what])} of messages, {figure(shares[By.RECORDS][what])} of records"
    yield ""
    yield "hard cases, not in the above:"
    yield from matrix(found.hard, By.MESSAGES)
    yield ""
    yield "the rule «DKIM aligned or absent and SPF unaligned = forwarded»:"
    yield from table(found.naive)
    yield f"unauthorised called yours or forwarded: {_waved_through(found.naive):,} messages; by dmarcscope {_waved_through(found.said):,}"
    yield ""
    yield f"{'by kind of mail':<64} {'messages':>9} {'right':>9}  what the rest was called"
    yield from by_kind(found.kinds)


def _waved_through(confusion: Confusion) -> int:
    return confusion.sum(By.MESSAGES, {SenderClass.UNAUTHORISED}, YOURS | {SenderClass.FORWARDED})
