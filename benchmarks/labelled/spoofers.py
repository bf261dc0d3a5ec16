"""Mail that the owner never sent or asked for: botnets, cloud hosts, and spoofers who take pains with DKIM and SPF; and strays."""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from benchmarks.labelled.forwarders import WHAT
from benchmarks.labelled.mailboxes import microsoft, microsoft_hosts
from benchmarks.labelled.places import COUNTRIES, Block
from benchmarks.labelled.scene import Scene
from benchmarks.labelled.things import DAYS, Domain, Flow, Host, Rhythm, Signature, Truth
from benchmarks.labelled.vendors import VENDOR_KINDS
from dmarcscope.model.sender import Kind
from dmarcscope.model.verdict import SenderClass

PROVIDERS = 45  # of access to the Internet, in whose networks bots are
BOTS = 2_400
CLOUDS = 8
STRAYS = 60


class Cloud(NamedTuple):
    """A company at which anybody can rent hosts: its name, the domain of their names, and some that are misused."""

    name: str
    domain: str
    hosts: tuple[Host, ...]


class Crowd:
    """Machines that are misused: bots at access providers, rented hosts in clouds."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.bots = self._make_bots()
        self.clouds = self._make_clouds()

    def _make_bots(self) -> list[Host]:
        scene, rng = self._scene, self._scene.rng("bots")
        known = [(sender.name, sender.ptr_suffixes[0]) for sender in scene.ranked("access", (Kind.ISP,)) if sender.ptr_suffixes][:12]
        invented = [
            (f"{word.title()} Telecom", f"{word}-telecom.example") for word in (scene.word() for _ in range(PROVIDERS - len(known)))
        ]
        providers = [(suffix, scene.block(name, country=rng.choice(COUNTRIES))) for name, suffix in known + invented]
        return [self._bot(*rng.choice(providers), rng) for _ in range(BOTS)]

    def _bot(self, suffix: str, block: Block, rng: Random) -> Host:
        if not block.free:
            block = self._scene.places.block(block.network)
        named = rng.random() < 0.35  # many access providers name no address, and few of the names lead back
        version = 6 if rng.random() < 0.08 else 4
        host = self._scene.places.host(block, None, version=version)
        digits = "-".join(host.ip.replace("::", ":").replace(":", ".").split("."))
        name = f"{rng.choice(('dsl', 'pool', 'dyn', 'cpe', 'host'))}-{digits}.{suffix}" if named else None
        return Host(host.ip, name, named and rng.random() < 0.5)

    def _make_clouds(self) -> list[Cloud]:
        known = [sender for sender in self._scene.ranked("clouds", (Kind.CLOUD, Kind.HOSTING)) if sender.ptr_suffixes][:CLOUDS]
        found = [Cloud(sender.name, sender.ptr_suffixes[0], self._scene.stand(sender, 40, confirmed=0.9)) for sender in known]
        return found + [self._invented_cloud() for _ in range(CLOUDS - len(found))]

    def _invented_cloud(self) -> Cloud:
        word = self._scene.word()
        rng = self._scene.rng(word)
        name, domain = f"{word.title()} Cloud", f"{word}-cloud.example"
        block = self._scene.block(name)
        hosts = self._scene.places.hosts(block, 40, lambda _: f"vm-{rng.getrandbits(24):06x}.{domain}", confirmed=0.9)
        return Cloud(name, domain, hosts)


class Spoofing:
    """The spoofers of one domain, with chance of its own."""

    def __init__(self, scene: Scene, crowd: Crowd, domain: Domain) -> None:
        self.scene, self.crowd, self.domain = scene, crowd, domain
        self.rng = scene.rng(f"spoofers {domain.name}")

    def add(
        self,
        kind: str,
        hosts: Sequence[Host],
        envelopes: tuple[str, ...],
        share: float,
        *,
        sender: str = "",
        names: tuple[str, ...] = (),
        signatures: tuple[Signature, ...] = (),
        authors: tuple[str, ...] = (),
        per_host: float = 30,
        hard: bool = False,
    ) -> None:
        """Put a spoofer in: constant, or in bursts of some days."""
        truth = Truth(SenderClass.UNAUTHORISED, sender, names, f"spoofer: {kind}", hard)
        flow = Flow(
            truth, self.domain, tuple(hosts), authors or (self.domain.name,), envelopes, signatures, self._rhythm(share), per_host=per_host
        )
        self.scene.add(flow)

    def _rhythm(self, share: float) -> Rhythm:
        daily = max(1.0, self.domain.size * share * self.rng.uniform(0.5, 1.5))
        if self.rng.random() < 0.5:
            return Rhythm(daily, weekend=1.0, first=self.rng.choice((0, 0, self.rng.randrange(60))))
        days = self.rng.sample(range(DAYS), self.rng.randrange(3, 9))
        return Rhythm(0.0, peaks={day: daily * 8 * self.rng.uniform(0.5, 1.5) for day in days})

    def some_bots(self, low: int = 60, high: int = 500) -> list[Host]:
        """A part of the bots."""
        return self.rng.sample(self.crowd.bots, self.rng.randrange(low, high))

    def other_domains(self, count: int) -> tuple[str, ...]:
        """Domains of others that a spoofer puts into envelopes; some have SPF, which then fails."""
        found = tuple(f"{self.scene.word()}.example" for _ in range(count))
        for name in found[::2]:
            self.scene.zone.allow(name, "mx", ())
        return found

    def real_signature(self) -> Signature | None:
        """A signature of the owner's that a spoofer has copied; it cannot verify."""
        found = [one for flow in WHAT["signed"](self.scene.of(self.domain)) for one in flow.signatures]
        return Signature(found[0].domain, found[0].selector, broken=True) if found else None


