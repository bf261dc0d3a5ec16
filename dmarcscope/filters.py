"""What callers of the Python API name, as a filter; and answers as pandas frames."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from dmarcscope.errors import SetupError
from dmarcscope.parse import period, values
from dmarcscope.tables.queries import Filter

if TYPE_CHECKING:
    import pandas as pd
    from arro3.core import Table

When = str | datetime | None
"""A time as users name it: see `dmarcscope.parse.period`."""


def frame(answer: "Table") -> "pd.DataFrame":
    """A table as a pandas frame."""
    import pyarrow as pa

    return cast("pd.DataFrame", pa.table(answer).to_pandas())


def which(
    domain: str | None = None,
    since: When = None,
    until: When = None,
    source_ip: str | None = None,
    reporter: str | None = None,
    *,
    domains: Iterable[str] = (),
    verified: bool = False,
) -> Filter:
    """What the user names, as a filter. Raises SetupError where it names nothing that can be meant."""
    now = datetime.now(UTC)
    first = period.first_moment(since, now) if isinstance(since, str) else since
    last = period.moment_after(until, now) if isinstance(until, str) else until
    if first and last and first >= last:
        raise SetupError(f"--since {since} is not before --until {until}")
    return Filter(
        domain=values.domain(domain).value if domain else None,
        since=first,
        until=last,
        source_ip=values.source_ip(source_ip).value if source_ip else None,
        reporter=reporter,
        verified=verified,
        domains=tuple(values.domain(one).value or one for one in domains),
    )
