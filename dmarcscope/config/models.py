"""What can be configured: the tables and keys of dmarcscope.toml. The documents and the checks are made from these."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field

from dmarcscope.config.fields import (
    AtOnce,
    DomainList,
    Duration,
    FilePath,
    FilePaths,
    Flag,
    Hosts,
    MailFolder,
    MailFolders,
    MailServer,
    Name,
    NameServers,
    Text,
    Tries,
    Wait,
    YesNo,
    same_folder,
)
from dmarcscope.config.mailing import Smtp, SummaryMail, flaws_between
from dmarcscope.config.oauth import OAuth
from dmarcscope.config.secret import SecretSource
from dmarcscope.config.table import Flaw, Table, goes_with, needed_with, texts
from dmarcscope.intake.account import Security
from dmarcscope.intake.credentials import Secret
from dmarcscope.model.after import DEFAULT_FLAG, After
from dmarcscope.store import DEFAULT_STORE


class FileAfter(StrEnum):
    """What becomes of a file when its report is stored."""

    KEEP = "keep"
    MOVE = "move"
    DELETE = "delete"


class Tls(Table):
    """How far the mail server is trusted."""

    ca_file: FilePath | None = Field(
        default=None, description="PEM file of the authorities that vouch for the server, in place of the system's."
    )
    insecure_no_verification: YesNo = Field(
        default=False, description="Take any certificate: whoever is between can read the password and the mail. For tests."
    )
    insecure_plaintext: YesNo = Field(
        default=False, description="No TLS at all, only with imap://: everyone on the way can read the password and the mail. For tests."
    )

    @classmethod
    def contradictions(cls, given: Mapping[str, Any], _folder: Path, /) -> Iterator[Flaw]:
        """One way of trust."""
        named = [key for key in cls.model_fields if given.get(key)]
        if len(named) > 1:
            yield Flaw(named[1], f"does not go with {named[0]}", "Leave one of them out")


class Mailbox(Table):
    """A mailbox that reports arrive in."""

    server: MailServer = Field(
        description="The IMAP server: `imaps://HOST` (TLS, port 993) or `imap://HOST` (STARTTLS, port 143); `:PORT` may follow."
    )
    user: Text = Field(description="The user name to log in with.")
    password: SecretSource | None = Field(default=None, description="Where the password comes from; or a table `oauth` in its place.")
    oauth: OAuth | None = Field(default=None, description="How to log in with OAuth 2.0, in place of a password.")
    tls: Tls = Field(default=Tls(), description="How far the server is trusted.")
    folders: MailFolders = Field(default=("INBOX",), min_length=1, description="The mail folders to read.")
    after: After = Field(default=After.KEEP, description="What becomes of a mail when its report is safely stored.")
    move_to: MailFolder | None = Field(default=None, description='The mail folder for stored mails; with, and only with, `after = "move"`.')
    flag: Flag = Field(
        default=DEFAULT_FLAG, description='The flag for stored mails; only with `after = "flag"`. Never `\\Seen`, which belongs to people.'
    )
    unreadable_folder: MailFolder | None = Field(
        default=None, description="The mail folder to move mails to that could not be read; else they stay."
    )
    idle: YesNo = Field(default=True, description="Let the server tell of new mail at once (RFC 2177), if it can.")
    poll_every: Duration = Field(default=timedelta(minutes=5), description="How often to look where the server does not tell; 5s to 24h.")
    authserv_ids: Hosts = Field(default=(), description="Your own mail servers, whose Authentication-Results are believed (RFC 8601 §2.5).")

    @classmethod
    def contradictions(cls, given: Mapping[str, Any], _folder: Path, /) -> Iterator[Flaw]:
        """One way to log in, what becomes of the mail, and TLS as the server's address says."""
        if ("password" in given) == ("oauth" in given):
            what = "has both password and oauth" if "oauth" in given else "does not tell how to log in"
            yield Flaw("", what, 'Write one of them, such as password = { env = "DMARC_PASSWORD" }')
        yield from needed_with(given, "move_to", "after", After.MOVE)
        yield from goes_with(given, "move_to", "after", After.MOVE)
        yield from goes_with(given, "flag", "after", After.FLAG)
        read = set(map(same_folder, texts(given, "folders"))) or {"INBOX"}
        for key in ("move_to", "unreadable_folder"):
            if any(same_folder(folder) in read for folder in texts(given, key)):
                yield Flaw(key, "is one of the folders that are read: its mails would be read again", "Name another folder")
        tls = given.get("tls")
        if isinstance(tls, dict) and tls.get("insecure_plaintext") is True and not str(given.get("server")).startswith("imap:"):
            yield Flaw("tls.insecure_plaintext", "goes only with imap://", "Leave it out, as imaps:// is TLS; or write imap:// in server")

    @property
    def security(self) -> Security:
        """How the way to the server is guarded."""
        if self.tls.insecure_plaintext:
            return Security.NONE
        return Security.TLS if self.server.scheme == "imaps" else Security.STARTTLS

    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """Every secret with its key."""
        if self.password:
            yield "password", self.password.secret(self.user)
        for key in ("client_secret", "refresh_token", "token"):
            source = getattr(self.oauth, key, None)
            if source:
                yield f"oauth.{key}", source.secret(self.user)


