"""What the DNS of the labelled world says, by day: who may send by SPF, and which keys stand where."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.labelled.things import DAYS, NEVER, Host


@dataclass(frozen=True, slots=True)
class Allowed:
    """A term of an SPF record and what it lets send, from a day to another. ``includes``: the records on the way to it."""

    term: str
    ips: frozenset[str]
    includes: tuple[str, ...] = ()
    first: int = 0
    last: int = NEVER


@dataclass(slots=True)
class SpfRecord:
    """The SPF record of a domain."""

    otherwise: str = "softfail"
    terms: list[Allowed] = field(default_factory=list)
    broken: range = range(0)  # days on which it cannot be read


@dataclass(frozen=True, slots=True)
class Key:
    """A key at a selector: where a CNAME led to it, if one did, and its days."""

    alias: str = ""
    first: int = 0
    last: int = NEVER


@dataclass(slots=True)
class Zone:
    """The whole DNS, as far as mail needs it."""

    spf: dict[str, SpfRecord] = field(default_factory=dict)
    keys: dict[tuple[str, str], Key] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)  # names that do not exist

    def allow(self, domain: str, term: str, hosts: Iterable[Host], *, includes: tuple[str, ...] = (), first: int = 0) -> None:
        """Let hosts send by the record of a domain, which is made if there is none."""
        ips = frozenset(host.ip for host in hosts)
        self.spf.setdefault(domain, SpfRecord()).terms.append(Allowed(term, ips, includes, first))

    def publish(self, domain: str, selector: str, alias: str = "", *, first: int = 0, last: int = NEVER) -> None:
        """Put a key at a selector, unless one is there."""
        self.keys.setdefault((domain, selector), Key(alias, first, last))

    def spf_of(self, domain: str, ip: str, day: int) -> tuple[str, Allowed | None]:
        """What SPF says of a source on a day, and by which term."""
        record = self.spf.get(domain)
        if record is None:
            return "none", None
        if day in record.broken:
            return "permerror", None
        hit = next((term for term in record.terms if ip in term.ips and term.first <= day <= term.last), None)
        return ("pass", hit) if hit else (record.otherwise, None)

    def has_key(self, domain: str, selector: str, day: int) -> bool:
        """Whether a key stood at a selector on a day."""
        key = self.keys.get((domain, selector))
        return key is not None and key.first <= day <= key.last


TODAY = DAYS
"""The day of the look-ups: the one after the last."""
