"""The timeline of what changed: asks the records, the ledger's answers of the DNS, and who reported when; it asks nobody else."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from dmarcscope.analysis.causes import Known, is_within, timeline
from dmarcscope.analysis.changes import burst_told, selector_changes, sender_changes
from dmarcscope.analysis.coverage import LOOK_BACK, Habit, habit
from dmarcscope.analysis.published_changes import dns_changes, policy_changes, reporter_changes
from dmarcscope.analysis.record_diff import changes as record_changes
from dmarcscope.analysis.streams import Days, Heard, streams
from dmarcscope.model.change import Change, Figures, Kind, PolicyTally, Result, SelectorTally, Tally, Timeline
from dmarcscope.model.coverage import Arrival
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.ops.classified import Classified, classified
from dmarcscope.ops.coverage import arrivals, first_day, last_day, with_period
from dmarcscope.ops.history import domain_of
from dmarcscope.store.answers import Observations
from dmarcscope.store.checks import Checks
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables import change_questions as questions
from dmarcscope.tables.owner_questions import day_of
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows

SHARES = frozenset({Kind.FAILING, Kind.FAILING_ALONE, Kind.RECOVERED, Kind.RECOVERED_ALONE})
"""Changes that the results of single identities explain."""
CHANGED_NAMES = "SELECT name FROM observations WHERE kind = 'TXT' GROUP BY name HAVING count(*) > 1 ORDER BY name"


def changes(store: StoreFiles, which: Filter, knowledge: Knowledge, now: datetime, limit: int | None = None) -> Timeline:
    """What changed in a period, oldest first; the last 90 days of data where none is asked for. ``limit``: only the most telling.

    ``now``: until when reports could have come. Raises SetupError where there is no store, or for what is no domain.
    """
    store.require()
    if which.domain is not None:
        which = replace(which, domain=domain_of(which.domain))
    period = with_period(store, which, now)
    if period.since is None or period.until is None:
        return Timeline(None, None, ())
    told, last = first_day(period.since), max(last_day(period.until), first_day(period.since))
    # What is new is told by the time before; whether a reporter is heard, by all domains that it reports on.
    back = replace(period, since=period.since - timedelta(days=LOOK_BACK))
    habits = habits_of(arrivals(store, replace(back, domain=None)))
    begun = max(min((day for one in habits for day in one.by_day), default=told), told - timedelta(days=LOOK_BACK))
    days = Days(begun, last, max(told, begun)) if begun <= last else Days(told, last, told)
    judged = classified(store, back, knowledge)
    found, domains = by_reports(judged, days, habits)
    wanted = {*domains, which.domain} if which.domain is not None else domains
    # The DNS is told of up to this day: reports lag behind it.
    end = last_day(which.until) if which.until is not None else last_day(now + timedelta(days=1))
    found += [change for change in by_dns(store, wanted) if change.day <= end]
    found = with_hosts(judged, [change for change in found if change.day >= days.told])
    return timeline(found, known(store, judged, found, days), days.told, last, limit)


def by_reports(judged: Classified, days: Days, habits: Sequence[Habit]) -> tuple[list[Change], set[str]]:
    """What the reports tell, and the domains that they are about."""
    tallies = [tally(row) for row in rows(judged.ask(*questions.senders()))]
    selectors = [selector_tally(row) for row in rows(judged.ask(*questions.selectors()))]
    policies = [policy_tally(row) for row in rows(judged.ask(*questions.policies()))]
    heard = heard_on(habits, days)
    concerned = {one.reporter for one in policies} | {one.reporter for one in tallies}
    found = [
        *sender_changes(streams(tallies, days), heard, days),
        *selector_changes(selectors, heard, days),
        *policy_changes(policies, days),
        *reporter_changes((one for one in habits if one.reporter in concerned), days.last),
    ]
    return found, {one.domain for one in tallies} | {one.domain for one in policies}


def habits_of(told: Iterable[Arrival]) -> list[Habit]:
    """What each reporter does."""
    grouped: dict[str, list[Arrival]] = defaultdict(list)
    for one in told:
        grouped[one.reporter].append(one)
    return [habit(reporter, grouped[reporter]) for reporter in sorted(grouped)]


def heard_on(habits: Iterable[Habit], days: Days) -> Heard:
    """On which days each reporter was heard."""
    return Heard({one.reporter: [int(days.day(at) in one.by_day) for at in range(len(days))] for one in habits})


def tally(row: Mapping[str, Any]) -> Tally:
    """A line of `senders`."""
    return Tally(**{**row, "first": day_of(row["first"]), "last": day_of(row["last"])})


def selector_tally(row: Mapping[str, Any]) -> SelectorTally:
    """A line of `selectors`."""
    return SelectorTally(**{**row, "first": day_of(row["first"]), "last": day_of(row["last"])})


def policy_tally(row: Mapping[str, Any]) -> PolicyTally:
    """A line of `policies`."""
    tags = {tag: row[tag] for tag in questions.TAGS if row[tag] is not None}
    counts = {name: row[name] for name in ("domain", "reporter", "messages", "failing", "stopped")}
    return PolicyTally(first=day_of(row["first"]), last=day_of(row["last"]), tags=tags, **counts)


def by_dns(store: StoreFiles, domains: Iterable[str]) -> list[Change]:
    """What changed in the DNS of some domains and of the names below them, as far as it was seen."""
    wanted = set(domains)
    names = [row["name"] for row in store.ledger.rows(CHANGED_NAMES) if parents(row["name"]) & wanted]
    return list(dns_changes(record_changes(Observations(store.ledger).found_at(names))))


def parents(name: str) -> set[str]:
    """A name and all those above it.

    >>> sorted(parents("_dmarc.example.com"))
    ['_dmarc.example.com', 'com', 'example.com']
    """
    labels = name.split(".")
    return {".".join(labels[place:]) for place in range(len(labels))}


def with_hosts(judged: Classified, found: Sequence[Change]) -> list[Change]:
    """The changes, bursts with their hosts."""
    bursts = [change for change in found if change.kind is Kind.BURST]
    if not bursts:
        return list(found)
    epoch = day_of(0)
    spans = [(one.domain, one.what, one.role, (one.day - epoch).days, ((one.until or one.day) - epoch).days) for one in bursts]
    told = {row["place"]: (row["messages"], row["hosts"], row["delivered"]) for row in rows(judged.ask(*questions.bursts(spans)))}
    # Where only reports about several days tell of it, nothing is known of single days.
    known_of = {id(one): told[place] for place, one in enumerate(bursts) if place in told}
    return [burst_told(change, *known_of[id(change)]) if id(change) in known_of else change for change in found]


def known(store: StoreFiles, judged: Classified, found: Iterable[Change], days: Days) -> Known:
    """What explains the changes of shares: single results, and the DNS as it was last seen."""
    explained = [change for change in found if change.kind in SHARES]
    if not explained:
        return Known()
    names = sorted({change.what for change in explained})
    domains = {change.domain for change in explained}
    results = [
        Result(**{**{name: value for name, value in row.items() if name != "first"}, "day": day_of(row["first"])})
        for column in ("dkim", "spf")
        for row in rows(judged.ask(*questions.results(column, names)))
        if row["domain"] in domains and days.first <= day_of(row["first"])
    ]
    sources: dict[str, list[str]] = defaultdict(list)
    for row in rows(judged.ask(*questions.sources(names))):
        sources[row["sender"]].append(row["source_ip"])
    asked_at = {f"{one.selector}._domainkey.{one.identity}" if one.selector else one.identity for one in results}
    own = [name for name in asked_at if any(is_within(name, domain) for domain in domains)]
    today = {one.question.name: one for one in Observations(store.ledger).found_at(own)}  # the last of each name stays
    checks = Checks(store.ledger)
    return Known(results, today, sources, checks.of_spf([ip for every in sources.values() for ip in every]))


def as_dict(found: Timeline) -> dict[str, Any]:
    """A timeline, for machines."""
    return {
        "first": found.first,
        "last": found.last,
        "changes": [change_as_dict(change) for change in found.changes],
        "left_out": {kind.value: count for kind, count in found.left_out.items()},
    }


def change_as_dict(change: Change) -> dict[str, Any]:
    """A change with all its figures."""
    sides = {name: side_as_dict(side) for name, side in (("before", change.before), ("after", change.after))}
    causes = [{**asdict(cause), "rests": cause.rests.value} for cause in change.causes]
    plain = {name: value for name, value in asdict(change).items() if name not in {"before", "after", "causes", "more"}}
    words = {name: getattr(change, name).value for name in ("kind", "tone", "sure")}
    return {**plain, **words, **sides, "more": dict(change.more), "causes": causes}


def side_as_dict(side: Figures | None) -> dict[str, Any] | None:
    """The figures of a side."""
    return None if side is None else {**asdict(side), "messages_a_week": round(side.a_week, 1)}


def as_lines(found: Timeline) -> list[dict[str, Any]]:
    """The changes flat, a line each."""
    return [line(change) for change in found.changes]


def line(change: Change) -> dict[str, Any]:
    """A change, flat."""
    before, after = change.before, change.after
    return {
        "day": change.day.isoformat(),
        "not_before": change.not_before.isoformat() if change.not_before else None,
        "until": change.until.isoformat() if change.until else None,
        "kind": change.kind.value,
        "tone": change.tone.value,
        "domain": change.domain,
        "what": change.what,
        "role": change.role,
        "mechanism": change.mechanism,
        "words": change.words,
        "sure": change.sure.value,
        "messages_a_week_before": round(before.a_week, 1) if before else None,
        "messages_a_week_after": round(after.a_week, 1) if after else None,
        "share_before": before.share if before else None,
        "share_after": after.share if after else None,
        "because": "; ".join(cause.words for cause in change.causes),
        "publish": "; ".join(cause.publish for cause in change.causes if cause.publish),
    }
