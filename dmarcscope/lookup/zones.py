"""Answers from master files (RFC 1035 §5) as the servers of those zones would: RFC 1034 §4.3.2, with wildcards by RFC 4592.

For demonstrations and tests without a network, and for what an operator wants to be answered otherwise than the DNS does. There is no
delegation: what stands in a file is answered from it. A zone's name is the file's first $ORIGIN, or else the name of the file without
``.zone``. SOA and NS records may be missing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from dmarcscope.errors import SetupError
from dmarcscope.lookup import wire
from dmarcscope.lookup.asking import Resolver
from dmarcscope.lookup.chain import BadChain, Chain
from dmarcscope.lookup.names import BadName, canonical, wire_name
from dmarcscope.lookup.wire import Record, Reply
from dmarcscope.model.answer import Answer, Outcome, Question

Sets = dict[int, list[Record]]  # the records of a name, by kind


class OfflineResolver:
    """Asks nobody: NOT_ASKED for all, with a ``reason``."""

    def __init__(self, reason: str = "offline") -> None:
        self._reason = reason

    async def ask(self, name: str, kind: str) -> Answer:
        """NOT_ASKED."""
        return Answer(Question(canonical(name), kind.upper()), Outcome.NOT_ASKED, detail=self._reason)


NOBODY = OfflineResolver("no zone file holds it")


@dataclass(slots=True)
class Zone:
    """The records of one zone, by owner; a name with an empty dict is an empty non-terminal (RFC 4592 §2.2.2)."""

    origin: str
    names: dict[str, Sets] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Add a record, and the names between it and the origin."""
        self.names.setdefault(record.owner, {}).setdefault(record.kind, []).append(record)
        name = record.owner
        while name != self.origin and (name := _parent(name)) not in self.names:
            self.names[name] = {}

    def find(self, name: str) -> Sets | None:
        """The records that a name of this zone has, with those that a wildcard gives it. None: there is no such name."""
        if (here := self.names.get(name)) is not None:
            return here
        # RFC 4592 §3.3.1: the closest encloser is the longest ancestor that exists; only the wildcard right below it counts.
        encloser = _parent(name)
        while encloser not in self.names and encloser != self.origin:
            encloser = _parent(encloser)
        wild = self.names.get(f"*.{encloser}")
        if wild is None:
            return None
        return {kind: [record._replace(owner=name) for record in records] for kind, records in wild.items()}

    def reply(self, name: str, kind: int) -> Reply:
        """What a server of this zone would say, one alias at a time."""
        sets = self.find(name)
        records = [] if sets is None else sets.get(kind) or sets.get(wire.CNAME) or []
        return Reply(wire.NXDOMAIN if sets is None else wire.NOERROR, False, records, None if records else self.negative_ttl, False)

    @property
    def negative_ttl(self) -> int:
        """Seconds that «not there» may be kept (RFC 2308 §5); 0 without a SOA."""
        soa = self.names.get(self.origin, {}).get(wire.SOA)
        return min(soa[0].ttl, int(soa[0].text.rpartition(" ")[2])) if soa else 0


def to_nobody(_answer: Answer) -> None:
    """Told to nobody."""


class ZoneResolver:
    """Answers for the names in ``zones``; ``beyond`` is asked for all others, aliases that lead there included.

    ``tell`` is told each answer that rests on a zone: no cache sees them.
    """

    def __init__(self, zones: Iterable[Zone], beyond: Resolver = NOBODY, tell: Callable[[Answer], None] = to_nobody) -> None:
        self._zones = {zone.origin: zone for zone in zones}
        self._beyond = beyond
        self._tell = tell

    async def ask(self, name: str, kind: str) -> Answer:
        """What came of a question (see ``Resolver.ask``)."""
        answer = await self._answer(name, kind)
        if self.zone_of(answer.question.name) is not None:
            self._tell(answer)
        return answer

    async def _answer(self, name: str, kind: str) -> Answer:
        question = Question(canonical(name), kind.upper())
        chain = Chain(question.name, wire.kind_number(question.kind), authenticated=False)
        try:
            while (zone := self.zone_of(chain.end)) is not None:
                wire_name(chain.end)
                reply = zone.reply(chain.end, chain.kind)
                if chain.follow(reply):
                    return _answer(question, chain, reply)
        except BadChain as error:
            return Answer(question, Outcome.MALFORMED, aliases=tuple(chain.aliases), detail=str(error))
        except BadName as error:
            return Answer(question, Outcome.NOT_ASKED, aliases=tuple(chain.aliases), detail=str(error))
        rest = await self._beyond.ask(chain.end, question.kind)
        if not chain.aliases:
            return rest
        ttl = min(chain.ttl, rest.ttl)
        return replace(rest, question=question, aliases=(*chain.aliases, *rest.aliases), ttl=ttl, authenticated=False)

    def zone_of(self, name: str) -> Zone | None:
        """The zone with the longest origin that a name is in."""
        while name:
            if (zone := self._zones.get(name)) is not None:
                return zone
            name = _parent(name)
        return None


def _answer(question: Question, chain: Chain, reply: Reply) -> Answer:
    if chain.records:
        outcome, ttl = Outcome.FOUND, chain.ttl
    else:
        outcome = Outcome.NXDOMAIN if reply.rcode == wire.NXDOMAIN else Outcome.NO_DATA
        ttl = min(chain.ttl, reply.negative_ttl or 0)
    return Answer(
        question,
        outcome,
        records=tuple(record.text for record in chain.records),
        strings=tuple(record.strings for record in chain.records) if chain.kind == wire.TXT else (),
        aliases=tuple(chain.aliases),
        ttl=ttl,
    )


def _parent(name: str) -> str:
    """The name above; a dot with a backslash before it is within a label."""
    at = name.find(".")
    while at > 0 and name[at - 1] == "\\" and (at - len(name[:at].rstrip("\\"))) % 2:
        at = name.find(".", at + 1)
    return name[at + 1 :] if at >= 0 else ""


def read_zone(path: Path) -> Zone:
    """The zone in a master file. Raises SetupError, with file and line, for what cannot be read."""
    from dns.exception import DNSException
    from dns.zone import UnknownOrigin, from_file

    origin = None
    try:
        try:
            read = from_file(str(path), relativize=False, check_origin=False)
        except UnknownOrigin:
            origin = path.name.removesuffix(".zone")
            read = from_file(str(path), origin=origin, relativize=False, check_origin=False)
    except (DNSException, OSError, UnicodeDecodeError) as error:
        raise SetupError(f"not a zone file that can be read ({error})", where=str(path), fix="Correct it, or leave it out.") from error
    if read.origin is None:
        raise SetupError("the zone file has no records", where=str(path), fix="Correct it, or leave it out.")
    zone = Zone(wire.read_name(read.origin.to_digestable(), 0)[0])
    zone.names[zone.origin] = {}
    for owner, ttl, data in read.iterate_rdatas():
        octets = data.to_digestable()
        text, strings = wire.record_text(int(data.rdtype), octets, 0, len(octets))
        zone.add(Record(wire.read_name(owner.to_digestable(), 0)[0], int(data.rdtype), ttl, text, strings))
    return zone
