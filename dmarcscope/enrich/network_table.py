"""Tables of networks as their makers hand them out: a .csv or .tsv file, also gzipped, an npm package (.tgz), or a folder of such files.

Each line is a range of addresses and what it belongs to. Nothing is unpacked to disk, and lines are read one at a time.
"""

import csv
import gzip
import json
import re
import tarfile
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from dmarcscope.enrich.networks import country_code, system_name, system_number
from dmarcscope.errors import SetupError
from dmarcscope.model.network import Network

MAX_BYTES = 1 << 30
"""Unpacked bytes of one table; that of the whole internet has 66 MB."""
MAX_LINE = 10_000
"""Bytes of a line; the longest of the whole internet has 259."""
MAX_PACKAGE = 1 << 20
"""Bytes of an npm package's description of itself; they have half a thousand."""

PACKAGE = "package.json"
ARCHIVES = (".tgz", ".tar.gz")
TABLES = re.compile(r"\.[ct]sv(\.gz)?$", re.IGNORECASE)
NUMERIC = re.compile(r"-num\.csv", re.IGNORECASE)  # the same again, with addresses as plain numbers
VERSION_DATE = re.compile(r"(20\d\d)(\d\d)(\d\d)\d{0,4}$", re.ASCII)  # 2.3.2026061719


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns after first and last address, None where there is none."""

    asn: int | None = None
    name: int | None = None
    country: int | None = None


# By what parts the columns, and how many there are: ip-location-db and DB-IP (systems; countries), IPtoASN.
LAYOUTS: Mapping[tuple[str, int], Layout] = {
    (",", 4): Layout(asn=2, name=3),
    (",", 3): Layout(country=2),
    ("\t", 5): Layout(asn=2, country=3, name=4),
}

ROUTES = "AS numbers by RouteViews (routeviews.org), DB-IP (db-ip.com) and NRO (nro.net), put together by ip-location-db; CC BY 4.0"
REGISTRIES = "Countries by NRO (nro.net), put together by ip-location-db; CC BY 4.0"
DBIP = "IP Geolocation by DB-IP (https://db-ip.com); CC BY 4.0"

# Whose data it is, by npm package, and by how the name of a file begins. The licences ask for it to be shown beside results.
PACKAGES: Mapping[str, str] = {"@ip-location-db/asn": ROUTES, "@ip-location-db/asn-country": REGISTRIES}
FILES: Mapping[str, str] = {
    "asn-ipv": ROUTES,
    "asn-country-ipv": REGISTRIES,
    "ip2asn-": "IPtoASN (iptoasn.com); public domain (PDDL 1.0)",
    "dbip-asn-": DBIP,
    "dbip-country-": DBIP,
}


@dataclass(frozen=True, slots=True)
class TableLine:
    """One line: the addresses from first to last, of one version, belong to this network."""

    first: IPv4Address | IPv6Address
    last: IPv4Address | IPv6Address
    network: Network
    where: str  # file and line, for errors


@dataclass(frozen=True, slots=True)
class TableOrigin:
    """Whose data a table holds, empty if nobody says; and the day they are of."""

    attribution: str
    dated: date


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int = -1, /) -> bytes: ...
    def readline(self, size: int = -1, /) -> bytes: ...


class _Bounded:
    """The unpacked bytes of an archive, up to the limit."""

    def __init__(self, file: gzip.GzipFile, path: Path) -> None:
        self._file = file
        self._left = MAX_BYTES
        self._path = path

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises SetupError if they are more than a table has."""
        data = self._file.read(min(size, 1 << 20) if size >= 0 else 1 << 20)
        self._left -= len(data)
        if self._left < 0:
            raise too_large(str(self._path))
        return data


