"""Remembers answers as long as they may be kept: by their TTL (RFC 1035 §3.2.1, RFC 2308 §5), failures shortly (RFC 9520 §3.2).

The answer itself says how long (``Answer.ttl``; 0: not at all). An ``AnswerMemory`` is where they lie: in the process, or in a file between
runs. The clock is the wall clock, as memory outlives the process; if it was set back, what seems to come from the future is not used.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Protocol, Self

from dmarcscope.lookup.asking import Resolver
from dmarcscope.lookup.names import canonical
from dmarcscope.model.answer import Answer, Question

LIMIT = 200_000  # answers in a MemoryCache; some 150 MB at most
SAVE_EVERY = 500  # new answers that are put into the lasting memory at once

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, when it came, and until when it may be used: both in seconds since 1970, UTC."""

    answer: Answer
    at: float
    until: float

    def is_fresh(self, now: float) -> bool:
        """Whether it may be used."""
        return self.at <= now < self.until


class AnswerMemory(Protocol):
    """Where answers are kept. Whether they are fresh is for the caller to see; a memory may forget at any time."""

    def get_many(self, questions: Collection[Question]) -> Mapping[Question, Kept]:
        """Those of the questions whose answers are here."""
        ...

    def put_many(self, kept: Collection[Kept]) -> None:
        """Keep these; each replaces what was kept for the same question. One that is over when it comes is told, and need not be kept."""
        ...


class Notes:
    """Puts answers into a memory only to be noted there, never to be used again: those from zone files, which may change any time.

    As a context manager: what is left is put there at the end.
    """

    def __init__(self, memory: AnswerMemory | None, *, clock: Clock = time.time) -> None:
        self._memory = memory
        self._clock = clock
        self._new: dict[Question, Kept] = {}
        self._told: dict[Question, Answer] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._put()

    def add(self, answer: Answer) -> None:
        """Note an answer; the same one is noted once."""
        if self._memory is None or not answer.outcome.is_told or self._told.get(answer.question) == answer:
            return
        if len(self._told) >= LIMIT:
            self._told.clear()
        self._told[answer.question] = answer
        now = self._clock()
        self._new[answer.question] = Kept(answer, now, now)
        if len(self._new) >= SAVE_EVERY:
            self._put()

    def _put(self) -> None:
        if self._memory is not None and self._new:
            self._memory.put_many(list(self._new.values()))
        self._new.clear()


class MemoryCache:
    """An ``AnswerMemory`` in the process: the ``limit`` answers that were used last."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._kept: dict[Question, Kept] = {}  # the one used longest ago first

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, question: Question) -> Kept | None:
        """The answer to one question."""
        if (kept := self._kept.pop(question, None)) is not None:
            self._kept[question] = kept
        return kept

    def put(self, kept: Kept) -> None:
        """Keep one answer."""
        self._kept.pop(kept.answer.question, None)
        self._kept[kept.answer.question] = kept
        if len(self._kept) > self._limit:
            del self._kept[next(iter(self._kept))]

    def get_many(self, questions: Collection[Question]) -> Mapping[Question, Kept]:
        """Those of the questions whose answers are here."""
        return {question: kept for question in questions if (kept := self.get(question)) is not None}

    def put_many(self, kept: Collection[Kept]) -> None:
        """Keep these; each replaces what was kept for the same question."""
        for one in kept:
            self.put(one)


class CachingResolver:
    """Asks ``inner`` for what is not remembered. ``memory`` lasts between runs; new answers are put there in portions, and by ``save``.

    Answers from memory have the seconds that are left of their TTL.
    """

    def __init__(self, inner: Resolver, memory: AnswerMemory | None = None, *, clock: Clock = time.time, limit: int = LIMIT) -> None:
        self._inner = inner
        self._near = MemoryCache(limit)
        self._lasting = memory
        self._clock = clock
        self._unsaved: dict[Question, Kept] = {}

    async def ask(self, name: str, kind: str) -> Answer:
        """What came of a question, now or lately (see ``Resolver.ask``)."""
        question = Question(canonical(name), kind.upper())
        kept = self._near.get(question) or self._recalled(question)
        if kept is not None and kept.is_fresh(now := self._clock()):
            left = ceil(kept.until - now)  # in whole seconds, as they are handed out
            return kept.answer if left == kept.answer.ttl else _with_ttl(kept.answer, left)
        answer = await self._inner.ask(question.name, question.kind)
        self._keep(answer)
        return answer

    def recall(self, questions: Collection[Question]) -> None:
        """Fetch what the lasting memory has of many questions in one go, before they are asked one by one."""
        if self._lasting is not None:
            missing = [question for question in questions if self._near.get(question) is None]
            self._near.put_many(self._lasting.get_many(missing).values())

    def save(self) -> None:
        """Put what is new into the lasting memory."""
        if self._lasting is not None and self._unsaved:
            self._lasting.put_many(list(self._unsaved.values()))
        self._unsaved.clear()

    def _recalled(self, question: Question) -> Kept | None:
        if self._lasting is None:
            return None
        kept = self._lasting.get_many((question,)).get(question)
        if kept is not None:
            self._near.put(kept)
        return kept

    def _keep(self, answer: Answer) -> None:
        now = self._clock()
        kept = Kept(answer, now, now + answer.ttl)
        if answer.ttl > 0:
            self._near.put(kept)
        # What the DNS told goes into the lasting memory even if it may not be used again: it was seen.
        if self._lasting is not None and (answer.ttl > 0 or answer.outcome.is_told):
            self._unsaved[answer.question] = kept
            if len(self._unsaved) >= SAVE_EVERY:
                self.save()


def _with_ttl(answer: Answer, ttl: int) -> Answer:
    """``dataclasses.replace`` in half its time, as this is done for every answer from memory."""
    return Answer(
        answer.question,
        answer.outcome,
        answer.records,
        answer.strings,
        answer.aliases,
        ttl,
        answer.authenticated,
        answer.detail,
    )
