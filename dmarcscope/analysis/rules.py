"""The rules that decide what a message is to the owner of the domain, in the order in which they are asked; the first that fits decides.

`docs/classes.md` tells them in plain words. A rule sees one case: the identities that a record's results come to, the host that sent,
and what was learnt from all the mail of the author's domain. It returns a class, or None where it does not fit.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from dmarcscope.align.alignment import is_within
from dmarcscope.analysis.evidence import Identities, Key, is_list_name
from dmarcscope.analysis.hosts import SHARED, Host
from dmarcscope.model.evidence import Authorised
from dmarcscope.model.owner_list import Label, ListedSender
from dmarcscope.model.sender import Kind, Sender
from dmarcscope.model.verdict import SenderClass

ENOUGH_SIGNS = 2
"""Signs of abuse, beside that nothing authenticates the mail, that make it unauthorised."""
STEADY_DAYS = 14
"""Days over which a service is seen before mail that it sends is taken to be ordered: abuse of its accounts is ended sooner."""


class Standing(NamedTuple):
    """What was learnt of the hosts that a message came from, from all mail of the author's organizational domain.

    ``at_home``: the owner of a key that passes sends from them; ``failing_at_home``: of one that fails. ``own``: authenticated mail of
    the author's comes from them. ``relay``: they pass other mail of the author's on. ``scattered``: they are some of many unrelated
    hosts that send what nothing authenticates; ``many_countries``: such mail comes from many countries. ``abuser``: they abuse the
    domain. ``known_key``: a failing key signs other mail that passes. ``list_host``: receivers call them a mailing list, or they change
    most of the mail that they pass on. ``steady``: they send much of what nothing authenticates, over many days.
    """

    at_home: bool = False
    failing_at_home: bool = False
    own: bool = False
    relay: bool = False
    scattered: bool = False
    many_countries: bool = False
    abuser: bool = False
    known_key: bool = False
    list_host: bool = False
    steady: bool = False


NEWCOMER = Standing()
"""Of hosts of which nothing was learnt."""


@dataclass(slots=True)
class Services:
    """Services that are seen with an author's domain: ``used`` by it for certain, and how many days each of them is seen over."""

    used: set[str] = field(default_factory=set)
    days: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One case. ``service`` is whom an authenticated identity names, ``direct`` whether the host is its own, ``tied`` whether the author's
    domain has made it its sender (published its key or its SPF); ``published``: a failing key of the author's stands in the DNS;
    ``nonexistent``: the author's domain did not exist when it was asked for.
    """

    who: Identities
    host: Host
    services: Services
    service: Sender | None = None
    direct: bool = False
    tied: bool = False
    listed: ListedSender | None = None
    authorised: Authorised | None = None
    published: bool = False
    nonexistent: bool = False
    standing: Standing = NEWCOMER

    @property
    def known_key(self) -> bool:
        """Whether a failing key of the author's is a real one: it stands in the DNS, or signs other mail that passes."""
        return self.published or self.standing.known_key

    @property
    def yours(self) -> SenderClass:
        """Yours, by whether DMARC passes."""
        return SenderClass.YOURS_ALIGNED if self.who.passes else SenderClass.YOURS_NEEDS_FIXING

    @property
    def passed_on(self) -> SenderClass:
        """Passed on, by whom: a list or a forwarder."""
        kind = self.host.service.kind if self.host.service else None
        by_list = (
            kind is Kind.MAILING_LIST
            or self.host.is_list
            or self.standing.list_host
            or (self.service is not None and self.service.kind is Kind.MAILING_LIST)
        )
        others = [domain for domain, _ in self.who.other_passed]
        return SenderClass.MAILING_LIST if by_list or is_list_name(self.who.spf_other, *others) else SenderClass.FORWARDED

    @property
    def is_relayed(self) -> bool:
        """Whether SPF speaks for somebody else than the author on a host that anybody's mail is met on."""
        shared = self.host.is_shared or (self.service is not None and self.service.kind in SHARED)
        foreign = self.who.spf_domain is not None and not self.who.spf_own and not self.who.spf_helo
        return shared and foreign


class Decision(NamedTuple):
    """What a rule decides, and how far it is to be trusted (between 0 and 1)."""

    sender_class: SenderClass
    confidence: float


Found = Decision | None
LABELLED = {
    Label.NOT_OURS: SenderClass.UNAUTHORISED,
    Label.FORWARDER: SenderClass.FORWARDED,
    Label.MAILING_LIST: SenderClass.MAILING_LIST,
}


