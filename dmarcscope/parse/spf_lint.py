"""What is lawful and unwise in an SPF record (RFC 7208 §3.4, §4.6.4, §5, §6, §11).

Every check takes the text and the terms and yields problems; ``lint`` runs them in order. Sorting apart, linear in the terms.
"""

import ipaddress
from collections.abc import Callable, Iterator
from itertools import islice

from dmarcscope.model.problem import Problem, Severity
from dmarcscope.model.spf_record import Directive, Macro, Mechanism, Modifier
from dmarcscope.parse.slips import MECHANISMS, SPF_ALIASES, listed, near_word

Terms = tuple[Directive | Modifier, ...]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_LOOKUPS = 10
"""Terms that ask the DNS, in a record and all that it includes together (RFC 7208 §4.6.4)."""
MAX_STRING = 255
"""Characters of one string of a TXT record (RFC 1035 §3.3)."""
ROOMY, TIGHT = 450, 512
"""Octets up to which a record surely, and just, fits an answer over UDP (RFC 7208 §3.4)."""
MAX_SHOWN = 50
"""Problems that one check lists: enough to mend a record; a hostile one must not fill the screen."""
WIDE4, WIDE6 = 16, 32
"""Prefix lengths below which a network is larger than anything one sender owns."""

ASKING = frozenset({Mechanism.INCLUDE, Mechanism.A, Mechanism.MX, Mechanism.PTR, Mechanism.EXISTS})

NOT_PUBLIC: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(network), what)
    for network, what in [
        ("0.0.0.0/8", "the local network"),
        ("10.0.0.0/8", "private use (RFC 1918)"),
        ("100.64.0.0/10", "carrier NAT (RFC 6598)"),
        ("127.0.0.0/8", "the machine itself"),
        ("169.254.0.0/16", "one link"),
        ("172.16.0.0/12", "private use (RFC 1918)"),
        ("192.168.0.0/16", "private use (RFC 1918)"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "nobody"),
        ("::/128", "no address"),
        ("::1/128", "the machine itself"),
        ("::ffff:0:0/96", "IPv4 in disguise, which only ip4 matches"),
        ("fc00::/7", "private use (RFC 4193)"),
        ("fe80::/10", "one link"),
        ("ff00::/8", "multicast"),
    ]
)
DOCUMENTATION = tuple(
    ipaddress.ip_network(network) for network in ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"]
)


def lint(text: str, terms: Terms) -> Iterator[Problem]:
    """Everything to say about a record whose terms these are, in a fixed order of checks."""
    for check in CHECKS:
        yield from islice(check(text, terms), MAX_SHOWN)


def mechanisms(terms: Terms) -> list[Directive]:
    """The mechanisms among the terms."""
    return [term for term in terms if isinstance(term, Directive)]


def ending(_: str, terms: Terms) -> Iterator[Problem]:
    """How the record ends: what becomes of all other addresses."""
    last = next((term for term in mechanisms(terms) if term.mechanism is Mechanism.ALL), None)
    redirect = next((term for term in terms if isinstance(term, Modifier) and term.name == "redirect"), None)
    if last is None and redirect is None:
        what = "neither «all» nor «redirect» ends the record: all other addresses are neutral, as if nothing were published"
        yield Problem(Severity.WARNING, "no-all", what, "RFC 7208 §4.7", "~all")
    if last is None:
        return
    if last.qualifier == "+":
        what = f"«{last.text}» lets every address on the internet send as this domain"
        yield Problem(Severity.ERROR, "all-pass", what, "RFC 7208 §5.1", "~all")
    if last.qualifier == "?":
        what = "«?all» says nothing about all other addresses, as if no record were published for them"
        yield Problem(Severity.WARNING, "all-neutral", what, "RFC 7208 §5.1", "~all")
    if redirect is not None:
        # RFC 7208 §5.1, §6.1: redirect is ignored when there is an all mechanism anywhere in the record.
        what = f"«{redirect.text}» is ignored, because the record has «{last.text}»"
        yield Problem(Severity.WARNING, "redirect-ignored", what, "RFC 7208 §6.1")


