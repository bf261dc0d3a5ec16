"""A session with a mail server (IMAP, RFC 9051 and 3501): log in, look for messages, fetch, move, wait.

IMAPClient speaks the protocol. What is ours: which error is whose fault, folders of any size in pieces, large messages in pieces,
and never more taken away from a mailbox than the messages named (UID EXPUNGE only, RFC 4315).
"""

import imaplib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from dmarcscope.errors import DmarcscopeError, MailboxUnavailable, SetupError
from dmarcscope.intake import account as accounts
from dmarcscope.intake.account import PASSING, Account, Mechanism, connect, drop, refusal_code, said, talking

if TYPE_CHECKING:
    from imapclient import IMAPClient

UIDS_AT_ONCE = 50_000
"""Span of one search: the answer is one line, of which the library takes at most a million bytes."""
MAX_UID = 2**32 - 1
PIECE_BYTES = 1 << 20
"""Of a large message, fetched at once."""
MOVE_AT_ONCE = 100
"""Messages moved by one command: what a crash may leave half done."""


PLAIN = re.compile(rb"[ -~]{1,900}")


@dataclass(frozen=True, slots=True)
class Selected:
    """A folder as the server describes it when it is opened."""

    uidvalidity: int
    exists: int
    uidnext: int | None
    writable: bool  # whether anything in it can be changed


def open_session(account: Account) -> "ImapSession":
    """Connect and log in. Raises MailboxUnavailable, or SetupError for what only the operator can mend."""
    client = connect(account)
    session = ImapSession(account, client)
    try:
        session.log_in()
    except BaseException:
        session.drop()
        raise
    return session


