"""Sessions with a real Dovecot: connections, logins, folders, messages and waiting; and what is said when it does not work."""

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from imapclient import IMAPClient
from servers.dovecot import PASSWORD, USER, Dovecot, free_port
from servers.proxy import Action, Proxy, answer, cut, cut_after, freeze, reset, say
from servers.token_service import TokenService

from dmarcscope.errors import MailboxUnavailable, SetupError, Unavailable
from dmarcscope.intake import account, imap
from dmarcscope.intake.account import Account, Mechanism, Security, connect, refusal_code
from dmarcscope.intake.imap import ActionRefused, FetchRefused, ImapSession, open_session
from dmarcscope.intake.oauth import OAuthClient
from dmarcscope.intake.tokens import OAuthTokens

QUICK = """
mailbox_idle_check_interval = 1s
service anvil {
 unix_listener anvil-auth-penalty {
  mode = 0
 }
}
"""
"""It notices new mail even where inotify is used up, and does not let wrong passwords wait."""
UIDPLUS = "IMAP4rev1 UIDPLUS IDLE LITERAL+"
BARE = "IMAP4rev1 LITERAL+"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    with Dovecot(tmp_path_factory.mktemp("dovecot"), settings=QUICK) as running:
        yield running


@pytest.fixture
def proxy(server: Dovecot) -> Iterator[Proxy]:
    with Proxy(server.port) as running:
        yield running


@pytest.fixture
def folder(server: Dovecot, request: pytest.FixtureRequest) -> str:
    """A folder of the test's own, with three mails."""
    name = f"t{abs(hash(request.node.name)) % 10**9}"
    server.add(name, [mail(1), mail(2), mail(3)])
    return name


@pytest.fixture
def session(server: Dovecot) -> Iterator[ImapSession]:
    with open_session(server.account(Security.NONE)) as opened:
        yield opened


def mail(number: int, size: int = 0) -> bytes:
    return f"From: a@example.org\r\nMessage-ID: <{number}@example.org>\r\nSubject: {number}\r\n\r\n{'x' * 70}\r\n".encode() + b"y" * size


# Connections.


@pytest.mark.parametrize("security", list(Security), ids=str)
def test_each_kind_of_connection(server: Dovecot, security: Security) -> None:
    with open_session(server.account(security)) as opened:
        assert "INBOX" in opened.folders()


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS], ids=str)
def test_a_certificate_that_nobody_vouches_for(server: Dovecot, security: Security) -> None:
    with pytest.raises(SetupError, match=r"certificate is not trusted.*tls\.ca_file"):
        open_session(server.account(security, ca_file=None))
    with open_session(server.account(security, ca_file=None, verify=False)) as opened:
        assert opened.folders(), "and with the loud option it works"


def test_a_certificate_of_another_server(server: Dovecot) -> None:
    with pytest.raises(SetupError, match="certificate is not trusted"):
        open_session(replace(server.account(), host="127.1"))


