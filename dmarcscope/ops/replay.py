"""Read artefacts again from the spool: what a better parser reads better, and what an earlier run left unfinished."""

from datetime import datetime
from time import monotonic

from dmarcscope.ops.ingest import Outcome, Progress, Run, leftovers, open_intake, recover_batches, silent
from dmarcscope.ops.pool import Pool
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.ledger import FINAL_STATES, Artefact, time_text


def candidates(store: StoreFiles, *, everything: bool, since: datetime | None = None, until: datetime | None = None) -> list[Artefact]:
    """The artefacts that a replay would read: the sidelined ones and those with refused members, or all; by arrival."""
    store.require()
    states = FINAL_STATES if everything else ("sidelined",)
    first, last = (time_text(moment) if moment else None for moment in (since, until))
    return [
        artefact
        for artefact in store.ledger.artefacts(states, with_refused=not everything)
        if (first is None or artefact.received_at >= first) and (last is None or artefact.received_at < last)
    ]


def replay(
    store: StoreFiles,
    *,
    everything: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    jobs: int = 1,
    progress: Progress = silent,
) -> Outcome:
    """Read artefacts again; what was stored from them before is replaced in the same commit that brings the new lines.

    Raises StoreUnavailable as `ingest` does.
    """
    started = monotonic()
    store.require()
    store.create()
    outcome = Outcome()
    chosen = candidates(store, everything=everything, since=since, until=until)
    with open_intake(store) as incoming, Pool(jobs) as pool:
        run = Run(store, incoming, pool, outcome, progress)
        recover_batches(store)
        run.work(leftovers(store, incoming), anew=False)
        store.spool.back_online()
        store.ledger.reopen([artefact.artefact_id for artefact in chosen], incoming.run)
        run.work(chosen, anew=True)
    outcome.seconds = round(monotonic() - started, 3)
    return outcome
