"""What a DNS tree walk came to: which policy applies to a domain, and whose domain it is (RFC 9989 §4.10)."""

from dataclasses import dataclass
from enum import StrEnum

from dmarcscope.model.answer import Outcome
from dmarcscope.model.dmarc_record import DmarcRecord, Standing
from dmarcscope.model.words import Policy


@dataclass(frozen=True, slots=True)
class Step:
    """What was found at one name of a walk.

    ``domain`` is without the label ``_dmarc``. ``record`` is the one DMARC record there; None where there is none, several (they
    are discarded) or no answer, which ``outcome`` tells apart.
    """

    domain: str
    outcome: Outcome
    record: DmarcRecord | None = None

    @property
    def valid_record(self) -> DmarcRecord | None:
        """The record, if it is a DMARC record at all."""
        return self.record if self.record is not None and self.record.standing is not Standing.NOT_DMARC else None


class Where(StrEnum):
    """Where the policy of a domain was found."""

    AUTHOR = "author-domain"
    ORGANIZATIONAL = "organizational-domain"
    PUBLIC_SUFFIX = "public-suffix"
    NOWHERE = "nowhere"  # DMARC does not apply
    UNKNOWN = "unknown"  # a question had no answer; this is never the same as nowhere


@dataclass(frozen=True, slots=True)
class Organizational:
    """The organizational domain of a domain, None where a question had no answer; ``why`` says how it was told."""

    domain: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """Which record applies to mail from a domain, where it was found and why; ``steps`` are those that count, longest name first."""

    author_domain: str
    where: Where
    policy_domain: str | None
    record: DmarcRecord | None
    organizational: Organizational
    steps: tuple[Step, ...]
    why: str


class Existence(StrEnum):
    """Whether a name is there at all (RFC 9989 §3.2.13)."""

    EXISTS = "exists"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AppliedPolicy:
    """What the owner asks for mail that fails.

    ``tag`` is the tag that counts («p», «sp», «np»), None where none does. ``policy`` is what it says, ``tested`` what receivers do
    in view of ``t=y``. All are None where DMARC does not apply or that cannot be known; ``why`` tells which.
    """

    tag: str | None
    policy: Policy | None
    tested: Policy | None
    why: str


class Verdict(StrEnum):
    """Whether a domain that was authenticated is aligned with the author domain."""

    ALIGNED = "aligned"
    NOT_ALIGNED = "not-aligned"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Aligned:
    """A verdict and what it rests on."""

    verdict: Verdict
    why: str
