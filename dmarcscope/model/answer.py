"""What came of a question to the DNS: a value, whatever came of it (RFC 1035 §4.1, RFC 2308, RFC 4035 §3.2.3)."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What came of a question. Only the first three say something about the name; the others say that it could not be asked."""

    FOUND = "found"
    NO_DATA = "no-data"  # the name is there, and has no records of that type (RFC 2308 §2.2)
    NXDOMAIN = "nxdomain"  # the name is not there (RFC 2308 §2.1)
    SERVFAIL = "servfail"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    MALFORMED = "malformed"  # an answer came that cannot be read, or a chain of CNAMEs that goes in a circle
    NOT_ASKED = "not-asked"  # offline, a reserved name, or a name that is none

    @property
    def is_told(self) -> bool:
        """Whether the DNS told what is there: «could not ask» is never «not there»."""
        return self in (Outcome.FOUND, Outcome.NO_DATA, Outcome.NXDOMAIN)


@dataclass(frozen=True, slots=True)
class Question:
    """A name (lower-case A-label form, no final dot) and a type («TXT», «A», «PTR» …)."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question.

    ``records``: the data of each record as text: addresses canonical, names lower-case without final dot, «10 mx.example.com» for
    MX, and the strings of a TXT record joined (RFC 7208 §3.3), each byte that is no ASCII as the character of that number
    (latin-1). ``strings`` has, for TXT only, the strings of each record before they were joined. ``aliases``: the names that
    CNAMEs led through, in order, without the first. ``ttl``: seconds that the answer may be kept. ``authenticated``: the AD bit.
    ``detail``: what went wrong, for people.
    """

    question: Question
    outcome: Outcome
    records: tuple[str, ...] = ()
    strings: tuple[tuple[str, ...], ...] = ()
    aliases: tuple[str, ...] = ()
    ttl: int = 0
    authenticated: bool = False
    detail: str = ""
