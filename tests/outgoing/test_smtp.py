"""A mail is handed to a real server, and for each recipient it is told what became of it; nothing goes without TLS but within the machine."""

import socket
import threading
from email import message_from_bytes
from email.policy import default

import pytest
from mail_server import MailServer

from dmarcscope.errors import SetupError, StoreUnavailable
from dmarcscope.intake.account import Security
from dmarcscope.model.delivery import Letter
from dmarcscope.outgoing.smtp import Smtp, spoken

LOGIN = {"user": "me", "password": "sécret"}
A, B = "a@example.net", "b@example.net"
CONTENT = b"From: <dmarc@example.com>\r\nTo: <a@example.net>\r\nSubject: hello\r\n\r\n.a line that begins with a dot\r\n..\r\nend\r\n"
SECURITY = {"tls": Security.TLS, "starttls": Security.STARTTLS, "none": Security.NONE}


def smtp(server, **more):
    values = {"security": SECURITY[server.security], "seconds": 5.0, "end_seconds": 5.0}
    if server.security != "none":
        values["ca_file"] = server.ca_file
    if server.user:
        values |= {"user": server.user, "password": lambda: server.password}
    return Smtp("127.0.0.1", server.port, **{**values, **more})


def send(server, recipients=(A,), content=CONTENT, before=None, **more):
    """Hand in a letter. Returns the receipt, and what ``before`` was called with."""
    called = []
    receipt = smtp(server, **more).send(Letter("dmarc@example.com", recipients, content), before or called.append)
    return receipt, called


WAYS = [
    ("none", "", "a relay on this machine"),
    ("none", "me", "a relay on this machine that wants a login"),
    ("starttls", "me", "submission"),
    ("tls", "me", "submission by TLS at once"),
    ("starttls", "", "TLS without a login"),
]


@pytest.mark.parametrize(("security", "user", "why"), WAYS, ids=[way[-1] for way in WAYS])
def test_a_mail_arrives_as_it_is(security, user, why):
    with MailServer(security, **(LOGIN if user else {})) as server:
        receipt, called = send(server, (A, B))
        assert (receipt.accepted, receipt.refused, receipt.unsure) == ((A, B), {}, ())
        assert receipt.said == "250 2.0.0 queued as 4F00D"
        assert called == [(A, B)]
        (mail,) = server.mails
        assert (mail.mail_from, mail.rcpt_tos) == ("dmarc@example.com", [A, B])
        assert mail.content == CONTENT, "dots and all"
        assert message_from_bytes(mail.content, policy=default)["Subject"] == "hello"


def test_a_login_where_only_other_ways_are_offered():
    with MailServer("starttls", **LOGIN) as server:
        server.without_login, server.password = ("PLAIN",), "ascii"
        assert send(server)[0].accepted == (A,)
        assert server.seen["AUTH LOGIN"] == 1
        server.password = "pässword"
        with pytest.raises(SetupError, match="no such signs"):
            send(server)


REFUSED = [
    ({B: "550 5.1.1 nobody of that name"}, (A,), {B: (False, 550)}, "one recipient for good"),
    ({B: "450 4.2.0 greylisted"}, (A,), {B: (True, 450)}, "one recipient for now"),
    ({A: "550 no", B: "451 later"}, (), {A: (False, 550), B: (True, 451)}, "nobody is left"),
    ({"MAIL": "550 not from there"}, (), {A: (False, 550), B: (False, 550)}, "the sender"),
    ({"MAIL": "452 too much"}, (), {A: (True, 452), B: (True, 452)}, "the sender, for now"),
    ({"DATA": "554 5.7.1 spam"}, (), {A: (False, 554), B: (False, 554)}, "the content"),
    ({"DATA": "451 try again"}, (), {A: (True, 451), B: (True, 451)}, "the content, for now"),
    ({"DATA": "554 no", B: "450 later"}, (), {A: (False, 554), B: (True, 450)}, "each for its own reason"),
    ({A: "421 going down"}, (), {A: (True, 421), B: (True, 421)}, "the server goes away"),
]


@pytest.mark.parametrize(("rules", "accepted", "refused", "why"), REFUSED, ids=[case[-1] for case in REFUSED])
def test_refusals(rules, accepted, refused, why):
    with MailServer() as server:
        server.refuse |= rules
        receipt, called = send(server, (A, B))
        assert receipt.accepted == accepted
        assert {name: (one.passing, one.code) for name, one in receipt.refused.items()} == refused
        assert receipt.unsure == ()
        assert bool(called) == any(name not in refused or "DATA" in rules for name in (A, B))
        assert len(server.mails) == bool(accepted)


def test_a_mail_that_is_too_large_is_refused_before_it_is_sent():
    with MailServer(size=1000) as server:
        receipt, called = send(server, content=CONTENT + b"x" * 2000 + b"\r\n")
        assert (receipt.refused[A].code, receipt.refused[A].passing, called) == (552, False, [])


