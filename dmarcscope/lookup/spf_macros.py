"""What the macros of SPF stand for in one message (RFC 7208 §7.2–§7.4), and which target names are none (§4.3, §4.8).

Facts: a target name keeps its right-hand 253 characters, whole labels only, so expanding goes from right to left and stops there;
an explanation stops after MAX_EXPLANATION. However often a hostile record repeats a macro, no text grows beyond that and one value.
Strategy: everything here is pure; ``%{p}`` needs the DNS, so whoever asks hands its value in.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote

from dmarcscope.model.spf_record import Macro, MacroString

MAX_NAME = 253
"""Characters of a name (RFC 7208 §7.3; RFC 1035 §2.3.4)."""
MAX_EXPLANATION = 2000
"""Characters of an explanation that are kept: it goes into the reply of an SMTP server, where a line has 512 (RFC 5321 §4.5.3.1.5)."""
MAX_IDENTITY = 1000
"""Characters of sender and HELO that are looked at: RFC 5321 §4.5.3.1 allows 64, 255 and 256."""

UNKNOWN = "unknown"

NAME = re.compile(r"[\x20-\x2d\x2f-\x7e]{1,63}(?:\.[\x20-\x2d\x2f-\x7e]{1,63})*")
PRINTABLE = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class Identity:
    """The message as the macros see it; ``now`` None is the time at which ``%{t}`` is met."""

    ip: IPv4Address | IPv6Address
    local_part: str
    sender_domain: str
    helo: str
    receiver: str
    now: datetime | None


def identity(ip: IPv4Address | IPv6Address, sender: str, helo: str, *, receiver: str = UNKNOWN, now: datetime | None = None) -> Identity:
    """The message with the gaps filled as the RFC says.

    >>> who = identity(IPv6Address("::ffff:192.0.2.1"), "", "mail.example.com")
    >>> str(who.ip), who.local_part, who.sender_domain
    ('192.0.2.1', 'postmaster', 'mail.example.com')
    """
    # RFC 7208 §5: an IPv4-mapped address is an IPv4 address.
    plain = (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip
    helo = helo[:MAX_IDENTITY]
    local, _, domain = sender[-MAX_IDENTITY:].rpartition("@")
    # RFC 7208 §2.4: without a sender, the identity is postmaster at the HELO name; §4.3: the same for a missing local-part.
    return Identity(plain, local or "postmaster", domain.removesuffix(".") or helo.removesuffix("."), helo, receiver or UNKNOWN, now)


def dotted(ip: IPv4Address | IPv6Address) -> str:
    """An address as ``%{i}`` gives it: for IPv6 the 32 hexadecimal digits with dots between (RFC 7208 §7.3).

    The digits are upper-case, as the public test suite wants them; names are asked in lower case anyway.

    >>> dotted(IPv6Address("2001:db8::cb01"))[-15:]
    '0.0.0.0.C.B.0.1'
    """
    return str(ip) if ip.version == 4 else ".".join(f"{int(ip):032X}")


@dataclass(frozen=True, slots=True)
class Scope:
    """What the macros stand for while the record of ``domain`` is evaluated; ``validated`` is the value of ``%{p}``."""

    who: Identity
    domain: str
    validated: str = UNKNOWN


# RFC 7208 §7.2: what each letter stands for; c, r and t stand in explanations alone, which the parser sees to.
LETTERS: dict[str, Callable[[Scope], str]] = {
    "s": lambda scope: f"{scope.who.local_part}@{scope.who.sender_domain}",
    "l": lambda scope: scope.who.local_part,
    "o": lambda scope: scope.who.sender_domain,
    "d": lambda scope: scope.domain,
    "i": lambda scope: dotted(scope.who.ip),
    "p": lambda scope: scope.validated,
    "v": lambda scope: "in-addr" if scope.who.ip.version == 4 else "ip6",
    "h": lambda scope: scope.who.helo.removesuffix("."),
    "c": lambda scope: str(scope.who.ip),
    "r": lambda scope: scope.who.receiver,
    "t": lambda scope: str(int((scope.who.now or datetime.now(UTC)).timestamp())),
}


def transformed(macro: Macro, value: str) -> str:
    """The value split, turned around, cut to its right-hand parts and escaped, as its macro wants (RFC 7208 §7.3).

    >>> transformed(Macro("l", digits=1, reverse=True, delimiters="-"), "strong-bad")
    'strong'
    """
    if macro.digits is not None or macro.reverse or macro.delimiters:
        parts = re.split(f"[{re.escape(macro.delimiters or '.')}]", value)
        if macro.reverse:
            parts.reverse()
        # RFC 7208 §7.3: rejoined with dots, whatever they were split at.
        value = ".".join(parts[-macro.digits :] if macro.digits is not None else parts)
    # RFC 7208 §7.3: all but the unreserved characters of RFC 3986 are escaped.
    return quote(value, safe="") if macro.escape else value


def uses(spec: MacroString | None, name: str) -> bool:
    """Whether a macro with that letter stands in it."""
    return spec is not None and any(isinstance(part, Macro) and part.letter == name for part in spec.parts)


def expanded(part: str | Macro, scope: Scope) -> str:
    """A part, as text."""
    return part if isinstance(part, str) else transformed(part, LETTERS[part.letter](scope))


def target_name(spec: MacroString, scope: Scope) -> str:
    r"""The name that a domain-spec gives: no final dot, at most 253 characters. It need not be a lawful name; see ``is_name``.

    >>> who = identity(IPv4Address("192.0.2.3"), "strong-bad@email.example.com", "mx.example.org")
    >>> target_name(MacroString((Macro("i", reverse=True), ".spf.", Macro("d", digits=2)), ""), Scope(who, "email.example.com"))
    '3.2.0.192.spf.example.com'
    """
    if len(spec.parts) == 1 and isinstance(spec.parts[0], str):
        name = spec.parts[0]
    else:
        found: list[str] = []
        length = 0
        for part in reversed(spec.parts):
            found.append(expanded(part, scope))
            length += len(found[-1])
            if length > MAX_NAME + 2:  # a final dot and one more
                break
        name = "".join(reversed(found))
    return shortened(name.removesuffix("."))


def shortened(name: str) -> str:
    """The name without as many labels on the left as make it longer than a name may be."""
    if len(name) <= MAX_NAME:
        return name
    # RFC 7208 §7.3: whole labels are removed from the left until at most 253 characters are left.
    _, dot, rest = name[-MAX_NAME - 1 :].partition(".")
    return rest if dot else name[-MAX_NAME - 1 :]


def is_name(name: str) -> bool:
    """Whether the DNS can be asked for it: labels of 1 to 63 characters, all of them printable ASCII.

    >>> is_name("a.example"), is_name("a..example"), is_name("x" * 64), is_name("bücher.example")
    (True, False, False, False)
    """
    return len(name) <= MAX_NAME and NAME.fullmatch(name) is not None


def is_sending_domain(name: str) -> bool:
    """Whether a name can have an SPF record (RFC 7208 §4.3): it is a name of several labels, and no address in brackets.

    >>> is_sending_domain("example.com"), is_sending_domain("localhost"), is_sending_domain("[192.0.2.1]")
    (True, False, False)
    """
    return is_name(name) and "." in name and not name.startswith("[")


def asked_name(name: str) -> str:
    r"""The same name as text for the DNS, where a backslash escapes (RFC 1035 §5.1): here it is a character like any other.

    >>> asked_name("A\\b.example")
    'a\\\\b.example'
    """
    return name.lower().replace("\\", "\\\\")


def explanation(spec: MacroString, scope: Scope) -> str:
    """The explanation that a text gives; empty if a value brings in what is no printable ASCII (RFC 7208 §6.2)."""
    text = "".join(limited((expanded(part, scope) for part in spec.parts), MAX_EXPLANATION))[:MAX_EXPLANATION]
    return text if PRINTABLE.fullmatch(text) else ""


def limited(parts: Iterable[str], most: int) -> Iterable[str]:
    """The first of the parts, up to the one that makes them longer than ``most``."""
    length = 0
    for part in parts:
        yield part
        length += len(part)
        if length > most:
            return
