"""How it stands with mails, in sentences."""

from collections.abc import Mapping

from dmarcscope.model.delivery import Delivery, DeliveryState
from dmarcscope.present.wording import minute, safe

SENTENCES: Mapping[DeliveryState, str] = {
    DeliveryState.PLANNED: "{to}: the mail about {what} waits{reason}{again}",
    DeliveryState.SENDING: "{to}: the mail about {what} is being sent",
    DeliveryState.SENT: "{to}: the mail about {what} was sent on {sent} UTC",
    DeliveryState.FAILED: "{to}: the mail about {what} was refused{reason}; it is not tried again",
    DeliveryState.UNSURE: "{to}: it is not sure whether the mail about {what} arrived{reason}; it is sent again only with --again",
}


def sentence(one: Delivery) -> str:
    """How it stands with a mail."""
    assignment = one.assignment
    return SENTENCES[one.state].format(
        to=safe(one.recipient),
        what=f"{safe(assignment.what)}, {assignment.begin:%Y-%m-%d} to {assignment.end:%Y-%m-%d}",
        reason=f": {safe(one.reason, 300)}" if one.reason else "",
        again=f"; tried again from {minute(one.retry_at)} UTC on" if one.retry_at else "",
        sent=minute(one.sent_at),
    )
