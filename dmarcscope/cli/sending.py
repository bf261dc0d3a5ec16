"""`senders`: who sends as a domain; and the group of commands about the owner's list. `fixes`: what to publish so that they pass."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from dmarcscope.cli import output as out
from dmarcscope.cli.listing import ACCEPT_EXAMPLES, CHECK_EXAMPLES, REJECT_EXAMPLES, accept, check, reject
from dmarcscope.cli.options import (
    ConfigOption,
    DomainArgument,
    Format,
    FormatOption,
    GroupOption,
    LimitOption,
    OutputOption,
    SinceOption,
    StoreOption,
    UntilOption,
    VerifiedOption,
)
from dmarcscope.errors import SetupError
from dmarcscope.model.meant import Meant
from dmarcscope.store import DEFAULT_STORE

if TYPE_CHECKING:
    from dmarcscope.api import Store
    from dmarcscope.model.knowledge import Knowledge
    from dmarcscope.tables.queries import Filter

SHOW = "show"
EXAMPLES = """
Examples: dmarcscope senders example.com   |   dmarcscope senders --since 2026-W20 --until 2026-W20   |
dmarcscope senders --sender Mailchimp --by source_ip   |   dmarcscope senders accept Mailchimp   |   dmarcscope senders check
"""
FIXES_EXAMPLES = "Examples: dmarcscope fixes example.com   |   dmarcscope fixes --format json"

SenderOption = Annotated[str | None, typer.Option("--sender", help="Only this sender, by its name.", metavar="NAME", show_default=False)]
ClassOption = Annotated[
    str | None,
    typer.Option(
        "--class",
        help="Only this class: yours-aligned, yours-needs-fixing, forwarded, mailing-list, unauthorised or unknown.",
        metavar="CLASS",
        show_default=False,
    ),
]


class ShownByDefault(TyperGroup):
    """A group whose first command is meant where none is named: `senders example.com` is `senders show example.com`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the command where it is left out; `--help` alone is the group's."""
        wants_help = len(args) == 1 and args[0] in {"--help", "-h"}
        if not wants_help and (not args or args[0] not in self.commands):
            args = [SHOW, *args]
        return super().parse_args(ctx, args)


senders_app = typer.Typer(
    cls=ShownByDefault,
    help="Who sends as your domains (`dmarcscope senders example.com`), and your own list of senders.",
    epilog=EXAMPLES,
)


@senders_app.command(SHOW, epilog=EXAMPLES)
def senders(
    domain: DomainArgument = None,
    sender: SenderOption = None,
    sender_class: ClassOption = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            help="Of --sender or --class: source_ip, reporter, header_from, dkim_domain, spf_domain, day or disposition.",
            metavar="WHAT",
            show_default=False,
        ),
    ] = None,
    group: GroupOption = None,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    verified: VerifiedOption = False,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Who sends as the domain: a line per sender with its class and the next step. Without --since, the last 30 days of data.

    `senders show` is the same as `senders`.
    """
    from dmarcscope.api import open_store, which
    from dmarcscope.wiring import knowledge

    known, asked = knowledge(config), which(domain, since, until, domains=grouped(domain, group, config), verified=verified)
    with open_store(store) as opened:
        if sender or sender_class or by:
            show_behind(opened, asked, known, Meant(sender, class_of(sender_class)), by or "source_ip", limit, form, output)
        else:
            show_senders(opened, asked, known, limit, form, output)


def grouped(domain: str | None, group: str | None, config: Path | None) -> tuple[str, ...]:
    """The domains of a group; none where none is named."""
    if group is None:
        return ()
    if domain is not None:
        raise SetupError("a domain and --group exclude each other", fix="Leave one of them out")
    from dmarcscope.config.groups import group_domains

    return group_domains(group, config)


def show_senders(opened: "Store", asked: "Filter", known: "Knowledge", limit: int | None, form: Format, output: Path | None) -> None:
    """All senders."""
    from dmarcscope.ops import ask
    from dmarcscope.ops import senders as sending

    found = sending.senders(opened.files, asked, known)
    if form is not Format.TABLE:
        out.write_table(sending.as_table(found, limit), form, output)
        return
    if not found.lines:
        out.say(out.nothing_found(asked.domain, ask.domains(opened.files)))
        return
    from dmarcscope.present import senders as present

    out.show(present.senders(found, out.shown_lines(limit, output), out.width(output)), output)


def show_behind(
    opened: "Store", asked: "Filter", known: "Knowledge", meant: Meant, by: str, limit: int | None, form: Format, output: Path | None
) -> None:
    """What lies behind a sender."""
    from dmarcscope.ops import senders as sending

    answer = sending.behind(opened.files, asked, known, meant, by)
    if form is not Format.TABLE:
        out.write_table(answer if limit is None else answer.slice(0, limit), form, output)
        return
    from dmarcscope.present import terminal
    from dmarcscope.present.wording import safe
    from dmarcscope.tables.rows import rows

    about = " and ".join(safe(words) for words in (meant.sender, meant.sender_class) if words) or "All senders"
    out.show(terminal.sources(rows(answer), by, out.shown_lines(limit, output), about, out.width(output), asked.domain), output)


def class_of(text: str | None) -> str | None:
    """A class that there is. Raises SetupError for another word."""
    from dmarcscope.model.verdict import SenderClass

    words = [one.value for one in SenderClass]
    if text is not None and text not in words:
        raise SetupError(f"{text!r} is no class", where="--class", fix=f"Choose one of: {', '.join(words)}")
    return text


def fixes(
    domain: DomainArgument = None,
    group: GroupOption = None,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    verified: VerifiedOption = False,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """What to publish so that mail of your own passes: records to copy, why, and how many messages a week each aligns.

    Nobody is asked: what the DNS has is known from `resolve` and `check`. Without --since, the last 30 days of data.
    """
    from dmarcscope.api import open_store, which
    from dmarcscope.ops import ask
    from dmarcscope.ops.fixes import as_dicts
    from dmarcscope.ops.fixes import fixes as found_fixes
    from dmarcscope.wiring import knowledge

    asked = which(domain, since, until, domains=grouped(domain, group, config), verified=verified)
    with open_store(store) as opened:
        found = found_fixes(opened.files, asked, knowledge(config))
        if form is Format.TABLE and not found and not ask.count_records(opened.files, asked):
            out.say(out.nothing_found(asked.domain, ask.domains(opened.files)))
            return
    if form is not Format.TABLE:
        out.write_rows(as_dicts(found), form, output)
        return
    from dmarcscope.present import fixes as present

    out.show_text(present.fixes(found, out.width(output)), output)


senders_app.command("accept", epilog=ACCEPT_EXAMPLES)(accept)
senders_app.command("reject", epilog=REJECT_EXAMPLES)(reject)
senders_app.command("check", epilog=CHECK_EXAMPLES)(check)
