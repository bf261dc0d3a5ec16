"""What a sender is called: by the identity that was authenticated, by the host's name, by its network, or by nothing."""

from collections.abc import Mapping

from dmarcscope.align.alignment import OrganizationalOf
from dmarcscope.analysis.evidence import Identities, Key
from dmarcscope.analysis.hosts import SHARED, Host
from dmarcscope.analysis.matching import Services
from dmarcscope.analysis.rules import Case
from dmarcscope.model.evidence import Authorised
from dmarcscope.model.sender import Kind, Sender
from dmarcscope.model.verdict import LEGITIMATE, YOURS, Hint, SenderClass

NAMELESS = "hosts without a name"
NOT_LOOKED_UP = "hosts not looked up"
OWN_HOSTS = "your own hosts"
WORKSPACE = "gappssmtp.com"
MICROSOFT = "onmicrosoft.com"
"""Google signs as <domain with - for .>.<date>.gappssmtp.com for a domain that has made no key of its own; Microsoft as
<account>.onmicrosoft.com, where the account is called like the domain as a rule."""


def service_hints(who: Identities, known: Services, targets: Mapping[Key, Sender], via: Authorised | None) -> list[tuple[Sender, Hint]]:
    """The services that authenticated identities name, the most telling first."""
    found: list[tuple[Sender, Hint]] = []
    for domain, selector in who.own_passed:
        service = targets.get((domain, selector))
        if service is not None:
            found.append((service, Hint("selector", f"{selector}._domainkey.{domain}", service.name)))
    for domain, _ in who.other_passed:
        service = known.dkim.find(domain)
        if service is not None:
            found.append((service, Hint("DKIM", domain, service.name)))
    service = known.envelope.find(who.spf_other)
    if service is not None:
        found.append((service, Hint("SPF", who.spf_other or "", service.name)))
    for include in via.includes if via else ():
        service = known.spf.find(include)
        if service is not None:
            found.append((service, Hint("SPF include", include, service.name)))
    return found


def best_service(found: list[tuple[Sender, Hint]], host: Host) -> Sender | None:
    """Of services that are named, the one whose host it is, else one that sends for customers, else the first."""
    every = [service for service, _ in found]
    for service in every:
        if service is host.service:
            return service
    return next((service for service in every if service.kind not in SHARED), every[0] if every else None)


def is_direct(who: Identities, host: Host, service: Sender, known: Services) -> bool:
    """Whether a host is a service's own: by its name, or by SPF that passes for the service or for the author; not by DKIM, which
    survives forwarding. Where neither the name nor SPF says anything of another, the service's own signature is believed.
    """
    if who.spf_other is not None and known.envelope.find(who.spf_other) is not service and service.kind in SHARED:
        return False
    if host.service is service or host.network_service is service:
        return True
    if who.spf_passed is not None:
        return who.spf_own or known.envelope.find(who.spf_passed) is service
    return host.domain is None and (who.spf_result is None or (who.spf_own and host.confirmed is None))


def is_tied(who: Identities, service: Sender, found: list[tuple[Sender, Hint]]) -> bool:
    """Whether the author's domain has made a service its sender: by a key or an include in its DNS, or by the account that signs."""
    # At a shared service, an include lets all its customers send: it ties nobody to the author.
    ties = {"selector"} if service.kind in SHARED else {"selector", "SPF include"}
    if any(one is service and hint.what in ties for one, hint in found):
        return True
    return any(is_account_of(domain, who) for domain, _ in who.other_passed)


def is_account_of(domain: str, who: Identities) -> bool:
    """Whether a domain that signs is that of the author's own account at a mailbox provider, which has no other key of the author's yet."""
    account = domain.partition(".")[0]
    if domain.endswith(f".{WORKSPACE}"):
        return account == (who.header_from or "").replace(".", "-")
    names = {squeezed(name) for name in (who.header_from or "", who.author or "", (who.author or "").partition(".")[0])}
    return domain.endswith(f".{MICROSOFT}") and squeezed(account) in names - {""}


def squeezed(name: str) -> str:
    """A name without what the name of an account may not have."""
    return "".join(letter for letter in name if letter.isalnum())


def name_of(case: Case, sender_class: SenderClass, organizational_of: OrganizationalOf) -> str:
    """What the sender of a case is called, given its class."""
    if case.listed is not None:
        return case.listed.name
    if sender_class in YOURS:
        return own_name(case, organizational_of)
    if sender_class in LEGITIMATE:
        return host_name(case.host) or identity(case.who, organizational_of) or nameless(case.host)
    return (case.service.name if case.service and case.direct else "") or stranger(case, organizational_of)


def own_name(case: Case, organizational_of: OrganizationalOf) -> str:
    """The owner's own server, or the service that sends for it."""
    host = case.host
    if case.service is not None and case.direct:
        return case.service.name
    if host.name is not None and host.domain == case.who.author:
        return f"your own server {host.name}"
    if host.service is not None:
        rented = host.service.kind in {Kind.HOSTING, Kind.CLOUD, Kind.ISP}
        return f"your own hosts at {host.service.name}" if rented else host.service.name
    return host.domain or identity(case.who, organizational_of) or (f"your own hosts at {host.network}" if host.network else OWN_HOSTS)


def stranger(case: Case, organizational_of: OrganizationalOf) -> str:
    """One of whom it is not known who it is: by whom it authenticates as, else by the host."""
    return identity(case.who, organizational_of) or host_name(case.host) or nameless(case.host)


def identity(who: Identities, organizational_of: OrganizationalOf) -> str:
    """The domain of another that was authenticated: one that both DKIM and SPF passed for, else SPF's, else the first that signed."""
    signers = [organizational_of(domain) or domain for domain, _ in who.other_passed]
    envelope = organizational_of(who.spf_other) or who.spf_other if who.spf_other else None
    return envelope or next(iter(signers), "")


def host_name(host: Host) -> str:
    """Whose host it is, by its confirmed name."""
    return (host.service.name if host.service else "") or host.domain or (host.network_service.name if host.network_service else "")


def nameless(host: Host) -> str:
    """Hosts of which no name is known."""
    if host.network:
        return f"unknown hosts at {host.network}"
    return NOT_LOOKED_UP if host.confirmed is None else NAMELESS
