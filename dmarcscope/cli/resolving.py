"""The commands about the DNS beside the reports: look up what they name, compare alignment, and the history of records."""

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dmarcscope.cli import output as out
from dmarcscope.cli.options import (
    ConfigOption,
    DomainArgument,
    Format,
    FormatOption,
    LimitOption,
    OutputOption,
    SinceOption,
    StoreOption,
    UntilOption,
)
from dmarcscope.errors import SetupError
from dmarcscope.store import DEFAULT_STORE

if TYPE_CHECKING:
    from dmarcscope.lookup.settings import DnsSettings

DnsOption = Annotated[
    bool | None,
    typer.Option("--dns/--no-dns", help="Look up what is stored afterwards; as it is if [dns] is configured.", show_default=False),
]

dns_app = typer.Typer(help="What the DNS said, and when; it asks nobody.", no_args_is_help=True)


def resolve(
    domain: DomainArgument = None,
    again: Annotated[bool, typer.Option("--again", help="Also what was asked in the last 24 hours.")] = False,
    config: ConfigOption = None,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Ask the DNS about what the reports name: names of sources, SPF today, DKIM keys, and whose domains they are.

    What was asked in the last 24 hours is not asked again, so a run that was stopped goes on. Questions go to the name servers configured
    under [dns], else the system's, and nowhere else. The answers are kept: sources, alignment and dns history need no DNS.
    """
    from dmarcscope.api import open_store, which
    from dmarcscope.config.loading import load
    from dmarcscope.ops.resolve import need_answers
    from dmarcscope.ops.resolve import resolve as look_up
    from dmarcscope.wiring import dns_settings

    chosen = which(domain, since, until)
    with open_store(store) as opened, out.progress("asking", None) as tick:
        found = look_up(opened.files, dns_settings(load(config)), chosen, again=again, progress=tick)
    if form is not Format.TABLE:
        facts = found.as_dict()
        out.write_object(facts if form is Format.JSON else flat(facts), form, output)
    else:
        from dmarcscope.present import resolving

        out.show(resolving.resolved(found.as_dict(), str(store)), output)
    need_answers(found)


def flat(facts: dict[str, object]) -> dict[str, object]:
    """Without what is nested, for tables."""
    return {name: value for name, value in facts.items() if name != "found"}


def alignment(
    domain: DomainArgument = None,
    records: Annotated[bool, typer.Option("--records", help="A line per record, with both verdicts and why.")] = False,
    reporter: Annotated[str | None, typer.Option("--reporter", help="Only this reporter.", show_default=False)] = None,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Compare the verdicts of reporters with what their own results and the DNS make of them, a line per reporter.

    Alignment is computed anew from auth_results under the adkim and aspf that were published, with the organizational domain by the DNS
    tree walk as it was last seen (see dmarcscope resolve), and by the Public Suffix List for comparison. What was reported stays as it is.
    """
    from dmarcscope.api import open_store, which
    from dmarcscope.ops import alignment as comparing
    from dmarcscope.tables.rows import rows, rows_of

    chosen = which(domain, since, until, None, reporter)
    with open_store(store) as opened:
        if records:
            schema, batches = comparing.record_batches(opened.files, chosen, limit or (None if form is not Format.TABLE else 40))
            if form is not Format.TABLE:
                out.write(schema, batches, form, output)
                return
            from dmarcscope.present import resolving

            out.show(resolving.each_record(list(rows_of(batches)), out.width(output)), output)
            return
        answer = comparing.alignment(opened.files, chosen)
    if form is not Format.TABLE:
        out.write_table(answer, form, output)
        return
    from dmarcscope.enrich.suffixes import packaged_suffixes
    from dmarcscope.present import resolving

    out.show(resolving.alignment(rows(answer)[:limit], packaged_suffixes().dated, out.width(output)), output)


@dns_app.command("history", epilog="Examples: dmarcscope dns history example.com   |   dmarcscope dns history example.com --on 2026-05-18")
def history(
    domain: Annotated[str, typer.Argument(help="The domain; the names below it, too.")],
    kind: Annotated[str | None, typer.Option("--type", help="Only this type: TXT, MX, PTR …", metavar="TYPE", show_default=False)] = None,
    on: Annotated[
        str | None,
        typer.Option("--on", help="What held on this day, to judge the failures of then.", metavar="YYYY-MM-DD", show_default=False),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show what changed when in the records of a domain, as far as it was asked: by resolve, ingest, watch or check."""
    from dmarcscope.api import open_store
    from dmarcscope.ops.history import as_dicts, history_on
    from dmarcscope.ops.history import history as seen_of

    if on is not None:
        with open_store(store) as opened:
            held = as_dicts(history_on(opened.files, domain, day_of(on), kind))
        if form is not Format.TABLE:
            out.write_rows(held, form, output)
            return
        from dmarcscope.present import resolving

        out.show(resolving.on_day(domain, on, held, out.width(output)), output)
        return
    with open_store(store) as opened:
        found = seen_of(opened.files, domain, kind)
    if form is not Format.TABLE:
        out.write_rows(found.as_dicts(), form, output)
        return
    from dmarcscope.present import resolving

    troubles = [
        (f"{question.name} {question.kind}", detail or outcome.value, f"{at:%Y-%m-%d %H:%M}")
        for question, outcome, detail, at in found.troubles
    ]
    out.show(resolving.history(found.domain, found.as_dicts(), troubles, out.width(output)), output)


def day_of(text: str) -> date:
    """A day from its text. Raises SetupError for what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SetupError(f"{text!r} is no day", where="--on", fix="Write it as 2026-05-18") from error


def wanted_dns(asked: bool | None, config: Path | None) -> "DnsSettings | None":
    """How to look up beside the intake: if it is asked for, or unless it is not wanted, if [dns] is configured."""
    if asked is False:
        return None
    from dmarcscope.config.finding import find_config

    if not asked and config is None and find_config() is None:
        return None
    from dmarcscope.config.loading import load
    from dmarcscope.wiring import dns_settings

    settings = load(config)
    return dns_settings(settings) if asked or settings.looks_up else None


def look_up_afterwards(store: Path, config: Path | None, *, asked: bool | None) -> None:
    """After an ingest has told what became of everything: look up what is new, and say if it waits. Never raises for it."""
    from dmarcscope.present.wording import safe

    sys.stdout.flush()
    try:
        dns = wanted_dns(asked, config)
    except SetupError as error:
        out.say(f"dmarcscope: look-ups wait: {safe(error, 500)}")
        return
    if dns is None:
        return
    from dmarcscope.ops.lookups import after_ingest
    from dmarcscope.store.files import StoreFiles

    try:
        with StoreFiles(store) as files, out.progress("looking up", None) as tick:
            found = after_ingest(files, dns, tick)
    except KeyboardInterrupt:
        out.say("dmarcscope: look-ups wait: stopped. What was taken in is kept; dmarcscope resolve goes on")
        return
    if found.waits:
        out.say(f"dmarcscope: look-ups wait: {safe(found.waits, 500)}. What was taken in is stored; dmarcscope resolve goes on")
