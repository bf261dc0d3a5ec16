"""Fetch the MTA-STS policy of a domain over HTTPS (RFC 8461 §3.2, §3.3), which is done on demand alone.

Facts: the certificate must be valid for the host, redirects are not followed, at most MAX_BYTES are read, and the whole takes at most
MAX_SECONDS. The address comes from the resolver in use; one that is not public is not connected to, whatever a stranger's zone says.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import ip_address

from dmarcscope.model.domain_facts import PolicyFile

PORT = 443
MAX_BYTES = 64 * 1024
"""RFC 8461 §3.3 suggests a limit of 64 kilobytes."""
MAX_SECONDS = 15.0
"""RFC 8461 §3.3 suggests a timeout of one minute; nobody waits so long at a terminal."""
PATH = "/.well-known/mta-sts.txt"
PIECE = 8192


def policy_host(domain: str) -> str:
    """The host that serves the policy (RFC 8461 §3.3).

    >>> policy_host("example.com")
    'mta-sts.example.com'
    """
    return f"mta-sts.{domain}"


class Connection(HTTPSConnection):
    """A connection to an address that is known already, with the certificate checked for the name."""

    def __init__(self, host: str, address: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=MAX_SECONDS, context=context)
        self.address = address
        self.checking = context

    def abort(self) -> None:
        """End whatever waits for the other side."""
        with suppress(OSError):
            if self.sock is not None:
                self.sock.shutdown(socket.SHUT_RDWR)

    def connect(self) -> None:
        """Connect, and verify."""
        plain = socket.create_connection((self.address, self.port), self.timeout)
        self.sock = self.checking.wrap_socket(plain, server_hostname=self.host)


async def fetch_policy(
    domain: str, addresses: Iterable[str], *, port: int = PORT, context: ssl.SSLContext | None = None, anywhere: bool = False
) -> PolicyFile:
    """The policy of a domain from the first of the addresses, or why it could not be had.

    ``context`` says whose certificates are trusted (those that the system trusts), ``anywhere`` allows addresses that are not public.
    """
    url = f"https://{policy_host(domain)}{PATH}"
    every = list(addresses)
    public = [address for address in every if anywhere or ip_address(address).is_global]
    if not public:
        why = f"none of its addresses is public ({', '.join(every[:3])})" if every else f"{policy_host(domain)} has no address"
        return PolicyFile(url, None, why)
    connection = Connection(policy_host(domain), public[0], port, context or ssl.create_default_context())
    try:
        async with asyncio.timeout(MAX_SECONDS):
            return await asyncio.to_thread(fetched, url, connection)
    except TimeoutError:
        connection.abort()
        return PolicyFile(url, None, f"it took longer than {MAX_SECONDS:g} seconds", is_told=False)


def fetched(url: str, connection: Connection) -> PolicyFile:
    """The file behind a connection."""
    try:
        connection.request("GET", PATH, headers={"User-Agent": "dmarcscope", "Accept": "text/plain"})
        response = connection.getresponse()
        # RFC 8461 §3.3: only 200 is a policy, and redirects are not followed.
        if response.status != 200:
            moved = "; redirects are not followed" if 300 <= response.status < 400 else ""
            return PolicyFile(url, None, f"the server answers {response.status}{moved}", is_told=response.status < 500)
        return read_body(url, response)
    except ssl.SSLCertVerificationError as error:
        return PolicyFile(url, None, f"the certificate is not valid for {connection.host}: {error.verify_message}")
    except (OSError, HTTPException) as error:
        return PolicyFile(url, None, f"it could not be fetched ({error or type(error).__name__})", is_told=False)
    finally:
        connection.close()


def read_body(url: str, response: HTTPResponse) -> PolicyFile:
    """The body of an answer, within bounds."""
    # RFC 8461 §3.2: the media type is text/plain, and senders check it.
    kind = response.headers.get_content_type()
    if kind != "text/plain":
        return PolicyFile(url, None, f"its type is {kind[:60]}, and must be text/plain")
    data = b""
    while piece := response.read1(PIECE):
        data += piece
        if len(data) > MAX_BYTES:
            return PolicyFile(url, None, f"it is longer than {MAX_BYTES} octets")
    return PolicyFile(url, data.decode("utf-8", "replace"))
