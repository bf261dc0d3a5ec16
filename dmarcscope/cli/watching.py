"""The commands about mailboxes and watched folders: watch them, take in what is there once, test one, log in to one."""

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dmarcscope.cli import output as out
from dmarcscope.cli.options import ConfigOption, Format, FormatOption, JobsOption, OutputOption, StoreOption
from dmarcscope.cli.resolving import DnsOption, wanted_dns
from dmarcscope.errors import SetupError
from dmarcscope.store import DEFAULT_STORE

if TYPE_CHECKING:
    from dmarcscope.ops.events import Event, Tell
    from dmarcscope.ops.folder import WatchedFolder
    from dmarcscope.ops.ingest import Outcome, Progress
    from dmarcscope.ops.mailbox import Mailbox

FOUND = 1

mailbox_app = typer.Typer(help="A configured mailbox: test it, log in to it.", no_args_is_help=True)


class LogFormat(StrEnum):
    """How the log of a watch is written."""

    TEXT = "text"
    JSON = "json"


LogFormatOption = Annotated[LogFormat, typer.Option("--log-format", help="How to write the log: for people, or a JSON object a line.")]
ImapOption = Annotated[
    str | None,
    typer.Option("--imap", help="A mailbox without a configuration: imaps://user@host/folder.", metavar="URL", show_default=False),
]
MailboxOption = Annotated[
    list[str] | None, typer.Option("--mailbox", "-m", help="A mailbox (or watched folder) of the configuration.", show_default=False)
]
CaFileOption = Annotated[Path | None, typer.Option("--ca-file", help="With --imap: the CA that signed the server's certificate.")]
InsecureOption = Annotated[
    bool, typer.Option("--insecure-no-verification", help="With --imap: take any certificate. Whoever is between reads the password.")
]


def watch(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which of them; all if left out.", metavar="[NAME]…", show_default=False)
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = DEFAULT_STORE,
    jobs: JobsOption = 1,
    log_format: LogFormatOption = LogFormat.TEXT,
    dns: DnsOption = None,
) -> None:
    """Stay, and take in what arrives in the configured mailboxes and watched folders, until stopped (Ctrl-C or SIGTERM).

    A mail is moved, flagged or deleted, as configured, only after its report is stored. While the store cannot be written, reports are
    kept in the spool and taken up later; dmarcscope status tells. If [dns] is configured, or with --dns, sources and keys are looked up
    beside it; nothing waits for that. If [summary] is configured, the summary of each week is sent by mail.
    """
    from dmarcscope.config.loading import load
    from dmarcscope.ops.watch import watch as stay
    from dmarcscope.store.files import StoreFiles
    from dmarcscope.wiring import mail_plan, places

    settings = load(config)
    found, tell = places(settings, names or [], store), logging_to(sys.stderr, log_format)
    with stopping() as stop, StoreFiles(store) as files:
        stay(files, found, tell, stop=stop, jobs=jobs, dns=wanted_dns(dns, config), mail=mail_plan(settings, config))


def take_in(found: "Sequence[Mailbox | WatchedFolder]", store: Path, jobs: int, progress: "Progress", expect: "Progress") -> "Outcome":
    """Take in all that is in mailboxes now, once; ``expect`` hears how many mails there are to look at, ``progress`` of each that was."""
    from dmarcscope.ops.watch import watch as stay
    from dmarcscope.store.files import StoreFiles

    with stopping() as stop, StoreFiles(store) as files:
        outcome = stay(files, found, troubles_only, stop=stop, once=True, jobs=jobs, progress=progress, expect=expect)
    if stop.is_set():
        raise KeyboardInterrupt
    return outcome


def mailboxes(
    names: Sequence[str], url: str | None, config: Path | None, store: Path, ca_file: Path | None, *, insecure: bool
) -> "list[Mailbox | WatchedFolder]":
    """The mailboxes that the options name."""
    from dmarcscope import wiring

    found: list[Mailbox | WatchedFolder] = []
    if names:
        from dmarcscope.config.loading import load

        found += wiring.places(load(config), names, store)
    if url:
        if insecure:
            out.say("dmarcscope: the server's certificate is NOT verified: whoever is between reads the password and the mail")
        found.append(wiring.mailbox_at(url, asked_password, ca_file=ca_file, verify=not insecure))
    return found


