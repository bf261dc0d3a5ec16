"""Strangers' names in mail: shown so that no mail program makes a link of them.

Facts: mail programs make links of whatever looks like a host name or an address, in plain text and in HTML. So dots of foreign names are
put in brackets, `evil[.]example`; lines to copy keep their letters, and in HTML each of their dots and colons stands in an element.
"""

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

from dmarcscope.present.wording import safe

HOST = re.compile(r"(?<![\w-])(?P<name>[\w-]++(?:[.。．｡][\w-]++)++)(?P<room> *)")
LETTER = re.compile(r"[.。．｡][^\W\d_]")
DOT = re.compile(r"[.。．｡]")
SCHEME = re.compile(r"\b(https?|ftp|mailto|javascript|vbscript|data|tel|sms|file|callto):", re.IGNORECASE)
SEAM = re.compile(r"([.:])")
FILES = frozenset({"senders.yaml", "dmarcscope.toml"})
"""Our own files, which no program takes for a host."""
LONGEST = 4_000
"""Letters of a line to copy."""


def defanged(text: str, own: Iterable[str] = (), exact: Iterable[str] = ()) -> str:
    """A text without anything to follow, but for names of the domains that are one's ``own``; what is ``exact`` stays as it is, unless it
    holds an address to follow.

    >>> defanged("evil.example and http://mail.example.com/x as example.com", ["example.com"])
    'evil[.]example and http[:]//mail.example.com/x as example.com'
    """
    kept = sorted({one for one in exact if 0 < len(one) <= LONGEST and not SCHEME.search(one)}, key=len, reverse=True)
    ours = tuple(name.lower() for name in own)
    pieces = re.split(f"({'|'.join(map(re.escape, kept))})", text) if kept else [text]
    known = set(kept)
    return "".join(piece if piece in known else without_links(piece, ours) for piece in pieces)


def without_links(text: str, own: tuple[str, ...]) -> str:
    """A text with foreign hosts and all schemes broken."""

    def broken(found: re.Match[str]) -> str:
        if is_ours(found["name"], own) or not LETTER.search(found["name"]):
            return found[0]
        name, room = DOT.sub("[.]", found["name"]), len(found["room"])
        # The columns of a table stay where they are.
        left = room if room < 2 else max(room - (len(name) - len(found["name"])), 1)
        return name + " " * left

    return SCHEME.sub(r"\1[:]", HOST.sub(broken, text))


def is_ours(name: str, own: tuple[str, ...]) -> bool:
    """Whether a name is one's own, or below it."""
    lowered = name.lower()
    return lowered in FILES or any(lowered == ours or lowered.endswith(f".{ours}") for ours in own)


def exact_html(text: object) -> Markup:
    """A line to copy, for HTML: no letter is changed, and nothing in it looks like a host to a mail program.

    >>> exact_html("a.example <b>")
    Markup('a<span>.</span>example &lt;b&gt;')
    """
    pieces = SEAM.split(safe(text, LONGEST))
    return Markup("").join(Markup("<span>{}</span>").format(piece) if at % 2 else escape(piece) for at, piece in enumerate(pieces))
