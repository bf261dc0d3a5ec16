"""Ingest in small batches, tell the steps as they come, and die where told. A script: STORE INPUTS JOBS [POINT COUNT].

Each step writes its name to standard output before it begins and after it has ended, so that whoever started this process can kill it
near a step. With POINT the process ends itself, as a killed one would, at the COUNT-th time that it gets there.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dmarcscope.intake.paths import arrivals, find
from dmarcscope.ops import ingest as verb
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.ledger import Ledger
from dmarcscope.store.records import RecordTable
from dmarcscope.store.spool import Incoming

STEPS: dict[str, tuple[type, str]] = {
    "put": (Incoming, "put"),
    "receive": (Ledger, "receive"),
    "settle": (Incoming, "settle"),
    "begin_batch": (Ledger, "begin_batch"),
    "append": (RecordTable, "append"),
    "replace": (RecordTable, "replace"),
    "finish_batch": (Ledger, "finish_batch"),
    "finish": (Ledger, "finish"),
    "compact": (RecordTable, "compact"),
    "recover": (Incoming, "recover"),
}


def told(name: str, call: Callable[..., Any], passed: Callable[[str], None]) -> Callable[..., Any]:
    def step(*args: Any, **more: Any) -> Any:
        passed(f"{name}:before")
        answer = call(*args, **more)
        passed(f"{name}:after")
        return answer

    return step


def main(store: str, inputs: str, jobs: str, point: str = "", count: str = "1") -> None:
    left = int(count)

    def passed(where: str) -> None:
        nonlocal left
        os.write(1, f"{where}\n".encode())
        if where == point:
            left -= 1
            if left == 0:
                os._exit(137)

    for name, (owner, method) in STEPS.items():
        setattr(owner, method, told(name, getattr(owner, method), passed))
    verb.CHUNK_ARTEFACTS = 10
    verb.BATCH_ARTEFACTS = 30
    with StoreFiles(Path(store), 30) as files:
        verb.ingest(files, arrivals(find([inputs])), jobs=int(jobs))


if __name__ == "__main__":
    main(*sys.argv[1:])
