"""Mail of the owner's that somebody forwards: mailboxes, universities, hosting companies, and gateways in front of recipients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from benchmarks.labelled.mailboxes import google, google_hosts, microsoft, microsoft_hosts
from benchmarks.labelled.reporters import ENTERPRISE
from benchmarks.labelled.scene import Scene
from benchmarks.labelled.things import Domain, Flow, Host, Rhythm, Signature, Truth
from dmarcscope.model.sender import Kind, Sender
from dmarcscope.model.verdict import SenderClass

UNIVERSITIES, COMPANIES, GATEWAYS = 8, 14, 5


@dataclass(frozen=True, slots=True)
class Forwarder:
    """Who forwards: a name, the domain that it puts into envelopes, its hosts, and by what a right name is told."""

    name: str
    domain: str
    hosts: tuple[Host, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way of forwarding.

    ``of`` picks what is forwarded, ``rewrites`` says whether the envelope becomes the forwarder's, ``breaks`` whether the signatures do.
    """

    kind: str
    by: str
    of: str
    share: float
    rewrites: str = "yes"
    breaks: str = "no"
    reason: str = ""
    arc: str = "no"
    reporters: frozenset[str] = frozenset()


PATTERNS = (
    Pattern("plain", "company", "signed", 0.03, rewrites="no", reason="forwarded"),
    Pattern("envelope rewritten", "company", "signed", 0.03, reason="forwarded"),
    Pattern("envelope rewritten, DKIM broken", "company", "signed", 0.008, breaks="yes", reason="forwarded"),
    Pattern("university, plain", "university", "signed", 0.015, rewrites="no", reason="forwarded"),
    Pattern("university, envelope rewritten", "university", "signed", 0.015, reason="trusted_forwarder"),
    Pattern("Outlook mailbox", "microsoft", "signed", 0.03, arc="yes"),
    Pattern("Gmail mailbox", "google", "signed", 0.02, arc="yes"),
    Pattern("mailbox, DKIM broken, ARC", "microsoft", "signed", 0.006, breaks="yes", arc="yes"),
    Pattern("gateway", "gateway", "signed", 0.03, rewrites="no", reason="trusted_forwarder", reporters=ENTERPRISE),
    Pattern(
        "gateway, DKIM broken", "gateway", "signed", 0.01, rewrites="no", breaks="yes", reason="trusted_forwarder", reporters=ENTERPRISE
    ),
    Pattern("newsletter, signed twice", "company", "twice", 0.02, reason="forwarded"),
    Pattern("newsletter, signed twice, plain", "university", "twice", 0.012, rewrites="no"),
    Pattern("newsletter of an unaligned service", "company", "foreign", 0.006, reason="forwarded"),
    Pattern("unsigned mail, plain", "company", "unsigned", 0.004, rewrites="no", reason="forwarded"),
)


