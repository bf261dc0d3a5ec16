"""How each gate on the way to a stricter policy is judged: the figure, whether it is enough, and what is missing.

Facts: enforcement costs the mail of your own that fails (RFC 9989 §5.1.6), and that of others who pass it on (§7.4). What happened in a
sample is not what will happen: shares are judged by the unfavourable end of their interval. The limits stand in `gates.py`.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from dmarcscope.analysis.interval import wilson
from dmarcscope.analysis.policy_record import STRENGTH, WORDS, stage_of
from dmarcscope.analysis.weighing import Weighed, closed, days_of, named, passed, percent
from dmarcscope.model.discovery import Existence
from dmarcscope.model.readiness import Evidence, Found, NameSums, Passage, PolicyDays, Stage
from dmarcscope.model.verdict import LEGITIMATE, YOURS, SenderClass
from dmarcscope.model.words import Policy

NEW_DAYS = 14
"""Days for which a sender is new: two weeks show one that sends weekly twice."""
NEW_MESSAGES = 10
"""Messages from which a new sender is one: single ones are noise."""
BEFORE_TURN, AFTER_TURN = 3, 4
"""Days before and after the first of a month between which what is sent monthly goes out."""
BIG_REPORTERS = (
    "google",
    "yahoo",
    "microsoft",
    "outlook",
    "comcast",
    "aol",
    "fastmail",
    "mail.ru",
    "gmx",
    "1&1",
    "web.de",
    "apple",
    "orange",
)
"""Words in the names of reporters that have millions of mailboxes."""
BIG_MESSAGES = 1000
"""Messages from which any other reporter is a big one for this domain."""
INDIRECT = frozenset({SenderClass.FORWARDED, SenderClass.MAILING_LIST})
LENIENT = {Stage.NONE, Stage.QUARANTINE_TEST}
"""Steps at which nothing is asked of receivers."""


def enough_days(w: Weighed, limit: float) -> Found:
    """Days from the first to the last with reports."""
    figure = f"{w.span} days, reports about {w.days} of them"
    if w.span >= limit:
        return passed(figure, days=w.span, days_with_reports=w.days)
    return closed(figure, f"{int(limit) - w.span} more days of reports", days=w.span, days_with_reports=w.days)


def month_turn(w: Weighed, _: float) -> Found:
    """The last days of a month and the first of the next, in one."""
    for turn in turns(w.first, w.last):
        return passed(f"the turn to {turn:%B %Y} was seen", turn=turn)
    return closed("none was seen", "reports about the last days of a month and the first of the next")


def turns(first: date | None, last: date | None) -> list[date]:
    """The first days of months whose surroundings lie between two days, latest first."""
    found: list[date] = []
    day = last.replace(day=1) if last else None
    while day and first and last and day - timedelta(days=BEFORE_TURN) >= first:
        if day + timedelta(days=AFTER_TURN) <= last:
            found.append(day)
        day = (day - timedelta(days=1)).replace(day=1)
    return found


def own_mail(w: Weighed, limit: float) -> Found:
    """How much of your own mail passes, all senders together."""
    mine = w.of(YOURS)
    passing, judged = sum(one.passing for one in mine), sum(one.judged for one in mine)
    if not judged:
        return closed("none is known", "tell which senders are yours: dmarcscope senders accept NAME", judged=0)
    low, high = wilson(passing, judged)
    lost = judged - passing
    figure = f"{percent(passing / judged)} of {judged:,} messages pass, surely {percent(low)}; {w.a_week(lost)} fail"
    numbers = {"passing": passing, "judged": judged, "low": low, "high": high, "failing_a_week": w.weekly(lost)}
    if low >= limit:
        return passed(figure, **numbers)
    few = passing / judged >= limit
    missing = "more messages, to be sure" if few else f"{w.a_week(lost)} of your own would be lost; mend what fails: dmarcscope fixes"
    return closed(figure, missing, **numbers)


def worst_sender(w: Weighed, limit: float) -> Found:
    """Your own senders that surely pass less than they must, the one that loses most first."""
    failing = sorted((one for one in w.of(YOURS) if one.failing), key=lambda one: (-one.failing, one.sender))
    bad = [one for one in failing if wilson(one.passing, one.judged).high < limit]
    if not failing:
        return passed("none fails")
    worst = (bad or failing)[0]
    figure = f"{worst.sender}: {percent(worst.passing / worst.judged)} of {worst.judged:,} messages pass; {w.a_week(worst.failing)} fail"
    low, high = wilson(worst.passing, worst.judged)
    numbers = {"sender": worst.sender, "passing": worst.passing, "judged": worst.judged, "low": low, "high": high}
    numbers |= {"failing_a_week": w.weekly(worst.failing), "failing_senders": len(bad)}
    if not bad:
        return passed(figure, **numbers)
    more = f", and so must {len(bad) - 1} more" if len(bad) > 1 else ""
    return closed(figure, f"{worst.sender} must be mended{more}: {w.a_week(sum(one.failing for one in bad))} would be lost", **numbers)


def unlabelled(w: Weighed, limit: float) -> Found:
    """Senders of which nobody has said whose they are, by messages."""
    strangers = w.of({SenderClass.UNKNOWN})
    mine = [one for one in w.of(YOURS) if one.sender.casefold() not in w.evidence.listed]
    open_ones = sorted((*strangers, *mine), key=lambda one: (-one.messages, one.sender))
    whole = sum(one.messages for one in w.of(LEGITIMATE | {SenderClass.UNKNOWN}))
    messages = sum(one.messages for one in open_ones)
    share = messages / whole if whole else 0.0
    numbers = {"messages": messages, "of": whole, "share": share, "unknown_messages": sum(one.messages for one in strangers)}
    if not messages:
        return passed("none", **numbers)
    whose = f"{len(open_ones)} sender{'s' if len(open_ones) != 1 else ''}"
    figure = f"{percent(share)} of the messages that are not unauthorised, {w.a_week(messages)}, from {whose}"
    if share <= limit:
        return passed(figure, **numbers)
    heaviest = named([one.sender for one in open_ones])
    return closed(figure, f"say of {heaviest} whether they are yours: dmarcscope senders accept|reject NAME", **numbers)


def new_senders(w: Weighed, limit: float) -> Found:
    """Senders of the last two weeks that are yours, or may be, and of which it is not known that they are in order."""
    if w.last is None:
        return closed("nothing is known", "reports")
    # Where data begin within these days, every sender is new; that there are too few days is told elsewhere.
    since = w.last - timedelta(days=NEW_DAYS - 1)
    fresh = [
        one
        for one in w.of(YOURS | {SenderClass.UNKNOWN})
        if one.first_seen is not None and one.first_seen.date() >= since and one.messages >= NEW_MESSAGES
    ]
    fresh = [one for one in fresh if one.failing or one.sender.casefold() not in w.evidence.listed]
    numbers = {"senders": len(fresh), "messages": sum(one.messages for one in fresh)}
    if len(fresh) <= limit:
        return passed("none", **numbers)
    names = named([one.sender for one in fresh])
    figure = f"{names} since {min(one.first_seen for one in fresh if one.first_seen):%Y-%m-%d}"
    return closed(figure, f"look at {names}: list what is yours, and see that it passes", **numbers)


def reporters_heard(w: Weighed, limit: float) -> Found:
    """How many reporters told of the domain, and whether big ones are among them."""
    heard = w.evidence.reporters
    big = [one for one in heard if one.messages >= BIG_MESSAGES or any(word in one.reporter.casefold() for word in BIG_REPORTERS)]
    figure = f"{len(heard)}, {len(big)} of them big" if heard else "none"
    numbers = {"reporters": len(heard), "big": len(big)}
    if len(heard) < limit:
        return closed(figure, f"reports from {int(limit) - len(heard)} more reporters", **numbers)
    if not big:
        return closed(figure, "reports from one that has many of your recipients", **numbers)
    return passed(figure, **numbers)


def time_before(w: Weighed, limit: float, steps: frozenset[Stage], reached: frozenset[Stage], milder: str) -> Found:
    """How long the domain has been at the steps before."""
    if w.stage in reached:
        return passed("it is asked for already")
    days = days_of((one for one in w.evidence.policies if stage_of(one.p, one.testing) in steps), w.evidence)
    span = (max(days) - min(days)).days + 1 if days else 0
    figure = f"{span} days of reports under {milder}"
    if span >= limit:
        return passed(figure, days=span)
    return closed(figure, f"{int(limit) - span} more days under {milder}", days=span)


def watched(w: Weighed, limit: float) -> Found:
    """Time at p=none."""
    return time_before(w, limit, frozenset(LENIENT), frozenset(Stage) - LENIENT, "p=none")


def quarantined(w: Weighed, limit: float) -> Found:
    """Time at p=quarantine."""
    steps = frozenset({Stage.QUARANTINE, Stage.REJECT_TEST})
    return time_before(w, limit, steps, frozenset({Stage.REJECT}), "p=quarantine")


def passed_on(w: Weighed, limit: float) -> Found:
    """Forwarded mail and that of mailing lists, which would be lost although somebody wants it."""
    failing = sum(one.failing for one in w.of(INDIRECT))
    judged = sum(one.judged for one in w.of(LEGITIMATE))
    low, high = wilson(failing, judged)
    numbers = {"failing": failing, "judged": judged, "low": low, "high": high, "failing_a_week": w.weekly(failing)}
    if not judged:
        return passed("none is known", **numbers)
    figure = f"{percent(failing / judged)} of {judged:,} wanted messages, at most {percent(high)}; {w.a_week(failing)} fail"
    if high <= limit:
        return passed(figure, **numbers)
    if failing / judged <= limit:
        return closed(figure, "more messages, to be sure", **numbers)
    return closed(figure, f"{w.a_week(failing)} would be lost on the way through forwarders and lists", **numbers)


def mailing_lists(w: Weighed, limit: float) -> Found:
    """Mail of your users by way of mailing lists that fails."""
    lists = [one for one in w.of({SenderClass.MAILING_LIST}) if one.failing]
    failing = sum(one.failing for one in lists)
    numbers = {"failing": failing, "failing_a_week": w.weekly(failing), "lists": len(lists)}
    if w.weekly(failing) < limit:
        return passed(w.a_week(failing) if failing else "none", **numbers)
    names = named([one.sender for one in lists])
    missing = f"your users post to mailing lists ({names}): stay at p=quarantine, or see that they do not, and tell them"
    return closed(f"{w.a_week(failing)} fail by way of {names}", missing, **numbers)


def signed(w: Weighed, limit: float) -> Found:
    """How much of your own mail that passes does so by DKIM, not by SPF alone."""
    mine = w.of(YOURS)
    by_dkim, passing = sum(one.by_dkim for one in mine), sum(one.passing for one in mine)
    if not passing:
        return closed("no mail of yours is known to pass", "an aligned DKIM signature of each of your senders", passing=0)
    low, high = wilson(by_dkim, passing)
    numbers = {"by_dkim": by_dkim, "passing": passing, "low": low, "high": high}
    figure = f"{percent(by_dkim / passing)} of {passing:,} passing messages, surely {percent(low)}"
    if low >= limit:
        return passed(figure, **numbers)
    bare = sorted((one for one in mine if one.by_dkim < one.passing), key=lambda one: (one.by_dkim - one.passing, one.sender))
    if by_dkim / passing >= limit:
        return closed(figure, "more messages, to be sure", **numbers)
    return closed(figure, f"let {named([one.sender for one in bare])} sign with DKIM as {w.evidence.domain}", **numbers)


def subdomains(w: Weighed, _: float) -> Found:
    """What the policy says of subdomains, and which of them send."""
    sending = sending_names(w.evidence)
    record = w.evidence.published.record if w.evidence.published else None
    latest = latest_policy(w.evidence)
    if record is not None:
        p, sp, np = record.p, record.sp, record.np
    elif latest is not None:
        # Reporters write sp where the record has none, and old ones know no np.
        p, sp, np = (WORDS.get(text or "") for text in (latest.p, latest.sp, latest.np))
    else:
        p, sp, np = None, None, None
    figure = f"{len(sending)} send: {named([one.name for one in sending])}" if sending else "none sends"
    numbers = {"sending": len(sending), "failing": sum(one.yours - one.yours_passing for one in sending), "sp": sp, "np": np}
    advice = [*weaker(p, sp), *about_missing(np or sp or p, sending)]
    return Found(Passage.ADVICE if advice else Passage.OPEN, figure, "; ".join(advice), numbers)


def weaker(p: Policy | None, sp: Policy | None) -> Iterable[str]:
    """Whether subdomains are less protected than the domain, or will be."""
    if p is not None and sp is not None and STRENGTH[sp] < STRENGTH[p]:
        yield f"«sp={sp}» makes subdomains weaker than the domain itself; take it away, or say sp={p}"
    elif sp is Policy.NONE:
        yield "«sp=none», where the record has it, goes on leaving subdomains unprotected: who spoofs will use one"


def about_missing(applied: Policy | None, sending: Sequence[NameSums]) -> Iterable[str]:
    """Whether names that do not exist may be refused at once."""
    if applied is Policy.REJECT:
        return
    missing = [one.name for one in sending if one.existing is Existence.MISSING]
    unasked = [one.name for one in sending if one.existing is Existence.UNKNOWN]
    if missing:
        yield f"your own mail comes from {named(missing)}, which the DNS does not know: publish a record there before np=reject"
    elif unasked:
        yield f"np=reject costs nothing if {named(unasked)} exist; ask with dmarcscope resolve"
    else:
        yield "np=reject costs nothing: no mail of yours comes from names that do not exist"


def sending_names(evidence: Evidence) -> list[NameSums]:
    """The subdomains from which mail of your own comes."""
    return [one for one in evidence.names if one.yours and one.name != evidence.domain]


def refuses_missing(evidence: Evidence) -> bool:
    """Whether np=reject costs nothing."""
    return all(one.existing is Existence.EXISTS for one in sending_names(evidence))


def latest_policy(evidence: Evidence, own: str | None = None) -> PolicyDays | None:
    """The policy of the newest reports, by messages where they differ; that of one policy domain if named."""
    meant = [one for one in evidence.policies if own is None or one.policy_domain == own]
    return max(meant, key=lambda one: (one.last, one.messages), default=None)


def percentage(w: Weighed, _: float) -> Found:
    """Whether somebody counts on ``pct``."""
    record = w.evidence.published.record if w.evidence.published else None
    latest = latest_policy(w.evidence)
    told = dict(record.tags).get("pct") if record is not None else latest.pct if latest is not None else None
    if told is None or told.strip() == "100":
        return passed("all mail is meant", pct=told)
    what = f"«pct={told[:20]}» is no longer a tag, and receivers apply the policy to all mail that fails; go step by step with t=y"
    return Found(Passage.ADVICE, f"pct={told[:20]}", what, {"pct": told})