def _botnet(at: Spoofing) -> None:
    at.add("botnet", at.some_bots(), (at.domain.name,), 0.12, per_host=1.4)
    at.add("botnet, envelopes of others", at.some_bots(), at.other_domains(6), 0.05, per_host=1.4)


def _cloud(at: Spoofing) -> None:
    name, domain, hosts = at.rng.choice(at.crowd.clouds)
    some = at.rng.sample(hosts, at.rng.randrange(2, 9))
    at.add("cloud hosts", some, (at.domain.name,), 0.05, sender=name, names=(name, domain))
    at.add("cloud hosts, envelopes of their own", some[:2], (some[0].name or at.domain.name,), 0.02, sender=name, names=(name, domain))


def _signing(at: Spoofing) -> None:
    evil = f"{at.scene.word()}-offers.example"
    _, cloud_domain, rented = at.rng.choice(at.crowd.clouds)
    own = at.rng.random() < 0.5  # has given its rented hosts names of its own
    block = at.scene.places.block(at.scene.cloud(evil))
    hosts = at.scene.places.hosts(block, 5, lambda number: f"m{number}.{evil}") if own else tuple(at.rng.sample(rented, 4))
    at.scene.bounce(evil, hosts)
    names = (evil,) if own else (evil, cloud_domain)
    signature = at.scene.signed(evil, at.rng.choice(("dkim", "s1", "default", "k1")))
    at.add("signs with its own domain", hosts, (evil,), 0.05, sender=evil, names=names, signatures=(signature,))


def _bogus(at: Spoofing) -> None:
    made_up = Signature(at.domain.name, f"x{at.rng.randrange(1000)}", broken=True)
    at.add("bogus signature, made-up selector", at.some_bots(20, 120), (at.domain.name,), 0.02, signatures=(made_up,), per_host=1.4)
    copied = at.real_signature()
    if copied:
        at.add("bogus signature, real selector", at.some_bots(20, 120), (at.domain.name,), 0.02, signatures=(copied,), per_host=1.4)
        _, domain, hosts = at.rng.choice(at.crowd.clouds)
        evil = f"{at.scene.word()}-club.example"
        some = tuple(at.rng.sample(hosts, 3))
        at.scene.bounce(evil, some)
        at.add("bogus signature, SPF of its own", some, (evil,), 0.008, sender=evil, names=(evil, domain), signatures=(copied,))


