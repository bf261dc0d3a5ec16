"""How fast SPF is evaluated: ours against pyspf, on the same invented zones, both answered from a dict.

``python -m benchmarks.spf`` prints the figures. Needs pyspf (``pip install pyspf``), which is no dependency of anything here. The worlds
are as they are published: vendors with many networks behind two levels of includes, a, mx, macros, redirects, dead records.
Both take turns; the median of the turns counts. Ours is measured with its memory of parsed records (many sources of the same
domains, as in reports), and with that memory emptied before every evaluation.
"""

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from ipaddress import ip_address
from typing import Any

from dmarcscope.lookup.spf import check_host
from dmarcscope.lookup.spf_visit import forget
from dmarcscope.model.answer import Answer, Outcome, Question

DOMAINS = 200
EVALUATIONS = 2000
TURNS = 7

Zones = dict[tuple[str, str], tuple[str, ...]]
Case = tuple[str, str]  # a client's address and a domain


class DictResolver:
    """Answers from a dict, as little work as can be."""

    def __init__(self, zones: Zones) -> None:
        self._zones = zones

    async def ask(self, name: str, kind: str) -> Answer:
        """The records of that name and kind; none are NXDOMAIN."""
        records = self._zones.get((name, kind), ())
        return Answer(Question(name, kind), Outcome.FOUND if records else Outcome.NXDOMAIN, records)


def network(rng: random.Random) -> str:
    """A term for an IPv4 network."""
    return f"ip4:{rng.randrange(1, 224)}.{rng.randrange(256)}.{rng.randrange(256)}.0/{rng.choice([19, 22, 24])}"


def vendors(rng: random.Random, zones: Zones) -> list[str]:
    """Ten services whose records include two or three of ten networks each."""
    names = []
    for number in range(10):
        blocks = [f"block{block}.vendor{number}.example" for block in range(rng.choice([2, 3]))]
        for block in blocks:
            zones[block, "TXT"] = (" ".join(["v=spf1", *(network(rng) for _ in range(10)), "~all"]),)
        names.append(f"_spf.vendor{number}.example")
        zones[names[-1], "TXT"] = (" ".join(["v=spf1", *(f"include:{block}" for block in blocks), "~all"]),)
    return names


def world(seed: int = 7208) -> tuple[Zones, list[Case]]:
    """The zones, and whom to evaluate."""
    rng = random.Random(seed)
    zones: Zones = {}
    names = vendors(rng, zones)
    cases = []
    for number in range(DOMAINS):
        domain = f"customer{number}.example"
        host = f"mail.{domain}"
        zones[domain, "A"], zones[host, "A"] = ((f"198.51.{number % 256}.{last}",) for last in (1, 2))
        zones[domain, "MX"] = (f"10 {host}",)
        terms = rng.sample(["a", "mx", f"ip4:203.0.113.{number}", "exists:%{ir}.ok.%{d}", network(rng)], rng.randrange(1, 4))
        included = [f"include:{name}" for name in rng.sample(names, rng.choice([0, 1, 1, 2]))]
        zones[domain, "TXT"] = ("site-verification=1", " ".join(["v=spf1", *terms, *included, rng.choice(["-all", "~all"])]))
        if number % 20 == 0:
            zones[domain, "TXT"] = (f"v=spf1 redirect={rng.choice(names)}",)
        clients = (f"198.51.{number % 256}.1", f"198.51.{number % 256}.2", f"203.0.113.{number}", "192.0.2.77", f"60.{number}.0.9")
        cases += [(client, domain) for client in clients]
    return zones, (cases * (EVALUATIONS // len(cases) + 1))[:EVALUATIONS]


def ours(zones: Zones, cases: list[Case], before: Callable[[], None]) -> list[str]:
    """The results of our evaluations; ``before`` is done before each."""
    resolver = DictResolver(zones)

    async def work() -> list[str]:
        results = []
        for client, domain in cases:
            before()
            check = await check_host(resolver, ip_address(client), domain, f"user@{domain}", f"mail.{domain}")
            results.append(str(check.result))
        return results

    return asyncio.run(work())


def pyspf(zones: Zones, cases: list[Case]) -> list[str]:
    """The results of pyspf's evaluations."""
    module: Any = import_module("spf")
    data: dict[tuple[str, str], list[tuple[tuple[str, str], Any]]] = {}
    for (name, kind), records in zones.items():
        shape = SHAPES.get(kind, str)
        data[name, kind] = [((name, kind), shape(record)) for record in records]
    module.DNSLookup = lambda name, kind, *_: data.get((name, kind), [])
    return [str(module.query(i=client, s=f"user@{domain}", h=f"mail.{domain}").check()[0]) for client, domain in cases]


SHAPES: dict[str, Callable[[str], Any]] = {
    "TXT": lambda record: (record.encode(),),
    "MX": lambda record: (int(record.split()[0]), record.split()[1]),
}


@dataclass(frozen=True, slots=True)
class Evaluating:
    """Evaluations a second: pyspf, ours, and ours without its memory of parsed records; and results that differ."""

    pyspf: float
    ours: float
    forgetful: float
    differing: int

    @property
    def ratio(self) -> float:
        """Ours to pyspf: more is better."""
        return self.ours / self.pyspf

    def __str__(self) -> str:
        return (
            f"evaluations a second: ours {self.ours:,.0f}, pyspf {self.pyspf:,.0f}: {self.ratio:.1f} times; "
            f"without memory {self.forgetful:,.0f}: {self.forgetful / self.pyspf:.1f} times; {self.differing} results differ"
        )


def measured(turns: int = TURNS) -> Evaluating:
    """The figures of this machine."""
    zones, cases = world()
    theirs, mine = pyspf(zones, cases), ours(zones, cases, forget)
    works: tuple[Callable[[], object], ...] = (
        lambda: pyspf(zones, cases),
        lambda: ours(zones, cases, lambda: None),
        lambda: ours(zones, cases, forget),
    )
    seconds: list[list[float]] = [[], [], []]
    for _ in range(turns):
        for work, taken in zip(works, seconds, strict=True):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    rates = [len(cases) / statistics.median(taken) for taken in seconds]
    return Evaluating(rates[0], rates[1], rates[2], sum(a != b for a, b in zip(theirs, mine, strict=True)))


def figures(turns: str) -> dict[str, float]:
    """The same as figures by name, for `measure.run_task`."""
    return asdict(measured(int(turns)))


if __name__ == "__main__":
    try:
        print(measured())
    except ModuleNotFoundError as error:
        sys.exit(f"{error}: pip install pyspf")
