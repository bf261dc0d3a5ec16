"""Explain a verdict in words: the sentence of its rule, the inputs that the rule looked at, and which rules before it did not fit."""

from collections.abc import Callable, Iterable

from dmarcscope.analysis.evidence import Identities, Key
from dmarcscope.analysis.rules import PASSING_ON, RULES, STEADY_DAYS, Case, Rule, abuse_signs, decide, passed_keys
from dmarcscope.model.explanation import Because
from dmarcscope.model.sender import Kind, Sender
from dmarcscope.model.verdict import SenderClass, Verdict

SENTENCES = {
    "owners-label": "your own list of senders says what this is, and it beats every other rule",
    "receivers-reason": "the receiver itself says that the message came by way of a mailing list or a forwarder",
    "catalogued-service": "an authenticated domain names a service of the catalogue, and the host is that service's own",
    "own-spf": "the author domain's own SPF record lets this host send, then or today",
    "own-host": "the host's name, which leads back to its address, lies below the author's domain",
    "own-key": "a DKIM key of the author's domain passes, on hosts at which that key is at home",
    "own-sender-failing": "nothing passes for the author's domain, yet authenticated mail of the domain comes from these same hosts",
    "forwarded-whole": (
        "a DKIM key of the author's domain passes, but from a host that its SPF does not name and that is no home of the key: passed on "
        "unchanged"
    ),
    "passes": "DMARC passes, so that whoever sends holds a key of the domain or is in its SPF record; nothing tells who",
    "forwarded-broken": (
        "a real key of the author's domain signed it and no longer passes, while another domain passes: passed on, and changed on the way"
    ),
    "service-host": (
        "the host is, by its name, a service's that sends for its customers, and the domain uses it, or is seen with it over many days"
    ),
    "known-relay": "these hosts pass other mail of the domain on, and this message bears some authentication, too",
    "abuse": "nothing of the author's authenticates it, and at least two signs of abuse are there",
    "nothing-known": "no rule fits: nothing tells whose mail this is",
}
"""What each rule says, in words; a test sees to it that every rule has one."""

CLASSES = {
    SenderClass.YOURS_ALIGNED: "yours, and DMARC passes",
    SenderClass.YOURS_NEEDS_FIXING: "yours, and needs fixing: DMARC fails",
    SenderClass.FORWARDED: "somebody's mail as you, passed on by a forwarder",
    SenderClass.MAILING_LIST: "somebody's mail as you, passed on by a mailing list",
    SenderClass.UNAUTHORISED: "not yours, and not authorised",
    SenderClass.UNKNOWN: "not known whose it is",
}
"""What each class means, in words."""

Told = Iterable[str]


def because(case: Case, verdict: Verdict) -> Because:
    """Why a verdict was given on a case."""
    before, rule = rules_before(case, verdict.rule)
    return Because(
        rule=rule.name,
        sentence=SENTENCES[rule.name],
        inputs=tuple(INPUTS[rule.name](case)),
        otherwise=rule.otherwise,
        not_fitting=tuple(one.name for one in before if one.decide(case) is None),
    )


def rules_before(case: Case, name: str) -> tuple[list[Rule], Rule]:
    """The rules that are asked before one, and that one.

    A label that is known by the sender's name alone is found last: the rules up to that which gave the name were asked as well.
    """
    names = [rule.name for rule in RULES]
    place = names.index(name) if name in names else len(names) - 1
    if name == "owners-label" and case.listed is None:
        found, _ = decide(case)
        return list(RULES[: names.index(found.name)]), RULES[place]
    return list(RULES[:place]), RULES[place]


def owners_label(case: Case) -> Told:
    """The entry."""
    if case.listed is None:
        yield "the entry is known by the sender's name, which the evidence gave"
        return
    yield f"the entry {case.listed.name!r} is labelled {case.listed.label.value!r}"
    if case.listed is case.host.listed:
        yield "it is known by the address or the name of the host"
    else:
        yield f"it is known by a domain that passed: {domains(case.who)}"


