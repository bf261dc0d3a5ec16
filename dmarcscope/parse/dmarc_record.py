"""Read a DMARC policy record (RFC 9989 §4.6, §4.7, §4.8, §4.10.1), and what is wrong or unwise in it.

Unknown tags are ignored and syntax errors give way to defaults (RFC 9989 §4.8), with one exception that makes a record much weaker
than it looks: without a valid ``p``, or with an invalid ``sp`` or ``np``, it counts as ``p=none`` or not at all (RFC 9989 §4.10.1).
Never raises; linear in the length of the text.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from dmarcscope.model.dmarc_record import Alignment, DmarcRecord, Psd, ReportUri, Standing
from dmarcscope.model.problem import Choice, Problem, Severity, worst_first
from dmarcscope.model.words import Policy
from dmarcscope.parse.dmarc_lint import lint
from dmarcscope.parse.report_uri import report_uris, uri_problems
from dmarcscope.parse.slips import listed, near_word
from dmarcscope.parse.tag_list import choose, first_values, form_problems, grammar, mended, tag_list, why_not

SECTION = "RFC 9989 §4.7"
DMARC = grammar(
    "DMARC",
    "DMARC1",
    ("v", "p", "sp", "np", "adkim", "aspf", "fo", "psd", "t", "rua", "ruf"),
    SECTION,
    removed=("pct", "rf", "ri"),
)

WORDS: dict[str, tuple[str, ...]] = {
    "p": tuple(Policy),
    "sp": tuple(Policy),
    "np": tuple(Policy),
    "adkim": tuple(Alignment),
    "aspf": tuple(Alignment),
    "psd": tuple(Psd),
    "t": ("y", "n"),
}
"""The words that the tags with a closed list take; they are compared without regard to case (RFC 5234 §2.3)."""
MEANT = {"strict": "s", "relaxed": "r", "yes": "y", "no": "n", "true": "y", "false": "n", "monitor": "none", "block": "reject"}
"""Words that people write in their place."""
MAX_VALUE = 60
"""Characters of a value that are read and shown where only few are lawful."""

Word = TypeVar("Word", bound=StrEnum)


def dmarc_records(texts: Iterable[str]) -> Choice:
    """Which of the TXT records of a ``_dmarc`` name are DMARC records, and which nearly are.

    >>> dmarc_records(["v=DMARC1; p=none", "v=spf1 -all"]).text
    'v=DMARC1; p=none'
    """
    # RFC 9989 §4.10, steps 2 and 6: records without the version are discarded, and so are all if several remain.
    return choose(texts, DMARC)


def dmarc_record(text: str) -> DmarcRecord:
    """What the text of a DMARC record says, with the strings of its TXT record joined (RFC 9989 §4.5).

    >>> record = dmarc_record("v=DMARC1; p=reject; rua=mailto:dmarc@example.com")
    >>> record.p.value, record.adkim.value, record.rua[0].domain, record.problems
    ('reject', 'r', 'example.com', ())
    """
    # RFC 9989 §4.7: v is first and its value is exactly DMARC1, or the entire record is ignored.
    if not DMARC.opening.match(text):
        better = mended(text, DMARC)
        what = f"no DMARC record: {why_not(text, DMARC)}"
        fix = better if "=" in text and DMARC.opening.match(better) else ""
        return DmarcRecord(text, Standing.NOT_DMARC, problems=(Problem(Severity.ERROR, "not-dmarc", what, SECTION, fix),))
    tags = tag_list(text)
    values = first_values(tags)
    rua, ruf = report_uris(values.get("rua", "")), report_uris(values.get("ruf", ""))
    record = DmarcRecord(
        text,
        standing(values, rua),
        p=word(values, "p", Policy),
        sp=word(values, "sp", Policy),
        np=word(values, "np", Policy),
        adkim=word(values, "adkim", Alignment) or Alignment.RELAXED,
        aspf=word(values, "aspf", Alignment) or Alignment.RELAXED,
        fo=failure_options(values.get("fo", "0")) or ("0",),
        psd=word(values, "psd", Psd) or Psd.UNDECIDED,
        testing=values.get("t", "n").lower() == "y",
        rua=rua,
        ruf=ruf,
        tags=tuple((tag.name, tag.value) for tag in tags if tag.name),
    )
    problems = [*form_problems(text, tags, DMARC), *value_problems(values, rua, ruf), *lint(record, values)]
    return replace(record, problems=worst_first(problems))


def word(values: dict[str, str], name: str, words: type[Word]) -> Word | None:
    """The value of a tag with a closed list; None if it is missing or invalid."""
    return next((each for each in words if each.value == values.get(name, "").lower()), None)


def standing(values: dict[str, str], rua: Iterable[ReportUri]) -> Standing:
    """What the record counts for (RFC 9989 §4.10.1)."""
    invalid = word(values, "p", Policy) is None or any(name in values and word(values, name, Policy) is None for name in ("sp", "np"))
    if not invalid:
        return Standing.IN_FORCE
    # RFC 9989 §4.10.1: act as for p=none if rua has at least one syntactically valid URI; otherwise apply no DMARC.
    return Standing.AS_NONE if any(uri.is_valid for uri in rua) else Standing.UNUSABLE


def failure_options(value: str) -> tuple[str, ...]:
    """When failure reports are wanted: of 0, 1, d and s; empty where the value is invalid.

    >>> failure_options("1:d"), failure_options("0:1")
    (('1', 'd'), ())
    """
    options = tuple(option.strip(" \t").lower() for option in value[:MAX_VALUE].split(":"))
    # RFC 9989 §4.7: 0 and 1 exclude each other. §4.8: d and s at most once each.
    good = set(options) <= {"0", "1", "d", "s"} and len(set(options)) == len(options) and not {"0", "1"} <= set(options)
    return options if good else ()


def value_problems(values: dict[str, str], rua: Iterable[ReportUri], ruf: Iterable[ReportUri]) -> Iterator[Problem]:
    """What is wrong with the values, tag by tag."""
    for name, known in WORDS.items():
        if name in values and values[name].lower() not in known:
            yield bad_word(name, values[name], known)
    if "fo" in values and not failure_options(values["fo"]):
        what = f"«fo={values['fo'][:MAX_VALUE]}» is no list of 0 or 1, d and s between colons; it counts as «fo=0»"
        options = re.findall(r"(?<![a-z0-9])[01ds](?![a-z0-9])", values["fo"][:MAX_VALUE].lower())
        options = [option for option in dict.fromkeys(options) if not (option == "0" and "1" in options)]
        yield Problem(Severity.WARNING, "bad-fo", what, SECTION, f"fo={':'.join(options)}" if options else "")
    for name, uris in (("rua", rua), ("ruf", ruf)):
        if name in values:
            yield from uri_problems(name, values[name], uris, SECTION)


def bad_word(name: str, value: str, known: tuple[str, ...]) -> Problem:
    """A value that is not in the list of its tag."""
    near = MEANT.get(value.lower(), "") or near_word(value.lower(), known)
    fix = f"{name}={near}" if near in known else ""
    default = "" if name in {"p", "sp", "np"} else "; the default counts in its place"
    what = f"{listed([f'{name}={value}'])} is none of {', '.join(known)}{default}"
    return Problem(Severity.ERROR, "bad-value", what, SECTION, fix)
