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
        **{path.name: path.read_bytes() for path in (folder / "reports").iterdir()},
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
