"""The network that an address belongs to: the autonomous system that routes it, whose that is, and in which country."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Network:
    """What a table says of an address. What it does not tell is None or empty; ``country`` is of ISO 3166, two letters."""

    asn: int | None = None
    name: str = ""
    country: str = ""

    def __bool__(self) -> bool:
        """Whether anything is told."""
        return self.asn is not None or bool(self.name or self.country)

    def over(self, other: "Network") -> "Network":
        """Both together; where both tell, this one counts. Number and name of a system are never mixed.

        >>> Network(64500, "Example Hosting").over(Network(64501, "Another", "NL"))
        Network(asn=64500, name='Example Hosting', country='NL')
        """
        system = other if self.asn is None and not self.name else self
        return Network(system.asn, system.name, self.country or other.country)
