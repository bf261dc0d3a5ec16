"""Plain stand-ins for what is outside: a DNS that is a dict."""

import asyncio
from collections.abc import Mapping, Sequence

from dmarcscope.model.answer import Answer, Outcome, Question

Zones = Mapping[str, Mapping[str, Sequence[str] | str]]
"""By name, then by kind: the records as in ``Answer``, or the word of an outcome («timeout») for the kind, or for all as «*»."""

MAX_ALIASES = 10


class DictResolver:
    """A ``Resolver`` that answers from a dict and keeps what it was asked. «hang» in place of an outcome never answers."""

    def __init__(self, zones: Zones) -> None:
        self.zones = {name.lower(): {**kinds} for name, kinds in zones.items()}
        self.asked: list[Question] = []

    async def ask(self, name: str, kind: str) -> Answer:
        """What the dict says."""
        question = Question(name, kind)
        self.asked.append(question)
        aliases: list[str] = []
        while True:
            here = self.zones.get(name)
            if here is None:
                return Answer(question, Outcome.NXDOMAIN, aliases=tuple(aliases))
            found = here.get(kind, here.get("*", ()))
            if found == "hang":
                await asyncio.sleep(3600)
            if isinstance(found, str):
                return Answer(question, Outcome(found), detail=f"made to be {found}")
            if found:
                return Answer(question, Outcome.FOUND, tuple(found), aliases=tuple(aliases), ttl=300)
            if "CNAME" not in here:
                return Answer(question, Outcome.NO_DATA, aliases=tuple(aliases))
            name = here["CNAME"][0].lower()
            aliases.append(name)
            if len(aliases) > MAX_ALIASES:
                return Answer(question, Outcome.MALFORMED, detail="a circle of CNAMEs")
