"""What the check of the owner's list found, for people at a terminal."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from dmarcscope.present.wording import counted, safe

TITLES = {
    "no-reports": ("No reports come in", "red"),
    "not-ours-passes": ("Not ours, and its mail passes", "red"),
    "failing": ("Began to fail", "red"),
    "unlisted": ("On no list", "yellow"),
    "silent": ("Silent", "yellow"),
    "volume": ("More or less than expected", "yellow"),
    "overdue": ("To be looked at again", "yellow"),
}
"""What each kind of finding is called, and its colour."""


def owner_check(found: Sequence[Mapping[str, Any]], listed: int, path: str, on: str) -> RenderableType:
    """All findings, kind by kind; ``listed`` entries stand in the list at ``path``, and it was checked as of the day ``on``."""
    name = f"{counted(listed, 'sender')} in {safe(path)}" if path else "No list of senders yet"
    if not found:
        return Text(f"{name}: nothing to do (as of {on}).", style="green")
    parts: list[RenderableType] = [Text(f"{name}: {counted(len(found), 'thing')} to look at (as of {on})", style="bold")]
    for kind, of_kind in groupby(found, key=lambda each: each["kind"]):
        title, colour = TITLES[kind]
        parts += ["", Text(title, style=f"bold {colour}")]
        for finding in of_kind:
            parts += lines(finding, path)
    return Group(*parts)


def lines(finding: Mapping[str, Any], path: str) -> list[RenderableType]:
    """One finding: what, since when with the figure, and what to do."""
    sender = safe(finding["sender"], 80)
    head = Text.assemble((f"{sender} ", "bold"), safe(finding["what"], 300)) if sender else Text(safe(finding["what"], 300))
    since = f"since {finding['since']}: " if finding["since"] else ""
    place = f"  ({safe(path)}:{finding['line']})" if finding["line"] and path else ""
    return [
        Padding(head, (0, 0, 0, 2), expand=False),
        Padding(Text(f"{since}{safe(finding['figure'], 300)}{place}", style="dim"), (0, 0, 0, 4), expand=False),
        Padding(Text(f"→ {safe(finding['fix'], 500)}"), (0, 0, 0, 4), expand=False),
    ]


def written(facts: Mapping[str, Any]) -> Text:
    """What became of an entry, in one sentence."""
    name, place = safe(facts["name"]), safe(facts["path"])
    if not facts["changed"]:
        return Text(f"{place}: «{name}» is listed so already.")
    verb = "added" if facts["added"] else "changed"
    new = " (a new file: put it into git)" if facts["new_file"] else ""
    return Text(f"{place}{new}: {verb} «{name}», {safe(facts['label'])}.")
