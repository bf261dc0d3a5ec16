"""Watched folders of files: what is new or changed is taken in once it is at rest, and only then is anything done with the files."""

import os
import time
from pathlib import Path

import pytest
from mailboxworld import Watching, World, poll
from mailworld import broken_mail, letter, report_mail
from storeworld import packed, report

from dmarcscope.errors import SetupError
from dmarcscope.model.after import After
from dmarcscope.ops.events import Happening
from dmarcscope.ops.folder import WatchedFolder, free_name

OLD = 1_700_000_000
"""A time of change long ago."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def world_of(place: Path, after: After = After.KEEP, **more: object) -> World:
    """A store beside a watched folder."""
    target = place.parent / "done" if after is After.MOVE else None
    watched = WatchedFolder("files", place, **{"poll_seconds": 0.1, "after": after, "move_to": target, **more})  # type: ignore[arg-type]
    return World(place.parent / "store", [watched])


def put(file: Path, content: bytes, *, changed: float = OLD) -> Path:
    """Write a file that was last changed then."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.utime(file, (changed, changed))
    return file


def fill(place: Path) -> None:
    """Reports in several wrappings, a broken one, and something else."""
    for number in range(3):
        suffix, content = packed(number, report(number))
        put(place / f"{number}.{suffix}", content)
    put(place / "sub" / "mail.eml", report_mail(7))
    put(place / "broken.eml", broken_mail(1))
    put(place / "letter.eml", letter(1))


def names(folder: Path) -> list[str]:
    """The files below a folder."""
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


FILES = ["0.xml", "1.xml.gz", "2.zip", "sub/mail.eml"]


@pytest.mark.parametrize(
    ("after", "left", "moved"),
    [
        (After.KEEP, sorted([*FILES, "broken.eml", "letter.eml"]), []),
        (After.MOVE, ["broken.eml", "letter.eml"], FILES),
        (After.DELETE, ["broken.eml", "letter.eml"], []),
    ],
    ids=str,
)
@pytest.mark.parametrize("once", [True, False], ids=["once", "watched"])
def test_what_becomes_of_files(place: Path, after: After, left: list[str], moved: list[str], once: bool) -> None:
    fill(place)
    world = world_of(place, after)
    if once:
        world.once()
    else:
        with Watching(world):
            poll(lambda: world.count(Happening.STORED, "artefacts") == 6)
            poll(lambda: names(place) == left)
    assert world.states == {"ignored": 1, "sidelined": 1, "stored": 4}
    assert names(place) == left
    assert names(place.parent / "done") == moved
    assert world.once().artefacts == 0, "a new run reads nothing anew"


def test_a_target_inside_of_the_folder_is_not_read(place: Path) -> None:
    fill(place)
    world = world_of(place, After.MOVE, move_to=place / "done")
    assert world.once().stored == 4
    assert world.once().artefacts == 0
    assert names(place / "done") == FILES


def test_nothing_is_overwritten(place: Path) -> None:
    world = world_of(place, After.MOVE)
    for number in range(3):
        put(place / "report.xml", report(number))
        world.once()
    assert names(place.parent / "done") == ["report.xml", "report.xml.1", "report.xml.2"]
    assert [(place.parent / "done" / name).read_bytes() for name in names(place.parent / "done")] == [report(number) for number in range(3)]
    assert free_name(place / "free") == place / "free"


def test_a_file_that_is_still_being_written_waits(place: Path) -> None:
    content = report(1)
    world = world_of(place, After.DELETE)
    with Watching(world):
        file = place / "slow.xml"
        until = time.monotonic() + 4
        with file.open("wb", buffering=0) as opened:
            opened.write(content[:100])
            while time.monotonic() < until:
                opened.write(b"")
                os.utime(file)  # a writer that goes on
                assert not world.told(Happening.FETCHED)
                time.sleep(0.1)
            opened.write(content[100:])
        poll(lambda: not file.exists())
    assert world.states == {"stored": 1}


def test_a_file_from_the_future_does_not_wait_for_it(place: Path) -> None:
    put(place / "1.xml", report(1), changed=time.time() + 1e6)
    world = world_of(place, After.DELETE)
    with Watching(world):
        poll(lambda: not names(place))
    assert world.states == {"stored": 1}


def test_a_changed_file_is_read_again(place: Path) -> None:
    file = put(place / "1.xml", report(1))
    world = world_of(place)
    with Watching(world):
        poll(lambda: world.count(Happening.STORED, "artefacts") == 1)
        put(file, report(2), changed=OLD + 1)
        poll(lambda: world.count(Happening.STORED, "artefacts") == 2)
    assert world.states == {"stored": 2}
    put(file, report(3) + b"\n", changed=time.time() - 60)
    assert world.once().stored == 1, "and by a new run, too"


