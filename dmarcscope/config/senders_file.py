"""Where the owner's list of senders lies."""

from pathlib import Path

from dmarcscope.config.finding import find_config
from dmarcscope.config.loading import load

SENDERS_NAME = "senders.yaml"


def senders_file(named: Path | None = None, config: Path | None = None) -> Path:
    """The list that is named; else the configured one; else `senders.yaml` beside the configuration if it is there, else here.

    It need not be there. Raises SetupError if the configuration cannot be used.
    """
    if named is not None:
        return named.expanduser()
    file = config.expanduser() if config is not None else find_config()
    configured = load(file).senders.list if file is not None else None
    if configured is not None:
        return configured
    beside = file.parent / SENDERS_NAME if file is not None else None
    return beside if beside is not None and beside.is_file() else Path(SENDERS_NAME)
