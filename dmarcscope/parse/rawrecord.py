"""One ``<record>`` element as raw text: which field holds what, before anything is judged.

Fields are found by name at any depth, because reporters leave out, misplace and misspell the elements around them
(``identities`` for ``identifiers``, no ``row``, unclosed tags). The first of several counts; what is odd is said in ``problems``.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from lxml.etree import _Element

from dmarcscope.parse.xml import local_name

RawReason = tuple[str | None, str | None]
RawResult = tuple[str | None, str | None, str | None, str | None]


class RawRecord(NamedTuple):
    """The texts of one record as written: None where the element is missing, "" where it is empty."""

    source_ip: str | None
    count: str | None  # type: ignore[assignment]  # the field hides tuple.count, which nobody needs here
    disposition: str | None
    dkim_aligned: str | None
    spf_aligned: str | None
    header_from: str | None
    envelope_from: str | None
    envelope_to: str | None
    reasons: tuple[RawReason, ...]
    dkim: tuple[RawResult, ...]
    spf: tuple[RawResult, ...]
    problems: tuple[tuple[str, str], ...]  # (field, what is odd about the structure)
    unknown: tuple[str, ...]  # names of elements that no standard names


SCALARS = frozenset({"source_ip", "count", "disposition", "header_from", "envelope_from", "envelope_to"})
SECTIONS = frozenset({"row", "policy_evaluated", "identifiers", "identities", "auth_results"})
RESULT_FIELDS = {
    "dkim": ("domain", "selector", "result", "human_result"),
    "spf": ("domain", "scope", "result", "human_result"),
}
REASON_FIELDS = ("type", "comment")
PARTS = frozenset({"domain", "selector", "scope", "result", "human_result", "type", "comment"})
RECORD_NAMES = SCALARS | SECTIONS | RESULT_FIELDS.keys() | PARTS | {"reason"}
MAX_MIXED = 1 << 16
"""Characters of a value with markup in it: such values may hold each other, and each would hold all of the text."""
MAX_PIECES = 1000
"""Pieces of text that one value is put together from: stray markup makes a handful; nested a thousand deep it is quadratic."""


def own_text(element: _Element) -> str:
    """All text inside an element: a value that holds stray markup keeps its text."""
    if len(element):
        return "".join(islice(element.itertext(), MAX_PIECES))[:MAX_MIXED]
    return element.text or ""


def read_record(record: _Element) -> RawRecord:
    """Read one record element. Never raises; see RawRecord for what is absent."""
    found: dict[str, str] = {}
    reasons: list[RawReason] = []
    results: dict[str, list[RawResult]] = {"dkim": [], "spf": []}
    problems: list[tuple[str, str]] = []
    unknown: list[str] = []
    sections: set[str] = set()
    for element in own_elements(record):
        name = local_name(element)
        if name in SECTIONS:
            sections.add(name)
        elif name in SCALARS:
            keep_first(found, problems, name, element)
        elif name in RESULT_FIELDS and not is_foreign(element, record):
            read_result(name, element, found, results, problems)
        elif name == "reason":
            reasons.append(read_reason(element))
        elif name not in PARTS or local_name_of_parent(element) in SECTIONS:
            unknown.append(name)
    problems.extend(structure_problems(sections))
    return RawRecord(
        found.get("source_ip"),
        found.get("count"),
        found.get("disposition"),
        found.get("dkim_aligned"),
        found.get("spf_aligned"),
        found.get("header_from"),
        found.get("envelope_from"),
        found.get("envelope_to"),
        tuple(reasons),
        tuple(results["dkim"]),
        tuple(results["spf"]),
        tuple(problems),
        tuple(unknown),
    )


def own_elements(parent: _Element) -> Iterator[_Element]:
    """All elements inside but those within an ``extension``, which is free to use the same names for other things."""
    inside: _Element | None = None
    for element in parent.iterdescendants():
        if inside is not None and inside in element.iterancestors():
            continue
        inside = element if local_name(element) == "extension" else None
        yield element


def is_foreign(element: _Element, record: _Element) -> bool:
    """Whether a verdict stands within an element that no standard names, in a record that has its policy_evaluated elsewhere.

    No such text may become a verdict. Where policy_evaluated is missing, its name may be what was misspelt.
    """
    for ancestor in element.iterancestors():
        if ancestor is record:
            return False
        if local_name(ancestor) not in RECORD_NAMES:
            return any(local_name(other) == "policy_evaluated" for other in record.iterdescendants())
    return False


def keep_first(found: dict[str, str], problems: list[tuple[str, str]], name: str, element: _Element) -> None:
    """Note a value that may stand once; a second one is a problem, not a value."""
    if name in found:
        problems.append((name, "given more than once; the first counts"))
    else:
        found[name] = own_text(element)


def read_result(
    name: str,
    element: _Element,
    found: dict[str, str],
    results: dict[str, list[RawResult]],
    problems: list[tuple[str, str]],
) -> None:
    """``dkim`` and ``spf`` name two things: a verdict under policy_evaluated, a raw result under auth_results."""
    if len(element):
        texts = children(element)
        first, second, third, fourth = (texts.get(part) for part in RESULT_FIELDS[name])
        results[name].append((first, second, third, fourth))
    elif local_name_of_parent(element) != "auth_results":
        keep_first(found, problems, f"{name}_aligned", element)
    else:
        problems.append((f"auth_results/{name}", "an element without parts; not read"))


def read_reason(element: _Element) -> RawReason:
    """One override reason; a reason that is bare text becomes its comment."""
    texts = children(element)
    if texts:
        kind, comment = (texts.get(part) for part in REASON_FIELDS)
        return kind, comment
    return None, own_text(element)


def children(element: _Element) -> dict[str, str]:
    """The texts of the child elements by local name, the first of each."""
    texts: dict[str, str] = {}
    for child in element:
        texts.setdefault(local_name(child), own_text(child))
    return texts


def local_name_of_parent(element: _Element) -> str:
    parent = element.getparent()
    return "" if parent is None else local_name(parent)


def structure_problems(sections: set[str]) -> list[tuple[str, str]]:
    """What is missing or misnamed among the elements that group the fields."""
    problems = [(name, "missing") for name in ("row", "policy_evaluated", "auth_results") if name not in sections]
    if "identities" in sections:
        problems.append(("identifiers", "named identities"))
    elif "identifiers" not in sections:
        problems.append(("identifiers", "missing"))
    return problems
