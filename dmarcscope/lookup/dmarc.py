"""Find the DMARC policy of a domain, and whether those whom it names agree to be sent reports (RFC 9989 §4.10; RFC 9990 §4; RFC 9991 §5).

At most eight questions for a walk; a walk from each destination, and three questions more. At most MAX_HOSTS destinations are asked about.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dmarcscope.align.tree_walk import discover, dmarc_name, existence, next_name, organizational_domain
from dmarcscope.lookup.asking import Resolver, ask_all
from dmarcscope.lookup.names import BadName, wire_name
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.discovery import Organizational, Step
from dmarcscope.model.dmarc_record import DmarcRecord, ReportUri
from dmarcscope.model.domain_facts import Consent, Destination, DmarcFacts
from dmarcscope.parse.dmarc_record import dmarc_record, dmarc_records
from dmarcscope.parse.values import domain as domain_name

if TYPE_CHECKING:
    from dmarcscope.model.problem import Choice

MAX_HOSTS = 10
"""Hosts of report addresses that are asked about: few records have more than three."""


class Walk:
    """A tree walk from one domain, with what was asked on it."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        self.steps: list[Step] = []
        self.answers: list[Answer] = []
        self.choices: list[tuple[str, Choice]] = []

    async def run(self, resolver: Resolver) -> "Walk":
        """Ask until the walk is at its end (RFC 9989 §4.10)."""
        while (name := next_name(self.domain, self.steps)) is not None:
            answer = await resolver.ask(dmarc_name(name), "TXT")
            choice = dmarc_records(answer.records)
            self.answers.append(answer)
            self.choices.append((name, choice))
            # RFC 9989 §4.10, steps 2 and 6: several records are as good as none.
            record = dmarc_record(choice.text) if choice.text is not None else None
            self.steps.append(Step(name, answer.outcome, record))
        return self

    @property
    def owner(self) -> Organizational:
        """The organizational domain of where it started."""
        return organizational_domain(self.domain, self.steps)


async def dmarc_facts(resolver: Resolver, domain: str) -> DmarcFacts:
    """Everything to know about the DMARC policy of a domain (a lower-case A-label name without a final dot)."""
    walk = await Walk(domain).run(resolver)
    # RFC 9989 §3.2.13: a domain exists unless NXDOMAIN is the answer; any type tells.
    there = await ask_all(resolver, [Question(domain, kind) for kind in ("A", "MX")])
    found = discover(domain, walk.steps)
    answers = [*walk.answers, *there]
    owner: str | None = None
    destinations: tuple[Destination, ...] = ()
    left_out = 0
    if found.record is not None and found.policy_domain is not None:
        above = walk if found.policy_domain == domain else await Walk(found.policy_domain).run(resolver)
        owner = above.owner.domain
        destinations, left_out, asked = await destinations_of(resolver, found.policy_domain, owner, found.record)
        answers += asked
    known = {answer.question: answer for answer in answers}
    return DmarcFacts(
        domain,
        found,
        tuple(walk.choices),
        existence([answer.outcome for answer in there]),
        owner,
        destinations,
        left_out,
        tuple(known.values()),
    )


async def destinations_of(
    resolver: Resolver, policy_domain: str, owner: str | None, record: DmarcRecord
) -> tuple[tuple[Destination, ...], int, list[Answer]]:
    """The hosts that the record names, how many more there are, and what was asked."""
    hosts: dict[str, list[tuple[str, ReportUri]]] = {}
    for tag, uris in (("rua", record.rua), ("ruf", record.ruf)):
        for uri in uris:
            # Reports are sent by mail alone, to addresses that are some (RFC 9989 §4.7).
            if uri.is_deliverable:
                hosts.setdefault(domain_name(uri.domain).value or uri.domain, []).append((tag, uri))
    found, answers = [], []
    for host in list(hosts)[:MAX_HOSTS]:
        destination, asked = await destination_of(resolver, policy_domain, owner, host, hosts[host])
        found.append(destination)
        answers += asked
    return tuple(found), max(0, len(hosts) - MAX_HOSTS), answers