def owners_label(case: Case) -> Found:
    """The owner's list names the sender."""
    if case.listed is None or not covers(case.listed, case.who.header_from):
        return None
    return Decision(LABELLED.get(case.listed.label, case.yours), 1.0)


def covers(listed: ListedSender, header_from: str | None) -> bool:
    """Whether an entry is about an author's domain."""
    return not listed.domains or any(header_from is not None and is_within(header_from, one) for one in listed.domains)


def receivers_reason(case: Case) -> Found:
    """The receiver says that the message came by a list or a forwarder, and SPF does not pass for the author."""
    if not case.who.override or case.who.spf_aligned:
        return None
    if case.who.override == "mailing-list":
        return Decision(SenderClass.MAILING_LIST, 0.95)
    return Decision(case.passed_on, 0.95 if case.who.override == "arc" else 0.9)


def catalogued_service(case: Case) -> Found:
    """An authenticated identity names a service of the catalogue, on its own host."""
    service = case.service
    if service is None or not case.direct:
        return None
    if service.kind in PASSING_ON:
        return Decision(PASSING_ON[service.kind], 0.95)
    if case.tied:
        return Decision(case.yours, 0.95)
    # Anybody has an account at a shared service: that it is the service's says nothing.
    return None if service.kind in SHARED else ordered(case, service)


PASSING_ON = {Kind.FORWARDER: SenderClass.FORWARDED, Kind.MAILING_LIST: SenderClass.MAILING_LIST}


def ordered(case: Case, service: Sender) -> Found:
    """Whether mail of a service that sends for its customers was ordered by the owner."""
    if case.who.passes:
        return Decision(SenderClass.YOURS_ALIGNED, 0.95)
    if service.name in case.services.used:
        return Decision(SenderClass.YOURS_NEEDS_FIXING, 0.9)
    steady = case.services.days.get(service.name, 0) >= STEADY_DAYS and not case.nonexistent
    return Decision(SenderClass.YOURS_NEEDS_FIXING, 0.75) if steady else None


def own_spf(case: Case) -> Found:
    """The author's own SPF authorises the host: as reported, or by today's record where the report says otherwise."""
    who = case.who
    if who.spf_aligned or (who.spf_own and who.spf_passed):
        return Decision(case.yours, 0.97)
    if case.authorised is not None and (who.spf_own or who.spf_domain is None):
        return Decision(case.yours, 0.9)
    if case.authorised is not None and not case.is_relayed and not case.authorised.includes:
        return Decision(case.yours, 0.85)
    return None


def own_host(case: Case) -> Found:
    """The host's confirmed name lies below the author's domain."""
    if case.host.domain is not None and case.host.domain == case.who.author:
        return Decision(case.yours, 0.95)
    return None


def own_key(case: Case) -> Found:
    """A key of the author's passes on a host from which that key's owner sends."""
    return Decision(case.yours, 0.9) if case.standing.at_home and not case.is_relayed else None


def passed_keys(who: Identities) -> tuple[Key, ...]:
    """The author's keys that passed; one of no name where the receiver tells of none and says that DKIM passed."""
    unnamed = ((who.author, None),) if who.dkim_aligned and who.author else ()
    return who.own_passed or unnamed


def own_sender_failing(case: Case) -> Found:
    """Nothing passes for the author, on a host from which authenticated mail of the author's comes."""
    if case.who.passes or case.is_relayed:
        return None
    if case.standing.failing_at_home:
        return Decision(SenderClass.YOURS_NEEDS_FIXING, 0.9)
    if case.standing.own and not case.host.is_shared:
        return Decision(SenderClass.YOURS_NEEDS_FIXING, 0.85)
    return None


def forwarded_whole(case: Case) -> Found:
    """The author's DKIM passes on a host from which no key of the author's is used, and SPF is not the author's."""
    if not passed_keys(case.who):
        return None
    # Where SPF is not told of, only what else is known of the hosts says so.
    if case.who.spf_result is None and not case.standing.relay:
        return None
    return Decision(case.passed_on, 0.9)


def forwarded_broken(case: Case) -> Found:
    """A real key of the author's fails, while another domain passes: the message was changed on its way."""
    other = case.who.other_passed or case.who.spf_other
    if not case.who.own_failed or not other:
        return None
    if case.standing.relay:
        return Decision(case.passed_on, 0.85)
    # Whoever rents a host anywhere can put a signature with the name of a real key on a message.
    return Decision(case.passed_on, 0.75) if case.known_key and own_named(case.host) else None


