"""Access tokens from a real token service on loopback, willing and unwilling."""

import json
import logging
import shutil
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from servers.token_service import TokenService

from dmarcscope.errors import DmarcscopeError, SetupError, Unavailable
from dmarcscope.intake import oauth, tokenservice
from dmarcscope.intake.oauth import OAuthClient, Secret, google, microsoft
from dmarcscope.intake.remembered import Remembered, digest
from dmarcscope.intake.tokens import LEEWAY, CommandToken, OAuthTokens

NAME = "reports"


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class World:
    """A token service, an application that it knows, and a place for the newest refresh token."""

    def __init__(self, service: TokenService, folder: Path) -> None:
        self.service = service
        self.memory = folder / "new" / "reports.json"
        self.clock = Clock()
        self.client = OAuthClient(
            service.token_url,
            service.authorize_url,
            service.client_id,
            lambda: service.client_secret or "",
            ("imap", "offline_access"),
            ca_file=service.ca_file,
            patience=0.3,
        )

    def tokens(self, configured: str | None = None, **changes: Any) -> OAuthTokens:
        """Access tokens for the mailbox, as a new process would get them."""
        secret: Secret | None = None if configured is None else lambda: configured
        return OAuthTokens(replace(self.client, **changes), name=NAME, memory=self.memory, refresh_token=secret, clock=self.clock)

    def remembered(self) -> dict[str, str]:
        """What the memory holds."""
        return json.loads(self.memory.read_text())  # type: ignore[no-any-return]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with TokenService() as service:
        yield World(service, tmp_path)


# When a token is asked for anew.


@pytest.mark.parametrize(
    ("lifetime", "later", "fetches", "why"),
    [
        (3600, 0, 1, "a token that was just had is used again"),
        (3600, 3600 - LEEWAY - 1, 1, "and up to a minute before its end"),
        (3600, 3600 - LEEWAY, 2, "but not in its last minute: the login takes a while"),
        (3600, 100_000, 2, "nor after it"),
        (30, 0, 2, "one that lives less than a minute is good for one login"),
        (None, tokenservice.ASSUMED_LIFETIME - LEEWAY - 1, 1, "of one whose life is not told, some minutes are assumed"),
        (None, tokenservice.ASSUMED_LIFETIME, 2, "and no more"),
        (10**9, tokenservice.LONGEST_LIFETIME, 2, "nothing lives for thirty years"),
    ],
)
def test_a_token_is_used_until_shortly_before_its_end(world: World, lifetime: float | None, later: float, fetches: int, why: str) -> None:
    world.service.lifetime = lifetime
    tokens = world.tokens(world.service.new_refresh_token())
    tokens.token()
    world.clock.now += later
    assert world.service.owner(tokens.token()) == world.service.user
    assert world.service.counts["refresh_token"] == fetches, why


def test_a_refused_token_is_not_used_again(world: World) -> None:
    tokens = world.tokens(world.service.new_refresh_token())
    first = tokens.token()
    world.service.revoke(first)
    world.service.misbehave(503, times=1)
    with pytest.raises(Unavailable):
        tokens.token(fresh=True)
    assert tokens.token() != first, "even if no other could be had at once"


def test_threads_share_one_token(world: World) -> None:
    tokens = world.tokens(world.service.new_refresh_token())
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: tokens.token(), range(16)))
    assert len(found) == 1
    assert world.service.counts["refresh_token"] == 1


def test_an_application_may_log_in_as_itself(world: World) -> None:
    tokens = world.tokens(grant="client_credentials")
    assert world.service.owner(tokens.token()) == world.service.user
    assert world.service.asked[0]["scope"] == "imap offline_access"
    assert not world.memory.parent.exists(), "there is nothing to remember"


def test_an_application_without_a_secret_sends_none(world: World) -> None:
    world.service.client_secret = None
    tokens = world.tokens(world.service.new_refresh_token(), client_secret=None)
    assert tokens.token()
    assert "client_secret" not in world.service.asked[0], "Microsoft refuses a public application that sends one, even an empty one"


def test_a_scope_granted_otherwise_is_no_error(world: World) -> None:
    world.service.extra = {"scope": "imap", "ext_expires_in": 3600, "id_token": "x"}
    assert world.tokens(world.service.new_refresh_token()).token(), "Microsoft never lists «offline_access»"


# Which refresh token is used, and what is remembered.


