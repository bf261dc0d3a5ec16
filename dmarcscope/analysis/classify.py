"""Classify: learn from all mail of a domain who its senders are, then judge each kind of record by the rules.

Facts: a record is judged by its evidence (what the report says) and its place (its host, and whose group of hosts that is in). Records
with equal evidence from one place are one *sighting*, so the work grows with what differs and not with the mail. What the rules look at
is the same for most sightings, so that each distinct case is decided once.
Strategy: first, which hosts a key is at home on, and which hosts send authenticated mail; then, with that, which hosts pass mail on or
abuse the domain; then the verdicts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from dmarcscope.align.alignment import OrganizationalOf
from dmarcscope.analysis.evidence import Identities, Key
from dmarcscope.analysis.hosts import Host, Place
from dmarcscope.analysis.learning import (
    Learnt,
    Sighting,
    by_author,
    group_of,
    learn_homes,
    learn_lists,
    learn_scatter,
    learn_services,
    learn_steady,
)
from dmarcscope.analysis.matching import Listed, Services
from dmarcscope.analysis.naming import best_service, is_direct, is_tied, name_of, service_hints
from dmarcscope.analysis.rules import LABELLED, NEWCOMER, PASSING_ON, Case, Decision, Rule, Standing, covers, decide
from dmarcscope.model.evidence import Authorised
from dmarcscope.model.owner_list import Label, ListedSender
from dmarcscope.model.sender import Sender
from dmarcscope.model.verdict import YOURS, Hint, SenderClass, Verdict

RELAYED = frozenset({"receivers-reason", "forwarded-whole", "catalogued-service"})
"""Rules whose verdict «passed on» says that the host passes mail on."""
PASSED_ON = frozenset({SenderClass.FORWARDED, SenderClass.MAILING_LIST})
SPARED: Mapping[Label, Collection[SenderClass]] = {Label.OURS: PASSED_ON, Label.FORWARDER: YOURS, Label.MAILING_LIST: YOURS}
"""Classes that a label leaves as they are where it is known by name only: mail that was passed on is not its host's, and own mail stays own
on hosts that pass mail on as well."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known beside the reports. ``targets``: the services to whose names published keys lead; ``published``: keys that stand in
    the DNS; ``nonexistent``: author domains that do not exist.
    """

    services: Services
    listed: Listed
    organizational_of: OrganizationalOf
    targets: Mapping[Key, Sender] = field(default_factory=dict)
    published: Collection[Key] = frozenset()
    nonexistent: Collection[str] = frozenset()


class Classifier:
    """Judges sightings with what all of them together tell."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._learnt: dict[str | None, Learnt] = {}
        self._cases: dict[tuple[int, int], Case] = {}
        self._decided: dict[tuple[int, int, Standing], tuple[Rule, Decision]] = {}
        self._verdicts: dict[tuple[int, int, Standing], Verdict] = {}

    def judge(self, sightings: Collection[Sighting]) -> list[Verdict]:
        """The verdict on each sighting, in their order."""
        self._learnt = by_author(sightings)
        cases = [(self._bare(one.who, one.place.host), one) for one in sightings]
        learn_services(cases)
        learn_homes(cases, self._learnt)
        learn_scatter(cases, self._learnt)
        learn_lists(cases, self._learnt)
        learn_steady(cases, self._learnt)
        standings = [self._learnt[one.who.author].standing(one.who, one.group) for one in sightings]
        first = [self._decide(case, standing) for (case, _), standing in zip(cases, standings, strict=True)]
        for (case, one), (rule, decision) in zip(cases, first, strict=True):
            if rule.name in RELAYED and decision.sender_class in PASSED_ON and tells_of_relay(case):
                self._learnt[one.who.author].relays.add(one.group)
            elif rule.name == "abuse" and one.place.host.confirmed is False:
                self._learnt[one.who.author].abusers.add(one.group)
        return [
            self._verdict(case, self._learnt[one.who.author].learnt_last(one.group, standing))
            for (case, one), standing in zip(cases, standings, strict=True)
        ]

    def case(self, who: Identities, place: Place) -> Case:
        """All that the rules ask about identities at a place."""
        learnt = self._learnt.get(who.author)
        return replace(self._bare(who, place.host), standing=learnt.standing(who, group_of(who, place)) if learnt else NEWCOMER)

    def _bare(self, who: Identities, host: Host) -> Case:
        """A case without its standing."""
        key = (id(who), id(host))
        if key not in self._cases:
            self._cases[key] = self._case(who, host)
        return self._cases[key]

    def _case(self, who: Identities, host: Host) -> Case:
        around = self._around
        authorised = self.authorised(who, host)
        found = service_hints(who, around.services, around.targets, authorised)
        service = best_service(found, host)
        return Case(
            who=who,
            host=host,
            services=self._learnt.setdefault(who.author, Learnt()).services,
            service=service,
            direct=service is not None and is_direct(who, host, service, around.services),
            tied=service is not None and is_tied(who, service, found),
            listed=self.listed(who, host),
            authorised=authorised,
            published=any(key in around.published for key in who.own_failed),
            nonexistent=who.header_from in around.nonexistent,
        )

    def is_at_signer(self, who: Identities, host: Host, signer: str) -> bool:
        """Whether a host speaks for a domain that signed: anybody may pass on, or send again, what another has signed."""
        owner = self._around.organizational_of(signer)
        if who.spf_result is None or host.domain == owner:
            return True
        return who.spf_own if who.spf_organization is None and who.spf_passed else who.spf_organization == owner

    def _decide(self, case: Case, standing: Standing) -> tuple[Rule, Decision]:
        key = (id(case.who), id(case.host), standing)
        if key not in self._decided:
            self._decided[key] = decide(replace(case, standing=standing))
        return self._decided[key]

    def _verdict(self, case: Case, standing: Standing) -> Verdict:
        key = (id(case.who), id(case.host), standing)
        if key not in self._verdicts:
            self._verdicts[key] = self._named(replace(case, standing=standing), *self._decide(case, standing))
        return self._verdicts[key]

    def authorised(self, who: Identities, host: Host) -> Authorised | None:
        """What of the author's SPF of today authorises a host, if anything."""
        domains = (who.spf_domain if who.spf_own else None, who.header_from, who.author)
        known = dict(host.authorised_by)
        return next((known[domain] for domain in domains if domain in known), None)

    def listed(self, who: Identities, host: Host) -> ListedSender | None:
        """The entry of the owner's list that a case belongs to."""
        listed = self._around.listed
        if not listed:
            return None
        signers = [listed.of_signer(domain) for domain, _ in who.own_passed]
        signers += [listed.of_signer(domain) for domain, _ in who.other_passed if self.is_at_signer(who, host, domain)]
        envelope = listed.of_envelope(who.spf_passed) if who.spf_passed else None
        every = [host.listed, *signers, envelope]
        return listed.first(one for one in every if one is not None and covers(one, who.header_from))

    def _named(self, case: Case, rule: Rule, decision: Decision) -> Verdict:
        name = name_of(case, decision.sender_class, self._around.organizational_of)
        labelled = self._by_name(case, rule, decision, name)
        return labelled or Verdict(decision.sender_class, name, rule.name, decision.confidence)

    def _by_name(self, case: Case, rule: Rule, decision: Decision, name: str) -> Verdict | None:
        """The owner's label for a name that the evidence gave. Mail that was passed on is not its host's."""
        entry = self._around.listed.named.get(name.casefold())
        if entry is None or rule.name == "owners-label" or not covers(entry, case.who.header_from):
            return None
        if decision.sender_class in SPARED.get(entry.label, ()):
            return None
        return Verdict(LABELLED.get(entry.label, case.yours), entry.name, "owners-label", 1.0)

    def hints(self, who: Identities, place: Place) -> tuple[Hint, ...]:
        """All that speaks for a name, identities before hosts."""
        host = place.host
        found = service_hints(who, self._around.services, self._around.targets, self.authorised(who, host))
        return tuple(dict.fromkeys([hint for _, hint in found] + list(host.hints())))


def tells_of_relay(case: Case) -> bool:
    """Whether mail that was passed on says so of its host: «forwarded» is what a receiver guesses, and hosts of a service are its own."""
    if case.host.is_shared and case.who.spf_organization is None:
        return False
    return case.who.override != "forwarded" and not (case.service is not None and case.direct and case.service.kind not in PASSING_ON)
