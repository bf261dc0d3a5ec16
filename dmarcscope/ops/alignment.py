"""Compare reporters' verdicts on alignment with what their own results and the DNS make of it. It asks nobody; see `resolve`."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from arro3.core import RecordBatch, Schema, Table

from dmarcscope.align.alignment import OrganizationalOf, psl_organizational_domain
from dmarcscope.align.tree_walk import organizational_domain, walk_names
from dmarcscope.analysis.recomputed import TRUTH, Recomputed, agrees, by_reporter, recomputed, remembered, standing
from dmarcscope.enrich.suffixes import packaged_suffixes
from dmarcscope.model.discovery import Step
from dmarcscope.model.observation import Observation
from dmarcscope.parse.dmarc_record import dmarc_record, dmarc_records
from dmarcscope.store.answers import Observations
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables import queries
from dmarcscope.tables.columns import ALIGNMENT_SCHEMA, RECOMPUTED_SCHEMA
from dmarcscope.tables.queries import Filter
from dmarcscope.tables.rows import rows_of, table_of


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose domain a domain is: by the DNS tree walk as it was last seen, and by the Public Suffix List of a day."""

    by_walk: OrganizationalOf
    by_psl: OrganizationalOf
    psl_dated: str


def owners(store: StoreFiles) -> Owners:
    """Whose domain is whose, from what was observed."""
    seen = Observations(store.ledger).newest_dmarc()
    suffixes = packaged_suffixes()
    return Owners(
        remembered(lambda domain: organizational_domain(domain, steps_of(domain, seen)).domain),
        remembered(lambda domain: psl_organizational_domain(domain, suffixes.suffix_of)),
        suffixes.dated,
    )


def steps_of(domain: str, seen: dict[str, Observation]) -> list[Step]:
    """The steps of a walk from a domain, out of what was observed."""
    return [step_of(name, seen[name]) for name in walk_names(domain) if name in seen]


def step_of(domain: str, seen: Observation) -> Step:
    """What was found at one name."""
    # RFC 9989 §4.10, steps 2 and 6: several records are as good as none.
    text = dmarc_records(seen.records).text
    return Step(domain, seen.outcome, dmarc_record(text) if text is not None else None)


def alignment(store: StoreFiles, which: Filter) -> Table:
    """A line per reporter, those that disagree most first; columns as in `columns.ALIGNMENT_COLUMNS`."""
    store.require()
    known = owners(store)
    lines = rows_of(store.engine.stream(*queries.verdicts(which))[1])
    found = by_reporter(lines, known.by_walk, known.by_psl)
    return table_of([asdict(one) for one in found], ALIGNMENT_SCHEMA)


def record_batches(store: StoreFiles, which: Filter, limit: int | None = None) -> tuple[Schema, Iterator[RecordBatch]]:
    """Every record with both verdicts, piece by piece; columns as in `columns.RECOMPUTED_COLUMNS`."""
    store.require()
    known = owners(store)
    batches = store.engine.stream(*queries.each_verdict(which, limit))[1]
    return RECOMPUTED_SCHEMA, (batch for lines in batches for batch in batch_of(lines, known).to_batches())


def batch_of(lines: RecordBatch, known: Owners) -> Table:
    """Some records with both verdicts."""
    judged = [as_row(line, recomputed(line, known.by_walk, known.by_psl)) for line in rows_of([lines])]
    return table_of(judged, RECOMPUTED_SCHEMA)


def as_row(line: dict[str, Any], found: Recomputed) -> dict[str, Any]:
    """A record with both verdicts."""
    agreed = (agrees(line["dkim_aligned"], found.dkim), agrees(line["spf_aligned"], found.spf))
    return {
        **line,
        "dkim_recomputed": TRUTH[found.dkim.verdict],
        "dkim_by_psl": TRUTH[found.dkim_by_psl.verdict],
        "dkim_why": found.dkim.why,
        "spf_recomputed": TRUTH[found.spf.verdict],
        "spf_by_psl": TRUTH[found.spf_by_psl.verdict],
        "spf_why": found.spf.why,
        "standing": standing(agreed),
    }
