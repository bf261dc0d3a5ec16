"""Which logo a domain wants shown beside its mail (draft-brand-indicators-for-message-identification §4)."""

from dataclasses import dataclass

from dmarcscope.model.problem import Problem


@dataclass(frozen=True, slots=True)
class BimiRecord:
    """The TXT record at ``<selector>._bimi``.

    ``logo`` and ``certificate`` are https URIs, empty where there is none. ``declined``: the domain says that it takes no part.
    ``preference`` is «brand» or «personal».
    """

    text: str
    is_valid: bool
    logo: str = ""
    certificate: str = ""
    declined: bool = False
    preference: str = "brand"
    problems: tuple[Problem, ...] = ()
