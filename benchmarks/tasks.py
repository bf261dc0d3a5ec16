"""What is measured inside a process of its own: each function takes text arguments and returns figures.

Inputs are read and modules imported before a clock starts. These functions and ``big_store`` are all that knows
dmarcscope's Python names; the rest of the benchmarks knows only its command line.
"""

import gzip
import resource
import statistics
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import Figures, clocked
from benchmarks.worlds import DATA

BATCH = 500  # reports turned into one Arrow table, as an ingest of many files does
PASSES = 7  # of each query


def _documents(folder: str) -> list[bytes]:
    return [gzip.decompress(path.read_bytes()) for path in sorted(Path(folder).rglob("*.gz"))]


def bare_parse(folder: str, half: str = "") -> Figures:
    """Parses the folder's reports (or the second half of them) into trees with lxml, and does nothing with them."""
    from lxml import etree

    documents = _documents(folder)
    documents = documents[len(documents) // 2 if half else 0 :]
    parser = etree.XMLParser(remove_blank_text=True)

    def work() -> None:
        for data in documents:
            etree.fromstring(data, parser)

    return clocked(work)


def columns(folder: str) -> Figures:
    """Turns the folder's reports from bytes into Arrow tables."""
    from dmarcscope.ops.reading import uncollected
    from dmarcscope.parse.aggregate import parse_reports
    from dmarcscope.tables.flatten import flatten

    # Half of the reports teach the parser the shapes that their reporters write, as the first minutes of any store do.
    documents = _documents(folder)
    half = len(documents) // 2
    batches = [documents[start : start + BATCH] for start in range(half, len(documents), BATCH)]
    rows = 0

    def work() -> None:
        nonlocal rows
        for batch in batches:
            with uncollected():
                rows += flatten([report for data in batch for report in parse_reports(data)]).num_rows

    for data in documents[:half]:
        flatten(parse_reports(data))
    return {**clocked(work), "rows": rows}


def ingest(folder: str, store: str, warm_up: str) -> Figures:
    """Ingests the folder into a new store; before that one small file elsewhere, so that all modules are loaded."""
    import dmarcscope

    with TemporaryDirectory() as elsewhere:
        dmarcscope.open_store(Path(elsewhere) / "store").ingest([warm_up])
    opened = dmarcscope.open_store(store)
    return clocked(lambda: opened.ingest([folder]))


QUERIES: dict[str, dict[str, Any]] = {
    "week": {"by": "source_ip", "since": "2026-W20", "until": "2026-W20"},
    "trend": {"by": "day", "since": "2026-02-01", "until": "2026-05-01"},
    "worst": {"by": "source_ip", "limit": 50},
}


def queries(shape: str) -> Figures:
    """Asks the made store each question once unmeasured, then ``PASSES`` times, and returns wall seconds and lines.

    The questions about one domain ask for the largest, the worst sources are those of all domains.
    """
    import dmarcscope
    from benchmarks.big_store import domain_name, folder_name

    opened = dmarcscope.open_store(DATA / folder_name(shape))
    figures: Figures = {}
    for name, options in QUERIES.items():
        asked = None if name == "worst" else domain_name(0)
        ask = partial(opened.sources, asked, **options)
        lines = len(ask())
        walls = [clocked(ask)["wall"] for _ in range(PASSES)]
        figures |= {name: statistics.median(walls), f"{name} low": min(walls), f"{name} high": max(walls)}
        figures[f"{name} lines"] = lines
    return figures


def senders(shape: str) -> Figures:
    """Asks who sends as the largest domain in a week and as all domains in 30 days, first and warm: wall seconds, and the peak in MiB."""
    import dmarcscope
    from benchmarks.big_store import domain_name, folder_name

    opened = dmarcscope.open_store(DATA / folder_name(shape))
    asked = {
        "week": partial(opened.senders, domain_name(0), since="2026-W20", until="2026-W20"),
        "month": partial(opened.senders, since="2026-04-15", until="2026-05-14"),
    }
    figures: Figures = {}
    for name, ask in asked.items():
        figures[f"{name} first"] = clocked(ask)["wall"]
        walls = [clocked(ask)["wall"] for _ in range(PASSES)]
        figures |= {name: statistics.median(walls), f"{name} low": min(walls), f"{name} high": max(walls)}
    return {**figures, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
