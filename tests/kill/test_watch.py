"""Whatever befalls `dmarcscope watch` and its mail server, every report is stored exactly once, and every mail dealt with.

A real `dmarcscope watch`, killed with SIGKILL at random moments; a real Dovecot, killed and started again; a ledger that somebody locks;
a disk that is full for a while. At the end all reports are in the store once, all their mails are moved, and the totals are the truth.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
from mailworld import broken_mail, letter, report_mail
from servers.dovecot import PASSWORD, USER, Dovecot
from storeworld import facts

from dmarcscope.store.files import StoreFiles

PATIENCE = 240
NO_MOUNT = "NOT TESTED: a full disk under watch. A small file system can only be mounted by root: run the tests as root"


@dataclass(frozen=True)
class Size:
    """How much is done to it."""

    mails: int
    kills: int
    restarts: int


SHORT = Size(mails=120, kills=10, restarts=1)
FULL = Size(mails=500, kills=50, restarts=5)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk for the store's table and ledger; the spool has room of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)], capture_output=True, check=False)
    if done.returncode:
        if os.environ.get("DMARCSCOPE_REQUIRE_SERVERS"):
            pytest.fail(NO_MOUNT)
        pytest.skip(NO_MOUNT)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=False)


class Watch:
    """The process under test."""

    def __init__(self, folder: Path, config: Path) -> None:
        self._command = [sys.executable, "-m", "dmarcscope", "watch", "--config", str(config)]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0  # where the log of the present process begins

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.kill()

    def start(self) -> None:
        env = {**os.environ, "DMARC_PASSWORD": PASSWORD}
        with (self._folder / "watch.log").open("ab") as log:
            self._began = log.tell()
            self._process = subprocess.Popen(self._command, stderr=log, stdout=log, env=env, cwd=self._folder)

    def kill(self) -> bool:
        """Kill it; whether it was alive."""
        assert self._process is not None
        was_alive = self._process.poll() is None
        self._process.kill()
        self._process.wait()
        return was_alive

    def stop(self) -> int:
        """Ask it to stop, once it is up; its exit code."""
        assert self._process is not None
        wait_for(lambda: "watching" in self.log()[self._began :])
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        return (self._folder / "watch.log").read_text()


def write_config(folder: Path, server: Dovecot, store: Path) -> Path:
    config = folder / "dmarcscope.toml"
    config.write_text(
        f'store = "{store}"\n[mailbox.reports]\nserver = "imaps://localhost:{server.tls_port}"\nuser = "{USER}"\n'
        'password = { env = "DMARC_PASSWORD" }\nafter = "move"\nmove_to = "Archive/done"\nunreadable_folder = "Unreadable"\n'
        f'[mailbox.reports.tls]\nca_file = "{server.ca_file}"\n'
    )
    return config


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("what was waited for never came")
        time.sleep(0.2)


def fill(folder: Path) -> Path:
    """Leave no byte free on the disk of a folder."""
    filler = folder / ".filler"
    state = os.statvfs(folder)
    with filler.open("wb") as file:
        file.write(b"x" * (state.f_bavail * state.f_frsize))
    return filler


@pytest.mark.parametrize(("size", "seed"), [pytest.param(SHORT, 1, id="short"), pytest.param(FULL, 2, id="full", marks=pytest.mark.long)])
def test_no_report_is_lost_or_doubled(size: Size, seed: int, tmp_path: Path, disk: Path) -> None:
    rng = random.Random(seed)
    numbers = list(range(size.mails))
    reports = [report_mail(number, records=1 + rng.randrange(4)) for number in numbers]
    store = disk / "store"
    store.mkdir(mode=0o700)
    (tmp_path / "spool").mkdir(mode=0o700)
    (store / "spool").symlink_to(tmp_path / "spool")
    with Dovecot(tmp_path / "dovecot") as server, Watch(tmp_path, write_config(tmp_path, server, store)) as watch:
        pending = [*reports, *(letter(number) for number in range(3)), *(broken_mail(number) for number in range(3)), *reports[:5]]
        rng.shuffle(pending)
        events = ["kill"] * size.kills + ["restart"] * size.restarts + ["lock", "full"]
        rng.shuffle(events)
        share = -(-len(pending) // len(events))
        kills = 0
        watch.start()
        for event in events:
            arriving, pending = pending[:share], pending[share:]
            server.deliver(arriving)
            kills += EVENTS[event](rng, watch, server, store)
        assert kills >= size.kills * 0.9, "it was alive when it was killed"
        while kills < size.kills:
            kills += EVENTS["kill"](rng, watch, server, store)
        wait_for(lambda: server.count("INBOX") == 3 and server.count("Archive/done") == size.mails + 5)
        wait_for(lambda: server.count("Unreadable") == 3)
        assert watch.stop() == 0, watch.log()
        found = facts(store)
        assert sorted(server.contents("Archive/done")) == sorted([*reports, *reports[:5]]), "moved whole, each once"
    expected = sum(sum_of(number, mail) for number, mail in zip(numbers, reports, strict=True))
    assert (found.totals["reports"], found.totals["messages"]) == (size.mails, expected)
    assert (found.totals["stored"], found.totals["duplicate"], found.totals["sidelined"]) == (size.mails, 5, 3)
    assert found.totals["ignored"] == 0, "letters are nobody's business"
    with StoreFiles(store) as files:
        settled = dict(tuple(row) for row in files.ledger.rows("SELECT settled, count(*) FROM mails GROUP BY 1"))
        assert settled.pop("left") == 3
        assert set(settled) <= {"moved", "gone"}, "a move whose note a kill has swallowed is found out: the mail is gone"
        assert sum(settled.values()) == size.mails + 8
        assert files.spool.offline() is None


def sum_of(_number: int, mail: bytes) -> int:
    """The messages of the report in a mail."""
    from dmarcscope.api import parse_report

    return parse_report(mail).messages


def kill(rng: random.Random, watch: Watch, _server: Dovecot, _store: Path) -> int:
    """Kill it somewhere between its first breath and idleness, and start it again."""
    time.sleep(rng.random() * 2.5)
    was_alive = watch.kill()
    watch.start()
    return was_alive


def restart(rng: random.Random, _watch: Watch, server: Dovecot, _store: Path) -> int:
    time.sleep(rng.random())
    server.restart()
    return 0


def lock(rng: random.Random, _watch: Watch, _server: Dovecot, store: Path) -> int:
    """Somebody holds the ledger for longer than anybody waits for it."""
    if not (store / "ledger.db").exists():
        return 0
    other = sqlite3.connect(store / "ledger.db", isolation_level=None, timeout=60)
    with suppress(sqlite3.OperationalError):
        other.execute("BEGIN EXCLUSIVE")
    time.sleep(2 + rng.random())
    other.close()
    return 0


def full(rng: random.Random, _watch: Watch, _server: Dovecot, store: Path) -> int:
    """The disk of ledger and table is full for a while; the spool has room."""
    filler = fill(store)
    time.sleep(2 + rng.random())
    filler.unlink()
    return 0


EVENTS = {"kill": kill, "restart": restart, "lock": lock, "full": full}
