"""What to publish so that mail of one's own passes: by sender and author domain, from what the reports and the DNS show.

DKIM goes first, as it survives forwarding and aligns whatever the envelope is (RFC 6376, RFC 9989 §5); then SPF for those who send with
an envelope of the domain's own; then a return path of the domain's own, where the service can have one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dmarcscope.analysis.spf_change import changed_record
from dmarcscope.errors import SetupError
from dmarcscope.model.fix import Fix
from dmarcscope.model.sender import Aligning, Sender
from dmarcscope.parse.spf_meant import spf_records
from dmarcscope.parse.zone_line import owner, quoted, txt_line

MAX_HOSTS = 8
"""Addresses that are worth a term of their own; more of them belong behind one name."""
Key = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key that signs and fails: what stands at its name now (`missing`, `usable`, …; None: not asked), and the last record seen there."""

    state: str | None = None
    last_record: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a sender's mail as one author domain. ``row`` has the sums of `sender_questions.troubles`.

    ``envelope``: the domain of most of its envelopes that SPF does not pass for: the author's, or another of the owner's.
    ``published``: the TXT records there; None where nobody has asked. ``keys``: those that fail, most messages first.
    ``hosts``: addresses that this SPF record does not list, likewise. ``all_terms``: what is to be added to it for all senders.
    """

    row: Mapping[str, Any]
    weeks: float
    service: Sender | None = None
    envelope: str = ""
    published: Sequence[str] | None = None
    keys: Mapping[Key, KeyFacts] = field(default_factory=dict)
    hosts: Sequence[str] = ()
    all_terms: Sequence[str] = ()

    @property
    def sender(self) -> str:
        """Whose mail it is."""
        return str(self.row["sender"])

    @property
    def domain(self) -> str:
        """As what it is sent."""
        return str(self.row["header_from"])

    @property
    def spf_domain(self) -> str:
        """Whose SPF record is to be changed."""
        return self.envelope or self.domain

    def a_week(self, *names: str) -> float:
        """The messages of some sums, by the week."""
        return float(sum(self.row[name] for name in names)) / max(self.weeks, 1 / 7)


def fixes(troubles: Iterable[Trouble]) -> list[Fix]:
    """All that is to be done, what aligns most messages first; what mends the mail of several senders stands once."""
    found: dict[tuple[str, str, tuple[str, ...]], Fix] = {}
    for trouble in with_all_terms(list(troubles)):
        for fix in (fix for rule in RULES for fix in rule(trouble)):
            key = (fix.domain, fix.what, fix.records)
            same = found.get(key)
            found[key] = fix if same is None else joined(same, fix)
    return sorted(found.values(), key=lambda fix: (-fix.messages_a_week, fix.domain, fix.sender))


def with_all_terms(troubles: list[Trouble]) -> list[Trouble]:
    """The same, each with the terms that all of them add to its SPF record: a record that is published is replaced as a whole."""
    terms: dict[str, list[str]] = {}
    for trouble in troubles:
        if trouble.row["spf_not_listed"]:
            terms.setdefault(trouble.spf_domain, []).extend(spf_terms(trouble))
    return [replace(trouble, all_terms=tuple(dict.fromkeys(terms.get(trouble.spf_domain, ())))) for trouble in troubles]


def joined(one: Fix, other: Fix) -> Fix:
    """One thing to do that helps two senders."""
    sum_of = one.messages_a_week + other.messages_a_week
    return Fix(f"{one.sender}, {other.sender}", one.domain, one.what, one.why, one.records, sum_of, one.documentation, one.lookups)


def broken_spf(trouble: Trouble) -> Iterator[Fix]:
    """The SPF record is in error: nobody passes SPF."""
    if not trouble.row["spf_broken"]:
        return
    at = trouble.spf_domain
    records = spf_records(trouble.published).candidates if trouble.published is not None else ()
    why = f"SPF of {at} gave permerror or temperror for {trouble.row['spf_broken']:,} messages"
    lines: tuple[str, ...] = ()
    if len(records) > 1 and trouble.published is not None:
        what = f"make one SPF record of the {len(records)} at {at}: several are an error, and nobody passes (RFC 7208 §4.5)"
        lines = (txt_line(at, changed_record(at, trouble.published, add=trouble.all_terms).after),)
    else:
        what = f"mend the SPF record of {at}; `dmarcscope check {at}` tells what is wrong with it"
    yield Fix(trouble.sender, at, what, why, lines, trouble.a_week("spf_broken"))


def failing_key(trouble: Trouble) -> Iterator[Fix]:
    """Its signatures with keys of the domain fail."""
    if not trouble.row["dkim_failing"]:
        return
    (domain, selector), facts = next(iter(trouble.keys.items()), ((trouble.domain, None), KeyFacts()))
    name = f"{selector}._domainkey.{domain}" if selector else f"a key of {domain}"
    why = f"its signature as {name} does not verify, for {trouble.row['dkim_failing']:,} messages"
    lines: tuple[str, ...] = ()
    if facts.state == "missing" and facts.last_record:
        what, lines = f"put the DKIM key back that stood at {name}; it has vanished from the DNS", (txt_line(name, facts.last_record),)
    elif facts.state == "missing":
        what, lines = f"publish the DKIM key at {name}: there is none", (f"{name}. IN TXT <the key that {trouble.sender} shows>",)
    elif facts.state == "revoked":
        what, lines = f"publish a key at {name} again, or let {trouble.sender} sign with another: this one is revoked", ()
    else:
        what = (
            f"compare the key at {name} with the one that {trouble.sender} signs with, and see that nothing changes mail after it is signed"
        )
    catalogued = service_lines(trouble.service.dkim_records, trouble.domain) if trouble.service and not lines else ()
    yield Fix(trouble.sender, trouble.domain, what, why, lines or catalogued, trouble.a_week("dkim_failing"), documentation(trouble))


def no_key(trouble: Trouble) -> Iterator[Fix]:
    """It does not sign as the domain."""
    messages = trouble.row["dkim_other"] + trouble.row["dkim_missing"]
    service = trouble.service
    if not messages or (service is not None and service.dkim is Aligning.NO):
        return
    signs = "signs with another domain only" if trouble.row["dkim_other"] >= trouble.row["dkim_missing"] else "does not sign"
    why = f"it {signs}, and SPF is not aligned either, for {trouble.row['needs_fixing']:,} messages"
    lines = service_lines(service.dkim_records, trouble.domain) if service else ()
    generic = f"<selector>._domainkey.{trouble.domain}. IN TXT <the key that {trouble.sender} shows>"
    what = (
        service.fix
        if service and service.fix
        else f"let {trouble.sender} sign with DKIM as {trouble.domain}: publish the key that it gives you"
    )
    yield Fix(
        trouble.sender, trouble.domain, what, why, lines or (generic,), trouble.a_week("dkim_other", "dkim_missing"), documentation(trouble)
    )


def not_listed(trouble: Trouble) -> Iterator[Fix]:
    """It sends with an envelope of the domain's, and SPF does not let it."""
    if not trouble.row["spf_not_listed"] or trouble.published is None:
        return
    at, terms = trouble.spf_domain, spf_terms(trouble)
    why = f"it sends with an envelope of {at}, whose SPF does not list it, for {trouble.row['spf_not_listed']:,} messages"
    try:
        edit = changed_record(at, trouble.published, add=trouble.all_terms or terms)
    except SetupError:
        return  # the record is in error already, which another rule tells of
    if not terms or edit.after == edit.before:
        return
    what, line = f"add {' and '.join(terms)} to the SPF record of {at}", txt_line(at, edit.after)
    yield Fix(trouble.sender, at, what, why, (line,), trouble.a_week("spf_not_listed"), documentation(trouble))


