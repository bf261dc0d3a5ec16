"""Take reports from a folder of a mailbox: fetch what is new, keep it, and once it is stored do with the mail what is configured.

New is what the ledger does not know by account, folder, UIDVALIDITY and UID. Messages are taken in the order of their UIDs; the first look
at a folder goes over all of it, so that whatever an earlier run left out is found. A mail is touched only after its report is stored.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from dmarcscope.errors import MailboxUnavailable
from dmarcscope.intake.account import Account
from dmarcscope.intake.imap import FetchRefused, ImapSession, Selected, open_session
from dmarcscope.intake.letters import is_letter, is_letter_file
from dmarcscope.intake.mail_name import MailName, account_name
from dmarcscope.intake.paths import Arrival
from dmarcscope.ops.after import Rules, Settler
from dmarcscope.ops.collecting import TICK, Collector, Helm, origin_of
from dmarcscope.ops.events import Event, Happening
from dmarcscope.ops.ingest import now, spooling
from dmarcscope.store.mails import Folder
from dmarcscope.store.spool import LARGEST_HELD

BATCH_MAILS = 200
BATCH_BYTES = 8 << 20
"""Mails fetched together: as many as one fsync serves well, in little memory."""
LARGE_BYTES = 16 << 20
"""A mail larger than this is fetched in pieces, into a file."""
LARGEST_BYTES = 1 << 30
"""Larger is no report: the largest known has 60 MB. It stays where it is, and `status` tells of it."""
SIZES_AT_ONCE = 1000
AGAIN_AT_ONCE = 200
IDLE_SECONDS = 240.0
"""After so long IDLE is begun anew (RFC 2177 §3 allows 29 minutes): a connection that died silently is found out."""
FIRST_RETRY = timedelta(minutes=10)  # of a message that the server does not hand out; twice as long each time, a day at most


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox as the operator configured it. ``authserv_ids``: hosts whose Authentication-Results are trusted."""

    name: str
    account: Account
    folders: tuple[str, ...] = ("INBOX",)
    rules: Rules = field(default_factory=Rules)
    idle: bool = True
    poll_seconds: float = 300.0
    authserv_ids: tuple[str, ...] = ()

    @property
    def account_name(self) -> str:
        """The account as the ledger names it."""
        return account_name(self.account.user, self.account.host, self.account.port)


