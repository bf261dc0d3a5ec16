"""An aggregate report as one type for RFC 7489, RFC 9990 and the drafts before them.

Absent is None: nothing absent becomes a verdict, a zero or a one. A word that no standard knows is kept as written, and a
``Defect`` says so. ``Record`` and its parts are named tuples, not dataclasses, because a store takes in millions of them and
a named tuple is built several times faster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from dmarcscope.model.words import Dialect


class Reason(NamedTuple):
    """Why the disposition differs from the policy (RFC 9990 PolicyOverrideReason)."""

    type: str | None
    comment: str | None


class DkimSignature(NamedTuple):
    """The raw result of one DKIM signature (RFC 9990 DKIMAuthResultType)."""

    domain: str | None
    selector: str | None
    result: str | None
    human_result: str | None


class SpfCheck(NamedTuple):
    """The raw result of one SPF check (RFC 9990 SPFAuthResultType; ``scope`` is mfrom or helo)."""

    domain: str | None
    scope: str | None
    result: str | None
    human_result: str | None


class Record(NamedTuple):
    """One ``<record>``: so many messages from one address with the same results.

    ``dkim_aligned`` and ``spf_aligned`` are what the receiver wrote under ``policy_evaluated`` (passed *and* aligned); None where
    it wrote nothing that can be understood. ``count`` is None where it is missing or no number; the defect keeps what was written.
    """

    source_ip: str | None
    count: int | None  # type: ignore[assignment]  # the field hides tuple.count, which nobody needs here
    disposition: str | None
    dkim_aligned: bool | None
    spf_aligned: bool | None
    header_from: str | None
    envelope_from: str | None
    envelope_to: str | None
    reasons: tuple[Reason, ...]
    dkim: tuple[DkimSignature, ...]
    spf: tuple[SpfCheck, ...]

    @property
    def dmarc_pass(self) -> bool | None:
        """Either of the two aligned (RFC 9989, identifier alignment); None when neither is known to be and one is unknown."""
        return either(self.dkim_aligned, self.spf_aligned)


def either(dkim_aligned: bool | None, spf_aligned: bool | None) -> bool | None:
    """DMARC passes if either identifier is aligned; an unknown verdict is never taken for a failure.

    >>> either(False, True), either(False, False), either(None, False)
    (True, False, None)
    """
    if dkim_aligned or spf_aligned:
        return True
    return None if dkim_aligned is None or spf_aligned is None else False


@dataclass(frozen=True, slots=True)
class Defect:
    """One departure from the standard: which field, the value as written, what is wrong, in how many records.

    ``records`` is 0 for a departure of the report itself; ``first`` is the number of the first record concerned, from 1.
    """

    field: str
    value: str | None
    problem: str
    records: int = 0
    first: int | None = None

    def __str__(self) -> str:
        written = "" if self.value is None else f" {self.value!r}"
        where = f" (in {self.records} records, first in record {self.first})" if self.records else ""
        return f"{self.field}{written}: {self.problem}{where}"


@dataclass(frozen=True, slots=True)
class ReportMetadata:
    """Who reports on which period (RFC 9990 ReportMetadataType). Times are aware UTC."""

    org_name: str | None = None
    email: str | None = None
    extra_contact_info: str | None = None
    report_id: str | None = None
    begin: datetime | None = None
    end: datetime | None = None
    errors: tuple[str, ...] = ()
    generator: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyPublished:
    """The policy that the reporter found (RFC 9990 PolicyPublishedType; ``pct`` is RFC 7489's)."""

    domain: str | None = None
    p: str | None = None
    sp: str | None = None
    np: str | None = None
    adkim: str | None = None
    aspf: str | None = None
    pct: str | None = None
    fo: str | None = None
    testing: str | None = None
    discovery_method: str | None = None


@dataclass(frozen=True, slots=True)
class AggregateReport:
    """One aggregate report: its facts, its records in their order, and every departure from the standard.

    ``unknown_elements`` counts elements that no standard names (extensions and inventions), by name.
    """

    metadata: ReportMetadata
    policy: PolicyPublished
    records: tuple[Record, ...]
    dialect: Dialect
    version: str | None = None
    namespace: str | None = None
    defects: tuple[Defect, ...] = ()
    unknown_elements: Mapping[str, int] = field(default_factory=dict)

    @property
    def messages(self) -> int:
        """The messages reported: the sum of counts; a missing, zero or negative count adds nothing."""
        return sum(record.count or 0 for record in self.records)
