"""Asks a token service for tokens (RFC 6749 §4.1, §4.4, §6; PKCE is RFC 7636), through requests-oauthlib.

The library builds the requests and reads the answers. Here stands what it leaves open: an answer is bounded in size and time, never
follows a redirect with the secrets in hand, and is cleaned before the library reads it; every failure becomes an error by whose
fault it is. Import this file only where it is needed, by ``load``: the library is an extra, and takes a tenth of a second.
"""

import json
import logging
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import requests
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error, WebApplicationClient
from requests.adapters import HTTPAdapter
from requests_oauthlib import OAuth2Session
from urllib3.exceptions import HTTPError, ReadTimeoutError

from dmarcscope.errors import SetupError, Unavailable
from dmarcscope.intake.oauth import OAuthClient, is_token, printable

LARGEST_ANSWER = 256 * 1024
"""Bytes of a token service's answer: tokens take some KB."""
PIECE = 16 * 1024
ASSUMED_LIFETIME = 300.0
"""Seconds that an access token is used whose life the service does not tell: far below the usual hour."""
LONGEST_LIFETIME = 86_400
"""Seconds that an access token is used at most, whatever the service says."""
BUSY = {408, 429}  # and all from 500
FOR_NOW = {"temporarily_unavailable", "server_error", "slow_down", "rate_limit_exceeded", "internal_failure"}
"""Errors that pass without anyone's doing."""
FIXES = {
    "invalid_grant": "Log in again (dmarcscope mailbox login NAME), or set a new refresh token",
    "interaction_required": "Log in again (dmarcscope mailbox login NAME)",
    "consent_required": "Log in again (dmarcscope mailbox login NAME), or let an administrator consent",
    "invalid_client": "Check client_id and client_secret; a secret may have run out",
    "unauthorized_client": "Allow the application this way of logging in, at the provider",
    "unsupported_grant_type": "Choose another grant, or check token_url",
    "invalid_scope": "Check scope, and the application's permissions at the provider",
    "access_denied": "Log in again and consent, or let an administrator consent",
}
OTHERWISE = "Check the application's settings at the provider"
NO_SERVICE = "Check token_url"

# At its lowest level the library logs whole requests and answers.
logging.getLogger("requests_oauthlib").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True, repr=False)
class Granted:
    """What a token service gave: an access token and its life in seconds, and a refresh token, empty if none."""

    access_token: str
    lifetime: float
    refresh_token: str


def refreshed(client: OAuthClient, refresh_token: str, where: str) -> Granted:
    """A new access token for a refresh token (RFC 6749 §6), and perhaps a new refresh token.

    ``where`` is the mailbox's name. Raises SetupError if the service refuses, Unavailable if it cannot answer now.
    """
    secret = secret_of(client)
    with session(client) as asking, our_errors(client, where, refresh_token, secret or ""):
        sent = {"client_id": client.client_id, "client_secret": secret}
        asking.refresh_token(client.token_url, refresh_token=refresh_token, verify=trusted(client), **sent)
        granted = asking.token
    # The library gives the old refresh token where the service gave no new one.
    return Granted(granted["access_token"], lifetime(granted), granted["refresh_token"])


def for_itself(client: OAuthClient, where: str) -> Granted:
    """An access token for the application itself, without a person (RFC 6749 §4.4). Raises as ``refreshed`` does."""
    secret = secret_of(client)
    with session(client) as asking, our_errors(client, where, secret or ""):
        asking.fetch_token(client.token_url, include_client_id=True, client_secret=secret, verify=trusted(client))
        granted = asking.token
    return Granted(granted["access_token"], lifetime(granted), "")


class Consent:
    """A person's consent to be had: the address to open, and then the code that came back, turned into tokens (RFC 6749 §4.1)."""

    def __init__(self, client: OAuthClient, *, redirect: str, user: str, where: str) -> None:
        self._client = client
        self._where = where
        self._session = session(client, redirect)
        hint = {"login_hint": user} if user else {}
        address, state = self._session.authorization_url(client.authorize_url, **hint)
        self.address: str = address
        self.state: str = state

    def redeem(self, code: str) -> Granted:
        """The tokens for a code. Raises SetupError if the service refuses, Unavailable if it cannot answer now."""
        client, secret = self._client, secret_of(self._client)
        with self._session as asking, our_errors(client, self._where, code, secret or ""):
            asking.fetch_token(client.token_url, code=code, include_client_id=True, client_secret=secret, verify=trusted(client))
            granted = asking.token
        return Granted(granted["access_token"], lifetime(granted), granted.get("refresh_token", ""))


def secret_of(client: OAuthClient) -> str | None:
    """The application's secret, None if it has none."""
    return client.client_secret().strip() if client.client_secret else None


def session(client: OAuthClient, redirect: str = "") -> Any:
    """A session of requests-oauthlib for one question to the token service; it never leaves that service."""
    kinds = {"refresh_token": WebApplicationClient, "client_credentials": BackendApplicationClient}
    scope = list(client.scope)
    asking = OAuth2Session(
        client=kinds[client.grant](client.client_id, scope=scope), scope=scope, redirect_uri=redirect, pkce="S256" if redirect else None
    )
    asking.headers["Accept-Encoding"] = "identity"
    asking.mount("https://", Door(client.patience))
    return asking


