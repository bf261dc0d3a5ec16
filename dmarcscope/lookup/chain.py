"""Follows aliases through an answer: CNAME (RFC 1034 §3.6.2) and DNAME (RFC 6672 §2.2), and no further than it goes."""

from dataclasses import dataclass, field

from dmarcscope.lookup.names import BadName, wire_name
from dmarcscope.lookup.wire import CNAME, DNAME, MAX_TTL, NOERROR, Record, Reply

MAX_ALIASES = 16  # as common resolvers; who needs more has a mistake


class BadChain(Exception):
    """The aliases go in a circle, never end, or make a name that is too long."""


@dataclass(slots=True)
class Chain:
    """How far a question has come: from ``name`` over ``aliases``; ``ttl`` and ``authenticated`` hold for all of the way."""

    name: str
    kind: int
    aliases: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    ttl: int = MAX_TTL
    authenticated: bool = True

    @property
    def end(self) -> str:
        """The name that the aliases lead to."""
        return self.aliases[-1] if self.aliases else self.name

    def follow(self, reply: Reply) -> bool:
        """Go on with an answer for ``end``; returns whether that is all, or the new ``end`` must be asked for. Raises BadChain."""
        self.authenticated = self.authenticated and reply.authenticated
        before = len(self.aliases)
        while True:
            self.records = [record for record in reply.records if record.owner == self.end and record.kind == self.kind]
            if self.records:
                self._lower(min(record.ttl for record in self.records))
                return True
            if not self._step(reply.records):
                break
        # An alias that leads out of what the server knows: no data, no error, and no SOA that would say that there are none.
        return len(self.aliases) == before or reply.rcode != NOERROR or reply.negative_ttl is not None

    def add(self, alias: str) -> None:
        """One alias further. Raises BadChain."""
        if alias == self.name or alias in self.aliases:
            raise BadChain(f"the aliases go in a circle at {alias}")
        if len(self.aliases) == MAX_ALIASES:
            raise BadChain(f"there are over {MAX_ALIASES} aliases")
        self.aliases.append(alias)

    def _step(self, records: list[Record]) -> bool:
        """Take the alias of ``end``, if there is one."""
        end = self.end
        for record in records:
            if record.kind == CNAME and record.owner == end:
                self.add(record.text)
                self._lower(record.ttl)
                return True
        # RFC 6672 §3.1: a server adds the CNAME that follows from a DNAME; one that does not leaves it to us.
        for record in records:
            if record.kind == DNAME and end.endswith(f".{record.owner}"):
                self.add(_checked(end.removesuffix(record.owner) + record.text))
                self._lower(record.ttl)
                return True
        return False

    def _lower(self, ttl: int) -> None:
        self.ttl = min(self.ttl, ttl)


def _checked(name: str) -> str:
    # RFC 6672 §2.2: a name that a DNAME makes too long is an error.
    try:
        wire_name(name)
    except BadName as error:
        raise BadChain(f"a DNAME makes a name that is none: {error}") from error
    return name
