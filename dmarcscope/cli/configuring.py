"""The commands about the configuration: write one, check it, show what is in force."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dmarcscope.cli import output as out
from dmarcscope.cli.options import ConfigOption, Format
from dmarcscope.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dmarcscope.config.models import Settings
    from dmarcscope.config.problems import Problem

USAGE = 2
DEFAULT_FILE = Path("dmarcscope.toml")

config_app = typer.Typer(help="The configuration: write one, check it, show what is in force.", no_args_is_help=True)


class Shape(StrEnum):
    """How an answer about the configuration is written."""

    TABLE = "table"
    JSON = "json"


ShapeOption = Annotated[Shape, typer.Option("--format", "-f", help="How to write the answer.")]


@config_app.command("init", epilog="Examples: dmarcscope config init   |   dmarcscope config init -o ~/.config/dmarcscope/dmarcscope.toml")
def init(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.", metavar="FILE")] = DEFAULT_FILE,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a configuration with everything explained, readable by you alone. A file that is there is left alone."""
    from importlib.resources import files

    text = files("dmarcscope.config").joinpath("template.toml").read_text("utf-8")
    path = output.expanduser()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, text, over=force)
    except FileExistsError as error:
        raise SetupError(
            "is there already", where=str(path), fix="Name another file with --output, or write over it with --force"
        ) from error
    except OSError as error:
        raise SetupError(
            f"cannot be written ({error.strerror or error})", where=str(path), fix="Name another file with --output"
        ) from error
    named = "" if output == DEFAULT_FILE else f" --config {output}"
    print(f"Wrote {path}. Now:")
    print(f"  1. Edit {path}: the mail server, the user, and where the password comes from.")
    print(f"  2. Run: dmarcscope config check{named}")


def write_private(path: Path, text: str, *, over: bool) -> None:
    """Write a file that its owner alone may read, whole or not at all. Raises FileExistsError if it is there and is to be kept."""
    if not over and (path.exists() or path.is_symlink()):
        raise FileExistsError(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        if over:
            part.replace(path)
        else:
            path.hardlink_to(part)  # fails if the file has come up meanwhile
    finally:
        part.unlink(missing_ok=True)


@config_app.command(
    "check", epilog="Examples: dmarcscope config check   |   dmarcscope config check --config /etc/dmarcscope/dmarcscope.toml"
)
def check(config: ConfigOption = None, form: ShapeOption = Shape.TABLE) -> None:
    """Tell every problem of a configuration with its line, and warn of what is unwise; exit 2 if there is a problem.

    No server is asked, and no secret is read.
    """
    from dmarcscope.config.loading import load, read
    from dmarcscope.config.notices import notices
    from dmarcscope.config.problems import problems

    path = named_or_found(config)
    text = read(path)
    found = problems(text, path)
    settings = None if found else load(path)
    warnings = notices(settings, text, path) if settings else []
    if form is Shape.JSON:
        facts = {
            "file": str(path),
            "problems": as_dicts(found),
            "warnings": as_dicts(warnings),
            "mailboxes": list(settings.mailbox) if settings else None,
            "folders": list(settings.folder) if settings else None,
            "store": str(settings.store) if settings else None,
        }
        out.write_object(facts, Format.JSON, None)
    else:
        tell(path, found, "")
        tell(path, warnings, "warning: ")
        if settings:
            print(summary(settings))
    if found:
        raise typer.Exit(USAGE)


def named_or_found(config: Path | None) -> Path:
    """The configuration file to look at. Raises SetupError if there is none."""
    from dmarcscope.config.finding import find_config, places

    path = config.expanduser() if config else find_config()
    if path is None:
        looked = ", ".join(map(str, places()))
        raise SetupError("there is no configuration file", where=f"looked for {looked}", fix="Write one with: dmarcscope config init")
    return path


def tell(path: Path, found: "Iterable[Problem]", kind: str) -> None:
    """A line for each problem, as compilers write them."""
    from dmarcscope.present.wording import safe

    for problem in found:
        print(safe(f"{path}:{problem.line}: {kind}{problem}", 1000))


def as_dicts(found: "Iterable[Problem]") -> list[dict[str, str | int]]:
    """Problems for machines."""
    return [{"line": problem.line, "key": problem.key, "what": problem.what, "fix": problem.fix} for problem in found]


def summary(settings: "Settings") -> str:
    """What a configuration holds, on one line."""
    from dmarcscope.present.wording import counted, safe

    boxes, folders = counted(len(settings.mailbox), "mailbox", "mailboxes"), counted(len(settings.folder), "folder")
    return f"{boxes}, {folders}; store {safe(settings.store)}"


@config_app.command("show", epilog="Examples: dmarcscope config show   |   dmarcscope config show --format json")
def show(config: ConfigOption = None, form: ShapeOption = Shape.TABLE) -> None:
    """Show the settings in force, with their defaults; of secrets only where they come from."""
    from dmarcscope.config.loading import load
    from dmarcscope.config.shown import as_dict, rows

    settings = load(config.expanduser() if config else None)
    if form is Shape.JSON:
        out.write_object(as_dict(settings), Format.JSON, None)
        return
    from rich.table import Table
    from rich.text import Text

    from dmarcscope.present.wording import safe

    table = Table("key", "value", "from", box=None, pad_edge=False)
    for row in rows(settings):
        table.add_row(*(Text(safe(cell)) for cell in row))
    out.show(table, None)
