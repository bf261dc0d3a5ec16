"""What becomes of reports: a table of cases, each with its reason."""

from dataclasses import dataclass, field

import pytest

from dmarcscope.ops.reading import Reading
from dmarcscope.ops.settle import Fate, decide, verdict
from dmarcscope.store.ledger import Known, ReportEntry

S, K, D, U, Z = Fate.STORED, Fate.KEPT, Fate.DUPLICATE, Fate.SUPERSEDED, Fate.STAYS_SUPERSEDED


def entry(artefact: int, identity: str, content: str, member: str = "") -> ReportEntry:
    return ReportEntry(artefact, member, identity, content, "mill", None, "1", "example.com", 0, 1, "rfc7489", 1, 1, ())


def known(key: int, artefact: int, identity: str, content: str, state: str = "stored") -> Known:
    return Known(key, identity, content, state, artefact)


@dataclass(frozen=True)
class Case:
    why: str
    entries: list[tuple[int, str, str]]  # artefact, identity, content
    fates: list[Fate | None]
    known: list[Known] = field(default_factory=list)
    replaces: tuple[int, ...] = ()
    anew: bool = False
    not_ours: frozenset[int] = frozenset()


CASES = [
    Case("nothing is known: new", [(1, "i", "a")], [S]),
    Case("two reports of one artefact are both new", [(1, "i", "a"), (1, "j", "b")], [S, S]),
    Case("the same report in another container", [(1, "i", "a"), (2, "i", "a")], [S, D]),
    Case("the same report came in an earlier batch", [(2, "i", "a")], [D], [known(9, 1, "i", "a")]),
    Case("the same report twice in one artefact", [(1, "i", "a"), (1, "i", "a")], [S, D]),
    Case("a later version in the same batch counts", [(1, "i", "a"), (2, "i", "b")], [U, S]),
    Case("of three versions the last counts", [(1, "i", "a"), (2, "i", "b"), (3, "i", "c")], [U, U, S]),
    Case("the first version comes again after the second: no third version", [(1, "i", "a"), (2, "i", "b"), (3, "i", "a")], [U, S, D]),
    Case("a later version in a later batch takes the place of the first", [(2, "i", "b")], [S], [known(9, 1, "i", "a")], (9,)),
    Case(
        "what was superseded comes again",
        [(3, "i", "a")],
        [D],
        [known(8, 1, "i", "a", "superseded"), known(9, 2, "i", "b")],
    ),
    Case(
        "a third version takes out the second only: the first has no lines",
        [(3, "i", "c")],
        [S],
        [known(8, 1, "i", "a", "superseded"), known(9, 2, "i", "b")],
        (9,),
    ),
    Case("an artefact that came first and is worked on later does not supersede", [(1, "i", "a")], [U], [known(9, 2, "i", "b")]),
    Case("the same within a batch, whatever the order of work", [(2, "i", "b"), (1, "i", "a")], [S, U]),
    Case("after a crash: its lines are in the table", [(1, "i", "a")], [K], [known(9, 1, "i", "a")]),
    Case("after a crash: the one that holds it twice", [(1, "i", "a"), (1, "i", "a")], [K, D], [known(9, 1, "i", "a")]),
    Case("after a crash: the copy was not told", [(1, "i", "a"), (2, "i", "a")], [K, D], [known(9, 1, "i", "a")]),
    Case("after a crash: the older version was not told", [(1, "i", "a"), (2, "i", "b")], [U, K], [known(9, 2, "i", "b")]),
    Case("after a crash: a later version follows at once", [(1, "i", "a"), (2, "i", "b")], [Z, S], [known(9, 1, "i", "a")], (9,)),
    Case(
        "after a crash: the later version was confirmed, the older is superseded already",
        [(1, "i", "a"), (2, "i", "b")],
        [Z, K],
        [known(8, 1, "i", "a", "superseded"), known(9, 2, "i", "b")],
    ),
    Case(
        "after a crash, in reverse order of work: what is replaced in this batch is not kept",
        [(9, "i", "b"), (7, "i", "a")],
        [S, Z],
        [known(5, 7, "i", "a")],
        (5,),
    ),
    Case("replay: read anew, in place of itself", [(1, "i", "a")], [S], [known(9, 1, "i", "a")], (9,), anew=True),
    Case("replay: a better parser finds another identity", [(1, "j", "a")], [S], [known(9, 1, "i", "a")], (9,), anew=True),
    Case(
        "replay: better unpacked, so other bytes of the same report",
        [(1, "i", "b")],
        [S],
        [known(9, 1, "i", "a")],
        (9,),
        anew=True,
    ),
    Case(
        "replay: what was superseded stays so, and what counts is replaced by itself",
        [(1, "i", "a"), (2, "i", "b")],
        [Z, S],
        [known(8, 1, "i", "a", "superseded"), known(9, 2, "i", "b")],
        (9,),
        anew=True,
    ),
    Case(
        "replay: an older copy, unreadable until now, is a duplicate of what holds the lines",
        [(1, "i", "a"), (2, "i", "a")],
        [D, S],
        [known(9, 2, "i", "a")],
        (9,),
        anew=True,
    ),
    Case("replay of the one that holds it twice", [(1, "i", "a"), (1, "i", "a")], [S, D], [known(9, 1, "i", "a")], (9,), anew=True),
    Case("another run has it", [(1, "i", "a"), (2, "j", "b")], [None, S], not_ours=frozenset({1})),
    Case(
        "what another run has decided does not count as this batch's",
        [(1, "i", "a"), (2, "i", "a")],
        [None, D],
        [known(9, 1, "i", "a")],
        not_ours=frozenset({1}),
    ),
    Case("duplicates known to the ledger hold no lines", [(3, "i", "b")], [S], [known(8, 2, "i", "a", "duplicate")]),
    # Without a report_id the identity is the content's own hash (see reading.identity).
    Case("two reports that do not say which they are never supersede", [(1, "a", "a"), (2, "b", "b")], [S, S]),
    Case("one that does not say which it is can still be a duplicate", [(2, "a", "a")], [D], [known(9, 1, "a", "a")]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_decide(case: Case) -> None:
    entries = [entry(*one) for one in case.entries]
    ours = {one.artefact_id for one in entries} - case.not_ours
    plan = decide(entries, case.known, ours, anew=case.anew)
    assert list(plan.fates) == case.fates, case.why
    assert plan.replaces == case.replaces, case.why


VERDICTS = [
    ("all is well: nothing to say", [], [], ["stored"], "stored", None),
    ("unreadable", [], ["a.gz: damaged"], [], "sidelined", "a.gz: damaged"),
    ("no report inside", ["picture"], [], [], "ignored", "no aggregate report: picture"),
    ("nothing inside", [], [], [], "ignored", "no aggregate report: nothing inside"),
    ("a report and a bad member", [], ["b: cut"], ["stored"], "stored", "b: cut"),
    ("a report and a copy", [], [], ["stored", "duplicate"], "stored", "2 reports: 1 stored, 1 duplicate"),
    ("only a copy", [], [], ["duplicate"], "duplicate", "the same report came before"),
    ("only an older version", [], [], ["superseded"], "superseded", "a later version of the same report counts"),
    ("many bad members: the first three are named", [], list("abcde"), [], "sidelined", "a; b; c; and 2 more members"),
]


@pytest.mark.parametrize(("why", "others", "refusals", "states", "state", "reason"), VERDICTS, ids=[row[0] for row in VERDICTS])
def test_verdict(why: str, others: list[str], refusals: list[str], states: list[str], state: str, reason: str | None) -> None:
    found = verdict(1, Reading((), tuple(others), tuple(refusals)), states)
    assert (found.state, found.reason, found.refused) == (state, reason, len(refusals)), why
