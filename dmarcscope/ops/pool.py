"""Read chunks of artefacts here, or in worker processes, in the order given."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from arro3.core import RecordBatch

from dmarcscope.ops.reading import ChunkReading, Reading, read_artefacts
from dmarcscope.store.ledger import Artefact

if TYPE_CHECKING:
    import pyarrow as pa

Work = Sequence[tuple[Artefact, bytes | None]]
AHEAD = 2  # chunks handed to each worker before the first answer is awaited


class Pool:
    """``jobs`` readers: with one, all is read in this process; with more, in as many workers. Use it as a context manager."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._workers: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        if self._jobs > 1:
            # A fork would copy the threads' locks of this process; a fresh process has none.
            self._workers = ProcessPoolExecutor(self._jobs, mp_context=get_context("spawn"), initializer=die_with_parent)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._workers is not None:
            self._workers.shutdown(cancel_futures=True)

    def read(self, parts: Iterable[Work]) -> Iterator[tuple[list[Artefact], ChunkReading]]:
        """Each part with its reading; at most a few parts are held at a time."""
        if self._workers is None:
            for part in parts:
                yield [artefact for artefact, _ in part], read_artefacts(numbered(part))
            return
        waiting: deque[tuple[list[Artefact], Future[Packed]]] = deque()
        for part in parts:
            waiting.append(([artefact for artefact, _ in part], self._workers.submit(read_packed, numbered(part))))
            if len(waiting) >= self._jobs * AHEAD:
                yield unpacked(*waiting.popleft())
        while waiting:
            yield unpacked(*waiting.popleft())


# What goes from one process to another: pyarrow's batches can be pickled, arro3's cannot; neither way is a value copied.
Packed = tuple[tuple[Reading, ...], "pa.RecordBatch"]


def read_packed(artefacts: list[tuple[int, bytes | None]]) -> "Packed":
    """Read artefacts in a worker."""
    import pyarrow as pa

    chunk = read_artefacts(artefacts)
    return chunk.readings, pa.record_batch(chunk.lines)


def unpacked(artefacts: list[Artefact], future: "Future[Packed]") -> tuple[list[Artefact], ChunkReading]:
    """What a worker has read."""
    readings, lines = future.result()
    return artefacts, ChunkReading(readings, RecordBatch.from_arrow(lines))


def die_with_parent() -> None:
    """See to it that this worker ends when the process that started it is killed: it would wait for work for ever."""
    Thread(target=wait_for_parent, daemon=True).start()


def wait_for_parent() -> None:
    """End this process when its parent has ended."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def numbered(part: Work) -> list[tuple[int, bytes | None]]:
    """The artefacts as workers need them."""
    return [(artefact.artefact_id, data) for artefact, data in part]
