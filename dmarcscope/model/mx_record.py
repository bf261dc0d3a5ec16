"""Where a domain receives mail (RFC 5321 §5.1, RFC 7505)."""

from dataclasses import dataclass

from dmarcscope.model.problem import Problem


@dataclass(frozen=True, slots=True)
class MxRecords:
    """The MX records of a domain: ``hosts`` with their preference, lowest first; ``null``: the domain says that it takes no mail."""

    hosts: tuple[tuple[int, str], ...]
    null: bool
    problems: tuple[Problem, ...] = ()
