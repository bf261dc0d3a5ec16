"""What to publish so that reports about a domain arrive: the lines, and whether they are there already."""

from dataclasses import dataclass
from enum import StrEnum


class SetupState(StrEnum):
    """What there is of a plan in the DNS."""

    LIVE = "live"
    NOT_YET = "not-yet"
    COULD_NOT_ASK = "could-not-ask"


@dataclass(frozen=True, slots=True)
class SetupLine:
    """A TXT record to publish at ``name``.

    ``owner`` is the domain whose DNS it belongs in. ``before`` is the text that it replaces, None where there is none. ``is_live`` is
    None where that could not be asked.
    """

    name: str
    text: str
    owner: str
    before: str | None
    is_live: bool | None


@dataclass(frozen=True, slots=True)
class SetupPlan:
    """The lines to publish, none where nothing can be proposed.

    ``why`` are sentences about what was found and done; ``instead`` is another record that would do, for a subdomain whose policy is
    inherited. ``unknown`` says what could not be asked.
    """

    domain: str
    lines: tuple[SetupLine, ...]
    why: tuple[str, ...]
    instead: SetupLine | None
    unknown: tuple[str, ...]

    @property
    def state(self) -> SetupState:
        """Live if every line is; could not ask if that is not known of one, and none is known to be missing."""
        if any(line.is_live is False for line in self.lines) or not (self.lines or self.unknown):
            return SetupState.NOT_YET
        return SetupState.COULD_NOT_ASK if self.unknown or any(line.is_live is None for line in self.lines) else SetupState.LIVE
