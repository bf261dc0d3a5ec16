"""A small seeded world of artefacts, and all that can be compared about the stores that took it in."""

import gzip
import hashlib
import io
import json
import random
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dmarcscope.intake.paths import arrivals, find
from dmarcscope.ops.ingest import Outcome, ingest
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.columns import RECORDS_SCHEMA
from dmarcscope.tables.rows import rows

DAY = 86_400
FIRST_DAY = 1_777_852_800  # 2026-05-04 00:00 UTC
SMALL = 5.0  # seconds of patience


def report(number: int, *, version: int = 1, records: int = 3, report_id: str | None = "") -> bytes:
    """One report; its ``version`` changes what it says, not which report it is. ``report_id`` None: it does not say which."""
    begin = FIRST_DAY + (number % 40) * DAY
    lines = "".join(
        f"<record><row><source_ip>192.0.2.{1 + (number + line) % 250}</source_ip><count>{version * 100 + line + number % 7}</count>"
        "<policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>"
        "<identifiers><header_from>example.com</header_from></identifiers><auth_results><dkim><domain>example.com</domain>"
        "<selector>s1</selector><result>pass</result></dkim><spf><domain>example.net</domain><result>fail</result></spf>"
        "</auth_results></record>"
        for line in range(records)
    )
    name = "" if report_id is None else f"<report_id>{report_id or f'r-{number}'}</report_id>"
    return (
        "<?xml version='1.0'?><feedback><report_metadata><org_name>mill.example</org_name><email>dmarc@mill.example</email>"
        f"{name}<date_range><begin>{begin}</begin><end>{begin + DAY - 1}</end></date_range></report_metadata>"
        "<policy_published><domain>example.com</domain><adkim>r</adkim><aspf>r</aspf><p>none</p><sp>none</sp><pct>100</pct>"
        f"</policy_published>{lines}</feedback>"
    ).encode()


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip with these members, the same bytes each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 5, 4, 0, 0, 0)), data)
    return buffer.getvalue()


def packed(number: int, data: bytes) -> tuple[str, bytes]:
    """A report in one of three containers, with its suffix."""
    return (("xml", data), ("xml.gz", gzip.compress(data, mtime=0)), ("zip", zipped({f"{number}.xml": data})))[number % 3]


def write_world(folder: Path, reports: int, seed: int = 1) -> int:
    """Fill a folder with reports and all that goes with them. Returns how many files there are.

    Every 10th report comes again in other bytes, every 11th byte by byte under another name; every 12th of the later half has an
    earlier version that came long before; some files are damaged, some are no reports, some hold two.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    files: dict[str, bytes] = {}
    for number in range(reports):
        at = f"{2 * number + reports:06d}"
        late = number % 12 == 0 and number >= reports // 2
        data = report(number, version=2 if late else 1, records=1 + rng.randrange(6))
        suffix, content = packed(number, data)
        files[f"{at}-{number}.{suffix}"] = content
        if late:
            files[f"{number // 12:06d}-{number}-early.xml"] = report(number, version=1)  # sorts before all others
        if number % 10 == 3:
            files[f"{at}-{number}-other.zip"] = zipped({"again.xml": data, "a.txt": b"hello"})
        if number % 11 == 5:
            files[f"{at}-{number}-same.{suffix}"] = content
        if number % 15 == 4:
            files[f"{at}-{number}-bad.gz"] = gzip.compress(report(number + 5000), mtime=0)[:40] + rng.randbytes(30)
        if number % 17 == 6:
            files[f"{at}-{number}-picture.png"] = b"\x89PNG\r\n\x1a\n" + rng.randbytes(60)
        if number % 13 == 7:
            files[f"{at}-{number}-two.zip"] = zipped(
                {"one.xml": report(number + 1000), "two.xml": report(number + 2000), "bad.xml.gz": b"\x1f\x8b\x08\x00broken"}
            )
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return len(files)


def put(folder: Path, **files: bytes) -> Path:
    """Write files into a folder; ``__`` in a name stands for a dot. Returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_bytes(content)
    return folder


def take_in(root: Path, *sources: Path, jobs: int = 1, patience: float = SMALL) -> Outcome:
    """Ingest files or folders into the store at ``root``."""
    with StoreFiles(root, patience) as store:
        return ingest(store, arrivals(find([str(source) for source in sources])), jobs=jobs)


def ask(store: StoreFiles, sql: str) -> list[dict[str, Any]]:
    """The lines of an answer."""
    return list(rows(store.engine.ask(sql)))


def table_lines(root: Path) -> list[tuple[Any, ...]]:
    """Every line of the record table but for its report's number, in an order of its own."""
    with StoreFiles(root, SMALL) as store:
        names = [name for name in RECORDS_SCHEMA.names if name != "report_key"]
        found = ask(store, f"SELECT {', '.join(names)} FROM records")  # noqa: S608
    return sorted(tuple(json.dumps(row[name], default=str) for name in names) for row in found)


@dataclass(frozen=True)
class Facts:
    """All that must be the same in two stores that took in the same artefacts."""

    totals: dict[str, int]
    artefacts: Counter[tuple[str, str]]  # name and hash
    states: Counter[tuple[str, str]]  # hash and state
    reports: Counter[tuple[str, str, str]]  # identity, content, state
    lines: list[tuple[Any, ...]]
    spool: frozenset[str]


def facts(root: Path) -> Facts:
    """The facts of a store at rest; fails where ledger, table and spool do not agree with each other."""
    with StoreFiles(root, SMALL) as store:
        ledger = store.ledger
        totals = ledger.totals()
        artefacts = ledger.rows("SELECT name, sha256, state FROM artefacts")
        reports = ledger.rows("SELECT identity, content, state FROM reports")
        expected = {
            row["report_key"]: (row["records"], row["messages"])
            for row in ledger.rows("SELECT report_key, records, messages FROM reports WHERE state = 'stored'")
        }
        found = {
            row["report_key"]: (row["lines"], int(row["messages"]))
            for row in ask(
                store, "SELECT report_key, count(*) AS lines, coalesce(sum(count), 0) AS messages FROM records GROUP BY report_key"
            )
        }
        assert found == {key: value for key, value in expected.items() if value[0]}, "ledger and table differ"
        assert totals["received"] == 0, "an artefact is not finished"
        assert ledger.pending_batches() == [], "a batch is undecided"
        settled = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in store.spool.settled()}
        assert all(name == digest for name, digest in settled.items()), "a file of the spool is not what its name says"
        left = [path for path in (root / "spool" / "incoming").iterdir() if not path.name.startswith(".")]
        assert left == [], "a run's folder is left"
    return Facts(
        totals,
        Counter((row["name"], row["sha256"]) for row in artefacts),
        Counter((row["sha256"], row["state"]) for row in artefacts),
        Counter(tuple(row) for row in reports),
        table_lines(root),
        frozenset(settled),
    )
