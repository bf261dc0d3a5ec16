"""Mailing lists that people of the owner's write to: with a footer that breaks their signature or without, with ARC or without."""

from dataclasses import dataclass, replace
from random import Random

from benchmarks.labelled.forwarders import WHAT
from benchmarks.labelled.mailboxes import google_hosts
from benchmarks.labelled.scene import Scene
from benchmarks.labelled.things import Flow, Host, Rhythm, Signature, Truth
from dmarcscope.model.sender import Kind
from dmarcscope.model.verdict import SenderClass

INVENTED = 14


@dataclass(frozen=True, slots=True)
class MailingList:
    """A list's host: the domain that it signs and bounces with."""

    name: str
    domain: str
    hosts: tuple[Host, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way of a list. ``author`` tells what becomes of the author's signature: broken, kept or removed; ``signs`` whether it signs."""

    kind: str
    share: float
    author: str = "broken"
    signs: str = "yes"
    rewrites: str = "yes"
    arc: str = "no"
    at: str = "list"


PATTERNS = (
    Pattern("footer", 0.02),
    Pattern("footer, ARC", 0.02, arc="yes"),
    Pattern("no footer", 0.01, author="kept"),
    Pattern("no footer, unsigned", 0.006, author="kept", signs="no"),
    Pattern("footer, unsigned", 0.005, signs="no"),
    Pattern("footer, envelope kept", 0.004, rewrites="no"),
    Pattern("author's signature removed", 0.004, author="removed"),
    Pattern("Google Groups", 0.02, at="google", arc="yes"),
    Pattern("group of a Google customer", 0.008, at="google customer", arc="yes"),
)


def build(scene: Scene) -> None:
    """People of most domains write to some lists."""
    hosts = _lists(scene)
    for domain in scene.sending:
        rng = scene.rng(f"lists {domain.name}")
        originals = [flow for flow in WHAT["signed"](scene.of(domain)) if flow.truth.kind.startswith(("own", "mailbox"))]
        for pattern in PATTERNS:
            if originals and rng.random() < 0.6:
                scene.add(_listed(scene, pattern, rng.choice(originals), _pick(scene, pattern, hosts, rng), rng))


def _lists(scene: Scene) -> list[MailingList]:
    known = [
        sender
        for sender in scene.ranked("lists", (Kind.MAILING_LIST,))
        if sender.ptr_suffixes and "googlegroups.com" not in sender.dkim_domains
    ]
    found = []
    for sender in known[:4]:
        domain = (*sender.dkim_domains, *sender.return_path_domains, *sender.ptr_suffixes)[0]
        hosts = scene.stand(sender, 4)
        found.append(MailingList(sender.name, scene.bounce(domain, hosts), hosts, (sender.name, domain)))
    return found + [_invented(scene, number) for number in range(INVENTED)]


def _invented(scene: Scene, number: int) -> MailingList:
    word = scene.word()
    organisation = f"{word}-{('users', 'society', 'foundation', 'network', 'forum')[number % 5]}.example"
    # Not each list says by its name what it is.
    domain = organisation if number % 3 == 0 else f"{('lists', 'mailman', 'ml')[number % 3]}.{organisation}"
    hosts = scene.server(f"{('mail', 'lists', 'mailman3')[number % 3]}.{organisation}", word)
    return MailingList(organisation, scene.bounce(domain, hosts), hosts, (organisation,))


def _pick(scene: Scene, pattern: Pattern, lists: list[MailingList], rng: Random) -> MailingList:
    if pattern.at == "list":
        return rng.choice(lists)
    domain = "googlegroups.com" if pattern.at == "google" else f"{scene.word()}.example"
    return MailingList("Google Groups", scene.bounce(domain, google_hosts(scene)), google_hosts(scene), ("Google", domain))


def _listed(scene: Scene, pattern: Pattern, original: Flow, at: MailingList, rng: Random) -> Flow:
    kept = {
        "kept": original.signatures,
        "broken": tuple(replace(one, broken=True) for one in original.signatures),
        "removed": (),
    }[pattern.author]
    own: tuple[Signature, ...] = (
        (scene.signed(at.domain, rng.choice(("list", "s1", "default", "20230601"))),) if pattern.signs == "yes" else ()
    )
    return replace(
        original,
        truth=Truth(SenderClass.MAILING_LIST, at.name, at.names, f"mailing list: {pattern.kind}"),
        hosts=at.hosts,
        envelopes=(at.domain,) if pattern.rewrites == "yes" else original.envelopes,
        signatures=(*kept, *own),
        rhythm=Rhythm(max(0.6, original.domain.size * pattern.share * rng.uniform(0.3, 1.7)), weekend=0.5),
        reason="mailing_list",
        arc=pattern.arc == "yes",
        per_host=20,
    )
