"""A summary is sent once: by a real server, with a ledger that remembers, whatever breaks between them."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
import summaries
from mail_server import MailServer
from postfix import Postfix
from storeworld import SMALL

from dmarcscope.errors import SetupError, StoreUnavailable
from dmarcscope.intake.account import Security
from dmarcscope.model.delivery import Assignment, DeliveryState, Receipt
from dmarcscope.model.summary_figures import FigureName
from dmarcscope.ops.deliver import GIVE_UP, Mailing, deliver, is_over, sending_alone
from dmarcscope.outgoing.smtp import Smtp
from dmarcscope.store.deliveries import Deliveries
from dmarcscope.store.files import StoreFiles

A, B = "a@example.net", "b@example.net"
NOW = datetime(2026, 5, 19, 7, tzinfo=UTC)
MAILING = Mailing("example.com", ("example.com",), "dmarc@example.com", (A, B), attach_page=False)
WEEK20 = Assignment("example.com", summaries.WEEK.begin, summaries.WEEK.end)
SENT, FAILED, PLANNED, UNSURE = DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.PLANNED, DeliveryState.UNSURE


@pytest.fixture
def store(tmp_path):
    with StoreFiles(tmp_path / "store", SMALL) as made:
        made.create()
        yield made


@pytest.fixture
def server():
    with MailServer() as made:
        yield made


def through(server, **more):
    return Smtp("127.0.0.1", server.port, Security.NONE, **{"seconds": 5.0, "end_seconds": 5.0, **more})


def run(store, carrier, mailing=MAILING, now=NOW, make=summaries.typical):
    """One try. Returns the state of each recipient, in their order."""
    with sending_alone(store):
        return [one.state for one in deliver(store, carrier, mailing, WEEK20, make, clock=lambda: now)]


def lines(store):
    return {one.recipient: one for one in Deliveries(store.ledger).of(WEEK20)}


def test_it_is_sent_once(store, server):
    assert run(store, through(server)) == [SENT, SENT]
    assert run(store, through(server)) == [SENT, SENT]
    (mail,) = server.mails
    assert mail.rcpt_tos == [A, B]
    message = message_from_bytes(mail.content, policy=default)
    assert message["Message-ID"] == lines(store)[A].message_id
    assert message["Message-ID"].endswith("@example.com>")
    assert is_over(Deliveries(store.ledger).of(WEEK20))
    (said,) = Deliveries(store.ledger).told(["example.com"])
    assert said.figures[FigureName.REPORTED] == summaries.typical().messages


def test_nothing_is_made_where_nothing_is_to_be_sent(store, server):
    run(store, through(server))
    assert run(store, through(server), make=lambda: pytest.fail("made for nobody")) == [SENT, SENT]


def test_greylisting(store, server):
    server.refuse[A] = "450 4.2.0 greylisted, come again"
    server.times[A] = 1
    assert run(store, through(server)) == [PLANNED, SENT]
    waits = lines(store)[A]
    assert (waits.reason, waits.retry_at, waits.attempts) == ("450 4.2.0 greylisted, come again", NOW + timedelta(minutes=5), 1)
    assert run(store, through(server), now=NOW + timedelta(minutes=5)) == [SENT, SENT]
    assert [mail.rcpt_tos for mail in server.mails] == [[B], [A]], "who had it does not get it again"
    assert len({message_from_bytes(mail.content)["Message-ID"] for mail in server.mails}) == 1


def test_waits_grow_and_end(store, server):
    server.refuse[A] = "450 later"
    only = Mailing("example.com", None, "dmarc@example.com", (A,), attach_page=False)
    waits, now = [], NOW
    while (states := run(store, through(server), only, now)) == [PLANNED]:
        retry = lines(store)[A].retry_at
        waits.append((retry - now).total_seconds() / 60)
        now = retry
        if len(waits) == 8:
            now = NOW + GIVE_UP + timedelta(seconds=1)
    assert waits == [5, 10, 20, 40, 80, 160, 240, 240]
    assert (states, lines(store)[A].reason) == ([FAILED], "given up after 4 days: 450 later")


def test_a_refusal_is_told_and_not_tried_again(store, server):
    server.refuse["DATA"] = "554 5.7.1 looks like spam"
    assert run(store, through(server)) == [FAILED, FAILED]
    del server.refuse["DATA"]
    assert run(store, through(server)) == [FAILED, FAILED]
    assert (server.mails, lines(store)[A].reason) == ([], "554 5.7.1 looks like spam")


BROKEN = [
    ("data", PLANNED, 0, "before the content: it is tried again"),
    ("end", UNSURE, 0, "after its end: nobody knows"),
    ("answer", UNSURE, 1, "the server has it, and its answer is lost"),
]


@pytest.mark.parametrize(("cut", "state", "arrived", "why"), BROKEN, ids=[case[-1] for case in BROKEN])
def test_broken_connections(store, server, cut, state, arrived, why):
    server.cut = cut
    assert run(store, through(server)) == [state, state]
    server.cut = ""
    assert run(store, through(server)) == [SENT if state is PLANNED else UNSURE] * 2
    assert len(server.mails) == (arrived or (state is PLANNED)), "never doubled in silence"


def test_no_answer_in_time_is_unsure_until_somebody_says_again(store, server):
    server.hang = 1.0
    assert run(store, through(server, end_seconds=0.1)) == [UNSURE, UNSURE]
    server.hang = 0.0
    Deliveries(store.ledger).again(WEEK20, [A], NOW)
    assert run(store, through(server)) == [SENT, UNSURE]
    assert server.mails[-1].rcpt_tos == [A]


def test_what_the_operator_must_mend_waits_and_says_why(store, server):
    with pytest.raises(SetupError, match="STARTTLS"):
        run(store, Smtp("127.0.0.1", server.port, Security.STARTTLS))
    assert [one.state for one in lines(store).values()] == [PLANNED, PLANNED]
    assert "STARTTLS" in lines(store)[A].reason
    assert run(store, through(server)) == [SENT, SENT], "once it is mended"


class Breaking:
    """A carrier in whose hands the ledger is locked by somebody else, before or after the mail has gone."""

    def __init__(self, store, *, first):
        self.blocker = sqlite3.connect(store.ledger.path, isolation_level=None)
        self.first = first

    def send(self, letter, before):
        if self.first:
            self.blocker.execute("BEGIN IMMEDIATE")
        before(letter.recipients)
        self.blocker.execute("BEGIN IMMEDIATE")
        return Receipt(letter.recipients, said="250 OK")


def test_a_ledger_that_cannot_be_written_before_lets_no_mail_go(store):
    carrier = Breaking(store, first=True)
    store.ledger.connection.execute("PRAGMA busy_timeout = 50")
    with closing(carrier.blocker), pytest.raises(StoreUnavailable, match="locked"):
        run(store, carrier)
    assert [one.state for one in lines(store).values()] == [PLANNED, PLANNED]


def test_a_mail_that_could_not_be_noted_is_unsure_the_next_time(store):
    carrier = Breaking(store, first=False)
    store.ledger.connection.execute("PRAGMA busy_timeout = 50")
    with closing(carrier.blocker), pytest.raises(StoreUnavailable, match="was sent, and that could not be noted"):
        run(store, carrier)
    with sending_alone(store) as cut_short:
        assert [one.state for one in cut_short] == [UNSURE, UNSURE]


def test_only_one_sends(store, server):
    with sending_alone(store), StoreFiles(store.root, SMALL) as other, pytest.raises(StoreUnavailable, match="another dmarcscope"):
        run(other, through(server))
    assert server.mails == []


KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
import summaries
from dmarcscope.intake.account import Security
from dmarcscope.ops import deliver as ops
from dmarcscope.model.delivery import Assignment
from dmarcscope.outgoing import smtp
from dmarcscope.store.files import StoreFiles
from pathlib import Path

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

where = sys.argv[3]
if where == "sending":
    smtp.smtplib.SMTP.docmd = lambda self, *words: die()
elif where == "noted":
    ops.became = die
else:
    smtp.smtplib.SMTP.mail = lambda self, *words: die()
week = Assignment("example.com", summaries.WEEK.begin, summaries.WEEK.end)
mailing = ops.Mailing("example.com", ("example.com",), "dmarc@example.com", ("a@example.net",), attach_page=False)
with StoreFiles(Path(sys.argv[1])) as store, ops.sending_alone(store):
    ops.deliver(store, smtp.Smtp("127.0.0.1", int(sys.argv[2]), Security.NONE), mailing, week, summaries.typical)
"""
DEATHS = [
    ("before", SENT, 1, "before the server was to get anything: it is simply sent"),
    ("sending", UNSURE, 0, "after the note: nobody knows"),
    ("noted", UNSURE, 1, "after the mail, before the note of it: told, and not doubled"),
]