def test_a_file_that_changes_before_it_is_deleted_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is not what stands there now: it must not go unread."""
    file = put(place / "1.xml", report(1))
    world = world_of(place, After.DELETE)
    tell = world.events.append

    class Events(list):  # type: ignore[type-arg]
        def append(self, event: object) -> None:
            tell(event)  # type: ignore[arg-type]
            if getattr(event, "what", None) is Happening.FETCHED and not self:
                super().append(event)
                put(file, report(2), changed=time.time() + 5)

    seen = Events()
    monkeypatch.setattr(world, "events", seen)
    world.once()
    assert file.read_bytes() == report(2)
    monkeypatch.undo()
    world.once()
    assert names(place) == []
    assert world.states == {"stored": 2}


def test_an_mbox_is_several_mails(place: Path) -> None:
    mails = [report_mail(number).replace(b"\r\n", b"\n") for number in range(3)]
    put(place / "reports.mbox", b"".join(b"From a@example.org Mon May  4 00:00:00 2026\n" + mail + b"\n" for mail in mails))
    world = world_of(place, After.DELETE)
    assert world.once().stored == 3
    assert names(place) == []


def test_an_mbox_with_one_broken_mail_stays(place: Path) -> None:
    mails = [mail.replace(b"\r\n", b"\n") for mail in (report_mail(1), broken_mail(1))]
    put(place / "reports.mbox", b"".join(b"From a@example.org Mon May  4 00:00:00 2026\n" + mail + b"\n" for mail in mails))
    world = world_of(place, After.DELETE)
    outcome = world.once()
    assert (outcome.stored, outcome.sidelined) == (1, 1)
    assert names(place) == ["reports.mbox"]
    lines = world.facts.lines
    again = world.once()
    assert (again.stored, again.duplicate) == (0, 2), "an mbox is read again by each run, and counts once"
    assert world.facts.lines == lines


def test_a_maildir(place: Path) -> None:
    for part in ("cur", "new", "tmp"):
        put(place / part / f"1700000000.{part}.host", report_mail(len(part) + ord(part[0])))
    world = world_of(place)
    assert world.once().stored == 2, "what is in tmp is not finished"


def test_a_folder_that_is_not_there(place: Path) -> None:
    place.rmdir()
    world = world_of(place)
    with pytest.raises(SetupError, match="watched folder is not there"):
        world.once()


def test_a_folder_that_goes_and_comes_back(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dmarcscope.ops.collecting.WAITS", dict.fromkeys((Exception,), (0.1, 0.2)))
    put(place / "1.xml", report(1))
    world = world_of(place)
    with Watching(world):
        poll(lambda: world.count(Happening.STORED, "artefacts") == 1)
        place.rename(place.with_name("away"))
        poll(lambda: world.told(Happening.TROUBLE))
        place.with_name("away").rename(place)
        put(place / "2.xml", report(2))
        poll(lambda: world.count(Happening.STORED, "stored") == 2)
    assert world.states == {"stored": 2}


def test_one_file_that_cannot_be_read_does_not_keep_the_others_out(place: Path) -> None:
    put(place / "1.xml", report(1))
    (place / "2.xml").symlink_to("/proc/self/mem")  # can be opened, not read, by anybody
    put(place / "3.xml", report(3))
    world = world_of(place)
    with Watching(world):
        poll(lambda: world.count(Happening.STORED, "stored") == 2)
        poll(lambda: world.told(Happening.TROUBLE))
        put(place / "4.xml", report(4))
        poll(lambda: world.count(Happening.STORED, "stored") == 3)
    assert [told["again_in"] for told in world.told(Happening.TROUBLE)] == [None], "told once, not at every round"
    with pytest.raises(SetupError, match=r"2\.xml.*cannot be read"):
        world.once()


def test_a_file_that_cannot_be_taken_away(place: Path) -> None:
    put(place / "1.xml", report(1))
    world = world_of(place, After.MOVE, move_to=Path("/proc/nowhere"))
    assert world.once().stored == 1
    assert world.told(Happening.REFUSED)
    assert names(place) == ["1.xml"]


def test_names_that_are_no_text(place: Path) -> None:
    put(Path(os.fsdecode(os.fsencode(place) + b"/r\xe9port.xml")), report(1))
    world = world_of(place, After.DELETE)
    assert world.once().stored == 1
    assert list(place.iterdir()) == []


def test_who_sent_a_mail_that_stands_as_a_file(place: Path) -> None:
    told = {"Authentication-Results": "mx.example.com; dmarc=pass header.from=mill.example"}
    put(place / "1.eml", report_mail(1, headers=told))
    put(place / "2.xml", report(2))
    world = world_of(place, authserv_ids=("mx.example.com",))
    world.once()
    assert world.sql("SELECT mail_from, mail_verified FROM artefacts ORDER BY name") == [("mill.example", 1), (None, None)]


def test_a_mailbox_may_stand_beside_folders(place: Path) -> None:
    other = place.parent / "other"
    put(place / "1.xml", report(1))
    put(other / "2.xml", report(2))
    world = world_of(place)
    world.places.append(WatchedFolder("other", other))
    assert world.once().stored == 2
