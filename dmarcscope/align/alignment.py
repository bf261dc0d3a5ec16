"""Whether a domain that DKIM or SPF authenticated is aligned with the author domain (RFC 9989 §4.4, §4.10.2).

Domains are lower-case A-labels without a final dot. Where an organizational domain is not known (None), the verdict is «unknown»,
unless the names alone decide: an organizational domain is always the domain itself or one above it.
"""

from collections.abc import Callable

from dmarcscope.model.discovery import Aligned, Verdict
from dmarcscope.model.dmarc_record import Alignment

OrganizationalOf = Callable[[str], str | None]
"""From a domain to its organizational domain; None where that could not be found out. The ``get`` of a dict is one."""


def alignment(author: str, identifier: str, mode: Alignment, organizational_of: OrganizationalOf) -> Aligned:
    """Whether an authenticated domain (DKIM's ``d=``, SPF's MAIL FROM) is aligned with the author domain.

    >>> alignment("news.example.com", "foo.example.com", Alignment.RELAXED, lambda _: "example.com").verdict.value
    'aligned'
    """
    # RFC 9989 §4.4: identical domains are aligned in either mode.
    if author == identifier:
        return Aligned(Verdict.ALIGNED, "the domains are identical")
    # RFC 9989 §4.4, strict: nothing less will do.
    if mode is Alignment.STRICT:
        return Aligned(Verdict.NOT_ALIGNED, f"{identifier} is not {author}, and alignment is strict")
    # RFC 9989 §4.4, relaxed: the same organizational domain.
    mine, theirs = organizational_of(author), organizational_of(identifier)
    if mine is not None and mine == theirs:
        return Aligned(Verdict.ALIGNED, f"both have the organizational domain {mine}")
    apart = names_apart(author, identifier, mine, theirs)
    if apart:
        return Aligned(Verdict.NOT_ALIGNED, apart)
    unknown = author if mine is None else identifier
    return Aligned(Verdict.UNKNOWN, f"the organizational domain of {unknown} could not be found out")


def names_apart(author: str, identifier: str, mine: str | None, theirs: str | None) -> str:
    """Why the two cannot have the same organizational domain, or empty if they may."""
    if mine is not None and theirs is not None:
        return f"{identifier} belongs to {theirs}, {author} to {mine}"
    if author.rpartition(".")[2] != identifier.rpartition(".")[2]:
        return f"{identifier} and {author} have no label in common at the end"
    if mine is not None and not is_within(identifier, mine):
        return f"{identifier} is not below {mine}, the organizational domain of {author}"
    if theirs is not None and not is_within(author, theirs):
        return f"{author} is not below {theirs}, the organizational domain of {identifier}"
    return ""


def is_within(domain: str, above: str) -> bool:
    """Whether a domain is another one or below it.

    >>> is_within("mail.example.com", "example.com"), is_within("badexample.com", "example.com")
    (True, False)
    """
    return domain == above or domain.endswith(f".{above}")


def psl_organizational_domain(domain: str, suffix_of: OrganizationalOf) -> str | None:
    """The organizational domain as RFC 7489 §3.2 had it: one label more than the public suffix, which ``suffix_of`` finds.

    A domain that is a public suffix is its own; None where the suffix is not known or not above the domain.

    >>> psl_organizational_domain("a.mail.example.co.uk", lambda _: "co.uk")
    'example.co.uk'
    """
    suffix = suffix_of(domain)
    if suffix is None or not is_within(domain, suffix):
        return None
    labels = domain.split(".")
    return ".".join(labels[-min(len(labels), suffix.count(".") + 2) :])
