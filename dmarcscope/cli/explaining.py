"""The command that explains a verdict: what reporters said, what the DNS says, which rule decided, and what would have changed it."""

from typing import Annotated

import typer

from dmarcscope.cli import output as out
from dmarcscope.cli.configuring import Shape, ShapeOption
from dmarcscope.cli.options import ConfigOption, Format, OutputOption, SinceOption, StoreOption, UntilOption, VerifiedOption
from dmarcscope.store import DEFAULT_STORE

VERDICTS = 5
EXAMPLES = (
    "Examples: dmarcscope explain 192.0.2.10   |   dmarcscope explain Mailchimp --since 30d   |"
    "   dmarcscope explain 12:3 (report 12, line 3)"
)


def explain(
    what: Annotated[
        str,
        typer.Argument(
            help="An address, a sender as dmarcscope senders names it, or a record as report_key:line or report_id:line.",
            metavar="IP|SENDER|REPORT:LINE",
        ),
    ],
    domain: Annotated[
        str | None, typer.Option("--domain", help="Only mail as this domain and those below it.", metavar="DOMAIN", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many verdicts in full.")] = VERDICTS,
    verified: VerifiedOption = False,
    config: ConfigOption = None,
    store: StoreOption = DEFAULT_STORE,
    since: SinceOption = None,
    until: UntilOption = None,
    form: ShapeOption = Shape.TABLE,
    output: OutputOption = None,
) -> None:
    """Explain a verdict: what reporters said, DKIM and SPF identities, DNS then and now, the rule that decided, and what would change it.

    A block for each verdict, those on most messages first. The last month of data is looked at where no time is given. Nobody is asked:
    what the DNS had is known from resolve, ingest, watch and check.
    """
    from dmarcscope.api import open_store, which
    from dmarcscope.ops.explain import as_dict
    from dmarcscope.ops.explain import explain as told
    from dmarcscope.wiring import knowledge

    chosen = which(domain, since, until, verified=verified)
    with open_store(store) as opened:
        found = told(opened.files, what, chosen, knowledge(config), limit=limit)
    if form is Shape.JSON:
        out.write_object(as_dict(found), Format.JSON, output)
        return
    from dmarcscope.present.explanation import explanation

    out.show_text(explanation(found, out.width(output)), output)
