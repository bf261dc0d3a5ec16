"""The summary of a period: asks the records, classified once for each domain, and the ledger; it asks nobody else.

Strategy: the records of six weeks up to the period's end are judged at once (more for a longer period), and all parts look at that:
figures, senders, changes, readiness. So they agree to the message.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any

from dmarcscope.analysis import summary as tables
from dmarcscope.analysis.course import DAY, WEEK, days, weeks
from dmarcscope.analysis.coverage import LOOK_BACK
from dmarcscope.analysis.figures import before_sums, class_totals, figures
from dmarcscope.analysis.verdicts import Seen
from dmarcscope.model.change import Tone
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.summary import DomainCount, Former, OverviewLine, Period, Summaries, Summary
from dmarcscope.model.summary_figures import Figure, FigureName
from dmarcscope.model.verdict import SenderClass
from dmarcscope.ops import summing as parts
from dmarcscope.ops.ask import resolved
from dmarcscope.ops.changes import as_dict as timeline_dict
from dmarcscope.ops.changes import habits_of
from dmarcscope.ops.classified import classified
from dmarcscope.ops.coverage import AHEAD, arrivals
from dmarcscope.ops.coverage import as_dict as coverage_dict
from dmarcscope.ops.history import domain_of
from dmarcscope.ops.readiness import Remembered, target_dict
from dmarcscope.ops.senders import newest_moment
from dmarcscope.ops.summing import Asked
from dmarcscope.present import summary_wording as wording
from dmarcscope.store.answers import Observations
from dmarcscope.store.checks import Checks
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables import summary_questions as questions
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows

JUDGED = timedelta(weeks=6)
"""What is judged, up to the end of the period: it always holds a whole month with its turn, as the gates of readiness ask for."""
MOST_DOMAINS = 30
"""Domains with a summary each where none is named, those with most messages; the others are only counted."""
NEWEST_BEGIN = "SELECT max(period_begin) FROM reports WHERE state = 'stored' AND period_begin < ?"
NEWEST_END = "SELECT max(period_end) FROM reports WHERE state = 'stored' AND period_end <= ?"
GRAVEST = (Tone.BAD, Tone.WARNING, Tone.NEUTRAL, Tone.GOOD)


def summarise(
    store: StoreFiles,
    domains: Sequence[str] | None,
    which: Filter,
    knowledge: Knowledge,
    now: datetime,
    former: Sequence[Former] = (),
) -> Summaries:
    """The summaries of some domains, the gravest first; of all policy domains of the period if None.

    ``which`` limits the period (both ends; the last whole ISO week with reports where it has none) and the reports. ``former`` is what
    earlier summaries said, to tell where that does not hold any more. Raises SetupError where there is no store, or for what is no domain.
    """
    store.require()
    wanted = None if domains is None else list(dict.fromkeys(domain_of(domain) for domain in domains))
    which = resolved(store, replace(which, domain=None, domains=()))
    period = period_of(store, which, now)
    asked = replace(prepared(store, which, period, knowledge, now), former=former)
    found = list(counted_domains(asked)) if wanted is None else [DomainCount(domain, 0) for domain in wanted]
    shown = found[:MOST_DOMAINS] if wanted is None else found
    made = [summary(asked, one.domain) for one in shown]
    made.sort(key=lambda one: (GRAVEST.index(one.verdict.tone), -one.messages, one.domain))
    tones = [one.verdict.tone for one in made]
    alone = made[0].verdict if len(made) == 1 else None
    return Summaries(
        period=period,
        made=now,
        overview=tuple(overview_line(one, [other.domain for other in made]) for one in made),
        summaries=tuple(made),
        also=tuple(found[len(shown) :]),
        has_reports=asked.newest is not None,
        subject=alone.subject if alone else wording.subject_of_many(tones, period),
        sentence=alone.sentence if alone else wording.sentence_of_many(tones, period),
        tone=next((one for one in GRAVEST if one in tones), Tone.NEUTRAL),
        catalogue=knowledge.catalogue.version,
        attribution=knowledge.networks.attribution,
    )


def period_of(store: StoreFiles, which: Filter, now: datetime) -> Period:
    """The period that is asked for, else the last whole ISO week with reports."""
    if which.since is not None or which.until is not None:
        until = which.until or data_end(store, now)
        since = which.since if which.since is not None else until - WEEK
        # A period asked for that lies after all data is a period without data.
        return named_period(since, max(until, since + timedelta(seconds=1)))
    monday = week_begin(now)
    ((newest,),) = store.ledger.rows(NEWEST_BEGIN, (int(monday.timestamp()),))
    begin = week_begin(datetime.fromtimestamp(newest, UTC)) if newest is not None else monday - WEEK
    return named_period(begin, begin + WEEK)


def data_end(store: StoreFiles, now: datetime) -> datetime:
    """The end of the day up to which there are reports; now, where there are none."""
    end = newest_end(store, now)
    return now if end is None else week_begin(end - timedelta(seconds=1)) + DAY * ((end - timedelta(seconds=1)).weekday() + 1)


def newest_end(store: StoreFiles, now: datetime) -> datetime | None:
    """The end of the last report."""
    ((newest,),) = store.ledger.rows(NEWEST_END, (int((now + AHEAD).timestamp()),))
    return datetime.fromtimestamp(newest, UTC) if newest is not None else None


def week_begin(moment: datetime) -> datetime:
    """The Monday of its ISO week, at midnight UTC."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - DAY * day.weekday()


