"""What the ledger knows of messages in mailboxes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dmarcscope.store.files import StoreFiles
from dmarcscope.store.ledger import Verdict
from dmarcscope.store.mails import Folder, FolderHealth, Mails, OpenMail
from dmarcscope.store.spool import Spooled

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
HERE = Folder("imap://a@b.example", "INBOX", 7)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreFiles]:
    with StoreFiles(tmp_path / "store", 5) as made:
        made.create()
        yield made


@pytest.fixture
def mails(store: StoreFiles) -> Mails:
    return Mails(store.ledger)


def arrive(store: StoreFiles, folder: Folder, uids: list[int], state: str = "") -> None:
    """Mails arrive, and get their state if one is named."""
    spooled = [Spooled(f"{folder.uidvalidity:032x}{uid:032x}", 1, str(folder.mail(uid)), NOW) for uid in uids]
    artefacts = store.ledger.receive(spooled, "run")
    if state:
        store.ledger.finish([Verdict(artefact.artefact_id, state, None, 0) for artefact in artefacts], [])


OTHERS = [
    (Folder("imap://c@b.example", "INBOX", 7), "another account"),
    (Folder("imap://a@b.example", "INBOX/sub", 7), "another folder"),
    (Folder("imap://a@b.example", "INBOX", 8), "the folder made anew"),
]


@pytest.mark.parametrize(("other", "why"), OTHERS, ids=[why for _, why in OTHERS])
def test_folders_are_kept_apart(store: StoreFiles, mails: Mails, other: Folder, why: str) -> None:
    arrive(store, HERE, [1, 2], "stored")
    arrive(store, other, [9], "stored")
    mails.note_unfetchable(other, 10, "why", NOW)
    assert mails.newest(HERE) == 2, why
    assert mails.known(HERE, 1, 100) == {1, 2}
    assert [mail.uid for mail in mails.still_open(HERE, ["stored"], 10)] == [1, 2]
    mails.settle(HERE, [1, 2, 9], "moved")
    assert [mail.uid for mail in mails.still_open(other, ["stored"], 10)] == [9]
    assert mails.to_try_again(HERE, NOW, 10) == []


@pytest.mark.parametrize("name", ["INBOX", "a b/c", "Entwürfe", "日本", "x;UIDVALIDITY=3/;UID=4", "%2F", "'quote'"])
def test_names_of_folders(store: StoreFiles, mails: Mails, name: str) -> None:
    folder = Folder("imap://a%40b@c.example:1143", name, 4_294_967_295)
    arrive(store, folder, [1, 4_294_967_295])
    assert mails.known(folder, 0, 2**32) == {1, 4_294_967_295}


def test_nothing_is_known_at_first(mails: Mails) -> None:
    assert mails.newest(HERE) == 0
    assert mails.known(HERE, 1, 9) == set()
    assert mails.still_open(HERE, ["stored"], 9) == []
    assert mails.counts() == {}
    assert mails.health() == []


def test_known_is_what_is_between(store: StoreFiles, mails: Mails) -> None:
    arrive(store, HERE, [1, 3, 5, 7])
    assert mails.known(HERE, 3, 5) == {3, 5}


STATES = [
    ("", ["stored", "sidelined"], False, "received is not final"),
    ("stored", ["stored", "duplicate"], True, "stored"),
    ("duplicate", ["stored", "duplicate"], True, "the same came before"),
    ("sidelined", ["stored"], False, "another step's"),
    ("ignored", ["ignored"], True, "no report"),
]


@pytest.mark.parametrize(("state", "asked", "found", "why"), STATES, ids=[why for *_, why in STATES])
def test_what_is_open(store: StoreFiles, mails: Mails, state: str, asked: list[str], found: bool, why: str) -> None:
    arrive(store, HERE, [1], state)
    assert mails.still_open(HERE, asked, 10) == ([OpenMail(1, state, copying=False)] if found else []), why


@pytest.mark.parametrize("done", ["kept", "moved", "flagged", "deleted", "gone", "left"])
def test_what_is_done_is_open_no_more(store: StoreFiles, mails: Mails, done: str) -> None:
    arrive(store, HERE, [1, 2], "stored")
    mails.settle(HERE, [1], done, "so")
    assert mails.still_open(HERE, ["stored"], 10) == [OpenMail(2, "stored", copying=False)]
    assert mails.counts() == {("imap://a@b.example", "INBOX"): {done: 1, "open": 1}}


def test_what_is_being_copied_is_open(store: StoreFiles, mails: Mails) -> None:
    arrive(store, HERE, [1], "stored")
    mails.settle(HERE, [1], "copying")
    assert mails.still_open(HERE, ["stored"], 10) == [OpenMail(1, "stored", copying=True)]


def test_the_lowest_first_and_not_too_many(store: StoreFiles, mails: Mails) -> None:
    arrive(store, HERE, [5, 3, 9, 1], "stored")
    assert [mail.uid for mail in mails.still_open(HERE, ["stored"], 3)] == [1, 3, 5]


def test_an_arrival_again_is_not_undone(store: StoreFiles, mails: Mails) -> None:
    arrive(store, HERE, [1], "stored")
    mails.settle(HERE, [1], "moved")
    arrive(store, HERE, [1])
    assert mails.still_open(HERE, ["stored"], 10) == []


def test_letters(store: StoreFiles, mails: Mails) -> None:
    arrive(store, HERE, [1], "stored")
    mails.leave(HERE, [1, 2], "no report in it")
    assert mails.newest(HERE) == 2
    assert mails.counts() == {("imap://a@b.example", "INBOX"): {"open": 1, "left": 1}}, "what has an artefact is no letter"


def test_unfetchable_messages(store: StoreFiles, mails: Mails) -> None:
    mails.note_unfetchable(HERE, 4, "no", NOW + timedelta(minutes=10))
    assert mails.to_try_again(HERE, NOW, 10) == [], "not yet"
    assert mails.to_try_again(HERE, NOW + timedelta(minutes=11), 10) == [(4, 1)]
    mails.note_unfetchable(HERE, 4, "no again", NOW + timedelta(minutes=20))
    mails.note_unfetchable(HERE, 5, "no", NOW)
    later = NOW + timedelta(hours=1)
    assert mails.to_try_again(HERE, later, 10) == [(4, 2), (5, 1)]
    assert mails.to_try_again(HERE, later, 1) == [(4, 2)]
    assert mails.still_open(HERE, ["stored"], 10) == []
    arrive(store, HERE, [4], "stored")
    assert mails.to_try_again(HERE, later, 10) == [(5, 1)], "once it is there it is like any other"
    assert mails.still_open(HERE, ["stored"], 10) == [OpenMail(4, "stored", copying=False)]
    mails.note_unfetchable(HERE, 4, "late", NOW)
    assert mails.to_try_again(HERE, later, 10) == [(5, 1)]
    mails.settle(HERE, [5], "gone")
    assert mails.to_try_again(HERE, later, 10) == []


def test_health(mails: Mails) -> None:
    def told() -> FolderHealth:
        return mails.health()[0]

    mails.troubled("a", "f", "down", NOW)
    mails.troubled("a", "f", "still down", NOW + timedelta(hours=1))
    assert told() == FolderHealth("a", "f", None, "still down", "2026-05-04T12:00:00Z"), "since the first"
    mails.looked("a", "f", NOW + timedelta(hours=2))
    assert told() == FolderHealth("a", "f", "2026-05-04T14:00:00Z", None, None)
    mails.troubled("a", "f", "down", NOW + timedelta(hours=3))
    assert told() == FolderHealth("a", "f", "2026-05-04T14:00:00Z", "down", "2026-05-04T15:00:00Z")


def take(store: StoreFiles, name: str, sha256: str, at: datetime, state: str = "") -> None:
    artefact = store.ledger.receive([Spooled(sha256 * 64, 1, name, at)], "run")[0]
    if state:
        store.ledger.finish([Verdict(artefact.artefact_id, state, None, 0)], [])


def test_files_in_a_folder(store: StoreFiles, mails: Mails) -> None:
    for number, name in enumerate(["/in/a.xml", "/in/sub/b.xml", "/inner/c.xml", "/in", "/in0"]):
        take(store, name, str(number), NOW, "stored")
    assert set(mails.known_files("/in")) == set(mails.known_files("/in/")) == {"/in/a.xml", "/in/sub/b.xml"}


def test_final_states_of_files(store: StoreFiles, mails: Mails) -> None:
    later = NOW + timedelta(seconds=5)
    take(store, "a", "1", NOW, "stored")
    take(store, "b", "2", NOW)
    take(store, "c", "3", NOW, "stored")
    take(store, "c", "4", later)  # it was changed, and that is not stored yet
    take(store, "d", "5", NOW, "stored")
    take(store, "d", "6", later, "sidelined")
    names = ["a", "b", "c", "d", "e", "\udcff"]
    assert mails.final_files(names) == {"a": ("stored", "2026-05-04T12:00:00Z"), "d": ("sidelined", "2026-05-04T12:00:05Z")}