def after_all(_: str, terms: Terms) -> Iterator[Problem]:
    """Mechanisms that no evaluation reaches."""
    found = mechanisms(terms)
    at = next((number for number, term in enumerate(found) if term.mechanism is Mechanism.ALL), len(found))
    late = [term.text for term in found[at + 1 :]]
    if late:
        # RFC 7208 §5.1: mechanisms after all are ignored.
        what = f"nothing after «{found[at].text}» is looked at: {listed(late)}"
        yield Problem(Severity.WARNING, "after-all", what, "RFC 7208 §5.1")


def lookups(_: str, terms: Terms) -> Iterator[Problem]:
    """More questions than a receiver asks, in this record alone."""
    found = mechanisms(terms)
    at = next((number for number, term in enumerate(found) if term.mechanism is Mechanism.ALL), len(found))
    asking = sum(term.mechanism in ASKING for term in found[:at])
    asking += at == len(found) and any(isinstance(term, Modifier) and term.name == "redirect" for term in terms)
    if asking > MAX_LOOKUPS:
        what = f"{asking} terms ask the DNS, and receivers stop with a permanent error after {MAX_LOOKUPS}"
        yield Problem(Severity.ERROR, "too-many-lookups", what, "RFC 7208 §4.6.4")


def slow(_: str, terms: Terms) -> Iterator[Problem]:
    """``ptr`` and ``%{p}``."""
    for term in mechanisms(terms):
        if term.mechanism is Mechanism.PTR:
            what = "«ptr» is slow and unreliable and should not be published; many receivers skip it"
            yield Problem(Severity.WARNING, "ptr", what, "RFC 7208 §5.5")
    for each in terms:
        spec = each.value if isinstance(each, Modifier) else each.domain
        if spec is not None and any(isinstance(part, Macro) and part.letter == "p" for part in spec.parts):
            what = f"«{each.text}» uses the macro «p», which is slow and unreliable and should not be published"
            yield Problem(Severity.WARNING, "macro-p", what, "RFC 7208 §7.2")
            return


def modifiers(_: str, terms: Terms) -> Iterator[Problem]:
    """Modifiers that nobody knows: receivers ignore them, and so they hide mistakes."""
    for term in [term for term in terms if isinstance(term, Modifier) and term.name not in {"redirect", "exp"}]:
        name, value = term.name, term.value.text
        if name == "v":
            what = f"a second record begins at «{term.text}»; a domain has one record with all terms"
            yield Problem(Severity.ERROR, "second-version", what, "RFC 7208 §4.5")
            continue
        if name in MECHANISMS or name in SPF_ALIASES:
            mechanism = SPF_ALIASES.get(name, name)
            fix = f"{mechanism}:{value}" if value else mechanism
            what = f"«{term.text}» is taken for an unknown modifier and ignored; a mechanism has a colon"
            yield Problem(Severity.ERROR, "mechanism-as-modifier", what, "RFC 7208 §6", fix)
            continue
        near = near_word(name, ("redirect", "exp", *MECHANISMS))
        fix = (f"{near}={value}" if near in {"redirect", "exp"} else f"{near}:{value}") if near else ""
        what = f"«{term.text}» is a modifier that nobody knows; receivers ignore it"
        yield Problem(Severity.WARNING if near else Severity.NOTE, "unknown-modifier", what, "RFC 7208 §6", fix)


def repeats(_: str, terms: Terms) -> Iterator[Problem]:
    """Terms that stand there twice."""
    seen: set[tuple[object, ...]] = set()
    for term in mechanisms(terms):
        domain = term.domain and term.domain.text.lower().removesuffix(".")
        key = (term.mechanism, domain, term.network, term.cidr4, term.cidr6)
        if key in seen and term.mechanism is not Mechanism.ALL:
            what = f"«{term.text}» stands there twice" + ("; each costs a lookup" if term.mechanism in ASKING else "")
            yield Problem(Severity.WARNING, "repeated-term", what, "RFC 7208 §4.6.2")
        seen.add(key)