def receivers_reason(case: Case) -> Told:
    """The receiver's word."""
    words = {"arc": "a passed ARC chain (local_policy, arc=pass)", "forwarded": "forwarded (a guess of the receiver's)"}
    yield f"its reason for not following the policy: {words.get(case.who.override, case.who.override)}"
    yield "SPF does not pass, aligned, for the author's domain"
    if case.who.override != "mailing-list":
        yield from of_list(case)


def of_list(case: Case) -> Told:
    """Why it was a list that passed it on, and no forwarder."""
    if case.passed_on is not SenderClass.MAILING_LIST:
        return
    if any(service is not None and service.kind is Kind.MAILING_LIST for service in (case.host.service, case.service)):
        yield "it is a list, as the service is one of mailing lists"
    elif case.standing.list_host:
        yield "it is a list, as receivers call these hosts so, or they change at least three quarters of what they pass on"
    else:
        yield "it is a list, as a name of the host, or of a domain that passed, is one that lists bear"


def catalogued_service(case: Case) -> Told:
    """The service, and why it is believed to send for the author."""
    service = case.service
    if service is None:
        return
    yield f"the service is {service.name} ({service.kind.value})"
    if case.host.service is service:
        yield "the host's confirmed name is the service's"
    elif case.host.network_service is service:
        yield "the host's network is the service's alone"
    elif case.who.spf_passed is not None:
        yield f"SPF says so: {spf_words(case.who)}"
    else:
        yield "its own signature passes, and neither a name of the host nor SPF tells of anybody else"
    if service.kind in PASSING_ON:
        return
    if case.tied:
        yield "the domain made it its sender: its key leads to the service, its SPF includes it, or its own account there signs"
        return
    yield from ordered(case, service)


def ordered(case: Case, service: Sender) -> Told:
    """What speaks for it that the owner ordered mail by a service."""
    if case.who.passes:
        yield "DMARC passes"
    elif service.name in case.services.used:
        yield "other mail by it passes DMARC for this domain, or the domain has made it its sender"
    elif service.name in case.services.days:
        days = case.services.days[service.name]
        yield f"it is seen with this domain over {days:.0f} days ({STEADY_DAYS} are asked for), and nothing else says that you use it"


def own_spf(case: Case) -> Told:
    """What lets the host in."""
    if case.who.spf_passed and case.who.spf_own:
        yield f"as reported: {spf_words(case.who)}"
    elif case.who.spf_aligned:
        yield "as reported: SPF passes and is aligned"
    elif case.authorised is not None:
        yield f"as reported: {spf_words(case.who)}"
        yield f"but today's record lets the host send: {case.authorised.term or 'its term is not known'}"


def own_host(case: Case) -> Told:
    """The name."""
    yield f"{case.host.name or case.host.domain} lies below {case.who.author}"


def own_key(case: Case) -> Told:
    """The keys that pass, and that they are at home."""
    yield f"passes: {keys(passed_keys(case.who))}"
    yield "these hosts send more than 30 % of the key's mail, or are evidently the owner's (by SPF, by name, by its service)"


def own_sender_failing(case: Case) -> Told:
    """What fails, and what makes the hosts the author's."""
    if case.standing.failing_at_home:
        yield f"fails: {keys(case.who.own_failed)}, which signs mail that passes from these hosts"
    else:
        yield "authenticated mail of the domain comes from these hosts"
    yield spf_words(case.who)


def forwarded_whole(case: Case) -> Told:
    """The key that passes, and SPF."""
    yield f"passes: {keys(passed_keys(case.who))}"
    yield spf_words(case.who)
    if case.standing.at_home:
        yield "the key is at home there, but anybody's mail is met on these hosts, and SPF speaks for somebody else"
    else:
        yield "the key is at home elsewhere: these hosts send little of its mail, and nothing else says that they are the owner's"
    yield from of_list(case)


