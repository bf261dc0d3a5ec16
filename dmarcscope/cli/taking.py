"""The command that takes reports in once: from files, standard input and mailboxes."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dmarcscope.cli import output as out
from dmarcscope.cli.options import (
    ConfigOption,
    Format,
    FormatOption,
    JobsOption,
    OutputOption,
    SinceOption,
    StoreOption,
    UntilOption,
)
from dmarcscope.cli.resolving import DnsOption, look_up_afterwards
from dmarcscope.cli.watching import CaFileOption, ImapOption, InsecureOption, MailboxOption, mailboxes, take_in
from dmarcscope.errors import SetupError
from dmarcscope.store import DEFAULT_STORE

if TYPE_CHECKING:
    from dmarcscope.ops.ingest import Outcome

FOUND = 1


def ingest(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Files, folders, globs, mboxes, maildirs, or - for standard input.", metavar="[PATH]…", show_default=False),
    ] = None,
    mailbox: MailboxOption = None,
    imap: ImapOption = None,
    config: ConfigOption = None,
    store: StoreOption = DEFAULT_STORE,
    jobs: JobsOption = 1,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    ca_file: CaFileOption = None,
    insecure: InsecureOption = False,
    dns: DnsOption = None,
) -> None:
    """Take in reports, exactly once; ends with what became of every artefact.

    Reads XML, gzip, zip, tar, mail and Outlook .msg, told by content. --since and --until take only files last changed in that time.
    With --mailbox or --imap: all that is new in a mailbox, once; its mails stay as they are unless the configuration says otherwise.
    If [dns] is configured, or with --dns, sources and keys are looked up afterwards, for 10 seconds at most (after - alone, not:
    a mail server waits); storing never waits for it.
    """
    places = mailboxes(mailbox or [], imap, config, store, ca_file, insecure=insecure)
    if not paths and not places:
        raise SetupError("there is nothing to take in", fix="Name a PATH, or a mailbox with --mailbox or --imap")
    outcome = from_paths(paths, store, jobs, since, until) if paths else None
    if places:
        with out.progress("reading", None) as tick:
            taken = take_in(places, store, jobs, tick, tick.expect)
        if outcome is not None:
            taken.add(outcome)
        outcome = taken
    if outcome is None:
        return
    tell_outcome(outcome.as_dict(), outcome.partly, outcome.troubles, form, output)
    if dns or places or paths != ["-"]:
        look_up_afterwards(store, config, asked=dns)
    if outcome.sidelined or outcome.partly:
        raise typer.Exit(FOUND)


def from_paths(paths: list[str], store: Path, jobs: int, since: str | None, until: str | None) -> "Outcome":
    """Take in files, folders and standard input."""
    from dmarcscope.api import open_store, which
    from dmarcscope.intake.paths import Arrival, arrivals, changed_between, find
    from dmarcscope.ops.ingest import ingest as take_in_files

    span = which(None, since, until)
    named = [path for path in paths if path != "-"]
    files = list(changed_between(find(named), span.since, span.until))

    def everything() -> Iterator[Arrival]:
        if "-" in paths:
            yield Arrival("(standard input)", standard_input())
        yield from arrivals(files)

    with open_store(store) as opened, out.progress("reading", len(files) + ("-" in paths)) as tick:
        return take_in_files(opened.files, everything(), jobs=jobs, progress=tick)


def standard_input() -> bytes:
    """All of standard input. Raises SetupError if it is more than can be a report."""
    from dmarcscope.store.spool import LARGEST_HELD

    data = sys.stdin.buffer.read(LARGEST_HELD + 1)
    if len(data) > LARGEST_HELD:
        raise SetupError(f"more than {LARGEST_HELD >> 20} MiB", where="standard input", fix="Save it as a file and ingest that")
    return data


def tell_outcome(facts: dict[str, int | float], partly: int, troubles: list[tuple[str, str]], form: Format, output: Path | None) -> None:
    """The end of a run: for machines one object, for people a few lines."""
    if form is not Format.TABLE:
        out.write_object(facts, form, output)
        return
    from dmarcscope.present import terminal

    out.show(terminal.outcome(facts, partly, troubles), output)
