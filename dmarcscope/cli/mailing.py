"""The summary by mail: sent once to each recipient, or only shown as it would be sent."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dmarcscope.cli import output as out
from dmarcscope.errors import SetupError

if TYPE_CHECKING:
    from dmarcscope.config.models import Settings
    from dmarcscope.model.delivery import Assignment, Delivery, Written
    from dmarcscope.model.summary import Former, Summaries
    from dmarcscope.ops.deliver import Mailing
    from dmarcscope.store.files import StoreFiles

FOUND, TRY_AGAIN = 1, 75

MailOption = Annotated[bool, typer.Option("--mail", help="Send it as a mail through the configured server, once to each recipient.")]
ToOption = Annotated[
    list[str] | None,
    typer.Option("--to", help="With --mail: who gets it; the configured ones if left out.", metavar="ADDRESS", show_default=False),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="With --mail: say what would be sent to whom, and send nothing.")]
PreviewOption = Annotated[bool, typer.Option("--preview", help="Write the mail to a file, show it in a browser, and send nothing.")]
AgainOption = Annotated[
    bool, typer.Option("--again", help="With --mail: send it once more to those who have it, who refused it, or of whom it is not sure.")
]


def what_of(domains: Sequence[str] | None, group: str | None) -> str:
    """How the ledger names a summary: by its group, its domain, its domains.

    >>> what_of(["b.example", "a.example"], None), what_of(["a.example"], None), what_of([], "brands"), what_of(None, None)
    ('a.example, b.example', 'a.example', 'brands', 'all domains')
    """
    from dmarcscope.ops.mailing import ALL

    return group or ", ".join(sorted(set(domains or ()))) or ALL


def mail(
    found: "Summaries",
    what: str,
    settings: "Settings",
    store: Path,
    to: Sequence[str] | None = None,
    *,
    dry_run: bool = False,
    preview: bool = False,
    again: bool = False,
) -> None:
    """Send a summary, or show how it would be sent. Exit code 1 where somebody does not get it or it is not sure, 75 where it waits."""
    mailing = mailing_of(what, found, settings, to, sends=not (dry_run or preview))
    if dry_run or preview:
        from dmarcscope.ops.deliver import new_message_id, utc_now, write

        written = write(found, mailing, new_message_id(mailing), utc_now())
        tell_written(written, mailing)
        if preview:
            show_files(written, store_name(what))
        return
    delivered = sent(found, mailing, settings, store, again=again)
    for one in delivered:
        typer.echo(line(one), err=True)
    code = exit_code(delivered)
    if code:
        raise typer.Exit(code)


def mailing_of(what: str, found: "Summaries", settings: "Settings", to: Sequence[str] | None, *, sends: bool) -> "Mailing":
    """From whom to whom it goes, and with what. Raises SetupError for what is not configured and needed."""
    from dmarcscope.ops.deliver import Mailing

    configured = settings.summary
    recipients = addresses(to) if to else tuple(configured.to) if configured else ()
    if not recipients:
        raise SetupError("nobody is named who gets it", where="--mail", fix="Add --to ADDRESS, or a table [summary] to the configuration")
    if sends and settings.smtp is None:
        raise SetupError("no mail server is configured", where="--mail", fix="Add a table [smtp] to the configuration")
    mailing = Mailing(what, tuple(one.domain for one in found.summaries), sender_of(settings), recipients)
    return replace(mailing, attach_page=configured.attach_page, attach_json=configured.attach_json) if configured else mailing


def sender_of(settings: "Settings") -> str:
    """The address that it comes from: that of [summary], else the user of the mail server, if that is one."""
    if settings.summary is not None:
        return settings.summary.from_address
    user = settings.smtp.user if settings.smtp is not None else None
    try:
        return addresses([user or ""])[0]
    except SetupError:
        raise SetupError("no address is configured that it comes from", where="--mail", fix="Add summary.from_address") from None


def addresses(given: Sequence[str]) -> tuple[str, ...]:
    """Mail addresses as the configuration checks them, each once. Raises SetupError for what is none."""
    from pydantic_core import PydanticCustomError

    from dmarcscope.config.fields import mail_address

    try:
        return tuple(dict.fromkeys(mail_address(one) for one in given))
    except PydanticCustomError as error:
        raise SetupError(f"{', '.join(given)[:200]!r} is no mail address", where="--to", fix="Write it as owner@example.com") from error


def former(files: "StoreFiles", domains: Sequence[str] | None) -> "list[Former]":
    """What mails said of earlier weeks, so that a summary can tell where that does not hold any more."""
    from dmarcscope.store.deliveries import Deliveries

    return Deliveries(files.ledger).told(domains) if files.exists() else []


def sent(found: "Summaries", mailing: "Mailing", settings: "Settings", store: Path, *, again: bool) -> "list[Delivery]":
    """Send it to those who have not had it. Returns how it stands with each recipient, and with what an earlier run left unsure."""
    from dmarcscope.model.delivery import Assignment
    from dmarcscope.ops.deliver import deliver, sending_alone, utc_now
    from dmarcscope.store.deliveries import Deliveries
    from dmarcscope.store.files import StoreFiles
    from dmarcscope.wiring import carrier

    assignment = Assignment(mailing.what, found.period.begin, found.period.end)
    with StoreFiles(store) as files, sending_alone(files) as cut_short:
        if again:
            Deliveries(files.ledger).again(assignment, mailing.recipients, utc_now())
        delivered = deliver(files, carrier(settings), mailing, assignment, lambda: found)
    others = [one for one in cut_short if not is_same(one, assignment, mailing)]
    return [*others, *(one for one in delivered if one.recipient in mailing.recipients)]


def is_same(one: "Delivery", assignment: "Assignment", mailing: "Mailing") -> bool:
    """Whether a mail is one of those that are asked for."""
    return one.assignment == assignment and one.recipient in mailing.recipients


def line(one: "Delivery") -> str:
    """How it stands with a mail, in a sentence."""
    from dmarcscope.present.deliveries import sentence

    return sentence(one)


def exit_code(delivered: "Sequence[Delivery]") -> int:
    """Whether somebody has to look after it, or try again."""
    from dmarcscope.model.delivery import DeliveryState

    states = {one.state for one in delivered}
    if states & {DeliveryState.FAILED, DeliveryState.UNSURE}:
        return FOUND
    return 0 if states <= {DeliveryState.SENT} else TRY_AGAIN


def tell_written(written: "Written", mailing: "Mailing") -> None:
    """Say what would be sent."""
    from dmarcscope.present.wording import number, safe

    rows = {
        "From": mailing.sender,
        "To": ", ".join(mailing.recipients),
        "Subject": safe(written.subject),
        "Size": f"{number(len(written.content))} bytes",
    }
    for name, value in rows.items():
        typer.echo(f"{name + ':':9}{value}")
    for text in written.left_out:
        typer.echo(text)
    typer.echo("Nothing is sent.", err=True)


def store_name(what: str) -> str:
    """A name for files about a summary."""
    return "".join(sign if sign.isalnum() or sign in ".-" else "-" for sign in what)[:80].strip(".-") or "summary"


def show_files(written: "Written", name: str) -> None:
    """Write the mail as .eml and its HTML part beside it, in a folder of its own, and open that in a browser, if there is one."""
    import tempfile
    import webbrowser
    from email import message_from_bytes
    from email.policy import default

    folder = Path(tempfile.mkdtemp(prefix="dmarcscope-mail-"))
    letter, page = folder / f"{name}.eml", folder / f"{name}.html"
    letter.write_bytes(written.content)
    body = message_from_bytes(written.content, policy=default).get_body(("html",))
    page.write_text(body.get_content() if body is not None else "", "utf-8")
    out.say(f"The mail is {letter}\nIts HTML part is {page}")
    webbrowser.open(page.as_uri())
