"""A mailbox at a real server and a store beside it: watch once or for a while, and look at what has become of the mails."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from threading import Event as Flag
from threading import Thread
from typing import Any, Self

from servers.dovecot import USER, Dovecot
from storeworld import SMALL, Facts, facts

from dmarcscope.intake.account import Account, Security
from dmarcscope.ops.after import Rules
from dmarcscope.ops.events import Event, Happening
from dmarcscope.ops.folder import WatchedFolder
from dmarcscope.ops.ingest import Outcome
from dmarcscope.ops.mailbox import Mailbox
from dmarcscope.ops.watch import watch
from dmarcscope.store.files import StoreFiles

QUICK = """
mailbox_idle_check_interval = 1s
service anvil {
 unix_listener anvil-auth-penalty {
  mode = 0
 }
}
"""
"""Settings with which Dovecot notices new mail even where inotify is used up, and does not let wrong passwords wait."""
PATIENCE = 60.0


def poll(question: Callable[[], Any], what: str = "", seconds: float = PATIENCE) -> None:
    """Wait until something is so; fail if it is not after a long time."""
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, f"{what or question} has not come to be"
        time.sleep(0.05)


@dataclass
class World:
    """A store, what was told about it, and the places that are watched."""

    root: Path
    places: list[Mailbox | WatchedFolder] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @classmethod
    def of(cls, server: Dovecot, root: Path, rules: Rules | None = None, *, account: Account | None = None, **more: Any) -> Self:
        """A store that watches one mailbox."""
        mailbox = Mailbox("reports", account or server.account(Security.NONE), rules=rules or Rules(), **more)
        return cls(root, [mailbox])

    @property
    def account_name(self) -> str:
        """The mailbox's account as the ledger names it."""
        mailbox = self.places[0]
        assert isinstance(mailbox, Mailbox)
        return mailbox.account_name

    def with_rules(self, rules: Rules) -> Self:
        """The same store and mailbox under other rules."""
        mailbox = self.places[0]
        assert isinstance(mailbox, Mailbox)
        return replace(self, places=[replace(mailbox, rules=rules)], events=[])

    def once(self) -> Outcome:
        """Take all there is, once."""
        with StoreFiles(self.root, SMALL) as store:
            return watch(store, self.places, self.events.append, stop=Flag(), once=True, chance=Random(1))

    def told(self, what: Happening) -> list[dict[str, Any]]:
        """The facts of all events of one kind."""
        return [event.facts for event in list(self.events) if event.what is what]

    def count(self, what: Happening, fact: str = "mails") -> int:
        """The sum of one fact over all events of one kind."""
        return sum(int(facts[fact]) for facts in self.told(what))

    @property
    def facts(self) -> Facts:
        """All about the store, which must be at rest."""
        return facts(self.root)

    @property
    def states(self) -> dict[str, int]:
        """How many artefacts are in each state."""
        with StoreFiles(self.root, SMALL) as store:
            rows = store.ledger.rows("SELECT state, count(*) AS n FROM artefacts GROUP BY state ORDER BY state")
            return {row["state"]: row["n"] for row in rows}

    @property
    def mails(self) -> list[tuple[int, str | None, int]]:
        """UID, what was done, and the tries, of every mail that the ledger knows, in order."""
        with StoreFiles(self.root, SMALL) as store:
            return [
                tuple(row) for row in store.ledger.rows("SELECT uid, settled, tries FROM mails ORDER BY account, folder, uidvalidity, uid")
            ]

    def sql(self, text: str) -> list[Any]:
        """Lines of the ledger."""
        with StoreFiles(self.root, SMALL) as store:
            return [tuple(row) for row in store.ledger.rows(text)]

    def change(self, text: str) -> None:
        """Change the ledger behind everybody's back."""
        with StoreFiles(self.root, SMALL) as store, store.ledger.transaction() as connection:
            connection.execute(text)

    def spooled(self) -> bytes:
        """Every byte below the spool."""
        return b"\0".join(path.read_bytes() for path in sorted((self.root / "spool").rglob("*")) if path.is_file())


class Watching:
    """A watch that goes on in a thread until the block ends."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stop = Flag()
        self.outcome: Outcome | None = None
        self.error: Exception | None = None
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        try:
            with StoreFiles(self._world.root, SMALL) as store:
                self.outcome = watch(store, self._world.places, self._world.events.append, stop=self._stop, chance=Random(1))
        except Exception as error:  # noqa: BLE001 (raised again where the block ends)
            self.error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "it does not stop"
        if self.error is not None and kind is None:
            raise self.error


def maildir(server: Dovecot, folder: str = "INBOX") -> Path:
    """Where the files of a folder are."""
    place = server.folder / "mail" / USER
    return place if folder == "INBOX" else place / f".{folder}"


def mail_files(server: Dovecot, folder: str = "INBOX") -> list[Path]:
    """The files of a folder's mails, oldest first."""
    place = maildir(server, folder)
    return sorted((file for part in ("new", "cur") for file in (place / part).iterdir()), key=lambda file: file.name)


def forget_uidvalidity(server: Dovecot, folder: str = "INBOX") -> None:
    """Let the server number a folder anew, as after a move to another machine."""
    time.sleep(1.1)  # a UIDVALIDITY is the time in seconds
    for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache", "dovecot-uidvalidity"):
        with suppress(FileNotFoundError):
            (maildir(server, folder) / name).unlink()
    for file in maildir(server).glob("dovecot-uidvalidity*"):
        file.unlink()
