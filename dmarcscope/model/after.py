"""What becomes of a mail or file when its report is stored."""

from enum import StrEnum

DEFAULT_FLAG = "$DMARCStored"
"""The flag for stored mails, unless another is named."""


class After(StrEnum):
    """What becomes of a mail or file when its report is stored."""

    KEEP = "keep"
    MOVE = "move"
    FLAG = "flag"
    DELETE = "delete"
