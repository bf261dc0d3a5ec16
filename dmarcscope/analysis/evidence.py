"""What the results of a record come to: which identities passed, whose they are, and what failed. (RFC 9989 §4.4; RFC 6376, RFC 7208.)

An authentication that failed is told apart from one that passed for another domain: the first says nothing about who sent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dmarcscope.align.alignment import OrganizationalOf
from dmarcscope.model.evidence import Evidence, Signature, SpfResult

PASS, HELO = "pass", "helo"
UNSIGNED = frozenset({None, "none"})
"""Results that tell of no signature, or of nothing."""
OVERRIDES = {
    "local_policy arc": "arc",
    "mailing_list": "mailing-list",
    "trusted_forwarder": "trusted-forwarder",
    "forwarded": "forwarded",
}
"""Receivers' reasons for not following the policy that say how a message came (RFC 9990 §3.1.1.13); «local_policy» alone says nothing."""
LIST_WORDS = frozenset({"list", "lists", "lst", "mailman", "mailinglist", "mailinglists", "listserv", "listes", "liste", "listas", "lista"})
LIST_WORDS |= {"sympa", "majordomo", "groups", "googlegroups", "mlmmj", "ml", "mlist"}
"""Labels of names that mailing lists bear."""

Key = tuple[str, str | None]
"""A domain and a selector that signed."""


@dataclass(frozen=True, slots=True)
class Identities:
    """The identities of a record, sorted by what became of them and by whose they are.

    ``author`` is the author's organizational domain; «own» is what lies within it, «other» what does not.
    ``spf_domain`` is the domain that SPF was asked about: that of MAIL FROM, else of HELO (RFC 9989 §4.4.2); ``spf_organization`` is the
    organizational domain of another that SPF passed for.
    """

    header_from: str | None
    author: str | None
    dkim_aligned: bool
    spf_aligned: bool
    own_passed: tuple[Key, ...]
    own_failed: tuple[Key, ...]
    other_passed: tuple[Key, ...]
    other_failed: tuple[Key, ...]
    spf_domain: str | None
    spf_result: str | None
    spf_own: bool
    spf_helo: bool
    spf_organization: str | None
    override: str

    @property
    def passes(self) -> bool:
        """Whether DMARC passes, as the receiver saw it."""
        return self.dkim_aligned or self.spf_aligned

    @property
    def dkim_state(self) -> str:
        """What DKIM does for the author: `aligned`, `failing` (a key of the author's does not pass), `other` (only another domain's
        signature passes), or `missing`.
        """
        if self.dkim_aligned:
            return "aligned"
        return "failing" if self.own_failed else "other" if self.other_passed else "missing"

    @property
    def spf_state(self) -> str:
        """What SPF does for the author: `aligned`, `own-` with the result for a domain of the author's, `other` (it passes or fails for
        another domain), or `missing`.
        """
        if self.spf_aligned:
            return "aligned"
        if self.spf_domain is None:
            return "missing"
        return f"own-{self.spf_result or 'unknown'}" if self.spf_own else "other"

    @property
    def spf_passed(self) -> str | None:
        """The domain that SPF passed for."""
        return self.spf_domain if self.spf_result == PASS else None

    @property
    def spf_other(self) -> str | None:
        """The domain of another that SPF passed for as an envelope sender; HELO is a host's own name, not that of the mail."""
        return None if self.spf_own or self.spf_helo else self.spf_passed

    @property
    def nothing_passed(self) -> bool:
        """Whether no identity at all was authenticated."""
        return not (self.own_passed or self.other_passed or self.spf_passed or self.passes)


def identities(evidence: Evidence, organizational_of: OrganizationalOf) -> Identities:
    """Sort the results of a record."""
    author = organizational_of(evidence.header_from) if evidence.header_from else None
    is_own = within(author, organizational_of)
    own = [one for one in evidence.dkim if is_own(one.domain)]
    other = [one for one in evidence.dkim if one.domain and not is_own(one.domain)]
    spf = counting(evidence.spf)
    spf_own = bool(spf and is_own(spf.domain))
    spf_other = spf.domain if spf and spf.result == PASS and not spf_own and spf.scope != HELO else None
    return Identities(
        header_from=evidence.header_from,
        author=author,
        dkim_aligned=bool(evidence.dkim_aligned),
        spf_aligned=bool(evidence.spf_aligned),
        own_passed=keys(own, passed),
        own_failed=keys(own, failed),
        other_passed=keys(other, passed),
        other_failed=keys(other, failed),
        spf_domain=spf.domain if spf else None,
        spf_result=spf.result if spf else None,
        spf_own=spf_own,
        spf_helo=bool(spf and spf.scope == HELO),
        spf_organization=organizational_of(spf_other) if spf_other else None,
        override=override(evidence.reasons),
    )


def within(author: str | None, organizational_of: OrganizationalOf) -> Callable[[str | None], bool]:
    """Whether a domain has the same organizational domain as the author's."""
    return lambda domain: bool(author and domain and (domain == author or organizational_of(domain) == author))


def passed(one: Signature) -> bool:
    """Whether a signature passed."""
    return one.result == PASS


def failed(one: Signature) -> bool:
    """Whether there was a signature that did not pass, for whatever reason: `fail`, `neutral`, `permerror`, `temperror` or `policy`."""
    return one.result != PASS and one.result not in UNSIGNED


def keys(signatures: Iterable[Signature], which: Callable[[Signature], bool]) -> tuple[Key, ...]:
    """The domains and selectors of some signatures, each once."""
    return tuple(dict.fromkeys((one.domain, one.selector) for one in signatures if one.domain and which(one)))


def counting(results: Iterable[SpfResult]) -> SpfResult | None:
    """The SPF result that counts: that of MAIL FROM, one that passed before others; HELO only where there is no other."""
    # Some reporters write a word such as «unknown» for an envelope that they do not tell.
    every = [one for one in results if one.domain and "." in one.domain]
    ranked = sorted(every, key=lambda one: (one.scope == HELO, one.result != PASS))
    return ranked[0] if ranked else None


def override(reasons: Iterable[str]) -> str:
    """What the receiver's reasons say of the way of a message, empty if nothing; what is most telling comes first."""
    given = set(reasons)
    return next((word for reason, word in OVERRIDES.items() if reason in given), "")


def is_list_name(*names: str | None) -> bool:
    """Whether a name bears a label that mailing lists bear.

    >>> is_list_name("lists.example.net"), is_list_name("blacklist.example.net")
    (True, False)
    """
    return any(LIST_WORDS.intersection(name.split(".")[:-1]) for name in names if name)
