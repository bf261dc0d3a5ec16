"""The Python API: what the command line does, as calls that return pandas frames."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event as Flag
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from dmarcscope.errors import ReportError
from dmarcscope.filters import When, frame, which
from dmarcscope.intake.paths import arrivals, find
from dmarcscope.intake.unpack import LeafKind, unpack
from dmarcscope.judging import Judging
from dmarcscope.lookup.asking import Resolver
from dmarcscope.lookup.opening import open_resolver
from dmarcscope.lookup.running import finished
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.model.aggregate import AggregateReport
from dmarcscope.model.dmarc_setup import SetupPlan
from dmarcscope.model.domain_check import DomainCheck
from dmarcscope.model.observation import RecordsOn
from dmarcscope.model.spf_check import SpfCheck
from dmarcscope.ops import alignment as comparing
from dmarcscope.ops import ask
from dmarcscope.ops import check as checking
from dmarcscope.ops import history as remembering
from dmarcscope.ops import ingest as ingesting
from dmarcscope.ops import replay as replaying
from dmarcscope.ops import reports as reporting
from dmarcscope.ops import resolve as resolving
from dmarcscope.ops import setup as planning
from dmarcscope.ops import status as stating
from dmarcscope.ops import verify as verifying
from dmarcscope.ops.events import Tell, unheard
from dmarcscope.ops.ingest import Outcome
from dmarcscope.ops.reports import ShownReport
from dmarcscope.ops.resolve import Resolved
from dmarcscope.ops.spf import evaluate_spf
from dmarcscope.ops.status import Status
from dmarcscope.ops.verify import Check
from dmarcscope.parse import aggregate
from dmarcscope.store.files import StoreFiles
from dmarcscope.tables.queries import Filter

__all__ = ["Store", "check_domain", "check_spf", "open_store", "parse_report", "parse_reports", "plan_setup", "which"]

if TYPE_CHECKING:
    import pandas as pd

Found = TypeVar("Found")


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


def check_domain(domain: str, *, selectors: Iterable[str] = (), https: bool = False, dns: DnsSettings | None = None) -> DomainCheck:
    """What a domain publishes about its mail, and what to mend; ``https`` fetches its MTA-STS policy file, too. ``dns`` says how to ask."""
    wanted, now = list(selectors), datetime.now(UTC)
    return asked(lambda resolver: checking.check_domain(resolver, domain, selectors=wanted, https=https, now=now), dns)


def check_spf(address: str, domain: str, *, sender: str = "", helo: str = "", dns: DnsSettings | None = None) -> SpfCheck:
    """The SPF result for an address that sends as a domain, with everything it rests on."""
    return asked(lambda resolver: evaluate_spf(resolver, address, domain, sender=sender, helo=helo), dns)


def plan_setup(domain: str, *, rua: str, ruf: str = "", dns: DnsSettings | None = None) -> SetupPlan:
    """What to publish so that reports come to ``rua`` (and failure reports to ``ruf``), and whether it is live."""
    return asked(lambda resolver: planning.plan_setup(resolver, domain, rua=rua, ruf=ruf), dns)


def asked(verb: Callable[[Resolver], Awaitable[Found]], dns: DnsSettings | None) -> Found:
    """What a verb comes to that asks the DNS."""

    async def run() -> Found:
        async with open_resolver(dns or DnsSettings()) as resolver:
            return await verb(resolver)

    return finished(run())


def open_store(path: str | Path, *, config: str | Path | None = None) -> "Store":
    """The store in a folder; it is made by the first ``ingest``. ``config``: the configuration; without it, the one that is found."""
    return Store(path, config=config)


class Store(Judging):
    """A store of reports. Use it as a context manager, or close it.

    ``since`` and ``until`` take a datetime, a date («2026-05-14»), an ISO week («2026-W20») or a span back from now («30d»); a
    date or week given as ``until`` is taken whole. ``domain`` takes in its subdomains. ``verified`` leaves out reports whose mail could not
    be verified to come from its author domain (see docs/mailbox.md). All methods raise SetupError for what
    cannot be meant, and StoreUnavailable where the store does not answer now.
    """

    def __init__(self, path: str | Path, *, config: str | Path | None = None) -> None:
        super().__init__(StoreFiles(Path(path).expanduser()), Path(config) if config else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store's files."""
        self._files.close()

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
        last_seen (UTC), and what the DNS says today where ``resolve`` has asked: ptr_name, ptr_confirmed, spf_today, dkim_today.
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

    def resolve(
        self,
        domain: str | None = None,
        *,
        since: When = None,
        until: When = None,
        dns: DnsSettings | None = None,
        again: bool = False,
    ) -> Resolved:
        """Ask the DNS about sources, domains and keys that the reports name, but for what was asked in the last 24 hours, or ``again``.

        ``dns`` says how; None: the system's name servers. The result's ``waits`` says why it did not come to its end, if so.
        """
        return resolving.resolve(self._files, dns or DnsSettings(), which(domain, since, until), again=again)

    def alignment(
        self, domain: str | None = None, *, since: When = None, until: When = None, reporter: str | None = None
    ) -> "pd.DataFrame":
        """How reporters' verdicts compare with their own results and the DNS, a line per reporter; columns as in `tables.columns`."""
        return frame(comparing.alignment(self._files, which(domain, since, until, None, reporter)))

    def dns_history(self, domain: str, kind: str | None = None) -> "pd.DataFrame":
        """What changed when in the records of a domain and the names below it, a line per answer, earliest first."""
        import pandas as pd

        names = ("name", "kind", "first_seen", "last_seen", "times", "outcome", "records", "aliases", "authenticated", "difference")
        return pd.DataFrame(remembering.history(self._files, domain, kind).as_dicts(), columns=list(names))

    def records_on(self, name: str, kind: str, day: date) -> RecordsOn:
        """What a name had on a day (UTC): the observations that may hold, and how sure that is."""
        return remembering.records_on(self._files, name, kind, day)

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
