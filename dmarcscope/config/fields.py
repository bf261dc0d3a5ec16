"""The kinds of values that the configuration holds, each with its check in plain words."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import idna
from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StrictBool, ValidationInfo

from dmarcscope.config.table import folder_of, refusal

PORTS = {"imaps": 993, "imap": 143}
UNITS = {"s": 1, "m": 60, "h": 3600}
SHORTEST, LONGEST = timedelta(seconds=5), timedelta(hours=24)
SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(seconds=30)
SHORTEST_GRACE, LONGEST_GRACE = timedelta(hours=1), timedelta(hours=144)
DNS_PORT = 53
LONGEST_ADDRESS = 254  # RFC 5321 §4.5.3.1.3, without the brackets
DURATION = re.compile(r"(\d{1,6})([smh])", re.ASCII)
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# RFC 9051 §9, flag-keyword: an atom, so neither controls, space nor any of (){%*"\]
KEYWORD = re.compile(r'[^\x00-\x20\x7f-\U0010ffff(){%*"\\\]]+')
# RFC 5322 §3.2.3, dot-atom: quoted local parts and those beyond ASCII are nothing that every server takes.
ADDRESS = re.compile(
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@(?P<domain>[^@\s\x00-\x1f,;<>\[\]]+)"
)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
WRITTEN_SERVER = re.compile(
    r"\[(?P<six>[0-9A-Fa-f:.%\w]+)\](?::(?P<port6>\d{1,5}))?|(?P<four>[\d.]+)(?::(?P<port4>\d{1,5}))?|(?P<bare>[0-9A-Fa-f:.%\w]+)"
)


@dataclass(frozen=True, slots=True)
class Server:
    """Where a mail server listens: the scheme (imaps: TLS at once, imap: STARTTLS), the host and the port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" if self.port == PORTS[self.scheme] else f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class NameServer:
    """Where a name server listens: its address and port."""

    host: str
    port: int

    def __str__(self) -> str:
        if self.port == DNS_PORT:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def name_server(value: object) -> NameServer:
    """A name server from its address, with a port if it is not 53; an IPv6 address with a port stands in brackets.

    >>> name_server("192.0.2.53:5353"), name_server("2001:db8::1"), name_server("[2001:DB8::1]:54")
    (NameServer(host='192.0.2.53', port=5353), NameServer(host='2001:db8::1', port=53), NameServer(host='2001:db8::1', port=54))
    """
    fix = 'Write addresses such as "192.0.2.53", "192.0.2.53:5353" or "[2001:db8::1]:53"'
    if isinstance(value, NameServer):
        return value
    found = WRITTEN_SERVER.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise refusal("is no address of a name server", fix)
    try:
        address = ipaddress.ip_address(found["six"] or found["four"] or found["bare"])
    except ValueError:
        raise refusal("is no address of a name server", fix) from None
    port = int(found["port6"] or found["port4"] or DNS_PORT)
    if not 0 < port < 65536:
        raise refusal(f"has port {port}, and ports are 1 to 65535", fix)
    return NameServer(str(address), port)


def server(value: object) -> Server:
    """A server from its URL; nothing of what stands there is repeated, as people write passwords into URLs.

    >>> server("imap://[2001:db8::1]:1143")
    Server(scheme='imap', host='2001:db8::1', port=1143)
    """
    example = "Write it as imaps://imap.example.org, with :port if it is not 993 (imap:// is STARTTLS, port 143)"
    if isinstance(value, Server):
        return value
    if not isinstance(value, str):
        raise refusal("must be text in quotes", example)
    parts = url(value, "is no address of a mail server", example)
    if parts.scheme not in PORTS:
        raise refusal("begins with neither imaps:// nor imap://", example)
    if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise refusal("holds more than scheme, host and port", f"{example}. User, password and folders have keys of their own")
    return Server(parts.scheme, host(parts.hostname or "", example), parts.port or PORTS[parts.scheme])


def url(text: str, what: str, fix: str) -> SplitResult:
    """The parts of a URL, with a host and, if any, a port from 1 to 65535."""
    if CONTROL.search(text) or " " in text:
        raise refusal(f"{what}: it holds spaces or control characters", fix)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise refusal(f"{what}: its host or port cannot be read", fix) from None
    if not parts.hostname or "://" not in text:
        raise refusal(f"{what}: it has no scheme or no host", fix)
    if port == 0:
        raise refusal(f"{what}: there is no port 0", fix)
    return parts


def host(text: str, fix: str = "Write a host name such as mx.example.org") -> str:
    """A host name as lower-case A-labels, or an address in its canonical form.

    >>> host("MX.Bücher.example"), host("2001:DB8::0:1")
    ('mx.xn--bcher-kva.example', '2001:db8::1')
    """
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    name = text.removesuffix(".").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError:
            raise refusal("is no host name", fix) from None
    if len(name) > 253 or not all(LABEL.fullmatch(label) for label in name.split(".")):
        raise refusal("is no host name", fix)
    return name


