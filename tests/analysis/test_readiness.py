"""The two verdicts, the present policy, and the record to publish next."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dmarcscope.analysis.readiness import readiness
from dmarcscope.model.discovery import Existence
from dmarcscope.model.readiness import Answer, Evidence, NameSums, PolicyDays, Published, ReporterSums, SenderSums, Stage
from dmarcscope.model.verdict import SenderClass
from dmarcscope.parse.dmarc_record import dmarc_record

LAST = date(2026, 5, 24)
SEEN = datetime(2026, 5, 25, tzinfo=UTC)
RUA = "rua=mailto:dmarc@example.com"


def sums(sender: str, messages: int, passing: int, sender_class: SenderClass = SenderClass.YOURS_ALIGNED) -> SenderSums:
    first = datetime(2026, 3, 1, tzinfo=UTC)
    return SenderSums(sender, sender_class, messages, messages, passing, passing, first, datetime(2026, 5, 24, tzinfo=UTC))


def policy(p: str, **more) -> PolicyDays:
    values = {"sp": None, "np": None, "pct": None, "testing": None, "messages": 100, "policy_domain": "example.com", **more}
    return PolicyDays(p=p, first=LAST - timedelta(days=59), last=LAST, **values)


def evidence(record: str | None = None, p: str = "none", **given) -> Evidence:
    """The evidence of a domain that is in order; ``record`` is what the DNS has."""
    seen = Published(dmarc_record(record), record, SEEN) if record else None
    base = Evidence(
        "example.com",
        LAST - timedelta(days=89),
        LAST,
        senders=(sums("own", 8400, 8400),),
        policies=(policy(p, np="reject"),),
        names=(NameSums("example.com", 8400, 8400, 8400),),
        reporters=tuple(ReporterSums(name, 100) for name in ("google.com", "a.example", "b.example")),
        listed=frozenset({"own"}),
        published=seen,
    )
    return replace(base, **given)


WAY = [
    # the record, the policy of the reports with test mode, to quarantine, to reject, the record to publish, why
    (f"v=DMARC1; p=none; np=reject; {RUA}", ("none", None), "ready", "not-yet", f"v=DMARC1; p=quarantine; t=y; np=reject; {RUA}", "watched long enough"),
    (f"v=DMARC1; p=quarantine; t=y; np=reject; {RUA}", ("quarantine", "y"), "ready", "not-yet", f"v=DMARC1; p=quarantine; np=reject; {RUA}", "tested"),
    (f"v=DMARC1; p=quarantine; np=reject; {RUA}", ("quarantine", None), "ready", "ready", f"v=DMARC1; p=reject; t=y; np=reject; {RUA}", "a month of it"),
    (f"v=DMARC1; p=reject; t=y; np=reject; {RUA}", ("reject", "y"), "ready", "ready", f"v=DMARC1; p=reject; np=reject; {RUA}", "tested, too"),
    (f"v=DMARC1; p=reject; {RUA}", ("reject", None), "ready", "ready", None, "there"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "told", "quarantine", "reject", "wanted", "why"), WAY)
def test_the_way_of_a_domain_in_order(record, told, quarantine, reject, wanted, why):
    found = readiness(evidence(record, policies=(policy(told[0], testing=told[1], np="reject"),)))
    assert (found.quarantine.answer.value, found.reject.answer.value) == (quarantine, reject), why
    assert found.verdict.answer is Answer.READY
    assert found.next_step.may
    if wanted:
        assert found.next_step.record == wanted
        assert found.next_step.line == f'_dmarc.example.com. IN TXT "{wanted}"'
        assert found.next_step.stage is not found.present.stage


def test_what_is_missing_keeps_the_present_policy_and_tells_the_record_for_later():
    found = readiness(evidence(f"v=DMARC1; p=none; {RUA}", senders=(sums("own", 8400, 8400), sums("bills", 84, 0))))
    assert found.quarantine.answer is Answer.NOT_YET
    assert any("bills must be mended: 10 messages a week" in reason for reason in found.quarantine.because)
    assert not found.next_step.may
    assert found.next_step.record == f"v=DMARC1; p=quarantine; t=y; np=reject; {RUA}"
    assert found.next_step.what.startswith("stay at p=none")


def test_reject_that_costs_mail_is_softened():
    bad = (sums("own", 8400, 8400), sums("bills", 840, 0))
    found = readiness(evidence(f"v=DMARC1; p=reject; np=reject; {RUA}", senders=bad, policies=(policy("reject"),)))
    assert (found.present.stage, found.verdict.answer) == (Stage.REJECT, Answer.NOT_YET)
    assert found.next_step.stage is Stage.REJECT_TEST
    assert found.next_step.record == f"v=DMARC1; p=reject; t=y; np=reject; {RUA}"


def test_no_data():
    found = readiness(evidence(senders=(), policies=(), names=(), reporters=()))
    assert (found.quarantine.answer, found.reject.answer) == (Answer.NO_DATA, Answer.NO_DATA)
    assert found.present.by == "nobody"
    assert not found.next_step.may


def test_without_the_record_the_tags_alone_are_told():
    found = readiness(evidence())
    assert (found.present.by, found.next_step.tags, found.next_step.record) == ("reports", "p=quarantine; t=y", None)
    assert "dmarcscope resolve" in found.next_step.hint


HINTS = [
    ({"published": Published(None, "_dmarc.example.com has 2 DMARC records", SEEN)}, "has 2 DMARC records", "several records"),
    ({"published": Published(dmarc_record(f"v=DMARC1; p=banana; {RUA}"), "", SEEN)}, "mend it first", "a record in error"),
    ({"policies": (policy("none", policy_domain="example.net"),)}, "that of example.net", "a policy from above"),
]


@pytest.mark.parametrize(("given", "words", "why"), HINTS)
def test_how_to_come_to_a_line(given, words, why):
    step = readiness(evidence(**given)).next_step
    assert step.line is None, why
    assert words in step.hint, why


def test_a_domain_below_that_of_the_record_has_its_sp():
    found = readiness(evidence(policies=(policy("reject", sp="quarantine", policy_domain="example.net"),)))
    assert found.present.stage is Stage.QUARANTINE


PARKED = [
    # what is otherwise, whether it counts as parked, why
    ({"senders": (sums("x", 90, 0, SenderClass.UNAUTHORISED),)}, True, "a month of spoofers alone"),
    ({"senders": (sums("x", 96, 0, SenderClass.UNAUTHORISED), sums("y", 4, 0, SenderClass.UNKNOWN))}, True, "hardly anything unknown"),
    ({"senders": (sums("x", 50, 0, SenderClass.UNAUTHORISED), sums("y", 50, 0, SenderClass.UNKNOWN))}, False, "that may be its own"),
    ({"senders": (sums("x", 90, 0, SenderClass.UNKNOWN),), "sends_nothing": True}, True, "its SPF says so"),
    ({"senders": (sums("x", 90, 90, SenderClass.UNKNOWN),), "sends_nothing": True}, False, "its SPF says so, and yet mail passes"),
    ({"senders": (sums("x", 90, 0, SenderClass.FORWARDED),)}, False, "somebody wants its mail"),
    ({"senders": (), "policies": (), "sends_nothing": True}, True, "nothing at all, as its SPF says"),
    ({"senders": (), "policies": ()}, False, "nothing is known"),
    ({"senders": (sums("x", 90, 0, SenderClass.UNAUTHORISED),), "policies": (replace(policy("none"), first=LAST - timedelta(days=5)),)}, False,
     "a few days only"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "parked", "why"), PARKED)
def test_who_is_parked(given, parked, why):
    assert readiness(evidence(**given)).parked is parked, why


def test_a_parked_domain_goes_to_reject_at_once():
    found = readiness(evidence(f"v=DMARC1; p=none; {RUA}", senders=(sums("x", 90, 0, SenderClass.UNAUTHORISED),), names=()))
    assert (found.quarantine.answer, found.reject.answer, found.verdict.target.value) == (Answer.READY, Answer.READY, "reject")
    assert found.next_step.record == f"v=DMARC1; p=reject; np=reject; {RUA}"
    assert found.next_step.also == ('example.com. IN TXT "v=spf1 -all"',)


def test_a_parked_domain_that_says_so_needs_nothing():
    found = readiness(evidence(f"v=DMARC1; p=reject; {RUA}", senders=(), sends_nothing=True))
    assert (found.next_step.line, found.next_step.also, found.next_step.may) == (None, (), True)


def test_np_is_left_alone_where_own_mail_may_come_from_names_that_do_not_exist():
    names = (NameSums("a.example.com", 9, 9, 9, Existence.UNKNOWN),)
    found = readiness(evidence(f"v=DMARC1; p=none; {RUA}", names=names))
    assert found.next_step.record == f"v=DMARC1; p=quarantine; t=y; {RUA}"


def test_advice_tells_where_reports_and_dns_differ():
    found = readiness(evidence(f"v=DMARC1; p=quarantine; np=reject; {RUA}", p="none"))
    assert found.present.stage is Stage.QUARANTINE
    assert any("reports (2026-05-24) tell of p=none, the DNS (2026-05-25) of p=quarantine" in one for one in found.advice)


def test_messages_are_those_of_the_evidence():
    found = readiness(
        evidence(senders=(sums("own", 10, 9), sums("own", 5, 0, SenderClass.YOURS_NEEDS_FIXING), sums("x", 7, 0, SenderClass.UNKNOWN)))
    )
    assert (found.messages, found.yours, found.yours_passing) == (22, 15, 9)
