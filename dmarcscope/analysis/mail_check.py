"""Where a domain receives mail, and what it says about encryption and its logo (RFC 5321 §5.1, RFC 7505, RFC 8460, RFC 8461, BIMI)."""

from collections.abc import Iterator

from dmarcscope.analysis.findings import WORDS, findings_of, listing, of_choice, untold
from dmarcscope.model.answer import Answer, Outcome
from dmarcscope.model.domain_check import Finding, Published, Section, Topic
from dmarcscope.model.domain_facts import MailFacts, MailHost
from dmarcscope.model.mta_sts import StsMode, StsPolicy
from dmarcscope.model.mx_record import MxRecords
from dmarcscope.model.problem import Problem, Severity
from dmarcscope.model.words import Policy
from dmarcscope.parse.bimi import bimi_record, bimi_records
from dmarcscope.parse.mending import mended_sts, mended_tls_rpt
from dmarcscope.parse.mta_sts import allows, sts_policy, sts_record, sts_records
from dmarcscope.parse.mx_record import mx_records
from dmarcscope.parse.tls_rpt import tls_rpt_record, tls_rpt_records
from dmarcscope.parse.zone_line import record_line, txt_line

MODES = {
    StsMode.ENFORCE: "senders that know MTA-STS deliver only encrypted, to these servers",
    StsMode.TESTING: "senders report what is wrong and deliver all the same",
    StsMode.NONE: "the policy is taken back",
}


def takes_mail(facts: MailFacts) -> bool | None:
    """Whether the domain has a place for mail: MX records that are no null MX, or an address of its own; None where that was not told."""
    if facts.mx.outcome is Outcome.FOUND:
        return bool(mx_records(facts.mx.records).hosts)
    if any(answer.outcome is Outcome.FOUND for answer in facts.addresses):
        return True
    return False if all(answer.outcome.is_told for answer in (facts.mx, *facts.addresses)) else None


def has_mx(facts: MailFacts) -> bool:
    """Whether the domain names mail servers."""
    return bool(mx_records(facts.mx.records).hosts)


def mx_section(facts: MailFacts) -> Section:
    """MX of a domain, judged."""
    records = mx_records(facts.mx.records)
    evidence = (facts.mx, *facts.addresses, *facts.asked_hosts)
    return Section(
        Topic.MX,
        tuple(Published(facts.domain, "MX", text) for text in facts.mx.records),
        (mx_meaning(facts, records),) if facts.mx.outcome.is_told else (),
        tuple(mx_findings(facts, records)),
        untold((facts.mx, *facts.asked_hosts)),
        evidence,
    )


def mx_meaning(facts: MailFacts, records: MxRecords) -> str:
    """Where mail goes."""
    if records.null:
        return f"{facts.domain} takes no mail, and says so (null MX)."
    if records.hosts:
        return f"Mail goes to {listing(name for _, name in records.hosts)}."
    if any(answer.outcome is Outcome.FOUND for answer in facts.addresses):
        # RFC 5321 §5.1: without MX records the domain itself is the mail server.
        return f"{facts.domain} has no MX records; mail is tried at its own address."
    return f"{facts.domain} has neither mail servers nor an address: it receives no mail."


def mx_findings(facts: MailFacts, records: MxRecords) -> Iterator[Finding]:
    """What keeps mail from arriving."""
    for problem in records.problems:
        yield Finding(problem, facts.domain, record_line(facts.domain, "MX", problem.fix) if problem.fix else "")
    for host in facts.hosts:
        yield from of_host(facts.domain, host)
    dead = [host for host in facts.hosts if host.outcome in (Outcome.NO_DATA, Outcome.NXDOMAIN)]
    if dead and len(dead) == len(facts.hosts):
        what = "none of the mail servers has an address: no mail arrives"
        yield Finding(Problem(Severity.ERROR, "mx-all-dead", what, "RFC 5321 §5.1"), facts.domain)


def of_host(domain: str, host: MailHost) -> Iterator[Finding]:
    """One mail server."""
    if host.outcome in (Outcome.NO_DATA, Outcome.NXDOMAIN):
        what = f"the mail server {host.name} has no address ({WORDS[host.outcome]})"
        yield Finding(Problem(Severity.ERROR, "mx-dead-host", what, "RFC 5321 §5.1"), domain)
    if host.is_alias:
        what = f"the mail server {host.name} is an alias (CNAME); MX records must name the host itself"
        yield Finding(Problem(Severity.WARNING, "mx-alias", what, "RFC 2181 §10.3"), domain)


def sts_section(facts: MailFacts, *, https: bool) -> Section:
    """MTA-STS of a domain, judged; ``https`` says whether the policy file was to be fetched."""
    choice = sts_records(facts.sts.records)
    policy = sts_policy(facts.policy_file.text) if facts.policy_file and facts.policy_file.text is not None else None
    published = [Published(facts.sts.question.name, "TXT", text) for text in choice.candidates]
    if facts.policy_file and facts.policy_file.text is not None:
        published.append(Published(facts.policy_file.url, "policy", facts.policy_file.text))
    return Section(
        Topic.MTA_STS,
        tuple(published),
        tuple(sts_meaning(facts, policy, https=https)),
        tuple(sts_findings(facts, policy)),
        tuple(sts_unknown(facts)),
        (facts.sts, *facts.sts_host),
    )


def sts_meaning(facts: MailFacts, policy: StsPolicy | None, *, https: bool) -> Iterator[str]:
    """What senders are told about encryption."""
    if facts.sts.outcome.is_told and sts_records(facts.sts.records).text is None:
        yield "There is no MTA-STS: senders may deliver mail unencrypted, or to whoever is between."
        return
    if policy is not None and policy.mode is not None:
        yield f"The policy is in mode «{policy.mode}»: {MODES[policy.mode]}."
    elif facts.sts.outcome.is_told and not https:
        yield "The policy file itself was not fetched; --https does that."


