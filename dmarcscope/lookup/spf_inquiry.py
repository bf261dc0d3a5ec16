"""The questions of one SPF evaluation, each counted and kept, and the limits on them (RFC 7208 §4.6.4, §5.5, §11.1).

Facts: a *look-up* is a term that asks, a *void look-up* a question that finds nothing. Both are counted for the whole evaluation.
Strategy: nothing here raises; what must end the evaluation comes back as an ``Ending``.
"""

import asyncio
from dataclasses import dataclass

from dmarcscope.lookup.asking import Resolver
from dmarcscope.lookup.spf_macros import UNKNOWN, Identity
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.spf_check import SpfLimits, SpfQuestion, SpfStep
from dmarcscope.model.words import SpfResult

MAX_SHOWN = 80
"""Characters of a foreign term or name within a sentence."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A result and its reason; ``path`` as in ``SpfCheck``, from the record it is the result of; ``matched`` likewise."""

    result: SpfResult
    reason: str
    path: tuple[SpfStep, ...] = ()
    matched: str | None = None


def shown(text: str) -> str:
    """A foreign text within a sentence."""
    return f"«{text}»" if len(text) <= MAX_SHOWN else f"«{text[:MAX_SHOWN]}…»"


def of(asker: SpfStep) -> str:
    """A term and whose it is, within a sentence."""
    return f"{shown(asker.term)} of {asker.domain[:MAX_SHOWN]}" if asker.term else asker.domain[:MAX_SHOWN]


class Inquiry:
    """Asks for one evaluation. ``settled``: the result is there; what is asked for its explanation counts no more."""

    def __init__(self, resolver: Resolver, who: Identity, limits: SpfLimits) -> None:
        self.who = who
        self.limits = limits
        self.questions: list[SpfQuestion] = []
        self.lookups = 0
        self.voids = 0
        self.settled = False
        self._resolver = resolver
        self._client_names: tuple[str, ...] | None = None
        self._validated: dict[str, bool] = {}
        self.address, self.version, self.number = str(who.ip), who.ip.version, int(who.ip)
        # RFC 7208 §5: A records for an IPv4 client, AAAA records for an IPv6 client.
        self.host_kind = "A" if who.ip.version == 4 else "AAAA"

    def count(self, asker: SpfStep) -> Ending | None:
        """One more look-up; an ending if it is one too many."""
        if self.settled:
            return None
        # RFC 7208 §4.6.4: more terms that ask than the limit are a permanent error.
        if self.lookups >= self.limits.lookups:
            return Ending(SpfResult.PERMERROR, f"{of(asker)} would be look-up {self.lookups + 1} of at most {self.limits.lookups}")
        self.lookups += 1
        return None

    async def ask(self, name: str, kind: str, asker: SpfStep) -> Answer:
        """What came of a question, whatever it is; it is kept, and not counted."""
        try:
            answer = await self._resolver.ask(name, kind)
        except asyncio.CancelledError:
            self._keep(Answer(Question(name, kind), Outcome.TIMEOUT, detail="the evaluation ended before an answer came"), asker)
            raise
        self._keep(answer, asker)
        return answer

    def _keep(self, answer: Answer, asker: SpfStep) -> None:
        question = answer.question
        self.questions.append(
            SpfQuestion(question.name, question.kind, answer.outcome, answer.records, asker.domain, asker.term, answer.detail)
        )

    async def told(self, name: str, kind: str, asker: SpfStep) -> Answer | Ending:
        """An answer that says what is there (perhaps nothing), or the ending: temperror, or one void look-up too many."""
        answer = await self.ask(name, kind, asker)
        # RFC 7208 §5: an error of the server or no answer in time is a temporary error.
        if not answer.outcome.is_told:
            return unanswered(answer, asker)
        return self.void(answer, asker) or answer

    def void(self, answer: Answer, asker: SpfStep) -> Ending | None:
        """Counts the answer if it says that nothing is there; an ending if that is once too often."""
        if answer.outcome not in (Outcome.NO_DATA, Outcome.NXDOMAIN) or self.settled:
            return None
        self.voids += 1
        # RFC 7208 §4.6.4: more than two questions that find nothing are a permanent error.
        if self.voids <= self.limits.void_lookups:
            return None
        question = answer.question
        what = f"{of(asker)} asks for {question.kind} records of {shown(question.name)}, which finds nothing"
        return Ending(SpfResult.PERMERROR, f"{what}: void look-up {self.voids} of at most {self.limits.void_lookups}")

    async def client_names(self, asker: SpfStep) -> tuple[str, ...] | Ending:
        """The names that the client's address claims, at most ``ptr_names`` of them; asked for once."""
        if self._client_names is None:
            answer = await self.ask(self.who.ip.reverse_pointer, "PTR", asker)
            # RFC 7208 §5.5: after an error of this question ptr does not match. §4.6.4: names after the first ten are ignored.
            self._client_names = tuple(name.lower() for name in answer.records[: self.limits.ptr_names])
            if (ending := self.void(answer, asker)) is not None:
                return ending
        return self._client_names

    async def is_validated(self, name: str, asker: SpfStep) -> bool | Ending:
        """Whether a name that the client claims has the client's address; asked for once."""
        if name not in self._validated:
            answer = await self.ask(name, self.host_kind, asker)
            # RFC 7208 §5.5: after an error of this question the name is skipped.
            self._validated[name] = self.address in answer.records
            if (ending := self.void(answer, asker)) is not None:
                return ending
        return self._validated[name]

    async def validated_name(self, domain: str, asker: SpfStep) -> str | Ending:
        """What ``%{p}`` stands for in the record of ``domain`` (RFC 7208 §7.3)."""
        # RFC 7208 §4.6.4: asking for it is a look-up like that of a ptr term.
        if self._client_names is None and (ending := self.count(asker)) is not None:
            return ending
        names = await self.client_names(asker)
        if isinstance(names, Ending):
            return names
        # RFC 7208 §7.3: the domain itself, else a name under it, else any; «unknown» where there is none.
        for name in sorted(names, key=lambda name: (name != domain, not name.endswith(f".{domain}"))):
            valid = await self.is_validated(name, asker)
            if isinstance(valid, Ending):
                return valid
            if valid:
                return name
        return UNKNOWN


def unanswered(answer: Answer, asker: SpfStep) -> Ending:
    """The ending for a question that could not be asked."""
    question = answer.question
    detail = f" ({answer.detail})" if answer.detail else ""
    what = f"{question.kind} records of {shown(question.name)}, for {of(asker)}, could not be asked for: {answer.outcome}{detail}"
    return Ending(SpfResult.TEMPERROR, what)
