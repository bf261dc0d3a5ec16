"""What the SPF record of a domain comes to, with all that it includes (RFC 7208 §4.5, §4.6.4, §5)."""

from collections.abc import Iterator

from dmarcscope.analysis.findings import came_of, findings_of, listing
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.domain_check import Finding, Published, SpfSection, Topic
from dmarcscope.model.problem import Choice, Problem, Severity
from dmarcscope.model.spf_check import SpfQuestion, SpfTree
from dmarcscope.model.spf_record import Directive, Mechanism, SpfRecord
from dmarcscope.parse.mending import mended_spf
from dmarcscope.parse.spf_lint import MAX_LOOKUPS
from dmarcscope.parse.spf_meant import spf_records
from dmarcscope.parse.spf_record import spf_record
from dmarcscope.parse.zone_line import txt_line

MAX_VOIDS = 2
REST = {
    "-": "mail from anywhere else fails",
    "~": "mail from anywhere else softly fails, which most receivers treat as suspicious",
    "?": "about mail from anywhere else nothing is said",
    "+": "mail from anywhere at all passes",
}
COUNTED_BY_TREE = {"too-many-lookups": "spf-lookups-exceeded"}
"""Problems of a record that its tree tells better."""


def spf_section(tree: SpfTree, *, has_mx: bool) -> SpfSection:
    """SPF of a domain, judged; ``has_mx`` says whether it has mail servers, from which most mail then comes."""
    evidence = tuple(answer_of(question) for question in tree.questions)
    choice = spf_records(evidence[0].records if evidence else ())
    record = spf_record(choice.text) if choice.text is not None else None
    return SpfSection(
        Topic.SPF,
        tuple(Published(tree.domain, "TXT", text) for text in choice.candidates),
        tuple(meaning(tree, record)),
        tuple(findings(tree, choice, record, evidence, has_mx=has_mx)),
        tuple(unknown(evidence)),
        evidence,
        tree,
    )


def answer_of(question: SpfQuestion) -> Answer:
    """A question of a tree, as any other."""
    return Answer(Question(question.name, question.kind), question.outcome, question.records, detail=question.detail)


def meaning(tree: SpfTree, record: SpfRecord | None) -> Iterator[str]:
    """What the record comes to, in sentences."""
    if record is None and tree.questions and tree.questions[0].outcome.is_told and not tree.questions[0].records:
        yield "There is no SPF record."
    if record is None or record.error is not None:
        return
    yield who_passes(record)
    voids = max(tree.void_lookups, tree.void_lookups6)
    least = "" if tree.is_complete else "at least "
    yield f"It costs {least}{tree.lookups} of {MAX_LOOKUPS} look-ups and up to {voids} of {MAX_VOIDS} void ones."


def who_passes(record: SpfRecord) -> str:
    """Who may send, in one sentence."""
    passing: dict[str, None] = {}
    rest = "?"
    for term in record.directives:
        if term.mechanism is Mechanism.ALL:
            rest = term.qualifier
            break
        if term.qualifier == "+":
            passing[in_words(term)] = None
    redirect = record.modifier("redirect")
    ended = any(term.mechanism is Mechanism.ALL for term in record.directives)
    end = f"all else is as the record of {redirect.value.text} says" if redirect and not ended else REST[rest]
    if not passing:
        nobody = rest == "-" and (ended or redirect is None)
        return "Nobody may send as this domain: all mail fails." if nobody else f"No sender is named; {end}."
    return f"Mail passes from {listing(passing, 8)}; {end}."


def in_words(term: Directive) -> str:
    """One mechanism."""
    name = term.domain.text if term.domain else ""
    if term.network is not None:
        return str(term.network.network_address) if term.network.prefixlen == term.network.max_prefixlen else str(term.network)
    words = {
        Mechanism.INCLUDE: f"whom {name} names",
        Mechanism.A: f"the address of {name or 'the domain itself'}",
        Mechanism.MX: f"the mail servers of {name or 'the domain'}",
        Mechanism.PTR: f"hosts whose name is under {name or 'the domain'}",
        Mechanism.EXISTS: f"where {name} exists",
    }
    return words[term.mechanism]


def findings(tree: SpfTree, choice: Choice, record: SpfRecord | None, evidence: tuple[Answer, ...], *, has_mx: bool) -> Iterator[Finding]:
    """Everything to mend."""
    name = tree.domain
    for problem in choice.problems:
        yield Finding(problem, name, txt_line(name, problem.fix) if problem.fix.startswith("v=spf1") else "")
    if record is not None:
        told = {problem.code for problem in tree.problems}
        problems = [problem for problem in record.problems if COUNTED_BY_TREE.get(problem.code, "") not in told]
        yield from findings_of(problems, name, mended_spf(record.text), lambda better: spf_record(better).problems)
        # What could not be asked is told apart, and is no finding about the domain.
        gaps = {"spf-tree-incomplete", "spf-below-temperror"} if any(True for _ in unknown(evidence)) else set()
        asked = [problem for problem in tree.problems if problem.code not in gaps]
        yield from (Finding(problem, name) for problem in asked)
    # A name that is not there needs no record (RFC 9989 §3.2.13); only NXDOMAIN says so.
    missing = evidence and evidence[0].outcome in (Outcome.FOUND, Outcome.NO_DATA) and not choice.candidates
    if missing and not any(problem.severity is Severity.ERROR for problem in choice.problems):
        yield no_record(name, has_mx=has_mx)


def no_record(name: str, *, has_mx: bool) -> Finding:
    """There is no SPF record; for a host without mail servers that matters less."""
    start = "v=spf1 mx ~all" if has_mx else "v=spf1 -all"
    more = "receivers cannot tell your mail servers from others; add an «include:» for every service that sends for you"
    what = f"{name} has no SPF record: {more if has_mx else 'if no mail is sent in its name, say so'}"
    severity = Severity.WARNING if has_mx else Severity.NOTE
    return Finding(Problem(severity, "no-spf", what, "RFC 7208 §4.5", start), name, txt_line(name, start))


def unknown(evidence: tuple[Answer, ...]) -> Iterator[str]:
    """What could not be asked."""
    for answer in evidence:
        if answer.outcome is not Outcome.FOUND and not answer.outcome.is_told:
            yield f"{answer.question.kind} records of {answer.question.name} could not be asked for ({came_of(answer)})"
