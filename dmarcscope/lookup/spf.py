"""Evaluate SPF: may this address send as this domain, and why (RFC 7208 §2.4–§2.6, §4, §5, §6).

Facts: one evaluation asks at most 10 look-up terms, of which an ``mx`` or the client's reverse name costs up to 10 hosts more, and
at most three questions that find nothing; see ``spf_inquiry``. No text of a record, however hostile, is worked on more than
once per term that leads to it. «Could not ask» is temperror and never «not there».
Strategy: every function returns None (no match), a ``Match``, or an ``Ending`` that ends the evaluation.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address

from dmarcscope.lookup.asking import Resolver
from dmarcscope.lookup.spf_inquiry import Ending, Inquiry, of, shown, unanswered
from dmarcscope.lookup.spf_macros import UNKNOWN, Scope, asked_name, explanation, identity, is_name, is_sending_domain, target_name, uses
from dmarcscope.lookup.spf_visit import Mark, Plan, Visit, counts, deciding, node, open_path, planned
from dmarcscope.model.answer import Answer, Outcome
from dmarcscope.model.spf_check import SpfCheck, SpfLimits, SpfStep
from dmarcscope.model.spf_record import Directive, MacroString, Mechanism, Modifier, SyntaxProblem
from dmarcscope.model.words import SpfResult
from dmarcscope.parse.macro_string import explain_string
from dmarcscope.parse.spf_meant import RECORD
from dmarcscope.parse.values import a_labels

QUALIFIERS = {"+": SpfResult.PASS, "-": SpfResult.FAIL, "~": SpfResult.SOFTFAIL, "?": SpfResult.NEUTRAL}

RFC_LIMITS = SpfLimits()


@dataclass(frozen=True, slots=True)
class Match:
    """A term matches; ``path`` and ``reason`` tell what did below it, for an include."""

    path: tuple[SpfStep, ...] = ()
    reason: str = ""


MATCH = Match()

Found = Match | Ending | None


async def check_host(
    resolver: Resolver,
    ip: IPv4Address | IPv6Address,
    domain: str,
    sender: str,
    helo: str,
    *,
    limits: SpfLimits = RFC_LIMITS,
    receiver: str = UNKNOWN,
    now: datetime | None = None,
) -> SpfCheck:
    """Whether ``ip`` may send as ``domain``, with everything that this rests on (RFC 7208 §4).

    ``sender`` is the MAIL FROM address; empty for a bounce, which stands for postmaster at the HELO name. ``domain`` is then that
    name, else the sender's. ``receiver`` and ``now`` are for the macros r and t of an explanation. Returns a result for whatever
    the DNS holds and raises nothing; it takes at most ``limits.seconds``, and must run in an asyncio event loop.
    """
    who = identity(ip, sender, helo, receiver=receiver, now=now)
    inquiry = Inquiry(resolver, who, limits)
    root = Visit(plain_domain(domain), (0, 0))
    deadline = asyncio.get_running_loop().time() + limits.seconds
    try:
        async with asyncio.timeout_at(deadline):
            ending = await evaluate(inquiry, root, SpfStep(root.domain, ""))
    except TimeoutError:
        # RFC 7208 §4.6.4: what takes longer than the limit is a temporary error.
        ending = Ending(SpfResult.TEMPERROR, f"the evaluation of {shown(root.domain)} took over {limits.seconds:g} s", open_path(root))
    now_spent = counts(inquiry)
    text = ""
    if ending.result is SpfResult.FAIL:
        inquiry.settled = True
        text = await explained_by(inquiry, deciding(root), deadline)
    return SpfCheck(
        domain=root.domain,
        result=ending.result,
        reason=ending.reason,
        matched=ending.matched,
        path=ending.path,
        explanation=text,
        questions=tuple(inquiry.questions),
        lookups=inquiry.lookups,
        void_lookups=inquiry.voids,
        tree=node(root, now_spent),
    )


def plain_domain(domain: str) -> str:
    """A domain as it is asked for: lower-case A-labels without the final dot (RFC 7208 §4.3); what is no name stays as it is.

    >>> plain_domain("Bücher.Example.")
    'xn--bcher-kva.example'
    """
    name = domain.removesuffix(".")
    if not name.isascii() and len(name) <= 253:
        name = a_labels(name) or name
    return name.lower()


async def evaluate(inquiry: Inquiry, visit: Visit, asker: SpfStep) -> Ending:
    """``check_host()`` for the domain of a visit; ``asker`` is the term that leads to it."""
    plan = await load(inquiry, visit, asker)
    ending = plan if isinstance(plan, Ending) else await run(inquiry, visit, plan)
    visit.ending, visit.until = ending, counts(inquiry)
    return ending


async def load(inquiry: Inquiry, visit: Visit, asker: SpfStep) -> Plan | Ending:
    """The record of a domain (RFC 7208 §4.3–§4.5), read; the ending if there is none to evaluate."""
    # RFC 7208 §4.3: a malformed domain, or one of a single label, has the result none.
    if not is_sending_domain(visit.domain):
        return Ending(SpfResult.NONE, f"{shown(visit.domain)} is no domain name that can have an SPF record")
    answer = await inquiry.ask(asked_name(visit.domain), "TXT", asker)
    # RFC 7208 §4.4: any error but NXDOMAIN, and no answer in time, are a temporary error.
    if not answer.outcome.is_told:
        return unanswered(answer, asker)
    # The first question is no term's, and so neither a look-up nor a void one.
    if asker.term and (ending := inquiry.void(answer, asker)) is not None:
        return ending
    return chosen(visit, answer)


def chosen(visit: Visit, answer: Answer) -> Plan | Ending:
    """The one SPF record in an answer, read."""
    candidates = [text for text in answer.records if RECORD.match(text)]
    # RFC 7208 §4.5: no record is none, several are a permanent error.
    if not candidates:
        there = "does not exist" if answer.outcome is Outcome.NXDOMAIN else "has no SPF record"
        return Ending(SpfResult.NONE, f"{shown(visit.domain)} {there}")
    if len(candidates) > 1:
        return Ending(SpfResult.PERMERROR, f"{shown(visit.domain)} has {len(candidates)} SPF records")
    visit.plan = planned(candidates[0])
    error = visit.plan.record.error
    # RFC 7208 §4.6: a syntax error anywhere in the record is a permanent error before anything is evaluated.
    if error is not None:
        return Ending(SpfResult.PERMERROR, f"the record of {shown(visit.domain)} cannot be read: {error.what}")
    return visit.plan


async def run(inquiry: Inquiry, visit: Visit, plan: Plan) -> Ending:
    """Evaluates the terms of a record from left to right (RFC 7208 §4.6.2)."""
    version, number = inquiry.version, inquiry.number
    for trial in plan.trials:
        visit.at = trial.place
        if trial.asks:
            found = await asked(inquiry, visit, trial.place, trial.term)
        elif trial.version:
            # RFC 7208 §5.6: ip4 and ip6 match if the client's address is in their network.
            found = MATCH if trial.version == version and number >> trial.shift == trial.prefix else None
        else:
            # RFC 7208 §5.1: all always matches.
            found = MATCH
        if found is not None:
            return concluded(inquiry, visit, trial.term, found)
    # RFC 7208 §6.1: redirect is for when no mechanism matched; all always does.
    if plan.redirect is not None:
        return await redirected(inquiry, visit, *plan.redirect)
    visit.at = len(plan.passed)
    # RFC 7208 §4.7: the result is neutral when nothing matches.
    return Ending(SpfResult.NEUTRAL, f"no term of {visit.domain} matches {inquiry.address}")


def concluded(inquiry: Inquiry, visit: Visit, term: Directive, found: Match | Ending) -> Ending:
    """The ending of a record, of which a term matched or failed."""
    step = SpfStep(visit.domain, term.text)
    path = (step, *found.path)
    if isinstance(found, Ending):
        return Ending(found.result, found.reason, path)
    below = f", since {found.reason}" if found.reason else ""
    return Ending(QUALIFIERS[term.qualifier], f"{inquiry.address} matches {of(step)}{below}", path, path[-1].term)


async def asked(inquiry: Inquiry, visit: Visit, place: int, term: Directive) -> Found:
    """A mechanism that asks the DNS: it is counted, its target is made, and then it is tested."""
    mark = visit.marks[place] = Mark(term.text, counts(inquiry))
    asker = SpfStep(visit.domain, term.text)
    found: Found = inquiry.count(asker)
    if found is None:
        # RFC 7208 §4.8: without a domain-spec the target is the domain itself.
        target = await target_of(inquiry, visit, term.domain, asker)
        if isinstance(target, Ending):
            found = target
        else:
            found = await MECHANISMS[term.mechanism](inquiry, term, Target(target, asker, mark, visit.depth))
    mark.until = counts(inquiry)
    return found


async def target_of(inquiry: Inquiry, visit: Visit, spec: MacroString | None, asker: SpfStep) -> str | Ending:
    """The name that a term is about."""
    if spec is None:
        return visit.domain
    validated = await inquiry.validated_name(visit.domain, asker) if uses(spec, "p") else UNKNOWN
    return validated if isinstance(validated, Ending) else target_name(spec, Scope(inquiry.who, visit.domain, validated))


@dataclass(frozen=True, slots=True)
class Target:
    """The name that a term is about, the term, where its visit is noted, and how many records lead to the term's."""

    name: str
    asker: SpfStep
    mark: Mark
    depth: int


