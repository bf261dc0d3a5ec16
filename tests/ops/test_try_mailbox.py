"""Trying a mailbox: what works is said in plain words, what does not with what to do; nothing is changed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mailboxworld import QUICK, maildir
from mailworld import letter, report_mail
from servers.dovecot import Dovecot
from servers.proxy import Proxy, answer

from dmarcscope.intake.account import Security
from dmarcscope.model.after import After
from dmarcscope.ops.after import Rules
from dmarcscope.ops.mailbox import Mailbox
from dmarcscope.ops.try_mailbox import Trial, as_dicts, old_rights, try_mailbox


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    with Dovecot(tmp_path_factory.mktemp("dovecot"), plugins="acl", settings=QUICK + "plugin {\n acl = vfile\n}\n") as running:
        running.add("INBOX", [report_mail(1), letter(1), report_mail(2)])
        running.add("narrow", [report_mail(1)])
        running.add("done", [])
        running.add("closed", [])
        (maildir(running, "narrow") / "dovecot-acl").write_text("owner lrsw\n")
        (maildir(running, "closed") / "dovecot-acl").write_text("owner lr\n")
        yield running


def tried(mailbox: Mailbox) -> dict[str, Trial]:
    return {trial.name: trial for trial in try_mailbox(mailbox)}


def test_all_is_well(server: Dovecot) -> None:
    flags = server.flags("INBOX")
    found = tried(Mailbox("m", server.account(), rules=Rules(After.MOVE, "done", unreadable_folder="bad")))
    assert {name: trial.ok for name, trial in found.items()} == {
        "server": True,
        "login": True,
        "IDLE": True,
        "MOVE": True,
        "UIDPLUS": True,
        "folder INBOX": True,
        "permission in INBOX": True,
        "folder done": True,
        "folder bad": None,
    }
    assert found["folder INBOX"].found == "3 mails, 2 look like reports by their subject"
    assert "TLS from the first byte" in found["server"].found
    assert server.flags("INBOX") == flags
    assert server.count("bad") == 0, "and nothing was made"


@pytest.mark.parametrize(
    ("security", "verify", "said"),
    [
        (Security.TLS, True, "TLS from the first byte"),
        (Security.TLS, False, "certificate is NOT verified"),
        (Security.STARTTLS, True, "STARTTLS before the login"),
        (Security.NONE, True, "NO TLS"),
    ],
)
def test_how_safe_it_is(server: Dovecot, security: Security, verify: bool, said: str) -> None:
    assert said in tried(Mailbox("m", server.account(security, verify=verify)))["server"].found


def test_what_does_not_work(server: Dovecot) -> None:
    account = server.account()
    wrong = [
        (replace(account, port=server.port), "server", "right port", "TLS where there is none"),
        (replace(account, ca_file=None), "server", "not trusted", "a certificate of nobody's"),
        (replace(account, password=lambda: "wrong"), "login", "refused", "a wrong password"),
    ]
    for given, name, said, why in wrong:
        trial = try_mailbox(Mailbox("m", given))[-1]
        assert (trial.name, trial.ok) == (name, False), why
        assert said in trial.found, why
    assert try_mailbox(Mailbox("m", wrong[2][0]))[-1].fix, "and what to do"


def test_a_folder_that_is_not_there(server: Dovecot) -> None:
    trial = try_mailbox(Mailbox("m", server.account(), ("inbx",)))[-1]
    assert (trial.ok, "inbx cannot be opened" in trial.found) == (False, True)
    assert "INBOX" in trial.fix


RIGHTS = [
    (Rules(), "narrow", True, "reading is all that is needed"),
    (Rules(After.MOVE, "done"), "narrow", False, "missing te"),
    (Rules(After.DELETE), "narrow", False, "missing te"),
    (Rules(After.FLAG), "narrow", True, "we may flag mails"),
    (Rules(unreadable_folder="done"), "narrow", False, "we may not move"),
    (Rules(After.MOVE, "done"), "INBOX", True, "we may move mails"),
]


@pytest.mark.parametrize(("rules", "folder", "ok", "said"), RIGHTS)
def test_rights(server: Dovecot, rules: Rules, folder: str, ok: bool, said: str) -> None:
    trial = tried(Mailbox("m", server.account(), (folder,), rules))[f"permission in {folder}"]
    assert trial.ok is ok
    assert said in trial.found


def test_a_target_that_takes_nothing(server: Dovecot) -> None:
    trial = tried(Mailbox("m", server.account(), rules=Rules(After.MOVE, "closed")))["folder closed"]
    assert (trial.ok, "may not put mails there" in trial.found) == (False, True)


def test_a_server_that_tells_of_no_rights_and_can_little(tmp_path: Path) -> None:
    with Dovecot(tmp_path, capability="IMAP4rev1 LITERAL+") as bare:
        found = tried(Mailbox("m", bare.account(), rules=Rules(After.MOVE, "done")))
    assert [found[name].ok for name in ("IDLE", "MOVE", "UIDPLUS")] == [None] * 3
    assert found["permission in INBOX"].ok is None
    assert "a refusal loses nothing" in found["permission in INBOX"].found


def test_refusals_in_the_middle(server: Dovecot) -> None:
    with Proxy(server.port) as proxy:
        proxy.when(b"SEARCH", answer(b"NO [SERVERBUG] Internal error"))
        trial = try_mailbox(Mailbox("m", proxy.account(server)))[-1]
    assert (trial.name, trial.ok, "does not search" in trial.found) == ("mailbox", False, True)


@pytest.mark.parametrize(("rights", "expected"), [("lrd", "lrdte"), ("lrte", "lrte"), ("", "")])
def test_rights_of_old(rights: str, expected: str) -> None:
    assert old_rights(rights) == expected


def test_for_machines() -> None:
    assert as_dicts([Trial("login", True, "in")]) == [{"name": "login", "ok": True, "found": "in", "fix": ""}]
