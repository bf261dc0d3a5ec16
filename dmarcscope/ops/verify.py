"""Prove that nothing is lost: every spool file, ledger line and table total checked against each other."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from dmarcscope.errors import DmarcscopeError
from dmarcscope.ops.ingest import Progress, silent
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.spool import hash_file
from dmarcscope.tables.queries import LINES_BY_REPORT
from dmarcscope.tables.rows import rows_of

SHOWN = 5  # examples given of what is wrong


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold: how many were looked at, how many are wrong, examples, and what to do about it."""

    name: str
    checked: int
    wrong: int
    examples: tuple[str, ...] = ()
    fix: str = ""

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return self.wrong == 0


def verify_store(
    store: StoreFiles,
    since: datetime | None = None,
    until: datetime | None = None,
    progress: Progress = silent,
) -> list[Check]:
    """All checks. ``since`` and ``until`` limit which artefacts, by arrival, have their bytes read; all else is always checked."""
    store.require()
    hashes = spool_hashes(store, since, until)
    return [
        missing_bytes(store),
        changed_bytes(store, hashes, progress),
        strangers(store),
        unfinished(store),
        undecided_batches(store),
        *table_checks(store),
    ]


def spool_hashes(store: StoreFiles, since: datetime | None, until: datetime | None) -> list[str]:
    """The hashes of artefacts that arrived in the time, each once."""
    rows = store.ledger.rows(
        "SELECT DISTINCT sha256 FROM artefacts WHERE received_at >= ? AND received_at < ? ORDER BY sha256",
        (f"{since:%Y-%m-%dT%H:%M:%SZ}" if since else "", f"{until:%Y-%m-%dT%H:%M:%SZ}" if until else "~"),
    )
    return [row[0] for row in rows]


def finding(name: str, checked: int, wrong: list[str], fix: str) -> Check:
    return Check(name, checked, len(wrong), tuple(wrong[:SHOWN]), fix if wrong else "")


def missing_bytes(store: StoreFiles) -> Check:
    """Every line of the ledger has its bytes."""
    rows = store.ledger.rows("SELECT DISTINCT sha256, min(name) FROM artefacts GROUP BY sha256")
    missing = [f"{name} ({sha256[:12]}…)" for sha256, name in rows if not store.spool.path(sha256).exists()]
    return finding("every artefact has its bytes in the spool", len(rows), missing, "Ingest these again from where they came")


def changed_bytes(store: StoreFiles, hashes: list[str], progress: Progress) -> Check:
    """The bytes are those that were received."""
    changed = []
    for sha256 in hashes:
        path = store.spool.path(sha256)
        if path.exists() and hash_file(path)[0] != sha256:
            changed.append(str(path))
        progress(1)
    return finding("the bytes are as they were received", len(hashes), changed, "Delete these files and ingest them again")


def strangers(store: StoreFiles) -> Check:
    """Every file in the spool is known to the ledger."""
    known = {row[0] for row in store.ledger.rows("SELECT sha256 FROM artefacts")}
    files = [path for path in store.spool.settled() if path.parent.name != "incoming"]
    strange = [str(path) for path in files if path.name not in known]
    return finding("every file in the spool is known to the ledger", len(files), strange, "Take them up: dmarcscope ingest FILE")


def unfinished(store: StoreFiles) -> Check:
    """Every artefact has its final state, but for those that a living run works on."""
    total = store.ledger.totals()["artefacts"]
    waiting = [one.name for one in store.ledger.unfinished(store.spool.alive())]
    return finding("every artefact has its final state", total, waiting, "Take them up: dmarcscope replay")


def undecided_batches(store: StoreFiles) -> Check:
    """No batch is left between ledger and table (one that is being written right now does not count)."""
    with store.writing():
        pending = [f"batch {batch}" for batch in store.ledger.pending_batches()]
    return finding("no batch is undecided", len(pending), pending, "Take them up: dmarcscope replay")


def table_checks(store: StoreFiles) -> list[Check]:
    """The table holds what the ledger says, report by report, no more and no less."""
    with store.writing():  # ledger and table at one moment
        expected = {
            row[0]: (row[1], row[2])
            for row in store.ledger.rows("SELECT report_key, records, messages FROM reports WHERE state = 'stored'")
        }
        try:
            answer = store.engine.ask(LINES_BY_REPORT)
        except DmarcscopeError as error:
            return [Check("the record table can be read", 1, 1, (str(error),), "Restore it from a backup")]
    found = {row["report_key"]: (row["records"], row["messages"]) for row in rows_of(answer.to_batches())}
    differing = [
        f"report {key}: {records} records with {messages} messages in the ledger, "
        f"{found.get(key, (0, 0))[0]} with {found.get(key, (0, 0))[1]} in the table"
        for key, (records, messages) in expected.items()
        if found.get(key, (0, 0)) != (records, messages)
    ]
    extra = [f"report {key}: {lines} lines" for key, (lines, _) in found.items() if key not in expected]
    totals = [sum(messages for _, messages in counts.values()) for counts in (expected, found)]
    unequal = [] if totals[0] == totals[1] else [f"{totals[0]} messages in the ledger, {totals[1]} in the table"]
    fix = "Read them again from the spool: dmarcscope replay --all"
    return [
        finding("every stored report has all its lines in the table", len(expected), differing, fix),
        finding("every line in the table belongs to a stored report", len(found), extra, fix),
        finding("messages reported = messages in the table", totals[0], unequal, fix),
    ]


def as_dicts(checks: list[Check]) -> list[dict[str, Any]]:
    """The checks for machines: name, ok, checked, wrong, examples, fix."""
    return [{**asdict(check), "examples": list(check.examples), "ok": check.ok} for check in checks]
