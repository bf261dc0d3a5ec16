"""The commands that ask about a domain: exit codes, forms of the answer, and against a real name server."""

import ast
import json
import re
import socket
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from dmarcscope.cli.app import run

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "servers"))

from nameserver import NameServer  # noqa: E402 (found by the line above)

FOLDER = ROOT / "tests" / "vectors" / "zones"
ZONES = [word for path in sorted(FOLDER.glob("*.zone")) for word in ("--zone-file", str(path))]

EXITS = [
    (["check", "sound.example"], 0, "sound, with a note"),
    (["check", "sound.example", "--selector", "s1", "--selector", "s2"], 0, "keys too"),
    (["check", "sound.example", "--selector", "nosuch"], 1, "a selector without a key"),
    (["check", "broken.example"], 1, "errors"),
    (["check", "near.example"], 1, "a warning"),
    (["check", "dark.example"], 3, "could not be asked"),
    (["check", "no domain"], 2, "usage"),
    (["spf", "203.0.113.9", "sound.example"], 0, "pass"),
    (["spf", "203.0.114.9", "sound.example"], 1, "fail"),
    (["spf", "203.0.114.9", "dark.example"], 3, "temperror"),
    (["spf", "2001:db8:1::9", "sound.example", "--sender", "a@sound.example", "--helo", "mx.vendor.example"], 0, "pass over IPv6"),
    (["spf", "203.0.114", "sound.example"], 2, "no address"),
    (["setup", "empty.example", "--rua", "a@empty.example"], 0, "lines to publish"),
    (["setup", "empty.example", "--rua", "a@empty.example", "--verify"], 1, "not live yet"),
    (["setup", "near.example", "--rua", "dmarc@near.example", "--verify"], 0, "live"),
    (["setup", "foreign.example", "--rua", "c@stranger.example", "--verify"], 1, "without the other's consent"),
    (["setup", "dark.example", "--rua", "a@dark.example"], 3, "could not be asked"),
    (["setup", "twice.example", "--rua", "a@twice.example"], 1, "several records"),
]


@pytest.mark.parametrize(("words", "code", "why"), EXITS)
@pytest.mark.parametrize("form", ["table", "json"])
def test_exit_codes(words, code, why, form, capsys):
    assert run([*words, *ZONES, "--format", form]) == code, why
    shown = capsys.readouterr()
    if code != 2:
        assert shown.out
        assert not shown.err
    if code != 2 and form == "json":
        assert json.loads(shown.out)


def test_json_has_a_short_form(capsys):
    run(["check", "sound.example", *ZONES, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["state"] == "sound"
    assert found["dmarc"]["questions"][0] == {
        "name": "_dmarc.sound.example",
        "type": "TXT",
        "outcome": "found",
        "records": ["v=DMARC1; p=reject; sp=reject; np=reject; adkim=s; rua=mailto:dmarc@sound.example; psd=n"],
    }


def test_spf_tells_its_way(capsys):
    run(["spf", "203.0.113.9", "sound.example", *ZONES])
    shown = capsys.readouterr().out
    assert "include:_spf.vendor.example  of sound.example\n    ip4:203.0.113.0/24  of _spf.vendor.example" in shown
    assert "TXT _spf.vendor.example: v=spf1 ip4:203.0.113.0/24" in shown


def test_hostile_texts_do_nothing_to_the_terminal(capsys):
    run(["check", "hostile.example", *ZONES, "--selector", "s1"])
    run(["spf", "192.0.2.1", "hostile.example", *ZONES])
    run(["setup", "hostile.example", "--rua", "a@hostile.example", *ZONES])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert len(shown) < 40_000


def test_zone_files_alone_ask_nobody(monkeypatch, capsys):
    def refuse(*_args, **_options):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "sendto", refuse)
    assert run(["check", "elsewhere.net", *ZONES]) == 3
    assert "no zone file holds it" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["dns.example", "192.0.2.1:0", "192.0.2.1:x", "[::1]:99999", ""])
def test_what_is_no_name_server_is_said(given, capsys):
    assert run(["check", "sound.example", "--nameserver", given]) == 2
    assert "name server" in capsys.readouterr().err


def test_against_a_real_name_server(tmp_path, capsys):
    """nsd serves the zones; a record changes, and `setup --verify` sees it."""
    names = ("example", "sound.example", "vendor.example", "empty.example")
    zones = {name: (FOLDER / f"{name}.zone").read_text() for name in names}
    with NameServer(tmp_path / "nsd", zones) as server:
        asking = ["--nameserver", f"{server.host}:{server.port}"]
        assert run(["check", "sound.example", "--selector", "s2", *asking]) == 0
        assert "by way of s2.sound.dkim.vendor.example" in " ".join(capsys.readouterr().out.split())
        assert run(["check", "empty.example", *asking]) == 1
        setup = ["setup", "empty.example", "--rua", "a@vendor.example", "--json"]
        assert run([*setup, "--verify", *asking]) == 1
        capsys.readouterr()
        run([*setup, *asking])
        line = json.loads(capsys.readouterr().out)["publish"][0]["zone_line"]
        changed = zones["empty.example"].replace("hostmaster 1 ", "hostmaster 2 ") + line + "\n"
        server.change({"empty.example": changed})
        for _ in range(100):
            if run([*setup, "--verify", *asking]) == 0:
                break
        assert run([*setup, "--verify", *asking]) == 0
    assert run(["check", "sound.example", *asking]) == 3  # nobody answers any more


def codes_in_the_code() -> set[str]:
    """Every code that a problem of a record can have."""
    found = {"rf-removed", "ri-removed"}  # made from the name of the tag
    for path in (ROOT / "dmarcscope").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            called = isinstance(node, ast.Call) and ast.unparse(node.func) == "Problem"
            parts = node.args if called else node.elts if isinstance(node, ast.Tuple) else []
            for severity, code in pairwise(parts):
                if "everity" in ast.unparse(severity) and isinstance(code, ast.Constant) and re.fullmatch(r"[a-z0-9-]+", str(code.value)):
                    found.add(code.value)
    return found


def test_every_finding_is_explained_with_its_fix():
    page = (ROOT / "docs" / "dns.md").read_text()
    headings = re.findall(r"^#### (\S+)$", page, re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert set(headings) == codes_in_the_code()
    explained = re.findall(r"^#### \S+\n(.+)$", page, re.MULTILINE)
    assert len(explained) == len(headings)