class Forwarders:
    """All who forward, by what they are."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._pools: dict[str, list[Forwarder]] = {
            "company": [self._invented() for _ in range(COMPANIES)] + self._known("known forwarders", (Kind.FORWARDER, Kind.ISP), 6),
            "university": self._known("universities", (Kind.EDUCATION,), UNIVERSITIES // 2)
            + [self._campus(number) for number in range(UNIVERSITIES // 2)],
            "gateway": self._known("gateways", (Kind.SECURITY_GATEWAY,), GATEWAYS),
        }

    def pick(self, by: str, rng: Random) -> Forwarder:
        """Somebody of a kind."""
        if by == "google":
            tenant = "gmail.com" if rng.random() < 0.6 else f"{self._scene.word()}.example"
            return self._mailbox(google(self._scene), google_hosts(self._scene), tenant, "Google")
        if by == "microsoft":
            tenant = f"{self._scene.word()}.example"
            return self._mailbox(microsoft(self._scene), microsoft_hosts(self._scene), tenant, "Microsoft")
        return rng.choice(self._pools[by] or self._pools["company"])

    def _mailbox(self, sender: Sender, hosts: tuple[Host, ...], tenant: str, company: str) -> Forwarder:
        return Forwarder(sender.name, self._scene.bounce(tenant, hosts), hosts, (sender.name, company, tenant))

    def _known(self, part: str, kinds: Sequence[Kind], count: int) -> list[Forwarder]:
        found = [sender for sender in self._scene.ranked(part, kinds) if sender.ptr_suffixes][:count]
        return [self._of(sender.name, sender.ptr_suffixes[0], self._scene.stand(sender, 4)) for sender in found]

    def _of(self, name: str, domain: str, hosts: tuple[Host, ...]) -> Forwarder:
        return Forwarder(name, self._scene.bounce(domain, hosts), hosts, (name, domain))

    def _invented(self) -> Forwarder:
        word = self._scene.word()
        rng = self._scene.rng(f"forwarder {word}")
        domain = f"{word}.example"
        name = rng.choice((f"mail.{domain}", f"mx1.{domain}", f"cpanel{rng.randrange(90)}.{domain}", f"smtp.{domain}"))
        return self._of(domain, domain, self._scene.server(name, word, count=rng.choice((1, 1, 2)), confirmed=rng.random() < 0.9))

    def _campus(self, number: int) -> Forwarder:
        domain = f"{('uni', 'alumni', 'college', 'institute')[number % 4]}-{self._scene.word()}.example"
        return self._of(
            domain, domain, self._scene.server(f"{('mx', 'relay', 'forward', 'mailhub')[number % 4]}.{domain}", domain, count=2)
        )


def build(scene: Scene) -> None:
    """Each sending domain's mail is forwarded in most of the ways."""
    forwarders = Forwarders(scene)
    for domain in scene.sending:
        rng = scene.rng(f"forwarded {domain.name}")
        sent = {name: pick(scene.of(domain)) for name, pick in WHAT.items()}
        for pattern in PATTERNS:
            if sent[pattern.of] and rng.random() < 0.75:
                for _ in range(rng.choice((1, 1, 2))):
                    scene.add(forwarded(pattern, rng.choice(sent[pattern.of]), forwarders.pick(pattern.by, rng), rng))


def forwarded(pattern: Pattern, original: Flow, by: Forwarder, rng: Random) -> Flow:
    """A flow as it comes out of a forwarder."""
    signatures = tuple(replace(one, broken=True) for one in original.signatures) if pattern.breaks == "yes" else original.signatures
    volume = max(0.4, original.domain.size * pattern.share * rng.uniform(0.3, 1.7))
    return replace(
        original,
        truth=Truth(SenderClass.FORWARDED, by.name, by.names, f"forwarder: {pattern.kind}"),
        hosts=by.hosts,
        envelopes=(by.domain,) if pattern.rewrites == "yes" else original.envelopes,
        signatures=signatures,
        rhythm=Rhythm(volume, weekend=0.4, first=original.rhythm.first, weekdays=original.rhythm.weekdays),
        reason=pattern.reason,
        arc=pattern.arc == "yes",
        per_host=10,
        reporters=pattern.reporters,
    )


# What of a domain's mail is forwarded.


def _signs(flow: Flow, domain: Domain) -> list[Signature]:
    return [one for one in flow.signatures if one.domain == domain.name and not one.broken]


def _ours(flows: Sequence[Flow]) -> list[Flow]:
    return [flow for flow in flows if flow.truth.sender_class is SenderClass.YOURS_ALIGNED and flow.envelopes != ("",)]


def _signed(flows: Sequence[Flow]) -> list[Flow]:
    return [flow for flow in _ours(flows) if _signs(flow, flow.domain) and len(flow.signatures) == 1]


def _twice(flows: Sequence[Flow]) -> list[Flow]:
    return [flow for flow in _ours(flows) if _signs(flow, flow.domain) and len(flow.signatures) > 1]


def _foreign(flows: Sequence[Flow]) -> list[Flow]:
    return [flow for flow in _ours(flows) if flow.signatures and not _signs(flow, flow.domain)]


def _unsigned(flows: Sequence[Flow]) -> list[Flow]:
    return [flow for flow in _ours(flows) if not flow.signatures]


WHAT: dict[str, Callable[[Sequence[Flow]], list[Flow]]] = {
    "signed": _signed,
    "twice": _twice,
    "foreign": _foreign,
    "unsigned": _unsigned,
}
