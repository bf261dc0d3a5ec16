"""Services that send for the owner: 40 of the catalogue and ten that are in none, half of them set up right, half wrong in some way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from benchmarks.labelled.scene import Scene
from benchmarks.labelled.things import DAYS, Domain, Flow, Host, Rhythm, Signature, Truth
from dmarcscope.model.sender import Aligning, Kind, Sender
from dmarcscope.model.verdict import SenderClass

VENDOR_KINDS = (
    Kind.MARKETING,
    Kind.TRANSACTIONAL,
    Kind.CRM,
    Kind.HELP_DESK,
    Kind.BILLING,
    Kind.HR,
    Kind.SHOP,
    Kind.SURVEY,
    Kind.EVENTS,
    Kind.MONITORING,
    Kind.COLLABORATION,
)
CATALOGUED = 40
UNCATALOGUED = 10
NAMELESS = 0.08
"""Share of services whose new hosts have no names yet."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service and where it stands, in or out of the catalogue."""

    sender: Sender
    hosts: tuple[Host, ...]
    catalogued: bool

    @property
    def own_domain(self) -> str:
        """The domain that it signs with by itself."""
        return (*self.sender.dkim_domains, *self.sender.return_path_domains, *self.sender.ptr_suffixes)[0]

    @property
    def bounce_domain(self) -> str:
        """Where bounces go by default."""
        return (*self.sender.return_path_domains, *self.sender.dkim_domains, *self.sender.ptr_suffixes)[0]


@dataclass(frozen=True, slots=True)
class Use:
    """A service as one domain uses it, with chance of its own."""

    scene: Scene
    service: Service
    domain: Domain
    rng: Random

    def own_signature(self, domain: str = "", *, last: int = 10 * DAYS) -> Signature:
        """A signature of the owner's domain, by a key that the service tells to publish."""
        sender = self.service.sender
        selector = self.rng.choice(sender.dkim_selectors or ("s1", "k1", f"{self.service.own_domain.partition('.')[0][:6]}1"))
        author = domain or self.domain.name
        if (author, selector) in self.scene.zone.keys:  # a domain has a selector once
            selector = f"{selector}-{self.rng.randrange(1000)}"
        alias = ""
        if sender.dkim_targets:
            target = self.rng.choice(sender.dkim_targets)
            alias = target if "dkim" in target.partition(".")[0] else f"{selector}.u{self.rng.randrange(10**6)}.{target}"
        self.scene.zone.publish(author, selector, alias, last=last)
        return Signature(author, selector)

    def service_signature(self) -> Signature:
        """The signature of the service itself."""
        return self.scene.signed(self.service.own_domain, self.rng.choice(("s1", "mail", "20240301", "dk", "pf2014")))

    def service_bounce(self) -> str:
        """An envelope domain of the service's own."""
        label = self.rng.choice(("bounce", "bounces", "em", "return"))
        return self.scene.bounce(f"{label}.{self.service.bounce_domain}", self.service.hosts)

    def own_bounce(self) -> str:
        """An envelope domain below the owner's, which leads to the service."""
        return self.scene.bounce(f"em{self.rng.randrange(10_000)}.{self.domain.name}", self.service.hosts)

    def included(self) -> None:
        """The owner has put the service into SPF, as people do whether or not it helps."""
        spf = (*self.service.sender.spf_domains, f"_spf.{self.service.own_domain}")[0]
        self.scene.zone.allow(self.domain.name, f"include:{spf}", self.service.hosts, includes=(spf,))


Setting = tuple[str, tuple[Signature, ...]]
"""An envelope domain and signatures."""


def _custom_dkim(use: Use) -> Setting:
    return use.service_bounce(), (use.own_signature(),)


def _double_signed(use: Use) -> Setting:
    return use.service_bounce(), (use.own_signature(), use.service_signature())


def _both(use: Use) -> Setting:
    return use.own_bounce(), (use.own_signature(), *([use.service_signature()] if use.rng.random() < 0.4 else []))


def _return_path(use: Use) -> Setting:
    return use.own_bounce(), (use.service_signature(),)


def _service_signs(use: Use) -> Setting:
    return use.service_bounce(), (use.service_signature(),)


def _spf_only(use: Use) -> Setting:
    use.included()
    return use.service_bounce(), ()


def _not_in_spf(use: Use) -> Setting:
    return use.domain.name, ((use.service_signature(),) if use.rng.random() < 0.5 else ())


def _key_gone(use: Use) -> Setting:
    signature = use.own_signature(last=use.rng.randrange(25, 60))
    return use.service_bounce(), (signature, *([use.service_signature()] if use.rng.random() < 0.5 else []))


