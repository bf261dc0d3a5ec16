"""Add an address to the ``rua`` or ``ruf`` tag of a DMARC record, and change nothing else of it (RFC 9989 §4.6, §4.7)."""

import re

from dmarcscope.parse.report_uri import report_uri, report_uris
from dmarcscope.parse.values import a_labels

# RFC 9989 §4.8: these would end the URI or its tag; RFC 6068 §2: these have a meaning in mailto.
ESCAPED = {char: f"%{ord(char):02X}" for char in '%,;!?&#/"'}


def mailto(address: str) -> str:
    """An address as a URI; empty for what is no address that reports can be sent to.

    >>> mailto("dmarc+x@Bücher.example"), mailto("mailto:a!b@example.com"), mailto("nobody")
    ('mailto:dmarc+x@xn--bcher-kva.example', 'mailto:a%21b@example.com', '')
    """
    local, _, domain = address.strip().removeprefix("mailto:").rpartition("@")
    domain = domain if domain.isascii() else a_labels(domain) or ""
    # Python's escapes would be escaped again: whoever hands in a percent sign means one.
    uri = f"mailto:{''.join(ESCAPED.get(char, char) for char in local)}@{domain}"
    return uri if local and report_uri(uri).is_deliverable else ""


def names(text: str, tag: str, uri: str) -> bool:
    """Whether a record names that address already."""
    wanted = report_uri(uri).address.lower()
    found = tag_at(text, tag)
    return found is not None and any(
        each.address.lower() == wanted for each in report_uris(text[found.start("value") : found.end("value")])
    )


def with_uri(text: str, tag: str, uri: str) -> str:
    """The record with the address at the end of that tag, which is added at its end where it is missing; all else letter for letter.

    >>> with_uri("v=DMARC1;p=none ; rua=mailto:a@example.com; fo=1", "rua", "mailto:b@example.com")
    'v=DMARC1;p=none ; rua=mailto:a@example.com,mailto:b@example.com; fo=1'
    >>> with_uri("v=DMARC1; p=reject;", "rua", "mailto:b@example.com")
    'v=DMARC1; p=reject; rua=mailto:b@example.com;'
    """
    if names(text, tag, uri):
        return text
    found = tag_at(text, tag)
    if found is None:
        bare = text.rstrip(" \t;")
        ending = text[len(bare) :].rstrip(" \t")
        return f"{bare}; {tag}={uri}{ending}"
    value = found["value"].rstrip(" \t,")
    end = found.start("value") + len(value)
    rest = text[found.end("value") :]
    blanks = found["value"][len(found["value"].rstrip(" \t")) :]
    return f"{text[:end]}{',' if value else ''}{uri}{blanks}{rest}"


def tag_at(text: str, tag: str) -> re.Match[str] | None:
    """Where the first tag of that name stands; its value is the group ``value``."""
    return re.search(rf"(?:\A|;)[ \t]*{tag}[ \t]*=[ \t]*(?P<value>[^;]*)", text, re.IGNORECASE)
