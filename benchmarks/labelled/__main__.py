"""Shows how rightly dmarcscope classifies a labelled world: ``python -m benchmarks.labelled [--seed tuning|…|held-out] [--wrong N]``.

``--wrong N`` adds N records that were called wrong, each with its evidence; ``--kind TEXT`` takes only those of kinds that contain it.
Examples are of the seeds for tuning alone: whoever looks at those of the other tunes with it.
"""

import argparse
import sys
from collections.abc import Sequence
from random import Random
from typing import Any

from benchmarks.labelled.judging import evidence, judge
from benchmarks.labelled.keeping import Kept, prepare
from benchmarks.labelled.scoring import Judged, score, summary
from benchmarks.labelled.world import SEEDS
from dmarcscope.enrich.catalogue import load_catalogue
from dmarcscope.model.sender import Catalogue

SHOWN = ("reporter", "policy_domain", "period_begin", "source_ip", "count", "header_from", "envelope_from", "disposition", "reasons")
LISTS = ("dkim", "spf")


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes the world where it is missing, classifies it, and prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.labelled", description="Measures classes and names on a labelled world.")
    parser.add_argument("--seed", choices=SEEDS, default="tuning")
    parser.add_argument(
        "--wrong", type=int, default=0, metavar="N", help="show N records that were called wrong (not of the held-out seed)"
    )
    parser.add_argument("--kind", default="", metavar="TEXT", help="of those, only kinds of mail that contain this")
    options = parser.parse_args(arguments)
    if options.wrong and options.seed == "held-out":
        parser.error("examples are shown of the seeds for tuning alone")
    catalogue = load_catalogue()
    kept = prepare(options.seed, catalogue.senders)
    judged = judge(kept, catalogue)
    print("\n".join(summary(score(one for one, _ in judged))))
    if options.wrong:
        wrong = [found for found in judged if found[0].true is not found[0].said and options.kind in found[0].kind]
        _show(kept, catalogue, _some(wrong, options.wrong))
    return 0


def _some(wrong: list[tuple[Judged, tuple[int, int]]], count: int) -> list[tuple[Judged, tuple[int, int]]]:
    """Examples of as many kinds of mistake as there are, the same on each run."""
    Random(1).shuffle(wrong)
    by_mistake: dict[tuple[str, str], list[tuple[Judged, tuple[int, int]]]] = {}
    for found in wrong:
        by_mistake.setdefault((found[0].kind, found[0].said), []).append(found)
    turns = (group[turn] for turn in range(count) for group in by_mistake.values() if turn < len(group))
    return [found for found, _ in zip(turns, range(count), strict=False)]


def _show(kept: Kept, catalogue: Catalogue, wrong: list[tuple[Judged, tuple[int, int]]]) -> None:
    for (one, place), row in zip(wrong, evidence(kept, catalogue, [place for _, place in wrong]), strict=True):
        print(f"\n{one.kind}: is {one.true}, of {' or '.join(one.names) or 'nobody'}; called {one.said}, of {one.sender or 'nobody'}")
        print(f"  report {place[0]}, line {place[1]}: rule {row['rule']}, confidence {row['confidence']}")
        print("  " + ", ".join(f"{name} {_plain(row[name])}" for name in SHOWN if row[name]))
        for name in LISTS:
            print(f"  {name}: {'; '.join(_plain(part) for part in row[name] or ()) or 'not told'}")
        print(f"  PTR {row['ptr'] or 'not asked'}, network {row['network']}, SPF today {row['spf_today'] or 'not asked'}")


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(str(part) for part in value.values() if part is not None)
    return str(value)


if __name__ == "__main__":
    sys.exit(main())