def domain_name(text: str) -> str:
    """A domain of one's own, as lower-case A-labels.

    >>> domain_name("Bücher.example")
    'xn--bcher-kva.example'
    """
    name = host(text, "Write a domain such as example.com")
    if name.rpartition(".")[2].isdigit() or ":" in name:
        raise refusal("is an address, and no domain", "Write a domain such as example.com")
    return name


def trusted_host(text: str) -> str:
    """The name of a mail server of one's own; empty for one that writes its field without a name, as Microsoft 365 does.

    >>> trusted_host("MX.example.org"), trusted_host("")
    ('mx.example.org', '')
    """
    return host(text) if text else ""


def token_url(text: str) -> str:
    """An address of a token service: https only."""
    example = "Write it as https://login.example.org/token"
    parts = url(text, "is no address of a token service", example)
    if parts.username is not None:
        raise refusal("holds a user name or password", "Use client_id and client_secret")
    if parts.scheme != "https":
        raise refusal("would send secrets unencrypted", example)
    return text


def duration(value: object) -> timedelta:
    """A span of time from its text, within the limits.

    >>> duration("5m")
    datetime.timedelta(seconds=300)
    """
    fix = 'Write a whole number and s, m or h in quotes: "30s", "5m", "1h"; from 5s to 24h'
    return span_between(value, SHORTEST, LONGEST, fix)


def wait(value: object) -> timedelta:
    """How long to wait for an answer, from its text."""
    return span_between(value, SHORTEST_WAIT, LONGEST_WAIT, 'Write a whole number and s in quotes, from "1s" to "30s"')


def span_between(value: object, shortest: timedelta, longest: timedelta, fix: str) -> timedelta:
    """A span of time from its text."""
    if isinstance(value, timedelta):
        span = value
    else:
        match = DURATION.fullmatch(value) if isinstance(value, str) else None
        if not match:
            raise refusal("is no span of time", fix)
        span = timedelta(seconds=int(match[1]) * UNITS[match[2]])
    if span < shortest:
        raise refusal("is too short", fix)
    if span > longest:
        raise refusal("is too long", fix)
    return span


def grace(value: object) -> timedelta:
    """How long a mail waits for late reports, from its text."""
    return span_between(value, SHORTEST_GRACE, LONGEST_GRACE, 'Write whole hours in quotes, from "1h" to "144h"')


def time_zone(text: str) -> str:
    """The name of a time zone that this machine knows.

    >>> time_zone("Europe/Berlin")
    'Europe/Berlin'
    """
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refusal("is no time zone that is known here", 'Write a name of the IANA list, such as "Europe/Berlin", or "UTC"') from None
    return text


def mail_address(text: str) -> str:
    """An address that mail is sent to or from, its domain as lower-case A-labels; without a name beside it.

    >>> mail_address("Owner@Example.COM"), mail_address("o@bücher.example")
    ('Owner@example.com', 'o@xn--bcher-kva.example')
    """
    fix = "Write it as owner@example.com, without a name"
    found = ADDRESS.fullmatch(text)
    if found is None or len(text) > LONGEST_ADDRESS:
        raise refusal("is no mail address", fix)
    return f"{found['local']}@{host(found['domain'], fix)}"


