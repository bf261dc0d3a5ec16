"""`senders`, `fixes` and `records --classified` on the sample reports: what they print, in every form, and their exit codes."""

import csv
import io
import json
from pathlib import Path

import pytest
from dnsworld import record, report
from pyarrow import parquet
from storeworld import SMALL, put, take_in

from dmarcscope.cli.app import run
from dmarcscope.config import finding
from dmarcscope.model.verdict import SenderClass
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.columns import SENDERS_SCHEMA
from dmarcscope.tables.queries import GROUPS

SAMPLE = Path(__file__).parents[2] / "sample_reports"
CONFIG = ["--config", str(SAMPLE / "dmarcscope.toml")]
MERGED = 'example.com. IN TXT "v=spf1 include:_spf.deskpilot.example mx ~all"'
TOTAL = json.loads((SAMPLE / "truth.json").read_text())["totals"]["messages"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The sample reports, and what the DNS says of them."""
    folder = tmp_path_factory.mktemp("sending") / "store"
    assert run(["ingest", str(SAMPLE / "reports"), "--store", str(folder)]) == 1  # one file is unreadable
    assert run(["resolve", "--store", str(folder), *CONFIG]) == 0
    return folder


@pytest.fixture(autouse=True)
def own_world(tmp_path, monkeypatch):
    """No configuration and no variable of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("DMARCSCOPE_CONFIG", "DMARCSCOPE_STORE", "COLUMNS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setattr(finding, "SYSTEM", tmp_path / "etc")


@pytest.fixture
def shown(store, capsys):
    """Runs a command on the store, and gives what it prints."""

    def printed(*words, code=0, config=CONFIG):
        capsys.readouterr()
        assert run([*words, "--store", str(store), *config]) == code
        out, err = capsys.readouterr()
        assert "\x1b" not in out
        assert not err if code == 0 else err
        return out if code == 0 else err

    return printed


def test_who_sends(shown):
    text = shown("senders", "example.com")
    assert text.startswith("Who sends as example.com, 2026-04-27 to 2026-05-24\n")
    assert f"{TOTAL:,} messages: 64.2 % yours; 8.4 % yours, needs fixing;" in text
    assert "Next steps" in text
    steps = " ".join(text.partition("Next steps")[2].split())
    assert "Billwell let it sign with your domain (DKIM); see `fixes`" in steps
    assert "mail.example.com mend SPF: its record is in error, and only DKIM carries this mail; see `fixes`" in steps
    assert "deskpilot.example is it yours? `senders accept` or `reject` it" in steps
    assert "Letterbox" not in steps, "nothing to do is no step"
    assert shown("senders", "show", "example.com") == text


def test_without_a_domain_all_of_them(shown):
    assert shown("senders").startswith("Who sends as your domains, 2026-04-27")
    assert "change: against as long a time before" in shown("senders", "--since", "2026-W20", "--until", "2026-W20")


def test_only_the_first_lines(shown):
    text = shown("senders", "--limit", "2")
    assert "Letterbox" in text
    assert "more" in text
    assert "Billwell" not in text
    assert f"{TOTAL:,} messages" in text, "the sum is of all"
    assert len(json.loads(shown("senders", "--limit", "2", "--format", "json"))) == 2


@pytest.mark.parametrize("by", GROUPS)
def test_what_lies_behind_a_sender(shown, by):
    text = shown("senders", "--sender", "billwell", "--by", by)
    assert "1,958 messages" in text
    lines = json.loads(shown("senders", "--sender", "Billwell", "--by", by, "--format", "json"))
    assert sum(one["messages"] for one in lines) == 1958
    assert all(by in one for one in lines)
    assert len(json.loads(shown("senders", "--sender", "Billwell", "--by", by, "--format", "json", "--limit", "1"))) == 1


def test_what_lies_behind_a_class(shown):
    assert shown("senders", "--sender", "Billwell") == shown("senders", "--sender", "Billwell", "--by", "source_ip")
    text = shown("senders", "--class", "mailing-list")
    assert text.startswith("mailing-list\n")
    assert "198.51.100.65" in text
    assert "Billwell and unauthorised" in shown("senders", "--sender", "Billwell", "--class", "unauthorised")
    sums = [
        sum(one["messages"] for one in json.loads(shown("senders", "--class", one.value, "--by", "day", "--format", "json")))
        for one in SenderClass
    ]
    assert sum(sums) == TOTAL
    assert sum(one["messages"] for one in json.loads(shown("senders", "--by", "reporter", "--format", "json"))) == TOTAL


def test_groups_of_the_configuration(shown, tmp_path):
    config = tmp_path / "dmarcscope.toml"
    config.write_text('[groups]\nbrands = ["example.com", "example.org"]\nothers = ["example.org"]\n')
    with_config = ["--config", str(config)]
    found = json.loads(shown("senders", "--group", "brands", "--format", "json", config=with_config))
    assert sum(one["messages"] for one in found) == TOTAL
    assert json.loads(shown("senders", "--group", "others", "--format", "json", config=with_config)) == []
    assert MERGED in shown("fixes", "--group", "brands", config=with_config)
    assert json.loads(shown("fixes", "--group", "others", "--format", "json", config=with_config)) == []
    assert "There are: brands, others" in shown("senders", "--group", "none", config=with_config, code=2)
    assert "Write it into the configuration" in shown("fixes", "--group", "brands", code=2)


WRONG = [
    (["senders", "--sender", "Billwel"], "no sender is called 'Billwel' in that time. Names that there are: Billwell", "a slip of the pen"),
    (["senders", "--sender", "MAIL.example.com."], "Names that there are: mail.example.com", "a final dot"),
    (["records", "--sender", "deskpilot"], "Names that there are: deskpilot.example", "a part"),
    (["senders", "--class", "spam"], "--class: 'spam' is no class. Choose one of: yours-aligned, yours-needs-fixing", "no class"),
    (["records", "--class", "YOURS"], "--class: 'YOURS' is no class", "no class either"),
    (["senders", "--by", "colour"], "cannot sum by 'colour'. Choose one of: source_ip, dkim_domain", "no group"),
    (["senders", "example.com", "--group", "brands"], "a domain and --group exclude each other", "both"),
    (["fixes", "example.com", "--group", "brands"], "a domain and --group exclude each other", "both, likewise"),
    (["senders", "--since", "yesterday"], "yesterday", "no time"),
    (["senders", "--sender", "\x1b[31m\u202eBillwell"], "'\\x1b[31m\\u202eBillwell'", "a hostile word"),
]


@pytest.mark.parametrize(("words", "complaint", "why"), WRONG, ids=[row[-1] for row in WRONG])
def test_what_cannot_be_meant(shown, words, complaint, why):
    told = shown(*words, code=2)
    assert complaint in told, why
    assert not {"\x1b", "\u202e"} & set(told)


def test_what_to_publish(shown):
    text = shown("fixes", "example.com")
    assert f"      {MERGED}\n" in text, "a line to copy is never broken"
    assert "1. Billwell as example.com  aligns 490 messages a week" in text
    assert "2. mail.example.com as example.com  aligns 386 messages a week" in text
    assert "<selector>._domainkey.example.com. IN TXT <the key that Billwell shows>" in text


def test_nothing_to_publish(store, tmp_path, capsys):
    (tmp_path / "senders.yaml").write_text("senders:\n  - {name: billwell.example, label: not ours}\n")
    words = ["--store", str(store)]
    assert run(["fixes", "--until", "2026-W19", *words]) == 0
    assert capsys.readouterr() == ("Nothing to mend: all mail that is known to be yours passes.\n", "")
    assert run(["fixes", "nobody.example", *words]) == 0
    out, err = capsys.readouterr()
    assert not out, "who is misspelt has nothing in order"
    assert "No messages are reported for nobody.example in that time. Domains in this store: example.com" in err


FORMS = [
    ["senders"],
    ["senders", "--sender", "Billwell"],
    ["senders", "--class", "unauthorised", "--by", "day"],
    ["records", "--classified", "--since", "2026-05-20"],
    ["fixes"],
]


@pytest.mark.parametrize("words", FORMS, ids=" ".join)
def test_every_format(shown, tmp_path, words):
    lines = json.loads(shown(*words, "--format", "json"))
    as_csv = list(csv.DictReader(io.StringIO(shown(*words, "--format", "csv"))))
    file = tmp_path / "answer.parquet"
    shown(*words, "--format", "parquet", "--output", str(file))
    columns = parquet.read_table(file)
    assert len(lines) == len(as_csv) == columns.num_rows > 0
    assert list(as_csv[0]) == columns.column_names == list(lines[0])
    target = tmp_path / "answer.txt"
    shown(*words, "--output", str(target))
    assert target.read_text()
    assert "\x1b" not in target.read_text()


def test_the_columns_are_those_documented(shown):
    lines = json.loads(shown("senders", "--format", "json"))
    assert list(lines[0]) == SENDERS_SCHEMA.names
    assert sum(one["messages"] for one in lines) == TOTAL
    assert lines[0]["known_by"] == ["PTR letterbox.example"]


def test_records_with_their_verdicts(shown):
    lines = json.loads(shown("records", "--classified", "--format", "json"))
    assert list(lines[0])[-4:] == ["class", "sender", "rule", "confidence"]
    assert sum(one["count"] for one in lines) == TOTAL
    sums = {}
    for one in lines:
        sums[one["sender"]] = sums.get(one["sender"], 0) + one["count"]
    told = {}
    for one in json.loads(shown("senders", "--format", "json")):
        told[one["sender"]] = told.get(one["sender"], 0) + one["messages"]
    assert sums == told
    plain = json.loads(shown("records", "--format", "json", config=()))
    assert [{name: one[name] for name in plain[0]} for one in lines] == plain, "the facts are the same with verdicts and without"


def test_records_of_a_sender_or_a_class(shown):
    lines = json.loads(shown("records", "--sender", "billwell", "--format", "json"))
    assert sum(one["count"] for one in lines) == 1958
    assert {(one["sender"], one["class"]) for one in lines} == {("Billwell", "yours-needs-fixing")}
    lists = json.loads(shown("records", "--class", "mailing-list", "--limit", "3", "--format", "json"))
    assert [one["class"] for one in lists] == ["mailing-list"] * 3
    assert json.loads(shown("records", "--sender", "Billwell", "--class", "unknown", "--format", "json")) == []
    assert "the first 2 lines of " in shown("records", "--classified", "--limit", "2")


def test_the_owners_list_decides(shown, tmp_path, store, capsys):
    words = ["--store", str(store)]
    assert run(["senders", "reject", "billwell.example", *words]) == 0
    capsys.readouterr()
    lines = json.loads(shown("senders", "--format", "json", config=()))
    (line,) = (one for one in lines if one["sender"] == "billwell.example")
    assert (line["class"], line["rules"], line["confidence"]) == ("unauthorised", ["owners-label"], 1.0)


def test_a_store_without_reports(tmp_path, capsys):
    store = tmp_path / "store"
    for words in (["senders"], ["senders", "--class", "unknown"], ["fixes"], ["records", "--classified"]):
        assert run([*words, "--store", str(store)]) == 2
        assert "there is no store here yet. Fill one with: dmarcscope ingest PATH" in capsys.readouterr().err
    with StoreFiles(store, SMALL) as empty:
        empty.create()
    for words in (["senders"], ["fixes"]):
        assert run([*words, "--store", str(store)]) == 0
        out, err = capsys.readouterr()
        assert not out
        assert "No messages are reported in that time. The store holds none at all." in err
    for words in (["senders"], ["senders", "--class", "unknown"], ["fixes"], ["records", "--classified"]):
        assert run([*words, "--store", str(store), "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out) == []
        for form in ("csv", "table"):
            assert run([*words, "--store", str(store), "--format", form]) == 0
            assert "internal error" not in capsys.readouterr().err


HOSTILE = "\u009b31m\u202e[red]evil[/red].example"


@pytest.mark.parametrize(
    "words",
    [["senders"], ["senders", "--class", "unknown", "--by", "spf_domain"], ["records", "--classified"], ["fixes"], ["senders", "--sender"]],
    ids=["senders", "behind", "records", "fixes", "one"],
)
def test_strangers_names_are_made_harmless(tmp_path, words, capsys):
    mails = record("8.8.8.8", spf=HOSTILE, count=9), record("8.8.4.4", dkim="k@evil.test", spf="evil.test", count=7)
    take_in(tmp_path / "store", put(tmp_path / "in", a__xml=report(*mails)))
    (tmp_path / "senders.yaml").write_text("senders:\n  - name: Evil\n    label: ours\n    known_by: {dkim_domains: [evil.test]}\n")
    if words[-1] == "--sender":
        words = [*words, HOSTILE]
    assert run([*words, "--store", str(tmp_path / "store")]) == 0
    text = "".join(capsys.readouterr())
    assert not {"\x1b", "\x07", "\u009b", "\u202e"} & set(text)
    if words[0] == "senders":
        assert "\\x9b31m\\u202e[red]" in text, "shown as what it is"


def test_a_hostile_name_from_a_catalogue(tmp_path, capsys):
    mail = record("8.8.4.4", dkim="k@evil.test", spf="evil.test", count=7, verdicts=("fail", "fail"))
    own = record("8.8.4.4", dkim="k@evil.test s@example.com", spf="evil.test", count=7, verdicts=("pass", "fail"))
    take_in(tmp_path / "store", put(tmp_path / "in", a__xml=report(mail, own)))
    facts = 'kind = "crm"\ndkim_domains = ["evil.test"]\nfix = "\\u001b[2J now."\ndkim = "yes"\ndkim_records = ["k\\u009b._domainkey TXT x\\u202e"]\n'
    (tmp_path / "evil.toml").write_text(f'[[sender]]\nname = "\\u001b]0;owned\\u0007[red]Evil"\n{facts}')
    (tmp_path / "dmarcscope.toml").write_text('[senders]\ncatalogue = ["evil.toml"]\n')
    for words in (["senders"], ["fixes"], ["records", "--classified"]):
        assert run([*words, "--store", str(tmp_path / "store"), "--config", str(tmp_path / "dmarcscope.toml")]) == 0
        text = capsys.readouterr().out
        assert "\\x1b]0;owned\\x07[red]Evil" in text if words != ["records", "--classified"] else "\\x1b]0;" in text
        assert not {"\x1b", "\x07", "\u009b", "\u202e"} & set(text)
