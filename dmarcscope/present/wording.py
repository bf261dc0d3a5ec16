"""How things are worded and numbers written, in one place; and how a stranger's text is made harmless for a terminal."""

import re
from datetime import datetime

# C0 and C1 controls (a terminal obeys them), and the marks that turn the direction of text or hide in it.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def safe(text: object, width: int = 200) -> str:
    """A stranger's text for a terminal: what the terminal would obey is shown as its code, and a long text is cut.

    >>> safe("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    shown = UNSAFE.sub(lambda match: f"\\x{ord(match[0]):02x}" if ord(match[0]) < 256 else f"\\u{ord(match[0]):04x}", str(text))
    return shown if len(shown) <= width else shown[: width - 1] + "…"


def number(value: int) -> str:
    """A whole number with thousands apart.

    >>> number(1234567)
    '1,234,567'
    """
    return f"{value:,}"


def share(part: int, whole: int) -> str:
    """A share in percent; never rounded up to all or down to nothing.

    >>> share(999, 1000), share(1, 100000), share(0, 0)
    ('99.9 %', '<0.1 %', '–')
    """
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "<0.1 %"
    if 99.9 < percent < 100:
        return ">99.9 %"
    return f"{percent:.0f} %" if percent in {0.0, 100.0} else f"{percent:.1f} %"


def day(moment: datetime | None) -> str:
    """A day in UTC."""
    return f"{moment:%Y-%m-%d}" if moment else "–"


def minute(moment: datetime | None) -> str:
    """A time to the minute, UTC."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "–"


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "report"), counted(2, "report")
    ('1 report', '2 reports')
    """
    return f"{number(count)} {one if count == 1 else many or one + 's'}"
