"""Who sends as a domain: a line per sender, and what lies behind one of them."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from arro3.core import RecordBatch, Schema, Table

from dmarcscope.analysis.roll_up import lines
from dmarcscope.errors import SetupError
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.meant import Meant
from dmarcscope.model.sender_line import Senders
from dmarcscope.ops.ask import resolved
from dmarcscope.ops.classified import Classified, classified
from dmarcscope.ops.today import with_today
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables import classifying, queries, sender_questions
from dmarcscope.tables.columns import SENDERS_SCHEMA, VERDICT_COLUMNS
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows, table_of

RECENT = timedelta(days=30)
"""What is looked at where no time is asked for: a month, up to the newest report."""


def senders(store: StoreFiles, which: Filter, knowledge: Knowledge) -> Senders:
    """A line per sender of the time asked for (the last month of data if none is), compared with as long a time before it."""
    store.require()
    which = recent(store, resolved(store, which))
    first = before(store, which)
    judged = classified(store, replace(which, since=first), knowledge)
    since = which.since if first is not None else None
    has_before = first is not None and first != which.since
    found = rows(judged.ask(*sender_questions.senders(since)))
    begin, end = replace(judged, which=which).period
    return Senders(
        domain=which.domain,
        begin=begin,
        end=end,
        has_before=has_before,
        lines=tuple(lines(found, judged.known, knowledge.catalogue, has_before=has_before)),
        catalogue=knowledge.catalogue.version,
        attribution=knowledge.networks.attribution,
    )


def as_table(found: Senders, limit: int | None = None) -> Table:
    """The lines as a table; columns as in `columns.SENDER_COLUMNS`."""
    lines = [{**asdict(line), "class": line.sender_class.value} for line in found.lines[:limit]]
    return table_of(lines, SENDERS_SCHEMA)


def recent(store: StoreFiles, which: Filter) -> Filter:
    """The filter, with the last month of data where it does not say from when on."""
    if which.since is not None:
        return which
    newest = newest_moment(store, which)
    return replace(which, since=midnight(newest - RECENT + timedelta(seconds=1))) if newest else which


def before(store: StoreFiles, which: Filter) -> datetime | None:
    """From when on records are to be judged so that a time before as long as that asked for is, too; the same, where there is none."""
    end = newest_moment(store, which)
    if which.since is None or end is None or end <= which.since:
        return which.since
    # Reporters end a day at 23:59:59 or at midnight.
    last = end + timedelta(seconds=1)
    until = min(which.until or last, last)
    earlier = which.since - (until - which.since)
    # A time before of which there are only some days would make everybody look new.
    first_day = replace(which, since=earlier, until=earlier + timedelta(days=1))
    return earlier if newest_moment(store, first_day) is not None else which.since


def newest_moment(store: StoreFiles, which: Filter) -> datetime | None:
    """The end of the last period of a filter."""
    found: datetime | None = rows(store.engine.ask(*classifying.newest(which)))[0]["newest"]
    return found


def midnight(moment: datetime) -> datetime:
    """The begin of its day, UTC."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def behind(store: StoreFiles, which: Filter, knowledge: Knowledge, meant: Meant, by: str) -> Table:
    """The mail of a sender, summed by source or something else; columns as in `queries.SOURCES_MEANINGS`."""
    store.require()
    judged = classified(store, recent(store, resolved(store, which)), knowledge)
    known_sender(judged, meant.sender)
    return with_today(store, judged.ask(*sender_questions.by_group(by, meant)), by, judged.which)


def records(
    store: StoreFiles, which: Filter, knowledge: Knowledge, meant: Meant, limit: int | None = None
) -> tuple[Schema, Iterable[RecordBatch]]:
    """The lines of the record table with class, sender, rule and confidence, piece by piece, in the order of their reports."""
    judged = classified(store, which, knowledge)
    known_sender(judged, meant.sender)
    where, values = sender_questions.of(meant)
    names = ", ".join(f'"{name}"' for name in (*queries.RECORD_ORDER, *(column.name for column in VERDICT_COLUMNS)))
    sql = f"SELECT {names} FROM classified {where} ORDER BY report_key, line"  # noqa: S608 (own words; values bound)
    return judged.stream(f"{sql} LIMIT {limit:d}" if limit is not None else sql, values)


def count(store: StoreFiles, which: Filter, knowledge: Knowledge, meant: Meant) -> int:
    """How many lines there are."""
    where, values = sender_questions.of(meant)
    found: Any = rows(classified(store, which, knowledge).ask(f"SELECT count(*) AS lines FROM classified {where}", values))  # noqa: S608
    return int(found[0]["lines"])


def known_sender(judged: Classified, sender: str | None) -> None:
    """Raises SetupError where nobody of that name sends, with the names that are like it."""
    if sender is None:
        return
    names = {name.casefold(): name for name in sorted({name for name, _ in judged.known})}
    wanted = sender.casefold()
    if wanted in names:
        return
    from difflib import get_close_matches

    near = get_close_matches(wanted, names, 3, 0.4) or [name for name in names if wanted in name][:3] or list(names)[:5]
    shown = ", ".join(names[one] for one in near)
    raise SetupError(f"no sender is called {sender!r} in that time", fix=f"Names that there are: {shown}" if near else "")
