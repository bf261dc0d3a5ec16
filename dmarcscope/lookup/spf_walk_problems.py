"""What a counted SPF tree shows to be wrong: limits exceeded or near, loops, errors below (RFC 7208 §4.6.4, §5.2, §6.1).

A message that matches before the place of an error is not touched by it; all others are. The sentences say so.
"""

from collections.abc import Iterator

from dmarcscope.model.problem import Problem, Severity
from dmarcscope.model.spf_check import SpfLimits, SpfNode, SpfTerm
from dmarcscope.model.words import SpfResult

ROOM = 2
"""Look-ups below the limit at which it is near: one more service wants one to four."""
MAX_SHOWN = 50


def problems_of(root: SpfNode, limits: SpfLimits, *, is_complete: bool) -> tuple[Problem, ...]:
    """Everything that the tree shows, errors first; at most MAX_SHOWN of each kind of place."""
    found = [*lookups(root, limits), *voids(root, limits)]
    seen: set[str] = set()
    for node, term in every_term(root):
        for problem in (*below(node, term), *noted(node, term)):
            if problem.what not in seen and len(seen) < MAX_SHOWN:
                seen.add(problem.what)
                found.append(problem)
    if not is_complete:
        what = "not everything below this record could be asked for: the counts are at least these"
        found.append(Problem(Severity.WARNING, "spf-tree-incomplete", what))
    order = list(Severity)
    return tuple(sorted(found, key=lambda problem: order.index(problem.severity)))


def every_term(root: SpfNode) -> Iterator[tuple[SpfNode, SpfTerm]]:
    """Every term of the tree with its record, from above to below."""
    nodes = [root]
    while nodes:
        node = nodes.pop()
        for term in node.terms:
            yield node, term
        nodes += [term.node for term in reversed(node.terms) if term.node is not None]


def lookups(root: SpfNode, limits: SpfLimits) -> Iterator[Problem]:
    """Too many look-ups, or nearly."""
    count, most = root.lookups, limits.lookups
    # RFC 7208 §4.6.4: more than ten terms that ask are a permanent error.
    if count > most:
        what = f"{count} look-ups of at most {most}: mail that matches none of the first {most} ends in a permanent error"
        yield Problem(Severity.ERROR, "spf-lookups-exceeded", what, "RFC 7208 §4.6.4", "put addresses in place of an include, or drop one")
    elif count >= most - ROOM:
        room = most - count
        what = f"{count} look-ups of at most {most}: {'no room' if not room else f'room for {room} more'}; included records may grow"
        yield Problem(Severity.WARNING, "spf-lookups-near", what, "RFC 7208 §4.6.4")


def voids(root: SpfNode, limits: SpfLimits) -> Iterator[Problem]:
    """Too many questions that find nothing."""
    most = limits.void_lookups
    if root.void_lookups > most:
        what = f"up to {root.void_lookups} void look-ups of at most {most}: mail that is matched late or never may end in a permanent error"
        yield Problem(Severity.ERROR, "spf-voids-exceeded", what, "RFC 7208 §4.6.4", "drop terms whose names are not there")
    elif root.void_lookups6 > most:
        what = f"up to {root.void_lookups6} void look-ups of at most {most} for mail from IPv6 addresses, since hosts have no AAAA records"
        yield Problem(Severity.WARNING, "spf-voids6-exceeded", what, "RFC 7208 §4.6.4", "write ip4 and ip6 in place of a and mx")


BELOW = {
    # RFC 7208 §5.2, §6.1: a record that is not there is a permanent error for whoever leads to it.
    SpfResult.NONE: (Severity.ERROR, "spf-below-missing", "is a permanent error"),
    SpfResult.PERMERROR: (Severity.ERROR, "spf-below-permerror", "is a permanent error"),
    SpfResult.TEMPERROR: (Severity.WARNING, "spf-below-temperror", "could not be told now"),
}


def below(node: SpfNode, term: SpfTerm) -> Iterator[Problem]:
    """A record below that is an error."""
    if term.node is not None and term.node.result in BELOW:
        severity, code, what = BELOW[term.node.result]
        yield Problem(severity, code, f"«{term.text}» of {node.domain} {what}: {term.node.reason}", "RFC 7208 §5.2")


def noted(node: SpfNode, term: SpfTerm) -> Iterator[Problem]:
    """What was odd about a term."""
    for beginning, severity, code in NOTES:
        if beginning in term.note:
            yield Problem(severity, code, f"«{term.text}» of {node.domain}: {term.note}", "RFC 7208 §4.6.4")


NOTES = (
    ("a loop", Severity.ERROR, "spf-loop"),
    ("always a permanent error", Severity.ERROR, "spf-mail-hosts-exceeded"),
    ("no address", Severity.WARNING, "spf-dead-host"),
    ("no mail hosts", Severity.WARNING, "spf-dead-host"),
    ("never matches", Severity.WARNING, "spf-no-name"),
)