@pytest.mark.parametrize(("where", "state", "arrived", "why"), DEATHS, ids=[case[-1] for case in DEATHS])
def test_a_run_that_is_killed(store, server, where, state, arrived, why):
    tests = Path(__file__).parents[1]
    code = KILLED.format(paths=[str(tests)])
    done = subprocess.run([sys.executable, "-c", code, str(store.root), str(server.port), where], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    with sending_alone(store) as cut_short:
        assert [one.state for one in cut_short] == ([UNSURE] if state is UNSURE else [])
        only = Mailing("example.com", ("example.com",), "dmarc@example.com", (A,), attach_page=False)
        found = deliver(store, through(server), only, WEEK20, summaries.typical, clock=lambda: NOW)
    assert [one.state for one in found] == [state]
    assert len(server.mails) == arrived


def test_the_whole_mail_with_page_and_json(store, server):
    """As it arrives: all its parts, below a megabyte."""
    mailing = Mailing("example.com", None, "dmarc@example.com", (A,), attach_page=True, attach_json=True)
    assert run(store, through(server), mailing) == [SENT]
    content = server.mails[0].content
    assert len(content) < 1_000_000
    message = message_from_bytes(content, policy=default)
    assert [part.get_content_type() for part in message.get_body(("html",)).walk()] == ["text/html"]
    files = {part.get_filename(): part for part in message.iter_attachments()}
    page = next(part for name, part in files.items() if name.startswith("example.com-2026-W20.html"))
    assert page.get_content()
    data = next(part for name, part in files.items() if name.startswith("example.com-2026-W20.json"))
    if data.get_filename().endswith(".json"):
        assert json.loads(data.get_content())["messages"] == summaries.typical().messages


@pytest.mark.long
def test_a_real_postfix_takes_it(store):
    """It is piped to a command, which keeps it: dots, umlauts and attachments are as they were."""
    with tempfile.TemporaryDirectory(prefix="postfix-") as folder:
        Path(folder).chmod(0o755)
        kept = Path(folder, "kept")
        kept.mkdir()
        kept.chmod(0o777)
        aliases = f'owner: "|/bin/cat > {kept}/mail"\n'
        content = taken_by_postfix(store, Path(folder), aliases, kept / "mail")
    message = message_from_bytes(content, policy=default)
    assert message["Subject"] == summaries.typical().subject
    assert not [part.defects for part in message.walk() if part.defects]
    assert next(part.get_filename() for part in message.iter_attachments()).startswith("example.com-2026-W20.html")


def taken_by_postfix(store, folder, aliases, file):
    """What Postfix hands to the command of an alias."""
    with Postfix(folder / "postfix", aliases=aliases, user="nobody", port=free_port()) as postfix:
        mailing = Mailing("example.com", None, "dmarc@example.com", ("owner@example.org", "nobody-here@elsewhere.example"))
        states = run(store, Smtp("127.0.0.1", postfix.port, Security.NONE), mailing)
        assert states == [SENT, FAILED], postfix.log()
        assert lines(store)["nobody-here@elsewhere.example"].reason.startswith("5"), "a relay for others it is not"
        deadline = time.monotonic() + 20
        while not file.exists() or b"--\n" not in file.read_bytes()[-200:].replace(b"\r", b""):
            assert time.monotonic() < deadline, postfix.log()
            time.sleep(0.05)
        return file.read_bytes()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]
