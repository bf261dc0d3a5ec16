"""What a name had on a day, and how sure that is."""

from datetime import UTC, date, datetime, timedelta

import pytest

from dmarcscope.errors import SetupError
from dmarcscope.lookup.cache import Kept
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.observation import Observation, Standing
from dmarcscope.ops.history import as_dicts, history, history_on, on_day, records_on
from dmarcscope.store.answers import LedgerAnswers
from dmarcscope.store.files import StoreFiles

TXT = Question("_dmarc.example.com", "TXT")
MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)
SEEN, CHANGED, AFTER, UNKNOWN = Standing


def seen(text: str, first: int, last: int) -> Observation:
    """An observation from noon of a day of May to noon of another."""
    return Observation(TXT, Outcome.FOUND, (text,), (), (), False, MAY + timedelta(days=first - 1), MAY + timedelta(days=last - 1))


ROWS = [
    # observations, day, standing, texts, why
    ([], 5, UNKNOWN, "", "nobody ever asked"),
    ([seen("a", 10, 12)], 9, UNKNOWN, "", "nobody had asked by then"),
    ([seen("a", 10, 12)], 10, SEEN, "a", "the first day"),
    ([seen("a", 10, 12)], 11, SEEN, "a", "between the first time and the last"),
    ([seen("a", 10, 12)], 12, SEEN, "a", "the last day"),
    ([seen("a", 10, 12)], 20, AFTER, "a", "nothing else was seen since"),
    ([seen("a", 10, 12), seen("b", 15, 16)], 12, SEEN, "a", "before the change"),
    ([seen("a", 10, 12), seen("b", 15, 16)], 13, CHANGED, "ab", "it changed some time between"),
    ([seen("a", 10, 12), seen("b", 15, 16)], 15, CHANGED, "ab", "it changed on this day or before"),
    ([seen("a", 10, 12), seen("b", 15, 16)], 16, SEEN, "b", "after the change"),
    ([seen("a", 10, 10), seen("b", 10, 10), seen("c", 10, 11)], 10, CHANGED, "abc", "changed twice in a day"),
    ([seen("a", 10, 10), seen("b", 10, 10), seen("c", 10, 11)], 11, SEEN, "c", "the last of them"),
]


@pytest.mark.parametrize(("observations", "day", "standing", "texts", "why"), ROWS, ids=[row[-1] for row in ROWS])
def test_on_day(observations, day, standing, texts, why):
    found = on_day(TXT, observations, date(2026, 5, day))
    assert (found.standing, "".join(one.records[0] for one in found.observations)) == (standing, texts)


@pytest.fixture
def store(tmp_path):
    with StoreFiles(tmp_path / "store") as opened:
        opened.create()
        yield opened


def put(store: StoreFiles, question: Question, outcome: Outcome, *records: str, day: int = 1, detail: str = "") -> None:
    at = (MAY + timedelta(days=day - 1)).timestamp()
    LedgerAnswers(store.ledger).put_many([Kept(Answer(question, outcome, records, ttl=60, detail=detail), at, at + 60)])


def test_history_of_a_domain_and_what_is_below(store):
    put(store, TXT, Outcome.FOUND, "v=DMARC1; p=none")
    put(store, TXT, Outcome.FOUND, "v=DMARC1; p=reject", day=3)
    put(store, Question("example.com", "MX"), Outcome.FOUND, "10 mx.example.com")
    put(store, Question("badexample.com", "TXT"), Outcome.FOUND, "x")
    found = history(store, "Example.COM.")
    assert [(one.after.question.name, one.difference) for one in found.changes] == [
        ("_dmarc.example.com", ()),
        ("_dmarc.example.com", ("~ p=none → p=reject",)),
        ("example.com", ()),
    ]
    assert [one["kind"] for one in history(store, "example.com", "mx").as_dicts()] == ["MX"]
    assert records_on(store, "_DMARC.example.com", "txt", date(2026, 5, 3)).standing is CHANGED


def test_all_names_on_a_day(store):
    put(store, TXT, Outcome.FOUND, "v=DMARC1; p=none", day=2)
    put(store, TXT, Outcome.FOUND, "v=DMARC1; p=reject", day=4)
    put(store, Question("example.com", "MX"), Outcome.FOUND, "10 mx.example.com", day=9)
    lines = as_dicts(history_on(store, "example.com", date(2026, 5, 3)))
    assert [(line["name"], line["standing"], line["records"]) for line in lines] == [
        ("_dmarc.example.com", "changed", ["v=DMARC1; p=none"]),
        ("_dmarc.example.com", "changed", ["v=DMARC1; p=reject"]),
    ]
    assert history_on(store, "example.com", date(2026, 5, 1)) == []
    assert [one.question.kind for one in history_on(store, "example.com", date(2026, 5, 9), "mx")] == ["MX"]


def test_what_could_not_be_asked_is_told_and_ends_nothing(store):
    put(store, TXT, Outcome.FOUND, "v=DMARC1; p=none")
    put(store, TXT, Outcome.TIMEOUT, day=2, detail="192.0.2.53#53: no answer")
    found = history(store, "example.com")
    assert [one.after.records for one in found.changes] == [("v=DMARC1; p=none",)]
    assert [(question, outcome, detail) for question, outcome, detail, _ in found.troubles] == [
        (TXT, Outcome.TIMEOUT, "192.0.2.53#53: no answer")
    ]
    put(store, TXT, Outcome.FOUND, "v=DMARC1; p=none", day=3)
    assert history(store, "example.com").troubles == ()


@pytest.mark.parametrize("domain", ["", "a b", "a@b.example", "x" * 300])
def test_what_is_no_domain(store, domain):
    with pytest.raises(SetupError, match="is no domain"):
        history(store, domain)
