"""A small OAuth token service on loopback, for tests: real HTTPS, real grants, and as unwilling as it is told to be.

    with TokenService() as service:
        client = OAuthClient(service.token_url, service.authorize_url, service.client_id, lambda: service.client_secret, ("imap",), ca_file=service.ca_file)

It grants refresh_token (RFC 6749 §6), client_credentials (§4.4) and authorization_code with PKCE (§4.1, RFC 7636), and says of an access
token whether it is valid and whose it is (RFC 7662) — in plain HTTP too, for Dovecot:

    introspection_mode = get | auth | post
    introspection_url = <service.introspection_url>
    username_attribute = email
    active_attribute = active
    active_value = true
"""

import base64
import hashlib
import json
import secrets
import ssl
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from threading import Event, Lock, Thread
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import trustme

Parameters = dict[str, str]


@dataclass
class Misbehaviour:
    """What the service answers at its token endpoint instead of a grant, for so many requests (None: for good)."""

    status: int
    body: bytes
    headers: dict[str, str]
    drip: float  # seconds between one byte and the next; 0 for all at once
    times: int | None


@dataclass
class TokenService:
    """The service; use it as a context manager. Its attributes may be changed while it runs.

    ``user`` is whose mailbox the tokens open; ``lifetime`` of access tokens in seconds, None for one that it does not tell;
    ``rotates``: each refresh gives a new refresh token; ``forgets``: and makes the old one worthless; ``extra`` is put into grants.
    """

    user: str = "reports@example.org"
    client_id: str = "client-1"
    client_secret: str | None = "client-secret-1"
    lifetime: float | None = 3600
    rotates: bool = False
    forgets: bool = True
    consents: bool = True
    gives_refresh_token: bool = True
    extra: dict[str, Any] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    """Requests by grant type, «authorize», «introspect» and «misbehaved»."""
    asked: list[Parameters] = field(default_factory=list)
    """What was sent to the token endpoint."""

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._access: dict[str, tuple[str, float]] = {}
        self._refresh: dict[str, str] = {}
        self._codes: dict[str, Parameters] = {}
        self._misbehaviour: Misbehaviour | None = None
        self.closing = Event()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="token-service-")
        authority = trustme.CA()
        self.ca_file = Path(self._folder.name, "ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        self._servers = [Server(self, context), Server(self, None)]
        secure, plain = (server.server_address[1] for server in self._servers)
        self.token_url = f"https://127.0.0.1:{secure}/token"
        self.authorize_url = f"https://127.0.0.1:{secure}/authorize"
        self.introspection_url = f"http://127.0.0.1:{plain}/introspect?token="
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        for server in self._servers:
            server.stop()
        self._folder.cleanup()

    # What a test tells it.

    def misbehave(
        self,
        status: int = 200,
        body: bytes | dict[str, Any] = b"",
        *,
        headers: Parameters | None = None,
        drip: float = 0,
        times: int | None = None,
    ) -> None:
        """Answer so at the token endpoint, for so many requests (None: until ``behave``)."""
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        self._misbehaviour = Misbehaviour(status, content, headers or {}, drip, times)

    def behave(self) -> None:
        """Grant again."""
        self._misbehaviour = None

    def new_access_token(self, user: str = "") -> str:
        """An access token that is valid from now on."""
        token = f"access-{secrets.token_urlsafe(16)}"
        with self._lock:
            self._access[token] = (user or self.user, time.time() + (self.lifetime if self.lifetime is not None else 3600))
        return token

    def new_refresh_token(self, user: str = "") -> str:
        """A refresh token that is valid from now on."""
        token = f"refresh-{secrets.token_urlsafe(16)}"
        with self._lock:
            self._refresh[token] = user or self.user
        return token

    def revoke(self, token: str) -> None:
        """Make an access or refresh token worthless."""
        with self._lock:
            self._access.pop(token, None)
            self._refresh.pop(token, None)

    def revoke_access_tokens(self) -> None:
        """Make all access tokens worthless, as if they had run out."""
        with self._lock:
            self._access.clear()

    def owner(self, access_token: str) -> str:
        """Whose mailbox the access token opens; empty if it is not valid."""
        with self._lock:
            user, end = self._access.get(access_token, ("", 0))
        return user if time.time() < end else ""

    # What it answers.

    def misbehaviour(self) -> Misbehaviour | None:
        """What to answer instead of a grant, if anything."""
        with self._lock:
            wrong = self._misbehaviour
            if wrong and wrong.times is not None:
                wrong.times -= 1
                if wrong.times <= 0:
                    self._misbehaviour = None
        self.counts["misbehaved"] += wrong is not None
        return wrong

    def grant(self, asked: Parameters) -> tuple[int, dict[str, Any]]:
        """The status and the answer to a request for tokens."""
        self.asked.append(asked)
        kind = asked.get("grant_type", "")
        self.counts[kind] += 1
        grants = {"refresh_token": self._refreshed, "client_credentials": self._for_itself, "authorization_code": self._redeemed}
        if (asked.get("client_id"), asked.get("client_secret")) != (self.client_id, self.client_secret):
            return refusal("invalid_client", "no such application, or another secret", 401)
        return grants[kind](asked) if kind in grants else refusal("unsupported_grant_type", kind)

    def _refreshed(self, asked: Parameters) -> tuple[int, dict[str, Any]]:
        old = asked.get("refresh_token", "")
        with self._lock:
            user = self._refresh.get(old)
            if user and self.rotates and self.forgets:
                del self._refresh[old]
        if not user:
            return refusal("invalid_grant", "the refresh token is unknown, revoked or has run out")
        return self._tokens(user, {"refresh_token": self.new_refresh_token(user)} if self.rotates else {})

    def _for_itself(self, _: Parameters) -> tuple[int, dict[str, Any]]:
        return self._tokens(self.user, {})

    def _redeemed(self, asked: Parameters) -> tuple[int, dict[str, Any]]:
        with self._lock:
            begun = self._codes.pop(asked.get("code", ""), None)  # a code is good for once
        if begun is None or begun["redirect_uri"] != asked.get("redirect_uri"):
            return refusal("invalid_grant", "the code is unknown, used, or was sent elsewhere")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(asked.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if begun.get("code_challenge_method") != "S256" or begun.get("code_challenge") != challenge:
            return refusal("invalid_grant", "the code verifier does not fit")
        return self._tokens(self.user, {"refresh_token": self.new_refresh_token()} if self.gives_refresh_token else {})

    def _tokens(self, user: str, more: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        life = {} if self.lifetime is None else {"expires_in": int(self.lifetime)}
        return 200, {"access_token": self.new_access_token(user), "token_type": "Bearer", **life, **more, **self.extra}

    def authorize(self, asked: Parameters) -> str:
        """Where the browser is sent after a person has decided."""
        self.counts["authorize"] += 1
        if not self.consents:
            answer = {"error": "access_denied", "error_description": "the person said no"}
        else:
            code = f"code-{secrets.token_urlsafe(16)}"
            self._codes[code] = asked
            answer = {"code": code}
        return f"{asked['redirect_uri']}?{urlencode(answer | {'state': asked.get('state', '')})}"

    def introspect(self, token: str) -> dict[str, Any]:
        """RFC 7662 §2.2: is it valid, and whose?"""
        self.counts["introspect"] += 1
        user = self.owner(token)
        return {"active": True, "username": user, "email": user} if user else {"active": False}


def refusal(error: str, description: str, status: int = 400) -> tuple[int, dict[str, Any]]:
    """RFC 6749 §5.2."""
    return status, {"error": error, "error_description": description}


class Server(ThreadingTCPServer):
    """One port of the service, served from a thread of its own."""

    daemon_threads = True

    def __init__(self, service: TokenService, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.service = service
        self._context = context
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; its handshake is left to the thread that serves it."""
        connection, peer = super().get_request()
        if self._context:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, peer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or does not trust the certificate, is no matter."""

    def stop(self) -> None:
        """Stop serving."""
        self.shutdown()
        self._thread.join()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = 10
    server: Server

    def do_GET(self) -> None:
        """/authorize and /introspect."""
        address = urlsplit(self.path)
        asked = dict(parse_qsl(address.query))
        if address.path == "/authorize":
            self._send(302, b"", {"Location": self.server.service.authorize(asked)})
        elif address.path == "/introspect":
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            self._json(200, self.server.service.introspect(asked.get("token") or bearer))
        else:
            self._send(404, b"not found", {})

    def do_POST(self) -> None:
        """/token and /introspect."""
        path = urlsplit(self.path).path
        asked = dict(parse_qsl(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()))
        if path == "/introspect":
            self._json(200, self.server.service.introspect(asked.get("token", "")))
        elif path != "/token":
            self._send(404, b"not found", {})
        elif wrong := self.server.service.misbehaviour():
            self._misbehave(wrong)
        else:
            self._json(*self.server.service.grant(asked))

    def _misbehave(self, wrong: Misbehaviour) -> None:
        if not wrong.drip:
            self._send(wrong.status, wrong.body, wrong.headers)
            return
        self._head(wrong.status, len(wrong.body), wrong.headers)
        for place in range(len(wrong.body)):
            if self.server.service.closing.wait(wrong.drip):
                return
            self.wfile.write(wrong.body[place : place + 1])

    def _json(self, status: int, answer: dict[str, Any]) -> None:
        self._send(status, json.dumps(answer).encode(), {"Content-Type": "application/json", "Cache-Control": "no-store"})

    def _send(self, status: int, body: bytes, headers: Parameters) -> None:
        self._head(status, len(body), headers)
        self.wfile.write(body)

    def _head(self, status: int, length: int, headers: Parameters) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (so named by http.server)
        """Nothing."""