def spf_terms(trouble: Trouble) -> list[str]:
    """The terms that let a sender send."""
    if trouble.service is not None and trouble.service.spf_domains:
        return [f"include:{trouble.service.spf_domains[0]}"]
    if trouble.service is not None or len(trouble.hosts) > MAX_HOSTS:
        return []
    return [f"{'ip6' if ':' in host else 'ip4'}:{host}" for host in trouble.hosts]


def return_path(trouble: Trouble) -> Iterator[Fix]:
    """It sends with an envelope of its own, and can have one of the domain's."""
    service = trouble.service
    if not trouble.row["spf_other"] or service is None or service.return_path is not Aligning.YES or not service.return_path_records:
        return
    why = (
        f"its envelope sender is its own, so that SPF passes for {service.name} and not for you, for {trouble.row['spf_other']:,} messages"
    )
    what = f"give {service.name} a return path below {trouble.domain}, for SPF beside DKIM"
    lines = service_lines(service.return_path_records, trouble.domain)
    yield Fix(trouble.sender, trouble.domain, what, why, lines, trouble.a_week("spf_other"), service.documentation)


RULES: tuple[Callable[[Trouble], Iterator[Fix]], ...] = (broken_spf, failing_key, no_key, not_listed, return_path)


def service_lines(records: Iterable[str], domain: str) -> tuple[str, ...]:
    """Records of the catalogue as lines of a zone.

    >>> service_lines(["k1._domainkey CNAME dkim.service.example"], "example.com")
    ('k1._domainkey.example.com. IN CNAME dkim.service.example.',)
    """
    return tuple(zone_line(record, domain) for record in records)


def zone_line(record: str, domain: str) -> str:
    """«host TYPE value» as a line of a zone; a host may have blanks between < and >."""
    for kind in ("CNAME", "TXT", "MX", "NS", "A"):
        host, found, value = record.partition(f" {kind} ")
        if found:
            name = owner(domain) if host == "@" else f"{host}.{owner(domain)}"
            if kind in {"CNAME", "MX", "NS"} and not value.endswith((">", ".")):
                value += "."
            is_told = kind == "TXT" and not (value.startswith("<") and value.endswith(">"))
            return f"{name} IN {kind} {quoted(value) if is_told else value}"
    return record


def documentation(trouble: Trouble) -> str:
    """Where the service tells how."""
    return trouble.service.documentation if trouble.service else ""
