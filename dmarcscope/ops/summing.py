"""The parts of one domain's summary: each asks what it needs of the records, judged once, and of the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from dmarcscope.analysis import folding
from dmarcscope.analysis import summary as tables
from dmarcscope.analysis.causes import timeline
from dmarcscope.analysis.course import DAY
from dmarcscope.analysis.coverage import LOOK_BACK, Habit, coverage
from dmarcscope.analysis.figures import by_name
from dmarcscope.analysis.fixes import fixes as found_fixes
from dmarcscope.analysis.readiness import readiness as judged_readiness
from dmarcscope.analysis.roll_up import lines
from dmarcscope.analysis.streams import Days
from dmarcscope.analysis.to_do import chosen, to_do
from dmarcscope.analysis.verdicts import Seen, reasons, tone
from dmarcscope.lookup.running import finished
from dmarcscope.model.change import Change, Timeline
from dmarcscope.model.coverage import Coverage
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.readiness import Readiness
from dmarcscope.model.sender_line import SenderLine
from dmarcscope.model.summary import Former, LedgerCounts, Period, Restated, ToDo
from dmarcscope.model.summary_figures import FigureName, SummaryVerdict
from dmarcscope.model.summary_tables import Groups, Tables, Unauthorised
from dmarcscope.model.verdict import SenderClass
from dmarcscope.ops import changes as timelines
from dmarcscope.ops import readiness as deciding
from dmarcscope.ops.classified import Classified
from dmarcscope.ops.coverage import arrivals, below, first_day, last_day
from dmarcscope.ops.fixes import troubles, with_lookups
from dmarcscope.present import summary_wording as wording
from dmarcscope.store.checks import Checks
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.ledger import time_text
from dmarcscope.tables import decision_questions, sender_questions
from dmarcscope.tables import summary_questions as questions
from dmarcscope.tables.queries import Filter, count_records
from dmarcscope.tables.rows import rows

LATE = timedelta(hours=72)
"""So long after its end reports about a period arrive."""
MOST_KEPT = 500_000
"""Records that are kept in memory, some 300 bytes each; of more, each question reads the files again."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What all summaries of a run share. ``habits``: what each reporter does, about all domains; ``newest``: the end of the last report.

    ``former``: what earlier summaries said.
    """

    store: StoreFiles
    which: Filter
    period: Period
    knowledge: Knowledge
    now: datetime
    habits: Sequence[Habit]
    newest: datetime | None
    remembered: deciding.Remembered
    former: Sequence[Former] = ()

    def of(self, domain: str, since: datetime | None = None, until: datetime | None = None) -> Filter:
        """The records of a domain in a time, that of the period where none is said."""
        return replace(self.which, domain=domain, domains=(), since=since or self.period.begin, until=until or self.period.end)

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """The answer to a question about what was kept."""
        return rows(self.store.engine.ask(sql, values, newest=False))


@dataclass(frozen=True, slots=True)
class Kept(Classified):
    """Records with their verdicts that were kept in memory: each further question is spared the judging."""

    def question(self, sql: str, values: Sequence[Any] = ()) -> tuple[str, list[Any]]:
        """A question with what `classified` is."""
        what, bound = questions.kept(self.which)
        return f"WITH classified AS ({what}) {sql}", [*bound, *values]


def kept(judged: Classified) -> Classified:
    """The same, in memory if there is room."""
    engine = judged.store.engine
    (counted,) = rows(engine.ask(*count_records(judged.which), newest=False))
    if counted["lines"] > MOST_KEPT:
        return judged
    engine.keep(questions.KEPT_NAME, *judged.question(questions.KEPT))
    return Kept(**{one.name: getattr(judged, one.name) for one in fields(judged)})


def let_go(store: StoreFiles) -> None:
    """Free what was kept."""
    for name in (questions.KEPT_NAME, "told", "earlier", "deciding"):
        store.engine.keep(name, "SELECT NULL AS nothing")


def sender_lines(asked: Asked, both: Classified, *, has_before: bool) -> list[SenderLine]:
    """The senders of the period, compared with the one before it; ``both`` takes in both."""
    found = rows(both.ask(*sender_questions.senders(asked.period.begin)))
    return lines(found, both.known, asked.knowledge.catalogue, has_before=has_before)


def timeline_of(asked: Asked, domain: str, wide: Classified) -> Timeline:
    """What changed in the period, as `ops.changes` tells it, of records that are judged already."""
    period = asked.period
    if asked.newest is None:
        return Timeline(None, None, ())
    until = max(min(period.end, asked.newest), period.begin)
    told = first_day(period.begin)
    last = max(last_day(until), told)
    begun = max(min((day for one in asked.habits for day in one.by_day), default=told), told - DAY * LOOK_BACK)
    span = Days(begun, last, max(told, begun)) if begun <= last else Days(told, last, told)
    judged = replace(wide, which=asked.of(domain, period.begin - DAY * LOOK_BACK, until))
    found, domains = timelines.by_reports(judged, span, asked.habits)
    found += [change for change in timelines.by_dns(asked.store, {*domains, domain}) if change.day <= period.last_day]
    found = timelines.with_hosts(judged, [change for change in found if change.day >= told])
    whole = timeline(found, timelines.known(asked.store, judged, found, span), told, last, folding.CHANGES)
    return replace(whole, changes=tuple(map(cut, whole.changes)))


def cut(change: Change) -> Change:
    """A change whose texts are no longer than they may be."""
    return replace(change, what=folding.short(change.what), words=folding.short(change.words, 4 * folding.TEXT))


def readiness_of(asked: Asked, domain: str, wide: Classified) -> Readiness:
    """Whether the domain is ready for a stricter policy, as `ops.readiness` tells it, of records that are judged already."""
    engine = asked.store.engine
    engine.keep("deciding", *wide.question(decision_questions.DECIDING))
    policy_domains = [row["policy_domain"] for row in asked.ask(decision_questions.POLICY_DOMAINS)]
    own_record = domain in policy_domains and asked.remembered.has_record(domain) is not False
    evidence = deciding.evidence_of(engine, domain, wide.which, own_record=own_record)
    return judged_readiness(asked.remembered.beside(replace(evidence, listed=deciding.listed(asked.knowledge.owner))))


def coverage_of(asked: Asked, domain: str) -> Coverage:
    """Who was heard in the period, as `ops.coverage` tells it; but what is over is waited for, though no report has come since."""
    until = min(asked.period.end, max(asked.now, asked.period.begin))
    told = arrivals(asked.store, asked.of(domain, asked.period.begin - DAY * LOOK_BACK, until))
    first = asked.period.first_day
    return coverage(told, first, max(last_day(until), first), max(asked.now, until))


def verdict(found: Seen, domain: str) -> SummaryVerdict:
    """The verdict in words."""
    why = reasons(found)
    told = tone(why)
    return SummaryVerdict(
        told, wording.sentence(why, told, domain, found.period), wording.because(why), wording.subject(domain, why, found.period), why
    )


def things_to_do(found: Seen, judged: Classified, knowledge: Knowledge) -> tuple[ToDo, ...]:
    """At most three things, those about SPF with what the record costs."""
    fixes = found_fixes(troubles(judged, knowledge))
    told = to_do(found, fixes)
    wanted = chosen(told, fixes)
    if not wanted:
        return told
    known = {(one.sender, one.what): one for one in finished(with_lookups(judged.store, wanted))}
    return to_do(found, [known.get((one.sender, one.what), one) for one in fixes])


def places(asked: Asked, wide: Classified) -> tables.Where | None:
    """Network and country of each source; None without a network table."""
    found = {ip: (place.host.network or "", place.host.country) for ip, place in wide.places.items() if ip is not None}
    return found if asked.knowledge.networks.attribution or any(any(told) for told in found.values()) else None


def unauthorised(asked: Asked, by_address: Sequence[Row], where: tables.Where | None) -> Unauthorised:
    """Unauthorised mail by sender, network, country and forged name."""
    (total,), (counts,) = asked.ask(questions.FORGED_TOTAL), asked.ask(questions.FORGED_COUNTS)
    forged = [row for row in by_address if row["forged"]]
    return Unauthorised(
        senders=tables.groups(asked.ask(*questions.forged_by("sender", folding.GROUPS)), total, counts["senders"]),
        networks=by_place(forged, where, 0, total, counts["sources"]),
        countries=by_place(forged, where, 1, total, counts["sources"]),
        authors=tables.groups(asked.ask(*questions.forged_by("header_from", folding.GROUPS)), total, counts["authors"]),
    )


def by_place(by_address: Sequence[Row], where: tables.Where | None, part: int, total: Mapping[str, int], sources: int) -> Groups:
    """Sources by network or country; all in one without a table."""
    if where is None:
        return Groups((tables.group("", sources, total),)) if sources else Groups()
    return tables.by_place(by_address, lambda ip: where.get(ip, ("", ""))[part])


def networks(asked: Asked, by_address: Sequence[Row], where: tables.Where | None) -> Groups:
    """All mail by network."""
    (total,) = asked.ask(questions.TOTAL)
    return by_place(by_address, where, 0, total, total["sources"])


def all_tables(asked: Asked, covered: Coverage, where: tables.Where | None) -> Tables:
    """The tables in full, but for the ends of long tails."""
    first = asked.ask(*questions.first_sources(folding.SOURCES))
    (others,) = asked.ask(*questions.other_sources(folding.SOURCES))
    checks = Checks(asked.store.ledger).of_sources(sorted({row["source_ip"] for row in first}))
    names = {ip: one.ptr_name for ip, one in checks.items() if one.ptr_name and one.ptr_confirmed}
    reporters, reporters_rest = tables.reporter_lines(asked.ask(questions.REPORTERS), covered)
    authors, authors_rest = tables.author_lines(asked.ask(questions.AUTHORS))
    return Tables(
        sources=tables.source_lines(first, names, where or {}),
        sources_rest=tables.rest_of(others),
        reporters=reporters,
        reporters_rest=reporters_rest,
        authors=authors,
        authors_rest=authors_rest,
    )


def ledger_counts(asked: Asked, domain: str) -> LedgerCounts:
    """What became of the reports about the period."""
    period, ledger = asked.period, asked.store.ledger
    bounds = (*below(domain), int(period.begin.timestamp()), int(period.end.timestamp()))
    told = {row["state"]: row for row in ledger.rows(questions.LEDGER_COUNTS, bounds)}
    newest = max((row["newest"] for row in told.values()), default="")
    ((sidelined,),) = ledger.rows(questions.SIDELINED, (time_text(period.begin), max(time_text(period.end + LATE), newest)))
    states = {state: row["reports"] for state, row in told.items()}
    stored = told.get("stored")
    return LedgerCounts(
        received=sum(states.values()),
        **{state: states.get(state, 0) for state in ("stored", "duplicate", "superseded", "pending")},
        sidelined=sidelined,
        defective=stored["defective"] if stored else 0,
        messages=stored["messages"] if stored else 0,
        newest_received=datetime.fromisoformat(newest) if newest else None,
    )


def restated(asked: Asked, domain: str, since: datetime, name: Any) -> tuple[Restated, ...]:
    """Earlier periods whose figures are not those that a summary told; ``name`` names a period. Classes are told from ``since`` on."""
    mine = [one for one in asked.former if one.domain == domain and one.end <= asked.period.begin]
    known = [one for one in mine if one.begin >= since]
    classes = classes_of(asked, known)
    found = []
    for one in sorted(mine, key=lambda former: former.begin):
        ((facts),) = asked.ask(*questions.facts(asked.of(domain, one.begin, one.end)))
        now = {FigureName.REPORTED: facts["messages"], FigureName.PASSING: facts["passing"]}
        if id(one) in classes:
            now = by_name(classes[id(one)], facts["passing"])
        differing = [figure for figure in now if figure in one.figures and one.figures[figure] != now[figure]]
        if differing:
            then = {figure: one.figures[figure] for figure in differing}
            label = name(one.begin, one.end).label
            found.append(Restated(one.begin, one.end, label, one.told, then, {figure: now[figure] for figure in differing}))
    return tuple(found)


def classes_of(asked: Asked, known: Sequence[Former]) -> dict[int, dict[SenderClass, int]]:
    """The messages of earlier periods by class."""
    found: dict[int, dict[SenderClass, int]] = {id(one): {} for one in known}
    spans = [(int(one.begin.timestamp()), int(one.end.timestamp())) for one in known]
    for row in asked.ask(*questions.former_classes(spans)) if spans else ():
        found[id(known[row["place"]])][SenderClass(row["class"])] = row["messages"]
    return found
