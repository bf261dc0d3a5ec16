"""Advisory file locks: whoever dies lets go of them, so a lock that can be had belongs to nobody alive."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dmarcscope.errors import StoreUnavailable

PAUSE = 0.02  # seconds between two tries


def try_lock(path: Path) -> int | None:
    """An open file descriptor that holds the lock, or None if somebody alive holds it. Close it to let go.

    Raises OSError if the file is not there and cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES):
            raise
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # a reader of a read-only store locks what is there
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_held(path: Path) -> bool:
    """Whether somebody alive holds the lock. Asking keeps nobody else from asking, and makes no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def locked(path: Path, patience: float) -> Iterator[None]:
    """Hold a lock; wait for it at most ``patience`` seconds, then raise StoreUnavailable."""
    deadline = time.monotonic() + patience
    while (descriptor := try_lock(path)) is None:
        if time.monotonic() > deadline:
            raise StoreUnavailable(
                f"another process has been writing for over {patience:.0f} seconds",
                where=str(path.parent),
                fix="Try again when it has finished",
            )
        time.sleep(PAUSE)
    try:
        yield
    finally:
        os.close(descriptor)
