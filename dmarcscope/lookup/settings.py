"""What an operator may say about how DNS is asked, and what the system says where the operator does not."""

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from dmarcscope.errors import SetupError

PORT = 53
RESOLV_CONF = Path("/etc/resolv.conf")


@dataclass(frozen=True, slots=True)
class DnsSettings:
    """How DNS is asked. Raises SetupError for values that cannot be.

    ``nameservers``: address and port of each, the preferred one first; none means those of the system. ``timeout``: seconds to wait for
    a name server the first time, twice that the second time, and so on. ``tries``: how often each is asked at most. ``concurrency``:
    questions under way at once. ``offline``: nothing is sent. ``zone_files``: master files whose names are answered from them alone.
    """

    nameservers: tuple[tuple[str, int], ...] = ()
    timeout: float = 2.0
    tries: int = 3
    concurrency: int = 100
    offline: bool = False
    zone_files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        for name, value in (("timeout", self.timeout), ("tries", self.tries), ("concurrency", self.concurrency)):
            if value <= 0:
                raise SetupError(f"{name} is {value}", where="DNS settings", fix=f"Give a {name} above 0.")
        for host, port in self.nameservers:
            check_nameserver(host, port)


def check_nameserver(host: str, port: int) -> None:
    """Raises SetupError unless these are an address (IPv6 with or without zone) and a port."""
    try:
        ip_address(host)
    except ValueError as error:
        raise SetupError(f"the name server {host!r} is no address", where="DNS settings", fix="Give its IPv4 or IPv6 address.") from error
    if not 0 < port < 65536:
        raise SetupError(f"the name server {host} has port {port}", where="DNS settings", fix="Ports are 1 to 65535.")


def system_nameservers(path: Path = RESOLV_CONF) -> tuple[tuple[str, int], ...]:
    """Address and port of the name servers that the system uses. Raises SetupError if it names none."""
    from dns.resolver import NoResolverConfiguration, Resolver

    try:
        resolver = Resolver(str(path))
    except (NoResolverConfiguration, OSError) as error:
        raise SetupError("no name server is configured", where=str(path), fix="Name one in the settings, or work offline.") from error
    return tuple((str(server), resolver.port) for server in resolver.nameservers)
