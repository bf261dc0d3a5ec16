"""A sender: the service or system behind sources, and the facts by which it is known (`enrich/catalogue.toml`)."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a service is for."""

    MAILBOX_PROVIDER = "mailbox-provider"
    MARKETING = "marketing"
    TRANSACTIONAL = "transactional"
    CRM = "crm"
    HELP_DESK = "help-desk"
    BILLING = "billing"
    HR = "hr"
    SHOP = "shop"
    SURVEY = "survey"
    EVENTS = "events"
    SOCIAL = "social"
    EDUCATION = "education"
    GOVERNMENT = "government"
    MONITORING = "monitoring"
    COLLABORATION = "collaboration"
    SECURITY_GATEWAY = "security-gateway"
    HOSTING = "hosting"
    CLOUD = "cloud"
    ISP = "isp"
    FORWARDER = "forwarder"
    MAILING_LIST = "mailing-list"
    OTHER = "other"


class Aligning(StrEnum):
    """Whether a service can be made to sign, or to bounce, as the customer's own domain."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sender:
    """A service in the catalogue. Domains are lower-case A-labels without a final dot; each stands for itself and all below it.

    A selector alone names nobody: many services have customers publish `k1` or `s1`. Records are lines to publish at the customer's
    domain, as «host TYPE value», where <…> is what only the customer's account tells.
    """

    name: str
    kind: Kind
    dkim_domains: tuple[str, ...] = ()  # its own, that sign (d=)
    dkim_selectors: tuple[str, ...] = ()  # that customers publish at their own domain
    dkim_targets: tuple[str, ...] = ()  # where those selectors' CNAMEs lead
    spf_domains: tuple[str, ...] = ()  # that customers include
    return_path_domains: tuple[str, ...] = ()  # its own, in envelope senders
    ptr_suffixes: tuple[str, ...] = ()  # of the names of its hosts
    asns: tuple[int, ...] = ()  # networks that are its alone
    dkim: Aligning = Aligning.UNKNOWN
    dkim_records: tuple[str, ...] = ()
    return_path: Aligning = Aligning.UNKNOWN
    return_path_records: tuple[str, ...] = ()
    documentation: str = ""  # address
    fix: str = ""  # one or two sentences: how to make it pass
    read: tuple[str, ...] = ()  # where the facts were read


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Senders by name, each name once, and the version of the facts (a date)."""

    senders: tuple[Sender, ...] = ()
    version: str = ""
