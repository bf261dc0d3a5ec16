"""From a mailbox at a real Dovecot into the store: each mail once, whatever the server, the network and the disk do."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest
from mailboxworld import QUICK, Watching, World, forget_uidvalidity, mail_files, maildir, poll
from mailworld import broken_mail, letter, report_mail
from servers.dovecot import PASSWORD, USER, Dovecot
from servers.proxy import Proxy, answer, cut
from servers.token_service import TokenService
from storeworld import SMALL

from dmarcscope.errors import DmarcscopeError, MailboxUnavailable, SetupError
from dmarcscope.intake import account, imap
from dmarcscope.intake.account import Mechanism, Security
from dmarcscope.intake.imap import ActionRefused, ImapSession
from dmarcscope.intake.oauth import OAuthClient
from dmarcscope.intake.tokens import OAuthTokens
from dmarcscope.model.after import After
from dmarcscope.ops import after, collecting
from dmarcscope.ops import mailbox as mailbox_module
from dmarcscope.ops.after import Rules
from dmarcscope.ops.events import Happening
from dmarcscope.ops.mailbox import Mailbox
from dmarcscope.ops.watch import watch
from dmarcscope.store.files import StoreFiles

MOVE = Rules(After.MOVE, "done")
UIDPLUS = "IMAP4rev1 UIDPLUS IDLE LITERAL+"
BARE = "IMAP4rev1 IDLE LITERAL+"
ROOT_ONLY = pytest.mark.skipif(os.getuid() != 0, reason="NOT TESTED: mails that the server may not read. Run the tests as root")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    with Dovecot(tmp_path_factory.mktemp("dovecot"), settings=QUICK) as server:
        yield server


@pytest.fixture
def server(running: Dovecot) -> Dovecot:
    """A server with nothing in it."""
    try:
        empty(running)
    except Exception:
        print(running.log()[-3000:])
        raise
    return running


def empty(running: Dovecot) -> None:
    """Take away every mail and folder."""
    with running.imap() as client:
        for _, _, name in client.list_folders():
            if name != "INBOX":
                client.delete_folder(name)
        client.select_folder("INBOX")
        client.delete_messages(client.search() or [1], silent=True)
        client.expunge()


@pytest.fixture
def proxy(server: Dovecot) -> Iterator[Proxy]:
    with Proxy(server.port) as between:
        yield between


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures are tried again soon."""
    monkeypatch.setattr(collecting, "WAITS", dict.fromkeys(collecting.WAITS, (0.05, 0.2)))


# What is stored.


def test_new_mails_are_stored_exactly_once(server: Dovecot, root: Path) -> None:
    world = World.of(server, root)
    server.add("INBOX", [report_mail(number) for number in range(7)])
    assert world.once().stored == 7
    assert world.once().artefacts == 0, "nothing is new"
    server.add("INBOX", [report_mail(7), report_mail(3)])
    outcome = world.once()
    assert (outcome.stored, outcome.duplicate) == (1, 1), "the same report in another mail is a duplicate"
    assert world.facts.totals["stored"] == 8
    assert [settled for _, settled, _ in world.mails] == ["kept"] * 9
    assert server.count("INBOX") == 9
    assert not any(server.flags("INBOX")), "and no mail was touched"


def test_an_empty_mailbox(server: Dovecot, root: Path) -> None:
    world = World.of(server, root)
    assert world.once().artefacts == 0
    assert world.told(Happening.TROUBLE) == []


RULES = [
    (Rules(), "kept", (4, 0, 0), "nothing is changed"),
    (MOVE, "moved", (1, 3, 0), "reports go, what is unreadable stays"),
    (Rules(After.MOVE, "done", unreadable_folder="bad"), "moved", (0, 3, 1), "and what is unreadable has a folder of its own"),
    (Rules(unreadable_folder="bad"), "kept", (3, 0, 1), "only what is unreadable goes"),
    (Rules(After.DELETE), "deleted", (1, 0, 0), "reports are deleted"),
    (Rules(After.FLAG, flag="$Seen-by-us"), "flagged", (4, 0, 0), "reports are marked"),
]


@pytest.mark.parametrize(("rules", "done", "left", "why"), RULES, ids=[why for *_, why in RULES])
@pytest.mark.parametrize("words", [None, UIDPLUS], ids=["MOVE", "UIDPLUS"])
def test_what_becomes_of_mails(
    server: Dovecot, root: Path, rules: Rules, done: str, left: tuple[int, int, int], why: str, words: str | None, tmp_path: Path
) -> None:
    mails = [report_mail(1), letter(1), broken_mail(1), report_mail(2), report_mail(1), letter(2)]
    if words:
        with Dovecot(tmp_path / "own", capability=words) as own:
            check_rules(own, root, rules, done, left, mails)
    else:
        check_rules(server, root, rules, done, left, mails)


def check_rules(server: Dovecot, root: Path, rules: Rules, done: str, left: tuple[int, int, int], mails: list[bytes]) -> None:
    server.add("INBOX", mails)
    world = World.of(server, root, rules)
    outcome = world.once()
    assert (outcome.stored, outcome.duplicate, outcome.sidelined, outcome.ignored) == (2, 1, 1, 0)
    assert (server.count("INBOX") - 2, server.count("done"), server.count("bad")) == left, "the two letters stay"
    unreadable = "moved" if rules.unreadable_folder else "kept"
    assert [settled for _, settled, _ in world.mails] == [done, "left", unreadable, done, done, "left"]
    flags = server.flags("INBOX")
    assert sum(b"$Seen-by-us" in found for found in flags) == (3 if rules.after is After.FLAG else 0)
    assert not any(b"\\Seen" in found for found in flags)
    spooled = world.spooled()
    assert b"lunch" not in spooled, "nothing of a letter is kept"
    assert broken_mail(1) in spooled
    assert world.once().artefacts == 0
    if rules.move_to == "done":
        assert sorted(server.contents("done")) == sorted([report_mail(1), report_mail(2), report_mail(1)])


