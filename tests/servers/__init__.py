"""Real servers on loopback for the tests of what speaks to the outside."""
