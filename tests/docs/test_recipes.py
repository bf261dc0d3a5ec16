"""The recipes in docs/service do what they promise: systemd reads the units, a mail server's queue keeps what cannot be stored."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import pytest
from mailworld import broken_mail
from servers.dovecot import free_port
from servers.postfix import Postfix

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "docs" / "service"
UNITS = ["dmarcscope.service", "dmarcscope-ingest.service", "dmarcscope-ingest.timer"]
REPORTS = sorted((ROOT / "sample_reports" / "reports").glob("*.eml"))
NO_SYSTEMD = "NOT TESTED: the systemd units. Install systemd (apt-get install systemd) for these tests"
NO_PYTHON = (
    "NOT TESTED: the alias of a mail server. Let other users run this Python (or /usr/bin/python3 of the same version) for these tests"
)
EXPOSURE = 2.0
"""The highest that `systemd-analyze security` may say, of 10: sandboxed, but for the network and its store."""
# The settings that wall a service in.
ISOLATION = re.compile(
    r"^(Protect|Private|Restrict|SystemCall|Capability|Ambient|NoNew|Lock|Memory|Remove|Keyring|Device|Proc|UMask|Limit|Tasks|OOM)"
)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units in a folder of their own, with a program that is there."""
    if shutil.which("systemd-analyze") is None:
        not_tested(NO_SYSTEMD)
    for name in UNITS:
        (tmp_path / name).write_text((RECIPES / name).read_text().replace("/opt/dmarcscope/bin/dmarcscope", "/bin/true"))
    return tmp_path


@pytest.mark.parametrize("name", UNITS)
def test_systemd_reads_the_unit(name, units):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(units / name)], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "dmarcscope" in line] == []  # of this machine's own units it may say what it likes


@pytest.mark.parametrize("name", UNITS[:2])
def test_the_service_is_hardened(name, units):
    asked = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(units / name)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    told = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert told, done.stderr
    assert float(told[1]) <= EXPOSURE


def test_both_services_are_hardened_alike():
    walls = [[line for line in (RECIPES / name).read_text().splitlines() if ISOLATION.match(line)] for name in UNITS[:2]]
    assert walls[0] == walls[1]


def commands_in(recipe: str) -> list[list[str]]:
    """The dmarcscope commands of a recipe, as words."""
    text = (RECIPES / recipe).read_text()
    if recipe == "Containerfile":
        quoted = re.findall(r"^(?:HEALTHCHECK.*)?CMD (\[.*\])$", text, re.MULTILINE)
        return [[word for word in re.findall(r'"([^"]+)"', line) if word != "dmarcscope"] for line in quoted]
    return [line.split() for line in re.findall(r"/opt/dmarcscope/bin/dmarcscope ([^>)\n]+)", text)]


