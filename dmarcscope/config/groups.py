"""Groups of domains, as the configuration names them."""

from pathlib import Path

from dmarcscope.config.loading import load
from dmarcscope.config.models import Settings
from dmarcscope.errors import SetupError


def group_domains(name: str, config: Path | None = None) -> tuple[str, ...]:
    """The domains of a group. Raises SetupError if there is no such group, or the configuration cannot be used."""
    return group_of(load(config), name)


def group_of(settings: Settings, name: str) -> tuple[str, ...]:
    """The same, of settings that are read already."""
    if name not in settings.groups:
        known = f"There are: {', '.join(settings.groups)}" if settings.groups else "Write it into the configuration, below [groups]"
        raise SetupError(f"no group {name!r} is configured", where="--group", fix=known)
    return tuple(settings.groups[name])
