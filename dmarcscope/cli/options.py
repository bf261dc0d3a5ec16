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
StoreOption = Annotated[Path, typer.Option("--store", "-s", envvar="DMARCSCOPE_STORE", help="The folder of the store.", metavar="DIR")]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", help="From here on: 2026-05-14, 2026-W20, or 30d (12w, 6h) back from now.", metavar="WHEN", show_default=False),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", help="Up to here; a day or week is taken whole.", metavar="WHEN", show_default=False)
]
LimitOption = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many lines.", show_default=False)]
DomainArgument = Annotated[str | None, typer.Argument(help="The domain, with its subdomains; all if left out.", show_default=False)]
JobsOption = Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="Processes that read at once.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]

DEFAULT_STORE = Path("dmarcscope-store")
