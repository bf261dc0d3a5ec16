"""How the mail that brought a report authenticated, as a host that the operator trusts says in Authentication-Results (RFC 8601)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MailOrigin:
    """Whom the mail names as its author, and whether that is true.

    ``author_domain``: the domain of RFC5322.From as a lower-case A-label; None if it is absent, unreadable or not one.
    ``authserv_id``: the trusted host that spoke, as the operator wrote it ("" for one without a name); None if none did.
    ``verified``: True if the author's domain is authenticated; False if a trusted host looked and it is not; None if no
    trusted host spoke, or it could not tell (temperror, nothing checked, a field that cannot be believed whole).
    ``reason``: one plain sentence with the evidence.
    """

    author_domain: str | None
    authserv_id: str | None
    verified: bool | None
    reason: str
