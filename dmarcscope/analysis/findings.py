"""Problems of a record as findings, each with the line to publish instead if there is one."""

from collections.abc import Callable, Iterable

from dmarcscope.model.answer import Answer, Outcome
from dmarcscope.model.domain_check import Finding
from dmarcscope.model.problem import Problem, Severity
from dmarcscope.parse.zone_line import txt_line

WORDS = {
    Outcome.FOUND: "found",
    Outcome.NO_DATA: "nothing there",
    Outcome.NXDOMAIN: "no such name",
    Outcome.SERVFAIL: "the name server failed",
    Outcome.TIMEOUT: "no answer in time",
    Outcome.REFUSED: "the name server refused",
    Outcome.MALFORMED: "an answer that cannot be read",
    Outcome.NOT_ASKED: "not asked",
}
"""What came of a question, in words."""


def came_of(answer: Answer) -> str:
    """What came of a question: for one that was not told, with the reason."""
    told = WORDS[answer.outcome]
    return told if answer.outcome.is_told or not answer.detail else f"{told}: {answer.detail}"


def untold(answers: Iterable[Answer]) -> tuple[str, ...]:
    """A sentence for each question that was not told."""
    return tuple(
        f"{answer.question.kind} records of {answer.question.name} could not be asked for ({came_of(answer)})"
        for answer in answers
        if not answer.outcome.is_told
    )


def findings_of(problems: Iterable[Problem], name: str, mended: str, judged: Callable[[str], Iterable[Problem]]) -> tuple[Finding, ...]:
    """The problems of the TXT record of a name. ``mended`` is that record put right (or empty), and ``judged`` reads it."""
    line = txt_line(name, mended) if mended else ""
    remaining = {problem.code for problem in judged(mended)} if mended else set()
    return tuple(
        Finding(problem, name, "" if problem.severity is Severity.NOTE or problem.code in remaining else line) for problem in problems
    )


def of_choice(problems: Iterable[Problem], name: str, opening: str) -> tuple[Finding, ...]:
    """What is wrong with the choice of records at a name; a fix that is a whole record is a line to publish."""
    return tuple(Finding(problem, name, txt_line(name, problem.fix) if problem.fix.startswith(opening) else "") for problem in problems)


def listing(words: Iterable[str], most: int = 6) -> str:
    """Some words with commas and an «and», and how many more there are.

    >>> listing(["a", "b", "c"]), listing(["a"])
    ('a, b and c', 'a')
    """
    every = list(words)
    if len(every) > most:
        return f"{', '.join(every[:most])} and {len(every) - most} more"
    return " and ".join(filter(None, [", ".join(every[:-1]), *every[-1:]]))