def sts_findings(facts: MailFacts, policy: StsPolicy | None) -> Iterator[Finding]:
    """What is wrong with record and policy."""
    name = facts.sts.question.name
    choice = sts_records(facts.sts.records)
    yield from of_choice(choice.problems, name, "v=STSv1")
    if choice.text is None:
        if facts.sts.outcome.is_told and not choice.problems and has_mx(facts):
            what = f"mail to {facts.domain} can be intercepted by whoever keeps its encryption from beginning; MTA-STS prevents that"
            yield Finding(Problem(Severity.NOTE, "no-mta-sts", what, "RFC 8461 §1"), name)
        return
    record = sts_record(choice.text)
    yield from findings_of(record.problems, name, mended_sts(choice.text, record.problems), lambda better: sts_record(better).problems)
    yield from sts_host_findings(facts)
    if policy is None:
        return
    url = facts.policy_file.url if facts.policy_file else ""
    yield from (Finding(problem, url) for problem in policy.problems)
    for _, host in mx_records(facts.mx.records).hosts:
        # RFC 8461 §4.1: a mail server that no mx of the policy matches is not delivered to.
        if policy.mode not in (None, StsMode.NONE) and not allows(policy, host):
            what = f"the policy does not name the mail server {host}: senders do not deliver to it"
            severity = Severity.ERROR if policy.mode is StsMode.ENFORCE else Severity.WARNING
            yield Finding(Problem(severity, "sts-mx-missing", what, "RFC 8461 §4.1", f"mx: {host}"), url, f"mx: {host}")


def sts_host_findings(facts: MailFacts) -> Iterator[Finding]:
    """The host with the policy, and the file there."""
    host = facts.sts_host[0].question.name if facts.sts_host else ""
    if facts.sts_host and all(answer.outcome.is_told and not answer.records for answer in facts.sts_host):
        what = f"{host} has no address, so nobody can fetch the policy that the record promises"
        yield Finding(Problem(Severity.ERROR, "sts-no-host", what, "RFC 8461 §3.3"), host)
    elif facts.policy_file and facts.policy_file.text is None and facts.policy_file.is_told:
        what = f"there is no policy to be had: {facts.policy_file.why}"
        yield Finding(Problem(Severity.ERROR, "sts-no-policy", what, "RFC 8461 §3.3"), facts.policy_file.url)


def sts_unknown(facts: MailFacts) -> Iterator[str]:
    """What could not be told."""
    yield from untold((facts.sts, *facts.sts_host))
    if facts.policy_file and facts.policy_file.text is None and not facts.policy_file.is_told:
        yield f"the policy at {facts.policy_file.url}: {facts.policy_file.why}"


def tls_rpt_section(facts: MailFacts) -> Section:
    """TLS-RPT of a domain, judged."""
    answer, name = facts.tls_rpt, facts.tls_rpt.question.name
    choice = tls_rpt_records(answer.records)
    found = list(of_choice(choice.problems, name, "v=TLSRPTv1"))
    meaning: tuple[str, ...] = ()
    if choice.text is not None:
        record = tls_rpt_record(choice.text)
        better = mended_tls_rpt(choice.text, record.problems)
        found += findings_of(record.problems, name, better, lambda text: tls_rpt_record(text).problems)
        if record.rua:
            meaning = (f"Reports about encryption go to {listing(uri.address or uri.text for uri in record.rua)}.",)
    elif answer.outcome.is_told:
        meaning = ("Nobody is told when mail to this domain could not be encrypted.",)
        has_sts = sts_records(facts.sts.records).text is not None
        if not found and has_mx(facts):
            start = f"v=TLSRPTv1; rua=mailto:tls-reports@{facts.domain}"
            what = (
                "MTA-STS without TLS-RPT: if it goes wrong, nobody tells you"
                if has_sts
                else "reports about encryption can be asked for here"
            )
            problem = Problem(Severity.WARNING if has_sts else Severity.NOTE, "no-tls-rpt", what, "RFC 8460 §3", start)
            found.append(Finding(problem, name, txt_line(name, start)))
    return Section(Topic.TLS_RPT, published(answer, choice.candidates), meaning, tuple(found), untold([answer]), (answer,))


def bimi_section(facts: MailFacts, policy: Policy | None) -> Section:
    """BIMI of a domain, judged; ``policy`` is what its DMARC record asks for."""
    answer, name = facts.bimi, facts.bimi.question.name
    choice = bimi_records(answer.records)
    found = list(of_choice(choice.problems, name, "v=BIMI1"))
    meaning: tuple[str, ...] = ()
    if choice.text is not None:
        record = bimi_record(choice.text)
        found += [Finding(problem, name) for problem in record.problems]
        if record.declined:
            meaning = ("The domain declines to show a logo.",)
        elif record.logo:
            meaning = (f"The logo is {record.logo}.",)
            if policy is Policy.NONE:
                # BIMI draft §7, and every mailbox provider: only with an enforcing DMARC policy.
                what = "no logo is shown while the DMARC policy is none; it must be quarantine or reject"
                found.append(Finding(Problem(Severity.WARNING, "bimi-not-enforcing", what, "BIMI draft §7"), name))
    elif answer.outcome.is_told:
        meaning = ("There is no logo; that is nothing to mend.",)
    return Section(Topic.BIMI, published(answer, choice.candidates), meaning, tuple(found), untold([answer]), (answer,))


def published(answer: Answer, texts: tuple[str, ...]) -> tuple[Published, ...]:
    """The records of one kind among those of a name."""
    return tuple(Published(answer.question.name, "TXT", text) for text in texts)
