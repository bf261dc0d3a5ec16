"""YAML as a tree of texts, lists and tables, each with its place in the file, so that a part can be changed and the rest left alone.

Every value is text: `no`, `1e3` and `2027-01-31` stay what was written. Anchors, aliases, tags and several documents are refused, and
so is what nests deeper or is larger than anybody would write by hand: the file may come from a repository that others write to.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dmarcscope.errors import SetupError

if TYPE_CHECKING:
    from ruamel.yaml.events import Event

LARGEST = 256 * 1024
"""Bytes of a file: more than two thousand senders, read in a second."""
DEEPEST = 6
"""Lists and tables in each other; three are needed."""
NOTHING = {"", "~", "null", "Null", "NULL"}
"""What stands for no value where it is not quoted (YAML 1.2.2 §10.3.2)."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A text; its place is from ``start`` to before ``end`` (characters), its line counts from 1. ``block``: written with | or >."""

    text: str
    start: int
    end: int
    line: int
    bare: bool
    block: bool = False

    @property
    def absent(self) -> bool:
        """Whether it stands for no value."""
        return self.bare and self.text in NOTHING


@dataclass(frozen=True, slots=True)
class Items:
    """A list. ``flow``: written in brackets, which are part of its place."""

    items: tuple["Node", ...]
    start: int
    end: int
    line: int
    flow: bool


@dataclass(frozen=True, slots=True)
class Pairs:
    """A table: its keys with their values, in the order of the file; no key twice. ``flow``: written in braces."""

    pairs: tuple[tuple[Leaf, "Node"], ...]
    start: int
    end: int
    line: int
    flow: bool

    def get(self, key: str) -> "Node | None":
        """The value of a key."""
        return next((value for name, value in self.pairs if name.text == key), None)


Node = Leaf | Items | Pairs


def read_text(path: Path) -> str | None:
    """The text of a file, with its line ends and byte order mark; None where there is no such file.

    Raises SetupError where it cannot be read, is too large or no UTF-8.
    """
    try:
        with path.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SetupError(f"cannot be read ({error.strerror or error})", where=str(path), fix="Name a file that you may read") from error
    if len(data) > LARGEST:
        raise SetupError(f"more than {LARGEST >> 10} KiB, which is no list of senders", where=str(path), fix="Name another file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SetupError("is no UTF-8 text", where=f"{path}:{line}", fix="Save it as UTF-8") from error


def wrong(where: str, line: int, what: str, fix: str) -> SetupError:
    """The error for what stands on a line of a file."""
    return SetupError(what, where=f"{where}:{line}", fix=fix)


def tree_of(text: str, where: str) -> Node | None:
    """The one document of a text as a tree; None where there is nothing but comments.

    Raises SetupError, with the line, for what is no YAML or more than a plain list needs.
    """
    builder = Builder(where)
    for event in events(text, where):
        builder.take(event)
    return builder.root


def events(text: str, where: str) -> Iterator["Event"]:
    """What the YAML parser meets, one after the other."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    fix = "Check quotes, colons and how far each line is set in: spaces only, no tabs"
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        position = getattr(error, "position", None)
        line = mark.line + 1 if mark else text.count("\n", 0, position) + 1
        said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise wrong(where, line, f"this is no YAML: {printable(said)}", fix) from error
    except (ValueError, OverflowError) as error:  # how it takes codes of characters that there are not
        raise wrong(where, 1, "this is no YAML: it names a character that does not exist", "Write the character itself") from error


def printable(text: object) -> str:
    """A text on one line without controls."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))[:200]


@dataclass(slots=True)
class Open:
    """A list or table that is being read."""

    event: Any
    parts: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Builder:
    """Makes a tree of events."""

    where: str
    root: Node | None = None
    documents: int = 0
    stack: list[Open] = field(default_factory=list)

    def take(self, event: Any) -> None:
        """The next event."""
        kind, line = type(event).__name__, event.start_mark.line + 1
        if kind == "DocumentStartEvent":
            self.documents += 1
            if self.documents > 1:
                raise wrong(self.where, line, "a second document begins here", "Leave one: take the --- away")
        elif kind in {"SequenceStartEvent", "MappingStartEvent"}:
            self.refuse_extras(event, line)
            if len(self.stack) >= DEEPEST:
                raise wrong(self.where, line, "is nested too deeply", "Write it flat")
            self.stack.append(Open(event))
        elif kind in {"SequenceEndEvent", "MappingEndEvent"}:
            self.put(self.closed(self.stack.pop(), event))
        elif kind in {"ScalarEvent", "AliasEvent"}:
            self.refuse_extras(event, line)
            bare = bool(event.implicit[0])
            self.put(Leaf(event.value, event.start_mark.index, event.end_mark.index, line, bare, event.style in {"|", ">"}))

    def refuse_extras(self, event: Any, line: int) -> None:
        """Anchors, aliases and tags: a plain list needs none, and they can grow without bound."""
        if event.anchor is not None:
            raise wrong(self.where, line, "anchors (&) and aliases (*) are not read", "Write it out; put texts with & or * in quotes")
        if getattr(event, "ctag", None) is not None:
            raise wrong(self.where, line, "tags (!) are not read", "Leave it out; put texts that begin with ! in quotes")

    def put(self, node: Node) -> None:
        """A node is complete."""
        if self.stack:
            self.stack[-1].parts.append(node)
        else:
            self.root = None if isinstance(node, Leaf) and node.absent else node

    def closed(self, opened: Open, event: Any) -> Node:
        """A list or table that ends with this event."""
        start, line, flow = opened.event.start_mark.index, opened.event.start_mark.line + 1, bool(opened.event.flow_style)
        if type(event).__name__ == "SequenceEndEvent":
            return Items(tuple(opened.parts), start, event.end_mark.index, line, flow)
        keys, values = opened.parts[::2], opened.parts[1::2]
        return Pairs(tuple(zip(self.checked(keys), values, strict=True)), start, event.end_mark.index, line, flow)

    def checked(self, keys: list[Node]) -> Iterator[Leaf]:
        """Keys that are texts, none twice."""
        seen: dict[str, int] = {}
        for key in keys:
            if not isinstance(key, Leaf):
                raise wrong(self.where, key.line, "a list or table stands where a key must be", "Write «key: value»")
            if key.text in seen:
                what = f"{printable(key.text)[:60]} stands here twice (first in line {seen[key.text]})"
                raise wrong(self.where, key.line, what, "Leave one")
            seen[key.text] = key.line
            yield key
