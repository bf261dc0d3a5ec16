"""Answers of the DNS in the ledger: as long as they may be used (a cache), and for good what was seen when (observations).

Facts: what the DNS told is an observation; an answer equal to the one before only extends it. «Could not ask» is kept as long as the
cache may use it, and never ends or replaces an observation. Records compare without regard to their order.
Strategy: an answer that may be used points to its observation, so its records are kept once. A portion of answers is one transaction.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from math import ceil
from sqlite3 import Connection, Row
from typing import Any

from dmarcscope.errors import StoreUnavailable
from dmarcscope.lookup.cache import Kept
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.observation import Observation
from dmarcscope.store.ledger import Ledger, time_text

MAX_RECORD = 65_535
"""Octets of one record that are kept: no DNS message carries more (RFC 1035 §4.2.2), only a zone file may hold more."""
MAX_RECORDS = 5_000
"""Records of one answer that are kept; likewise."""
MAX_ADDRESSES_SEEN = 100
"""Observations that are kept of the addresses of one name: large services answer every question with others of a pool."""
STALE_DAYS = 7
"""Days after which an answer that may no longer be used is forgotten; its observation stays."""

COLUMNS = (
    "o.observation_id, o.name, o.kind, o.outcome, o.records, o.strings, o.aliases, o.authenticated, o.first_seen, o.last_seen, o.times"
)
ASKED = "json_extract(q.value, '$[0]') AND {0}.kind = json_extract(q.value, '$[1]')"


class LedgerAnswers:
    """An ``AnswerMemory`` in the ledger. While the ledger cannot be used it forgets, as a memory may; ``trouble`` says why."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.trouble: StoreUnavailable | None = None

    def get_many(self, questions: Collection[Question]) -> Mapping[Question, Kept]:
        """Those of the questions whose answers are here."""
        try:
            rows = self._ledger.rows(
                f"SELECT {COLUMNS}, a.name, a.kind, a.outcome, a.detail, a.at, a.until FROM json_each(?) AS q"  # noqa: S608 (own words)
                f" CROSS JOIN answers AS a ON a.name = {ASKED.format('a')}"
                " LEFT JOIN observations AS o ON o.observation_id = a.observation_id",
                (pairs(questions),),
            )
        except StoreUnavailable as error:
            self.trouble = error
            return {}
        kept = [kept_of(row) for row in rows]
        return {one.answer.question: one for one in kept}

    def put_many(self, kept: Collection[Kept]) -> None:
        """Keep these, and note what was seen. One whose ``until`` is not after ``at`` is only noted."""
        try:
            with self._ledger.transaction() as connection:
                put(connection, kept)
        except StoreUnavailable as error:
            self.trouble = error

    def prune(self, now: datetime) -> None:
        """Forget answers that have not been usable for long, and the oldest of too many addresses seen."""
        with suppress(StoreUnavailable), self._ledger.transaction() as connection:
            connection.execute("DELETE FROM answers WHERE until < ?", (now.timestamp() - STALE_DAYS * 86_400,))
            connection.execute(
                "DELETE FROM observations WHERE observation_id IN (SELECT observation_id FROM (SELECT observation_id,"
                " row_number() OVER (PARTITION BY name, kind ORDER BY first_seen DESC, observation_id DESC) AS place FROM observations"
                " WHERE kind IN ('A', 'AAAA')) WHERE place > ?) AND observation_id NOT IN"
                " (SELECT observation_id FROM answers WHERE observation_id IS NOT NULL)",
                (MAX_ADDRESSES_SEEN,),
            )


class LedgerNotes(LedgerAnswers):
    """A memory that only notes what is seen, for whoever wants to be answered by the DNS itself."""

    def get_many(self, questions: Collection[Question]) -> Mapping[Question, Kept]:  # noqa: ARG002 (nothing is remembered)
        """Nothing."""
        return {}


