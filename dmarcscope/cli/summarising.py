"""The command that sums up a period: as text, for machines, as a page, or as a mail."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dmarcscope.cli import mailing
from dmarcscope.cli import output as out
from dmarcscope.cli.mailing import AgainOption, DryRunOption, MailOption, PreviewOption, ToOption
from dmarcscope.cli.options import (
    ConfigOption,
    Format,
    FormatOption,
    GroupOption,
    OutputOption,
    SinceOption,
    StoreOption,
    UntilOption,
    VerifiedOption,
)
from dmarcscope.errors import SetupError
from dmarcscope.store import DEFAULT_STORE

if TYPE_CHECKING:
    from dmarcscope.config.models import Settings
    from dmarcscope.model.summary import Summaries
    from dmarcscope.tables.queries import Filter

SUMMARY_EXAMPLES = (
    "Examples: dmarcscope summary example.com   |   dmarcscope summary --week 2026-W20 --html summary.html"
    "   |   dmarcscope summary --group brands --json"
)

DomainsArgument = Annotated[
    list[str] | None, typer.Argument(help="The domains, each with its subdomains; all if left out.", show_default=False)
]
WeekOption = Annotated[
    str | None, typer.Option("--week", help="An ISO week (2026-W20); the last whole one with reports if none.", show_default=False)
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", help="Write one page that needs nothing else to this file.", metavar="FILE", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
TextOption = Annotated[bool, typer.Option("--text", help="As plain text; so it is anyway where nothing else is asked for.")]


def summary(
    domains: DomainsArgument = None,
    week: WeekOption = None,
    group: GroupOption = None,
    html: HtmlOption = None,
    mail: MailOption = False,
    to: ToOption = None,
    dry_run: DryRunOption = False,
    preview: PreviewOption = False,
    again: AgainOption = False,
    json: JsonOption = False,
    text: TextOption = False,
    verified: VerifiedOption = False,
    config: ConfigOption = None,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Sum up a week: should I worry, and why? What changed, what is to be done, and all figures behind it.

    The last whole week with reports counts, unless --week, --since or --until say otherwise. CSV and parquet hold a line per domain, JSON
    everything. Nobody is asked: what the DNS has is known from resolve and check.
    """
    from dmarcscope import wiring
    from dmarcscope.api import open_store
    from dmarcscope.config.loading import load
    from dmarcscope.ops.summarise import summarise

    settings, now = load(config), datetime.now(UTC)
    wanted = wanted_domains(domains, group, settings)
    period = wanted_period(week, since, until, now, verified=verified)
    with open_store(store) as opened:
        found = summarise(opened.files, wanted, period, wiring.knowledge(config), now, mailing.former(opened.files, wanted))
    if html is not None:
        write_page(found, html)
    if text or not (html or mail or preview) or json or form is not Format.TABLE or output:
        show(found, Format.JSON if json else form, output)
    if mail or preview:
        mailing.mail(found, mailing.what_of(wanted, group), settings, store, to, dry_run=dry_run, preview=preview, again=again)


def wanted_domains(domains: list[str] | None, group: str | None, settings: "Settings") -> list[str] | None:
    """The domains that are asked about; None for all. Raises SetupError for a group that is not configured, or beside domains."""
    if group is None:
        return domains or None
    if domains:
        raise SetupError("name domains, or give --group NAME, not both", fix="A group's domains stand in the configuration, below [groups]")
    from dmarcscope.config.groups import group_of

    return list(group_of(settings, group))


def wanted_period(week: str | None, since: str | None, until: str | None, now: datetime, *, verified: bool) -> "Filter":
    """The period that is asked for; without both ends where none is. Raises SetupError for what is no week, or for too many periods."""
    from dmarcscope.parse.period import WEEK, bounds, first_moment, moment_after
    from dmarcscope.tables.queries import Filter

    if week is None:
        return Filter(
            since=first_moment(since, now) if since else None, until=moment_after(until, now) if until else None, verified=verified
        )
    if since or until:
        raise SetupError("give --week, or --since and --until, not both", where="--week")
    if not WEEK.fullmatch(week.strip()):
        raise SetupError(f"{week!r} is no ISO week", where="--week", fix="Write it as 2026-W20")
    begin, end = bounds(week, now)
    return Filter(since=begin, until=end, verified=verified)


def write_page(found: "Summaries", file: Path) -> None:
    """Write the page, and say where."""
    from dmarcscope.present.page import page

    with out.opened(file) as opened:
        opened.write(page(found).encode("utf-8", "replace"))
    typer.echo(f"The page is {file}", err=True)


def show(found: "Summaries", form: Format, output: Path | None) -> None:
    """The summaries, for people or machines."""
    from dmarcscope.ops.summarise import as_dict, overview_rows

    if form is Format.JSON:
        out.write_object(as_dict(found), form, output)
    elif form is not Format.TABLE:
        out.write_rows(overview_rows(found), form, output)
    else:
        from dmarcscope.present.summary_text import text

        with out.opened(output) as opened:
            opened.write(text(found).encode("utf-8", "replace"))