class MailCollector(Collector):
    """Collects from one folder of a mailbox, over a connection of its own."""

    def __init__(self, helm: Helm, mailbox: Mailbox, folder: str) -> None:
        super().__init__(helm, mailbox.account_name, folder)
        self._mailbox = mailbox
        self._brought: tuple[int, int] = (0, 0)  # UIDVALIDITY, and the highest UID that was brought under it
        self._expected = 0  # up to this UID it was told how many there are: a broken connection must not make them more
        self._one_by_one = 0  # up to this UID: a message among them broke the connection
        self._broke: dict[int, int] = {}
        self._unnoted: dict[int, tuple[str, datetime]] = {}  # could not be fetched, while the ledger did not answer
        self._large = helm.store.spool.root / "collectors" / f"{self.key}.mail"
        self._settler = Settler(mailbox.rules, self.mails, helm.tell, helm.chance, self.place)

    def serve(self) -> None:
        """Collect until it is time to stop."""
        self._large.unlink(missing_ok=True)
        with open_session(self._mailbox.account) as session:
            self.helm.tell(Event(Happening.CONNECTED, {"place": self.place}))
            while not self.helm.stop.is_set():
                seen = self.helm.keeper.stored
                selected = session.select(self.folder, readonly=not self._mailbox.rules.changes_mail)
                folder = Folder(self.account, self.folder, selected.uidvalidity)
                if not self.fetched_all.is_set():  # else we are back only for what is left to do with mails
                    self._bring_new(session, folder, selected)
                    self._try_again(session, folder)
                self._settle(session, folder)
                self.went_well()
                if self.helm.once:
                    self._finish(session, folder)
                    return
                self._wait_for_news(session, seen)

    # What is new.

    def _bring_new(self, session: ImapSession, folder: Folder, selected: Selected) -> None:
        stored = self.helm.keeper.stored
        begin = self._begin(folder)
        newest = self._newest(folder)
        for uids in session.new_uids(begin, selected):
            unknown = self._unknown(folder, uids, newest)
            self.helm.expect(sum(uid > self._expected for uid in unknown))
            self._expected = max(self._expected, uids[-1])
            for batch in self._batches(session, unknown):
                if self.helm.stop.is_set():
                    return
                self._bring(session, folder, batch)
                self.helm.progress(len(batch))
                self._brought = (folder.uidvalidity, max(batch))
                self.got_on()
                if self.helm.keeper.stored != stored:
                    stored = self.helm.keeper.stored
                    self._settle(session, folder)
            self._brought = (folder.uidvalidity, uids[-1])

    def _begin(self, folder: Folder) -> int:
        """The UID up to which this run has looked through the folder."""
        if self._brought[0] != folder.uidvalidity:
            if self._brought[0]:
                self.helm.tell(Event(Happening.UIDVALIDITY, {"place": self.place, "before": self._brought[0], "now": folder.uidvalidity}))
            self.ask(lambda: self.mails.let_go(folder), None)
            self._brought, self._one_by_one, self._broke, self._unnoted = (folder.uidvalidity, 0), 0, {}, {}
            self._expected = 0
        return self._brought[1]

    def _newest(self, folder: Folder) -> int:
        """The highest UID that is known: as the ledger says, or as the spool tells where that is ahead."""
        known = self.ask(lambda: self.mails.newest(folder), 0)
        if self.helm.keeper.offline:
            known = max([known, *(name.uid for name in self._waiting_in(folder))])
        return known

    def _unknown(self, folder: Folder, uids: list[int], newest: int) -> list[int]:
        """Those of the messages that have not been brought, by this run or an earlier one."""
        above = [uid for uid in uids if uid > newest]
        if len(above) == len(uids) or self.helm.keeper.offline:
            return above
        last = min(uids[-1], newest)
        known: set[int] | None = self.ask(lambda: self.mails.known(folder, uids[0], last), None)
        return above if known is None else [uid for uid in uids if uid not in known]

    def _waiting_in(self, folder: Folder) -> Iterator[MailName]:
        for _, text, _ in self.helm.store.spool.waiting():
            name = MailName.parse(text)
            if name and (name.account, name.folder, name.uidvalidity) == folder.key:
                yield name

    def _batches(self, session: ImapSession, uids: Sequence[int]) -> Iterator[list[int]]:
        """The messages in batches of bounded number and size; those that are large, or suspected, one by one."""
        for at in range(0, len(uids), SIZES_AT_ONCE):
            asked = uids[at : at + SIZES_AT_ONCE]
            suspected = [uid for uid in asked if uid <= self._one_by_one]
            yield from ([uid] for uid in suspected)
            yield from self._by_size(session, asked[len(suspected) :])

    def _by_size(self, session: ImapSession, asked: Sequence[int]) -> Iterator[list[int]]:
        try:
            sizes = session.sizes(asked)
        except FetchRefused:
            yield from ([uid] for uid in asked)
        except MailboxUnavailable as error:
            self._suspect(asked, error)
            raise
        else:
            batch: list[int] = []
            held = 0
            for uid in asked:
                size = sizes.get(uid, 0)
                alone = size > LARGE_BYTES
                if batch and (alone or held + size > BATCH_BYTES or len(batch) >= BATCH_MAILS):
                    yield batch
                    batch, held = [], 0
                batch.append(uid)
                held += size
                if alone:
                    yield batch
                    batch, held = [], 0
            if batch:
                yield batch

    def _bring(self, session: ImapSession, folder: Folder, uids: list[int], tries: int = 0) -> None:
        """Fetch some messages and keep those that may be reports; ``tries``: how often that was tried in vain."""
        try:
            found = self._fetch(session, uids)
        except FetchRefused as refusal:
            if len(uids) > 1:
                for uid in uids:
                    self._bring(session, folder, [uid])
            else:
                self._note_unfetchable(folder, uids[0], str(refusal), tries)
            return
        except MailboxUnavailable as error:
            self._suspect(uids, error, tries)
            raise
        self._keep(folder, found)
        for uid in session.search(["UID", listed(missing)]) if (missing := [uid for uid in uids if uid not in found]) else ():
            # Gone between search and fetch is no loss; still there, and not handed out, is.
            self._note_unfetchable(folder, uid, "the server hands out nothing for it", tries)

    def _keep(self, folder: Folder, found: Mapping[int, bytes | Path]) -> None:
        """Keep what may be reports; of letters only that they are some."""
        letters = [uid for uid, content in found.items() if is_one(content)]
        arrivals = [
            Arrival(str(folder.mail(uid)), found[uid], origin_of(found[uid], self._mailbox.authserv_ids))
            for uid in sorted(found.keys() - set(letters))
        ]
        if arrivals:
            self.helm.keeper.keep(arrivals)
            self.helm.tell(Event(Happening.FETCHED, {"place": self.place, "mails": len(arrivals)}))
        if letters:
            self.ask(lambda: self.mails.leave(folder, letters, "no report in it"), None)
        self._large.unlink(missing_ok=True)

    def _fetch(self, session: ImapSession, uids: Sequence[int]) -> dict[int, bytes | Path]:
        sizes = session.sizes(uids) if len(uids) == 1 else {}
        if any(size > LARGEST_BYTES for size in sizes.values()):
            raise FetchRefused(f"larger than {LARGEST_BYTES >> 20} MiB, which is no report")
        if any(size > LARGE_BYTES for size in sizes.values()):
            return self._fetch_large(session, uids[0])
        return dict(session.fetch(uids))

    def _fetch_large(self, session: ImapSession, uid: int) -> dict[int, bytes | Path]:
        """A large message, in a file beside the spool."""
        with spooling(self.helm.store), self._large.open("wb") as file:
            whole = session.fetch_in_pieces(uid, file)
        return {uid: self._large} if whole else {}

    # What cannot be fetched.

    def _note_unfetchable(self, folder: Folder, uid: int, reason: str, tries: int = 0) -> None:
        again = next_try(tries)
        self._unnoted[uid] = (reason, again)
        self._note_all(folder)
        self.helm.tell(Event(Happening.UNFETCHABLE, {"place": self.place, "uid": uid, "reason": reason, "again_at": again}))

    def _note_all(self, folder: Folder) -> None:
        """Note what could not be fetched; what the ledger does not take now is noted later."""
        for uid, (reason, again) in list(self._unnoted.items()):
            if self.ask(partial(self._noted, folder, uid, reason, again), otherwise=False):
                del self._unnoted[uid]

    def _noted(self, folder: Folder, uid: int, reason: str, again: datetime) -> bool:
        self.mails.note_unfetchable(folder, uid, reason, again)
        return True

    def _suspect(self, uids: Sequence[int], error: MailboxUnavailable, tries: int = 0) -> None:
        """The connection broke while messages were fetched: next time one by one, and one that breaks it again is passed over."""
        if len(uids) > 1:
            self._one_by_one = max(self._one_by_one, *uids)
            return
        uid, validity = uids[0], self._brought[0]
        self._broke[uid] = self._broke.get(uid, 0) + 1
        if self._broke[uid] > 1:
            reason = f"the connection breaks when it is fetched: {error.what}"
            self._note_unfetchable(Folder(self.account, self.folder, validity), uid, reason, tries)
            self._brought = (validity, max(self._brought[1], uid))
            self.got_on()

    def _try_again(self, session: ImapSession, folder: Folder) -> None:
        """Messages that could not be fetched, when their time has come."""
        self._note_all(folder)
        again: list[tuple[int, int]] = self.ask(lambda: self.mails.to_try_again(folder, now(), AGAIN_AT_ONCE), [])
        if not again:
            return
        there = set(session.search(["UID", listed([uid for uid, _ in again])]))
        gone = [uid for uid, _ in again if uid not in there]
        self.ask(lambda: self.mails.settle(folder, gone, "gone", "it could never be fetched"), None)
        for uid, tries in again:
            if uid in there:
                # First the time of the next try: it may break the connection again.
                self.ask(partial(self.mails.note_unfetchable, folder, uid, "it was tried again", next_try(tries)), None)
                self._bring(session, folder, [uid], tries)

    # What is stored, and waiting.

    def _settle(self, session: ImapSession, folder: Folder) -> None:
        if not self.helm.keeper.offline:
            self.ask(lambda: self._settler.settle(session, folder), None)

    def _finish(self, session: ImapSession, folder: Folder) -> None:
        """Wait until all that was brought is stored, then do with it what is to be done."""
        self.wait_until_stored()
        self._settle(session, folder)

    def _wait_for_news(self, session: ImapSession, seen: int) -> None:
        def is_over() -> bool:
            return self.helm.stop.is_set() or (self._mailbox.rules.changes_mail and self.helm.keeper.stored != seen)

        if self._mailbox.idle and session.can("IDLE"):
            session.idle(is_over, IDLE_SECONDS, TICK)
            return
        wait_until(is_over, self._mailbox.poll_seconds, self.helm)
        session.noop()


def is_one(content: bytes | Path) -> bool:
    """Whether a mail is a letter."""
    return is_letter(content) if isinstance(content, bytes) else is_letter_file(content, LARGEST_HELD)


def next_try(tries: int) -> datetime:
    """When a message that could not be fetched so often is tried again."""
    return now() + min(FIRST_RETRY * (1 << min(tries, 10)), timedelta(days=1))


def listed(uids: Sequence[int]) -> str:
    """UIDs as a sequence set."""
    return ",".join(map(str, uids))


def wait_until(is_over: Callable[[], bool], seconds: float, helm: Helm) -> None:
    """Wait, but not after it is over."""
    left = seconds
    while left > 0 and not is_over():
        helm.stop.wait(min(TICK, left))
        left -= TICK
