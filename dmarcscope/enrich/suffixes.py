"""The Public Suffix List as the package ``publicsuffixlist`` brings it along, with its date (RFC 7489 §3.2)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

DATE = re.compile(r"^// VERSION: (\d{4}-\d{2}-\d{2})", re.MULTILINE)
HEAD = 2_000
"""Characters of the list in which its date stands."""


@dataclass(frozen=True, slots=True)
class Suffixes:
    """``suffix_of`` gives the public suffix of a domain; ``dated`` is the day of the list, empty if it does not tell."""

    suffix_of: Callable[[str], str | None]
    dated: str


@cache
def packaged_suffixes() -> Suffixes:
    """The list of the package that is installed. Of a name under no known suffix, the last label counts as one, as the list says."""
    from publicsuffixlist import PublicSuffixList

    with files("publicsuffixlist").joinpath("public_suffix_list.dat").open(encoding="utf-8") as file:
        dated = DATE.search(file.read(HEAD))
    return Suffixes(PublicSuffixList().publicsuffix, dated[1] if dated else "")