def trusted(client: OAuthClient) -> str | bool:
    """Whom to trust, as requests wants it said. Raises SetupError for a ca_file that holds no certificate."""
    if client.ca_file is None:
        return True
    try:
        ssl.create_default_context(cafile=client.ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise SetupError("holds no certificate that can be read", where=str(client.ca_file), fix="Check ca_file") from error
    return str(client.ca_file)


def lifetime(granted: dict[str, Any]) -> float:
    """Seconds that the access token lives."""
    return float(granted.get("expires_in", ASSUMED_LIFETIME))


class Door(HTTPAdapter):
    """Where answers come in: read up to a size and a time, refused if they are none, and cleaned."""

    def __init__(self, patience: float) -> None:
        super().__init__()
        self._patience = patience

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """Send one request; the answer's content is JSON with nothing in it but what ``cleaned`` leaves."""
        give_up = time.monotonic() + self._patience
        response = super().send(request, **(options | {"stream": True, "timeout": self._patience}))
        try:
            content = read(response.raw, give_up)
        finally:
            response.close()
        if response.status_code in BUSY or response.status_code >= 500:
            raise Unavailable(f"the token service is busy or broken (HTTP status {response.status_code})")
        response.raw = BytesIO(json.dumps(cleaned(content, response.status_code)).encode())
        return response


def read(raw: Any, give_up: float) -> bytes:
    """What urllib3 receives. Raises SetupError if it is too large, Unavailable if it takes too long."""
    content = bytearray()
    while piece := raw.read1(PIECE, decode_content=True):
        content += piece
        if len(content) > LARGEST_ANSWER:
            raise SetupError(f"the answer is larger than {LARGEST_ANSWER} bytes, so this is no token service", fix=NO_SERVICE)
        if time.monotonic() > give_up:
            raise Unavailable("the token service takes too long for its answer")
    return bytes(content)


def cleaned(content: bytes, status: int) -> dict[str, Any]:
    """What is of use in an answer, each value of its kind. Raises SetupError if it is no answer of a token service.

    The scope is left out: Microsoft's differs from the one asked for (no «offline_access»), which the library takes for an error.
    """
    if 300 <= status < 400:
        raise SetupError(f"the token service sends us elsewhere (HTTP status {status})", fix=NO_SERVICE)
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise SetupError(f"the answer is not that of a token service (HTTP status {status}, no JSON object)", fix=NO_SERVICE)
    kept = {name: answer[name] for name in ("access_token", "refresh_token") if is_token(answer.get(name))}
    if "error" in answer or status >= 400:
        error = {name: str(answer.get(name) or "") for name in ("error", "error_description")}
        return error | {"error": error["error"] or f"HTTP status {status}"}
    try:
        return kept | {"token_type": "Bearer", "expires_in": max(1, min(int(answer["expires_in"]), LONGEST_LIFETIME))}
    except (KeyError, TypeError, ValueError, OverflowError):
        return kept | {"token_type": "Bearer"}


@contextmanager
def our_errors(client: OAuthClient, where: str, *secrets: str) -> Iterator[None]:
    """Turns what goes wrong while the service is asked into our errors; none shows a secret.

    «from None», since what the library raises holds the request, and with it the secrets.
    """
    place = f"{where}, {printable(client.token_url)}"
    try:
        yield
    except (SetupError, Unavailable) as error:
        if error.where:
            raise
        raise type(error)(error.what, where=place, fix=error.fix) from None
    except OAuth2Error as error:
        raise refusal(str(error.error), error.description or "", where=where, hidden=secrets) from None
    except requests.exceptions.SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" not in str(error):
            raise Unavailable("the token service cannot be spoken to in private (TLS)", where=place) from None
        fix = "If it is signed by your own authority, set ca_file; else something stands between, so give no secret away"
        raise SetupError("the token service's certificate is not to be trusted", where=place, fix=fix) from None
    except requests.exceptions.InvalidURL:
        raise SetupError("this is no address", where=place, fix=NO_SERVICE) from None
    except (requests.exceptions.Timeout, TimeoutError, ReadTimeoutError):
        raise Unavailable(f"the token service did not answer within {client.patience:g} s", where=place) from None
    except (requests.exceptions.RequestException, HTTPError):
        raise Unavailable("the token service cannot be reached", where=place) from None


def refusal(error: str, description: str, *, where: str, hidden: tuple[str, ...] = ()) -> SetupError | Unavailable:
    """The error for what a service answers (RFC 6749 §4.1.2.1 and §5.2): an error code, and perhaps an explanation."""
    said = printable(f"{error}: {description}" if description else error, *hidden)
    if error in FOR_NOW:
        return Unavailable(f"the token service cannot answer now («{said}»)", where=where)
    if error == "missing_token":
        return SetupError(
            "the token service's answer holds no access token", where=where, fix=f"{NO_SERVICE} and the application's settings"
        )
    return SetupError(f"the token service refuses («{said}»)", where=where, fix=FIXES.get(error, OTHERWISE).replace("NAME", where))
