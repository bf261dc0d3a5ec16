"""Hand a mail to a mail server by SMTP (RFC 5321; submission, RFC 6409; TLS, RFC 8314), and tell for each recipient what became of it.

Facts: a server has taken a mail over when it answers 250 to the end of its content (RFC 5321 §4.2.5); without the end it must forget what
came (§4.1.1.4). So whatever breaks before the end is sent was no delivery, and whatever breaks between the end and its answer is unsure.
Strategy: the standard library's `smtplib` gives connection, TLS, login and replies one by one, which this needs to know where it broke.
"""

import re
import smtplib
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from dmarcscope.errors import SetupError
from dmarcscope.intake.account import Security, said
from dmarcscope.model.delivery import Letter, Receipt, Refusal

SECONDS = 60.0
"""How long a server may think about a command."""
END_SECONDS = 600.0
"""How long it may think about a whole mail: giving up earlier would make it arrive twice (RFC 5321 §4.5.3.2.6)."""
PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}
HELLO = "[127.0.0.1]"  # RFC 5321 §4.1.4: who has no public name says an address; the name of this machine is nobody's business
LONGEST = 300  # characters of what a server says
DOT = re.compile(rb"^\.", re.MULTILINE)
CLOSING = 421  # RFC 5321 §4.2.2: the server hangs up
BEGIN = 354
LOGGED_IN = {235, 503}
WRONG_LOGIN = range(500, 600)


class Carrier(Protocol):
    """Whatever takes a mail to its recipients."""

    def send(self, letter: Letter, before: Callable[[tuple[str, ...]], None]) -> Receipt:
        """Hand over a letter. ``before`` is called with the recipients that will get it, right before its content is sent.

        What the server or the network has against it is in the receipt. Raises SetupError for what the operator must mend, and what
        ``before`` raises: then nothing was sent.
        """
        ...


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server that takes our mail, and how to get there. ``password`` is asked at each login. A `Carrier`."""

    host: str
    port: int
    security: Security = Security.TLS
    user: str | None = None
    password: Callable[[], str] | None = field(default=None, repr=False)
    ca_file: Path | None = None
    seconds: float = SECONDS
    end_seconds: float = END_SECONDS

    @property
    def where(self) -> str:
        """The server, for messages."""
        return f"{self.user} at {self.host}:{self.port}" if self.user else f"{self.host}:{self.port}"

    def send(self, letter: Letter, before: Callable[[tuple[str, ...]], None]) -> Receipt:
        """Hand over a letter, as a `Carrier` does."""
        self._check()
        secret = self.password() if self.password else None
        try:
            with connected(self) as client:
                log_in(self, client, secret)
                return transact(self, client, letter, before)
        except smtplib.SMTPResponseException as error:
            return nobody(letter, refusal(error.smtp_code, error.smtp_error))
        except (smtplib.SMTPServerDisconnected, ssl.SSLError) as error:
            return nobody(letter, Refusal(f"the connection broke ({said(error)})", passing=True))
        except smtplib.SMTPException as error:
            raise SetupError(f"the server cannot do what is needed ({said(error)})", where=self.where, fix="Ask the provider") from error
        except OSError as error:
            return nobody(letter, Refusal(f"cannot be reached ({said(error)})", passing=True))

    def _check(self) -> None:
        if self.security is Security.NONE and not is_loopback(self.host):
            raise SetupError("mail would go there without TLS", where=self.where, fix="Only a server on this machine may be told so")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine.

    >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("mail.example.org")
    (True, True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@contextmanager
def connected(server: Smtp) -> Iterator[smtplib.SMTP]:
    """A connection, protected as it must be. Raises SetupError where the server cannot be trusted, or offers no TLS."""
    context = tls_context(server)
    with ExitStack() as left:
        with trusting(server):
            client = left.enter_context(closing(reached(server, context)))
            client.ehlo_or_helo_if_needed()
            if server.security is Security.STARTTLS:
                start_tls(server, client, context)
        yield client
        with suppress(smtplib.SMTPException, OSError):
            client.quit()


def reached(server: Smtp, context: ssl.SSLContext) -> smtplib.SMTP:
    """A connection, greeted by the server."""
    if server.security is Security.TLS:
        return smtplib.SMTP_SSL(server.host, server.port, HELLO, timeout=server.seconds, context=context)
    return smtplib.SMTP(server.host, server.port, HELLO, timeout=server.seconds)


def start_tls(server: Smtp, client: smtplib.SMTP, context: ssl.SSLContext) -> None:
    """RFC 3207. A server, or somebody on the way, that offers no TLS gets neither password nor mail."""
    if not client.has_extn("starttls"):
        raise SetupError("the server offers no STARTTLS", where=server.where, fix='Use security = "tls", or ask the provider')
    code, text = client.starttls(context=context)
    if code != 220:
        raise smtplib.SMTPResponseException(code, text)
    client.ehlo_or_helo_if_needed()


@contextmanager
def trusting(server: Smtp) -> Iterator[None]:
    """Say whose fault it is that there is no trust."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise SetupError(
            f"the server's certificate is not trusted ({error.verify_message})",
            where=server.where,
            fix="Check the server's name; a CA of your own goes into smtp.ca_file",
        ) from error


