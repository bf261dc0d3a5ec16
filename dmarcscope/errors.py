"""The errors that dmarcscope raises, sorted by whose fault it is.

    DmarcscopeError
    ├── ReportError        the reporter's: these bytes are not a report that can be read
    ├── SetupError         the operator's: a path, an option or a store that is not as it must be
    └── Unavailable        the world's: try again later
        ├── LookupUnavailable  no name server answers
        ├── MailboxUnavailable the mail server cannot be reached, or does not do what it is asked now
        └── StoreUnavailable   the store cannot be written or read now (disk full, locked, read-only)
            └── SpoolUnavailable   not even raw bytes can be kept: nothing may be taken

A message says what is wrong, where, and what to do. What the world may well hold (a duplicate, a report without records,
an unknown word in a field) is a value, never an exception.
"""


class DmarcscopeError(Exception):
    """Base of all errors that dmarcscope raises on purpose; anything else is a bug.

    ``where`` names the file, member, element or line; ``fix`` says what the reader can do. Both may be empty.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.fix}" if self.fix else text


class ReportError(DmarcscopeError):
    """These bytes hold no report that can be read; keep them and go on with the next."""


class SetupError(DmarcscopeError):
    """Something that the operator gave is missing, malformed or contradictory."""


class Unavailable(DmarcscopeError):
    """Something outside does not answer now; the same call may work later."""


class StoreUnavailable(Unavailable):
    """The store cannot be used now: disk full, read-only, or locked by another process."""


class SpoolUnavailable(StoreUnavailable):
    """The raw bytes of what arrives cannot be made durable now: nothing may be taken from where it is."""


class MailboxUnavailable(Unavailable):
    """A mail server cannot be reached, ended the connection, or refuses for the time being."""


class LookupUnavailable(Unavailable):
    """The DNS cannot be asked now: no name server answers."""
