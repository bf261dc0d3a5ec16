"""Write answers: for people through rich, for machines onto a stream or file; and errors as one sentence."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from dmarcscope.cli.options import Format
from dmarcscope.errors import SetupError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arro3.core import RecordBatch, Schema, Table
    from rich.console import RenderableType
    from rich.progress import Progress as ProgressBar
    from rich.text import Text

SCREEN = 40  # lines shown at a terminal unless --limit says otherwise
PLAIN_WIDTH = 160  # columns where there is no terminal to ask


@contextmanager
def opened(output: Path | None, *, binary: bool = False) -> Iterator[BinaryIO]:
    """The file to write to, complete or not at all; without one, standard output. Raises SetupError where that cannot be."""
    if output is None:
        if binary and sys.stdout.isatty():
            raise SetupError("parquet is not for a terminal", fix="Name a file with --output")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = output.with_name(f".{output.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(output)
    except OSError as error:
        if error.errno in {28, 122}:  # ENOSPC, EDQUOT
            raise StoreUnavailable(f"the disk is full ({error.strerror})", where=str(output), fix="Make room and try again") from error
        raise SetupError(f"cannot be written ({error.strerror or error})", where=str(output), fix="Name another file") from error
    finally:
        part.unlink(missing_ok=True)


def width(output: Path | None) -> int:
    """How many columns an answer for people may take."""
    if output is None and sys.stdout.isatty():
        from rich.console import Console

        return Console().width
    return PLAIN_WIDTH


def shown_lines(limit: int | None, output: Path | None) -> int | None:
    """How many lines to show: what fits at a terminal, all in a file or pipe, and what is asked for anywhere."""
    return limit or (SCREEN if output is None and sys.stdout.isatty() else None)


def nothing_found(domain: str | None, known: list[str]) -> str:
    """Why an answer is empty, and what there is instead."""
    about = f"No messages are reported for {domain} in that time." if domain else "No messages are reported in that time."
    return f"{about} Domains in this store: {', '.join(known)}" if known else f"{about} The store holds none at all."


def show(renderable: "RenderableType", output: Path | None) -> None:
    """An answer for people: on the terminal in colour; in a file or pipe without, and wide enough not to be cut."""
    from rich.console import Console

    if output is None:
        console = Console(width=width(output), highlight=False)
        console.print(renderable)
        return
    with opened(output) as file:
        import io

        text = io.TextIOWrapper(file, "utf-8", write_through=True)
        Console(file=text, width=PLAIN_WIDTH, highlight=False, no_color=True, force_terminal=False).print(renderable)
        text.detach()


def show_text(text: "Text", output: Path | None) -> None:
    """Sentences for people, wrapped already; a line to copy is never broken."""
    import io

    from rich.console import Console

    if output is None:
        Console(highlight=False).print(text, soft_wrap=True)
        return
    with opened(output) as file:
        wrapped = io.TextIOWrapper(file, "utf-8", write_through=True)
        Console(file=wrapped, highlight=False, no_color=True, force_terminal=False).print(text, soft_wrap=True)
        wrapped.detach()


def write(schema: "Schema", batches: "Iterable[RecordBatch]", form: Format, output: Path | None) -> None:
    """An answer for machines."""
    from dmarcscope.present.machine import WRITERS

    with opened(output, binary=form is Format.PARQUET) as out:
        WRITERS[form.value](schema, batches, out)


def write_table(answer: "Table", form: Format, output: Path | None) -> None:
    """A whole table for machines."""
    write(answer.schema, answer.to_batches(), form, output)


def write_object(facts: dict[str, Any], form: Format, output: Path | None) -> None:
    """One object for machines: JSON as it is, CSV and parquet as a table of one line."""
    import json

    from dmarcscope.present.machine import plain

    if form is Format.JSON:
        with opened(output) as out:
            out.write((json.dumps(facts, ensure_ascii=False, default=plain) + "\n").encode("utf-8", "replace"))
        return
    write_rows([facts], form, output)


def write_rows(rows: list[dict[str, Any]], form: Format, output: Path | None) -> None:
    """A few rows of any shape for machines; their types are told by their values."""
    import pyarrow as pa
    from arro3.core import Table

    write_table(Table.from_arrow(pa.Table.from_pylist(rows)), form, output)


def say(text: str) -> None:
    """A remark beside the answer, on standard error."""
    print(text, file=sys.stderr)


class Bar:
    """How far a command has come; without a terminal nothing is shown."""

    def __init__(self, shown: "ProgressBar | None" = None) -> None:
        self._shown = shown

    def __call__(self, done: int) -> None:
        """So many more are done."""
        if self._shown is not None:
            speed = self._shown.tasks[0].speed
            self._shown.update(self._shown.tasks[0].id, advance=done, rate=f"{speed:,.0f}/s" if speed else "")

    def expect(self, more: int) -> None:
        """So many more are to be done than was known before."""
        if self._shown is not None:
            self._shown.update(self._shown.tasks[0].id, total=(self._shown.tasks[0].total or 0) + more)


@contextmanager
def progress(verb: str, total: int | None) -> Iterator[Bar]:
    """A bar with rate and time left on standard error, if that is a terminal; else nothing."""
    if not sys.stderr.isatty():
        yield Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        bar.add_task(verb, total=total, rate="")
        yield Bar(bar)
