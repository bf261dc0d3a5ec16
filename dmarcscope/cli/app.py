"""The commands. Each parses its input, calls one verb of the Python API, and shows the answer.

Exit codes: 0 all well; 1 something was sidelined or found; 2 usage or set-up; 75 could not take the input now, try again (sysexits'
EX_TEMPFAIL: a mail server keeps the mail).
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dmarcscope.cli import output as out
from dmarcscope.cli.asking import check, setup, spf
from dmarcscope.cli.changing import CHANGES_EXAMPLES, changes
from dmarcscope.cli.configuring import config_app
from dmarcscope.cli.data import data_app
from dmarcscope.cli.deciding import COVERAGE_EXAMPLES, READINESS_EXAMPLES, coverage, readiness
from dmarcscope.cli.explaining import EXAMPLES as EXPLAIN_EXAMPLES
from dmarcscope.cli.explaining import explain
from dmarcscope.cli.options import (
    ConfigOption,
    DebugOption,
    DomainArgument,
    Format,
    FormatOption,
    JobsOption,
    LimitOption,
    OutputOption,
    SinceOption,
    StoreOption,
    UntilOption,
    VerifiedOption,
)
from dmarcscope.cli.resolving import alignment, dns_app, resolve
from dmarcscope.cli.sending import FIXES_EXAMPLES, ClassOption, SenderOption, class_of, fixes, senders_app
from dmarcscope.cli.summarising import SUMMARY_EXAMPLES, summary
from dmarcscope.cli.taking import ingest, tell_outcome
from dmarcscope.cli.watching import mailbox_app, watch
from dmarcscope.cli.whatif import EXAMPLES as WHATIF_EXAMPLES
from dmarcscope.cli.whatif import whatif
from dmarcscope.errors import DmarcscopeError, SetupError, Unavailable
from dmarcscope.model.meant import Meant
from dmarcscope.store import DEFAULT_STORE

if TYPE_CHECKING:
    from dmarcscope.tables.queries import Filter

OK, FOUND, USAGE, TRY_AGAIN = 0, 1, 2, 75

EXAMPLES = """
Examples:

  dmarcscope ingest ~/reports            take in a folder of reports

  dmarcscope resolve                     ask the DNS who the sources are

  dmarcscope senders example.com         who sends as example.com, and what to do next

  dmarcscope readiness example.com       may I enforce?
"""

app = typer.Typer(
    help="DMARC aggregate reports: read every one, lose none, show who sends as your domain.",
    epilog=EXAMPLES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code. Errors are one sentence on standard error; ``--debug`` shows where they came from."""
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    try:
        app(args=[word for word in words if word != "--debug"], prog_name="dmarcscope")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else OK
    except Unavailable as error:
        return failed(error, TRY_AGAIN, debug=debug)
    except DmarcscopeError as error:
        return failed(error, USAGE, debug=debug)
    except KeyboardInterrupt:
        out.say("dmarcscope: stopped; what was taken in is kept, and the rest is taken up at the next run")
        return TRY_AGAIN
    except Exception as error:  # a bug: said in one sentence, and mail servers keep their mail
        if debug:
            raise
        first = str(error).strip().partition("\n")[0]
        out.say(f"dmarcscope: internal error ({type(error).__name__}: {first}). Please report it, with what --debug prints")
        return TRY_AGAIN
    return OK


def failed(error: DmarcscopeError, code: int, *, debug: bool) -> int:
    """Say an error in one sentence."""
    if debug:
        raise error
    from dmarcscope.present.wording import safe

    out.say(f"dmarcscope: {safe(error, 1000)}")
    return code


def show_version(wanted: bool) -> None:
    if wanted:
        from dmarcscope import __version__

        print(f"dmarcscope {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")] = False,
    debug: DebugOption = False,
) -> None:
    """Answers before data: who sends as my domain, should I worry, what do I change?"""


app.command(
    epilog="Examples: dmarcscope ingest ~/reports 'mail/*.eml' inbox.mbox   |   dmarcscope ingest --imap imaps://dmarc@example.com@imap.example.com/INBOX"
    "   |   from a mail server: docs/mailbox.md"
)(ingest)


