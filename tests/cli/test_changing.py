"""The command that tells what changed: forms of its answer, and what a stranger's text does to a terminal."""

import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest
import typer
from rich.console import Console
from storeworld import take_in
from typer.testing import CliRunner

from dmarcscope.cli.changing import changes
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.model.change import Cause, Change, Figures, Kind, Rests, Sureness, Timeline, Tone
from dmarcscope.ops.resolve import resolve
from dmarcscope.present import changes as presenting
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter

SAMPLE = Path(__file__).parents[2] / "sample_reports"
app = typer.Typer()
app.command()(changes)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("changing") / "store"
    take_in(root, SAMPLE / "reports")
    with StoreFiles(root) as opened:
        resolve(opened, DnsSettings(zone_files=tuple(sorted((SAMPLE / "zones").glob("*.zone"))), offline=True), Filter())
    return root


def run(*words: str):
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_a_timeline_reads_downwards(store):
    shown = run("example.com", "--store", str(store))
    days = [line for line in shown.splitlines() if line.endswith(" 2026")]
    assert days[0] == "Thursday, 30 April 2026"
    assert days[-1] == "Thursday, 21 May 2026"
    assert "because SPF of example.com gives permerror since 18 May" in shown


def test_json_has_all_figures(store):
    found = json.loads(run("--store", str(store), "--format", "json"))
    assert (found["first"], found["last"]) == ("2026-04-27", "2026-05-24")
    assert {"kind", "tone", "sure", "before", "after", "causes", "more"} <= set(found["changes"][0])


def test_csv_is_flat(store):
    lines = list(csv.DictReader(io.StringIO(run("--store", str(store), "--format", "csv"))))
    assert [line["kind"] for line in lines].count("burst") == 4


def test_the_limit(store):
    shown = run("--store", str(store), "--limit", "1")
    assert "1 change, 1 to look at" in shown
    assert "Not shown: 5 lesser changes" in shown


def test_a_period_without_changes(store):
    assert "nothing changed" in run("--store", str(store), "--since", "2026-05-22")


def drawn(*told: Change, domain: str | None = None) -> str:
    console = Console(file=io.StringIO(), width=100, highlight=False)
    console.print(presenting.changes(Timeline(date(2026, 5, 1), date(2026, 5, 9), told), domain, 100), soft_wrap=True)
    return console.file.getvalue()


def change(words: str, **given) -> Change:
    base = {"day": date(2026, 5, 4), "kind": Kind.SENDER_NEW, "tone": Tone.BAD, "domain": "example.com", "what": "x"}
    return Change(**{**base, "words": words, "sure": Sureness.CLEAR, "after": Figures(70, 7), **given})


def test_hostile_texts_do_nothing_to_the_terminal():
    evil = "a\x1b[31mb\x07"
    shown = drawn(change(evil, domain=evil, causes=(Cause(evil, Rests.DNS, publish=evil),)))
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_signs_and_reasons():
    shown = drawn(
        change(
            "it broke",
            causes=(Cause("the key is gone", Rests.DNS), Cause("and the other", Rests.REPORTS), Cause("it is back", Rests.TODAY)),
        ),
        change("it grew", tone=Tone.NEUTRAL, sure=Sureness.LIKELY),
        change("it rained", until=date(2026, 5, 6)),
        domain="example.com",
    )
    assert "✗ It broke." in shown
    assert "      because the key is gone." in shown
    assert "      and     and the other." in shown
    assert "      now     it is back." in shown
    assert "• It grew (likely; there are few figures)." in shown
    assert "It rained, until 6 May 2026." in shown


def test_domains_are_named_where_there_are_several():
    assert "b.example: it broke" in drawn(change("it grew"), change("it broke", domain="b.example"))
    assert "nothing changed" in drawn()