def test_the_newest_refresh_token_is_remembered(world: World) -> None:
    world.service.rotates = True
    first = world.service.new_refresh_token()
    tokens = world.tokens(first)
    for _ in range(3):
        tokens.token(fresh=True)
    again = world.tokens(first)  # another process, later: the first one is long worthless
    assert again.token()
    newest = world.remembered()
    assert newest["origin"] == digest(first)
    assert newest["refresh_token"] not in {first, *(asked["refresh_token"] for asked in world.service.asked)}


def test_two_processes_do_not_spoil_each_others_refresh_token(world: World) -> None:
    world.service.rotates = True
    first = world.service.new_refresh_token()
    sources = [world.tokens(first) for _ in range(4)]  # each has its own lock, as processes have
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda tokens: tokens.token(fresh=True), sources * 4))
    assert len(set(found)) == 16, "each was granted, though every refresh token was good for once"


def test_a_refresh_token_that_stays_is_not_written(world: World) -> None:
    world.tokens(world.service.new_refresh_token()).token()
    assert not world.memory.exists()


def test_only_the_owner_can_read_it(world: World) -> None:
    world.service.rotates = True
    world.tokens(world.service.new_refresh_token()).token()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (world.memory.parent, *world.memory.parent.iterdir())}
    assert modes == {"new": 0o700, "reports.json": 0o600, "reports.json.lock": 0o600}


@pytest.mark.parametrize(
    ("configured", "remembered", "used", "why"),
    [
        ("new", ("old", "digest of other"), "new", "a newly configured one beats what came from another"),
        ("new", ("login", ""), "new", "and one from a login before it"),
        ("new", ("rotated", "digest of new"), "rotated", "what came from the configured one is newer"),
        (None, ("login", ""), "login", "without a configured one the login's is used"),
        (None, ("rotated", "digest of new"), "rotated", "also when the settings no longer hold the one it came from"),
        ("", ("login", ""), "login", "an empty one is none"),
        ("new", b"{half", "new", "a damaged memory is as none"),
        ("new", b"[1]", "new", "so is one that holds something else"),
        ("new", b'{"refresh_token": 5, "origin": ""}', "new", "or another kind of value"),
        (" new\n", None, "new", "spaces around it, as commands print them, are no part of it"),
    ],
)
def test_which_refresh_token_is_used(
    world: World, configured: str | None, remembered: tuple[str, str] | bytes | None, used: str, why: str
) -> None:
    if remembered is not None:
        world.memory.parent.mkdir()
        origins = {"digest of new": digest("new"), "digest of other": digest("other"), "": ""}
        if isinstance(remembered, bytes):
            world.memory.write_bytes(remembered)
        else:
            Remembered(remembered[0], origins[remembered[1]]).keep(world.memory)
    with pytest.raises(SetupError, match="invalid_grant"):  # the service knows none of them, but tells which it was given
        world.tokens(configured).token()
    assert world.service.asked[0]["refresh_token"] == used, why


def test_without_any_refresh_token_somebody_must_log_in(world: World) -> None:
    with pytest.raises(SetupError, match=r"there is no refresh token yet.*dmarcscope mailbox login reports"):
        world.tokens().token()
    assert not world.service.asked


def test_a_refresh_token_that_cannot_be_kept_is_kept_later(world: World) -> None:
    world.service.rotates = True
    takes_away = iter([True])

    def secret() -> str:
        """Asked for while the refresh token is in use: the folder goes away meanwhile."""
        if next(takes_away, False):
            shutil.rmtree(world.memory.parent)
        return world.service.client_secret or ""

    tokens = world.tokens(world.service.new_refresh_token(), client_secret=secret)
    with pytest.raises(Unavailable, match="the new refresh token cannot be kept"):
        tokens.token()
    assert world.service.owner(tokens.token()), "the new one was not lost: the old one is worthless by now"
    assert world.tokens().token(), "and is remembered for other processes"


def test_nothing_is_asked_if_nothing_can_be_kept(world: World) -> None:
    world.memory.parent.write_text("a file in the place of the folder")
    with pytest.raises(SetupError, match="cannot be written"):
        world.tokens(world.service.new_refresh_token()).token()
    assert not world.service.asked, "or a refresh token would be used up for nothing"


# What goes wrong, and whose fault it is.

HUGE = b" " * (tokenservice.LARGEST_ANSWER + 1)


