"""The steps from p=none to p=reject, and the record of the next one: the present record with only its policy changed (RFC 9989 §4.7)."""

import re
from collections.abc import Mapping

from dmarcscope.model.dmarc_record import DmarcRecord, Standing
from dmarcscope.model.readiness import Stage
from dmarcscope.model.words import Policy
from dmarcscope.parse.adding_uri import tag_at

STAGES: dict[tuple[Policy, bool], Stage] = {
    (Policy.NONE, False): Stage.NONE,
    (Policy.NONE, True): Stage.NONE,
    (Policy.QUARANTINE, True): Stage.QUARANTINE_TEST,
    (Policy.QUARANTINE, False): Stage.QUARANTINE,
    (Policy.REJECT, True): Stage.REJECT_TEST,
    (Policy.REJECT, False): Stage.REJECT,
}
"""By the policy and whether it is only tested."""
NEXT = dict(zip(Stage, list(Stage)[1:], strict=False)) | {Stage.REJECT: Stage.REJECT}
"""From each step to the next stricter one."""
WANTED: dict[Stage, tuple[Policy, bool]] = {
    Stage.NONE: (Policy.NONE, False),
    Stage.QUARANTINE_TEST: (Policy.QUARANTINE, True),
    Stage.QUARANTINE: (Policy.QUARANTINE, False),
    Stage.REJECT_TEST: (Policy.REJECT, True),
    Stage.REJECT: (Policy.REJECT, False),
}
STRENGTH = {Policy.NONE: 0, Policy.QUARANTINE: 1, Policy.REJECT: 2}
WORDS = {policy.value: policy for policy in Policy}


def stage_of(p: str | None, testing: str | None) -> Stage:
    """The step at which a policy is; what is no known policy asks for nothing.

    >>> stage_of("quarantine", "y").value, stage_of(None, None).value
    ('quarantine-test', 'none')
    """
    return STAGES[WORDS.get((p or "").lower(), Policy.NONE), (testing or "").lower() == "y"]


def stage_of_record(record: DmarcRecord) -> Stage:
    """The step at which a record is; one that receivers take for p=none is at none."""
    if record.standing is not Standing.IN_FORCE or record.p is None:
        return Stage.NONE
    return STAGES[record.p, record.testing]


def changes(stage: Stage, sp: Policy | None, np: Policy | None, *, present: Policy, reject_missing: bool) -> dict[str, str | None]:
    """The tags that bring a record to a step, None for one that goes.

    ``sp`` goes along where it was as strict as ``p`` is at ``present``. ``np=reject`` is added where ``reject_missing``. ``pct`` goes: RFC
    9989 has no such tag, and the steps are made with ``t`` (appendix A.6).
    """
    policy, testing = WANTED[stage]
    found: dict[str, str | None] = {"p": policy.value, "t": "y" if testing else None, "pct": None}
    if sp is not None and STRENGTH[sp] < STRENGTH[policy] and sp is present and present is not Policy.NONE:
        found["sp"] = policy.value
    if np is not Policy.REJECT and reject_missing:
        found["np"] = Policy.REJECT.value
    return found


def written(tags: Mapping[str, str | None]) -> str:
    """Tags as a record has them.

    >>> written({"p": "quarantine", "t": "y", "pct": None})
    'p=quarantine; t=y'
    """
    return "; ".join(f"{name}={value}" for name, value in tags.items() if value is not None)


def with_tags(text: str, tags: Mapping[str, str | None]) -> str:
    """A record with these tags, None for one that goes; all else letter for letter. New ones stand after ``p``.

    >>> with_tags("v=DMARC1;p=none; pct=100; rua=mailto:a@example.com", {"p": "quarantine", "t": "y", "pct": None})
    'v=DMARC1;p=quarantine; t=y; rua=mailto:a@example.com'
    """
    # RFC 7489 §6.3: p comes straight after v; new tags must not come before it.
    after = "p" if tag_at(text, "p") else "v"
    for name, value in tags.items():
        found = tag_at(text, name)
        if value is None:
            text = without(text, found) if found else text
        elif found:
            kept = found["value"].rstrip(" \t")
            text = f"{text[: found.start('value')]}{value}{text[found.start('value') + len(kept) :]}"
        else:
            before = tag_at(text, after)
            at = before.start("value") + len(before["value"].rstrip(" \t")) if before else len(text)
            text = f"{text[:at]}; {name}={value}{text[at:]}"
        after = name if value is not None else after
    return text


def without(text: str, tag: re.Match[str]) -> str:
    """A record without a tag and the semicolon before it."""
    return text[: tag.start()] + text[tag.end() :]
