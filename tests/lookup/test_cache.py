"""What is remembered, for how long, and that no more is kept than there is room for."""

import asyncio

import pytest

from dmarcscope.lookup import cache
from dmarcscope.lookup.cache import CachingResolver, Kept, MemoryCache
from dmarcscope.lookup.opening import open_resolver
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.model.answer import Answer, Outcome, Question

A = Question("a.example.com", "A")
FOUND = Answer(A, Outcome.FOUND, ("192.0.2.1",), ttl=100)


class Inner:
    """Gives the same answer to all, and counts."""

    def __init__(self, answer=FOUND):
        self.answer = answer
        self.asked = []

    async def ask(self, name, kind):
        self.asked.append((name, kind))
        return Answer(Question(name, kind), self.answer.outcome, self.answer.records, ttl=self.answer.ttl)


class Lasting(MemoryCache):
    """A memory that counts what goes in and out."""

    def __init__(self):
        super().__init__()
        self.puts = []
        self.gets = []

    def get_many(self, questions):
        self.gets.append(list(questions))
        return super().get_many(questions)

    def put_many(self, kept):
        self.puts.append(len(kept))
        super().put_many(kept)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


AGES = [
    # outcome, TTL, seconds later, asked again, TTL of the second answer, why
    (Outcome.FOUND, 100, 0, False, 100, "at once"),
    (Outcome.FOUND, 100, 40, False, 60, "what is left of the TTL"),
    (Outcome.FOUND, 100, 99.5, False, 1, "just in time"),
    (Outcome.FOUND, 100, 100, True, 100, "over"),
    (Outcome.FOUND, 0, 0, True, 0, "not to be kept"),
    (Outcome.NXDOMAIN, 60, 59, False, 1, "«not there» is kept, too (RFC 2308 §5)"),
    (Outcome.NO_DATA, 60, 61, True, 60, "and is over"),
    (Outcome.SERVFAIL, 60, 30, False, 30, "a failure, for as long as the resolver says (RFC 9520 §3.2)"),
    (Outcome.TIMEOUT, 30, 31, True, 30, "and no longer"),
    (Outcome.NOT_ASKED, 0, 0, True, 0, "nothing was asked, nothing is kept"),
    (Outcome.FOUND, 100, -10, True, 100, "the clock was set back: not from the future"),
]


@pytest.mark.parametrize(("outcome", "ttl", "later", "again", "left", "why"), AGES, ids=[row[-1] for row in AGES])
def test_how_long(outcome, ttl, later, again, left, why):
    inner, clock = Inner(Answer(A, outcome, ttl=ttl)), Clock()
    resolver = CachingResolver(inner, clock=clock)
    asyncio.run(resolver.ask("a.example.com", "A"))
    clock.now += later
    answer = asyncio.run(resolver.ask("A.example.com.", "a"))
    assert (answer.question, answer.outcome, answer.ttl) == (A, outcome, left)
    assert inner.asked == [("a.example.com", "A")] * (1 + again)


def test_least_recently_used_is_forgotten():
    memory = MemoryCache(limit=2)
    first, second, third = (Kept(Answer(Question(name, "A"), Outcome.FOUND, ttl=9), 0, 9) for name in "abc")
    memory.put_many([first, second])
    assert memory.get(Question("a", "A")) is first
    memory.put(third)
    assert len(memory) == 2
    assert memory.get_many([Question(name, "A") for name in "abc"]) == {Question("a", "A"): first, Question("c", "A"): third}


def test_newer_replaces_older():
    memory = MemoryCache()
    memory.put(Kept(FOUND, 0, 1))
    memory.put(Kept(FOUND, 5, 6))
    assert len(memory) == 1
    assert memory.get(A) == Kept(FOUND, 5, 6)


def test_lasting_memory_serves_the_next_run():
    lasting, clock = Lasting(), Clock()
    first, inner = CachingResolver(Inner(), lasting, clock=clock), Inner()
    asyncio.run(first.ask("a.example.com", "A"))
    first.save()
    assert lasting.get(A) == Kept(Answer(A, Outcome.FOUND, ("192.0.2.1",), ttl=100), 1000.0, 1100.0)
    clock.now += 10
    second = CachingResolver(inner, lasting, clock=clock)
    assert asyncio.run(second.ask("a.example.com", "A")).ttl == 90
    assert inner.asked == []
    clock.now += 90
    third = CachingResolver(inner, lasting, clock=clock)
    assert asyncio.run(third.ask("a.example.com", "A")).ttl == 100
    assert len(inner.asked) == 1, "what lies there too long is asked anew"


def test_lasting_memory_is_written_in_portions(monkeypatch):
    monkeypatch.setattr(cache, "SAVE_EVERY", 10)
    lasting = Lasting()
    resolver = CachingResolver(Inner(), lasting)
    for number in range(25):
        asyncio.run(resolver.ask(f"h{number}.example.com", "A"))
    assert lasting.puts == [10, 10]
    resolver.save()
    resolver.save()
    assert lasting.puts == [10, 10, 5]
    assert len(lasting) == 25


def test_recall_fetches_in_one_go():
    lasting, inner = Lasting(), Inner()
    lasting.put_many([Kept(Answer(Question(f"h{number}", "A"), Outcome.FOUND, ttl=9), 0, 1e12) for number in range(5)])
    resolver = CachingResolver(inner, lasting)
    resolver.recall([Question(f"h{number}", "A") for number in range(5)])
    for number in range(5):
        asyncio.run(resolver.ask(f"h{number}", "A"))
    assert len(lasting.gets) == 1
    assert not inner.asked
    resolver.recall([Question("h1", "A")])
    assert lasting.gets[-1] == [], "what is at hand is not fetched again"


def test_open_resolver_saves_at_its_end():
    lasting = Lasting()

    async def whole():
        async with open_resolver(DnsSettings((("127.0.0.1", 9),), timeout=0.1, tries=1), lasting) as resolver:
            return await resolver.ask("a.example.com", "A")

    assert asyncio.run(whole()).outcome is Outcome.TIMEOUT
    assert lasting.get(A).answer.outcome is Outcome.TIMEOUT
