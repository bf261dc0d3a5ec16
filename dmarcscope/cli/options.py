"""The options that every command shares."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to write the answer.")]
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help="Write the answer to this file.", show_default=False)]


def configured_store(context: typer.Context, value: Path) -> Path:
    """The store that the option or the environment names; else the configuration's, if there is one."""
    source = context.get_parameter_source("store")
    if source is None or source.name != "DEFAULT" or context.resilient_parsing:
        return value
    from dmarcscope.config.finding import find_config

    named = context.params.get("config") or find_config()
    if named is None:
        return value
    from dmarcscope.config.loading import load

    return load(named).store


StoreOption = Annotated[
    Path,
    typer.Option("--store", "-s", envvar="DMARCSCOPE_STORE", help="The folder of the store.", metavar="DIR", callback=configured_store),
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", help="From here on: 2026-05-14, 2026-W20, or 30d (12w, 6h) back from now.", metavar="WHEN", show_default=False),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", help="Up to here; a day or week is taken whole.", metavar="WHEN", show_default=False)
]
LimitOption = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many lines.", show_default=False)]
DomainArgument = Annotated[str | None, typer.Argument(help="The domain, with its subdomains; all if left out.", show_default=False)]
GroupOption = Annotated[
    str | None, typer.Option("--group", help="The domains of this group of the configuration.", metavar="NAME", show_default=False)
]
JobsOption = Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="Processes that read at once.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", envvar="DMARCSCOPE_CONFIG", help="The configuration file.", metavar="FILE", show_default=False, is_eager=True
    ),
]
VerifiedOption = Annotated[
    bool,
    typer.Option(
        "--verified", help="Only reports whose mail verifiably came from its author domain (needs authserv_ids in the configuration)."
    ),
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
