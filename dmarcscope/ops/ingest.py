"""Take in artefacts, exactly once, whatever happens in between.

    1 spool      the bytes of a chunk are durable                        a crash from here on costs a replay, not data
    2 ledger     the artefacts are 'received'
    3 read       unpack, parse, flatten, in this process or in several
    4 ledger     a batch and its reports are 'pending'
    5 table      one commit that carries the number of the batch
    6 ledger     the batch is 'stored', every artefact has its state

Steps 4 to 6 are done under the store's lock, so a pending batch seen under the lock belongs to a process that died: the table's last
transaction number tells whether it was step 5 or not. That is asked before the next batch begins, for a later number hides
it. What died before is found in the spool or as 'received' in the ledger.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import TypeVar

from arro3.core import Table

from dmarcscope.errors import SpoolUnavailable
from dmarcscope.intake.paths import Arrival
from dmarcscope.ops.pool import Pool
from dmarcscope.ops.reading import ChunkReading, Reading
from dmarcscope.ops.settle import STATES, Fate, Plan, decide, verdict
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.ledger import FINAL_STATES, Artefact, ReportEntry, Verdict
from dmarcscope.store.spool import Incoming, Spooled
from dmarcscope.tables.columns import RECORDS_SCHEMA
from dmarcscope.tables.flatten import renumbered

CHUNK_ARTEFACTS = 200
"""Artefacts made durable and read together: enough that one fsync of the folder serves many."""
CHUNK_BYTES = 32 * 1024 * 1024
"""No more bytes than these and one artefact: a few chunks are held in memory at once."""
BATCH_ARTEFACTS = 2000
BATCH_RECORDS = 60_000
"""A batch is stored when it has this many artefacts or records: a commit costs 40 ms, and 60,000 lines take 25 MB."""

T = TypeVar("T")
Part = list[tuple[Spooled, bytes | None]]
"""Artefacts that are durable, each with its bytes (None: too many to hold)."""
Progress = Callable[[int], None]


def silent(_done: int) -> None:
    """A progress that nobody watches."""


@dataclass(slots=True)
class Outcome:
    """What became of the artefacts of one run. ``artefacts`` is the sum of the five states."""

    artefacts: int = 0
    stored: int = 0
    duplicate: int = 0
    superseded: int = 0
    sidelined: int = 0
    ignored: int = 0
    reports: int = 0
    records: int = 0
    messages: int = 0
    seconds: float = 0.0
    partly: int = 0
    troubles: list[tuple[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, int | float]:
        """The figures, for machines."""
        return {name: value for name, value in asdict(self).items() if name not in {"troubles", "partly"}}

    def add(self, other: "Outcome") -> None:
        """Add up what became of others; their times overlap, and are not added."""
        for name in ("artefacts", *FINAL_STATES, "reports", "records", "messages", "partly"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.troubles += other.troubles[: MAX_TROUBLES - len(self.troubles)]

    def count(self, state: str, name: str, reason: str | None, refused: int = 0) -> None:
        """Count one artefact, and remember what was unreadable."""
        self.artefacts += 1
        setattr(self, state, getattr(self, state) + 1)
        if refused and state != "sidelined":
            self.partly += 1
        if (refused or state == "sidelined") and len(self.troubles) < MAX_TROUBLES:
            self.troubles.append((name, reason or ""))


MAX_TROUBLES = 20
"""Unreadable artefacts listed at the end of a run; `dmarcscope status` lists them all."""


@dataclass(slots=True)
class Batch:
    """Artefacts that have been read and wait to be stored together."""

    artefacts: list[Artefact] = field(default_factory=list)
    chunks: list[ChunkReading] = field(default_factory=list)
    records: int = 0

    def add(self, artefacts: Sequence[Artefact], chunk: ChunkReading) -> None:
        """Take the readings of a chunk."""
        self.artefacts.extend(artefacts)
        self.chunks.append(chunk)
        self.records += chunk.lines.num_rows

    @property
    def readings(self) -> list[Reading]:
        """One reading per artefact, in order."""
        return [reading for chunk in self.chunks for reading in chunk.readings]

    @property
    def full(self) -> bool:
        """Whether it is time to store it."""
        return len(self.artefacts) >= BATCH_ARTEFACTS or self.records >= BATCH_RECORDS


def now() -> datetime:
    """This moment, UTC."""
    return datetime.now(UTC)


def ingest(store: StoreFiles, arrivals: Iterable[Arrival], *, jobs: int = 1, progress: Progress = silent) -> Outcome:
    """Take in artefacts, first those that a run before left unfinished. ``progress`` is told of each finished number.

    Raises StoreUnavailable if the store does not take them now; what is in the spool by then is taken up at the next run.
    """
    started = monotonic()
    store.create()
    outcome = Outcome()
    with open_intake(store) as incoming, Pool(jobs) as pool:
        run = Run(store, incoming, pool, outcome, progress)
        recover_batches(store)
        run.work(leftovers(store, incoming), anew=False)
        store.spool.back_online()
        run.take(arrivals)
    outcome.seconds = round(monotonic() - started, 3)
    return outcome


def open_intake(store: StoreFiles) -> Incoming:
    """The folder for what arrives. Raises StoreUnavailable if it cannot be made."""
    with spooling(store):
        return store.spool.receive().__enter__()


@contextmanager
def spooling(store: StoreFiles) -> Iterator[None]:
    """Raise SpoolUnavailable where the disk does not take what goes into the spool."""
    try:
        yield
    except OSError as error:
        raise SpoolUnavailable(
            f"the spool cannot be written ({error.strerror or error})", where=str(store.spool.root), fix="Make room and try again"
        ) from error


def recover_batches(store: StoreFiles) -> None:
    """Find out what became of batches whose run died between noting and storing them."""
    with store.writing():
        decide_pending(store)


def decide_pending(store: StoreFiles) -> None:
    """The same, for callers that hold the store's lock."""
    for batch in store.ledger.pending_batches():
        if store.records.has_batch(batch):
            store.ledger.confirm_batch(batch, now())
        else:
            store.ledger.abandon_batch(batch)


