"""The commands about the configuration, each as a real process."""

import json
import os
import subprocess
import sys

import pytest


def run(*words, cwd, **env):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DMARC")}
    home = {"HOME": str(cwd / "home"), "XDG_CONFIG_HOME": str(cwd / "home" / "config")}
    command = [sys.executable, "-m", "dmarcscope", "config", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env={**kept, **home, **env})


BAD = """\
stor = "x"
[mailbox.a]
server = "imaps://imap.example.org"
user = "\\u001b[31mme"
password = "hunter2"
poll_every = 5
"""
GOOD = """\
[mailbox.a]
server = "imaps://imap.example.org"
user = "me"
password = { clear = "hunter2" }
[mailbox.b]
server = "imaps://imap.example.org"
user = "b"
password = { env = "P" }
[folder.c]
path = "."
"""


def test_init_then_check(tmp_path):
    done = run("init", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1. Edit dmarcscope.toml" in done.stdout
    assert "2. Run: dmarcscope config check\n" in done.stdout
    assert (tmp_path / "dmarcscope.toml").stat().st_mode & 0o777 == 0o600
    done = run("check", cwd=tmp_path, DMARC_PASSWORD="x")  # noqa: S106 (a name, not a secret)
    assert done.returncode == 0
    assert done.stdout == f"1 mailbox, 0 folders; store {tmp_path}/dmarcscope-store\n"
    assert not done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["dmarcscope.toml"]


def test_init_leaves_what_is_there(tmp_path):
    file = tmp_path / "dmarcscope.toml"
    file.write_text("mine")
    file.chmod(0o644)
    done = run("init", cwd=tmp_path)
    assert done.returncode == 2
    assert "is there already" in done.stderr
    assert file.read_text() == "mine"
    assert run("init", "--force", cwd=tmp_path).returncode == 0
    assert file.read_text().startswith("# The configuration")
    assert file.stat().st_mode & 0o777 == 0o600


def test_init_elsewhere(tmp_path):
    done = run("init", "--output", "new/folder/x.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "dmarcscope config check --config new/folder/x.toml" in done.stdout
    assert (tmp_path / "new" / "folder" / "x.toml").exists()
    (tmp_path / "link.toml").symlink_to("nowhere")
    assert run("init", "-o", "link.toml", cwd=tmp_path).returncode == 2  # a link is there, even one to nothing
    assert "cannot be written" in run("init", "-o", "/proc/x.toml", cwd=tmp_path).stderr


def test_check_tells_every_problem(tmp_path):
    (tmp_path / "bad.toml").write_text(BAD)
    done = run("check", "--config", "bad.toml", cwd=tmp_path)
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert lines[0] == "bad.toml:1: stor: unknown key. Did you mean store?"
    assert [line.split(": ")[0] for line in lines] == ["bad.toml:1", "bad.toml:4", "bad.toml:5", "bad.toml:6"]
    assert "hunter2" not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    facts = json.loads(run("check", "-c", "bad.toml", "--format", "json", cwd=tmp_path).stdout)
    assert [problem["line"] for problem in facts["problems"]] == [1, 4, 5, 6]
    assert set(facts["problems"][0]) == {"line", "key", "what", "fix"}
    assert facts["store"] is None


def test_check_warns(tmp_path):
    (tmp_path / "good.toml").write_text("store = '/x/store'\n" + GOOD)
    done = run("check", "--config", "good.toml", cwd=tmp_path, P="x")
    assert done.returncode == 0, done.stdout
    *warnings, last = done.stdout.splitlines()
    assert last == "2 mailboxes, 1 folder; store /x/store"
    assert warnings[0].startswith("good.toml:5: warning: mailbox.a.password: this secret stands in clear")
    assert "chmod 600 good.toml" in warnings[1]
    assert "hunter2" not in done.stdout
    facts = json.loads(run("check", "-c", "good.toml", "--format", "json", cwd=tmp_path, P="x").stdout)
    assert (facts["mailboxes"], facts["folders"], facts["problems"]) == (["a", "b"], ["c"], [])
    assert len(facts["warnings"]) == 2


def test_check_without_a_file(tmp_path):
    done = run("check", cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no configuration file" in done.stderr
    assert "dmarcscope config init" in done.stderr


@pytest.mark.parametrize("form", ["table", "json"])
def test_show_hides_secrets(tmp_path, form):
    (tmp_path / "good.toml").write_text("store = '/x/store'\n" + GOOD)
    done = run("show", "--format", form, cwd=tmp_path, DMARCSCOPE_CONFIG="good.toml")
    assert done.returncode == 0, done.stderr
    assert "in clear" in done.stdout
    assert "env P" in done.stdout
    assert "hunter2" not in done.stdout
    if form == "json":
        assert json.loads(done.stdout)["mailbox"]["a"]["folders"] == ["INBOX"]


def test_show_of_nothing_is_the_defaults(tmp_path):
    dns = {"nameservers": [], "timeout": "2s", "tries": 3, "concurrency": 100, "offline": False, "zone_files": []}
    shown = json.loads(run("show", "--format", "json", cwd=tmp_path).stdout)
    senders = {"list": None, "networks": [], "catalogue": []}
    defaults = {"store": "dmarcscope-store", "mailbox": {}, "folder": {}, "dns": dns, "senders": senders, "groups": {}}
    assert shown == {**defaults, "summary": None, "smtp": None}


def test_show_of_a_bad_file_is_one_sentence(tmp_path):
    (tmp_path / "bad.toml").write_text(BAD)
    done = run("show", "--config", "bad.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("dmarcscope: bad.toml:1: stor: unknown key. Did you mean store?; also line 4")
    assert done.stderr.count("\n") == 1


def test_the_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom dmarcscope.cli.app import run\nrun(['config', '--help'])\n"
        "print('LOADED', [name for name in ('dmarcscope.config', 'pandas', 'pyarrow', 'platformdirs') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED []" in done.stderr
