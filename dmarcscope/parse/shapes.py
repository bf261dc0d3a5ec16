r"""Recognise records that look like one seen before: the fast way through plain reports.

A reporter writes its records by one template, so millions of records differ in their texts alone. The first record of a *shape*
(the same tags in the same order) is read from its element tree; its tags become a pattern with a hole for each text, and each
later record that fills the pattern from end to end is the same record with other texts. A pattern admits no attribute, comment,
CDATA or stray character, and of references only the five that XML itself defines, so a match is also well formed; all else goes the
careful way through the XML parser.

Most records of a reporter differ from an earlier one in address and count alone. What follows the count is therefore remembered as a
whole: two records of three are found by it without looking at their tags at all.

How a hole becomes a field is not written twice: `read_record` reads the sample with every text replaced by the number of its
hole, and the result tells which hole fills which field.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any
from xml.sax.saxutils import unescape

from lxml.etree import _Element

from dmarcscope.parse.rawrecord import RawRecord, read_record

MAX_SHAPES = 1000
"""Shapes remembered at once: real reporters write a few dozen; a hostile one must not fill the memory."""
MAX_TAGS = 200
"""Tags in a shape: a record with twenty signatures has 130; patterns beyond that are not worth keeping."""

MAX_ALIKE = 50
"""Shapes with the same number of tags: each is tried on every such record."""
MAX_RESTS = 20_000
MAX_REST = 4096
"""Texts after the count that are remembered, and the characters of one: 20 MB for real reports, 80 MB at the very most."""
BLANK = r"[ \t\r\n]*"  # XML's own: Python's \s takes in characters that XML forbids

TAG = re.compile(r"<(/?)([A-Za-z_][A-Za-z0-9_.-]*)(/?)>([^<>\r]*)")
HOLE = r"([^<>\r]*)"
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # no text may hold them; in each hole they would cost more
START = re.compile(rf"{BLANK}<row>{BLANK}<source_ip>([0-9A-Fa-f.:]*)</source_ip>{BLANK}<count>([0-9]*)</count>")
REFERENCE = {"&quot;": '"', "&apos;": "'"}  # beside &lt; &gt; and &amp;
OTHER_REFERENCE = re.compile("&(?!(?:amp|lt|gt|quot|apos);)")

Texts = tuple[str | None, ...]
Getter = Callable[[Texts], Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """A pattern for whole records, and how its holes make a RawRecord."""

    fill: Callable[[str], re.Match[str] | None]
    scalars: Getter
    reasons: Getter
    dkim: Getter
    spf: Getter
    problems: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]

    def read(self, chunk: str) -> RawRecord | None:
        """The record that a chunk of text holds, or None if it is not of this shape."""
        match = self.fill(chunk)
        if match is None:
            return None
        found = match.groups()
        if ILLEGAL.search("".join(found)):
            return None
        if "&" in chunk:
            found = tuple([unescape(text, REFERENCE) if "&" in text else text for text in found])
        texts = (*found, "", None)
        # tuple.__new__ is what RawRecord(...) comes to, without a Python call in between.
        return tuple.__new__(
            RawRecord,
            (
                *self.scalars(texts),
                self.reasons(texts),
                self.dkim(texts),
                self.spf(texts),
                self.problems,
                self.unknown,
            ),
        )


class Shapes:
    """The shapes seen so far, found by the number of tags; forgets all when there are too many."""

    def __init__(self) -> None:
        self._by_size: dict[int, list[Shape]] = {}
        self._known = 0
        self._rests: dict[str, tuple[Any, ...]] = {}  # what follows the count → the fields after the count

    def read(self, chunk: str) -> RawRecord | None:
        """The record between ``<record>`` and the next one, or None if its shape is new or irregular."""
        start = START.match(chunk)
        if start is None:
            return self._by_shape(chunk)
        rest = chunk[start.end() :]
        fields = self._rests.get(rest)
        if fields is not None:
            return tuple.__new__(RawRecord, (*start.groups(), *fields))
        found = self._by_shape(chunk)
        if found is not None and len(rest) <= MAX_REST:
            if len(self._rests) >= MAX_RESTS:
                self._rests.clear()
            self._rests[rest] = found[2:]
        return found

    def _by_shape(self, chunk: str) -> RawRecord | None:
        if "&" in chunk and OTHER_REFERENCE.search(chunk):
            return None
        alike = self._by_size.get(chunk.count("<"), [])
        for place, shape in enumerate(alike):
            found = shape.read(chunk)
            if found is not None:
                if place:  # the next record is most likely of this shape too
                    alike.insert(0, alike.pop(place))
                return found
        return None

    def learn(self, chunk: str, element: _Element) -> None:
        """Remember the shape of a chunk whose element the XML parser has read, if it is plain enough."""
        shape = shape_of(chunk, element)
        if shape is None:
            return
        if self._known >= MAX_SHAPES:
            self._by_size.clear()
            self._known = 0
        alike = self._by_size.setdefault(chunk.count("<"), [])
        if len(alike) >= MAX_ALIKE:
            alike.pop()
            self._known -= 1
        alike.insert(0, shape)
        self._known += 1


def shape_of(chunk: str, element: _Element) -> Shape | None:
    """The shape of a record, or None where its text holds more than plain tags and texts."""
    pattern = pattern_of(chunk)
    if pattern is None:
        return None
    leaves = [leaf for leaf in element.iterdescendants() if not len(leaf)]
    numbered = 0
    for leaf in leaves:
        if leaf.text is not None or f"<{leaf.tag!s}/>" not in chunk:
            leaf.text = str(numbered)
            numbered += 1
    if numbered != pattern.groups:
        return None
    sample = read_record(element)
    return Shape(
        fill=pattern.fullmatch,
        scalars=picker(sample[:8]),
        reasons=nested(sample.reasons),
        dkim=nested(sample.dkim),
        spf=nested(sample.spf),
        problems=sample.problems,
        unknown=sample.unknown,
    )


def pattern_of(chunk: str) -> re.Pattern[str] | None:
    """A pattern that the chunk and its like fill, or None if the chunk is not plain tags and texts throughout."""
    parts = [BLANK]
    position = len(chunk) - len(chunk.lstrip())
    opened = ""
    tags = list(tags_from(chunk, position))
    if not tags or len(tags) > MAX_TAGS or tags[-1].end() != len(chunk):
        return None
    for tag in tags:
        close, name, empty, after = tag.groups()
        parts.append(re.escape(f"<{close}{name}{empty}>"))
        opened = "" if close or empty else name
        closing = chunk.startswith(f"</{opened}>", tag.end()) if opened else False
        if not closing and after.strip():
            return None  # text between elements: mixed content is for the careful way
        parts.append(HOLE if closing else BLANK)
    return re.compile("".join(parts))


def tags_from(chunk: str, position: int) -> Iterator[re.Match[str]]:
    """The tags with the text after each, one right behind the other, as far as they go."""
    while match := TAG.match(chunk, position):
        yield match
        position = match.end()


def picker(sample: Texts) -> Getter:
    """How to pick the texts of some fields: by the number in the sample; "" and None stand at the end."""
    return itemgetter(*(hole(value) for value in sample))


def hole(value: str | None) -> int:
    """The index of a text among the holes followed by "" and None."""
    return -1 if value is None else int(value) if value else -2


def nested(sample: tuple[Texts, ...]) -> Getter:
    """How to pick a list of groups of texts, such as the DKIM results, in the sample's number and order."""
    if not sample:
        return lambda _texts: ()
    if len(sample) == 1:
        only = picker(sample[0])
        return lambda texts: (only(texts),)
    width = len(sample[0])
    flat = picker(tuple(chain.from_iterable(sample)))
    bounds = [slice(start, start + width) for start in range(0, width * len(sample), width)]

    def pick(texts: Texts) -> tuple[Texts, ...]:
        values = flat(texts)
        return tuple([values[bound] for bound in bounds])

    return pick
