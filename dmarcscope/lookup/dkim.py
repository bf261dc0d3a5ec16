"""Look up the key of a DKIM selector (RFC 6376 §3.6.2): whatever stands there, by way of a vendor or not."""

from collections.abc import Iterable

from dmarcscope.lookup.asking import Resolver, ask_all
from dmarcscope.model.answer import Answer, Question
from dmarcscope.model.domain_facts import KeyFacts, SeenSelector
from dmarcscope.parse.dkim_key import dkim_key, dkim_keys


def key_name(selector: str, domain: str) -> str:
    """Where the key of a selector is published (RFC 6376 §3.6.2.1).

    >>> key_name("s1", "example.com")
    's1._domainkey.example.com'
    """
    return f"{selector}._domainkey.{domain}"


async def key_facts(resolver: Resolver, selectors: Iterable[SeenSelector]) -> tuple[KeyFacts, ...]:
    """What is published for each of the selectors, in their order."""
    every = list(selectors)
    answers = await ask_all(resolver, [Question(key_name(seen.selector, seen.domain), "TXT") for seen in every])
    return tuple(facts_of(seen, answer) for seen, answer in zip(every, answers, strict=True))


def facts_of(seen: SeenSelector, answer: Answer) -> KeyFacts:
    """An answer, read."""
    choice = dkim_keys(answer.records)
    # RFC 6376 §3.6.2.2: of several records any may be taken; with one that is no key at all, it is that which is read and refused.
    text = choice.text if choice.text is not None or choice.candidates or len(answer.records) != 1 else answer.records[0]
    return KeyFacts(seen, key_name(seen.selector, seen.domain), answer, choice, dkim_key(text) if text is not None else None)
