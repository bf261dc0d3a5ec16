"""The tables of a summary, from sums that the store was asked for: senders, matrix, groups, sources, reporters, author domains."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from dmarcscope.analysis import folding
from dmarcscope.analysis.course import Course, Who, role_of
from dmarcscope.analysis.folding import fold, of_author, of_group, of_sender, short
from dmarcscope.analysis.roll_up import class_of
from dmarcscope.model.coverage import Coverage, Heard
from dmarcscope.model.sender_line import SenderLine
from dmarcscope.model.summary_tables import AuthorLine, Group, Groups, Matrix, MatrixRow, ReporterLine, Rest, SenderTrend, SourceLine
from dmarcscope.model.verdict import SenderClass

SUMS = ("messages", "passing", "delivered", "quarantined", "rejected")
Where = Mapping[str, tuple[str, str]]
"""The network and the country of an address; empty where not known."""


def with_trend(
    lines: Sequence[SenderLine], course: Course, weeks: Course, seen: frozenset[Who] | None
) -> tuple[tuple[SenderTrend, ...], dict[SenderClass, Rest]]:
    """The senders with their course, and what the end of a long tail comes to, by class. ``seen``: who was there before; None: unknown."""
    told = []
    for place, line in enumerate(lines[: folding.SENDERS]):
        who = (line.sender, role_of(line.sender_class))
        is_new = seen is not None and who not in seen
        course_told = place < folding.WITH_TREND
        points = course.points.get(who, ()) if course_told else ()
        told.append(SenderTrend(cut(line), points, weeks.points.get(who, ()) if course_told else (), is_new))
    tail: dict[SenderClass, list[SenderLine]] = defaultdict(list)
    for line in lines[folding.SENDERS :]:
        tail[line.sender_class].append(line)
    return tuple(told), {one: folding.rest(map(of_sender, of)) for one, of in tail.items()}


def cut(line: SenderLine) -> SenderLine:
    """A line whose texts are no longer than they may be."""
    if len(line.sender) <= folding.TEXT and all(len(text) <= folding.TEXT for text in line.known_by):
        return line
    from dataclasses import replace

    return replace(line, sender=short(line.sender), known_by=tuple(short(text) for text in line.known_by))


def matrix(rows: Iterable[Mapping[str, Any]]) -> Matrix:
    """Sender by reporter; rows have sender, role, reporter, messages, passing and needs_fixing."""
    told = list(rows)
    senders, reporters = most(told, "sender", "role"), most(told, "reporter")
    first_senders, first_reporters = senders[: folding.MATRIX_SENDERS], reporters[: folding.MATRIX_REPORTERS]
    at_sender = {who: at for at, who in enumerate(first_senders)}
    at_reporter = {who: at for at, who in enumerate(first_reporters)}
    height = len(first_senders) + (len(senders) > len(first_senders))
    width = len(first_reporters) + (len(reporters) > len(first_reporters))
    messages = [[0] * width for _ in range(height)]
    passing = [[0] * width for _ in range(height)]
    whole: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for row in told:
        who = (row["sender"], row["role"])
        at, to = at_sender.get(who, len(first_senders)), at_reporter.get((row["reporter"],), len(first_reporters))
        messages[at][to] += row["messages"]
        passing[at][to] += row["passing"]
        whole[who].update({"messages": row["messages"], "needs_fixing": row["needs_fixing"]})
    names: list[tuple[str, SenderClass | None]] = [
        (short(sender), class_of({"role": role, **whole[sender, role]})) for sender, role in first_senders
    ]
    names += [("", None)] * (height - len(names))
    return Matrix(
        tuple(short(reporter) for (reporter,) in first_reporters) + ("",) * (width - len(first_reporters)),
        tuple(MatrixRow(*names[at], tuple(messages[at]), tuple(passing[at])) for at in range(height)),
    )


def most(rows: Iterable[Mapping[str, Any]], *names: str) -> list[tuple[str, ...]]:
    """What the rows are about, that with most messages first."""
    sums: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        sums[tuple(row[name] for name in names)] += row["messages"]
    return sorted(sums, key=lambda key: (-sums[key], key))


def group(key: str, sources: int, sums: Mapping[str, int]) -> Group:
    """One group."""
    told = {name: sums[name] for name in SUMS}
    return Group(short(key), sources, untold=told["messages"] - told["delivered"] - told["quarantined"] - told["rejected"], **told)


def groups(rows: Iterable[Mapping[str, Any]], total: Mapping[str, int], count: int) -> Groups:
    """The first groups of ``count``, as they were asked for; the rest is what is missing to the ``total``."""
    first = tuple(group(row["key"], row["sources"], row) for row in rows)
    left = {name: (total[name] or 0) - sum(getattr(one, name) for one in first) for name in SUMS}
    return Groups(first, Rest(max(count - len(first), 0), *left.values()) if count > len(first) else Rest())


def by_place(rows: Iterable[Mapping[str, Any]], key: Callable[[str], str]) -> Groups:
    """Sources summed by what ``key`` tells of their addresses, those with most messages first."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    sources: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        name = key(row["source_ip"])
        sources[name].add(row["source_ip"])
        sums[name].update({each: row[each] for each in SUMS})
    found = [group(name, len(sources[name]), told) for name, told in sums.items()]
    first, rest = fold(sorted(found, key=lambda one: (-one.messages, one.key)), folding.GROUPS, of_group)
    return Groups(first, rest)


