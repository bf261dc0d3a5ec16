"""Whose host a source is: by its confirmed name, its network, or, for want of both, its part of the address space."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Network
from typing import Any, NamedTuple

from dmarcscope.align.alignment import OrganizationalOf
from dmarcscope.analysis.evidence import is_list_name
from dmarcscope.analysis.matching import Listed, Services
from dmarcscope.model.evidence import Authorised, Source
from dmarcscope.model.network import Network
from dmarcscope.model.owner_list import ListedSender
from dmarcscope.model.sender import Kind, Sender
from dmarcscope.model.verdict import Hint

SHARED = frozenset({Kind.MAILBOX_PROVIDER, Kind.SECURITY_GATEWAY, Kind.HOSTING, Kind.CLOUD, Kind.ISP, Kind.EDUCATION})
"""Kinds of services on whose hosts anybody's mail is met, sent or passed on: that a host is theirs does not say whose mail it is."""

RENTED = frozenset({Kind.HOSTING, Kind.CLOUD, Kind.ISP})
"""Kinds of services whose hosts are run by whoever rents them: two of them have nothing to do with each other."""


@dataclass(frozen=True, slots=True, eq=False)
class Host:
    """A source as the rules see it. Sources that are alike share one: hosts are compared by identity.

    ``domain`` is the organizational domain of the confirmed PTR name, ``unconfirmed`` that of one which does not lead back; ``confirmed``
    is None where nobody asked. ``name`` is told of hosts below an author's domain only: it would make every stranger's host another.
    ``is_generic``: the name spells the address, as operators name hosts that nobody has named.
    """

    domain: str | None = None
    confirmed: bool | None = None
    unconfirmed: str | None = None
    name: str | None = None
    service: Sender | None = None
    network: str | None = None
    network_service: Sender | None = None
    country: str = ""
    listed: ListedSender | None = None
    is_list: bool = False
    is_generic: bool = False
    authorised_by: tuple[tuple[str, Authorised], ...] = ()

    @property
    def is_nameless(self) -> bool:
        """Whether nobody has given it a name: it has none, or one that spells its address."""
        return self.is_generic or (self.confirmed is False and self.unconfirmed is None)

    @property
    def is_rented(self) -> bool:
        """Whether it says nothing of a host that another is of the same operator."""
        return self.is_generic or (self.service is not None and self.service.kind in RENTED)

    @property
    def is_shared(self) -> bool:
        """Whether anybody's mail is met on it."""
        return self.service is not None and self.service.kind in SHARED

    def hints(self) -> tuple[Hint, ...]:
        """What speaks for whose it is."""
        found = []
        if self.domain:
            found.append(Hint("PTR", self.name or self.domain, self.service.name if self.service else self.domain))
        if self.unconfirmed:
            found.append(Hint("PTR, not confirmed", self.unconfirmed, self.unconfirmed))
        if self.network:
            found.append(Hint("network", self.network, self.network_service.name if self.network_service else self.network))
        return tuple(found)


NUMBERS = re.compile(r"[0-9]+")
HEXADECIMAL = re.compile(r"(?<![a-z0-9])(?:[0-9a-f]{1,4}[-.]){5,}|[0-9a-f]{16,}")
"""Five groups of hexadecimal digits, or sixteen digits of one."""


class Place(NamedTuple):
    """Where a source stands: its host, and the ``group`` that tells the hosts of one operator from those of others."""

    group: str
    host: Host


NOBODY = Host()
"""A host of which nothing is known."""


class Hosts:
    """Finds the places of sources; ``authors`` are the organizational domains of authors."""

    def __init__(self, known: Services, listed: Listed, organizational_of: OrganizationalOf, authors: Collection[str]) -> None:
        self._known = known
        self._listed = listed
        self._organizational_of = organizational_of
        self._authors = authors
        self._made: dict[tuple[Any, ...], Host] = {}

    def unknown(self, ip: str | None) -> Place:
        """The place of an address of which nothing is known."""
        listed = self._listed.of_address(ip)
        return Place(neighbourhood(ip), NOBODY if listed is None else self._made.setdefault((id(listed),), Host(listed=listed)))

    def of(self, source: Source) -> Place:
        """The place of a source."""
        name = source.ptr_name if source.ptr_confirmed else None
        domain = self._organizational_of(name) if name else None
        service = self._known.hosts.find(name)
        network = source.network
        told = network_name(network)
        is_generic = spells(source.ptr_name, source.ip)
        apart = is_generic or (service is not None and service.kind in RENTED)
        group = neighbourhood(source.ip) if apart else (service.name if service else domain) or neighbourhood(source.ip)
        confirmed = None if source.ptr_confirmed is None else bool(name)
        unconfirmed = self._organizational_of(source.ptr_name) if source.ptr_name and not name else None
        named = name if domain in self._authors else None
        country = network.country if network else ""
        listed = self._listed.first((self._listed.of_address(source.ip), self._listed.of_host(name)))
        is_list = is_list_name(name)
        authorised = tuple(sorted(source.authorised_by.items()))
        key = (service and service.name, domain, confirmed, unconfirmed, named, told, country, id(listed), is_list, is_generic, authorised)
        if key not in self._made:
            network_service = self._known.networks.get(network.asn) if network and network.asn else None
            self._made[key] = Host(
                domain, confirmed, unconfirmed, named, service, told, network_service, country, listed, is_list, is_generic, authorised
            )
        return Place(group, self._made[key])


def spells(name: str | None, ip: str | None) -> bool:
    """Whether a host's name spells its address: its numbers, or as many hexadecimal digits, in whatever order and form.

    >>> spells("cpe-192-0-2-77.isp.example", "192.0.2.77"), spells("mail2.example.com", "192.0.2.77")
    (True, False)
    """
    if name is None or ip is None:
        return False
    if ":" in ip:
        return len(HEXADECIMAL.findall(name)) > 0
    octets = ip.split(".")
    numbers = [number.lstrip("0") or "0" for number in NUMBERS.findall(name)]
    return all(octet in numbers for octet in octets[1:]) or "".join(f"{int(octet):02x}" for octet in octets if octet.isdigit()) in name


def network_name(network: Network | None) -> str | None:
    """How a network is called.

    >>> network_name(Network(64500, "Example Hosting"))
    'Example Hosting AS64500'
    """
    return f"{network.name} AS{network.asn}".strip() if network and network.asn else None


def neighbourhood(ip: str | None) -> str:
    """The part of the address space that a source lies in: a /24, or a /48 of IPv6. What is no address is a part of its own.

    >>> neighbourhood("192.0.2.77"), neighbourhood("2001:db8:1:2::3")
    ('192.0.2.0/24', '2001:db8:1::/48')
    """
    if ip is None:
        return "nowhere"
    if ":" not in ip:
        return f"{ip.rpartition('.')[0]}.0/24"
    head = ip.split(":", 3)[:3]
    return site(ip if "" in head else f"{':'.join(head)}::")


@lru_cache(maxsize=100_000)
def site(address: str) -> str:
    """The /48 of an IPv6 address."""
    try:
        return str(IPv6Network((address, 48), strict=False))
    except ValueError:
        return address
