"""Read a list of tags, the form of DMARC, DKIM, MTA-STS, TLS-RPT and BIMI records: ``name=value`` between semicolons (RFC 6376 §3.2).

Each kind of record has a grammar: its version, its tags and where that is written. What goes wrong in all of them is said here once.
Linear in the length of the text.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from dmarcscope.model.problem import Choice, Problem, Severity
from dmarcscope.parse.slips import MAX_WORD, as_written, listed, near_word, plain

MAX_RECORD = 65535
"""Characters of a record that are looked at: the data of a DNS record has no room for more (RFC 1035 §3.2.1)."""
MAX_TAGS = 200
"""Tags that are read: no kind of record has more than a dozen."""
MAX_SHOWN = 20
"""Tags of which problems are listed one by one."""

MAX_OPENING = 200
"""Characters in which the version is looked for."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Tag(NamedTuple):
    """One tag: ``name`` in lower case, empty where there is no equals sign; ``value`` without outer blanks; ``text`` as written."""

    name: str
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Grammar:
    """A kind of record: what it is called, its version, the names of its tags, and where its format is written.

    ``opening`` is how such a record begins, ``nearly`` how one begins that was meant to be one, ``tag`` a known tag anywhere.
    """

    kind: str
    version: str
    names: tuple[str, ...]
    section: str
    removed: tuple[str, ...]
    opening: re.Pattern[str]
    nearly: re.Pattern[str]
    tag: re.Pattern[str]


def grammar(kind: str, version: str, names: tuple[str, ...], section: str, removed: tuple[str, ...] = ()) -> Grammar:
    """A grammar with its patterns; ``removed`` are tags that earlier versions of the format had."""
    known = "|".join(sorted((*names, *removed), key=len, reverse=True))
    # The version is compared letter for letter; the name of its tag, as of every tag, without regard to case.
    opening = re.compile(rf"[vV][ \t]*=[ \t]*{version}[ \t]*(?:;|\Z)")
    nearly = re.compile(rf"v?\s*[=:]?\s*{version[:-1]}", re.IGNORECASE)
    tag = re.compile(rf"(?:\A|(?<=[;,\s]))({known})\s*[=:]\s*", re.IGNORECASE)
    return Grammar(kind, version, names, section, removed, opening, nearly, tag)


def tag_list(text: str) -> tuple[Tag, ...]:
    """The tags of a record in order, at most MAX_TAGS; empty ones are left out.

    >>> tag_list("v=DMARC1; P = none;")
    (Tag(name='v', value='DMARC1', text='v=DMARC1'), Tag(name='p', value='none', text='P = none'))
    """
    pieces = [piece.strip(" \t\r\n") for piece in text[:MAX_RECORD].split(";", MAX_TAGS)[:MAX_TAGS]]
    return tuple(tag(piece) for piece in pieces if piece)


def tag(piece: str) -> Tag:
    """One tag from its text."""
    name, equals, value = piece.partition("=")
    return Tag(name.rstrip(" \t\r\n").lower() if equals else "", value.lstrip(" \t\r\n"), piece)


def first_values(tags: Iterable[Tag]) -> dict[str, str]:
    """The value of each tag; of a tag that stands there twice, the first."""
    found: dict[str, str] = {}
    for each in tags:
        if each.name:
            found.setdefault(each.name, each.value)
    return found


def mended(text: str, rules: Grammar) -> str:
    """The record as it was probably meant: plain characters, semicolons between known tags, removed tags left out.

    Empty where it has no known tag at all.

    >>> mended("v=DMARC1 p=none, rua=mailto:a@example.com", grammar("DMARC", "DMARC1", ("v", "p", "rua"), ""))
    'v=DMARC1; p=none; rua=mailto:a@example.com'
    """
    better = plain(text[:MAX_RECORD])
    found = list(rules.tag.finditer(better))
    if not found:
        return ""
    ends = [match.start() for match in found[1:]] + [len(better)]
    values: dict[str, str] = {}
    for match, end in zip(found, ends, strict=True):
        values.setdefault(match.group(1).lower(), better[match.end() : end].strip(" \t\r\n;,\"'\\"))
    values = {"v": rules.version} | {name: value for name, value in values.items() if name not in {"v", *rules.removed}}
    return "; ".join(f"{name}={value}" for name, value in values.items())


def form_problems(text: str, tags: Iterable[Tag], rules: Grammar) -> Iterator[Problem]:
    """What is wrong with the form of a record, whatever its tags mean."""
    every = list(tags)
    if len(text) > MAX_RECORD or text.count(";", 0, MAX_RECORD) >= MAX_TAGS:
        what = f"the record is too long; only its first {MAX_TAGS} tags are read"
        yield Problem(Severity.ERROR, "too-long", what, rules.section)
    yield from odd_characters(text, rules)
    yield from separators(text, every, rules)
    if re.search(r";[ \t]*;", text):
        what = "two semicolons stand side by side; some receivers refuse such a record"
        yield Problem(Severity.WARNING, "empty-tag", what, rules.section, mended(text, rules))
    yield from unreadable_tags(text, every, rules)
    yield from duplicates(every)
    yield from unknown_tags(every, rules)


