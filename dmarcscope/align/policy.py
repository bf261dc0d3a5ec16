"""Which policy tag of a record counts for a domain, and what it asks (RFC 9989 §4.7, §4.10.1)."""

from dmarcscope.model.discovery import AppliedPolicy, Discovery, Existence
from dmarcscope.model.dmarc_record import DmarcRecord, Standing
from dmarcscope.model.words import Policy

MILDER = {Policy.NONE: Policy.NONE, Policy.QUARANTINE: Policy.NONE, Policy.REJECT: Policy.QUARANTINE}
"""What receivers do in test mode (RFC 9989 §4.7, t)."""


def applied_policy(found: Discovery, existing: Existence) -> AppliedPolicy:
    """What the owner asks for mail from the author domain that fails; ``existing`` is about the author domain."""
    record = found.record
    if record is None:
        return AppliedPolicy(None, None, None, found.why)
    # RFC 9989 §4.10.1: a policy tag that is missing or invalid makes the record p=none, or ends DMARC where nobody is to be told.
    if record.standing is Standing.AS_NONE:
        return AppliedPolicy(None, Policy.NONE, Policy.NONE, "a policy tag of the record is missing or invalid; it counts as p=none")
    if record.standing is not Standing.IN_FORCE:
        return AppliedPolicy(None, None, None, "a policy tag of the record is missing or invalid; DMARC does not apply")
    if found.policy_domain == found.author_domain:
        return of_tag(record, "p", "the record is that of the domain itself")
    return subdomain_policy(record, existing)


def subdomain_policy(record: DmarcRecord, existing: Existence) -> AppliedPolicy:
    """The policy for a name below the one with the record (RFC 9989 §4.7, np and sp; §4.10.1)."""
    for_existing = "sp" if record.sp is not None else "p"
    # RFC 9989 §4.7: without np, sp counts for names that do not exist too, and without that, p.
    for_missing = "np" if record.np is not None else for_existing
    if existing is Existence.EXISTS:
        return of_tag(record, for_existing, "the domain is below that of the record and exists")
    if existing is Existence.MISSING:
        return of_tag(record, for_missing, "the domain is below that of the record and does not exist")
    if for_existing == for_missing:
        return of_tag(record, for_existing, "the domain is below that of the record; whether it exists makes no difference")
    one, other = of_tag(record, for_existing, ""), of_tag(record, for_missing, "")
    if one.policy == other.policy:
        why = f"{for_existing} and {for_missing} say the same; whether the domain exists is not known"
        return AppliedPolicy(None, one.policy, one.tested, why)
    return AppliedPolicy(
        None, None, None, f"whether {for_existing} or {for_missing} counts is not known: the domain could not be asked for"
    )


def of_tag(record: DmarcRecord, tag: str, why: str) -> AppliedPolicy:
    """What one of the three policy tags asks."""
    policy = {"p": record.p, "sp": record.sp, "np": record.np}[tag]
    if policy is None:
        return AppliedPolicy(None, None, None, why)
    # RFC 9989 §4.7, t: in test mode, one level below.
    return AppliedPolicy(tag, policy, MILDER[policy] if record.testing else policy, why)
