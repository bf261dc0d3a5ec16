"""Where hosts stand: networks with their addresses, and the table that tells whose they are.

The addresses are of 11.0.0.0/8 and of 2d00::/8, which count as global and which nobody on the Internet sends mail from.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from random import Random

from benchmarks.labelled.things import Host
from dmarcscope.model.network import Network

COUNTRIES = (
    "US", "DE", "FR", "GB", "NL", "BR", "IN", "VN", "ID", "TR", "RU", "CN", "KR", "JP",
    "MX", "AR", "PL", "RO", "IT", "ES", "ZA", "NG", "EG", "TH", "PH", "CL", "CO", "UA",
    "BD", "PK",
)  # fmt: skip
FIRST_INVENTED = 4_200_000_000  # numbers for private use (RFC 6996)


@dataclass(slots=True)
class Block:
    """A part of a network: 254 addresses of each family."""

    network: Network
    third: int
    free: list[int] = field(default_factory=list)
    free6: list[int] = field(default_factory=list)


class Places:
    """Hands out networks and hosts, and is the table of them."""

    attribution: tuple[str, ...] = ()
    built: date | None = None

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._thirds = rng.sample(range(65_536), 4_000)
        self._networks: dict[int, Network] = {}
        self._invented = 0

    def invent(self, name: str, country: str | None = None) -> Network:
        """A network that nobody has heard of."""
        self._invented += 1
        return Network(FIRST_INVENTED + self._invented, name, country or self._rng.choice(COUNTRIES))

    def block(self, network: Network) -> Block:
        """New addresses of a network."""
        third = self._thirds.pop()
        self._networks[third] = network
        return Block(network, third, self._rng.sample(range(1, 255), 254), self._rng.sample(range(1, 65_000), 254))

    def host(self, block: Block, name: str | None, *, confirmed: bool = True, version: int = 4) -> Host:
        """A host in a block; without a name nothing is confirmed."""
        if version == 6:
            ip = f"2d00:{block.third:x}::{block.free6.pop():x}"
        else:
            ip = f"11.{block.third >> 8}.{block.third & 255}.{block.free.pop()}"
        return Host(ip, name, confirmed and name is not None)

    def hosts(self, block: Block, count: int, name: Callable[[int], str | None], *, confirmed: float = 1.0) -> tuple[Host, ...]:
        """Hosts in a block, some with IPv6; ``confirmed`` is the share of names that lead back."""
        return tuple(
            self.host(block, name(number), confirmed=self._rng.random() < confirmed, version=6 if self._rng.random() < 0.12 else 4)
            for number in range(1, count + 1)
        )

    def of(self, ip: str) -> Network | None:
        """The network of an address."""
        if ip.startswith("2d00:"):
            return self._networks.get(int(ip.split(":")[1], 16))
        parts = ip.split(".")
        return self._networks.get((int(parts[1]) << 8) + int(parts[2])) if len(parts) == 4 and parts[0] == "11" else None
