"""The DNS tree walk as steps without I/O: which names to ask, what applies, whose domain it is (RFC 9989 §4.10, §4.10.1, §4.10.2).

Who walks asks ``next_name`` for a domain, looks up ``dmarc_name`` of it, adds a ``Step``, and goes on until there is none. The other
functions take the steps in any order and look only at those that the walk would have reached.

Domains are lower-case A-labels without a final dot. A step without an answer ends the walk: what lies above may not be what counts.
"""

from collections.abc import Iterable

from dmarcscope.model.answer import Outcome
from dmarcscope.model.discovery import Discovery, Existence, Organizational, Step, Where
from dmarcscope.model.dmarc_record import Psd

MAX_QUERIES = 8
"""Names that are asked for one domain, however many labels it has (RFC 9989 §4.10)."""


def dmarc_name(domain: str) -> str:
    """Where the DMARC record of a domain is published (RFC 9989 §4.5)."""
    return f"_dmarc.{domain}"


def walk_names(domain: str) -> tuple[str, ...]:
    """The domains that a full walk asks, the longest first; at most MAX_QUERIES.

    >>> walk_names("a.mail.example.com")
    ('a.mail.example.com', 'mail.example.com', 'example.com', 'com')
    """
    labels = domain.split(".")
    # RFC 9989 §4.10, step 4: after the first name, cut down to 7 labels at once where there are 8 or more.
    longest = min(len(labels) - 1, MAX_QUERIES - 1)
    return (domain, *(".".join(labels[-count:]) for count in range(longest, 0, -1)))


def next_name(domain: str, steps: Iterable[Step]) -> str | None:
    """The domain to ask next, None when the walk is at its end.

    >>> next_name("mail.example.com", [])
    'mail.example.com'
    """
    reached = walked(domain, steps)
    if reached and ends_walk(reached[-1]):
        return None
    names = walk_names(domain)
    return names[len(reached)] if len(reached) < len(names) else None


def walked(domain: str, steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps that a walk from this domain takes, in order, up to the one that ends it or the first that is missing."""
    known = {step.domain: step for step in steps}
    reached = []
    for name in walk_names(domain):
        if name not in known:
            break
        reached.append(known[name])
        if ends_walk(known[name]):
            break
    return tuple(reached)


def ends_walk(step: Step) -> bool:
    """Whether nothing above this step is asked."""
    record = step.valid_record
    # RFC 9989 §4.10, steps 2 and 6: stop at psd=n and psd=y.
    return not step.outcome.is_told or (record is not None and record.psd is not Psd.UNDECIDED)


def organizational_domain(domain: str, steps: Iterable[Step]) -> Organizational:
    """Whose domain this is, told by the steps of a walk from it (RFC 9989 §4.10.2)."""
    reached = walked(domain, steps)
    gap = unanswered(domain, reached)
    if gap:
        return Organizational(None, gap)
    last = reached[-1]
    psd = last.valid_record.psd if last.valid_record else Psd.UNDECIDED
    # RFC 9989 §4.10.2, rule 1: a record with psd=n is that of the organizational domain.
    if psd is Psd.NO:
        return Organizational(last.domain, f"the record at {last.domain} has psd=n")
    # RFC 9989 §4.10.2, rule 2: psd=y, other than at the start, puts it one label below.
    if psd is Psd.YES and last.domain != domain:
        return Organizational(one_label_more(domain, last.domain), f"it is one label below {last.domain}, whose record has psd=y")
    found = [step for step in reached if step.valid_record]
    # RFC 9989 §4.10.2, rule 3: otherwise the record at the name with the fewest labels.
    if found:
        return Organizational(found[-1].domain, f"of the names with a DMARC record, {found[-1].domain} has the fewest labels")
    # RFC 9989 §4.10.2: if that determines none, the domain where the walk started.
    return Organizational(domain, "neither it nor a name above it has a DMARC record")


def unanswered(domain: str, reached: tuple[Step, ...]) -> str:
    """Why a walk tells nothing, or empty."""
    if not reached:
        return f"{dmarc_name(domain)} was not asked"
    if not reached[-1].outcome.is_told:
        return f"{dmarc_name(reached[-1].domain)} could not be asked ({reached[-1].outcome})"
    missing = next_name(domain, reached)
    return f"{dmarc_name(missing)} was not asked" if missing else ""


def one_label_more(domain: str, above: str) -> str:
    """The name below ``above`` on the way to ``domain``.

    >>> one_label_more("a.mail.example.com", "com")
    'example.com'
    """
    return ".".join(domain.split(".")[-above.count(".") - 2 :])


def discover(domain: str, steps: Iterable[Step]) -> Discovery:
    """Which record applies to mail from this author domain (RFC 9989 §4.10.1)."""
    reached = walked(domain, steps)
    owner = organizational_domain(domain, reached)
    # RFC 9989 §4.10.1: the record of the author domain itself comes first, whatever stands above.
    if reached and reached[0].valid_record:
        return Discovery(domain, Where.AUTHOR, domain, reached[0].record, owner, reached, f"{domain} has a record of its own")
    if owner.domain is None:
        return Discovery(domain, Where.UNKNOWN, None, None, owner, reached, owner.why)
    # RFC 9989 §4.10.1: then that of the organizational domain.
    for step in reached:
        if step.domain == owner.domain and step.valid_record:
            why = f"{domain} has no record; that of its organizational domain {step.domain} applies"
            return Discovery(domain, Where.ORGANIZATIONAL, step.domain, step.record, owner, reached, why)
    # RFC 9989 §4.10.1: then that of the public suffix.
    for step in reached:
        if step.valid_record and step.valid_record.psd is Psd.YES:
            why = f"neither {domain} nor its organizational domain has a record; that of the public suffix {step.domain} applies"
            return Discovery(domain, Where.PUBLIC_SUFFIX, step.domain, step.record, owner, reached, why)
    return Discovery(domain, Where.NOWHERE, None, None, owner, reached, "no name of the walk has a DMARC record")


def existence(outcomes: Iterable[Outcome]) -> Existence:
    """Whether a domain exists, told by what came of questions for it, of any type.

    >>> existence([Outcome.TIMEOUT, Outcome.NO_DATA]).value, existence([Outcome.SERVFAIL]).value
    ('exists', 'unknown')
    """
    every = set(outcomes)
    if every & {Outcome.FOUND, Outcome.NO_DATA}:
        return Existence.EXISTS
    # RFC 9989 §3.2.13: a name does not exist if the answer is NXDOMAIN (RFC 8020).
    return Existence.MISSING if Outcome.NXDOMAIN in every else Existence.UNKNOWN
