"""The catalogue of senders: facts by which services are known and made to pass, read from TOML.

The packaged file is `catalogue.toml`; further files of the owner's, in the same form, add senders or replace those of the same name.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from dmarcscope.errors import SetupError
from dmarcscope.model.sender import Aligning, Catalogue, Kind, Sender
from dmarcscope.parse.values import domain

MAX_BYTES = 4_000_000
"""A catalogue of every service in the world is smaller."""
KEYS = ("version", "sender")
RECORD = re.compile(r"(?:[^\s<>]|<[^<>]+>)+ (?:CNAME|TXT|MX|NS|A) \S.*")


def text(value: Any) -> str:
    """A text."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is to be a text")
    return value.strip()


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list):
        raise TypeError("is to be a list")
    return tuple(text(one) for one in value)


def domains(value: Any) -> tuple[str, ...]:
    """A list of domains."""
    written = texts(value)
    for one in written:
        found = domain(one)
        if found.problem is not None or found.value != one or "." not in one:
            raise ValueError(f"{one!r} is no domain in lower case, without a final dot")
    return written


def numbers(value: Any) -> tuple[int, ...]:
    """A list of AS numbers."""
    if not isinstance(value, list) or not all(type(one) is int and 0 < one < 2**32 for one in value):
        raise ValueError("is to be a list of AS numbers")
    return tuple(value)


def record_lines(value: Any) -> tuple[str, ...]:
    """Records as «host TYPE value»; what only an account tells stands between < and >."""
    lines = texts(value)
    for line in lines:
        if not RECORD.fullmatch(line):
            raise ValueError(f"{line!r} is not «host TYPE value»")
    return lines


READERS: Mapping[str, Callable[[Any], Any]] = {
    "name": text,
    "kind": Kind,
    "dkim_domains": domains,
    "dkim_selectors": texts,
    "dkim_targets": domains,
    "spf_domains": domains,
    "return_path_domains": domains,
    "ptr_suffixes": domains,
    "asns": numbers,
    "dkim": Aligning,
    "dkim_records": record_lines,
    "return_path": Aligning,
    "return_path_records": record_lines,
    "documentation": text,
    "fix": text,
    "read": texts,
}
"""How each key of an entry is read; the keys are the fields of `Sender`."""


@cache
def packaged_catalogue() -> Catalogue:
    """The catalogue that comes along."""
    return read_catalogue(files("dmarcscope.enrich").joinpath("catalogue.toml").read_text("utf-8"), "catalogue.toml")


def load_catalogue(more: Iterable[Path] = ()) -> Catalogue:
    """The packaged catalogue with the owner's files before it, the last one first: a domain that stands in several is the first one's,
    and a sender of the same name, in whatever case, replaces. Raises SetupError for a file in error.
    """
    found = packaged_catalogue()
    known = {sender.name.casefold(): sender for sender in found.senders}
    version = found.version
    for path in more:
        added = read_catalogue(contents(path), str(path))
        own = {sender.name.casefold(): sender for sender in added.senders}
        known = own | {name: sender for name, sender in known.items() if name not in own}
        version = f"{version} + {path.name}" + (f" {added.version}" if added.version else "")
    return Catalogue(tuple(known.values()), version)


def contents(path: Path) -> str:
    """The text of a file."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise SetupError(f"is larger than {MAX_BYTES} bytes", where=str(path), fix="Name a catalogue of senders")
        return data.decode()
    except OSError as error:
        raise SetupError(f"cannot be read ({error.strerror})", where=str(path), fix="Mend `catalogue` of [senders]") from error
    except UnicodeDecodeError as error:
        raise SetupError("is not UTF-8", where=str(path), fix="Write it in UTF-8") from error


def read_catalogue(text: str, where: str) -> Catalogue:
    """A catalogue out of its TOML text. Raises SetupError that names the entry and what is wrong with it."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"is no TOML: {error}", where=where, fix="Mend that line") from error
    entries = tree.get("sender", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries) or set(tree) - set(KEYS):
        raise SetupError("is no catalogue of senders", where=where, fix="Begin each entry with [[sender]]")
    senders = tuple(
        sender_of(entry, f"{where}, sender {place} ({entry.get('name', 'without name')})") for place, entry in enumerate(entries, 1)
    )
    twice = [name for name, times in Counter(sender.name.casefold() for sender in senders).items() if times > 1]
    if twice:
        raise SetupError(f"has {twice[0]!r} twice", where=where, fix="Join the entries")
    return Catalogue(senders, str(tree.get("version", "")))


def sender_of(entry: Mapping[str, Any], where: str) -> Sender:
    """One entry."""
    unknown = set(entry) - set(READERS)
    if unknown:
        raise SetupError(f"has the unknown key {min(unknown)!r}", where=where, fix=f"Keys are {', '.join(READERS)}")
    if not {"name", "kind"} <= set(entry):
        raise SetupError("has no name or no kind", where=where, fix="Give both")
    read: dict[str, Any] = {}
    for key, value in entry.items():
        try:
            read[key] = READERS[key](value)
        except (TypeError, ValueError) as error:
            raise SetupError(f"{key}: {error}", where=where, fix="Mend it; an example stands in docs/senders-list.md") from error
    return Sender(**read)
