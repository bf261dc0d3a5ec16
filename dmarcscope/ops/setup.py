"""Plan what to publish so that reports about a domain arrive at a mailbox, and tell whether it is live."""

from typing import Any

from dmarcscope.analysis.dmarc_setup import record_domain, setup_plan
from dmarcscope.errors import SetupError
from dmarcscope.lookup.asking import Resolver
from dmarcscope.lookup.dmarc import Walk, destinations_of, dmarc_facts
from dmarcscope.model.dmarc_record import DmarcRecord, Standing
from dmarcscope.model.dmarc_setup import SetupLine, SetupPlan
from dmarcscope.ops.check import plain_name
from dmarcscope.parse.adding_uri import mailto
from dmarcscope.parse.report_uri import report_uri
from dmarcscope.parse.zone_line import txt_line


async def plan_setup(resolver: Resolver, domain: str, *, rua: str, ruf: str = "") -> SetupPlan:
    """What to publish so that aggregate reports come to ``rua`` (and failure reports to ``ruf``), and what of it is live.

    The record that is there is read first, and changed as little as can be. Raises SetupError for what is no domain or address.
    """
    name = plain_name(domain)
    wanted = [("rua", uri_of(rua, "--rua"))]
    if ruf:
        wanted.append(("ruf", uri_of(ruf, "--ruf")))
    facts = await dmarc_facts(resolver, name)
    publisher = record_domain(facts)
    owner = facts.policy_owner if facts.discovery.policy_domain == publisher else (await Walk(publisher).run(resolver)).owner.domain
    uris = {tag: (report_uri(uri),) for tag, uri in wanted}
    asking = DmarcRecord("", Standing.IN_FORCE, rua=uris["rua"], ruf=uris.get("ruf", ()))
    destinations, _, _ = await destinations_of(resolver, publisher, owner, asking)
    return setup_plan(facts, wanted, destinations)


def uri_of(address: str, option: str) -> str:
    """An address as a URI. Raises SetupError for what is none."""
    uri = mailto(address)
    if not uri:
        raise SetupError(
            "is no mail address that reports can be sent to", where=f"{option} {address[:100]}", fix="Write it as dmarc@example.com"
        )
    return uri


def as_dict(plan: SetupPlan) -> dict[str, Any]:
    """A plan for machines."""
    return {
        "domain": plan.domain,
        "state": plan.state.value,
        "publish": [line_facts(line) for line in plan.lines],
        "instead": line_facts(plan.instead) if plan.instead else None,
        "why": list(plan.why),
        "could_not_ask": list(plan.unknown),
    }


def line_facts(line: SetupLine) -> dict[str, Any]:
    """One line for machines."""
    return {
        "name": line.name,
        "type": "TXT",
        "value": line.text,
        "zone_line": txt_line(line.name, line.text),
        "in_the_dns_of": line.owner,
        "before": line.before,
        "live": line.is_live,
    }
