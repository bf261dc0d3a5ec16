"""The ledger in short: what is in the store, what waits, what could not be read, and how it goes with each mailbox and folder.

It tells what it can also while the store cannot be written or the ledger not even be read: that is when it is asked most urgently.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from dmarcscope.errors import DmarcscopeError
from dmarcscope.intake.mail_name import account_text
from dmarcscope.store.files import StoreFiles
from dmarcscope.store.ledger import FINAL_STATES, time_text
from dmarcscope.store.mails import Mails

SHOWN = 20
TOTALS = ("artefacts", "received", *FINAL_STATES, "reports", "records", "messages")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of a mailbox, or of files: when all of it was last looked at, what keeps it from being read, its mails by what was done."""

    place: str
    looked_at: str | None
    trouble: str | None
    trouble_since: str | None
    mails: dict[str, int]


@dataclass(frozen=True, slots=True)
class Contents:
    """What the ledger says. ``unreadable``: name, reason and time of what could not be read, newest first."""

    totals: dict[str, int]
    domains: int
    reporters: int
    first_period: datetime | None
    last_period: datetime | None
    last_received: str | None
    defective_reports: int
    unreadable: tuple[tuple[str, str, str], ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a store. ``contents`` is None where the ledger cannot be read (``ledger_trouble`` says why).

    ``waiting``: artefacts that are safe in the spool and not in the ledger yet, the oldest since ``waiting_since``. ``offline_since``,
    ``offline_reason``: there while a run cannot write the store.
    """

    store: str
    contents: Contents | None
    ledger_trouble: str | None
    waiting: int
    waiting_since: datetime | None
    offline_since: datetime | None
    offline_reason: str | None

    @property
    def is_well(self) -> bool:
        """Whether the store can be read, and nobody has found that it cannot be written."""
        return self.contents is not None and self.offline_since is None

    def as_dict(self) -> dict[str, Any]:
        """Flat, for machines; what is not known is null."""
        told = self.contents
        names = ("domains", "reporters", "first_period", "last_period", "last_received", "defective_reports")
        beside = ("waiting", "waiting_since", "offline_since", "offline_reason", "ledger_trouble")
        listed = [{"name": name, "reason": reason, "received_at": at} for name, reason, at in (told.unreadable if told else ())]
        return {
            "store": self.store,
            **(told.totals if told else dict.fromkeys(TOTALS)),
            **{name: getattr(told, name) if told else None for name in names},
            **{name: getattr(self, name) for name in beside},
            "unreadable": listed,
            "places": [asdict(place) for place in (told.places if told else ())],
        }


def status(store: StoreFiles, since: datetime | None = None, until: datetime | None = None) -> Status:
    """The state of the store; ``since`` and ``until`` limit what is counted to artefacts that arrived in that time.

    Raises SetupError where there is no store at all.
    """
    waiting = sorted(at for _, _, at in store.spool.waiting())
    offline = store.spool.offline()
    if not waiting and offline is None:
        store.require()
    told, trouble = None, None
    try:
        if store.exists():
            told = contents(store, since, until)
        else:
            trouble = "there is no ledger yet"
    except DmarcscopeError as error:
        trouble = str(error)
    return Status(
        store=str(store.root),
        contents=told,
        ledger_trouble=trouble,
        waiting=len(waiting),
        waiting_since=waiting[0] if waiting else None,
        offline_since=offline[0] if offline else None,
        offline_reason=offline[1] if offline else None,
    )


def contents(store: StoreFiles, since: datetime | None, until: datetime | None) -> Contents:
    """What the ledger says. Raises StoreUnavailable or SetupError if it cannot be read."""
    first, last = time_text(since) if since else "", time_text(until) if until else "~"
    facts = store.ledger.rows(
        "SELECT count(DISTINCT policy_domain), count(DISTINCT reporter), min(period_begin), max(period_end),"
        " count(*) FILTER (WHERE defects != '[]')"
        " FROM reports JOIN artefacts USING (artefact_id)"
        " WHERE reports.state = 'stored' AND received_at >= ? AND received_at < ?",
        (first, last),
    )[0]
    unreadable = store.ledger.rows(
        "SELECT name, coalesce(reason, ''), received_at FROM artefacts WHERE (state = 'sidelined' OR refused > 0)"
        " AND received_at >= ? AND received_at < ? ORDER BY artefact_id DESC LIMIT ?",
        (first, last, SHOWN),
    )
    newest = store.ledger.rows("SELECT max(last_seen_at) FROM artefacts")[0][0]
    return Contents(
        totals=store.ledger.totals(first, last),
        domains=facts[0],
        reporters=facts[1],
        first_period=moment(facts[2]),
        last_period=moment(facts[3]),
        last_received=newest,
        defective_reports=facts[4],
        unreadable=tuple(tuple(row) for row in unreadable),
        places=tuple(places(Mails(store.ledger))),
    )


def places(mails: Mails) -> list[Place]:
    """How it goes with every mailbox and folder that was ever read from."""
    counts = mails.counts()
    health = {(one.account, one.folder): one for one in mails.health()}
    found = []
    for key in sorted(counts.keys() | health.keys()):
        account, folder = key
        one = health.get(key)
        found.append(
            Place(
                place=f"{account_text(account)}, {folder}" if account else folder,
                looked_at=one.looked_at if one else None,
                trouble=one.trouble if one else None,
                trouble_since=one.trouble_since if one else None,
                mails=counts.get(key, {}),
            )
        )
    return found


def moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