def too_large(where: str) -> SetupError:
    """The error for a table past the limit."""
    return SetupError(f"is larger than {MAX_BYTES >> 20:,} MB unpacked (MAX_BYTES)", where=where, fix="Name the tables of networks alone")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the bytes of a table into SetupErrors."""
    try:
        yield
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, csv.Error) as error:
        raise SetupError(f"is damaged ({error})", where=str(path), fix="Download it again") from error
    except OSError as error:
        raise SetupError(f"cannot be read ({error.strerror or error})", where=str(path), fix="Name another file") from error


def members(path: Path) -> Generator[tuple[str, Readable]]:
    """Name and stream of each file in a package, folder or file; a stream is good until the next is asked for."""
    if not path.exists():
        raise SetupError(
            "there is no such file", where=str(path), fix="Name a table that you have downloaded: .tgz, .csv, .tsv or a folder"
        )
    if path.is_dir():
        for file in sorted(path.iterdir()):
            if file.is_file() and not NUMERIC.search(file.name):
                yield from single(file)
    elif path.name.lower().endswith(ARCHIVES):
        yield from packed(path)
    else:
        yield from single(path)


def packed(path: Path) -> Iterator[tuple[str, Readable]]:
    """The files in an archive, which is read to its end: only there stands whether it is as it was sent."""
    with gzip.open(path) as unpacked:
        stream = _Bounded(unpacked, path)
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
            for member in archive:
                file: IO[bytes] | None = archive.extractfile(member) if member.isfile() else None
                if file is not None and not NUMERIC.search(member.name):
                    yield PurePosixPath(member.name).name, file
        while stream.read():
            pass


def single(path: Path) -> Iterator[tuple[str, Readable]]:
    """One file."""
    if path.name.lower().endswith(".gz"):
        with gzip.open(path) as unpacked:
            yield path.name, unpacked
    else:
        with path.open("rb") as plain:
            yield path.name, plain


def origin(path: Path) -> TableOrigin:
    """Whose data a table holds and from when: by its package, else by the names of its files and the time of the newest."""
    with readable(path):
        attribution, dated, newest = "", None, path.stat().st_mtime if path.exists() else 0.0
        with closing(members(path)) as found:
            for name, file in found:
                if name == PACKAGE:
                    attribution, dated = described(file.read(MAX_PACKAGE))
                    break
                if TABLES.search(name):
                    attribution = attribution or maker(name)
                    newest = max(newest, (path / name).stat().st_mtime) if path.is_dir() else newest
    return TableOrigin(attribution, dated or datetime.fromtimestamp(newest, UTC).date())


def described(package: bytes) -> tuple[str, date | None]:
    """Whose data an npm package holds and from when, as its description says."""
    try:
        facts = json.loads(package)
        name, version, licence = (str(facts.get(key, "")) for key in ("name", "version", "license"))
    except (ValueError, AttributeError, RecursionError):
        return "", None
    found = VERSION_DATE.search(version)
    try:
        dated = date(*map(int, found.groups())) if found else None
    except ValueError:
        dated = None
    return PACKAGES.get(name) or (f"{name}; {licence}" if name and licence else ""), dated


def maker(file_name: str) -> str:
    """Who made a file of this name, and under which licence; empty if it is none that we know.

    >>> maker("ip2asn-combined.tsv.gz")
    'IPtoASN (iptoasn.com); public domain (PDDL 1.0)'
    """
    return next((words for begin, words in FILES.items() if file_name.lower().startswith(begin)), "")


def read_table(path: Path) -> Iterator[TableLine]:
    """Every line of a table that tells anything. Raises SetupError for what is no table, or a line that cannot be read."""
    tables = 0
    with readable(path), closing(members(path)) as found:
        for name, file in found:
            if TABLES.search(name):
                tables += 1
                yield from lines(name if name == path.name else f"{path.name}/{name}", file)
    if not tables:
        raise SetupError(
            "holds no table of networks", where=str(path), fix="Name a .csv or .tsv file, or a folder or .tgz package that holds some"
        )


def lines(name: str, file: Readable) -> Iterator[TableLine]:
    """The lines of one file."""
    delimiter = "\t" if ".tsv" in name.lower() else ","
    texts = bounded_lines(name, file)
    rows = csv.reader(texts, delimiter=delimiter) if delimiter == "," else (text.rstrip("\r\n").split(delimiter) for text in texts)
    for number, row in enumerate(rows, 1):
        layout = LAYOUTS.get((delimiter, len(row)))
        where = f"{name}, line {number}"
        if layout is None:
            known = " or ".join(str(count) for parted, count in LAYOUTS if parted == delimiter)
            raise SetupError(
                f"has {len(row)} columns, and {known} are known", where=where, fix="See docs/networks.md for tables that can be read"
            )
        network = told(row, layout)
        if network:
            line = ranged(row, network, where)
            if line or number > 1:  # the first may be a heading
                yield line or unreadable(row, where)


def bounded_lines(name: str, file: Readable) -> Iterator[str]:
    """Lines as text, none longer and not more of them than a table has."""
    left = MAX_BYTES
    while line := file.readline(MAX_LINE):
        left -= len(line)
        if len(line) == MAX_LINE:
            raise SetupError(f"has a line of more than {MAX_LINE:,} bytes (MAX_LINE)", where=name, fix="Name a table of networks")
        if left < 0:
            raise too_large(name)
        yield line.decode("utf-8-sig", "replace").replace("\x00", "")


def told(row: list[str], layout: Layout) -> Network:
    """The network of a line."""
    asn = system_number(row[layout.asn]) if layout.asn is not None else None
    name = system_name(row[layout.name]) if layout.name is not None and asn is not None else ""
    return Network(asn, name, country_code(row[layout.country]) if layout.country is not None else "")


def ranged(row: list[str], network: Network, where: str) -> TableLine | None:
    """A line, None if its first two columns are no range of addresses."""
    try:
        first, last = ip_address(row[0].strip()), ip_address(row[1].strip())
    except ValueError:
        return None
    return TableLine(first, last, network, where) if first.version == last.version and int(first) <= int(last) else None


def unreadable(row: list[str], where: str) -> TableLine:
    """Refuse a line."""
    shown = ", ".join(cell[:50] for cell in row[:2])
    raise SetupError(
        f"{shown!r} is no range from a first to a last address",
        where=where,
        fix="Use the tables with addresses, not those with plain numbers",
    )
