"""A watch lives for months: its memory must not grow with the mails it has seen."""

import os
import time
from pathlib import Path
from statistics import median

import pytest
from mailworld import report_mail
from servers.dovecot import Dovecot
from storeworld import facts
from test_watch import Watch, write_config

MAILS = int(os.environ.get("DMARCSCOPE_SOAK_MAILS", "20000"))
PORTION = 500
PATIENCE = 1500  # seconds without an end
GROWTH = 1.15
"""Of the median of the last quarter against that of the second: a commit's own memory comes and goes, and what is remembered of texts
fills up to its limit."""


def resident(process: int) -> int:
    """Bytes of memory that a process has in use."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


@pytest.mark.long
def test_memory_is_flat_over_many_mails(tmp_path: Path) -> None:
    measured: list[tuple[int, int]] = []
    with Dovecot(tmp_path / "dovecot") as server, Watch(tmp_path, write_config(tmp_path, server, tmp_path / "store")) as watch:
        watch.start()
        deadline = time.monotonic() + PATIENCE
        for begin in range(0, MAILS, PORTION):
            server.deliver([report_mail(number, records=2) for number in range(begin, begin + PORTION)])
            if (begin // PORTION) % 2:
                while server.count("Archive/done") < begin + PORTION:
                    assert watch.is_alive, watch.log()[-3000:]
                    assert time.monotonic() < deadline, watch.log()[-3000:]
                    time.sleep(0.3)
                measured.append((begin + PORTION, resident(watch.pid)))
        assert watch.stop() == 0
    found = facts(tmp_path / "store")
    print("mails, MiB:", ", ".join(f"{mails} {memory >> 20}" for mails, memory in measured))
    assert found.totals["stored"] == MAILS
    assert found.totals["messages"] == sum_of_messages()
    quarters = [
        median(memory for _, memory in measured[at : at + len(measured) // 4]) for at in range(0, len(measured), len(measured) // 4)
    ]
    print("medians of the quarters, MiB:", ", ".join(f"{memory / 2**20:.0f}" for memory in quarters))
    assert quarters[3] <= GROWTH * quarters[1], measured


def sum_of_messages() -> int:
    """What all the reports say: the counts of `storeworld.report`."""
    return sum(100 + line + number % 7 for number in range(MAILS) for line in range(2))
