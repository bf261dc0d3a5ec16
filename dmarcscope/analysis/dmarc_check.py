"""What the DMARC records of a domain come to: which applies, what it asks, whether reports arrive (RFC 9989 §4.7, §4.10; RFC 9990 §4)."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from dmarcscope.align.policy import applied_policy
from dmarcscope.align.tree_walk import dmarc_name
from dmarcscope.analysis.findings import WORDS, findings_of, listing, of_choice
from dmarcscope.model.answer import Outcome
from dmarcscope.model.discovery import AppliedPolicy, Discovery, Existence, Step, Where
from dmarcscope.model.dmarc_record import Alignment, DmarcRecord, Standing
from dmarcscope.model.domain_check import DmarcSection, Finding, Published, Topic
from dmarcscope.model.domain_facts import Consent, Destination, DmarcFacts
from dmarcscope.model.problem import Problem, Severity
from dmarcscope.model.words import Policy
from dmarcscope.parse.dmarc_record import dmarc_record
from dmarcscope.parse.mending import OPTIONAL, mended_dmarc
from dmarcscope.parse.zone_line import txt_line

SECTION = "RFC 9989 §4.10.1"
CONSENT = "RFC 9990 §4"
ASKS = {Policy.NONE: "delivered all the same", Policy.QUARANTINE: "treated as suspicious", Policy.REJECT: "refused"}

Policies = tuple[tuple[str, AppliedPolicy], ...]


def dmarc_section(facts: DmarcFacts) -> DmarcSection:
    """DMARC of a domain, judged."""
    policies = policies_of(facts)
    return DmarcSection(
        Topic.DMARC,
        published(facts),
        tuple(meaning(facts, policies)),
        tuple(findings(facts, policies)),
        tuple(unknown(facts)),
        facts.answers,
        facts.discovery,
        policies,
        facts.destinations,
    )


def policies_of(facts: DmarcFacts) -> Policies:
    """What is asked for the domain, and for names below it that have no record of their own."""
    found = facts.discovery
    below = replace(found, author_domain=f"*.{facts.domain}")
    return (
        (facts.domain, applied_policy(found, facts.existing)),
        ("its subdomains", applied_policy(below, Existence.EXISTS)),
        ("names below it that do not exist", applied_policy(below, Existence.MISSING)),
    )


def published(facts: DmarcFacts) -> tuple[Published, ...]:
    """Every DMARC record that was met."""
    records = {answer.question.name: answer.records for answer in facts.answers}
    return tuple(
        Published(dmarc_name(name), "TXT", text)
        for name, choice in facts.choices
        for text in (records[dmarc_name(name)] if choice.problems else choice.candidates)
    )


def meaning(facts: DmarcFacts, policies: Policies) -> Iterator[str]:
    """What it all comes to, in sentences."""
    found = facts.discovery
    if found.record is not None:
        yield f"Which record: {found.why}."
    yield f"Looked for at {way(found)}."
    if found.where is Where.NOWHERE:
        yield f"Without a record, DMARC does not apply: anybody may write as {facts.domain}, and nobody reports it."
    yield from asked_for(policies)
    record = found.record
    if record is None:
        return
    strict = [name for name, mode in (("DKIM", record.adkim), ("SPF", record.aspf)) if mode is Alignment.STRICT]
    if strict:
        yield f"For {' and '.join(strict)} only exactly the author domain counts (strict alignment), no other name of the same owner."
    yield from reported(record, facts.destinations)


def way(found: Discovery) -> str:
    """The names of the walk and what was at each."""
    return ", then ".join(f"{dmarc_name(step.domain)} ({at(step)})" for step in found.steps)


def at(step: Step) -> str:
    """What was at a name."""
    if step.record is not None:
        return "a record"
    return "no DMARC record of use" if step.outcome is Outcome.FOUND else WORDS[step.outcome]


def asked_for(policies: Policies) -> Iterator[str]:
    """What is asked of receivers; those for whom the same is asked in one sentence."""
    groups: dict[tuple[Policy, Policy | None], list[tuple[str, str | None]]] = {}
    for who, applied in policies:
        if applied.policy is not None:
            groups.setdefault((applied.policy, applied.tested), []).append((who, applied.tag))
    for (policy, tested), asked in groups.items():
        tags = listing(dict.fromkeys(f"{tag}={policy}" for _, tag in asked if tag))
        who = listing(name for name, _ in asked)
        test = f", but in test mode (t=y) only {ASKS[tested]}" if tested is not None and tested is not policy else ""
        yield f"Mail from {who}, if it fails DMARC, is to be {ASKS[policy]}{f' ({tags})' if tags else ''}{test}."


def reported(record: DmarcRecord, destinations: Iterable[Destination]) -> Iterator[str]:
    """Who is told."""
    every = list(destinations)
    for tag, uris, what in (("rua", record.rua, "Reports"), ("ruf", record.ruf, "Reports on single messages that failed")):
        good = [uri for uri in uris if uri.is_deliverable]
        if good:
            yield f"{what} go to {listing(uri.address for uri in good)} ({tag})."
    given = [each for each in every if each.consent in (Consent.GIVEN, Consent.GIVEN_TO_ALL)]
    if given:
        yield f"{listing(each.host for each in given)} agreed to be sent reports about it."


def findings(facts: DmarcFacts, policies: Policies) -> Iterator[Finding]:
    """Everything to mend, and what is worth knowing."""
    yield from at_names(facts)
    yield from of_record(facts)
    found = facts.discovery
    name = dmarc_name(facts.domain)
    broken = any(choice.problems for at, choice in facts.choices if at == facts.domain)
    if found.where is Where.NOWHERE and not broken:
        start = f"v=DMARC1; p=none; rua=mailto:dmarc@{facts.domain}"
        what = f"neither {facts.domain} nor a name above it has a DMARC record: begin with one that only asks for reports"
        yield Finding(Problem(Severity.ERROR, "no-dmarc", what, SECTION, start), name, txt_line(name, start))
    if facts.existing is Existence.MISSING:
        what = f"the DNS knows no name {facts.domain}; is it written rightly?"
        yield Finding(Problem(Severity.WARNING, "no-such-domain", what, "RFC 9989 §3.2.13"), facts.domain)
    if found.where is Where.PUBLIC_SUFFIX:
        what = f"the record is that of the public suffix {found.policy_domain}, which whoever runs that decides about; publish your own"
        yield Finding(Problem(Severity.WARNING, "only-public-suffix", what, SECTION), name)
    own = policies[0][1]
    if found.record is not None and found.record.standing is Standing.IN_FORCE and own.policy is Policy.NONE:
        what = (
            "nothing is asked for mail that fails; once reports show that your own mail passes, «quarantine» and then «reject» protect you"
        )
        yield Finding(Problem(Severity.NOTE, "only-watching", what, "RFC 9989 §5.1"), dmarc_name(found.policy_domain or facts.domain))
    for destination in facts.destinations:
        yield from of_destination(destination, found.policy_domain or facts.domain)
    if facts.left_out:
        what = f"{facts.left_out} more hosts are named to report to, which were not looked at"
        yield Finding(Problem(Severity.NOTE, "many-destinations", what, CONSENT), dmarc_name(found.policy_domain or facts.domain))


def at_names(facts: DmarcFacts) -> Iterator[Finding]:
    """Several records, or such as nearly are some, at the domain and up to whose record applies."""
    for name, choice in facts.choices:
        for finding in of_choice(choice.problems, dmarc_name(name), "v=DMARC1"):
            # What is put together anew may have slips of its own.
            better = mended_dmarc(finding.problem.fix, dmarc_record(finding.problem.fix).problems) if finding.publish else ""
            yield replace(finding, publish=txt_line(finding.where, better)) if better else finding
        # What stands above the owner's own domains is nobody's business here.
        if name in (facts.discovery.policy_domain, facts.discovery.organizational.domain):
            return


def of_record(facts: DmarcFacts) -> Iterator[Finding]:
    """What is wrong with the record that applies."""
    found = facts.discovery
    if found.record is None or found.policy_domain is None or found.where is Where.PUBLIC_SUFFIX:
        return
    name, domain, text = dmarc_name(found.policy_domain), found.policy_domain, found.record.text
    problems = [
        replace(problem, fix=f"rua=mailto:dmarc@{domain}") if problem.code == "no-rua" else problem for problem in found.record.problems
    ]
    mended = mended_dmarc(text, problems)
    for finding in findings_of(problems, name, mended, lambda better: dmarc_record(better).problems):
        if finding.problem.code in OPTIONAL and finding.problem.severity is not Severity.NOTE:
            alone = mended_dmarc(text, problems, finding.problem)
            yield replace(finding, publish=txt_line(name, alone) if alone else "")
        else:
            yield finding


def of_destination(destination: Destination, domain: str) -> Iterator[Finding]:
    """Why reports may not arrive at a host."""
    tags = {tag for tag, _ in destination.uris}
    severity = Severity.ERROR if "rua" in tags else Severity.WARNING
    section = CONSENT if "rua" in tags else "RFC 9991 §5"
    who = listing(uri.address for _, uri in destination.uris)
    if destination.consent is Consent.MISSING:
        what = (
            f"no reports are sent to {who}: {destination.host} belongs to another owner and has not agreed ({destination.why}); "
            f"whoever runs {destination.host} has to publish this"
        )
        line = "" if len(destination.name) > 253 else txt_line(destination.name, "v=DMARC1")
        yield Finding(Problem(severity, "reports-not-authorised", what, section, "v=DMARC1"), destination.name, line)
    if destination.consent is Consent.ELSEWHERE:
        what = f"no reports are sent to {who}: {destination.why}; whoever runs {destination.host} has to mend this"
        yield Finding(
            Problem(severity, "reports-redirected", what, section, "v=DMARC1"), destination.name, txt_line(destination.name, "v=DMARC1")
        )
    elif destination.overrides:
        what = f"{destination.host} has reports about {domain} sent to {listing(uri.address for uri in destination.overrides)} instead"
        yield Finding(Problem(Severity.NOTE, "reports-overridden", what, section), destination.name)
    if destination.takes_mail is False:
        what = f"no report reaches {who}: {destination.host} has no mail server and no address"
        yield Finding(Problem(severity, "reports-no-mail-host", what, "RFC 5321 §5.1"), destination.host)


def unknown(facts: DmarcFacts) -> Iterator[str]:
    """What could not be told."""
    found = facts.discovery
    for step in found.steps:
        if not step.outcome.is_told:
            yield f"TXT records of {dmarc_name(step.domain)} could not be asked for ({detail(facts, step.domain)})"
    if found.where is Where.UNKNOWN:
        yield f"so it is not known which policy applies to {facts.domain}; that is not the same as none"
    for each in facts.destinations:
        who = listing(uri.address for _, uri in each.uris)
        if each.consent is Consent.UNKNOWN:
            yield f"whether reports are sent to {who}: {each.why}"
        if each.takes_mail is None:
            yield f"whether {each.host} takes mail could not be asked"
    if facts.existing is Existence.UNKNOWN:
        yield f"whether {facts.domain} exists could not be asked"


def detail(facts: DmarcFacts, domain: str) -> str:
    """What came of the question for the record of a domain."""
    answer = next(each for each in facts.answers if each.question.name == dmarc_name(domain))
    return f"{WORDS[answer.outcome]}: {answer.detail}" if answer.detail else WORDS[answer.outcome]
