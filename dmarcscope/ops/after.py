"""What becomes of a mail once the store has its final word on it: kept, moved, flagged or deleted, as configured; never before.

A step that a crash interrupts is found out at the next look: a message that is not there any more has been moved or deleted. Where the
server cannot move (RFC 6851) the message is copied, marked and expunged by its UID (RFC 4315); the ledger notes that it is being
copied, so that after a crash the copy is looked for before another is made.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from time import monotonic

from dmarcscope.errors import SetupError
from dmarcscope.intake.imap import ActionRefused, FetchRefused, ImapSession
from dmarcscope.model.after import DEFAULT_FLAG, After
from dmarcscope.ops.backoff import Backoff
from dmarcscope.ops.events import Event, Happening, Tell
from dmarcscope.store.mails import Folder, Mails, OpenMail

SETTLED_AT_ONCE = 200
FIRST_WAIT, LONGEST_WAIT = 60.0, 3600.0  # seconds before an action that the server refused is tried again


@dataclass(frozen=True, slots=True)
class Rules:
    """What becomes of mails: of those whose report is stored, and of those that could not be read (None: they stay)."""

    after: After = After.KEEP
    move_to: str | None = None
    flag: str = DEFAULT_FLAG
    unreadable_folder: str | None = None

    @property
    def changes_mail(self) -> bool:
        """Whether anything in the mailbox is ever changed; if not, folders are opened for reading only."""
        return self.after is not After.KEEP or self.unreadable_folder is not None


@dataclass(frozen=True, slots=True)
class Step:
    """What is done with the mails whose artefacts are in some states."""

    states: tuple[str, ...]
    after: After
    target: str | None
    done: str  # as the ledger notes it


def steps(rules: Rules) -> tuple[Step, ...]:
    """The steps that the rules ask for."""
    done = {After.KEEP: "kept", After.MOVE: "moved", After.FLAG: "flagged", After.DELETE: "deleted"}[rules.after]
    unreadable = (After.MOVE, rules.unreadable_folder, "moved") if rules.unreadable_folder else (After.KEEP, None, "kept")
    return (
        Step(("stored", "duplicate", "superseded"), rules.after, rules.move_to if rules.after is After.MOVE else None, done),
        Step(("sidelined",), *unreadable),
        Step(("ignored",), After.KEEP, None, "left"),
    )


class Settler:
    """Does with the mails of one folder what the rules ask for."""

    def __init__(self, rules: Rules, mails: Mails, tell: Tell, chance: Random, place: str) -> None:
        self._steps = steps(rules)
        self._flag = rules.flag
        self._mails = mails
        self._tell = tell
        self._place = place
        self._backoffs = {step: Backoff(FIRST_WAIT, LONGEST_WAIT, chance) for step in self._steps}
        self._not_before: dict[Step, float] = {}

    def settle(self, session: ImapSession, folder: Folder) -> None:
        """Do all that is to be done now. Raises MailboxUnavailable, and StoreUnavailable or SetupError if the ledger does not answer."""
        for step in self._steps:
            if monotonic() < self._not_before.get(step, 0.0):
                continue
            try:
                while found := self._mails.still_open(folder, step.states, SETTLED_AT_ONCE):
                    try:
                        self._settle_some(session, folder, step, found)
                    except ActionRefused as refusal:
                        if refusal.code != "EXPUNGEISSUED":  # RFC 5530: somebody has taken some of them away just now
                            raise
                        session.noop()
                        self._settle_some(session, folder, step, found)
            except ActionRefused as refusal:
                seconds = self._backoffs[step].failed()
                self._not_before[step] = monotonic() + seconds
                self._tell(Event(Happening.REFUSED, {"place": self._place, "reason": str(refusal), "again_in": round(seconds)}))
            else:
                self._backoffs[step].succeeded()

    def _settle_some(self, session: ImapSession, folder: Folder, step: Step, found: Sequence[OpenMail]) -> None:
        if step.after is After.KEEP:
            self._mails.settle(folder, [mail.uid for mail in found], step.done)
            return
        if not session.writable:
            raise ActionRefused(f"cannot {step.after.value}: we may only read the folder", "READ-ONLY")
        there = set(session.search(["UID", ",".join(str(mail.uid) for mail in found)]))
        gone = [mail.uid for mail in found if mail.uid not in there]
        if gone:
            self._mails.settle(folder, gone, "gone", "not in the folder any more")
        still = [mail for mail in found if mail.uid in there]
        if not still:
            return
        reason = ACTIONS[step.after](self, session, folder, step, still)
        uids = [mail.uid for mail in still]
        self._mails.settle(folder, uids, step.done, reason)
        self._tell(Event(Happening(step.done), {"place": self._place, "mails": len(uids), "to": step.target}))

    def _move(self, session: ImapSession, folder: Folder, step: Step, mails: Sequence[OpenMail]) -> str | None:
        target = step.target or ""
        uids = [mail.uid for mail in mails]
        with_folder = retry_with_folder(session, target)
        if session.can("MOVE"):
            with_folder(lambda: session.move(uids, target))
            return f"to {target}"
        fresh = [mail.uid for mail in mails if not mail.copying or not self._is_copied(session, folder, mail.uid, target)]
        self._mails.settle(folder, uids, "copying")
        if fresh:
            with_folder(lambda: session.copy(fresh, target))
        expunged = session.delete(uids)
        return f"to {target}" if expunged else f"copied to {target} and marked as deleted: the server cannot expunge single messages"

    def _is_copied(self, session: ImapSession, folder: Folder, uid: int, target: str) -> bool:
        """Whether a copy that a crash interrupted was made: the target has a message of the same Message-ID and size."""
        told = session.message_ids([uid]).get(uid)
        if told is None or not told[0]:
            return False
        try:
            session.select(target, readonly=True)
            same = session.search(["HEADER", "Message-ID", told[0]])
            return told[1] in session.sizes(same).values() if same else False
        except (SetupError, FetchRefused):
            return False  # the folder is not there yet, or does not tell: rather two copies than none
        finally:
            session.select(folder.name, readonly=False)

    def _set_flag(self, session: ImapSession, _folder: Folder, _step: Step, mails: Sequence[OpenMail]) -> str | None:
        session.flag([mail.uid for mail in mails], self._flag)
        return self._flag

    def _delete(self, session: ImapSession, _folder: Folder, _step: Step, mails: Sequence[OpenMail]) -> str | None:
        expunged = session.delete([mail.uid for mail in mails])
        return None if expunged else "marked as deleted: the server cannot expunge single messages"


ACTIONS: dict[After, Callable[[Settler, ImapSession, Folder, Step, Sequence[OpenMail]], str | None]] = {
    After.MOVE: Settler._move,  # noqa: SLF001 (the table of its own methods)
    After.FLAG: Settler._set_flag,  # noqa: SLF001
    After.DELETE: Settler._delete,  # noqa: SLF001
}


def retry_with_folder(session: ImapSession, target: str) -> Callable[[Callable[[], None]], None]:
    """Do something that needs the target folder; where the server says that it is not there, make it first (RFC 9051 §6.4.7)."""

    def do(action: Callable[[], None]) -> None:
        try:
            action()
        except ActionRefused as refusal:
            if refusal.code not in ("TRYCREATE", "NONEXISTENT"):
                raise
            try:
                session.create_folder(target)
            except SetupError as error:
                raise ActionRefused(error.what, refusal.code) from error
            action()

    return do
