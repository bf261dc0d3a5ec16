"""From raw texts to records, a column at a time.

The same few texts come again and again, so each column remembers what it has read: a text is judged once, and after that it is a
look-up. What is odd about a text is remembered beside it, and counted for each report that holds it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import repeat
from typing import Any

from dmarcscope.model.aggregate import DkimSignature, Reason, Record, SpfCheck
from dmarcscope.parse import values
from dmarcscope.parse.defects import Defects
from dmarcscope.parse.rawrecord import RawRecord
from dmarcscope.parse.values import Reader

MAX_REMEMBERED = 50_000
"""Texts remembered per column, about 10 MB in all; then the column starts anew."""
MAX_CHARACTERS = 5_000_000
"""Characters of the texts remembered per column: strangers may fill each with a megabyte."""

Odd = tuple[str, str | None, str]  # field, value as written, problem


class Column(dict[Any, Any]):
    """What the texts of one column mean: a dictionary that reads a text when it is first asked for it.

    ``odd`` holds the problems of those texts that have any.
    """

    def __init__(self, read: Callable[[Any], tuple[Any, tuple[Odd, ...]]]) -> None:
        super().__init__()
        self._read = read
        self.odd: dict[Any, tuple[Odd, ...]] = {}
        self._weight = 0

    def __missing__(self, written: Any) -> Any:
        value, odd = self._read(written)
        self[written] = value
        self._weight += weight(written)
        if odd:
            self.odd[written] = odd
        return value

    def trim(self) -> None:
        """Start anew when too much is remembered."""
        if len(self) > MAX_REMEMBERED or self._weight > MAX_CHARACTERS:
            self.clear()
            self.odd.clear()
            self._weight = 0

    def convert(self, column: Sequence[Any], first: int, defects: Defects) -> list[Any]:
        """The values of a column whose first text belongs to record number ``first``; problems go to ``defects``."""
        self.trim()
        converted = [self[written] for written in column]
        if self.odd:
            met = self.odd.keys() & set(column)
            if met:
                self._note(met, column, first, defects)
        return converted

    def _note(self, met: set[Any], column: Sequence[Any], first: int, defects: Defects) -> None:
        places: dict[Any, int] = {}  # in the order of the records; one pass, however many odd texts there are
        times: Counter[Any] = Counter()
        for place, written in enumerate(column):
            if written in met:
                places.setdefault(written, place)
                times[written] += 1
        for written, place in places.items():
            for field, value, problem in self.odd[written]:
                defects.records(field, value, problem, times[written], first + place)


class Addresses(Column):
    """Addresses hardly repeat: a plain IPv4 address is told faster than it is remembered."""

    def __missing__(self, written: Any) -> Any:
        if written and ":" not in written and values.canonical_ip(written) == written:
            return written
        return super().__missing__(written)


class Lists(Column):
    """Lists of groups of texts, such as the DKIM results of a record, as tuples of ``kind``.

    The lists repeat less than the groups in them, so both are remembered.
    """

    def __init__(self, kind: Callable[..., Any], parts: Sequence["Part"]) -> None:
        self._groups = Column(several(kind, parts))
        super().__init__(self._read_list)

    def _read_list(self, written: Sequence[Any]) -> tuple[Any, tuple[Odd, ...]]:
        items = tuple([self._groups[group] for group in written])
        odd = self._groups.odd
        return items, tuple([problem for group in written for problem in odd.get(group, ())]) if odd else ()

    def trim(self) -> None:
        """Start anew when too much is remembered, in lists or in groups."""
        super().trim()
        self._groups.trim()


def weight(written: Any) -> int:
    """The characters in a text, or in a list of groups of texts."""
    if isinstance(written, tuple):
        return sum(map(weight, written)) + 1
    return len(written) if written else 0


def one(field: str, read: Reader, *, required: bool) -> Callable[[str | None], tuple[Any, tuple[Odd, ...]]]:
    """Read a single value; a missing one is None, and a defect only if the standard requires it."""

    def convert(written: str | None) -> tuple[Any, tuple[Odd, ...]]:
        if written is None:
            return None, ((field, None, "missing"),) if required else ()
        value, problem = read(written)
        return value, ((field, written.strip(), problem),) if problem else ()

    return convert


Part = tuple[str, Reader, bool]  # field, how it is read, whether the standard requires it


def several(kind: Callable[..., Any], parts: Sequence[Part]) -> Callable[[Any], tuple[Any, tuple[Odd, ...]]]:
    """Read a group of values, such as one DKIM result, into a ``kind``."""
    readers = [one(field, read, required=required) for field, read, required in parts]

    def convert(written: Iterable[str | None]) -> tuple[Any, tuple[Odd, ...]]:
        readings = [read(text) for read, text in zip(readers, written, strict=True)]
        return kind(*(value for value, _ in readings)), tuple([problem for _, problems in readings for problem in problems])

    return convert


REASON: tuple[Part, ...] = (
    ("reason/type", values.reason_type, True),
    ("reason/comment", values.text, False),
)
DKIM: tuple[Part, ...] = (
    ("auth_results/dkim/domain", values.domain, True),
    # RFC 9990 requires the selector, RFC 7489 does not: its absence is no defect worth a line.
    ("auth_results/dkim/selector", values.text, False),
    ("auth_results/dkim/result", values.dkim_result, True),
    ("auth_results/dkim/human_result", values.text, False),
)
SPF: tuple[Part, ...] = (
    ("auth_results/spf/domain", values.domain, True),
    ("auth_results/spf/scope", values.spf_scope, False),
    ("auth_results/spf/result", values.spf_result, True),
    ("auth_results/spf/human_result", values.text, False),
)

# The single values after the address, in the order of RawRecord and of Record.
READERS = (
    one("count", values.count, required=True),
    one("policy_evaluated/disposition", values.disposition, required=True),
    one("policy_evaluated/dkim", values.verdict, required=True),
    one("policy_evaluated/spf", values.verdict, required=True),
    one("identifiers/header_from", values.domain, required=True),
    one("identifiers/envelope_from", values.optional_domain, required=False),
    one("identifiers/envelope_to", values.optional_domain, required=False),
)


# What Record._make comes to, without a Python call for each record.
make_record = partial(tuple.__new__, Record)


class RecordReader:
    """Turns raw records into records; keeps what its columns have learned from report to report."""

    def __init__(self) -> None:
        self._columns: list[Column] = [
            Addresses(one("source_ip", values.source_ip, required=True)),
            *(Column(read) for read in READERS),
            Lists(Reason, REASON),
            Lists(DkimSignature, DKIM),
            Lists(SpfCheck, SPF),
        ]

    def convert(self, raws: Sequence[RawRecord], first: int, defects: Defects) -> Iterable[Record]:
        """Records for raw ones, the first of which has the number ``first``; problems are counted in ``defects``."""
        *texts, problems, _ = zip(*raws, strict=True) if raws else repeat((), len(RawRecord._fields))
        for found, times in Counter(filter(None, problems)).items():
            for field, problem in dict.fromkeys(found):
                defects.records(field, None, problem, times, first + problems.index(found))
        converted = [column.convert(text, first, defects) for column, text in zip(self._columns, texts, strict=True)]
        return map(make_record, zip(*converted, strict=True))
