"""The delivery of a summary by mail: what is to be sent to whom, how far that got, and what the mail server said of it (RFC 5321)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class DeliveryState(StrEnum):
    """How far a mail to one recipient got."""

    PLANNED = "planned"  # and waits: for its turn, or until the server takes it
    SENDING = "sending"  # the server is being handed it
    SENT = "sent"  # the server has taken it over
    FAILED = "failed"  # the server will not have it
    UNSURE = "unsure"  # nobody knows whether the server took it: it is not sent again unless somebody says so


FINAL = frozenset({DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNSURE})

Figures = Mapping[str, Mapping[str, int]]
"""What a mail said: by domain and by the figure's name."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A summary to be sent: ``what`` names it (a domain, a group), ``begin`` to ``end`` (UTC; it does not belong to it) is its period."""

    what: str
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """The mail about an assignment to one recipient, as the ledger has it. ``attempts``: how often the server was asked to take it."""

    assignment: Assignment
    recipient: str
    message_id: str
    state: DeliveryState
    attempts: int
    planned_at: datetime
    tried_at: datetime | None = None
    retry_at: datetime | None = None
    sent_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to hand to a server: its envelope (RFC 5321 §2.3.1), and its bytes as they are to arrive."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a recipient does not get a mail. ``passing``: it may well get it later (RFC 5321 §4.2.1). ``code`` is 0 where no server spoke."""

    said: str
    passing: bool
    code: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a letter: who gets it, who does not and why, and for whom nobody knows. ``said``: the server's word on it."""

    accepted: tuple[str, ...] = ()
    refused: Mapping[str, Refusal] = field(default_factory=dict)
    unsure: tuple[str, ...] = ()
    said: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A mail as it is to be sent: its bytes, its subject, the figures that it says; ``left_out`` tells what is not attached, and why."""

    content: bytes
    subject: str
    figures: Figures
    left_out: tuple[str, ...] = ()