def own_named(host: Host) -> bool:
    """Whether a host has a confirmed name that somebody has given it for its own."""
    return host.domain is not None and not host.is_shared and not host.is_generic


def service_host(case: Case) -> Found:
    """The host's confirmed name is that of a service that sends for its customers, and nothing else tells whose mail it is."""
    service = case.host.service
    if service is None or service.kind in SHARED or service.kind in PASSING_ON or case.who.other_passed:
        return None
    return ordered(case, service)


def known_relay(case: Case) -> Found:
    """The host passes other mail of the author's on, and something authenticates this one as well."""
    other = case.who.other_passed or case.who.spf_other or case.who.own_failed
    if other and case.standing.relay and case.host.domain is not None and not case.host.is_rented:
        return Decision(case.passed_on, 0.65)
    return None


def passes_anyway(case: Case) -> Found:
    """DMARC passes: whoever sends holds a key of the author's, or is in its SPF."""
    return Decision(SenderClass.YOURS_ALIGNED, 0.7) if case.who.passes else None


def abuse(case: Case) -> Found:
    """Nothing of the author's authenticates the message, and there are enough signs of abuse."""
    signs = abuse_signs(case)
    # Of a host that nobody has asked about it is not known whether it has a name; and one that sends steadily may well be one's own.
    untold = case.host.confirmed is None or case.standing.steady
    if len(signs) < ENOUGH_SIGNS or (untold and not case.nonexistent):
        return None
    return Decision(SenderClass.UNAUTHORISED, min(0.95, 0.6 + 0.1 * len(signs)))


def abuse_signs(case: Case) -> tuple[str, ...]:
    """The signs of abuse, in words."""
    who, host, standing = case.who, case.host, case.standing
    nothing = who.nothing_passed
    signs = {
        "no domain at all authenticates it": nothing and not who.own_failed,
        "its host has no name of its own": host.confirmed is False and host.is_nameless,
        "the author's domain does not exist": case.nonexistent,
        "it claims a key that the domain does not have": bool(who.own_failed) and not case.known_key,
        "such mail comes from many unrelated hosts": nothing and standing.scattered and not is_named(host),
        "hosts beside it, nameless like it, abuse the domain": standing.abuser,
        "such mail comes from many countries": nothing and standing.many_countries and not is_named(host),
    }
    return tuple(sign for sign, there in signs.items() if there)


def is_named(host: Host) -> bool:
    """Whether somebody has given a host a name, confirmed or not."""
    return (host.domain is not None or host.unconfirmed is not None) and not host.is_generic


def nothing_known(case: Case) -> Decision:  # noqa: ARG001 (it fits whatever comes)
    """Nothing tells whose it is."""
    return Decision(SenderClass.UNKNOWN, 0.0)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its name, how it decides, and what would have changed its verdict."""

    name: str
    decide: Callable[[Case], Found]
    otherwise: str


RULES = (
    Rule("owners-label", owners_label, "another label in the owner's list"),
    Rule("receivers-reason", receivers_reason, "a report without that reason"),
    Rule("catalogued-service", catalogued_service, "an identity of another, or a host that is not the service's"),
    Rule("own-spf", own_spf, "taking the host out of the SPF record"),
    Rule("own-host", own_host, "a reverse name outside the domain"),
    Rule("own-key", own_key, "mail signed with this key mostly from other hosts"),
    Rule("own-sender-failing", own_sender_failing, "no authenticated mail of the domain from these hosts"),
    Rule("forwarded-whole", forwarded_whole, "SPF that passes for the domain, or the key's mail mostly from these hosts"),
    Rule("passes", passes_anyway, "DMARC failing"),
    Rule("forwarded-broken", forwarded_broken, "a signature by a key that the domain does not have, or nothing else that passes"),
    Rule("service-host", service_host, "another host, or a service that is not seen with the domain over some days"),
    Rule("known-relay", known_relay, "no other mail that these hosts passed on"),
    Rule("abuse", abuse, "a confirmed reverse name, an existing domain, or any authentication"),
    Rule("nothing-known", nothing_known, "`dmarcscope senders accept` or `reject`, or `dmarcscope resolve` where the DNS was not asked"),
)


def decide(case: Case) -> tuple[Rule, Decision]:
    """The first rule that fits, and what it decides."""
    for rule in RULES:
        found = rule.decide(case)
        if found is not None:
            return rule, found
    raise AssertionError("the last rule fits whatever comes")
