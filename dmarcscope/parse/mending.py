"""A published record with everything mended that can be without guessing at what its owner wants, and nothing else changed.

What comes out is only offered if the parsers find no error in it. Of a tag or term that cannot be read, what was probably meant is taken
from its problem; where nothing is, there is nothing to offer. What makes a policy stricter or milder (OPTIONAL) is not mended along with
the rest: it is offered by itself.
"""

import re
from collections.abc import Callable, Iterable

from dmarcscope.model.problem import Problem, Severity
from dmarcscope.model.spf_record import Directive, Mechanism, Modifier
from dmarcscope.parse.dmarc_record import DMARC, dmarc_record
from dmarcscope.parse.mta_sts import STS, sts_record
from dmarcscope.parse.report_uri import ADDRESS, better, report_uri
from dmarcscope.parse.slips import near_word
from dmarcscope.parse.spf_record import spf_record
from dmarcscope.parse.tag_list import NAME, Grammar, Tag, tag_list
from dmarcscope.parse.tls_rpt import TLS_RPT, tls_rpt_record

MAX_TERMS = 200
"""Terms of an SPF record that is mended: longer ones want an editor."""
FRAGMENT = re.compile(r"([a-z]+)=([^;]*)")
ALONE = {"syntax-error", "mechanism-as-modifier", "unknown-modifier"}
"""Problems of an SPF term that the term has by itself."""

OPTIONAL = {"sp-weaker", "pct-removed"}
"""Problems of a DMARC record whose fix may cost mail or protection: the owner's own decision."""


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those that are errors."""
    return [problem for problem in problems if problem.severity is Severity.ERROR]


def serious(problems: Iterable[Problem]) -> list[Problem]:
    """Errors and warnings: what is merely worth knowing is not mended."""
    return [problem for problem in problems if problem.severity is not Severity.NOTE]


def mended_dmarc(text: str, problems: Iterable[Problem], also: Problem | None = None) -> str:
    """A DMARC record without what the problems name; empty if nothing can be offered, or there is nothing to mend.

    Of those in OPTIONAL only ``also`` is mended.

    >>> from dmarcscope.parse.dmarc_record import dmarc_record
    >>> mended_dmarc("v=DMARC1; p=rejct; rua=dmarc@example.com", dmarc_record("v=DMARC1; p=rejct; rua=dmarc@example.com").problems)
    'v=DMARC1; p=reject; rua=mailto:dmarc@example.com'
    """
    chosen = [problem for problem in problems if problem.code not in OPTIONAL or problem == also]
    return mended_tags(text, chosen, DMARC, lambda better: dmarc_record(better).problems)


def mended_tls_rpt(text: str, problems: Iterable[Problem]) -> str:
    """The same for a TLS-RPT record."""
    return mended_tags(text, problems, TLS_RPT, lambda better: tls_rpt_record(better).problems)


def mended_sts(text: str, problems: Iterable[Problem]) -> str:
    """The same for an MTA-STS record."""
    return mended_tags(text, problems, STS, lambda better: sts_record(better).problems)


def mended_tags(text: str, problems: Iterable[Problem], rules: Grammar, judged: Callable[[str], Iterable[Problem]]) -> str:
    """A list of tags with the fixes of its problems, checked by ``judged``."""
    wanted = serious(problems)
    # A record that is broken in its form was put together anew by the parser; all else starts from that.
    whole = next((problem.fix for problem in wanted if rules.opening.match(problem.fix)), "")
    matches = [match for match in (FRAGMENT.fullmatch(problem.fix) for problem in wanted) if match]
    fixes = {match[1]: match[2] for match in matches if match[1] in rules.names and match[1] not in {"v", "rua", "ruf"}}
    added = next((problem.fix for problem in wanted if problem.code == "no-rua" and problem.fix.startswith("rua=")), "")
    tags = [mended_tag(each, rules, fixes) for each in unique(tag_list(whole or text))]
    names = {name for name, _ in tags}
    tags[1:1] = [(name, f"{name}={fixes[name]}") for name in ("p",) if name in fixes and name not in names]
    tags += [(name, f"{name}={value}") for name, value in fixes.items() if name not in names and name != "p"]
    if added and "rua" not in names:
        tags.append(("rua", added))
    result = "; ".join(piece for _, piece in tags)
    return result if is_better(result, text, judged) else ""


def is_better(result: str, text: str, judged: Callable[[str], Iterable[Problem]]) -> bool:
    """Whether the result differs from what is there in more than its blanks, and has no error."""
    return re.sub(r"[\s;]+", "", result) != re.sub(r"[\s;]+", "", text) and not errors(judged(result))


def unique(tags: Iterable[Tag]) -> list[Tag]:
    """Of each name the first: it is what receivers take that take any."""
    found: dict[str, Tag] = {}
    for each in tags:
        found.setdefault(each.name or each.text, each)
    return list(found.values())


def mended_tag(each: Tag, rules: Grammar, fixes: dict[str, str]) -> tuple[str, str]:
    """The name and text of a tag, mended."""
    known = each.name in rules.names or each.name in rules.removed
    name = each.name if known or not NAME.fullmatch(each.name) else near_word(each.name, rules.names) or each.name
    if name in {"rua", "ruf"}:
        uris = mended_uris(each.value)
        return name, each.text if uris == each.value and known else f"{name}={uris}"
    if name in fixes:
        return name, f"{name}={fixes[name]}"
    return name, each.text if name == each.name else f"{name}={each.value}"


def mended_uris(value: str) -> str:
    """The value of ``rua`` or ``ruf`` with each URI mended that can be, the others as they are, and no empty ones."""
    pieces = [piece.strip(" \t") for piece in value.split(",")]
    found = [mended_uri(piece) for piece in pieces if piece]
    return value if found == pieces else ",".join(found)


def mended_uri(piece: str) -> str:
    """One URI."""
    uri = report_uri(piece)
    if uri.is_valid:
        return piece
    bare = uri.text.strip("<>")
    return f"mailto:{bare}" if not uri.scheme and ADDRESS.fullmatch(bare) else better(uri.text) or piece


def mended_spf(text: str) -> str:
    """An SPF record with its slips mended, terms that stand there twice left out, and an ending; empty if nothing can be offered.

    >>> mended_spf("v=spf1 include=_spf.example.net ip4:192.0.2.1 +all")
    'v=spf1 include:_spf.example.net ip4:192.0.2.1 ~all'
    """
    words = text.split(" ")[1:]
    if len(words) > MAX_TERMS:
        return ""
    found = [mended_term(word) for word in words if word]
    terms = list(dict.fromkeys(term for term in found if term))
    record = spf_record(" ".join(["v=spf1", *terms]))
    if not any(is_ending(term) for term in record.terms):
        terms.append("~all")
    result = " ".join(["v=spf1", *terms])
    return result if is_better(result, text, lambda better: spf_record(better).problems) else ""


def mended_term(word: str) -> str:
    """One term, mended."""
    problems = spf_record(f"v=spf1 {word}").problems
    fixes = [problem.fix for problem in problems if problem.code in ALONE and problem.fix]
    if fixes:
        return fixes[0]
    # RFC 7208 §5.1: to let everybody pass, or to say nothing, is as good as no record.
    return "~all" if any(problem.code in {"all-pass", "all-neutral"} for problem in problems) else word


def is_ending(term: Directive | Modifier) -> bool:
    """Whether a term says what becomes of all other addresses."""
    return term.mechanism is Mechanism.ALL if isinstance(term, Directive) else term.name == "redirect"
