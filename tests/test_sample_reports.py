"""The sample reports are what their generator writes, and nothing in them belongs to anybody."""

import ipaddress
import json
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[1] / "sample_reports"
DOCUMENTATION_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")  # RFC 5737, RFC 3849
)
DOCUMENTATION_NAME = re.compile(r"(.+\.)?(example\.(com|org|net)|example|test)")  # RFC 2606
NAMED_DOMAIN = re.compile(r"<(?:domain|header_from|envelope_from|envelope_to)>([^<]*)<")
COUNTS = ("messages", "dmarc_pass", "dkim_aligned", "spf_aligned")


def files_below(folder: Path) -> dict[str, bytes]:
    """Name and bytes of all that the generator writes."""
    return {
        "truth.json": (folder / "truth.json").read_bytes(),
        "dmarcscope.toml": (folder / "dmarcscope.toml").read_bytes(),
        **{path.name: path.read_bytes() for part in ("reports", "zones") for path in (folder / part).iterdir()},
    }


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("samples")
    subprocess.run([sys.executable, str(SAMPLES / "generate.py"), "--into", str(folder)], check=True, timeout=120)
    return files_below(folder)


@pytest.fixture(scope="module")
def committed() -> dict[str, bytes]:
    return files_below(SAMPLES)


def test_the_generator_writes_the_files_that_are_here(fresh: dict[str, bytes], committed: dict[str, bytes]) -> None:
    assert sorted(fresh) == sorted(committed)


def test_the_generator_writes_the_truth_that_is_here(fresh: dict[str, bytes], committed: dict[str, bytes]) -> None:
    assert fresh["truth.json"] == committed["truth.json"]


@pytest.mark.skipif("zlib-ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng compresses the same content otherwise")
def test_the_generator_writes_the_bytes_that_are_here(fresh: dict[str, bytes], committed: dict[str, bytes]) -> None:
    assert [name for name in committed if fresh.get(name) != committed[name]] == []


def test_names_and_addresses_are_for_documentation(committed: dict[str, bytes]) -> None:
    truth = json.loads(committed["truth.json"])
    addresses = [ipaddress.ip_address(source) for source in truth["per_source_ip"]]
    assert [address for address in addresses if not any(address in network for network in DOCUMENTATION_NETWORKS)] == []
    # The files that are plain XML name every sender's domains; the others come from the same tables.
    named = {name for file, data in committed.items() if file.endswith(".xml") for name in NAMED_DOMAIN.findall(data.decode())}
    assert named
    assert [name for name in named if not DOCUMENTATION_NAME.fullmatch(name)] == []


@pytest.mark.parametrize("part", ["senders", "by_week", "per_reporter", "per_source_ip"])
def test_the_parts_of_the_truth_add_up(committed: dict[str, bytes], part: str) -> None:
    truth = json.loads(committed["truth.json"])
    sums = {count: sum(entry[count] for entry in truth[part].values()) for count in COUNTS}
    assert sums == {count: truth["totals"][count] for count in COUNTS}


# The zones tell the same story as the reports.


@pytest.fixture(scope="module")
def looked_up(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """What `sources` says by address, after look-ups in the zones."""
    import dmarcscope

    zones = tuple((SAMPLES / "zones").iterdir())
    with dmarcscope.open_store(tmp_path_factory.mktemp("looked-up")) as store:
        store.ingest([SAMPLES / "reports"])
        found = store.resolve(dns=dmarcscope.DnsSettings(offline=True, zone_files=zones))
        assert (found.waits, sum(words["not told"] for words in found.found.values())) == ("", 0)
        return store.sources().set_index("source_ip").to_dict("index")


def sources_of(committed: dict[str, bytes], *senders: str) -> list[str]:
    truth = json.loads(committed["truth.json"])
    return [source for sender in senders for source in truth["senders"][sender]["sources"]]


def test_every_sender_has_names_but_the_spoofer(committed: dict[str, bytes], looked_up: dict[str, dict[str, object]]) -> None:
    spoofer = set(sources_of(committed, "Spoofer"))
    named = {source for source, line in looked_up.items() if line["ptr_confirmed"] is not None}
    assert named == set(looked_up) - spoofer
    assert {source for source in named if not looked_up[source]["ptr_confirmed"]} == {"198.51.100.130"}


@pytest.mark.parametrize(
    ("sender", "domain", "result"),
    [
        ("Own mail server", "example.com", "permerror"),  # the mistake of the fourth week
        ("Letterbox", "bounce.news.example.com", "pass"),
        ("Billwell", "billwell.example", "pass"),
        ("Mailing list", "lists.example.net", "pass"),
        ("Alumni forwarder", "example.com", "permerror"),
        ("Hosting forwarder", "srs.hosting.example", "pass"),
        ("Spoofer", "spam.example", "fail"),
        ("Spoofer", "junk.test", "none"),
        ("Deskpilot", "deskpilot.example", "pass"),
    ],
)
def test_spf_today_is_as_the_reports_end(
    committed: dict[str, bytes], looked_up: dict[str, dict[str, object]], sender: str, domain: str, result: str
) -> None:
    results = {
        one["result"] for source in sources_of(committed, sender) for one in looked_up[source]["spf_today"] if one["domain"] == domain
    }
    assert results == {result}


def listed(value: object) -> list[dict[str, str]]:
    """A list column of a frame; null is no list."""
    return [] if value is None else list(value)


def test_every_key_that_signs_is_there(looked_up: dict[str, dict[str, object]]) -> None:
    states = {(one["domain"], one["selector"]): one["state"] for line in looked_up.values() for one in listed(line["dkim_today"])}
    assert set(states.values()) == {"usable"}
    assert {"2026a", "lb1", "k1", "inv", "list", "dp", "x"} == {selector for _, selector in states}
