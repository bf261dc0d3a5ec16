"""How much one artefact may cost, and the small types that every reader of a container shares.

Each limit has its reason beside it and a vector in ``tests/vectors/containers`` that runs into it. A limit that is hit
ends the member (size, ratio, nesting) or the rest of the artefact (number of members, work) in a refusal that names it:
nothing is cut short in silence.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

MIB = 1 << 20

MAX_INPUT_BYTES = 256 * MIB
"""The artefact itself. It is read into memory whole; a year of reports in one archive stays far below."""

MAX_LEAF_BYTES = 90 * MIB
"""One member, unpacked. A report of 100,000 records is about 60 MB of XML; below 100 MB in memory even for a bomb."""

MAX_TOTAL_BYTES = 512 * MIB
"""All that is unpacked or decoded on the way, packed and unpacked bytes of members and containers alike: a few seconds
of work."""

MAX_RATIO = 300
"""Unpacked bytes per packed byte. 100,000 real-looking records reach 46 with gzip and 102 with bzip2; with all
addresses in sequence 106 and 234. A gzip bomb has about 1000."""

RATIO_FLOOR_BYTES = 16 * MIB
"""Below this the ratio is not looked at: a short text of one repeated word may well be 1000:1, and harms nobody."""

MAX_MEMBERS = 20_000
"""Members of all containers together (attachments, archive members, gzip members): a year of daily reports by fifty
reporters."""

MAX_DEPTH = 12
"""Containers inside each other. A report forwarded twice, signed, zipped and gzipped needs nine; a zip that holds
itself ends here."""

MAX_NAME_LENGTH = 200
"""Characters of a member's name that are kept: a name is a label for people here, never a path to write to."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The hard limits for one artefact; the constants of this module say why each is what it is."""

    max_input_bytes: int = MAX_INPUT_BYTES
    max_leaf_bytes: int = MAX_LEAF_BYTES
    max_total_bytes: int = MAX_TOTAL_BYTES
    max_ratio: int = MAX_RATIO
    ratio_floor_bytes: int = RATIO_FLOOR_BYTES
    max_members: int = MAX_MEMBERS
    max_depth: int = MAX_DEPTH


LIMITS = Limits()


class UnreadableMember(Exception):
    """This member, or this whole container, cannot be read; the text is the reason. Never leaves ``unpack``."""


@dataclass(frozen=True, slots=True)
class Member:
    """One thing that a container holds, unpacked once. An empty name adds nothing to the path (gzip, base64).

    ``nameable``: what cannot be recognised in it is named as a leaf instead of refused (a detached signature, a Finder
    file).
    """

    name: str
    data: bytes
    notes: tuple[str, ...] = ()
    nameable: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """One thing that a container holds and that cannot be read."""

    name: str
    reason: str


Members = Iterator[Member | Broken]


@dataclass(slots=True)
class Budget:
    """What one artefact has cost so far."""

    limits: Limits
    input_bytes: int = 0
    members: int = field(default=0, init=False)
    unpacked: int = field(default=0, init=False)
    kept: int = field(default=0, init=False)

    def open_member(self) -> None:
        """Counts one more member; raises ``UnreadableMember`` when there are too many."""
        self.members += 1
        if self.members > self.limits.max_members:
            msg = f"more than {self.limits.max_members} members (MAX_MEMBERS): the rest was not opened; hand in parts"
            raise UnreadableMember(msg)

    def spend(self, size: int) -> None:
        """Counts bytes that were unpacked; raises ``UnreadableMember`` when the artefact has cost enough."""
        self.unpacked += size
        if self.unpacked > self.limits.max_total_bytes:
            msg = f"more than {self.limits.max_total_bytes} bytes of work (MAX_TOTAL_BYTES): the rest was not opened"
            raise UnreadableMember(msg)

    def check_member(self, size: int, packed: int) -> None:
        """Raises ``UnreadableMember`` when one member has grown too large, or too large for the bytes it came from."""
        limits = self.limits
        if size > limits.max_leaf_bytes:
            msg = f"unpacks to more than {limits.max_leaf_bytes} bytes (MAX_LEAF_BYTES): not read further"
            raise UnreadableMember(msg)
        if size > limits.ratio_floor_bytes and size > limits.max_ratio * packed:
            msg = f"unpacks to more than {limits.max_ratio} times its size (MAX_RATIO): a bomb, not read further"
            raise UnreadableMember(msg)

    def keep(self, size: int) -> None:
        """Counts bytes that are handed out; raises ``UnreadableMember`` when many members together make a bomb."""
        limits = self.limits
        kept = self.kept + size
        if kept > limits.ratio_floor_bytes and kept > limits.max_ratio * self.input_bytes:
            msg = f"all members unpack to more than {limits.max_ratio} times the artefact (MAX_RATIO): a bomb"
            raise UnreadableMember(msg)
        self.kept = kept


_LABEL_ONLY = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)), "\ufffd")


def clean_name(raw: bytes | str) -> str:
    """A member's name as a label: no control characters or lone surrogates, not longer than ``MAX_NAME_LENGTH``.

    >>> clean_name(b"a/b.xml")
    'a/b.xml'
    >>> clean_name("x\\n" + "y" * 300).count("y")
    197
    """
    name = raw if isinstance(raw, str) else _decoded_name(raw[: 4 * MAX_NAME_LENGTH])
    if len(name) > MAX_NAME_LENGTH:
        name = name[: MAX_NAME_LENGTH - 1] + "…"
    return name if name.isprintable() else name.translate(_LABEL_ONLY)


def _decoded_name(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437")  # APPNOTE appendix D: the character set of names without the UTF-8 flag