@app.command(
    epilog="Examples: dmarcscope sources example.com --since 30d   |   dmarcscope sources --by reporter --format csv -o reporters.csv"
)
def sources(
    domain: DomainArgument = None,
    by: Annotated[
        str,
        typer.Option("--by", help="source_ip, dkim_domain, spf_domain, header_from, reporter, day or disposition.", metavar="WHAT"),
    ] = "source_ip",
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    verified: VerifiedOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Who sends as the domain: a line per source, those with most failing messages first."""
    from dmarcscope.api import open_store, which
    from dmarcscope.ops import ask

    chosen = which(domain, since, until, verified=verified)
    with open_store(store) as opened:
        answer = ask.sources(opened.files, by, chosen, None if form is Format.TABLE else limit)
        if form is not Format.TABLE:
            out.write_table(answer, form, output)
            return
        if not answer.num_rows:
            out.say(out.nothing_found(domain, ask.domains(opened.files)))
            return
    from dmarcscope.present import terminal
    from dmarcscope.tables.rows import rows

    asked = terminal.sources_title(domain, since, until)
    out.show(terminal.sources(rows(answer), by, out.shown_lines(limit, output), asked, out.width(output), chosen.domain), output)


@app.command(
    epilog="Examples: dmarcscope records example.com --source-ip 192.0.2.10   |   dmarcscope records --format parquet -o records.parquet"
)
def records(
    domain: DomainArgument = None,
    source_ip: Annotated[str | None, typer.Option("--source-ip", help="Only this address.", show_default=False)] = None,
    reporter: Annotated[str | None, typer.Option("--reporter", help="Only this reporter.", show_default=False)] = None,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    verified: VerifiedOption = False,
    classified: Annotated[bool, typer.Option("--classified", help="With class, sender, rule and confidence of each.")] = False,
    sender: SenderOption = None,
    sender_class: ClassOption = None,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """The lines behind it: one per record of a report, with every DKIM and SPF result.

    --sender and --class choose those of a sender or a class; both imply --classified.
    """
    from dmarcscope.api import open_store, which
    from dmarcscope.ops import ask
    from dmarcscope.tables.rows import rows

    chosen = which(domain, since, until, source_ip, reporter, verified=verified)
    if classified or sender or sender_class:
        show_classified(store, chosen, Meant(sender, class_of(sender_class)), config, limit, form, output)
        return
    with open_store(store) as opened:
        if form is not Format.TABLE:
            out.write(*ask.record_batches(opened.files, chosen, limit), form, output)
            return
        lines = out.shown_lines(limit, output) or out.SCREEN
        total = ask.count_records(opened.files, chosen)
        answer = rows(ask.records(opened.files, chosen, lines))
    from dmarcscope.present import terminal

    out.show(terminal.records(answer, max(0, total - len(answer)), out.width(output)), output)


def show_classified(
    store: Path, chosen: "Filter", meant: Meant, config: Path | None, limit: int | None, form: Format, output: Path | None
) -> None:
    """The lines with the verdict on each."""
    from dmarcscope.api import open_store
    from dmarcscope.ops import senders as sending
    from dmarcscope.tables.rows import rows_of
    from dmarcscope.wiring import knowledge

    known = knowledge(config)
    with open_store(store) as opened:
        if form is not Format.TABLE:
            out.write(*sending.records(opened.files, chosen, known, meant, limit), form, output)
            return
        lines = out.shown_lines(limit, output) or out.SCREEN
        total = sending.count(opened.files, chosen, known, meant)
        answer = list(rows_of(sending.records(opened.files, chosen, known, meant, lines)[1]))
    from dmarcscope.present import terminal

    out.show(terminal.records(answer, max(0, total - len(answer)), out.width(output), classified=True), output)


@app.command(epilog="Examples: dmarcscope reports example.com --since 7d   |   dmarcscope reports --reporter google.com --format json")
def reports(
    domain: DomainArgument = None,
    reporter: Annotated[str | None, typer.Option("--reporter", help="Only this reporter.", show_default=False)] = None,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    verified: VerifiedOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """The reports behind it, with their defects and what became of them; duplicates and superseded ones too."""
    from dmarcscope.api import open_store, which
    from dmarcscope.ops import reports as reporting

    chosen = which(domain, since, until, None, reporter, verified=verified)
    with open_store(store) as opened:
        answer = reporting.reports(opened.files, chosen, None if form is Format.TABLE else limit)
    if form is not Format.TABLE:
        out.write_table(answer, form, output)
        return
    from dmarcscope.present import terminal
    from dmarcscope.tables.rows import rows

    shown = rows(answer)[: out.shown_lines(limit, output)]
    out.show(terminal.reports(shown, answer.num_rows - len(shown), out.width(output)), output)


@app.command(epilog="Examples: dmarcscope show 17   |   dmarcscope show 17 --raw > report.eml")
def show(
    report: Annotated[str, typer.Argument(help="A report's key or report_id, or the begin of its artefact's hash.")],
    raw: Annotated[bool, typer.Option("--raw", help="The bytes that brought it, as they were received.")] = False,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """One report, readable; with --raw its original bytes. --since and --until go by its period."""
    from dmarcscope.api import open_store, which
    from dmarcscope.ops import reports as reporting

    chosen = which(None, since, until)
    with open_store(store) as opened:
        if raw:
            data = reporting.raw(opened.files, reporting.find(opened.files, report, chosen))
            with out.opened(output) as file:
                file.write(data)
            return
        found = reporting.show(opened.files, report, chosen)
    if form is not Format.TABLE:
        out.write_object(reporting.as_dict(found), form, output)
        return
    from dmarcscope.present import terminal

    out.show(terminal.report(found.entry, found.report, out.width(output)), output)


@app.command(epilog="Example: dmarcscope status --format json")
def status(
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """What is in the store, what waits, what could not be read, how it goes with each mailbox. --since and --until go by arrival.

    Exit code 1 if the ledger cannot be read, or a run has found that the store cannot be written.
    """
    from dmarcscope.api import open_store

    with open_store(store) as opened:
        state = opened.status(since=since, until=until)
    if form is not Format.TABLE:
        out.write_object(state.as_dict(), form, output)
    else:
        from dmarcscope.present import terminal

        out.show(terminal.status(state.as_dict()), output)
    if not state.is_well:
        raise typer.Exit(FOUND)


@app.command(epilog="Example: dmarcscope verify || mail -s 'dmarcscope: differences' you@example.com")
def verify(
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Prove that nothing is lost: spool, ledger and table checked against each other; exit 1 if anything differs.

    --since and --until limit whose bytes are read, by arrival; all else is always checked.
    """
    from dmarcscope.api import open_store, which
    from dmarcscope.ops.verify import as_dicts, verify_store

    span = which(None, since, until)
    with open_store(store) as opened, out.progress("hashing", None) as tick:
        found = as_dicts(verify_store(opened.files, span.since, span.until, tick))
    if form is not Format.TABLE:
        out.write_rows(found, form, output)
    else:
        from dmarcscope.present import terminal

        out.show(terminal.checks(found), output)
    if any(check["wrong"] for check in found):
        raise typer.Exit(FOUND)


@app.command(epilog="Examples: dmarcscope replay   |   dmarcscope replay --all --jobs 2")
def replay(
    sidelined: Annotated[bool, typer.Option("--sidelined", help="What could not be read, or not wholly (the default).")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Everything that was ever received.")] = False,
    store: StoreOption = DEFAULT_STORE,
    jobs: JobsOption = 1,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Parse again from the spool, as a newer dmarcscope may read more. --since and --until go by arrival."""
    from dmarcscope.api import open_store, which
    from dmarcscope.ops.replay import candidates
    from dmarcscope.ops.replay import replay as read_again

    if sidelined and everything:
        raise SetupError("--sidelined and --all exclude each other", fix="Choose one")
    span = which(None, since, until)
    with open_store(store) as opened:
        total = len(candidates(opened.files, everything=everything, since=span.since, until=span.until))
        with out.progress("reading", total) as tick:
            outcome = read_again(opened.files, everything=everything, since=span.since, until=span.until, jobs=jobs, progress=tick)
    tell_outcome(outcome.as_dict(), outcome.partly, outcome.troubles, form, output)
    if outcome.sidelined or outcome.partly:
        raise typer.Exit(FOUND)


app.command(
    "watch", epilog="Examples: dmarcscope watch   |   dmarcscope watch reports --log-format json   |   as a service: see docs/mailbox.md"
)(watch)
app.command(epilog="Examples: dmarcscope resolve   |   dmarcscope resolve example.com --since 30d   |   dmarcscope resolve --again")(
    resolve
)
app.command(epilog="Examples: dmarcscope alignment example.com   |   dmarcscope alignment --records --format csv -o alignment.csv")(
    alignment
)
app.command(epilog="Examples: dmarcscope check example.com --selector s1   |   dmarcscope check example.com --json")(check)
app.command(epilog="Examples: dmarcscope spf 192.0.2.1 example.com   |   dmarcscope spf 2001:db8::1 example.com --sender news@example.com")(
    spf
)
app.command(
    epilog="Examples: dmarcscope setup example.com --rua dmarc@example.com   |   the same with --verify, some time after it is published"
)(setup)
app.add_typer(senders_app, name="senders")
app.command(epilog=FIXES_EXAMPLES)(fixes)
app.command(epilog=EXPLAIN_EXAMPLES)(explain)
app.command(epilog=CHANGES_EXAMPLES)(changes)
app.command(epilog=READINESS_EXAMPLES)(readiness)
app.command(epilog=WHATIF_EXAMPLES)(whatif)
app.command(epilog=COVERAGE_EXAMPLES)(coverage)
app.command(epilog=SUMMARY_EXAMPLES)(summary)
app.add_typer(data_app, name="data")
app.add_typer(dns_app, name="dns")
app.add_typer(mailbox_app, name="mailbox")
app.add_typer(config_app, name="config")
