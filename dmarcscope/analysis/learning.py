"""Learn from all mail of an author's domain: where its keys are at home, which services it uses, who passes its mail on, who abuses it.

Everything is about groups of hosts (see `hosts.Place`), as a single address says little.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from dmarcscope.analysis.evidence import Identities, Key
from dmarcscope.analysis.hosts import Place
from dmarcscope.analysis.rules import STEADY_DAYS, Case, Services, Standing, passed_keys

HOME_SHARE = 0.3
"""Of a key's mail: the share from one group of hosts that makes it the key's home, besides those that are evidently its owner's."""
NAMELESS_SHARE = 0.5
"""The same of hosts that nobody has named."""
STEADY_SHARE = 0.05
"""Of a domain's mail that nothing authenticates: the share from one group of hosts that is much."""
STEADY_MESSAGES = 100
"""Messages that a system sends at least which is worth being one."""
STEADY_SOURCES = 5
"""Addresses that one forgotten system has, at most."""
CHANGED_SHARE = 0.75
"""Of the signed mail that hosts pass on: the share that is changed on its way; lists change all of it, forwarders little."""
SCATTERED = 8
"""Operators, or parts of the address space, from which unauthenticated mail comes, that are many; botnets come from hundreds."""
COUNTRIES = 5
"""Countries that are many, likewise."""


class Sighting(NamedTuple):
    """Mail with equal evidence from one place: how much, and when its first period begins and its last one ends (days since 1970).

    ``group``: see `group_of`. ``sources``: how many addresses the place's own group has.
    """

    who: Identities
    place: Place
    group: str
    messages: int
    first_day: float
    last_day: float
    sources: int = 1


def group_of(who: Identities, place: Place) -> str:
    """The group of hosts that mail comes from; where many share a host, or it has no name, whoever SPF passes for is the better one."""
    host = place.host
    own_name = host.domain is not None and not host.is_rented and not host.is_shared
    return place.group if own_name else who.spf_organization or place.group


@dataclass(slots=True)
class Learnt:
    """What is known of an author's organizational domain, by groups of hosts."""

    homes: dict[Key, set[str]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    relays: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)
    scattered: set[str] = field(default_factory=set)
    countries: set[str] = field(default_factory=set)
    abusers: set[str] = field(default_factory=set)
    steady: set[str] = field(default_factory=set)
    services: Services = field(default_factory=Services)

    def standing(self, who: Identities, group: str) -> Standing:
        """What was learnt that concerns identities on a group of hosts."""
        homes, passed, failed = self.homes, passed_keys(who), who.own_failed
        return Standing(
            at_home=bool(passed) and any(self.is_home(key, group) for key in passed),
            failing_at_home=bool(failed) and any(self.is_home(key, group) for key in failed),
            own=group in self.own,
            relay=group in self.relays,
            scattered=group in self.scattered and len(self.scattered) >= SCATTERED,
            many_countries=len(self.countries) >= COUNTRIES,
            abuser=group in self.abusers,
            known_key=bool(failed) and any(key in homes for key in failed),
            list_host=group in self.lists,
            steady=group in self.steady,
        )

    def learnt_last(self, group: str, standing: Standing) -> Standing:
        """The same with what is learnt from first verdicts: who passes mail on, and who abuses the domain."""
        relay, abuser = group in self.relays, group in self.abusers
        return standing._replace(relay=relay, abuser=abuser) if relay or abuser else standing

    def is_home(self, key: Key, group: str) -> bool:
        """Whether a key is at home in a group; one whose selector is not told is any of the author's."""
        return group in self.homes.get(key, ()) or (key[1] is None and group in self.own)


Cases = list[tuple[Case, Sighting]]


def learn_services(cases: Cases) -> None:
    """Which services an author's domain uses for certain, and over how many days each is seen."""
    spans: dict[tuple[int, str], tuple[float, float]] = {}
    for case, seen in cases:
        service = case.service if case.direct else case.host.service
        if service is None:
            continue
        if case.direct and (case.who.passes or case.tied):
            case.services.used.add(service.name)
        key = (id(case.services), service.name)
        first, last = spans.get(key, (seen.first_day, seen.last_day))
        first, last = spans[key] = min(first, seen.first_day), max(last, seen.last_day)
        case.services.days[service.name] = last - first


