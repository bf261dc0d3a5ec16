"""How long to wait before the next try: twice as long each time, with jitter, so that many who wait do not come back at once."""

from random import Random


class Backoff:
    """Waits of one thing that fails: from ``first`` seconds, doubled up to ``longest``."""

    def __init__(self, first: float, longest: float, chance: Random) -> None:
        self._first = first
        self._longest = longest
        self._chance = chance
        self.failures = 0

    def failed(self) -> float:
        """Seconds to wait now: between half of the full wait and all of it."""
        wait = min(self._longest, self._first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return wait * (0.5 + self._chance.random() / 2)

    def succeeded(self) -> None:
        """Begin again."""
        self.failures = 0
