"""Answers in the ledger: usable as long as they may be, and observed for good."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dmarcscope.errors import StoreUnavailable
from dmarcscope.lookup.cache import CachingResolver, Kept
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.source_check import KeyCheck, SourceCheck, SpfToday, WalkCheck
from dmarcscope.store import answers as module
from dmarcscope.store.answers import MAX_RECORD, LedgerAnswers, Observations
from dmarcscope.store.checks import FRESH, RETRY, Checks
from dmarcscope.store.ledger import Ledger

BEGIN = datetime(2026, 5, 4, 12, tzinfo=UTC)
TXT = Question("_dmarc.example.com", "TXT")
FOUND, NO_DATA, NXDOMAIN, SERVFAIL, TIMEOUT, REFUSED, MALFORMED, NOT_ASKED = Outcome


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.db", 0.2)
    made.create()
    yield made
    made.close()


def kept(outcome: Outcome, *records: str, minute: float = 0, ttl: int = 300, question: Question = TXT, **more) -> Kept:
    at = BEGIN.timestamp() + minute * 60
    strings = tuple((record,) for record in records) if question.kind == "TXT" else ()
    return Kept(Answer(question, outcome, records, strings, ttl=ttl, **more), at, at + ttl)


def seen(ledger: Ledger, question: Question = TXT) -> list[tuple[Outcome, tuple[str, ...], int, int, int]]:
    """Each observation: outcome, records, first and last minute, times."""
    return [
        (one.outcome, one.records, (one.first_seen - BEGIN).seconds // 60, (one.last_seen - BEGIN).seconds // 60, one.times)
        for one in Observations(ledger).of(question)
    ]


HISTORIES = [
    ("an unchanged answer only extends", [kept(FOUND, "a"), kept(FOUND, "a", minute=9)], [(FOUND, ("a",), 0, 9, 2)]),
    (
        "another answer begins an observation",
        [kept(FOUND, "a"), kept(FOUND, "b", minute=5), kept(FOUND, "b", minute=9)],
        [(FOUND, ("a",), 0, 0, 1), (FOUND, ("b",), 5, 9, 2)],
    ),
    (
        "records in another order are the same answer",
        [kept(FOUND, "b", "a"), kept(FOUND, "a", "b", minute=3)],
        [(FOUND, ("a", "b"), 0, 3, 2)],
    ),
    (
        "what was there before comes again as an observation of its own",
        [kept(FOUND, "a"), kept(NXDOMAIN, minute=1), kept(FOUND, "a", minute=2)],
        [(FOUND, ("a",), 0, 0, 1), (NXDOMAIN, (), 1, 1, 1), (FOUND, ("a",), 2, 2, 1)],
    ),
    (
        "«could not ask» neither ends nor replaces what was seen",
        [
            kept(FOUND, "a"),
            *(
                kept(outcome, minute=number, detail="x")
                for number, outcome in enumerate((SERVFAIL, TIMEOUT, REFUSED, MALFORMED, NOT_ASKED), 1)
            ),
            kept(FOUND, "a", minute=9),
        ],
        [(FOUND, ("a",), 0, 9, 2)],
    ),
    (
        "no data is not a name that is not there",
        [kept(NO_DATA), kept(NXDOMAIN, minute=1)],
        [(NO_DATA, (), 0, 0, 1), (NXDOMAIN, (), 1, 1, 1)],
    ),
    ("an answer that may not be used again is seen all the same", [kept(FOUND, "a", ttl=0)], [(FOUND, ("a",), 0, 0, 1)]),
    (
        "another way to the same records is another answer",
        [kept(FOUND, "a", aliases=("x.vendor.example",)), kept(FOUND, "a", minute=1, aliases=("y.vendor.example",))],
        [(FOUND, ("a",), 0, 0, 1), (FOUND, ("a",), 1, 1, 1)],
    ),
    (
        "the AD bit may come and go",
        [kept(FOUND, "a", authenticated=True), kept(FOUND, "a", minute=1)],
        [(FOUND, ("a",), 0, 1, 2)],
    ),
    (
        "an earlier answer that is written later extends what was there then",
        [kept(FOUND, "a"), kept(FOUND, "b", minute=5), kept(FOUND, "a", minute=2)],
        [(FOUND, ("a",), 0, 2, 2), (FOUND, ("b",), 5, 5, 1)],
    ),
    (
        "a clock that was set back shortens nothing",
        [kept(FOUND, "a", minute=1), kept(FOUND, "a", minute=9), kept(FOUND, "a", minute=4)],
        [(FOUND, ("a",), 1, 9, 3)],
    ),
]


@pytest.mark.parametrize(("answers", "expected"), [row[1:] for row in HISTORIES], ids=[row[0] for row in HISTORIES])
def test_observations(ledger: Ledger, answers: list[Kept], expected: list[object]) -> None:
    memory = LedgerAnswers(ledger)
    for one in answers:
        memory.put_many([one])
    assert seen(ledger) == expected


def test_what_comes_back_is_what_was_put(ledger: Ledger) -> None:
    memory = LedgerAnswers(ledger)
    answers = [
        kept(FOUND, "v=DMARC1; p=none\x00\xff", "z", detail="", authenticated=True, aliases=("a.example",)),
        kept(FOUND, "10 mx.example.com", question=Question("example.com", "MX")),
        kept(NXDOMAIN, question=Question("x" * 240, "A"), ttl=60),
        kept(TIMEOUT, question=Question("dead.example", "TXT"), ttl=30, detail="no answer from 192.0.2.53"),
    ]
    memory.put_many(answers)
    found = memory.get_many([one.answer.question for one in answers] + [Question("other.example", "A")])
    assert list(found.values()) == answers
    assert memory.get_many([]) == {}
    again = kept(FOUND, "z", minute=10)
    memory.put_many([again])
    assert memory.get_many([TXT]) == {TXT: again}, "each replaces what was kept for the same question"


def test_what_must_not_be_used_is_not_kept(ledger: Ledger) -> None:
    memory = LedgerAnswers(ledger)
    memory.put_many([kept(FOUND, "a", ttl=0), kept(NOT_ASKED, question=Question("x.local", "A"), ttl=0)])
    assert memory.get_many([TXT, Question("x.local", "A")]) == {}


def test_a_record_longer_than_a_message_is_told_from_others_and_not_used(ledger: Ledger) -> None:
    memory = LedgerAnswers(ledger)
    longest = "x" * MAX_RECORD
    memory.put_many([kept(FOUND, longest)])
    assert memory.get_many([TXT])[TXT].answer.records == (longest,), "up to the cap, whole"
    memory.put_many([kept(FOUND, longest + "yz", minute=1)])
    memory.put_many([kept(FOUND, longest + "zy", minute=2)])
    observed = Observations(ledger).of(TXT)
    assert [len(one.records[0]) < MAX_RECORD + 200 for one in observed] == [True, True, True]
    assert len({one.records for one in observed}) == 3, "they differ beyond the cap, and that is seen"


def test_pruning_forgets_what_is_stale_and_no_observation(ledger: Ledger) -> None:
    memory = LedgerAnswers(ledger)
    memory.put_many([kept(FOUND, "a")])
    memory.prune(BEGIN + timedelta(days=1))
    assert TXT in memory.get_many([TXT])
    memory.prune(BEGIN + timedelta(days=30))
    assert memory.get_many([TXT]) == {}
    assert len(Observations(ledger).of(TXT)) == 1


def test_of_addresses_that_always_change_the_latest_are_kept(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ADDRESSES_SEEN", 5)
    memory, pool = LedgerAnswers(ledger), Question("pool.example", "A")
    for number in range(20):
        memory.put_many([kept(FOUND, f"192.0.2.{number}", minute=number, question=pool), kept(FOUND, f"{number}", minute=number)])
    memory.prune(BEGIN)
    assert [records for _, records, *_ in seen(ledger, pool)] == [(f"192.0.2.{number}",) for number in range(15, 20)]
    assert len(seen(ledger)) == 20, "of texts all are kept"


def test_while_the_ledger_is_locked_answers_are_forgotten(ledger: Ledger, tmp_path: Path) -> None:
    memory, other = LedgerAnswers(ledger), Ledger(tmp_path / "ledger.db", 0.2)
    with other.transaction():
        memory.put_many([kept(FOUND, "a")])
        assert isinstance(memory.trouble, StoreUnavailable)
        assert memory.get_many([TXT]) == {}
    other.close()
    memory.put_many([kept(FOUND, "a")])
    assert TXT in memory.get_many([TXT])


def test_a_portion_is_one_transaction(ledger: Ledger) -> None:
    statements: list[str] = []
    ledger.connection.set_trace_callback(statements.append)
    LedgerAnswers(ledger).put_many([kept(FOUND, "a", question=Question(f"h{number}.example", "TXT")) for number in range(500)])
    assert [statement for statement in statements if statement in {"COMMIT", "BEGIN IMMEDIATE"}] == ["BEGIN IMMEDIATE", "COMMIT"]
    assert sum(statement.startswith("SELECT") for statement in statements) == 1, "what was there before is asked once"


class Inner:
    def __init__(self) -> None:
        self.asked = 0

    async def ask(self, name: str, kind: str) -> Answer:
        self.asked += 1
        return Answer(Question(name, kind), FOUND, ("v=spf1 -all",), (("v=spf1 -all",),), ttl=100)


def test_the_next_run_asks_nothing_until_the_ttl_is_over(ledger: Ledger) -> None:
    import asyncio

    inner, now = Inner(), BEGIN.timestamp()
    for second, asked in ((0, 1), (50, 1), (99, 1), (101, 2)):

        async def once(at: float = now + second) -> Answer:
            resolver = CachingResolver(inner, LedgerAnswers(ledger), clock=lambda: at)
            answer = await resolver.ask("example.com", "TXT")
            resolver.save()
            return answer

        assert asyncio.run(once()).ttl == (100 - second if second < 100 else 100)
        assert inner.asked == asked
    assert seen(ledger, Question("example.com", "TXT"))[0][-1] == 2, "answers from memory are no new observations"


def test_under_a_domain(ledger: Ledger) -> None:
    names = ["example.com", "_dmarc.example.com", "s1._domainkey.example.com", "badexample.com", "example.com.evil.example"]
    LedgerAnswers(ledger).put_many([kept(FOUND, "a", question=Question(name, "TXT")) for name in names])
    LedgerAnswers(ledger).put_many([kept(FOUND, "10 a", question=Question("example.com", "MX"))])
    found = Observations(ledger).under("example.com")
    assert {one.question.name for one in found} == set(names[:3])
    assert len(Observations(ledger).under("example.com", "MX")) == 1
    assert set(Observations(ledger).newest_dmarc()) == {"example.com"}


def test_a_ledger_of_an_earlier_schema_grows(tmp_path: Path) -> None:
    from dmarcscope.store import ledger as module_of_ledger

    path, every = tmp_path / "ledger.db", module_of_ledger.SCHEMA
    old = Ledger(path, 0.2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module_of_ledger, "SCHEMA", every[:2])
        patch.setattr(module_of_ledger, "SCHEMA_VERSION", 2)
        old.create()
        old.close()
    grown = Ledger(path, 0.2)
    LedgerAnswers(grown).put_many([kept(FOUND, "a")])
    assert len(Observations(grown).of(TXT)) == 1
    grown.close()


# Checks.

CHECKS = [
    (SourceCheck("192.0.2.1", "pass", "a.example", True), SourceCheck("192.0.2.1", trouble="no answer"), "sources"),
    (
        SpfToday("192.0.2.1", "example.com", "pass", "mx", json.dumps([["example.com", "mx"]]), "matches"),
        SpfToday("192.0.2.1", "example.com", trouble="no answer"),
        "spf_checks",
    ),
    (KeyCheck("example.com", "s1", "usable", "rsa", 2048), KeyCheck("example.com", "s1", trouble="no answer"), "keys"),
    (WalkCheck("example.com"), WalkCheck("example.com", trouble="no answer"), "walks"),
]


@pytest.mark.parametrize(("told", "untold", "table"), CHECKS, ids=[row[2] for row in CHECKS])
def test_what_could_not_be_told_never_replaces_what_was(ledger: Ledger, told, untold, table: str) -> None:
    checks, (key,) = Checks(ledger), [tuple(getattr(told, name) for name in told.__slots__ if name in {"ip", "domain", "selector"})]
    kind = type(told)

    def row() -> dict[str, object]:
        return dict(ledger.rows(f"SELECT * FROM {table}")[0])  # noqa: S608

    checks.put([untold], BEGIN)
    assert (row()["checked_at"], row()["trouble"]) == (None, "no answer")
    assert checks.fresh(kind, [key], BEGIN + RETRY / 2) == {key}
    assert checks.fresh(kind, [key], BEGIN + RETRY * 2) == set(), "it is tried again soon"
    checks.put([told], BEGIN + timedelta(hours=1))
    known = row()
    assert known["trouble"] is None
    checks.put([untold], BEGIN + timedelta(hours=2))
    after = row()
    assert {**after, "tried_at": 0, "trouble": 0} == {**known, "tried_at": 0, "trouble": 0}
    assert (after["tried_at"], after["trouble"]) == ("2026-05-04T14:00:00Z", "no answer")
    checks.put([told], BEGIN + timedelta(hours=3))
    assert checks.fresh(kind, [key], BEGIN + timedelta(hours=3) + FRESH / 2) == {key}
    assert checks.fresh(kind, [key], BEGIN + timedelta(hours=3) + FRESH * 2) == set()
    assert len(ledger.rows(f"SELECT * FROM {table}")) == 1  # noqa: S608


def test_what_was_found_is_read_back(ledger: Ledger) -> None:
    checks = Checks(ledger)
    assert not checks.any()
    checks.put([row[0] for row in CHECKS], BEGIN)
    assert checks.any()
    assert checks.of_sources(["192.0.2.1", "192.0.2.2"]) == {"192.0.2.1": CHECKS[0][0]}
    assert checks.of_spf(["192.0.2.1"]) == {("192.0.2.1", "example.com"): CHECKS[1][0]}
    assert checks.of_keys(["example.com"]) == {("example.com", "s1"): CHECKS[2][0]}
