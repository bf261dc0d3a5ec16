"""Read where reports are to go: the URIs in the ``rua`` and ``ruf`` tags of DMARC and TLS-RPT (RFC 9989 §4.6, §4.8; RFC 8460 §3)."""

import re
from collections.abc import Iterable, Iterator

from dmarcscope.model.dmarc_record import ReportUri
from dmarcscope.model.problem import Problem, Severity
from dmarcscope.parse.slips import listed

MAX_URIS = 100
"""URIs of one tag that are read: few records have more than three."""
MANY_URIS = 2
"""Receivers that follow RFC 7489 §6.2 may stop after so many; RFC 9989 §4.6 would have all served."""
MAX_ADDRESS = 254
"""Characters of an address (RFC 5321 §4.5.3.1.3: 256 with its angle brackets)."""

URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):([\x21-\x7e]+)")
SIZE_LIMIT = re.compile(r"(.*)!([0-9]{1,20}[kmgtKMGT]?)\s*", re.DOTALL)
ADDRESS = re.compile(r"[^\s@<>(),:;\"\[\]\\]{1,64}@([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+)\.?")
ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
FORBIDDEN = set('<>"{}|\\^`')


def report_uris(value: str) -> tuple[ReportUri, ...]:
    """The URIs of a tag in order, at most MAX_URIS; empty ones are left out.

    >>> [(uri.address, uri.size_limit) for uri in report_uris("mailto:a@example.com!10m, mailto:b@example.com")]
    [('a@example.com', '10m'), ('b@example.com', '')]
    """
    # RFC 9989 §4.8: commas part URIs; within one they are percent-encoded.
    pieces = [piece.strip(" \t") for piece in value.split(",", MAX_URIS)[:MAX_URIS]]
    return tuple(report_uri(piece) for piece in pieces if piece)


def report_uri(text: str) -> ReportUri:
    """One URI, with its obsolete size limit taken off (RFC 9989 §4.8, obs-dmarc-uri)."""
    limited = SIZE_LIMIT.fullmatch(text)
    plain, limit = (limited.group(1), limited.group(2)) if limited else (text, "")
    found = URI.fullmatch(plain)
    if found is None or FORBIDDEN & set(plain) or "!" in plain:
        return ReportUri(plain, found.group(1).lower() if found else "", "", "", is_valid=False, size_limit=limit)
    scheme = found.group(1).lower()
    if scheme != "mailto":
        return ReportUri(plain, scheme, "", "", is_valid=True, size_limit=limit)
    address = ENCODED.sub(character, found.group(2).partition("?")[0])
    good = ADDRESS.fullmatch(address) if len(address) <= MAX_ADDRESS and not address.startswith("//") else None
    if good is None:
        return ReportUri(plain, scheme, "", "", is_valid=False, size_limit=limit)
    return ReportUri(plain, scheme, address, good.group(1).lower(), is_valid=True, size_limit=limit)


def character(encoded: re.Match[str]) -> str:
    """The character that a percent-encoding stands for (RFC 3986 §2.1)."""
    return chr(int(encoded.group(1), 16))


def uri_problems(name: str, value: str, uris: Iterable[ReportUri], section: str) -> Iterator[Problem]:
    """What is wrong with the URIs of the tag of that name."""
    every = list(uris)
    if not every:
        yield Problem(Severity.ERROR, "empty-uris", f"«{name}» names nobody", section)
    for uri in every:
        yield from one_uri(name, uri, section)
    if len({uri.text.lower() for uri in every}) < len(every):
        yield Problem(Severity.NOTE, "repeated-uri", f"«{name}» names somebody twice", section)
    if len(every) > MANY_URIS:
        what = f"«{name}» has {len(every)} addresses; some receivers send to the first {MANY_URIS} only"
        yield Problem(Severity.NOTE, "many-uris", what, "RFC 7489 §6.2")
    if re.search(r",[ \t]*(,|\Z)", value):
        yield Problem(Severity.WARNING, "empty-uri", f"«{name}» has a comma without an address after it", section)


def one_uri(name: str, uri: ReportUri, section: str) -> Iterator[Problem]:
    """What is wrong with one URI."""
    shown = listed([uri.text])
    if uri.size_limit:
        what = f"the size limit «!{uri.size_limit}» in «{name}» is obsolete; receivers ignore it"
        yield Problem(Severity.NOTE, "size-limit", what, "RFC 9989 §4.8", uri.text)
    if not uri.scheme and ADDRESS.fullmatch(uri.text.strip("<>")):
        what = f"{shown} in «{name}» is an address without «mailto:», and no report is sent there"
        yield Problem(Severity.ERROR, "no-mailto", what, section, f"{name}=mailto:{uri.text.strip('<>')}")
    elif not uri.is_valid:
        yield Problem(
            Severity.ERROR, "bad-uri", f"{shown} in «{name}» {why_bad(uri.text)}; no report is sent there", section, better(uri.text)
        )
    elif not uri.is_deliverable and uri.scheme != "https":
        what = f"{shown} in «{name}» is no «mailto:» address; hardly any receiver sends reports otherwise"
        yield Problem(Severity.WARNING, "not-deliverable", what, section)


def why_bad(text: str) -> str:
    """What keeps a text from being a URI that reports can go to."""
    if "!" in text:
        return "has an exclamation mark that is not written %21"
    if re.match(r"mailto:\s|mailto\s", text, re.IGNORECASE) or " " in text:
        return "has a blank in it"
    if text.lower().startswith("mailto:/"):
        return "has slashes after «mailto:»"
    return "is no address" if text.lower().startswith("mailto:") else "is no URI"


def better(text: str) -> str:
    """The URI as it was probably meant, or empty."""
    found = re.fullmatch(r"(?:mailto\s*[:=]?\s*/*\s*)+(.*)", text.strip(), re.IGNORECASE | re.DOTALL)
    address = re.sub(r"\s+", "", found.group(1)) if found and len(text) <= MAX_ADDRESS * 2 else ""
    return f"mailto:{address}" if ADDRESS.fullmatch(address) else ""
