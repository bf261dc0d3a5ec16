"""DMARC read straight from RFC 9989, one message at a time, slowly and in plain words. It shares no line with what it is to check.

A zone is a dict from a domain to the tags of its DMARC record. What a message is, see ``Message``.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """A message as a receiver saw it: the author's domain, whether that exists, every DKIM and SPF result, and what the receiver makes of it.

    ``dkim``: pairs of domain and result. ``spf``: the MAIL FROM domain (None for a bounce), its result, the HELO name, its result.
    """

    author: str
    exists: bool
    dkim: tuple[tuple[str, str], ...]
    mail_from: str | None
    mail_from_result: str
    helo: str
    helo_result: str
    lets_through: bool = False


def names_walked(domain, zone):
    """§4.10: the names that are asked, in order, and where the walk stops."""
    # Step 1 and 2: the domain itself; if its record has psd=y or psd=n, stop.
    names = [domain]
    if zone.get(domain, {}).get("psd") in ("y", "n"):
        return names
    labels = domain.split(".")
    # Step 4: with eight or more labels, keep the seven right-most; with fewer, drop the left-most.
    labels = labels[-7:] if len(labels) >= 8 else labels[1:]
    # Step 5 to 7: until there are no more labels, or psd=n or psd=y is met.
    while labels:
        name = ".".join(labels)
        names.append(name)
        if zone.get(name, {}).get("psd") in ("y", "n"):
            break
        labels = labels[1:]
    return names


def organizational(domain, zone):
    """§4.10.2."""
    with_record = [name for name in names_walked(domain, zone) if name in zone]
    for name in with_record:
        if zone[name].get("psd") == "n":
            return name
        if zone[name].get("psd") == "y" and name != domain:
            # One label below.
            count = len(name.split(".")) + 1
            return ".".join(domain.split(".")[-count:])
    # The name with the fewest labels.
    return min(with_record, key=lambda name: len(name.split("."))) if with_record else domain


def policy_domain(author, zone):
    """§4.10.1: the author domain's own record, else that of its organizational domain, else that of the public suffix."""
    if author in zone:
        return author
    above = organizational(author, zone)
    if above in zone:
        return above
    for name in names_walked(author, zone):
        if zone.get(name, {}).get("psd") == "y":
            return name
    return None


def aligned(author, identifier, mode, zone):
    """§4.4: strict wants the same domain, relaxed the same organizational domain."""
    if mode == "s":
        return author == identifier
    return author == identifier or organizational(author, zone) == organizational(identifier, zone)


def dkim_passes(message, zone, tags):
    """§4.4.1: any one signature that passes and is aligned."""
    return any(result == "pass" and aligned(message.author, domain, tags.get("adkim", "r"), zone) for domain, result in message.dkim)


def spf_passes(message, zone, tags):
    """§4.4.2: the MAIL FROM domain; for a bounce the HELO name in its place."""
    bounce = message.mail_from is None
    domain, result = (message.helo, message.helo_result) if bounce else (message.mail_from, message.mail_from_result)
    return result == "pass" and aligned(message.author, domain, tags.get("aspf", "r"), zone)


def asked_for(message, zone):
    """§4.7: what the owner asks for if the message fails: none, quarantine or reject."""
    where = policy_domain(message.author, zone)
    if where is None:
        return "none"
    tags = zone[where]
    if message.author == where:
        policy = tags["p"]
    elif message.exists:
        policy = tags.get("sp", tags["p"])
    else:
        policy = tags.get("np", tags.get("sp", tags["p"]))
    # t=y: one level below.
    if tags.get("t") == "y":
        return {"reject": "quarantine", "quarantine": "none", "none": "none"}[policy]
    return policy


def fate(message, zone):
    """What becomes of the message at a receiver that does as it is asked, but for what it lets through."""
    where = policy_domain(message.author, zone)
    if where is None or dkim_passes(message, zone, zone[where]) or spf_passes(message, zone, zone[where]):
        return "delivered"
    policy = asked_for(message, zone)
    if policy == "none":
        return "delivered"
    if message.lets_through:
        return "overridden"
    return {"quarantine": "quarantined", "reject": "rejected"}[policy]
