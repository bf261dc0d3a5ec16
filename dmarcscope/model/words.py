"""The closed word lists of aggregate reports (RFC 9990 appendix A; RFC 7489 appendix C), as StrEnums.

A list holds what a standard defines. What reporters write beside it stays as they wrote it, next to a defect.
"""

from enum import StrEnum


class Dialect(StrEnum):
    """Which standard a report follows, told by its namespace, version and fields together."""

    RFC9990 = "rfc9990"
    RFC7489 = "rfc7489"
    DRAFT = "draft"


class Disposition(StrEnum):
    """What the receiver did (RFC 9990 ActionDispositionType; ``pass`` is new there)."""

    NONE = "none"
    PASS = "pass"
    QUARANTINE = "quarantine"
    REJECT = "reject"


class Policy(StrEnum):
    """What the owner asks for in ``p``, ``sp`` and ``np``."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


class DkimResult(StrEnum):
    """RFC 8601 §2.7.1."""

    NONE = "none"
    PASS = "pass"
    FAIL = "fail"
    POLICY = "policy"
    NEUTRAL = "neutral"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class SpfResult(StrEnum):
    """RFC 8601 §2.7.2."""

    NONE = "none"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    POLICY = "policy"
    NEUTRAL = "neutral"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class SpfScope(StrEnum):
    """RFC 7489 SPFDomainScope; RFC 9990 keeps only ``mfrom``."""

    HELO = "helo"
    MFROM = "mfrom"


class ReasonType(StrEnum):
    """Why a receiver did not do what the policy asks (RFC 7489 and RFC 9990 PolicyOverrideType)."""

    FORWARDED = "forwarded"
    SAMPLED_OUT = "sampled_out"
    TRUSTED_FORWARDER = "trusted_forwarder"
    MAILING_LIST = "mailing_list"
    LOCAL_POLICY = "local_policy"
    OTHER = "other"
    POLICY_TEST_MODE = "policy_test_mode"