def leftovers(store: StoreFiles, incoming: Incoming) -> list[Artefact]:
    """What earlier runs received and did not finish, now in the hands of this run."""
    with spooling(store):
        for dead in store.spool.abandoned():
            with dead:
                found = dead.recover(now())
                if found:
                    store.ledger.receive(found, incoming.run)
                    dead.settle(one.sha256 for one in found)
        return store.ledger.unfinished(store.spool.alive() - {incoming.run})


def chunks(items: Iterable[T], size_of: Callable[[T], int]) -> Iterator[list[T]]:
    """The items in lists that are small enough in number and in bytes."""
    chunk: list[T] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += size_of(item)
        if len(chunk) >= CHUNK_ARTEFACTS or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def arriving_size(arrival: Arrival) -> int:
    """The bytes that an arrival brings; 0 for a file that cannot be asked."""
    if isinstance(arrival.content, bytes):
        return len(arrival.content)
    try:
        return arrival.content.stat().st_size
    except OSError:
        return 0


class Run:
    """One run of intake: receives, reads, and stores batch by batch."""

    def __init__(self, store: StoreFiles, incoming: Incoming, pool: Pool, outcome: Outcome, progress: Progress) -> None:
        self._store = store
        self._incoming = incoming
        self._pool = pool
        self._outcome = outcome
        self._progress = progress
        self._arrived: set[int] = set()  # artefacts that came in this run and are not told yet

    def take(self, arrivals: Iterable[Arrival]) -> None:
        """Receive artefacts, read and store them."""
        self.take_durable(self._put(chunk) for chunk in chunks(arrivals, arriving_size))

    def take_durable(self, parts: Iterable[Part]) -> None:
        """Note, read and store what is in the spool already."""
        self._read_and_store((self._note(part) for part in parts), anew=False)

    def work(self, artefacts: Sequence[Artefact], *, anew: bool) -> None:
        """Read artefacts from the spool and store them; ``anew``: in place of what was stored from them before."""
        spool = self._store.spool
        parts = chunks(artefacts, lambda artefact: spool.size(artefact.sha256))
        self._read_and_store((self._fetch(part, anew=anew) for part in parts), anew=anew)

    def _fetch(self, part: Sequence[Artefact], *, anew: bool) -> list[tuple[Artefact, bytes | None]]:
        """Artefacts with their bytes from the spool. Those that need no reading, or cannot be read, get their verdicts here."""
        found: list[tuple[Artefact, bytes | None]] = []
        verdicts: list[Verdict] = []
        for artefact in part:
            original = None if anew else self._store.ledger.first_with_bytes(artefact.sha256, artefact.artefact_id)
            if original is not None:
                verdicts.append(same_bytes(artefact, original))
                continue
            try:
                found.append((artefact, self._store.spool.read_held(artefact.sha256)))
            except OSError as error:  # one lost file must not keep all others out
                verdicts.append(self._without_bytes(artefact, error))
        if verdicts:
            with self._store.writing():
                ours = self._store.ledger.still_received([one.artefact_id for one in verdicts])
                verdicts = [one for one in verdicts if one.artefact_id in ours]
                self._store.ledger.finish(verdicts, [])
            names = {artefact.artefact_id: artefact.name for artefact in part}
            for one in verdicts:
                self._count(one.state, names[one.artefact_id], one.reason, one.refused)
        return found

    def _without_bytes(self, artefact: Artefact, error: OSError) -> Verdict:
        """What becomes of an artefact whose bytes are gone: what was stored from it before stays."""
        told = {known.state for known in self._store.ledger.known_reports([], [artefact.artefact_id])}
        state = next((state for state in ("stored", "superseded") if state in told), "sidelined")
        reason = f"its bytes cannot be read from the spool ({error.strerror or error}); ingest it again, then run dmarcscope replay"
        return Verdict(artefact.artefact_id, state, reason, refused=1)

    def _put(self, chunk: list[Arrival]) -> Part:
        """Step 1."""
        with spooling(self._store):
            return self._incoming.put(chunk, now())

    def _note(self, part: Part) -> list[tuple[Artefact, bytes | None]]:
        """Step 2; returns what is new with its bytes. What came before is a duplicate and needs no reading."""
        artefacts = self._store.ledger.receive([one for one, _ in part], self._incoming.run)
        with spooling(self._store):
            self._incoming.settle(one.sha256 for one, _ in part)
        fresh: list[tuple[Artefact, bytes | None]] = []
        again: list[Verdict] = []
        for artefact, (_, data) in zip(artefacts, part, strict=True):
            original = self._store.ledger.first_with_bytes(artefact.sha256, artefact.artefact_id)
            if artefact.state != "received" or artefact.artefact_id in self._arrived:
                self._count("duplicate", artefact.name, None)
            elif original is not None:
                again.append(same_bytes(artefact, original))
                self._count("duplicate", artefact.name, None)
            else:
                fresh.append((artefact, data))
                self._arrived.add(artefact.artefact_id)
        if again:
            self._store.ledger.finish(again, [])
        return fresh

    def _count(self, state: str, name: str, reason: str | None, refused: int = 0) -> None:
        self._outcome.count(state, name, reason, refused)
        self._progress(1)

    def _read_and_store(self, parts: Iterable[list[tuple[Artefact, bytes | None]]], *, anew: bool) -> None:
        batch = Batch()
        for artefacts, reading in self._pool.read(parts):
            batch.add(artefacts, reading)
            if batch.full:
                self._store_batch(batch, anew=anew)
                batch = Batch()
        self._store_batch(batch, anew=anew)

    def _store_batch(self, batch: Batch, *, anew: bool) -> None:
        """Steps 4 to 6."""
        if not batch.artefacts:
            return
        ledger = self._store.ledger
        entries = [entry for reading in batch.readings for entry in reading.reports]
        with self._store.writing():
            decide_pending(self._store)
            # Another run may have taken a leftover too; whoever comes second lets it be.
            ours = ledger.still_received([artefact.artefact_id for artefact in batch.artefacts])
            known = ledger.known_reports({entry.identity for entry in entries}, {entry.artefact_id for entry in entries})
            plan = decide(entries, known, ours, anew=anew)
            verdicts = list(verdicts_of(batch, plan, entries, ours))
            self._write(batch, plan, entries, verdicts)
            self._store.records.compact()
        self._tell(batch, plan, entries, verdicts)

    def _write(self, batch: Batch, plan: Plan, entries: Sequence[ReportEntry], verdicts: Sequence[Verdict]) -> None:
        """Into the table and the ledger, in that order."""
        ledger, at = self._store.ledger, now()
        aside = [(entries[position], "duplicate") for position in plan.positions(Fate.DUPLICATE)]
        aside += [(entries[position], "superseded") for position in plan.positions(Fate.SUPERSEDED)]
        new = [entries[position] for position in plan.positions(Fate.STORED)]
        if not new:
            ledger.finish(verdicts, aside)
            return
        number, keys = ledger.begin_batch(new, plan.replaces, at)
        lines = numbered_lines(batch, plan, keys)
        if plan.replaces:
            self._store.records.replace(lines, number, plan.replaces, min(keys))
        else:
            self._store.records.append(lines, number)
        ledger.finish_batch(number, verdicts, aside, at)

    def _tell(self, batch: Batch, plan: Plan, entries: Sequence[ReportEntry], verdicts: Sequence[Verdict]) -> None:
        """Count what became of the batch."""
        names = {artefact.artefact_id: artefact.name for artefact in batch.artefacts}
        for one in verdicts:
            self._count(one.state, names.pop(one.artefact_id), one.reason, one.refused)
        for artefact_id, name in names.items():
            if artefact_id in self._arrived:
                self._count("duplicate", name, None)  # another run took in the same meanwhile
        self._arrived.difference_update(artefact.artefact_id for artefact in batch.artefacts)
        counted = [entries[position] for position in plan.positions(Fate.STORED, Fate.KEPT)]
        self._outcome.reports += len(counted)
        self._outcome.records += sum(entry.records for entry in counted)
        self._outcome.messages += sum(entry.messages for entry in counted)


