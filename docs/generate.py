"""Make the generated documents from the code: `make docs`; a test holds them current."""

import os
import re
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from io import StringIO
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import SecretStr
from rich.console import Console

from dmarcscope.config.fields import Server, duration_text
from dmarcscope.config.models import SECTIONS
from dmarcscope.config.secret import SecretSource
from dmarcscope.config.table import Table
from dmarcscope.tables.columns import (
    ALIGNMENT_COLUMNS,
    LEDGER_COLUMNS,
    RECOMPUTED_COLUMNS,
    RECORD_COLUMNS,
    REPORT_COLUMNS,
    SENDER_COLUMNS,
    VERDICT_COLUMNS,
    Column,
)
from dmarcscope.tables.queries import GROUPS, SOURCES_MEANINGS

HERE = Path(__file__).parent
MADE = "<!-- Made by docs/generate.py from the code; change it there. -->\n"
COMMANDS = (
    "ingest",
    "senders show",
    "senders accept",
    "senders reject",
    "senders check",
    "fixes",
    "explain",
    "changes",
    "readiness",
    "whatif",
    "coverage",
    "summary",
    "sources",
    "records",
    "reports",
    "show",
    "status",
    "verify",
    "replay",
    "check",
    "spf",
    "setup",
    "watch",
    "resolve",
    "alignment",
    "data build",
    "data status",
    "dns history",
    "mailbox test",
    "mailbox login",
    "config init",
    "config check",
    "config show",
)


TYPES = {
    "Int64": "int64",
    "Int32": "int32",
    "Utf8": "string",
    "Boolean": "bool",
    "Float64": "float64",
    "Timestamp": "timestamp, UTC",
    "List(Struct": "list",
    "List(": "list of string",
}


def column_rows(columns: tuple[Column, ...]) -> str:
    """A Markdown table of columns."""
    lines = ["| column | type | element | meaning |", "|---|---|---|---|"]
    for column in columns:
        element = f"`{column.element}`" if column.element else ""
        lines.append(f"| `{column.name}` | {type_name(column)} | {element} | {column.meaning} |")
    return "\n".join(lines)


def type_name(column: Column) -> str:
    """The type in short: a list of structs is just that, its fields stand in the meaning."""
    name = re.sub(r"^arro3\.core\.DataType<(.*)>$", r"\1", str(column.type).strip())
    return next((plain for begin, plain in TYPES.items() if name.startswith(begin)), name)


def columns_page() -> str:
    """Every column of every answer."""
    groups = ", ".join(f"`{name}`" for name in GROUPS)
    sums = "\n".join(["| column | meaning |", "|---|---|", *(f"| `{name}` | {text} |" for name, text in SOURCES_MEANINGS.items())])
    return (
        f"{MADE}\n# Columns\n\nAbsent is null everywhere. Times are UTC. Domains are lower-case A-labels without a final dot; a value that "
        "is no domain, address or word of the standard stays as written, and the report's `defects` name it.\n\n"
        f"## `records`: one line per record\n\n{column_rows((*REPORT_COLUMNS, *RECORD_COLUMNS))}\n\n"
        "The lists `reasons`, `dkim` and `spf` are JSON text in CSV. `month` is in the table's files, not in the answer of `records`.\n\n"
        f"With `--classified`, [the verdict](classes.md) on each:\n\n{column_rows(VERDICT_COLUMNS)}\n\n"
        f"## `senders`: one line per sender\n\n{column_rows(SENDER_COLUMNS)}\n\n"
        f"## `reports`: one line per report\n\n{column_rows(LEDGER_COLUMNS)}\n\n"
        f"## `sources`: messages summed by {groups}\n\n{sums}\n\n"
        "The columns about the DNS are null where nobody has asked; see [look-ups](lookups.md). Lists are JSON text in CSV.\n\n"
        f"## `alignment`: one line per reporter\n\n{column_rows(ALIGNMENT_COLUMNS)}\n\n"
        f"## `alignment --records`: one line per record\n\n{column_rows(RECOMPUTED_COLUMNS)}\n"
    )


def commands_page() -> str:
    """The help of every command, as it is printed."""
    from dmarcscope.cli.app import run

    parts = [
        MADE,
        "# Commands\n",
        "Exit codes: 0 all well; 1 something was sidelined or found; 2 usage or set-up; 75 could not take the input now, try again.\n",
    ]
    parts += [f"## `dmarcscope {command}`\n\n```text\n{printed_help(run, command)}\n```\n" for command in COMMANDS]
    return "\n".join(parts)


def printed_help(run: Callable[[list[str]], int], command: str) -> str:
    """What `dmarcscope COMMAND --help` prints on a terminal of 100 columns."""
    kept, sys.stdout = sys.stdout, StringIO()
    try:
        run([*command.split(), "--help"])
        return "\n".join(line.rstrip() for line in sys.stdout.getvalue().strip().splitlines())
    finally:
        sys.stdout = kept


