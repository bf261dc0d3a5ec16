"""`whatif` as people run it: real processes, the sample reports, no network."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet

SAMPLES = Path(__file__).parent.parent.parent / "sample_reports"
CONFIG = SAMPLES / "dmarcscope.toml"
PATIENCE = 60


def run(*words):
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
    command = [sys.executable, "-m", "dmarcscope", *map(str, words)]
    return subprocess.run(command, capture_output=True, check=False, env=environment, timeout=PATIENCE)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whatif") / "store"
    assert run("ingest", SAMPLES / "reports", "--store", folder).returncode == 1  # one file is unreadable
    assert run("resolve", "--config", CONFIG, "--store", folder).returncode == 0
    return folder


def told(store, *words) -> str:
    done = run("whatif", "example.com", "--store", store, *words)
    assert done.returncode == 0, done.stderr
    assert b"\x1b" not in done.stdout
    return done.stdout.decode()


def test_a_stricter_policy(store):
    shown = told(store, "--policy", "reject")
    assert "What if example.com had p=reject?" in shown
    assert "Legitimate mail at risk: " in shown
    assert "messages a week (" in shown
    assert '_dmarc.example.com. IN TXT "v=DMARC1; p=reject; sp=quarantine; np=reject; rua=mailto:dmarc-reports@example.com"\n' in shown
    assert "Self-check: under the policy of then, the replay is what receivers did for 96.7 %" in shown


def test_the_present_policy(store):
    shown = told(store)
    assert "What if nothing changed for example.com?" in shown
    assert "IN TXT" not in shown, "there is nothing to publish"


def test_two_spf_records_become_one(store):
    shown = told(store, "--add-spf", "ip4:192.0.2.200", "--dns", "--config", CONFIG)
    assert "2 SPF records" in shown
    assert 'ip4:192.0.2.200 ~all"\n' in shown
    assert "Look-ups: none, as it cannot be read → 2 of 10." in shown
    assert "not known" not in shown


def test_without_asking_what_cannot_be_told_is_said(store):
    shown = " ".join(told(store, "--add-spf", "include:never-asked.example").split())
    assert "the new result cannot be told, as a name was never asked for" in shown
    assert "at least 3 of 10" in shown or "at least 4 of 10" in shown


def test_what_is_of_use(store):
    shown = told(store, "--unused")
    assert "Before 90 days are seen, nothing is called unused." in " ".join(shown.split())
    assert "2026a._domainkey.example.com" in shown


@pytest.mark.parametrize("words", [["--policy", "reject"], ["--unused"]])
def test_every_format(store, tmp_path, words):
    found = json.loads(told(store, *words, "--format", "json"))
    lines = found["items" if "--unused" in words else "lines"]
    as_csv = list(csv.DictReader(io.StringIO(told(store, *words, "--format", "csv"))))
    file = tmp_path / "answer.parquet"
    told(store, *words, "--format", "parquet", "--output", file)
    columns = parquet.read_table(file)
    assert len(lines) == len(as_csv) == columns.num_rows > 1
    assert set(as_csv[0]) == set(columns.column_names) == set(lines[0])
    if "lines" in found:
        assert sum(int(line["messages"]) for line in as_csv) == found["total"]["messages"]
        assert found["total"]["messages"] == sum(found["total"][name] for name in ("delivered", "quarantined", "rejected", "untold"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--remove-spf", "include:_spf.deskpilot.exampel"], "Perhaps: «include:_spf.deskpilot.example»"),
        (["--add-spf", "ipv4:192.0.2.1"], "Perhaps: ip4:192.0.2.1"),
        (["--without", "nobody-at-all"], "sent anything in this time"),
        (["--unused", "--policy", "reject"], "--unused goes with no change"),
        (["--policy", "rejekt"], "rejekt"),
        (["--since", "2031-01-01"], "there are no reports about example.com"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_sentence(store, words, complaint):
    done = run("whatif", "example.com", "--store", store, *words)
    assert done.returncode == 2
    assert complaint in done.stderr.decode()
