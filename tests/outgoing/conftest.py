"""Lets the tests here import what several folders of tests share."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "servers"), str(TESTS)]