VALUES = {  # what may stand for a kind of value
    bool: "true or false",
    int: "whole number",
    str: "text",
    Path: "path",
    tuple: "list of texts",
    timedelta: "duration",
    Server: "`imaps://` or `imap://` address",
    SecretSource: "[secret](#secrets)",
    SecretStr: "text",
    dict: "tables",
}
MEANINGS = {
    "": "At the top of the file",
    "mailbox.NAME": "A mailbox that reports arrive in. NAME is yours to choose: up to 64 letters, digits, `-` and `_`",
    "mailbox.NAME.oauth": "Log in with OAuth 2.0, in place of `password`",
    "mailbox.NAME.tls": "How far the mail server is trusted",
    "folder.NAME": "A folder of files that is watched",
    "dns": "How the DNS is asked. With this table, `ingest` and `watch` look up sources and keys by themselves once what came is stored",
    "senders": "What tells who sends, beside the reports; see [the list of senders](senders-list.md)",
    "summary": "The summary of each week that `watch` sends by mail; see [mail](mail.md)",
    "smtp": "The mail server that takes it",
}


def config_page() -> str:
    """Every key of the configuration, and the file that `dmarcscope config init` writes."""
    titles = {header: f"`[{header}]`" if header else "Top level" for header in SECTIONS}
    sections = "\n\n".join(f"## {titles[header]}\n\n{MEANINGS[header]}.\n\n{key_rows(table)}" for header, table in SECTIONS.items())
    template = (HERE.parent / "dmarcscope" / "config" / "template.toml").read_text()
    return (
        f"{MADE}\n# Configuration\n\n`dmarcscope config init` writes a file with everything explained, `config check` tells what is wrong "
        "in it, with lines, and `config show` what is in force.\n\nThe file is the one named by `--config` or the environment's "
        "`DMARCSCOPE_CONFIG`; else the first of `./dmarcscope.toml`, `dmarcscope/dmarcscope.toml` in the user's configuration folder "
        "(`~/.config` on Linux) and `/etc/dmarcscope/dmarcscope.toml`. Without a file, the defaults hold. An option goes before "
        "the environment, the environment before the file.\n\nRelative paths start at the file's folder, and `~` is the home folder. "
        'A duration is a whole number and `s`, `m` or `h` in quotes: `"30s"`, `"5m"`, `"1h"`. An unknown key is an error.\n\n'
        f"{sections}\n\n## Secrets\n\n"
        "A password or token is told by where it comes from, exactly one of these. It is read when it is needed, so a changed one is found "
        'without a restart, and never shown. Written as `password = { env = "DMARC_PASSWORD" }`.\n\n'
        f"{key_rows(SecretSource)}\n\n## The file that `config init` writes\n\n```toml\n{template}```\n"
    )


def key_rows(table: type[Table]) -> str:
    """A Markdown table of the keys of a configuration table."""
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key, field in table.model_fields.items():
        default = "needed" if field.is_required() else default_text(field.default)
        lines.append(f"| `{key}` | {values(field.annotation)} | {default} | {field.description} |")
    return "\n".join(lines)


def values(annotation: Any) -> str:
    """What may be written for a key: for a closed list its words."""
    kind = next(kind for kind in kinds(annotation) if kind is not NoneType)
    if issubclass(kind, StrEnum):
        return ", ".join(f"`{word}`" for word in kind)
    return next((words for known, words in VALUES.items() if issubclass(kind, known)), "table")


def kinds(annotation: Any) -> list[type]:
    """The plain types that an annotation allows."""
    origin = get_origin(annotation)
    if origin in {tuple, dict}:
        return [origin]
    if isinstance(annotation, type):
        return [annotation]
    return [kind for part in get_args(annotation) for kind in kinds(part)]


def default_text(value: object) -> str:
    """A default as it would be written in the file; none if there is none."""
    if isinstance(value, timedelta):
        return f'`"{duration_text(value)}"`'
    if isinstance(value, tuple):
        items = ", ".join(f'"{item}"' for item in value)
        return f"`[{items}]`"
    if isinstance(value, bool | int):
        return f"`{str(value).lower()}`"
    return "" if value is None or isinstance(value, dict | Table) else f'`"{value}"`'


def picture() -> str:
    """The README's picture: what `dmarcscope senders` shows of the sample reports, as SVG."""
    import dmarcscope
    from dmarcscope.ops.senders import senders
    from dmarcscope.present import senders as presenting
    from dmarcscope.tables.queries import Filter

    samples = HERE.parent / "sample_reports"
    console = Console(record=True, width=160, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print("[bold]$[/] dmarcscope senders example.com\n", highlight=False)
    with tempfile.TemporaryDirectory() as folder, dmarcscope.open_store(folder, config=samples / "dmarcscope.toml") as store:
        store.ingest([samples / "reports"])
        store.resolve(dns=dmarcscope.DnsSettings(offline=True, zone_files=tuple(sorted((samples / "zones").iterdir()))))
        found = senders(store.files, Filter("example.com"), store.knowledge)
    console.print(presenting.senders(found, None, 160), highlight=False)
    drawn = console.export_svg(title="dmarcscope", unique_id="senders")
    return re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)  # nothing is to be fetched from elsewhere


def pages() -> dict[str, str]:
    """Every generated page by its file name."""
    os.environ.update({"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"})
    return {"columns.md": columns_page(), "commands.md": commands_page(), "config.md": config_page(), "senders.svg": picture()}


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text)
