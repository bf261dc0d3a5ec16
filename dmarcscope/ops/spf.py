"""Evaluate SPF for an address and a domain, as a receiver would now."""

from ipaddress import ip_address

from dmarcscope.errors import SetupError
from dmarcscope.lookup.asking import Resolver
from dmarcscope.lookup.spf import check_host
from dmarcscope.model.spf_check import SpfCheck


async def evaluate_spf(resolver: Resolver, address: str, domain: str, *, sender: str = "", helo: str = "") -> SpfCheck:
    """The SPF result for an address that sends as a domain, with everything it rests on.

    ``sender`` is the MAIL FROM address (postmaster at the domain if empty), ``helo`` the name that the client gives (the domain if
    empty); both only matter to macros. Raises SetupError for what is no address; whatever the DNS holds is a value.
    """
    try:
        ip = ip_address(address.strip())
    except ValueError as error:
        raise SetupError("is no IP address", where=address[:100], fix="Write it as 192.0.2.1 or 2001:db8::1") from error
    name = domain.strip()
    if not name:
        raise SetupError("there is no domain", fix="Name the domain of the sender's address")
    return await check_host(resolver, ip, name, sender or f"postmaster@{name}", helo or name)
