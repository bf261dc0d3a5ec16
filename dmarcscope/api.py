"""The Python API: what the command line does, as calls that return pandas frames."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Flag
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from dmarcscope.errors import ReportError, SetupError
from dmarcscope.intake.paths import arrivals, find
from dmarcscope.intake.unpack import LeafKind, unpack
from dmarcscope.model.aggregate import AggregateReport
from dmarcscope.ops import ask
from dmarcscope.ops import ingest as ingesting
from dmarcscope.ops import replay as replaying
from dmarcscope.ops import reports as reporting
from dmarcscope.ops import status as stating
from dmarcscope.ops import verify as verifying
from dmarcscope.ops.events import Tell, unheard
from dmarcscope.ops.ingest import Outcome
from dmarcscope.ops.reports import ShownReport
from dmarcscope.ops.status import Status
from dmarcscope.ops.verify import Check
from dmarcscope.parse import aggregate, period, values
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter

if TYPE_CHECKING:
    import pandas as pd
    from arro3.core import Table

When = str | datetime | None


def parse_reports(data: bytes) -> list[AggregateReport]:
    """Every aggregate report in the bytes: XML, or any container of it (gzip, zip, tar, mail, .msg), nested as may be.

    Raises ReportError if there is none, with the reasons for what could not be read.
    """
    unpacked = unpack(data)
    reports: list[AggregateReport] = []
    reasons = [f"{refusal.path}: {refusal.reason}" if refusal.path else refusal.reason for refusal in unpacked.refusals]
    for leaf in unpacked.leaves:
        if leaf.kind is LeafKind.XML:
            try:
                reports.extend(aggregate.parse_reports(leaf.data))
            except ReportError as error:
                reasons.append(str(error))
        else:
            reasons.append(f"{leaf.path or 'this'} is no aggregate report: {leaf.kind.value}")
    if not reports:
        raise ReportError("; ".join(reasons) or "there is nothing inside")
    return reports


def parse_report(data: bytes) -> AggregateReport:
    """The one aggregate report in the bytes; see `parse_reports`. Raises ReportError if there is none, or more than one."""
    reports = parse_reports(data)
    if len(reports) > 1:
        raise ReportError(f"holds {len(reports)} reports", fix="Use parse_reports")
    return reports[0]


def open_store(path: str | Path) -> "Store":
    """The store in a folder; it is made by the first ``ingest``."""
    return Store(path)


class Store:
    """A store of reports. Use it as a context manager, or close it.

    ``since`` and ``until`` take a datetime, a date («2026-05-14»), an ISO week («2026-W20») or a span back from now («30d»); a
    date or week given as ``until`` is taken whole. ``domain`` takes in its subdomains. ``verified`` leaves out reports whose mail could not
    be verified to come from its author domain (see docs/mailbox.md). All methods raise SetupError for what
    cannot be meant, and StoreUnavailable where the store does not answer now.
    """

    def __init__(self, path: str | Path) -> None:
        self._files = StoreFiles(Path(path).expanduser())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store's files."""
        self._files.close()

    @property
    def files(self) -> StoreFiles:
        """The spool, ledger and record table beneath."""
        return self._files

    def ingest(self, paths: Iterable[str | Path], *, jobs: int = 1) -> Outcome:
        """Take in files, folders, globs, mboxes and maildirs, exactly once; returns what became of every artefact."""
        return ingesting.ingest(self._files, arrivals(find(map(str, paths))), jobs=jobs)

    def take_mail(self, *names: str, config: str | Path | None = None, jobs: int = 1) -> Outcome:
        """Take in, once, what is new in the configured mailboxes and watched folders of those names (all if none is named).

        ``config`` is the configuration file; without it, the one that the command line would find. Raises also MailboxUnavailable.
        """
        return self.watch(*names, config=config, jobs=jobs, stop=Flag(), once=True)

    def watch(
        self,
        *names: str,
        config: str | Path | None = None,
        jobs: int = 1,
        stop: Flag,
        once: bool = False,
        tell: Tell = unheard,
    ) -> Outcome:
        """Take in what arrives in the configured mailboxes and watched folders, until ``stop`` is set; ``tell`` hears of each event."""
        from dmarcscope import wiring
        from dmarcscope.config.loading import load
        from dmarcscope.ops import watch as watching

        found = wiring.places(load(Path(config) if config else None), names, self._files.root)
        return watching.watch(self._files, found, tell, stop=stop, once=once, jobs=jobs)

    def sources(
        self,
        domain: str | None = None,
        *,
        by: str = "source_ip",
        since: When = None,
        until: When = None,
        verified: bool = False,
        limit: int | None = None,
    ) -> "pd.DataFrame":
        """Who sends: messages summed by ``by`` (see `dmarcscope.tables.queries.GROUPS`), those with most failing messages first.

        Columns: ``by``, messages, dmarc_pass, dkim_aligned, spf_aligned, delivered, quarantined, rejected, reporters (counts), first_seen,
        last_seen (UTC).
        """
        answer = ask.sources(self._files, by, which(domain, since, until, verified=verified), limit)
        return frame(answer)

    def records(
        self,
        domain: str | None = None,
        *,
        since: When = None,
        until: When = None,
        source_ip: str | None = None,
        reporter: str | None = None,
        verified: bool = False,
        limit: int | None = None,
    ) -> "pd.DataFrame":
        """The lines of the record table; columns as in `dmarcscope.tables.columns`."""
        answer = ask.records(self._files, which(domain, since, until, source_ip, reporter, verified=verified), limit)
        return frame(answer)

    def reports(
        self,
        domain: str | None = None,
        *,
        since: When = None,
        until: When = None,
        reporter: str | None = None,
        verified: bool = False,
        limit: int | None = None,
    ) -> "pd.DataFrame":
        """The reports of the ledger, duplicates and superseded ones included; columns as in `dmarcscope.tables.columns`."""
        answer = reporting.reports(self._files, which(domain, since, until, None, reporter, verified=verified), limit)
        return frame(answer)

    def status(self, *, since: When = None, until: When = None) -> Status:
        """The ledger in short; ``since`` and ``until`` go by arrival."""
        span = which(None, since, until)
        return stating.status(self._files, span.since, span.until)

    def verify(self, *, since: When = None, until: When = None) -> list[Check]:
        """Check spool, ledger and table against each other; ``since`` and ``until`` limit whose bytes are read."""
        span = which(None, since, until)
        return verifying.verify_store(self._files, span.since, span.until)

    def replay(self, *, everything: bool = False, since: When = None, until: When = None, jobs: int = 1) -> Outcome:
        """Read sidelined artefacts (or all) again from the spool; ``since`` and ``until`` go by arrival."""
        span = which(None, since, until)
        return replaying.replay(self._files, everything=everything, since=span.since, until=span.until, jobs=jobs)

    def show(self, report: str | int) -> ShownReport:
        """One report in full, by its key, its report_id or the begin of its artefact's hash."""
        return reporting.show(self._files, str(report), Filter())

    def raw(self, report: str | int) -> bytes:
        """The bytes that brought a report, as they were received."""
        return reporting.raw(self._files, reporting.find(self._files, str(report), Filter()))


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
    )
