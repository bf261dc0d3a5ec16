"""Try a mailbox, step by step, and say in plain words what works. Nothing in it is changed."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from dmarcscope.errors import DmarcscopeError
from dmarcscope.intake.account import Security, connect
from dmarcscope.intake.imap import ImapSession
from dmarcscope.model.after import After
from dmarcscope.ops.mailbox import Mailbox

LOOKS_LIKE_A_REPORT = ["OR", "SUBJECT", "Report Domain:", "OR", "SUBJECT", "DMARC", "SUBJECT", "Report-ID"]
"""RFC 9990 §4.4.1 sets the subject: «Report Domain: … Submitter: … Report-ID: …»; some write «DMARC» instead."""
SECURITY = {
    Security.TLS: "TLS from the first byte",
    Security.STARTTLS: "STARTTLS before the login",
    Security.NONE: "NO TLS: everyone on the way can read the password and the mail",
}
ABILITIES = {
    "IDLE": ("new mail is told at once (IDLE)", "no IDLE: it is looked for every poll_every"),
    "MOVE": ("mails are moved in one step (MOVE)", "no MOVE: mails are copied, then expunged"),
    "UIDPLUS": ("single mails can be expunged (UIDPLUS)", "no UIDPLUS: mails can only be marked as deleted"),
}
NEEDED_RIGHTS = {  # RFC 4314 §4: what each action needs in the folder itself, and in its target
    After.KEEP: ("r", ""),
    After.MOVE: ("rte", "i"),
    After.FLAG: ("rw", ""),
    After.DELETE: ("rte", ""),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that was tried: what, whether it works (None: it cannot be told, or does not matter), and what was found."""

    name: str
    ok: bool | None
    found: str
    fix: str = ""


def try_mailbox(mailbox: Mailbox) -> list[Trial]:
    """Try everything, as far as it goes."""
    trials: list[Trial] = []
    try:
        for trial in tried(mailbox):
            trials.append(trial)  # noqa: PERF402 (what came before an error is told, too)
    except DmarcscopeError as error:
        names = ("server", "login", "mailbox")
        trials.append(Trial(names[min(len(trials), 2)], False, error.what, error.fix))
    return trials


def tried(mailbox: Mailbox) -> Iterator[Trial]:
    """One trial after the other. Raises what the mailbox raises."""
    account = mailbox.account
    with ImapSession(account, connect(account)) as session:
        verified = "" if account.verify or account.security is Security.NONE else "; the certificate is NOT verified"
        yield Trial("server", True, f"{account.host}:{account.port} answers; {SECURITY[account.security]}{verified}")
        session.log_in()
        yield Trial("login", True, f"{account.user} is let in ({account.mechanism.value})")
        for ability, (able, unable) in ABILITIES.items():
            can = session.can(ability)
            yield Trial(ability, True if can else None, able if can else unable)
        for folder in mailbox.folders:
            selected = session.select(folder, readonly=True)
            alike = len(session.search(LOOKS_LIKE_A_REPORT))
            yield Trial(f"folder {folder}", True, f"{selected.exists} mails, {alike} look like reports by their subject")
            yield rights(session, mailbox, folder)
        for target in dict.fromkeys([mailbox.rules.move_to, mailbox.rules.unreadable_folder]):
            if target is not None:
                yield target_folder(session, target)


def rights(session: ImapSession, mailbox: Mailbox, folder: str) -> Trial:
    """Whether the server lets us do in a folder what is configured (RFC 4314)."""
    after = mailbox.rules.after
    if mailbox.rules.unreadable_folder and after is After.KEEP:
        after = After.MOVE
    name = f"permission in {folder}"
    if after is After.KEEP:
        return Trial(name, True, "mails stay as they are: reading is all that is needed")
    mine = session.my_rights(folder)
    if mine is None:
        return Trial(name, None, f"the server does not tell whether we may {after.value} mails; a refusal loses nothing, and is told")
    missing = [right for right in NEEDED_RIGHTS[after][0] if right not in old_rights(mine)]
    if missing:
        return Trial(name, False, f"we may not {after.value} mails (rights {mine}, missing {''.join(missing)})", "Ask who runs the mailbox")
    return Trial(name, True, f"we may {after.value} mails (rights {mine})")


def target_folder(session: ImapSession, target: str) -> Trial:
    """Whether a folder that mails are moved to is there, and open to us."""
    name = f"folder {target}"
    if target not in session.folders():
        return Trial(name, None, "is not there yet; it is made when the first mail goes there")
    mine = session.my_rights(target)
    if mine is not None and "i" not in mine:
        return Trial(name, False, f"we may not put mails there (rights {mine})", "Ask who runs the mailbox, or name another folder")
    return Trial(name, True, "is there")


def old_rights(rights: str) -> str:
    """Rights with those of RFC 2086 spelt out: its «d» is RFC 4314's «t», «e» and «x»."""
    return rights + "te" if "d" in rights else rights


def as_dicts(trials: list[Trial]) -> list[dict[str, Any]]:
    """The trials for machines."""
    return [asdict(trial) for trial in trials]
