"""The commands about the owner's own list of senders: accept and reject write it, check holds it against what was reported."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from dmarcscope.cli import output as out
from dmarcscope.cli.configuring import Shape, ShapeOption
from dmarcscope.cli.options import ConfigOption, DomainArgument, Format, FormatOption, OutputOption, StoreOption
from dmarcscope.errors import SetupError
from dmarcscope.store import DEFAULT_STORE

if TYPE_CHECKING:
    from dmarcscope.enrich.owner_writing import Written

FOUND = 1
Value = TypeVar("Value")


class Accepted(StrEnum):
    """What a sender may be accepted as."""

    OURS = "ours"
    FORWARDER = "forwarder"
    MAILING_LIST = "mailing list"


NameArgument = Annotated[str, typer.Argument(help="The sender, as dmarcscope senders names it.", metavar="NAME")]
ListOption = Annotated[
    Path | None, typer.Option("--list", help="Your list of senders; else as configured.", metavar="FILE", show_default=False)
]
ForceOption = Annotated[bool, typer.Option("--force", help="List it even if the store has never seen it.")]

ACCEPT_EXAMPLES = """
Examples: dmarcscope senders accept Letterbox --owner Marketing --purpose newsletter --expected 400-600 --review 2027-01-31
   |   dmarcscope senders accept "Own mail server" --address 192.0.2.10 --address 2001:db8::10
"""
REJECT_EXAMPLES = """
Example: dmarcscope senders reject "Old newsletter service"
"""
CHECK_EXAMPLES = """
Examples: dmarcscope senders check   |   dmarcscope senders check example.com --format json   |   in CI: see docs/senders-list.md
"""


def accept(
    name: NameArgument,
    label: Annotated[Accepted | None, typer.Option("--label", help="What it is; ours if left out.", show_default=False)] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Who answers for it.", show_default=False)] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="What it sends.", show_default=False)] = None,
    expected: Annotated[
        str | None, typer.Option("--expected", help="Messages a week that are expected: 400-600.", metavar="FROM-TO", show_default=False)
    ] = None,
    review: Annotated[
        str | None,
        typer.Option("--review", help="When to look whether it is still needed.", metavar="YYYY-MM-DD", show_default=False),
    ] = None,
    domain: Annotated[
        list[str] | None,
        typer.Option("--domain", help="Only for this author domain and those below it.", metavar="DOMAIN", show_default=False),
    ] = None,
    address: Annotated[
        list[str] | None,
        typer.Option("--address", help="It is known by this address or block of addresses.", metavar="CIDR", show_default=False),
    ] = None,
    force: ForceOption = False,
    file: ListOption = None,
    config: ConfigOption = None,
    store: StoreOption = DEFAULT_STORE,
    form: ShapeOption = Shape.TABLE,
) -> None:
    """Put a sender on your list, or change its entry; the rest of the file stays as it is, with its comments.

    NAME must be a sender that the store has seen or that is listed, unless --force or --address is given.
    """
    from dmarcscope.enrich import owner_list as read
    from dmarcscope.enrich.owner_writing import Remarks
    from dmarcscope.enrich.owner_writing import accept as write
    from dmarcscope.model.owner_list import Label

    remarks = Remarks(
        label=Label(label.value) if label else None,
        owner=parsed("--owner", read.remark_of, owner),
        purpose=parsed("--purpose", read.remark_of, purpose),
        expected=parsed("--expected", read.expected_of, expected),
        review=parsed("--review", read.review_of, review),
        domains=every("--domain", read.domain_of, domain),
        addresses=every("--address", read.address_of, address),
    )
    path = list_path(file, config)
    known = name if force or address else known_name(name, path, config, store)
    tell(write(path, known, remarks), form)


def reject(
    name: NameArgument,
    force: ForceOption = False,
    file: ListOption = None,
    config: ConfigOption = None,
    store: StoreOption = DEFAULT_STORE,
    form: ShapeOption = Shape.TABLE,
) -> None:
    """Put a sender on your list as «not ours», or change its entry; the rest of the file stays as it is, with its comments.

    NAME must be a sender that the store has seen or that is listed, unless --force is given.
    """
    from dmarcscope.enrich.owner_writing import reject as write

    path = list_path(file, config)
    tell(write(path, name if force else known_name(name, path, config, store)), form)


def check(
    domain: DomainArgument = None,
    on: Annotated[
        str | None, typer.Option("--on", help="Check as of this day (UTC); else today.", metavar="YYYY-MM-DD", show_default=False)
    ] = None,
    least: Annotated[int, typer.Option("--least", min=1, help="Messages in 28 days that make an unlisted sender worth telling.")] = 10,
    silent_days: Annotated[
        int, typer.Option("--silent-days", min=1, max=90, help="Days without mail after which a sender is silent.")
    ] = 14,
    file: ListOption = None,
    config: ConfigOption = None,
    store: StoreOption = DEFAULT_STORE,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Hold your list against what was reported: senders unlisted, silent, off their volume, due for review, or newly failing.

    Also senders listed as «not ours» whose mail passes. Exit code 1: something is to be looked at. 0: nothing is.
    """
    from dmarcscope import wiring
    from dmarcscope.analysis.owner_check import Limits
    from dmarcscope.api import which
    from dmarcscope.enrich.owner_list import review_of
    from dmarcscope.ops.owner_check import as_dicts, check_owner_list
    from dmarcscope.store.files import StoreFiles

    today = parsed("--on", review_of, on) or datetime.now(UTC).date()
    path = list_path(file, config)
    knowledge = wiring.knowledge(config, path)
    with StoreFiles(store) as files:
        found = as_dicts(check_owner_list(files, knowledge, today=today, domain=which(domain).domain, limits=Limits(least, silent_days)))
    if form is Format.JSON:
        out.write_object({"list": str(path), "on": today.isoformat(), "findings": found}, form, output)
    elif form is not Format.TABLE:
        out.write_rows(found, form, output)
    else:
        from dmarcscope.present.owner_check import owner_check

        out.show(owner_check(found, len(knowledge.owner.senders), knowledge.owner.path, today.isoformat()), output)
    if found:
        raise typer.Exit(FOUND)