def contained(_: str, terms: Terms) -> Iterator[Problem]:
    """Networks that lie within another network of the record with the same qualifier."""
    found = {(term.qualifier, term.network): term for term in reversed(mechanisms(terms)) if term.network is not None}
    outer: Directive | None = None
    for term in sorted(found.values(), key=in_order):
        if outer is not None and outer.qualifier == term.qualifier and within(term.network, outer.network):
            what = f"«{term.text}» is already within «{outer.text}»"
            yield Problem(Severity.NOTE, "contained-network", what, "RFC 7208 §5.6")
        else:
            outer = term


def in_order(term: Directive) -> tuple[str, int, int, int]:
    """Networks of one qualifier together, each before those that lie within it."""
    network = term.network
    return (term.qualifier, network.version, int(network.network_address), network.prefixlen) if network else (term.qualifier, 0, 0, 0)


def within(inner: Network | None, outer: Network | None) -> bool:
    """Whether a network lies within another one of the same version."""
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    return isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network) and inner.subnet_of(outer)


def networks(_: str, terms: Terms) -> Iterator[Problem]:
    """Networks that are too wide, not public, or not written as networks."""
    for term in mechanisms(terms):
        network = term.network
        if network is None or term.qualifier == "-":
            continue
        if network.prefixlen == 0 and term.qualifier == "+":
            what = f"«{term.text}» lets every address on the internet send as this domain"
            yield Problem(Severity.ERROR, "everyone", what, "RFC 7208 §5.6")
        elif network.prefixlen < (WIDE4 if network.version == 4 else WIDE6):
            what = f"«{term.text}» is a very large network"
            yield Problem(Severity.WARNING, "wide-network", what, "RFC 7208 §11.2")
        yield from reserved(term, network)
        if str(network.network_address) != str(ipaddress.ip_address(written_address(term))):
            what = f"«{term.text}» means the whole network {network}"
            yield Problem(Severity.NOTE, "host-bits", what, "RFC 7208 §5.6", f"{term.mechanism}:{network}")


def written_address(term: Directive) -> str:
    """The address of an ip4 or ip6 term as written."""
    return term.text.partition(":")[2].partition("/")[0]


def reserved(term: Directive, network: Network) -> Iterator[Problem]:
    """A network from which no mail reaches others."""
    for special, use in NOT_PUBLIC:
        if within(network, special):
            what = f"«{term.text}» is an address for {use}; no receiver will ever see it"
            yield Problem(Severity.WARNING, "not-public", what, "RFC 6890 §2.2.2")
    if any(within(network, special) for special in DOCUMENTATION):
        what = f"«{term.text}» is an address for examples in documents"
        yield Problem(Severity.NOTE, "documentation-network", what, "RFC 5737 §3")


def hosts(_: str, terms: Terms) -> Iterator[Problem]:
    """``a/0`` and the like."""
    for term in mechanisms(terms):
        if term.mechanism in {Mechanism.A, Mechanism.MX} and term.qualifier == "+" and 0 in {term.cidr4, term.cidr6}:
            what = f"«{term.text}» lets every address on the internet send as this domain"
            yield Problem(Severity.ERROR, "everyone", what, "RFC 7208 §5.3")


def length(text: str, _: Terms) -> Iterator[Problem]:
    """Records that may not fit."""
    size = len(text)
    if size > TIGHT:
        what = f"the record has {size} octets; above {TIGHT}, answers may be cut and mail checked without it"
        yield Problem(Severity.WARNING, "long-record", what, "RFC 7208 §3.4")
    elif size > ROOMY:
        what = f"the record has {size} octets; with the other TXT records of the name it should stay below {TIGHT}"
        yield Problem(Severity.NOTE, "long-record", what, "RFC 7208 §3.4")
    if size > MAX_STRING:
        what = f"the record has over {MAX_STRING} octets and must be published as several strings in one record"
        yield Problem(Severity.NOTE, "several-strings", what, "RFC 7208 §3.3")


CHECKS: tuple[Callable[[str, Terms], Iterator[Problem]], ...] = (
    ending,
    after_all,
    lookups,
    slow,
    modifiers,
    hosts,
    networks,
    repeats,
    contained,
    length,
)
