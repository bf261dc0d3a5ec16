"""A TCP proxy before a real mail server: it forwards, until it is told to break the connection, or to speak in the server's place.

with Proxy(server.port) as proxy:
    proxy.when(rb"LOGIN", answer(b"NO [LIMIT] too many connections"), times=1)
    open_session(proxy.account(server))

It reads the client's lines, so it stands before the port without TLS.
"""

import re
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Event, Lock, Thread
from typing import Any, Self

from dmarcscope.intake.account import Account, Security
from servers.dovecot import Dovecot

BLOCK = 1 << 16


class Link:
    """One connection through the proxy."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.frozen = Event()
        self.left: int | None = None
        """Bytes from the server until the connection is cut; None for no end."""

    def cut(self) -> None:
        """Close both ends."""
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def reset(self) -> None:
        """Close both ends without a farewell (RST)."""
        for end in (self.client, self.server):
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.cut()


Action = Callable[[Link, bytes], bool]
"""Does something about a line of the client; whether the line still goes to the server."""


def answer(text: bytes) -> Action:
    """Answer the command in the server's place, under its tag."""

    def act(link: Link, line: bytes) -> bool:
        link.client.sendall(line.split(b" ", 1)[0] + b" " + text + b"\r\n")
        return False

    return act


def say(text: bytes, *, then_cut: bool = False) -> Action:
    """Say something untagged before the server answers; ``then_cut``: and close the connection."""

    def act(link: Link, _line: bytes) -> bool:
        link.client.sendall(text + b"\r\n")
        if then_cut:
            link.cut()
        return not then_cut

    return act


def freeze(link: Link, _line: bytes) -> bool:
    """From now on nothing comes through, and nobody is told: a connection that is half open."""
    link.frozen.set()
    return False


def cut(link: Link, _line: bytes) -> bool:
    """Close the connection in place of an answer."""
    link.cut()
    return False


def reset(link: Link, _line: bytes) -> bool:
    """Reset the connection in place of an answer."""
    link.reset()
    return False


def cut_after(count: int) -> Action:
    """Let so many more bytes come from the server, then close the connection."""

    def act(link: Link, _line: bytes) -> bool:
        link.left = count
        return True

    return act


@dataclass
class Rule:
    """What is done about lines of the client that match, for so many of them (None: for all)."""

    pattern: re.Pattern[bytes]
    action: Action
    times: int | None = None


@dataclass
class Proxy:
    """The proxy; use it as a context manager. ``lines``: what clients have said. ``greets``: in place of the server's greeting."""

    target: int
    greets: bytes | None = None
    rules: list[Rule] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._lock = Lock()
        self._links: list[Link] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_all()

    def when(self, pattern: bytes, action: Action, *, times: int | None = None) -> None:
        """Do something about lines of the client in which the pattern is found (without regard to case)."""
        with self._lock:
            self.rules.append(Rule(re.compile(pattern, re.IGNORECASE), action, times))

    def behave(self) -> None:
        """Forward everything again."""
        with self._lock:
            self.rules.clear()

    def drop_all(self) -> None:
        """Cut every connection."""
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            link.cut()

    def count(self, pattern: bytes) -> int:
        """How many lines of clients the pattern is found in."""
        return sum(bool(re.search(pattern, line, re.IGNORECASE)) for line in list(self.lines))

    def account(self, server: Dovecot, **more: Any) -> Account:
        """The server's account, reached through the proxy."""
        return replace(server.account(Security.NONE, **more), host="127.0.0.1", port=self.port)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            link = Link(client, server)
            with self._lock:
                self._links.append(link)
            for pump in (self._up, self._down):
                Thread(target=pump, args=(link,), daemon=True).start()

    def _up(self, link: Link) -> None:
        """From the client to the server, line by line."""
        try:
            with link.client.makefile("rb") as lines:
                for line in lines:
                    self.lines.append(line)
                    if not link.frozen.is_set() and self._ask(link, line):
                        link.server.sendall(line)
        except (OSError, ValueError):
            pass
        finally:
            if not link.frozen.is_set():
                link.cut()

    def _ask(self, link: Link, line: bytes) -> bool:
        with self._lock:
            rule = next((rule for rule in self.rules if rule.times != 0 and rule.pattern.search(line)), None)
            if rule is not None and rule.times is not None:
                rule.times -= 1
        return True if rule is None else rule.action(link, line)

    def _down(self, link: Link) -> None:
        """From the server to the client."""
        first = True
        try:
            while block := link.server.recv(BLOCK):
                if link.frozen.is_set():
                    continue
                sent = self.greets if first and self.greets is not None else block
                first = False
                if link.left is not None:
                    sent, link.left = sent[: link.left], link.left - len(sent)
                link.client.sendall(sent)
                if link.left is not None and link.left <= 0:
                    break
        except OSError:
            pass
        finally:
            if not link.frozen.is_set():
                link.cut()
