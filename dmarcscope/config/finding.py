"""Where the configuration file is; apart from the rest, because every command asks, and most of them need nothing more."""

import os
from pathlib import Path

FILE_NAME = "dmarcscope.toml"
FILE_VARIABLE = "DMARCSCOPE_CONFIG"
SYSTEM = Path("/etc/dmarcscope")


def places() -> list[Path]:
    """Where a configuration file is looked for, in this order: here, in the user's folder, in the system's."""
    import platformdirs

    return [Path(FILE_NAME), platformdirs.user_config_path("dmarcscope", appauthor=False) / FILE_NAME, SYSTEM / FILE_NAME]


def find_config() -> Path | None:
    """The configuration file: that of the environment's DMARCSCOPE_CONFIG, else the first there is; None if there is none."""
    named = os.environ.get(FILE_VARIABLE)
    if named:
        return Path(named).expanduser()
    return next((path for path in places() if path.is_file()), None)