@pytest.mark.parametrize("content", [None, "no certificate\n"], ids=["not there", "no PEM"])
def test_a_ca_file_of_no_use(server: Dovecot, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    with pytest.raises(SetupError, match=r"ca\.pem: cannot be used as CA file.*PEM"):
        open_session(server.account(ca_file=file))


def test_without_starttls_the_password_is_never_sent(tmp_path: Path) -> None:
    with Dovecot(tmp_path, settings="ssl = no") as plain, Proxy(plain.port) as proxy:
        account = replace(proxy.account(plain), security=Security.STARTTLS)
        with pytest.raises(SetupError, match="offers no STARTTLS"):
            open_session(account)
        assert not any(word in line for line in proxy.lines for word in (b"LOGIN", b"AUTHENTICATE", PASSWORD.encode(), USER.encode()))


def test_a_server_that_takes_no_password_in_clear_gets_none(server: Dovecot, proxy: Proxy) -> None:
    proxy.when(b"CAPABILITY", capability(b"IMAP4rev1 STARTTLS LOGINDISABLED"))
    with pytest.raises(SetupError, match=r"takes no password on this connection.*TLS"):
        open_session(proxy.account(server))
    assert not any(b"cret" in line for line in proxy.lines)


def test_nobody_listens(server: Dovecot) -> None:
    with pytest.raises(MailboxUnavailable, match=r"cannot be reached \(Connection refused\)"):
        open_session(replace(server.account(), port=free_port()))


def test_a_name_that_is_none(server: Dovecot) -> None:
    with pytest.raises(MailboxUnavailable, match="cannot be reached"):
        open_session(replace(server.account(), host="nowhere.invalid"))


def test_tls_at_the_port_without(server: Dovecot) -> None:
    with pytest.raises(MailboxUnavailable, match=r"no TLS connection.*right port"):
        open_session(replace(server.account(), port=server.port))


def test_no_tls_at_the_port_with(server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "CONNECT_SECONDS", 0.5)
    with pytest.raises(MailboxUnavailable):
        open_session(replace(server.account(Security.STARTTLS), port=server.tls_port))


@pytest.mark.parametrize(
    "greeting",
    [b"* BYE too many connections\r\n", b"220 mail.example.org ESMTP\r\n", b""],
    ids=["it turns us away", "no IMAP at all", "it says nothing"],
)
def test_greetings(server: Dovecot, greeting: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "CONNECT_SECONDS", 0.5)
    with Proxy(server.port, greets=greeting) as proxy, pytest.raises(MailboxUnavailable):
        open_session(proxy.account(server))


# Logins.


@pytest.mark.parametrize("security", list(Security), ids=str)
def test_a_wrong_password(server: Dovecot, security: Security) -> None:
    with pytest.raises(SetupError, match=r"login is refused .*AUTHENTICATIONFAILED.*user name and the password"):
        open_session(server.account(security, password=lambda: "wrong"))


@pytest.mark.parametrize("password", ["pässwort «日本»", 'back\\slash "quote" {5}'], ids=["not ASCII", "special"])
def test_passwords_of_all_letters(tmp_path: Path, password: str) -> None:
    with Dovecot(tmp_path, settings=QUICK) as server, open_session_with_another(server, password) as opened:
        assert opened.folders()


def open_session_with_another(server: Dovecot, password: str) -> ImapSession:
    """A session with another password than the one that the server's start writes."""
    (server.folder / "users").write_text(f"{USER}:{{PLAIN}}{password}\n")
    deadline = time.monotonic() + 15
    while True:  # the file is read again when its time has changed
        try:
            return open_session(server.account(password=lambda: password))
        except SetupError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def test_a_password_of_other_letters_for_a_server_that_cannot_take_it(server: Dovecot) -> None:
    with (
        Proxy(server.port, greets=b"* OK [CAPABILITY IMAP4rev1] ready\r\n") as bare,
        pytest.raises(SetupError, match="other letters than ASCII"),
    ):
        bare.when(b"CAPABILITY", capability(b"IMAP4rev1"))
        open_session(bare.account(server, password=lambda: "pässwort"))


def capability(words: bytes) -> Action:
    """Answer CAPABILITY in the server's place."""

    def act(link: Any, line: bytes) -> bool:
        link.client.sendall(b"* CAPABILITY " + words + b"\r\n" + line.split()[0] + b" OK done\r\n")
        return False

    return act


@pytest.mark.parametrize(
    "refusal",
    [
        b"NO [LIMIT] Maximum number of connections from user+IP exceeded",
        b"NO [INUSE] Mailbox in use",
        b"NO [UNAVAILABLE] Temporary authentication failure",
        b"NO [THROTTLED] Slow down",
        b"NO [ALERT] Too many simultaneous connections. (Failure)",
        b"NO Account exceeded command or bandwidth limits. (Failure)",
    ],
    ids=lambda refusal: refusal.decode()[4:20],
)
def test_refusals_that_pass(proxy: Proxy, server: Dovecot, refusal: bytes) -> None:
    proxy.when(rb"^\S+ LOGIN", answer(refusal), times=1)
    with pytest.raises(MailboxUnavailable, match="refused for now"):
        open_session(proxy.account(server))
    with open_session(proxy.account(server)) as opened:
        assert opened.folders(), "and the next time it works"


@pytest.mark.parametrize(
    "refusal", [b"NO [AUTHENTICATIONFAILED] no", b"NO [EXPIRED] too old", b"NO [AUTHORIZATIONFAILED] no", b"NO who are you?"]
)
def test_refusals_that_stay(proxy: Proxy, server: Dovecot, refusal: bytes) -> None:
    proxy.when(rb"^\S+ LOGIN", answer(refusal))
    with pytest.raises(SetupError, match="login is refused"):
        open_session(proxy.account(server))


@pytest.mark.parametrize("action", [cut, reset, freeze, say(b"* BYE going down", then_cut=True)], ids=["cut", "reset", "half open", "BYE"])
def test_the_connection_breaks_at_the_login(proxy: Proxy, server: Dovecot, action: Action, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "READ_SECONDS", 0.5)
    proxy.when(rb"^\S+ LOGIN", action)
    with pytest.raises(MailboxUnavailable):
        open_session(proxy.account(server))


# Access tokens.


class Tokens:
    """A server that asks a token service, and an account whose tokens come from it."""

    def __init__(self, service: TokenService, server: Dovecot, memory: Path) -> None:
        self.service = service
        self.server = server
        refresh = service.new_refresh_token()
        client = OAuthClient(
            service.token_url,
            service.authorize_url,
            service.client_id,
            lambda: service.client_secret or "",
            ("imap",),
            ca_file=service.ca_file,
            patience=0.5,
        )
        self.refresh = refresh
        self.tokens = OAuthTokens(client, name="reports", memory=memory, refresh_token=lambda: refresh)

    def account(self, mechanism: Mechanism) -> Account:
        return self.server.account(tokens=self.tokens, mechanism=mechanism, password=None)


@pytest.fixture(scope="module")
def oauth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TokenService, Dovecot]]:
    with (
        TokenService(user=USER) as service,
        Dovecot(tmp_path_factory.mktemp("oauth"), introspection_url=service.introspection_url, settings=QUICK) as server,
    ):
        yield service, server


