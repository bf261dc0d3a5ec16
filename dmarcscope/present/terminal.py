"""Answers for people at a terminal: tables in which the worst stands first and out. Every text of a stranger goes through `safe`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dmarcscope.model.aggregate import AggregateReport, Record
from dmarcscope.present import today
from dmarcscope.present.wording import counted, day, minute, number, safe, share

BAR = 10  # cells of the bar that shows the passing share
NAMES = {
    "source_ip": "source",
    "dkim_domain": "DKIM domain",
    "spf_domain": "SPF domain",
    "header_from": "author domain",
    "reporter": "reporter",
    "day": "day",
    "disposition": "disposition",
}
VERDICT = {True: ("pass", "green"), False: ("fail", "red"), None: ("?", "yellow")}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, how a row fills it, and how wide a terminal must be to show it."""

    heading: str
    cell: Callable[[Mapping[str, Any]], RenderableType]
    right: bool = False
    wide: int = 0


def drawn(columns: Sequence[Column], width: int) -> tuple[Table, list[Column]]:
    """An empty table of those columns that the width has room for. What names a line stands first and is never squeezed out.

    Where there is too little room, texts give way and end in «…»; of a number no digit is ever left out.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    shown = [column for column in columns if column.wide <= width]
    for position, column in enumerate(shown):
        table.add_column(
            in_one_line(column.heading),
            justify="right" if column.right else "left",
            no_wrap=column.right,
            overflow="ellipsis",
            min_width=15 if position == 0 and not column.right else None,
        )
    return table, shown


def fill(table: Table, columns: Sequence[Column], row: Mapping[str, Any], style: str = "") -> None:
    """Add a row."""
    table.add_row(*(column.cell(row) if column.right else in_one_line(column.cell(row)) for column in columns), style=style)


def in_one_line(cell: RenderableType) -> RenderableType:
    """A cell whose lines are cut and not wrapped where they have too little room."""
    if not isinstance(cell, str | Text):
        return cell
    text = Text(cell) if isinstance(cell, str) else cell
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def source_columns(by: str, lines: Sequence[Mapping[str, Any]], domain: str | None) -> tuple[Column, ...]:
    """The columns of the table of sources; a row has its name in ``name``. Those about the DNS stand there if anything is known."""
    names = any(row.get("ptr_name") for row in lines)
    spf = any(row.get("spf_today") for row in lines)
    keys = any(row.get("dkim_today") for row in lines)
    # What the DNS says goes before what the shares say again in part.
    room = 26 * names + 34 * spf + 14 * keys
    told = (
        *([Column("name", lambda row: Text(today.name(row), style=today.name_style(row)), wide=100)] if names else []),
        *(
            [Column("SPF today", lambda row: Text(today.spf(row, domain), style=today.spf_style(row, domain)), wide=110 + 26 * names)]
            if spf
            else []
        ),
        *([Column("DKIM today", lambda row: Text(today.keys(row), style=today.keys_style(row)), wide=110 + 26 * names)] if keys else []),
    )
    return (
        Column(NAMES[by], lambda row: Text(row["name"], style=row.get("style") or colour(row["dmarc_pass"], row["messages"]))),
        *told[: 1 if names else 0],
        Column("messages", lambda row: number(row["messages"]), right=True),
        Column(
            "pass DMARC",
            lambda row: Text(share(row["dmarc_pass"], row["messages"]), style=colour(row["dmarc_pass"], row["messages"])),
            right=True,
        ),
        Column("", lambda row: bar(row["dmarc_pass"], row["messages"]), wide=95 + room),
        Column("DKIM", lambda row: share(row["dkim_aligned"], row["messages"]), right=True, wide=115 + room),
        Column("SPF", lambda row: share(row["spf_aligned"], row["messages"]), right=True, wide=115 + room),
        *told[1 if names else 0 :],
        Column("delivered", lambda row: number(row["delivered"]), right=True),
        Column("quarantined", lambda row: number(row["quarantined"]), right=True),
        Column("rejected", lambda row: number(row["rejected"]), right=True),
        Column("reporters", lambda row: "" if row["reporters"] is None else number(row["reporters"]), right=True, wide=125 + room),
        Column("seen", lambda row: f"{day(row['first_seen'])} – {day(row['last_seen'])}", wide=148 + room),
    )


def sources(
    lines: Sequence[Mapping[str, Any]], by: str, shown: int | None, asked: str, width: int, domain: str | None = None
) -> RenderableType:
    """Who sends: a line per group and a sum; ``shown`` lines at most, the rest in one line. ``asked`` says what was asked for.

    ``domain``: whose name goes without saying in what the DNS says today.
    """
    table, columns = drawn(source_columns(by, lines if shown is None else lines[:shown], domain), width)
    first, rest = (lines, lines[:0]) if shown is None else (lines[:shown], lines[shown:])
    for row in first:
        fill(table, columns, {**row, "name": safe("(none)" if row[by] is None else row[by], 60)})
    if rest:
        fill(table, columns, {**summed(rest), "name": f"… {number(len(rest))} more", "style": "dim"}, "dim")
    total = summed(lines)
    table.add_section()
    fill(table, columns, {**total, "name": f"all {number(len(lines))}", "style": "bold"}, "bold")
    unasked = by == "source_ip" and not any(row.get("ptr_confirmed") is not None or row.get("spf_today") for row in lines)
    hint = (Text("Their names, and what SPF and DKIM say of them today: dmarcscope resolve", style="dim"),) if unasked else ()
    return Group(Text(asked, style="bold"), headline(total), "", table, *hint)


def sources_title(domain: str | None, since: str | None, until: str | None) -> str:
    """What was asked for, in words."""
    time = f" from {since}" if since else ""
    time += f" up to {until}" if until else ""
    return f"Who sends as {safe(domain) if domain else 'your domains'}{safe(time)}"


def summed(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The sums of several lines; the number of reporters cannot be summed."""
    rows = list(rows)
    total: dict[str, Any] = {
        name: sum(row[name] for row in rows)
        for name in ("messages", "dmarc_pass", "dkim_aligned", "spf_aligned", "delivered", "quarantined", "rejected")
    }
    total["reporters"] = None
    total["first_seen"] = min((row["first_seen"] for row in rows if row["first_seen"]), default=None)
    total["last_seen"] = max((row["last_seen"] for row in rows if row["last_seen"]), default=None)
    return total


