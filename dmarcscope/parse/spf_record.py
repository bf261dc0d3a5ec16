"""Read an SPF record: its terms by the grammar, each syntax error with its place (RFC 7208 §4.5, §4.6, §5, §6, §12).

One syntax error anywhere makes the whole record permerror, wherever the evaluation would have ended (RFC 7208 §4.6); all of them
are listed all the same. What is lawful and unwise is said by ``parse/spf_lint.py``. Linear in the length of the text.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple

from dmarcscope.model.problem import Problem, Severity, worst_first
from dmarcscope.model.spf_record import Directive, MacroString, Mechanism, Modifier, SpfRecord, SyntaxProblem
from dmarcscope.parse.macro_string import domain_spec, macro_string
from dmarcscope.parse.spf_lint import lint
from dmarcscope.parse.spf_meant import meant

MAX_RECORD = 65535
"""Characters of a record that are looked at: the data of a DNS record has no room for more (RFC 1035 §3.2.1)."""
MAX_ERRORS = 50
"""Syntax errors listed of one record: enough to mend it; a hostile one must not fill the screen."""

VERSION = re.compile(r"v=spf1(?= |\Z)", re.IGNORECASE)
TERM = re.compile(r"[^ ]+")
MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)", re.DOTALL)
DIRECTIVE = re.compile(r"([-+?~]?)([^:/]*)(.*)", re.DOTALL)
PREFIXES = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?")
PREFIXES_AT = re.compile(r"(?:/[0-9]+)?(?://[0-9]+)?\Z")

ONCE = ("redirect", "exp")


class Term(NamedTuple):
    """A mechanism before its argument is read; ``rest`` is what follows its name, from the colon or slash on."""

    text: str
    position: int
    qualifier: str
    mechanism: Mechanism
    rest: str

    def wrong(self, what: str, fix: str = "") -> SyntaxProblem:
        """A syntax error of this term."""
        return SyntaxProblem(self.position, what, self.text, fix)

    def directive(
        self, domain: MacroString | None = None, network: IPv4Network | IPv6Network | None = None, cidr4: int = 32, cidr6: int = 128
    ) -> Directive:
        """This term, read."""
        return Directive(self.qualifier, self.mechanism, domain, network, cidr4, cidr6, self.text, self.position)


def spf_record(text: str) -> SpfRecord:
    """What the text of an SPF record says, with the strings of its TXT record joined (RFC 7208 §3.3). Never raises.

    >>> [term.text for term in spf_record("v=spf1 mx -all").terms]
    ['mx', '-all']
    >>> spf_record("v=spf1 ip4:1.2.3 -all").error.position
    7
    """
    found = spf_syntax(text)
    is_read = VERSION.match(text) is not None and len(text) <= MAX_RECORD
    return replace(found, problems=worst_first([*found.problems, *lint(text, found.terms)])) if is_read else found


def spf_syntax(text: str) -> SpfRecord:
    """As ``spf_record``, for evaluation: ``problems`` has the syntax errors alone, which saves most of the time."""
    version = VERSION.match(text)
    # RFC 7208 §4.5: a record begins with «v=spf1» and a blank or its end.
    if version is None:
        return refused(text, SyntaxProblem(0, "the record does not begin with «v=spf1»", text[:20]))
    if len(text) > MAX_RECORD:
        return refused(text, SyntaxProblem(MAX_RECORD, f"the record has over {MAX_RECORD} characters", ""))
    found = [term(match.group(), match.start()) for match in TERM.finditer(text, version.end())]
    terms = tuple(each for each in found if not isinstance(each, SyntaxProblem))
    errors = [each for each in found if isinstance(each, SyntaxProblem)]
    errors += repeated(terms)
    errors.sort(key=lambda error: error.position)
    advised = [advice(error) for error in errors[:MAX_ERRORS]]
    problems = [syntax(error) for error in advised]
    return SpfRecord(text, terms, advised[0] if advised else None, tuple(problems))


def refused(text: str, error: SyntaxProblem) -> SpfRecord:
    """A record of which nothing is read."""
    return SpfRecord(text, (), error, (syntax(error),))


def advice(error: SyntaxProblem) -> SyntaxProblem:
    """The error with what was probably meant, unless that cannot be read either."""
    better = meant(error)
    return error if better.fix and isinstance(term(better.fix, 0), SyntaxProblem) else better


def syntax(error: SyntaxProblem) -> Problem:
    """A syntax error as a problem."""
    where = f" (character {error.position + 1})" if error.position else ""
    return Problem(
        Severity.ERROR, "syntax-error", f"{error.what}{where}: the whole record is a permanent error", "RFC 7208 §4.6", error.fix
    )


def repeated(terms: Iterable[Directive | Modifier]) -> list[SyntaxProblem]:
    """Every second ``redirect`` or ``exp``."""
    found = []
    for name in ONCE:
        same = [term for term in terms if isinstance(term, Modifier) and term.name == name]
        # RFC 7208 §6: each of the two at most once; more are a permanent error.
        found += [SyntaxProblem(term.position, f"«{name}» stands here a second time", term.text) for term in same[1:]]
    return found


def term(text: str, position: int) -> Directive | Modifier | SyntaxProblem:
    """One term: a modifier if an equals sign follows its name at once (RFC 7208 §4.6.1), else a mechanism."""
    found = MODIFIER.fullmatch(text)
    return modifier(found, position) if found else directive(text, position)


def modifier(found: re.Match[str], position: int) -> Modifier | SyntaxProblem:
    """``name=value``; the value of ``redirect`` and ``exp`` is a domain, of others any macro-string (RFC 7208 §6)."""
    name, value = found.group(1).lower(), found.group(2)
    read = domain_spec if name in ONCE else macro_string
    spec = read(value, position + found.start(2))
    if isinstance(spec, SyntaxProblem):
        return SyntaxProblem(spec.position, f"«{found.group(1)}»: {spec.what}", found.group())
    return Modifier(name, spec, found.group(), position)


def directive(text: str, position: int) -> Directive | SyntaxProblem:
    """A qualifier, a mechanism and its argument (RFC 7208 §4.6.1, §5)."""
    found = DIRECTIVE.fullmatch(text)
    qualifier, name, rest = found.groups() if found else ("", text, "")
    # RFC 7208 §4.6.1: names of mechanisms are read without regard to case.
    known = MECHANISMS.get(name.lower())
    if known is None:
        return SyntaxProblem(position, f"«{name[:60]}» is no mechanism", text)
    mechanism, read = known
    return read(Term(text, position, qualifier or "+", mechanism, rest))


def bare(this: Term) -> Directive | SyntaxProblem:
    """``all`` takes no argument (RFC 7208 §5.1)."""
    return this.wrong("«all» takes no argument") if this.rest else this.directive()


def of_domain(this: Term) -> Directive | SyntaxProblem:
    """``include`` and ``exists`` want a domain (RFC 7208 §5.2, §5.7)."""
    if not this.rest.startswith(":"):
        return this.wrong(f"«{this.mechanism}» needs a colon and a domain")
    return with_domain(this, this.rest, 32, 128)


def perhaps_of_domain(this: Term) -> Directive | SyntaxProblem:
    """``ptr`` may have a domain (RFC 7208 §5.5)."""
    return of_domain(this) if this.rest else this.directive()


def of_hosts(this: Term) -> Directive | SyntaxProblem:
    """``a`` and ``mx`` may have a domain and two prefix lengths (RFC 7208 §5.3, §5.4)."""
    # A domain-spec may hold slashes and digits, so the lengths are looked for at the end.
    at = PREFIXES_AT.search(this.rest)
    before, lengths = (this.rest[: at.start()], at.group()) if at else (this.rest, "")
    found = PREFIXES.fullmatch(lengths)
    if found is None:
        return this.wrong(f"«{lengths}» is no prefix length")
    cidr4, cidr6 = int(found.group(1) or 32), int(found.group(2) or 128)
    if before and not before.startswith(":"):
        return this.wrong(f"«{this.mechanism}» is followed by neither a colon and a domain nor a prefix length")
    if cidr4 > 32 or cidr6 > 128:
        return this.wrong("a prefix length is at most 32 bits for IPv4 and 128 for IPv6")
    if not before:
        return this.directive(cidr4=cidr4, cidr6=cidr6)
    return with_domain(this, before, cidr4, cidr6)


def with_domain(this: Term, before: str, cidr4: int, cidr6: int) -> Directive | SyntaxProblem:
    """A mechanism with the domain that stands after its colon."""
    spec = domain_spec(before[1:], this.position + len(this.text) - len(this.rest) + 1)
    if isinstance(spec, SyntaxProblem):
        return SyntaxProblem(spec.position, f"«{this.mechanism}»: {spec.what}", this.text)
    return this.directive(domain=spec, cidr4=cidr4, cidr6=cidr6)


def of_network4(this: Term) -> Directive | SyntaxProblem:
    """``ip4`` wants an address and perhaps a prefix length (RFC 7208 §5.6)."""
    address, length = split_network(this.rest)
    try:
        # RFC 7208 §5.6: four numbers, none left out, none with leading zeros.
        plain = IPv4Address(address)
    except AddressValueError:
        return this.wrong(f"«{address[:60]}» is no IPv4 address" if address else "«ip4» needs a colon and an IPv4 address")
    bits = prefix(length, 32)
    if bits is None:
        return this.wrong(f"«{length[:20]}» is no prefix length of an IPv4 network")
    return this.directive(network=IPv4Network((int(plain), bits), strict=False), cidr4=bits)


def of_network6(this: Term) -> Directive | SyntaxProblem:
    """``ip6`` wants an address and perhaps a prefix length (RFC 7208 §5.6)."""
    address, length = split_network(this.rest)
    try:
        # RFC 4291 §2.2 has no zone identifiers.
        plain = IPv6Address(address if "%" not in address else "")
    except AddressValueError:
        return this.wrong(f"«{address[:60]}» is no IPv6 address" if address else "«ip6» needs a colon and an IPv6 address")
    bits = prefix(length, 128)
    if bits is None:
        return this.wrong(f"«{length[:20]}» is no prefix length of an IPv6 network")
    return this.directive(network=IPv6Network((int(plain), bits), strict=False), cidr6=bits)


def split_network(rest: str) -> tuple[str, str]:
    """The address after the colon (empty if there is no colon) and the length after the slash, slash included."""
    if not rest.startswith(":"):
        return "", ""
    address, slash, length = rest[1:].partition("/")
    return address, slash + length


LENGTH = re.compile(r"/(0|[1-9][0-9]{0,2})")


def prefix(length: str, most: int) -> int | None:
    """A prefix length in bits; all bits where none is written, None where it is none or too large."""
    if not length:
        return most
    found = LENGTH.fullmatch(length)
    return int(found.group(1)) if found and int(found.group(1)) <= most else None


MECHANISMS: dict[str, tuple[Mechanism, Callable[[Term], Directive | SyntaxProblem]]] = {
    "all": (Mechanism.ALL, bare),
    "include": (Mechanism.INCLUDE, of_domain),
    "a": (Mechanism.A, of_hosts),
    "mx": (Mechanism.MX, of_hosts),
    "ptr": (Mechanism.PTR, perhaps_of_domain),
    "ip4": (Mechanism.IP4, of_network4),
    "ip6": (Mechanism.IP6, of_network6),
    "exists": (Mechanism.EXISTS, of_domain),
}
