"""The sentences of a summary: its verdict, why, and the subject line; what strangers wrote in them is short and harmless.

Facts: a subject is one header line (RFC 5322 §2.2): no sentence holds a line break or another control, whatever a name holds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from dmarcscope.model.change import Tone
from dmarcscope.model.readiness import Answer, Readiness, Stage
from dmarcscope.model.summary import Period, Summary
from dmarcscope.model.summary_figures import FigureName, Finding, Reason, SummaryVerdict
from dmarcscope.model.verdict import SenderClass
from dmarcscope.present.wording import counted, number, safe, share

SUBJECT = 78
"""RFC 5322 §2.1.1: a line should have no more characters than that."""
NAME = 60
"""Letters of a name in a sentence."""
NAMELESS = "one without a name"
IN_SUBJECT = 3
"""Findings that a subject names."""
CLASSES = {
    SenderClass.YOURS_ALIGNED: "yours",
    SenderClass.YOURS_NEEDS_FIXING: "yours, failing",
    SenderClass.FORWARDED: "forwarded",
    SenderClass.MAILING_LIST: "mailing list",
    SenderClass.UNAUTHORISED: "unauthorised",
    SenderClass.UNKNOWN: "unknown",
}
"""How mail of a class is called."""
FIGURES = {
    FigureName.REPORTED: "messages reported",
    FigureName.PASSING: "pass DMARC",
    FigureName.YOURS_FAILING: "yours, failing",
    FigureName.FORWARDED: "forwarded, and by lists",
    FigureName.UNAUTHORISED: "unauthorised",
}
"""How the five figures are called."""
PARTS = {"forwarded": "forwarded", "mailing-list": "by mailing lists", "stopped": "stopped", "delivered": "delivered", "untold": "not told"}
"""How their parts are called."""
ANSWERS = {Answer.READY: "ready", Answer.NOT_YET: "not yet", Answer.NO_DATA: "no data"}
STAGES = {
    Stage.NONE: "p=none",
    Stage.QUARANTINE_TEST: "p=quarantine; t=y",
    Stage.QUARANTINE: "p=quarantine",
    Stage.REJECT_TEST: "p=reject; t=y",
    Stage.REJECT: "p=reject",
}
OPENINGS = {Tone.BAD: "Yes, act now", Tone.WARNING: "Something to look at", Tone.NEUTRAL: "No need to worry", Tone.GOOD: "No need to worry"}
"""The answer to: should I worry?"""


def names(reason: Reason) -> str:
    """Whom it is about.

    >>> names(Reason(Finding.UNKNOWN, Tone.WARNING, 3, names=("a.example", "b.example")))
    'a.example, b.example and 1 more'
    """
    told = [safe(name, NAME) or NAMELESS for name in reason.names[:3]]
    more = reason.count - len(told)
    if told and more > 0:
        told.append(f"{number(more)} more")
    return " and ".join(part for part in (", ".join(told[:-1]), *told[-1:]) if part)


def about(reason: Reason) -> str:
    """The same in brackets, where anybody is named."""
    return f" ({names(reason)})" if reason.names else ""


def missing(reason: Reason) -> str:
    """Of reports that are not there."""
    parts = []
    if reason.count:
        silent = counted(reason.count, "reporter that usually reports is silent", "reporters that usually report are silent")
        parts.append(f"{silent}{about(reason)}")
    if reason.messages:
        parts.append(f"about {share(reason.messages, reason.of)} of the messages, {number(reason.messages)}, are likely still to come")
    return "reports are missing: " + "; ".join(parts)


def verb(count: int) -> str:
    """It fails; they fail."""
    return "fails" if count == 1 else "fail"


WHY: Mapping[Finding, Callable[[Reason], str]] = {
    Finding.NO_REPORTS: lambda _: "nobody has ever sent a report about this domain",
    Finding.NO_MAIL: lambda _: "no report tells of any message in this period",
    Finding.REPORTS_MISSING: missing,
    Finding.OWN_STOPPED: lambda one: (
        f"receivers stopped {counted(one.messages, 'message')} of your own ({share(one.messages, one.of)} of them): {names(one)}"
    ),
    Finding.OWN_FAILING: lambda one: (
        f"{counted(one.messages, 'message')} of your own {verb(one.messages)} DMARC ({share(one.messages, one.of)} of them): {names(one)}"
    ),
    Finding.FORGED_DELIVERED: lambda one: (
        f"{number(one.messages)} of {counted(one.of, 'unauthorised message')} were delivered{policy_words(one)}"
    ),
    Finding.NEW_UNKNOWN: lambda one: (
        f"{counted(one.count, 'sender is', 'senders are')} new and unknown, with {counted(one.messages, 'message')}: {names(one)}"
    ),
    Finding.UNKNOWN: lambda one: (
        f"nobody has said whose {names(one)} {'is' if one.count == 1 else 'are'}, with {counted(one.messages, 'message')}"
    ),
    Finding.BROKEN_ALONE: lambda one: (
        f"SPF or DKIM is broken for {names(one)}; {counted(one.messages, 'message')} still pass by the other alone"
    ),
    Finding.BAD_CHANGE: lambda one: "; ".join(safe(name, 2 * NAME) for name in one.names),
    Finding.FORGED_STOPPED: lambda one: f"{number(one.messages)} of {counted(one.of, 'unauthorised message')} were stopped",
    Finding.QUIET: lambda one: f"{counted(one.messages, 'message')}, and nothing out of the ordinary",
}
"""Why, in a sentence without its full stop."""
IN_SHORT: Mapping[Finding, Callable[[Reason], str]] = {
    Finding.NO_REPORTS: lambda _: "no reports yet",
    Finding.NO_MAIL: lambda _: "no mail reported",
    Finding.REPORTS_MISSING: lambda one: (
        f"{counted(one.count, 'reporter')} silent" if one.count else f"{share(one.messages, one.of)} still to come"
    ),
    Finding.OWN_STOPPED: lambda one: f"{number(one.messages)} of your messages stopped",
    Finding.OWN_FAILING: lambda one: f"{counted(one.count, 'sender')} failing",
    Finding.FORGED_DELIVERED: lambda one: f"{number(one.messages)} forged messages delivered",
    Finding.NEW_UNKNOWN: lambda one: f"{counted(one.count, 'new sender')}",
    Finding.UNKNOWN: lambda one: f"{counted(one.count, 'unknown sender')}",
    Finding.BROKEN_ALONE: lambda one: f"SPF or DKIM broken for {counted(one.count, 'sender')}",
    Finding.BAD_CHANGE: lambda one: f"{counted(one.count, 'change')} to look at",
}
"""A finding in a subject."""
SUBJECT_ORDER = (
    Finding.NO_REPORTS,
    Finding.NO_MAIL,
    Finding.REPORTS_MISSING,
    Finding.OWN_STOPPED,
    Finding.FORGED_DELIVERED,
    Finding.NEW_UNKNOWN,
    Finding.OWN_FAILING,
    Finding.BROKEN_ALONE,
    Finding.UNKNOWN,
    Finding.BAD_CHANGE,
)


def policy_words(reason: Reason) -> str:
    """Why forged mail arrives."""
    return ": your policy asks nobody to stop them" if reason.tone is Tone.BAD else ", although your policy asks for something else"


def sentence(found: Sequence[Reason], tone: Tone, domain: str, period: Period) -> str:
    """Should I worry? In one sentence."""
    opening = f"{OPENINGS[tone]}: "
    first = [one for one in found if one.tone is tone] if tone in {Tone.BAD, Tone.WARNING} else []
    if not first:
        return opening + quiet(found, domain, period) + "."
    more = len([one for one in found if one.tone in {Tone.BAD, Tone.WARNING}]) - 1
    beside = f"; and {counted(more, 'more thing')} to look at" if more else ""
    return f"{opening}{WHY[first[0].finding](first[0])}{beside}."


def quiet(found: Sequence[Reason], domain: str, period: Period) -> str:
    """That there is nothing to worry about."""
    findings = {one.finding for one in found}
    if Finding.NO_MAIL in findings:
        return f"no mail was reported as {safe(domain, NAME)} {during(period)}"
    return f"all is well with {safe(domain, NAME)} {during(period)}"


def during(period: Period) -> str:
    """In the period: «in week 20 of 2026», or from date to date."""
    return f"in {period.label}" if period.week else f"from {period.label}" if " to " in period.label else f"on {period.label}"


def because(found: Iterable[Reason]) -> tuple[str, ...]:
    """Why, a sentence each."""
    return tuple(f"{capital(WHY[one.finding](one))}." for one in found)


def beside(verdict: SummaryVerdict) -> list[str]:
    """The reasons that the sentence of a verdict does not hold itself."""
    said = verdict.sentence.lower()
    return [one for one in verdict.because if one.lower().removesuffix(".") not in said]


def capital(text: str) -> str:
    """A text that begins like a sentence."""
    return text[:1].upper() + text[1:]


def subject(domain: str, found: Iterable[Reason], period: Period) -> str:
    """The subject of a mail about one domain.

    >>> from datetime import UTC, datetime
    >>> week = Period(datetime(2026, 5, 11, tzinfo=UTC), datetime(2026, 5, 18, tzinfo=UTC), "week 20 of 2026", "2026-W20")
    >>> subject("example.com", [Reason(Finding.OWN_FAILING, Tone.WARNING, 2), Reason(Finding.NEW_UNKNOWN, Tone.WARNING, 1)], week)
    'example.com: 1 new sender, 2 senders failing, week 20'
    """
    grave = {one.finding: one for one in found if one.tone in {Tone.BAD, Tone.WARNING} or one.finding is Finding.NO_MAIL}
    parts = [IN_SHORT[finding](grave[finding]) for finding in SUBJECT_ORDER if finding in grave][:IN_SUBJECT]
    return one_line(f"{safe(domain, 40)}: ", parts or ["all is well"], f", {when(period)}")


def subject_of_many(tones: Sequence[Tone], period: Period) -> str:
    """The subject of a mail about several domains."""
    bad, warned = tones.count(Tone.BAD), tones.count(Tone.WARNING)
    parts = [f"{number(bad)} to act on"] if bad else []
    parts += [f"{number(warned)} to look at"] if warned else []
    return one_line(f"{counted(len(tones), 'domain')}: ", parts or ["all is well"], f", {when(period)}")


def one_line(begin: str, parts: list[str], end: str) -> str:
    """As many of the parts as a line has room for; the first is always there."""
    while len(parts) > 1 and len(begin + ", ".join(parts) + end) > SUBJECT:
        parts = parts[:-1]
    return begin + ", ".join(parts) + end


def when(period: Period) -> str:
    """The period in a subject: «week 20», or its dates."""
    return f"week {int(period.week.rpartition('W')[2])}" if period.week else period.label


def sentence_of_many(tones: Sequence[Tone], period: Period) -> str:
    """Should I worry? Of several domains."""
    bad, warned, fine = tones.count(Tone.BAD), tones.count(Tone.WARNING), len(tones) - tones.count(Tone.BAD) - tones.count(Tone.WARNING)
    if not tones:
        return f"No mail is reported for any domain {during(period)}."
    parts = [f"{counted(bad, 'domain needs', 'domains need')} you to act now"] if bad else []
    parts += [f"{counted(warned, 'domain has', 'domains have')} something to look at"] if warned else []
    parts += [f"{counted(fine, 'domain is', 'domains are')} well"] if fine else []
    return f"{capital('; '.join(parts))}, {during(period)}."


def complete(found: Summary) -> str:
    """How complete the reports of the period are."""
    if found.complete:
        return "All reports that were to be expected are here."
    if found.coverage.first_day is None:
        return "There is no report about this period."
    through = found.complete_through
    whole = f"Complete through {through:%Y-%m-%d}" if through else "Not one day is complete yet"
    return f"{whole}; more reports may come."


def policy(found: Readiness) -> str:
    """The policy that is asked for now."""
    return STAGES[found.present.stage] if found.present.by != "nobody" else "no policy known"
