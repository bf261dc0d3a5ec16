"""What is published for the DKIM selectors of a domain, and whether that fits what is seen in reports (RFC 6376 §3.6)."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from dmarcscope.analysis.findings import came_of, listing
from dmarcscope.model.dkim_key import KeyState
from dmarcscope.model.domain_check import DkimSection, Finding, KeyStanding, Published, SelectorCheck, Topic
from dmarcscope.model.domain_facts import KeyFacts
from dmarcscope.model.problem import Problem, Severity

UNUSED = timedelta(days=90)
"""After so long without a signature in any report, a key is hardly in use."""
LATELY = timedelta(days=14)
"""A selector seen within this time signs now: reports come a day or two late."""
SECTION = "RFC 6376 §3.6.1"
STATES = {KeyState.USABLE: KeyStanding.PUBLISHED, KeyState.REVOKED: KeyStanding.REVOKED, KeyState.UNUSABLE: KeyStanding.UNUSABLE}


def dkim_section(domain: str, facts: Iterable[KeyFacts], now: datetime | None) -> DkimSection:
    """DKIM of a domain, judged; ``now`` tells how long a selector is unused (None: nobody knows what is used)."""
    every = list(facts)
    found = [(check_of(each), each) for each in every]
    if not every:
        why = f"Not looked at: the DNS does not list the selectors of {domain}."
        how = "Name them with --selector; a signed mail has its selector as s= in DKIM-Signature."
        return DkimSection(Topic.DKIM, (), (why, how), (), (), (), ())
    return DkimSection(
        Topic.DKIM,
        tuple(Published(each.name, "TXT", text) for each in every for text in each.choice.candidates or each.answer.records),
        tuple(in_words(check) for check, _ in found),
        tuple(finding for check, each in found for finding in findings(check, each, now)),
        tuple(f"{each.name} could not be asked for ({came_of(each.answer)})" for each in every if not each.answer.outcome.is_told),
        tuple(each.answer for each in every),
        tuple(check for check, _ in found),
    )


def check_of(facts: KeyFacts) -> SelectorCheck:
    """What there is for a selector."""
    if facts.key is not None:
        standing = STATES[facts.key.state]
    elif not facts.answer.outcome.is_told:
        standing = KeyStanding.UNKNOWN
    else:
        standing = KeyStanding.UNUSABLE if facts.choice.candidates else KeyStanding.MISSING
    at = next((place for place, text in enumerate(facts.answer.records) if facts.key and text == facts.key.text), None)
    strings = len(facts.answer.strings[at]) if at is not None and at < len(facts.answer.strings) else 0
    return SelectorCheck(facts.seen, facts.name, standing, facts.key, facts.answer.aliases, strings)


def in_words(check: SelectorCheck) -> str:
    """One selector in one sentence."""
    who = f"{check.seen.selector} ({check.seen.domain})"
    key = check.key
    parts = {
        KeyStanding.PUBLISHED: "published",
        KeyStanding.REVOKED: "revoked: its signatures are refused",
        KeyStanding.UNUSABLE: "published, but nobody can verify a signature with it",
        KeyStanding.MISSING: "there is no key",
        KeyStanding.UNKNOWN: "could not be asked for",
    }[check.standing]
    if key is not None and key.bits:
        parts += f", {'Ed25519' if key.algorithm == 'ed25519' else f'RSA of {key.bits} bits'}"
    if key is not None and key.testing:
        parts += ", in test mode"
    if check.strings > 1:
        parts += f", in {check.strings} strings"
    if check.aliases:
        parts += (
            f", though an alias leads to {check.aliases[-1]}"
            if check.standing is KeyStanding.MISSING
            else f", by way of {listing(check.aliases)}"
        )
    if check.seen.last_seen:
        parts += f", last seen signing on {check.seen.last_seen:%Y-%m-%d}"
    return f"{who}: {parts}."


def findings(check: SelectorCheck, facts: KeyFacts, now: datetime | None) -> Iterator[Finding]:
    """What is wrong with one selector."""
    for problem in facts.choice.problems:
        yield Finding(problem, check.name)
    seen = check.seen.last_seen
    idle = now - seen if seen and now else None
    day = f"{seen:%Y-%m-%d}" if seen else ""
    if check.standing is KeyStanding.MISSING:
        yield Finding(missing(check, idle, day), check.name)
    if check.key is not None:
        for problem in check.key.problems:
            yield Finding(problem, check.name)
    if idle is None:
        return
    if check.standing is KeyStanding.REVOKED and idle <= LATELY:
        what = f"mail was signed with this selector on {day}, and its key is revoked: those signatures fail"
        yield Finding(Problem(Severity.ERROR, "revoked-in-use", what, SECTION), check.name)
    if check.standing is KeyStanding.PUBLISHED and idle > UNUSED:
        what = f"no report has shown this selector for {idle.days} days; if nobody signs with it any more, revoke its key"
        yield Finding(Problem(Severity.NOTE, "selector-unused", what, SECTION, "v=DKIM1; p="), check.name)


def missing(check: SelectorCheck, idle: timedelta | None, day: str) -> Problem:
    """There is no key: bad if somebody signs with it."""
    if idle is not None and idle <= LATELY:
        what = f"mail was signed with this selector on {day}, and there is no key now: those signatures fail"
        if not check.seen.has_passed:
            what = f"{what}. None of them ever passed: your own mail signed wrongly, or a forger's"
        return Problem(Severity.ERROR if check.seen.has_passed else Severity.WARNING, "signing-without-key", what, SECTION)
    if idle is not None:
        what = f"there is no key any more; it was last seen signing on {day}"
        return Problem(Severity.NOTE, "key-gone", what, SECTION)
    what = f"there is no key at {check.name}: mail signed with this selector fails DKIM"
    return Problem(Severity.ERROR, "no-such-selector", what, SECTION)
