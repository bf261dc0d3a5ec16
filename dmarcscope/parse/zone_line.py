"""Write a record as a line of a zone file (RFC 1035 §5.1), ready to be copied; whatever its text holds, the line is printable ASCII."""

MAX_STRING = 255
"""Octets of one string of a TXT record (RFC 1035 §3.3)."""
PLAIN = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\')


def txt_line(name: str, text: str) -> str:
    r"""A TXT record as a line; a long text becomes several strings in one record.

    >>> print(txt_line("_dmarc.example.com", "v=DMARC1; p=none"))
    _dmarc.example.com. IN TXT "v=DMARC1; p=none"
    """
    return f"{owner(name)} IN TXT {quoted(text)}"


def record_line(name: str, kind: str, data: str) -> str:
    """A record of another kind, whose data needs no quotation marks.

    >>> record_line("example.com", "MX", "0 .")
    'example.com. IN MX 0 .'
    """
    return f"{owner(name)} IN {kind} {data}"


def owner(name: str) -> str:
    """A name with its final dot; what is no plain name is escaped."""
    return "".join(char if "!" <= char <= "~" and char not in '"();@$' else f"\\{ord(char) % 256:03d}" for char in name) + "."


def quoted(text: str) -> str:
    r"""The strings of a TXT record in quotation marks.

    >>> print(quoted('say "é"'))
    "say \"\233\""
    """
    # Texts of DNS answers have a character for each octet; anything else is what people write, in UTF-8.
    try:
        octets = text.encode("latin-1")
    except UnicodeEncodeError:
        octets = text.encode("utf-8", "replace")
    pieces = [octets[at : at + MAX_STRING] for at in range(0, len(octets), MAX_STRING)] or [b""]
    return " ".join(f'"{"".join(escaped(octet) for octet in piece)}"' for piece in pieces)


def escaped(octet: int) -> str:
    """One octet within quotation marks (RFC 1035 §5.1)."""
    if octet in PLAIN:
        return chr(octet)
    return f"\\{chr(octet)}" if octet in b'"\\' else f"\\{octet:03d}"
