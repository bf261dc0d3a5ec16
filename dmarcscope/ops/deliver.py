"""Send a summary by mail, once: what is to be sent is planned in the ledger, and noted before and after the server gets it.

Facts: whoever sends holds a lock of the store, so that what is `sending` without it was cut short, and is unsure. A mail that is unsure is
told and not sent again by itself; one that the server does not take now is tried again, later each time; one that it refuses is told.
Strategy: one mail for all recipients, in one transaction with the server; each has a line of its own, as each may be refused.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import make_msgid

from dmarcscope.errors import SetupError, StoreUnavailable
from dmarcscope.model.delivery import FINAL, Assignment, Delivery, DeliveryState, Letter, Receipt, Refusal, Written
from dmarcscope.model.summary import Summaries
from dmarcscope.ops.summarise import as_dict
from dmarcscope.outgoing.smtp import Carrier
from dmarcscope.store.deliveries import Deliveries
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.locks import locked

LOCK = "deliveries.lock"
LOCK_SECONDS = 2.0
"""How long to wait for another that sends: a watch looks every minute, and needs a moment for it."""
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=5), timedelta(hours=4)
"""How long to wait after the first refusal for now, twice as long after each further one; greylisting wants some minutes (RFC 6647 §4)."""
GIVE_UP = timedelta(days=4)
"""After so long a mail that nobody takes has failed (RFC 5321 §4.5.4.1: four to five days)."""
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Mailing:
    """A summary by mail: ``what`` names it, ``domains`` are those that it is about (None: all), and from whom to whom it goes."""

    what: str
    domains: tuple[str, ...] | None
    sender: str
    recipients: tuple[str, ...]
    attach_page: bool = True
    attach_json: bool = False


def utc_now() -> datetime:
    """The time, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def write(found: Summaries, mailing: Mailing, message_id: str, now: datetime) -> Written:
    """The mail about summaries, as it is to be sent."""
    from dmarcscope.present import mail
    from dmarcscope.present.summary_text import text

    attachments: list[mail.Attachment] = []
    if mailing.attach_page:
        from dmarcscope.present.page import page

        attachments.append(mail.Attachment(mail.file_name(found, mailing.what, ".html"), "text/html", encoded(page(found))))
    if mailing.attach_json:
        content = encoded(json.dumps(as_dict(found), ensure_ascii=False, indent=1))
        attachments.append(mail.Attachment(mail.file_name(found, mailing.what, ".json"), "application/json", content))
    head = mail.Head(mailing.sender, mailing.recipients, message_id, now)
    return mail.compose(found, head, text(found), attachments)


def encoded(text: str) -> bytes:
    """A text as bytes, whatever a stranger put into it."""
    return text.encode("utf-8", "replace")


def new_message_id(mailing: Mailing) -> str:
    """An identity for a mail; it tells nothing of this machine (RFC 5322 §3.6.4)."""
    return make_msgid("dmarcscope", domain=mailing.sender.rpartition("@")[2])


@contextmanager
def sending_alone(store: StoreFiles) -> Iterator[list[Delivery]]:
    """Let nobody else send from this store meanwhile; gives the mails that an earlier run left without an end, which are unsure now.

    Raises StoreUnavailable if somebody else does.
    """
    store.create()
    with ExitStack() as held:
        try:
            held.enter_context(locked(store.root / LOCK, LOCK_SECONDS))
        except OSError as error:
            raise StoreUnavailable(f"the store cannot be locked ({error})", where=str(store.root)) from error
        except StoreUnavailable as error:
            what = "another dmarcscope is sending mail"
            raise StoreUnavailable(what, where=str(store.root), fix="Try again when it has finished") from error
        yield Deliveries(store.ledger).cut_short()


def deliver(
    store: StoreFiles, carrier: Carrier, mailing: Mailing, assignment: Assignment, make: Callable[[], Summaries], *, clock: Clock = utc_now
) -> list[Delivery]:
    """Send the mail about an assignment to those who have not had it; the caller is `sending_alone`. Returns how it stands with everybody.

    Raises SetupError for what the operator must mend (the mail then waits), and StoreUnavailable where the ledger cannot be written.
    """
    deliveries = Deliveries(store.ledger)
    deliveries.plan(assignment, mailing.recipients, new_message_id(mailing), clock())
    opened = [one for one in deliveries.of(assignment) if one.state is DeliveryState.PLANNED]
    if opened:
        attempt(deliveries, carrier, mailing, opened, make(), clock)
    return deliveries.of(assignment)


def attempt(deliveries: Deliveries, carrier: Carrier, mailing: Mailing, opened: list[Delivery], found: Summaries, clock: Clock) -> None:
    """One try for all whose mail waits."""
    assignment = opened[0].assignment
    written = write(found, mailing, opened[0].message_id, clock())
    letter = Letter(mailing.sender, tuple(one.recipient for one in opened), written.content)
    try:
        receipt = carrier.send(letter, lambda taken: deliveries.sending(assignment, taken, written.figures, clock()))
    except SetupError as error:
        nobody = Receipt(refused=dict.fromkeys(letter.recipients, Refusal(str(error), passing=True)))
        deliveries.settle(assignment, became(opened, nobody, clock()), clock())
        raise
    try:
        deliveries.settle(assignment, became(opened, receipt, clock()), clock())
    except StoreUnavailable as error:
        if receipt.accepted:
            raise StoreUnavailable(
                f"the mail was sent, and that could not be noted ({error.what}): it will be told of as unsure",
                where=error.where,
                fix="It is not sent again by itself",
            ) from error
        raise


def became(opened: list[Delivery], receipt: Receipt, now: datetime) -> Mapping[str, tuple[DeliveryState, str, datetime | None]]:
    """What became of each mail: its state, why, and when it is tried again."""
    made: dict[str, tuple[DeliveryState, str, datetime | None]] = {}
    for one in opened:
        if one.recipient in receipt.accepted:
            made[one.recipient] = DeliveryState.SENT, receipt.said, None
        elif one.recipient in receipt.unsure:
            made[one.recipient] = DeliveryState.UNSURE, receipt.said, None
        elif one.recipient in receipt.refused:
            made[one.recipient] = refused(one, receipt.refused[one.recipient], now)
    return made


def refused(one: Delivery, why: Refusal, now: datetime) -> tuple[DeliveryState, str, datetime | None]:
    """A mail that was not taken: it waits, or has failed."""
    if not why.passing:
        return DeliveryState.FAILED, why.said, None
    if now - one.planned_at > GIVE_UP:
        return DeliveryState.FAILED, f"given up after {GIVE_UP.days} days: {why.said}", None
    return DeliveryState.PLANNED, why.said, now + min(FIRST_RETRY * (1 << min(one.attempts, 10)), LONGEST_RETRY)


def is_over(found: list[Delivery]) -> bool:
    """Whether nothing is left to do about an assignment."""
    return bool(found) and all(one.state in FINAL for one in found)
