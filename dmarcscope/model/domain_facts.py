"""What was found out about a domain by asking the DNS, before anything is judged."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dmarcscope.model.answer import Answer, Outcome
from dmarcscope.model.discovery import Discovery, Existence
from dmarcscope.model.dkim_key import DkimKey
from dmarcscope.model.dmarc_record import ReportUri
from dmarcscope.model.problem import Choice


class Consent(StrEnum):
    """Whether a mailbox may be sent reports about a domain (RFC 9990 §4)."""

    OWN = "own"  # of the same organizational domain: nobody has to agree
    GIVEN = "given"
    GIVEN_TO_ALL = "given-to-all"  # by a wildcard
    MISSING = "missing"
    ELSEWHERE = "elsewhere"  # the record names another host to report to: receivers report to neither
    UNKNOWN = "unknown"  # a question had no answer


@dataclass(frozen=True, slots=True)
class Destination:
    """A host that reports are to be sent to, with the URIs at it as pairs of tag and URI.

    ``name`` is where its consent is published; empty if it needs none. ``overrides`` are the URIs that the host wants used instead.
    ``takes_mail``: whether it has mail servers or an address; None where that could not be asked.
    """

    host: str
    uris: tuple[tuple[str, ReportUri], ...]
    consent: Consent
    name: str
    why: str
    overrides: tuple[ReportUri, ...] = ()
    takes_mail: bool | None = True


@dataclass(frozen=True, slots=True)
class DmarcFacts:
    """The walk from a domain, the records met on it by domain, and the destinations of reports.

    ``existing`` is about the domain itself; ``policy_owner`` is the organizational domain of the domain with the record, None if unknown.
    ``left_out`` counts destinations that were not asked about, being too many.
    """

    domain: str
    discovery: Discovery
    choices: tuple[tuple[str, Choice], ...]
    existing: Existence
    policy_owner: str | None
    destinations: tuple[Destination, ...]
    left_out: int
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class SeenSelector:
    """A selector that signs in reports; ``last_seen`` is None where it was only named by somebody.

    ``has_passed``: whether a signature of it ever passed. One that never did may be anybody's.
    """

    domain: str
    selector: str
    last_seen: datetime | None = None
    has_passed: bool = True


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What is published for a selector: the answer, which of its records are keys, and the key if there is exactly one."""

    seen: SeenSelector
    name: str
    answer: Answer
    choice: Choice
    key: DkimKey | None


@dataclass(frozen=True, slots=True)
class MailHost:
    """A host that takes mail, with its addresses; ``outcome`` is that of asking for them."""

    preference: int
    name: str
    addresses: tuple[str, ...]
    outcome: Outcome
    is_alias: bool = False


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """An MTA-STS policy as fetched.

    ``text`` is None if it could not be had, for the reason ``why``; ``is_told`` is False if trying later may help.
    """

    url: str
    text: str | None
    why: str = ""
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class MailFacts:
    """Where a domain receives mail, and what it says about encryption and logos.

    ``addresses`` are the answers for A and AAAA of the domain itself, ``sts_host`` those of the host with the policy file, both empty where
    nobody asked. ``policy_file`` is None where nobody asked for it.
    """

    domain: str
    mx: Answer
    hosts: tuple[MailHost, ...]
    addresses: tuple[Answer, ...]
    sts: Answer
    sts_host: tuple[Answer, ...]
    policy_file: PolicyFile | None
    tls_rpt: Answer
    bimi: Answer
    asked_hosts: tuple[Answer, ...] = ()
