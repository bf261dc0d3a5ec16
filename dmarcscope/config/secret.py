"""A secret in the configuration: told by where it comes from."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ModelWrapValidatorHandler, SecretStr, ValidationInfo, model_validator

from dmarcscope.config.fields import Command, FilePath, Text, Variable
from dmarcscope.config.table import Flaw, Table, refusal
from dmarcscope.intake.credentials import Secret

WAYS = ("env", "file", "command", "keyring", "clear")
SHOWN_WAYS = (
    '{ env = "NAME" }, { file = "PATH" }, { command = ["PROGRAM", "WORD"] } or { keyring = "SERVICE" }; '
    '{ clear = "…" } is for those who insist on having it in this file'
)


class SecretSource(Table):
    """Where a secret comes from: exactly one of env, file, command, keyring and clear."""

    env: Variable | None = Field(default=None, description="The environment variable that holds it.")
    file: FilePath | None = Field(
        default=None, description="The file that holds it, alone; its owner only may have rights on it (chmod 600)."
    )
    command: Command | None = Field(
        default=None, description="The command whose first printed line it is, as a list of words; no shell, at most 30 seconds."
    )
    keyring: Text | None = Field(
        default=None, description="The service name in the system keyring; needs `pip install 'dmarcscope[keyring]'`."
    )
    user: Text | None = Field(default=None, description="Only with `keyring`: the user name there; the mailbox's `user` if left out.")
    clear: SecretStr | None = Field(default=None, description="The secret itself, for those who insist; `config check` warns of it.")

    @model_validator(mode="wrap")
    @classmethod
    def no_bare_text(cls, given: Any, handler: ModelWrapValidatorHandler[Self], _info: ValidationInfo) -> Self:
        """A secret written as it is gets an answer that shows the ways, and does not repeat it."""
        if isinstance(given, str):
            raise refusal("must tell where the secret comes from, not be the secret itself", f"Write {SHOWN_WAYS}")
        return handler(given)

    @classmethod
    def contradictions(cls, given: Mapping[str, Any], _folder: Path, /) -> Iterator[Flaw]:
        """Exactly one way; a user only for the keyring."""
        named = [way for way in WAYS if given.get(way) is not None]
        if not named:
            yield Flaw("", "does not tell where the secret comes from", f"Write {SHOWN_WAYS}")
        if len(named) > 1:
            yield Flaw("", f"tells of {len(named)} places that the secret comes from: {', '.join(named)}", "Leave one")
        if "user" in given and "keyring" not in given:
            yield Flaw("user", "goes only with keyring", "Leave it out")

    def secret(self, user: str) -> Secret:
        """The secret, to be revealed when it is needed; the user is whom the keyring is asked for unless it names another."""
        return Secret(
            env=self.env,
            file=self.file,
            command=self.command,
            keyring=self.keyring,
            user=(self.user or user) if self.keyring else None,
            clear=self.clear.get_secret_value() if self.clear else None,
        )
