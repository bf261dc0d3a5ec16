"""Groups of domains, as the configuration names them."""

from pathlib import Path

from dmarcscope.config.loading import load
from dmarcscope.errors import SetupError


def group_domains(name: str, config: Path | None = None) -> tuple[str, ...]:
    """The domains of a group. Raises SetupError if there is no such group, or the configuration cannot be used."""
    groups = load(config).groups
    if name not in groups:
        known = f"There are: {', '.join(groups)}" if groups else "Write it into the configuration, below [groups]"
        raise SetupError(f"no group {name!r} is configured", where="--group", fix=known)
    return tuple(groups[name])
