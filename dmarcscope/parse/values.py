"""What one piece of text in a report means: numbers, times, addresses, domains and words, each with what is odd about it.

Every reader takes the text as written and returns the value and the problem, if any. Nothing raises: a value that cannot be
understood is None (or stays as written where the column is text), and the problem says why.
"""

import re
import socket
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from dmarcscope.model.words import (
    Disposition,
    DkimResult,
    Policy,
    ReasonType,
    SpfResult,
    SpfScope,
)

MAX_TEXT = 4096
"""Characters kept of one value: the longest real human_result seen is under 600; strangers may send a megabyte."""
MAX_COUNT = 2**53
"""Above this no count is believed: nobody reports nine quadrillion messages, and sums must stay exact everywhere."""


class Reading(NamedTuple):
    """What a text means, and what is odd about it (None if nothing is)."""

    value: Any
    problem: str | None = None


Reader = Callable[[str], Reading]

SPELLED = "written otherwise than in its plain form"
UNKNOWN = "not a word of the standard; kept as written"


def text(raw: str) -> Reading:
    """Free text: outer blanks removed, at most MAX_TEXT characters; empty is None.

    >>> text("  a b ").value, text(" ").value
    ('a b', None)
    """
    value = raw.strip()
    if len(value) > MAX_TEXT:
        return Reading(value[:MAX_TEXT], f"cut after {MAX_TEXT} of {len(value)} characters")
    return Reading(value or None)


def word(known: Iterable[str]) -> Reader:
    """A reader for a closed word list: blanks and case do not matter, an unknown word stays as written."""
    words = frozenset(known)

    def read(raw: str) -> Reading:
        value = raw.strip()
        plain = value.lower()
        if plain in words:
            return Reading(plain, None if plain == value else SPELLED)
        if not value:
            return Reading(None, "empty")
        return Reading(value[:MAX_TEXT], UNKNOWN)

    return read


# policy_evaluated says pass or fail (RFC 9990 DMARCResultType). Some reporters write the raw SPF or DKIM result there: all that
# are no pass mean «not aligned»; none of them may ever become a pass.
VERDICTS = {"pass": True, "fail": False}
RAW_RESULTS = {*DkimResult, *SpfResult, "hardfail"} - VERDICTS.keys()


def verdict(raw: str) -> Reading:
    """``dkim`` or ``spf`` under policy_evaluated: True, False, or None when it says nothing that can be understood.

    >>> verdict("pass").value, verdict("none").value, verdict("").value
    (True, False, None)
    """
    value = raw.strip()
    plain = value.lower()
    if plain in VERDICTS:
        return Reading(VERDICTS[plain], None if plain == value else SPELLED)
    if plain in RAW_RESULTS:
        return Reading(False, "a raw result in place of pass or fail; read as not aligned")
    return Reading(None, "neither pass nor fail; verdict unknown" if value else "empty; verdict unknown")


INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
DECIMAL = re.compile(r"([+-]?[0-9]{1,30})\.(0*)")


def count(raw: str) -> Reading:
    """A number of messages; what is missing, negative or absurd counts none and is said.

    >>> count(" 4.0 ").value, count("-3").value, count("many").value, count("0")
    (4, None, None, Reading(value=0, problem='no messages at all'))
    """
    value = raw.strip()
    decimal = DECIMAL.fullmatch(value)
    digits = decimal.group(1) if decimal else value
    if not INTEGER.fullmatch(digits):
        return Reading(None, "not a whole number; adds no messages" if value else "empty; adds no messages")
    number = int(digits)
    if number < 0:
        return Reading(None, "negative; adds no messages")
    if number > MAX_COUNT:
        return Reading(None, f"larger than {MAX_COUNT}; adds no messages")
    if number == 0:
        return Reading(0, "no messages at all")
    return Reading(number, None if digits == raw else SPELLED)


WRAPPED_IP = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+):\d{1,5}|([0-9A-Fa-f:.]+)[%/].*")


