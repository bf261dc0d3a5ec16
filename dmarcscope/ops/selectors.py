"""Which DKIM selectors of a domain are seen in the reports of a store."""

from dmarcscope.model.domain_facts import SeenSelector
from dmarcscope.ops.check import plain_name
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables import queries
from dmarcscope.tables.rows import rows


def seen_selectors(store: StoreFiles, domain: str) -> list[SeenSelector]:
    """The selectors that signed as a domain or one below it, those seen last first; none where there is no store."""
    name = plain_name(domain)
    if not store.exists():
        return []
    found = rows(store.engine.ask(*queries.selectors(name)))
    return [SeenSelector(row["domain"], row["selector"], row["last_seen"], has_passed=row["passed"]) for row in found]