class ImapSession:
    """One connection to an account. Methods raise MailboxUnavailable when it is of no more use. Use it as a context manager."""

    def __init__(self, account: Account, client: "IMAPClient") -> None:
        self.account = account
        self._client = client
        self.writable = False
        """Whether the folder that is open may be changed."""
        self._lasting: frozenset[bytes] = frozenset()

    def keeps(self, flag: str) -> bool:
        """Whether a flag outlives this session in the folder that is open (RFC 9051 §7.1: all do where the server does not say)."""
        return not self._lasting or b"\\*" in self._lasting or flag.lower().encode() in self._lasting

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            with suppress(Exception):
                self._client.logout()
        self.drop()

    def drop(self) -> None:
        """End the connection without a word."""
        drop(self._client)

    # Login and what the server can do.

    def log_in(self) -> None:
        """Log in; an access token that is refused is fetched anew once."""
        account = self.account
        if account.tokens is None:
            self._log_in_with(account.password() if account.password else "")
            return
        send = self._client.oauthbearer_login if account.mechanism is Mechanism.OAUTHBEARER else self._client.oauth2_login
        token = account.tokens.token()
        try:
            self._try_login(lambda: send(account.user, token))
        except SetupError:
            token = account.tokens.token(fresh=True)
            self._try_login(lambda: send(account.user, token))

    def _log_in_with(self, secret: str) -> None:
        user = self.account.user
        if self.can("LOGINDISABLED"):  # RFC 9051 §6.2.3: then the password must not be sent
            raise SetupError(
                "the server takes no password on this connection", where=self.account.where, fix="Use TLS: imaps://, or starttls"
            )
        if user.isascii() and secret.isascii():
            self._try_login(lambda: self._client.login(user, secret))
        elif self.can("AUTH=PLAIN"):  # LOGIN knows ASCII only; RFC 4616 takes UTF-8
            self._try_login(lambda: self._client.plain_login(user, secret))
        else:
            what = "the user name or the password has other letters than ASCII, and the server offers no AUTH=PLAIN"
            raise SetupError(what, where=self.account.where, fix="Choose a password of ASCII letters")

    def _try_login(self, attempt: Callable[[], Any]) -> None:
        with talking(self.account):
            try:
                attempt()
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                if isinstance(error.__context__, imaplib.IMAP4.abort):  # the library calls every failure a refused login
                    raise error.__context__ from error
                raise self._login_refused(error) from error

    def _login_refused(self, error: Exception) -> DmarcscopeError:
        if PASSING.search(str(error)):
            return MailboxUnavailable(f"the login is refused for now ({said(error)})", where=self.account.where)
        fix = "Check the user name and the password"
        if self.account.tokens is not None:
            fix = "Check the user name, that IMAP is switched on for it, and what the access token is for; or log in again"
        return SetupError(f"the login is refused ({said(error)})", where=self.account.where, fix=fix)

    def can(self, capability: str) -> bool:
        """Whether the server has said that it can do something."""
        with talking(self.account):
            return bool(self._client.has_capability(capability))

    # Folders.

    def select(self, folder: str, *, readonly: bool) -> Selected:
        """Open a folder, for reading only if no more is allowed. Raises SetupError if it is not there or may not be opened."""
        with talking(self.account):
            try:
                self.writable = not readonly
                found = self._open(folder, readonly)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                if PASSING.search(str(error)):
                    raise MailboxUnavailable(f"{folder} cannot be opened now ({said(error)})", where=self.account.where) from error
                raise SetupError(
                    f"the folder {folder} cannot be opened ({said(error)})", where=self.account.where, fix=self._there_are(folder)
                ) from error
        validity = found.get(b"UIDVALIDITY")
        if not isinstance(validity, int):
            raise SetupError("the server gives messages no lasting numbers (UIDVALIDITY)", where=self.account.where, fix="Ask the provider")
        self._lasting = frozenset(flag.lower() for flag in found.get(b"PERMANENTFLAGS", ()))
        return Selected(validity, int(found.get(b"EXISTS", 0)), found.get(b"UIDNEXT"), self.writable)

    def _open(self, folder: str, readonly: bool) -> Any:
        try:
            return self._client.select_folder(folder, readonly=readonly)
        except imaplib.IMAP4.readonly:  # it may be read: that is enough to take reports
            self.writable = False
            return self._client.select_folder(folder, readonly=True)

    def _there_are(self, missing: str) -> str:
        names = self.folders()
        close = [name for name in names if name.lower() == missing.lower()] or names[:20]
        return f"There are: {', '.join(close)}" if close else "Create it, or name another"

    def folders(self) -> list[str]:
        """The names of the folders that can be opened."""
        with talking(self.account), suppress(imaplib.IMAP4.readonly):
            try:
                return [str(name) for flags, _, name in self._client.list_folders() if b"\\Noselect" not in flags]
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error:
                return []
        return []

    def create_folder(self, folder: str) -> None:
        """Make a folder, if it is not there. Raises SetupError if the server does not let us."""
        with talking(self.account):
            if self._client.folder_exists(folder):
                return
            try:
                self._client.create_folder(folder)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                if refusal_code(error) == "ALREADYEXISTS":
                    return
                raise SetupError(
                    f"the folder {folder} cannot be made ({said(error)})", where=self.account.where, fix="Make it in your mail program"
                ) from error

    def my_rights(self, folder: str) -> str | None:
        """The rights that we have in a folder (RFC 4314 §2.1), None where the server does not tell."""
        if not self.can("ACL"):
            return None
        with talking(self.account):
            try:
                answer = self._client._raw_command_untagged(b"MYRIGHTS", [self._client._normalise_folder(folder)], uid=False)  # noqa: SLF001
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error:
                return None
        text = answer[-1].decode("ascii", "replace") if answer and isinstance(answer[-1], bytes) else ""
        return text.rpartition(" ")[2].strip('"')

    # Messages.

    def new_uids(self, after: int, selected: Selected) -> Iterator[list[int]]:
        """The UIDs above ``after``, ascending, in lists of at most UIDS_AT_ONCE; memory does not grow with the folder."""
        begin = after + 1
        end = selected.uidnext - 1 if selected.uidnext else self._last_uid(selected.exists)
        if selected.exists <= UIDS_AT_ONCE:
            found = [uid for uid in self.search(["UID", f"{begin}:*"]) if uid >= begin]  # «n:*» always finds the last one
            if found:
                yield found
            return
        while begin <= end:
            stop = begin + UIDS_AT_ONCE - 1
            found = self.search(["UID", f"{begin}:{stop}"])
            if found:
                yield found
                begin = stop + 1
                continue
            following = self._first_from(stop + 1, selected.exists)
            if following is None:
                return
            begin = following

    def _first_from(self, uid: int, exists: int) -> int | None:
        """The lowest UID from there on, found by halving the sequence numbers: a gap may be four billion wide."""
        low, high, found = 1, exists, None
        self._client.use_uid = False
        try:
            while low <= high:
                middle = (low + high) // 2
                here = self._uid_at(middle)
                if here is not None and here < uid:
                    low = middle + 1
                else:
                    found, high = (here if here is not None else found), middle - 1
        finally:
            self._client.use_uid = True
        return found

    def _last_uid(self, exists: int) -> int:
        self._client.use_uid = False
        try:
            return (self._uid_at(exists) if exists else 0) or MAX_UID
        finally:
            self._client.use_uid = True

    def _uid_at(self, number: int) -> int | None:
        with talking(self.account):
            try:
                answer = self._client.fetch([number], ["UID"])
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error:
                return None  # expunged meanwhile: nothing stands so high any more
        return next((int(item[b"UID"]) for item in answer.values() if b"UID" in item), None)

    def search(self, criteria: Sequence[str | bytes | int | Sequence[int]]) -> list[int]:
        """The UIDs of the messages that meet the criteria, ascending."""
        with self._asking("search"):
            return sorted(int(uid) for uid in self._client.search(list(criteria)))

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """The sizes, in bytes, of those of the messages that are still there. Raises FetchRefused."""
        answer = self._fetched(uids, "RFC822.SIZE")
        return {uid: int(item[b"RFC822.SIZE"]) for uid, item in answer.items() if b"RFC822.SIZE" in item}

    def fetch(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The bytes of those of the messages that are still there; none of them becomes «seen». Raises FetchRefused."""
        answer = self._fetched(uids, "BODY.PEEK[]")
        return {uid: item[b"BODY[]"] for uid, item in answer.items() if isinstance(item.get(b"BODY[]"), bytes)}

    def fetch_in_pieces(self, uid: int, into: IO[bytes]) -> bool:
        """Write a large message into a file, piece by piece; whether it was there to the end. Raises FetchRefused."""
        size = self.sizes([uid]).get(uid)
        if size is None:
            return False
        at = 0
        while True:
            answer = self._fetched([uid], f"BODY.PEEK[]<{at}.{PIECE_BYTES}>")
            piece = answer.get(uid, {}).get(b"BODY[]<%d>" % at)
            if isinstance(piece, bytes):
                into.write(piece)
                at += len(piece)
            if not isinstance(piece, bytes) or len(piece) < PIECE_BYTES:
                return at >= size or (uid in answer and at > 0 and self._is_there(uid))

    def _is_there(self, uid: int) -> bool:
        """Whether a message that ended early is there still: then its server does not know sizes; else it was deleted meanwhile."""
        self.noop()
        return bool(self.search(["UID", uid]))

    def _fetched(self, uids: Sequence[int], what: str) -> dict[int, dict[bytes, Any]]:
        with talking(self.account):
            try:
                return dict(self._client.fetch(uids, [what]))
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                raise FetchRefused(said(error)) from error

    # What becomes of messages. All raise ActionRefused where the server does not let us.

    def flag(self, uids: Sequence[int], flag: str) -> None:
        """Set a flag."""
        if not self.keeps(flag):
            raise ActionRefused(f"cannot set the flag {flag}: the server would forget it with this session", "")
        for part in parts(uids):
            self._do("set the flag", lambda part=part: self._client.add_flags(part, [flag], silent=True))  # type: ignore[misc]
            with self._asking("fetch flags"):
                found = self._client.get_flags(part)
            # RFC 4314 §4: a server may say OK and leave out the flags that we have no right to.
            if any(flag.lower().encode() not in map(bytes.lower, flags) for flags in found.values()):
                raise ActionRefused(f"cannot set the flag {flag}: the server does not keep it", "")

    def delete(self, uids: Sequence[int]) -> bool:
        """Delete messages, and no others; False where they can only be marked as deleted (no UIDPLUS)."""
        expunges = self.can("UIDPLUS")
        for part in parts(uids):
            self._do("delete", lambda part=part: self._client.delete_messages(part, silent=True))  # type: ignore[misc]
            if expunges:
                self._do("delete", lambda part=part: self._client.uid_expunge(part))  # type: ignore[misc]
            # RFC 4314 §4: a server may say OK and do nothing where we have no right to.
            if self.search(["UID", ",".join(map(str, part)), *([] if expunges else ["UNDELETED"])]):
                raise ActionRefused("cannot delete: the server leaves them where they are", "")
        return expunges

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move messages as one step each (RFC 6851); needs MOVE."""
        for part in parts(uids):
            self._do("move", lambda part=part: self._client.move(part, folder))  # type: ignore[misc]

    def copy(self, uids: Sequence[int], folder: str) -> None:
        """Copy messages."""
        for part in parts(uids):
            self._do("copy", lambda part=part: self._client.copy(part, folder))  # type: ignore[misc]

    def message_ids(self, uids: Sequence[int]) -> dict[int, tuple[bytes, int]]:
        """The Message-ID field (as it stands) and the size of each message; b"" for a field that cannot be searched for."""
        with self._asking("fetch"):
            answer = self._client.fetch(uids, ["BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]", "RFC822.SIZE"])
        found = {}
        for uid, item in answer.items():
            head = next((value for name, value in item.items() if name.startswith(b"BODY[HEADER")), b"")
            told = head.partition(b":")[2].strip()
            found[uid] = (told if PLAIN.fullmatch(told) else b"", int(item.get(b"RFC822.SIZE", 0)))
        return found

    def _do(self, what: str, action: Callable[[], Any]) -> None:
        with talking(self.account):
            try:
                action()
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                raise ActionRefused(f"cannot {what} ({said(error)})", refusal_code(error)) from error

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """A question that every server must answer: a refusal means that it cannot now."""
        with talking(self.account):
            try:
                yield
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                raise MailboxUnavailable(f"the server does not {what} ({said(error)})", where=self.account.where) from error

    # Waiting.

    def noop(self) -> None:
        """Let the server say what is new, and see whether it is still there."""
        with self._asking("answer"):
            self._client.noop()

    def idle(self, is_over: Callable[[], bool], seconds: float, tick: float) -> bool:
        """Wait until the server tells of something (True), ``seconds`` are over or ``is_over``, asked every ``tick`` (False); RFC 2177."""
        with self._asking("tell of new mail (IDLE)"):
            self.can("IDLE")  # the library must not ask for capabilities while it waits
            told = self._begin_idle()
            waited = 0.0
            try:
                while not told and waited < seconds and not is_over():
                    told = any(is_news(line) for line in self._client.idle_check(timeout=tick))
                    waited += tick
            finally:
                _, last = self._client.idle_done()
            return told or any(is_news(line) for line in last)

    def _begin_idle(self) -> bool:
        """Say IDLE; whether the server told of new messages since the folder was opened: it will not do so again."""
        client, imap = self._client, self._client._imap  # noqa: SLF001 (the library's own idle() takes no news before the continuation)
        client._idle_tag = tag = imap._command("IDLE")  # noqa: SLF001
        while imap._get_response() is not None:  # noqa: SLF001
            if imap.tagged_commands[tag]:
                _, said_instead = imap.tagged_commands.pop(tag)
                raise imaplib.IMAP4.error(str(said_instead[-1]))
        told = len(imap.untagged_responses.get("EXISTS", ())) > 1  # the first is of the opening itself
        return told or b"EXISTS" in self._unread()

    def _unread(self) -> bytes:
        """What the server said in one go with the last line read: it lies in a buffer, where waiting for the connection does not see it."""
        connection = self._client.socket()
        connection.setblocking(False)
        try:
            return bytes(self._client._imap.file.peek())  # noqa: SLF001
        except OSError:
            return b""
        finally:
            connection.settimeout(accounts.READ_SECONDS)


class FetchRefused(Exception):
    """The server does not hand out these messages, though it does others; never leaves the intake of mail."""


class ActionRefused(Exception):
    """The server does not let us do this with a message; ``code`` is its response code (RFC 5530). Never leaves the intake of mail."""

    def __init__(self, what: str, code: str) -> None:
        super().__init__(what)
        self.code = code


def is_news(line: Any) -> bool:
    """Whether an untagged response tells of new messages. Raises when it is the server's good-bye."""
    if isinstance(line, tuple) and line and line[0] == b"BYE":
        raise imaplib.IMAP4.abort(str(line[1] if len(line) > 1 else "BYE"))
    return isinstance(line, tuple) and len(line) > 1 and line[1] == b"EXISTS"


def parts(uids: Iterable[int]) -> Iterator[list[int]]:
    """The messages in lists for one command each."""
    listed = list(uids)
    for at in range(0, len(listed), MOVE_AT_ONCE):
        yield listed[at : at + MOVE_AT_ONCE]
