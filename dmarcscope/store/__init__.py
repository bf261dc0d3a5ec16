"""What is kept: raw bytes (spool), what became of them (ledger), the record table, and the engine that reads it."""
