"""Watch mailboxes and folders, for ever or once: a collector (thread) for each folder brings, one keeper stores.

collectors (a thread each): fetch ─▶ keeper.keep: durable in the spool ─▶ queue ─▶ keeper.work (this thread): ledger, table
                     ▲──────────── «stored» ◀── ledger: then, and only then, the mail is moved, flagged or deleted
"""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager
from random import Random
from threading import Event as Flag
from time import monotonic
from typing import TYPE_CHECKING

from dmarcscope.errors import MailboxUnavailable, SetupError
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.ops import mailing
from dmarcscope.ops.collecting import Collector, Helm
from dmarcscope.ops.events import Event, Happening, Tell
from dmarcscope.ops.folder import FileCollector, WatchedFolder
from dmarcscope.ops.ingest import Outcome, Progress, silent, spooling
from dmarcscope.ops.keeping import Keeper
from dmarcscope.ops.lookups import STOP_SECONDS, Looker
from dmarcscope.ops.mailbox import Mailbox, MailCollector
from dmarcscope.ops.pool import Pool
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.locks import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

GRACE_SECONDS = 10.0
"""How long a stop waits for collectors: one may hang in a read of the network. Whatever it does, nothing is lost by leaving it."""


def watch(
    store: StoreFiles,
    places: Sequence[Mailbox | WatchedFolder],
    tell: Tell,
    *,
    stop: Flag,
    once: bool = False,
    jobs: int = 1,
    chance: Random | None = None,
    progress: Progress = silent,
    expect: Progress = silent,
    dns: DnsSettings | None = None,
    mail: "mailing.MailPlan | None" = None,
) -> Outcome:
    """Take in what is in mailboxes and folders: until ``stop`` is set, or ``once`` all that is there now. Returns what became of it.

    With ``dns``, what is stored is looked up meanwhile, and with ``mail``, summaries are sent when they are due; each by a thread that
    nothing waits for.

    Raises SetupError if the places are of no use, or if another dmarcscope takes from one of them. When it comes ``once``, also raises
    MailboxUnavailable, StoreUnavailable or SetupError for what could not be done; what is in the spool by then is taken up by the next run.
    """
    if not places and mail is None:
        raise SetupError("there is nothing to watch", fix="Name a mailbox or a folder in the configuration: dmarcscope config init")
    store.check_place()
    started = monotonic()
    with spooling(store):
        store.spool.create()
    with ExitStack() as held, Pool(jobs) as pool:
        drawn = chance or Random()  # noqa: S311 (jitter)
        keeper = Keeper(store, tell, pool=pool, chance=drawn)
        helm = Helm(store, keeper, tell, stop, once, drawn, progress, expect)
        collectors = [collector for place in places for collector in collectors_of(place, helm)]
        for collector in collectors:
            held.enter_context(alone(store, collector))
        held.callback(keeper.close)
        tell(Event(Happening.STARTED, {"store": str(store.root), "places": [collector.place for collector in collectors]}))
        for collector in collectors:
            collector.start()
        if dns is not None and not once:
            looker = Looker(store.root, dns, tell, stop, lambda: keeper.stored)
            looker.start()
            held.callback(looker.join, STOP_SECONDS)
        if mail is not None and not once:
            mailer = mailing.Mailer(store.root, mail, stop, lambda: keeper.stored, tell)
            mailer.start()
            held.callback(mailer.join, mailing.STOP_SECONDS)
        keeper.work(ending(collectors, helm))
        keeper.done.set()
        wait_for(collectors, None if once and not stop.is_set() else GRACE_SECONDS)
        keeper.outcome.seconds = round(monotonic() - started, 3)
        tell(Event(Happening.STOPPED, {"artefacts": keeper.outcome.artefacts, "messages": keeper.outcome.messages}))
    raise_first([collector.bug for collector in collectors])
    if once:
        raise_first([*(collector.error for collector in collectors), keeper.reason])
    return keeper.outcome


def collectors_of(place: Mailbox | WatchedFolder, helm: Helm) -> list[Collector]:
    """A collector for each folder of a place."""
    if isinstance(place, WatchedFolder):
        return [FileCollector(helm, place)]
    return [MailCollector(helm, place, folder) for folder in place.folders]


def ending(collectors: Sequence[Collector], helm: Helm) -> Callable[[], bool]:
    """Whether all has been brought that is to be brought."""
    deadline: list[float] = []

    def is_over() -> bool:
        if helm.stop.is_set():
            deadline[:] = deadline or [monotonic() + GRACE_SECONDS]
            return monotonic() > deadline[0] or not any(collector.is_alive() for collector in collectors)
        return helm.once and all(collector.fetched_all.is_set() for collector in collectors)

    return is_over


def wait_for(collectors: Sequence[Collector], seconds: float | None) -> None:
    """Wait until the collectors have ended, at most so long."""
    deadline = None if seconds is None else monotonic() + seconds
    for collector in collectors:
        collector.join(None if deadline is None else max(0.0, deadline - monotonic()))


def raise_first(errors: "Sequence[Exception | None]") -> None:
    """Raise the first error there is."""
    for error in errors:
        if error is not None:
            raise error


@contextmanager
def alone(store: StoreFiles, collector: Collector) -> "Iterator[None]":
    """Let nobody else take from the same folder meanwhile. Raises MailboxUnavailable if somebody does."""
    with spooling(store):
        folder = store.spool.root / "collectors"
        folder.mkdir(exist_ok=True, mode=0o700)
        descriptor = try_lock(folder / collector.key)
    if descriptor is None:
        raise MailboxUnavailable(
            "another dmarcscope is taking reports from it", where=collector.place, fix="Stop it, or let it do the work; it is watching, too"
        )
    try:
        yield
    finally:
        os.close(descriptor)