def list_path(named: Path | None, config: Path | None) -> Path:
    """Where the list lies."""
    from dmarcscope.config.senders_file import senders_file

    return senders_file(named, config)


def parsed(option: str, make: Callable[[str], Value], text: str | None) -> Value | None:
    """The value of an option. Raises SetupError, which names the option, for what is none."""
    if text is None:
        return None
    try:
        return make(text)
    except SetupError as error:
        raise SetupError(error.what, where=option, fix=error.fix) from error


def every(option: str, make: Callable[[str], Value], texts: Iterable[str] | None) -> tuple[Value, ...]:
    """The values of an option that may be given again."""
    return tuple(value for text in texts or () if (value := parsed(option, make, text)) is not None)


def known_name(name: str, path: Path, config: Path | None, store: Path) -> str:
    """The name as the list or the store knows it. Raises SetupError, with the nearest one, for a name that neither knows.

    Where there is no store, any name will do.
    """
    from dmarcscope import wiring
    from dmarcscope.enrich.owner_list import read_list
    from dmarcscope.ops.owner_check import seen_senders
    from dmarcscope.store.files import StoreFiles

    listed = {sender.name.casefold() for sender in read_list(path).senders}
    with StoreFiles(store) as files:
        if name.casefold() in listed or not files.exists():
            return name
        seen = seen_senders(files, wiring.knowledge(config, path))
    known = {sender.casefold(): sender for sender in reversed(seen)}
    if not seen or name.casefold() in known:
        return known.get(name.casefold(), name)
    raise SetupError(f"no sender «{name}» has been seen", where=str(store), fix=suggestion(name, seen))


def suggestion(name: str, seen: list[str]) -> str:
    """Which sender may be meant, and how to list one that was never seen.

    >>> suggestion("Leterbox", ["Letterbox", "Billwell"])
    'Did you mean «Letterbox»? To list it all the same: --force'
    """
    import difflib

    by_fold = {sender.casefold(): sender for sender in reversed(seen)}
    near = difflib.get_close_matches(name.casefold()[:200], by_fold, n=1)
    meant = f"Did you mean «{by_fold[near[0]]}»?" if near else "dmarcscope senders shows those that were."
    return f"{meant} To list it all the same: --force"


def tell(done: "Written", form: Shape) -> None:
    """Say what was written."""
    facts = {
        "path": str(done.path),
        "name": done.now.name,
        "label": done.now.label.value,
        "added": done.before is None,
        "changed": done.changed,
        "new_file": done.new_file,
    }
    if form is Shape.JSON:
        out.write_object(facts, Format.JSON, None)
        return
    from dmarcscope.present.owner_check import written

    out.show_text(written(facts), None)