async def of_include(inquiry: Inquiry, _: Directive, target: Target) -> Found:
    """``include`` matches if the record of its target passes (RFC 7208 §5.2)."""
    ending = await below(inquiry, target)
    if ending.result is SpfResult.PASS:
        return Match(ending.path, ending.reason)
    # RFC 7208 §5.2: fail, softfail and neutral are no match; an error is an error here, and none is a permanent one.
    if ending.result in (SpfResult.TEMPERROR, SpfResult.PERMERROR):
        return Ending(ending.result, ending.reason, ending.path)
    return missing(ending, target.asker) if ending.result is SpfResult.NONE else None


async def redirected(inquiry: Inquiry, visit: Visit, place: int, term: Modifier) -> Ending:
    """``redirect``: the result is that of its target (RFC 7208 §6.1)."""
    visit.at = place
    mark = visit.redirected = visit.marks[place] = Mark(term.text, counts(inquiry))
    asker = SpfStep(visit.domain, term.text)
    ending = inquiry.count(asker)
    if ending is None:
        target = await target_of(inquiry, visit, term.value, asker)
        ending = target if isinstance(target, Ending) else await below(inquiry, Target(target, asker, mark, visit.depth))
    # RFC 7208 §6.1: no record there, or a malformed target, is a permanent error.
    if ending.result is SpfResult.NONE:
        ending = missing(ending, asker)
    mark.until = counts(inquiry)
    return Ending(ending.result, ending.reason, (asker, *ending.path), ending.matched)