@pytest.mark.parametrize(
    ("answer", "kind", "said", "why"),
    [
        ({"status": 400, "body": {"error": "invalid_grant"}}, SetupError, "invalid_grant.*mailbox login reports", "log in again"),
        (
            {"status": 401, "body": {"error": "invalid_client", "error_description": "AADSTS7000222: expired"}},
            SetupError,
            "AADSTS7000222.*client_secret",
            "the server's words, and what to do",
        ),
        ({"status": 400, "body": {"error": "unauthorized_client"}}, SetupError, "unauthorized_client.*Allow", "the application may not"),
        ({"status": 400, "body": {"error": "something_new"}}, SetupError, "something_new.*settings", "an error that we do not know"),
        ({"status": 200, "body": {"error": "invalid_grant"}}, SetupError, "invalid_grant", "an error is one whatever the status"),
        ({"status": 400, "body": {"error": {"code": 7}, "error_description": [1]}}, SetupError, "code", "an error of another form"),
        ({"status": 400, "body": {"error": None}}, SetupError, "HTTP status 400", "an error without a name"),
        ({"status": 403, "body": {}}, SetupError, "HTTP status 403", "no error named at all"),
        ({"status": 400, "body": {"error": "temporarily_unavailable"}}, Unavailable, "temporarily_unavailable", "passes by itself"),
        ({"status": 503}, Unavailable, "503", "overloaded"),
        ({"status": 500, "body": {"error": "invalid_grant"}}, Unavailable, "500", "a broken server is not to be believed"),
        ({"status": 429}, Unavailable, "429", "too many questions"),
        ({"status": 200, "body": {}}, SetupError, "no access token", "nothing granted"),
        ({"status": 200, "body": {"access_token": ""}}, SetupError, "no access token", "an empty token"),
        ({"status": 200, "body": {"access_token": "a\x01auth=b"}}, SetupError, "no access token", "would smuggle a field into the login"),
        ({"status": 200, "body": {"access_token": 7}}, SetupError, "no access token", "a number is no token"),
        ({"status": 200, "body": b"<html>Welcome to the hotel"}, SetupError, "no JSON object.*token_url", "not a token service"),
        ({"status": 200, "body": b"access_token=abc"}, SetupError, "no JSON object", "form-encoded, which RFC 6749 knows not"),
        ({"status": 200, "body": b'["access_token"]'}, SetupError, "no JSON object", "JSON, but not an object"),
        ({"status": 200, "body": b"[" * 100_000}, SetupError, "no JSON object", "nested too deep"),
        ({"status": 404, "body": b"not found"}, SetupError, "404.*token_url", "another address"),
        ({"status": 200, "body": HUGE}, SetupError, "larger", "too large"),
        ({"status": 307, "headers": {"Location": "https://127.0.0.1:1/"}}, SetupError, "elsewhere", "the secrets are not sent on"),
        ({"status": 200, "body": b" " * 100, "drip": 0.05}, Unavailable, "too long", "byte after byte"),
        ({"status": 200, "body": b" " * 100, "drip": 2.0}, Unavailable, "did not answer within 0.3 s", "not a byte"),
        (
            {"status": 200, "body": b"\x1f\x8b\x08", "headers": {"Content-Encoding": "gzip"}},
            DmarcscopeError,
            "token service",
            "packed, and cut off",
        ),
    ],
)
def test_errors_are_sorted_by_fault(world: World, answer: dict[str, Any], kind: type[DmarcscopeError], said: str, why: str) -> None:
    world.service.misbehave(**answer)
    tokens = world.tokens(world.service.new_refresh_token())
    with pytest.raises(kind, match=f"(?s)^{NAME}.*{said}"):
        tokens.token()
    world.service.behave()
    assert tokens.token(), "and when it is mended, all goes on"
    assert why


@pytest.mark.parametrize("life", ["soon", None, [], {}, -5, 1e300, "9" * 5000, float("nan"), float("inf"), True])
def test_a_strange_lifetime_does_no_harm(world: World, life: Any) -> None:
    world.service.extra = {"expires_in": life}
    assert world.tokens(world.service.new_refresh_token()).token()


