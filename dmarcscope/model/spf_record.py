"""What an SPF record says (RFC 7208 §4.6, §5, §6, §7): its terms in order, as parsed."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from dmarcscope.model.problem import Problem


class Mechanism(StrEnum):
    """RFC 7208 §5."""

    ALL = "all"
    INCLUDE = "include"
    A = "a"
    MX = "mx"
    PTR = "ptr"
    IP4 = "ip4"
    IP6 = "ip6"
    EXISTS = "exists"


@dataclass(frozen=True, slots=True)
class Macro:
    """One macro, such as ``%{ir}`` (RFC 7208 §7.1).

    ``letter`` is lower-case; ``digits`` how many right-hand parts are kept (None: all; never 0); ``reverse`` whether the parts
    are turned around first; ``delimiters`` the characters that split it (empty: the dot); ``escape`` whether the letter was
    written upper-case, so that the result is URL-escaped (RFC 7208 §7.3).
    """

    letter: str
    digits: int | None = None
    reverse: bool = False
    delimiters: str = ""
    escape: bool = False


@dataclass(frozen=True, slots=True)
class MacroString:
    """Literal text and macros in order; ``%%``, ``%_`` and ``%-`` are literal text already («%», a blank, «%20»)."""

    parts: tuple[str | Macro, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Directive:
    """A mechanism with its qualifier.

    ``qualifier`` is one of ``+-~?`` («+» where none is written). ``domain`` is what stands after the colon, None where nothing
    does. ``network`` is for ip4 and ip6 only, with host bits cleared. ``cidr4`` and ``cidr6`` are prefix lengths in bits: for
    ``a`` and ``mx`` as written or 32 and 128. ``text`` is the term as written, ``position`` its offset in the record in characters.
    """

    qualifier: str
    mechanism: Mechanism
    domain: MacroString | None
    network: IPv4Network | IPv6Network | None
    cidr4: int
    cidr6: int
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Modifier:
    """``redirect``, ``exp`` or a modifier that nobody knows. ``name`` is lower-case; ``value`` a domain-spec for the first two."""

    name: str
    value: MacroString
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """Why a record cannot be read: permerror at evaluation (RFC 7208 §4.6).

    ``position`` counts characters from 0 in the record, ``term`` is the term at fault, ``fix`` what was probably meant or empty.
    """

    position: int
    what: str
    term: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """An SPF record as understood.

    ``terms``: those that could be read, in order. ``error``: the first syntax error, None if there is none; with one, the whole
    record is permerror. ``problems``: everything worth saying, the worst first.
    """

    text: str
    terms: tuple[Directive | Modifier, ...]
    error: SyntaxProblem | None
    problems: tuple[Problem, ...]

    def modifier(self, name: str) -> Modifier | None:
        """The modifier of that name (lower-case), the first if there are several."""
        return next((term for term in self.terms if isinstance(term, Modifier) and term.name == name), None)

    @property
    def directives(self) -> tuple[Directive, ...]:
        """The mechanisms in order."""
        return tuple(term for term in self.terms if isinstance(term, Directive))
