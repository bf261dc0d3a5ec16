"""Slips of the pen in published records: words nearly right, and characters that look right and are not."""

import difflib
from collections.abc import Iterable

from dmarcscope.model.spf_record import Mechanism

MAX_WORD = 40
"""Characters of a word that are compared: all known words are shorter, and the comparison is not linear."""

MECHANISMS: tuple[str, ...] = tuple(Mechanism)
"""The mechanisms of SPF as plain words."""
SPF_ALIASES = {"ip": "ip4", "ipv4": "ip4", "ipv6": "ip6", "ip4v": "ip4", "includes": "include", "included": "include", "exist": "exists"}
"""Words that people write for the mechanisms of SPF."""

LOOKALIKES = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\xab\xbb", '"')
    | dict.fromkeys("\u2018\u2019\u201a`\xb4", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\xa0\u2009\u202f\u3000", " ")
    | dict.fromkeys("\xad\u200b\u200c\u200d\ufeff", "")
    | dict(zip("\uff1b\uff1a\uff1d\uff0c", ";:=,", strict=True))
)
"""Characters that word processors and web pages put where plain ones are meant."""


def near_word(word: str, known: Iterable[str]) -> str:
    """The known word that this one is a slip of, or empty.

    >>> near_word("aspff", ["adkim", "aspf"]), near_word("xyz", ["adkim"])
    ('aspf', '')
    """
    if len(word) > MAX_WORD:
        return ""
    return next(iter(difflib.get_close_matches(word, known, 1, 0.7)), "")


def listed(words: Iterable[str]) -> str:
    """Some words for people, and how many more there are.

    >>> listed(["a", "b"])
    '«a», «b»'
    """
    every = [word if len(word) <= MAX_WORD else word[:MAX_WORD] + "…" for word in words]
    shown = ", ".join(f"«{word}»" for word in every[:5])
    return shown if len(every) <= 5 else f"{shown} and {len(every) - 5} more"


def as_written(text: str) -> str:
    """The text with its UTF-8 read, where it came as bytes (latin-1, as DNS answers here do); else as it is.

    >>> as_written("\\xe2\\x80\\x9cv=DMARC1")
    '“v=DMARC1'
    """
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def plain(text: str) -> str:
    """The text with plain characters in place of those that only look like them, and without quotation marks and outer blanks.

    >>> plain(" “v=DMARC1; p=none” ")
    'v=DMARC1; p=none'
    """
    return as_written(text).translate(LOOKALIKES).replace('\\"', '"').strip("\"' \t\r\n")
