"""Find the senders to whom a domain, a selector's target, a network or an address belongs. The longest name that fits wins."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Generic, TypeVar

from dmarcscope.model.owner_list import ListedSender, OwnerList
from dmarcscope.model.sender import Catalogue, Sender

Whose = TypeVar("Whose")


class Domains(Generic[Whose]):
    """Domains and to whom each of them, and all below it, belongs."""

    def __init__(self, owners: Iterable[tuple[str, Whose]] = ()) -> None:
        self._owners: dict[str, Whose] = {}
        for domain, whose in owners:
            self._owners.setdefault(domain, whose)

    def find(self, domain: str | None) -> Whose | None:
        """To whom a domain belongs; None if to nobody who is known.

        >>> Domains([("example.com", "Example"), ("mail.example.com", "Mail")]).find("a.mail.example.com")
        'Mail'
        """
        while domain and self._owners:
            if domain in self._owners:
                return self._owners[domain]
            domain = domain.partition(".")[2]
        return None


def by_field(senders: Iterable[Sender], *names: str) -> Domains[Sender]:
    """The senders of a catalogue by one of their facts, or by several; what stands in an earlier fact counts first."""
    everybody = list(senders)
    return Domains((domain, sender) for name in names for sender in everybody for domain in getattr(sender, name))


@dataclass(frozen=True, slots=True)
class Services:
    """A catalogue, ready to be asked."""

    dkim: Domains[Sender] = field(default_factory=Domains)
    targets: Domains[Sender] = field(default_factory=Domains)
    spf: Domains[Sender] = field(default_factory=Domains)
    envelope: Domains[Sender] = field(default_factory=Domains)
    hosts: Domains[Sender] = field(default_factory=Domains)
    networks: Mapping[int, Sender] = field(default_factory=dict)
    by_name: Mapping[str, Sender] = field(default_factory=dict)


def services(catalogue: Catalogue) -> Services:
    """The indexes of a catalogue."""
    every = catalogue.senders
    return Services(
        dkim=by_field(every, "dkim_domains"),
        targets=by_field(every, "dkim_targets"),
        spf=by_field(every, "spf_domains"),
        envelope=by_field(every, "return_path_domains", "dkim_domains", "spf_domains"),
        hosts=by_field(every, "ptr_suffixes", "return_path_domains", "dkim_domains"),
        networks={asn: sender for sender in reversed(every) for asn in sender.asns},
        by_name={sender.name: sender for sender in every},
    )


class Listed:
    """The owner's list, ready to be asked; among entries that fit, the first counts."""

    def __init__(self, owner: OwnerList) -> None:
        self._senders = owner.senders
        self._rank = {id(one): place for place, one in enumerate(owner.senders)}
        self._dkim = self._by("dkim_domains")
        self._spf = self._by("spf_domains")
        self._hosts = self._by("ptr_suffixes")
        self._nets = [(net, one) for one in owner.senders for net in one.known_by.addresses]
        self.named = {one.name.casefold(): one for one in reversed(owner.senders)}

    def __bool__(self) -> bool:
        return bool(self._senders)

    def _by(self, fact: str) -> Domains[ListedSender]:
        return Domains((domain, one) for one in self._senders for domain in getattr(one.known_by, fact))

    def of_address(self, ip: str | None) -> ListedSender | None:
        """Whose an address is."""
        if not self._nets or ip is None:
            return None
        try:
            address = ip_address(ip)
        except ValueError:
            return None
        return next((one for net, one in self._nets if address in net), None)

    def of_host(self, name: str | None) -> ListedSender | None:
        """Whose a host is, by its name."""
        return self._hosts.find(name)

    def of_signer(self, domain: str) -> ListedSender | None:
        """Whose a domain is that DKIM passed for."""
        return self._dkim.find(domain)

    def of_envelope(self, domain: str) -> ListedSender | None:
        """Whose a domain is that SPF passed for."""
        return self._spf.find(domain)

    def first(self, found: Iterable[ListedSender | None]) -> ListedSender | None:
        """Of those that fit, the one that stands first in the list."""
        return min((one for one in found if one is not None), key=lambda one: self._rank[id(one)], default=None)
