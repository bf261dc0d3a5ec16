"""The weekly mail beside a watch: when a week's summary is due, and a thread that sends it. Nothing waits for it.

Facts: a week is an ISO week in UTC; day and hour are those of the configured time zone. A mail is due at that hour after the week's end,
once its reports are likely all here or the grace has passed. A week that was missed is made up for until the next one is due.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from time import monotonic

from dmarcscope.errors import SetupError, Unavailable
from dmarcscope.model.delivery import Assignment, Delivery, DeliveryState
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.summary import Summaries
from dmarcscope.ops.coverage import coverage
from dmarcscope.ops.deliver import Clock, Mailing, deliver, sending_alone, utc_now
from dmarcscope.ops.events import Event, Happening, Tell
from dmarcscope.ops.summarise import summarise, week_begin
from dmarcscope.outgoing.smtp import Carrier
from dmarcscope.store.deliveries import Deliveries
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter

EVERY = 60.0
"""Seconds between two looks whether a mail is due."""
QUIET = 20.0
"""Seconds without anything new before a look: what is just coming in belongs into the mail."""
AFTER_FAILURE = 300.0
"""Seconds after which it is tried again when something was in the way."""
PATIENCE = 30.0
TICK = 0.2
ALL = "all domains"
"""How a mail about all domains is named."""
WEEK = timedelta(days=7)
HAPPENINGS = {
    DeliveryState.PLANNED: Happening.MAIL_WAITS,
    DeliveryState.SENT: Happening.MAILED,
    DeliveryState.FAILED: Happening.MAIL_REFUSED,
    DeliveryState.UNSURE: Happening.MAIL_UNSURE,
}
"""How it is told what became of a mail."""
STOP_SECONDS = 3.0
"""How long the end of a watch waits for mail: one that is being sent then may be unsure, and is told of at the next start."""


class Why(StrEnum):
    """Why a mail is due."""

    AT_ONCE = "at-once"  # nothing is waited for
    COMPLETE = "complete"
    GRACE = "grace"  # it was waited for long enough


@dataclass(frozen=True, slots=True)
class Schedule:
    """When mails are sent: ``weekday`` (Monday is 0) and ``hour`` in ``zone``; how long to wait for reports, None for not at all."""

    weekday: int = 0
    hour: int = 7
    zone: tzinfo = UTC
    grace: timedelta | None = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Due:
    """A week whose summary is to be sent now."""

    begin: datetime
    end: datetime
    why: Why


def moment(schedule: Schedule, end: datetime) -> datetime:
    """The time (UTC) from which the mail about the week that ended then may be sent: never before its end.

    >>> moment(Schedule(1, 7), datetime(2026, 5, 18, tzinfo=UTC))
    datetime.datetime(2026, 5, 19, 7, 0, tzinfo=datetime.timezone.utc)
    """
    day = end.date() + timedelta(days=schedule.weekday)
    # An hour that the clock leaves out in spring is taken as that before, and one that comes twice as the first.
    local = datetime(day.year, day.month, day.day, schedule.hour, tzinfo=schedule.zone)
    return max(local.astimezone(UTC), end)


def open_week(now: datetime, schedule: Schedule, last: datetime | None) -> tuple[datetime, datetime] | None:
    """The week (its begin and end) that is the next to be told of, if its time has come. ``last``: the end of the last one told."""
    end = week_begin(now)
    if moment(schedule, end) > now:
        if last is None:
            return None  # who has just set this up is not told of an old week
        end -= WEEK
    return None if last is not None and last >= end else (end - WEEK, end)


def due(now: datetime, schedule: Schedule, last: datetime | None, through: Callable[[datetime, datetime], date | None]) -> Due | None:
    """The week whose summary is to be sent now, if any.

    ``last``: the end of the last week of which there is a mail already, sent or not. ``through`` is asked only if need be: through which
    day the reports of the week from, to are complete.
    """
    week = open_week(now, schedule, last)
    if week is None:
        return None
    if schedule.grace is None:
        return Due(*week, Why.AT_ONCE)
    if now >= moment(schedule, week[1]) + schedule.grace:
        return Due(*week, Why.GRACE)
    complete = through(*week)
    return Due(*week, Why.COMPLETE) if complete is not None and complete >= (week[1] - timedelta(days=1)).date() else None


@dataclass(frozen=True, slots=True)
class MailPlan:
    """All that is to be mailed each week, and how. ``knowledge`` is asked for when a summary is made."""

    mailings: tuple[Mailing, ...]
    schedule: Schedule
    carrier: Carrier
    knowledge: Callable[[], Knowledge]


@dataclass(frozen=True, slots=True)
class Tended:
    """What became of mails, those alone with which something happened; and what was in the way of others."""

    changed: tuple[Delivery, ...]
    hindered: tuple[str, ...]


def tend(store: StoreFiles, plan: MailPlan, clock: Clock = utc_now) -> Tended:
    """Send what is due, and what waits for another try; what an earlier run left unsure is told, too.

    Raises StoreUnavailable where the ledger cannot be used, or somebody else is sending.
    """
    deliveries = Deliveries(store.ledger)
    hindered: list[str] = []
    with sending_alone(store) as cut_short:
        changed = list(cut_short)
        for mailing, assignment in assigned(store, deliveries, plan, clock()):
            before = set(deliveries.of(assignment))
            try:
                deliver(store, plan.carrier, mailing, assignment, maker(store, plan, mailing, assignment, clock), clock=clock)
            except (SetupError, Unavailable) as error:
                hindered.append(str(error))
            changed += [one for one in deliveries.of(assignment) if one not in before and one.attempts]
    return Tended(tuple(changed), tuple(dict.fromkeys(hindered)))


def assigned(store: StoreFiles, deliveries: Deliveries, plan: MailPlan, now: datetime) -> list[tuple[Mailing, Assignment]]:
    """What is to be done now: mails that wait and whose time has come, then weeks that are due."""
    waiting = deliveries.waiting(now)
    found: list[tuple[Mailing, Assignment]] = []
    for mailing in plan.mailings:
        of_this = [one for one in waiting if one.assignment.what == mailing.what]
        found += [(to_those(mailing, of_this, one), one) for one in dict.fromkeys(one.assignment for one in of_this)]
        week = due(now, plan.schedule, last_week(mailing, deliveries.about(mailing.what)), through_of(store, mailing, now))
        if week is not None:
            found.append((mailing, Assignment(mailing.what, week.begin, week.end)))
    return found


def to_those(mailing: Mailing, waiting: Iterable[Delivery], assignment: Assignment) -> Mailing:
    """A mailing to those alone who wait for this mail; whoever was added since is told of the next week."""
    return replace(mailing, recipients=tuple(one.recipient for one in waiting if one.assignment == assignment))


def last_week(mailing: Mailing, known: Iterable[Delivery]) -> datetime | None:
    """The end of the last week of which there is a mail to any of its recipients; one sent by hand to somebody else is none."""
    ends = [one.assignment.end for one in known if one.recipient in mailing.recipients and is_week(one.assignment)]
    return max(ends, default=None)


def is_week(one: Assignment) -> bool:
    """Whether a period is exactly an ISO week."""
    return one.end - one.begin == WEEK and one.begin == week_begin(one.begin)


def through_of(store: StoreFiles, mailing: Mailing, now: datetime) -> Callable[[datetime, datetime], date | None]:
    """Through which day the reports about all domains of a mailing are complete; domains that nobody reports about are left out."""

    def through(begin: datetime, end: datetime) -> date | None:
        found = [coverage(store, Filter(domain, since=begin, until=end), now) for domain in mailing.domains or (None,)]
        heard = [one.complete_through for one in found if one.usual]
        known = [one for one in heard if one is not None]
        return min(known) if known and len(known) == len(heard) else None

    return through


def maker(store: StoreFiles, plan: MailPlan, mailing: Mailing, assignment: Assignment, clock: Clock) -> Callable[[], Summaries]:
    """A function that makes the summaries, with what was said before of earlier weeks."""

    def make() -> Summaries:
        former = Deliveries(store.ledger).told(mailing.domains)
        asked = Filter(since=assignment.begin, until=assignment.end)
        return summarise(store, mailing.domains, asked, plan.knowledge(), clock(), former)

    return make


class Mailer(Thread):
    """Sends what is due while a watch goes on. ``stored`` grows with everything stored.

    It tells what became of each mail, once for each change, and why nothing can be sent.
    """

    def __init__(
        self,
        root: Path,
        plan: MailPlan,
        stop: Flag,
        stored: Callable[[], int],
        tell: Tell,
    ) -> None:
        super().__init__(name="mailing", daemon=True)
        self._root = root
        self._plan = plan
        self._stop_flag = stop
        self._stored = stored
        self._tell = tell

    def run(self) -> None:
        """Look from time to time, when nothing new has come for a while."""
        pause = 0.0
        while not self._stop_flag.is_set():
            self._rest(pause)
            if self._stop_flag.is_set():
                return
            pause = EVERY if self._look() else AFTER_FAILURE

    def _rest(self, pause: float) -> None:
        """Wait for the pause, and until nothing more comes."""
        begun = monotonic()
        seen, since = self._stored(), begun
        while not self._stop_flag.wait(TICK):
            now = monotonic()
            if (newest := self._stored()) != seen:
                seen, since = newest, now
            if now - begun >= pause and now - since >= QUIET:
                return

    def _look(self) -> bool:
        """Do what is to be done; whether nothing was in the way."""
        with StoreFiles(self._root, PATIENCE) as store:
            try:
                if not store.exists():
                    return True
                found = tend(store, self._plan)
            except (SetupError, Unavailable) as error:
                found = Tended((), (str(error),))
        for one in found.changed:
            self._tell(event_of(one))
        for reason in found.hindered:
            self._tell(Event(Happening.MAIL_HINDERED, {"reason": reason}))
        return not found.hindered


def event_of(one: Delivery) -> Event:
    """What became of a mail, as an event."""
    period = f"{one.assignment.begin:%Y-%m-%d} to {one.assignment.end - timedelta(seconds=1):%Y-%m-%d}"
    facts = {"what": one.assignment.what, "period": period, "to": one.recipient, "reason": one.reason, "again_at": one.retry_at}
    return Event(HAPPENINGS[one.state], facts)


def plan_of(mailings: Sequence[Mailing], schedule: Schedule, carrier: Carrier, knowledge: Callable[[], Knowledge]) -> MailPlan:
    """A plan; raises SetupError for two mailings of the same name, which the ledger could not tell apart."""
    names = [one.what for one in mailings]
    if len(set(names)) < len(names):
        raise SetupError("a domain and a group have the same name", where="summary", fix="Rename the group")
    return MailPlan(tuple(mailings), schedule, carrier, knowledge)