def asked_password(question: str) -> str:
    """A password from whoever sits there. Raises SetupError if nobody does."""
    from getpass import getpass

    from dmarcscope.wiring import PASSWORD_VARIABLE

    if not sys.stdin.isatty():
        raise SetupError("there is no password, and nobody to ask", fix=f"Set {PASSWORD_VARIABLE} in the environment")
    return getpass(question)


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """A flag that Ctrl-C and SIGTERM set; a second Ctrl-C ends at once."""
    stop = threading.Event()

    def ask_to_stop(number: int, _frame: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def logging_to(stream: "object", form: LogFormat) -> "Tell":
    """A teller that writes one line per event, whoever calls it."""
    from dmarcscope.present import events

    writing = threading.Lock()

    def tell(event: "Event") -> None:
        at = datetime.now(UTC)
        if form is LogFormat.JSON:
            line = events.as_json(at, event.what.value, event.facts, is_trouble=event.is_trouble)
        else:
            line = f"{at:%Y-%m-%d %H:%M:%S}Z {'!' if event.is_trouble else ' '} {events.line(event.what.value, event.facts)}"
        with writing:
            print(line, file=stream, flush=True)  # type: ignore[call-overload]

    return tell


def troubles_only(event: "Event") -> None:
    """Tell what somebody may want to do something about; the rest is told at the end. (What is unreadable is listed there, too.)"""
    from dmarcscope.present import events

    if event.is_trouble and event.what.value != "sidelined":
        out.say(f"dmarcscope: {events.line(event.what.value, event.facts)}")


@mailbox_app.command("test", epilog="Example: dmarcscope mailbox test reports")
def try_out(
    name: Annotated[str, typer.Argument(help="The mailbox, as it is named in the configuration.")],
    config: ConfigOption = None,
    store: StoreOption = DEFAULT_STORE,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Say what works: the server, TLS, the login, the folders, what the server can do, how many mails look like reports, moving.

    Nothing in the mailbox is changed. Exit code 1 if something does not work.
    """
    from dmarcscope.config.loading import load
    from dmarcscope.ops.try_mailbox import as_dicts, try_mailbox
    from dmarcscope.wiring import named_mailbox

    found = as_dicts(try_mailbox(named_mailbox(load(config), name, store)))
    if form is not Format.TABLE:
        out.write_rows(found, form, output)
    else:
        from dmarcscope.present import terminal

        out.show(terminal.trials(found), output)
    if any(trial["ok"] is False for trial in found):
        raise typer.Exit(FOUND)


@mailbox_app.command(
    "login",
    epilog="Examples: dmarcscope mailbox login reports   |   on a machine without a browser: dmarcscope mailbox login reports --paste",
)
def login(
    name: Annotated[str, typer.Argument(help="The mailbox, as it is named in the configuration.")],
    paste: Annotated[bool, typer.Option("--paste", help="The browser is on another machine: paste the address it ends at.")] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port that the browser is sent back to; 0: any.")] = 0,
    config: ConfigOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Log in to a mailbox with OAuth (Gmail, Microsoft 365) in a browser, once; the refresh token is kept in the store's folder."""
    from dmarcscope.config.loading import load
    from dmarcscope.wiring import begin_login

    with begin_login(load(config), name, store, port) as attempt:
        print("Open this address in a browser, and log in:\n")
        print(f"  {attempt.address}\n")
        if paste:
            attempt.finish(input("Paste the address that the browser ends at (it may show an error): ").strip())
        else:
            print("Waiting for the browser … (on another machine? Stop with Ctrl-C, and use --paste)")
            attempt.wait()
    print(f"Logged in. Now run: dmarcscope mailbox test {name}")
