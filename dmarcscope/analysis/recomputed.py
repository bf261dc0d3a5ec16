"""Alignment computed anew from the raw results of a record, beside what the reporter says of it (RFC 9989 §4.4, §4.10.2).

Facts: the results are the reporter's, as they came, and so are adkim and aspf as it found them published. Whose domain is whose comes
from the DNS tree walk, and by the Public Suffix List for comparison. What nobody asked for, or no result tells, is unknown, and never a
verdict.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dmarcscope.align.alignment import OrganizationalOf, alignment
from dmarcscope.model.discovery import Aligned, Verdict
from dmarcscope.model.dmarc_record import Alignment

TRUTH = {Verdict.ALIGNED: True, Verdict.NOT_ALIGNED: False, Verdict.UNKNOWN: None}
WORDS = {True: "aligned", False: "not aligned", None: "nothing"}
MAX_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Recomputed:
    """The verdicts on a record: ``dkim`` and ``spf`` by the tree walk, the others by the Public Suffix List."""

    dkim: Aligned
    spf: Aligned
    dkim_by_psl: Aligned
    spf_by_psl: Aligned

    @property
    def psl_differs(self) -> bool:
        """Whether the list and the tree walk come to different verdicts, both being known."""
        pairs = ((self.dkim, self.dkim_by_psl), (self.spf, self.spf_by_psl))
        return any(is_known(walk) and is_known(psl) and walk.verdict is not psl.verdict for walk, psl in pairs)


def is_known(aligned: Aligned) -> bool:
    """Whether it is a verdict."""
    return aligned.verdict is not Verdict.UNKNOWN


def recomputed(line: Mapping[str, Any], by_walk: OrganizationalOf, by_psl: OrganizationalOf) -> Recomputed:
    """The verdicts on a line of ``queries.verdicts`` or ``queries.each_verdict``."""
    return Recomputed(dkim(line, by_walk), spf(line, by_walk), dkim(line, by_psl), spf(line, by_psl))


def dkim(line: Mapping[str, Any], owner_of: OrganizationalOf) -> Aligned:
    """Whether a signature that passed is aligned with the author domain."""
    # Where SPF is told of, a record without DKIM results had no signature; where nothing is told at all, that says nothing either.
    if not line["dkim_results"]:
        if not line["spf_results"]:
            return Aligned(Verdict.UNKNOWN, "no result is reported")
        return Aligned(Verdict.NOT_ALIGNED, "no signature is reported")
    return best(line, line["adkim"], line["dkim_passed"], line["dkim_untold"], owner_of)


def spf(line: Mapping[str, Any], owner_of: OrganizationalOf) -> Aligned:
    """Whether the domain that SPF passed for is aligned with the author domain."""
    if not line["spf_results"]:
        return Aligned(Verdict.UNKNOWN, "no result is reported")
    return best(line, line["aspf"], line["spf_passed"], line["spf_untold"], owner_of)


def best(line: Mapping[str, Any], mode: str | None, passed: Sequence[str], untold: Sequence[str], owner_of: OrganizationalOf) -> Aligned:
    """The best of what several identifiers make: RFC 9989 §4.4: one that is aligned is enough."""
    author = line["header_from"]
    if author is None:
        return Aligned(Verdict.UNKNOWN, "the author domain is not reported")
    # RFC 9989 §4.7: relaxed is the default, and counts for a value that is none.
    strictness = Alignment.STRICT if mode == "s" else Alignment.RELAXED
    found = [alignment(author, domain, strictness, owner_of) for domain in passed]
    for wanted in (Verdict.ALIGNED, Verdict.UNKNOWN):
        for one in found:
            if one.verdict is wanted:
                return one
    if untold:
        return Aligned(Verdict.UNKNOWN, "a result is not reported")
    return found[0] if found else Aligned(Verdict.NOT_ALIGNED, "nothing passed")


def agrees(told: bool | None, found: Aligned) -> bool | None:
    """Whether a reporter's verdict is the one found; None if either is not known.

    >>> agrees(True, Aligned(Verdict.NOT_ALIGNED, "")), agrees(None, Aligned(Verdict.ALIGNED, ""))
    (False, None)
    """
    mine = TRUTH[found.verdict]
    return None if told is None or mine is None else told == mine


@dataclass(slots=True)
class ReporterAlignment:
    """How a reporter's verdicts compare: each record agrees, disagrees (in DKIM, in SPF or both) or cannot be told (unknown)."""

    reporter: str | None
    records: int = 0
    messages: int = 0
    agree: int = 0
    disagree: int = 0
    unknown: int = 0
    dkim_disagree: int = 0
    spf_disagree: int = 0
    psl_differs: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, line: Mapping[str, Any], found: Recomputed) -> None:
        """Count records that are alike."""
        count = line["records"]
        verdicts = {"dkim": (line["dkim_aligned"], found.dkim), "spf": (line["spf_aligned"], found.spf)}
        compared = {kind: agrees(*pair) for kind, pair in verdicts.items()}
        self.records += count
        self.messages += line["messages"]
        self.dkim_disagree += count * (compared["dkim"] is False)
        self.spf_disagree += count * (compared["spf"] is False)
        self.psl_differs += count * found.psl_differs
        word = standing(compared.values())
        setattr(self, word, getattr(self, word) + count)
        for kind, agreed in compared.items():
            if agreed is False and len(self.examples) < MAX_EXAMPLES:
                self.examples.append(example(line, kind, *verdicts[kind]))


def standing(compared: Iterable[bool | None]) -> str:
    """What a record as a whole counts as.

    >>> standing([True, None]), standing([None, False]), standing([True, True])
    ('unknown', 'disagree', 'agree')
    """
    every = set(compared)
    return "disagree" if False in every else "unknown" if None in every else "agree"


def example(line: Mapping[str, Any], kind: str, told: bool | None, found: Aligned) -> str:
    """One disagreement, in words."""
    where = f"report {line['report_key']}, {line['source_ip']} as {line['header_from']}"
    return f"{where}: {kind.upper()} reported {WORDS[told]}, found {WORDS[TRUTH[found.verdict]]}: {found.why}"


def by_reporter(lines: Iterable[Mapping[str, Any]], by_walk: OrganizationalOf, by_psl: OrganizationalOf) -> list[ReporterAlignment]:
    """A line per reporter, those that disagree most first."""
    found: dict[str | None, ReporterAlignment] = {}
    for line in lines:
        name = line["reporter"]
        found.setdefault(name, ReporterAlignment(name)).add(line, recomputed(line, by_walk, by_psl))
    return sorted(found.values(), key=lambda one: (-one.disagree, -one.records, one.reporter or ""))


def remembered(owner_of: Callable[[str], str | None]) -> OrganizationalOf:
    """The same function, asked once for each domain."""
    known: dict[str, str | None] = {}

    def of(domain: str) -> str | None:
        if domain not in known:
            known[domain] = owner_of(domain)
        return known[domain]

    return of
