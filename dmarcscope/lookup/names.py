"""Domain names as they are asked: text to wire form (RFC 1035 §3.1, §5.1), and the names that are never sent to a name server.

A backslash escapes as in master files: ``\\.`` is a dot within a label, ``\\DDD`` a byte by its decimal number. That is how names
stand in answers, too, so that a name from an answer can be asked again.
"""

import re
from ipaddress import IPv4Address, IPv6Address

MAX_LABEL = 63  # octets (RFC 1035 §2.3.4)
MAX_NAME = 255  # octets on the wire, length bytes and the root's zero included

# What the DNS cannot know, by its last labels, and who says so.
# RFC 6761 §6.5: example names are not among them; they are asked like any other.
RESERVED = {
    "localhost": "RFC 6761 §6.3",
    "invalid": "RFC 6761 §6.4",
    "test": "RFC 6761 §6.2",
    "local": "RFC 6762 §3",
    "onion": "RFC 7686 §2",
    "alt": "RFC 9476 §2",
    "home.arpa": "RFC 8375 §4",
}

_PIECE = re.compile(r"\\(?P<number>[0-9]{3})|\\(?P<char>[^0-9])|(?P<dot>\.)|(?P<plain>[^\\.]+)", re.DOTALL)


class BadName(ValueError):
    """A text that is no domain name; never leaves the resolvers, which answer NOT_ASKED."""


def canonical(name: str) -> str:
    """A name in lower case and without its final dot.

    >>> canonical("WWW.Example.COM.")
    'www.example.com'
    """
    return name.lower().removesuffix(".")


def wire_name(name: str) -> bytes:
    r"""A name in wire form; the root is the empty text. Raises BadName, with the reason, for what cannot be one.

    >>> wire_name("a.example")
    b'\x01a\x07example\x00'
    """
    if not name:
        return b"\0"
    if not name.isascii():
        raise BadName("the name is not in A-label form")
    labels = _escaped_labels(name) if "\\" in name else name.encode("ascii").split(b".")
    wire = bytearray()
    for label in labels:
        # RFC 1035 §2.3.4: labels have 63 octets or less; the empty one is the root's.
        if not label:
            raise BadName("the name has an empty label")
        if len(label) > MAX_LABEL:
            raise BadName(f"a label of the name is over {MAX_LABEL} octets long")
        wire.append(len(label))
        wire += label
    wire.append(0)
    if len(wire) > MAX_NAME:
        raise BadName(f"the name is over {MAX_NAME} octets long")
    return bytes(wire)


def _escaped_labels(name: str) -> list[bytes]:
    """The labels of a name with backslashes in it."""
    labels, at = [bytearray()], 0
    while at < len(name):
        piece = _PIECE.match(name, at)
        if piece is None or (piece["number"] and int(piece["number"]) > 255):
            raise BadName("the name has a backslash that escapes nothing")
        at = piece.end()
        if piece["dot"]:
            labels.append(bytearray())
        elif piece["number"]:
            labels[-1].append(int(piece["number"]))
        else:
            labels[-1] += (piece["char"] or piece["plain"]).encode("ascii")
    return [bytes(label) for label in labels]


def why_not_to_ask(name: str) -> str:
    """Why a canonical name is never sent to a name server; empty if it may be.

    >>> why_not_to_ask("printer.local")
    'names under local are not in the DNS (RFC 6762 §3)'
    >>> why_not_to_ask("1.0.168.192.in-addr.arpa")
    '192.168.0.1 is not a public address'
    >>> why_not_to_ask("example.com")
    ''
    """
    if not name:
        return "the name is empty"
    ending = name.rpartition(".")[2]
    if ending == "arpa":
        return _why_not_arpa(name)
    rule = RESERVED.get(ending)
    return f"names under {ending} are not in the DNS ({rule})" if rule else ""


def _why_not_arpa(name: str) -> str:
    """The same, for names under arpa: home networks, and addresses that nobody outside can know."""
    if name == "home.arpa" or name.endswith(".home.arpa"):
        return f"names under home.arpa are not in the DNS ({RESERVED['home.arpa']})"
    address = address_of(name)
    # RFC 6303 §3: the reverse names of private and special addresses are nobody's business outside.
    if address is None or (address.is_global and not address.is_multicast):
        return ""
    return f"{address} is not a public address"


def address_of(name: str) -> IPv4Address | IPv6Address | None:
    """The address that a whole reverse name (RFC 1035 §3.5, RFC 3596 §2.5) stands for, or None.

    >>> str(address_of("9.2.0.192.in-addr.arpa"))
    '192.0.2.9'
    """
    labels = name.split(".")[::-1]
    try:
        if labels[1] == "in-addr" and len(labels) == 6:
            return IPv4Address(".".join(labels[2:]))
        if labels[1] == "ip6" and len(labels) == 34:
            digits = "".join(labels[2:])
            return IPv6Address(bytes.fromhex(digits)) if len(digits) == 32 else None
    except (ValueError, IndexError):
        pass
    return None
