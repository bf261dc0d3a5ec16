"""The records with a verdict on each: class, sender, rule and confidence, computed on reading.

Facts: verdicts are never stored; they follow from the reports, from what the ledger knows of the DNS, and from the catalogue and the
owner's list of today. What a domain's senders are is learnt from the time asked for, widened to at least ``LEARNING`` before its end,
so that a single day is judged with the same knowledge as the month around it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table

from dmarcscope.align.alignment import OrganizationalOf, psl_organizational_domain
from dmarcscope.analysis.classify import Classifier, Surroundings
from dmarcscope.analysis.evidence import Identities, Key, identities
from dmarcscope.analysis.hosts import Hosts, Place
from dmarcscope.analysis.learning import Sighting, group_of
from dmarcscope.analysis.matching import Listed, services
from dmarcscope.analysis.recomputed import remembered
from dmarcscope.analysis.roll_up import Known
from dmarcscope.enrich.suffixes import packaged_suffixes
from dmarcscope.model.evidence import Evidence, Signature, Source, SpfResult
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.model.verdict import YOURS, Verdict
from dmarcscope.ops.ask import resolved
from dmarcscope.ops.reading import uncollected
from dmarcscope.ops.sourcing import known_keys, known_sources, missing_domains, selector_targets
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables import classifying
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows, rows_of

LEARNING = timedelta(weeks=6)
"""What an owner's senders are known by is seen within six weeks: monthly mail too."""

NUMBER, UNSIGNED, TEXT, REAL = DataType.int32(), DataType.uint64(), DataType.utf8(), DataType.float64()
PLACES = Schema([Field("source_ip", TEXT, nullable=True), Field("place", NUMBER)])
JUDGED = Schema([Field("evidence", UNSIGNED), Field("place", NUMBER), Field("verdict", NUMBER)])
VERDICTS = Schema(
    [
        Field("verdict", NUMBER),
        *(Field(name, TEXT) for name in ("class", "sender", "rule")),
        Field("confidence", REAL),
        *(Field(name, TEXT) for name in ("dkim_state", "spf_state")),
    ]
)


@dataclass(frozen=True, slots=True)
class Classified:
    """A store whose records of a filter have verdicts. Until the next is made of the same store, it can be asked."""

    store: StoreFiles
    which: Filter
    classifier: Classifier
    identities: Mapping[int, Identities]
    places: Mapping[str | None, Place]
    organizational_of: OrganizationalOf
    known: Known = field(default_factory=dict)

    def ask(self, sql: str, values: Sequence[Any] = ()) -> Table:
        """The answer to a question (beginning with SELECT) about the relation `classified`: the columns of `records`, and `class`,
        `sender`, `rule`, `confidence`, `dkim_state`, `spf_state`.
        """
        return self.store.engine.ask(*self.question(sql, values), newest=False)

    def stream(self, sql: str, values: Sequence[Any] = ()) -> tuple[Schema, Iterable[RecordBatch]]:
        """The same piece by piece, for answers too large to hold."""
        return self.store.engine.stream(*self.question(sql, values), newest=False)

    def question(self, sql: str, values: Sequence[Any] = ()) -> tuple[str, list[Any]]:
        """A question with what `classified` is."""
        what, bound = classifying.classified(self.which)
        return f"WITH classified AS ({what}) {sql}", [*bound, *values]

    @property
    def period(self) -> tuple[datetime | None, datetime | None]:
        """The begin of the first period and the end of the last, UTC."""
        found = rows(self.store.engine.ask(*classifying.period(self.which), newest=False))[0]
        return found["begin"], found["finish"]


def classified(store: StoreFiles, which: Filter, knowledge: Knowledge) -> Classified:
    """Judge the records of a filter, all as of one version of the record table.

    What was learnt is used again while neither the store nor the time that it is learnt from changes: a page asks many questions.
    """
    store.require()
    which = resolved(store, which)
    key = (store.engine.version(), widened(store, which), store.ledger.state())
    made: tuple[Any, Knowledge, Classified] | None = store.engine.made
    if made is None or made[0] != key or made[1] is not knowledge:
        with uncollected():
            made = store.engine.made = (key, knowledge, learnt(store, key[1], knowledge))
    return replace(made[2], which=which)


def learnt(store: StoreFiles, wide: Filter, knowledge: Knowledge) -> Classified:
    """Learn from the records of a filter, and judge them."""
    engine = store.engine
    engine.keep("sightings", *classifying.sightings(wide))
    organizational_of = organizational_domains()
    lines = rows_of(engine.stream(*classifying.evidence(wide), newest=False)[1])
    evidence = {row["evidence"]: identities(evidence_of(row), organizational_of) for row in lines}
    around = surroundings(store, knowledge, evidence.values(), organizational_of)
    ips = [row["source_ip"] for row in rows(engine.ask(classifying.SOURCES, newest=False))]
    places = places_of(store, ips, evidence.values(), around, knowledge)
    numbers: dict[Place, int] = {}
    engine.lend("places", table(PLACES, ips, [numbers.setdefault(places[ip], len(numbers)) for ip in ips]))
    return judged(Classified(store, wide, Classifier(around), evidence, places, organizational_of), list(numbers))


