"""The commands as people and mail servers run them: a real process each, its output and its exit code."""

import csv
import io
import json
import os
import pty
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet

SAMPLES = Path(__file__).parent.parent.parent / "sample_reports"
TRUTH = json.loads((SAMPLES / "truth.json").read_text())
REPORTS = sorted((SAMPLES / "reports").iterdir())
MAIL = next(path for path in REPORTS if path.suffix == ".eml")


def run(*words, stdin=b"", env=None, cwd=None):
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
    return subprocess.run(
        [sys.executable, "-m", "dmarcscope", *map(str, words)],
        input=stdin,
        capture_output=True,
        check=False,
        cwd=cwd,
        env={**environment, **(env or {})},
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "store"
    done = run("ingest", SAMPLES / "reports", "--store", folder, "--format", "json")
    assert done.returncode == 1, done.stderr  # one file is unreadable
    facts = json.loads(done.stdout)
    assert {name: facts[name] for name in TRUTH["artefacts"]} == TRUTH["artefacts"]
    assert set(facts) == {
        "artefacts",
        "stored",
        "duplicate",
        "superseded",
        "sidelined",
        "ignored",
        "reports",
        "records",
        "messages",
        "seconds",
    }
    assert not done.stderr  # no bar where there is no terminal
    return folder


COMMANDS = [
    ["sources"],
    ["sources", "example.com", "--by", "day"],
    ["records"],
    ["reports"],
    ["show", "1"],
    ["status"],
    ["verify"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_in_every_format(store, tmp_path, words):
    table = run(*words, "--store", store)
    assert table.returncode == 0, table.stderr
    assert table.stdout.strip()
    assert b"\x1b" not in table.stdout  # colours only on a terminal
    as_json = json.loads(run(*words, "--store", store, "--format", "json").stdout)
    rows = as_json if isinstance(as_json, list) else [as_json]
    as_csv = list(csv.DictReader(io.StringIO(run(*words, "--store", store, "--format", "csv").stdout.decode())))
    file = tmp_path / "answer.parquet"
    assert run(*words, "--store", store, "--format", "parquet", "--output", file).returncode == 0
    columns = parquet.read_table(file)
    assert len(rows) == len(as_csv) == columns.num_rows
    assert list(rows[0]) == list(as_csv[0]) == columns.column_names


def test_store_from_the_environment(store):
    assert json.loads(run("status", "--format", "json", env={"DMARCSCOPE_STORE": str(store)}).stdout)["messages"] == 23406


def test_lists_are_json_text_in_csv(store):
    row = next(csv.DictReader(io.StringIO(run("records", "--store", store, "--format", "csv").stdout.decode())))
    assert {"domain", "selector", "result", "human_result"} == set(json.loads(row["dkim"])[0])
    assert isinstance(json.loads(row["reasons"]), list)


def test_second_ingest_is_all_duplicates(store):
    done = run("ingest", SAMPLES / "reports", "--store", store, "--format", "json")
    facts = json.loads(done.stdout)
    assert done.returncode == 0
    assert facts["duplicate"] == facts["artefacts"] == TRUTH["artefacts"]["artefacts"]
    assert facts["messages"] == 0


def test_a_mail_on_standard_input(tmp_path):
    done = run("ingest", "-", "--store", tmp_path / "s", "--format", "json", stdin=MAIL.read_bytes())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["stored"] == 1


def test_globs_mbox_and_maildir(tmp_path):
    mails = [path for path in REPORTS if path.suffix == ".eml"][:3]
    box = tmp_path / "inbox"
    box.write_bytes(b"".join(b"From reporter@example.org Thu Jan  1 00:00:00 2026\n" + path.read_bytes() + b"\n" for path in mails))
    maildir = tmp_path / "Maildir"
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    (maildir / "new" / "1.example").write_bytes(mails[0].read_bytes())
    (maildir / "tmp" / "2.example").write_bytes(mails[1].read_bytes()[:100])  # half written: not ours to read yet
    assert json.loads(run("ingest", box, "--store", tmp_path / "a", "--format", "json").stdout)["stored"] == 3
    assert json.loads(run("ingest", maildir, "--store", tmp_path / "b", "--format", "json").stdout)["artefacts"] == 1
    pattern = str(SAMPLES / "reports" / "*.eml")
    assert json.loads(run("ingest", pattern, "--store", tmp_path / "c", "--format", "json").stdout)["artefacts"] == len(
        [path for path in REPORTS if path.suffix == ".eml"]
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["sources", "--store", "nowhere"], 2, "there is no store here yet. Fill one with: dmarcscope ingest PATH"),
        (["ingest", "nothing-here"], 2, "nothing-here: no such file or folder"),
        (["sources", "--since", "soon"], 2, "'soon' is no date, week or span"),
        (["sources", "--no-such-option"], 2, "No such option"),
        (["nonsense"], 2, "No such command"),
        (["replay", "--all", "--sidelined"], 2, "exclude each other"),
        ([], 2, "Usage"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_2(tmp_path, words, code, said):
    done = run(*words, cwd=tmp_path)
    assert done.returncode == code
    assert said in (done.stderr + done.stdout).decode()
    assert b"Traceback" not in done.stderr


def test_debug_shows_the_traceback(tmp_path):
    assert b"Traceback" in run("sources", "--debug", "--store", "nowhere", cwd=tmp_path).stderr


def test_a_disk_that_takes_no_more_is_exit_75(tmp_path):
    """A limit on file size stands for the full disk: the mail server keeps the mail, and the next run takes it."""
    command = [sys.executable, "-m", "dmarcscope", "ingest", "-", "--store", str(tmp_path / "store")]
    run("status", "--store", tmp_path / "store")
    limited = subprocess.run(
        command,
        input=MAIL.read_bytes(),
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
    )
    assert limited.returncode == 75, limited.stderr
    assert limited.stderr.count(b"\n") == 1
    assert subprocess.run(command, input=MAIL.read_bytes(), capture_output=True, check=False).returncode == 0
    assert json.loads(run("status", "--store", tmp_path / "store", "--format", "json").stdout)["reports"] == 1


def test_since_takes_files_changed_since(tmp_path):
    old, new = tmp_path / "old.eml", tmp_path / "new.eml"
    old.write_bytes(MAIL.read_bytes())
    new.write_bytes(MAIL.read_bytes())
    os.utime(old, (0, 0))
    done = run("ingest", tmp_path, "--store", tmp_path / ".store", "--since", "1d", "--format", "json")
    assert json.loads(done.stdout)["artefacts"] == 1


def test_raw_gives_the_original_bytes(store, tmp_path):
    rows = json.loads(run("reports", "--store", store, "--format", "json").stdout)
    entry = next(row for row in rows if row["name"].endswith(".eml") and row["state"] == "stored")
    done = run("show", entry["report_key"], "--raw", "--store", store)
    assert done.stdout == Path(entry["name"]).read_bytes()
    assert run("show", entry["report_key"], "--raw", "--store", store, "--output", tmp_path / "raw").returncode == 0
    assert (tmp_path / "raw").read_bytes() == done.stdout


def on_a_terminal(*words, env=None):
    """What a command writes to a terminal of 120 columns."""
    import fcntl
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "dmarcscope", *map(str, words)],
        stdout=slave,
        stderr=slave,
        stdin=slave,
        env={**os.environ, "TERM": "xterm-256color", **(env or {})},
    )
    os.close(slave)
    written = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        written += piece
    process.wait()
    os.close(master)
    return written


def test_colours_and_bars_on_a_terminal_only(store, tmp_path):
    assert b"\x1b[" in on_a_terminal("sources", "--store", store)
    assert b"\x1b[3" not in on_a_terminal("sources", "--store", store, env={"NO_COLOR": "1"})
    written = on_a_terminal("ingest", SAMPLES / "reports", "--store", tmp_path / "s")
    assert b"reading" in written
    assert b"/s" in written


def test_hostile_text_does_nothing_at_a_terminal(tmp_path):
    report = (
        "<feedback><report_metadata><org_name>evil \u202e\x9b31m =1+1</org_name><email>=cmd()</email><report_id>=HYPERLINK(1)</report_id>"
        "<date_range><begin>1767225600</begin><end>1767311999</end></date_range></report_metadata>"
        "<policy_published><domain>example.com</domain><p>none</p></policy_published>"
        "<record><row><source_ip>192.0.2.1</source_ip><count>1</count><policy_evaluated><disposition>none</disposition><dkim>pass</dkim>"
        "<spf>fail</spf></policy_evaluated></row><identifiers><header_from>[red]example.com[/red]</header_from></identifiers>"
        "<auth_results/></record></feedback>"
    )
    (tmp_path / "evil.xml").write_text(report)
    store = tmp_path / "store"
    assert run("ingest", tmp_path / "evil.xml", "--store", store).returncode == 0
    for words in (["sources", "--by", "reporter"], ["sources", "--by", "header_from"], ["reports"], ["show", "1"], ["records"]):
        shown = run(*words, "--store", store).stdout.decode()
        assert "\u202e" not in shown
        assert "\x9b" not in shown
    assert "[red]example.com[/red]" in run("sources", "--by", "header_from", "--store", store).stdout.decode()
    rows = list(csv.DictReader(io.StringIO(run("reports", "--store", store, "--format", "csv").stdout.decode())))
    assert rows[0]["report_id"] == "'=HYPERLINK(1)"


def test_version_loads_nothing_else():
    code = "import sys; sys.argv = ['dmarcscope', '--version']; from dmarcscope.__main__ import main; main(); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("typer", "pandas", "pyarrow", "duckdb", "rich", "lxml"):
        assert f"'{heavy}'" not in done.stdout


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (["--help"], ["pandas", "pyarrow", "duckdb", "deltalake", "lxml"]),
        (["ingest", "--help"], ["pandas", "pyarrow", "duckdb", "deltalake", "lxml"]),
        (["status"], ["pandas", "duckdb"]),
        (["ingest", str(MAIL)], ["pandas", "duckdb"]),
        (["sources"], ["pandas"]),
    ],
)
def test_heavy_packages_are_loaded_only_where_needed(store, words, heavy):
    code = (
        "import sys\nfrom dmarcscope.cli.app import run\nrun(sys.argv[1:])\n"
        f"print('LOADED', [name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    extra = [] if "--help" in words else ["--store", str(store)]
    done = subprocess.run([sys.executable, "-c", code, *words, *extra], capture_output=True, text=True, check=True)
    assert "LOADED []" in done.stderr
