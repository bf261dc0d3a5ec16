"""What a record and its source have to say about who sent it: the facts that a verdict rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dmarcscope.model.network import Network


class Signature(NamedTuple):
    """A DKIM result as reported."""

    domain: str | None
    selector: str | None
    result: str | None


class SpfResult(NamedTuple):
    """An SPF result as reported."""

    domain: str | None
    scope: str | None
    result: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What reporters say of records that are alike but for their source, reporter and day. Domains are A-labels in lower case.

    ``reasons`` are the types of override reasons; one whose comment tells of a passed ARC chain is `local_policy arc`.
    """

    header_from: str | None
    dkim_aligned: bool | None
    spf_aligned: bool | None
    dkim: tuple[Signature, ...] = ()
    spf: tuple[SpfResult, ...] = ()
    reasons: tuple[str, ...] = ()


class Authorised(NamedTuple):
    """That today's SPF of a domain lets a source send: the term that matched, and the domains of the includes on the way to it."""

    term: str
    includes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of an address beside the reports. ``ptr_confirmed`` is None where nobody asked for its name.

    ``authorised_by``: the domains whose SPF of today passes for it, as far as that was asked.
    """

    ip: str | None
    ptr_name: str | None = None
    ptr_confirmed: bool | None = None
    network: Network | None = None
    authorised_by: Mapping[str, Authorised] = field(default_factory=dict)
