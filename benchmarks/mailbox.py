"""Taking mail from a real Dovecot: ours against a bare loop of the same library; and memory over many mails.

Each is a task for ``measure.run_task``: its arguments are texts, and it runs in a process of its own. The server is the one that the tests
use, started by whoever compares.
"""

import base64
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Figures, clocked
from tests.servers.dovecot import PASSWORD, USER, Dovecot

AT_ONCE = 200  # mails fetched by one command, as ours does


def mail(path: Path) -> bytes:
    """A report in a mail, as reporters send it (RFC 9990 §4.4)."""
    body = base64.encodebytes(path.read_bytes()).replace(b"\n", b"\r\n")
    head = (
        f"From: noreply-dmarc@reporter.example\r\nTo: dmarc@example.com\r\nMessage-ID: <{path.name}@reporter.example>\r\n"
        f"Subject: Report Domain: example.com Submitter: reporter.example Report-ID: <{path.stem}>\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: application/gzip; name="{path.name}"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="{path.name}"\r\n\r\n'
    )
    return head.encode() + body


@contextmanager
def serving(folder: Path, count: int) -> Iterator[Dovecot]:
    """A Dovecot whose INBOX holds so many of the reports in a folder, a mail each."""
    with TemporaryDirectory() as place, Dovecot(Path(place) / "dovecot") as server:
        server.deliver([mail(path) for path in sorted(folder.rglob("*.gz"))[:count]])
        with server.imap() as client:  # the server makes its index once, before anybody is measured
            client.select_folder("INBOX", readonly=True)
            client.fetch(client.search(), ["RFC822.SIZE"])
        yield server


def bare_fetch(port: str, ca_file: str) -> Figures:
    """Fetches every mail of INBOX with the library alone, and does nothing with them."""
    import ssl

    from imapclient import IMAPClient

    fetched = 0

    def work() -> None:
        nonlocal fetched
        client = IMAPClient("localhost", int(port), ssl_context=ssl.create_default_context(cafile=ca_file))
        client.login(USER, PASSWORD)
        client.select_folder("INBOX", readonly=True)
        uids = client.search()
        for at in range(0, len(uids), AT_ONCE):
            fetched += len(client.fetch(uids[at : at + AT_ONCE], ["BODY.PEEK[]"]))
        client.logout()

    return {**clocked(work), "mails": fetched}


def take_mail(port: str, ca_file: str, store: str, warm_up: str) -> Figures:
    """Takes every mail of INBOX into a new store; before that one small file elsewhere, so that all modules are loaded."""
    import dmarcscope
    from dmarcscope.intake.account import Account
    from dmarcscope.ops.mailbox import Mailbox
    from dmarcscope.ops.watch import watch
    from dmarcscope.store.files import StoreFiles

    with TemporaryDirectory() as elsewhere:
        dmarcscope.open_store(Path(elsewhere) / "store").ingest([warm_up])
    mailbox = Mailbox("bench", Account(USER, "localhost", int(port), password=lambda: PASSWORD, ca_file=Path(ca_file)))
    stored = 0

    def work() -> None:
        nonlocal stored
        with StoreFiles(Path(store)) as files:
            stored = watch(files, [mailbox], lambda _event: None, stop=threading.Event(), once=True).stored

    return {**clocked(work), "mails": stored, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
