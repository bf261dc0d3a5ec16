"""Check what a domain publishes about its mail: ask for everything, judge each part, and say what to mend."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from dmarcscope.analysis.dkim_check import dkim_section
from dmarcscope.analysis.dmarc_check import dmarc_section
from dmarcscope.analysis.mail_check import bimi_section, has_mx, mx_section, sts_section, tls_rpt_section
from dmarcscope.analysis.silent import is_silent, locked_down
from dmarcscope.analysis.spf_check import spf_section
from dmarcscope.errors import SetupError
from dmarcscope.lookup.asking import Resolver
from dmarcscope.lookup.dkim import key_facts
from dmarcscope.lookup.dmarc import dmarc_facts
from dmarcscope.lookup.mail_records import mail_facts
from dmarcscope.lookup.spf_walk import walk
from dmarcscope.model.domain_check import DomainCheck, Finding, Section
from dmarcscope.model.domain_facts import SeenSelector
from dmarcscope.parse.values import domain as domain_name

MAX_SELECTORS = 200
"""Selectors of one check: large senders have some dozens."""


def plain_name(given: str) -> str:
    """A domain that a user names, as a lower-case A-label name. Raises SetupError for what is none."""
    read = domain_name(given.strip())
    name = read.value or ""
    # The reading is kept as written where it is no name; only a name survives being read again.
    if domain_name(name).problem is not None or "." not in name:
        raise SetupError("is no domain name", where=given[:100] or "the domain", fix="Write it as example.com")
    return name


async def check_domain(
    resolver: Resolver,
    domain: str,
    *,
    selectors: Iterable[str | SeenSelector] = (),
    https: bool = False,
    now: datetime | None = None,
) -> DomainCheck:
    """Everything that a domain publishes about its mail, judged.

    ``selectors`` are names, or those seen in reports with the time of their last signature, which ``now`` is compared with; ``https``
    fetches the MTA-STS policy file, too. Raises SetupError for what is no domain name; whatever the DNS holds is a value.
    """
    name = plain_name(domain)
    wanted = unique(selectors, name)
    dmarc_found, tree, keys, mail = await asyncio.gather(
        dmarc_facts(resolver, name), walk(resolver, name), key_facts(resolver, wanted), mail_facts(resolver, name, https=https)
    )
    dmarc = dmarc_section(dmarc_found)
    spf = spf_section(tree, has_mx=has_mx(mail))
    dkim = dkim_section(name, keys, now)
    others = (
        mx_section(mail),
        sts_section(mail, https=https),
        tls_rpt_section(mail),
        bimi_section(mail, dmarc.policies[0][1].tested),
    )
    sections: tuple[Section, ...] = (dmarc, spf, dkim, *others)
    return DomainCheck(name, locked_down(sections, mail) if is_silent(spf, dkim, mail) else sections)


def unique(selectors: Iterable[str | SeenSelector], domain: str) -> list[SeenSelector]:
    """The selectors, each once, with the latest time that is known. Raises SetupError for what can be none."""
    found: dict[tuple[str, str], SeenSelector] = {}
    for each in selectors:
        seen = SeenSelector(domain, selector_name(each)) if isinstance(each, str) else each
        key = (seen.domain, seen.selector)
        known = found.get(key)
        if known is None or (seen.last_seen is not None and (known.last_seen is None or known.last_seen < seen.last_seen)):
            found[key] = seen
    return list(found.values())[:MAX_SELECTORS]


def selector_name(given: str) -> str:
    """A selector that a user names. Raises SetupError for what can be none (RFC 6376 §3.1)."""
    read = domain_name(given.strip())
    if read.value is None or domain_name(read.value).problem is not None:
        raise SetupError("is no selector", where=given[:100], fix="It stands as s= in the DKIM-Signature of a signed mail")
    return str(read.value)


def as_dict(check: DomainCheck) -> dict[str, Any]:
    """A check for machines: the domain, its state, and each section by its topic."""
    return {
        "domain": check.domain,
        "state": check.state.value,
        **{section.topic.value: section_facts(section) for section in check.sections},
    }


def section_facts(section: Section) -> dict[str, Any]:
    """One section for machines."""
    return {
        "state": section.state.value,
        "published": [{"name": each.name, "type": each.kind, "text": each.text} for each in section.published],
        "meaning": list(section.meaning),
        "findings": [finding_facts(finding) for finding in section.findings],
        "could_not_check": list(section.unknown),
        "questions": [
            {"name": each.question.name, "type": each.question.kind, "outcome": each.outcome.value, "records": list(each.records)}
            for each in section.evidence
        ],
    }


def finding_facts(finding: Finding) -> dict[str, str]:
    """One finding for machines."""
    problem = finding.problem
    return {
        "severity": problem.severity.value,
        "code": problem.code,
        "name": finding.where,
        "what": problem.what,
        "section": problem.section,
        "fix": problem.fix,
        "publish": finding.publish,
    }