@pytest.fixture
def tokens(oauth: tuple[TokenService, Dovecot], tmp_path: Path) -> Tokens:
    oauth[0].behave()
    return Tokens(*oauth, tmp_path / "token.json")


MECHANISMS = [Mechanism.XOAUTH2, Mechanism.OAUTHBEARER]


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=str)
def test_logins_with_tokens(tokens: Tokens, mechanism: Mechanism) -> None:
    before = tokens.service.counts["refresh_token"]
    for _ in range(2):
        with open_session(tokens.account(mechanism)) as opened:
            assert opened.folders()
    assert tokens.service.counts["refresh_token"] == before + 1, "one token serves until it runs out"


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=str)
def test_a_token_that_is_worthless_by_now_is_fetched_anew_once(tokens: Tokens, mechanism: Mechanism) -> None:
    tokens.tokens.token()
    tokens.service.revoke_access_tokens()
    before = tokens.service.counts["refresh_token"]
    with open_session(tokens.account(mechanism)) as opened:
        assert opened.folders()
    assert tokens.service.counts["refresh_token"] == before + 1


def test_a_token_for_somebody_else(tokens: Tokens) -> None:
    account = replace(tokens.account(Mechanism.XOAUTH2), user="other@example.org")
    before = tokens.service.counts["refresh_token"]
    with pytest.raises(SetupError, match=r"login is refused.*what the access token is for"):
        open_session(account)
    assert tokens.service.counts["refresh_token"] <= before + 2, "anew once, not again and again"


def test_the_service_is_down(tokens: Tokens) -> None:
    tokens.service.misbehave(503)
    with pytest.raises(Unavailable):
        open_session(tokens.account(Mechanism.XOAUTH2))


def test_the_refresh_token_is_worthless(tokens: Tokens) -> None:
    tokens.service.revoke(tokens.refresh)
    with pytest.raises(SetupError):
        open_session(tokens.account(Mechanism.XOAUTH2))


# Folders.


def test_a_folder_that_is_not_there(session: ImapSession, server: Dovecot) -> None:
    server.add("DMARC reports", [])
    with pytest.raises(SetupError, match=r"folder nothing cannot be opened.*There are: .*INBOX"):
        session.select("nothing", readonly=True)
    with pytest.raises(SetupError, match=r"There are: DMARC reports\Z"):
        session.select("dmarc Reports", readonly=True)


@pytest.mark.parametrize(
    "name", ["with some spaces", 'a "quoted" one', "Entwürfe", "日本", "a/b/c", "back\\slash", "R&D", "100%", "[Gmail]", "(x)"]
)
def test_names_of_folders(session: ImapSession, server: Dovecot, name: str) -> None:
    session.create_folder(name)
    session.create_folder(name)  # is there already
    assert name in session.folders()
    server.add(name, [mail(1)])
    assert session.select(name, readonly=True).exists == 1
    session.select("INBOX", readonly=False)
    uid = server.add("INBOX", [mail(2)])[-1]
    session.noop()
    session.copy([uid], name)
    assert server.count(name) == 2


def test_a_folder_that_cannot_be_made(session: ImapSession) -> None:
    with pytest.raises(SetupError, match="cannot be made"):
        session.create_folder("//")


