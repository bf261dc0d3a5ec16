"""Which mail is meant by sender and class."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meant:
    """The mail of a sender (by name, in whatever case), of a class, or both; None: any."""

    sender: str | None = None
    sender_class: str | None = None
