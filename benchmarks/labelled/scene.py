"""The scene of the labelled world, into which each part puts its flows: domains, networks, zone, and the services to choose from."""

import hashlib
from collections.abc import Iterable, Sequence
from random import Random

from benchmarks.labelled.places import Block, Places
from benchmarks.labelled.things import Domain, Flow, Host, Signature
from benchmarks.labelled.zone import Zone
from dmarcscope.model.network import Network
from dmarcscope.model.sender import Kind, Sender

FIRST_WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "haven", "iris", "juniper", "kestrel", "lagoon",
    "maple", "nectar", "onyx", "pine", "quartz", "raven", "sable", "tidal", "alder", "basalt", "clover", "dune",
    "elder", "falcon", "garnet", "heron", "indigo", "jasper", "larch", "meadow",
)  # fmt: skip
LAST_WORDS = (
    "bakery", "bank", "books", "clinic", "farm", "foods", "hotel", "legal", "library", "museum", "press", "school",
    "shop", "studio", "tools", "travel", "works", "yards", "energy", "films", "garden", "glass", "lamps", "labs",
    "motors", "music", "optics", "paper", "rail", "sports", "tea", "wood",
)  # fmt: skip
CLOUD_NAMES = "Example Cloud", "Nimbus Servers", "Rackhouse", "Polder Hosting", "Blue Metal"
HARD_TO_SAY = (Kind.CLOUD, Kind.HOSTING)

# Policies by rank, the two that never send last. p, sp, np, adkim, aspf, what SPF says of others
Policy = tuple[str, str, str | None, str, str, str]
POLICIES: tuple[Policy, ...] = (
    ("none", "none", None, "r", "r", "softfail"),
    ("quarantine", "quarantine", None, "r", "r", "softfail"),
    ("reject", "reject", "reject", "r", "r", "fail"),
    ("none", "none", None, "r", "r", "softfail"),
    ("reject", "quarantine", None, "s", "r", "softfail"),
    ("quarantine", "none", "reject", "r", "r", "neutral"),
    ("none", "none", None, "s", "s", "softfail"),
    ("none", "reject", None, "r", "r", "fail"),
    ("reject", "reject", None, "r", "r", "softfail"),
)
PARKED: tuple[Policy, ...] = (("reject", "reject", "reject", "r", "r", "fail"), ("none", "none", None, "r", "r", "fail"))


class Scene:
    """All that is in the world. ``rng(part)`` draws for one part, so that a change to one leaves the others as they were."""

    def __init__(self, seed: int, senders: Sequence[Sender], domains: int = 20) -> None:
        self.seed = seed
        self.senders = tuple(senders)
        self.places = Places(self.rng("places"))
        self.zone = Zone()
        self.flows: list[Flow] = []
        self._words = self._shuffled_words()
        self._clouds: list[Network] = [self.places.invent(name) for name in CLOUD_NAMES]
        self._stands: dict[str, tuple[Host, ...]] = {}
        self.domains = self._make_domains(domains)
        self.sending = tuple(domain for domain in self.domains if not domain.parked)
        self.parked = tuple(domain for domain in self.domains if domain.parked)

    def rng(self, part: str) -> Random:
        """Chance for one part."""
        return Random(f"{self.seed}/{part}")

    def add(self, *flows: Flow) -> None:
        """Put flows in."""
        self.flows += flows

    def of(self, domain: Domain) -> list[Flow]:
        """The flows of a domain so far."""
        return [flow for flow in self.flows if flow.domain is domain]

    # Names.

    def _shuffled_words(self) -> list[str]:
        """Half of all names: an odd seed shares none with an even one."""
        words = [f"{first}-{last}" for first in FIRST_WORDS for last in LAST_WORDS][self.seed % 2 :: 2]
        self.rng("words").shuffle(words)
        return words

    def word(self) -> str:
        """A name that stands nowhere else in this world."""
        return self._words.pop()

    def _make_domains(self, count: int) -> tuple[Domain, ...]:
        sending = [
            Domain(f"{self.word()}.example", 900 / (rank + 1) ** 0.8, *POLICIES[rank % len(POLICIES)])
            for rank in range(count - len(PARKED))
        ]
        parked = [Domain(f"{self.word()}.example", 20.0, *policy, True) for policy in PARKED]
        for domain in (*sending, *parked):
            self.zone.allow(domain.name, "-all" if domain.parked else "mx", ())
            self.zone.spf[domain.name].otherwise = domain.otherwise
        return (*sending, *parked)

    # Services.

    def ranked(self, part: str, kinds: Iterable[Kind]) -> list[Sender]:
        """The catalogue's senders of some kinds in this seed's order; a change to one entry leaves the order of the others."""
        wanted = set(kinds)

        def place(sender: Sender) -> bytes:
            return hashlib.sha256(f"{self.seed}/{part}/{sender.name}".encode()).digest()

        return sorted((sender for sender in self.senders if sender.kind in wanted), key=place)

    def known_by(self, fact: str, value: str) -> Sender | None:
        """The sender in the catalogue with this fact, as ``known_by("ptr_suffixes", "google.com")``."""
        return next((sender for sender in self.senders if value in getattr(sender, fact)), None)

    # Places.

    def cloud(self, part: str) -> Network:
        """The network of a hosting company that the catalogue does not know."""
        return self.rng(part).choice(self._clouds)

    def block(self, name: str, asns: tuple[int, ...] = (), country: str | None = None) -> Block:
        """Addresses of a network by its name."""
        network = Network(asns[0], name, country or "US") if asns else self.places.invent(name, country)
        return self.places.block(network)

    def stand(self, sender: Sender, count: int, *, confirmed: float = 0.97) -> tuple[Host, ...]:
        """The hosts of a service, the same however often it is asked for."""
        if sender.name not in self._stands:
            rng = self.rng(f"stand {sender.name}")
            block = self.block(sender.name, sender.asns) if sender.asns else self.places.block(rng.choice(self._clouds))
            suffixes = sender.ptr_suffixes[:3] or sender.return_path_domains[:1] or sender.dkim_domains[:1]
            prefix = rng.choice(("mta", "o", "mail-", "out", "smtp-out-", "a12-"))

            def name(number: int) -> str | None:
                return f"{prefix}{number}.{rng.choice(suffixes)}" if suffixes else None

            self._stands[sender.name] = self.places.hosts(block, count, name, confirmed=confirmed)
        return self._stands[sender.name]

    def server(self, name: str, part: str, *, count: int = 1, confirmed: bool = True) -> tuple[Host, ...]:
        """Machines of one owner at a hosting company, all below a name: mail.x.example, mail2.x.example."""
        block = self.places.block(self.cloud(part))
        first, _, rest = name.partition(".")
        names = [name, *(f"{first}{number}.{rest}" for number in range(2, count + 1))]
        return tuple(self.places.host(block, names[place], confirmed=confirmed, version=6 if place == 1 else 4) for place in range(count))

    # DNS.

    def signed(self, domain: str, selector: str, alias: str = "") -> Signature:
        """A signature whose key is in the zone."""
        self.zone.publish(domain, selector, alias)
        return Signature(domain, selector)

    def bounce(self, domain: str, hosts: Iterable[Host]) -> str:
        """An envelope domain of a third party, whose SPF lets these hosts send."""
        self.zone.allow(domain, f"include:_spf.{domain}", hosts, includes=(f"_spf.{domain}",))
        return domain
