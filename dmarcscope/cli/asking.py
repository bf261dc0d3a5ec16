"""The commands that ask the DNS about a domain, without any report: check it, evaluate its SPF, set up its reports.

Exit codes: 0 good; 1 something to mend; 2 usage or set-up; 3 something could not be asked, which is never read as good.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from dmarcscope.cli import output as out
from dmarcscope.cli.configuring import Shape, ShapeOption
from dmarcscope.cli.options import ConfigOption, Format, OutputOption, StoreOption
from dmarcscope.errors import SetupError
from dmarcscope.store import DEFAULT_STORE

if TYPE_CHECKING:
    from dmarcscope.lookup.asking import Resolver
    from dmarcscope.lookup.cache import AnswerMemory
    from dmarcscope.lookup.settings import DnsSettings

FOUND, UNKNOWN = 1, 3
Found = TypeVar("Found")

DomainArgument = Annotated[str, typer.Argument(help="The domain.", metavar="DOMAIN")]
NameserverOption = Annotated[
    list[str] | None,
    typer.Option("--nameserver", help="Ask this name server: 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:53.", metavar="IP[:PORT]"),
]
ZoneFileOption = Annotated[
    list[Path] | None,
    typer.Option("--zone-file", help="Answer from this master file; nobody is asked then unless --nameserver names one.", metavar="FILE"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json.")]


def check(
    domain: DomainArgument,
    selector: Annotated[
        list[str] | None, typer.Option("--selector", help="Look at this DKIM selector, too.", metavar="NAME", show_default=False)
    ] = None,
    https: Annotated[bool, typer.Option("--https", help="Fetch the MTA-STS policy file over HTTPS, too.")] = False,
    nameserver: NameserverOption = None,
    zone_file: ZoneFileOption = None,
    store: StoreOption = DEFAULT_STORE,
    config: ConfigOption = None,
    form: ShapeOption = Shape.TABLE,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Check what a domain publishes: DMARC, SPF, DKIM, MX, MTA-STS, TLS-RPT and BIMI, with a line to copy for what is to be mended.

    Exit code 0: sound, perhaps with notes. 1: there are errors or warnings. 3: none of these, but something could not be asked, so that
    it is not known to be sound. Nothing is sent but questions to the name server, unless --https is given. DKIM: the selectors of
    --selector, and those that the reports in the store show. What is seen is kept in the store, for `dns history`.
    """
    from dmarcscope.model.domain_check import State
    from dmarcscope.ops.check import as_dict, check_domain
    from dmarcscope.ops.selectors import seen_selectors
    from dmarcscope.present.domain_check import domain_check
    from dmarcscope.store.answers import LedgerNotes
    from dmarcscope.store.files import StoreFiles

    now = datetime.now(UTC)
    with StoreFiles(store) as files:
        selectors = [*(selector or ()), *seen_selectors(files, domain)]
        # What somebody tries with other servers or a zone file is no observation of what is published.
        notes = LedgerNotes(files.ledger) if files.exists() and not (nameserver or zone_file) else None
        found = asked(
            lambda resolver: check_domain(resolver, domain, selectors=selectors, https=https, now=now), nameserver, zone_file, config, notes
        )
    if as_json or form is Shape.JSON:
        out.write_object(as_dict(found), Format.JSON, output)
    else:
        out.show_text(domain_check(found, out.width(output)), output)
    leave({State.FINDINGS: FOUND, State.COULD_NOT_CHECK: UNKNOWN}.get(found.state, 0))