def same_bytes(artefact: Artefact, original: Artefact) -> Verdict:
    return Verdict(artefact.artefact_id, "duplicate", f"the same bytes came before as {original.name}")


def verdicts_of(batch: Batch, plan: Plan, entries: Sequence[ReportEntry], ours: AbstractSet[int]) -> Iterator[Verdict]:
    """What becomes of each artefact of the batch."""
    states: dict[int, list[str]] = {}
    for entry, fate in zip(entries, plan.fates, strict=True):
        if fate is not None:
            states.setdefault(entry.artefact_id, []).append(STATES[fate])
    for artefact, reading in zip(batch.artefacts, batch.readings, strict=True):
        if artefact.artefact_id in ours:
            yield verdict(artefact.artefact_id, reading, states.get(artefact.artefact_id, []))


def numbered_lines(batch: Batch, plan: Plan, keys: Sequence[int]) -> Table:
    """The lines of the reports that are to be stored, each with its report's key in place of its number in the chunk."""
    key_of: list[int | None] = [None] * len(plan.fates)
    for position, key in zip(plan.positions(Fate.STORED), keys, strict=True):
        key_of[position] = key
    parts, offset = [], 0
    for chunk in batch.chunks:
        end = offset + sum(len(reading.reports) for reading in chunk.readings)
        parts.append(renumbered(chunk.lines, key_of[offset:end]))
        offset = end
    return Table.from_batches(parts, schema=RECORDS_SCHEMA)