class Folder(Table):
    """A folder of files that is watched."""

    path: FilePath = Field(description="The folder; what is below it is read too.")
    poll_every: Duration = Field(default=timedelta(seconds=10), description="How often to look; 5s to 24h.")
    after: FileAfter = Field(default=FileAfter.KEEP, description="What becomes of a file when its report is safely stored.")
    move_to: FilePath | None = Field(default=None, description='The folder for stored files; with, and only with, `after = "move"`.')
    authserv_ids: Hosts = Field(default=(), description="Your own mail servers, whose Authentication-Results are believed (RFC 8601 §2.5).")

    @classmethod
    def contradictions(cls, given: Mapping[str, Any], _folder: Path, /) -> Iterator[Flaw]:
        """What becomes of the files."""
        yield from needed_with(given, "move_to", "after", FileAfter.MOVE)
        yield from goes_with(given, "move_to", "after", FileAfter.MOVE)


class Dns(Table):
    """How the DNS is asked."""

    nameservers: NameServers = Field(
        default=(),
        description='The recursive name servers to ask, the preferred one first: "192.0.2.53", "[2001:db8::1]:53"; none: the system\'s.',
    )
    timeout: Wait = Field(
        default=timedelta(seconds=2),
        description="How long to wait for a name server the first time; 1s to 30s. Each further try waits twice as long.",
    )
    tries: Tries = Field(default=3, description="How often each name server is asked at most; 1 to 10.")
    concurrency: AtOnce = Field(default=100, description="Questions under way at once; 1 to 1000.")
    offline: YesNo = Field(default=False, description="Ask nobody: only the zone files answer.")
    zone_files: FilePaths = Field(
        default=(), description="Zones (master files, RFC 1035 §5) whose names are answered from the file, and asked nowhere."
    )

    @classmethod
    def contradictions(cls, given: Mapping[str, Any], _folder: Path, /) -> Iterator[Flaw]:
        """Who asks nobody names nobody."""
        if given.get("offline") is True and given.get("nameservers"):
            yield Flaw("nameservers", "does not go with offline = true", "Leave one of them out")


class Senders(Table):
    """What tells who sends, beside the reports."""

    list: FilePath | None = Field(
        default=None,
        description="Your own list of senders; else `senders.yaml` beside this file, if it is there, else in the current folder.",
    )
    networks: FilePaths = Field(
        default=(), description="Files (`.mmdb`) that tell network and country of an address; the first that knows."
    )
    catalogue: FilePaths = Field(
        default=(), description="Catalogues of your own (TOML), whose senders are added to those that come with dmarcscope."
    )


class Settings(Table):
    """All that is configured."""

    store: FilePath = Field(default=DEFAULT_STORE, description="The folder of the store; `DMARCSCOPE_STORE` and `--store` go before it.")
    mailbox: dict[Name, Mailbox] = Field(default={}, description="The mailboxes, each by a name: `[mailbox.NAME]`.")
    folder: dict[Name, Folder] = Field(default={}, description="The watched folders, each by a name: `[folder.NAME]`.")
    dns: Dns = Field(default=Dns(), description="How the DNS is asked. With this table, `ingest` and `watch` look things up by themselves.")
    senders: Senders = Field(default=Senders(), description="What tells who sends, beside the reports.")
    groups: dict[Name, DomainList] = Field(
        default={}, description='Lists of domains to ask about together, each by a name: `NAME = ["example.com"]`, for `--group NAME`.'
    )
    summary: SummaryMail | None = Field(default=None, description="The summary that `watch` sends by mail every week.")
    smtp: Smtp | None = Field(default=None, description="The mail server that takes it, and what `summary --mail` sends.")

    @property
    def looks_up(self) -> bool:
        """Whether the DNS may be asked without being told to: the operator has said how."""
        return "dns" in self.model_fields_set

    @classmethod
    def contradictions(cls, given: Mapping[str, Any], folder: Path, /) -> Iterator[Flaw]:
        """Nothing that dmarcscope itself puts down may be found again by its own watch; and what mail needs is there."""
        yield from flaws_between(given)
        stores = texts(given, "store") or [str(Path.cwd() / DEFAULT_STORE)]
        tables = given.get("folder")
        named = {name: table for name, table in tables.items() if isinstance(table, dict)} if isinstance(tables, dict) else {}
        for name, table in named.items():
            for path in texts(table, "path"):
                if any(inside(store, path, folder) for store in stores):
                    yield Flaw(f"folder.{name}.path", "holds the store: its files would be read again", "Put the store elsewhere")
                for other, putting in named.items():
                    if any(inside(target, path, folder) for target in texts(putting, "move_to")):
                        what = f"lies in the watched folder {name}: its files would be read again"
                        yield Flaw(f"folder.{other}.move_to", what, "Name a folder elsewhere")


def inside(inner: str, outer: str, folder: Path) -> bool:
    """Whether a path lies in another or is the same; both may be relative to the folder."""
    try:
        paths = [(folder / Path(path).expanduser()).resolve() for path in (inner, outer)]
    except (RuntimeError, OSError, ValueError):  # no such home, or no path: told elsewhere
        return False
    return paths[0].is_relative_to(paths[1])


# Every table of the file by its header, with NAME for what the user chooses.
SECTIONS: dict[str, type[Table]] = {
    "": Settings,
    "mailbox.NAME": Mailbox,
    "mailbox.NAME.oauth": OAuth,
    "mailbox.NAME.tls": Tls,
    "folder.NAME": Folder,
    "dns": Dns,
    "senders": Senders,
    "summary": SummaryMail,
    "smtp": Smtp,
}
SECRETS = ("password", "client_secret", "refresh_token", "token")
