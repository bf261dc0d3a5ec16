"""The commands about data that others publish: make the file of networks, and tell which is used."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dmarcscope.cli import output as out
from dmarcscope.cli.options import ConfigOption, Format, FormatOption, OutputOption

data_app = typer.Typer(help="Networks and countries of addresses, from files that you download; nothing is fetched.", no_args_is_help=True)

NetworksOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--networks",
        envvar="DMARCSCOPE_NETWORKS",
        help="An .mmdb file of networks or countries, of any maker; may be given again. Left out: those of the configuration.",
        metavar="FILE",
        show_default=False,
    ),
]

BUILD_EXAMPLES = """
Examples: dmarcscope data build ip-location-db-asn-*.tgz   |   dmarcscope data build ip2asn-combined.tsv.gz --target networks.mmdb
"""
STATUS_EXAMPLES = """
Examples: dmarcscope data status   |   dmarcscope data status --networks GeoLite2-ASN.mmdb --networks GeoLite2-Country.mmdb
"""


@data_app.command("build", epilog=BUILD_EXAMPLES)
def build(
    tables: Annotated[
        list[Path], typer.Argument(help="Tables that you have downloaded: .csv, .tsv, also .gz; npm packages (.tgz); folders.")
    ],
    target: Annotated[
        Path | None,
        typer.Option("--target", help="The file to make; left out, it is in your folder for data.", metavar="FILE", show_default=False),
    ] = None,
    attribution: Annotated[
        str, typer.Option("--attribution", help="Whose data it is and under which licence, if that is not known.", show_default=False)
    ] = "",
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Make the file that tells AS number, name and country of addresses, from tables under an open licence. See docs/networks.md.

    Several tables become one file. What is there is replaced only by a file that is complete.
    """
    from dmarcscope.ops.data import build as make

    with out.progress("reading", None) as tick:
        made = make(tables, target, attribution=attribution, progress=tick).as_dict()
    if form is not Format.TABLE:
        out.write_object(made, form, output)
        return
    from dmarcscope.present import data

    out.show(data.built(made), output)


@data_app.command("status", epilog=STATUS_EXAMPLES)
def status(
    networks: NetworksOption = None, config: ConfigOption = None, form: FormatOption = Format.TABLE, output: OutputOption = None
) -> None:
    """Tell which files of networks are used, how many networks they hold, whose data that is, and whether it is old.

    Those are the ones named here, else those under [senders] in the configuration, else the one that data build made.
    """
    from dmarcscope.config.loading import load
    from dmarcscope.enrich.networks import used_files
    from dmarcscope.ops.data import status as look

    found = [file.as_dict() for file in look(used_files(networks or load(config).senders.networks), datetime.now(UTC).date())]
    if form is not Format.TABLE:
        out.write_rows(found, form, output)
        return
    from dmarcscope.present import data

    out.show(data.status(found), output)
