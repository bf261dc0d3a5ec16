"""What is kept: raw bytes (spool), what became of them (ledger), the record table, and the engine that reads it."""

from pathlib import Path

DEFAULT_STORE = Path("dmarcscope-store")
"""The store's folder, unless somebody names another."""
