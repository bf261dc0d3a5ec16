"""Look-ups beside the intake: after `ingest` has told what became of everything, and in a thread of `watch`. Nothing waits for them.

Facts: a dead resolver, a full disk or a locked ledger only makes look-ups wait; what is stored is stored. What waits is taken up at the
next look, as nothing of it is fresh.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from time import monotonic

from dmarcscope.errors import SetupError, Unavailable
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.ops.events import Event, Happening, Tell
from dmarcscope.ops.ingest import Progress, now, silent
from dmarcscope.ops.resolve import PATIENCE, Resolved, resolve
from dmarcscope.store.checks import RETRY
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter

BUDGET = 10.0
"""Seconds of look-ups after `ingest`; what is left is for `resolve` or the next `ingest`."""
SILENCE = 3.0
"""Seconds without any answer after which look-ups beside the intake are given up."""
QUIET = 2.0
"""Seconds without anything new before `watch` looks up what came: a mailbox brings much at once."""
EVERY = 3600.0
"""Seconds after which `watch` looks whether something is not fresh any more."""
AFTER_FAILURE = 300.0
"""Seconds after which `watch` tries again when the DNS could not be asked."""
RECENT = timedelta(days=90)
"""How far back `watch` keeps look-ups fresh."""
TICK = 0.2
STOP_SECONDS = 3.0
"""How long the end of a watch waits for look-ups: they stop at once but for what they write."""


def after_ingest(store: StoreFiles, dns: DnsSettings, progress: Progress = silent) -> Resolved:
    """Look up what is new, for a short time. What keeps it from being done is told in ``waits`` and raised never."""
    return tried(lambda: resolve(store, dns, Filter(), retry=RETRY, budget=BUDGET, patience=SILENCE, progress=progress))


def tried(look: Callable[[], Resolved]) -> Resolved:
    """What look-ups found out; what the world or the settings have against them is why they wait."""
    try:
        return look()
    except (Unavailable, SetupError) as error:
        return Resolved(waits=str(error))


class Looker(Thread):
    """Looks up what is stored while `watch` goes on. ``stored`` grows with everything stored."""

    def __init__(self, root: Path, dns: DnsSettings, tell: Tell, stop: Flag, stored: Callable[[], int]) -> None:
        super().__init__(name="lookups", daemon=True)
        self._root = root
        self._dns = dns
        self._tell = tell
        self._stop_flag = stop
        self._stored = stored

    def run(self) -> None:
        """Look up at the beginning, when something was stored, and from time to time."""
        seen, pause = -1, 0.0
        while not self._stop_flag.is_set():
            self._rest(seen, pause)
            if self._stop_flag.is_set():
                return
            seen = self._stored()
            pause = AFTER_FAILURE if self._look() else EVERY

    def _rest(self, seen: int, pause: float) -> None:
        """Wait until something has come and nothing more does, or the pause is over. After a failure, the whole pause."""
        begun = monotonic()
        while not self._stop_flag.wait(TICK):
            waited = monotonic() - begun
            if waited >= pause or (pause == EVERY and self._stored() != seen):
                break
        last = -1
        while last != (last := self._stored()) and not self._stop_flag.wait(QUIET):
            pass

    def _look(self) -> bool:
        """Look up what is not fresh; whether it could not be done."""
        with StoreFiles(self._root, PATIENCE) as store:
            if not store.exists():
                return False
            which = Filter(since=now() - RECENT)
            found = tried(lambda: resolve(store, self._dns, which, retry=RETRY, patience=SILENCE, stop=self._stop_flag))
        if found.done:
            facts = {name: sum(words.values()) for name, words in found.found.items()}
            self._tell(Event(Happening.LOOKED_UP, {**facts, "questions": found.questions}))
        if found.waits and not self._stop_flag.is_set():
            self._tell(Event(Happening.LOOKUPS_WAIT, {"reason": found.waits}))
            return True
        return False
