"""The networks of addresses, read from MaxMind DB files (.mmdb) of whichever maker, through the extra ``maxminddb``.

Only public addresses are looked up: private, reserved, multicast and documentation addresses belong to nobody. A file that was built of
documentation addresses alone is an example, says so in its metadata (``EXAMPLES``), and is asked for these and nothing else.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dmarcscope.enrich.mmdb import SPLIT, count_networks
from dmarcscope.errors import SetupError
from dmarcscope.model.network import Network

if TYPE_CHECKING:
    from maxminddb import Reader

    Address = IPv4Address | IPv6Address

FILE_NAME = "networks.mmdb"
OURS = "dmarcscope-Networks"
EXAMPLES = f"{OURS}-Examples"
"""The types of database in files of `dmarcscope data build`."""

REMEMBERED = 50_000
"""Addresses whose answers are kept at hand, about 15 MB; one domain's sources of a year are fewer."""

MAX_NAME = 200
"""Characters of a name that are taken; the longest of the whole internet has 167."""

# RFC 5737, RFC 3849, RFC 9637
DOCUMENTATION = tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")))

# Where makers put what we read; the first that is there counts. MaxMind, DB-IP and ip-location-db; then IPinfo; then MaxMind's larger ones.
NUMBERS = (("autonomous_system_number",), ("asn",), ("traits", "autonomous_system_number"))
NAMES = (("autonomous_system_organization",), ("as_name",), ("traits", "autonomous_system_organization"), ("name",))
COUNTRIES = (("country", "iso_code"), ("country_code",), ("country",), ("registered_country", "iso_code"))

# What makers want to see beside results, by how their type of database begins.
ATTRIBUTIONS = {
    "GeoLite2": "This product includes GeoLite2 data created by MaxMind, available from https://www.maxmind.com",
    "GeoIP2": "GeoIP2 data by MaxMind (https://www.maxmind.com)",
    "DBIP": "IP Geolocation by DB-IP (https://db-ip.com)",
    "ipinfo": "IP address data powered by IPinfo (https://ipinfo.io)",
}

COUNTRY = re.compile("[A-Z]{2}")
NUMBER = re.compile(r"(?:AS)?(\d{1,10})", re.ASCII)
HIGHEST_NUMBER = (1 << 32) - 1  # RFC 6793
NOT_ROUTED = 0  # RFC 7607

# What maxminddb raises on damaged files besides its own error, which is a RuntimeError
_FILE_ERRORS = (RuntimeError, ValueError, LookupError, TypeError, ArithmeticError, OSError, MemoryError)


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """An open file: its type of database as the maker calls it, whose data it holds, the day they are of, and what its tree is made of."""

    path: Path
    kind: str
    attribution: str
    built: date | None
    has_ipv6: bool
    nodes: int
    record_size: int
    reader: "Reader"

    def find(self, address: "Address") -> Network:
        """What the file says of an address. Raises SetupError if it is damaged."""
        if address.version == 6 and not self.has_ipv6:
            return Network()
        try:
            return network_of(self.reader.get(address))
        except _FILE_ERRORS as error:
            raise damaged(self.path, error) from error

    def takes(self, address: "Address") -> bool:
        """Whether it may be asked about an address: public ones, or those of documentation where it is an example."""
        if is_documentation(address):
            return self.kind == EXAMPLES
        return self.kind != EXAMPLES and address.is_global and not address.is_multicast

    def count(self) -> int:
        """How many networks it holds; reads the whole tree. Raises SetupError if that cannot be."""
        try:
            return count_networks(self.path, self.nodes, self.record_size)
        except OSError as error:
            raise damaged(self.path, error) from error


class Networks:
    """The networks of addresses, out of any number of files; without any, nothing is known. Where several tell, the first counts."""

    def __init__(self, files: Sequence[NetworkFile] = ()) -> None:
        self.files = tuple(files)
        self._remembered = lru_cache(REMEMBERED)(self._found)

    def of(self, ip: str) -> Network | None:
        """The network of an address, None if nothing is known. Raises SetupError if a file is damaged."""
        return self._remembered(ip)

    @property
    def attribution(self) -> tuple[str, ...]:
        """Whose data these are, under which licence: to be shown wherever results are shown."""
        return tuple(dict.fromkeys(file.attribution for file in self.files))

    @property
    def built(self) -> date | None:
        """The day that the oldest of the data are of."""
        return min((file.built for file in self.files if file.built), default=None)

    def _found(self, ip: str) -> Network | None:
        """What the files say of an address."""
        address = parsed(ip) if self.files else None
        if address is None:
            return None
        found = Network()
        for file in self.files:
            if file.takes(address):
                found = found.over(file.find(address))
        return found or None


