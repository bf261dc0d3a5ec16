"""A small SMTP server on loopback, for tests: real SMTP and TLS (aiosmtpd), and as unwilling as it is told to be.

    with MailServer(MailServer.STARTTLS, user="me", password="secret") as server:
        server.refuse["b@example.net"] = "550 5.1.1 nobody of that name"
        ...
        server.mails                         # the envelopes that were taken over

``times``: how often a rule holds (None: for good). ``cut``: where the connection breaks: «greeting», «mail», «data» (before 354), «content»
(in the middle of it), «end» (the end came, and no answer goes back) or «answer» (taken over, and the answer is lost).
"""

import asyncio
import ssl
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar, Self

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session, syntax


class MailServer:
    """The server; use it as a context manager. Its attributes may be changed while it runs."""

    TLS: ClassVar = "tls"
    STARTTLS: ClassVar = "starttls"
    NONE: ClassVar = "none"

    def __init__(self, security: str = "none", *, user: str = "", password: str = "", size: int = 2_000_000) -> None:
        self.security = security
        self.user, self.password, self.size = user, password, size
        self.mails: list[Envelope] = []
        self.refuse: dict[str, str] = {}  # by recipient, «DATA» or «MAIL»: the reply
        self.times: dict[str, int] = {}  # how often; else for good
        self.cut = ""
        self.hang = 0.0  # seconds before the answer to the end of a mail
        self.without_login: tuple[str, ...] = ()  # ways to log in that are not offered
        self.seen: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="mail-server-")
        authority = trustme.CA()
        self.ca_file = Path(self._folder.name, "ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        self._context = context
        self._loop = asyncio.new_event_loop()
        at_once = context if self.security == self.TLS else None
        self._server = self._loop.run_until_complete(self._loop.create_server(self.conversation, "127.0.0.1", 0, ssl=at_once))
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = Thread(target=self._loop.run_forever, name="mail-server", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._folder.cleanup()

    async def _end(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)

    def conversation(self) -> SMTP:
        """One connection."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a login without TLS is what a test may want
            return Conversation(
                self,
                loop=self._loop,
                data_size_limit=self.size,
                tls_context=self._context if self.security == self.STARTTLS else None,
                require_starttls=self.security == self.STARTTLS,
                authenticator=self.login if self.user else None,
                auth_required=bool(self.user),
                auth_require_tls=self.security == self.STARTTLS,
                auth_exclude_mechanism=self.without_login,
            )

    def rule(self, name: str) -> str | None:
        """The refusal that holds now, if any."""
        self.seen[name] += 1
        reply = self.refuse.get(name)
        if reply is None or self.times.get(name, 1) <= 0:
            return None
        if name in self.times:
            self.times[name] -= 1
        return reply

    def login(self, _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """Whether a login is right."""
        self.seen[f"AUTH {mechanism}"] += 1
        right = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == (self.user, self.password)
        return AuthResult(success=right, handled=False)

    # What aiosmtpd asks.

    async def handle_MAIL(self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802 (aiosmtpd's)
        """MAIL FROM."""
        if self.cut == "mail":
            server.transport.abort()
        if reply := self.rule("MAIL"):
            return reply
        envelope.mail_from, envelope.mail_options = address, options
        return "250 OK"

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802 (aiosmtpd's)
        """RCPT TO."""
        if reply := self.rule(address):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's)
        """The end of the content."""
        if self.hang:
            await asyncio.sleep(self.hang)
        if self.cut == "end":
            server.transport.abort()
            return "250 OK"
        if reply := self.rule("DATA"):
            return reply
        self.mails.append(envelope)
        if self.cut == "answer":
            server.transport.abort()
        return "250 2.0.0 queued as 4F00D"


class Conversation(SMTP):
    """One connection, which may break."""

    def __init__(self, facts: MailServer, **more: Any) -> None:
        super().__init__(facts, **more)
        self._facts = facts

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 (aiosmtpd's)
        """DATA."""
        self._facts.seen["begun"] += 1
        if self._facts.cut == "data":
            self.transport.abort()
            return
        if self._facts.cut == "content":
            await self.push("354 go on")
            await self._reader.read(10_000)
            self.transport.abort()
            return
        await super().smtp_DATA(arg)

    @syntax("EHLO hostname")
    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 (aiosmtpd's)
        """EHLO."""
        if self._facts.cut == "greeting":
            self.transport.abort()
            return
        await super().smtp_EHLO(hostname)
