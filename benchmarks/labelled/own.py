"""The owner's own machines: set up well, half, forgotten in SPF, or never set up at all."""

from dataclasses import replace

from benchmarks.labelled.scene import Scene
from benchmarks.labelled.things import Domain, Flow, Host, Rhythm, Signature, Truth
from dmarcscope.model.verdict import SenderClass

SUBDOMAINS = ("news", "shop", "support", "billing")
SPF_BREAKS = {1: range(38, 45), 7: range(61, 68)}
"""By rank of the domain: the week in which its SPF record cannot be read."""
MOVED = {4: 52, 10: 40}
"""By rank of the domain: the day on which its mail server moves; SPF learns of it ten days later."""


def truth(domain: Domain, kind: str, *names: str) -> Truth:
    """The truth about a machine of the owner's."""
    return Truth(SenderClass.YOURS_ALIGNED, f"own server of {domain.name}", (domain.name, *names), kind)


def build(scene: Scene) -> None:
    """Each sending domain has a mail server, unless a service does its mail (`mailboxes`), and some of the rest."""
    for rank, domain in enumerate(scene.sending):
        rng = scene.rng(f"own {domain.name}")
        selector = rng.choice(("default", "mail", "2024", "dkim", "k2026a"))
        if rank % 3 != 2:
            _mail_server(scene, rank, domain, selector)
        for place, build_one in enumerate((_web_application, _dkim_only, _forgotten_web_server, _printer)):
            if (rank + place) % 4 < 2:
                build_one(scene, domain, selector)
        if rank in SPF_BREAKS:
            scene.zone.spf[domain.name].broken = SPF_BREAKS[rank]


def _mail_server(scene: Scene, rank: int, domain: Domain, selector: str) -> None:
    rng = scene.rng(f"mail server {domain.name}")
    at_hoster = rng.random() < 0.25  # the machine bears the name that the hosting company gave it
    hoster = f"{scene.word()}-servers.example"
    name = f"vps{rng.randrange(10_000)}.{hoster}" if at_hoster else f"mail.{domain.name}"
    hosts = scene.server(name, domain.name, count=rng.choice((1, 2, 2, 3)))
    scene.zone.allow(domain.name, "mx", hosts)
    for host in hosts:
        if host.name:
            scene.zone.allow(host.name, "a", (host,))
    authors = (domain.name,) if domain.adkim == "s" else (domain.name, domain.name, domain.name, f"{rng.choice(SUBDOMAINS)}.{domain.name}")
    flow = Flow(
        truth(domain, "own: mail server", hoster),
        domain,
        hosts,
        authors,
        (domain.name,),
        (scene.signed(domain.name, selector),),
        Rhythm(domain.size),
        per_host=200,
    )
    bounces = replace(flow, envelopes=("",), rhythm=Rhythm(domain.size * 0.02), truth=truth(domain, "own: bounces", hoster))
    if rank not in MOVED:
        scene.add(flow, bounces)
        return
    day = MOVED[rank]
    moved = scene.server(f"mx-new.{domain.name}", domain.name)
    scene.zone.allow(domain.name, f"ip4:{moved[0].ip}", moved, first=day + 10)
    scene.add(
        replace(flow, rhythm=replace(flow.rhythm, last=day - 1)),
        replace(flow, hosts=moved, rhythm=replace(flow.rhythm, first=day), truth=truth(domain, "own: mail server, moved", hoster)),
    )


def _web_application(scene: Scene, domain: Domain, selector: str) -> None:
    hosts = scene.server(f"app.{domain.name}", f"app {domain.name}", count=2)
    scene.zone.allow(domain.name, f"a:app.{domain.name}", hosts)
    scene.add(_plain(scene, domain, hosts, "own: SPF only", domain.name, 0.15))


def _dkim_only(scene: Scene, domain: Domain, selector: str) -> None:
    hosts = scene.server(f"crm.{domain.name}", f"crm {domain.name}")
    signature = scene.signed(domain.name, f"crm{selector}")
    scene.add(_plain(scene, domain, hosts, "own: DKIM only", hosts[0].name or "", 0.1, signature))


def _forgotten_web_server(scene: Scene, domain: Domain, selector: str) -> None:
    hoster = f"{scene.word()}-web.example"
    host = scene.server(f"srv{scene.rng(hoster).randrange(400)}.{hoster}", hoster)
    scene.zone.allow(domain.name, f"ip4:{host[0].ip}", host)
    # Its own name is the envelope's: SPF passes for the hosting company or finds nothing there, and aligns with nothing.
    envelope = host[0].name or ""
    if scene.rng(f"{hoster} spf").random() < 0.5:
        scene.zone.allow(envelope, "a", host)
    scene.add(_plain(scene, domain, host, "own: web server in SPF, unaligned", envelope, 0.06, names=(hoster,)))


def _printer(scene: Scene, domain: Domain, selector: str) -> None:
    name = scene.rng(f"printer {domain.name}").choice(("scanner", "nas", "monitoring", "erp"))
    host = scene.server(f"{name}.{domain.name}", f"printer {domain.name}")
    scene.add(_plain(scene, domain, host, "own: not in SPF, unsigned", domain.name, 0.03))


def _plain(
    scene: Scene,
    domain: Domain,
    hosts: tuple[Host, ...],
    kind: str,
    envelope: str,
    share: float,
    *signatures: Signature,
    names: tuple[str, ...] = (),
) -> Flow:
    rhythm = Rhythm(max(3.0, domain.size * share * scene.rng(f"{kind} {domain.name}").uniform(0.6, 1.4)), weekend=0.7)
    return Flow(truth(domain, kind, *names), domain, hosts, (domain.name,), (envelope,), signatures, rhythm, per_host=120)
