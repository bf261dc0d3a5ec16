"""What an SPF evaluation found (RFC 7208 §2.6, §4, §8), and all that it rests on: every question, every term, every count."""

from dataclasses import dataclass
from enum import StrEnum

from dmarcscope.model.answer import Outcome
from dmarcscope.model.problem import Problem
from dmarcscope.model.words import SpfResult


@dataclass(frozen=True, slots=True)
class SpfLimits:
    """What one evaluation may cost (RFC 7208 §4.6.4, §11.1). The defaults are the RFC's; receivers have no others.

    ``lookups``: terms that ask the DNS. ``void_lookups``: questions that find nothing. ``mx_names`` and ``ptr_names``: hosts
    looked up for one ``mx``, and for the reverse name of the client. ``depth``: records within records, which ``lookups`` limits
    already unless it is raised. ``seconds``: for all of it together.
    """

    lookups: int = 10
    void_lookups: int = 2
    mx_names: int = 10
    ptr_names: int = 10
    depth: int = 20
    seconds: float = 20.0


class TermEnd(StrEnum):
    """What became of a term."""

    MATCH = "match"
    NO_MATCH = "no-match"
    FOLLOWED = "followed"  # a redirect that was taken
    TEMPERROR = "temperror"
    PERMERROR = "permerror"
    NOT_REACHED = "not-reached"  # something before it decided, or it says nothing about addresses
    COUNTED = "counted"  # only counted, as a term that does not match


@dataclass(frozen=True, slots=True)
class SpfQuestion:
    """A question to the DNS and what came of it.

    ``domain`` and ``term``: whose record asked, and which of its terms; the term is empty for the record itself. ``detail``: what
    went wrong, for people.
    """

    name: str
    kind: str
    outcome: Outcome
    records: tuple[str, ...]
    domain: str
    term: str
    detail: str = ""

    @property
    def is_void(self) -> bool:
        """Whether the answer was that there is nothing (RFC 7208 §4.6.4)."""
        return self.outcome in (Outcome.NO_DATA, Outcome.NXDOMAIN)


@dataclass(frozen=True, slots=True)
class SpfStep:
    """A term of the record of a domain, on the way to what decided."""

    domain: str
    term: str


@dataclass(frozen=True, slots=True)
class SpfTerm:
    """A term of a record in the tree.

    ``lookups`` and ``void_lookups`` are those of this term and of all below it. ``void_lookups6`` is for counted trees alone, where
    ``void_lookups`` is what a client with an IPv4 address causes and ``void_lookups6`` what one with an IPv6 address does.
    ``node`` is the record that it includes or redirects to. ``note`` says what is odd, for people.
    """

    text: str
    end: TermEnd
    lookups: int = 0
    void_lookups: int = 0
    void_lookups6: int = 0
    node: "SpfNode | None" = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SpfNode:
    """A record in the tree; counts as in ``SpfTerm``, and of all its terms together.

    ``record`` is its text, None where there is none or it was never told. ``result`` is what came of it, and ``reason`` why. In a
    counted tree the result is permerror, temperror or none where every evaluation ends so, and else None.
    """

    domain: str
    record: str | None
    terms: tuple[SpfTerm, ...]
    result: SpfResult | None
    reason: str
    lookups: int = 0
    void_lookups: int = 0
    void_lookups6: int = 0


@dataclass(frozen=True, slots=True)
class SpfCheck:
    """What an evaluation found.

    ``result`` is one of none, neutral, pass, fail, softfail, temperror and permerror (RFC 7208 §2.6), ``reason`` a sentence.
    ``matched`` is the term that matched the client, wherever it stands; None if none did. ``path`` leads to it from the first
    record through includes and redirects, its last step being the term itself; after an error it leads to the term at fault.
    The qualifier that counts is that of the first step that is no redirect (RFC 7208 §5.2). ``explanation`` is the owner's text
    for a fail (RFC 7208 §6.2): printable ASCII, unverified, perhaps hostile; empty if there is none. ``lookups`` never exceeds
    the limit: one more ends it. ``void_lookups`` may, by the one that ended it.
    """

    domain: str
    result: SpfResult
    reason: str
    matched: str | None
    path: tuple[SpfStep, ...]
    explanation: str
    questions: tuple[SpfQuestion, ...]
    lookups: int
    void_lookups: int
    tree: SpfNode


@dataclass(frozen=True, slots=True)
class SpfCount:
    """Look-ups of the terms of one record, without what it includes: pairs of a term's text and how many it costs."""

    terms: tuple[tuple[str, int], ...]

    @property
    def lookups(self) -> int:
        """All of them together."""
        return sum(count for _, count in self.terms)


@dataclass(frozen=True, slots=True)
class SpfTree:
    """A record with all that it includes, counted as if no term matched: what the unluckiest message costs.

    ``void_lookups`` and ``void_lookups6``: for clients with an IPv4 and an IPv6 address. ``is_complete``: False if counting ended
    before the end of a tree that is far over every limit, or if something could not be asked. ``problems``: limits that are exceeded
    or near, loops, and records below that are errors.
    """

    domain: str
    root: SpfNode
    lookups: int
    void_lookups: int
    void_lookups6: int
    is_complete: bool
    questions: tuple[SpfQuestion, ...]
    problems: tuple[Problem, ...]
