"""What a DMARC policy record says (RFC 9989 §4.7)."""

from dataclasses import dataclass
from enum import StrEnum

from dmarcscope.model.problem import Problem
from dmarcscope.model.words import Policy


class Standing(StrEnum):
    """What a receiver makes of a record as a whole (RFC 9989 §4.7, §4.10.1)."""

    IN_FORCE = "in-force"
    AS_NONE = "as-none"  # a policy tag is missing or invalid, and there is somebody to report to: as if it said p=none
    UNUSABLE = "unusable"  # a policy tag is missing or invalid, and nobody to report to: DMARC is not applied at all
    NOT_DMARC = "not-dmarc"  # it does not begin with v=DMARC1: as if it were not there


class Alignment(StrEnum):
    """How near two domains must be (RFC 9989 §4.4)."""

    RELAXED = "r"
    STRICT = "s"


class Psd(StrEnum):
    """Whether the domain is a public suffix (RFC 9989 §4.7)."""

    YES = "y"
    NO = "n"
    UNDECIDED = "u"


@dataclass(frozen=True, slots=True)
class ReportUri:
    """Where reports are to go (RFC 9989 §4.6).

    ``text`` is the URI as written, without a size limit; ``scheme`` is lower-case; ``address`` and ``domain`` (lower-case) are empty
    where it is no good ``mailto:``. ``is_valid``: it is a URI at all; ``size_limit`` is the obsolete limit («10m»), or empty.
    """

    text: str
    scheme: str
    address: str
    domain: str
    is_valid: bool
    size_limit: str = ""

    @property
    def is_deliverable(self) -> bool:
        """Whether receivers can send there: only mail is sure to be supported (RFC 9989 §4.7, rua)."""
        return bool(self.address)


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """A DMARC record as understood.

    ``p``, ``sp`` and ``np`` are None where the tag is missing or invalid; see ``standing`` for what that means, and
    ``align/tree_walk.py`` for which of them counts. Other tags have their defaults where they are missing or invalid.
    ``tags`` are the names and values as written, names in lower case.
    """

    text: str
    standing: Standing
    p: Policy | None = None
    sp: Policy | None = None
    np: Policy | None = None
    adkim: Alignment = Alignment.RELAXED
    aspf: Alignment = Alignment.RELAXED
    fo: tuple[str, ...] = ("0",)
    psd: Psd = Psd.UNDECIDED
    testing: bool = False
    rua: tuple[ReportUri, ...] = ()
    ruf: tuple[ReportUri, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
