"""Measures time, processor time and memory of fresh processes, and compares two of them in interleaved pairs.

Processor time counts user and system time of a process and of the children it waited for. Memory is the peak resident
size of the largest single process among them. A process inherits the peak of the one that started it (Linux keeps the
mark across ``exec``), so whoever measures must stay small: this module and its callers import nothing large.

A *task* is a function of text arguments that runs in its own process and returns figures; see ``run_task``.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent
PEAK_UNIT = 1024  # ru_maxrss is in KiB on Linux

Figures = dict[str, float]


class ProgramError(Exception):
    """A measured program ended with an exit code other than those expected; holds the end of what it said."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one whole process cost: seconds on the clock, seconds of processor, bytes at its peak, and its output."""

    wall: float
    cpu: float
    peak: int
    output: str


def run_program(command: Sequence[str | Path], expected: tuple[int, ...] = (0,)) -> Run:
    """Runs ``command`` to its end and returns its cost; raises ``ProgramError`` on an exit code not ``expected``."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        output, complaint = out.read().decode(errors="replace"), err.read().decode(errors="replace")
    if process.returncode not in expected:
        raise ProgramError(f"{' '.join(map(str, command[:4]))} ended with {process.returncode}: {complaint[-2000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * PEAK_UNIT, output)


def run_task(name: str, *arguments: str | Path) -> Figures:
    """Runs the function ``name``, as ``module:function``, in a fresh Python, and returns its figures."""
    run = run_program([sys.executable, "-m", "benchmarks.measure", name, *arguments])
    figures: Figures = json.loads(run.output.splitlines()[-1])
    return figures


def clocked(work: Callable[[], object]) -> Figures:
    """Runs ``work`` in this process and returns ``wall`` and ``cpu`` seconds, children that have ended included."""
    before, start = _cpu(), time.perf_counter()
    work()
    return {"wall": time.perf_counter() - start, "cpu": _cpu() - before}


def _cpu() -> float:
    usages = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@dataclass(frozen=True, slots=True)
class Spread:
    """Several measurements of one thing."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    def text(self, unit: str = "s", scale: float = 1.0, digits: int = 3) -> str:
        """Returns median, lowest and highest, as in ``0.420 s (0.410–0.480)``."""
        low, middle, high = (f"{v * scale:.{digits}f}" for v in (min(self.values), self.median, max(self.values)))
        return f"{middle} {unit} ({low}–{high})"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Measurements of A and B taken in turn, A B A B …, so that a slow spell of the machine falls on both."""

    a: Spread
    b: Spread

    @property
    def ratio(self) -> float:
        """The median over the pairs of A's value divided by B's."""
        return statistics.median(x / y for x, y in zip(self.a.values, self.b.values, strict=True))


def pairs(a: Callable[[], float], b: Callable[[], float], times: int) -> Pairs:
    """Measures ``a`` and ``b`` in turn, ``times`` times each."""
    values = [(a(), b()) for _ in range(times)]
    return Pairs(Spread(tuple(x for x, _ in values)), Spread(tuple(y for _, y in values)))


def _main(name: str, *arguments: str) -> None:
    module, function = name.split(":")
    print(json.dumps(getattr(import_module(module), function)(*arguments)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
