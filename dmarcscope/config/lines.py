"""On which line of a TOML text each key stands: `tomllib` does not tell.

A statement (a table header, or a key with its value) is the fewest whole lines from its start that parse by themselves as TOML. So
the text is walked once, statement by statement, and each is asked for the keys it makes.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

Keys = tuple[str, ...]

# The last line of a value of several lines: it closes a list, a table or a text, and only a comment may follow.
CLOSING = re.compile(r"""(?:[\]}]|\"{3}|'{3})\s*(?:#.*)?$""")


def lines_of_keys(text: str) -> dict[Keys, int]:
    """Where each key and table of a TOML text begins, by its path; lines count from 1. The text must be valid TOML.

    >>> lines_of_keys("a = 1\\n[b.c]\\nd = [\\n  2,\\n]\\n")
    {('a',): 1, ('b',): 2, ('b', 'c'): 2, ('b', 'c', 'd'): 3}
    """
    found: dict[Keys, int] = {}
    table: Keys = ()
    for number, statement in statements(text):
        made = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = deepest(made)
            made, base = {}, table
            for length in range(1, len(table) + 1):
                found.setdefault(table[:length], number)
        else:
            base = table
        for keys in paths(made, base):
            found.setdefault(keys, number)
    return found


def line_of(found: dict[Keys, int], keys: Keys) -> int:
    """The line of a key; of one that is missing, the line of its table; at the top of the file, 1."""
    return next((found[keys[:length]] for length in range(len(keys), 0, -1) if keys[:length] in found), 1)


def statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement with the number of its first line; comments and empty lines are left out."""
    lines = text.replace("\r\n", "\n").split("\n")
    start = 0
    while start < len(lines):
        end = end_of_statement(lines, start)
        statement = "\n".join(lines[start:end])
        if statement.strip() and not statement.lstrip().startswith("#"):
            yield start + 1, statement
        start = end


def end_of_statement(lines: list[str], start: int) -> int:
    """The index after the last line of the statement that starts there."""
    for end in range(start + 1, len(lines) + 1):
        if end > start + 1 and not CLOSING.search(lines[end - 1]):
            continue
        try:
            tomllib.loads("\n".join(lines[start:end]))
        except tomllib.TOMLDecodeError:
            continue
        return end
    return len(lines)


def deepest(table: dict[str, Any]) -> Keys:
    """The path of the table that a header opens."""
    keys: list[str] = []
    inner: Any = table
    while isinstance(inner, dict) and inner:
        key, inner = next(iter(inner.items()))
        keys.append(key)
        inner = inner[0] if isinstance(inner, list) else inner
    return tuple(keys)


def paths(table: dict[str, Any], base: Keys) -> Iterator[Keys]:
    """The path of every key in a table and below it."""
    for key, value in table.items():
        yield (*base, key)
        if isinstance(value, dict):
            yield from paths(value, (*base, key))
