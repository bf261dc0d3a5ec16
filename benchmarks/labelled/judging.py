"""Lets dmarcscope classify a labelled world, and sets what it says beside the truth."""

from collections.abc import Iterator
from typing import Any

from benchmarks.labelled.keeping import Kept, prepare, truth_rows
from benchmarks.labelled.scoring import EVERY, GROUPS, By, Judged, naive_class, score
from benchmarks.measure import Figures
from dmarcscope.enrich.catalogue import load_catalogue
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.sender import Catalogue
from dmarcscope.model.verdict import SenderClass
from dmarcscope.ops.classified import classified
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows

SAID = 'SELECT report_key, line, class, sender, spf_aligned, dkim_aligned, coalesce(len(dkim), 0) > 0 AS signed, "count" FROM classified'
EVIDENCE = "SELECT * FROM classified WHERE report_key = ? AND line = ?"


def judge(kept: Kept, catalogue: Catalogue) -> list[tuple[Judged, tuple[int, int]]]:
    """What is said of each record, with its truth and where it stands: the key of its report and its line.

    The owner's list is empty: nobody has labelled anything.
    """
    with StoreFiles(kept.store) as store:
        said = classified(store, Filter(), Knowledge(catalogue=catalogue, networks=kept.scene.places))
        verdicts = {(row["report_key"], row["line"]): row for row in rows(said.ask(SAID))}
    found = [
        (_judged(truth, verdicts.pop((truth["report_key"], truth["line"]))), (truth["report_key"], truth["line"]))
        for truth in truth_rows(kept.truth)
    ]
    if verdicts:
        raise ValueError(f"{len(verdicts)} records were classified that have no truth")
    return found


def _judged(truth: dict[str, Any], said: dict[str, Any]) -> Judged:
    if truth["count"] != said["count"]:
        raise ValueError(f"report {truth['report_key']}, line {truth['line']}: {said['count']} messages instead of {truth['count']}")
    naive = naive_class(spf_aligned=bool(said["spf_aligned"]), dkim_aligned=bool(said["dkim_aligned"]), signed=said["signed"])
    return Judged(
        SenderClass(truth["class"]),
        SenderClass(said["class"]),
        naive,
        truth["count"],
        truth["kind"],
        tuple(truth["names"]),
        said["sender"] or "",
        truth["hard"],
    )


def evidence(kept: Kept, catalogue: Catalogue, places: list[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    """Yields all that a record says, its verdict, and what is known of its source."""
    with StoreFiles(kept.store) as store:
        said = classified(store, Filter(), Knowledge(catalogue=catalogue, networks=kept.scene.places))
        for place in places:
            (row,) = rows(said.ask(EVIDENCE, place))
            ip = row["source_ip"]
            names = store.ledger.rows("SELECT ptr_name, ptr_result, trouble FROM sources WHERE ip = ?", (ip,))
            spf = store.ledger.rows("SELECT domain, result, term FROM spf_checks WHERE ip = ?", (ip,))
            asked = {row["header_from"], *(one["domain"] for one in row["spf"] or ())}
            yield row | {
                "ptr": [tuple(one) for one in names],
                "spf_today": [tuple(one) for one in spf if one["domain"] in asked],
                "network": kept.scene.places.of(ip),
            }


def figures(seed: str) -> Figures:
    """The shares that the lines of the benchmarks tell, on the world of a seed; what could not be counted is left out."""
    catalogue = load_catalogue()
    found = score(one for one, _ in judge(prepare(seed, catalogue.senders), catalogue))
    told: dict[str, float | None] = {}
    for name, classes in GROUPS.items():
        for by in By:
            told[f"{name} precision, {by}"] = found.said.precision(by, classes)
            told[f"{name} recall, {by}"] = found.said.recall(by, classes)
            told[f"{name} naive precision, {by}"] = found.naive.precision(by, classes)
            told[f"{name} naive recall, {by}"] = found.naive.recall(by, classes)
    told |= found.name_shares(By.MESSAGES)
    unauthorised = {SenderClass.UNAUTHORISED}
    told["messages"] = sum(found.said.cells[By.MESSAGES].values())
    told["records"] = sum(found.said.cells[By.RECORDS].values())
    told["unauthorised"] = found.said.sum(By.MESSAGES, unauthorised, EVERY)
    told["unauthorised called yours"] = found.called_yours
    told["unauthorised called yours, naive"] = found.naive.sum(By.MESSAGES, unauthorised, GROUPS["yours"])
    told["hard called yours"] = found.hard.sum(By.MESSAGES, unauthorised, GROUPS["yours"])
    told["hard"] = sum(found.hard.cells[By.MESSAGES].values())
    return {name: value for name, value in told.items() if value is not None}
