"""How DNS is asked by everything here: one method, so that a fake in the tests is a dict."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from dmarcscope.model.answer import Answer, Question

AT_ONCE = 256  # more than a resolver has under way, so that it never waits for us


class Resolver(Protocol):
    """Asks the DNS. Never raises for what the world holds: every outcome is a value."""

    async def ask(self, name: str, kind: str) -> Answer:
        """What came of a question for a name and a type («TXT», «A», «AAAA», «MX», «PTR», «CNAME», «NS», «SOA»)."""
        ...


async def ask_all(resolver: Resolver, questions: Sequence[Question], at_once: int = AT_ONCE) -> list[Answer]:
    """The answers to many questions, in their order; ``at_once`` of them wait for the resolver at a time."""
    answers: list[Answer | None] = [None] * len(questions)
    places = iter(enumerate(questions))

    async def work() -> None:
        for place, question in places:
            answers[place] = await resolver.ask(question.name, question.kind)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(questions))):
            group.create_task(work())
    return [answer for answer in answers if answer is not None]