def headline(total: Mapping[str, Any]) -> Text:
    """The sum in one sentence."""
    failing = total["messages"] - total["dmarc_pass"]
    text = Text(f"{counted(total['messages'], 'message')}, {share(total['dmarc_pass'], total['messages'])} pass DMARC")
    if failing:
        text.append(f"; {counted(failing, 'message')} do not" if failing != 1 else "; 1 message does not", style="red")
    return text.append(".")


def colour(passing: int, messages: int) -> str:
    """The colour of a passing share: red under half, yellow where some fail."""
    if not messages or passing == messages:
        return "green" if messages else "dim"
    return "red" if passing * 2 < messages else "yellow"


def bar(passing: int, messages: int) -> Text:
    """The passing share as a bar; a single failing message leaves a gap."""
    filled = passing * BAR // messages if messages else 0
    return Text("█" * filled, style=colour(passing, messages)).append("░" * (BAR - filled), style="dim")


RECORDS = (
    Column("source", lambda row: safe(row["source_ip"] or "–", 40)),
    Column("messages", lambda row: "?" if row["count"] is None else number(row["count"]), right=True),
    Column("disposition", lambda row: safe(row["disposition"] or "?", 20)),
    Column("DKIM", lambda row: verdict(row["dkim_aligned"])),
    Column("SPF", lambda row: verdict(row["spf_aligned"])),
    Column("author domain", lambda row: safe(row["header_from"] or "–", 60)),
    Column("DKIM results", lambda row: "\n".join(result(one) for one in row["dkim"] or ()), wide=110),
    Column("SPF result", lambda row: "\n".join(result(one) for one in row["spf"] or ()), wide=130),
    Column("report", lambda row: str(row["report_key"]), right=True, wide=90),
    Column("line", lambda row: str(row["line"]), right=True, wide=90),
)