def source_ip(raw: str) -> Reading:
    """An IP address in canonical text form (RFC 5952); IPv4-mapped ones as IPv4; anything else stays as written.

    >>> source_ip("[2001:DB8::1]:25").value, source_ip("::ffff:192.0.2.1").value, source_ip("unknown").value
    ('2001:db8::1', '192.0.2.1', 'unknown')
    """
    plain = canonical_ip(raw)
    if plain is not None:
        return Reading(plain, None if plain == raw else SPELLED)
    value = raw.strip()
    wrapped = WRAPPED_IP.fullmatch(value)
    plain = canonical_ip((wrapped.group(1) or wrapped.group(2) or wrapped.group(3)) if wrapped else value)
    if plain is not None:
        return Reading(plain, SPELLED)
    return Reading(value[:MAX_TEXT] or None, "not an IP address; kept as written" if value else "empty")


def canonical_ip(value: str) -> str | None:
    """The canonical text of an address, or None. (inet_pton is several times faster than ipaddress and as strict.)"""
    try:
        if ":" not in value:
            socket.inet_pton(socket.AF_INET, value)
            return value
        packed = socket.inet_pton(socket.AF_INET6, value)
    except (OSError, ValueError):
        return None
    if packed.startswith(b"\0" * 10 + b"\xff\xff"):
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)


MAX_DOMAIN = 253  # RFC 1035 §2.3.4: 255 octets on the wire are 253 characters of text
PLAIN_DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


def domain(raw: str) -> Reading:
    """A domain name in lower-case A-labels without a final dot (RFC 5890 §2.3.2.1); what is none stays as written.

    >>> domain("Example.COM.").value, domain("bücher.example").value, domain("a@b.example").value
    ('example.com', 'xn--bcher-kva.example', 'a@b.example')
    """
    if len(raw) <= MAX_DOMAIN and PLAIN_DOMAIN.fullmatch(raw):
        return Reading(raw)
    value = raw.strip()
    if not value:
        return Reading(None, "empty")
    plain = value.lower().rstrip(".")
    if not plain.isascii():
        plain = a_labels(plain) or "" if len(plain) <= MAX_DOMAIN else ""
    if len(plain) <= MAX_DOMAIN and PLAIN_DOMAIN.fullmatch(plain):
        return Reading(plain, SPELLED)
    return Reading(value[:MAX_TEXT], "not a domain name; kept as written")


def a_labels(name: str) -> str | None:
    """A domain name with U-labels as A-labels (UTS 46 mapping, IDNA 2008), or None if it cannot be."""
    import idna  # few reports need it

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None


def optional_domain(raw: str) -> Reading:
    """A domain that may be empty: the null sender leaves ``envelope_from`` empty (RFC 5321 §4.5.5)."""
    return Reading(None) if raw.strip() in {"", "<>"} else domain(raw)


EPOCH = re.compile(r"([+-]?[0-9]{1,20})(?:\.[0-9]*)?")
MILLISECONDS = 10**11  # as seconds this is the year 5138; as milliseconds, 1973
LATEST = 253402300799  # 9999-12-31T23:59:59Z


def moment(raw: str) -> Reading:
    """A time: seconds since 1970 (RFC 9990 DateRangeType); also fractions, milliseconds and ISO 8601 text.

    >>> moment("1767225600.0").value.isoformat(), moment("1767225600000").value.year, moment("soon").value
    ('2026-01-01T00:00:00+00:00', 2026, None)
    """
    value = raw.strip()
    number = EPOCH.fullmatch(value)
    if not number:
        return iso_moment(value)
    seconds = int(number.group(1))
    problem = None if value == raw and value.isdigit() else SPELLED
    if seconds >= MILLISECONDS:
        seconds, problem = seconds // 1000, "milliseconds in place of seconds"
    if not 0 <= seconds <= LATEST:
        return Reading(None, "no believable time")
    return Reading(datetime.fromtimestamp(seconds, UTC), problem)


def iso_moment(value: str) -> Reading:
    """ISO 8601 text as a time; without an offset it is taken for UTC, as the standard's times are."""
    try:
        found = datetime.fromisoformat(value)
        aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return Reading(None, "not a time" if value else "empty")
    return Reading(aware.replace(microsecond=0), "ISO text in place of seconds since 1970")


disposition = word(Disposition)
policy_word = word(Policy)
alignment_mode = word(["r", "s"])
dkim_result = word(DkimResult)
spf_result = word(SpfResult)
spf_scope = word(SpfScope)
reason_type = word(ReasonType)
