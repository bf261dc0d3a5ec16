"""What the DNS says today of a line of `sources`, in few words; a domain that goes without saying is left out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from dmarcscope.present.wording import safe

NAME_WIDTH, DOMAIN_WIDTH = 32, 28
SHOWN = 2
"""Results that are shown of one line; the rest is a number."""
GOOD = {"pass", "usable"}
ORDER = ("permerror", "fail", "softfail", "neutral", "none", "pass", "missing", "revoked", "unusable", "several", "testing", "usable")
"""What stands first: what somebody may want to do something about."""


def name(row: Mapping[str, Any]) -> str:
    """The name of a source, with a mark if it does not lead back to the address.

    >>> name({"ptr_name": "mail.example.com", "ptr_confirmed": False})
    'mail.example.com ?'
    """
    if not row.get("ptr_name"):
        return ""
    return safe(row["ptr_name"], NAME_WIDTH) + ("" if row["ptr_confirmed"] else " ?")


def name_style(row: Mapping[str, Any]) -> str:
    """A name that does not lead back may be anybody's."""
    return "" if row.get("ptr_confirmed") else "yellow"


def spf(row: Mapping[str, Any], domain: str | None) -> str:
    """What SPF says, domain by domain.

    >>> spf({"spf_today": [{"domain": "a.example", "result": "pass"}, {"domain": "example.com", "result": "fail"}]}, "example.com")
    'fail, pass a.example'
    """
    found = row.get("spf_today") or []
    ours = [one for one in found if is_ours(one["domain"], domain)]
    results = dict.fromkeys(one["result"] for one in by_order(ours, "result"))
    others = [f"{one['result']} {safe(one['domain'], DOMAIN_WIDTH)}" for one in found if one not in ours]
    return shortened([*results, *others])


def spf_style(row: Mapping[str, Any], domain: str | None) -> str:
    """Green where the owner's domain, or else any, authorises the source; red where its record is broken."""
    found = row.get("spf_today") or []
    ours = [one["result"] for one in found if is_ours(one["domain"], domain)] or [one["result"] for one in found]
    if "permerror" in ours:
        return "red"
    return "green" if "pass" in ours else "yellow" if ours else ""


def keys(row: Mapping[str, Any]) -> str:
    """The states of the keys: those that are not good by their names, the others by their number.

    >>> keys({"dkim_today": [{"selector": "a", "state": "usable"}, {"selector": "b", "state": "missing"}]})
    'missing b, usable'
    """
    found = by_order(row.get("dkim_today") or [], "state")
    bad = [f"{one['state']} {safe(one['selector'], DOMAIN_WIDTH)}" for one in found if one["state"] not in GOOD]
    good = Counter(one["state"] for one in found if one["state"] in GOOD)
    return shortened([*bad, *(state if count == 1 else f"{count} {state}" for state, count in good.items())])


def keys_style(row: Mapping[str, Any]) -> str:
    """Red where a key is not there or of no use."""
    states = {one["state"] for one in row.get("dkim_today") or []}
    return "" if not states else "green" if states <= GOOD else "red"


def is_ours(found: str, domain: str | None) -> bool:
    """Whether a domain is the one that was asked for, or below it."""
    return domain is not None and (found == domain or found.endswith(f".{domain}"))


def by_order(found: Sequence[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
    """What somebody may want to do something about first."""
    return sorted(found, key=lambda one: ORDER.index(one[key]) if one[key] in ORDER else len(ORDER))


def shortened(parts: Sequence[str]) -> str:
    """The first of the parts, and how many more there are."""
    rest = len(parts) - SHOWN
    return ", ".join(parts[:SHOWN]) + (f" +{rest}" if rest > 0 else "")