def test_looking_changes_nothing(session: ImapSession, server: Dovecot, folder: str) -> None:
    with server.imap() as other:
        recent = other.folder_status(folder, ["RECENT", "UNSEEN"])
    chosen = session.select(folder, readonly=True)
    assert (chosen.exists, chosen.writable) == (3, False)
    uids = [uid for part in session.new_uids(0, chosen) for uid in part]
    session.fetch(uids)
    session.sizes(uids)
    session.message_ids(uids)
    session.fetch_in_pieces(uids[0], io.BytesIO())
    with server.imap() as other:
        assert other.folder_status(folder, ["RECENT", "UNSEEN"]) == recent
    assert not any(server.flags(folder))


def test_fetching_sets_no_flag_in_a_folder_open_for_change(session: ImapSession, server: Dovecot, folder: str) -> None:
    chosen = session.select(folder, readonly=False)
    assert chosen.writable
    assert session.keeps("$DMARCStored")
    session.fetch([1, 2, 3])
    session.fetch_in_pieces(1, io.BytesIO())
    assert not any(server.flags(folder))


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [(b"NO [INUSE] locked", MailboxUnavailable), (b"NO [NOPERM] not yours", SetupError), (b"NO [UNAVAILABLE] backend", MailboxUnavailable)],
)
def test_a_folder_that_is_not_opened(proxy: Proxy, server: Dovecot, refusal: bytes, kind: type[Exception]) -> None:
    proxy.when(rb"EXAMINE", answer(refusal))
    with open_session(proxy.account(server)) as opened, pytest.raises(kind):
        opened.select("INBOX", readonly=True)


# Looking for messages.


def sparse(server: Dovecot, folder: str, kept: set[int], highest: int) -> None:
    """A folder in which only some UIDs are left."""
    server.add(folder, [mail(number) for number in range(1, highest + 1)])
    with server.imap() as client:
        client.select_folder(folder)
        client.delete_messages([uid for uid in range(1, highest + 1) if uid not in kept], silent=True)
        client.expunge()


@pytest.fixture(scope="module")
def gaps(server: Dovecot) -> str:
    sparse(server, "gaps", {1, 2, 3, 21, 39, 40}, 41)
    return "gaps"


@pytest.mark.parametrize(
    ("after", "expected", "why"),
    [
        (0, [1, 2, 3, 21, 39, 40], "all"),
        (2, [3, 21, 39, 40], "from the middle of a window"),
        (3, [21, 39, 40], "a gap first"),
        (21, [39, 40], "another gap"),
        (39, [40], "only the last"),
        (40, [], "«41:*» finds the last one, which is not new"),
        (41, [], "beyond the end"),
    ],
)
@pytest.mark.parametrize("at_once", [1, 2, 5, 100])
@pytest.mark.parametrize("uidnext", [True, False], ids=["", "no UIDNEXT"])
def test_new_uids(
    session: ImapSession, gaps: str, after: int, expected: list[int], why: str, at_once: int, uidnext: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "UIDS_AT_ONCE", at_once)
    chosen = session.select(gaps, readonly=True)
    if not uidnext:
        chosen = replace(chosen, uidnext=None)
    found = list(session.new_uids(after, chosen))
    assert [uid for part in found for uid in part] == expected, why
    assert all(part for part in found), "no empty lists"
    assert all(len(part) <= max(at_once, len(expected) if at_once >= 6 else at_once) for part in found)
    assert session.search(["UID", "1:3"]) == [1, 2, 3], "and UIDs are UIDs again"


def test_a_wide_gap_is_skipped_in_a_few_steps(proxy: Proxy, server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "UIDS_AT_ONCE", 2)
    sparse(server, "wide", {1, 2, 3, 200}, 200)
    with open_session(proxy.account(server)) as opened:
        chosen = opened.select("wide", readonly=True)
        assert [uid for part in opened.new_uids(0, chosen) for uid in part] == [1, 2, 3, 200]
    assert proxy.count(rb"SEARCH") < 6