async def below(inquiry: Inquiry, target: Target) -> Ending:
    """The ending of the record that a term leads to."""
    if target.depth >= inquiry.limits.depth:
        return Ending(SpfResult.PERMERROR, f"{of(target.asker)} is nested more than {inquiry.limits.depth} records deep")
    # The term's own look-up counts where the term stands.
    target.mark.below = Visit(target.name.lower(), counts(inquiry), target.depth + 1)
    return await evaluate(inquiry, target.mark.below, target.asker)


def missing(ending: Ending, asker: SpfStep) -> Ending:
    """The ending for a term that leads to no record."""
    return Ending(SpfResult.PERMERROR, f"{of(asker)} leads nowhere: {ending.reason}", ending.path)


async def of_a(inquiry: Inquiry, term: Directive, target: Target) -> Found:
    """``a`` matches if one of the addresses of its target is the client's (RFC 7208 §5.3)."""
    # RFC 7208 §4.3, §4.8: a target that is no name does not exist.
    return await host(inquiry, term, asked_name(target.name), target.asker) if is_name(target.name) else None


async def host(inquiry: Inquiry, term: Directive, name: str, asker: SpfStep) -> Found:
    """Whether an address of a host is within the client's network, or the client's own."""
    answer = await inquiry.told(name, inquiry.host_kind, asker)
    if isinstance(answer, Ending):
        return answer
    drop = 32 - term.cidr4 if inquiry.version == 4 else 128 - term.cidr6
    network = inquiry.number >> drop
    return MATCH if any(number(record) >> drop == network for record in answer.records) else None