def _strict(use: Use) -> Setting:
    envelope = use.own_bounce() if use.domain.aspf == "s" else use.service_bounce()
    return envelope, (use.own_signature(f"mail.{use.domain.name}"), use.service_signature())


RIGHT: Mapping[str, Callable[[Use], Setting]] = {
    "custom DKIM": _custom_dkim,
    "custom DKIM, signed twice": _double_signed,
    "custom DKIM and return path": _both,
    "custom return path": _return_path,
}
WRONG: Mapping[str, Callable[[Use], Setting]] = {
    "its own domain signs": _service_signs,
    "its own SPF only": _spf_only,
    "own return path, not in SPF": _not_in_spf,
    "DKIM key gone": _key_gone,
    "strict alignment": _strict,
}

HELPED_BY_NOTHING = (_service_signs, _key_gone, _strict)
"""Ways that a term in SPF does not make pass, though many an owner has put one there."""


def build(scene: Scene) -> None:
    """Every service serves one domain, four in ten a second; those of one half are set up right everywhere."""
    for number, service in enumerate(services(scene)):
        rng = scene.rng(f"vendor {service.sender.name}")
        for domain in rng.sample(scene.sending, 2 if rng.random() < 0.4 else 1):
            add_use(scene, service, domain, wrong=number % 2 == 1)


def services(scene: Scene) -> list[Service]:
    """The services of this seed, in and out of the catalogue in turn of their halves."""
    usable = [sender for sender in scene.ranked("vendors", VENDOR_KINDS) if sender.dkim_domains or sender.return_path_domains]
    return [_catalogued(scene, sender) for sender in usable[:CATALOGUED]] + [_uncatalogued(scene, n) for n in range(UNCATALOGUED)]


def _catalogued(scene: Scene, sender: Sender) -> Service:
    rng = scene.rng(f"service {sender.name}")
    count = rng.choice((3, 6, 12, 30))
    hosts = scene.stand(sender, count)
    if rng.random() < NAMELESS:
        block = scene.places.block(scene.cloud(sender.name))
        hosts = scene.places.hosts(block, count, lambda _: None)
    return Service(sender, hosts, catalogued=True)


def _uncatalogued(scene: Scene, number: int) -> Service:
    word = scene.word()
    ending = ("mailer", "crm", "tickets", "invoices", "letters")[number % 5]
    domain = f"{word}-{ending}.example"
    sender = Sender(domain, Kind.OTHER, dkim_domains=(domain,), return_path_domains=(domain,), ptr_suffixes=(domain,))
    return Service(sender, scene.stand(sender, 2 + number % 4), catalogued=False)


def add_use(scene: Scene, service: Service, domain: Domain, *, wrong: bool) -> None:
    """Let a domain use a service."""
    use = Use(scene, service, domain, scene.rng(f"use {service.sender.name} {domain.name}"))
    name, setting = use.rng.choice(_possible(use, wrong=wrong))
    envelope, signatures = setting(use)
    if setting in HELPED_BY_NOTHING and use.rng.random() < 0.35:
        use.included()
    kind = f"vendor, {'catalogued' if service.catalogued else 'in no catalogue'}, {'right' if name in RIGHT else 'wrong'}: {name}"
    scene.add(
        Flow(
            Truth(SenderClass.YOURS_ALIGNED, service.sender.name, (service.sender.name,), kind),
            domain,
            service.hosts,
            (domain.name,),
            (envelope,),
            signatures,
            _rhythm(use),
            per_host=25,
        )
    )


def _possible(use: Use, *, wrong: bool) -> list[tuple[str, Callable[[Use], Setting]]]:
    """The ways that this service, as the catalogue has it, and this domain allow."""
    barred = set()
    if use.service.sender.dkim is Aligning.NO:
        barred |= {"custom DKIM", "custom DKIM, signed twice", "custom DKIM and return path", "DKIM key gone", "strict alignment"}
    if use.service.sender.return_path is Aligning.NO:
        barred |= {"custom return path", "custom DKIM and return path", "own return path, not in SPF"}
    if use.domain.adkim == "r":
        barred |= {"strict alignment"}
    if use.domain.aspf == "s":
        barred |= {"custom return path"}
    ways = WRONG if wrong else RIGHT
    return [(name, way) for name, way in ways.items() if name not in barred] or [("its own domain signs", _service_signs)]


def _rhythm(use: Use) -> Rhythm:
    daily = max(4.0, use.domain.size * use.rng.uniform(0.05, 0.6))
    first = use.rng.randrange(40, 70) if use.rng.random() < 0.12 else 0
    if use.service.sender.kind is Kind.MARKETING:
        return Rhythm(daily * 2.5, first=first, weekdays=frozenset(use.rng.sample(range(5), 2)))
    return Rhythm(daily, weekend=use.rng.choice((0.1, 0.4, 0.9)), first=first)
