"""The part of the Python API that lets users ask in SQL: a connection with the tables of a store as views."""

from pathlib import Path
from typing import TYPE_CHECKING

from dmarcscope.filters import When, which

if TYPE_CHECKING:
    import duckdb


def connect(
    store_path: str | Path,
    *,
    config: str | Path | None = None,
    domain: str | None = None,
    since: When = None,
    until: When = None,
) -> "duckdb.DuckDBPyConnection":
    """A DuckDB connection with the views ``records``, ``classified``, ``reports`` and ``senders``; columns as in docs/columns.md.

    It is the user's own: use it as a context manager, or close it. It shows the store as it was when the connection was made, for a week at
    most, and cannot write to it: DuckDB may open no file and no network connection (a frame is lent by ``register``). ``domain`` (with its
    subdomains), ``since`` and ``until`` limit all four, see `dmarcscope.api.Store`; ``config`` is the configuration for the
    verdicts, without it the one that is found. Raises SetupError where there is no store, or for what cannot be meant.
    """
    from dmarcscope.ops.connect import connect as connected
    from dmarcscope.store.files import StoreFiles
    from dmarcscope.wiring import knowledge

    asked = which(domain, since, until)
    with StoreFiles(Path(store_path).expanduser()) as store:
        store.require()
        return connected(store, asked, knowledge(Path(config) if config else None))
