"""Read how long a public key is: just enough DER for RSA and Ed25519 keys (RFC 8017 appendix A.1.1, RFC 5280 §4.1.2.7, RFC 8410 §4).

No cryptography is done. Lengths are checked against what is there, nesting is fixed, and the work is linear in the bytes.
"""

from typing import NamedTuple

INTEGER, BIT_STRING, OBJECT_ID, SEQUENCE = 0x02, 0x03, 0x06, 0x30
RSA_ENCRYPTION = bytes.fromhex("2a864886f70d010101")
ED25519 = bytes.fromhex("2b6570")
ED25519_BYTES = 32
"""RFC 8032 §5.1.5."""
MAX_LENGTH_BYTES = 3
"""Bytes in which DER may write a length here: no DNS record has 16 million octets."""


class Element(NamedTuple):
    """One DER element: its tag, its content, and what follows it."""

    tag: int
    content: bytes
    rest: bytes


class PublicKey(NamedTuple):
    """A public key: ``kind`` («rsa», «ed25519» or empty), bits, the exponent of an RSA key, and what is odd about it, if anything.

    ``wrapped`` tells a SubjectPublicKeyInfo from the bare key; ``trailing`` counts bytes after it.
    """

    kind: str = ""
    bits: int | None = None
    exponent: int | None = None
    wrapped: bool = False
    trailing: int = 0
    raw: bytes = b""


NO_KEY = PublicKey()


def element(data: bytes) -> Element | None:
    """The first DER element of some bytes, None if they hold no whole one."""
    if len(data) < 2:
        return None
    length, start = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        start = 2 + count
        if not 1 <= count <= MAX_LENGTH_BYTES or len(data) < start:
            return None
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        return None
    return Element(data[0], data[start : start + length], data[start + length :])


def content(data: bytes, tag: int) -> tuple[bytes, bytes] | None:
    """Content and rest of the first element, if it has that tag."""
    found = element(data)
    return (found.content, found.rest) if found and found.tag == tag else None


def public_key(data: bytes) -> PublicKey:
    """The key in some DER bytes; NO_KEY if there is none that can be read.

    >>> public_key(bytes.fromhex("3006020106020103"))
    PublicKey(kind='rsa', bits=3, exponent=3, wrapped=False, trailing=0, raw=b'')
    """
    outer = content(data, SEQUENCE)
    if outer is None:
        return NO_KEY
    inside, after = outer
    algorithm = content(inside, SEQUENCE)
    if algorithm is None:
        return rsa_key(inside)._replace(trailing=len(after))
    identifier = content(algorithm[0], OBJECT_ID)
    bits = content(algorithm[1], BIT_STRING)
    # X.690 §8.6.2: the first octet of a bit string counts the bits that are not used; a key uses all.
    if identifier is None or bits is None or bits[0][:1] != b"\0":
        return NO_KEY
    key = bits[0][1:]
    if identifier[0] == ED25519:
        return PublicKey("ed25519", len(key) * 8, None, wrapped=True, trailing=len(after), raw=key)
    if identifier[0] != RSA_ENCRYPTION:
        return NO_KEY
    bare = content(key, SEQUENCE)
    return rsa_key(bare[0])._replace(wrapped=True, trailing=len(after)) if bare else NO_KEY


def rsa_key(data: bytes) -> PublicKey:
    """The two integers of an RSAPublicKey."""
    modulus = content(data, INTEGER)
    exponent = content(modulus[1], INTEGER) if modulus else None
    if modulus is None or exponent is None:
        return NO_KEY
    number = int.from_bytes(modulus[0], "big")
    return PublicKey("rsa", number.bit_length(), int.from_bytes(exponent[0], "big"))