def tls_context(server: Smtp) -> ssl.SSLContext:
    """TLS with the server's certificate checked. Raises SetupError for a CA file that cannot be used."""
    try:
        return ssl.create_default_context(cafile=str(server.ca_file) if server.ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise SetupError(f"cannot be used as CA file ({said(error)})", where=str(server.ca_file), fix="Name a file in PEM form") from error


def log_in(server: Smtp, client: smtplib.SMTP, secret: str | None) -> None:
    """Log in, if there is a user. Raises SetupError where user or password are wrong (RFC 4954 §6)."""
    if not server.user or secret is None:
        return
    offered = client.esmtp_features.get("auth", "").upper().split()
    if not offered:
        raise SetupError("the server offers no login here", where=server.where, fix="Check host and port, or leave user and password out")
    try:
        if "PLAIN" in offered:
            plain(client, server.user, secret)
        else:
            client.login(server.user, secret)
    except UnicodeEncodeError as error:
        raise SetupError("this server takes no such signs in a password", where=server.where, fix="Use one of ASCII signs") from error
    except smtplib.SMTPAuthenticationError as error:
        if error.smtp_code not in WRONG_LOGIN:
            raise  # such as 454: it cannot tell now
        raise SetupError(
            f"the login was refused ({spoken(error.smtp_code, error.smtp_error)})",
            where=server.where,
            fix="Check smtp.user and smtp.password; some providers want a password of its own for programs",
        ) from error


def plain(client: smtplib.SMTP, user: str, secret: str) -> None:
    """RFC 4616, in UTF-8; `smtplib` knows ASCII only, and prefers CRAM-MD5, which is no better over TLS."""
    code, text = client.docmd("AUTH", "PLAIN " + b64encode(f"\0{user}\0{secret}".encode()).decode())
    if code not in LOGGED_IN:
        raise smtplib.SMTPAuthenticationError(code, text)


def transact(server: Smtp, client: smtplib.SMTP, letter: Letter, before: Callable[[tuple[str, ...]], None]) -> Receipt:
    """One mail transaction (RFC 5321 §3.3)."""
    content = DOT.sub(b"..", letter.content if letter.content.endswith(b"\r\n") else letter.content + b"\r\n")  # §4.5.2
    code, text = client.mail(letter.sender, [f"size={len(content)}"] if client.has_extn("size") else [])
    if code != 250:
        return nobody(letter, refusal(code, text))
    refused: dict[str, Refusal] = {}
    for recipient in letter.recipients:
        code, text = client.rcpt(recipient)
        if code not in (250, 251):
            refused[recipient] = refusal(code, text)
        if code == CLOSING:
            return nobody(letter, refused[recipient], refused)
    taken = tuple(recipient for recipient in letter.recipients if recipient not in refused)
    if not taken:
        return Receipt(refused=refused)
    before(taken)
    code, text = client.docmd("DATA")
    if code != BEGIN:
        return nobody(letter, refusal(code, text), refused)
    client.send(content)
    return ended(server, client, letter, taken, refused)


def ended(server: Smtp, client: smtplib.SMTP, letter: Letter, taken: tuple[str, ...], refused: dict[str, Refusal]) -> Receipt:
    """Say that this was all, and hear what the server makes of it."""
    try:
        client.send(b".\r\n")
        if client.sock is not None:
            client.sock.settimeout(server.end_seconds)
        code, text = client.getreply()
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        why = f"the connection broke before the server answered to the end of the mail ({said(error)})"
        return Receipt(refused=refused, unsure=taken, said=why)
    if code != 250:
        return nobody(letter, refusal(code, text), refused)
    return Receipt(taken, refused, said=spoken(code, text))


def nobody(letter: Letter, why: Refusal, known: dict[str, Refusal] | None = None) -> Receipt:
    """The receipt of a letter that nobody gets; ``known``: those refused for a reason of their own."""
    return Receipt(refused=dict.fromkeys(letter.recipients, why) | {**(known or {})}, said=why.said)


def refusal(code: int, text: bytes | str) -> Refusal:
    """A reply that is no yes: 4xx may pass, and so may an end without a reply (RFC 5321 §4.2.1)."""
    return Refusal(spoken(code, text), passing=not 500 <= code < 600, code=max(code, 0))


def spoken(code: int, text: bytes | str) -> str:
    """What a server said, on one line."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(f"{code} {words}".split())[:LONGEST]
