"""The commands about mailboxes, as people and services run them, against a real Dovecot."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from mailworld import broken_mail, letter, report_mail
from servers.dovecot import PASSWORD, USER, Dovecot

CONFIG = """store = "store"
[mailbox.reports]
server = "imaps://localhost:{port}"
user = "{user}"
password = {{ env = "DMARC_PASSWORD" }}
after = "move"
move_to = "done"
[mailbox.reports.tls]
ca_file = "{ca}"
"""


def run(*words, cwd, env=None, **more):
    return subprocess.run(
        [sys.executable, "-m", "dmarcscope", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "DMARC_PASSWORD": PASSWORD, "DMARCSCOPE_PASSWORD": PASSWORD, **(env or {})},
        stdin=subprocess.DEVNULL,
        **more,
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Dovecot(tmp_path_factory.mktemp("cli") / "dovecot") as running:
        yield running


@pytest.fixture
def here(tmp_path, server):
    (tmp_path / "dmarcscope.toml").write_text(CONFIG.format(port=server.tls_port, user=USER, ca=server.ca_file))
    with server.imap() as client:
        for folder in ("INBOX", "done"):
            if client.folder_exists(folder):
                client.select_folder(folder)
                client.delete_messages(client.search())
                client.expunge()
    return tmp_path


def test_ingest_from_a_configured_mailbox(here, server):
    server.deliver([report_mail(1), report_mail(2), letter(1)])
    done = run("ingest", "--mailbox", "reports", "--format", "json", cwd=here)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    facts = json.loads(done.stdout)
    assert (facts["artefacts"], facts["stored"], facts["reports"]) == (2, 2, 2)
    assert (server.count("INBOX"), server.count("done")) == (1, 2)
    again = json.loads(run("ingest", "-m", "reports", "--format", "json", cwd=here).stdout)
    assert again["artefacts"] == 0
    told = run("status", cwd=here)  # the store is that of the configuration
    assert told.returncode == 0
    assert f"{USER} at localhost:{server.tls_port}, INBOX: last looked at" in told.stdout
    assert "2 moved" in told.stdout


def test_ingest_by_address_keeps_the_mails(here, server):
    server.deliver([report_mail(3), broken_mail(1)])
    url = f"imaps://{USER}@localhost:{server.tls_port}/INBOX"
    done = run("ingest", "--imap", url, "--ca-file", server.ca_file, "--store", "other", cwd=here)
    assert done.returncode == 1, done.stderr  # something could not be read
    assert "1 stored" in done.stdout
    assert "1 sidelined" in done.stdout
    assert server.count("INBOX") == 2
    assert all(flags == set() for flags in server.flags("INBOX"))


WRONG = [
    (["ingest"], 2, "there is nothing to take in", "neither paths nor a mailbox"),
    (["ingest", "--mailbox", "nope"], 2, "no mailbox or folder 'nope' is configured. There are: reports", "a name that is not there"),
    (["watch", "nope"], 2, "There are: reports", "the same for watch"),
    (["watch", "--config", "missing.toml"], 2, "no such configuration file", "no file"),
    (["mailbox", "test", "nope"], 2, "no mailbox 'nope' is configured", "the same for test"),
    (["mailbox", "login", "reports"], 2, "needs no login in a browser", "a mailbox with a password"),
    (["ingest", "--imap", "imaps://x:y@localhost"], 2, "a password in an address", "seen by everyone"),
]


@pytest.mark.parametrize(("words", "code", "said", "why"), WRONG)
def test_wrong_use(here, words, code, said, why):
    done = run(*words, cwd=here)
    assert (done.returncode, said in done.stderr) == (code, True), f"{why}: {done.stderr}"
    assert "Traceback" not in done.stderr


def test_a_wrong_password_and_a_server_that_is_gone(here, server):
    refused = run("ingest", "--mailbox", "reports", cwd=here, env={"DMARC_PASSWORD": "wrong"})
    assert refused.returncode == 2
    assert "the login is refused" in refused.stderr
    assert "wrong" not in refused.stderr
    config = here / "dmarcscope.toml"
    config.write_text(config.read_text().replace(str(server.tls_port), "1"))
    gone = run("ingest", "--mailbox", "reports", cwd=here)
    assert gone.returncode == 75
    assert "cannot be reached" in gone.stderr


def test_mailbox_test_says_what_works(here, server):
    server.deliver([report_mail(4), letter(2)])
    done = run("mailbox", "test", "reports", cwd=here)
    assert done.returncode == 0, done.stdout
    assert "2 mails, 1 look like reports by their subject" in done.stdout
    assert "This mailbox can be used." in done.stdout
    assert server.count("INBOX") == 2
    trials = json.loads(run("mailbox", "test", "reports", "--format", "json", cwd=here).stdout)
    assert {"server", "login", "IDLE", "MOVE", "UIDPLUS", "folder INBOX"} <= {trial["name"] for trial in trials}
    refused = run("mailbox", "test", "reports", cwd=here, env={"DMARC_PASSWORD": "wrong"})
    assert refused.returncode == 1
    assert "NO  login" in refused.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_watch_logs_and_stops_cleanly(here, server, number):
    server.deliver([report_mail(5)])
    log = here / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "dmarcscope", "watch", "--log-format", "json"],
            cwd=here,
            env={**os.environ, "DMARC_PASSWORD": PASSWORD},
            stderr=file,
        )
    try:
        until(lambda: server.count("done") == 1 and '"moved"' in log.read_text())
        server.deliver([report_mail(6)])
        until(lambda: server.count("done") == 2)
        process.send_signal(number)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    events = [json.loads(line) for line in log.read_text().splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "started"
    assert kinds[-1] == "stopped"
    assert kinds.count("moved") == 2
    assert all({"time", "level", "event", "message"} <= event.keys() for event in events)


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
