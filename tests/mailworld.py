"""Mails with reports, letters and broken ones, as they lie in a mailbox; and what must have become of them."""

import gzip
import random
from email.message import EmailMessage
from email.policy import SMTP

from storeworld import report, zipped


def report_mail(number: int, *, data: bytes | None = None, records: int = 3, headers: dict[str, str] | None = None) -> bytes:
    """A mail that brings a report, as reporters send it (RFC 9990 §4.4)."""
    message = EmailMessage(policy=SMTP)
    for name, value in (headers or {}).items():
        message[name] = value
    message["From"] = "DMARC <noreply-dmarc@mill.example>"
    message["To"] = "dmarc@example.com"
    message["Message-ID"] = f"<{number}@mill.example>"
    message["Subject"] = f"Report Domain: example.com Submitter: mill.example Report-ID: <r-{number}>"
    message.set_content("This is an aggregate report.\n")
    content = report(number, records=records) if data is None else data
    if number % 2:
        message.add_attachment(zipped({f"{number}.xml": content}), maintype="application", subtype="zip", filename=f"{number}.zip")
    else:
        packed = gzip.compress(content, mtime=0)
        message.add_attachment(packed, maintype="application", subtype="gzip", filename=f"mill.example!example.com!{number}.xml.gz")
    message.set_boundary(f"part-{number}")  # the same bytes each time
    return message.as_bytes()


def letter(number: int) -> bytes:
    """A letter between people."""
    return f"From: ann@example.org\r\nTo: bob@example.com\r\nSubject: lunch {number}\r\n\r\nAt noon?\r\n".encode()


def broken_mail(number: int) -> bytes:
    """A mail whose report cannot be read."""
    message = EmailMessage(policy=SMTP)
    message["From"] = "noreply-dmarc@mill.example"
    message["Message-ID"] = f"<broken-{number}@mill.example>"
    message["Subject"] = f"Report Domain: example.com Submitter: mill.example Report-ID: <b-{number}>"
    message.set_content("This is an aggregate report.\n")
    junk = random.Random(number).randbytes(200)
    message.add_attachment(b"\x1f\x8b\x08\x00" + junk, maintype="application", subtype="gzip", filename=f"{number}.xml.gz")
    message.set_boundary(f"part-{number}")
    return message.as_bytes()