def test_a_server_that_can_neither_move_nor_expunge(root: Path, tmp_path: Path) -> None:
    with Dovecot(tmp_path / "own", capability=BARE) as own:
        own.add("INBOX", [report_mail(1), report_mail(2)])
        own.add("done", [])
        with own.imap() as other:
            other.select_folder("INBOX")
            other.append("INBOX", letter(1))
            other.delete_messages([3], silent=True)
        world = World.of(own, root, MOVE)
        for _ in range(2):
            world.once()
            assert (own.count("INBOX"), own.count("done")) == (3, 2), "copied once, marked, and nothing is expunged"
        assert all(b"\\Deleted" in flags for flags in own.flags("INBOX"))
        assert world.sql("SELECT DISTINCT reason FROM mails WHERE settled = 'moved'") == [
            ("copied to done and marked as deleted: the server cannot expunge single messages",)
        ]


def test_kinds_that_are_no_reports_stay(server: Dovecot, root: Path) -> None:
    """Something with an attachment that may be a report, and is none: its bytes are kept, the mail is left alone."""
    mail = report_mail(1, data=b"<?xml version='1.0'?><invoice><total>3</total></invoice>")
    server.add("INBOX", [mail])
    world = World.of(server, root, Rules(After.MOVE, "done", unreadable_folder="bad"))
    assert world.once().ignored == 1
    assert (server.count("INBOX"), server.count("done"), server.count("bad")) == (1, 0, 0)
    assert [settled for _, settled, _ in world.mails] == ["left"]


def test_rules_that_change_later_are_for_later_mails(server: Dovecot, root: Path) -> None:
    server.add("INBOX", [report_mail(1)])
    world = World.of(server, root)
    world.once()
    server.add("INBOX", [report_mail(2)])
    world.with_rules(MOVE).once()
    assert (server.count("INBOX"), server.count("done")) == (1, 1)


def test_a_broken_mail_is_fetched_once(server: Dovecot, proxy: Proxy, root: Path) -> None:
    server.add("INBOX", [report_mail(1), broken_mail(1), report_mail(2)])
    world = World.of(server, root, account=proxy.account(server))
    outcome = world.once()
    assert (outcome.stored, outcome.sidelined) == (2, 1)
    assert [told["reason"] for told in world.told(Happening.SIDELINED)], "and that is told, with its reason"
    assert broken_mail(1) in world.spooled()
    fetched = proxy.count(rb"FETCH .*BODY")
    for _ in range(3):
        assert world.once().artefacts == 0
    assert proxy.count(rb"FETCH .*BODY") == fetched
    assert len(world.told(Happening.SIDELINED)) == 1


def test_an_empty_message(server: Dovecot, root: Path) -> None:
    server.add("INBOX", [report_mail(1)])
    (maildir(server) / "new" / "1700000000.M1P1.host").write_bytes(b"")
    server.add("INBOX", [report_mail(2)])
    world = World.of(server, root, MOVE)
    outcome = world.once()
    assert outcome.stored == 2
    assert (server.count("INBOX"), server.count("done")) == (1, 2)
    assert world.once().artefacts == 0


# Watching.


def test_watching_takes_what_comes_and_stops_when_told(server: Dovecot, root: Path) -> None:
    server.add("INBOX", [report_mail(0)])
    world = World.of(server, root, MOVE)
    with Watching(world) as watching:
        poll(lambda: server.count("done") == 1, "the first mail is moved")
        for number in range(1, 4):
            server.add("INBOX", [report_mail(number), letter(number)])
            poll(lambda number=number: server.count("done") == number + 1, f"mail {number} is moved")  # type: ignore[misc]
    assert watching.outcome is not None
    assert (watching.outcome.stored, watching.outcome.ignored) == (4, 0)
    assert server.count("INBOX") == 3
    assert world.facts.totals["stored"] == 4
    assert (world.events[0].what, world.events[-1].what) == (Happening.STARTED, Happening.STOPPED)


@pytest.mark.parametrize("idle", [True, False], ids=["IDLE", "polling"])
def test_waiting_for_mail(root: Path, tmp_path: Path, idle: bool) -> None:
    words = None if idle else "IMAP4rev1 UIDPLUS MOVE"
    with Dovecot(tmp_path / "own", capability=words, settings=QUICK) as own, Proxy(own.port) as between:
        world = World.of(own, root, account=between.account(own), poll_seconds=0.5)
        with Watching(world):
            poll(lambda: between.count(b" IDLE" if idle else b" NOOP"), "it waits")
            own.add("INBOX", [report_mail(1)])
            poll(lambda: world.count(Happening.STORED, "stored") == 1)
        assert bool(between.count(b" IDLE")) is idle


def test_idle_can_be_switched_off(server: Dovecot, proxy: Proxy, root: Path) -> None:
    world = World.of(server, root, account=proxy.account(server), poll_seconds=0.3, idle=False)
    with Watching(world):
        poll(lambda: proxy.count(b" NOOP") > 1)
    assert not proxy.count(b" IDLE")