def named_period(begin: datetime, end: datetime) -> Period:
    """A period with its name.

    >>> named_period(datetime(2026, 5, 11, tzinfo=UTC), datetime(2026, 5, 18, tzinfo=UTC)).label
    'week 20 of 2026'
    """
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    if begin == week_begin(begin) and end - begin == WEEK:
        year, week, _ = begin.isocalendar()
        return Period(begin, end, f"week {week} of {year}", f"{year}-W{week:02d}")
    first, last = begin.date(), max((end - timedelta(seconds=1)).date(), begin.date())
    return Period(begin, end, dates(first, last))


def dates(first: date, last: date) -> str:
    """The dates of a period.

    >>> dates(date(2026, 5, 4), date(2026, 6, 1)), dates(date(2026, 5, 4), date(2026, 5, 4))
    ('4 May 2026 to 1 June 2026', '4 May 2026')
    """
    told = [f"{day.day} {day:%B %Y}" for day in (first, last)]
    return told[0] if first == last else " to ".join(told)


def prepared(store: StoreFiles, which: Filter, period: Period, knowledge: Knowledge, now: datetime) -> Asked:
    """What is the same for all domains, told once."""
    told = arrivals(store, replace(which, since=period.begin - DAY * LOOK_BACK, until=period.end))
    return Asked(store, which, period, knowledge, now, habits_of(told), newest_end(store, now), Remembered(store))


def counted_domains(asked: Asked) -> Iterable[DomainCount]:
    """The policy domains of the period, those with most messages first; what lies below another of them belongs to it."""
    bounds = replace(asked.which, since=asked.period.begin, until=asked.period.end)
    found = [DomainCount(**row) for row in rows(asked.store.engine.ask(*questions.domains(bounds)))]
    names = {one.domain for one in found}
    return (one for one in found if not outer(one.domain, names))


def outer(domain: str, names: Iterable[str]) -> str:
    """The outermost of some names that takes in a domain; empty, where none does."""
    known = set(names)
    labels = domain.split(".")
    return next((name for at in range(len(labels) - 1, 0, -1) if (name := ".".join(labels[at:])) in known), "")


def summary(asked: Asked, domain: str) -> Summary:
    """The summary of one domain."""
    store, period, knowledge = asked.store, asked.period, asked.knowledge
    earlier = period.begin - (period.end - period.begin)
    since = min(earlier, period.begin - DAY * LOOK_BACK, period.end - JUDGED)
    wide = parts.kept(classified(store, asked.of(domain, since), knowledge))
    judged = replace(wide, which=asked.of(domain))
    store.engine.keep("told", *judged.question(questions.TOLD))
    store.engine.keep("earlier", *replace(wide, which=asked.of(domain, since, period.begin)).question(questions.EARLIER))
    times, before = asked.ask(questions.TIMES), asked.ask(questions.BEFORE)
    # A time before of which there are only some days would make everybody look new.
    has_before = any(row["period_begin"] < earlier + DAY for row in before)
    sums, passing = before_sums(before, earlier)
    classes = class_totals(asked.ask(questions.CLASSES), sums if has_before else None)
    course, by_week = days(times, period), weeks([*before, *times], period)
    lines = parts.sender_lines(asked, replace(wide, which=asked.of(domain, earlier)), has_before=has_before)
    seen_before = frozenset((row["sender"], row["role"]) for row in before) if has_before else None
    senders, tail = tables.with_trend(lines, course, by_week, seen_before)
    readiness = parts.readiness_of(asked, domain, wide)
    # The ledger knows reports by their policy domain, which may be one above.
    covering = readiness.present.policy_domain or domain
    covered = parts.coverage_of(asked, covering)
    ever = bool(before or times) or newest_moment(store, replace(asked.which, domain=domain, since=None, until=None)) is not None
    changed = parts.timeline_of(asked, domain, wide)
    found = Seen(period, classes, senders, *stopped_and_broken(asked), changed, covered, readiness, ever=ever)
    where = parts.places(asked, wide)
    by_address = asked.ask(questions.BY_ADDRESS) if where is not None else []
    made = Summary(
        domain=domain,
        period=period,
        made=asked.now,
        verdict=parts.verdict(found, domain),
        figures=figures(classes, passing if has_before else None),
        classes=classes,
        has_before=has_before,
        timeline=found.timeline,
        to_do=parts.things_to_do(found, judged, knowledge),
        senders=senders,
        senders_rest=tail,
        unauthorised=parts.unauthorised(asked, by_address, where),
        readiness=readiness,
        coverage=covered,
        ledger=parts.ledger_counts(asked, covering),
        complete=covered.complete_through is not None and covered.complete_through >= period.last_day,
        restated=parts.restated(asked, domain, since, named_period),
        spans=course.spans,
        weeks=by_week.spans,
        matrix=tables.matrix(asked.ask(questions.MATRIX)),
        networks=parts.networks(asked, by_address, where),
        tables=parts.all_tables(asked, covered, where),
        has_dns=Checks(store.ledger).any() or bool(Observations(store.ledger).newest_dmarc()),
        has_owner_list=bool(knowledge.owner.senders),
        has_networks=where is not None,
        catalogue=knowledge.catalogue.version,
        attribution=knowledge.networks.attribution,
    )
    parts.let_go(store)
    return made