def source_lines(rows: Iterable[Mapping[str, Any]], names: Mapping[str, str], where: Where) -> tuple[SourceLine, ...]:
    """A line for each source of each sender."""
    return tuple(
        SourceLine(
            source_ip=short(row["source_ip"]),
            name=short(names.get(row["source_ip"])),
            network=short(where.get(row["source_ip"], ("", ""))[0]),
            country=where.get(row["source_ip"], ("", ""))[1],
            sender=short(row["sender"]),
            sender_class=class_of(row),
            **{name: row[name] for name in (*SUMS, "dkim_aligned", "spf_aligned")},
        )
        for row in rows
    )


def rest_of(row: Mapping[str, Any]) -> Rest:
    """A rest that the store summed up."""
    return Rest(row["lines"], *(row[name] for name in SUMS))


def reporter_lines(rows: Iterable[Mapping[str, Any]], coverage: Coverage) -> tuple[tuple[ReporterLine, ...], Rest]:
    """The reporters of the period, with how they report; and those that are usual and told nothing."""
    heard = {one.reporter: one for one in coverage.reporters}
    lines = []
    for row in rows:
        one = heard.pop(row["reporter"], None)
        manner = manner_of(one) if one else NO_MANNER
        lines.append(ReporterLine(**{**row, "reporter": short(row["reporter"])}, **manner))
    missing = [one for one in heard.values() if one.usual]
    nothing: dict[str, Any] = dict.fromkeys(("reports", *SUMS), 0)
    lines += [ReporterLine(reporter=short(one.reporter), **nothing, **manner_of(one)) for one in missing]
    # Those that fell silent are what one looks for: they are never folded away behind many small ones.
    lines.sort(key=lambda one: (one.silent_since is None, -one.messages, one.reporter))
    first, rest = fold(lines, folding.REPORTERS, of_group)
    return tuple(sorted(first, key=lambda one: (-one.messages, one.reporter))), rest


NO_MANNER: Mapping[str, Any] = {"usual": False, "silent_since": None, "expected": 0}


def manner_of(one: Heard) -> Mapping[str, Any]:
    """How a reporter reports."""
    return {name: getattr(one, name) for name in NO_MANNER}


def author_lines(rows: Iterable[Mapping[str, Any]]) -> tuple[tuple[AuthorLine, ...], Rest]:
    """The author domains by class, those with most messages first."""
    classes: dict[str, dict[SenderClass, int]] = defaultdict(lambda: dict.fromkeys(SenderClass, 0))
    passing: Counter[str] = Counter()
    for row in rows:
        classes[row["header_from"]][SenderClass(row["class"])] += row["messages"]
        passing[row["header_from"]] += row["passing"]
    found = [AuthorLine(short(name), sum(sums.values()), passing[name], sums) for name, sums in classes.items()]
    return fold(sorted(found, key=lambda one: (-one.messages, one.name)), folding.AUTHORS, of_author)
