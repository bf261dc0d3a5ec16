"""Where a secret (a password, a token) comes from; it is read afresh each time, and shown never."""

import os
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dmarcscope.errors import SetupError

TIMEOUT = 30.0  # seconds that a command may take
LARGEST = 64 * 1024  # bytes; the longest tokens have a few thousand
OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Where a secret comes from: exactly one of ``env``, ``file``, ``command``, ``keyring`` and ``clear``. Raises SetupError otherwise.

    ``command`` is run without a shell, and the first line it prints is the secret. ``keyring`` is a service name of the system
    keyring, asked for ``user``. ``clear`` is the secret itself.

    >>> Secret(env="DMARC_PASSWORD"), Secret(clear="hunter2")
    (Secret(env DMARC_PASSWORD), Secret(in clear))
    """

    env: str | None = None
    file: Path | None = None
    command: tuple[str, ...] | None = None
    keyring: str | None = None
    user: str | None = None
    clear: str | None = None

    def __post_init__(self) -> None:
        ways = [way for way in READERS if getattr(self, way) is not None]
        if len(ways) != 1:
            raise SetupError(f"a secret comes from exactly one place, not {len(ways)}", fix=f"Name one of {', '.join(READERS)}")
        if self.command == ():
            raise SetupError("the command for a secret has no words", fix="Name a program")
        if self.keyring is not None and not self.user:
            raise SetupError("a secret from the keyring needs a user name", where=f"keyring {self.keyring}")

    def __repr__(self) -> str:
        return f"Secret({self.described()})"

    @property
    def way(self) -> str:
        """Which of the places it is: env, file, command, keyring or clear."""
        return next(way for way in READERS if getattr(self, way) is not None)

    def described(self) -> str:
        """Where it comes from, in words that hold nothing secret: of a command only the program."""
        return DESCRIBED[self.way](self)

    def reveal(self) -> str:
        """The secret as it is now: one line, not empty. Raises SetupError where it cannot be had."""
        value = READERS[self.way](self)
        where = self.described()
        if not value:
            raise SetupError("there is no secret in it: it is empty", where=where, fix="Put the secret there")
        if any(mark in value for mark in "\r\n\0"):
            raise SetupError("holds more than one line", where=where, fix="Leave only the secret there, on one line")
        return value


def exposed(file: Path) -> bool:
    """Whether others than the owner have rights on a file. Raises OSError if there is none.

    What systemd hands over is left out: it guards the folder, and shows the rights of its access lists as those of a group.
    """
    handed = os.environ.get("CREDENTIALS_DIRECTORY")
    if handed and file.absolute().is_relative_to(handed):
        return False
    return bool(file.stat().st_mode & OTHERS)


def from_env(secret: Secret) -> str:
    """The value of the environment variable."""
    name = secret.env or ""
    if name not in os.environ:
        raise SetupError("not set", where=secret.described(), fix=f"Set {name} where dmarcscope runs, or name another place")
    return without_newline(os.environ[name])


def from_file(secret: Secret) -> str:
    """The content of the file, without the newline at its end."""
    file, where = secret.file or Path(), secret.described()
    try:
        if not file.is_file():
            what = "is no regular file" if file.exists() else "no such file"
            raise SetupError(what, where=where, fix="Check the path of the secret")
        if exposed(file):
            raise SetupError("others may read or change this secret", where=where, fix=f"Run: chmod 600 {file}")
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as error:
        raise SetupError(f"cannot be read ({error.strerror or error})", where=where, fix="Give dmarcscope the right to read it") from error
    return decoded(data, where)


def from_command(secret: Secret) -> str:
    """The first line that the command prints."""
    where = secret.described()
    try:
        done = subprocess.run(secret.command or (), stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        fix = "Make it answer without asking anything"
        raise SetupError(f"did not end within {TIMEOUT:g} seconds", where=where, fix=fix) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SetupError(f"cannot be run ({reason})", where=where, fix="Check the name of the program; no shell is used") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2].strip()
        how = f"ended with exit code {done.returncode}" if done.returncode > 0 else f"was ended by signal {-done.returncode}"
        raise SetupError(f"{how}: {said}" if said else how, where=where, fix="Try the command by hand")
    return decoded(done.stdout.partition(b"\n")[0], where)


def from_keyring(secret: Secret) -> str:
    """What the system keyring holds for the service and the user."""
    where = secret.described()
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise SetupError("the keyring library is not installed", where=where, fix="Run: pip install 'dmarcscope[keyring]'") from error
    service, user = secret.keyring or "", secret.user or ""
    try:
        value = keyring.get_password(service, user)
    except KeyringError as error:
        fix = "Unlock the keyring, or name another place for the secret"
        raise SetupError(f"the keyring does not answer ({error})", where=where, fix=fix) from error
    if value is None:
        raise SetupError("the keyring holds no such secret", where=where, fix=f"Run: keyring set {service} {user}")
    return without_newline(value)


def from_clear(secret: Secret) -> str:
    """The secret itself."""
    return without_newline(secret.clear or "")


def decoded(data: bytes, where: str) -> str:
    """Bytes as a text without the newline at its end."""
    if len(data) > LARGEST:
        raise SetupError(f"more than {LARGEST >> 10} KiB", where=where, fix="Leave only the secret there")
    try:
        return without_newline(data.decode())
    except UnicodeDecodeError as error:
        raise SetupError("is no UTF-8 text", where=where, fix="Write the secret as UTF-8 text") from error


def without_newline(text: str) -> str:
    """The text without newlines at its end."""
    return text.rstrip("\r\n")


# How each place is read, and how it is described. The order is that of the documents.
READERS: dict[str, Callable[[Secret], str]] = {
    "env": from_env,
    "file": from_file,
    "command": from_command,
    "keyring": from_keyring,
    "clear": from_clear,
}
DESCRIBED: dict[str, Callable[[Secret], str]] = {
    "env": lambda secret: f"env {secret.env}",
    "file": lambda secret: f"file {secret.file}",
    "command": lambda secret: f"command {(secret.command or ('',))[0]}{' …' if len(secret.command or ()) > 1 else ''}",
    "keyring": lambda secret: f"keyring {secret.keyring} for {secret.user}",
    "clear": lambda _: "in clear",
}