def test_the_server_is_started_again_in_between(root: Path, tmp_path: Path, quick_retries: None) -> None:
    with Dovecot(tmp_path / "own", settings=QUICK) as own:
        own.add("INBOX", [report_mail(1)])
        world = World.of(own, root, MOVE)
        with Watching(world):
            poll(lambda: own.count("done") == 1)
            own.restart()
            own.add("INBOX", [report_mail(2)])
            poll(lambda: own.count("done") == 2)
            poll(lambda: len(world.told(Happening.CONNECTED)) >= 2)
        assert world.told(Happening.TROUBLE), "and that is told"
        assert world.sql("SELECT trouble FROM folders") == [(None,)], "and past"


def test_a_server_that_is_away_is_told_and_tried_again(server: Dovecot, proxy: Proxy, root: Path, quick_retries: None) -> None:
    proxy.when(b"LOGIN", answer(b"NO [UNAVAILABLE] later"), times=3)
    server.add("INBOX", [report_mail(1)])
    world = World.of(server, root, account=proxy.account(server))
    with Watching(world):
        poll(lambda: world.count(Happening.STORED, "stored") == 1)
    assert len(world.told(Happening.TROUBLE)) == 3
    assert all(told["again_in"] is not None for told in world.told(Happening.TROUBLE))


@pytest.mark.parametrize(
    ("refusal", "kind", "tries"),
    [
        (b"NO [AUTHENTICATIONFAILED] no", SetupError, 1),
        (b"NO [UNAVAILABLE] later", MailboxUnavailable, collecting.ONCE_TRIES),
    ],
    ids=["a wrong password is not tried again", "a server that is away is"],
)
def test_once_gives_up(
    server: Dovecot, proxy: Proxy, root: Path, refusal: bytes, kind: type[DmarcscopeError], tries: int, quick_retries: None
) -> None:
    proxy.when(b"LOGIN", answer(refusal))
    with pytest.raises(kind):
        World.of(server, root, account=proxy.account(server)).once()
    assert proxy.count(rb"^\S+ LOGIN") == tries


def test_a_half_open_connection_is_found_out(
    server: Dovecot, proxy: Proxy, root: Path, monkeypatch: pytest.MonkeyPatch, quick_retries: None
) -> None:
    monkeypatch.setattr(account, "READ_SECONDS", 1.0)
    monkeypatch.setattr(mailbox_module, "IDLE_SECONDS", 1.0)
    world = World.of(server, root, account=proxy.account(server))
    with Watching(world):
        poll(lambda: proxy.count(b" IDLE"))
        for link in list(proxy._links):
            link.frozen.set()
        server.add("INBOX", [report_mail(1)])
        poll(lambda: world.count(Happening.STORED, "stored") == 1)


def test_progress_counts_against_giving_up(
    server: Dovecot, proxy: Proxy, root: Path, monkeypatch: pytest.MonkeyPatch, quick_retries: None
) -> None:
    """A provider that ends the connection every few mails: each time some more are had, so a long first run ends well."""
    monkeypatch.setattr(mailbox_module, "BATCH_MAILS", 1)
    server.add("INBOX", [report_mail(number) for number in range(12)])
    hits = iter(range(1000))

    def now_and_then(link: Any, line: bytes) -> bool:
        return cut(link, line) if next(hits) % 3 == 2 else True

    proxy.when(rb"FETCH .*BODY", now_and_then)
    world = World.of(server, root, account=proxy.account(server))
    assert world.once().stored == 12
    assert proxy.connections > collecting.ONCE_TRIES


def test_two_watches_on_one_folder(server: Dovecot, root: Path) -> None:
    world = World.of(server, root)
    with Watching(world):
        poll(lambda: world.told(Happening.CONNECTED))
        with pytest.raises(DmarcscopeError, match=r"another dmarcscope is taking reports from it.*Stop it"):
            replace(world, events=[]).once()
        elsewhere = replace(
            world, events=[], places=[replace(place, folders=("other",)) for place in world.places if isinstance(place, Mailbox)]
        )
        server.add("other", [report_mail(1)])
        assert elsewhere.once().stored == 1, "another folder is free"
    assert world.once().artefacts == 0, "and afterwards it is free again"


def test_several_mailboxes_and_folders_at_once(server: Dovecot, root: Path, tmp_path: Path) -> None:
    with Dovecot(tmp_path / "own", settings=QUICK) as second:
        for number, (where, folder) in enumerate([(server, "INBOX"), (server, "two words"), (second, "INBOX"), (second, "Entwürfe")]):
            where.add(folder, [report_mail(10 * number + one) for one in range(3)])
        world = World.of(server, root, MOVE, folders=("INBOX", "two words"))
        world.places.append(Mailbox("second", second.account(), ("INBOX", "Entwürfe"), Rules(After.DELETE)))
        assert world.once().stored == 12
        assert [
            server.count("INBOX"),
            server.count("two words"),
            server.count("done"),
            second.count("INBOX"),
            second.count("Entwürfe"),
        ] == [
            0,
            0,
            6,
            0,
            0,
        ]
        assert len(world.sql("SELECT DISTINCT account, folder FROM mails")) == 4
        assert world.facts.totals["stored"] == 12


def test_one_mailbox_of_two_is_of_no_use(server: Dovecot, root: Path, proxy: Proxy) -> None:
    proxy.when(b"LOGIN", answer(b"NO [AUTHENTICATIONFAILED] no"))
    server.add("INBOX", [report_mail(1)])
    world = World.of(server, root)
    world.places.append(Mailbox("second", proxy.account(server)))
    with pytest.raises(SetupError, match="login is refused"):
        world.once()
    assert world.facts.totals["stored"] == 1, "the other is taken all the same"


