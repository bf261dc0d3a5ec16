"""Look-ups beside the intake never stand in its way: told by the order of events, not by the clock."""

import socket
import threading
from pathlib import Path
from queue import Queue
from typing import Self

import pytest
from dnsworld import offline, record, report
from storeworld import SMALL, put, take_in

from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.model.after import After
from dmarcscope.ops import lookups
from dmarcscope.ops.events import Event, Happening
from dmarcscope.ops.folder import WatchedFolder
from dmarcscope.ops.lookups import after_ingest
from dmarcscope.ops.watch import watch
from dmarcscope.store.files import StoreFiles

PATIENCE = 30.0  # seconds that a test waits for an event; it takes under one


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(lookups, "QUIET", 0.05)
    monkeypatch.setattr(lookups, "TICK", 0.02)


class Watching:
    """A watch over one folder in a thread, and the events that it tells."""

    def __init__(self, root: Path, dns: DnsSettings | None) -> None:
        self.folder = root / "in"
        self.folder.mkdir()
        self.events: Queue[Event] = Queue()
        self.stop = threading.Event()
        place = WatchedFolder("reports", self.folder, 0.05, After.KEEP, None, ())
        self._store = StoreFiles(root / "store", SMALL)
        self._thread = threading.Thread(target=lambda: watch(self._store, [place], self.events.put, stop=self.stop, dns=dns), name="watch")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the watch does not stop"
        self._store.close()

    def until(self, *what: Happening) -> list[Event]:
        """The events up to the first of these."""
        seen: list[Event] = []
        while not seen or seen[-1].what not in what:
            seen.append(self.events.get(timeout=PATIENCE))
        return seen


def test_watch_looks_up_what_it_stores(tmp_path, monkeypatch):
    monkeypatch.setattr(lookups, "RECENT", lookups.RECENT * 100)  # the reports are of 2026
    with Watching(tmp_path, offline(tmp_path / "zones")) as watching:
        put(watching.folder, a__xml=report())
        watching.until(Happening.STORED)
        (*_, told) = watching.until(Happening.LOOKED_UP)
        assert (told.facts["sources"], told.facts["keys"]) == (5, 3)
        put(watching.folder, b__xml=report(record("8.8.4.4"), number=1))
        watching.until(Happening.STORED)
        (*_, told) = watching.until(Happening.LOOKED_UP)
        assert (told.facts["sources"], told.facts["spf"], told.facts["keys"]) == (1, 1, 0), "only what is new"


def test_a_dead_resolver_does_not_keep_a_watch_from_storing(tmp_path, monkeypatch):
    """While a question hangs, the next report is stored; only then does the question end."""
    monkeypatch.setattr(lookups, "RECENT", lookups.RECENT * 100)
    monkeypatch.setattr(lookups, "SILENCE", 3600.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(PATIENCE)
        dns = DnsSettings((udp.getsockname(),), timeout=3600.0, tries=1)
        with Watching(tmp_path, dns) as watching:
            put(watching.folder, a__xml=report())
            before = watching.until(Happening.STORED)
            assert udp.recv(512), "a question was asked after it was stored, and hangs"
            put(watching.folder, b__xml=report(record("8.8.4.4"), number=1))
            between = watching.until(Happening.STORED)
            told = {event.what for event in (*before, *between)}
            assert not told & {Happening.LOOKED_UP, Happening.LOOKUPS_WAIT}
    with StoreFiles(tmp_path / "store", SMALL) as store:
        assert store.ledger.totals()["messages"] == 50 + 20 + 5 + 2 + 1 + 1


def test_a_dead_resolver_is_told_of_once_in_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(lookups, "RECENT", lookups.RECENT * 100)
    monkeypatch.setattr(lookups, "SILENCE", 0.1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        with Watching(tmp_path, DnsSettings((udp.getsockname(),), timeout=3600.0, tries=1)) as watching:
            put(watching.folder, a__xml=report())
            (*_, told) = watching.until(Happening.LOOKUPS_WAIT)
            assert told.facts == {"reason": "no name server answers"}
            for number in range(1, 4):
                put(watching.folder, **{f"b{number}__xml": report(record("8.8.4.4"), number=number)})
                between = watching.until(Happening.STORED)
                assert Happening.LOOKUPS_WAIT not in {event.what for event in between}


def test_without_dns_nothing_is_looked_up(tmp_path):
    with Watching(tmp_path, None) as watching:
        put(watching.folder, a__xml=report())
        watching.until(Happening.STORED)
        assert not [thread for thread in threading.enumerate() if thread.name == "lookups"]


@pytest.mark.parametrize(
    ("dns", "waits"),
    [
        (DnsSettings(offline=True), "offline: nothing is asked"),
        (DnsSettings(offline=True, zone_files=(Path("/nowhere.zone"),)), "not a zone file"),
    ],
    ids=["offline", "a zone file that is not there"],
)
def test_after_ingest_nothing_is_raised(tmp_path, dns, waits):
    take_in(tmp_path / "store", put(tmp_path / "in", a__xml=report()))
    with StoreFiles(tmp_path / "store", SMALL) as store:
        assert waits in after_ingest(store, dns).waits


def test_after_ingest_a_locked_ledger_makes_look_ups_wait(tmp_path, monkeypatch):
    from dmarcscope.ops import resolve

    monkeypatch.setattr(resolve, "PATIENCE", 0.1)
    take_in(tmp_path / "store", put(tmp_path / "in", a__xml=report()))
    with StoreFiles(tmp_path / "store", SMALL) as store, StoreFiles(tmp_path / "store", SMALL) as other:
        with other.ledger.transaction():
            assert "locked" in after_ingest(store, offline(tmp_path / "zones")).waits
        assert after_ingest(store, offline(tmp_path / "zones")).waits == ""
