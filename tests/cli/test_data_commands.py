"""The commands about the file of networks, as people run them: real processes, no network."""

import csv
import io
import json
import os
import subprocess
import sys

import pytest
from pyarrow import parquet

TABLE = '8.8.8.0,8.8.8.255,15169,Google LLC\n9.9.9.0,9.9.9.255,64500,"\x1b[31mRed"\n'
PATIENCE = 60


@pytest.fixture
def run(tmp_path):
    (tmp_path / "asn-ipv4.csv").write_text(TABLE)
    (tmp_path / "mine.csv").write_text(TABLE)
    os.utime(tmp_path / "asn-ipv4.csv", (1_700_000_000, 1_700_000_000))
    dropped = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "DMARCSCOPE_NETWORKS"}
    plain = {name: value for name, value in os.environ.items() if name not in dropped}

    def run(*words, **environment):
        command = [sys.executable, "-m", "dmarcscope", "data", *map(str, words)]
        around = {**plain, "XDG_DATA_HOME": str(tmp_path / "home"), **environment}
        return subprocess.run(command, capture_output=True, check=False, cwd=tmp_path, env=around, timeout=PATIENCE)

    return run


def test_build_then_status(run, tmp_path):
    before = run("status")
    assert before.returncode == 0, before.stderr
    assert b"No file of networks is used" in before.stdout
    made = run("build", "asn-ipv4.csv")
    assert made.returncode == 0, made.stderr
    shown = made.stdout.decode()
    assert f"{tmp_path}/home/dmarcscope/networks.mmdb: 2 networks of 2 systems in 0.0 MB, from 2 lines of 2023-11-14." in shown
    assert "Shown beside results: AS numbers by RouteViews (routeviews.org)" in shown
    after = run("status").stdout.decode()
    assert "2 networks (dmarcscope-Networks), of 2023-11-14" in after
    assert "put together by ip-location-db; CC BY 4.0" in after
    assert "It is old" in after


def test_files_may_be_named(run, tmp_path):
    assert run("build", "mine.csv", "--target", "a.mmdb", "--attribution", "Example (example.com); CC0").returncode == 0
    assert run("build", "asn-ipv4.csv", "--target", "b.mmdb").returncode == 0
    both = json.loads(run("status", "--networks", "a.mmdb", "--networks", "b.mmdb", "--format", "json").stdout)
    assert [found["file"] for found in both] == ["a.mmdb", "b.mmdb"]
    assert both[0]["attribution"] == "Example (example.com); CC0"
    assert (both[0]["is_old"], both[1]["is_old"]) == (False, True)
    assert [found["file"] for found in json.loads(run("status", "-f", "json", DMARCSCOPE_NETWORKS="b.mmdb").stdout)] == ["b.mmdb"]


def test_files_may_be_configured(run, tmp_path):
    assert run("build", "asn-ipv4.csv", "--target", "b.mmdb").returncode == 0
    (tmp_path / "dmarcscope.toml").write_text('[senders]\nnetworks = ["b.mmdb"]\n')
    (found,) = json.loads(run("status", "--format", "json").stdout)
    assert found["file"].endswith("b.mmdb")


@pytest.mark.parametrize("words", [["build", "asn-ipv4.csv"], ["status"]])
def test_every_format(run, tmp_path, words):
    assert run("build", "asn-ipv4.csv").returncode == 0
    table = run(*words)
    assert table.returncode == 0, table.stderr
    assert b"\x1b" not in table.stdout
    found = json.loads(run(*words, "--format", "json").stdout)
    line = found[0] if isinstance(found, list) else found
    assert line["networks"] == 2
    (as_csv,) = csv.DictReader(io.StringIO(run(*words, "--format", "csv").stdout.decode()))
    file = tmp_path / "answer.parquet"
    assert run(*words, "--format", "parquet", "--output", file).returncode == 0
    assert set(as_csv) == set(parquet.read_table(file).column_names) == set(line)


def test_no_file_in_other_formats(run):
    assert json.loads(run("status", "--format", "json").stdout) == []
    assert run("status", "--format", "csv").returncode == 0


@pytest.mark.parametrize(
    ("words", "said", "why"),
    [
        (["build", "none.csv"], b"none.csv: there is no such file", "a slip in the name"),
        (["build", "mine.csv"], b"does not say whose data it holds. Say it with --attribution", "nobody knows the maker"),
        (["status", "--networks", "mine.csv"], b"mine.csv: is damaged, or no .mmdb file", "a table in place of the file"),
        (["status", "--networks", "none.mmdb"], b"none.mmdb: there is no such file", "a slip in the name"),
        (["build"], b"Missing argument", "nothing named"),
    ],
)
def test_slips(run, words, said, why):
    done = run(*words)
    assert done.returncode == 2, why
    assert said in done.stderr
    assert b"Traceback" not in done.stderr
