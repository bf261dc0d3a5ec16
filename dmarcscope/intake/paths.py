"""From what the user names to artefacts: files, folders, globs, maildirs and mboxes."""

import glob
import mailbox
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dmarcscope.errors import SetupError
from dmarcscope.model.mail_origin import MailOrigin

MBOX_START = b"From "
MAILDIR = ("cur", "new", "tmp")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that arrives: its name, its bytes or the file that holds them, and how the mail it is authenticated, where that is told."""

    name: str
    content: bytes | Path
    origin: MailOrigin | None = None


def find(paths: Iterable[str]) -> list[str]:
    """The files that the paths name, each once, in order: folders are walked, globs expanded, a maildir's ``tmp`` left alone.

    Raises SetupError for a path that names nothing. (Texts, because a Path takes five times the memory, and there may be millions.)
    """
    found: dict[str, None] = {}
    for text in paths:
        path = Path(text).expanduser()
        if not path.exists():
            matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
            if not matches:
                raise SetupError("no such file or folder", where=text, fix="Check the path; a pattern must match something")
            found.update(dict.fromkeys(file for match in matches for file in walk(Path(match))))
        else:
            found.update(dict.fromkeys(walk(path)))
    return list(found)


def walk(path: Path) -> Iterator[str]:
    """The files in a folder and below it, sorted; a file is itself. Hidden folders and a maildir's half-written mails are left out."""
    if not path.is_dir():
        yield str(path)
        return
    for folder, folders, files in os.walk(path):
        maildir = all(name in folders for name in MAILDIR)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not (maildir and name == "tmp"))
        yield from (os.path.join(folder, name) for name in sorted(files) if not name.startswith("."))  # noqa: PTH118 (texts, see find)


def changed_between(files: Iterable[str], since: datetime | None, until: datetime | None) -> Iterator[str]:
    """Those of the files that were last changed in that time."""
    first, last = since.timestamp() if since else 0, until.timestamp() if until else float("inf")
    for file in files:
        if (since is None and until is None) or first <= Path(file).stat().st_mtime < last:
            yield file


def arrivals(files: Iterable[str]) -> Iterator[Arrival]:
    """One artefact per file, and one per mail of an mbox. Raises SetupError for a file that may not be read.

    A file that is gone by now is passed over: mail programs rename mails while we look, and the next run finds it.
    """
    for file in map(Path, files):
        try:
            several = is_mbox(file)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise SetupError(
                f"cannot be read ({error.strerror or error})", where=str(file), fix="Give dmarcscope the right to read it"
            ) from error
        if several:
            yield from mails_of(file)
        else:
            yield Arrival(str(file), file)


def is_mbox(file: Path) -> bool:
    """Whether a file is an mbox: it begins with a «From » line."""
    with file.open("rb") as opened:
        return opened.read(len(MBOX_START)) == MBOX_START


def mails_of(file: Path) -> Iterator[Arrival]:
    """Each mail of an mbox as an artefact of its own, named by its number from 1."""
    box = mailbox.mbox(file, create=False)
    try:
        for number, key in enumerate(box.keys(), start=1):
            yield Arrival(f"{file}#{number}", box.get_bytes(key))
    finally:
        box.close()
