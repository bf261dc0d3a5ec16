"""Read the macros of SPF: domain-spec and explanation text (RFC 7208 §7.1).

Pure syntax; what a macro stands for in one message is for the evaluator to say. Linear in the length of the text.
"""

import re

from dmarcscope.model.spf_record import Macro, MacroString, SyntaxProblem

MAX_PARTS = 9999
"""The largest number of right-hand parts kept; above it nothing changes, since no name has so many (RFC 7208 §7.3 wants 128)."""

MACRO = r"%\{([A-Za-z])([0-9]*)([rR]?)([.+,/_=-]*)\}|(%[%_-])"
TOKEN = re.compile(MACRO + r"|([\x21-\x24\x26-\x7e]+)")
EXPLAIN_TOKEN = re.compile(MACRO + r"|([\x20-\x24\x26-\x7e]+)")
ESCAPES = {"%%": "%", "%_": " ", "%-": "%20"}

LETTERS = frozenset("slodiphvcrt")
EXPLAIN_LETTERS = frozenset("crt")
LABEL = re.compile(r"[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*")


def macro_string(text: str, position: int = 0) -> MacroString | SyntaxProblem:
    """What the text of an unknown modifier says; ``position`` is the offset of the text in its record.

    >>> macro_string("%{ir}._spf").parts
    (Macro(letter='i', digits=None, reverse=True, delimiters='', escape=False), '._spf')
    """
    return scan(text, position, TOKEN)


def explain_string(text: str) -> MacroString | SyntaxProblem:
    """What an explanation says (RFC 7208 §6.2): as a macro-string, and blanks are allowed.

    >>> explain_string("%{i} is not ours").parts[1]
    ' is not ours'
    """
    return scan(text, 0, EXPLAIN_TOKEN)


def domain_spec(text: str, position: int = 0) -> MacroString | SyntaxProblem:
    """What the domain of a mechanism, of ``redirect`` or of ``exp`` says.

    >>> domain_spec("_spf.%{d2}").parts[0], domain_spec("museum").what
    ('_spf.', '«museum» does not end in a dot and a top-level domain')
    """
    if not text:
        return SyntaxProblem(position, "a domain is missing", text)
    found = scan(text, position, TOKEN)
    if isinstance(found, SyntaxProblem):
        return found
    for part in found.parts:
        # RFC 7208 §7.2: c, r and t stand only in explanation text.
        if isinstance(part, Macro) and part.letter in EXPLAIN_LETTERS:
            return SyntaxProblem(position, f"the macro letter «{part.letter}» is for explanation text only", text)
    if not ends_well(text):
        return SyntaxProblem(position, f"«{text}» does not end in a dot and a top-level domain", text)
    return found


def ends_well(text: str) -> bool:
    """Whether a domain-spec has its domain-end: a macro, or a dot, a toplabel and perhaps a dot (RFC 7208 §7.1)."""
    last = list(TOKEN.finditer(text))[-1]
    literal = last.group(6)
    if literal is None:
        return True
    _, dot, label = literal.removesuffix(".").rpartition(".")
    # RFC 7208 §7.1: a toplabel is letters and digits with at least one letter or with hyphens inside.
    return bool(dot) and bool(LABEL.fullmatch(label)) and not label.isdigit()


def scan(text: str, position: int, token: re.Pattern[str]) -> MacroString | SyntaxProblem:
    """Literal text and macros, one after the other; a problem at the first character that is neither."""
    parts: list[str | Macro] = []
    at = 0
    while at < len(text):
        found = token.match(text, at)
        if found is None:
            return SyntaxProblem(position + at, unreadable(text[at:]), text)
        part = macro(found) if found.group(1) else ESCAPES.get(found.group(), found.group())
        if isinstance(part, str) and found.group(1):
            return SyntaxProblem(position + at, part, text)
        parts.append(part)
        at = found.end()
    return MacroString(tuple(merged(parts)), text)


def macro(found: re.Match[str]) -> Macro | str:
    """The macro that was met, or what is wrong with it."""
    letter, digits, reverse, delimiters = found.group(1, 2, 3, 4)
    if letter.lower() not in LETTERS:
        return f"«{letter}» is no macro letter"
    # RFC 7208 §7.3: a number of parts that is given must not be zero.
    if digits and not digits.strip("0"):
        return "a macro that keeps no parts"
    number = min(int(digits.lstrip("0")[:5]), MAX_PARTS) if digits else None
    return Macro(letter.lower(), number, bool(reverse), delimiters, letter.isupper())


def merged(parts: list[str | Macro]) -> list[str | Macro]:
    """The same parts, neighbouring literals joined."""
    found: list[str | Macro] = []
    literals: list[str] = []
    for part in parts:
        if isinstance(part, str):
            literals.append(part)
            continue
        if literals:
            found.append("".join(literals))
            literals = []
        found.append(part)
    if literals:
        found.append("".join(literals))
    return found


def unreadable(rest: str) -> str:
    """Why the text cannot go on like this."""
    if rest.startswith("%{"):
        return "a macro that cannot be read"
    if rest.startswith("%"):
        return "a percent sign that is followed by none of {, %, _ and -"
    # RFC 7208 §3.1: a record is US-ASCII.
    return f"a character that is not allowed ({rest[0]!a})"
