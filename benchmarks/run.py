"""Measures the lines of the speed and memory table: ``python -m benchmarks.run [--quick] [name…]``.

Prints each figure against its target; a run of all lines also writes ``RESULTS.md`` beside this file. ``--quick`` takes
smaller data and fewer turns, only to see that everything works, and writes nothing. Names choose lines.
Exits with 1 when a line could not be measured; a missed target is a figure like any other.
"""

import argparse
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.lines import FULL, LINES, QUICK, Figure, Line, Plan
from benchmarks.measure import ProgramError

RESULTS = Path(__file__).parent / "RESULTS.md"
LIBRARIES = ("dmarcscope", "lxml", "pyarrow", "deltalake", "duckdb", "pandas")
HEADINGS = ("what", "target", "measured", "met?", "raw figures: median (lowest–highest)")

Row = tuple[str, ...]


def _measured(line: Line, plan: Plan) -> Figure:
    try:
        return line.measure(plan)
    except ProgramError as failed:
        print(f"{line.name}: {failed}", file=sys.stderr)
        return Figure(None, str(failed).splitlines()[-1][:160])


def _row(line: Line, figure: Figure) -> Row:
    return (line.what, line.aim(), line.value(figure.measured), line.verdict(figure), figure.raw)


def _plain(row: Row) -> str:
    what, aim, value, verdict, raw = row
    return f"{what:<68} {aim:>10} {value:>12}  {verdict:<24} {raw}"


def machine() -> str:
    """Returns one sentence on what the figures were taken with: cores, Python and library versions."""
    system = f"{os.cpu_count()} cores ({platform.machine()}), {platform.python_implementation()} {platform.python_version()}"
    return f"{system}, {', '.join(f'{name} {_version(name)}' for name in LIBRARIES)}."


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"


def _markdown(rows: Sequence[Row]) -> Iterator[str]:
    yield "# Speed, memory and size\n"
    yield f"Written by `make bench`, in one run. {machine()}"
    yield "Data is generated and seeded (`worlds.py`, `big_store.py`); `lines.py` says how each line is measured.\n"
    yield f"| {' | '.join(HEADINGS)} |"
    yield "|---|---|---|---|---|"
    yield from (f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints, and writes the results of a full run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measures dmarcscope.")
    parser.add_argument("--quick", action="store_true", help="smaller data, fewer turns, no RESULTS.md")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of: {' '.join(line.name for line in LINES)}")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - {line.name for line in LINES}
    if unknown:
        parser.error(f"no line is called {', '.join(sorted(unknown))}")
    print(machine())
    print(_plain(HEADINGS))
    rows = []
    for line in LINES:
        if not options.names or line.name in options.names:
            rows.append(_row(line, _measured(line, QUICK if options.quick else FULL)))
            print(_plain(rows[-1]), flush=True)
    if len(rows) == len(LINES) and not options.quick:
        RESULTS.write_text("\n".join(_markdown(rows)) + "\n")
    return 1 if any(row[3] == "not measured" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
