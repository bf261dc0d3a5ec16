"""Tell letters between people from mails that may bring a report: a mailbox may hold both, and letters are nobody's business."""

import re
from mmap import ACCESS_READ, mmap
from pathlib import Path

from dmarcscope.intake.mail import MAIL_ONLY_KINDS
from dmarcscope.intake.unpack import unpack

LIKELY = re.compile(
    rb"content-type[ \t]*:\s*(?:application/(?:x-)?(?:gzip|zip|gz|xml|zip-compressed|gzip-compressed)|text/xml|message/feedback-report)\b",
    re.IGNORECASE,
)
"""What nearly every report mail has: asked first, because it is cheap."""


def is_letter(mail: bytes) -> bool:
    """Whether a mail certainly holds no report of any kind: nothing of it is to be kept. What cannot be opened is no letter.

    >>> is_letter(b"From: a@example.org\\nSubject: lunch?\\n\\nAt noon.\\n")
    True
    """
    return not LIKELY.search(mail) and holds_none(mail)


def is_letter_file(path: Path, largest: int) -> bool:
    """The same of a large mail that lies in a file; one with more bytes than ``largest`` is not looked into, and is no letter."""
    size = path.stat().st_size
    if not 0 < size <= largest:
        return False
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as mapped:
        if LIKELY.search(mapped):
            return False
    return holds_none(path.read_bytes())


def holds_none(mail: bytes) -> bool:
    """Whether nothing in a mail is a report, or may be one that cannot be opened."""
    unpacked = unpack(mail)
    return not unpacked.refusals and all(leaf.kind in MAIL_ONLY_KINDS for leaf in unpacked.leaves)