def test_an_empty_folder(session: ImapSession, server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    server.add("empty", [])
    for at_once in (1, 100):
        monkeypatch.setattr(imap, "UIDS_AT_ONCE", at_once)
        chosen = session.select("empty", readonly=True)
        for selected in (chosen, replace(chosen, uidnext=None)):
            assert list(session.new_uids(0, selected)) == []


def test_messages_that_go_while_they_are_looked_for(session: ImapSession, server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "UIDS_AT_ONCE", 3)
    sparse(server, "going", {1, 2, 3, 20, 30}, 30)
    chosen = session.select("going", readonly=True)
    found = session.new_uids(0, chosen)
    assert next(found) == [1, 2, 3]
    with server.imap() as other:
        other.select_folder("going")
        other.delete_messages([1, 2, 20, 30], silent=True)
        other.expunge()
    session.noop()
    assert list(found) == []


# Fetching.


def test_bytes_and_sizes(session: ImapSession, server: Dovecot, folder: str) -> None:
    session.select(folder, readonly=True)
    assert session.fetch([1, 2, 3]) == {number: mail(number) for number in (1, 2, 3)}
    assert session.sizes([1, 3]) == {1: len(mail(1)), 3: len(mail(3))}
    assert session.message_ids([2]) == {2: (b"<2@example.org>", len(mail(2)))}


def test_mails_of_all_bytes(session: ImapSession, server: Dovecot) -> None:
    strange = [
        b"Subject: empty body\r\n\r\n",
        b"Subject: eight bits\r\n\r\n" + bytes(range(0x80, 0x100)) + b"\r\n",
        b"Subject: brackets\r\n\r\n{5}\r\n* BYE no\r\n)\r\nA1 OK done\r\n",
        b"no header\r\n",
        b"Subject: no end of line\r\n\r\nx",
    ]
    server.add("strange", strange)
    session.select("strange", readonly=True)
    assert list(session.fetch(range(1, len(strange) + 1)).values()) == strange
    for number, content in enumerate(strange, 1):
        whole = io.BytesIO()
        assert session.fetch_in_pieces(number, whole)
        assert whole.getvalue() == content


def test_an_empty_message(session: ImapSession, server: Dovecot) -> None:
    server.add("hollow", [])
    folder = server.folder / "mail" / USER / ".hollow" / "new"
    (folder / "1700000000.M1P1.host").write_bytes(b"")
    session.select("hollow", readonly=True)
    assert session.fetch([1]) == {1: b""}
    assert session.fetch_in_pieces(1, io.BytesIO())


def test_message_ids_that_cannot_be_searched_for(session: ImapSession, server: Dovecot) -> None:
    server.add(
        "ids",
        [
            b"Subject: none\r\n\r\nx\r\n",
            b"Message-ID: <\xc3\xa4@example.org>\r\n\r\nx\r\n",
            b"Message-ID:\r\n <folded@example.org>\r\n\r\nx\r\n",
        ],
    )
    session.select("ids", readonly=True)
    assert [told for told, _ in session.message_ids([1, 2, 3]).values()] == [b"", b"", b"<folded@example.org>"]


def test_messages_that_are_gone(session: ImapSession, server: Dovecot, folder: str) -> None:
    session.select(folder, readonly=True)
    with server.imap() as other:
        other.select_folder(folder)
        other.delete_messages([2], silent=True)
        other.expunge()
    assert set(session.fetch([1, 2, 3])) == {1, 3}
    assert set(session.sizes([1, 2, 3])) == {1, 3}
    assert set(session.fetch([2, 77])) == set()
    assert not session.fetch_in_pieces(2, io.BytesIO())


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 5000], ids=str)
def test_pieces(session: ImapSession, server: Dovecot, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    head = len(mail(0))
    monkeypatch.setattr(imap, "PIECE_BYTES", 1000)
    content = mail(0, size if size < 999 else size - head)
    uid = server.add("pieces", [content])[-1]
    session.select("pieces", readonly=True)
    whole = io.BytesIO()
    assert session.fetch_in_pieces(uid, whole)
    assert whole.getvalue() == content


@pytest.mark.parametrize("real", [True, False], ids=["it is deleted", "the server has nothing more"])
def test_a_large_message_that_goes_in_the_middle(proxy: Proxy, server: Dovecot, monkeypatch: pytest.MonkeyPatch, real: bool) -> None:
    monkeypatch.setattr(imap, "PIECE_BYTES", 1000)
    content = mail(1, 5000)
    uid = server.add("going-large", [content])[-1]

    def delete(_link: Any, _line: bytes) -> bool:
        with server.imap() as other:
            other.select_folder("going-large")
            other.delete_messages([uid], silent=True)
            other.expunge()
        return True

    proxy.when(rb"<1000\.", delete if real else answer(b"OK nothing there"), times=1)
    with open_session(proxy.account(server)) as opened:
        opened.select("going-large", readonly=True)
        whole = io.BytesIO()
        complete = opened.fetch_in_pieces(uid, whole)
        # Dovecot has the file open and hands it out to its end; others have nothing more.
        assert complete == (whole.getvalue() == content)
        assert real or not complete


def test_refused_fetches(proxy: Proxy, server: Dovecot, folder: str) -> None:
    proxy.when(rb"FETCH", answer(b"NO [SERVERBUG] Internal error occurred"))
    with open_session(proxy.account(server)) as opened:
        opened.select(folder, readonly=True)
        for asked in (
            lambda: opened.fetch([1]),
            lambda: opened.sizes([1]),
            lambda: opened.fetch_in_pieces(1, io.BytesIO()),
        ):
            with pytest.raises(FetchRefused, match="SERVERBUG"):
                asked()
        proxy.behave()
        assert opened.fetch([1]) == {1: mail(1)}, "the connection is still of use"


def test_a_search_that_is_refused(proxy: Proxy, server: Dovecot, folder: str) -> None:
    proxy.when(rb"SEARCH", answer(b"NO [SERVERBUG] Internal error occurred"))
    with open_session(proxy.account(server)) as opened, pytest.raises(MailboxUnavailable, match="does not search"):
        opened.select(folder, readonly=True)
        opened.search(["ALL"])


# What becomes of messages.


@pytest.mark.parametrize("words", [None, UIDPLUS, BARE], ids=["MOVE", "UIDPLUS", "neither"])
def test_no_other_message_is_ever_expunged(tmp_path: Path, words: str | None) -> None:
    with Dovecot(tmp_path, capability=words) as server:
        server.add("INBOX", [mail(number) for number in range(1, 5)])
        server.add("done", [])
        with server.imap() as other:
            other.select_folder("INBOX")
            other.delete_messages([1], silent=True)  # somebody's, who may think better of it
        with open_session(server.account(Security.NONE)) as opened:
            assert [opened.can("MOVE"), opened.can("UIDPLUS")] == [words is None, words != BARE]
            opened.select("INBOX", readonly=False)
            if words is None:
                opened.move([2], "done")
            else:
                opened.copy([2], "done")
                assert opened.delete([2]) is (words == UIDPLUS)
            assert opened.delete([3]) is (words != BARE)
        left = {None: [1, 4], UIDPLUS: [1, 4], BARE: [1, 2, 3, 4]}[words]
        with server.imap() as other:
            other.select_folder("INBOX", readonly=True)
            assert other.search() == left
            deleted = [1, 2, 3] if words == BARE else [1]
            assert [uid for uid, flags in other.get_flags(left).items() if b"\\Deleted" in flags] == deleted
        assert server.contents("done") == [mail(2)]


def test_many_messages_in_parts(session: ImapSession, server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "MOVE_AT_ONCE", 3)
    uids = server.add("many", [mail(number) for number in range(1, 11)])
    session.create_folder("many-done")
    session.select("many", readonly=False)
    session.flag(uids, "$DMARCStored")
    assert [flags for flags in server.flags("many") if b"$DMARCStored" in flags] == [{b"$DMARCStored"}] * 10
    session.move(uids[:7], "many-done")
    assert session.delete(uids[7:])
    assert (server.count("many"), server.count("many-done")) == (0, 7)


def test_a_target_that_is_not_there(session: ImapSession, folder: str) -> None:
    session.select(folder, readonly=False)
    with pytest.raises(ActionRefused, match="cannot move") as told:
        session.move([1], "not there")
    assert told.value.code == "TRYCREATE"
    with pytest.raises(ActionRefused, match="cannot copy") as told:
        session.copy([1], "not there")
    assert told.value.code == "TRYCREATE"


@pytest.mark.parametrize(
    ("text", "code"), [("NO [OVERQUOTA] full", "OVERQUOTA"), ("NO [NOPERM]", "NOPERM"), ("NO why", ""), ("NO [x]", "")], ids=str
)
def test_codes(text: str, code: str) -> None:
    assert refusal_code(Exception(text)) == code


# Rights.


def acl(server: Dovecot, folder: str, rights: str) -> None:
    """Give the owner some rights only (RFC 4314)."""
    place = server.folder / "mail" / USER / ("" if folder == "INBOX" else f".{folder}")
    (place / "dovecot-acl").write_text(f"owner {rights}\n")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    with Dovecot(tmp_path_factory.mktemp("acl"), plugins="acl", settings="plugin {\n acl = vfile\n}") as running:
        yield running


def test_rights_are_told(guarded: Dovecot, session: ImapSession) -> None:
    guarded.add("narrow", [mail(1)])
    acl(guarded, "narrow", "lr")
    with open_session(guarded.account(Security.NONE)) as opened:
        assert "e" in (opened.my_rights("INBOX") or "")
        assert opened.my_rights("narrow") == "lr"
    assert session.my_rights("INBOX") is None, "a server without ACL does not tell"


def test_a_folder_that_may_only_be_read_can_be_read(guarded: Dovecot) -> None:
    guarded.add("readonly", [mail(1)])
    acl(guarded, "readonly", "lr")
    with open_session(guarded.account(Security.NONE)) as opened:
        chosen = opened.select("readonly", readonly=False)
        assert not chosen.writable
        assert opened.fetch([1]) == {1: mail(1)}


def test_a_folder_that_may_not_be_read(guarded: Dovecot) -> None:
    guarded.add("secret", [mail(1)])
    acl(guarded, "secret", "l")
    with open_session(guarded.account(Security.NONE)) as opened, pytest.raises(SetupError, match=r"secret cannot be opened.*NOPERM"):
        opened.select("secret", readonly=True)


@pytest.mark.parametrize(
    ("rights", "action"),
    [
        ("lrwsi", lambda opened: opened.move([1], "target")),
        ("lrwsi", lambda opened: opened.delete([1])),
        ("lrs", lambda opened: opened.flag([1], "$DMARCStored")),
    ],
    ids=["move", "delete", "flag"],
)
def test_actions_that_are_not_allowed(
    guarded: Dovecot, rights: str, action: Callable[[ImapSession], Any], request: pytest.FixtureRequest
) -> None:
    name = f"guard{abs(hash(request.node.name))}"
    guarded.add(name, [mail(1)])
    guarded.add("target", [])
    acl(guarded, name, rights)
    before = guarded.count("target")
    with open_session(guarded.account(Security.NONE)) as opened:
        opened.select(name, readonly=False)
        with pytest.raises(ActionRefused):
            action(opened)
    assert guarded.count(name) == 1
    assert guarded.count("target") == before


# Waiting.


def in_idle(proxy: Proxy) -> None:
    """Wait until a client is in IDLE."""
    deadline = time.monotonic() + 20
    while not proxy.count(rb" IDLE"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.2)


def later(proxy: Proxy, action: Callable[[], Any]) -> Thread:
    """Do something when a client is in IDLE."""

    def run() -> None:
        in_idle(proxy)
        action()

    thread = Thread(target=run)
    thread.start()
    return thread


def never() -> bool:
    return False


def test_new_mail_ends_the_wait(proxy: Proxy, server: Dovecot, folder: str) -> None:
    with open_session(proxy.account(server)) as opened:
        opened.select(folder, readonly=True)
        thread = later(proxy, lambda: server.add(folder, [mail(4)]))
        assert opened.idle(never, 60, 0.1)
        thread.join()
        assert 4 in opened.search(["ALL"]), "and the session is of use"


def test_mail_that_came_before_the_wait_is_told(proxy: Proxy, server: Dovecot, folder: str) -> None:
    """Its EXISTS came with the answer to another command; IDLE does not tell it again."""
    with open_session(proxy.account(server)) as opened:
        opened.select(folder, readonly=True)
        server.add(folder, [mail(4)])
        opened.search(["ALL"])
        opened.sizes([1])
        assert opened.idle(never, 30, 0.1)
        opened.select(folder, readonly=True)
        assert not opened.idle(never, 0.3, 0.1), "once it has been looked at it is no news"


def test_news_before_the_server_says_that_it_waits(proxy: Proxy, server: Dovecot, folder: str) -> None:
    proxy.when(rb" IDLE", say(b"* 4 EXISTS"), times=1)
    with open_session(proxy.account(server)) as opened:
        opened.select(folder, readonly=True)
        assert opened.idle(never, 30, 0.1)
        assert opened.search(["ALL"]) == [1, 2, 3]


def test_nothing_new(session: ImapSession, folder: str) -> None:
    session.select(folder, readonly=True)
    assert not session.idle(never, 0.3, 0.1)
    flag = Event()
    flag.set()
    started = time.monotonic()
    assert not session.idle(flag.is_set, 600, 0.1)
    assert time.monotonic() - started < 20, "it is over when somebody says so"
    session.noop()


def test_idle_refused(proxy: Proxy, server: Dovecot, folder: str) -> None:
    proxy.when(rb" IDLE", answer(b"NO not today"))
    with open_session(proxy.account(server)) as opened:
        opened.select(folder, readonly=True)
        with pytest.raises(MailboxUnavailable, match="IDLE"):
            opened.idle(never, 30, 0.1)


def test_goodbye_while_waiting(proxy: Proxy, server: Dovecot, folder: str) -> None:
    with open_session(proxy.account(server)) as opened:
        opened.select(folder, readonly=True)
        thread = later(proxy, lambda: [link.client.sendall(b"* BYE going down\r\n") for link in list(proxy._links)])
        with pytest.raises(MailboxUnavailable):
            opened.idle(never, 60, 0.1)
        thread.join()


@pytest.mark.parametrize("how", ["cut", "stop"])
def test_the_connection_ends_while_waiting(proxy: Proxy, tmp_path: Path, how: str) -> None:
    with Dovecot(tmp_path) as own, Proxy(own.port) as between, open_session(between.account(own)) as opened:
        opened.select("INBOX", readonly=True)
        thread = later(between, between.drop_all if how == "cut" else lambda: own.stop(kill=True))
        with pytest.raises(MailboxUnavailable):
            opened.idle(never, 60, 0.1)
        thread.join()


# Connections that break.


@pytest.mark.parametrize(
    "action", [cut, reset, cut_after(5), freeze, say(b"* BYE now", then_cut=True)], ids=["cut", "reset", "short", "half open", "BYE"]
)
@pytest.mark.parametrize(
    ("command", "work"),
    [
        (rb"FETCH", lambda opened: opened.fetch([1, 2, 3])),
        (rb"SEARCH", lambda opened: opened.search(["ALL", "NOT", "HEADER", "X-Long", "y" * 200])),
        (rb"NOOP", lambda opened: opened.noop()),
        (rb"MOVE", lambda opened: opened.move([1], "INBOX")),
        (rb"EXAMINE", lambda opened: opened.select("INBOX", readonly=True)),
        (rb"IDLE", lambda opened: opened.idle(never, 1.0, 0.1)),
    ],
    ids=["fetch", "search", "noop", "move", "select", "idle"],
)
def test_breaks(
    proxy: Proxy,
    server: Dovecot,
    folder: str,
    action: Action,
    command: bytes,
    work: Callable[[ImapSession], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(account, "READ_SECONDS", 0.7)
    with open_session(proxy.account(server)) as opened:
        opened.select(folder, readonly=False)
        proxy.when(command, action)
        with pytest.raises(MailboxUnavailable):
            work(opened)


def test_a_session_that_broke_is_left_without_a_word(proxy: Proxy, server: Dovecot) -> None:
    with pytest.raises(MailboxUnavailable), open_session(proxy.account(server)) as opened:
        proxy.drop_all()
        opened.noop()
    with open_session(proxy.account(server)):
        proxy.drop_all()  # and one that breaks at its end is no trouble


def test_what_a_session_hides() -> None:
    shown = repr(Account("a", "b", 1, password=lambda: "secret"))
    assert "secret" not in shown
    assert "lambda" not in shown


def test_connect_alone_says_nothing_of_who_we_are(proxy: Proxy, server: Dovecot) -> None:
    with ImapSession(proxy.account(server), connect(proxy.account(server))) as opened:
        assert opened.can("IDLE")
    assert not any(USER.encode() in line for line in proxy.lines)


def test_the_library_is_the_one_that_is_known() -> None:
    """Parts of IMAPClient that are not public are used; a version without them is to be noticed here, not by a user."""
    for name in ("_raw_command_untagged", "_normalise_folder", "idle_check", "idle_done", "uid_expunge"):
        assert hasattr(IMAPClient, name)


def test_a_flag_that_the_server_would_forget_is_not_set(server: Dovecot, proxy: Proxy, folder: str) -> None:
    """PERMANENTFLAGS without «\\*»: a flag of our own lasts for the session only, and the mail would count as flagged for ever."""
    with open_session(server.account()) as session:
        session.select(folder, readonly=False)
        session._lasting = frozenset([b"\\seen", b"\\flagged"])  # Dovecot itself keeps every flag
        with pytest.raises(ActionRefused, match="would forget it"):
            session.flag([1], "$DMARCStored")
        session.flag([1], "\\Flagged")
    assert server.flags(folder)[0] == {b"\\Flagged"}
