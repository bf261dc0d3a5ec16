"""How to log in to a mailbox with OAuth 2.0 (RFC 6749): the table [mailbox.NAME.oauth]."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field

from dmarcscope.config.fields import FilePath, Text, Texts, TokenUrl
from dmarcscope.config.secret import SecretSource
from dmarcscope.config.table import Flaw, Table

ANY_TENANT = ("common", "organizations", "consumers")  # Microsoft's words for «whoever it is»
WITHOUT_TOKEN = (
    "provider",
    "token_url",
    "authorize_url",
    "ca_file",
    "tenant",
    "grant",
    "client_id",
    "client_secret",
    "refresh_token",
    "scope",
)


class Mechanism(StrEnum):
    """How the token is handed to the mail server: Google's and Microsoft's own way, or RFC 7628."""

    XOAUTH2 = "xoauth2"
    OAUTHBEARER = "oauthbearer"


class Provider(StrEnum):
    """Whose accounts dmarcscope knows the addresses for."""

    GOOGLE = "google"
    MICROSOFT = "microsoft"


class Grant(StrEnum):
    """What an access token is got for (RFC 6749 §6 and §4.4)."""

    REFRESH_TOKEN = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"


class OAuth(Table):
    """How to log in with OAuth 2.0."""

    mechanism: Mechanism = Field(default=Mechanism.XOAUTH2, description="How the token is handed to the mail server.")
    provider: Provider | None = Field(default=None, description="Whose accounts these are; or name `token_url`.")
    token_url: TokenUrl | None = Field(default=None, description="The token endpoint of another provider.")
    authorize_url: TokenUrl | None = Field(
        default=None, description="Only with `token_url`: where a person logs in, for `dmarcscope mailbox login NAME`."
    )
    ca_file: FilePath | None = Field(
        default=None, description="Only with `token_url`: PEM file of the authorities that vouch for it, in place of the well-known."
    )
    tenant: Text = Field(default="common", description="Only with microsoft: the tenant, by domain or id.")
    grant: Grant = Field(
        default=Grant.REFRESH_TOKEN, description="What access tokens are got for; `client_credentials` needs a named tenant at microsoft."
    )
    client_id: Text | None = Field(default=None, description="The id of the application that you registered with the provider.")
    client_secret: SecretSource | None = Field(default=None, description="The application's secret; may be left out for `refresh_token`.")
    refresh_token: SecretSource | None = Field(
        default=None, description="The refresh token; may be left out if `dmarcscope mailbox login NAME` gets one."
    )
    scope: Texts | None = Field(default=None, description="The rights to ask for; those for IMAP at google and microsoft if left out.")
    token: SecretSource | None = Field(
        default=None,
        description="In place of all that but `mechanism`: where an access token comes from, usually a command that prints one.",
    )

    @classmethod
    def contradictions(cls, given: Mapping[str, Any], _folder: Path, /) -> Iterator[Flaw]:
        """A ready token excludes all that gets one; without it, everything that gets one is needed."""
        if "token" in given:
            for key in WITHOUT_TOKEN:
                if key in given:
                    yield Flaw(key, "does not go with token", f"Leave out either token or {key}")
            return
        yield from whose(given)
        yield from needed(given)


def whose(given: Mapping[str, Any]) -> Iterator[Flaw]:
    """Exactly one of provider and token_url; each with what is known of the other sort only."""
    if ("provider" in given) == ("token_url" in given):
        what = "names both provider and token_url" if "provider" in given else "does not tell who gives the tokens"
        yield Flaw(
            "", what, 'Write one of provider = "google", provider = "microsoft" and token_url = "https://…"; or token = { command = […] }'
        )
    for key in ("authorize_url", "ca_file"):
        if key in given and "token_url" not in given:
            yield Flaw(key, "goes only with token_url", f"Leave {key} out")
    if "tenant" in given and given.get("provider") != Provider.MICROSOFT:
        yield Flaw("tenant", 'goes only with provider = "microsoft"', "Leave it out")


def needed(given: Mapping[str, Any]) -> Iterator[Flaw]:
    """What each grant needs."""
    if "client_id" not in given:
        yield Flaw("client_id", "is missing", "Add the id of the application that you registered with the provider")
    if given.get("grant") != Grant.CLIENT_CREDENTIALS:
        return
    if given.get("provider") == Provider.GOOGLE:
        yield Flaw("grant", "google gives no mailbox to client_credentials", 'Use grant = "refresh_token"')
    if given.get("provider") == Provider.MICROSOFT and given.get("tenant", "common") in ANY_TENANT:
        yield Flaw("tenant", "must be named for client_credentials", 'Write tenant = "example.onmicrosoft.com", or the id of the tenant')
    if "client_secret" not in given:
        yield Flaw("client_secret", 'is missing: grant = "client_credentials" needs it', "Add client_secret")
    if "refresh_token" in given:
        yield Flaw("refresh_token", "does not go with client_credentials", "Leave it out")