VERDICT_COLUMNS = (
    Column("class", lambda row: safe(row["class"] or "–", 20)),
    Column("sender", lambda row: safe(row["sender"] or "–", 40)),
    Column("rule", lambda row: safe(row["rule"] or "–", 20), wide=130),
)
# Beside a verdict, what it was made of has to wait for more room.
CLASSIFIED = (
    *RECORDS[:2],
    *VERDICT_COLUMNS,
    *(replace(one, wide=wide) for one, wide in zip(RECORDS[2:], (145, 0, 0, 110, 175, 200, 90, 90), strict=True)),
)


def records(rows: Sequence[Mapping[str, Any]], more: int | None, width: int, *, classified: bool = False) -> RenderableType:
    """Lines of the record table, the columns that the width has room for."""
    table, columns = drawn(CLASSIFIED if classified else RECORDS, width)
    for row in rows:
        fill(table, columns, row)
    return Group(table, Text(more_lines(len(rows), more), style="dim"))


def more_lines(shown: int, more: int | None) -> str:
    if not more:
        return counted(shown, "line")
    return f"the first {counted(shown, 'line')} of {number(shown + more)}; --limit N shows more, --format csv all"


def verdict(aligned: bool | None) -> Text:
    word, style = VERDICT[aligned]
    return Text(word, style=style)


def result(one: Mapping[str, Any]) -> str:
    """A DKIM or SPF result in short: result, domain, selector."""
    selector = f" s={one['selector']}" if one.get("selector") else ""
    return safe(f"{one['result'] or '?'} {one['domain'] or '?'}{selector}", 80)


REPORTS = (
    Column("key", lambda row: str(row["report_key"]), right=True),
    Column("reporter", lambda row: safe(row["reporter"] or "–", 30)),
    Column("domain", lambda row: safe(row["policy_domain"] or "–", 40)),
    Column("period begins", lambda row: minute(row["period_begin"])),
    Column("records", lambda row: number(row["records"]), right=True, wide=100),
    Column("messages", lambda row: number(row["messages"]), right=True),
    Column("defects", lambda row: Text(number(len(row["defects"])), style="yellow" if row["defects"] else "dim"), right=True, wide=90),
    Column("state", lambda row: Text(row["state"], style="" if row["state"] == "stored" else "dim")),
    Column("from", lambda row: safe(row["name"].rpartition("/")[2], 60), wide=140),
)


def reports(rows: Sequence[Mapping[str, Any]], more: int | None, width: int) -> RenderableType:
    """Reports, a line each."""
    table, columns = drawn(REPORTS, width)
    for row in rows:
        fill(table, columns, row)
    return Group(table, Text(more_lines(len(rows), more), style="dim"))


def outcome(facts: Mapping[str, int | float], partly: int, troubles: Sequence[tuple[str, str]]) -> RenderableType:
    """What became of every artefact of a run."""
    lines: list[RenderableType] = [
        Text(
            f"{counted(int(facts['artefacts']), 'artefact')}: "
            + ", ".join(f"{number(int(facts[state]))} {state}" for state in ("stored", "duplicate", "superseded", "sidelined", "ignored"))
            + f" ({facts['seconds']:.1f} s)"
        ),
        Text(
            f"{counted(int(facts['reports']), 'report')} with {counted(int(facts['records']), 'record')}"
            f" on {counted(int(facts['messages']), 'message')} taken in.",
            style="bold",
        ),
    ]
    if troubles:
        what = "could not be read, or not wholly; the bytes are kept" if partly else "could not be read; the bytes are kept"
        lines.append(Text(f"{counted(int(facts['sidelined']) + partly, 'artefact')} {what}:", style="yellow"))
        lines += [Text(f"  {safe(name)}: {safe(reason, 300)}") for name, reason in troubles]
    return Group(*lines)


