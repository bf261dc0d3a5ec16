"""What the ledger knows of messages in mailboxes, and how it goes with each folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dmarcscope.intake.mail_name import MailName
from dmarcscope.store.ledger import Ledger, time_text


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of a mailbox as it is now: with another UIDVALIDITY it is another folder (RFC 9051 §2.3.1.1)."""

    account: str
    name: str
    uidvalidity: int

    @property
    def key(self) -> tuple[str, str, int]:
        """As the ledger names it."""
        return self.account, self.name, self.uidvalidity

    def mail(self, uid: int) -> MailName:
        """The name of a message in it."""
        return MailName(self.account, self.name, self.uidvalidity, uid)


@dataclass(frozen=True, slots=True)
class OpenMail:
    """A message that has its final state in the store, and with which nothing has been done yet."""

    uid: int
    state: str
    copying: bool


@dataclass(frozen=True, slots=True)
class FolderHealth:
    """How it goes with a folder: when all of it was last looked at, and what keeps it from being read since when (UTC, ISO)."""

    account: str
    folder: str
    looked_at: str | None
    trouble: str | None
    trouble_since: str | None


IN_FOLDER = "account = ? AND folder = ? AND uidvalidity = ?"
OPEN = "(settled IS NULL OR settled IN ('copying', 'unfetchable'))"  # to the letter as in the index over them

VERIFIED = """EXISTS (SELECT 1 FROM reports AS same JOIN artefacts AS bringing USING (artefact_id)
    WHERE same.identity = reports.identity AND same.content = reports.content AND bringing.mail_verified = 1)"""
"""Whether any mail that brought a report of `reports` is verified: the first to bring it may have been somebody else's."""


