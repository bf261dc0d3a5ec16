"""Change single values in YAML text: only the place of the value is written anew, and every other character stays as it is."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dmarcscope.enrich.yaml_tree import Items, Leaf, Node, Pairs

PLAIN = re.compile(r"[^\W\d_][\w./@+-]*(?: [\w./@+&()-]+)*|\d{1,3}(?:\.\d{1,3}){3}(?:/\d\d?)?", re.ASCII)
"""What every reader of YAML takes for text without quotes."""
WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
"""What some readers take for something else."""
COLON = re.compile(r"[ \t]*:")


@dataclass(frozen=True, slots=True)
class Edit:
    """Put a text in the place of what stands from ``start`` to before ``end``."""

    start: int
    end: int
    text: str


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made; those at one place in their order."""
    for edit in sorted(edits, key=lambda each: each.start)[::-1]:
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def quoted(value: str) -> str:
    """A text as a YAML value, in quotes where it needs them.

    >>> quoted("Own mail server"), quoted("no"), quoted("2001:db8::1"), quoted("a: b")
    ('Own mail server', '"no"', '"2001:db8::1"', '"a: b"')
    """
    return value if PLAIN.fullmatch(value) and value.lower() not in WORDS else json.dumps(value, ensure_ascii=False)


def in_brackets(written: Iterable[str]) -> str:
    """Values as a list on one line."""
    return f"[{', '.join(written)}]"


def newline(text: str) -> str:
    """How the lines of a text end."""
    return "\r\n" if "\r\n" in text else "\n"


def column(text: str, position: int) -> int:
    """How many characters stand before a position on its line."""
    return position - (text.rfind("\n", 0, position) + 1)


def content_end(text: str, key: Leaf | None, value: Node) -> int:
    """Where the last character of a value is over, be it nested or missing."""
    if isinstance(value, Leaf) and value.absent and value.start == value.end and key is not None:
        return after_colon(text, key)
    if isinstance(value, Leaf):
        return value.start + len(text[value.start : value.end].rstrip())
    if value.flow:
        return value.end
    if isinstance(value, Items):
        return content_end(text, None, value.items[-1])
    return content_end(text, *value.pairs[-1])


def after_colon(text: str, key: Leaf) -> int:
    """The place after the colon of a key."""
    found = COLON.match(text, key.end)
    return found.end() if found else key.end


def line_end(text: str, position: int) -> int:
    """Where the line of a position ends, before its end mark."""
    end = text.find("\n", position)
    if end < 0:
        return len(text)
    return end - 1 if text[end - 1 : end] == "\r" and end > position else end


def block_end(text: str, position: int, indent: int) -> int:
    """Where the block of a position ends: the comments further below that are set in deeper belong to it."""
    end = line_end(text, position)
    kept = end
    while end < len(text):
        end = line_end(text, text.index("\n", end) + 1) if "\n" in text[end:] else len(text)
        line = text[text.rfind("\n", 0, end) + 1 : end]
        if line.strip() and not (line.lstrip(" ").startswith("#") and len(line) - len(line.lstrip(" ")) > indent):
            break
        kept = end if line.strip() else kept
    return kept


def set_values(text: str, table: Pairs, written: dict[str, str], order: Sequence[str]) -> list[Edit]:
    """The edits that give keys of a table other values; keys that are not there yet come after those that precede them in the order."""
    return [set_value(text, table, key, written[key], order) for key in sorted(written, key=order.index)]


def set_value(text: str, table: Pairs, key: str, written: str, order: Sequence[str]) -> Edit:
    """The edit that gives one key another value."""
    name, value = next(((name, value) for name, value in table.pairs if name.text == key), (None, None))
    if name is None or value is None:
        return new_key(text, table, key, written, order)
    if isinstance(value, Leaf) and value.absent and value.start == value.end:
        place = after_colon(text, name)
        return Edit(place, place, f" {written}")
    return Edit(value.start, content_end(text, name, value), written)


def new_key(text: str, table: Pairs, key: str, written: str, order: Sequence[str]) -> Edit:
    """The edit that gives a table one more key."""
    before = [pair for pair in table.pairs if pair[0].text in order[: order.index(key)]] or list(table.pairs)[-1:]
    name, value = max(before, key=lambda pair: (order.index(pair[0].text), pair[0].start))
    place = content_end(text, name, value)
    if table.flow:
        return Edit(place, place, f", {key}: {written}")
    place = line_end(text, place)
    return Edit(place, place, f"{newline(text)}{' ' * column(text, table.start)}{key}: {written}")


def add_items(text: str, value: Node, written: Sequence[str]) -> Edit:
    """The edit that adds to a list; one text in the place of a list becomes one."""
    if isinstance(value, Leaf):
        return Edit(value.start, content_end(text, None, value), in_brackets([quoted(value.text), *written]))
    if not isinstance(value, Items) or not value.items:
        return Edit(value.start, value.end, in_brackets(written))
    place = content_end(text, None, value.items[-1])
    if value.flow:
        return Edit(place, place, "".join(f", {item}" for item in written))
    place, lead = line_end(text, place), newline(text) + " " * column(text, value.start)
    return Edit(place, place, "".join(f"{lead}- {item}" for item in written))
