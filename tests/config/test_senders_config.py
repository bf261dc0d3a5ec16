"""What the configuration says of senders: where the list lies, files about networks, catalogues, and groups of domains."""

import tomllib
from pathlib import Path

import pytest

from dmarcscope.config import finding
from dmarcscope.config.loading import load
from dmarcscope.config.models import Settings
from dmarcscope.config.notices import notices
from dmarcscope.config.problems import problems
from dmarcscope.config.senders_file import senders_file
from dmarcscope.config.shown import as_dict, rows
from dmarcscope.errors import SetupError

HERE = Path("/somewhere/dmarcscope.toml")


@pytest.fixture(autouse=True)
def own_world(tmp_path, monkeypatch):
    """No configuration and no variable of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("DMARCSCOPE_CONFIG", "DMARCSCOPE_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setattr(finding, "SYSTEM", tmp_path / "etc")


def made(text):
    assert problems(text, HERE) == []
    return Settings.model_validate(tomllib.loads(text), context={"folder": HERE.parent})


def test_defaults():
    settings = made("")
    assert (settings.senders.list, settings.senders.networks, settings.senders.catalogue) == (None, (), ())
    assert settings.groups == {}


def test_all_keys():
    settings = made(
        '[senders]\nlist = "git/senders.yaml"\nnetworks = ["a.mmdb", "/b.mmdb"]\ncatalogue = ["ours.toml"]\n'
        '[groups]\nbrands = ["Example.com", "bücher.example"]\n'
    )
    assert settings.senders.list == Path("/somewhere/git/senders.yaml")
    assert settings.senders.networks == (Path("/somewhere/a.mmdb"), Path("/b.mmdb"))
    assert settings.senders.catalogue == (Path("/somewhere/ours.toml"),)
    assert settings.groups == {"brands": ("example.com", "xn--bcher-kva.example")}
    assert as_dict(settings)["groups"] == {"brands": ["example.com", "xn--bcher-kva.example"]}
    assert ("groups.brands", "example.com, xn--bcher-kva.example", "file") in list(rows(settings))


WRONG = [
    ("[senders]\nlists = 'x'", 2, "senders.lists", "Did you mean list?", "a slip of the pen"),
    ("[senders]\nlist = ['x']", 2, "senders.list", "must be a path", "one list"),
    ("[senders]\nlist = ''", 2, "senders.list", "names no file", "empty"),
    ("[senders]\nnetworks = 'x.mmdb'", 2, "senders.networks", "must be a list", "one text"),
    ("senders = 5", 1, "senders", "must be a table", "no table"),
    ("list = 'x'", 1, "list", "It belongs in [senders]", "the header is forgotten"),
    ("groups = 5", 1, "groups", "must be a table", "no table"),
    ("[groups]\na = 'example.com'", 2, "groups.a", "must be a list", "one text"),
    ("[groups]\na = []", 2, "groups.a", "is an empty list", "no domain"),
    ("[groups]\na = ['exa mple']", 2, "groups.a", "is no host name", "no domain"),
    ("[groups]\na = ['192.0.2.1']", 2, "groups.a", "is an address", "no domain"),
    ("[groups]\na = ['2001:db8::1']", 2, "groups.a", "is an address", "no domain"),
    ("[groups]\na = ['a.example', 'A.example']", 2, "groups.a", "twice", "the same again"),
    ("[groups]\n'a b' = ['a.example']", 2, "groups.a b", "1 to 64 letters", "a name that cannot be typed"),
]


@pytest.mark.parametrize(("text", "line", "key", "said", "why"), WRONG, ids=[row[0] for row in WRONG])
def test_every_problem_is_told_in_its_place(text, line, key, said, why):
    told = [one for one in problems(text, HERE) if (one.line, one.key) == (line, key) and said in f"{one.what}. {one.fix}"]
    assert told, (why, problems(text, HERE))


def test_files_that_are_not_there_are_warned_of(tmp_path):
    text = '[senders]\nnetworks = ["none.mmdb", "there.mmdb"]\ncatalogue = ["none.toml"]\n'
    path = tmp_path / "dmarcscope.toml"
    path.write_text(text)
    (tmp_path / "there.mmdb").touch()
    told = [(notice.line, notice.key, notice.what) for notice in notices(load(path), text, path)]
    assert told == [
        (2, "senders.networks", f"there is no file {tmp_path / 'none.mmdb'}, or it may not be read"),
        (3, "senders.catalogue", f"there is no file {tmp_path / 'none.toml'}, or it may not be read"),
    ]


def test_where_the_list_lies(tmp_path, monkeypatch):
    assert senders_file() == Path("senders.yaml")  # here, without a configuration
    config = tmp_path / "etc" / "dmarcscope.toml"
    config.parent.mkdir()
    config.write_text("")
    assert senders_file() == Path("senders.yaml")  # there is none beside the configuration
    beside = config.parent / "senders.yaml"
    beside.touch()
    assert senders_file() == beside
    assert senders_file(config=config) == beside
    config.write_text('[senders]\nlist = "git/ours.yaml"\n')
    assert senders_file() == tmp_path / "etc" / "git" / "ours.yaml"  # whether it is there or not
    assert senders_file(Path("mine.yaml")) == Path("mine.yaml")  # what is named goes before
    config.write_text("[senders]\nlist = 5\n")
    with pytest.raises(SetupError, match=r"senders\.list"):
        senders_file()
    assert senders_file(Path("mine.yaml")) == Path("mine.yaml")
