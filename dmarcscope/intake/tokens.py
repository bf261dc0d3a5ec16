"""Access tokens for a mailbox whose server takes no password (IMAP's XOAUTH2, and OAUTHBEARER of RFC 7628).

An access token lives for about an hour, a refresh token for months. Microsoft gives a new refresh token with each access token, and lets
the old one run out; the newest is therefore remembered in a file of its own (see ``remembered``).
"""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from types import ModuleType

from dmarcscope.errors import SetupError, Unavailable
from dmarcscope.intake.oauth import OAuthClient, Secret, google, is_token, microsoft
from dmarcscope.intake.remembered import Remembered, digest, sole_use

__all__ = ["CommandToken", "OAuthClient", "OAuthTokens", "Secret", "google", "load", "microsoft"]

LEEWAY = 60.0
"""Seconds before its end from which an access token is no longer handed out: the login that it is for takes a while, and clocks differ."""


class CommandToken:
    """Access tokens from elsewhere, such as a command of the user's own; asked anew for every login."""

    def __init__(self, command: Secret, *, name: str) -> None:
        self._command = command
        self._name = name

    def token(self, *, fresh: bool = False) -> str:
        """What the command gives; it is always fresh. Raises SetupError if that is no token."""
        _ = fresh
        token = self._command().strip()
        if not is_token(token):
            fix = "Let the command print the token alone"
            raise SetupError(
                "what was given as access token is empty, or holds spaces or other letters than ASCII", where=self._name, fix=fix
            )
        return token


class OAuthTokens:
    """Access tokens from a token service, each used until it is about to run out. May be shared by threads."""

    def __init__(
        self,
        client: OAuthClient,
        *,
        name: str,
        memory: Path,
        refresh_token: Secret | None = None,
        clock: Callable[[], float] = time.time,  # not time.monotonic: that stands still while the machine sleeps
    ) -> None:
        """``name`` is the mailbox's, for messages; ``memory`` the file for the newest refresh token; ``refresh_token`` the configured one.

        ``clock`` tells seconds. If it is set back, a token may be used for too long; the server refuses it then, and a fresh one is had.
        """
        self._client = client
        self._name = name
        self._memory = memory
        self._configured = refresh_token
        self._clock = clock
        self._lock = Lock()
        self._access_token = ""
        self._usable_until = 0.0
        self._unkept: Remembered | None = None

    def token(self, *, fresh: bool = False) -> str:
        """An access token; ``fresh`` if the server refused the last one, which is then not used again.

        Raises SetupError if the service refuses or somebody must log in, Unavailable if the service cannot answer now.
        """
        with self._lock:
            if fresh:
                self._usable_until = 0.0
            now = self._clock()
            if now >= self._usable_until:
                self._access_token, life = self._fetch()
                self._usable_until = now + life - LEEWAY
            return self._access_token

    def _fetch(self) -> tuple[str, float]:
        """A new access token and its life in seconds."""
        service = load()
        if self._client.grant == "client_credentials":
            granted = service.for_itself(self._client, self._name)
            return granted.access_token, granted.lifetime
        # One at a time: of two processes that use the same refresh token, the slower might remember the older one.
        with sole_use(self._memory):
            used = self._newest()
            granted = service.refreshed(self._client, used.refresh_token, self._name)
            if granted.refresh_token != used.refresh_token or self._unkept:
                self._keep(Remembered(granted.refresh_token, used.origin))
        return granted.access_token, granted.lifetime

    def _newest(self) -> Remembered:
        """The refresh token to use: the remembered one, unless another has been configured since."""
        remembered = self._unkept or Remembered.recall(self._memory)
        configured = self._configured().strip() if self._configured else ""
        if configured and (remembered is None or remembered.origin != digest(configured)):
            return Remembered(configured, digest(configured))
        if remembered is None:
            fix = f"Somebody must log in once; run: dmarcscope mailbox login {self._name}"
            raise SetupError("there is no refresh token yet", where=self._name, fix=fix)
        return remembered

    def _keep(self, newest: Remembered) -> None:
        """Remember the newest refresh token; the one before may be worth nothing by now, so a failure is loud, and is tried again."""
        self._unkept = newest
        try:
            newest.keep(self._memory)
        except OSError as error:
            what = f"the new refresh token cannot be kept ({error.strerror or error})"
            raise Unavailable(what, where=str(self._memory), fix="Make room, or let it be written; it is tried again") from error
        self._unkept = None


def load() -> ModuleType:
    """The part that speaks to token services. Raises SetupError if the library that it needs is not installed."""
    try:
        from dmarcscope.intake import tokenservice
    except ImportError as error:
        raise SetupError(f"logging in with tokens needs another package ({error})", fix="Run: pip install 'dmarcscope[oauth]'") from error
    return tokenservice
