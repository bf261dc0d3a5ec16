"""The command that sums up: its forms say the same, to the message, and its options are checked."""

import csv
import io
import json
from pathlib import Path

import pytest
import typer
from storeworld import take_in
from typer.testing import CliRunner

from dmarcscope.cli.summarising import summary
from dmarcscope.errors import SetupError
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.ops.resolve import resolve
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter

SAMPLE = Path(__file__).parents[2] / "sample_reports"
WEEK = ("--week", "2026-W21")
app = typer.Typer()
app.command()(summary)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("summarising") / "store"
    take_in(root, SAMPLE / "reports")
    with StoreFiles(root) as opened:
        resolve(opened, DnsSettings(zone_files=tuple(sorted((SAMPLE / "zones").glob("*.zone"))), offline=True), Filter())
    return root


def run(store, *words: str, succeeds: bool = True):
    done = CliRunner().invoke(app, [*words, "--store", str(store)], catch_exceptions=False)
    assert (done.exit_code == 0) == succeeds
    return done.stdout


def test_all_forms_say_the_same(store):
    (told,) = json.loads(run(store, "example.com", *WEEK, "--json"))["summaries"]
    (line,) = csv.DictReader(io.StringIO(run(store, "example.com", *WEEK, "--format", "csv")))
    shown = run(store, "example.com", *WEEK)
    assert shown == run(store, "example.com", *WEEK, "--text")
    assert told["messages"] == int(line["messages"]) == 6052
    for figure in told["figures"]:
        assert f" {figure['messages']:,} " in shown
        change = f"{figure['change']:+,}" if figure["change"] else "±0"
        assert f"{change} (before: {figure['before']:,})" in shown
    assert told["verdict"]["sentence"] == line["sentence"]
    assert " ".join(told["verdict"]["sentence"].split()) in " ".join(shown.split())


def test_json_is_that_of_the_format(store):
    first, second = (json.loads(run(store, *WEEK, *how)) for how in (("--json",), ("--format", "json")))
    first.pop("made"), second.pop("made")
    for one in (*first["summaries"], *second["summaries"]):
        one.pop("made")
    assert first == second


def test_into_a_file(store, tmp_path):
    run(store, *WEEK, "--output", str(tmp_path / "summary.txt"))
    assert (tmp_path / "summary.txt").read_text().startswith("example.com, week 21 of 2026 (2026-05-18 to 2026-05-24, UTC)")


def test_a_group_of_the_configuration(store, tmp_path):
    config = tmp_path / "dmarcscope.toml"
    config.write_text('[groups]\nbrands = ["example.com", "example.org"]\n')
    shown = json.loads(run(store, *WEEK, "--group", "brands", "--config", str(config), "--json"))
    assert {one["domain"] for one in shown["overview"]} == {"example.com", "example.org"}


WRONG = [
    (("--week", "2026-05-14"), "is no ISO week", "a day is no week"),
    (("--week", "2026-W60"), "is no date, week or span", "no such week"),
    (("--week", "2026-W20", "--since", "30d"), "not both", "two periods"),
    (("--group", "brands"), "no group 'brands' is configured", "no such group"),
    (("example.com", "--group", "brands"), "not both", "domains and a group"),
    (("a b",), "is no domain", "no domain"),
]


@pytest.mark.parametrize(("words", "said", "why"), WRONG, ids=[one[-1] for one in WRONG])
def test_what_cannot_be_asked(store, words, said, why):
    with pytest.raises(SetupError, match=said):
        run(store, *words)
