"""The commands about the DNS beside the reports, as people run them: real processes, no network."""

import csv
import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet

SAMPLES = Path(__file__).parent.parent.parent / "sample_reports"
CONFIG = SAMPLES / "dmarcscope.toml"
REPORT = next((SAMPLES / "reports").glob("isp*.xml"))
PATIENCE = 60


def run(*words, cwd=None, stdin=b""):
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
    command = [sys.executable, "-m", "dmarcscope", *map(str, words)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, cwd=cwd, env=environment, timeout=PATIENCE)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dns") / "store"
    assert run("ingest", SAMPLES / "reports", "--store", folder).returncode == 1  # one file is unreadable
    done = run("resolve", "--config", CONFIG, "--store", folder)
    assert done.returncode == 0, done.stderr
    assert "56 sources: 1 with a name that does not lead back, 13 with a name that leads back, 42 without a name" in done.stdout.decode()
    return folder


def test_sources_show_names_spf_and_dkim(store):
    shown = run("sources", "example.com", "--store", store, "--limit", "5").stdout.decode()
    assert "SPF today" in shown
    assert "out2.billwell.example" in shown
    assert "o2.deskpilot.example ?" in shown, "a name that does not lead back has a mark"
    assert "permerror, pass billwell.example" in shown


@pytest.mark.parametrize(
    "words", [["resolve", "--config", CONFIG], ["alignment"], ["alignment", "--records"], ["dns", "history", "example.com"], ["sources"]]
)
def test_every_format(store, tmp_path, words):
    words = [*words, "--store", store]
    table = run(*words)
    assert table.returncode == 0, table.stderr
    assert b"\x1b" not in table.stdout
    found = json.loads(run(*words, "--format", "json").stdout)
    lines = found if isinstance(found, list) else [found]
    as_csv = list(csv.DictReader(io.StringIO(run(*words, "--format", "csv").stdout.decode())))
    file = tmp_path / "answer.parquet"
    assert run(*words, "--format", "parquet", "--output", file).returncode == 0
    columns = parquet.read_table(file)
    assert len(lines) == len(as_csv) == columns.num_rows
    assert set(as_csv[0]) == set(columns.column_names) <= set(lines[0])


def test_lists_are_json_text_in_csv(store):
    row = next(csv.DictReader(io.StringIO(run("sources", "--store", store, "--format", "csv").stdout.decode())))
    assert json.loads(row["spf_today"])[0]["domain"] == "billwell.example"
    assert row["ptr_confirmed"] == "true"


def test_history_shows_the_two_records_of_the_mistake(store):
    shown = run("dns", "history", "example.com", "--type", "TXT", "--store", store).stdout.decode()
    assert "v=spf1 include:_spf.deskpilot.example ~all\n    v=spf1 mx ~all" in shown
    assert "by way of example-com.dkim.letterbox.example" in shown
    assert "Not there whenever it was asked: " in shown


def test_what_held_on_a_day(store):
    assert "Nobody had asked by then" in run("dns", "history", "example.com", "--on", "2020-01-01", "--store", store).stdout.decode()
    shown = run("dns", "history", "example.com", "--on", "2999-12-31", "--type", "TXT", "--store", store).stdout.decode()
    assert "example.com TXT  last seen before, and nothing else since" in shown
    assert b"is no day" in run("dns", "history", "example.com", "--on", "yesterday", "--store", store).stderr


def test_a_second_resolve_has_nothing_to_ask(store):
    assert "Nothing to ask" in run("resolve", "--config", CONFIG, "--store", store).stdout.decode()


def test_without_configured_dns_ingest_asks_nobody(tmp_path):
    done = run("ingest", REPORT, "--store", tmp_path / "s", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    hint = run("sources", "--store", tmp_path / "s").stdout.decode()
    assert "dmarcscope resolve" in hint


@pytest.mark.parametrize(("more", "known"), [([], True), (["--no-dns"], False)], ids=["configured", "not wanted"])
def test_ingest_looks_up_where_dns_is_configured(tmp_path, more, known):
    done = run("ingest", REPORT, "--store", tmp_path / "s", "--config", CONFIG, "--format", "json", *more)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["stored"] == 1, "the outcome alone is on standard output"
    answer = json.loads(run("sources", "--store", tmp_path / "s", "--format", "json").stdout)
    assert any(row["ptr_name"] for row in answer) == known


def test_a_mail_server_does_not_wait_for_look_ups(tmp_path):
    done = run("ingest", "-", "--store", tmp_path / "s", "--config", CONFIG, stdin=REPORT.read_bytes())
    assert done.returncode == 0
    answer = json.loads(run("sources", "--store", tmp_path / "s", "--format", "json").stdout)
    assert not any(row["ptr_name"] for row in answer)


def test_a_dead_resolver_is_asked_after_all_is_stored_and_told(tmp_path):
    """By the order of events: when the first question arrives at the silent server, the outcome is out and the store is whole."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(PATIENCE)
        config = tmp_path / "dmarcscope.toml"
        config.write_text(f'[dns]\nnameservers = ["127.0.0.1:{udp.getsockname()[1]}"]\ntimeout = "1s"\ntries = 1\n')
        words = ["ingest", str(REPORT), "--store", str(tmp_path / "s"), "--config", str(config)]
        with subprocess.Popen([sys.executable, "-m", "dmarcscope", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout.readline().startswith(b"1 artefact: 1 stored"), "told"
            assert udp.recv(512), "and then asked"
            facts = json.loads(run("status", "--store", tmp_path / "s", "--format", "json").stdout)
            assert (facts["stored"], facts["received"]) == (1, 0)
            _, complaint = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, "look-ups that wait are no failure of an ingest"
        assert complaint.startswith(b"dmarcscope: look-ups wait: no name server answers. What was taken in is stored")
        done = run("resolve", "--store", tmp_path / "s", "--config", config)
        assert done.returncode == 75, "try again later"
        assert b"no name server answers" in done.stderr


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[dns]\nnameservers = ["ns.example.org"]\n', "is no address of a name server"),
        ('[dns]\noffline = true\nzone_files = ["none.zone"]\n', "not a zone file"),
        ("[dns]\ntries = 0\n", "is no whole number from 1 to 10"),
    ],
)
def test_settings_that_cannot_be_are_told_in_a_sentence(store, tmp_path, text, complaint):
    (tmp_path / "c.toml").write_text(text)
    done = run("resolve", "--store", store, "--config", tmp_path / "c.toml", "--again")
    assert done.returncode == 2
    assert complaint in done.stderr.decode()
