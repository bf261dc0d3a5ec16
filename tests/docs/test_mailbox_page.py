"""docs/mailbox.md is true: its walk is walked in order against a real Dovecot, its configurations are sound, its commands exist.

The walk is every `sh` and `toml` block of the page, as they follow each other. A configuration with the page's server is written to the
file, the server's name replaced by Dovecot's; a command runs as it stands there. Whatever else the page shows is checked by itself.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.dovecot import PASSWORD, USER, Dovecot

from dmarcscope.config.problems import problems

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "mailbox.md"
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
BLOCKS = [(language, block) for _, language, block in FENCE.findall(PAGE.read_text())]
SERVER, ITS_USER = "imaps://imap.example.org", "dmarc@example.org"
REPORTS = sorted((ROOT / "sample_reports" / "reports").glob("mailbox.example*.eml"))
VERDICT = b"Authentication-Results: mx.example.org; dmarc=pass header.from=mailbox.example\r\n"
QUOTED = [text.replace("\n", " ") for text in re.findall(r"`((?:/opt/dmarcscope/bin/)?dmarcscope [^`]+)`", FENCE.sub("", PAGE.read_text()))]
IN_SHELL = [
    found
    for language, block in BLOCKS
    if language == "bash"
    for found in re.findall(r"(?:/opt/dmarcscope/bin/dmarcscope|^podman exec dmarcscope dmarcscope) ([^'\n]+)", block, re.MULTILINE)
]


@pytest.mark.parametrize("block", [block for language, block in BLOCKS if language == "toml"])
def test_the_configurations_are_sound(block, tmp_path):
    assert problems(block, tmp_path / "dmarcscope.toml") == []


@pytest.mark.parametrize("typed", sorted({*(text.partition("dmarcscope ")[2] for text in QUOTED), *IN_SHELL}))
def test_the_commands_exist(typed):
    """Those that stand in a sentence, or need a machine of their own: the command is there, and all its options are."""
    words = shlex.split(typed)
    command = words[:2] if words[0] in {"config", "mailbox"} else words[:1]
    env = {**os.environ, "COLUMNS": "200", "TERMINAL_WIDTH": "200", "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-m", "dmarcscope", *command, "--help"], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    for word in words:
        assert not word.startswith("-") or re.search(rf"(?<!\S){word}(?!\S)", done.stdout) or word == "-", f"{command} has no {word}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Dovecot]:
    with Dovecot(tmp_path / "dovecot") as running:
        yield running


def test_the_walk(server, tmp_path):
    here = tmp_path / "walk"
    here.mkdir()
    secret = here / "dmarc-password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    mails = [VERDICT + path.read_bytes() for path in REPORTS]
    walk = Walk(here, server)
    for language, block in BLOCKS:
        if language == "toml" and f'"{SERVER}"' in block and "/run/credentials" not in block:
            walk.configure(block)
        if language != "sh":
            continue
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                assert words[0] == "dmarcscope", "a block with `sh` holds only what is walked"
                if {"ingest", "watch"} & set(words):
                    server.add("INBOX", [mails.pop()])
                walk.go(words[1:])
    told = walk.told
    assert "1 mailbox, 0 folders" in told["config check"]
    assert "is let in" in told["mailbox test reports"]
    assert "1 stored" in told["ingest --mailbox reports"]
    assert "moved 1 mail" in told["watch"]
    assert "Nothing is lost" in told["verify"]
    assert "1 stored" in told[f"ingest --imap imaps://{ITS_USER}@imap.example.org/INBOX"]
    assert '"mail_verified": true' in told["reports --format json"]
    assert "No messages" not in told["sources --verified"]
    assert "example.com" in told["records --verified"]
    assert (server.count("INBOX"), server.count("DMARC/done")) == (2, 2)


class Walk:
    """A new user who types what the page says."""

    def __init__(self, here: Path, server: Dovecot) -> None:
        self._here = here
        self._server = server
        self.told: dict[str, str] = {}

    def configure(self, block: str) -> None:
        """Write what the page shows over what `config init` wrote; only the server is the test's."""
        file = self._here / "dmarcscope.toml"
        assert file.exists(), "config init comes before"
        text = block.replace(SERVER, f"imaps://localhost:{self._server.tls_port}").replace(ITS_USER, USER)
        file.write_text(f'{text}\n[mailbox.reports.tls]\nca_file = "{self._server.ca_file}"\n')

    def go(self, words: list[str]) -> None:
        """Run one command; keep what it tells."""
        typed = [word.replace(f"{ITS_USER}@imap.example.org", f"{USER}@localhost:{self._server.tls_port}") for word in words]
        more = ["--ca-file", str(self._server.ca_file)] if "--imap" in words else []
        log = self._here / "told"
        with log.open("wb") as file:
            env = {**os.environ, "DMARCSCOPE_PASSWORD": PASSWORD, "HOME": str(self._here)}
            command = [sys.executable, "-m", "dmarcscope", *typed, *more]
            process = subprocess.Popen(command, cwd=self._here, stdout=file, stderr=file, stdin=subprocess.DEVNULL, env=env)
            if words[0] == "watch":
                deadline = time.monotonic() + 60
                while self._server.count("INBOX") and time.monotonic() < deadline:
                    time.sleep(0.2)
                process.send_signal(signal.SIGTERM)
            ended = process.wait(60)
        self.told[" ".join(words)] = told = log.read_text()
        assert ended == 0, f"{words}: {told}"
