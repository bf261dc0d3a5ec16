"""Keep what collectors bring: durable at once, stored as soon as the store can be written.

    collectors ─ keep() ─▶ spool, durable ─▶ queue ─ work() ─▶ ledger, table

While the store cannot be written (locked, full, damaged, a migration) it is *offline*: `keep` makes things durable as before, the queue
is let go, and `work` tries again and again. What waits is in the spool with its journal, so coming back is the same as
taking up what a dead run left: close the folder of arrivals, open a new one, and recover.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from queue import Empty, Full, Queue
from random import Random
from threading import Event as Flag
from threading import Lock

from dmarcscope.errors import DmarcscopeError, SetupError, SpoolUnavailable, StoreUnavailable
from dmarcscope.intake.paths import Arrival
from dmarcscope.ops.backoff import Backoff
from dmarcscope.ops.events import Event, Happening, Tell
from dmarcscope.ops.ingest import Outcome, Part, Run, leftovers, now, open_intake, recover_batches, silent, spooling
from dmarcscope.ops.pool import Pool
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.spool import Incoming

QUEUE_PARTS = 4
"""Parts that wait in memory to be stored; each is at most a batch of mails."""
TICK = 0.2  # seconds between two looks at whether it is over
FIRST_RETRY, LONGEST_RETRY = 1.0, 60.0  # seconds between two tries to write the store


class Keeper:
    """The one who writes to the store while collectors bring. `keep` may be called by many threads, `work` by one."""

    def __init__(self, store: StoreFiles, tell: Tell, *, pool: Pool, chance: Random) -> None:
        self._store = store
        self._tell = tell
        self._pool = pool
        self._queue: Queue[tuple[str, Part]] = Queue(QUEUE_PARTS)
        self._incoming: Incoming | None = None
        self._putting = Lock()
        self._offline_since: datetime | None = now()  # until it is opened for the first time
        self._retry = Backoff(FIRST_RETRY, LONGEST_RETRY, chance)
        self.outcome = Outcome()
        self.reason: DmarcscopeError | None = None
        self.opened = Flag()
        """Set when it is known whether the store can be written."""
        self.done = Flag()
        """Set when all is stored that came once."""
        self.stored = 0
        """Grows with everything stored, so that collectors see that there is something to do in their mailboxes."""

    # The collectors' side.

    def keep(self, arrivals: list[Arrival]) -> None:
        """Make artefacts durable, and have them stored. Raises SpoolUnavailable if they cannot be kept; then none of them counts."""
        with self._putting:
            incoming = self._incoming = self._incoming or open_intake(self._store)
            with spooling(self._store):
                part = incoming.put(arrivals, now())
        while not self.offline:
            with suppress(Full):
                self._queue.put((incoming.run, part), timeout=TICK)
                return

    @property
    def offline(self) -> bool:
        """Whether the store cannot be written now."""
        return self._offline_since is not None

    # The store's side.

    def work(self, is_over: Callable[[], bool]) -> None:
        """Store what is kept, until ``is_over`` says so and nothing waits."""
        while True:
            if self.offline:
                if not self._return() and self._wait(is_over):
                    return
                continue
            try:
                first = self._queue.get(timeout=TICK)
            except Empty:
                if is_over():
                    return
                continue
            self._store_parts(first)

    def close(self) -> None:
        """Let go of the folder of arrivals; what waits in it stays there."""
        with self._putting:
            if self._incoming is not None:
                self._incoming.__exit__(None, None, None)
                self._incoming = None

    def _store_parts(self, first: tuple[str, Part]) -> None:
        outcome = Outcome()
        try:
            self._run(self._current(), outcome).take_durable(self._flow(first))
        except (StoreUnavailable, SetupError) as error:
            self._go_offline(error)
        self._told(outcome)

    def _flow(self, first: tuple[str, Part]) -> Iterator[Part]:
        """Parts as long as there are some; those of an earlier folder of arrivals have been recovered already."""
        following: tuple[str, Part] | None = first
        while following is not None:
            run, part = following
            if run == self._current().run:
                yield part
            try:
                following = self._queue.get_nowait()
            except Empty:
                following = None

    def _current(self) -> Incoming:
        if self._incoming is None:
            raise SpoolUnavailable("the spool is not open", where=str(self._store.spool.root))
        return self._incoming

    def _run(self, incoming: Incoming, outcome: Outcome) -> Run:
        return Run(self._store, incoming, self._pool, outcome, silent)

    def _told(self, outcome: Outcome) -> None:
        """Say what became of some artefacts, and add it up."""
        if not outcome.artefacts:
            return
        self.outcome.add(outcome)
        self.stored += 1
        for name, reason in outcome.troubles:
            self._tell(Event(Happening.SIDELINED, {"name": name, "reason": reason}))
        self._tell(Event(Happening.STORED, {name: value for name, value in outcome.as_dict().items() if name != "seconds"}))

    # Offline and back.

    def _go_offline(self, error: DmarcscopeError) -> None:
        first = not self.offline
        if first or str(error) != str(self.reason):
            self._offline_since = self._offline_since or now()
            self._store.spool.gone_offline(self._offline_since, str(error))
            self._tell(Event(Happening.OFFLINE, {"reason": str(error)}))
        self.reason = error
        self._let_go()
        self.opened.set()

    def _let_go(self) -> None:
        """Empty the queue: what was in it is in the spool."""
        with suppress(Empty):
            while True:
                self._queue.get_nowait()

    def _wait(self, is_over: Callable[[], bool]) -> bool:
        """Wait for the next try; whether it is over meanwhile."""
        left = self._retry.failed()
        nap = Flag()
        while left > 0:
            if is_over():
                return True
            nap.wait(min(TICK, left))
            left -= TICK
            self._let_go()
        return False

    def _return(self) -> bool:
        """Try to write the store again, and take up what waits; whether that went well."""
        outcome = Outcome()
        try:
            self._store.create()
            recover_batches(self._store)
            since = None
            while since is None:
                incoming = self._turn_over()
                self._run(incoming, outcome).work(leftovers(self._store, incoming), anew=False)
                since = self._is_up_to_date(incoming)
        except (StoreUnavailable, SetupError) as error:
            self._told(outcome)
            self._go_offline(error)
            return False
        self._told(outcome)
        self._store.spool.back_online()
        if self.reason is not None:
            self._tell(Event(Happening.ONLINE, {"since": since, "taken_up": outcome.artefacts}))
        self.reason = None
        self._retry.succeeded()
        self.opened.set()
        return True

    def _is_up_to_date(self, incoming: Incoming) -> datetime | None:
        """Be online again, unless more was kept meanwhile; since when we were not."""
        with self._putting:
            if incoming.is_waiting:
                return None
            since, self._offline_since = self._offline_since, None
        return since

    def _turn_over(self) -> Incoming:
        """A new folder of arrivals; the one before is left as a dead run's."""
        with self._putting, ExitStack() as undo:
            incoming = open_intake(self._store)
            undo.callback(incoming.__exit__, None, None, None)
            self._let_go()
            if self._incoming is not None:
                self._incoming.__exit__(None, None, None)
            self._incoming = incoming
            undo.pop_all()
        return incoming
