"""What the ledger knows of sources, keys and domains that reports name: from earlier questions to the DNS, none is asked."""

import json
from collections.abc import Collection, Sequence

from dmarcscope.analysis.evidence import Key
from dmarcscope.model.evidence import Authorised, Source
from dmarcscope.model.source_check import KeyToday
from dmarcscope.store.answers import Observations
from dmarcscope.store.checks import Checks
from dmarcscope.store.files import StoreFiles

PUBLISHED = frozenset({KeyToday.USABLE, KeyToday.TESTING, KeyToday.REVOKED, KeyToday.UNUSABLE, KeyToday.SEVERAL})
"""Keys that stand in the DNS, whatever may be wrong with them: nobody but the owner puts them there."""


def known_sources(store: StoreFiles, ips: Sequence[str]) -> dict[str, Source]:
    """The sources of which anything is known, by address."""
    checks = Checks(store.ledger)
    if not checks.any():
        return {}
    authorised: dict[str, dict[str, Authorised]] = {}
    for (ip, domain), found in checks.of_spf(ips).items():
        if found.result == "pass" and not is_for_all(found.term):
            authorised.setdefault(ip, {})[domain] = Authorised(found.term or "", includes(found.path))
    names = checks.of_sources(ips)
    sources = {}
    for ip in names.keys() | authorised.keys():
        named = names.get(ip)
        sources[ip] = Source(
            ip,
            ptr_name=named.ptr_name if named else None,
            ptr_confirmed=bool(named.ptr_confirmed) if named else None,
            authorised_by=authorised.get(ip, {}),
        )
    return sources


def is_for_all(term: str | None) -> bool:
    """Whether a term lets everybody send, which says nothing about anybody."""
    return (term or "all").lstrip("+").lower() in {"all", "ip4:0.0.0.0/0", "ip6:::/0"}


def includes(path: str | None) -> tuple[str, ...]:
    """The domains whose records were looked into on the way to a term, but for the first: those that are included."""
    steps = json.loads(path) if path else []
    return tuple(dict.fromkeys(str(step[0]).lower() for step in steps[1:] if isinstance(step, list) and step))


def known_keys(store: StoreFiles, keys: Collection[Key]) -> set[Key]:
    """Those of the keys that stand in the DNS."""
    found = Checks(store.ledger).of_keys(sorted({domain for domain, _ in keys}))
    published: set[Key] = {(domain, selector) for (domain, selector), check in found.items() if check.state in PUBLISHED}
    return published.intersection(keys)


def selector_targets(store: StoreFiles, keys: Collection[Key]) -> dict[Key, str]:
    """Where the names of keys lead by CNAME, as far as that was seen; the last target of a chain."""
    # Reporters write selectors in whatever case; names in the DNS have none.
    names = {key: f"{key[1]}._domainkey.{key[0]}".lower() for key in keys if key[1]}
    last = {one.question.name: one.aliases[-1] for one in Observations(store.ledger).found_at(set(names.values())) if one.aliases}
    return {key: last[name] for key, name in names.items() if name in last}


def missing_domains(store: StoreFiles, domains: Collection[str]) -> set[str]:
    """Those of the domains that did not exist when they were last asked for (NXDOMAIN)."""
    newest = {}
    for one in Observations(store.ledger).found_at(set(domains)):
        newest[one.question.name] = one
    return {name for name, one in newest.items() if one.outcome == "nxdomain"}
