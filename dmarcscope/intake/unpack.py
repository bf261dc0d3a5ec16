"""From the bytes of an artefact to the reports inside: every container opened, every member accounted for.

Within hard limits (``limits``). Pure: no file, socket, clock or logger. What the bytes are is told by the bytes
(``kinds``); each kind of container has one reader (``streams``, ``archives``, ``mail``, ``msg``) that yields members;
this module walks them down to the leaves. A reader's error ends its member or container in a refusal, and its
neighbours are read all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from dmarcscope.intake.archives import open_tar, open_zip
from dmarcscope.intake.kinds import Closed, Container, LeafKind, look
from dmarcscope.intake.limits import LIMITS, Broken, Budget, Limits, Member, Members, UnreadableMember
from dmarcscope.intake.mail import MAIL_ONLY_KINDS, open_mail, open_mbox
from dmarcscope.intake.msg import open_msg
from dmarcscope.intake.streams import open_base64, open_bzip2, open_gzip, open_uuencode, open_xz, open_zlib

__all__ = ["LIMITS", "Leaf", "LeafKind", "Limits", "Refusal", "Unpacked", "unpack"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One thing found inside an artefact, unpacked.

    ``path`` names the members on the way ("report.zip/a/b.xml"), and is empty when the artefact itself is the leaf.
    ``data`` is there for XML; other leaves are only named. ``notes`` are the departures on the way ("gzip: 512 bytes of
    junk after the end").
    """

    path: str
    kind: LeafKind
    data: bytes
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A member that could not be read, and the reason: what is wrong and what to do."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unpacked:
    """All that was found in an artefact, in the order of the artefact."""

    leaves: tuple[Leaf, ...]
    refusals: tuple[Refusal, ...]


_OPENERS: dict[Container, Callable[[bytes, Budget], Members]] = {
    Container.GZIP: open_gzip,
    Container.ZLIB: open_zlib,
    Container.BZIP2: open_bzip2,
    Container.XZ: open_xz,
    Container.ZIP: open_zip,
    Container.TAR: open_tar,
    Container.MAIL: open_mail,
    Container.MBOX: open_mbox,
    Container.BASE64: open_base64,
    Container.UUENCODE: open_uuencode,
    Container.OLE: open_msg,
}
_MAILS = frozenset([Container.MAIL, Container.OLE])
_FEEDBACK = frozenset([LeafKind.ABUSE_REPORT, LeafKind.FAILURE_REPORT])


def unpack(data: bytes, limits: Limits = LIMITS) -> Unpacked:
    """The leaves inside ``data``, and what could not be read. Never raises, whatever the bytes.

    >>> unpack(b"<feedback></feedback>").leaves
    (Leaf(path='', kind=<LeafKind.XML: 'xml'>, data=b'<feedback></feedback>', notes=()),)
    >>> unpack(b"").refusals
    (Refusal(path='', reason='the file is empty'),)
    """
    if len(data) > limits.max_input_bytes:
        return Unpacked(
            (),
            (Refusal("", f"larger than {limits.max_input_bytes} bytes (MAX_INPUT_BYTES): split it and hand in the parts"),),
        )
    walk = _Walk(Budget(limits, len(data)))
    walk.examine(Member("", data), "", 0)
    return Unpacked(tuple(walk.leaves), tuple(walk.refusals))


class _Walk:
    """One walk through an artefact, or through one mail inside it."""

    __slots__ = ("_budget", "leaves", "refusals")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.leaves: list[Leaf] = []
        self.refusals: list[Refusal] = []

    def examine(self, member: Member, path: str, depth: int) -> None:
        """Adds what ``member`` is, or what is inside of it."""
        kind = look(member.data)
        if isinstance(kind, LeafKind):
            self._add_leaf(member, path, kind)
        elif isinstance(kind, Closed):
            if member.nameable:
                self.leaves.append(Leaf(path, LeafKind.OTHER, b"", member.notes))
            else:
                self.refusals.append(Refusal(path, kind.value))
        elif depth >= self._budget.limits.max_depth:
            self.refusals.append(Refusal(path, f"more than {depth} containers inside each other (MAX_DEPTH): not opened further"))
        elif kind in _MAILS:
            self._open_mail(kind, member, path, depth)
        else:
            self._open(kind, member, path, depth)

    def _add_leaf(self, member: Member, path: str, kind: LeafKind) -> None:
        if kind is not LeafKind.XML:
            self.leaves.append(Leaf(path, kind, b"", member.notes))
            return
        try:
            self._budget.check_member(len(member.data), max(len(member.data), 1))
            self._budget.keep(len(member.data))
        except UnreadableMember as refusal:
            self.refusals.append(Refusal(path, str(refusal)))
            return
        self.leaves.append(Leaf(path, kind, member.data, member.notes))

    def _open(self, kind: Container, member: Member, path: str, depth: int) -> None:
        is_empty = kind not in _MAILS
        try:
            for found in _OPENERS[kind](member.data, self._budget):
                is_empty = False
                inner = f"{path}/{found.name}" if path and found.name else path or found.name
                if isinstance(found, Broken):
                    self.refusals.append(Refusal(inner, found.reason))
                    continue
                self.examine(replace(found, notes=member.notes + found.notes) if member.notes else found, inner, depth + 1)
        except UnreadableMember as refusal:
            is_empty = False
            self.refusals.append(Refusal(path, str(refusal)))
        if is_empty:
            self.refusals.append(Refusal(path, f"{kind}: there is nothing in it: ask the reporter to send it again"))

    def _open_mail(self, kind: Container, member: Member, path: str, depth: int) -> None:
        """A mail is more than its parts: a feedback report as a whole, or a mail without any report."""
        inside = _Walk(self._budget)
        inside._open(kind, member, path, depth)
        self.refusals += inside.refusals
        feedback = [leaf for leaf in inside.leaves if leaf.kind in _FEEDBACK]
        if feedback:
            # RFC 5965 §2: the other parts are a text for people and the mail that the report is about
            self.leaves += [feedback[0], *(leaf for leaf in inside.leaves if leaf.kind is LeafKind.XML)]
        elif inside.refusals or not all(leaf.kind in MAIL_ONLY_KINDS for leaf in inside.leaves):
            self.leaves += inside.leaves
        else:
            self.leaves.append(Leaf(path, LeafKind.MAIL_WITHOUT_REPORT, b"", member.notes))
