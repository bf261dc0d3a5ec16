"""When the mail about a week is due, told by a table; and a watch's mailer with a real server, which sends it once."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from queue import Queue
from zoneinfo import ZoneInfo

import pytest
from mail_server import MailServer
from storeworld import SMALL, put, report, take_in

from dmarcscope.errors import SetupError
from dmarcscope.intake.account import Security
from dmarcscope.model.delivery import Assignment, DeliveryState
from dmarcscope.ops import mailing as module
from dmarcscope.ops.deliver import Mailing, sending_alone
from dmarcscope.ops.events import Happening
from dmarcscope.ops.mailing import Due, Mailer, Schedule, Why, due, moment, plan_of, tend
from dmarcscope.outgoing.smtp import Smtp
from dmarcscope.present.events import line
from dmarcscope.store.deliveries import Deliveries
from dmarcscope.store.files import StoreFiles
from dmarcscope.wiring import knowledge

BERLIN, AUCKLAND, HONOLULU = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Auckland"), ZoneInfo("Pacific/Honolulu")
END = datetime(2026, 5, 18, tzinfo=UTC)  # of week 20, a Monday
WEEK = timedelta(days=7)
PATIENCE = 30.0
A, B = "a@example.net", "b@example.net"

MOMENTS = [
    (Schedule(0, 7), END, "2026-05-18T07:00", "Monday at 7"),
    (Schedule(6, 23), END, "2026-05-24T23:00", "the last hour of the week after"),
    (Schedule(0, 7, BERLIN), END, "2026-05-18T05:00", "summer there"),
    (Schedule(0, 7, BERLIN), datetime(2026, 1, 5, tzinfo=UTC), "2026-01-05T06:00", "winter there"),
    (Schedule(0, 0, BERLIN), END, "2026-05-18T00:00", "Monday has begun there, and the week has not ended yet"),
    (Schedule(0, 8, AUCKLAND), END, "2026-05-18T00:00", "likewise"),
    (Schedule(0, 13, AUCKLAND), END, "2026-05-18T01:00", "an hour after its end"),
    (Schedule(0, 7, HONOLULU), END, "2026-05-18T17:00", "Monday begins late there"),
    (Schedule(6, 2, BERLIN), datetime(2026, 3, 23, tzinfo=UTC), "2026-03-29T01:00", "an hour that is left out in spring"),
    (Schedule(6, 2, BERLIN), datetime(2026, 10, 19, tzinfo=UTC), "2026-10-25T00:00", "an hour that comes twice in autumn: the first"),
]


@pytest.mark.parametrize(("schedule", "end", "when", "why"), MOMENTS, ids=[case[-1] for case in MOMENTS])
def test_moments(schedule, end, when, why):
    assert moment(schedule, end) == datetime.fromisoformat(f"{when}+00:00")


def at(text):
    return datetime.fromisoformat(f"{text}+00:00")


MONDAY = Schedule(0, 7)
THURSDAY = Schedule(3, 7)
AT_ONCE = replace(MONDAY, grace=None)
SUNDAY = date(2026, 5, 17)
DUE = [
    # now, schedule, end of the last week told, complete through, the week and why, reason
    ("2026-05-18T06:59", AT_ONCE, None, None, None, "a minute too early"),
    ("2026-05-18T07:00", AT_ONCE, None, None, (END, Why.AT_ONCE), "to the minute"),
    ("2026-05-18T07:00", AT_ONCE, END, None, None, "told already"),
    ("2026-05-18T07:00", AT_ONCE, END + WEEK, None, None, "told already, says a clock that went ahead"),
    ("2026-05-24T23:59", AT_ONCE, None, None, (END, Why.AT_ONCE), "made up for until the next one is due"),
    ("2026-05-18T07:00", MONDAY, None, None, None, "nobody knows whether all is there"),
    ("2026-05-18T07:00", MONDAY, None, date(2026, 5, 16), None, "a day is missing"),
    ("2026-05-18T07:00", MONDAY, None, SUNDAY, (END, Why.COMPLETE), "all is there"),
    ("2026-05-18T06:59", MONDAY, None, SUNDAY, None, "all is there, and it is too early"),
    ("2026-05-21T06:59", MONDAY, None, date(2026, 5, 16), None, "within the grace"),
    ("2026-05-21T07:00", MONDAY, None, None, (END, Why.GRACE), "waited for long enough"),
    ("2026-05-20T12:00", THURSDAY, None, SUNDAY, None, "the day has not come, and nothing was ever sent"),
    ("2026-05-20T12:00", THURSDAY, END - 2 * WEEK, date(2026, 5, 10), (END - WEEK, Why.GRACE), "the week before was missed"),
    ("2026-05-20T12:00", THURSDAY, END - WEEK, SUNDAY, None, "the week before was told"),
    ("2026-07-06T07:00", AT_ONCE, END, None, (at("2026-07-06T00:00"), Why.AT_ONCE), "after a long sleep, the last week alone"),
]


@pytest.mark.parametrize(("now", "schedule", "last", "through", "expected", "why"), DUE, ids=[case[-1] for case in DUE])
def test_due(now, schedule, last, through, expected, why):
    found = due(at(now), schedule, last, lambda _begin, _end: through)
    assert found == (None if expected is None else Due(expected[0] - WEEK, *expected))


def test_coverage_is_asked_for_only_if_need_be():
    def fail(_begin, _end):
        pytest.fail("asked")

    assert due(at("2026-05-18T06:00"), MONDAY, None, fail) is None
    assert due(at("2026-05-18T07:00"), MONDAY, END, fail) is None
    assert due(at("2026-05-22T07:00"), MONDAY, None, fail) is not None


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store with some reports."""
    root = tmp_path_factory.mktemp("mailing")
    take_in(root / "store", put(root / "in", **{f"r{at}__xml": report(at) for at in range(6)}))
    return root / "store"


