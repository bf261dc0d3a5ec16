"""A real Dovecot on loopback, from a configuration that the test writes; started and stopped by its own process id.

with Dovecot(tmp_path) as server:
    server.add("INBOX", [mail, mail])
    server.imap(...)                     # an IMAPClient of the test's own, to look with
"""

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest
import trustme
from imapclient import IMAPClient

from dmarcscope.intake.account import Account, Mechanism, Security

USER, PASSWORD = "reports@example.org", 's3cret "pass\\word"'
NOT_TESTED = "NOT TESTED: mailboxes. Install dovecot-imapd (apt-get install dovecot-imapd) for these tests"
START_SECONDS = 15


def binary() -> str:
    """Where Dovecot is; the test is skipped where it is not, and fails where it must be there."""
    found = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        if os.environ.get("DMARCSCOPE_REQUIRE_SERVERS"):
            pytest.fail(NOT_TESTED)
        pytest.skip(NOT_TESTED)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_open(port: int) -> bool:
    """Whether anybody still listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Dovecot:
    """One server. ``settings``: lines added to its configuration. ``capability``: in place of what it would announce."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: str = "",
        capability: str | None = None,
        introspection_url: str | None = None,
        plugins: str = "",
        location: str = "maildir",
    ) -> None:
        self._given = folder
        # As root the mails belong to «nobody», who cannot get through pytest's folders: they are for one user only.
        self.folder = Path(tempfile.mkdtemp(prefix="dovecot-")) if os.getuid() == 0 else folder
        self.port, self.tls_port = free_port(), free_port()
        self._binary = binary()
        self._settings = settings
        self._capability = capability
        self._introspection_url = introspection_url
        self._plugins = plugins
        self._location = location
        self._process: subprocess.Popen[bytes] | None = None
        self._delivered = 0
        self._run = Path(tempfile.mkdtemp(prefix="dovecot-"))  # the paths of its sockets must be short
        self._run.chmod(0o755)
        folder.mkdir(parents=True, exist_ok=True)
        folder = self.folder
        folder.chmod(0o755)
        ca = trustme.CA()
        self.ca_file = folder / "ca.pem"
        ca.cert_pem.write_to_path(self.ca_file)
        certificate = ca.issue_cert("localhost", "127.0.0.1")
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")

    # The server's life.

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self.folder != self._given:
            (self._given / "dovecot.log").write_text(self.log())
            shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self._run, ignore_errors=True)

    def start(self) -> None:
        """Start, and wait until it answers."""
        config = self.folder / "dovecot.conf"
        config.write_text(self._config())
        for name in ("mail", "state"):
            (self.folder / name).mkdir(exist_ok=True)
        if os.getuid() == 0:
            shutil.chown(self.folder / "mail", "nobody", "nogroup")
        with (self.folder / "out.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binary, "-F", "-c", str(config)], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                    if probe.recv(4).startswith(b"* OK"):
                        return
            except OSError:
                pass
            if time.monotonic() > deadline or self._process.poll() is not None:
                pytest.fail(f"Dovecot does not start: {(self.folder / 'out.log').read_text()}\n{self.log()}")
            time.sleep(0.03)

    def stop(self, *, kill: bool = False) -> None:
        """Stop; ``kill``: as a power cut would."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self._process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # its own group: also a child that was born just now
        self._process = None
        deadline = time.monotonic() + START_SECONDS
        while is_open(self.port) and time.monotonic() < deadline:
            time.sleep(0.02)

    def restart(self) -> None:
        """Stop in the middle of whatever goes on, and start again."""
        self.stop(kill=True)
        (self._run / "master.pid").unlink(missing_ok=True)
        self.start()

    def _children(self) -> list[int]:
        pid = self._process.pid if self._process else 0
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
        return [int(word) for word in listed.stdout.split()]

    def processes(self, service: str) -> list[int]:
        """The process ids of one of its services, such as «imap»."""
        wanted = []
        for child in self._children():
            try:
                name = Path(f"/proc/{child}/comm").read_text().strip()
            except OSError:
                continue
            if name == service:
                wanted.append(child)
        return wanted

    def log(self) -> str:
        path = self.folder / "dovecot.log"
        return path.read_text() if path.exists() else ""

    def _config(self) -> str:
        folder = self.folder
        user = pwd.getpwuid(os.getuid()).pw_name
        group = grp.getgrgid(os.getgid()).gr_name
        owner = ("nobody", "nogroup") if os.getuid() == 0 else (user, group)
        (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        internal = (
            "" if os.getuid() == 0 else f"default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}"
        )
        oauth = ""
        if self._introspection_url:
            (folder / "oauth2.conf").write_text(
                f"introspection_mode = get\nintrospection_url = {self._introspection_url}\nusername_attribute = email\n"
                "active_attribute = active\nactive_value = true\n"
            )
            oauth = f"passdb {{\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = {folder}/oauth2.conf\n}}\n"
        capability = f" imap_capability = {self._capability}\n" if self._capability else ""
        plugins = f"mail_plugins = {self._plugins}\n" if self._plugins else ""
        imap_plugins = " ".join(f"imap_{name}" for name in self._plugins.split())
        return f"""
base_dir = {self._run}
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
auth_username_format = %u
mail_location = {self._location}:{folder}/mail/%u
mail_fsync = never
first_valid_uid = 1
{internal}
default_vsz_limit = 1G
{plugins}
{oauth}
passdb {{
 driver = passwd-file
 args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
 driver = static
 args = uid={owner[0]} gid={owner[1]} home={folder}/mail/%u-home
}}
protocol imap {{
{capability} mail_plugins = $mail_plugins {imap_plugins}
 mail_max_userip_connections = 50
}}
service anvil {{
 chroot =
}}
service imap-login {{
 chroot =
 inet_listener imap {{
  port = {self.port}
 }}
 inet_listener imaps {{
  port = {self.tls_port}
  ssl = yes
 }}
}}
namespace inbox {{
 inbox = yes
 separator = /
}}
{self._settings}
"""

    # What tests do with it.

    def account(self, security: Security = Security.TLS, **more: object) -> Account:
        """The account as dmarcscope gets into it."""
        given = {"password": lambda: PASSWORD, "ca_file": self.ca_file, "mechanism": Mechanism.PASSWORD, **more}
        port = self.tls_port if security is Security.TLS else self.port
        return Account(USER, "localhost", port, security, **given)  # type: ignore[arg-type]

    def imap(self) -> IMAPClient:
        """A connection of the test's own; just after a start the server may not be ready for logins yet."""
        for last in (False,) * 40 + (True,):
            client = IMAPClient("127.0.0.1", self.port, ssl=False)
            try:
                client.login(USER, PASSWORD)
            except IMAPClient.Error:
                client.shutdown()
                if last:
                    raise
                time.sleep(0.1)
            else:
                break
        return client

    def add(self, folder: str, mails: list[bytes]) -> list[int]:
        """Put mails into a folder over IMAP; returns their UIDs."""
        with self.imap() as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            for mail in mails:
                client.append(folder, mail)
            client.select_folder(folder, readonly=True)
            return sorted(client.search())

    def deliver(self, mails: list[bytes]) -> None:
        """Put mails into INBOX as a delivery agent does: files of the maildir, whether the server runs or not."""
        inbox = self.folder / "mail" / USER
        for mail in mails:
            self._delivered += 1
            name = f"{int(time.time())}.M{self._delivered}P{os.getpid()}.localhost"
            for folder in (inbox / "tmp", inbox / "new", inbox / "cur"):
                folder.mkdir(parents=True, exist_ok=True)
            (inbox / "tmp" / name).write_bytes(mail)
            if os.getuid() == 0:
                for path in (inbox, inbox / "tmp", inbox / "new", inbox / "cur", inbox / "tmp" / name):
                    shutil.chown(path, "nobody", "nogroup")
            (inbox / "tmp" / name).rename(inbox / "new" / name)

    def count(self, folder: str) -> int:
        """How many mails are in a folder; 0 if it is not there."""
        with self.imap() as client:
            if not client.folder_exists(folder):
                return 0
            return int(client.folder_status(folder, ["MESSAGES"])[b"MESSAGES"])

    def contents(self, folder: str) -> list[bytes]:
        """Every mail of a folder."""
        with self.imap() as client:
            if not client.folder_exists(folder):
                return []
            client.select_folder(folder, readonly=True)
            uids = client.search()
            return [item[b"BODY[]"] for item in client.fetch(uids, ["BODY.PEEK[]"]).values()] if uids else []

    def flags(self, folder: str) -> list[set[bytes]]:
        """The flags of every mail of a folder, in order."""
        with self.imap() as client:
            client.select_folder(folder, readonly=True)
            uids = client.search()
            found = client.get_flags(uids) if uids else {}
            return [set(found[uid]) - {b"\\Recent"} for uid in sorted(found)]
