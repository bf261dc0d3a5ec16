"""The command that tells what changed, and why."""

from datetime import UTC, datetime

from dmarcscope.cli import output as out
from dmarcscope.cli.options import (
    ConfigOption,
    DomainArgument,
    Format,
    FormatOption,
    LimitOption,
    OutputOption,
    SinceOption,
    StoreOption,
    UntilOption,
    VerifiedOption,
)
from dmarcscope.store import DEFAULT_STORE

SHOWN = 30
"""Changes that are told at a terminal: a handful a month for a domain or two."""
CHANGES_EXAMPLES = (
    "Examples: dmarcscope changes example.com   |   dmarcscope changes --since 30d   |   dmarcscope changes --format json -o changes.json"
)


def changes(
    domain: DomainArgument = None,
    verified: VerifiedOption = False,
    config: ConfigOption = None,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Tell what changed, oldest first, with the likely cause: senders, pass rates, forged mail, selectors, policies, DNS, reporters.

    The last 90 days of data count, unless --since or --until say otherwise; the four weeks before serve to compare. Only what the figures
    leave little doubt about is told, and at a terminal at most 30 changes, the most telling. Nobody is asked: what the DNS has is known
    from resolve and check.
    """
    from dmarcscope import wiring
    from dmarcscope.api import open_store, which
    from dmarcscope.ops.changes import as_dict, as_lines
    from dmarcscope.ops.changes import changes as told

    chosen = which(domain, since, until, verified=verified)
    shown = limit or (SHOWN if form is Format.TABLE else None)
    with open_store(store) as opened:
        found = told(opened.files, chosen, wiring.knowledge(config), datetime.now(UTC), shown)
    if form is Format.JSON:
        out.write_object(as_dict(found), form, output)
    elif form is not Format.TABLE:
        out.write_rows(as_lines(found), form, output)
    else:
        from dmarcscope.present import changes as presenting

        out.show_text(presenting.changes(found, chosen.domain, out.width(output)), output)
