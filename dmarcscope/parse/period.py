"""Read the periods that people type: dates, ISO weeks, and spans back from now."""

import re
from datetime import UTC, date, datetime, time, timedelta

from dmarcscope.errors import SetupError

SPAN = re.compile(r"(\d{1,5})([hdwm])")
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1), "m": timedelta(days=30)}
WEEK = re.compile(r"(\d{4})-?W(\d{2})", re.IGNORECASE)
FORMS = "Give a date (2026-05-14), an ISO week (2026-W20), or a span back from now (30d, 12w, 6h, 3m)"


def first_moment(text: str, now: datetime) -> datetime:
    """The begin of what the text names, UTC. Raises SetupError.

    >>> first_moment("2026-W20", datetime(2026, 6, 1, tzinfo=UTC)).isoformat()
    '2026-05-11T00:00:00+00:00'
    """
    return bounds(text, now)[0]


def moment_after(text: str, now: datetime) -> datetime:
    """The end of what the text names, UTC, not belonging to it any more: a day and a week are taken whole. Raises SetupError.

    >>> moment_after("2026-05-14", datetime(2026, 6, 1, tzinfo=UTC)).isoformat()
    '2026-05-15T00:00:00+00:00'
    """
    return bounds(text, now)[1]


def bounds(text: str, now: datetime) -> tuple[datetime, datetime]:
    """Begin and end of what the text names; a span names the one moment so long ago."""
    value = text.strip()
    try:
        if span := SPAN.fullmatch(value):
            moment = now - int(span.group(1)) * UNITS[span.group(2)]
            return moment, moment
        if week := WEEK.fullmatch(value):
            monday = midnight(date.fromisocalendar(int(week.group(1)), int(week.group(2)), 1))
            return monday, monday + timedelta(weeks=1)
        if "T" in value or ":" in value:
            moment = datetime.fromisoformat(value)
            aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            return aware, aware
        day = midnight(date.fromisoformat(value))
        return day, day + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise SetupError(f"{text!r} is no date, week or span", fix=FORMS) from error


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
