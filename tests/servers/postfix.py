"""A real Postfix on loopback, with a queue and a configuration of its own, that pipes the mail for an alias into a command.

with Postfix(tmp_path, aliases="dmarc: |/some/command") as server:
    server.send(mail)                    # to dmarc@example.org
    server.queue()                       # the mails that wait, as `postqueue -j` tells them
"""

import json
import os
import shutil
import smtplib
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import pytest

NOT_TESTED = "NOT TESTED: the alias of a mail server. Install postfix (apt-get install postfix), and be root, for these tests"
START_SECONDS = 15
SERVICES = """smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """One server; commands run as the user who owns the aliases."""

    def __init__(self, folder: Path, *, aliases: str, user: str, port: int) -> None:
        if shutil.which("postfix", path="/usr/sbin:/usr/local/sbin") is None or os.getuid() != 0:
            if os.environ.get("DMARCSCOPE_REQUIRE_SERVERS"):
                pytest.fail(NOT_TESTED)
            pytest.skip(NOT_TESTED)
        self.folder = folder
        self.port = port
        self._aliases = aliases
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._configure()
        with (self.folder / "out.log").open("ab") as log:
            self._process = subprocess.Popen([self._tool("postfix"), "-c", str(self.folder / "etc"), "start-fg"], stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=2):
                    return self
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    pytest.fail(f"Postfix does not start: {self.log()}")
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        subprocess.run([self._tool("postfix"), "-c", str(self.folder / "etc"), "stop"], capture_output=True, check=False)
        if self._process is not None:
            self._process.wait(20)

    def _tool(self, name: str) -> str:
        return shutil.which(name, path="/usr/sbin:/usr/local/sbin") or name

    def _configure(self) -> None:
        folder = self.folder
        for name in ("etc", "queue", "data", "aliases"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        shutil.chown(folder / "data", "postfix")
        (folder / "etc" / "master.cf").write_text(SERVICES.replace("smtp inet", f"127.0.0.1:{self.port} inet", 1))
        aliases = folder / "aliases" / "aliases"
        aliases.write_text(self._aliases)
        for path in (aliases.parent, aliases):
            shutil.chown(path, self._user)
        (folder / "etc" / "main.cf").write_text(
            f"compatibility_level = 3.6\nqueue_directory = {folder}/queue\ndata_directory = {folder}/data\nmaillog_file = {folder}/mail.log\n"
            f"maillog_file_prefixes = {folder}\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = mx.example.org\n"
            "mydestination = example.org\nmynetworks = 127.0.0.0/8\nlocal_recipient_maps =\ndefault_transport = error:nowhere else\n"
            f"alias_maps = hash:{aliases}\n"
            "smtputf8_enable = no\nimport_environment = MAIL_CONFIG MAIL_LOGTAG LANG=C\nsmtpd_tls_security_level = none\n"
        )
        # As `newaliases` does: the table belongs to the owner of its text, and so its commands run as that user.
        subprocess.run([self._tool("postalias"), "-c", str(folder / "etc"), f"hash:{aliases}"], check=True, capture_output=True)

    def send(self, mail: bytes, to: str = "dmarc@example.org") -> None:
        """Hand in a mail."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as client:
            client.sendmail("reports@receiver.example", [to], mail)

    def flush(self) -> None:
        """Try again now what waits; by itself it would do so every few minutes."""
        subprocess.run([self._tool("postqueue"), "-c", str(self.folder / "etc"), "-f"], check=True, capture_output=True)

    def queue(self) -> list[dict[str, Any]]:
        """The mails that wait."""
        done = subprocess.run([self._tool("postqueue"), "-c", str(self.folder / "etc"), "-j"], capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def log(self) -> str:
        """All that it has said."""
        paths = [self.folder / "mail.log", self.folder / "out.log"]
        return "\n".join(path.read_text() for path in paths if path.exists())
