"""Tell letters between people from mails that may bring a report: a mailbox may hold both, and letters are nobody's business."""

import re

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
    if LIKELY.search(mail):
        return False
    unpacked = unpack(mail)
    return not unpacked.refusals and all(leaf.kind in MAIL_ONLY_KINDS for leaf in unpacked.leaves)