class Mails:
    """The part of a ledger about mailboxes. All methods raise StoreUnavailable or SetupError as the ledger does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def newest(self, folder: Folder) -> int:
        """The highest UID that is known, 0 for none. Messages are taken in the order of their UIDs; `known` tells of gaps below it."""
        return int(self._ledger.rows(f"SELECT coalesce(max(uid), 0) FROM mails WHERE {IN_FOLDER}", folder.key)[0][0])  # noqa: S608

    def known(self, folder: Folder, first: int, last: int) -> set[int]:
        """The UIDs from ``first`` to ``last`` that are known."""
        rows = self._ledger.rows(f"SELECT uid FROM mails WHERE {IN_FOLDER} AND uid BETWEEN ? AND ?", (*folder.key, first, last))  # noqa: S608
        return {row[0] for row in rows}

    def still_open(self, folder: Folder, states: Sequence[str], limit: int) -> list[OpenMail]:
        """Messages whose artefact is in one of the states, and with which nothing has been done yet; lowest UIDs first."""
        rows = self._ledger.rows(
            "SELECT uid, state, settled FROM mails JOIN artefacts USING (artefact_id)"  # noqa: S608 (own words)
            f" WHERE {IN_FOLDER} AND {OPEN} AND settled IS NOT 'unfetchable' AND state IN (SELECT value FROM json_each(?))"
            " ORDER BY uid LIMIT ?",
            (*folder.key, json.dumps(list(states)), limit),
        )
        return [OpenMail(row["uid"], row["state"], row["settled"] == "copying") for row in rows]

    def settle(self, folder: Folder, uids: Sequence[int], done: str, reason: str | None = None) -> None:
        """Note what has been done with messages."""
        with self._ledger.transaction() as connection:
            connection.executemany(
                f"UPDATE mails SET settled = ?, reason = ? WHERE {IN_FOLDER} AND uid = ?",  # noqa: S608 (own words)
                [(done, reason, *folder.key, uid) for uid in uids],
            )

    def let_go(self, folder: Folder) -> None:
        """Note that nothing can be done any more with messages of a folder that was made anew: their numbers mean nothing now."""
        with self._ledger.transaction() as connection:
            connection.execute(
                f"UPDATE mails SET settled = 'gone', reason = 'the folder was made anew' WHERE account = ? AND folder = ?"  # noqa: S608
                f" AND uidvalidity != ? AND {OPEN}",
                folder.key,
            )

    def leave(self, folder: Folder, uids: Sequence[int], reason: str) -> None:
        """Note messages that are no reports: nothing of them is kept, and they are left alone."""
        with self._ledger.transaction() as connection:
            connection.executemany(
                "INSERT INTO mails (account, folder, uidvalidity, uid, settled, reason) VALUES (?, ?, ?, ?, 'left', ?)"
                " ON CONFLICT DO UPDATE SET settled = 'left', reason = excluded.reason WHERE artefact_id IS NULL",
                [(*folder.key, uid, reason) for uid in uids],
            )

    def note_unfetchable(self, folder: Folder, uid: int, reason: str, retry_at: datetime) -> None:
        """Note that a message could not be fetched, and when to try again."""
        with self._ledger.transaction() as connection:
            connection.execute(
                "INSERT INTO mails (account, folder, uidvalidity, uid, settled, reason, tries, retry_at)"
                " VALUES (?, ?, ?, ?, 'unfetchable', ?, 1, ?)"
                " ON CONFLICT DO UPDATE SET settled = 'unfetchable', reason = excluded.reason, tries = tries + 1,"
                " retry_at = excluded.retry_at WHERE artefact_id IS NULL",
                (*folder.key, uid, reason, time_text(retry_at)),
            )

    def to_try_again(self, folder: Folder, now: datetime, limit: int) -> list[tuple[int, int]]:
        """Messages that could not be fetched and whose time has come: UID and tries so far; lowest UIDs first."""
        rows = self._ledger.rows(
            f"SELECT uid, tries FROM mails WHERE {IN_FOLDER} AND {OPEN} AND settled = 'unfetchable' AND retry_at <= ? ORDER BY uid"  # noqa: S608
            " LIMIT ?",
            (*folder.key, time_text(now), limit),
        )
        return [(row["uid"], row["tries"]) for row in rows]

    def counts(self) -> dict[tuple[str, str], dict[str, int]]:
        """How many messages of each folder are where: `settled`, or «open» for nothing done yet."""
        counts: dict[tuple[str, str], dict[str, int]] = {}
        for row in self._ledger.rows("SELECT account, folder, coalesce(settled, 'open') AS done, count(*) FROM mails GROUP BY 1, 2, 3"):
            counts.setdefault((row["account"], row["folder"]), {})[row["done"]] = row[3]
        return counts

    def looked(self, account: str, folder: str, now: datetime) -> None:
        """Note that all of a folder has been looked at, so that nothing is wrong with it."""
        with self._ledger.transaction() as connection:
            connection.execute(
                "INSERT INTO folders (account, folder, looked_at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
                " SET looked_at = excluded.looked_at, trouble = NULL, trouble_since = NULL",
                (account, folder, time_text(now)),
            )

    def troubled(self, account: str, folder: str, trouble: str, now: datetime) -> None:
        """Note what keeps a folder from being read; the time of the first such note stays."""
        with self._ledger.transaction() as connection:
            connection.execute(
                "INSERT INTO folders (account, folder, trouble, trouble_since) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET trouble = excluded.trouble, trouble_since = coalesce(trouble_since, excluded.trouble_since)",
                (account, folder, trouble, time_text(now)),
            )

    def health(self) -> list[FolderHealth]:
        """How it goes with every folder that was ever read from."""
        return [FolderHealth(*row) for row in self._ledger.rows("SELECT * FROM folders ORDER BY account, folder")]

    def unverified_reports(self) -> list[int]:
        """The keys of stored reports that no mail brought which came, verifiably, from its author domain."""
        return [row[0] for row in self._ledger.rows(f"SELECT report_key FROM reports WHERE state = 'stored' AND NOT {VERIFIED}")]  # noqa: S608

    def known_files(self, folder: str) -> dict[str, tuple[int, str]]:
        """Size and last arrival of every file below a folder that was taken in."""
        begin = folder.rstrip("/") + "/"
        rows = self._ledger.rows(
            "SELECT name, size, last_seen_at FROM artefacts WHERE name >= ? AND name < ?", (begin, begin[:-1] + chr(ord("/") + 1))
        )
        return {row["name"]: (row["size"], row["last_seen_at"]) for row in rows}

    def final_files(self, names: Sequence[str]) -> dict[str, tuple[str, str]]:
        """State and last arrival (UTC, ISO) of the artefacts, by name; the latest of each name counts, and only if its state is final."""
        rows = self._ledger.rows(
            "SELECT name, state, last_seen_at FROM artefacts WHERE name IN (SELECT value FROM json_each(?))"
            " ORDER BY last_seen_at, artefact_id",
            (json.dumps(list(names)),),
        )
        latest = {row["name"]: (row["state"], row["last_seen_at"]) for row in rows}
        return {name: told for name, told in latest.items() if told[0] != "received"}
