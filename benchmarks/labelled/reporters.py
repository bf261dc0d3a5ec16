"""Who reports, and the habits of each: what is left out, which words are used, and which overrides are told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NO_REASONS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reporter:
    """One reporter; ``weight`` is its share of all mail in percent.

    ``signatures`` tells which DKIM results it writes: all, passing, first or none. ``keyless`` is its word for a signature whose key is
    gone. ``overrides`` are the chances that it tells of what it knows (`arc` is `local_policy` with `arc=pass`), ``mistakes`` that it
    tells so of mail of which it is not true. ``unknown`` is the share of envelopes that it writes as `unknown`.
    """

    name: str
    weight: float
    signatures: str = "all"
    selectors: bool = True
    spf: bool = True
    scope: bool = True
    envelope_from: bool = True
    envelope_to: bool = False
    keyless: str = "permerror"
    overrides: Mapping[str, float] = field(default_factory=lambda: NO_REASONS)
    mistakes: float = 0.0
    unknown: float = 0.0
    hour: int = 0


REPORTERS = (
    Reporter(
        "mammoth-mail.example",
        38,
        envelope_from=False,
        overrides={"arc": 0.5, "mailing_list": 0.2, "forwarded": 0.3},
        mistakes=0.001,
        keyless="neutral",
    ),
    Reporter("outpost.example", 24, envelope_to=True, overrides={"arc": 0.25, "trusted_forwarder": 0.2}, keyless="fail"),
    Reporter("yonder.example", 11, envelope_from=False, overrides={"arc": 0.3, "mailing_list": 0.3}),
    Reporter("gatekeeper.example", 7, envelope_to=True, overrides={"trusted_forwarder": 0.6, "mailing_list": 0.4}, hour=7),
    Reporter("postal-union.example", 5, signatures="first", keyless="fail"),
    Reporter("fastcourier.example", 4, scope=False, overrides={"forwarded": 0.5}),
    Reporter("ringmail.example", 3, selectors=False, scope=False),
    Reporter("freepost.example", 2.5, signatures="passing", unknown=0.1),
    Reporter("nordmail.example", 2, overrides={"mailing_list": 0.7, "arc": 0.6}),
    Reporter("campus.example", 1.5, spf=False, envelope_from=False, overrides={"mailing_list": 0.3}),
    Reporter("alpine-isp.example", 1.2, signatures="none", hour=22),
    Reporter("islandnet.example", 0.8, keyless="temperror", unknown=0.05, scope=False),
)
ENTERPRISE = frozenset({"outpost.example", "gatekeeper.example"})
"""Those whose customers have a gateway of another service in front."""
