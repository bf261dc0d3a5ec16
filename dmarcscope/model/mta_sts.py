"""What a domain says about encrypted mail to it: MTA-STS record and policy (RFC 8461 §3)."""

from dataclasses import dataclass
from enum import StrEnum

from dmarcscope.model.problem import Problem


class StsMode(StrEnum):
    """What senders do when a mail server does not fit the policy (RFC 8461 §5)."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class StsRecord:
    """The TXT record at ``_mta-sts``: ``id`` names the policy in force, None where the record cannot be used."""

    text: str
    id: str | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """The policy file.

    ``mode`` is None where the policy cannot be used. ``mx`` are names of mail servers in lower case, perhaps with «*» as the first
    label. ``max_age`` is in seconds, None where it is missing or invalid.
    """

    text: str
    mode: StsMode | None
    mx: tuple[str, ...] = ()
    max_age: int | None = None
    problems: tuple[Problem, ...] = ()