def parsed(ip: str) -> "Address | None":
    """An address from its text, that of IPv4 inside IPv6 taken out; None for what is none.

    >>> parsed("::ffff:192.0.2.1"), parsed("unknown")
    (IPv4Address('192.0.2.1'), None)
    """
    try:
        address = ip_address(ip.strip())
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def is_documentation(address: "Address") -> bool:
    """Whether an address is one of those that only ever stand in documents."""
    return any(address in network for network in DOCUMENTATION)


def network_of(value: object) -> Network:
    """A network from the value in a file, whichever maker's.

    >>> network_of({"asn": "AS64500", "as_name": "Example Hosting", "country": "Netherlands", "country_code": "NL"})
    Network(asn=64500, name='Example Hosting', country='NL')
    """
    if not isinstance(value, dict):
        return Network()
    asn = first_of(value, NUMBERS, system_number)
    return Network(asn, first_of(value, NAMES, system_name) or "", first_of(value, COUNTRIES, country_code) or "")


def first_of(value: Mapping[str, Any], places: Sequence[tuple[str, ...]], read: "Callable[[object], Any]") -> Any:
    """What stands at the first place that holds anything of use."""
    for place in places:
        inner: Any = value
        for key in place:
            inner = inner.get(key) if isinstance(inner, dict) else None
        found = read(inner)
        if found:
            return found
    return None


def system_number(value: object) -> int | None:
    """The number of an autonomous system, None for what is none, and for 0: not routed.

    >>> system_number("AS64500"), system_number(64500), system_number("0")
    (64500, 64500, None)
    """
    found = NUMBER.fullmatch(str(value)) if isinstance(value, str | int) else None
    number = int(found[1]) if found else NOT_ROUTED
    return number if NOT_ROUTED < number <= HIGHEST_NUMBER else None


def system_name(value: object) -> str:
    """A name, cut to what is taken."""
    return value.strip()[:MAX_NAME] if isinstance(value, str) else ""


def country_code(value: object) -> str:
    """The code of a country (ISO 3166, two letters); empty for what is none, and for ZZ: nobody knows."""
    code = value.strip().upper() if isinstance(value, str) else ""
    return code if COUNTRY.fullmatch(code) and code != "ZZ" else ""


def home_file() -> Path:
    """The file that is made and used unless another is named: in the user's folder for data."""
    import platformdirs

    return platformdirs.user_data_path("dmarcscope", appauthor=False) / FILE_NAME


def used_files(named: Sequence[Path] | None = None) -> tuple[Path, ...]:
    """The files to use: those that are named, else the one that `dmarcscope data build` made, if it did."""
    if named:
        return tuple(named)
    home = home_file()
    return (home,) if home.is_file() else ()


def open_networks(paths: Sequence[Path]) -> Networks:
    """Open files of networks. Raises SetupError for one that is missing, damaged or no .mmdb file, or without the extra that reads them."""
    return Networks([opened(path) for path in paths])


def library() -> ModuleType:
    """What reads the files. Raises SetupError if it is not installed."""
    try:
        import maxminddb
    except ImportError as error:
        what = f"networks of addresses need another package ({error})"
        raise SetupError(what, fix="Run: pip install 'dmarcscope[data]'") from error
    return maxminddb


def opened(path: Path) -> NetworkFile:
    """Open one file. Raises SetupError."""
    open_database = library().open_database
    if not path.is_file():
        what = "there is no such file" if not path.exists() else "is no file"
        raise SetupError(what, where=str(path), fix="Name an .mmdb file, or make one with: dmarcscope data build")
    try:
        reader = open_database(path)
        about = reader.metadata()
        kind, description = str(about.database_type), about.description
        if about.record_size not in SPLIT or about.ip_version not in {4, 6}:
            raise ValueError("its metadata tell of no such tree")
        told = str(description.get("en") or "") if isinstance(description, dict) else ""
        return NetworkFile(
            path=path,
            kind=kind,
            attribution=attribution_of(kind, told),
            built=day_of(about.build_epoch),
            has_ipv6=about.ip_version == 6,
            nodes=about.node_count,
            record_size=about.record_size,
            reader=reader,
        )
    except PermissionError as error:
        raise SetupError(f"cannot be read ({error.strerror})", where=str(path), fix="It must be readable by who runs this") from error
    except _FILE_ERRORS as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: BaseException) -> SetupError:
    """The error for a file that cannot be read as what it should be."""
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return SetupError(f"is damaged, or no .mmdb file ({reason})", where=str(path), fix="Get it again, or make one: dmarcscope data build")


def attribution_of(kind: str, description: str) -> str:
    """Whose data a file holds: what its maker wants to see, else as it describes itself."""
    known = (words for begin, words in ATTRIBUTIONS.items() if kind.startswith(begin))
    return next(known, description or kind)[:500]


def day_of(epoch: int) -> date | None:
    """A day from seconds since 1970, None if that is no time."""
    try:
        return datetime.fromtimestamp(epoch, UTC).date() if epoch > 0 else None
    except (OverflowError, OSError, ValueError):
        return None
