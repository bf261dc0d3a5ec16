"""What a check of a domain came to: for each kind of record what is published, what it means, and what to mend."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from dmarcscope.model.answer import Answer
from dmarcscope.model.discovery import AppliedPolicy, Discovery
from dmarcscope.model.dkim_key import DkimKey
from dmarcscope.model.domain_facts import Destination, SeenSelector
from dmarcscope.model.problem import Problem, Severity
from dmarcscope.model.spf_check import SpfTree


class State(StrEnum):
    """What a part of a check came to. «Could not check» is never read as sound, nor as something that is not there."""

    SOUND = "sound"
    FINDINGS = "findings"
    COULD_NOT_CHECK = "could-not-check"
    NOT_CHECKED = "not-checked"  # nobody asked for it


class Topic(StrEnum):
    """The parts of a check, in their order."""

    DMARC = "dmarc"
    SPF = "spf"
    DKIM = "dkim"
    MX = "mx"
    MTA_STS = "mta_sts"
    TLS_RPT = "tls_rpt"
    BIMI = "bimi"


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, the name whose record has it, and ``publish``: the whole line to publish instead, in zone-file form, or empty.

    Findings about one record share one line, in which all of them are mended that can be.
    """

    problem: Problem
    where: str
    publish: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """A record as it stands in the DNS; the strings of a TXT record are joined."""

    name: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a check.

    ``published``: the records. ``meaning``: in sentences what they come to. ``unknown``: what could not be told, and why.
    ``evidence``: every question that was asked, with its answer.
    """

    topic: Topic
    published: tuple[Published, ...]
    meaning: tuple[str, ...]
    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]
    evidence: tuple[Answer, ...]

    @property
    def is_asked_for(self) -> bool:
        """Whether there was anything to look at."""
        return True

    @property
    def state(self) -> State:
        """Findings weigh more than gaps, and gaps more than soundness; a note is no finding."""
        if any(finding.problem.severity is not Severity.NOTE for finding in self.findings):
            return State.FINDINGS
        if self.unknown:
            return State.COULD_NOT_CHECK
        return State.SOUND if self.is_asked_for else State.NOT_CHECKED


@dataclass(frozen=True, slots=True)
class DmarcSection(Section):
    """DMARC: ``policies`` are what the owner asks for the domain, for subdomains that exist, and for those that do not."""

    discovery: Discovery
    policies: tuple[tuple[str, AppliedPolicy], ...]
    destinations: tuple[Destination, ...]


@dataclass(frozen=True, slots=True)
class SpfSection(Section):
    """SPF: the record with all that it includes."""

    tree: SpfTree


class KeyStanding(StrEnum):
    """What is published for a selector."""

    PUBLISHED = "published"
    REVOKED = "revoked"
    UNUSABLE = "unusable"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SelectorCheck:
    """A selector: ``aliases`` are the names that CNAMEs lead through, ``strings`` the number of strings that the record is made of."""

    seen: SeenSelector
    name: str
    standing: KeyStanding
    key: DkimKey | None
    aliases: tuple[str, ...]
    strings: int


@dataclass(frozen=True, slots=True)
class DkimSection(Section):
    """DKIM: every selector that was named or seen."""

    selectors: tuple[SelectorCheck, ...]

    @property
    def is_asked_for(self) -> bool:
        """The DNS cannot list selectors: without a name there is nothing to ask."""
        return bool(self.selectors)


@dataclass(frozen=True, slots=True)
class DomainCheck:
    """All of it; ``sections`` are in the order of ``Topic``."""

    domain: str
    sections: tuple[Section, ...]

    @property
    def state(self) -> State:
        """The worst of the sections: findings, then what could not be checked, then sound."""
        states = {section.state for section in self.sections}
        return next((state for state in (State.FINDINGS, State.COULD_NOT_CHECK) if state in states), State.SOUND)

    def section(self, topic: Topic) -> Section:
        """The part of that topic."""
        return next(section for section in self.sections if section.topic is topic)

    @property
    def findings(self) -> Iterator[Finding]:
        """All findings, section by section."""
        return (finding for section in self.sections for finding in section.findings)