def spf(
    address: Annotated[str, typer.Argument(help="The address that sends.", metavar="IP")],
    domain: DomainArgument,
    sender: Annotated[
        str, typer.Option("--sender", help="The MAIL FROM address; else postmaster at the domain.", metavar="ADDRESS", show_default=False)
    ] = "",
    helo: Annotated[
        str, typer.Option("--helo", help="The name that the client gives; else the domain.", metavar="NAME", show_default=False)
    ] = "",
    nameserver: NameserverOption = None,
    zone_file: ZoneFileOption = None,
    config: ConfigOption = None,
    form: ShapeOption = Shape.TABLE,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Evaluate SPF: the result, the term that matched with its path through includes, and each DNS question asked.

    Exit code 0: pass. 1: any other result. 3: temperror, as something could not be asked.
    """
    from dataclasses import asdict

    from dmarcscope.model.words import SpfResult
    from dmarcscope.ops.spf import evaluate_spf
    from dmarcscope.present.spf_tree import evaluation

    found = asked(lambda resolver: evaluate_spf(resolver, address, domain, sender=sender, helo=helo), nameserver, zone_file, config)
    if as_json or form is Shape.JSON:
        out.write_object(asdict(found), Format.JSON, output)
    else:
        out.show_text(evaluation(found, address, out.width(output)), output)
    leave({SpfResult.PASS: 0, SpfResult.TEMPERROR: UNKNOWN}.get(found.result, FOUND))


def setup(
    domain: DomainArgument,
    rua: Annotated[str, typer.Option("--rua", help="Where aggregate reports are to go.", metavar="ADDRESS", show_default=False)],
    ruf: Annotated[
        str, typer.Option("--ruf", help="Where reports on single failed messages are to go.", metavar="ADDRESS", show_default=False)
    ] = "",
    verify: Annotated[bool, typer.Option("--verify", help="Tell whether it is live.")] = False,
    nameserver: NameserverOption = None,
    zone_file: ZoneFileOption = None,
    config: ConfigOption = None,
    form: ShapeOption = Shape.TABLE,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Say what to publish so that reports about a domain come to a mailbox; the record that is there is changed as little as can be.

    Exit code 0: the lines are told; with --verify, they are live. 1: there is something to put right first; with --verify, not live
    yet. 3: something could not be asked.
    """
    from dmarcscope.model.dmarc_setup import SetupState
    from dmarcscope.ops.setup import as_dict, plan_setup
    from dmarcscope.present import dmarc_setup

    plan = asked(lambda resolver: plan_setup(resolver, domain, rua=rua, ruf=ruf), nameserver, zone_file, config)
    if as_json or form is Shape.JSON:
        out.write_object(as_dict(plan), Format.JSON, output)
    else:
        out.show_text(dmarc_setup.setup(plan, out.width(output), verify=verify), output)
    codes = {SetupState.LIVE: 0, SetupState.COULD_NOT_ASK: UNKNOWN, SetupState.NOT_YET: FOUND if verify or not plan.lines else 0}
    leave(codes[plan.state])


def leave(code: int) -> None:
    """End with an exit code."""
    if code:
        raise typer.Exit(code)


def asked(
    verb: "Callable[[Resolver], Awaitable[Found]]",
    nameservers: Sequence[str] | None,
    zone_files: Sequence[Path] | None,
    config: Path | None,
    memory: "AnswerMemory | None" = None,
) -> Found:
    """What a verb comes to that asks the DNS; ``memory`` notes what is seen."""
    from dmarcscope.lookup.opening import open_resolver

    async def run() -> Found:
        async with open_resolver(dns_settings(nameservers or (), zone_files or (), config), memory) as resolver:
            return await verb(resolver)

    return asyncio.run(run())


def dns_settings(nameservers: Sequence[str], zone_files: Sequence[Path], config: Path | None) -> "DnsSettings":
    """How the DNS is asked: what the options say goes before the configuration."""
    from dmarcscope import wiring
    from dmarcscope.config.loading import load

    servers = tuple(nameserver(text) for text in nameservers)
    settings = wiring.dns_settings(load(config))
    if servers:
        return replace(settings, nameservers=servers, zone_files=tuple(zone_files), offline=False)
    return replace(settings, zone_files=tuple(zone_files), offline=True) if zone_files else settings


def nameserver(text: str) -> tuple[str, int]:
    """Address and port of a name server as the option gives it. Raises SetupError for what is none.

    >>> nameserver("192.0.2.1:5353"), nameserver("2001:db8::1"), nameserver("[2001:db8::1]:5353")
    (('192.0.2.1', 5353), ('2001:db8::1', 53), ('2001:db8::1', 5353))
    """
    from dmarcscope.lookup.settings import PORT, check_nameserver

    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = text, str(PORT)
    if not port.isdecimal() or len(port) > 5:
        raise SetupError("is no name server", where="--nameserver", fix="Write it as 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:53")
    host = host.removeprefix("[").removesuffix("]")
    check_nameserver(host, int(port))
    return host, int(port)
