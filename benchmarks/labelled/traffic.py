"""From flows to the lines of reports: who hears how much on which day, and what each receiver finds and tells.

Whether DKIM and SPF pass and are aligned follows from the zone of that day; a line's truth goes with it, beside what is told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, sqrt
from random import Random

from benchmarks.labelled.reporters import REPORTERS, Reporter
from benchmarks.labelled.scene import Scene
from benchmarks.labelled.things import DAYS, Domain, Flow, Host, Signature
from dmarcscope.model.verdict import YOURS, SenderClass

Parts = list[dict[str, str | None]]

TEMPORARY = 0.002
"""Share of SPF results that say that the DNS did not answer."""
REASONS = {
    "arc": ("local_policy", "arc=pass"),
    "mailing_list": ("mailing_list", "list headers found"),
    "trusted_forwarder": ("trusted_forwarder", None),
    "forwarded": ("forwarded", "looks forwarded, downgrade to none"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One record as it is told, and the flow and class that are its truth."""

    flow: Flow
    sender_class: SenderClass
    source_ip: str
    count: int
    disposition: str
    dkim_aligned: bool
    spf_aligned: bool
    header_from: str
    envelope_from: str | None
    envelope_to: str | None
    reasons: Parts
    dkim: Parts
    spf: Parts


@dataclass(frozen=True, slots=True)
class Report:
    """A report of one day about one domain."""

    day: int
    reporter: Reporter
    domain: Domain
    lines: tuple[Line, ...]


def reports(scene: Scene, scale: float = 1.0) -> Iterator[Report]:
    """Yields all reports, day by day; neither their order nor that of their lines has to do with the truth."""
    rng = scene.rng("traffic")
    for day in range(DAYS):
        lines: dict[tuple[str, str], list[Line]] = {}
        for flow in scene.flows:
            expected = flow.rhythm.volume(day) * scale
            if expected:
                for reporter, line in _heard(scene, rng, flow, day, expected * exp(rng.gauss(0, 0.25))):
                    lines.setdefault((reporter.name, flow.domain.name), []).append(line)
        made = [
            Report(day, reporter, domain, tuple(rng.sample(found, len(found))))
            for domain in scene.domains
            for reporter in REPORTERS
            if (found := lines.get((reporter.name, domain.name)))
        ]
        rng.shuffle(made)
        yield from made


def _heard(scene: Scene, rng: Random, flow: Flow, day: int, expected: float) -> Iterator[tuple[Reporter, Line]]:
    heard_by = [reporter for reporter in REPORTERS if not flow.reporters or reporter.name in flow.reporters]
    weights = sum(reporter.weight for reporter in heard_by)
    for reporter in heard_by:
        messages = poisson(rng, expected * reporter.weight / weights)
        for host, count in _split(rng, flow, messages):
            yield reporter, _line(scene, rng, flow, Seen(reporter, day, host, count))


def poisson(rng: Random, mean: float) -> int:
    """How often something happens that happens ``mean`` times on average."""
    if mean > 30:
        return max(0, round(rng.gauss(mean, sqrt(mean))))
    limit, product, count = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def _split(rng: Random, flow: Flow, messages: int) -> Iterator[tuple[Host, int]]:
    """Messages by host: the first of a flow's hosts send most."""
    if not messages:
        return
    wanted = min(len(flow.hosts), messages, 1 + int(messages / flow.per_host))
    size = len(flow.hosts)
    chosen = {int(size * rng.random() ** 1.7) for _ in range(wanted)}
    shares = [rng.random() + 0.1 for _ in chosen]
    left, weight = messages, sum(shares)
    for place, share in zip(sorted(chosen), shares, strict=True):
        count = left if share >= weight else min(left, round(left * share / weight))
        left, weight = left - count, weight - share
        if count:
            yield flow.hosts[place], count
    if left:
        yield flow.hosts[0], left


@dataclass(frozen=True, slots=True)
class Seen:
    """Mail of one host as one receiver gets it on a day."""

    reporter: Reporter
    day: int
    host: Host
    count: int


def _line(scene: Scene, rng: Random, flow: Flow, seen: Seen) -> Line:
    reporter = seen.reporter
    author = rng.choice(flow.authors)
    envelope = rng.choice(flow.envelopes)
    # RFC 7208 §2.4: without a sender in the envelope, the name that the host gives itself is checked.
    checked = envelope or seen.host.name or ""
    spf = "temperror" if rng.random() < TEMPORARY else scene.zone.spf_of(checked, seen.host.ip, seen.day)[0]
    results = [(one, _dkim(scene, one, seen)) for one in flow.signatures]
    domain = flow.domain
    dkim_aligned = any(result == "pass" and aligned(one.domain, author, domain.name, domain.adkim) for one, result in results)
    spf_aligned = spf == "pass" and aligned(checked, author, domain.name, domain.aspf)
    reasons = [] if dkim_aligned or spf_aligned else _reasons(rng, flow, reporter)
    told = "unknown" if rng.random() < reporter.unknown else checked
    return Line(
        flow,
        _class(flow, passes=dkim_aligned or spf_aligned),
        seen.host.ip,
        seen.count,
        "none" if dkim_aligned or spf_aligned or reasons else _policy(scene, domain, author),
        dkim_aligned,
        spf_aligned,
        author,
        (told if envelope else None) if reporter.envelope_from else None,
        reporter.name if reporter.envelope_to else None,
        reasons,
        _told(reporter, results),
        _told_spf(reporter, told, "mfrom" if envelope else "helo", spf),
    )


def aligned(identifier: str, author: str, organization: str, mode: str) -> bool:
    """Whether an authenticated domain is aligned with the author's (RFC 9989 §4.4), the owner's domains being organizational ones."""
    return identifier == author or (mode == "r" and (identifier == organization or identifier.endswith(f".{organization}")))


def _class(flow: Flow, *, passes: bool) -> SenderClass:
    if flow.truth.sender_class not in YOURS:
        return flow.truth.sender_class
    return SenderClass.YOURS_ALIGNED if passes else SenderClass.YOURS_NEEDS_FIXING


def _dkim(scene: Scene, signature: Signature, seen: Seen) -> str:
    if not scene.zone.has_key(signature.domain, signature.selector, seen.day):
        return seen.reporter.keyless
    return "fail" if signature.broken else "pass"


def _policy(scene: Scene, domain: Domain, author: str) -> str:
    if author == domain.name:
        return domain.p
    return (domain.np if author in scene.zone.absent else None) or domain.sp


def _reasons(rng: Random, flow: Flow, reporter: Reporter) -> Parts:
    said: list[str] = []
    for reason in (("arc",) if flow.arc else ()) + ((flow.reason,) if flow.reason else ()):
        if not said and rng.random() < reporter.overrides.get(reason, 0.0):
            said.append(reason)
    if not said and rng.random() < reporter.mistakes:
        said.append("forwarded")
    return [{"type": REASONS[reason][0], "comment": REASONS[reason][1]} for reason in said]


def _told(reporter: Reporter, results: list[tuple[Signature, str]]) -> Parts:
    written = {
        "all": results,
        "first": results[:1],
        "passing": [one for one in results if one[1] == "pass"],
        "none": [],
    }[reporter.signatures]
    return [
        {
            "domain": signature.domain,
            "selector": signature.selector if reporter.selectors else None,
            "result": result,
            "human_result": None,
        }
        for signature, result in written
    ]


def _told_spf(reporter: Reporter, domain: str, scope: str, result: str) -> Parts:
    if not reporter.spf or not domain:
        return []
    return [{"domain": domain, "scope": scope if reporter.scope else None, "result": result, "human_result": None}]
