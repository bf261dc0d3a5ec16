"""Answers as people and machines read them: terminal tables, CSV, JSON, parquet."""
