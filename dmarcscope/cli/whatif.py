"""The command that tries a change on the mail of a period, before anything is published."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dmarcscope.cli import output as out
from dmarcscope.cli.options import ConfigOption, Format, FormatOption, OutputOption, SinceOption, StoreOption, UntilOption
from dmarcscope.errors import SetupError
from dmarcscope.model.dmarc_record import Alignment
from dmarcscope.model.words import Policy
from dmarcscope.store import DEFAULT_STORE

if TYPE_CHECKING:
    from dmarcscope.lookup.settings import DnsSettings
    from dmarcscope.model.whatif import Unused, WhatIf


class Mode(StrEnum):
    """How near two domains must be."""

    STRICT = "s"
    RELAXED = "r"


DomainArgument = Annotated[str, typer.Argument(help="The domain whose records would change; the mail of its subdomains, too.")]
PolicyOption = Annotated[Policy | None, typer.Option("--policy", help="The policy for the domain (p).", show_default=False)]
SpOption = Annotated[Policy | None, typer.Option("--sp", help="The policy for its subdomains.", show_default=False)]
NpOption = Annotated[Policy | None, typer.Option("--np", help="The policy for subdomains that do not exist.", show_default=False)]
AspfOption = Annotated[Mode | None, typer.Option("--aspf", help="SPF alignment: s(trict) or r(elaxed).", show_default=False)]
AdkimOption = Annotated[Mode | None, typer.Option("--adkim", help="DKIM alignment: s(trict) or r(elaxed).", show_default=False)]
TestingOption = Annotated[bool | None, typer.Option("--testing/--no-testing", help="Test mode (t=y), or its end.", show_default=False)]
RemoveOption = Annotated[
    list[str] | None, typer.Option("--remove-spf", help="Without this term in the SPF record.", metavar="TERM", show_default=False)
]
AddOption = Annotated[
    list[str] | None, typer.Option("--add-spf", help="With this term in the SPF record.", metavar="TERM", show_default=False)
]
WithoutOption = Annotated[list[str] | None, typer.Option("--without", help="Without this sender.", metavar="SENDER", show_default=False)]
UnusedOption = Annotated[bool, typer.Option("--unused", help="Show which SPF terms and DKIM keys were of no use for 90 days.")]
DnsOption = Annotated[bool, typer.Option("--dns", help="Ask the DNS; without it, what was asked before is used.")]

EXAMPLES = """
Examples: dmarcscope whatif example.com --policy reject   |   dmarcscope whatif example.com --aspf s --adkim s
   |   dmarcscope whatif example.com --remove-spf include:_spf.example.net --since 30d
   |   dmarcscope whatif example.com --without Letterbox   |   dmarcscope whatif example.com --unused
"""


def whatif(
    domain: DomainArgument,
    policy: PolicyOption = None,
    sp: SpOption = None,
    np: NpOption = None,
    aspf: AspfOption = None,
    adkim: AdkimOption = None,
    testing: TestingOption = None,
    remove_spf: RemoveOption = None,
    add_spf: AddOption = None,
    without: WithoutOption = None,
    unused: UnusedOption = False,
    dns: DnsOption = False,
    config: ConfigOption = None,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Replay a time under other records: what would have been stopped, by sender and class, and what legitimate mail is at risk.

    Without a change, the present policy is replayed. Nothing is asked of anybody, unless --dns is given, and nothing is published.
    """
    from dmarcscope import wiring
    from dmarcscope.api import open_store, which
    from dmarcscope.config.senders_file import senders_file
    from dmarcscope.model.whatif import Change

    change = Change(
        policy,
        sp,
        np,
        adkim=Alignment(adkim.value) if adkim else None,
        aspf=Alignment(aspf.value) if aspf else None,
        testing=testing,
        remove_spf=tuple(remove_spf or ()),
        add_spf=tuple(add_spf or ()),
        without=tuple(without or ()),
    )
    if unused and not change.is_nothing:
        raise SetupError("--unused goes with no change", fix="Ask for one of the two")
    chosen = which(domain, since, until)
    knowledge = wiring.knowledge(config, senders_file(None, config))
    with open_store(store) as opened:
        asked = live(config) if dns else None
        if unused:
            from dmarcscope.ops.unused import unused as look_for

            tell_unused(look_for(opened.files, chosen, knowledge, asked), form, output)
        else:
            from dmarcscope.ops.whatif import whatif as play

            tell(play(opened.files, chosen, change, knowledge, asked), form, output)


def live(config: Path | None) -> "DnsSettings":
    """How the DNS is asked."""
    from dmarcscope.config.loading import load
    from dmarcscope.wiring import dns_settings

    return dns_settings(load(config))


def tell(found: "WhatIf", form: Format, output: Path | None) -> None:
    """Show a replay: for machines as an object in JSON, else as a line per sender and class."""
    from dmarcscope.present import whatif as presenting

    if form is Format.TABLE:
        out.show_text(presenting.whatif(found, out.width(output)), output)
        return
    lines = [presenting.sender_facts(line) for line in found.lines]
    if form is Format.JSON:
        out.write_object({**facts(found, "lines", "serving"), "lines": lines, "serving": uses(found.serving)}, form, output)
    else:
        out.write_rows(lines, form, output)


def tell_unused(found: "Unused", form: Format, output: Path | None) -> None:
    """Show what is of use: for machines as an object in JSON, else as a line per term or key."""
    from dmarcscope.present import whatif as presenting

    if form is Format.TABLE:
        out.show_text(presenting.unused(found, out.width(output)), output)
    elif form is Format.JSON:
        out.write_object({**facts(found, "items"), "items": uses(found.items)}, form, output)
    else:
        out.write_rows(uses(found.items), form, output)


def facts(found: Any, *but: str) -> dict[str, Any]:
    """An answer as a plain object, without some of its fields."""
    from dataclasses import asdict

    return {name: value for name, value in asdict(found).items() if name not in but}


def uses(items: Any) -> list[dict[str, Any]]:
    """Terms and keys for machines."""
    from dmarcscope.present.whatif import use_facts

    return [use_facts(item) for item in items]
