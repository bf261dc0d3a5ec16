"""What is wrong in a configuration file: every problem, with its line, in plain words, without a secret."""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dmarcscope.config.lines import Keys, line_of, lines_of_keys
from dmarcscope.config.models import SECRETS, SECTIONS, Settings
from dmarcscope.config.secret import SHOWN_WAYS, SecretSource
from dmarcscope.config.table import PLAIN, Table

NAMED = ("mailbox", "folder")  # tables of tables that the user names
TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a configuration file: the line from 1, the key with dots (empty: the whole file), what, and what to do."""

    line: int
    key: str
    what: str
    fix: str

    def __str__(self) -> str:
        text = f"{self.key}: {self.what}" if self.key else self.what
        return f"{text}. {self.fix}" if self.fix else text


def problems(text: str, path: Path) -> list[Problem]:
    """All that is wrong in the text of a configuration file, by line; the path is where relative ones start. None: it is usable."""
    made = checked(text, path, {})
    return made if isinstance(made, list) else []


def checked(text: str, path: Path, replaced: dict[str, Any]) -> Settings | list[Problem]:
    """The settings that a text makes, some top-level keys replaced; or all its problems by line."""
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and numbers too long to read
        return [syntax_problem(str(error), text)]
    except RecursionError:
        return [Problem(1, "", "is nested too deeply", "Write it flat")]
    try:
        return Settings.model_validate({**data, **replaced}, context={"folder": path.absolute().parent})
    except ValidationError as error:
        found = lines_of_keys(text)
        return sorted({problem(detail, found): None for detail in error.errors(include_url=False)}, key=lambda each: each.line)


def syntax_problem(said: str, text: str) -> Problem:
    """Where the file is no TOML, as tomllib tells it."""
    place = TOML_PLACE.search(said)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    what = said[: place.start()] if place else said
    hint = (
        "Put a text with \\ in it into single quotes: '\\Flagged'" if "\\" in what else "Texts go in quotes, lists in [ ], one key a line"
    )
    return Problem(line, "", f"this is no TOML: {what[:1].lower()}{what[1:]}", hint)


def problem(detail: ErrorDetails, found: dict[Keys, int]) -> Problem:
    """One of pydantic's errors in plain words."""
    keys = tuple(part for part in detail["loc"] if isinstance(part, str) and part != "[key]")
    what, fix = WORDS.get(detail["type"], unfit)(keys, detail)
    return Problem(line_of(found, keys), ".".join(keys), what, fix)


Said = tuple[str, str]  # what, fix


def missing(keys: Keys, _detail: ErrorDetails) -> Said:
    """A key that must be there."""
    field = section(keys[:-1]).model_fields.get(keys[-1])
    meaning = (field.description or "").replace("`", "").rstrip(".") if field else ""
    return "is missing", f"Add {keys[-1]}: {meaning[:1].lower()}{meaning[1:]}"


def unknown(keys: Keys, _detail: ErrorDetails) -> Said:
    """A key that does not exist here: the one that may be meant, or the table it belongs in."""
    known = list(section(keys[:-1]).model_fields)
    homes = [
        f"in [{header}]" if header else "at the top of the file" for header, table in SECTIONS.items() if keys[-1] in table.model_fields
    ]
    if homes:
        return "unknown key here", f"It belongs {' or '.join(homes)}"
    return "unknown key", meant(keys[-1], known) or f"Known here: {', '.join(known)}"


def not_listed(keys: Keys, detail: ErrorDetails) -> Said:
    """A word that is none of a closed list."""
    words = re.findall(r"'([^']+)'", detail["ctx"]["expected"])
    close = meant(str(detail["input"]), words)
    return f"{shown(keys, detail['input'])} is not one of {', '.join(words)}", close or f'Write one of them in quotes: "{words[0]}"'


def no_table(keys: Keys, _detail: ErrorDetails) -> Said:
    """A value where a table must be; it is not repeated, as it may be a password or token."""
    if keys[-1] in SECRETS:
        return "must tell where the secret comes from", f"Write {SHOWN_WAYS}"
    if keys[0] in NAMED and len(keys) <= 2:
        return "must be a table", f"{keys[0]} holds only tables with a name that you choose: write [{keys[0]}.NAME] above the keys"
    return "must be a table", f"Write [{'.'.join(keys)}] above its keys"


def must_be(kind: str, fix: str) -> Callable[[Keys, ErrorDetails], Said]:
    """A value of the wrong type."""
    return lambda keys, detail: (f"must be {kind}, not {shown(keys, detail['input'])}", fix)


def in_words(_keys: Keys, detail: ErrorDetails) -> Said:
    """What our own checks say already."""
    return detail["ctx"]["what"], detail["ctx"]["fix"]


def unfit(_keys: Keys, _detail: ErrorDetails) -> Said:
    """Anything else: the value is not shown."""
    return "is not a value that can be used here", "See docs/config.md for what can"


WORDS: dict[str, Callable[[Keys, ErrorDetails], Said]] = {
    PLAIN: in_words,
    "missing": missing,
    "extra_forbidden": unknown,
    "enum": not_listed,
    "string_type": must_be("text", "Put it in quotes"),
    "path_type": must_be("a path", "Put it in quotes"),
    "bool_type": must_be("true or false", "Write it without quotes"),
    "tuple_type": must_be("a list", 'Put it in brackets, each text in quotes: ["…"]'),
    "too_short": lambda _keys, _detail: ("is an empty list", "Name at least one, or leave the key out"),
    "model_type": no_table,
    "dict_type": no_table,
}


def section(keys: Keys) -> type[Table]:
    """The table at a place; a secret where it is none of those with a header."""
    header = ".".join((keys[0], "NAME", *keys[2:]) if keys and keys[0] in NAMED else keys)
    return SECTIONS.get(header, SecretSource)


def meant(word: str, known: Iterable[str]) -> str:
    """Which known word may be meant, as a question; empty if none is near.

    >>> meant("passwrd", ["password", "path"])
    'Did you mean password?'
    """
    close = difflib.get_close_matches(word.lower(), list(known), n=1)
    return f"Did you mean {close[0]}?" if close else ""


def shown(keys: Keys, value: object) -> str:
    """A value as it may be repeated: short, and nothing of what may be secret."""
    kinds = {dict: "a table", list: "a list", tuple: "a list"}
    if type(value) in kinds:
        return kinds[cast("type[dict[Any, Any]]", type(value))]
    if set(keys) & {*SECRETS, "clear"}:
        return "this"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value:.40}"' if isinstance(value, str) else f"{value!s:.40}"
