"""An account on a mail server: how to get there, safely, and whose fault it is when that fails (IMAP, RFC 9051; TLS, RFC 8314)."""

import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dmarcscope.errors import MailboxUnavailable, SetupError

if TYPE_CHECKING:
    from imapclient import IMAPClient

CONNECT_SECONDS = 20.0
READ_SECONDS = 90.0
"""A server may think for a while about a large folder; one that says nothing for longer is not there any more."""


class Security(StrEnum):
    """How the connection is protected."""

    TLS = "tls"  # at once (RFC 8314)
    STARTTLS = "starttls"  # before anything else is said; without it nothing is
    NONE = "none"  # only if the operator says so


class Mechanism(StrEnum):
    """How to log in."""

    PASSWORD = "password"
    XOAUTH2 = "xoauth2"
    OAUTHBEARER = "oauthbearer"  # RFC 7628


class TokenSource(Protocol):
    """Gives access tokens; ``fresh``: the server did not take the last one."""

    def token(self, *, fresh: bool = False) -> str:
        """An access token. Raises SetupError or Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """How to get into a mailbox. ``password`` is asked at each login; ``tokens`` take its place for the two OAuth mechanisms."""

    user: str
    host: str
    port: int
    security: Security = Security.TLS
    mechanism: Mechanism = Mechanism.PASSWORD
    password: Callable[[], str] | None = field(default=None, repr=False)
    tokens: TokenSource | None = field(default=None, repr=False)
    ca_file: Path | None = None
    verify: bool = True

    @property
    def where(self) -> str:
        """The server, for messages."""
        return f"{self.user} at {self.host}:{self.port}"


# RFC 5530 and what providers say: these refusals pass by themselves. All others want somebody to do something.
PASSING = re.compile(
    r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|THROTTLED|OVERQUOTA)\b"
    r"|too many|try again|temporar|throttl|bandwidth|rate limit|exceeded",
    re.IGNORECASE,
)
CODE = re.compile(r"\[([A-Z][A-Z0-9-]*)")


def refusal_code(error: Exception) -> str:
    """The response code (RFC 5530) in a server's refusal, "" if it gave none."""
    found = CODE.search(str(error))
    return found[1] if found else ""


def said(error: BaseException) -> str:
    """What the server or the system said, on one line."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(re.sub(r"^[bB](['\"])(.*)\1$", r"\2", str(text)).split())[:300] or type(error).__name__


@contextmanager
def talking(account: Account) -> Iterator[None]:
    """Raise MailboxUnavailable where the connection breaks or the server stops talking; what it refuses goes through as it is."""
    try:
        yield
    except imaplib.IMAP4.abort as error:
        raise MailboxUnavailable(f"the mail server ended the connection ({said(error)})", where=account.where) from error
    except imaplib.IMAP4.error:
        raise
    except (OSError, EOFError) as error:
        raise MailboxUnavailable(f"the connection broke ({said(error)})", where=account.where) from error


def tls_context(account: Account) -> ssl.SSLContext:
    """TLS as the account wants it: verified unless the operator insists. Raises SetupError for a CA file that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=str(account.ca_file) if account.ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise SetupError(f"cannot be used as CA file ({said(error)})", where=str(account.ca_file), fix="Name a file in PEM form") from error
    if not account.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def connect(account: Account) -> "IMAPClient":
    """A connection, protected as the account wants it. Raises as `open_session` does."""
    from imapclient import IMAPClient, SocketTimeout

    at_once = account.security is Security.TLS
    context = tls_context(account)
    with ExitStack() as undo, connecting(account):
        client = IMAPClient(
            account.host,
            account.port,
            ssl=at_once,
            ssl_context=context if at_once else None,
            timeout=SocketTimeout(CONNECT_SECONDS, READ_SECONDS),
        )
        undo.callback(drop, client)
        client.normalise_times = False
        client.socket().setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if account.security is Security.STARTTLS:
            if not client.has_capability("STARTTLS"):
                # A server, or somebody on the way, that offers no TLS gets no password (RFC 8314 §3.2).
                raise SetupError("the server offers no STARTTLS", where=account.where, fix="Use imaps://, or ask the provider")
            client.starttls(context)
        undo.pop_all()
    return client


@contextmanager
def connecting(account: Account) -> Iterator[None]:
    """Say whose fault it is that there is no connection."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise SetupError(
            f"the server's certificate is not trusted ({error.verify_message})",
            where=account.where,
            fix="Check the server's name; a CA of your own goes into tls.ca_file",
        ) from error
    except ssl.SSLError as error:
        raise MailboxUnavailable(f"no TLS connection ({said(error)}); is it the right port?", where=account.where) from error
    except imaplib.IMAP4.error as error:
        raise MailboxUnavailable(f"the mail server turned us away ({said(error)})", where=account.where) from error
    except OSError as error:
        raise MailboxUnavailable(f"cannot be reached ({said(error)})", where=account.where) from error


def drop(client: "IMAPClient") -> None:
    """End a connection without a word."""
    with suppress(Exception):
        client.shutdown()
