"""What was last found out about sources, pairs of source and domain, keys and domains, in the ledger.

A check that could not be told never replaces one that was; it only says since when nothing new is known.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from dmarcscope.model.source_check import Check, KeyCheck, SourceCheck, SpfToday, WalkCheck
from dmarcscope.store.ledger import Ledger, time_text

FRESH = timedelta(hours=24)
"""How long a check is today's."""
RETRY = timedelta(minutes=15)
"""How long one that could not be told is left alone."""

# By kind: its table, and how many of its fields name it; the others but the last are what was found.
TABLES: dict[type[Check], tuple[str, int]] = {
    SourceCheck: ("sources", 1),
    SpfToday: ("spf_checks", 2),
    KeyCheck: ("keys", 2),
    WalkCheck: ("walks", 1),
}

Key = tuple[str, ...]


def names_of(kind: type[Check]) -> tuple[list[str], list[str]]:
    """The columns that name a check, and those with what was found."""
    names = [field.name for field in fields(kind)]
    count = TABLES[kind][1]
    return names[:count], names[count:-1]


def told_sql(kind: type[Check]) -> str:
    """Keep a check that was told."""
    keys, found = names_of(kind)
    every = [*keys, *found, "checked_at", "tried_at", "trouble"]
    changed = ", ".join(f"{name} = excluded.{name}" for name in every[len(keys) :])
    marks = ", ".join(["?"] * (len(every) - 1))
    return f"INSERT INTO {TABLES[kind][0]} ({', '.join(every)}) VALUES ({marks}, NULL) ON CONFLICT DO UPDATE SET {changed}"  # noqa: S608


def untold_sql(kind: type[Check]) -> str:
    """Note that a check could not be told; what was found before stays."""
    keys, _ = names_of(kind)
    marks = ", ".join(["?"] * (len(keys) + 2))
    return (
        f"INSERT INTO {TABLES[kind][0]} ({', '.join(keys)}, tried_at, trouble) VALUES ({marks})"  # noqa: S608 (own names)
        " ON CONFLICT DO UPDATE SET tried_at = excluded.tried_at, trouble = excluded.trouble"
    )


class Checks:
    """The part of a ledger about what the DNS says today. Raises StoreUnavailable or SetupError as the ledger does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def put(self, checks: Iterable[Check], now: datetime) -> None:
        """Keep what was found out, in one transaction."""
        at = time_text(now)
        with self._ledger.transaction() as connection:
            for check in checks:
                keys, found = names_of(type(check))
                named = [getattr(check, name) for name in keys]
                if check.trouble:
                    connection.execute(untold_sql(type(check)), (*named, at, check.trouble))
                else:
                    connection.execute(told_sql(type(check)), (*named, *(getattr(check, name) for name in found), at, at))

    def fresh(self, kind: type[Check], keys: Collection[Key], now: datetime, retry: timedelta = RETRY) -> set[Key]:
        """Those of the keys that need not be asked for now; what could not be told is asked for again after ``retry``."""
        table, _ = TABLES[kind]
        names, _ = names_of(kind)
        same = " AND ".join(f"t.{name} = json_extract(q.value, '$[{place}]')" for place, name in enumerate(names))
        rows = self._ledger.rows(
            f"SELECT {', '.join(f't.{name}' for name in names)} FROM json_each(?) AS q CROSS JOIN {table} AS t ON {same}"  # noqa: S608
            " WHERE t.tried_at > iif(t.trouble IS NULL, ?, ?) AND t.tried_at <= ?",
            (json.dumps(list(keys)), time_text(now - FRESH), time_text(now - retry), time_text(now + FRESH)),
        )
        return {tuple(row) for row in rows}

    def any(self) -> bool:
        """Whether anything was ever found out."""
        return bool(self._ledger.rows("SELECT 1 FROM sources UNION ALL SELECT 1 FROM keys LIMIT 1"))

    def of_sources(self, ips: Sequence[str]) -> dict[str, SourceCheck]:
        """The names of sources, where they are known."""
        found = self._about("SELECT ip, ptr_result, ptr_name, ptr_confirmed FROM sources", "ip", ips)
        return {row[0]: SourceCheck(row[0], row[1], row[2], bool(row[3])) for row in found}

    def of_spf(self, ips: Sequence[str]) -> dict[Key, SpfToday]:
        """What SPF says today of sources, by source and domain, where it is known."""
        found = self._about("SELECT ip, domain, result, term, path, reason FROM spf_checks", "ip", ips)
        return {(row[0], row[1]): SpfToday(*row) for row in found}

    def of_keys(self, domains: Sequence[str]) -> dict[Key, KeyCheck]:
        """The keys of domains, by domain and selector, where they are known."""
        found = self._about("SELECT domain, selector, state, algorithm, bits FROM keys", "domain", domains)
        return {(row[0], row[1]): KeyCheck(*row) for row in found}

    def _about(self, select: str, column: str, values: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        sql = f"{select} WHERE checked_at IS NOT NULL AND {column} IN (SELECT value FROM json_each(?))"  # noqa: S608 (own words)
        yield from (tuple(row) for row in self._ledger.rows(sql, (json.dumps(list(values)),)))
