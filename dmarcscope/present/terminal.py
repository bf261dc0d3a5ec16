"""Answers for people at a terminal: tables in which the worst stands first and out. Every text of a stranger goes through `safe`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dmarcscope.model.aggregate import AggregateReport, Record
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


def plain_table(*headings: str, right: Sequence[str] = ()) -> Table:
    """An empty table with our looks; the headings in ``right`` are aligned right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", no_wrap=heading in right)
    return table


def sources(lines: Sequence[Mapping[str, Any]], by: str, shown: int | None, asked: str) -> RenderableType:
    """Who sends: a line per group and a sum; ``shown`` lines at most, the rest in one line. ``asked`` says what was asked for."""
    headings = (NAMES[by], "messages", "pass DMARC", "", "DKIM", "SPF", "delivered", "quarantined", "rejected", "reporters", "seen")
    table = plain_table(*headings, right=headings[1:3] + headings[4:10])
    first, rest = (lines, lines[:0]) if shown is None else (lines[:shown], lines[shown:])
    for row in first:
        add_source(table, safe("(none)" if row[by] is None else row[by], 60), row)
    if rest:
        add_source(table, f"… {number(len(rest))} more", summed(rest), "dim")
    total = summed(lines)
    table.add_section()
    add_source(table, f"all {number(len(lines))}", total, "bold")
    return Group(Text(asked, style="bold"), headline(total), "", table)


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


def add_source(table: Table, name: str, row: Mapping[str, Any], style: str = "") -> None:
    """One line of the table of sources."""
    messages, passing = row["messages"], row["dmarc_pass"]
    table.add_row(
        Text(name, style=style or colour(passing, messages)),
        number(messages),
        Text(share(passing, messages), style=colour(passing, messages)),
        bar(passing, messages),
        share(row["dkim_aligned"], messages),
        share(row["spf_aligned"], messages),
        number(row["delivered"]),
        number(row["quarantined"]),
        number(row["rejected"]),
        "" if row["reporters"] is None else number(row["reporters"]),
        f"{day(row['first_seen'])} – {day(row['last_seen'])}",
        style=style,
    )


def colour(passing: int, messages: int) -> str:
    """The colour of a passing share: red under half, yellow where some fail."""
    if not messages or passing == messages:
        return "green" if messages else "dim"
    return "red" if passing * 2 < messages else "yellow"


def bar(passing: int, messages: int) -> Text:
    """The passing share as a bar; a single failing message leaves a gap."""
    filled = passing * BAR // messages if messages else 0
    return Text("█" * filled, style=colour(passing, messages)).append("░" * (BAR - filled), style="dim")


def records(rows: Sequence[Mapping[str, Any]], more: int | None) -> RenderableType:
    """Lines of the record table, the columns that fit a terminal."""
    headings = ("report", "line", "source", "messages", "disposition", "DKIM", "SPF", "author domain", "DKIM results", "SPF result")
    table = plain_table(*headings, right=("report", "line", "messages"))
    for row in rows:
        table.add_row(
            str(row["report_key"]),
            str(row["line"]),
            safe(row["source_ip"] or "–", 40),
            "?" if row["count"] is None else number(row["count"]),
            safe(row["disposition"] or "?", 20),
            verdict(row["dkim_aligned"]),
            verdict(row["spf_aligned"]),
            safe(row["header_from"] or "–", 60),
            "\n".join(result(one) for one in row["dkim"] or ()),
            "\n".join(result(one) for one in row["spf"] or ()),
        )
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


def reports(rows: Sequence[Mapping[str, Any]], more: int | None) -> RenderableType:
    """Reports, a line each."""
    table = plain_table(
        "key", "reporter", "domain", "period begins", "records", "messages", "defects", "state", "from",
        right=("key", "records", "messages", "defects"),
    )  # fmt: skip
    for row in rows:
        table.add_row(
            str(row["report_key"]),
            safe(row["reporter"] or "–", 30),
            safe(row["policy_domain"] or "–", 40),
            minute(row["period_begin"]),
            number(row["records"]),
            number(row["messages"]),
            Text(str(len(row["defects"])), style="yellow" if row["defects"] else "dim"),
            Text(row["state"], style="" if row["state"] == "stored" else "dim"),
            safe(row["name"].rpartition("/")[2], 60),
        )
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
        ("periods", f"{day(first)} – {day(last)}"),
        ("last received", facts["last_received"] or "–"),
    ):
        table.add_row(name, value)
    lines: list[RenderableType] = [table]
    if facts["received"]:
        lines.append(Text(f"{counted(facts['received'], 'artefact')} received and not finished: run dmarcscope replay", style="yellow"))
    if facts["unreadable"]:
        lines += ["", Text("Could not be read, or not wholly (newest first); try again with dmarcscope replay:", style="yellow")]
        lines += [Text(f"  {one['received_at']} {safe(one['name'])}: {safe(one['reason'], 300)}") for one in facts["unreadable"]]
    return Group(*lines)


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


def report(entry: Mapping[str, Any], shown: AggregateReport) -> RenderableType:
    """One report, readable."""
    metadata, policy = shown.metadata, shown.policy
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    asked = {name: getattr(policy, name) for name in ("p", "sp", "np", "adkim", "aspf", "pct", "fo", "testing", "discovery_method")}
    for name, value in (
        ("report", f"{entry['report_key']}, {entry['state']}"),
        ("report_id", metadata.report_id),
        ("reporter", f"{metadata.org_name or '–'} <{metadata.email or '–'}>"),
        ("contact", metadata.extra_contact_info),
        ("period", f"{minute(metadata.begin)} – {minute(metadata.end)} UTC"),
        ("domain", policy.domain),
        ("policy", " ".join(f"{name}={value}" for name, value in asked.items() if value is not None)),
        ("dialect", f"{shown.dialect}" + (f", version {shown.version}" if shown.version else "")),
        ("generator", metadata.generator),
        ("errors", "; ".join(metadata.errors)),
        ("holds", f"{counted(len(shown.records), 'record')} on {counted(shown.messages, 'message')}"),
        ("from", f"{entry['name']}" + (f" / {entry['member']}" if entry["member"] else "")),
        ("artefact", entry["artefact"]),
    ):
        if value:
            table.add_row(name, safe(value, 500))
    lines: list[RenderableType] = [table, "", report_records(shown.records)]
    if entry["defects"]:
        lines += ["", Text(counted(len(entry["defects"]), "defect") + ":", style="yellow")]
        lines += [Text(f"  {safe(defect, 300)}") for defect in entry["defects"]]
    return Group(*lines)


def report_records(found: Sequence[Record]) -> Table:
    """The records of one report."""
    headings = ("line", "source", "messages", "disposition", "DKIM", "SPF", "author domain", "results", "reasons")
    table = plain_table(*headings, right=("line", "messages"))
    for line, one in enumerate(found, start=1):
        results = [f"dkim {result(signature._asdict())}" for signature in one.dkim]
        results += [f"spf {result(check._asdict())}" for check in one.spf]
        table.add_row(
            str(line),
            safe(one.source_ip or "–", 40),
            "?" if one.count is None else number(one.count),
            safe(one.disposition or "?", 20),
            verdict(one.dkim_aligned),
            verdict(one.spf_aligned),
            safe(one.header_from or "–", 60),
            "\n".join(results),
            "\n".join(safe(f"{reason.type or ''} {reason.comment or ''}".strip(), 80) for reason in one.reasons),
        )
    return table
