"""Find the configuration file, read it, and make settings of it and of the environment."""

import os
from pathlib import Path

from dmarcscope.config.finding import FILE_NAME, find_config
from dmarcscope.config.models import Settings
from dmarcscope.config.problems import Problem, checked
from dmarcscope.errors import SetupError

STORE_VARIABLE = "DMARCSCOPE_STORE"
LARGEST = 1024 * 1024  # bytes; a thousand mailboxes take a third of it
TOLD = 3  # problems told in one error; `config check` tells all


def load(path: Path | None = None) -> Settings:
    """The settings of a file, of the one that is found, or the defaults; the environment's DMARCSCOPE_STORE goes before the file.

    Raises SetupError with the problems if the file cannot be read or used.
    """
    file = path or find_config()
    store = os.environ.get(STORE_VARIABLE)
    replaced = {"store": str(Path(store).expanduser().absolute())} if store else {}
    made = checked(read(file) if file else "", file or Path(FILE_NAME), replaced)
    if isinstance(made, list):
        raise not_usable(made, file or Path(f"the environment's {STORE_VARIABLE}"))
    return made


def read(path: Path) -> str:
    """The text of a configuration file. Raises SetupError if it cannot be read, is too large or no UTF-8."""
    try:
        with path.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise SetupError("no such configuration file", where=str(path), fix="Write one with: dmarcscope config init") from error
    except OSError as error:
        raise SetupError(f"cannot be read ({error.strerror or error})", where=str(path), fix="Name a file that you may read") from error
    if len(data) > LARGEST:
        raise SetupError(f"more than {LARGEST >> 20} MiB, which is no configuration", where=str(path), fix="Name another file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SetupError("is no UTF-8 text", where=f"{path}:{line}", fix="Save it as UTF-8") from error


def not_usable(found: list[Problem], path: Path) -> SetupError:
    """The error that tells the first problems of a file."""
    first, *others = found
    also = [f"line {problem.line}: {problem}" for problem in others[: TOLD - 1]]
    if len(found) > TOLD:
        also.append(f"{len(found) - TOLD} more; dmarcscope config check shows all")
    what = f"{first.key}: {first.what}" if first.key else first.what
    fix = "; also ".join([first.fix, *also]) if also else first.fix
    return SetupError(what, where=f"{path}:{first.line}", fix=fix)
