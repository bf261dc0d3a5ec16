"""The record of the next step: the present one with its policy changed, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.analysis.policy_record import NEXT, WANTED, changes, stage_of, stage_of_record, with_tags
from dmarcscope.model.readiness import Stage
from dmarcscope.model.words import Policy
from dmarcscope.parse.dmarc_record import dmarc_record

STAGES = [
    ("none", None, Stage.NONE, "nothing asked"),
    ("none", "y", Stage.NONE, "testing nothing"),
    ("quarantine", "y", Stage.QUARANTINE_TEST, "tested"),
    ("quarantine", "n", Stage.QUARANTINE, "not tested"),
    ("reject", "Y", Stage.REJECT_TEST, "without regard to case"),
    ("REJECT", None, Stage.REJECT, "without regard to case"),
    ("banana", None, Stage.NONE, "an unknown word asks for nothing"),
    (None, None, Stage.NONE, "not told"),
]


@pytest.mark.parametrize(("p", "testing", "stage", "why"), STAGES)
def test_stage(p, testing, stage, why):
    assert stage_of(p, testing) is stage, why


def test_a_record_that_counts_as_none_is_at_none():
    assert stage_of_record(dmarc_record("v=DMARC1; p=reject; sp=banana; rua=mailto:a@example.com")) is Stage.NONE


def test_the_way_leads_step_by_step_to_reject():
    way = [Stage.NONE]
    while NEXT[way[-1]] is not way[-1]:
        way.append(NEXT[way[-1]])
    assert way == list(Stage)


STEPS = [
    # the record, the step, whether names that do not exist may be refused, the record to publish, why
    ("v=DMARC1; p=none; rua=mailto:a@example.com", Stage.QUARANTINE_TEST, False,
     "v=DMARC1; p=quarantine; t=y; rua=mailto:a@example.com", "a test first"),
    ("v=DMARC1; p=quarantine; t=y; rua=mailto:a@example.com", Stage.QUARANTINE, False,
     "v=DMARC1; p=quarantine; rua=mailto:a@example.com", "then for good"),
    ("v=DMARC1; p=quarantine; sp=quarantine; np=reject; rua=mailto:a@example.com", Stage.REJECT_TEST, False,
     "v=DMARC1; p=reject; t=y; sp=reject; np=reject; rua=mailto:a@example.com", "sp goes along where it was as strict"),
    ("v=DMARC1; p=none; sp=reject; rua=mailto:a@example.com", Stage.QUARANTINE_TEST, False,
     "v=DMARC1; p=quarantine; t=y; sp=reject; rua=mailto:a@example.com", "a stricter sp stays"),
    ("v=DMARC1; p=quarantine; sp=none; rua=mailto:a@example.com", Stage.REJECT_TEST, False,
     "v=DMARC1; p=reject; t=y; sp=none; rua=mailto:a@example.com", "a milder one is the owner's decision"),
    ("v=DMARC1; p=none; rua=mailto:a@example.com", Stage.QUARANTINE_TEST, True,
     "v=DMARC1; p=quarantine; t=y; np=reject; rua=mailto:a@example.com", "names that do not exist may be refused"),
    ("v=DMARC1; p=none; pct=50; rua=mailto:a@example.com", Stage.QUARANTINE_TEST, False,
     "v=DMARC1; p=quarantine; t=y; rua=mailto:a@example.com", "pct is no more"),
    ("v=DMARC1;p=none;adkim=s;fo=1;rua=mailto:a@example.com!10m;x=1;", Stage.QUARANTINE_TEST, False,
     "v=DMARC1;p=quarantine; t=y;adkim=s;fo=1;rua=mailto:a@example.com!10m;x=1;", "all else letter for letter"),
    ("v=DMARC1; P = None ; rua=mailto:a@example.com", Stage.QUARANTINE_TEST, False,
     "v=DMARC1; P = quarantine; t=y ; rua=mailto:a@example.com", "blanks and case of others' writing"),
    ("v=DMARC1; rua=mailto:a@example.com; p=quarantine; pct=100", Stage.REJECT_TEST, False,
     "v=DMARC1; rua=mailto:a@example.com; p=reject; t=y", "p in another place"),
    ("v=DMARC1; p=reject; rua=mailto:a@example.com", Stage.REJECT_TEST, False,
     "v=DMARC1; p=reject; t=y; rua=mailto:a@example.com", "a step back"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "stage", "refuse", "wanted", "why"), STEPS)
def test_the_record_to_publish(text, stage, refuse, wanted, why):
    record = dmarc_record(text)
    assert record.p is not None
    tags = changes(stage, record.sp, record.np, present=record.p, reject_missing=refuse)
    assert with_tags(text, tags) == wanted, why


others = st.lists(st.sampled_from(["adkim=s", "aspf=r", "fo=1:d", "ruf=mailto:f@example.com", "x=y", "pct=20", "t=n", "t=y", "sp=none", "np=none"]),
                  unique_by=lambda tag: tag.partition("=")[0])  # fmt: skip


@given(st.sampled_from(list(Policy)), others, st.sampled_from(list(Stage)), st.booleans(), st.sampled_from(["; ", ";", " ; "]))
def test_whatever_the_record_it_comes_to_the_step(p, tags, stage, refuse, between):
    text = between.join(["v=DMARC1", f"p={p.value}", *tags, "rua=mailto:a@example.com"])
    before = dmarc_record(text)
    after = dmarc_record(with_tags(text, changes(stage, before.sp, before.np, present=p, reject_missing=refuse)))
    assert (after.p, after.testing) == WANTED[stage]
    kept = {"adkim", "aspf", "fo", "ruf", "rua", "x"}
    assert [tag for tag in after.tags if tag[0] in kept] == [tag for tag in before.tags if tag[0] in kept]
    assert not [problem for problem in after.problems if problem.severity == "error"]
