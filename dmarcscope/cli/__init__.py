"""The command line: it reads what is typed, calls a verb, and shows the answer."""
