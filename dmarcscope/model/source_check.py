"""What was found out about the sources, domains and keys of reports by asking the DNS today.

Each kind of check has a ``trouble``: why it could not be told, empty if it was. With a trouble, nothing else of it says anything.
"""

from dataclasses import dataclass
from enum import StrEnum


class PtrResult(StrEnum):
    """Whether an address has a name that leads back to it (iprev, RFC 8601 §3 and §2.7.3)."""

    PASS = "pass"  # a name of the address has the address
    FAIL = "fail"  # there are names, and none of them has the address
    PERMERROR = "permerror"  # the address has no name
    TEMPERROR = "temperror"  # a question had no answer


@dataclass(frozen=True, slots=True)
class Ptr:
    """The names of an address. ``name`` is the confirmed one, or else the first; None if there is none or it could not be asked."""

    ip: str
    result: PtrResult
    name: str | None = None
    names: tuple[str, ...] = ()
    reason: str = ""

    @property
    def confirmed(self) -> bool:
        """Whether the name leads back to the address."""
        return self.result is PtrResult.PASS


class KeyToday(StrEnum):
    """What stands at a selector."""

    USABLE = "usable"
    TESTING = "testing"  # usable, but receivers are to treat its mail as if it were not signed
    REVOKED = "revoked"
    UNUSABLE = "unusable"
    SEVERAL = "several"  # which of them is taken is undefined (RFC 6376 §3.6.2.2)
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """The name of a source."""

    ip: str
    ptr_result: str | None = None
    ptr_name: str | None = None
    ptr_confirmed: bool | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class SpfToday:
    """Whether today's SPF of a domain authorises a source: the result, the term that matched, and the way to it (JSON)."""

    ip: str
    domain: str
    result: str | None = None
    term: str | None = None
    path: str | None = None
    reason: str | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """What stands at a selector, with the algorithm and the size of its key."""

    domain: str
    selector: str
    state: str | None = None
    algorithm: str | None = None
    bits: int | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class WalkCheck:
    """That the DNS tree was walked from a domain (RFC 9989 §4.10); the observations have what was met."""

    domain: str
    trouble: str = ""


Check = SourceCheck | SpfToday | KeyCheck | WalkCheck
