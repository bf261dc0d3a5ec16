"""The name of a message in a mailbox: what tells it apart from every other, for ever (RFC 9051 §2.3.1.1), as an IMAP URL (RFC 5092).

    imap://dmarc%40example.org@imap.example.org/INBOX;UIDVALIDITY=1700000000/;UID=42

It is the name of the artefact, too: whoever finds the bytes in the spool knows which message they are.
"""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

STANDARD_PORTS = (143, 993)
"""Ports that are not part of an account's name: a change from STARTTLS to TLS at once is no other mailbox."""
URL = re.compile(r"(imap://[^/\s]{1,700})/([^/;\s]{1,3000});UIDVALIDITY=([0-9]{1,10})/;UID=([0-9]{1,10})")


def account_name(user: str, host: str, port: int) -> str:
    """The begin of the URL that names the account.

    >>> account_name("dmarc@example.org", "IMAP.example.org", 993)
    'imap://dmarc%40example.org@imap.example.org'
    """
    place = f"[{host}]" if ":" in host else host.lower()
    return f"imap://{quote(user, safe='')}@{place}" + ("" if port in STANDARD_PORTS else f":{port}")


def account_text(account: str) -> str:
    """An account's name for people.

    >>> account_text("imap://dmarc%40example.org@imap.example.org")
    'dmarc@example.org at imap.example.org'
    """
    user, _, host = account.removeprefix("imap://").rpartition("@")
    return f"{unquote(user)} at {host}" if user else host


@dataclass(frozen=True, slots=True)
class MailName:
    """One message: the account (see `account_name`), the folder, the folder's UIDVALIDITY and the message's UID."""

    account: str
    folder: str
    uidvalidity: int
    uid: int

    def __str__(self) -> str:
        return f"{self.account}/{quote(self.folder, safe='')};UIDVALIDITY={self.uidvalidity}/;UID={self.uid}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The name that a text is, None if it is none.

        >>> MailName.parse("imap://a@b.example/INBOX;UIDVALIDITY=7/;UID=42")
        MailName(account='imap://a@b.example', folder='INBOX', uidvalidity=7, uid=42)
        >>> MailName.parse("report.xml") is None
        True
        """
        found = URL.fullmatch(text)
        return None if found is None else cls(found[1], unquote(found[2]), int(found[3]), int(found[4]))
