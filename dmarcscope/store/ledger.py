"""The ledger: one SQLite file that accounts for every artefact, report and batch.

States of an artefact: received → stored | duplicate | superseded | sidelined | ignored, each with a reason. The methods are the steps of
DESIGN's «exactly once»; each is one transaction. Times are aware UTC datetimes outside and ISO text inside.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dmarcscope.errors import SetupError, StoreUnavailable
from dmarcscope.intake.mail_name import MailName
from dmarcscope.store.spool import FOUND_NAME, Spooled

SCHEMA = ("schema.sql", "schema-2.sql", "schema-3.sql", "schema-4.sql")
"""Each file brings a ledger from one schema to the next; they only ever add."""
SCHEMA_VERSION = len(SCHEMA)
FAULTS = (sqlite3.OperationalError, sqlite3.DatabaseError)  # of the world; their other kinds are bugs of ours
FINAL_STATES = ("stored", "duplicate", "superseded", "sidelined", "ignored")


@dataclass(frozen=True, slots=True)
class Artefact:
    """One line of the ledger about something received."""

    artefact_id: int
    sha256: str
    name: str
    state: str
    received_at: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an artefact, and why."""

    artefact_id: int
    state: str
    reason: str | None = None
    refused: int = 0


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """What the ledger notes about a report; ``records`` and ``messages`` are what the table must hold of it."""

    artefact_id: int
    member: str
    identity: str
    content: str
    reporter: str | None
    email: str | None
    report_id: str | None
    policy_domain: str | None
    period_begin: int | None
    period_end: int | None
    dialect: str
    records: int
    messages: int
    defects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A report that the ledger has already, found by its identity."""

    report_key: int
    identity: str
    content: str
    state: str
    artefact_id: int


class Ledger:
    """The ledger file of one store. ``patience``: seconds to wait for another process that writes."""

    def __init__(self, path: Path, patience: float) -> None:
        self.path = path
        self._patience = patience
        self._connection: sqlite3.Connection | None = None

    def create(self) -> None:
        """Make the file and its tables, if they are not there."""
        with self.transaction() as connection:
            if schema_of(connection) == 0:
                grow(connection, 0)

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection. Raises SetupError if the file is none of ours."""
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"cannot open the ledger ({error})", where=str(self.path)) from error
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._bring_up(connection)
        except sqlite3.DatabaseError as error:
            connection.close()
            if primary(error) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN) and self.path.exists():
                return self._open_read_only(error)
            raise self._trouble(error, "opened") from error
        except SetupError:
            connection.close()
            raise
        connection.row_factory = sqlite3.Row
        return connection

    def _open_read_only(self, reason: sqlite3.DatabaseError) -> sqlite3.Connection:
        """A ledger on a read-only disk can still be read; a later write fails with a clear error."""
        journal = self.path.with_name(f"{self.path.name}-wal")
        if journal.exists() and journal.stat().st_size:
            # Read without its journal, the ledger would tell an older story.
            raise StoreUnavailable(
                f"the ledger has an open journal that cannot be read here ({reason})",
                where=str(journal),
                fix="Make the store writable once, and run dmarcscope status",
            ) from reason
        address = f"file:{quote(str(self.path.absolute()))}?mode=ro&immutable=1"
        connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
        try:
            self._check_version(connection)
        except sqlite3.DatabaseError as error:
            connection.close()
            raise self._trouble(error, "opened") from reason
        except SetupError:
            connection.close()
            raise
        connection.row_factory = sqlite3.Row
        return connection

    def _bring_up(self, connection: sqlite3.Connection) -> None:
        """Add what a ledger of an earlier dmarcscope lacks, all or nothing."""
        self._check_version(connection, oldest=1)
        if 0 < schema_of(connection) < SCHEMA_VERSION:
            connection.execute("BEGIN IMMEDIATE")
            try:
                grow(connection, schema_of(connection))  # asked again: another process may have been faster
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    def _check_version(self, connection: sqlite3.Connection, oldest: int = SCHEMA_VERSION) -> None:
        version = schema_of(connection)
        if version and not oldest <= version <= SCHEMA_VERSION:
            newer = "a newer dmarcscope" if version > SCHEMA_VERSION else "this dmarcscope once where the store can be written"
            raise SetupError(
                f"the store has schema {version}; this dmarcscope knows schema {SCHEMA_VERSION}", where=str(self.path), fix=f"Use {newer}"
            )

    def _trouble(self, error: sqlite3.DatabaseError, done: str) -> StoreUnavailable | SetupError:
        """Whose fault it is that the ledger cannot be opened, read or written."""
        if primary(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return SetupError(f"not a ledger, or damaged ({error})", where=str(self.path), fix="Restore it from a backup")
        return StoreUnavailable(f"the ledger cannot be {done} ({error})", where=str(self.path), fix="Nothing is lost; try again")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, durable at its end. Raises StoreUnavailable if the ledger is locked, full or read-only."""
        connection = self.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk makes SQLite roll back by itself
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.DatabaseError as error:
            if type(error) not in FAULTS:
                raise  # IntegrityError and the like are bugs
            raise self._trouble(error, "written") from error

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """The answer to a question. Raises StoreUnavailable if the ledger cannot be read now, SetupError if it is damaged."""
        try:
            return self.connection.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            if type(error) not in FAULTS:
                raise
            raise self._trouble(error, "read") from error

    def state(self) -> tuple[int, int]:
        """What changes with every change of the ledger, by this process or another; for remembering what was made of it."""
        return self.rows("PRAGMA data_version")[0][0], self.connection.total_changes

    def is_made(self) -> bool:
        """Whether the file is there and has its tables."""
        return self.path.exists() and bool(self.rows("SELECT 1 FROM sqlite_schema WHERE name = 'facts'"))

    # Step 2: what has been received.

    def receive(self, spooled: Sequence[Spooled], run: str) -> list[Artefact]:
        """Note artefacts as received; one that came before under the same name keeps its line, with one more arrival.

        Returns those lines that this run has to work on or to count, in the order given.
        """
        with self.transaction() as connection:
            # What was found without a name gets the first name under which it comes again.
            connection.executemany(
                "UPDATE OR IGNORE artefacts SET name = ? WHERE sha256 = ? AND name = ?",
                [(one.name, one.sha256, FOUND_NAME) for one in spooled],
            )
            connection.executemany(
                "INSERT INTO artefacts (sha256, name, size, state, received_at, last_seen_at, run, mail_from, mail_verified, mail_reason)"
                " VALUES (?, ?, ?, 'received', ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (sha256, name) DO UPDATE SET arrivals = arrivals + 1, last_seen_at = excluded.last_seen_at,"
                " run = iif(state = 'received', excluded.run, run), mail_from = coalesce(excluded.mail_from, mail_from),"
                " mail_verified = coalesce(excluded.mail_verified, mail_verified),"
                " mail_reason = coalesce(excluded.mail_reason, mail_reason)",
                [arrival_values(one, run) for one in spooled],
            )
            artefacts = [self._artefact(connection, one) for one in spooled]
            note_mails(connection, artefacts)
            return artefacts

    def _artefact(self, connection: sqlite3.Connection, spooled: Spooled) -> Artefact:
        row = connection.execute(
            "SELECT artefact_id, state, received_at FROM artefacts WHERE sha256 = ? AND name = ?", (spooled.sha256, spooled.name)
        ).fetchone()
        return Artefact(row["artefact_id"], spooled.sha256, spooled.name, row["state"], row["received_at"])

    def unfinished(self, alive: set[str]) -> list[Artefact]:
        """Artefacts that were received by runs that are no more."""
        rows = self.rows(
            "SELECT artefact_id, sha256, name, state, received_at, run FROM artefacts WHERE state = 'received' ORDER BY artefact_id"
        )
        return [Artefact(*row[:5]) for row in rows if row["run"] not in alive]

    def artefacts(self, states: Iterable[str], *, with_refused: bool) -> list[Artefact]:
        """Artefacts in those states, oldest first, each content once; on wish also those of which a member was refused."""
        rows = self.rows(
            "SELECT artefact_id, sha256, name, state, received_at, refused FROM artefacts"
            " WHERE artefact_id IN (SELECT min(artefact_id) FROM artefacts GROUP BY sha256) ORDER BY artefact_id"
        )
        wanted = set(states)
        return [Artefact(*row[:5]) for row in rows if row["state"] in wanted or (with_refused and row["refused"])]

    def first_with_bytes(self, sha256: str, before: int) -> Artefact | None:
        """The earliest other artefact with the same bytes, if there is one that came before."""
        rows = self.rows(
            "SELECT artefact_id, sha256, name, state, received_at FROM artefacts"
            " WHERE sha256 = ? AND artefact_id < ? ORDER BY artefact_id LIMIT 1",
            (sha256, before),
        )
        return Artefact(*rows[0]) if rows else None

    def still_received(self, artefact_ids: Iterable[int]) -> set[int]:
        """Those of the artefacts that nobody has finished meanwhile."""
        rows = self.rows(
            "SELECT artefact_id FROM artefacts WHERE state = 'received' AND artefact_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(artefact_ids)),),
        )
        return {row[0] for row in rows}

    # Steps 4 and 6: the batch, pending and stored.

    def known_reports(self, identities: Iterable[str], artefact_ids: Iterable[int]) -> list[Known]:
        """What the ledger has under these identities or of these artefacts."""
        found: dict[int, Known] = {}
        for column, values in (("identity", identities), ("artefact_id", artefact_ids)):
            rows = self.rows(
                "SELECT report_key, identity, content, state, artefact_id FROM reports"  # noqa: S608 (column names of our own)
                f" WHERE {column} IN (SELECT value FROM json_each(?))",
                (json.dumps(list(values)),),
            )
            found.update((row["report_key"], Known(*row)) for row in rows)
        return list(found.values())

    def begin_batch(self, entries: Sequence[ReportEntry], replaces: Sequence[int], now: datetime) -> tuple[int, list[int]]:
        """Note a batch and its reports as pending. Returns the batch and the keys of the reports, in order."""
        with self.transaction() as connection:
            batch = connection.execute(
                "INSERT INTO batches (state, started_at, replaces) VALUES ('pending', ?, ?)",
                (time_text(now), json.dumps(list(replaces))),
            ).lastrowid
            keys = [insert_report(connection, entry, "pending", batch) for entry in entries]
        return int(batch or 0), keys

    def finish_batch(self, batch: int, verdicts: Sequence[Verdict], aside: Sequence[tuple[ReportEntry, str]], now: datetime) -> None:
        """The table has the batch: its reports are stored, those it replaces are not, and the artefacts get their verdicts.

        ``aside``: reports that add nothing to the table, with their states.
        """
        with self.transaction() as connection:
            mark_stored(connection, batch, now)
            for entry, state in aside:
                insert_report(connection, entry, state, None)
            pass_verdicts(connection, verdicts)

    def finish(self, verdicts: Sequence[Verdict], aside: Sequence[tuple[ReportEntry, str]]) -> None:
        """Artefacts that add nothing to the table get their verdicts."""
        with self.transaction() as connection:
            for entry, state in aside:
                insert_report(connection, entry, state, None)
            pass_verdicts(connection, verdicts)

    def pending_batches(self) -> list[int]:
        """Batches of which it is not known whether the table has them."""
        return [row[0] for row in self.rows("SELECT batch FROM batches WHERE state = 'pending' ORDER BY batch")]

    def abandon_batch(self, batch: int) -> None:
        """The table never got the batch: forget its reports; their artefacts are still 'received'."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM reports WHERE batch = ? AND state = 'pending'", (batch,))
            connection.execute("UPDATE batches SET state = 'abandoned' WHERE batch = ?", (batch,))

    def confirm_batch(self, batch: int, now: datetime) -> None:
        """The table has the batch, although the run that wrote it died before it could say so."""
        with self.transaction() as connection:
            mark_stored(connection, batch, now)

    # Replay: an artefact is read anew.

    def reopen(self, artefact_ids: Sequence[int], run: str) -> None:
        """Set artefacts back to 'received', so that they are worked on again; their duplicates are to be found anew."""
        with self.transaction() as connection:
            connection.executemany(
                "DELETE FROM reports WHERE state = 'duplicate' AND artefact_id = ?",
                [(artefact_id,) for artefact_id in artefact_ids],
            )
            connection.executemany(
                "UPDATE artefacts SET state = 'received', reason = NULL, refused = 0, run = ? WHERE artefact_id = ?",
                [(run, artefact_id) for artefact_id in artefact_ids],
            )

    def totals(self, since: str = "", until: str = "~") -> dict[str, int]:
        """How many artefacts that arrived in that time are in which state, and the sums of their stored reports."""
        counts: dict[str, int] = dict.fromkeys(("received", *FINAL_STATES), 0)
        arrived = "received_at >= ? AND received_at < ?"
        for row in self.rows(
            f"SELECT state, count(*) FROM artefacts WHERE {arrived} GROUP BY state",  # noqa: S608 (own words)
            (since, until),
        ):
            counts[row[0]] = row[1]
        ((reports, records, messages),) = self.rows(
            "SELECT count(*), coalesce(sum(records), 0), coalesce(sum(messages), 0)"  # noqa: S608 (own words)
            f" FROM reports JOIN artefacts USING (artefact_id) WHERE reports.state = 'stored' AND {arrived}",
            (since, until),
        )
        return {"artefacts": sum(counts.values()), **counts, "reports": reports, "records": records, "messages": messages}


