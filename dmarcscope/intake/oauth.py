"""What an application is at a token service (RFC 6749): where it asks, what for, and as whom.

Google: an OAuth client of the kind «desktop app» has a secret and may be redirected to any port of 127.0.0.1.
Microsoft: an application with the redirect «http://localhost» under «mobile and desktop applications» has no secret; one that signs in as
itself (client credentials) has one, and its access to the mailbox is granted in Exchange.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from dmarcscope.errors import SetupError

Secret = Callable[[], str]
"""Gives a secret when it is needed; a function, so that no secret is kept longer, or shown by a repr."""
Grant = Literal["refresh_token", "client_credentials"]
PATIENCE = 15.0
"""Seconds that a token service may take for its answer; the usual is under one."""
LONGEST_SHOWN = 300
"""Characters of a server's own words that a message holds: Microsoft's explanation, without its trace, fits."""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """One application at one token service.

    ``authorize_url`` is where a person logs in, empty if nobody can; ``redirect`` is where the browser goes then, with «{port}» in it.
    ``client_secret`` is None for an application that has none. ``ca_file`` is the authority that signed the service's certificate, if it is
    none of the well-known. ``patience`` is in seconds. Raises SetupError for an address that is not https.
    """

    token_url: str
    authorize_url: str
    client_id: str
    client_secret: Secret | None = field(repr=False)
    scope: tuple[str, ...]
    grant: Grant = "refresh_token"
    ca_file: Path | None = None
    redirect: str = "http://127.0.0.1:{port}/"
    patience: float = PATIENCE

    def __post_init__(self) -> None:
        for address in filter(None, (self.token_url, self.authorize_url)):
            check_https(address)


def google(client_id: str, client_secret: Secret | None, *, ca_file: Path | None = None) -> OAuthClient:
    """An application at Google, for Gmail and Google Workspace.

    >>> google("1-a.apps.googleusercontent.com", None).scope
    ('https://mail.google.com/',)
    """
    return OAuthClient(
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106 (an address)
        # Google gives a refresh token only for offline access, and to those who consented before only if they are asked again.
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth?access_type=offline&prompt=consent",
        client_id=client_id,
        client_secret=client_secret,
        scope=("https://mail.google.com/",),
        ca_file=ca_file,
    )


MICROSOFT_SCOPES: dict[Grant, tuple[str, ...]] = {
    "refresh_token": ("https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"),
    "client_credentials": ("https://outlook.office365.com/.default",),
}


def microsoft(
    tenant: str, client_id: str, client_secret: Secret | None, *, grant: Grant = "refresh_token", ca_file: Path | None = None
) -> OAuthClient:
    """An application at Microsoft, for Microsoft 365; the tenant is its id or one of its domains.

    >>> microsoft("example.org", "1234", None).token_url
    'https://login.microsoftonline.com/example.org/oauth2/v2.0/token'
    """
    endpoints = f"https://login.microsoftonline.com/{quote(tenant, safe='')}/oauth2/v2.0"
    return OAuthClient(
        token_url=f"{endpoints}/token",
        authorize_url=f"{endpoints}/authorize",
        client_id=client_id,
        client_secret=client_secret,
        scope=MICROSOFT_SCOPES[grant],
        grant=grant,
        ca_file=ca_file,
        # Without a path, as it is registered: Microsoft lets the port differ, and nothing else.
        redirect="http://localhost:{port}",
    )


def check_https(address: str) -> None:
    """Raise SetupError unless the address is one of https.

    >>> check_https("http://127.0.0.1:8080/token")
    Traceback (most recent call last):
    dmarcscope.errors.SetupError: http://127.0.0.1:8080/token: secrets go there, so use https. Write https://…, with ca_file if needed
    """
    try:
        parts = urlsplit(address)
        sound = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an address in brackets that is none
        sound = False
    if not sound:
        what = "secrets go there, so use https"
        raise SetupError(what, where=printable(address), fix="Write https://…, with ca_file if needed")


def printable(words: str, *hidden: str) -> str:
    """A server's words on one line, without what a terminal would obey and without the secrets, not too long.

    >>> printable("AADSTS70000: expired\\r\\n\\x1b[31mfor s3cret", "s3cret")
    'AADSTS70000: expired [31mfor …'
    """
    for secret in filter(None, hidden):
        words = words.replace(secret, "…")
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in words[: LONGEST_SHOWN * 4]).split())
    return line if len(line) <= LONGEST_SHOWN else line[: LONGEST_SHOWN - 1] + "…"


def is_token(value: object) -> bool:
    """Is it a token that can be sent: visible ASCII (RFC 6749 appendix A.12), so that nothing else can be smuggled along?

    >>> is_token("ya29.A0"), is_token("a b"), is_token(""), is_token(7)
    (True, False, False, False)
    """
    return isinstance(value, str) and value != "" and value.isascii() and value.isprintable() and " " not in value
