"""Look up where a domain receives mail, and what it publishes about encryption, its reports, and its logo.

Only the DNS is asked, unless a policy file is asked for as well (RFC 8461 §3.3; see ``policy_file``).
"""

from dmarcscope.lookup.asking import Resolver, ask_all
from dmarcscope.lookup.policy_file import fetch_policy, policy_host
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.domain_facts import MailFacts, MailHost
from dmarcscope.parse.mta_sts import sts_records
from dmarcscope.parse.mx_record import mx_records

MAX_HOSTS = 20
"""Mail servers that are asked about; the largest providers have seven."""
ADDRESSES = ("A", "AAAA")


async def mail_facts(resolver: Resolver, domain: str, *, https: bool = False) -> MailFacts:
    """Everything to know about mail to a domain (a lower-case A-label name); ``https`` fetches its MTA-STS policy, too."""
    names = [(domain, "MX"), (f"_mta-sts.{domain}", "TXT"), (f"_smtp._tls.{domain}", "TXT"), (f"default._bimi.{domain}", "TXT")]
    names += [(domain, kind) for kind in ADDRESSES]
    mx, sts, tls_rpt, bimi, *addresses = await ask_all(resolver, [Question(*name) for name in names])
    hosts, asked = await mail_hosts(resolver, mx)
    sts_host: list[Answer] = []
    policy = None
    if sts_records(sts.records).text is not None:
        sts_host = await ask_all(resolver, [Question(policy_host(domain), kind) for kind in ADDRESSES])
        if https:
            policy = await fetch_policy(domain, [record for answer in sts_host for record in answer.records])
    return MailFacts(domain, mx, hosts, tuple(addresses), sts, tuple(sts_host), policy, tls_rpt, bimi, tuple(asked))


async def mail_hosts(resolver: Resolver, mx: Answer) -> tuple[tuple[MailHost, ...], list[Answer]]:
    """The hosts of an MX answer with their addresses, and what was asked."""
    named = mx_records(mx.records).hosts[:MAX_HOSTS]
    answers = await ask_all(resolver, [Question(name, kind) for _, name in named for kind in ADDRESSES])
    pairs = zip(answers[::2], answers[1::2], strict=True)
    return tuple(mail_host(*host, *pair) for host, pair in zip(named, pairs, strict=True)), answers


def mail_host(preference: int, name: str, v4: Answer, v6: Answer) -> MailHost:
    """One host: found if it has any address, and not told if one of the questions was not."""
    addresses = (*v4.records, *v6.records)
    outcome = Outcome.FOUND if addresses else next((each.outcome for each in (v4, v6) if not each.outcome.is_told), v4.outcome)
    return MailHost(preference, name, addresses, outcome, bool(v4.aliases or v6.aliases))