@pytest.fixture
def store(filled, tmp_path):
    import shutil

    shutil.copytree(filled, tmp_path / "store")
    with StoreFiles(tmp_path / "store", SMALL) as made:
        yield made


@pytest.fixture
def server():
    with MailServer() as made:
        yield made


def plan(server, *mailings, schedule=AT_ONCE):
    made = mailings or (Mailing("example.com", ("example.com",), "dmarc@example.com", (A,), attach_page=False),)
    return plan_of(made, schedule, Smtp("127.0.0.1", server.port, Security.NONE, seconds=5, end_seconds=5), lambda: knowledge(None))


@pytest.fixture(autouse=True)
def own_world(tmp_path, monkeypatch):
    """No configuration of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DMARCSCOPE_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))


def test_each_week_once(store, server):
    clock = [at("2026-05-18T07:00")]
    made = plan(server)
    (sent,) = tend(store, made, lambda: clock[0]).changed
    assert (sent.state, sent.assignment) == (DeliveryState.SENT, Assignment("example.com", END - WEEK, END))
    for now in ("2026-05-18T07:01", "2026-05-24T23:59"):
        clock[0] = at(now)
        assert tend(store, made, lambda: clock[0]).changed == ()
    clock[0] = at("2026-05-25T07:00")
    (sent,) = tend(store, made, lambda: clock[0]).changed
    assert (sent.assignment.end, len(server.mails)) == (END + WEEK, 2), "a quiet week, too"


def test_what_waits_is_sent_when_its_time_has_come(store, server):
    server.refuse[A], server.times[A] = "450 greylisted", 1
    made = plan(server)
    (waits,) = tend(store, made, lambda: at("2026-05-18T07:00")).changed
    assert (waits.state, waits.retry_at) == (DeliveryState.PLANNED, at("2026-05-18T07:05"))
    assert tend(store, made, lambda: at("2026-05-18T07:04")).changed == ()
    (sent,) = tend(store, made, lambda: at("2026-05-18T07:05")).changed
    assert (sent.state, len(server.mails)) == (DeliveryState.SENT, 1)


def test_whoever_is_added_is_told_of_the_next_week(store, server):
    one = Mailing("example.com", ("example.com",), "dmarc@example.com", (A,), attach_page=False)
    tend(store, plan(server, one), lambda: at("2026-05-18T07:00"))
    both = plan(server, replace(one, recipients=(A, B)))
    assert tend(store, both, lambda: at("2026-05-19T07:00")).changed == ()
    assert {sent.recipient for sent in tend(store, both, lambda: at("2026-05-25T07:00")).changed} == {A, B}


def test_a_mail_sent_by_hand_to_somebody_else_is_not_the_weekly_one(store, server):
    assignment = Assignment("example.com", END - WEEK, END)
    with sending_alone(store):
        Deliveries(store.ledger).plan(assignment, ["boss@example.net"], "<1@example.com>", at("2026-05-18T06:00"))
        Deliveries(store.ledger).settle(assignment, {"boss@example.net": (DeliveryState.SENT, "250", None)}, at("2026-05-18T06:00"))
    (sent,) = tend(store, plan(server), lambda: at("2026-05-18T07:00")).changed
    assert (sent.recipient, sent.message_id) == (A, "<1@example.com>")


def test_one_that_cannot_be_made_does_not_keep_another_back(store, server):
    good = Mailing("example.com", ("example.com",), "dmarc@example.com", (A,), attach_page=False)
    bad = Mailing("bad", ("no domain at all",), "dmarc@example.com", (A,), attach_page=False)
    done = tend(store, plan(server, bad, good), lambda: at("2026-05-18T07:00"))
    assert [one.assignment.what for one in done.changed] == ["example.com"]
    assert len(done.hindered) == 1
    with pytest.raises(SetupError, match="the same name"):
        plan(server, good, good)


class Listening:
    """A mailer in a thread, and what it tells."""

    def __init__(self, root: Path, made, monkeypatch, now):
        monkeypatch.setattr(module, "QUIET", 0.05)
        monkeypatch.setattr(module, "EVERY", 0.05)
        monkeypatch.setattr(module, "TICK", 0.01)
        monkeypatch.setattr(module, "AFTER_FAILURE", 0.05)
        real = module.tend
        monkeypatch.setattr(module, "tend", lambda store, plan: real(store, plan, lambda: now))
        self.events, self.stop = Queue(), threading.Event()
        self.mailer = Mailer(root, made, self.stop, lambda: 0, self.events.put)

    def __enter__(self):
        self.mailer.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.mailer.join(PATIENCE)
        assert not self.mailer.is_alive()


def test_a_mailer_beside_a_watch(store, server, monkeypatch):
    with Listening(store.root, plan(server), monkeypatch, at("2026-05-18T07:00")) as listening:
        event = listening.events.get(timeout=PATIENCE)
        assert (event.what, event.is_trouble) == (Happening.MAILED, False)
        assert line(event.what.value, event.facts) == "sent the summary of example.com (2026-05-11 to 2026-05-17) to a@example.net"
    assert listening.events.empty()
    assert len(server.mails) == 1


def test_a_mailer_tells_what_is_in_the_way(store, server, monkeypatch):
    made = replace(plan(server), carrier=Smtp("127.0.0.1", server.port, Security.STARTTLS))
    with Listening(store.root, made, monkeypatch, at("2026-05-18T07:00")) as listening:
        told = [listening.events.get(timeout=PATIENCE) for _ in range(2)]
    assert {event.what for event in told} == {Happening.MAIL_WAITS, Happening.MAIL_HINDERED}
    assert all(event.is_trouble and "STARTTLS" in line(event.what.value, event.facts) for event in told)


def test_without_a_store_nothing_is_told(tmp_path, server, monkeypatch):
    with Listening(tmp_path / "nowhere", plan(server), monkeypatch, at("2026-05-18T07:00")) as listening:
        assert not listening.stop.wait(0.3)
    assert listening.events.empty()


def test_complete_is_what_all_domains_are_that_anybody_reports_about(store, server):
    """The reports are of six days at the begin of May, by one reporter."""
    heard = Mailing("example.com", ("example.com",), "dmarc@example.com", (A,))
    begin, end = at("2026-05-04T00:00"), at("2026-05-11T00:00")
    later = at("2026-06-01T00:00")
    alone = module.through_of(store, heard, later)(begin, end)
    together = module.through_of(store, replace(heard, domains=("example.com", "parked.example")), later)(begin, end)
    whole = module.through_of(store, replace(heard, domains=None), later)(begin, end)
    assert alone == together == whole
    assert module.through_of(store, replace(heard, domains=("parked.example",)), later)(begin, end) is None
