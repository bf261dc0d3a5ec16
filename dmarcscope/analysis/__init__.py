"""Facts to judgements: pure functions that say what published records and reported results come to."""