def _subdomain(at: Spoofing) -> None:
    labels = [f"{at.rng.choice(('secure', 'login', 'x', 'acct', 'ns'))}{at.rng.randrange(10_000)}" for _ in range(12)]
    names = tuple(f"{label}.{at.domain.name}" for label in labels)
    at.scene.zone.absent.update(names)
    at.add("subdomains that do not exist", at.some_bots(), (names[0], *names[:3], at.domain.name), 0.04, authors=names, per_host=1.4)


def _hard(at: Spoofing) -> None:
    """Accounts at services of the catalogue: only the owner can tell that they are not the owner's."""
    used = {flow.truth.sender for flow in at.scene.of(at.domain)}
    services = [one for one in at.scene.ranked(f"abused {at.domain.name}", VENDOR_KINDS[:2]) if one.dkim_domains and one.name not in used]
    if services:
        service = services[0]
        hosts = at.scene.stand(service, 8)
        envelope = at.scene.bounce(f"bounce.{(*service.return_path_domains, *service.dkim_domains)[0]}", hosts)
        at.add(
            "account at a catalogued service",
            hosts,
            (envelope,),
            0.03,
            sender=service.name,
            names=(service.name,),
            signatures=(at.scene.signed(service.dkim_domains[0], "s1"),),
            hard=True,
        )
    tenant = f"{at.scene.word().replace('-', '')}.onmicrosoft.com"
    hosts = microsoft_hosts(at.scene)
    at.add(
        "another customer of Microsoft's",
        hosts,
        (at.scene.bounce(tenant, hosts),),
        0.01,
        sender=microsoft(at.scene).name,
        names=(microsoft(at.scene).name, "Microsoft"),
        signatures=(at.scene.signed(tenant, f"selector1-{tenant.replace('.', '-')}"),),
        hard=True,
    )


WAYS: tuple[tuple[float, Callable[[Spoofing], None]], ...] = (
    (0.9, _botnet),
    (0.6, _cloud),
    (0.4, _signing),
    (0.5, _bogus),
    (0.5, _subdomain),
)
ABUSED_SERVICES = 3
"""Domains, from the fourth on, as whose a spoofer sends through an account at a service."""


def build(scene: Scene) -> None:
    """Most domains are spoofed in several ways; the parked ones by botnets and cloud hosts alone, as all their mail is."""
    crowd = Crowd(scene)
    for rank, domain in enumerate(scene.sending):
        at = Spoofing(scene, crowd, domain)
        for chance, way in WAYS:
            if at.rng.random() < chance:
                way(at)
        if 3 <= rank < 3 + ABUSED_SERVICES:
            _hard(at)
        _strays(scene, domain, at.rng)
    for domain in scene.parked:
        at = Spoofing(scene, crowd, domain)
        at.add("parked domain, botnet", at.some_bots(), (domain.name,), 1.5, per_host=1.4)
        at.add("parked domain, bursts", at.some_bots(), (domain.name,), 0.8, per_host=1.4)
        _signing(at)
        _cloud(at)


def _strays(scene: Scene, domain: Domain, rng: Random) -> None:
    """Single messages from odd hosts: forms that let visitors write as anybody, somebody's machine at home. Nobody could name them."""
    for _ in range(STRAYS // len(scene.sending) * 4):
        word = f"{scene.rng(f'stray {domain.name} {rng.random()}').getrandbits(40):010x}"
        name = rng.choice((f"www.{word}.example", f"{word}.example", None))
        host = scene.server(name or f"{word}.example", word)[0]
        host = Host(host.ip, name, host.confirmed and name is not None)
        envelope = rng.choice((domain.name, f"{word}.example", ""))
        if envelope not in {"", domain.name} and rng.random() < 0.6:
            scene.bounce(envelope, (host,))
        days = rng.sample(range(DAYS), rng.choice((1, 1, 1, 2)))
        truth = Truth(SenderClass.UNKNOWN, "", (), "stray")
        scene.add(Flow(truth, domain, (host,), (domain.name,), (envelope,), (), Rhythm(0.0, peaks=dict.fromkeys(days, 1.2))))
