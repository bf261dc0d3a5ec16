"""readiness and coverage as people run them: what they print, in every form, and their exit codes."""

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


def run(*words, cwd=None):
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
    command = [sys.executable, "-m", "dmarcscope", *map(str, words)]
    return subprocess.run(command, capture_output=True, check=False, cwd=cwd, env=environment, timeout=60)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deciding") / "store"
    assert run("ingest", SAMPLES / "reports", "--store", folder).returncode == 1  # one file is unreadable
    assert run("resolve", "--config", CONFIG, "--store", folder).returncode == 0
    return folder


def test_readiness_says_what_is_missing_and_what_to_publish(store):
    done = run("readiness", "example.com", "--store", store)
    shown = done.stdout.decode()
    assert done.returncode == 1, done.stderr
    assert "At p=quarantine: asked for already, and not in order, because:" in shown
    assert "To p=reject: not yet, because:" in shown
    assert "Days: 2 more days of reports." in shown
    assert "deskpilot" in shown.lower(), "the new sender"
    line = '_dmarc.example.com. IN TXT "v=DMARC1; p=reject; t=y; sp=reject; np=reject; rua=mailto:dmarc-reports@example.com"'
    assert line in shown, "a line to copy is never broken"
    assert "\x1b" not in shown


def test_a_domain_without_data(store):
    done = run("readiness", "nothing.example", "--store", store)
    assert done.returncode == 1
    assert b"no data" in done.stdout


@pytest.mark.parametrize("words", [["readiness", "example.com"], ["readiness", "--all"], ["coverage", "example.com"], ["coverage"]])
def test_every_format(store, tmp_path, words):
    words = [*words, "--store", store]
    expected = 1 if words[0] == "readiness" else 0
    assert run(*words).returncode == expected
    facts = json.loads(run(*words, "--format", "json").stdout)
    lines = facts.get("domains") or facts.get("reporters") or [facts]
    as_csv = list(csv.DictReader(io.StringIO(run(*words, "--format", "csv").stdout.decode())))
    file = tmp_path / "answer.parquet"
    assert run(*words, "--format", "parquet", "--output", file).returncode == expected
    columns = parquet.read_table(file)
    assert len(lines) == len(as_csv) == columns.num_rows
    assert set(as_csv[0]) == set(columns.column_names) <= set(lines[0])


def test_json_has_every_gate_with_its_numbers(store):
    facts = json.loads(run("readiness", "example.com", "--store", store, "--format", "json").stdout)
    assert [one["policy"] for one in facts["verdicts"]] == ["quarantine", "reject"]
    gates = {gate["gate"]: gate for gate in facts["verdicts"][1]["gates"]}
    assert gates["days"]["numbers"]["days"] == 28
    assert gates["mailing lists"]["passage"] == "closed"
    assert facts["coverage"]["complete_through"] == "2026-05-24"
    assert facts["next_step"]["stage"] == "reject-test"


def test_groups_of_the_configuration(store, tmp_path):
    config = tmp_path / "dmarcscope.toml"
    config.write_text('[groups]\nbrands = ["example.com", "example.org"]\n')
    done = run("readiness", "--group", "brands", "--config", config, "--store", store, "--format", "json")
    assert [one["domain"] for one in json.loads(done.stdout)["domains"]] == ["example.com", "example.org"], done.stderr
    unknown = run("readiness", "--group", "none", "--config", config, "--store", store)
    assert (unknown.returncode, b"There are: brands" in unknown.stderr) == (2, True)


@pytest.mark.parametrize("words", [[], ["example.com", "--all"], ["--all", "--group", "brands"]])
def test_one_way_to_name_domains(store, words):
    done = run("readiness", *words, "--store", store)
    assert (done.returncode, b"name a domain, or give --all or --group NAME" in done.stderr) == (2, True)


def test_coverage_tells_who_was_heard(store):
    shown = run("coverage", "example.com", "--store", store).stdout.decode()
    assert "complete through 24 May 2026; all 5 usual reporters heard; 4 reports about several days, spread over them" in shown
    assert "Regional ISP" in shown


def test_coverage_of_a_period(store):
    facts = json.loads(run("coverage", "--since", "2026-W20", "--until", "2026-W20", "--store", store, "--format", "json").stdout)
    assert (facts["first_day"], facts["last_day"]) == ("2026-05-11", "2026-05-17")
    assert facts["messages"] == sum(one["messages"] for one in facts["reporters"])