def whole_number(least: int, most: int) -> Callable[[object], int]:
    """A check for a whole number within limits."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise refusal(f"is no whole number from {least} to {most}", "Write it without quotes")
        return value

    return check


def duration_text(span: timedelta) -> str:
    """A span as it is written in the file, in the largest unit that keeps it whole.

    >>> duration_text(timedelta(minutes=5)), duration_text(timedelta(seconds=90))
    ('5m', '90s')
    """
    seconds = int(span.total_seconds())
    unit = next(unit for unit, size in reversed(UNITS.items()) if not seconds % size)
    return f"{seconds // UNITS[unit]}{unit}"


def name(text: str) -> str:
    """The name of a mailbox or folder, as it is typed at a command."""
    if not NAME.fullmatch(text):
        raise refusal("is no name that can be used", "Use 1 to 64 letters, digits, - and _")
    return text


def file_path(value: Path, info: ValidationInfo) -> Path:
    """A path with ~ expanded; a relative one starts at the folder of the configuration file."""
    try:
        return folder_of(info) / value.expanduser()
    except RuntimeError:
        raise refusal("begins with ~, and there is no such home folder", "Write the whole path") from None


def some_path(value: object) -> object:
    """Refuses a text that can be no path."""
    if isinstance(value, str) and (not value.strip() or "\0" in value):
        raise refusal("names no file or folder", "Write a path")
    return value


def mail_folder(text: str) -> str:
    """A folder of a mailbox, as the server shows it."""
    if not text.strip():
        raise refusal("names no mail folder", 'Write its name as the mail program shows it, such as "INBOX"')
    if CONTROL.search(text):
        raise refusal("holds control characters", "Write the name of the mail folder as the mail program shows it")
    return text


def flag(text: str) -> str:
    r"""A flag that dmarcscope may set.

    >>> flag("\\Flagged")
    '\\Flagged'
    """
    fix = "Write a keyword without spaces such as \"$DMARCStored\", or '\\Flagged' in single quotes"
    lowered = text.lower()
    if lowered == "\\seen":
        raise refusal("must not be \\Seen: that tells what people have read, and is theirs", fix)
    if lowered == "\\flagged":
        return "\\Flagged"
    if not KEYWORD.fullmatch(text):
        raise refusal("is no flag that can be set", fix)
    return text


def variable(text: str) -> str:
    """The name of an environment variable; what is none is not repeated, as it may be the secret itself."""
    if not VARIABLE.fullmatch(text):
        raise refusal("is no name of an environment variable", 'Write the name, not the secret: { env = "DMARC_PASSWORD" }')
    return text


def filled(text: str) -> str:
    """A text that is not empty and stays on one line."""
    if not text.strip() or CONTROL.search(text):
        raise refusal("is empty, or holds control characters", "Write a text on one line")
    return text


def same_folder(text: str) -> str:
    """A mail folder's name as it compares: INBOX is one, however written; other names may differ by case (RFC 9051 §5.1)."""
    return "INBOX" if text.upper() == "INBOX" else text


def each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    """A list without repetitions."""
    if len(set(map(same_folder, values))) < len(values):
        raise refusal("holds the same thing twice", "Name each once")
    return values


def some(values: tuple[str, ...]) -> tuple[str, ...]:
    """A list that is not empty."""
    if not values:
        raise refusal("is an empty list", "Name at least one")
    return values


def no_server_twice(servers: tuple[NameServer, ...]) -> tuple[NameServer, ...]:
    """A list of name servers without repetitions."""
    if len(set(servers)) < len(servers):
        raise refusal("holds the same name server twice", "Name each once")
    return servers


def program(words: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """A command as words; the program's ~ is expanded, and with a slash in it, it starts at the folder of the configuration file."""
    if not words or not words[0].strip() or any("\0" in word for word in words):
        raise refusal("has no program", 'Write a list of words: ["pass", "show", "dmarc"]')
    first = str(file_path(Path(words[0]), info).absolute()) if "/" in words[0] else words[0]
    return (first, *words[1:])


Name = Annotated[str, AfterValidator(name)]
FilePath = Annotated[Path, BeforeValidator(some_path), AfterValidator(file_path)]
Duration = Annotated[timedelta, PlainValidator(duration)]
Wait = Annotated[timedelta, PlainValidator(wait)]
Grace = Annotated[timedelta, PlainValidator(grace)]
Hour = Annotated[int, PlainValidator(whole_number(0, 23))]
Port = Annotated[int, PlainValidator(whole_number(1, 65535))]
TimeZone = Annotated[str, AfterValidator(time_zone)]
Host = Annotated[str, AfterValidator(host)]
MailAddress = Annotated[str, AfterValidator(mail_address)]
MailAddresses = Annotated[tuple[MailAddress, ...], AfterValidator(some), AfterValidator(each_once)]
Tries = Annotated[int, PlainValidator(whole_number(1, 10))]
AtOnce = Annotated[int, PlainValidator(whole_number(1, 1000))]
NameServers = Annotated[tuple[Annotated[NameServer, PlainValidator(name_server)], ...], AfterValidator(no_server_twice)]
FilePaths = tuple[FilePath, ...]
MailServer = Annotated[Server, PlainValidator(server)]
TokenUrl = Annotated[str, AfterValidator(token_url)]
MailFolder = Annotated[str, AfterValidator(mail_folder)]
MailFolders = Annotated[tuple[MailFolder, ...], AfterValidator(each_once)]
Flag = Annotated[str, AfterValidator(flag)]
Variable = Annotated[str, AfterValidator(variable)]
Text = Annotated[str, AfterValidator(filled)]
Texts = Annotated[tuple[Text, ...], AfterValidator(each_once)]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(trusted_host)], ...], AfterValidator(each_once)]
DomainList = Annotated[tuple[Annotated[str, AfterValidator(domain_name)], ...], Field(min_length=1), AfterValidator(each_once)]
Names = Annotated[tuple[Name, ...], AfterValidator(each_once)]
Command = Annotated[tuple[str, ...], AfterValidator(program)]
YesNo = StrictBool