def status(facts: Mapping[str, Any]) -> RenderableType:
    """The state of a store: first what is wrong, then what is in it."""
    lines: list[RenderableType] = []
    if facts["offline_since"]:
        since = f"{minute(facts['offline_since'])} UTC"
        lines.append(Text(f"OFFLINE since {since}: {safe(facts['offline_reason'], 300)}", style="bold red"))
        lines.append(Text("Reports are kept in the spool meanwhile, and taken up by themselves when the store can be written again."))
    if facts["ledger_trouble"]:
        lines.append(Text(f"The ledger cannot be read: {safe(facts['ledger_trouble'], 300)}", style="bold red"))
    if facts["waiting"]:
        since = f"{minute(facts['waiting_since'])} UTC"
        lines.append(
            Text(f"{counted(facts['waiting'], 'artefact')} safe in the spool, waiting for the store since {since}", style="yellow")
        )
    if facts["artefacts"] is not None:
        lines += [*([""] if lines else []), *contents(facts)]
    return Group(*lines)


def contents(facts: Mapping[str, Any]) -> list[RenderableType]:
    """The ledger in short."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    states = ("stored", "duplicate", "superseded", "sidelined", "ignored", "received")
    first, last = facts["first_period"], facts["last_period"]
    for name, value in (
        ("store", safe(facts["store"])),
        (
            "artefacts",
            f"{number(facts['artefacts'])}: " + ", ".join(f"{number(facts[state])} {state}" for state in states if facts[state]),
        ),
        ("reports", f"{number(facts['reports'])}, {number(facts['defective_reports'])} with defects"),
        ("records", number(facts["records"])),
        ("messages", number(facts["messages"])),
        ("domains", number(facts["domains"])),
        ("reporters", number(facts["reporters"])),
        ("periods", f"{day(first)} – {day(last)}" if first else "–"),
        ("last received", facts["last_received"] or "–"),
    ):
        table.add_row(name, value)
    lines: list[RenderableType] = [table]
    if facts["received"]:
        todo = "taken up with the rest" if facts["offline_since"] else "run dmarcscope replay, unless a watch or ingest is at work"
        lines.append(Text(f"{counted(facts['received'], 'artefact')} received and not finished: {todo}", style="yellow"))
    if facts["unreadable"]:
        lines += ["", Text("Could not be read, or not wholly (newest first); try again with dmarcscope replay:", style="yellow")]
        lines += [Text(f"  {one['received_at']} {safe(one['name'])}: {safe(one['reason'], 300)}") for one in facts["unreadable"]]
    if facts["places"]:
        lines += ["", Text("Mailboxes and watched folders:", style="bold")]
        lines += [line for one in facts["places"] for line in place(one)]
    return lines


def place(one: Mapping[str, Any]) -> list[RenderableType]:
    """How it goes with a mailbox or folder."""
    mails = ", ".join(f"{number(count)} {done}" for done, count in one["mails"].items())
    lines: list[RenderableType] = [
        Text(f"  {safe(one['place'])}: last looked at {one['looked_at'] or 'never'}" + (f"; mails: {mails}" if mails else ""))
    ]
    if one["trouble"]:
        lines.append(Text(f"    trouble since {one['trouble_since']}: {safe(one['trouble'], 300)}", style="red"))
    return lines


def checks(found: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What was verified, and what to do about what is wrong."""
    lines: list[RenderableType] = []
    for check in found:
        mark, style = ("ok", "green") if not check["wrong"] else ("WRONG", "red")
        lines.append(Text.assemble((f"{mark:>5}", style), f"  {check['name']} ({number(check['checked'])} checked)"))
        if check["wrong"]:
            lines += [Text(f"         {safe(example, 300)}", style=style) for example in check["examples"]]
            if check["wrong"] > len(check["examples"]):
                lines.append(Text(f"         … {counted(check['wrong'], 'difference')} in all", style=style))
            lines.append(Text(f"         → {check['fix']}"))
    good = all(not check["wrong"] for check in found)
    end = Text("Nothing is lost.", style="bold green") if good else Text("Differences found; see the arrows.", style="bold red")
    return Group(*lines, end)


