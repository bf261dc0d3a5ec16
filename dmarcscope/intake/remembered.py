"""The newest refresh token of a mailbox, in a file that only its owner can read.

    {"refresh_token": "…", "origin": "SHA-256 of the configured refresh token that it came from, or empty"}

Written whole or not at all: temp file, fsync, rename, fsync of the folder. Beside it stands an empty file that is locked
while a refresh token is in use, since two processes may share one.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from uuid import uuid4

from dmarcscope.errors import SetupError


@dataclass(frozen=True, slots=True)
class Remembered:
    """A refresh token, and the digest of the configured one that it took the place of, empty if none was configured."""

    refresh_token: str = field(repr=False)
    origin: str = ""

    @classmethod
    def recall(cls, path: Path) -> Self | None:
        """What the file holds, None if there is none, or a damaged one. Raises SetupError if it cannot be read."""
        try:
            found = json.loads(path.read_bytes())
            token, origin = found["refresh_token"], found["origin"]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SetupError(
                f"cannot be read ({error.strerror or error})", where=str(path), fix="It must be readable by who runs this"
            ) from error
        except (ValueError, KeyError, TypeError):
            return None
        return cls(token, origin) if token and isinstance(token, str) and isinstance(origin, str) else None

    def keep(self, path: Path) -> None:
        """Put it in the place of what the file holds. Raises OSError, and then leaves the file as it was."""
        content = json.dumps({"refresh_token": self.refresh_token, "origin": self.origin}).encode()
        new = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 (with a mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError:
            new.unlink(missing_ok=True)
            raise
        sync(path.parent)


def digest(refresh_token: str) -> str:
    """By which a configured refresh token is recognised without being kept: its SHA-256 in hex."""
    return hashlib.sha256(refresh_token.encode()).hexdigest()


@contextmanager
def sole_use(path: Path) -> Iterator[None]:
    """While this lasts, no other process uses the refresh token in that file; the folder is made if there is none.

    Raises SetupError if nothing can be written there: better before a refresh token is used up than after.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        raise SetupError(what, where=str(path), fix="The newest refresh token is kept there, so it must be writable") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def sync(folder: Path) -> None:
    """Force the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