def odd_characters(text: str, rules: Grammar) -> Iterator[Problem]:
    """Characters that cannot stand in a record."""
    odd = sorted({char for char in as_written(text[:MAX_RECORD]) if not " " <= char <= "~" and char not in "\t\r\n"})
    if odd:
        what = f"the record has characters that are not allowed there: {listed(printable(char) for char in odd)}"
        yield Problem(Severity.ERROR, "odd-characters", what, rules.section, mended(text, rules))


def printable(char: str) -> str:
    """A character, or its name where it cannot be shown."""
    return char if char.isprintable() and not char.isspace() else f"U+{ord(char):04X}"


def separators(text: str, tags: Iterable[Tag], rules: Grammar) -> Iterator[Problem]:
    """Tags that are hidden in the value of the tag before them."""
    for each in list(tags)[:MAX_SHOWN]:
        hidden = next(rules.tag.finditer(each.value), None)
        if hidden and hidden.start() > 0:
            name = hidden.group(1).lower()
            between = "a comma" if each.value[: hidden.start()].rstrip().endswith(",") else "a blank"
            what = f"«{name}» stands after {between} in place of a semicolon, and so it is taken for a part of «{each.name}»"
            yield Problem(Severity.ERROR, "missing-semicolon", what, rules.section, mended(text, rules))


def unreadable_tags(text: str, tags: Iterable[Tag], rules: Grammar) -> Iterator[Problem]:
    """Pieces that are no tags."""
    for each in [each for each in tags if not NAME.fullmatch(each.name)][:MAX_SHOWN]:
        reason = "has a name that is none" if each.name else "has no equals sign"
        what = f"{listed([each.text])} {reason}; it is ignored"
        fix = mended(text, rules) if rules.tag.match(each.text) else ""
        yield Problem(Severity.ERROR, "no-tag", what, rules.section, fix)


def duplicates(tags: Iterable[Tag]) -> Iterator[Problem]:
    """Names that stand there more than once."""
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for each in tags:
        if each.name and each.name in seen:
            twice[each.name] = None
        seen.add(each.name)
    if twice:
        # RFC 6376 §3.2: with a name that occurs twice the whole list is invalid.
        what = f"{listed(twice)} stands there more than once; some receivers take the first, others refuse the record"
        yield Problem(Severity.ERROR, "duplicate-tag", what, "RFC 6376 §3.2")


def unknown_tags(tags: Iterable[Tag], rules: Grammar) -> Iterator[Problem]:
    """Names that mean nothing; receivers ignore such tags, and so they hide slips."""
    known = {*rules.names, *rules.removed}
    for each in [each for each in tags if NAME.fullmatch(each.name) and each.name not in known][:MAX_SHOWN]:
        near = near_word(each.name, rules.names)
        what = f"{listed([each.name])} is no tag of a {rules.kind} record; it is ignored" + (f"; «{near}» is meant?" if near else "")
        severity = Severity.WARNING if near else Severity.NOTE
        yield Problem(severity, "unknown-tag", what, rules.section, f"{near}={each.value[:MAX_RECORD]}" if near else "")


def choose(texts: Iterable[str], rules: Grammar) -> Choice:
    """Which of the TXT records of a name are of this kind, what follows if there are several, and which ones nearly are."""
    every = list(texts)
    candidates = tuple(text for text in every if rules.opening.match(text))
    problems = [nearly(text, rules) for text in every if not rules.opening.match(text) and rules.nearly.match(plain(text[:MAX_OPENING]))]
    if len(candidates) > 1:
        what = f"the name has {len(candidates)} {rules.kind} records; receivers ignore all of them"
        problems.insert(0, Problem(Severity.ERROR, "several-records", what, rules.section))
    return Choice(candidates, tuple(problems))


def nearly(text: str, rules: Grammar) -> Problem:
    """What keeps a record from being one of this kind."""
    better = mended(text, rules)
    what = f"{listed([text])} looks like a {rules.kind} record and is ignored: {why_not(text, rules)}"
    return Problem(Severity.ERROR, "nearly-record", what, rules.section, better if rules.opening.match(better) else "")


def why_not(text: str, rules: Grammar) -> str:
    """Why a record is not taken for one of its kind."""
    start = as_written(text[:MAX_WORD])
    opening = f"v={rules.version}"
    if start[:1] in {" ", "\t"}:
        return "a blank stands before the version"
    if start[:1] in {'"', "'", "\\"} or not start[:1].isascii():
        return "a quotation mark is published as a part of it"
    if start.lower().replace(" ", "").startswith(opening.lower()):
        same_case = start.replace(" ", "")[1:].startswith(opening[1:])
        return (
            f"no semicolon follows the version «{opening}»" if same_case else f"the version must be written «{opening}», letter for letter"
        )
    return f"it must begin with «{opening};»"
