"""Secrets: read afresh from each place, told by place only, and refused with what, where and what to do."""

import os
import sys

import pytest

from dmarcscope.errors import SetupError
from dmarcscope.intake import credentials
from dmarcscope.intake.credentials import Secret, exposed


def private(path, data: bytes, mode=0o600):
    path.write_bytes(data)
    path.chmod(mode)
    return path


def python(code):
    return (sys.executable, "-c", code)


GOOD = [
    (b"hunter2", "hunter2", "as it stands"),
    (b"hunter2\n", "hunter2", "editors end a file with a newline"),
    (b"hunter2\r\n", "hunter2", "those of Windows with two characters"),
    (b" hunter 2 ", " hunter 2 ", "spaces belong to the secret"),
    ("pässword".encode(), "pässword", "UTF-8"),
]


@pytest.mark.parametrize(("data", "secret", "why"), GOOD)
def test_every_place_gives_the_secret(tmp_path, monkeypatch, data, secret, why):
    monkeypatch.setenv("A_SECRET", data.decode())
    line = data if data.endswith(b"\n") else data + b"\n"
    code = f"import sys; sys.stdout.buffer.write({line!r} + b'second line')"
    for place in (
        Secret(env="A_SECRET"),
        Secret(file=private(tmp_path / "secret", data)),
        Secret(command=python(code)),
        Secret(clear=data.decode()),
    ):
        assert place.reveal() == secret, (place.way, why)


BAD = [
    (Secret(env="NOT_SET_ANYWHERE"), "env NOT_SET_ANYWHERE: not set", "Set NOT_SET_ANYWHERE", "not set"),
    (Secret(env="EMPTY"), "env EMPTY: there is no secret in it: it is empty", "", "set, and empty"),
    (Secret(env="TWO_LINES"), "env TWO_LINES: holds more than one line", "on one line", "no password has lines"),
    (Secret(clear="a\0b"), "in clear: holds more than one line", "", "no NUL goes over the wire"),
    (Secret(command=("no-such-program-here",)), "command no-such-program-here: cannot be run (No such file", "no shell", "no such program"),
    (Secret(command=("a\0b",)), "cannot be run", "", "a word that no system takes"),
    (Secret(command=python("")), "it is empty", "", "prints nothing"),
    (Secret(command=python(r"print('\nsecret')")), "it is empty", "", "only the first line counts"),
    (
        Secret(command=python("import sys; print('first\\nlocked', file=sys.stderr); sys.exit(3)")),
        "ended with exit code 3: locked",
        "by hand",
        "the last line of what it says tells why",
    ),
    (Secret(command=python("import sys; sys.exit(4)")), "ended with exit code 4", "by hand", "says nothing"),
    (Secret(command=python("import os; os.kill(os.getpid(), 9)")), "was ended by signal 9", "", "killed"),
    (Secret(command=python("import sys; sys.stdout.buffer.write(b'\\xff')")), "is no UTF-8 text", "", "other bytes"),
    (Secret(command=python("print('x' * 70000)")), "more than 64 KiB", "", "no secret is so long"),
]


@pytest.mark.parametrize(("secret", "said", "fix", "why"), BAD)
def test_where_there_is_no_secret(monkeypatch, secret, said, fix, why):
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("TWO_LINES", "a\nb")
    monkeypatch.delenv("NOT_SET_ANYWHERE", raising=False)
    with pytest.raises(SetupError) as caught:
        secret.reveal()
    assert said in str(caught.value), why
    assert fix in caught.value.fix, why
    assert caught.value.where == secret.described()


FILES = [
    (b"x", 0o640, "others may read or change", "chmod 600", "the group may read it"),
    (b"x", 0o604, "others may read or change", "chmod 600", "all may read it"),
    (b"x", 0o620, "others may read or change", "chmod 600", "the group may put another there"),
    (b"\n", 0o600, "it is empty", "", "an empty line"),
    (b"", 0o600, "it is empty", "", "nothing"),
    (b"a\nb\n", 0o600, "holds more than one line", "", "another file by mistake"),
    (b"\xff", 0o600, "is no UTF-8 text", "", "other bytes"),
    (b"x" * 65537, 0o600, "more than 64 KiB", "", "another file by mistake"),
]