async def destination_of(
    resolver: Resolver, policy_domain: str, owner: str | None, host: str, uris: Sequence[tuple[str, ReportUri]]
) -> tuple[Destination, list[Answer]]:
    """One host: whether it agrees, and whether it takes mail."""
    mail = await ask_all(resolver, [Question(host, kind) for kind in ("MX", "A", "AAAA")])
    takes = takes_mail(mail)
    if host in {owner, policy_domain}:
        return Destination(host, tuple(uris), Consent.OWN, "", f"{host} is the domain itself", (), takes), mail
    walk = await Walk(host).run(resolver)
    theirs = walk.owner
    if owner is not None and theirs.domain == owner:
        why = f"{host} belongs to {owner}, as the policy does"
        return Destination(host, tuple(uris), Consent.OWN, "", why, (), takes), [*mail, *walk.answers]
    consent, name, why, overrides, asked = await consent_of(resolver, policy_domain, host)
    # A consent that stands there is one, whoever owns the host; that it is missing only matters if the host is a stranger's.
    if consent is Consent.MISSING and (owner is None or theirs.domain is None):
        consent, why = Consent.UNKNOWN, f"whether {host} belongs to the owner of {policy_domain} could not be told: {theirs.why}"
    return Destination(host, tuple(uris), consent, name, why, overrides, takes), [*mail, *walk.answers, *asked]


def takes_mail(answers: Sequence[Answer]) -> bool | None:
    """Whether a host has mail servers, or an address that stands for one (RFC 5321 §5.1); None where that was not told."""
    mx = answers[0]
    if mx.outcome is Outcome.FOUND:
        # RFC 7505 §3: a null MX takes no mail.
        return any(record.rpartition(" ")[2] not in ("", ".") for record in mx.records)
    if any(answer.outcome is Outcome.FOUND for answer in answers[1:]):
        return True
    return False if all(answer.outcome.is_told for answer in answers) else None


def consent_name(policy_domain: str, host: str) -> str:
    """Where a host publishes that it takes reports about a domain (RFC 9990 §4, steps 1 to 3).

    >>> consent_name("example.com", "reports.example.net")
    'example.com._report._dmarc.reports.example.net'
    """
    return f"{policy_domain}._report._dmarc.{host}"


async def consent_of(resolver: Resolver, policy_domain: str, host: str) -> tuple[Consent, str, str, tuple[ReportUri, ...], list[Answer]]:
    """Whether a host agrees to be sent reports about a domain: how, where, why, to whom instead, and what was asked."""
    name = consent_name(policy_domain, host)
    try:
        wire_name(name)
    except BadName as error:
        # RFC 9990 §4, step 4: a name that the DNS cannot have is no authorisation.
        return Consent.MISSING, name, f"{error}, so that no consent can be published there", (), []
    answer = await resolver.ask(name, "TXT")
    if not answer.outcome.is_told:
        # RFC 9990 §4, step 5: after a temporary error nothing is known.
        return Consent.UNKNOWN, name, f"{name} could not be asked for ({answer.outcome})", (), [answer]
    # RFC 9990 §4, steps 6 to 8: one record that begins with v=DMARC1 is enough.
    texts = dmarc_records(answer.records).candidates
    if not texts:
        return Consent.MISSING, name, f"{name} has no record that begins with v=DMARC1", (), [answer]
    records = [dmarc_record(text) for text in texts]
    overrides = tuple(uri for record in records for uri in (*record.rua, *record.ruf) if uri.is_deliverable)
    if any((domain_name(uri.domain).value or uri.domain) != host for uri in overrides):
        # RFC 9990 §4, step 9: an override at another host ends it: neither the one nor the other is sent reports.
        return Consent.ELSEWHERE, name, f"{name} names an address at another host, which receivers do not accept", overrides, [answer]
    wild = await resolver.ask(consent_name("*", host), "TXT")
    if wild.outcome is Outcome.FOUND and set(wild.records) == set(answer.records):
        return Consent.GIVEN_TO_ALL, name, f"{host} takes reports about any domain (a wildcard)", overrides, [answer, wild]
    return Consent.GIVEN, name, f"{name} says so", overrides, [answer, wild]
