"""Mailbox providers that do a domain's mail: aligned, or signing with a name that they give to customers who have set up nothing."""

from dataclasses import replace

from benchmarks.labelled.own import SUBDOMAINS
from benchmarks.labelled.scene import Scene
from benchmarks.labelled.things import Domain, Flow, Host, Rhythm, Signature, Truth
from dmarcscope.model.sender import Kind, Sender
from dmarcscope.model.verdict import SenderClass

GOOGLE = Sender("Google Workspace", Kind.MAILBOX_PROVIDER, spf_domains=("_spf.google.com",), ptr_suffixes=("google.com",))
MICROSOFT = Sender("Microsoft 365", Kind.MAILBOX_PROVIDER, spf_domains=("spf.protection.outlook.com",), ptr_suffixes=("outlook.com",))
HOSTS = 24


def google(scene: Scene) -> Sender:
    """Google's mailboxes, as the catalogue has them or as everybody knows them."""
    return scene.known_by("ptr_suffixes", "google.com") or GOOGLE


def microsoft(scene: Scene) -> Sender:
    """Microsoft's mailboxes, likewise."""
    return scene.known_by("ptr_suffixes", "outlook.com") or MICROSOFT


def google_hosts(scene: Scene) -> tuple[Host, ...]:
    """The hosts that all of Google's customers share, and that forward too."""
    return scene.stand(google(scene), HOSTS)


def microsoft_hosts(scene: Scene) -> tuple[Host, ...]:
    """The hosts that all of Microsoft's customers share, and that forward too."""
    return scene.stand(microsoft(scene), HOSTS)


def build(scene: Scene) -> None:
    """Each third domain has its mail done: at Google, at Microsoft, or at another; some have set up no key."""
    others = [sender for sender in scene.ranked("mailboxes", (Kind.MAILBOX_PROVIDER,)) if sender.dkim_selectors and sender.ptr_suffixes]
    others = [sender for sender in others if sender not in (google(scene), microsoft(scene))][:2]
    providers = [google(scene), microsoft(scene), google(scene), microsoft(scene), *others]
    users = [domain for rank, domain in enumerate(scene.sending) if rank % 3 == 2]
    for number, domain in enumerate(users):
        provider = providers[number % len(providers)]
        _mailbox(scene, domain, provider, unset=number % 6 in (2, 3))


def _mailbox(scene: Scene, domain: Domain, provider: Sender, *, unset: bool) -> None:
    rng = scene.rng(f"mailbox {domain.name}")
    hosts = scene.stand(provider, HOSTS)
    name = provider.name
    if not unset:
        selector = {google(scene).name: "google", microsoft(scene).name: "selector1"}.get(name) or provider.dkim_selectors[0]
        tenant = domain.name.replace(".", "-")
        alias = f"selector1-{tenant}._domainkey.{domain.word.replace('-', '')}.onmicrosoft.com" if selector == "selector1" else ""
        signature = scene.signed(domain.name, selector, alias)
    else:
        signature = _given_name(scene, domain, provider)
    kind = f"mailbox provider, {'no key of the domain' if unset else 'aligned'}"
    flow = Flow(
        Truth(SenderClass.YOURS_ALIGNED, name, (name, *_company(scene, provider)), kind),
        domain,
        hosts,
        (domain.name,) if domain.adkim == "s" else (domain.name, domain.name, domain.name, f"{rng.choice(SUBDOMAINS)}.{domain.name}"),
        (domain.name,),
        (signature,),
        Rhythm(domain.size),
        per_host=25,
    )
    # Who has set up no key has often put the provider into SPF; then only forwarding shows what is missing.
    included = not unset or rng.random() < 0.5
    if included:
        spf = (*provider.spf_domains, f"_spf.{provider.ptr_suffixes[0]}")[0]
        scene.zone.allow(domain.name, f"include:{spf}", hosts, includes=(spf,))
    scene.add(flow, replace(flow, envelopes=("",), rhythm=Rhythm(domain.size * 0.02)))


def _company(scene: Scene, provider: Sender) -> tuple[str, ...]:
    return {google(scene).name: ("Google",), microsoft(scene).name: ("Microsoft",)}.get(provider.name, ())


def _given_name(scene: Scene, domain: Domain, provider: Sender) -> Signature:
    """The signature of a customer without a key of its own."""
    if provider == microsoft(scene):
        tenant = f"{domain.word.replace('-', '')}.onmicrosoft.com"
        return scene.signed(tenant, f"selector1-{tenant.replace('.', '-')}")
    return scene.signed(f"{domain.name.replace('.', '-')}.20230601.gappssmtp.com", "20230601")
