"""How fast DNS is asked: 20,000 questions to a name server on loopback, by ours and by bare dnspython, and again from memory.

``python -m benchmarks.resolving`` prints the figures. Needs nsd. Ours and the other take turns in one process, with as many questions under
way; of each, the median of the turns counts.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.message

from dmarcscope.lookup.asking import ask_all
from dmarcscope.lookup.cache import CachingResolver
from dmarcscope.lookup.resolver import DnsResolver
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.model.answer import Outcome, Question

ROOT = Path(__file__).parent.parent
NAMES = 10_000  # each asked for a PTR record and for a TXT record
CONCURRENCY = 100
TURNS = 5

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Resolving:
    """Seconds for all questions: bare dnspython, ours, and ours from memory."""

    questions: int
    bare: float
    ours: float
    remembered: float

    @property
    def ratio(self) -> float:
        """Ours to bare: less is better."""
        return self.ours / self.bare

    @property
    def faster(self) -> float:
        """How many times faster memory is than asking."""
        return self.ours / self.remembered

    def __str__(self) -> str:
        rates = ", ".join(
            f"{name} {seconds:.2f} s ({self.questions / seconds:,.0f}/s)"
            for name, seconds in (("bare dnspython", self.bare), ("ours", self.ours), ("from memory", self.remembered))
        )
        return f"{self.questions:,} questions: {rates}; ours / bare {self.ratio:.2f}; memory {self.faster:.0f} times faster than asking"


def zones() -> dict[str, str]:
    """What the server serves: reverse names of public addresses, and DMARC records."""
    hosts = "".join(f"{place % 250}.{place // 250}.8 IN PTR mail-{place}.relay.example.com.\n" for place in range(NAMES))
    records = "".join(f'_dmarc.d{place} IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@d{place}.example.com"\n' for place in range(NAMES))
    return {"8.in-addr.arpa": hosts, "example.com": records}


def questions() -> list[Question]:
    """PTR and TXT in turn."""
    found = []
    for place in range(NAMES):
        found.append(Question(f"{place % 250}.{place // 250}.8.8.in-addr.arpa", "PTR"))
        found.append(Question(f"_dmarc.d{place}.example.com", "TXT"))
    return found


async def ask_bare(asked: list[Question], address: Address) -> None:
    """What anyone would write with dnspython."""
    places = iter(asked)

    async def work() -> None:
        for question in places:
            message = dns.message.make_query(question.name, question.kind, use_edns=0, payload=1232)
            answer = await dns.asyncquery.udp(message, address[0], port=address[1], timeout=5)
            if not answer.answer:
                raise RuntimeError(f"no answer for {question}")

    async with asyncio.TaskGroup() as group:
        for _ in range(CONCURRENCY):
            group.create_task(work())


async def _seconds(work: Callable[[], Awaitable[Any]]) -> float:
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


async def _turn(asked: list[Question], address: Address) -> tuple[float, float, float]:
    bare = await _seconds(lambda: ask_bare(asked, address))
    async with DnsResolver(DnsSettings(nameservers=(address,), concurrency=CONCURRENCY)) as asker:
        caching = CachingResolver(asker)
        ours = await _seconds(lambda: ask_all(caching, asked))
        remembered = await _seconds(lambda: ask_all(caching, asked))
        answers = await ask_all(caching, asked)
        if any(answer.outcome is not Outcome.FOUND for answer in answers):
            raise RuntimeError("not every question was answered")
    return bare, ours, remembered


def measure(turns: int = TURNS) -> Resolving:
    """Starts the server, asks, and returns the medians."""
    sys.path.insert(0, str(ROOT / "tests" / "servers"))
    server = import_module("nameserver").NameServer
    asked = questions()
    with tempfile.TemporaryDirectory() as folder, server(Path(folder), zones()) as running:
        measured = [asyncio.run(_turn(asked, running.address)) for _ in range(turns)]
    return Resolving(len(asked), *(statistics.median(column) for column in zip(*measured, strict=True)))


def figures(turns: str) -> dict[str, float]:
    """The same as figures by name, for `measure.run_task`."""
    return asdict(measure(int(turns)))


if __name__ == "__main__":
    print(measure())
