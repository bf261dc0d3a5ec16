"""DMARC aggregate reports: read every one, lose none, show who sends as your domain.

>>> import dmarcscope
>>> store = dmarcscope.open_store("store")        # doctest: +SKIP
>>> store.ingest(["reports/"])                    # doctest: +SKIP
>>> store.sources("example.com", since="30d")     # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dmarcscope.api import Store as Store
    from dmarcscope.api import check_domain as check_domain
    from dmarcscope.api import check_spf as check_spf
    from dmarcscope.api import open_store as open_store
    from dmarcscope.api import parse_report as parse_report
    from dmarcscope.api import parse_reports as parse_reports
    from dmarcscope.api import plan_setup as plan_setup
    from dmarcscope.connecting import connect as connect
    from dmarcscope.errors import DmarcscopeError as DmarcscopeError
    from dmarcscope.errors import LookupUnavailable as LookupUnavailable
    from dmarcscope.errors import MailboxUnavailable as MailboxUnavailable
    from dmarcscope.errors import ReportError as ReportError
    from dmarcscope.errors import SetupError as SetupError
    from dmarcscope.errors import StoreUnavailable as StoreUnavailable
    from dmarcscope.errors import Unavailable as Unavailable
    from dmarcscope.lookup.settings import DnsSettings as DnsSettings
    from dmarcscope.model.aggregate import AggregateReport as AggregateReport
    from dmarcscope.model.aggregate import Record as Record
    from dmarcscope.model.whatif import Change as Change
    from dmarcscope.model.words import Policy as Policy
    from dmarcscope.present.figures import charts as charts

__version__ = "0.1.0"

# Where each public name lives. They are loaded when first asked for: pandas and pyarrow take half a second.
_HOMES = {
    "Store": "dmarcscope.api",
    "connect": "dmarcscope.connecting",
    "charts": "dmarcscope.present.figures",
    "Change": "dmarcscope.model.whatif",
    "Policy": "dmarcscope.model.words",
    "check_domain": "dmarcscope.api",
    "check_spf": "dmarcscope.api",
    "open_store": "dmarcscope.api",
    "parse_report": "dmarcscope.api",
    "parse_reports": "dmarcscope.api",
    "plan_setup": "dmarcscope.api",
    "DmarcscopeError": "dmarcscope.errors",
    "LookupUnavailable": "dmarcscope.errors",
    "MailboxUnavailable": "dmarcscope.errors",
    "ReportError": "dmarcscope.errors",
    "SetupError": "dmarcscope.errors",
    "StoreUnavailable": "dmarcscope.errors",
    "Unavailable": "dmarcscope.errors",
    "DnsSettings": "dmarcscope.lookup.settings",
    "AggregateReport": "dmarcscope.model.aggregate",
    "Record": "dmarcscope.model.aggregate",
}
__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 (names from the table above)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'dmarcscope' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
