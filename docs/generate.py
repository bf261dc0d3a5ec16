"""Make the generated documents from the code: `make docs`; a test holds them current."""

import os
import re
import sys
import tempfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from rich.console import Console

from dmarcscope.tables.columns import LEDGER_COLUMNS, RECORD_COLUMNS, REPORT_COLUMNS, Column
from dmarcscope.tables.queries import GROUPS, SOURCES_MEANINGS

HERE = Path(__file__).parent
MADE = "<!-- Made by docs/generate.py from the code; change it there. -->\n"
COMMANDS = ("ingest", "sources", "records", "reports", "show", "status", "verify", "replay")


TYPES = {
    "Int64": "int64",
    "Int32": "int32",
    "Utf8": "string",
    "Boolean": "bool",
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
        f"## `reports`: one line per report\n\n{column_rows(LEDGER_COLUMNS)}\n\n"
        f"## `sources`: messages summed by {groups}\n\n{sums}\n"
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
        run([command, "--help"])
        return "\n".join(line.rstrip() for line in sys.stdout.getvalue().strip().splitlines())
    finally:
        sys.stdout = kept


def picture() -> str:
    """The README's picture: what `dmarcscope sources` shows of the sample reports, as SVG."""
    import dmarcscope
    from dmarcscope.ops import ask
    from dmarcscope.present import terminal
    from dmarcscope.tables.queries import Filter
    from dmarcscope.tables.rows import rows

    console = Console(record=True, width=150, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print("[bold]$[/] dmarcscope sources example.com --by dkim_domain\n", highlight=False)
    with tempfile.TemporaryDirectory() as folder, dmarcscope.open_store(folder) as store:
        store.ingest([HERE.parent / "sample_reports" / "reports"])
        answer = ask.sources(store.files, "dkim_domain", Filter("example.com"))
    title = terminal.sources_title("example.com", None, None)
    console.print(terminal.sources(rows(answer), "dkim_domain", None, title, 150), highlight=False)
    drawn = console.export_svg(title="dmarcscope", unique_id="sources")
    return re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)  # nothing is to be fetched from elsewhere


def pages() -> dict[str, str]:
    """Every generated page by its file name."""
    os.environ.update({"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"})
    return {"columns.md": columns_page(), "commands.md": commands_page(), "sources.svg": picture()}


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text)