@pytest.mark.parametrize("recipe", [*UNITS[:2], "Containerfile", "dmarcscope-deliver"])
def test_the_commands_and_options_exist(recipe):
    found = commands_in(recipe)
    assert found
    for words in found:
        done = subprocess.run(
            [sys.executable, "-m", "dmarcscope", words[0], "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "COLUMNS": "200", "TERMINAL_WIDTH": "200", "NO_COLOR": "1"},
        )
        for word in words[1:]:
            assert not word.startswith("--") or f" {word} " in done.stdout, f"{words[0]} has no {word}"


def test_the_container_file_copies_what_there_is():
    for line in re.findall(r"^COPY (?!--from)(.*)$", (RECIPES / "Containerfile").read_text(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source


@pytest.mark.parametrize(
    ("ended", "outcome", "told", "why"),
    [
        (0, "{}", 0, "all well"),
        (1, "{}", 0, "not readable, but its bytes are kept: a mail server that hears of an error sends the mail back"),
        (1, "", 75, "a Python that cannot start, or stops at a bug, ends with 1 too: nothing may be kept"),
        (0, "", 75, "some other program"),
        (2, "", 75, "wrongly set up: somebody will mend it, and the mail must be there then"),
        (75, "", 75, "not now"),
        (127, "", 75, "not installed"),
        (137, "", 75, "killed, as for want of memory"),
    ],
)
def test_what_a_mail_server_is_told(ended, outcome, told, why, tmp_path):
    program = tmp_path / "dmarcscope"
    program.write_text(f"#!/bin/sh\necho 'to be read by people' >&2\nprintf '%s' '{outcome}'\nexit {ended}\n")
    program.chmod(0o755)
    assert subprocess.run([deliver(tmp_path, program, tmp_path)], capture_output=True, check=False).returncode == told, why


@pytest.mark.parametrize(("mail", "exit_code"), [(REPORTS[0].read_bytes(), 0), (broken_mail(1), 1)], ids=["a report", "an unreadable one"])
def test_a_mail_that_is_kept_is_done_with(mail, exit_code, tmp_path):
    """With dmarcscope itself, so that its exit codes and its outcome are what the recipe takes them for."""
    program = tmp_path / "dmarcscope"
    program.write_text(f'#!/bin/sh\n{sys.executable} -m dmarcscope "$@"\ncode=$?\necho $code > {tmp_path}/ended\nexit $code\n')
    program.chmod(0o755)
    done = subprocess.run([deliver(tmp_path, program, tmp_path / "store")], input=mail, capture_output=True, check=False)
    assert (done.returncode, done.stdout, int((tmp_path / "ended").read_text())) == (0, b"", exit_code)
    assert list((tmp_path / "store" / "spool").glob("??/*"))


def test_a_program_that_is_not_there_keeps_the_mail(tmp_path):
    assert subprocess.run([deliver(tmp_path, tmp_path / "none", tmp_path)], capture_output=True, check=False).returncode == 75


def deliver(folder: Path, program: Path, store: Path) -> Path:
    """The recipe for aliases, with its two paths replaced."""
    text = (RECIPES / "dmarcscope-deliver").read_text()
    for path, other in (("/opt/dmarcscope/bin/dmarcscope", program), ("/var/lib/dmarcscope", store)):
        assert path in text
        text = text.replace(path, str(other))
    made = folder / "deliver"
    made.write_text(text)
    made.chmod(0o755)
    return made


def until(is_so: Callable[[], bool], what: Callable[[], str], meanwhile: Callable[[], None] = lambda: None) -> None:
    """Wait for something; every few seconds do something for it."""
    begin = time.monotonic()
    for tick in count(1):
        if is_so():
            return
        assert time.monotonic() < begin + 120, what()
        time.sleep(0.2)
        if tick % 15 == 0:
            meanwhile()


def python_for(user: str) -> str:
    """A Python that another user may run."""
    paths = (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}")
    found = next((path for path in paths if may_run(user, path)), None)
    if found is None:
        not_tested(NO_PYTHON)
    return str(found)


def may_run(user: str, path: str) -> bool:
    try:
        return subprocess.run([path, "-c", ""], user=user, group="nogroup", capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def not_tested(why: str) -> NoReturn:
    """Skip; fail where it must be tested."""
    if os.environ.get("DMARCSCOPE_REQUIRE_SERVERS"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users get through to. (Those of pytest are for one user, and each run that begins sees to it.)"""
    with TemporaryDirectory(prefix="dmarcscope-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.mark.long
def test_an_alias_keeps_in_the_queue_what_cannot_be_stored_now(open_folder):
    """A locked ledger, a store that is no folder: each mail waits in Postfix's queue, and is stored when the cause is gone."""
    store = open_folder / "store"
    with Postfix(open_folder / "postfix", aliases=f'dmarc: "|{open_folder}/deliver"\n', user="nobody", port=free_port()) as server:
        store.mkdir(mode=0o700)
        shutil.chown(store, "nobody", "nogroup")
        program = open_folder / "dmarcscope"
        paths = ":".join([str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))])
        program.write_text(f'#!/bin/sh\nPYTHONPATH={paths} exec {python_for("nobody")} -m dmarcscope "$@"\n')
        program.chmod(0o755)
        deliver(open_folder, program, store)

        server.send(REPORTS[0].read_bytes())
        until(lambda: stored(store) == 1 and not server.queue(), server.log)

        with closing(sqlite3.connect(store / "ledger.db", isolation_level=None)) as locking:
            locking.execute("BEGIN EXCLUSIVE")
            server.send(REPORTS[1].read_bytes())
            until(lambda: waits(server, "database is locked"), server.log)
        until(lambda: stored(store) == 2 and not server.queue(), server.log, server.flush)

        aside = store.rename(open_folder / "aside")
        store.write_text("no folder")
        server.send(REPORTS[2].read_bytes())
        until(lambda: waits(server, "the store is a folder"), server.log)
        store.unlink()
        aside.rename(store)
        until(lambda: stored(store) == 3 and not server.queue(), server.log, server.flush)
        assert "status=bounced" not in server.log()


def waits(server: Postfix, why: str) -> bool:
    """Whether a mail is kept in the queue, and for that reason."""
    told = [(mail["queue_name"], recipient.get("delay_reason", "")) for mail in server.queue() for recipient in mail["recipients"]]
    return any(queue == "deferred" and why in reason for queue, reason in told)


def stored(store: Path) -> int:
    """How many reports are in a store."""
    try:
        with closing(sqlite3.connect(f"file:{store}/ledger.db?mode=ro", uri=True)) as ledger:
            return int(ledger.execute("SELECT count(*) FROM reports WHERE state = 'stored'").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
