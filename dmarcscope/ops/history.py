"""The DNS time machine: what changed when, and what a name had on a day. It asks nobody; it tells what was seen."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from dmarcscope.analysis.record_diff import changes
from dmarcscope.errors import SetupError
from dmarcscope.model.answer import Outcome, Question
from dmarcscope.model.observation import Change, Observation, RecordsOn, Standing
from dmarcscope.parse.values import domain as read_domain
from dmarcscope.store.answers import Observations
from dmarcscope.store.files import StoreFiles


@dataclass(frozen=True, slots=True)
class History:
    """All that was seen for a domain and the names below it, by name and kind, earliest first.

    ``troubles`` are questions that could not be asked last: why, and when. They end nothing that was seen.
    """

    domain: str
    changes: tuple[Change, ...]
    troubles: tuple[tuple[Question, Outcome, str, datetime], ...]

    def as_dicts(self) -> list[dict[str, Any]]:
        """Flat, for machines; in ``records``, texts as they were published."""
        return [
            {
                "name": change.after.question.name,
                "kind": change.after.question.kind,
                "first_seen": change.after.first_seen,
                "last_seen": change.after.last_seen,
                "times": change.after.times,
                "outcome": change.after.outcome.value,
                "records": list(change.after.records),
                "aliases": list(change.after.aliases),
                "authenticated": change.after.authenticated,
                "difference": list(change.difference),
            }
            for change in self.changes
        ]


def history(store: StoreFiles, domain: str, kind: str | None = None) -> History:
    """What changed when for a domain and the names below it, of one kind («TXT») or all. Raises SetupError for what is no domain."""
    store.require()
    name = domain_of(domain)
    wanted = kind.upper() if kind else None
    seen = Observations(store.ledger)
    troubles = tuple(
        (question, *trouble) for question, trouble in sorted(seen.last_trouble(name).items(), key=str) if wanted in {None, question.kind}
    )
    return History(name, tuple(changes(seen.under(name, wanted))), troubles)


def records_on(store: StoreFiles, name: str, kind: str, day: date) -> RecordsOn:
    """What a name had on a day (UTC), so that what failed then can be judged by the records of then."""
    store.require()
    question = Question(name.lower().removesuffix("."), kind.upper())
    return on_day(question, Observations(store.ledger).of(question), day)


def history_on(store: StoreFiles, domain: str, day: date, kind: str | None = None) -> list[RecordsOn]:
    """What a domain and the names below it had on a day, as far as anything had been seen of them by then."""
    store.require()
    seen = Observations(store.ledger).under(domain_of(domain), kind.upper() if kind else None)
    found = [on_day(question, list(of), day) for question, of in groupby(seen, key=lambda one: one.question)]
    return [one for one in found if one.observations]


def as_dicts(found: Iterable[RecordsOn]) -> list[dict[str, Any]]:
    """The records of a day, flat, for machines: a line for each observation that may hold."""
    return [
        {
            "name": one.question.name,
            "kind": one.question.kind,
            "day": one.day.isoformat(),
            "standing": one.standing.value,
            "first_seen": seen.first_seen,
            "last_seen": seen.last_seen,
            "outcome": seen.outcome.value,
            "records": list(seen.records),
            "aliases": list(seen.aliases),
        }
        for one in found
        for seen in one.observations
    ]


def on_day(question: Question, seen: list[Observation], day: date) -> RecordsOn:
    """The observations that may hold on a day, out of all of a question in their order, and how sure that is."""
    begun = [one for one in seen if one.first_seen.date() <= day]
    during = [one for one in begun if one.first_seen.date() == day]
    # What was there at the begin of the day counts too, as it may have been until some time of it.
    earlier = begun[: len(begun) - len(during)][-1:]
    if not begun:
        return RecordsOn(question, day, Standing.UNKNOWN, ())
    if during:
        standing = Standing.CHANGED if earlier or len(during) > 1 else Standing.SEEN
        return RecordsOn(question, day, standing, (*earlier, *during))
    last = earlier[0]
    if last.last_seen.date() >= day:
        return RecordsOn(question, day, Standing.SEEN, (last,))
    following = seen[len(begun) : len(begun) + 1]
    if following:
        return RecordsOn(question, day, Standing.CHANGED, (last, *following))
    return RecordsOn(question, day, Standing.AFTER, (last,))


def domain_of(text: str) -> str:
    """A domain as it is asked for. Raises SetupError for what is none."""
    found = read_domain(text)
    if found.value is None or read_domain(found.value).problem is not None:
        raise SetupError(f"{text!r} is no domain", fix="Write it as example.com")
    return str(found.value)