def stopped_and_broken(asked: Asked) -> tuple[dict[str, int], dict[str, int]]:
    """By sender: messages of one's own that receivers stopped, and those whose SPF is in error."""
    stopped = {row["sender"]: row["messages"] for row in asked.ask(questions.OWN_STOPPED)}
    return stopped, {row["sender"]: row["broken"] for row in asked.ask(questions.SPF_BROKEN)}


def overview_line(found: Summary, names: Iterable[str]) -> OverviewLine:
    """A summary in a line; ``names`` are those of all."""
    forged = found.of_class(SenderClass.UNAUTHORISED)
    figure = {one.name: one.messages for one in found.figures}
    return OverviewLine(
        domain=found.domain,
        tone=found.verdict.tone,
        sentence=found.verdict.sentence,
        subject=found.verdict.subject,
        messages=found.messages,
        messages_before=found.figure(FigureName.REPORTED).before,
        passing=figure[FigureName.PASSING],
        yours_failing=figure[FigureName.YOURS_FAILING],
        forwarded=figure[FigureName.FORWARDED],
        unauthorised=figure[FigureName.UNAUTHORISED],
        unauthorised_delivered=forged.delivered,
        unknown=found.of_class(SenderClass.UNKNOWN).messages,
        policy=wording.policy(found.readiness),
        answer=wording.ANSWERS[found.readiness.verdict.answer],
        to_do=len(found.to_do),
        within=outer(found.domain, names),
    )


def overview_rows(found: Summaries) -> list[dict[str, Any]]:
    """A line per domain, for machines."""
    period = {"week": found.period.week, "begin": found.period.begin, "end": found.period.end}
    return [plain({**period, **shallow(one)}) for one in found.overview]


def as_dict(found: Summaries) -> dict[str, Any]:
    """All of it, for machines: words as their values, times as ISO 8601 in UTC, and nothing that JSON has no word for."""
    every = [summary_dict(one) for one in found.summaries]
    told: dict[str, Any] = plain({**shallow(found), "messages": found.messages, "summaries": every})
    return told


def summary_dict(found: Summary) -> dict[str, Any]:
    """One summary, with what follows from its figures, too."""
    figures_told = [figure_dict(one) for one in found.figures]
    readiness = {**shallow(found.readiness), "verdict": found.readiness.verdict}
    readiness |= {name: target_dict(getattr(found.readiness, name)) for name in ("quarantine", "reject", "verdict")}
    beside = {
        "messages": found.messages,
        "figures": figures_told,
        "timeline": timeline_dict(found.timeline),
        "coverage": coverage_dict(found.coverage),
        "readiness": readiness,
        "spans": [{**shallow(one), "messages": one.messages} for one in found.spans],
        "weeks": [{**shallow(one), "messages": one.messages} for one in found.weeks],
        "complete_through": found.complete_through,
    }
    told: dict[str, Any] = plain({**shallow(found), **beside})
    return told


def figure_dict(found: Figure) -> dict[str, Any]:
    """A figure with its change and its shares."""
    return {**shallow(found), "change": found.change, "share": rounded(found.share), "share_before": rounded(found.share_before)}


def rounded(share: float | None) -> float | None:
    """A share as machines are told it."""
    return None if share is None else round(share, 6)


def shallow(thing: Any) -> dict[str, Any]:
    """The fields of a thing as they are."""
    return {one.name: getattr(thing, one.name) for one in fields(thing)}


def plain(value: Any) -> Any:
    """A value as JSON holds it.

    >>> plain({Tone.BAD: (date(2026, 5, 4), frozenset({"b", "a"}))})
    {'bad': ['2026-05-04', ['a', 'b']]}
    """
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, Enum)):
        return value
    if is_dataclass(value):
        return plain(shallow(value))
    for kind, told in PLAIN:
        if isinstance(value, kind):
            return told(value)
    return str(value)


PLAIN: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (Enum, lambda value: value.value),
    (datetime, lambda value: f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"),
    (date, lambda value: value.isoformat()),
    (Mapping, lambda value: {str(plain(key)): plain(each) for key, each in value.items()}),
    (frozenset | set, lambda value: sorted(map(plain, value))),
    (list | tuple, lambda value: [plain(each) for each in value]),
)
"""What JSON has no word for: its kind, and how it is told."""