def judged(asked: Classified, places: Sequence[Place]) -> Classified:
    """Judge, and lend the engine the verdict on each evidence from each place."""
    engine = asked.store.engine
    cases = engine.ask(classifying.CASES, newest=False)
    evidence, at, *figures = (list(cases.column(name).to_pylist()) for name in cases.schema.names)
    sizes = Counter(place.group for place in asked.places.values())
    seen = []
    for one, number, messages, first, last in zip(evidence, at, *figures, strict=True):
        who, place = asked.identities[one], places[number]
        seen.append(Sighting(who, place, group_of(who, place), messages, first, last, sizes[place.group]))
    verdicts = asked.classifier.judge(seen)
    numbers: dict[tuple[Verdict, str, str], int] = {}
    given = [
        numbers.setdefault((verdict, one.who.dkim_state, one.who.spf_state), len(numbers))
        for one, verdict in zip(seen, verdicts, strict=True)
    ]
    engine.lend("judged", table(JUDGED, evidence, at, given))
    told = [(v.sender_class.value, v.sender, v.rule, v.confidence, *states) for v, *states in numbers]
    engine.lend("verdicts", of_lines(VERDICTS, [(number, *one) for number, one in enumerate(told)]))
    return replace(asked, known=known_by(asked.classifier, seen, verdicts))


def known_by(classifier: Classifier, seen: Sequence[Sighting], verdicts: Sequence[Verdict]) -> Known:
    """For each sender and role: what its name rests on, by its most common mail, and the rules that decided, the most common first."""
    most: dict[tuple[str, str], Sighting] = {}
    rules: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one, verdict in zip(seen, verdicts, strict=True):
        key = (verdict.sender, "yours" if verdict.sender_class in YOURS else verdict.sender_class.value)
        rules[key][verdict.rule] += one.messages
        if key not in most or one.messages > most[key].messages:
            most[key] = one
    return {
        key: (
            tuple(f"{hint.what} {hint.value}" for hint in classifier.hints(one.who, one.place)),
            tuple(rule for rule, _ in rules[key].most_common()),
        )
        for key, one in most.items()
    }


def table(schema: Schema, *columns: Sequence[Any]) -> Table:
    """Columns as a table."""
    arrays = [Array(list(column), type=schema.field(name).type) for name, column in zip(schema.names, columns, strict=True)]
    return Table.from_batches([RecordBatch.from_arrays(arrays, schema=schema)], schema=schema)


def of_lines(schema: Schema, lines: Sequence[tuple[Any, ...]]) -> Table:
    """Lines as a table."""
    return table(schema, *zip(*lines, strict=True)) if lines else Table.from_batches([], schema=schema)


def widened(store: StoreFiles, which: Filter) -> Filter:
    """The filter with enough time before its end to learn from; other mail of the same domains is learnt from, too."""
    everything = replace(which, source_ip=None, reporter=None, report_key=None)
    if which.since is None:
        return everything
    last = which.until or rows(store.engine.ask(*classifying.newest(everything), newest=False))[0]["newest"]
    return replace(everything, since=min(which.since, (last or which.since) - LEARNING))


def organizational_domains() -> OrganizationalOf:
    """Whose domain a domain is, by the Public Suffix List."""
    suffixes = packaged_suffixes()
    return remembered(lambda domain: psl_organizational_domain(domain, suffixes.suffix_of))


def evidence_of(row: Mapping[str, Any]) -> Evidence:
    """The evidence of a line."""
    return Evidence(
        header_from=row["header_from"],
        dkim_aligned=row["dkim_aligned"],
        spf_aligned=row["spf_aligned"],
        dkim=tuple(Signature(**one) for one in row["dkim"] or ()),
        spf=tuple(SpfResult(**one) for one in row["spf"] or ()),
        reasons=tuple(row["reasons"] or ()),
    )


def surroundings(store: StoreFiles, knowledge: Knowledge, seen: Iterable[Identities], organizational_of: OrganizationalOf) -> Surroundings:
    """What is known beside the reports of what they name."""
    known = services(knowledge.catalogue)
    keys: set[Key] = set()
    authors: set[str] = set()
    for one in seen:
        keys.update(one.own_passed, one.own_failed)
        if one.header_from:
            authors.add(one.header_from)
    return Surroundings(
        services=known,
        listed=Listed(knowledge.owner),
        organizational_of=organizational_of,
        targets={key: service for key, name in selector_targets(store, keys).items() if (service := known.targets.find(name))},
        published=known_keys(store, keys),
        nonexistent=missing_domains(store, authors),
    )


def places_of(
    store: StoreFiles, ips: Sequence[str | None], seen: Iterable[Identities], around: Surroundings, knowledge: Knowledge
) -> dict[str | None, Place]:
    """The place of each source."""
    authors = {one.author for one in seen if one.author}
    find = Hosts(around.services, around.listed, around.organizational_of, authors)
    known = known_sources(store, [ip for ip in ips if ip is not None])
    of = knowledge.networks.of
    places: dict[str | None, Place] = {}
    for ip in ips:
        source, network = known.get(ip or ""), of(ip) if ip else None
        places[ip] = find.of(replace(source or Source(ip), network=network)) if source or network else find.unknown(ip)
    return places
