"""A check of a domain for people: what is published, what it means, what to mend, worst first, with lines to copy."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from dmarcscope.model.domain_check import DomainCheck, Finding, Section, SpfSection, State, Topic
from dmarcscope.model.problem import Severity
from dmarcscope.parse.mending import OPTIONAL
from dmarcscope.parse.slips import as_written
from dmarcscope.present.prose import copyable, lines, prose, sentence
from dmarcscope.present.spf_tree import tree
from dmarcscope.present.wording import counted, safe

TITLES = {
    Topic.DMARC: "DMARC",
    Topic.SPF: "SPF",
    Topic.DKIM: "DKIM",
    Topic.MX: "MX",
    Topic.MTA_STS: "MTA-STS",
    Topic.TLS_RPT: "TLS-RPT",
    Topic.BIMI: "BIMI",
}
STATES = {
    State.SOUND: ("sound", "green"),
    State.FINDINGS: ("to mend", "red"),
    State.COULD_NOT_CHECK: ("could not check", "yellow"),
    State.NOT_CHECKED: ("not looked at", "dim"),
}
OPTIONAL_TOPICS = {Topic.MTA_STS, Topic.TLS_RPT, Topic.BIMI}
LABELS = {Severity.ERROR: ("error    ", "bold red"), Severity.WARNING: ("warning  ", "yellow"), Severity.NOTE: ("note     ", "dim")}
MAX_SHOWN = 4  # records of one name that are shown
MAX_RECORD = 600  # characters of a record that are shown
MAX_FINDINGS = 25  # of one section


def domain_check(check: DomainCheck, width: int) -> Text:
    """The whole check."""
    shown = [headline(check)]
    for section in check.sections:
        shown += [Text(), *part(section, width)]
    asked = len({answer.question for section in check.sections for answer in section.evidence})
    shown += [Text(), Text(f"{counted(asked, 'question')} asked; --json shows each with its answer.", style="dim")]
    return lines(shown)


def headline(check: DomainCheck) -> Text:
    """The end in one sentence."""
    counts = {severity: sum(finding.problem.severity is severity for finding in check.findings) for severity in Severity}
    gaps = [TITLES[section.topic] for section in check.sections if section.unknown]
    text = Text(safe(check.domain), style="bold")
    words = [counted(counts[Severity.ERROR], "error")] if counts[Severity.ERROR] else []
    words += [counted(counts[Severity.WARNING], "warning")] if counts[Severity.WARNING] else []
    if words:
        text.append(f": {' and '.join(words)}", style="red")
    elif gaps:
        text.append(" could not be checked in full", style="yellow")
    else:
        text.append(" is sound", style="green")
    if counts[Severity.NOTE]:
        text.append(f", {counted(counts[Severity.NOTE], 'note')}")
    if gaps:
        text.append(f"; could not be asked: {', '.join(gaps)}", style="yellow")
    return text.append(".")


def label(section: Section) -> tuple[str, str]:
    """The state of a section in words; what nobody needs and nobody published is not called sound."""
    if section.state is State.SOUND and section.topic in OPTIONAL_TOPICS and not section.published:
        return "not published", "dim"
    return STATES[section.state]


def part(section: Section, width: int) -> Iterator[Text]:
    """One section."""
    word, style = label(section)
    yield Text.assemble((TITLES[section.topic], "bold"), "  ", (word, style))
    # Nobody reads the base64 of a key.
    shown = section.published if section.topic is not Topic.DKIM else ()
    for each in shown[:MAX_SHOWN]:
        yield prose(safe(as_written(each.text), MAX_RECORD), width, first=f"{safe(each.name, 120)}  {each.kind}  ", style="dim")
    if len(shown) > MAX_SHOWN:
        yield prose(f"… {len(shown) - MAX_SHOWN} more records", width)
    for meaning in section.meaning:
        yield prose(meaning, width)
    if isinstance(section, SpfSection) and section.tree.root.result is None:
        yield from tree(section.tree.root)
    for gap in section.unknown:
        yield prose(f"{sentence(gap)}.", width, first="not known  ", style="yellow")
    yield from findings(section.findings, width, {each.name for each in section.published})


def findings(every: Sequence[Finding], width: int, published: set[str]) -> Iterator[Text]:
    """The findings, the worst first; a line that several of them share stands once, after the last."""
    order = list(Severity)
    found = sorted(every, key=lambda finding: order.index(finding.problem.severity))[:MAX_FINDINGS]
    for number, finding in enumerate(found):
        severity, style = LABELS[finding.problem.severity]
        what = finding.problem.what
        section = f" ({', '.join(filter(None, [finding.problem.section, finding.problem.code]))})"
        named = "" if finding.where in what or len(published) < 2 else f"{finding.where}: "
        yield prose(f"{named}{what if named else sentence(what)}{section}.", width, first=severity, style=style)
        if finding.publish and not any(later.publish == finding.publish for later in found[number + 1 :]):
            instead = "Publish instead:" if finding.where in published else "Publish:"
            yield prose("If that is what you want, publish:" if finding.problem.code in OPTIONAL else instead, width, indent=11)
            yield copyable(finding.publish)
        # A whole record that is not offered has something wrong still.
        elif finding.problem.fix and not finding.publish and not finding.problem.fix.startswith("v="):
            yield prose(f"→ {finding.problem.fix}", width, indent=11)
    if len(every) > MAX_FINDINGS:
        yield prose(f"… {len(every) - MAX_FINDINGS} more; --format json shows all", width)