TRIED = {True: ("ok", "green"), False: ("NO", "red"), None: ("–", "dim")}


def trials(found: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What works of a mailbox, step by step."""
    lines: list[RenderableType] = []
    for trial in found:
        mark, style = TRIED[trial["ok"]]
        lines.append(Text.assemble((f"{mark:>4}", style), f"  {safe(trial['name'], 60)}: {safe(trial['found'], 300)}"))
        if trial["fix"]:
            lines.append(Text(f"      → {safe(trial['fix'], 300)}"))
    good = all(trial["ok"] is not False for trial in found)
    end = "This mailbox can be used." if good else "This mailbox cannot be used yet; see the arrow."
    return Group(*lines, Text(end, style="bold green" if good else "bold red"))


def report(entry: Mapping[str, Any], shown: AggregateReport, width: int) -> RenderableType:
    """One report, readable."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in report_facts(entry, shown):
        if value:
            table.add_row(name, safe(value, 500))
    lines: list[RenderableType] = [table, "", report_records(shown.records, width)]
    if entry["defects"]:
        lines += ["", Text(counted(len(entry["defects"]), "defect") + ":", style="yellow")]
        lines += [Text(f"  {safe(defect, 300)}") for defect in entry["defects"]]
    return Group(*lines)


POLICY = ("p", "sp", "np", "adkim", "aspf", "pct", "fo", "testing", "discovery_method")


def report_facts(entry: Mapping[str, Any], shown: AggregateReport) -> Iterator[tuple[str, str | None]]:
    """What a report says of itself, and what the ledger knows of it."""
    metadata, policy = shown.metadata, shown.policy
    asked = {name: getattr(policy, name) for name in POLICY}
    yield "report", f"{entry['report_key']}, {entry['state']}"
    yield "report_id", metadata.report_id
    yield "reporter", f"{metadata.org_name or '–'} <{metadata.email or '–'}>"
    yield "contact", metadata.extra_contact_info
    yield "period", f"{minute(metadata.begin)} – {minute(metadata.end)} UTC"
    yield "domain", policy.domain
    yield "policy", " ".join(f"{name}={value}" for name, value in asked.items() if value is not None)
    yield "dialect", f"{shown.dialect}" + (f", version {shown.version}" if shown.version else "")
    yield "generator", metadata.generator
    yield "errors", "; ".join(metadata.errors)
    yield "holds", f"{counted(len(shown.records), 'record')} on {counted(shown.messages, 'message')}"
    yield "from", f"{entry['name']}" + (f" / {entry['member']}" if entry["member"] else "")
    yield "artefact", entry["artefact"]


REPORT_RECORDS = (
    *RECORDS[:6],
    Column("results", lambda row: "\n".join(results(row)), wide=100),
    Column("reasons", lambda row: "\n".join(reason(one) for one in row["reasons"]), wide=130),
)


def report_records(found: Sequence[Record], width: int) -> Table:
    """The records of one report."""
    table, columns = drawn(REPORT_RECORDS, width)
    for one in found:
        row = one._asdict()
        fill(table, columns, {**row, **{name: [item._asdict() for item in row[name]] for name in ("reasons", "dkim", "spf")}})
    return table


def results(row: Mapping[str, Any]) -> Iterator[str]:
    """Every DKIM and SPF result of a record, in short."""
    for kind in ("dkim", "spf"):
        for one in row[kind]:
            yield f"{kind} {result(one)}"


def reason(one: Mapping[str, Any]) -> str:
    """An override reason, in short."""
    return safe(f"{one['type'] or ''} {one['comment'] or ''}".strip(), 80)
