"""How long is waited: a table of failures in a row, each with its bounds."""

from random import Random

import pytest

from dmarcscope.ops.backoff import Backoff


class Fixed(Random):
    """Chance that always falls the same way."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self._value = value

    def random(self) -> float:
        return self._value


@pytest.mark.parametrize(
    ("failures", "least", "most", "why"),
    [
        (0, 0.5, 1, "the first wait is short"),
        (1, 1, 2, "twice as long"),
        (2, 2, 4, "and again"),
        (5, 16, 32, "and so on"),
        (6, 30, 60, "up to the longest"),
        (1_000_000, 30, 60, "however often it fails"),
    ],
)
def test_waits(failures: int, least: float, most: float, why: str) -> None:
    for chance, expected in ((0.0, least), (1.0, most)):
        backoff = Backoff(1, 60, Fixed(chance))
        backoff.failures = failures
        assert backoff.failed() == expected, why
        assert backoff.failures == failures + 1


def test_success_begins_again() -> None:
    backoff = Backoff(1, 60, Random(1))
    for _ in range(10):
        backoff.failed()
    backoff.succeeded()
    assert backoff.failed() <= 1


def test_many_who_wait_do_not_come_back_together() -> None:
    chance = Random(1)
    waits = {Backoff(10, 60, chance).failed() for _ in range(100)}
    assert len(waits) == 100
    assert max(waits) - min(waits) > 3
