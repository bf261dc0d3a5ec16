"""What a DKIM key record says (RFC 6376 §3.6.1, RFC 8463 §3)."""

from dataclasses import dataclass
from enum import StrEnum

from dmarcscope.model.problem import Problem


class KeyState(StrEnum):
    """What a key record is good for."""

    USABLE = "usable"
    REVOKED = "revoked"  # p is empty: signatures of this selector are to be refused (RFC 6376 §3.6.1)
    UNUSABLE = "unusable"  # no receiver can verify a signature with it


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A DKIM key record as understood.

    ``algorithm`` is «rsa», «ed25519» or as written; ``bits`` the length of the RSA modulus or 256 for Ed25519, None where the key
    cannot be read; ``exponent`` that of an RSA key. ``hashes`` are the hash algorithms allowed (empty: all). ``testing``: mail is to
    be treated as if it were not signed. ``strict``: no subdomains in ``i=``.
    """

    text: str
    state: KeyState
    algorithm: str = "rsa"
    bits: int | None = None
    exponent: int | None = None
    hashes: tuple[str, ...] = ()
    services: tuple[str, ...] = ("*",)
    testing: bool = False
    strict: bool = False
    notes: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
