"""The commands for a decision: is a domain ready for a stricter policy, and how complete are the reports it rests on?

Exit codes of readiness: 0 ready for the next stricter policy, or at p=reject and in order; 1 not yet, or no data; 2 usage or set-up.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dmarcscope.cli import output as out
from dmarcscope.cli.options import (
    ConfigOption,
    DomainArgument,
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
    from collections.abc import Sequence

    from dmarcscope.config.models import Settings
    from dmarcscope.ops.readiness import Assessed

NOT_READY = 1

READINESS_EXAMPLES = (
    "Examples: dmarcscope readiness example.com   |   dmarcscope readiness --all   |   dmarcscope readiness --group brands --format json"
)
COVERAGE_EXAMPLES = "Examples: dmarcscope coverage example.com   |   dmarcscope coverage --since 2026-W20 --until 2026-W20 --format csv"

AllOption = Annotated[bool, typer.Option("--all", help="Every policy domain of the store, a line each.")]


def readiness(
    domain: Annotated[str | None, typer.Argument(help="The domain.", show_default=False)] = None,
    all_domains: AllOption = False,
    group: GroupOption = None,
    verified: VerifiedOption = False,
    config: ConfigOption = None,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """May a domain go to p=quarantine, to p=reject? What is missing, with figures, and the record to publish next.

    The last 90 days of data count, unless --since or --until say otherwise. Nobody is asked: what the DNS has is known from resolve and
    check. Exit code 0: ready for the next stricter policy, or at p=reject and in order. 1: not yet, or no data; of several domains, if
    one is not.
    """
    from dmarcscope import wiring
    from dmarcscope.api import open_store, which
    from dmarcscope.config.loading import load
    from dmarcscope.ops.readiness import readiness as assess

    domains = wanted(domain, group, load(config), all_domains=all_domains)
    period = which(None, since, until, verified=verified)
    with open_store(store) as opened:
        found = assess(opened.files, domains, period, wiring.knowledge(config), datetime.now(UTC))
    show(found, form, output, alone=domain is not None)
    if not found or not all(one.is_ready for one in found):
        raise typer.Exit(NOT_READY)


def wanted(domain: str | None, group: str | None, settings: "Settings", *, all_domains: bool) -> list[str] | None:
    """The domains that are asked about; None for all. Raises SetupError unless exactly one of the three ways is used."""
    if (domain is not None) + (group is not None) + all_domains != 1:
        raise SetupError("name a domain, or give --all or --group NAME", fix="For one domain: dmarcscope readiness example.com")
    if domain is not None:
        return [domain]
    if group is None:
        return None
    from dmarcscope.config.groups import group_of

    return list(group_of(settings, group))


def show(found: "Sequence[Assessed]", form: Format, output: Path | None, *, alone: bool) -> None:
    """The answers, for people or machines."""
    from dmarcscope.ops.readiness import as_dict, line

    if form is Format.JSON and alone:
        out.write_object(as_dict(found[0]), form, output)
    elif form is Format.JSON:
        out.write_object({"domains": [as_dict(one) for one in found]}, form, output)
    elif form is not Format.TABLE:
        out.write_rows([line(one) for one in found], form, output)
    else:
        from dmarcscope.present import readiness as presenting

        if alone:
            out.show_text(presenting.readiness(found[0].readiness, found[0].coverage, out.width(output)), output)
        else:
            out.show(presenting.many([line(one) for one in found], out.width(output)), output)


def coverage(
    domain: DomainArgument = None,
    verified: VerifiedOption = False,
    config: ConfigOption = None,  # noqa: ARG001 (names the store)
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """How complete are the reports: who was heard, which usual reporter is silent, what is likely still to come.

    The last 90 days of data count, unless --since or --until say otherwise. A line per reporter; JSON has the whole.
    """
    from dmarcscope.api import open_store, which
    from dmarcscope.ops.coverage import as_dict, reporters
    from dmarcscope.ops.coverage import coverage as told

    with open_store(store) as opened:
        found = told(opened.files, which(domain, since, until, verified=verified), datetime.now(UTC))
    if form is Format.JSON:
        out.write_object(as_dict(found), form, output)
    elif form is not Format.TABLE:
        out.write_rows(reporters(found), form, output)
    else:
        from dmarcscope.present import coverage as presenting

        out.show(presenting.coverage(found, reporters(found), out.width(output)), output)