def learn_homes(cases: Cases, learnt: dict[str | None, Learnt]) -> None:
    """Where each key is at home: on hosts that are evidently the author's, and on those that much of its mail comes from."""
    direct: dict[Key, set[str]] = defaultdict(set)
    used: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    owners: dict[Key, Learnt] = {}
    # Whoever sends signed mail again, as spammers do, needs no name for it; a system that somebody cares for has one.
    nameless: set[str] = {seen.group for case, seen in cases if case.host.is_nameless}
    for case, seen in cases:
        who, group = case.who, seen.group
        if not who.passes and not who.own_passed:
            continue
        evident = is_evidently_own(case)
        if evident:
            learnt[who.author].own.add(group)
        for key in passed_keys(who):
            owners[key] = learnt[who.author]
            used[key][group] += seen.messages
            if evident:
                direct[key].add(group)
    told = {domain for domain, selector in used if selector is not None}
    for key, groups in used.items():
        if key[1] is None and key[0] in told:
            continue  # a reporter that tells no selectors sees too little of a domain's mail
        total = sum(groups.values())
        enough = {group: (NAMELESS_SHARE if group in nameless else HOME_SHARE) * total for group in groups}
        homes = direct[key] | {group for group, messages in groups.items() if messages > enough[group]}
        owners[key].homes[key] = homes
        owners[key].own |= homes


def learn_scatter(cases: Cases, learnt: dict[str | None, Learnt]) -> None:
    """From where mail comes that nothing authenticates."""
    for case, seen in cases:
        if case.who.nothing_passed and not case.who.own_failed and (not case.host.confirmed or case.host.is_generic):
            found = learnt[case.who.author]
            found.scattered.add(seen.group)
            if case.host.country:
                found.countries.add(case.host.country)


def learn_steady(cases: Cases, learnt: dict[str | None, Learnt]) -> None:
    """Which groups of few addresses send much of what nothing authenticates, over many days: a forgotten system does; a botnet does not."""
    total: dict[str | None, int] = defaultdict(int)
    found: dict[tuple[str | None, str], tuple[int, float, float, int]] = {}
    for case, seen in cases:
        if case.who.nothing_passed and not case.who.own_failed:
            total[case.who.author] += seen.messages
            key = (case.who.author, seen.group)
            messages, first, last, sources = found.get(key, (0, seen.first_day, seen.last_day, 0))
            found[key] = messages + seen.messages, min(first, seen.first_day), max(last, seen.last_day), max(sources, seen.sources)
    for (author, group), (messages, first, last, sources) in found.items():
        if sources <= STEADY_SOURCES and last - first >= STEADY_DAYS and messages >= max(STEADY_MESSAGES, STEADY_SHARE * total[author]):
            learnt[author].steady.add(group)


def learn_lists(cases: Cases, learnt: dict[str | None, Learnt]) -> None:
    """Which hosts are mailing lists: those that receivers call so, and those that change most of the mail that they pass on."""
    whole: dict[tuple[str | None, str], int] = defaultdict(int)
    changed: dict[tuple[str | None, str], int] = defaultdict(int)
    for case, seen in cases:
        if case.host.is_shared and case.who.spf_organization is None:
            continue
        key = (case.who.author, seen.group)
        if case.who.override == "mailing-list":
            learnt[case.who.author].lists.add(seen.group)
        if case.who.own_passed:
            whole[key] += seen.messages
        elif case.who.own_failed and case.who.other_passed:
            changed[key] += seen.messages
    for (author, group), messages in changed.items():
        if messages > CHANGED_SHARE * (messages + whole[author, group]):
            learnt[author].lists.add(group)


def is_evidently_own(case: Case) -> bool:
    """Whether a host is the author's or its service's without regard to keys: by SPF, by its name, or by the service it is of."""
    who = case.who
    if who.spf_aligned or (case.host.domain is not None and case.host.domain == who.author):
        return True
    if case.authorised is not None and who.spf_own:
        return True
    return case.service is not None and case.direct and not case.host.is_shared


def by_author(sightings: Iterable[Sighting]) -> dict[str | None, Learnt]:
    """Room for what is learnt of each author's organizational domain."""
    return {author: Learnt() for author in {one.who.author for one in sightings}}