class Observations:
    """What the DNS said, and when, as the ledger has it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of(self, question: Question) -> list[Observation]:
        """All that was seen for a question, earliest first."""
        return self._found("o.name = ? AND o.kind = ? ORDER BY o.first_seen, o.observation_id", (question.name, question.kind))

    def under(self, domain: str, kind: str | None = None) -> list[Observation]:
        """All that was seen for a name and those below it, by name and kind, earliest first."""
        below = f".{domain}"
        terms, values = "(o.name = ? OR substr(o.name, ?) = ?)", [domain, -len(below), below]
        if kind is not None:
            terms, values = f"{terms} AND o.kind = ?", [*values, kind]
        return self._found(f"{terms} ORDER BY o.name, o.kind, o.first_seen, o.observation_id", values)

    def newest_dmarc(self) -> dict[str, Observation]:
        """What was last seen at each ``_dmarc`` name, by the domain it is of."""
        found = self._found("o.name >= '_dmarc.' AND o.name < '_dmarc/' AND o.kind = 'TXT' ORDER BY o.first_seen, o.observation_id", ())
        return {one.question.name.removeprefix("_dmarc."): one for one in found}

    def found_at(self, names: Collection[str]) -> list[Observation]:
        """All TXT records that were seen at names, by name, earliest first."""
        return self._found(
            "o.kind = 'TXT' AND o.name IN (SELECT value FROM json_each(?)) ORDER BY o.name, o.first_seen, o.observation_id",
            (json.dumps(list(names)),),
        )

    def last_trouble(self, domain: str) -> dict[Question, tuple[Outcome, str, datetime]]:
        """The questions about a name and those below it that could not be asked last: why, and when."""
        below = f".{domain}"
        rows = self._ledger.rows(
            "SELECT name, kind, outcome, detail, at FROM answers WHERE observation_id IS NULL AND (name = ? OR substr(name, ?) = ?)",
            (domain, -len(below), below),
        )
        return {
            Question(row["name"], row["kind"]): (Outcome(row["outcome"]), row["detail"], datetime.fromtimestamp(row["at"], UTC))
            for row in rows
        }

    def _found(self, where: str, values: Sequence[Any]) -> list[Observation]:
        return [observation_of(row) for row in self._ledger.rows(f"SELECT {COLUMNS} FROM observations AS o WHERE {where}", values)]  # noqa: S608


def pairs(questions: Iterable[Question]) -> str:
    """Questions as SQL takes them."""
    return json.dumps([(question.name, question.kind) for question in questions])


def put(connection: Connection, kept: Collection[Kept]) -> None:
    """Note what was seen, and keep what may be used."""
    told = [one for one in kept if one.answer.outcome.is_told]
    before = seen_before(connection, told)
    lines = []
    for one in kept:
        answer = one.answer
        number = note(connection, one, before) if answer.outcome.is_told else None
        if one.until > one.at and not is_cut(answer):
            lines.append((answer.question.name, answer.question.kind, answer.outcome, answer.detail, number, one.at, one.until))
    connection.executemany(
        "INSERT INTO answers (name, kind, outcome, detail, observation_id, at, until) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET outcome = excluded.outcome, detail = excluded.detail, observation_id = excluded.observation_id,"
        " at = excluded.at, until = excluded.until",
        lines,
    )


Seen = dict[Question, tuple[int, tuple[Any, ...]]]
"""By question: the number of the observation that was there when it was asked, and what it says."""


def seen_before(connection: Connection, told: Collection[Kept]) -> Seen:
    """What was the latest observation when each of these came; another process may have noted a later one since."""
    asked = json.dumps([(one.answer.question.name, one.answer.question.kind, moment(one.at)) for one in told])
    rows = connection.execute(
        "SELECT o.observation_id, o.name, o.kind, o.outcome, o.records, o.strings, o.aliases FROM json_each(?) AS q"  # noqa: S608
        " CROSS JOIN observations AS o ON o.observation_id = (SELECT p.observation_id FROM observations AS p"
        f" WHERE p.name = {ASKED.format('p')} AND p.first_seen <= json_extract(q.value, '$[2]')"
        " ORDER BY p.first_seen DESC, p.observation_id DESC LIMIT 1)",
        (asked,),
    )
    return {Question(row["name"], row["kind"]): (row["observation_id"], tuple(row)[3:]) for row in rows}


def note(connection: Connection, one: Kept, before: Seen) -> int:
    """Extend the observation before, or begin another. Returns its number."""
    answer, at = one.answer, moment(one.at)
    says = said(answer)
    number, same = before.get(answer.question, (0, None))
    if says == same:
        connection.execute(
            "UPDATE observations SET last_seen = max(last_seen, ?), times = times + 1, authenticated = ? WHERE observation_id = ?",
            (at, answer.authenticated, number),
        )
        return number
    made = connection.execute(
        "INSERT INTO observations (name, kind, outcome, records, strings, aliases, authenticated, first_seen, last_seen)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (answer.question.name, answer.question.kind, *says, answer.authenticated, at, at),
    )
    number = int(made.lastrowid or 0)
    before[answer.question] = (number, says)
    return number


def said(answer: Answer) -> tuple[str, str, str, str]:
    """What an answer says, as the ledger keeps and compares it: outcome, records, strings and aliases."""
    strings = answer.strings or ((),) * len(answer.records)
    lines = sorted(zip(answer.records, strings, strict=True))[:MAX_RECORDS]
    texts = [record if len(record) <= MAX_RECORD else shortened(record) for record, _ in lines]
    parts = [list(parts) if len(record) <= MAX_RECORD else [] for record, parts in lines] if answer.strings else []
    return answer.outcome.value, as_json(texts), as_json(parts), as_json(list(answer.aliases))


def is_cut(answer: Answer) -> bool:
    """Whether an answer is not kept whole."""
    return len(answer.records) > MAX_RECORDS or any(len(record) > MAX_RECORD for record in answer.records)


def shortened(record: str) -> str:
    """The begin of a record that is too long, with what tells it from others."""
    digest = sha256(record.encode("latin-1", "replace")).hexdigest()
    return f"{record[:MAX_RECORD]}… ({len(record)} octets, SHA-256 {digest})"


def as_json(value: object) -> str:
    """Short JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def moment(seconds: float) -> str:
    """A time as the ledger writes it."""
    return time_text(datetime.fromtimestamp(seconds, UTC))


def kept_of(row: Row) -> Kept:
    """A line of the cache; its answer has the whole TTL that is between the two times."""
    number, *says = tuple(row)[:11]
    name, kind, outcome, detail, at, until = tuple(row)[11:]
    records, strings, aliases, authenticated = ((), (), (), False) if number is None else read(says[3:7])
    ttl = ceil(until - at)
    return Kept(Answer(Question(name, kind), Outcome(outcome), records, strings, aliases, ttl, authenticated, detail), at, until)


def read(says: Sequence[Any]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], tuple[str, ...], bool]:
    """Records, strings, aliases and the AD bit of an observation."""
    records, strings, aliases, authenticated = says
    return tuple(json.loads(records)), tuple(map(tuple, json.loads(strings))), tuple(json.loads(aliases)), bool(authenticated)


def observation_of(row: Row) -> Observation:
    """A line of the ledger as an observation."""
    _, name, kind, outcome, *says, first_seen, last_seen, times = tuple(row)
    return Observation(
        Question(name, kind),
        Outcome(outcome),
        *read(says),
        datetime.fromisoformat(first_seen),
        datetime.fromisoformat(last_seen),
        times,
    )
