"""The gates on the way to p=quarantine and p=reject: each a question with its limits and their reason (RFC 9989 §5.1.6, §5.1.7, §7.4).

A gate that has no limit for a policy is not asked on the way to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dmarcscope.analysis import gauges
from dmarcscope.analysis.weighing import Weighed, percent
from dmarcscope.model.readiness import Found, GateFound
from dmarcscope.model.words import Policy


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate. ``limits``: what is asked on the way to each policy; ``wording`` says it, with the limit in it."""

    name: str
    question: str
    limits: Mapping[Policy, float]
    wording: str
    reason: str
    judge: Callable[[Weighed, float], Found]

    def limit(self, target: Policy) -> str:
        """What is asked for on the way to a policy, in words."""
        asked = self.limits[target]
        return self.wording.format(number=f"{asked:g}", share=percent(asked))


def both(quarantine: float, reject: float) -> dict[Policy, float]:
    """A limit for each of the two policies."""
    return {Policy.QUARANTINE: quarantine, Policy.REJECT: reject}


GATES = (
    Gate(
        "days",
        "How many days of data are there?",
        both(30, 30),
        "{number} days",
        "RFC 9989 §7.4 asks for a month at least: what is sent once a month shows in no less",
        gauges.enough_days,
    ),
    Gate(
        "month",
        "Was a turn of the month seen?",
        both(1, 1),
        f"from {gauges.BEFORE_TURN} days before the first of a month to {gauges.AFTER_TURN} after",
        "invoices, pay slips and statements go out then, often by a sender that is silent otherwise",
        gauges.month_turn,
    ),
    Gate(
        "own mail",
        "How much of your own mail passes?",
        both(0.95, 0.98),
        "{share} at the low end of the interval",
        "RFC 9989 §5.1.6: what fails of your own is to be mended first; quarantine can be undone by the recipient, rejection cannot",
        gauges.own_mail,
    ),
    Gate(
        "worst sender",
        "Does one of your senders surely fail?",
        both(0.95, 0.98),
        "{share} at the high end of each sender's interval",
        "a small sender drowns in the sum, and may be the one that sends the invoices",
        gauges.worst_sender,
    ),
    Gate(
        "unlabelled",
        "How much comes from senders that nobody has labelled?",
        both(0.05, 0.01),
        "{share} of the messages that are not unauthorised, at the most",
        "what nobody knows may be yours; only the owner can tell",
        gauges.unlabelled,
    ),
    Gate(
        "new senders",
        f"Has a sender come up in the last {gauges.NEW_DAYS} days?",
        both(0, 0),
        f"none with {gauges.NEW_MESSAGES} messages or more that is not listed and in order",
        "somebody may be setting up a service just now, and it is not finished",
        gauges.new_senders,
    ),
    Gate(
        "reporters",
        "Are enough reporters heard?",
        both(3, 3),
        "{number}, a big one among them",
        "one receiver's view is not that of all; the big ones see most of your mail",
        gauges.reporters_heard,
    ),
    Gate(
        "time at none",
        "Was p=none there long enough?",
        {Policy.QUARANTINE: 30},
        "{number} days",
        "RFC 9989 §7.4: first p=none for at least a month",
        gauges.watched,
    ),
    Gate(
        "time at quarantine",
        "Was p=quarantine there long enough?",
        {Policy.REJECT: 30},
        "{number} days",
        "RFC 9989 §7.4: then p=quarantine equally long, before p=reject",
        gauges.quarantined,
    ),
    Gate(
        "passed on",
        "How much is lost through forwarders and lists?",
        both(0.05, 0.02),
        "{share} of the wanted messages at the high end of the interval, at the most",
        "RFC 9989 §7.4: forwarders and lists break what passed before; you cannot mend them",
        gauges.passed_on,
    ),
    Gate(
        "mailing lists",
        "Do your users post to mailing lists?",
        {Policy.REJECT: 1},
        "less than {number} failing message a week",
        "RFC 9989 §7.4: domains whose users post to mailing lists should not publish p=reject; others get unsubscribed by it",
        gauges.mailing_lists,
    ),
    Gate(
        "DKIM",
        "Does your own mail pass by DKIM, not by SPF alone?",
        {Policy.REJECT: 0.95},
        "{share} of what passes, at the low end of the interval",
        "RFC 9989 §7.4: with p=reject, never rely on SPF alone: it does not survive forwarding",
        gauges.signed,
    ),
    Gate(
        "subdomains",
        "What of subdomains?",
        both(0, 0),
        "as strict as the domain itself",
        "RFC 9989 §4.7: sp counts for subdomains, np for those that do not exist; who spoofs takes the weakest",
        gauges.subdomains,
    ),
    Gate(
        "pct",
        "Does the record count on pct?",
        both(0, 0),
        "no",
        "RFC 9989 appendix A.6: pct is gone, as hardly anybody applied it as meant; t=y tests a policy",
        gauges.percentage,
    ),
)
"""Every gate, in the order in which they are told."""


def judged(w: Weighed, target: Policy) -> tuple[GateFound, ...]:
    """All gates on the way to a policy."""
    return tuple(
        GateFound(gate.name, gate.question, gate.limit(target), gate.reason, gate.judge(w, gate.limits[target]))
        for gate in GATES
        if target in gate.limits
    )
