"""The settings as they may be shown: complete, each secret only by where it comes from."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from dmarcscope.config.fields import NameServer, Server, duration_text
from dmarcscope.config.loading import STORE_VARIABLE
from dmarcscope.config.mailing import Smtp
from dmarcscope.config.models import Mailbox, Settings
from dmarcscope.config.secret import SecretSource
from dmarcscope.config.table import Table


def as_dict(settings: Settings) -> dict[str, Any]:
    """The settings as JSON knows them; a span is its text, a secret its place («env DMARC_PASSWORD»)."""
    return table_as_dict(settings, "")


def rows(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Every key that has a value: its path, the value as text, and who says so (file, default or the environment)."""
    for name, value, origin in leaves(settings, ""):
        by_environment = name == "store" and os.environ.get(STORE_VARIABLE)
        yield name, as_text(value), "environment" if by_environment else origin


def leaves(table: Table, user: str, prefix: str = "", origin: str = "") -> Iterator[tuple[str, Any, str]]:
    """Every key below a table with its value."""
    user = (table.user or user) if isinstance(table, Mailbox | Smtp) else user
    for key in type(table).model_fields:
        value = getattr(table, key)
        said = origin or ("file" if key in table.model_fields_set else "default")
        below = value if isinstance(value, dict) else {"": value}
        for name, inner in below.items():
            path = f"{prefix}{key}.{name}".rstrip(".")
            if isinstance(inner, Table) and not isinstance(inner, SecretSource):
                yield from leaves(inner, user, f"{path}.", "default" if said == "default" else "")
            elif inner is not None:
                yield path, plain(inner, user), said


def table_as_dict(table: Table, user: str) -> dict[str, Any]:
    """A table with all that is below it."""
    user = (table.user or user) if isinstance(table, Mailbox | Smtp) else user
    shown: dict[str, Any] = {}
    for key in type(table).model_fields:
        value = getattr(table, key)
        shown[key] = {name: plain(inner, user) for name, inner in value.items()} if isinstance(value, dict) else plain(value, user)
    return shown


def plain(value: Any, user: str) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, SecretSource):
        return value.secret(user).described()
    if isinstance(value, Table):
        return table_as_dict(value, user)
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, tuple):
        return [plain(item, user) for item in value]
    return str(value) if isinstance(value, str | Path | Server | NameServer) else value


def as_text(value: Any) -> str:
    """A plain value for people."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return str(value).lower() if isinstance(value, bool) else str(value)