@pytest.mark.parametrize(("data", "mode", "said", "fix", "why"), FILES)
def test_files_that_are_refused(tmp_path, data, mode, said, fix, why):
    file = private(tmp_path / "secret", data, mode)
    with pytest.raises(SetupError, match=said) as caught:
        Secret(file=file).reveal()
    assert fix in caught.value.fix, why
    assert str(file) in caught.value.where


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(SetupError, match="no such file"):
        Secret(file=tmp_path / "nothing").reveal()
    with pytest.raises(SetupError, match="is no regular file"):
        Secret(file=tmp_path).reveal()
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SetupError, match="is no regular file"):  # and does not wait for a writer
        Secret(file=tmp_path / "pipe").reveal()


def test_what_systemd_hands_over_is_taken(tmp_path, monkeypatch):
    """It shows access lists as rights of the group; the folder is closed to others."""
    file = private(tmp_path / "password", b"hunter2", 0o440)
    assert exposed(file)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert not exposed(file)
    assert Secret(file=file).reveal() == "hunter2"


def test_a_changed_secret_is_found(tmp_path, monkeypatch):
    file = private(tmp_path / "secret", b"old")
    places = (Secret(env="A_SECRET"), Secret(file=file), Secret(command=("cat", str(file))))
    for now in ("old", "new"):
        monkeypatch.setenv("A_SECRET", now)
        file.write_text(now)
        assert [place.reveal() for place in places] == [now] * 3


def test_a_command_that_hangs(monkeypatch):
    monkeypatch.setattr(credentials, "TIMEOUT", 0.2)
    with pytest.raises(SetupError, match=r"did not end within 0\.2 seconds"):
        Secret(command=python("import time; time.sleep(60)")).reveal()


def test_no_shell_and_no_standard_input():
    assert Secret(command=("echo", "$HOME; `id`")).reveal() == "$HOME; `id`"
    assert Secret(command=python("import sys; print(repr(sys.stdin.read()))")).reveal() == "''"


SHOWN = [
    (Secret(env="DMARC_PASSWORD"), "env DMARC_PASSWORD", "the name is not secret"),
    (Secret(command=("pass", "show", "x")), "command pass …", "words may hold secrets"),
    (Secret(command=("token",)), "command token", "nothing left out"),
    (Secret(keyring="dmarcscope", user="me"), "keyring dmarcscope for me", "neither is secret"),
    (Secret(clear="hunter2"), "in clear", "never the secret"),
]


@pytest.mark.parametrize(("secret", "described", "why"), SHOWN)
def test_nothing_secret_is_shown(secret, described, why):
    assert secret.described() == described, why
    assert repr(secret) == str(secret) == f"Secret({described})"


WRONG = [
    ({}, "not 0", "no place"),
    ({"env": "A", "clear": "b"}, "not 2", "two places"),
    ({"command": ()}, "no words", "no program"),
    ({"keyring": "x"}, "needs a user name", "a keyring is asked for a user"),
]


@pytest.mark.parametrize(("given", "said", "why"), WRONG)
def test_a_secret_has_one_place(given, said, why):
    with pytest.raises(SetupError, match=said):
        Secret(**given)


@pytest.fixture
def backend():
    """A keyring in memory in place of the system's."""
    keyring = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend
    from keyring.errors import KeyringLocked

    class Memory(KeyringBackend):
        priority = 1
        held = {("dmarcscope", "me"): "hunter2\n"}  # noqa: RUF012 (one test at a time)

        def get_password(self, service, username):
            if service == "locked":
                raise KeyringLocked("locked")
            return self.held.get((service, username))

        def set_password(self, service, username, password):
            raise NotImplementedError

    before = keyring.get_keyring()
    keyring.set_keyring(Memory())
    yield
    keyring.set_keyring(before)


def test_the_keyring(backend):
    assert Secret(keyring="dmarcscope", user="me").reveal() == "hunter2"
    with pytest.raises(SetupError, match="holds no such secret") as caught:
        Secret(keyring="dmarcscope", user="you").reveal()
    assert caught.value.fix == "Run: keyring set dmarcscope you"
    with pytest.raises(SetupError, match="does not answer"):
        Secret(keyring="locked", user="me").reveal()


def test_without_the_keyring_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SetupError, match="not installed") as caught:
        Secret(keyring="dmarcscope", user="me").reveal()
    assert caught.value.fix == "Run: pip install 'dmarcscope[keyring]'"
