"""The name of an address, confirmed by asking the name for its addresses (iprev, RFC 8601 §3)."""

from ipaddress import ip_address

from dmarcscope.lookup.asking import Resolver, ask_all
from dmarcscope.lookup.names import canonical
from dmarcscope.model.answer import Answer, Outcome, Question
from dmarcscope.model.source_check import Ptr, PtrResult

MAX_NAMES = 10
"""Names of one address that are asked for: a limit as RFC 8601 §3 advises; that of RFC 7208 §4.6.4."""


def reverse_name(ip: str) -> str:
    """Where the names of an address are published (RFC 1035 §3.5, RFC 3596 §2.5).

    >>> reverse_name("192.0.2.10")
    '10.2.0.192.in-addr.arpa'
    """
    return ip_address(ip).reverse_pointer


async def ptr(resolver: Resolver, ip: str) -> Ptr:
    """The names of an address (in canonical text form), and whether one of them leads back to it."""
    answer = await resolver.ask(reverse_name(ip), "PTR")
    # RFC 8601 §2.7.3: no PTR record is a permanent error, no answer a temporary one.
    if not answer.outcome.is_told:
        return Ptr(ip, PtrResult.TEMPERROR, reason=untold(answer))
    names = tuple(sorted({canonical(name) for name in answer.records if name not in {"", "."}}))
    if not names:
        return Ptr(ip, PtrResult.PERMERROR, reason=f"{ip} has no name")
    kind = "AAAA" if ":" in ip else "A"
    forward = await ask_all(resolver, [Question(name, kind) for name in names[:MAX_NAMES]])
    # RFC 8601 §3: the address is confirmed if any of the names has it.
    for name, found in zip(names, forward, strict=False):
        if ip in found.records:
            return Ptr(ip, PtrResult.PASS, name, names, f"{name} has the address {ip}")
    missing = [found for found in forward if not found.outcome.is_told and found.outcome is not Outcome.MALFORMED]
    if missing:
        return Ptr(ip, PtrResult.TEMPERROR, names[0], names, untold(missing[0]))
    return Ptr(ip, PtrResult.FAIL, names[0], names, f"{ip} has a name that does not lead back to it: {names[0]}")


def untold(answer: Answer) -> str:
    """Why an answer tells nothing."""
    return f"{answer.question.name} {answer.question.kind}: {answer.detail or answer.outcome}"
