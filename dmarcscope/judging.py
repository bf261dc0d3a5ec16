"""The part of the Python API that judges: who sends, why, what to change, and whether it is safe to enforce."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dmarcscope.errors import SetupError
from dmarcscope.filters import When, frame, which
from dmarcscope.model.meant import Meant
from dmarcscope.store.files import StoreFiles

if TYPE_CHECKING:
    import pandas as pd

    from dmarcscope.model.change import Timeline
    from dmarcscope.model.coverage import Coverage
    from dmarcscope.model.explanation import Explanation
    from dmarcscope.model.fix import Fix
    from dmarcscope.model.knowledge import Knowledge
    from dmarcscope.model.readiness import Readiness
    from dmarcscope.model.summary import Summaries
    from dmarcscope.model.whatif import Change, Unused, WhatIf


class Judging:
    """What follows from the reports of a store; see `dmarcscope.api.Store`."""

    def __init__(self, files: StoreFiles, config: Path | None = None) -> None:
        self._files = files
        self._config = config
        self._known: Knowledge | None = None

    @property
    def files(self) -> StoreFiles:
        """The spool, ledger and record table beneath."""
        return self._files

    @property
    def knowledge(self) -> "Knowledge":
        """Catalogue, owner's list and networks as they are configured; read once."""
        if self._known is None:
            from dmarcscope.wiring import knowledge

            self._known = knowledge(self._config)
        return self._known

    def summary(
        self, *domains: str, week: str | None = None, since: When = None, until: When = None, verified: bool = False
    ) -> "Summaries":
        """What the summary page tells, of these domains (all if none is named); without a time, of the last whole week with reports."""
        from dmarcscope.ops.summarise import summarise

        if week is not None and (since is not None or until is not None):
            raise SetupError("name a week, or since and until, not both")
        asked = which(None, week or since, week or until, verified=verified)
        return summarise(self._files, domains or None, asked, self.knowledge, datetime.now(UTC))

    def senders(
        self,
        domain: str | None = None,
        *,
        domains: Iterable[str] = (),
        since: When = None,
        until: When = None,
        verified: bool = False,
    ) -> "pd.DataFrame":
        """Who sends: a line per sender with its class and the next step; without ``since``, of the last 30 days of data.

        Columns as in `dmarcscope.tables.columns.SENDER_COLUMNS`.
        """
        from dmarcscope.ops import senders as sending

        asked = which(domain, since, until, domains=domains, verified=verified)
        return frame(sending.as_table(sending.senders(self._files, asked, self.knowledge)))

    def classified(
        self,
        domain: str | None = None,
        *,
        since: When = None,
        until: When = None,
        sender: str | None = None,
        sender_class: str | None = None,
        verified: bool = False,
        limit: int | None = None,
    ) -> "pd.DataFrame":
        """The lines of the record table with ``class``, ``sender``, ``rule`` and ``confidence`` of each."""
        from arro3.core import Table

        from dmarcscope.ops import senders as sending

        asked = which(domain, since, until, verified=verified)
        schema, batches = sending.records(self._files, asked, self.knowledge, Meant(sender, sender_class), limit)
        return frame(Table.from_batches(list(batches), schema=schema))

    def explain(self, what: str, domain: str | None = None, *, since: When = None, until: When = None) -> "Explanation":
        """Why an address, a sender or a record («KEY:LINE») is judged as it is."""
        from dmarcscope.ops.explain import explain

        return explain(self._files, what, which(domain, since, until), self.knowledge)

    def fixes(self, domain: str | None = None, *, since: When = None, until: When = None) -> "list[Fix]":
        """What to publish so that mail of one's own passes, what aligns most messages first."""
        from dmarcscope.ops.fixes import fixes

        return fixes(self._files, which(domain, since, until), self.knowledge)

    def changes(self, domain: str | None = None, *, since: When = None, until: When = None, limit: int | None = None) -> "Timeline":
        """What changed and why; without ``since``, in the last 90 days of data."""
        from dmarcscope.ops.changes import changes

        return changes(self._files, which(domain, since, until), self.knowledge, datetime.now(UTC), limit)

    def readiness(self, domain: str, *, since: When = None, until: When = None) -> "Readiness":
        """Whether a domain may go to quarantine, and to reject; without ``since``, by the last 90 days of data."""
        from dmarcscope.ops.readiness import readiness

        return readiness(self._files, [domain], which(None, since, until), self.knowledge, datetime.now(UTC))[0].readiness

    def whatif(self, domain: str, change: "Change | None" = None, *, since: When = None, until: When = None) -> "WhatIf":
        """What a change would do to the mail of the time asked for; none replays what is published."""
        from dmarcscope.model.whatif import Change
        from dmarcscope.ops.whatif import whatif

        return whatif(self._files, which(domain, since, until), change or Change(), self.knowledge)

    def unused(self, domain: str) -> "Unused":
        """SPF terms that authorised nothing, and selectors that signed nothing, for 90 days."""
        from dmarcscope.ops.unused import unused

        return unused(self._files, which(domain), self.knowledge)

    def coverage(self, domain: str | None = None, *, since: When = None, until: When = None) -> "Coverage":
        """Which reporters were heard, and through which day the reports are complete."""
        from dmarcscope.ops.coverage import coverage

        return coverage(self._files, which(domain, since, until), datetime.now(UTC))
