"""What verdicts are made with beside the reports: the catalogue, the owner's list, and whose networks are whose."""

from dataclasses import dataclass, field
from typing import Protocol

from dmarcscope.model.network import Network
from dmarcscope.model.owner_list import OwnerList
from dmarcscope.model.sender import Catalogue


class NetworkTable(Protocol):
    """Tells what network an address belongs to; ``attribution`` is to be shown where results are."""

    @property
    def attribution(self) -> tuple[str, ...]:
        """Whose table it is, and under which licence."""
        ...

    def of(self, ip: str) -> Network | None:
        """The network of an address; None where it is not known, or the address is of no public one."""
        ...


class NoNetworks:
    """No table: nothing is known."""

    attribution: tuple[str, ...] = ()

    def of(self, ip: str) -> Network | None:  # noqa: ARG002 (nothing is known)
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All three; each may be empty, and all works without."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    owner: OwnerList = field(default_factory=OwnerList)
    networks: NetworkTable = field(default_factory=NoNetworks)
