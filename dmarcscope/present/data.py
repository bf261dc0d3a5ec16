"""The files of networks, and whose data they hold, for people at a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from dmarcscope.present.wording import counted, number, safe

NONE = "No file of networks is used: sources are named without their network and country. Make one with: dmarcscope data build"
MEGABYTE = 1_000_000


def attribution(words: Iterable[str]) -> Text:
    """Whose data is shown, for below an answer that shows networks or countries."""
    return Text("\n".join(f"Networks: {safe(word, 500)}" for word in words), style="dim")


def built(facts: Mapping[str, Any]) -> RenderableType:
    """A file that was made."""
    figures = f"{counted(facts['networks'], 'network')} of {counted(facts['systems'], 'system')} in {facts['size'] / MEGABYTE:.1f} MB"
    lines = [
        Text(f"{safe(facts['file'], 500)}: {figures}, from {counted(facts['lines'], 'line')} of {facts['dated']}."),
        Text(f"Shown beside results: {safe(facts['attribution'], 500)}", style="dim"),
    ]
    if facts["examples"]:
        lines.append(Text("All of it are addresses of documentation: it is an example, and is asked for these alone.", style="yellow"))
    return Group(*lines)


def status(files: Sequence[Mapping[str, Any]]) -> RenderableType:
    """The files that are used."""
    return Group(*(line for file in files for line in one(file))) if files else Text(NONE)


def one(file: Mapping[str, Any]) -> list[Text]:
    """One file that is used."""
    dated = f"of {file['dated']}, {counted(file['age_days'], 'day')} old" if file["dated"] else "of no known day"
    lines = [
        Text(safe(file["file"], 500), style="bold"),
        Text(f"  {number(file['networks'])} networks ({safe(file['kind'], 100)}), {dated}"),
        Text(f"  {safe(file['attribution'], 500)}", style="dim"),
    ]
    if file["is_old"]:
        lines.append(Text("  It is old, and some addresses belong to others by now. Download a newer one.", style="yellow"))
    return lines
