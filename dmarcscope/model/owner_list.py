"""The owner's own list of senders (`senders.yaml`): who is ours, who is not, and what is expected of them. It beats every rule."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network


class Label(StrEnum):
    """What the owner says of a sender."""

    OURS = "ours"
    NOT_OURS = "not ours"
    FORWARDER = "forwarder"
    MAILING_LIST = "mailing list"


@dataclass(frozen=True, slots=True)
class KnownBy:
    """By what a listed sender is known; any one of them is enough. Each domain stands for itself and all below it."""

    addresses: tuple[IPv4Network | IPv6Network, ...] = ()
    ptr_suffixes: tuple[str, ...] = ()
    dkim_domains: tuple[str, ...] = ()
    spf_domains: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether it says nothing: the sender is then known by its name alone, as the catalogue or the evidence gives it."""
        return not (self.addresses or self.ptr_suffixes or self.dkim_domains or self.spf_domains)


@dataclass(frozen=True, slots=True)
class ListedSender:
    """One entry. ``expected`` is from–to messages a week; ``domains`` limits it to these author domains and those below, if any.

    ``line`` is where it stands in the file; 0: in none.
    """

    name: str
    label: Label
    owner: str = ""
    purpose: str = ""
    expected: tuple[int, int] | None = None
    review: date | None = None
    domains: tuple[str, ...] = ()
    known_by: KnownBy = KnownBy()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class OwnerList:
    """All entries in the order of the file, in which the first that fits counts; ``path`` is empty where there is no file."""

    senders: tuple[ListedSender, ...] = ()
    path: str = ""