def schema_of(connection: sqlite3.Connection) -> int:
    """The schema of a ledger, 0 if it has no tables yet."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'facts'").fetchone():
        return 0
    return int(connection.execute("SELECT value FROM facts WHERE name = 'schema'").fetchone()[0])


def grow(connection: sqlite3.Connection, version: int) -> None:
    """Bring a ledger from a schema to the newest; the caller holds a transaction."""
    for name in SCHEMA[version:]:
        for statement in files("dmarcscope.store").joinpath(name).read_text().split(";\n"):
            connection.execute(statement)
    connection.execute("INSERT OR REPLACE INTO facts VALUES ('schema', ?)", [str(SCHEMA_VERSION)])


REPORT_FIELDS = (
    "artefact_id", "member", "identity", "content", "reporter", "email", "report_id", "policy_domain",
    "period_begin", "period_end", "dialect", "records", "messages",
)  # fmt: skip
INSERT_REPORT = (
    f"INSERT INTO reports ({', '.join(REPORT_FIELDS)}, defects, state, batch)"  # noqa: S608 (names of our own)
    f" VALUES ({', '.join('?' * (len(REPORT_FIELDS) + 3))})"
)


def arrival_values(one: Spooled, run: str) -> tuple[Any, ...]:
    """An artefact as its line of the ledger begins."""
    at, origin = time_text(one.received_at), one.origin
    told = (None, None, None) if origin is None else (origin.author_domain, origin.verified, origin.reason)
    return (one.sha256, one.name, one.size, at, at, run, *told)


def note_mails(connection: sqlite3.Connection, artefacts: Iterable[Artefact]) -> None:
    """Note which messages of mailboxes the artefacts are; their names tell."""
    names = [(MailName.parse(artefact.name), artefact.artefact_id) for artefact in artefacts]
    connection.executemany(
        "INSERT INTO mails (account, folder, uidvalidity, uid, artefact_id) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET artefact_id = excluded.artefact_id,"
        " settled = iif(settled = 'unfetchable', NULL, settled), reason = iif(settled = 'unfetchable', NULL, reason)",
        [(name.account, name.folder, name.uidvalidity, name.uid, artefact_id) for name, artefact_id in names if name],
    )


def insert_report(connection: sqlite3.Connection, entry: ReportEntry, state: str, batch: int | None) -> int:
    values: list[Any] = [getattr(entry, name) for name in REPORT_FIELDS]
    defects = json.dumps(entry.defects, ensure_ascii=False) if entry.defects else "[]"
    return int(connection.execute(INSERT_REPORT, (*values, defects, state, batch)).lastrowid or 0)


def mark_stored(connection: sqlite3.Connection, batch: int, now: datetime) -> None:
    """A batch is in the table. What it replaced is gone if it was an earlier reading of the same artefact, else superseded."""
    connection.execute("UPDATE batches SET state = 'stored', stored_at = ? WHERE batch = ?", (time_text(now), batch))
    connection.execute("UPDATE reports SET state = 'stored' WHERE batch = ? AND state = 'pending'", (batch,))
    replaced = [row[0] for row in connection.execute(
        "SELECT value FROM json_each((SELECT replaces FROM batches WHERE batch = ?))", (batch,)
    )]  # fmt: skip
    for key in replaced:
        connection.execute(
            "DELETE FROM reports WHERE report_key = ? AND EXISTS (SELECT 1 FROM reports AS new WHERE new.batch = ?"
            " AND new.artefact_id = reports.artefact_id AND new.member = reports.member)",
            (key, batch),
        )
        connection.execute("UPDATE reports SET state = 'superseded' WHERE report_key = ?", (key,))
        connection.execute(
            "UPDATE artefacts SET state = 'superseded', reason = 'a later version of the same report counts'"
            " WHERE state = 'stored' AND artefact_id = (SELECT artefact_id FROM reports WHERE report_key = ?)"
            " AND NOT EXISTS (SELECT 1 FROM reports AS other"
            " WHERE other.artefact_id = artefacts.artefact_id AND other.state = 'stored')",
            (key,),
        )


def pass_verdicts(connection: sqlite3.Connection, verdicts: Sequence[Verdict]) -> None:
    connection.executemany(
        "UPDATE artefacts SET state = ?, reason = ?, refused = ?, run = NULL WHERE artefact_id = ?",
        [(verdict.state, verdict.reason, verdict.refused, verdict.artefact_id) for verdict in verdicts],
    )


def primary(error: sqlite3.DatabaseError) -> int:
    """SQLite's own code for an error, without its details."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def time_text(moment: datetime) -> str:
    """An aware time as the ledger writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
