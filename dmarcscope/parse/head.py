"""What a report says of itself: who reports, which period, which policy (RFC 9990 ReportMetadataType, PolicyPublishedType)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from lxml.etree import _Element

from dmarcscope.model.aggregate import PolicyPublished, ReportMetadata
from dmarcscope.model.words import Dialect
from dmarcscope.parse import values
from dmarcscope.parse.defects import Defects
from dmarcscope.parse.rawrecord import own_elements, own_text
from dmarcscope.parse.values import Reader
from dmarcscope.parse.xml import local_name

RFC9990_NAMESPACE = "urn:ietf:params:xml:ns:dmarc-2.0"
# Fields that only RFC 9990 knows. (``np`` is not among them: large reporters write it into RFC 7489 reports.)
RFC9990_FIELDS = frozenset({"testing", "discovery_method", "generator", "extension"})

MAX_POLICIES = 20
"""Policies looked at in one report: two have been seen; each holds all its texts."""
MAX_ERRORS = 100
"""Errors kept of one report: a reporter that has more to say says it in words."""

METADATA_FIELDS = frozenset({"org_name", "email", "extra_contact_info", "report_id", "begin", "end", "error", "generator"})
POLICY_READERS: Mapping[str, Reader] = {
    "domain": values.domain,
    "p": values.policy_word,
    "sp": values.policy_word,
    "np": values.policy_word,
    "adkim": values.alignment_mode,
    "aspf": values.alignment_mode,
    "pct": values.text,
    "fo": values.text,
    "testing": values.word(["y", "n"]),
    "discovery_method": values.word(["psl", "treewalk"]),
}
KNOWN = (
    METADATA_FIELDS
    | POLICY_READERS.keys()
    | {"feedback", "version", "report_metadata", "date_range", "policy_published", "record", "extension"}
)


@dataclass(frozen=True, slots=True)
class Head:
    """All of a report but its records."""

    metadata: ReportMetadata
    policy: PolicyPublished
    dialect: Dialect
    version: str | None
    namespace: str | None
    unknown: Counter[str]


def read_head(root: _Element, defects: Defects) -> Head:
    """Read the root of a report whose records are gone; what is odd goes to ``defects``."""
    found: dict[str, list[str]] = {}
    policies: list[dict[str, str]] = []
    unknown: Counter[str] = Counter()
    for element in (root, *own_elements(root)):
        name = local_name(element)
        if name == "policy_published":
            if len(policies) < MAX_POLICIES:
                policies.append({local_name(child): own_text(child) for child in reversed(element)})
        elif name == "version" and element.getparent() is not root:
            defects.report("version", own_text(element), "stands elsewhere than directly under feedback; not read")
        elif name in METADATA_FIELDS or name == "version":
            found.setdefault(name, []).append(own_text(element))
        elif name not in KNOWN and name:
            unknown[name] += 1
    if stray := max(unknown[name] for name in ("row", "source_ip", "count")):
        defects.report("record", None, f"{stray} rows outside of any record; not read")
    if any(local_name(element) == "extension" for element in root):
        found.setdefault("extension", [""])
    version = first_text(found, "version")
    namespace = namespace_of(root)
    return Head(
        read_metadata(found, defects),
        read_policy(policies, defects),
        dialect_of(namespace, version, found.keys() | (policies[0].keys() if policies else set())),
        version,
        namespace,
        unknown,
    )


def namespace_of(root: _Element) -> str | None:
    """The namespace of the root or, where only the children carry one, of the first of them."""
    for element in (root, *root[:1]):
        tag = element.tag
        if isinstance(tag, str) and tag.startswith("{"):
            return tag[1:].partition("}")[0]
    return None


def dialect_of(namespace: str | None, version: str | None, fields: set[str]) -> Dialect:
    """The dialect by namespace, fields and version; reporters set the first and the last as they like."""
    if namespace == RFC9990_NAMESPACE or fields & RFC9990_FIELDS:
        return Dialect.RFC9990
    return Dialect.RFC7489 if version == "1.0" else Dialect.DRAFT


def first_text(found: Mapping[str, list[str]], name: str) -> str | None:
    """The first non-empty text of that name."""
    for text in found.get(name, ()):
        if value := text.strip():
            return value
    return None


def read_metadata(found: Mapping[str, list[str]], defects: Defects) -> ReportMetadata:
    """The metadata; what RFC 9990 requires and is not there is a defect."""
    for name in ("org_name", "email", "report_id"):
        if first_text(found, name) is None:
            defects.report(f"report_metadata/{name}", None, "empty" if name in found else "missing")
    begin, end = (read_moment(found, name, defects) for name in ("begin", "end"))
    if begin and end and begin >= end:
        problem = "a period of no length" if begin == end else "the period ends before it begins"
        defects.report("report_metadata/date_range", f"{begin:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}", problem)
    return ReportMetadata(
        org_name=read_text(found, "org_name", defects),
        email=read_text(found, "email", defects),
        extra_contact_info=read_text(found, "extra_contact_info", defects),
        report_id=read_text(found, "report_id", defects),
        begin=begin,
        end=end,
        errors=read_errors(found, defects),
        generator=read_text(found, "generator", defects),
    )


def read_errors(found: Mapping[str, list[str]], defects: Defects) -> tuple[str, ...]:
    errors = [error.strip()[: values.MAX_TEXT] for error in found.get("error", ()) if error.strip()]
    if len(errors) > MAX_ERRORS:
        defects.report("report_metadata/error", None, f"given {len(errors)} times; the first {MAX_ERRORS} are kept")
    return tuple(errors[:MAX_ERRORS])


def read_text(found: Mapping[str, list[str]], name: str, defects: Defects) -> str | None:
    value, problem = values.text(first_text(found, name) or "")
    if problem:
        defects.report(f"report_metadata/{name}", value, problem)
    return value if isinstance(value, str) else None


def read_moment(found: Mapping[str, list[str]], name: str, defects: Defects) -> datetime | None:
    written = first_text(found, name)
    if written is None:
        defects.report(f"date_range/{name}", None, "missing")
        return None
    value, problem = moment(written)
    if problem:
        defects.report(f"date_range/{name}", written, problem)
    return value if isinstance(value, datetime) else None


def read_policy(policies: list[dict[str, str]], defects: Defects) -> PolicyPublished:
    """The first policy that says anything; a missing one or a second one is a defect."""
    if not policies:
        defects.report("policy_published", None, "missing")
    elif len(policies) > 1:
        defects.report("policy_published", None, f"given {len(policies)} times; the first counts")
    written = next((policy for policy in policies if any(policy.values())), {})
    if policies:
        for name in ("domain", "p"):
            if not written.get(name, "").strip():
                defects.report(f"policy_published/{name}", None, "empty" if name in written else "missing")
    policy, odd = policy_of(tuple((name, text.strip()) for name, text in written.items() if name in POLICY_READERS and text.strip()))
    for name, text, problem in odd:
        defects.report(f"policy_published/{name}", text, problem)
    return policy


# A domain's policy and a day's bounds stand in report after report: they are read once.
moment = lru_cache(maxsize=4096)(values.moment)


@lru_cache(maxsize=4096)
def policy_of(written: tuple[tuple[str, str], ...]) -> tuple[PolicyPublished, tuple[tuple[str, str, str], ...]]:
    """The policy that the texts mean, and what is odd about them: field, text, problem."""
    fields: dict[str, str | None] = {}
    odd: list[tuple[str, str, str]] = []
    for name, text in written:
        fields[name], problem = POLICY_READERS[name](text)
        if problem:
            odd.append((name, text, problem))
    return PolicyPublished(**fields), tuple(odd)
