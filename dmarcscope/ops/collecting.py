"""What all collectors share: a thread each, that fails, waits and comes back."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event as Flag
from threading import Thread
from typing import TypeVar

from dmarcscope.errors import DmarcscopeError, SetupError, SpoolUnavailable, StoreUnavailable, Unavailable
from dmarcscope.intake.mail_name import account_text
from dmarcscope.model.mail_origin import MailOrigin
from dmarcscope.ops.backoff import Backoff
from dmarcscope.ops.events import Event, Happening, Tell
from dmarcscope.ops.ingest import Progress, now
from dmarcscope.ops.keeping import Keeper
from dmarcscope.parse.authentication_results import header_of, origin
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.ledger import Ledger
from dmarcscope.store.mails import Mails

PATIENCE = 5.0
"""Seconds that a collector waits for the ledger; then it goes on without."""
TICK = 0.3  # seconds between two looks at whether it is over
HEADER_BYTES = 256 * 1024
"""Of a file that may be a mail: as much as is read of its header."""
ONCE_TRIES = 4
"""Tries of a run that takes all there is once, before it gives up."""

# First and longest wait (seconds) after each kind of failure.
WAITS: dict[type[DmarcscopeError], tuple[float, float]] = {
    SpoolUnavailable: (1.0, 60.0),
    Unavailable: (1.0, 300.0),
    SetupError: (60.0, 3600.0),  # somebody must do something first; and a refused login must not look like an attack
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Helm:
    """What every collector is given: where to bring things, whom to tell, when to stop, and whether to come only once.

    ``expect`` hears how many mails or files there are to look at, ``progress`` of those that were.
    """

    store: StoreFiles
    keeper: Keeper
    tell: Tell
    stop: Flag
    once: bool
    chance: Random
    progress: Progress
    expect: Progress


class Collector(Thread, ABC):
    """Brings what is new in one place, again and again, or once. ``error``: why it gave up (only when it is to come once)."""

    def __init__(self, helm: Helm, account: str, folder: str) -> None:
        super().__init__(name=f"{account}/{folder}", daemon=True)
        self.helm = helm
        self.account = account
        self.folder = folder
        self.error: DmarcscopeError | None = None
        self.bug: Exception | None = None
        """What it stopped at that is nobody's fault but ours."""
        self.fetched_all = Flag()
        """Set when a collector that comes once has brought all there was."""
        self.ledger = Ledger(helm.store.ledger.path, PATIENCE)
        self.mails = Mails(self.ledger)
        self._backoffs = {kind: Backoff(first, longest, helm.chance) for kind, (first, longest) in WAITS.items()}

    @property
    def key(self) -> str:
        """A name for files about the place."""
        return hashlib.sha256(f"{self.account}\0{self.folder}".encode("utf-8", "surrogateescape")).hexdigest()[:32]

    @property
    def place(self) -> str:
        """Where it collects, for people."""
        return f"{account_text(self.account)}, {self.folder}" if self.account else self.folder

    @abstractmethod
    def serve(self) -> None:
        """Bring what is new until it is time to stop; return then."""

    def run(self) -> None:
        """Serve, and come back after each failure."""
        try:
            self.helm.keeper.opened.wait()
            while not self.helm.stop.is_set():
                try:
                    self.serve()
                except (Unavailable, SetupError) as error:
                    if self._gives_up(error):
                        self.error = error
                        return
                    self._wait(error)
                else:
                    return
        except Exception as bug:  # noqa: BLE001 (raised again by `watch`: a thread that is silently gone would take nothing for ever)
            self.bug = bug
            self.helm.stop.set()
        finally:
            self.fetched_all.set()
            self.ledger.close()

    def wait_until_stored(self) -> None:
        """Of a collector that comes once: say that all is brought, and wait until it is stored."""
        self.fetched_all.set()
        while not self.helm.stop.is_set() and not self.helm.keeper.done.wait(TICK):
            pass

    def got_on(self) -> None:
        """Something was brought: a connection that breaks now and then does not count as one that never works."""
        self._backoffs[Unavailable].succeeded()

    def went_well(self) -> None:
        """All that there was has been looked at: the next failure is a first one."""
        for backoff in self._backoffs.values():
            backoff.succeeded()
        self.ask(lambda: self.mails.looked(self.account, self.folder, now()), None)

    def ask(self, question: Callable[[], T], otherwise: T) -> T:
        """What the ledger says; ``otherwise`` while it does not answer, or is not there yet."""
        if not self.ledger.path.exists():
            return otherwise
        with suppress(StoreUnavailable, SetupError):
            return question()
        return otherwise

    def _gives_up(self, error: DmarcscopeError) -> bool:
        if not self.helm.once:
            return False
        return isinstance(error, (SetupError, SpoolUnavailable)) or self._backoffs[Unavailable].failures >= ONCE_TRIES - 1

    def _wait(self, error: DmarcscopeError) -> None:
        backoff = next(waits for kind, waits in self._backoffs.items() if isinstance(error, kind))
        seconds = backoff.failed()
        what = Happening.NO_ROOM if isinstance(error, SpoolUnavailable) else Happening.TROUBLE
        self.helm.tell(Event(what, {"place": self.place, "reason": str(error), "again_in": round(seconds, 1)}))
        self.ask(lambda: self.mails.troubled(self.account, self.folder, str(error), now()), None)
        self.helm.stop.wait(seconds)


def origin_of(content: bytes | Path, authserv_ids: Sequence[str]) -> MailOrigin | None:
    """How a mail authenticated, where the operator trusts somebody to say so; None for what is no mail, or cannot be read."""
    if not authserv_ids:
        return None
    try:
        header = header_of(content if isinstance(content, bytes) else begin_of(content))
    except OSError:
        return None
    return origin(header, authserv_ids) if header is not None else None


def begin_of(file: Path) -> bytes:
    """As much of a file as may be the header of a mail."""
    with file.open("rb") as opened:
        return opened.read(HEADER_BYTES)
