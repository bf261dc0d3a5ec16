"""What look-ups found out, how reporters' verdicts compare, and the history of records, for people at a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from dmarcscope.present.terminal import Column, drawn, fill
from dmarcscope.present.wording import counted, minute, number, safe

MEANINGS = {
    "sources": {
        "pass": "with a name that leads back",
        "fail": "with a name that does not lead back",
        "permerror": "without a name",
        "not told": "could not be asked",
    },
    "spf": {"not told": "could not be asked"},
    "keys": {"not told": "could not be asked"},
    "domains": {"told": "walked up the tree", "not told": "could not be asked"},
}
TITLES = {"sources": "source", "spf": "pair of source and domain for SPF", "keys": "DKIM key", "domains": "domain"}
MANY = {"spf": "pairs of source and domain for SPF"}


def resolved(facts: Mapping[str, Any], store: str) -> RenderableType:
    """The end of a run of look-ups."""
    lines: list[Text] = []
    for kind, one in TITLES.items():
        found = facts["found"][kind]
        if found:
            words = ", ".join(f"{number(count)} {MEANINGS[kind].get(word, word)}" for word, count in found.items())
            lines.append(Text(f"{counted(facts[kind], one, MANY.get(kind, ''))}: {words}"))
    if not lines and not facts["waits"]:
        lines.append(
            Text("Nothing to ask: all of it was asked in the last 24 hours." if facts["fresh"] else "There is nothing to ask about.")
        )
    elif facts["fresh"]:
        lines.append(Text(f"{number(facts['fresh'])} were asked in the last 24 hours, and not again.", style="dim"))
    lines.append(
        Text(f"{counted(facts['questions'], 'question')} in {facts['seconds']:.1f} s; the answers are kept in {safe(store)}.", style="dim")
    )
    if facts["waits"]:
        lines.append(Text(f"The rest waits: {safe(facts['waits'], 500)}. Run dmarcscope resolve again to go on.", style="yellow"))
    return Group(*lines)


ALIGNMENT = (
    Column("reporter", lambda row: safe(row["reporter"] or "(none)", 40)),
    Column("records", lambda row: number(row["records"]), right=True),
    Column("agree", lambda row: number(row["agree"]), right=True),
    Column("disagree", lambda row: Text(number(row["disagree"]), style="red" if row["disagree"] else ""), right=True),
    Column("unknown", lambda row: Text(number(row["unknown"]), style="yellow" if row["unknown"] else ""), right=True),
    Column("DKIM differs", lambda row: number(row["dkim_disagree"]), right=True, wide=90),
    Column("SPF differs", lambda row: number(row["spf_disagree"]), right=True, wide=90),
    Column("list differs", lambda row: number(row["psl_differs"]), right=True, wide=110),
)


def alignment(lines: Sequence[Mapping[str, Any]], dated: str, width: int) -> RenderableType:
    """How reporters' verdicts compare with what their own results and the DNS make of them."""
    table, columns = drawn(ALIGNMENT, width)
    for row in lines:
        fill(table, columns, row)
    parts: list[RenderableType] = [headline(lines), "", table]
    examples = [example for row in lines for example in row["examples"]]
    if examples:
        parts += ["", Text("For example:"), *(Text(f"  {safe(example, 400)}") for example in examples[:10])]
    notes = f"«list differs»: the Public Suffix List (of {dated or 'an unknown day'}) and the DNS tree walk come to different verdicts."
    if any(row["unknown"] for row in lines):
        notes += " «unknown»: a result is not reported, or nobody has asked whose domain it is; dmarcscope resolve asks."
    return Group(*parts, "", Text(notes, style="dim"))


def headline(lines: Sequence[Mapping[str, Any]]) -> Text:
    """The sum in one sentence."""
    total = {name: sum(row[name] for row in lines) for name in ("records", "agree", "disagree", "unknown")}
    text = Text(f"{counted(total['records'], 'record')}: alignment is as reported in {number(total['agree'])}", style="bold")
    if total["disagree"]:
        text.append(f", otherwise in {number(total['disagree'])}", style="red")
    if total["unknown"]:
        text.append(f", and cannot be told in {number(total['unknown'])}", style="yellow")
    return text.append(".")


STANDINGS = {"agree": "green", "disagree": "red", "unknown": "yellow"}
VERDICTS = {True: "aligned", False: "not", None: "?"}
RECORDS = (
    Column("source", lambda row: safe(row["source_ip"] or "–", 40)),
    Column("author domain", lambda row: safe(row["header_from"] or "–", 40)),
    Column("reporter", lambda row: safe(row["reporter"] or "(none)", 30), wide=120),
    Column("DKIM", lambda row: both(row, "dkim")),
    Column("SPF", lambda row: both(row, "spf")),
    Column("", lambda row: Text(row["standing"], style=STANDINGS[row["standing"]])),
    Column("why", lambda row: safe(why(row), 90), wide=140),
)