def number(address: str) -> int:
    """An address as a number (inet_pton is several times faster than ipaddress)."""
    return int.from_bytes(socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address))


async def of_mx(inquiry: Inquiry, term: Directive, target: Target) -> Found:
    """``mx`` matches if an address of a host that takes mail for its target is the client's (RFC 7208 §5.4)."""
    if not is_name(target.name):
        return None
    answer = await inquiry.told(asked_name(target.name), "MX", target.asker)
    if isinstance(answer, Ending):
        return answer
    # RFC 7505 §3: the root as a mail host means that there is none.
    hosts = [name for name in (record.rpartition(" ")[2].removesuffix(".") for record in answer.records) if name]
    # RFC 7208 §4.6.4: more than ten hosts are a permanent error; whatever order they come in, so the result does not depend on it.
    if len(hosts) > inquiry.limits.mx_names:
        what = f"{of(target.asker)}: {shown(target.name)} has {len(hosts)} mail hosts of at most {inquiry.limits.mx_names}"
        return Ending(SpfResult.PERMERROR, what)
    for name in hosts:
        # RFC 7208 §5.4: a target without MX records is not taken for its own mail host.
        found = await host(inquiry, term, name, target.asker)
        if found is not None:
            return found
    return None


async def of_ptr(inquiry: Inquiry, _: Directive, target: Target) -> Found:
    """``ptr`` matches if a name of the client, valid both ways, is its target or under it (RFC 7208 §5.5)."""
    if not is_name(target.name):
        return None
    names = await inquiry.client_names(target.asker)
    if isinstance(names, Ending):
        return names
    domain = asked_name(target.name)
    # RFC 7208 §5.5 validates all names first; those that are elsewhere cannot match, so they are not asked for.
    for name in names:
        if name == domain or name.endswith(f".{domain}"):
            valid = await inquiry.is_validated(name, target.asker)
            if valid:
                return valid if isinstance(valid, Ending) else MATCH
    return None


async def of_exists(inquiry: Inquiry, _: Directive, target: Target) -> Found:
    """``exists`` matches if its target has an A record, whatever it is, also for IPv6 clients (RFC 7208 §5.7)."""
    if not is_name(target.name):
        return None
    answer = await inquiry.told(asked_name(target.name), "A", target.asker)
    if isinstance(answer, Ending):
        return answer
    return MATCH if answer.records else None


MECHANISMS: dict[Mechanism, Callable[[Inquiry, Directive, Target], Awaitable[Found]]] = {
    Mechanism.INCLUDE: of_include,
    Mechanism.A: of_a,
    Mechanism.MX: of_mx,
    Mechanism.PTR: of_ptr,
    Mechanism.EXISTS: of_exists,
}


async def explained_by(inquiry: Inquiry, visit: Visit, deadline: float) -> str:
    """The owner's explanation of a fail, in the time that is left; empty if there is none."""
    try:
        async with asyncio.timeout_at(deadline):
            return await explain(inquiry, visit)
    except TimeoutError:
        return ""


async def explain(inquiry: Inquiry, visit: Visit) -> str:
    """The text that ``exp`` leads to (RFC 7208 §6.2)."""
    # RFC 7208 §6.2: of the record that gave the result; neither of an included one nor of one that redirects.
    exp = visit.plan.record.modifier("exp") if visit.plan else None
    if exp is None:
        return ""
    asker = SpfStep(visit.domain, exp.text)
    target = await target_of(inquiry, visit, exp.value, asker)
    if isinstance(target, Ending) or not is_name(target):
        return ""
    answer = await inquiry.ask(asked_name(target), "TXT", asker)
    # RFC 7208 §6.2: any error, no record, several, or a syntax error in it, and there is no explanation.
    if len(answer.records) != 1:
        return ""
    spec = explain_string(answer.records[0])
    if isinstance(spec, SyntaxProblem):
        return ""
    validated = await inquiry.validated_name(visit.domain, asker) if uses(spec, "p") else UNKNOWN
    return "" if isinstance(validated, Ending) else explanation(spec, Scope(inquiry.who, visit.domain, validated))
