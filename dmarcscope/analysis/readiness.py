"""May I go to p=quarantine, to p=reject? Two verdicts with their reasons, and the record to publish next (RFC 9989 §5.1.7, §7.4)."""

from collections.abc import Iterator
from dataclasses import replace

from dmarcscope.align.tree_walk import dmarc_name
from dmarcscope.analysis.gates import judged
from dmarcscope.analysis.gauges import latest_policy, refuses_missing
from dmarcscope.analysis.policy_record import NEXT, WANTED, changes, stage_of, stage_of_record, with_tags, written
from dmarcscope.analysis.silent import NOBODY
from dmarcscope.analysis.weighing import Weighed, weighed
from dmarcscope.model.dmarc_record import Standing
from dmarcscope.model.readiness import Answer, Evidence, NextStep, Passage, Present, Readiness, Stage, TargetVerdict
from dmarcscope.model.verdict import LEGITIMATE, YOURS, SenderClass
from dmarcscope.model.words import Policy
from dmarcscope.parse.zone_line import txt_line

PARKED_DAYS = 30
"""Days without any mail of its own after which a domain counts as one that sends nothing, if its SPF record does not say so."""
UNKNOWN_SHARE = 0.05
"""Of the mail of such a domain at most this share may be from unknown senders; the rest is nobody's who may."""
STEPS = list(Stage)


def readiness(evidence: Evidence) -> Readiness:
    """The whole answer for one domain."""
    here = present(evidence)
    w = weighed(evidence, here.stage)
    parked = is_parked(w)
    quarantine, reject = (verdict(w, target, parked=parked) for target in (Policy.QUARANTINE, Policy.REJECT))
    mine = w.of(YOURS)
    found = Readiness(
        evidence.domain,
        evidence.first_day,
        evidence.last_day,
        w.span,
        sum(one.messages for one in evidence.senders),
        sum(one.messages for one in mine),
        sum(one.passing for one in mine),
        parked,
        here,
        quarantine,
        reject,
        NextStep(here.stage, may=False, what=""),
        tuple(advice(evidence, here, quarantine, reject)),
    )
    return replace(found, next_step=next_step(evidence, found))


def present(evidence: Evidence) -> Present:
    """The policy that is asked for now: that of the DNS where its record was seen, else that of the newest reports."""
    record = evidence.published.record if evidence.published else None
    if record is not None:
        return Present(
            stage_of_record(record), "DNS", policy_words(record.p, record.sp, record.np, testing=record.testing), evidence.domain
        )
    latest = latest_policy(evidence, evidence.domain) or latest_policy(evidence)
    if latest is not None:
        words = policy_words(latest.p, latest.sp, latest.np, testing=(latest.testing or "").lower() == "y")
        # RFC 9989 §4.10.1: what is below the domain of the record has sp, if there is one.
        applied = latest.p if latest.policy_domain == evidence.domain else latest.sp or latest.p
        return Present(stage_of(applied, latest.testing), "reports", words, latest.policy_domain)
    return Present(Stage.NONE, "nobody", "")


def policy_words(p: str | None, sp: str | None, np: str | None, *, testing: bool) -> str:
    """The policy tags, as a record has them."""
    return written({"p": p, "t": "y" if testing else None, "sp": sp, "np": np})


def is_parked(w: Weighed) -> bool:
    """Whether a domain sends no mail at all: none of its own, none that passes, and either its SPF says so or a month shows it."""
    evidence = w.evidence
    messages = sum(one.messages for one in evidence.senders)
    unknown = sum(one.messages for one in w.of({SenderClass.UNKNOWN}))
    if w.of(LEGITIMATE) or any(one.passing for one in evidence.senders):
        return False
    if evidence.sends_nothing:
        return True
    return bool(messages) and w.span >= PARKED_DAYS and unknown <= UNKNOWN_SHARE * messages


def verdict(w: Weighed, target: Policy, *, parked: bool) -> TargetVerdict:
    """May this policy be asked for?"""
    reached = STEPS.index(w.stage) >= STEPS.index(Stage(target.value))
    if parked:
        why = "the domain sends no mail, so there is nothing to lose: p=reject may be asked for at once"
        return TargetVerdict(target, Answer.READY, reached, (why,))
    if not any(one.messages for one in w.evidence.senders):
        return TargetVerdict(target, Answer.NO_DATA, reached, ("no report tells of any message in this period",))
    gates = judged(w, target)
    because = tuple(f"{gate.gate}: {gate.found.missing}" for gate in gates if gate.found.passage is Passage.CLOSED)
    return TargetVerdict(target, Answer.NOT_YET if because else Answer.READY, reached, because, gates)