BROKEN = [
    ("greeting", (A,), (), "nothing was said yet"),
    ("mail", (A,), (), "in the middle of the envelope"),
    ("data", (A,), (), "before the server wanted the content"),
    ("content", (), (A,), "after it: all of a small mail is under way, and nobody answers"),
    ("end", (), (A,), "before the answer"),
    ("answer", (), (A,), "taken over, and the answer is lost"),
]


@pytest.mark.parametrize(("cut", "refused", "unsure", "why"), BROKEN, ids=[case[-1] for case in BROKEN])
def test_broken_connections(cut, refused, unsure, why):
    with MailServer() as server:
        server.cut = cut
        receipt, _ = send(server)
        assert (tuple(receipt.refused), receipt.unsure, receipt.accepted) == (refused, unsure, ())
        assert all(one.passing for one in receipt.refused.values())
        assert len(server.mails) == (cut == "answer")


def test_a_large_mail_that_breaks_in_the_middle_was_not_delivered():
    """RFC 5321 §4.1.1.4: without its end a server must forget it."""
    with MailServer(size=100_000_000) as server:
        server.cut = "content"
        receipt, called = send(server, content=CONTENT + (b"x" * 70 + b"\r\n") * 500_000)
        assert receipt.refused[A].passing
        assert (receipt.unsure, called) == ((), [(A,)])


def test_no_answer_to_the_end_in_time_is_unsure():
    with MailServer() as server:
        server.hang = 1.0
        receipt, _ = send(server, end_seconds=0.1)
        assert (receipt.unsure, receipt.refused) == ((A,), {})
        assert "timed out" in receipt.said


def test_a_server_that_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        receipt = Smtp("127.0.0.1", silent.getsockname()[1], Security.NONE, seconds=0.1).send(Letter("d@example.com", (A,), CONTENT), print)
        assert receipt.refused[A].passing


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    receipt = Smtp("127.0.0.1", port, Security.NONE).send(Letter("d@example.com", (A,), CONTENT), print)
    assert receipt.refused[A].passing
    assert "refused" in receipt.refused[A].said


GREETINGS = [
    (b"554 5.7.1 your address is blocked\r\n", False, 554, "for good"),
    (b"421 too busy\r\n", True, 421, "for now"),
    (b"\xff\x00garbage\r\n", True, 0, "no mail server"),
]


@pytest.mark.parametrize(("greeting", "passing", "code", "why"), GREETINGS, ids=[case[-1] for case in GREETINGS])
def test_greetings(greeting, passing, code, why):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet():
            client, _ = listening.accept()
            with client:
                client.sendall(greeting)
                client.recv(100)

        thread = threading.Thread(target=greet)
        thread.start()
        server = Smtp("127.0.0.1", listening.getsockname()[1], Security.NONE, seconds=5)
        receipt = server.send(Letter("d@example.com", (A,), CONTENT), print)
        thread.join()
    assert (receipt.refused[A].passing, receipt.refused[A].code) == (passing, code)


def test_what_is_the_operators_to_mend():
    with MailServer("starttls", **LOGIN) as server:
        with pytest.raises(SetupError, match=r"the login was refused \(535"):
            send(server, password=lambda: "wrong")
        with pytest.raises(SetupError, match="certificate is not trusted"):
            send(server, ca_file=None)
        with pytest.raises(SetupError, match="cannot be used as CA file"):
            send(server, ca_file=server.ca_file.parent / "nowhere.pem")
        assert server.mails == []
    with MailServer() as server:
        with pytest.raises(SetupError, match="no STARTTLS"):
            send(server, security=Security.STARTTLS)
        server.without_login = ("PLAIN", "LOGIN")
        with pytest.raises(SetupError, match="offers no login"):
            send(server, user="me", password=lambda: "x")
    with pytest.raises(SetupError, match="without TLS"):
        Smtp("mail.example.org", 25, Security.NONE).send(Letter("d@example.com", (A,), CONTENT), print)


def test_a_password_never_goes_out_unencrypted():
    """The server has no TLS: nothing but the hello was said."""
    with MailServer(**LOGIN) as server, pytest.raises(SetupError):
        send(server, security=Security.STARTTLS)
    assert not [name for name in server.seen if name.startswith("AUTH")]


def test_what_the_ledger_has_against_it_comes_before_the_content():
    def refuse(_taken):
        raise StoreUnavailable("the disk is full")

    with MailServer() as server:
        with pytest.raises(StoreUnavailable):
            send(server, before=refuse)
        assert (server.mails, server.seen["begun"]) == ([], 0)


def test_what_a_server_says_is_one_short_line():
    assert spoken(550, b"a\r\nb\tc" + b"x" * 1000) == "550 a b c" + "x" * 291
    assert len(spoken(550, b"x" * 1000)) == 300
    assert "secret" not in repr(Smtp("h", 25, password=lambda: "secret"))
