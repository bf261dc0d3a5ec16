"""A folder of 200,000 mails: walked in batches, in memory that does not grow, stopped anywhere and resumed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mailworld import report_mail
from servers.dovecot import PASSWORD, USER, Dovecot

MAILS = 200_000
SOME = 20_000
STOPPED_AT = 70_000
REPORTS_EVERY = 40
"""Most are letters, as in a mailbox that is used for more: a report in forty."""

TAKE = """
import json, resource, sys, threading, time
from pathlib import Path
sys.path[:0] = {path!r}
from dmarcscope.intake.account import Account, Security
from dmarcscope.ops.mailbox import Mailbox
from dmarcscope.ops.watch import watch
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.ledger import Ledger
stop = threading.Event()
root = Path({root!r})

def known():
    ledger = Ledger(root / "ledger.db", 5)
    try:
        return ledger.rows("SELECT count(*) AS n FROM mails")[0]["n"]
    finally:
        ledger.close()

def stop_later():
    while not stop.wait(0.2):
        if (root / "ledger.db").exists() and known() >= {stop_at}:
            stop.set()

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

if {stop_at}:
    threading.Thread(target=stop_later, daemon=True).start()
account = Account({user!r}, "127.0.0.1", {port}, Security.NONE, password=lambda: {password!r})
begun = time.monotonic()
with StoreFiles(root, 5) as store:
    outcome = watch(store, [Mailbox("m", account, ({folder!r},))], lambda event: None, stop=stop, once=True)
print(json.dumps(dict(stored=outcome.stored, artefacts=outcome.artefacts, known=known(), peak=peak(), seconds=time.monotonic() - begun)))
"""


def take(server: Dovecot, root: Path, folder: str, stop_at: int = 0) -> dict[str, float]:
    """Take a folder in a process of its own, up to its end or for a while."""
    import json

    code = TAKE.format(path=sys.path, user=USER, password=PASSWORD, port=server.port, root=str(root), folder=folder, stop_at=stop_at)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    print(folder, stop_at, found)
    return found


def fill(server: Dovecot, folder: str, count: int) -> None:
    """Write the mails of a folder into its file at once: one by one they would take an hour."""
    place = server.folder / "mail" / USER / folder
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as file:
        for number in range(count):
            if number % REPORTS_EVERY:
                mail = b"From: a@example.org\nSubject: %d\n\nhello\n" % number
            else:
                mail = report_mail(number, records=1).replace(b"\r\n", b"\n")
            file.write(b"From a@example.org Mon May  4 00:00:00 2026\n" + mail + b"\n")
    if os.getuid() == 0:
        for path in (place, place.parent):
            shutil.chown(path, "nobody", "nogroup")


@pytest.mark.long
def test_a_folder_of_200_000_mails(tmp_path: Path) -> None:
    with Dovecot(tmp_path / "dovecot", location="mbox", settings="mbox_write_locks = fcntl\n") as server:
        fill(server, "some", SOME)
        fill(server, "all", MAILS)
        small = take(server, tmp_path / "small", "some")
        assert (small["known"], small["stored"]) == (SOME, SOME // REPORTS_EVERY)
        first = take(server, tmp_path / "store", "all", STOPPED_AT)
        assert STOPPED_AT <= first["known"] < MAILS, "it stopped in the middle"
        rest = take(server, tmp_path / "store", "all")
        assert rest["known"] == MAILS
        assert first["stored"] + rest["stored"] == MAILS // REPORTS_EVERY, "each report once"
        assert rest["artefacts"] == rest["stored"], "nothing was taken again"
        again = take(server, tmp_path / "store", "all")
        assert again["artefacts"] == 0
        most = max(first["peak"], rest["peak"], again["peak"])
        assert most < small["peak"] * 1.3 + 30, f"{most} MB for {MAILS} mails, {small['peak']} MB for {SOME}"