def passes_anyway(case: Case) -> Told:
    """By what it passes."""
    by = [name for name, aligned in (("DKIM", case.who.dkim_aligned), ("SPF", case.who.spf_aligned)) if aligned]
    yield f"{' and '.join(by)} passes, aligned"


def forwarded_broken(case: Case) -> Told:
    """The key that fails, why it is real, and who passes."""
    yield f"fails: {keys(case.who.own_failed)}"
    if case.standing.relay:
        yield "these hosts pass other mail of the domain on"
    if case.published:
        yield "that key stands in the DNS, or did"
    elif case.standing.known_key:
        yield "that key signs other mail, which passes"
    yield f"passes for another domain: {domains(case.who)}"
    if not case.standing.relay and case.host.domain is not None:
        yield f"the host has a name that leads back, in {case.host.domain}, and is none that many share"
    yield from of_list(case)


def service_host(case: Case) -> Told:
    """The service, and what speaks for it."""
    service = case.host.service
    if service is not None:
        yield f"the host's confirmed name is that of {service.name} ({service.kind.value})"
        yield "no other domain's signature passes"
        yield from ordered(case, service)


def known_relay(case: Case) -> Told:
    """What is there, and that the hosts pass mail on."""
    yield "these hosts pass other mail of the domain on"
    passed = domains(case.who)
    yield f"passes: {passed}" if passed else f"fails: {keys(case.who.own_failed)}"
    yield from of_list(case)


def nothing_known(case: Case) -> Told:
    """What is missing."""
    passed = domains(case.who)
    yield f"passes: {passed}" if passed else "no domain at all passes"
    signs = abuse_signs(case)
    number = {0: "no sign of abuse", 1: "one sign of abuse alone: "}.get(len(signs), "signs of abuse, which do not count here: ")
    yield number + "; ".join(signs)
    if case.host.confirmed is None:
        yield "nobody has asked the DNS for the name of the host, and without that nothing is called unauthorised"
    elif case.standing.steady:
        yield "these few addresses send much, over many days, as a forgotten system of your own would"


INPUTS: dict[str, Callable[[Case], Told]] = {
    "owners-label": owners_label,
    "receivers-reason": receivers_reason,
    "catalogued-service": catalogued_service,
    "own-spf": own_spf,
    "own-host": own_host,
    "own-key": own_key,
    "own-sender-failing": own_sender_failing,
    "forwarded-whole": forwarded_whole,
    "passes": passes_anyway,
    "forwarded-broken": forwarded_broken,
    "service-host": service_host,
    "known-relay": known_relay,
    "abuse": abuse_signs,
    "nothing-known": nothing_known,
}
"""What each rule looked at, in words."""


def keys(some: Iterable[Key]) -> str:
    """Keys in words.

    >>> keys([("example.com", "s1"), ("example.com", None)])
    'example.com (selector s1), example.com'
    """
    return ", ".join(f"{domain} (selector {selector})" if selector else domain for domain, selector in some)


def domains(who: Identities) -> str:
    """The domains that passed, each once, with what passed."""
    signed = [f"DKIM {domain}" for domain in dict.fromkeys(domain for domain, _ in (*who.own_passed, *who.other_passed))]
    return ", ".join([*signed, *([f"SPF {who.spf_passed}"] if who.spf_passed else [])])


def spf_words(who: Identities) -> str:
    """The SPF result that counts, with whose it is.

    >>> from dmarcscope.model.evidence import Evidence, SpfResult
    >>> from dmarcscope.analysis.evidence import identities
    >>> spf_words(identities(Evidence("example.com", None, None, (), (SpfResult("b.example", None, "pass"),)), lambda name: name))
    "SPF pass for b.example (another's domain)"
    """
    if who.spf_domain is None:
        return "no SPF result is told"
    whose = "the author's own" if who.spf_own else "another's domain"
    if who.spf_helo:
        whose += ", told as HELO: the host's own name, no envelope"
    return f"SPF {who.spf_result or 'without a result'} for {who.spf_domain} ({whose})"
