"""Sentences for a terminal: wrapped, indented, every stranger's text made harmless; and lines to copy, which are never broken."""

import re
import textwrap
from collections.abc import Iterable

from rich.text import Text

from dmarcscope.present.wording import safe

WIDEST = 100  # columns of prose that are read with ease
LONGEST = 2000  # characters of a sentence, which may quote a stranger
MAX_LINE = 70_000  # characters of a line to copy: as much as a DNS record can hold
PERCENT = re.compile(r"(?<=\d)[ \u00a0](?=%)")  # what stands between a number and its sign, where no line may end


def sentence(text: str) -> str:
    """A text that begins like a sentence, unless its first word is a name.

    >>> sentence("no policy"), sentence("mta-sts.example.com has none")
    ('No policy', 'mta-sts.example.com has none')
    """
    return text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text


def lines(texts: Iterable[Text]) -> Text:
    """One text of many lines."""
    return Text("\n").join(texts)


def prose(text: str, width: int, *, indent: int = 2, first: str = "", style: str = "") -> Text:
    """A sentence, wrapped; ``first`` stands before it, and the lines below are as far in."""
    # After a long name the lines below are no further in than there is room for.
    hanging = " " * min(indent + len(first), min(width, WIDEST) // 3)
    start = " " * (indent + len(first))
    broken = textwrap.wrap(
        PERCENT.sub("\u00a0", safe(text, LONGEST)),
        max(min(width, WIDEST), 20),
        initial_indent=start,
        subsequent_indent=hanging,
        break_on_hyphens=False,
        break_long_words=False,
    )
    shown = Text(" " * indent).append(first, style=style)
    return shown.append(PERCENT.sub(" ", "\n".join(broken))[len(start) :] if broken else "")


def copyable(line: str, *, indent: int = 6) -> Text:
    """A line to copy, in one piece whatever the width."""
    return Text(" " * indent).append(safe(line, MAX_LINE), style="bold")


def quoted(text: str, width: int, *, indent: int = 2) -> Text:
    """What a stranger published: cut to a few lines."""
    return prose(safe(text, min(width, WIDEST) * 6), width, indent=indent)
