"""Plan which records bring the reports about a domain to a mailbox, with as little change as can be (RFC 9989 §5.1; RFC 9990 §4)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dmarcscope.align.policy import applied_policy
from dmarcscope.align.tree_walk import dmarc_name
from dmarcscope.model.discovery import Where
from dmarcscope.model.dmarc_record import Standing
from dmarcscope.model.dmarc_setup import SetupLine, SetupPlan
from dmarcscope.model.domain_facts import Consent, Destination, DmarcFacts
from dmarcscope.model.words import Policy
from dmarcscope.parse.adding_uri import names, with_uri

Wanted = Sequence[tuple[str, str]]
"""Pairs of tag and URI: («rua», «mailto:…»)."""
NEEDS_CONSENT = {Consent.GIVEN: True, Consent.GIVEN_TO_ALL: True, Consent.MISSING: False, Consent.ELSEWHERE: False, Consent.UNKNOWN: None}


@dataclass(frozen=True, slots=True)
class Draft:
    """The policy record of a plan: where, as it is, as it is to be, and what to say about it."""

    domain: str
    before: str | None
    text: str
    why: tuple[str, ...]
    instead: str | None = None


def setup_plan(facts: DmarcFacts, wanted: Wanted, destinations: Sequence[Destination]) -> SetupPlan:
    """The plan; ``destinations`` are the hosts of the wanted addresses, asked about for the domain that has or gets the record."""
    domain = facts.domain
    several = next((choice for name, choice in facts.choices if name == domain and len(choice.candidates) > 1), None)
    if several is not None:
        why = (
            f"{dmarc_name(domain)} has {len(several.candidates)} DMARC records, and receivers ignore all of them: delete all but one first."
        )
        return SetupPlan(domain, (), (why,), None, ())
    if facts.discovery.where is Where.UNKNOWN:
        # «Could not ask» is never «not there»: a new record might replace a stricter one.
        return SetupPlan(domain, (), (), None, (facts.discovery.why,))
    draft = drafted(facts, wanted)
    line = SetupLine(dmarc_name(draft.domain), draft.text, draft.domain, draft.before, draft.text == draft.before)
    instead = SetupLine(dmarc_name(domain), draft.instead, domain, None, is_live=False) if draft.instead else None
    consents = [consent_line(each) for each in destinations if each.consent is not Consent.OWN]
    unknown = tuple(each.why for each in destinations if each.consent is Consent.UNKNOWN)
    return SetupPlan(domain, (line, *consents), (*draft.why, *about(destinations)), instead, unknown)


def record_domain(facts: DmarcFacts) -> str:
    """The domain whose record a plan changes, or makes."""
    found = facts.discovery
    inherited = found.where is Where.ORGANIZATIONAL and found.policy_domain is not None
    return found.policy_domain or facts.domain if inherited else facts.domain


def drafted(facts: DmarcFacts, wanted: Wanted) -> Draft:
    """The policy record."""
    found = facts.discovery
    if found.where is Where.AUTHOR and found.record is not None:
        return changed(facts.domain, found.record.text, wanted, found.record.standing)
    if found.where is Where.ORGANIZATIONAL and found.record is not None:
        owner = record_domain(facts)
        draft = changed(owner, found.record.text, wanted, found.record.standing)
        first = f"{facts.domain} has no record of its own: that of its organizational domain {owner} applies to it, and is changed here."
        why = (first, f"The reports are about all of {owner} then.")
        return Draft(owner, draft.before, draft.text, (*why, *draft.why), own_record(facts, wanted))
    if found.where is Where.PUBLIC_SUFFIX:
        first = f"The record that applies is that of the public suffix {found.policy_domain}, which is not yours."
        return Draft(facts.domain, None, own_record(facts, wanted), (first, "This is a record of your own, with the same policy."))
    # RFC 9989 §5.1: begin with none, and look at reports before anything is asked of receivers.
    start = f"{facts.domain} has no DMARC record."
    advice = "This one asks for reports and changes nothing for your mail."
    if any(choice.problems for name, choice in facts.choices if name == facts.domain):
        start = f"What stands at {dmarc_name(facts.domain)} is no valid record: dmarcscope check {facts.domain} says why."
        advice = "Mend that, or put this in its place."
    return Draft(facts.domain, None, own_record(facts, wanted), (start, advice))


def own_record(facts: DmarcFacts, wanted: Wanted) -> str:
    """A new record for the domain, with the policy that applies to it now; none where there is none."""
    policy = applied_policy(facts.discovery, facts.existing).policy or Policy.NONE
    return appended(f"v=DMARC1; p={policy}", wanted)


def changed(domain: str, text: str, wanted: Wanted, standing: Standing) -> Draft:
    """A record that is there, with what is wanted added."""
    missing = [(tag, uri) for tag, uri in wanted if not names(text, tag, uri)]
    after = appended(text, missing)
    if not missing:
        why = f"The record of {domain} names this already; nothing is to be changed."
    else:
        why = f"The record of {domain} stays as it is; only {' and '.join(f'{uri} ({tag})' for tag, uri in missing)} is added."
    broken = f"The record has no valid policy; dmarcscope check {domain} says what to mend."
    return Draft(domain, text, after, (why, broken) if standing is not Standing.IN_FORCE else (why,))


def appended(text: str, wanted: Wanted) -> str:
    """A record with all that is wanted."""
    for tag, uri in wanted:
        text = with_uri(text, tag, uri)
    return text


def consent_line(destination: Destination) -> SetupLine:
    """The record by which a host of others takes reports."""
    return SetupLine(destination.name, "v=DMARC1", destination.host, None, NEEDS_CONSENT[destination.consent])


def about(destinations: Sequence[Destination]) -> Iterator[str]:
    """What to know about the hosts of the mailboxes."""
    for each in destinations:
        if each.consent is not Consent.OWN:
            yield f"{each.host} belongs to another owner than the domain: it has to agree, or no receiver sends reports there."
        if each.takes_mail is False:
            yield f"{each.host} has no mail server and no address: no report can arrive there."
