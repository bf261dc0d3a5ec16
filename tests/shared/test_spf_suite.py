"""The public test suite of RFC 7208 (openspf.org, release 2014.04): every test gives a result that it allows."""

import asyncio
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from fakes import DictResolver

from dmarcscope.lookup.spf import check_host

SUITE = Path(__file__).parents[3] / "shared" / "vectors" / "rfc7208-tests.yml"
if not SUITE.is_file():
    pytest.skip("no ../shared/vectors/rfc7208-tests.yml beside this checkout", allow_module_level=True)

import yaml  # noqa: E402

DEFAULT = "DEFAULT"  # stands for the receiver's own explanation: the domain gives none


def record_text(kind: str, value: Any) -> str:
    """A record of the suite as resolvers give it."""
    if kind == "MX":
        return f"{value[0]} {value[1].lower().removesuffix('.')}"
    if kind in {"TXT", "SPF"}:
        return "".join(value)
    return str(ip_address(value)) if kind in {"A", "AAAA"} else value.lower().removesuffix(".")


def zone(entries: list[Any]) -> dict[str, Any]:
    """The records of a name. SPF records stand for TXT unless there is a TXT; TIMEOUT is for every kind that is not there."""
    kinds: dict[str, Any] = {}
    for entry in entries:
        if entry == "TIMEOUT":
            kinds["*"] = "timeout"
            continue
        for kind, value in entry.items():
            kinds.setdefault(kind, [])
            if value != "NONE":
                kinds[kind].append(record_text(kind, value))
    spf = kinds.pop("SPF", [])
    kinds.setdefault("TXT", spf)
    if kinds["TXT"] == [] and "*" in kinds:
        del kinds["TXT"]
    return kinds


def suite() -> Iterator[Any]:
    for scenario in yaml.safe_load_all(SUITE.read_text(encoding="utf-8")):
        zones = {str(name): zone(entries) for name, entries in scenario["zonedata"].items()}
        for name, test in scenario["tests"].items():
            yield pytest.param(zones, test, id=f"{scenario['description']}: {name}")


@pytest.mark.parametrize(("zones", "test"), list(suite()))
def test_suite(zones: dict[str, Any], test: dict[str, Any]) -> None:
    sender, helo = test["mailfrom"], test["helo"]
    domain = sender.rpartition("@")[2] if sender else helo
    resolver = DictResolver(zones)
    check = asyncio.run(check_host(resolver, ip_address(test["host"]), domain, sender, helo))
    allowed = test["result"] if isinstance(test["result"], list) else [test["result"]]
    assert check.result in allowed, check.reason
    if "explanation" in test:
        assert check.explanation == ("" if test["explanation"] == DEFAULT else test["explanation"])
    assert [(asked.name, asked.kind) for asked in check.questions] == [(asked.name, asked.kind) for asked in resolver.asked]