def test_nothing_to_watch(root: Path) -> None:
    with pytest.raises(SetupError, match="nothing to watch"):
        World(root).once()


def test_a_folder_that_is_not_there(server: Dovecot, root: Path) -> None:
    with pytest.raises(SetupError, match=r"folder Reports cannot be opened.*There are"):
        World.of(server, root, folders=("Reports",)).once()


# Crashes in the middle.


def test_a_crash_between_copy_and_expunge_leaves_no_second_copy(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Dovecot(tmp_path / "own", capability=UIDPLUS) as own:
        own.add("INBOX", [report_mail(number) for number in range(4)])
        world = World.of(own, root, MOVE)
        with monkeypatch.context() as patch:

            def crash(_self: ImapSession, _uids: Any) -> bool:
                raise RuntimeError("power cut")

            patch.setattr(ImapSession, "delete", crash)
            with pytest.raises(RuntimeError, match="power cut"):
                world.once()
        assert (own.count("INBOX"), own.count("done")) == (4, 4)
        assert {settled for _, settled, _ in world.mails} == {"copying"}
        own.add("INBOX", [report_mail(9)])
        world.once()
        assert (own.count("INBOX"), own.count("done")) == (0, 5)
        assert sorted(own.contents("done")) == sorted(report_mail(number) for number in (0, 1, 2, 3, 9))


def test_a_crash_before_the_copy_loses_none(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Dovecot(tmp_path / "own", capability=UIDPLUS) as own:
        own.add("INBOX", [report_mail(1), b"Subject: none\r\n" + report_mail(2).replace(b"Message-ID: <2@mill.example>\r\n", b"")])
        world = World.of(own, root, MOVE)
        with monkeypatch.context() as patch:

            def crash(_self: ImapSession, _uids: Any, _folder: str) -> None:
                raise RuntimeError("power cut")

            patch.setattr(ImapSession, "copy", crash)
            with pytest.raises(RuntimeError, match="power cut"):
                world.once()
        assert (own.count("INBOX"), own.count("done")) == (2, 0)
        world.once()
        assert (own.count("INBOX"), own.count("done")) == (0, 2)


def test_a_bug_in_a_collector_is_not_silent(server: Dovecot, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(ImapSession, "sizes", bug)
    server.add("INBOX", [report_mail(1)])
    world = World.of(server, root)
    with pytest.raises(RuntimeError, match="a bug"):
        world.once()
    with pytest.raises(RuntimeError, match="a bug"), Watching(world) as watching:
        poll(lambda: watching.error)


def test_the_watch_stops_while_mails_are_half_brought(server: Dovecot, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_module, "BATCH_MAILS", 2)
    server.add("INBOX", [report_mail(number) for number in range(20)])
    world = World.of(server, root, MOVE)
    stop = Flag()

    def tell(event: Any) -> None:
        world.events.append(event)
        if world.count(Happening.FETCHED) >= 6:
            stop.set()

    with StoreFiles(root, SMALL) as store:
        watch(store, world.places, tell, stop=stop)
    brought = world.count(Happening.FETCHED)
    assert 6 <= brought < 20
    assert world.states == {"stored": brought}
    world.once()
    assert world.states == {"stored": 20}
    assert (server.count("INBOX"), server.count("done")) == (0, 20)


def test_what_an_earlier_run_left_out_is_found(server: Dovecot, root: Path) -> None:
    """Whatever the reason for a gap in the ledger: a new run looks at all of the folder."""
    server.add("INBOX", [report_mail(number) for number in range(6)])
    world = World.of(server, root)
    world.once()
    world.change("DELETE FROM mails WHERE uid IN (SELECT uid FROM mails ORDER BY uid LIMIT 2 OFFSET 1)")
    outcome = world.once()
    assert (outcome.artefacts, outcome.duplicate) == (2, 2)
    assert len(world.mails) == 6


# What the server does not allow.


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    with Dovecot(tmp_path_factory.mktemp("acl"), plugins="acl", settings=QUICK + "plugin {\n acl = vfile\n}\n") as server:
        yield server


RIGHTS = [
    ("lr", MOVE, "may only be read"),
    ("lrwsi", MOVE, "nothing may be taken out"),
    ("lrwsi", Rules(After.DELETE), "nothing may be deleted"),
    ("lrs", Rules(After.FLAG), "nothing may be flagged"),
    ("lr", Rules(unreadable_folder="bad"), "what is unreadable may not be moved"),
]


@pytest.mark.parametrize(("rights", "rules", "why"), RIGHTS, ids=[why for *_, why in RIGHTS])
def test_a_folder_without_the_right(
    guarded: Dovecot, root: Path, rights: str, rules: Rules, why: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"guard{abs(hash(request.node.name))}"
    guarded.add(name, [report_mail(1), broken_mail(1), report_mail(2)])
    (maildir(guarded, name) / "dovecot-acl").write_text(f"owner {rights}\n")
    world = World.of(guarded, root, rules, folders=(name,))
    assert world.once().stored == 2, "all is stored"
    refused = world.told(Happening.REFUSED)
    assert refused, "and that it goes no further is told"
    assert all(told["again_in"] > 0 for told in refused)
    assert guarded.count(name) == 3
    (maildir(guarded, name) / "dovecot-acl").write_text("owner lrwstipekxa\n")
    world.once()
    assert guarded.count(name) == {After.KEEP: 2, After.FLAG: 3}.get(rules.after, 1), "and once it is allowed it is done"


def test_a_refusal_does_not_keep_new_mail_out(guarded: Dovecot, root: Path) -> None:
    guarded.add("going-on", [report_mail(1)])
    (maildir(guarded, "going-on") / "dovecot-acl").write_text("owner lrwsi\n")
    world = World.of(guarded, root, MOVE, folders=("going-on",))
    with Watching(world):
        poll(lambda: world.told(Happening.REFUSED))
        guarded.add("going-on", [])
        with guarded.imap() as client:
            client.append("going-on", report_mail(2))
        poll(lambda: world.count(Happening.STORED, "stored") == 2)
    assert len(world.told(Happening.REFUSED)) < 3, "and it is not asked again at every round"


def test_a_target_that_may_not_be_made(guarded: Dovecot, root: Path) -> None:
    guarded.add("parent", [])
    guarded.add("source", [report_mail(1)])
    (maildir(guarded, "parent") / "dovecot-acl").write_text("owner lr\n")
    world = World.of(guarded, root, Rules(After.MOVE, "parent/child"), folders=("source",))
    assert world.once().stored == 1
    assert "parent/child" in world.told(Happening.REFUSED)[0]["reason"] or world.told(Happening.REFUSED)
    assert guarded.count("source") == 1


def test_a_mailbox_over_quota(root: Path, tmp_path: Path) -> None:
    """A move within a mailbox takes no room; a copy does."""
    settings = QUICK + "plugin {\n quota = maildir:User quota\n quota_rule = *:storage=40K\n quota_grace = 0\n}\n"
    reports = [report_mail(1), report_mail(2)]
    filling = letter(1) + b"x" * (40 * 1024 - sum(map(len, reports)) - len(letter(1)) - 300)
    with Dovecot(tmp_path / "own", plugins="quota", settings=settings, capability=UIDPLUS) as own:
        own.add("INBOX", [*reports, filling])
        world = World.of(own, root, MOVE)
        assert world.once().stored == 2
        assert "OVERQUOTA" in world.told(Happening.REFUSED)[0]["reason"]
        assert (own.count("INBOX"), own.count("done")) == (3, 0)
        with own.imap() as client:
            client.select_folder("INBOX")
            client.delete_messages([3])
            client.expunge()
        world.once()
        assert (own.count("INBOX"), own.count("done")) == (0, 2)


def test_refusals_of_one_step_do_not_stop_the_other(server: Dovecot, proxy: Proxy, root: Path) -> None:
    server.add("INBOX", [report_mail(1), broken_mail(1)])
    proxy.when(rb"MOVE \d+ \"?bad", answer(b"NO [NOPERM] not there"))
    world = World.of(server, root, Rules(After.MOVE, "done", unreadable_folder="bad"), account=proxy.account(server))
    world.once()
    assert (server.count("INBOX"), server.count("done")) == (1, 1)
    assert len(world.told(Happening.REFUSED)) == 1


def test_a_refused_move_is_tried_again_after_a_while(server: Dovecot, proxy: Proxy, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(after, "FIRST_WAIT", 0.2)
    monkeypatch.setattr(mailbox_module, "IDLE_SECONDS", 0.5)
    server.add("INBOX", [report_mail(1)])
    proxy.when(rb"MOVE", answer(b"NO [INUSE] busy"), times=2)
    world = World.of(server, root, MOVE, account=proxy.account(server))
    with Watching(world):
        poll(lambda: server.count("done") == 1)
    assert len(world.told(Happening.REFUSED)) == 2


# Folders and messages that change.


@pytest.mark.parametrize("rules", [Rules(), MOVE], ids=["keep", "move"])
def test_a_folder_that_is_numbered_anew(server: Dovecot, root: Path, rules: Rules) -> None:
    server.add("INBOX", [report_mail(1), report_mail(2), letter(1)])
    world = World.of(server, root)
    world.once()
    before = world.facts
    forget_uidvalidity(server)
    world = world.with_rules(rules)
    outcome = world.once()
    assert (outcome.stored, outcome.duplicate) == (0, 2), "looked at again, and nothing is doubled"
    assert (world.facts.lines, world.facts.spool) == (before.lines, before.spool)
    moved = 2 if rules is MOVE else 0
    assert (server.count("INBOX"), server.count("done")) == (3 - moved, moved)
    assert len(world.sql("SELECT DISTINCT uidvalidity FROM mails")) == 2


def test_what_was_open_under_the_earlier_numbers_does_not_stay_open(server: Dovecot, root: Path) -> None:
    server.add("INBOX", [report_mail(1), report_mail(2)])
    world = World.of(server, root)
    world.once()
    world.change("UPDATE mails SET settled = NULL")  # as a kill before the move leaves them
    forget_uidvalidity(server)
    world.with_rules(MOVE).once()
    assert world.sql("SELECT settled, count(*) FROM mails GROUP BY 1 ORDER BY 1") == [("gone", 2), ("moved", 2)]


def test_a_folder_that_is_made_anew_while_it_is_watched(server: Dovecot, root: Path, quick_retries: None) -> None:
    server.add("watched", [report_mail(1), report_mail(2)])
    world = World.of(server, root, folders=("watched",))
    with Watching(world):
        poll(lambda: world.count(Happening.STORED, "stored") == 2)
        with server.imap() as client:
            client.delete_folder("watched")
            time.sleep(1.1)  # a UIDVALIDITY is the time in seconds
        server.add("watched", [report_mail(3), report_mail(1)])
        poll(lambda: world.count(Happening.STORED, "stored") == 3)
        poll(lambda: world.count(Happening.STORED, "duplicate") == 1)
    assert world.told(Happening.UIDVALIDITY)


def test_messages_that_vanish_between_search_and_fetch(server: Dovecot, proxy: Proxy, root: Path) -> None:
    uids = server.add("INBOX", [report_mail(number) for number in range(4)])

    def vanish(_link: Any, _line: bytes) -> bool:
        with server.imap() as other:
            other.select_folder("INBOX")
            other.delete_messages([uids[1], uids[3]], silent=True)
            other.expunge()
        return True

    proxy.when(rb"FETCH .*BODY", vanish, times=1)
    world = World.of(server, root, account=proxy.account(server))
    assert world.once().stored == 2
    assert world.told(Happening.UNFETCHABLE) == []


def test_a_message_that_vanishes_before_it_is_moved(server: Dovecot, proxy: Proxy, root: Path) -> None:
    uids = server.add("INBOX", [report_mail(number) for number in range(3)])

    def vanish(_link: Any, _line: bytes) -> bool:
        with server.imap() as other:
            other.select_folder("INBOX")
            other.delete_messages([uids[1]], silent=True)
            other.expunge()
        return True

    proxy.when(rb"SEARCH UID \d+,", vanish, times=1)
    world = World.of(server, root, MOVE, account=proxy.account(server))
    assert world.once().stored == 3
    assert (server.count("INBOX"), server.count("done")) == (0, 2)
    assert world.told(Happening.REFUSED) == []
    assert sorted(str(settled) for _, settled, _ in world.mails) == ["gone", "moved", "moved"]
    assert world.once().artefacts == 0


# Messages that cannot be fetched.


def due(world: World) -> None:
    """Let the time of the next try come."""
    world.change("UPDATE mails SET retry_at = '2020-01-01T00:00:00+00:00' WHERE settled = 'unfetchable'")


@ROOT_ONLY
@pytest.mark.parametrize("failure", ["no-after", "disconnect-after", "disconnect-immediately"])
@pytest.mark.parametrize("sized", [True, False], ids=["", "not even its size is known"])
def test_a_message_that_the_server_cannot_read(root: Path, tmp_path: Path, failure: str, sized: bool, quick_retries: None) -> None:
    """What Dovecot does then is a matter of its configuration; the last is what it does without."""
    with Dovecot(tmp_path / "own", settings=f"{QUICK}protocol imap {{\n imap_fetch_failure = {failure}\n}}\n") as own:
        own.add("INBOX", [report_mail(number) for number in range(5)])
        spoilt = mail_files(own)[2]
        if not sized:
            own.stop()
            bare = spoilt.with_name(spoilt.name.partition(",S=")[0])
            spoilt.rename(bare)
            forget_uidvalidity(own)
            spoilt = bare
            own.start()
            with own.imap() as client:
                client.select_folder("INBOX", readonly=True)
            spoilt = next(file for file in mail_files(own) if ",S=" not in file.name)
        spoilt.chmod(0)
        world = World.of(own, root, MOVE)
        assert world.once().stored == 4, "the others are taken"
        assert world.told(Happening.UNFETCHABLE)
        noted = [(settled, tries) for _, settled, tries in world.mails if settled == "unfetchable"]
        assert noted == [("unfetchable", 1)]
        assert world.once().artefacts == 0, "and it is not asked for at every round"
        due(world)
        try:
            world.once()
        except MailboxUnavailable:
            pytest.fail("one broken mail stops all")
        assert [settled for _, settled, _ in world.mails].count("unfetchable") == 1
        next(file for file in mail_files(own)).chmod(0o600)
        due(world)
        assert world.once().stored == 1, "once it is mended it is taken"
        assert (own.count("INBOX"), own.count("done")) == (0, 5)
        assert world.facts.totals["stored"] == 5


def test_a_message_that_is_refused(server: Dovecot, proxy: Proxy, root: Path) -> None:
    uids = server.add("INBOX", [report_mail(number) for number in range(5)])
    proxy.when(b"FETCH .*%d.* \\(BODY" % uids[2], answer(b"NO [SERVERBUG] Internal error"))
    world = World.of(server, root, account=proxy.account(server))
    assert world.once().stored == 4
    assert [(told["uid"], "Internal error" in told["reason"]) for told in world.told(Happening.UNFETCHABLE)] == [(uids[2], True)]
    proxy.behave()
    due(world)
    assert world.once().stored == 1
    assert [settled for _, settled, _ in world.mails] == ["kept"] * 5


def test_waits_grow_and_a_message_that_goes_meanwhile_is_forgotten(server: Dovecot, proxy: Proxy, root: Path) -> None:
    uid = server.add("INBOX", [report_mail(1)])[0]
    proxy.when(rb"FETCH .*\(BODY", answer(b"NO [SERVERBUG] Internal error"))
    world = World.of(server, root, account=proxy.account(server))
    for _ in range(4):
        world.once()
        due(world)
    waits = [
        (told["again_at"] - world.told(Happening.UNFETCHABLE)[0]["again_at"]).total_seconds() for told in world.told(Happening.UNFETCHABLE)
    ]
    assert len(waits) == 4
    assert waits[1] > 600
    assert waits == sorted(waits)
    with server.imap() as client:
        client.select_folder("INBOX")
        client.delete_messages([uid])
        client.expunge()
    world.once()
    assert [settled for _, settled, _ in world.mails] == ["gone"]


@pytest.mark.parametrize("bad", [{2}, {0}, {4}, {1, 2, 3}, {0, 1, 2, 3, 4}], ids=str)
def test_a_message_that_breaks_the_connection(server: Dovecot, proxy: Proxy, root: Path, bad: set[int], quick_retries: None) -> None:
    uids = server.add("INBOX", [report_mail(number) for number in range(5)])
    broken = [uids[number] for number in bad]

    def breaks(link: Any, line: bytes) -> bool:
        asked = line.split(b"FETCH ", 1)[1].split(b" ", 1)[0]
        return cut(link, line) if any(uid in numbers(asked) for uid in broken) else True

    proxy.when(rb"FETCH .*\(BODY", breaks)
    world = World.of(server, root, account=proxy.account(server))
    assert world.once().stored == 5 - len(bad), "passed over after two tries, the rest is stored"
    assert sorted(told["uid"] for told in world.told(Happening.UNFETCHABLE)) == sorted(broken)
    proxy.behave()
    due(world)
    assert world.once().stored == len(bad)
    assert world.facts.totals["stored"] == 5


def numbers(sequence: bytes) -> set[int]:
    """The UIDs of a sequence set."""
    found: set[int] = set()
    for part in sequence.split(b","):
        first, _, last = part.partition(b":")
        found.update(range(int(first), int(last or first) + 1))
    return found


def test_nothing_below_an_unfetchable_message_is_passed_over_by_a_crash(
    server: Dovecot, proxy: Proxy, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer leaves out the last of three; the disk is full when the first two are to be kept."""
    uids = server.add("INBOX", [report_mail(number) for number in range(3)])

    def shorter(link: Any, line: bytes) -> bool:
        tag, command = line.split(b" ", 1)
        link.server.sendall(tag + b" " + command.replace(b",%d" % uids[2], b""))
        return False

    proxy.when(b"FETCH [0-9]+,.* .BODY", shorter)
    world = World.of(server, root, account=proxy.account(server))
    with monkeypatch.context() as patch:

        def crash(*_: object) -> None:
            raise RuntimeError("power cut")

        patch.setattr("dmarcscope.ops.keeping.Keeper.keep", crash)
        with pytest.raises(RuntimeError, match="power cut"):
            world.once()
    assert world.once().stored == 2
    assert [told["uid"] for told in world.told(Happening.UNFETCHABLE)] == [uids[2]]


# Large mails.


def large_report(megabytes: int) -> bytes:
    """A mail with a report and much beside it."""
    body = (b"x" * 74 + b"\r\n") * (megabytes * (1 << 20) // 76)
    head, _, rest = report_mail(1).partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + body + rest


MEASURED = """
import resource, sys
from pathlib import Path
from threading import Event
sys.path[:0] = {path!r}
from dmarcscope.intake.account import Account, Security
from dmarcscope.ops.mailbox import Mailbox
from dmarcscope.ops.watch import watch
from dmarcscope.store.files import StoreFiles
account = Account({user!r}, "127.0.0.1", {port}, Security.NONE, password=lambda: {password!r})
with StoreFiles(Path({root!r}), 5) as store:
    outcome = watch(store, [Mailbox("m", account, ({folder!r},))], lambda event: None, stop=Event(), once=True)
print(outcome.stored, outcome.artefacts, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def measured(server: Dovecot, root: Path, folder: str = "INBOX") -> tuple[int, int, int]:
    """Take a folder in a process of its own: stored, artefacts, and its largest memory in MB."""
    code = MEASURED.format(path=sys.path, user=USER, password=PASSWORD, port=server.port, root=str(root), folder=folder)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    stored, artefacts, memory = map(int, done.stdout.split())
    return stored, artefacts, memory


def test_a_mail_of_60_mb(server: Dovecot, root: Path, tmp_path: Path) -> None:
    server.add("small", [report_mail(2)])
    _, _, base = measured(server, tmp_path / "other", "small")
    mail = large_report(60)
    server.add("INBOX", [report_mail(3), mail, report_mail(4)])
    stored, artefacts, memory = measured(server, root)
    assert (stored, artefacts) == (3, 3)
    assert memory - base < 6 * 60, f"{memory} MB, {base} MB without it"
    world = World.of(server, root, Rules(After.DELETE))
    assert world.spooled().count(mail) == 1
    assert not list((root / "spool" / "collectors").glob("*.mail")), "nothing is left beside the spool"
    world.once()
    assert world.facts.totals["stored"] == 3


def test_large_mails_come_in_pieces(server: Dovecot, proxy: Proxy, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_module, "LARGE_BYTES", 2000)
    monkeypatch.setattr(imap, "PIECE_BYTES", 1500)
    mails = [report_mail(1), large_report(0) + b"x" * 5000, letter(1) + b"y" * 9000, report_mail(5)]
    server.add("INBOX", mails)
    world = World.of(server, root, account=proxy.account(server))
    world.once()
    assert proxy.count(rb"BODY\.PEEK\[\]<1500\.1500>")
    assert [settled for _, settled, _ in world.mails] == ["kept", "kept", "left", "kept"]
    assert b"lunch" not in world.spooled(), "a large letter is nobody's business either"
    assert mails[1] in world.spooled()


def test_a_large_mail_whose_connection_breaks(
    server: Dovecot, proxy: Proxy, root: Path, monkeypatch: pytest.MonkeyPatch, quick_retries: None
) -> None:
    monkeypatch.setattr(mailbox_module, "LARGE_BYTES", 3000)
    monkeypatch.setattr(imap, "PIECE_BYTES", 1500)
    server.add("INBOX", [large_report(0) + b"x" * 5000])
    proxy.when(rb"<3000\.", cut, times=1)
    world = World.of(server, root, account=proxy.account(server))
    assert world.once().stored == 1
    assert not list((root / "spool" / "collectors").glob("*.mail"))


def test_a_mail_beyond_all_measure(server: Dovecot, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_module, "LARGE_BYTES", 3000)
    monkeypatch.setattr(mailbox_module, "LARGEST_BYTES", 5000)
    server.add("INBOX", [report_mail(1), letter(1) + b"x" * 6000, report_mail(2)])
    world = World.of(server, root)
    assert world.once().stored == 2
    assert [settled for _, settled, _ in world.mails] == ["kept", "unfetchable", "kept"]


# Who sent the mail.


def test_what_a_trusted_host_says_is_stored(server: Dovecot, root: Path) -> None:
    good = {"Authentication-Results": "mx.example.com; dkim=pass header.d=mill.example; dmarc=pass header.from=mill.example"}
    bad = {"Authentication-Results": "mx.example.com; dkim=fail header.d=mill.example; dmarc=fail header.from=mill.example"}
    other = {"Authentication-Results": "elsewhere.example; dmarc=pass header.from=mill.example"}
    server.add("INBOX", [report_mail(1, headers=good), report_mail(2, headers=bad), report_mail(3, headers=other), report_mail(4)])
    World.of(server, root, authserv_ids=("mx.example.com",)).once()
    world = World.of(server, root)
    assert world.sql("SELECT mail_from, mail_verified FROM artefacts ORDER BY artefact_id") == [
        ("mill.example", 1),
        ("mill.example", 0),
        ("mill.example", None),
        ("mill.example", None),
    ]
    assert all(reason for (reason,) in world.sql("SELECT mail_reason FROM artefacts"))


def test_nobody_is_trusted_unless_the_operator_says_so(server: Dovecot, root: Path) -> None:
    server.add("INBOX", [report_mail(1, headers={"Authentication-Results": "mx.example.com; dmarc=pass header.from=mill.example"})])
    world = World.of(server, root)
    world.once()
    assert world.sql("SELECT mail_from, mail_verified, mail_reason FROM artefacts") == [(None, None, None)]


@pytest.mark.parametrize("size", [0, 60_000], ids=["", "large"])
def test_large_mails_have_their_origin_too(server: Dovecot, root: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(mailbox_module, "LARGE_BYTES", 10_000)
    mail = report_mail(1, headers={"Authentication-Results": "mx.example.com; dmarc=pass header.from=mill.example"})
    server.add("INBOX", [mail + b"\r\n" * (size // 2)])
    world = World.of(server, root, authserv_ids=("mx.example.com",))
    world.once()
    assert world.sql("SELECT mail_from, mail_verified FROM artefacts") == [("mill.example", 1)]


# OAuth from end to end.


@pytest.mark.parametrize("mechanism", [Mechanism.XOAUTH2, Mechanism.OAUTHBEARER], ids=str)
def test_a_mailbox_with_tokens(root: Path, tmp_path: Path, mechanism: Mechanism, quick_retries: None) -> None:
    with (
        TokenService(user=USER, rotates=True) as service,
        Dovecot(tmp_path / "own", introspection_url=service.introspection_url, settings=QUICK) as own,
    ):
        refresh = service.new_refresh_token()
        client = OAuthClient(
            service.token_url,
            service.authorize_url,
            service.client_id,
            lambda: service.client_secret or "",
            ("imap",),
            ca_file=service.ca_file,
        )
        tokens = OAuthTokens(client, name="reports", memory=tmp_path / "token", refresh_token=lambda: refresh)
        account = own.account(tokens=tokens, mechanism=mechanism, password=None)
        own.add("INBOX", [report_mail(1)])
        world = World.of(own, root, MOVE, account=account)
        with Watching(world):
            poll(lambda: own.count("done") == 1)
            service.revoke_access_tokens()
            service.misbehave(503)
            own.restart()
            own.add("INBOX", [report_mail(2)])
            poll(lambda: any("503" in told["reason"] for told in world.told(Happening.TROUBLE)), "the service is down, and that is told")
            service.behave()
            poll(lambda: own.count("done") == 2)
        assert world.facts.totals["stored"] == 2


def test_a_refused_action_is_no_error_of_ours() -> None:
    assert not issubclass(ActionRefused, DmarcscopeError)


def test_both_kinds_of_security_are_one_mailbox(root: Path) -> None:
    """Port 143 with STARTTLS and port 993 are the same place: a change of the one for the other takes nothing anew."""
    account = imap.Account("a@example.org", "imap.example.org", 993)
    other = replace(account, port=143, security=Security.STARTTLS)
    assert Mailbox("x", account).account_name == Mailbox("y", other).account_name


def test_how_far_it_has_come(server: Dovecot, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters count too, and a second look has nothing to expect; so a bar has an end, and comes to it."""
    monkeypatch.setattr("dmarcscope.ops.mailbox.BATCH_MAILS", 3)
    server.add("INBOX", [*(report_mail(number) for number in range(6)), letter(1), letter(2)])
    world = World.of(server, root)
    for expected in ([8], []):
        told: list[tuple[str, int]] = []
        with StoreFiles(root, SMALL) as store:
            watch(
                store,
                world.places,
                world.events.append,
                stop=Flag(),
                once=True,
                progress=lambda done, told=told: told.append(("done", done)),
                expect=lambda more, told=told: told.append(("expect", more)),
            )
        assert [more for kind, more in told if kind == "expect" and more] == expected
        assert sum(done for kind, done in told if kind == "done") == sum(expected)
