"""Letters are told from mails that may bring a report; in doubt a mail is no letter."""

import gzip
import sys
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from dmarcscope.intake.letters import is_letter, is_letter_file

sys.path.insert(0, str(Path(__file__).parents[1] / "ops"))
from mailworld import broken_mail, letter, report_mail
from storeworld import report


def attached(content: bytes, kind: str, name: str) -> bytes:
    """A mail with an attachment."""
    message = EmailMessage(policy=SMTP)
    message["From"] = "a@example.org"
    message.set_content("See below.\n")
    maintype, subtype = kind.split("/")
    message.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return message.as_bytes()


PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)
MAILS = [
    (letter(1), True, "a letter"),
    (b"Subject: hello\r\n\r\n<p>hello</p>\r\n", True, "in HTML"),
    (attached(PNG, "image/png", "cat.png"), True, "with a picture"),
    (attached(b"%PDF-1.7\n" + bytes(50), "application/pdf", "bill.pdf"), True, "with a document"),
    (attached(letter(2), "application/octet-stream", "fwd.txt"), True, "with another letter"),
    (report_mail(1), False, "a report in a zip"),
    (report_mail(2), False, "a report in gzip"),
    (broken_mail(1), False, "a report that cannot be read"),
    (attached(report(1), "application/octet-stream", "x.bin"), False, "a report under a false type"),
    (attached(gzip.compress(report(1)), "application/octet-stream", "x"), False, "and compressed"),
    (attached(b"PK\x03\x04broken", "application/octet-stream", "x"), False, "a zip that cannot be opened"),
    (attached(b"Rar!\x1a\x07\x00" + bytes(20), "application/octet-stream", "x.rar"), False, "what is not opened here"),
    (attached(report_mail(1), "application/octet-stream", "fwd.eml"), False, "a forwarded report"),
    (b"Subject: x\r\n\r\n" + report(1), False, "a report in the text"),
    (report(1), False, "no mail at all, but a report"),
    (b"", False, "nothing: it cannot be told"),
]


@pytest.mark.parametrize(("mail", "expected", "why"), MAILS, ids=[why for *_, why in MAILS])
def test_letters(mail: bytes, expected: bool, why: str, tmp_path: Path) -> None:
    assert is_letter(mail) is expected, why
    file = tmp_path / "mail"
    file.write_bytes(mail)
    assert is_letter_file(file, 1 << 20) is expected, f"{why}, in a file"


def test_what_is_too_large_to_be_looked_into_is_no_letter(tmp_path: Path) -> None:
    file = tmp_path / "mail"
    file.write_bytes(letter(1))
    assert not is_letter_file(file, 10)