@pytest.mark.parametrize(
    ("change", "kind", "said", "why"),
    [
        ({"token_url": "https://127.0.0.1:1/token"}, Unavailable, "cannot be reached", "nobody listens there"),
        ({"ca_file": None}, SetupError, "not to be trusted.*ca_file", "an authority that we do not know"),
        ({"ca_file": Path("/nowhere/ca.pem")}, SetupError, "holds no certificate", "no such file"),
        ({"ca_file": Path(__file__)}, SetupError, "holds no certificate", "a file with something else"),
        ({"client_secret": lambda: "wrong"}, SetupError, "invalid_client.*client_secret", "the service knows another secret"),
    ],
)
def test_services_that_cannot_be_asked(world: World, change: dict[str, Any], kind: type[DmarcscopeError], said: str, why: str) -> None:
    with pytest.raises(kind, match=said):
        world.tokens("refresh-1", **change).token()
    assert why


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://login.example.org/token", "secrets in the clear"),
        ("http://127.0.0.1/token", "nor on loopback: an authority of one's own is easy"),
        ("https:///token", "no host"),
        ("https://[::1/token", "half a bracket"),
        ("ftp://login.example.org/", "another protocol"),
        ("https://login.example.org:99999/", "no such port"),
    ],
)
def test_secrets_go_to_https_only(world: World, address: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # the library would then not mind
    with pytest.raises(SetupError, match="https"):
        replace(world.client, token_url=address)
    assert why


def test_no_secret_is_ever_shown(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refresh = world.service.new_refresh_token()
    tokens = world.tokens(refresh)
    access = tokens.token()
    world.service.misbehave(400, {"error": "invalid_grant", "error_description": f"{refresh} of client-secret-1\r\n\x1b[31m{'x' * 5000}"})
    with pytest.raises(SetupError) as caught:
        tokens.token(fresh=True)
    shown = [str(caught.value), repr(caught.value), repr(tokens), repr(world.client), repr(Remembered(refresh)), caplog.text]
    assert not [text for text in shown for secret in (refresh, access, "client-secret-1") if secret in text]
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 2 * oauth.LONGEST_SHOWN


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import dmarcscope.intake.login; assert 'requests' not in sys.modules", ""),
        (
            "sys.modules['requests_oauthlib'] = None; from dmarcscope.intake.tokens import load; load()",
            "Run: pip install 'dmarcscope[oauth]'",
        ),
    ],
    ids=["loaded only where it is needed", "and missed only there"],
)
def test_the_library_is_an_extra(code: str, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", f"import sys; {code}"], capture_output=True, text=True, check=False)
    assert done.stderr.strip().endswith(said)
    assert done.returncode == bool(said)


def test_the_service_tells_dovecot_whose_a_token_is(world: World) -> None:
    token = world.tokens(world.service.new_refresh_token()).token()
    address = world.service.introspection_url
    bare = address.split("?", maxsplit=1)[0]
    asked = [
        urllib.request.Request(f"{address}{token}"),  # noqa: S310 (loopback; Dovecot's introspection_mode = get)
        urllib.request.Request(bare, headers={"Authorization": f"Bearer {token}"}),  # noqa: S310 (auth)
        urllib.request.Request(bare, data=f"token={token}".encode()),  # noqa: S310 (post)
    ]
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for valid in (True, False):
        for request in asked:
            with browser.open(request, timeout=5) as answer:
                told = json.load(answer)
            assert told == (
                {"active": True, "username": "reports@example.org", "email": "reports@example.org"} if valid else {"active": False}
            )
        world.service.revoke(token)


# Tokens from elsewhere, and providers.


@pytest.mark.parametrize(
    ("printed", "token", "why"),
    [
        ("ya29.abc\n", "ya29.abc", "commands end their line"),
        ("", None, "nothing"),
        ("Error: not logged in", None, "a sentence"),
        ("a\x01b", None, "would smuggle a field into the login"),
    ],
)
def test_tokens_of_a_command(printed: str, token: str | None, why: str) -> None:
    calls = iter([printed, printed])
    tokens = CommandToken(lambda: next(calls), name=NAME)
    for fresh in (False, True):
        if token is None:
            with pytest.raises(SetupError, match=f"^{NAME}: .*access token"):
                tokens.token(fresh=fresh)
        else:
            assert tokens.token(fresh=fresh) == token, why
    assert next(calls, None) is None, "asked each time"


MICROSOFT = "https://login.microsoftonline.com/example.org/oauth2/v2.0"


@pytest.mark.parametrize(
    ("make", "token_url", "scope"),
    [
        (lambda: google("id", None), "https://oauth2.googleapis.com/token", "https://mail.google.com/"),
        (
            lambda: microsoft("example.org", "id", None),
            f"{MICROSOFT}/token",
            "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
        ),
        (
            lambda: microsoft("example.org", "id", None, grant="client_credentials"),
            f"{MICROSOFT}/token",
            "https://outlook.office365.com/.default",
        ),
    ],
)
def test_providers(make: Callable[[], OAuthClient], token_url: str, scope: str) -> None:
    assert (make().token_url, " ".join(make().scope)) == (token_url, scope)