def each_record(lines: Sequence[Mapping[str, Any]], width: int) -> RenderableType:
    """Records with the verdict that was reported and the one that was found."""
    table, columns = drawn(RECORDS, width)
    for row in lines:
        fill(table, columns, row)
    return Group(table, Text("As reported, then as found. More with --limit, all with --format csv, json or parquet.", style="dim"))


def both(row: Mapping[str, Any], kind: str) -> str:
    """The two verdicts, or the one that they share."""
    told, found = VERDICTS[row[f"{kind}_aligned"]], VERDICTS[row[f"{kind}_recomputed"]]
    return told if told == found else f"{told} → {found}"


def why(row: Mapping[str, Any]) -> str:
    """What the verdict rests on that is worth telling."""
    differs = row["dkim_aligned"] != row["dkim_recomputed"]
    return str(row["dkim_why"] if differs or row["spf_aligned"] == row["spf_recomputed"] else row["spf_why"])


MAX_ABSENT = 20
"""Names without records that are listed."""
STYLES = {"+": "green", "-": "red", "~": "yellow"}
OUTCOMES = {"no-data": "(no such records)", "nxdomain": "(the name does not exist)"}


def history(domain: str, lines: Sequence[Mapping[str, Any]], troubles: Sequence[tuple[str, str, str]], width: int) -> RenderableType:
    """What changed when: a block for each name and kind, the earliest first, and what is different each time."""
    shown: list[RenderableType] = [Text(f"What the DNS said of {safe(domain)} (times are UTC)", style="bold")]
    at: tuple[str, str] | None = None
    there = {(row["name"], row["kind"]) for row in lines if row["outcome"] == "found"}
    absent = sorted({(row["name"], row["kind"]) for row in lines} - there)
    for row in lines:
        if (row["name"], row["kind"]) not in there:
            continue
        if at != (row["name"], row["kind"]):
            at = (row["name"], row["kind"])
            shown += ["", Text(f"{safe(row['name'])} {row['kind']}", style="bold")]
        times = counted(row["times"], "answer")
        shown.append(Text(f"  {minute(row['first_seen'])} – {minute(row['last_seen'])}  ({times})", style="dim"))
        if row["difference"]:
            shown += [Text(f"    {safe(line, 300)}", style=STYLES.get(line[0], "")) for line in row["difference"]]
        else:
            shown += [Text(f"    {text}") for text in whole(row, max(40, width - 6))]
    if absent:
        listed = ", ".join(f"{safe(name)} {kind}" for name, kind in absent[:MAX_ABSENT])
        more = f", and {number(len(absent) - MAX_ABSENT)} more" if len(absent) > MAX_ABSENT else ""
        shown += ["", Text(f"Not there whenever it was asked: {listed}{more}", style="dim")]
    if len(shown) == 1:
        shown.append(Text("Nothing was asked of it yet: dmarcscope resolve, or dmarcscope check."))
    if troubles:
        shown += ["", Text("Could not be asked last (what was seen before stays):", style="yellow")]
        shown += [Text(f"  {safe(name)}: {safe(why, 200)}, {at_time}") for name, why, at_time in troubles]
    return Group(*shown)


HELD = {
    "seen": "seen",
    "changed": "one gave way to the next around that day",
    "after": "last seen before, and nothing else since",
}


def on_day(domain: str, day: str, lines: Sequence[Mapping[str, Any]], width: int) -> RenderableType:
    """What held on a day, name by name; where it changed around then, all that may have held."""
    shown: list[RenderableType] = [Text(f"What {safe(domain)} published on {day} (UTC), as far as it was seen", style="bold")]
    at: tuple[str, str] | None = None
    for row in lines:
        if at != (row["name"], row["kind"]):
            at = (row["name"], row["kind"])
            style = "yellow" if row["standing"] == "changed" else "dim"
            shown += ["", Text.assemble((f"{safe(row['name'])} {row['kind']}", "bold"), (f"  {HELD[row['standing']]}", style))]
        shown.append(Text(f"  {minute(row['first_seen'])} – {minute(row['last_seen'])}", style="dim"))
        shown += [Text(f"    {text}") for text in whole(row, max(40, width - 6))]
    if len(shown) == 1:
        shown.append(Text("Nobody had asked by then."))
    return Group(*shown)


def whole(row: Mapping[str, Any], width: int) -> list[str]:
    """What an answer says, a line per record."""
    way = [f"by way of {safe(' → '.join(row['aliases']), width)}"] if row["aliases"] else []
    return [*way, *(safe(record, width) for record in row["records"])] or [OUTCOMES.get(row["outcome"], row["outcome"])]
