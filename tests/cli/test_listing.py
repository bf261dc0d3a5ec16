"""The commands about the owner's list, on the sample reports: what they write, what they find, and their exit codes."""

import csv
import io
import json
from pathlib import Path

import pytest

from dmarcscope.cli.app import run
from dmarcscope.config import finding
from dmarcscope.enrich.owner_list import read_list
from dmarcscope.model.owner_list import Label

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_reports"
CONFIG = ["--config", str(SAMPLE / "dmarcscope.toml")]
AFTERWARDS = ["--on", "2026-05-25"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The sample reports, and what the DNS says of them."""
    folder = tmp_path_factory.mktemp("listing") / "store"
    assert run(["ingest", str(SAMPLE / "reports"), "--store", str(folder)]) == 1
    assert run(["resolve", "--store", str(folder), *CONFIG]) == 0
    return folder


@pytest.fixture(autouse=True)
def own_world(tmp_path, monkeypatch):
    """No configuration and no variable of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("DMARCSCOPE_CONFIG", "DMARCSCOPE_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setattr(finding, "SYSTEM", tmp_path / "etc")


def checked(capsys, *words):
    """Exit code and findings of a check."""
    code = run(["senders", "check", *words, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)["findings"]


def test_the_sample_list_misses_the_new_help_desk(store, capsys):
    words = ["--store", str(store), "--list", str(SAMPLE / "senders.yaml"), *AFTERWARDS]
    code, found = checked(capsys, *words)
    assert code == 1
    assert [(one["kind"], one["sender"], one["since"], one["figure"]) for one in found] == [
        ("unlisted", "deskpilot.example", "2026-05-11", "664 messages in 28 days")
    ]
    assert run(["senders", "check", *words]) == 1
    shown = capsys.readouterr().out
    assert "3 senders in" in shown
    assert "deskpilot.example" in shown
    assert "dmarcscope senders accept deskpilot.example" in shown


def test_a_list_that_tells_all_is_found_sound(store, tmp_path, capsys):
    own = tmp_path / "senders.yaml"
    own.write_bytes((SAMPLE / "senders.yaml").read_bytes())
    words = ["--store", str(store)]
    assert run(["senders", "accept", "Deskpilot.example", "--owner", "Support", "--purpose", "help desk", *words]) == 0
    assert "added «deskpilot.example», ours" in capsys.readouterr().out
    assert own.read_bytes().startswith((SAMPLE / "senders.yaml").read_bytes().rstrip())
    assert checked(capsys, *words, *AFTERWARDS) == (0, [])
    assert run(["senders", "check", "example.com", *words, *AFTERWARDS]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_as_of_today_no_reports_come_in(store, capsys):
    code, found = checked(capsys, "--store", str(store))
    assert (code, [one["kind"] for one in found]) == (1, ["no-reports"])


def test_other_forms(store, tmp_path, capsys):
    words = ["senders", "check", "--store", str(store), *AFTERWARDS]
    assert run([*words, "--format", "csv"]) == 1
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {"kind", "sender", "what", "since", "figure", "fix", "line"} == set(lines[0])
    target = tmp_path / "found.json"
    assert run([*words, "--format", "json", "--output", str(target)]) == 1
    assert json.loads(target.read_text())["on"] == "2026-05-25"


def test_a_name_that_nobody_has_seen(store, tmp_path, capsys):
    words = ["--store", str(store)]
    assert run(["senders", "accept", "deskpilott.example", *words]) == 2
    told = capsys.readouterr().err
    assert "Did you mean «deskpilot.example»?" in told
    assert not (tmp_path / "senders.yaml").exists()
    assert run(["senders", "accept", "Never seen", "--force", *words]) == 0
    assert run(["senders", "accept", "Known by address", "--address", "192.0.2.99", *words]) == 0
    assert run(["senders", "reject", "Neither seen", *words]) == 2
    assert run(["senders", "reject", "Neither seen", "--force", *words]) == 0
    assert run(["senders", "accept", "never SEEN", "--review", "2027-01-31", *words]) == 0  # it is listed by now
    assert [(sender.name, sender.label) for sender in read_list(tmp_path / "senders.yaml").senders] == [
        ("Never seen", Label.OURS),
        ("Known by address", Label.OURS),
        ("Neither seen", Label.NOT_OURS),
    ]


def test_without_a_store_any_name_will_do(tmp_path, capsys):
    words = ["--store", str(tmp_path / "none"), "--list", str(tmp_path / "mine.yaml")]
    everything = [
        *("--label", "mailing list", "--owner", "Anna", "--purpose", "list", "--expected", "4-6", "--review", "2027-01-31"),
        *("--domain", "example.com", "--domain", "example.org", "--address", "192.0.2.0/28", "--address", "2001:db8::1"),
    ]
    assert run(["senders", "accept", "lists.example.net", *everything, *words, "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["added"], facts["changed"], facts["new_file"], facts["label"]) == (True, True, True, "mailing list")
    (sender,) = read_list(tmp_path / "mine.yaml").senders
    assert (sender.label, sender.expected, sender.domains) == (Label.MAILING_LIST, (4, 6), ("example.com", "example.org"))
    assert not (tmp_path / "none").exists()
    assert run(["senders", "accept", "lists.example.net", *words]) == 0
    assert "is listed so already" in capsys.readouterr().out


WRONG = [
    (["--expected", "many"], "--expected: 'many' is no range", "no numbers"),
    (["--review", "soon"], "--review: 'soon' is no day", "no day"),
    (["--domain", "com"], "--domain: 'com' is no domain", "half the world"),
    (["--address", "192.0.2.1/24"], "Did you mean 192.0.2.0/24?", "an address in a block"),
    (["--owner", " "], "--owner: is no text", "blank"),
    (["--label", "friend"], "friend", "no such label"),
]


@pytest.mark.parametrize(("words", "said", "why"), WRONG, ids=[row[-1] for row in WRONG])
def test_what_cannot_be_meant(words, said, why, tmp_path, capsys):
    assert run(["senders", "accept", "A", "--store", str(tmp_path / "none"), *words]) == 2, why
    assert said in capsys.readouterr().err
    assert not (tmp_path / "senders.yaml").exists()


def test_a_list_in_error_is_told_and_left_alone(store, tmp_path, capsys):
    path = tmp_path / "senders.yaml"
    path.write_text("senders:\n  - name: A\n    label: our\n")
    for words in (["accept", "A", "--force"], ["reject", "A"], ["check"]):
        assert run(["senders", *words, "--store", str(store)]) == 2
        assert "senders.yaml:3: label: 'our' is not one of" in capsys.readouterr().err
    assert path.read_text() == "senders:\n  - name: A\n    label: our\n"
