"""Lets the tests here import the fakes, and the servers that several folders of tests share."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]

sys.path[:0] = [str(TESTS), str(TESTS / "servers")]