def advice(evidence: Evidence, here: Present, *verdicts: TargetVerdict) -> Iterator[str]:
    """What is worth knowing and closes no gate."""
    found = [gate.found.missing for one in verdicts for gate in one.gates if gate.found.passage is Passage.ADVICE]
    yield from dict.fromkeys(found)
    latest = latest_policy(evidence, evidence.domain)
    seen = evidence.published
    if here.policy_domain not in {None, evidence.domain}:
        return
    if seen is not None and seen.record is None:
        yield f"in the DNS at {seen.seen:%Y-%m-%d}: {seen.what}"
    elif seen is not None and latest is not None and stage_of(latest.p, latest.testing) is not here.stage:
        told = policy_words(latest.p, None, None, testing=(latest.testing or "").lower() == "y")
        yield f"the newest reports ({latest.last}) tell of {told or 'no policy'}, the DNS ({seen.seen:%Y-%m-%d}) of {here.text or 'none'}"


def next_step(evidence: Evidence, found: Readiness) -> NextStep:
    """What to do next."""
    here, decisive = found.present, found.verdict
    if found.parked:
        return parked_step(evidence, here)
    if decisive.answer is Answer.NO_DATA:
        return NextStep(here.stage, may=False, what="nothing can be said without reports: dmarcscope setup says how they come to you")
    ready = decisive.answer is Answer.READY
    if here.stage is Stage.REJECT and not ready:
        what = "p=reject costs mail as it is; test mode makes it milder, as quarantine, until that is mended"
        return published(evidence, here, Stage.REJECT_TEST, what, may=True)
    if here.stage is Stage.REJECT:
        return published(evidence, here, Stage.REJECT, "p=reject may stay", may=True)
    stage = NEXT[here.stage]
    words = f"{written(bare(stage))} ({EFFECTS[stage]})"
    what = f"go to {words} now" if ready else f"stay at {here.text or 'p=none'} for now; when nothing is missing any more, go to {words}"
    return published(evidence, here, stage, what, may=ready)


EFFECTS = {
    Stage.NONE: "nothing is asked of receivers",
    Stage.QUARANTINE_TEST: "test mode: receivers that know t=y still do as for p=none, the others quarantine what fails",
    Stage.QUARANTINE: "what fails is quarantined",
    Stage.REJECT_TEST: "test mode: receivers that know t=y go on quarantining what fails, the others reject it",
    Stage.REJECT: "what fails is rejected",
}
"""What comes of each step (RFC 9989 §4.7, t)."""


def bare(stage: Stage) -> dict[str, str | None]:
    """The tags of a step by themselves."""
    return changes(stage, None, None, present=WANTED[stage][0], reject_missing=False)


def parked_step(evidence: Evidence, here: Present) -> NextStep:
    """A domain that sends nothing: p=reject at once, and an SPF record that lets nobody send."""
    spf = () if evidence.sends_nothing else (txt_line(evidence.domain, NOBODY),)
    if here.stage is Stage.REJECT:
        what = "p=reject says already that the domain sends no mail" + ("; let SPF say so, too" if spf else "")
        return NextStep(Stage.REJECT, may=True, what=what, also=spf)
    what = "go to p=reject now: the domain sends no mail, so it costs none, and stops whoever writes in its name"
    return replace(published(evidence, here, Stage.REJECT, what, may=True), also=spf)


def published(evidence: Evidence, here: Present, stage: Stage, what: str, *, may: bool) -> NextStep:
    """A step with the present record changed for it; without that record, the tags alone, and how to come to the line."""
    record = evidence.published.record if evidence.published else None
    if record is not None and record.standing is Standing.IN_FORCE and record.p is not None:
        tags = changes(stage, record.sp, record.np, present=record.p, reject_missing=refuses_missing(evidence))
        text = with_tags(record.text, tags)
        if text == record.text:
            return NextStep(stage, may, what)
        return NextStep(stage, may, what, written(tags), text, txt_line(dmarc_name(evidence.domain), text))
    if stage is here.stage and record is None:
        return NextStep(stage, may, what)
    return NextStep(stage, may, what, written(bare(stage)), hint=how(evidence, here))


def how(evidence: Evidence, here: Present) -> str:
    """How to come to a line to publish where the record is not known, or not sound."""
    seen, owner = evidence.published, here.policy_domain
    if seen is not None and seen.record is not None:
        return "the record has errors: mend it first, with dmarcscope check"
    if owner is not None and owner != evidence.domain:
        return f"the policy is that of {owner}: change it there, or publish a record of its own"
    if seen is not None:
        return f"there is no record to change ({seen.what}): dmarcscope setup makes one"
    return "nobody has looked at the record yet: dmarcscope resolve does, and then the whole line is told here"
