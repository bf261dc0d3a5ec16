"""The summary by mail, as people type it, through a real server: sent once, shown before, told what became of it."""

import subprocess
import sys
import tempfile
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
import typer
from servers.mail_server import MailServer
from storeworld import put, report, take_in
from typer.testing import CliRunner

from dmarcscope.cli.summarising import summary
from dmarcscope.errors import SetupError, StoreUnavailable
from dmarcscope.ops.deliver import sending_alone
from dmarcscope.store.files import StoreFiles

app = typer.Typer()
app.command()(summary)
CONFIG = """
[summary]
to = ["owner@example.com"]
from_address = "dmarc@example.com"
attach_page = false
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
"""


@pytest.fixture
def server():
    with MailServer() as made:
        yield made


@pytest.fixture
def here(tmp_path, server, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BROWSER", "true")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Path("dmarcscope.toml").write_text(CONFIG.format(port=server.port))
    take_in(tmp_path / "store", put(tmp_path / "in", a__xml=report(1)))
    return tmp_path


def run(*words, code=0):
    done = CliRunner().invoke(app, [*words, "--store", "store", "--config", "dmarcscope.toml"], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def test_it_is_sent_once(here, server):
    assert "owner@example.com: the mail about example.com, " in run("example.com", "--mail")
    assert "was sent on" in run("example.com", "--mail")
    (mail,) = server.mails
    assert (mail.mail_from, mail.rcpt_tos) == ("dmarc@example.com", ["owner@example.com"])
    run("example.com", "--mail", "--to", "Boss@Example.net")
    assert server.mails[1].rcpt_tos == ["Boss@example.net"]
    run("example.com", "--mail", "--again")
    assert server.mails[2].rcpt_tos == ["owner@example.com"]
    assert len({message_from_bytes(mail.content)["Message-ID"] for mail in server.mails}) == 1


def test_a_dry_run_sends_nothing(here, server):
    told = run("example.com", "--mail", "--dry-run")
    assert "To:      owner@example.com" in told
    assert "Subject: example.com: " in told
    assert "Nothing is sent." in told
    assert server.mails == []


def test_a_preview_is_a_file(here, server):
    told = run("example.com", "--preview")
    (letter,) = here.glob("dmarcscope-mail-*/example.com.eml")
    (page,) = here.glob("dmarcscope-mail-*/example.com.html")
    assert str(letter) in told
    assert message_from_bytes(letter.read_bytes(), policy=default)["To"] == "owner@example.com"
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert server.mails == []


ENDS = [
    ({"owner@example.com": "550 5.1.1 nobody"}, 1, "was refused: 550 5.1.1 nobody", "for good"),
    ({"owner@example.com": "450 later"}, 75, "waits: 450 later; tried again from", "for now"),
]


@pytest.mark.parametrize(("rules", "code", "words", "why"), ENDS, ids=[case[-1] for case in ENDS])
def test_ends(here, server, rules, code, words, why):
    server.refuse |= rules
    assert words in run("example.com", "--mail", code=code)


def test_unsure(here, server):
    server.cut = "answer"
    assert "it is not sure whether the mail" in run("example.com", "--mail", code=1)
    server.cut = ""
    assert "it is not sure whether the mail" in run("example.com", "--mail", code=1), "told, and not doubled"
    assert len(server.mails) == 1


WRONG = [
    (("--mail", "--to", "no address"), "is no mail address", CONFIG, "no address"),
    (("--mail",), "nobody is named", "", "to whom?"),
    (("--mail", "--to", "a@example.net"), "no mail server", "", "through which server?"),
    (("--mail", "--to", "a@example.net"), "no address is configured that it comes from", CONFIG[CONFIG.index("[smtp]") :], "from whom?"),
]


@pytest.mark.parametrize(("words", "what", "config", "why"), WRONG, ids=[case[-1] for case in WRONG])
def test_what_is_missing_is_told(here, server, words, what, config, why):
    Path("dmarcscope.toml").write_text(config.format(port=server.port))
    with pytest.raises(SetupError, match=what):
        run("example.com", *words)


def test_while_another_sends(here, server):
    with StoreFiles(here / "store") as store, sending_alone(store), pytest.raises(StoreUnavailable):
        run("example.com", "--mail")


def test_a_watch_sends_what_is_due(here, server):
    """No mailbox, no folder: a store that is filled by others, and a mail each week."""
    with Path("dmarcscope.toml").open("a") as config:
        config.write("")
    text = Path("dmarcscope.toml").read_text().replace("attach_page = false", "attach_page = false\nwhen_complete = false\nhour = 0")
    Path("dmarcscope.toml").write_text(text)
    watching = subprocess.Popen([sys.executable, "-c", WATCH], stderr=subprocess.PIPE, text=True, cwd=here)
    try:
        lines = []
        while not any("sent the summary of all domains" in line for line in lines):
            line = watching.stderr.readline()
            assert line, lines
            lines.append(line)
    finally:
        watching.terminate()
        assert watching.wait(30) == 0
        watching.stderr.close()
    assert len(server.mails) == 1


WATCH = """
import sys
from dmarcscope.ops import mailing
mailing.QUIET = 0.1
from dmarcscope.cli.app import run
sys.exit(run(["watch", "--store", "store", "--config", "dmarcscope.toml"]))
"""
