"""The record table: its columns, how reports become lines, and the questions asked of it."""
