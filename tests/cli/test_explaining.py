"""`explain` as people run it: real processes, the sample reports, no network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent.parent.parent / "sample_reports"
CONFIG = SAMPLES / "dmarcscope.toml"
PATIENCE = 60


def run(*words):
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
    command = [sys.executable, "-m", "dmarcscope", *map(str, words)]
    return subprocess.run(command, capture_output=True, check=False, env=environment, timeout=PATIENCE)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain") / "store"
    assert run("ingest", SAMPLES / "reports", "--store", folder).returncode == 1  # one file is unreadable
    assert run("resolve", "--config", CONFIG, "--store", folder).returncode == 0
    return folder


def told(store, *words) -> str:
    done = run("explain", *words, "--store", store)
    assert done.returncode == 0, done.stderr
    assert b"\x1b" not in done.stdout
    return done.stdout.decode()


STORIES = [
    (
        "the own server",
        ("192.0.2.10",),
        ("yours-aligned", "mail.example.com, which leads back to it", "SPF permerror for example.com (own)"),
    ),
    ("the spoofer", ("203.0.113.7",), ("unauthorised", "Rule abuse", "no name")),
    ("the mailing list", ("198.51.100.65",), ("mailing-list", "Would have changed it: ")),
    ("the forwarder", ("198.51.100.97",), ("forwarded", "Rule forwarded-whole", "Rules before it that did not fit: ")),
    ("its DNS", ("192.0.2.10",), ("2026a._domainkey.example.com TXT", "nobody had asked by then", "«v=spf1 mx ~all»")),
    ("no domain of that name, no mail", ("192.0.2.10", "--domain", "example.com", "--since", "2026-W20"), ("192.0.2.10: ",)),
]


@pytest.mark.parametrize(("why", "words", "parts"), STORIES, ids=[one[0] for one in STORIES])
def test_what_is_explained(store, why, words, parts):
    text = " ".join(told(store, *words).split())
    for part in parts:
        assert part in text, why


def test_a_record_of_records(store):
    lines = json.loads(run("records", "example.com", "--store", store, "--limit", "1", "--format", "json").stdout)
    key = f"{lines[0]['report_key']}:{lines[0]['line']}"
    found = json.loads(told(store, key, "--format", "json"))
    assert (found["kind"], found["messages"], found["blocks"][0]["example"]) == ("record", lines[0]["count"], key)
    assert found["blocks"][0]["because"]["sentence"]
    assert found["catalogue"]


def test_an_answer_in_a_file(store, tmp_path):
    told(store, "192.0.2.10", "--output", tmp_path / "why.txt")
    assert "Rule own-spf" in (tmp_path / "why.txt").read_text()


def test_what_is_not_there(store):
    done = run("explain", "Mailchmp", "--store", store)
    assert done.returncode == 2
    assert b"no sender is called 'Mailchmp'" in done.stderr
    none = run("explain", "192.0.2.10", "--store", store, "--domain", "example.org")
    assert (none.returncode, none.stdout) == (2, b"")
    assert b"no mail from 192.0.2.10 is reported" in none.stderr
