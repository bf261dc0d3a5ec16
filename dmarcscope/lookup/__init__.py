"""Live DNS: ask, remember, and evaluate what is published."""
