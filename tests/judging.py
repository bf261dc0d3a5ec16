"""A small judge for tests: sightings written in few words, judged by the real classifier with a catalogue of invented services."""

from dataclasses import dataclass, field, replace

from dmarcscope.align.alignment import psl_organizational_domain
from dmarcscope.analysis.classify import Classifier, Surroundings
from dmarcscope.analysis.evidence import identities
from dmarcscope.analysis.hosts import Hosts, Place
from dmarcscope.analysis.learning import Sighting, group_of
from dmarcscope.analysis.matching import Listed, services
from dmarcscope.model.evidence import Authorised, Evidence, Signature, Source, SpfResult
from dmarcscope.model.network import Network
from dmarcscope.model.owner_list import OwnerList
from dmarcscope.model.sender import Catalogue, Kind, Sender

CATALOGUE = Catalogue(
    (
        Sender(
            "Letterbox",
            Kind.MARKETING,
            dkim_domains=("letterbox.example",),
            dkim_targets=("dkim.letterbox.example",),
            spf_domains=("_spf.letterbox.example",),
            return_path_domains=("bounce.letterbox.example",),
            ptr_suffixes=("out.letterbox.example",),
        ),
        Sender("Parcelpost", Kind.TRANSACTIONAL, dkim_domains=("parcelpost.example",), asns=(64501,)),
        Sender(
            "Bigmail",
            Kind.MAILBOX_PROVIDER,
            dkim_domains=("bigmail.example", "gappssmtp.com", "onmicrosoft.com"),
            spf_domains=("_spf.bigmail.example",),
            ptr_suffixes=("mx.bigmail.example",),
        ),
        Sender("Racks", Kind.HOSTING, ptr_suffixes=("racks.example",)),
        Sender("Passalong", Kind.FORWARDER, dkim_domains=("passalong.example",), ptr_suffixes=("passalong.example",)),
        Sender("Rundmail", Kind.MAILING_LIST, dkim_domains=("rundmail.example",), ptr_suffixes=("rundmail.example",)),
    ),
    "2026-01-01",
)
AUTHOR = "example.com"


def organizational_of(domain: str) -> str | None:
    """The last two labels."""
    return psl_organizational_domain(domain, lambda name: name.rpartition(".")[2])


def signature(text: str) -> Signature:
    """«pass s1@example.com», «fail @example.com» (no selector), «pass» alone: no domain."""
    result, _, key = text.partition(" ")
    selector, _, domain = key.rpartition("@")
    return Signature(domain or None, selector or None, result)


@dataclass(frozen=True)
class Mail:
    """Mail of one kind from one host. ``dkim`` is as in `signature`, several with commas between; ``spf`` is «pass example.com», of
    ``scope``. ``sources``: how many addresses the operator has.
    """

    dkim: str = ""
    spf: str = ""
    aligned: str = ""  # "dkim", "spf" or both, as the receiver told
    reasons: tuple[str, ...] = ()
    author: str | None = AUTHOR
    ip: str | None = "203.0.113.9"
    ptr: str | None = None  # a name that leads back; with a ? behind it, one that does not; "" nobody asked
    network: Network | None = None
    authorised: tuple[tuple[str, Authorised], ...] = ()
    messages: int = 10
    days: tuple[float, float] = (0.0, 30.0)
    sources: int = 1
    scope: str | None = None

    def evidence(self) -> Evidence:
        """What the report says."""
        result, _, domain = self.spf.partition(" ")
        return Evidence(
            header_from=self.author,
            dkim_aligned="dkim" in self.aligned,
            spf_aligned="spf" in self.aligned,
            dkim=tuple(signature(one.strip()) for one in self.dkim.split(",") if one.strip()),
            spf=(SpfResult(domain or None, self.scope, result),) if self.spf else (),
            reasons=self.reasons,
        )

    def source(self) -> Source:
        """What is known of the host."""
        asked = self.ptr != ""
        name = self.ptr.removesuffix("?") if self.ptr else None
        confirmed = bool(self.ptr) and not self.ptr.endswith("?") if asked else None
        return Source(self.ip, name, confirmed, self.network, dict(self.authorised))


@dataclass
class World:
    """What is known beside the mail."""

    owner: OwnerList = field(default_factory=OwnerList)
    targets: tuple[tuple[str, str], ...] = ()  # a key whose name leads to Letterbox
    published: tuple[tuple[str, str], ...] = ()
    nonexistent: tuple[str, ...] = ()

    def judge(self, *mails: Mail):
        """The verdicts on mails, in their order, all judged together."""
        known = services(CATALOGUE)
        listed = Listed(self.owner)
        classifier = Classifier(
            Surroundings(
                services=known,
                listed=listed,
                organizational_of=organizational_of,
                targets=dict.fromkeys(self.targets, known.by_name["Letterbox"]),
                published=frozenset(self.published),
                nonexistent=frozenset(self.nonexistent),
            )
        )
        hosts = Hosts(known, listed, organizational_of, {AUTHOR})
        seen = []
        for one in mails:
            who, place = identities(one.evidence(), organizational_of), self.place(hosts, one)
            seen.append(Sighting(who, place, group_of(who, place), one.messages, *one.days, one.sources))
        return classifier, seen, classifier.judge(seen)

    @staticmethod
    def place(hosts: Hosts, mail: Mail) -> Place:
        """Where a mail comes from."""
        return hosts.of(mail.source())

    def first(self, *mails: Mail):
        """The verdict on the first of them."""
        return self.judge(*mails)[2][0]


OWN = Mail("pass s1@example.com", "pass example.com", "dkim spf", ip="192.0.2.10", ptr="mail.example.com", messages=1000)
"""The owner's own server, set up well: what a domain's key is learnt from."""
EXTERNAL = Mail("pass s1@example.com", "fail example.com", "dkim", ip="198.51.100.97", ptr="relay.alumni.example")
"""The same mail, passed on unchanged by a forwarder that keeps the envelope."""


def with_(mail: Mail, **changes) -> Mail:
    """A mail, otherwise."""
    return replace(mail, **changes)
