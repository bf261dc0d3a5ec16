"""What happens while dmarcscope watches: values, so that a terminal, a log and a test can each make of them what they need."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Happening(StrEnum):
    """Every kind of event; `dmarcscope.present.events` has a sentence for each."""

    STARTED = "started"
    STOPPED = "stopped"
    CONNECTED = "connected"
    FETCHED = "fetched"
    STORED = "stored"
    SIDELINED = "sidelined"
    MOVED = "moved"
    FLAGGED = "flagged"
    DELETED = "deleted"
    REFUSED = "refused"  # the server does not let us do with a message what is configured
    UNFETCHABLE = "unfetchable"  # the server does not hand out a message
    UIDVALIDITY = "uidvalidity"  # a folder was made anew
    TROUBLE = "trouble"  # a mailbox or folder cannot be read now
    NO_ROOM = "no-room"  # not even the spool can be written
    OFFLINE = "offline"
    ONLINE = "online"
    LOOKED_UP = "looked-up"
    LOOKUPS_WAIT = "lookups-wait"  # the DNS cannot be asked now
    MAILED = "mailed"  # a summary was sent
    MAIL_WAITS = "mail-waits"  # the mail server does not take it now
    MAIL_REFUSED = "mail-refused"
    MAIL_UNSURE = "mail-unsure"  # nobody knows whether the mail server took it
    MAIL_HINDERED = "mail-hindered"  # nothing can be sent now


TROUBLES = frozenset(
    [
        Happening.SIDELINED,
        Happening.REFUSED,
        Happening.UNFETCHABLE,
        Happening.UIDVALIDITY,
        Happening.TROUBLE,
        Happening.NO_ROOM,
        Happening.OFFLINE,
        Happening.LOOKUPS_WAIT,
        Happening.MAIL_WAITS,
        Happening.MAIL_REFUSED,
        Happening.MAIL_UNSURE,
        Happening.MAIL_HINDERED,
    ]
)
"""Events that somebody may want to do something about."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, with its facts by name."""

    what: Happening
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_trouble(self) -> bool:
        """Whether somebody may want to do something about it."""
        return self.what in TROUBLES


Tell = Callable[[Event], None]


def unheard(_event: Event) -> None:
    """Tell nobody."""
