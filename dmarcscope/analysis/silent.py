"""A domain that sends no mail: what locks it down against who writes in its name (RFC 9989 §5.1; RFC 7208 §10.1.2; RFC 7505 §3)."""

from collections.abc import Iterator
from dataclasses import replace

from dmarcscope.align.tree_walk import dmarc_name
from dmarcscope.analysis.mail_check import takes_mail
from dmarcscope.model.answer import Outcome
from dmarcscope.model.discovery import Where
from dmarcscope.model.domain_check import DkimSection, DmarcSection, Finding, KeyStanding, Section, SpfSection, Topic
from dmarcscope.model.domain_facts import MailFacts
from dmarcscope.model.problem import Problem, Severity
from dmarcscope.model.spf_record import Directive, Mechanism
from dmarcscope.model.words import Policy
from dmarcscope.parse.spf_record import spf_syntax
from dmarcscope.parse.zone_line import record_line, txt_line

NULL_MX = "0 ."
NOBODY = "v=spf1 -all"
REPLACED = {"no-spf", "no-dmarc", "only-watching", "no-all", "all-neutral"}
"""Findings that say of a domain with mail what is said otherwise of one without."""


def lets_nobody_send(record: str | None) -> bool:
    """Whether an SPF record refuses all mail.

    >>> lets_nobody_send("v=spf1 -all"), lets_nobody_send("v=spf1 mx -all")
    (True, False)
    """
    read = spf_syntax(record) if record is not None else None
    first = next((term for term in read.terms if isinstance(term, Directive)), None) if read and not read.error else None
    return first is not None and first.mechanism is Mechanism.ALL and first.qualifier == "-"


def is_silent(spf: SpfSection, dkim: DkimSection, mail: MailFacts) -> bool:
    """Whether the domain says or shows that it sends no mail. What could not be asked makes nobody silent."""
    # A name that is not there needs nothing: the record above it speaks for it.
    if mail.mx.outcome is Outcome.NXDOMAIN:
        return False
    if any(check.standing is KeyStanding.PUBLISHED or check.seen.last_seen for check in dkim.selectors):
        return False
    if lets_nobody_send(spf.tree.root.record):
        return True
    no_record = bool(spf.evidence) and spf.evidence[0].outcome.is_told and not spf.published
    return no_record and takes_mail(mail) is False


def locked_down(sections: tuple[Section, ...], mail: MailFacts) -> tuple[Section, ...]:
    """The sections of a silent domain, with what is missing to lock it down in place of what a domain with mail is told."""
    advice = dict(every_advice(sections, mail))
    return tuple(with_advice(section, advice.get(section.topic)) for section in sections)


def with_advice(section: Section, advice: Finding | None) -> Section:
    """A section with the advice for a silent domain."""
    kept = tuple(finding for finding in section.findings if finding.problem.code not in REPLACED)
    return replace(section, findings=(*kept, advice) if advice else kept)


def every_advice(sections: tuple[Section, ...], mail: MailFacts) -> Iterator[tuple[Topic, Finding]]:
    """What is missing, by topic."""
    for section in sections:
        found = None
        if isinstance(section, DmarcSection):
            found = reject(section, mail.domain)
        elif isinstance(section, SpfSection) and not lets_nobody_send(section.tree.root.record):
            what = f"{mail.domain} sends no mail: an SPF record that says so lets receivers refuse what claims otherwise"
            problem = Problem(Severity.WARNING, "lock-down-spf", what, "RFC 7208 §10.1.2", NOBODY)
            found = Finding(problem, mail.domain, txt_line(mail.domain, NOBODY))
        elif section.topic is Topic.MX and mail.mx.outcome is Outcome.NO_DATA:
            what = f"{mail.domain} takes no mail: a null MX says so, and nobody tries in vain"
            problem = Problem(Severity.NOTE, "lock-down-mx", what, "RFC 7505 §3", NULL_MX)
            found = Finding(problem, mail.domain, record_line(mail.domain, "MX", NULL_MX))
        if found is not None:
            yield section.topic, found


def reject(section: DmarcSection, domain: str) -> Finding | None:
    """Advice to refuse all mail; None where that is asked already, or could not be told."""
    applied = section.policies[0][1]
    if section.discovery.where is Where.UNKNOWN or applied.tested is Policy.REJECT:
        return None
    text = f"v=DMARC1; p=reject; rua=mailto:dmarc@{domain}"
    what = f"{domain} sends no mail: with «p=reject» nobody can write in its name, and there is nothing to lose"
    name = dmarc_name(domain)
    return Finding(Problem(Severity.WARNING, "lock-down-dmarc", what, "RFC 9989 §5.1", text), name, txt_line(name, text))
