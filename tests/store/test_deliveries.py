"""The ledger of mails: one line for each recipient, whatever happens between a note and the mail; and what was said is remembered."""

from datetime import UTC, datetime, timedelta

import pytest

from dmarcscope.model.delivery import Assignment, DeliveryState
from dmarcscope.model.summary_figures import FigureName
from dmarcscope.store.deliveries import CUT_SHORT, Deliveries
from dmarcscope.store.ledger import SCHEMA_VERSION, Ledger

NOW = datetime(2026, 5, 19, 7, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
WEEK20 = Assignment("example.com", datetime(2026, 5, 11, tzinfo=UTC), datetime(2026, 5, 18, tzinfo=UTC))
WEEK19 = Assignment("example.com", datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 11, tzinfo=UTC))
A, B = "a@example.net", "b@example.net"
SENT, FAILED, PLANNED, UNSURE = DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.PLANNED, DeliveryState.UNSURE


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(tmp_path / "ledger.db", 0.2)
    made.create()
    yield made
    made.close()


@pytest.fixture
def deliveries(ledger):
    return Deliveries(ledger)


def states(deliveries, assignment=WEEK20):
    return {one.recipient: one.state.value for one in deliveries.of(assignment)}


def sent(deliveries, assignment, figures, now=NOW, recipients=(A,)):
    """A mail that was sent."""
    deliveries.plan(assignment, recipients, "<1@example.com>", now)
    deliveries.sending(assignment, recipients, figures, now)
    deliveries.settle(assignment, dict.fromkeys(recipients, (SENT, "250 OK", None)), now)


def test_a_mail_from_plan_to_sent(deliveries):
    deliveries.plan(WEEK20, [A, B], "<1@example.com>", NOW)
    assert [(one.recipient, one.state, one.attempts, one.tried_at) for one in deliveries.of(WEEK20)] == [
        (A, PLANNED, 0, None),
        (B, PLANNED, 0, None),
    ]
    deliveries.sending(WEEK20, [A], {"example.com": {"reported": 5}}, NOW)
    assert states(deliveries) == {A: "sending", B: "planned"}
    deliveries.settle(WEEK20, {A: (SENT, "250 OK", None)}, NOW)
    one, other = deliveries.of(WEEK20)
    assert (one.state, one.attempts, one.sent_at, one.reason, one.message_id) == (SENT, 1, NOW, "250 OK", "<1@example.com>")
    assert (one.assignment, other.state, other.sent_at) == (WEEK20, PLANNED, None)


def test_who_has_a_line_keeps_it(deliveries):
    sent(deliveries, WEEK20, {})
    deliveries.plan(WEEK20, [A, B], "<2@example.com>", LATER)
    assert states(deliveries) == {A: "sent", B: "planned"}
    assert {one.message_id for one in deliveries.of(WEEK20)} == {"<1@example.com>"}, "the same mail has the same identity"
    deliveries.plan(WEEK19, [A], "<3@example.com>", LATER)
    assert [one.message_id for one in deliveries.of(WEEK19)] == ["<3@example.com>"]
    assert len(deliveries.about("example.com")) == 3
    assert deliveries.about("example.net") == []


def test_what_waits(deliveries):
    deliveries.plan(WEEK20, [A, B], "<1@example.com>", NOW)
    assert [one.recipient for one in deliveries.waiting(NOW)] == [A, B], "for the first time at once"
    assert deliveries.troubled() == []
    deliveries.settle(WEEK20, {A: (PLANNED, "450 later", LATER), B: (FAILED, "550 no", None)}, NOW)
    assert deliveries.waiting(NOW) == []
    assert [(one.recipient, one.reason) for one in deliveries.waiting(LATER)] == [(A, "450 later")]
    assert [one.recipient for one in deliveries.troubled()] == [A]
    assert [one.recipient for one in deliveries.recent(1)] == [B]


def test_what_was_cut_short_is_unsure(deliveries):
    deliveries.plan(WEEK20, [A, B], "<1@example.com>", NOW)
    deliveries.sending(WEEK20, [A], {"example.com": {"reported": 5}}, NOW)
    assert [(one.recipient, one.state, one.reason) for one in deliveries.cut_short()] == [(A, UNSURE, CUT_SHORT)]
    assert deliveries.cut_short() == [], "told once"
    assert states(deliveries) == {A: "unsure", B: "planned"}
    assert [one.recipient for one in deliveries.waiting(LATER)] == [B], "not sent again by itself"
    deliveries.again(WEEK20, [A], LATER)
    assert states(deliveries) == {A: "planned", B: "planned"}


def test_what_was_said_is_remembered(deliveries):
    sent(deliveries, WEEK19, {"example.com": {"reported": 5, "passing": 4}, "example.net": {"reported": 1}}, recipients=(A, B))
    sent(deliveries, WEEK20, {"example.com": {"reported": 7, "of-a-later-version": 3}}, LATER)
    told = deliveries.told(["example.com"])
    assert [(one.domain, one.begin, one.end, dict(one.figures), one.told) for one in told] == [
        ("example.com", WEEK19.begin, WEEK19.end, {FigureName.REPORTED: 5, FigureName.PASSING: 4}, NOW),
        ("example.com", WEEK20.begin, WEEK20.end, {FigureName.REPORTED: 7}, LATER),
    ]
    assert len(deliveries.told(None)) == 3
    assert deliveries.told([]) == []
    group = Assignment("brands", WEEK19.begin, WEEK19.end)
    sent(deliveries, group, {"example.com": {"reported": 6}}, LATER)
    assert dict(deliveries.told(["example.com"])[0].figures) == {FigureName.REPORTED: 6}, "the last word counts"


def test_what_nobody_got_was_not_said(deliveries):
    deliveries.plan(WEEK20, [A], "<1@example.com>", NOW)
    deliveries.sending(WEEK20, [A], {"example.com": {"reported": 5}}, NOW)
    deliveries.settle(WEEK20, {A: (FAILED, "554 spam", None)}, NOW)
    assert deliveries.told(None) == []


def test_a_ledger_of_schema_3_grows(tmp_path):
    """As an earlier dmarcscope left it: nothing that it holds is touched."""
    old = Ledger(tmp_path / "ledger.db", 0.2)
    old.create()
    with old.transaction() as connection:
        connection.execute("DROP TABLE deliveries")
        connection.execute("UPDATE facts SET value = '3' WHERE name = 'schema'")
        connection.execute("INSERT INTO folders (account, folder) VALUES ('', 'kept')")
    old.close()
    ledger = Ledger(tmp_path / "ledger.db", 0.2)
    assert ledger.rows("SELECT value FROM facts WHERE name = 'schema'")[0][0] == str(SCHEMA_VERSION)
    assert ledger.rows("SELECT folder FROM folders")[0][0] == "kept"
    assert Deliveries(ledger).recent(5) == []
    ledger.close()
