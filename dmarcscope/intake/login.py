"""Logs a person in once, so that a mailbox can be read from then on: RFC 6749 §4.1 with PKCE (RFC 7636), for native apps (RFC 8252).

``begin`` gives an address to open in a browser. The browser ends at a loopback address: on this machine ``wait`` answers it there; from
another machine the person pastes that address, and ``finish`` takes it. Either way the refresh token ends up in the mailbox's memory.
"""

import hmac
import html
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import Empty, SimpleQueue
from socketserver import ThreadingTCPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from dmarcscope.errors import DmarcscopeError, SetupError
from dmarcscope.intake.oauth import OAuthClient, Secret
from dmarcscope.intake.remembered import Remembered, digest, sole_use
from dmarcscope.intake.tokens import load

LOOPBACK = "127.0.0.1"
TIME_TO_LOG_IN = 300.0
"""Seconds that a person has: a password, a second factor and a look at what is asked for."""
LONGEST_ADDRESS = 16 * 1024
"""Characters of an address that a browser ended at; codes take up to 2 KB."""
IDLE = 5.0
"""Seconds that a connection may say nothing: browsers open some ahead, and never use them."""


def begin(client: OAuthClient, memory: Path, *, name: str, user: str = "", configured: Secret | None = None, port: int = 0) -> "Login":
    """Begin to log in; use what it returns as a context manager.

    ``memory`` is the file for the refresh token, ``name`` the mailbox's name for messages, ``user`` the account that the login page
    proposes, ``configured`` the refresh token in the settings, whose place the new one takes; ``port`` is where the browser
    is awaited, any free one if 0. Raises SetupError if nobody can log in there, or the port is taken.
    """
    if client.grant == "client_credentials":
        raise SetupError("the application logs in as itself (client_credentials), so nobody has to", where=name, fix="Go on without")
    if not client.authorize_url:
        raise SetupError("there is no address to log in at", where=name, fix="Set authorize_url")
    return Login(client, memory, name=name, user=user, configured=configured, port=port)


class Login:
    """A login that has begun: ``address`` is what the person is to open."""

    def __init__(self, client: OAuthClient, memory: Path, *, name: str, user: str, configured: Secret | None, port: int) -> None:
        service = load()
        self._memory = memory
        self._name = name
        self._configured = configured
        self._waiter = Waiter(port, name)
        redirect = client.redirect.format(port=self._waiter.server_address[1])
        self._consent = service.Consent(client, redirect=redirect, user=user, where=name)
        self._refusal = service.refusal
        self._waiter.start(self._consent.state)

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        return str(self._consent.address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Await the browser no longer. May be called twice."""
        self._waiter.stop()

    def wait(self, timeout: float = TIME_TO_LOG_IN) -> None:
        """Await the browser for that many seconds, then do as ``finish`` does. Raises SetupError when the time is over."""
        try:
            redirected = self._waiter.arrived.get(timeout=timeout)
        except Empty:
            fix = "Try again; if the browser runs on another machine, paste the address that it ends at"
            raise SetupError(f"nobody logged in within {timeout:g} s", where=self._name, fix=fix) from None
        self.finish(redirected)

    def finish(self, redirected_address: str) -> None:
        """Take the address that the browser ended at, and remember the refresh token that it leads to.

        Raises SetupError if it does not belong to this login, the login was refused, or no refresh token was given; Unavailable if the
        service cannot answer now.
        """
        answer = parameters(redirected_address, self._name)
        if not belongs(answer, self._consent.state):
            fix = "Paste the whole address that the browser ended at, or begin anew"
            raise SetupError("this address does not belong to the login that has begun (its «state» differs)", where=self._name, fix=fix)
        if "error" in answer:
            raise self._refusal(answer["error"], answer.get("error_description", ""), where=self._name)
        if not answer.get("code"):
            raise SetupError("the address holds no code", where=self._name, fix="Paste the whole address that the browser ended at")
        self.close()
        self._remember(self._consent.redeem(answer["code"]).refresh_token)

    def _remember(self, refresh_token: str) -> None:
        if not refresh_token:
            fix = "Take the application's access away in the account's settings, and log in again; the scope must allow offline access"
            raise SetupError("the login went well, but no refresh token was given", where=self._name, fix=fix)
        configured = self._configured().strip() if self._configured else ""
        with sole_use(self._memory):
            try:
                Remembered(refresh_token, digest(configured) if configured else "").keep(self._memory)
            except OSError as error:
                what = f"cannot be written ({error.strerror or error})"
                raise SetupError(what, where=str(self._memory), fix="Make room, and log in again") from error


def parameters(address: str, name: str) -> dict[str, str]:
    """What the address says after its «?», the first of each. Raises SetupError if it is no address.

    >>> parameters("http://127.0.0.1:8080/?code=4%2F0A&state=x", "box")
    {'code': '4/0A', 'state': 'x'}
    """
    try:
        found = parse_qs(urlsplit(address.strip()).query, max_num_fields=50) if len(address) <= LONGEST_ADDRESS else {}
    except ValueError:
        found = {}
    if not found:
        raise SetupError("this is not the address that the browser ended at", where=name, fix="It begins with «http://» and holds «code=»")
    return {key: values[0] for key, values in found.items()}


def belongs(answer: dict[str, str], state: str) -> bool:
    """Is it the answer to this login? RFC 6749 §10.12: «state» keeps others from logging us in as somebody else."""
    return hmac.compare_digest(answer.get("state", "").encode(), state.encode())


class Waiter(ThreadingTCPServer):
    """Awaits the browser on this machine alone; what arrives for this login is put into ``arrived``."""

    daemon_threads = True
    allow_reuse_address = True  # a port that was just in use; ThreadingHTTPServer would look up the name of 127.0.0.1, and in vain

    def __init__(self, port: int, name: str) -> None:
        try:
            super().__init__((LOOPBACK, port), Answer)
        except (OSError, OverflowError) as error:
            raise SetupError(
                f"cannot await the browser there ({error})", where=f"{name}, port {port}", fix="Choose another port"
            ) from error
        self.name = name
        self.state = ""
        self.arrived: SimpleQueue[str] = SimpleQueue()
        self._thread: Thread | None = None

    def start(self, state: str) -> None:
        """Await the answer that has this state."""
        self.state = state
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Await it no longer."""
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
            self._thread = None
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no matter."""


class Answer(BaseHTTPRequestHandler):
    """What the browser sees: whether this was the answer to the login. Anything else that it asks for is not there."""

    timeout = IDLE
    server: Waiter

    def do_GET(self) -> None:
        """Take the redirect; pass over icons, other logins' answers and whatever else comes by."""
        try:
            answer = parameters(self.path, "")
        except DmarcscopeError:
            answer = {}
        if not belongs(answer, self.server.state):
            self._show(HTTPStatus.NOT_FOUND, "This is not the answer to the login that dmarcscope awaits.")
        elif "error" in answer:
            self._show(HTTPStatus.OK, f"The login was refused: {answer['error']} {answer.get('error_description', '')}")
            self.server.arrived.put(self.path)
        else:
            self._show(HTTPStatus.OK, "dmarcscope has the answer. Close this page, and see in the terminal whether all went well.")
            self.server.arrived.put(self.path)

    def _show(self, status: HTTPStatus, text: str) -> None:
        page = f"<!doctype html><meta charset=utf-8><title>dmarcscope</title><p>{html.escape(text[:1000])}</p>\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(page)

    def version_string(self) -> str:
        """Who answers."""
        return "dmarcscope"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (so named by http.server)
        """Nothing: the address holds the code."""
