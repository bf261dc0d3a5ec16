"""What is lawful and unwise in a DMARC record, and what its tags together come to (RFC 9989 §4.7, §4.10.1, appendices A and C)."""

from collections.abc import Callable, Iterator

from dmarcscope.model.dmarc_record import DmarcRecord, Psd, Standing
from dmarcscope.model.problem import Problem, Severity
from dmarcscope.model.words import Policy
from dmarcscope.parse.slips import listed

SECTION = "RFC 9989 §4.7"
DISCOVERY = "RFC 9989 §4.10.1"

STRENGTH = {Policy.NONE: 0, Policy.QUARANTINE: 1, Policy.REJECT: 2}
WEAKER = {Policy.NONE: Policy.NONE, Policy.QUARANTINE: Policy.NONE, Policy.REJECT: Policy.QUARANTINE}
"""What is done in test mode (RFC 9989 §4.7, t): one step less."""

Values = dict[str, str]


def lint(record: DmarcRecord, values: Values) -> Iterator[Problem]:
    """Everything to say about a record and the values of its tags, in a fixed order of checks."""
    for check in CHECKS:
        yield from check(record, values)


def what_counts(record: DmarcRecord, values: Values) -> Iterator[Problem]:
    """A record that says less than its owner believes."""
    if record.standing is Standing.IN_FORCE:
        return
    bad = [name for name in ("p", "sp", "np") if name in values and getattr(record, name) is None]
    why = f"{listed(bad)} has no valid value" if bad else "«p» is missing"
    if record.standing is Standing.AS_NONE:
        what = f"{why}: the whole record counts as «p=none»"
    else:
        what = f"{why} and nobody is named in «rua»: receivers apply no DMARC at all"
    yield Problem(Severity.ERROR, "no-policy", what, DISCOVERY, "" if bad else "p=none")


def removed(record: DmarcRecord, values: Values) -> Iterator[Problem]:
    """Tags of RFC 7489 that are no more."""
    if "pct" in values:
        yield percentage(record, values["pct"])
    for name in ("rf", "ri"):
        if name in values:
            what = f"«{name}» is no longer a tag; receivers ignore it"
            yield Problem(Severity.NOTE, f"{name}-removed", what, "RFC 9989 appendix C.5.2")


def percentage(record: DmarcRecord, value: str) -> Problem:
    """``pct``: what becomes of it."""
    section = "RFC 9989 appendix A.6"
    if value == "100":
        return Problem(Severity.NOTE, "pct-removed", "«pct» is no longer a tag; 100 was its default", section)
    enforcing = record.standing is Standing.IN_FORCE and record.p is not Policy.NONE
    if not enforcing:
        return Problem(Severity.NOTE, "pct-removed", f"«pct={value[:20]}» is no longer a tag; receivers ignore it", section)
    what = f"«pct={value[:20]}» is no longer a tag: receivers apply «p={record.p}» to all mail that fails; to soften it, there is «t=y»"
    return Problem(Severity.WARNING, "pct-removed", what, section, "t=y")


def weaker(record: DmarcRecord, _: Values) -> Iterator[Problem]:
    """Subdomains that are less protected than the domain."""
    if record.standing is not Standing.IN_FORCE or record.p is None:
        return
    if record.sp is not None and STRENGTH[record.sp] < STRENGTH[record.p]:
        what = f"«sp={record.sp}» makes subdomains weaker than the domain itself (p={record.p}); who spoofs will use one"
        yield Problem(Severity.WARNING, "sp-weaker", what, SECTION, f"sp={record.p}")
    existing = record.sp or record.p
    if record.np is not None and STRENGTH[record.np] < STRENGTH[existing]:
        what = (
            f"«np={record.np}» makes subdomains that do not exist weaker than those that do ({existing}); no mail of yours comes from them"
        )
        yield Problem(Severity.WARNING, "np-weaker", what, SECTION, "np=reject")


def reports(record: DmarcRecord, values: Values) -> Iterator[Problem]:
    """Whether anybody learns anything."""
    deliverable = any(uri.is_deliverable for uri in record.rua)
    if not deliverable and record.standing is Standing.IN_FORCE:
        if record.p is Policy.NONE:
            what = "the record asks for nothing and names nobody to report to: it has no effect"
        else:
            what = "nobody is named to report to: failing mail of your own is refused unseen"
        yield Problem(Severity.WARNING, "no-rua", what, SECTION, "rua=mailto:dmarc@example.com")
    if "fo" in values and "ruf" not in values:
        # RFC 9989 §4.7: the content of fo is ignored without a ruf tag.
        yield Problem(Severity.NOTE, "fo-without-ruf", "«fo» is ignored, because there is no «ruf»", SECTION)


def testing(record: DmarcRecord, _: Values) -> Iterator[Problem]:
    """What ``t=y`` comes to."""
    policies = [policy for policy in (record.p, record.sp, record.np) if policy is not None]
    if not record.testing or record.standing is not Standing.IN_FORCE or record.p is None:
        return
    # RFC 9989 §4.7: t has no effect on a policy that is none.
    if all(policy is Policy.NONE for policy in policies):
        yield Problem(Severity.NOTE, "testing-nothing", "«t=y» has no effect on the policy none", SECTION)
        return
    what = f"«t=y»: receivers are asked to treat failing mail one step milder, as for «p={WEAKER[record.p]}»"
    yield Problem(Severity.NOTE, "testing", what, SECTION, "t=n" if record.p is not Policy.NONE else "")


def public_suffix(record: DmarcRecord, _: Values) -> Iterator[Problem]:
    """``psd=y`` on what is hardly a public suffix."""
    if record.psd is Psd.YES:
        what = "«psd=y» says that strangers register domains below this one: it is not its subdomains' organizational domain"
        yield Problem(Severity.WARNING, "psd-yes", what, SECTION)


def order(record: DmarcRecord, _: Values) -> Iterator[Problem]:
    """What older receivers are strict about."""
    names = [name for name, _ in record.tags]
    if "p" in names and names[1] != "p":
        # RFC 7489 §6.3: p comes second; RFC 9989 §4.8 lets tags come in any order after v.
        what = "«p» does not come straight after «v»; receivers that follow RFC 7489 may ignore the record"
        yield Problem(Severity.NOTE, "p-not-second", what, "RFC 7489 §6.3")


CHECKS: tuple[Callable[[DmarcRecord, Values], Iterator[Problem]], ...] = (
    what_counts,
    removed,
    weaker,
    reports,
    testing,
    public_suffix,
    order,
)
