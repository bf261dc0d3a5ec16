"""Write the owner's own list: accept or reject a sender. Only the entry that is meant changes; every other byte stays as it is.

The file is read and checked first, then changed, read again and compared with what was meant; and then it takes the place of the old
one whole or not at all: temp file, fsync, rename, fsync of the folder.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

from dmarcscope.enrich.owner_list import KEYS, KNOWN_KEYS, TOP, Network, check_order, entries, list_of, name_of, shown
from dmarcscope.enrich.yaml_edit import (
    Edit,
    add_items,
    after_colon,
    apply,
    block_end,
    column,
    content_end,
    in_brackets,
    newline,
    quoted,
    set_value,
    set_values,
)
from dmarcscope.enrich.yaml_tree import Items, Leaf, Node, Pairs, read_text, tree_of
from dmarcscope.errors import SetupError, StoreUnavailable
from dmarcscope.model.owner_list import KnownBy, Label, ListedSender, OwnerList

BY_HAND = "Change it by hand, as docs/senders-list.md shows"
FULL = {28, 122}  # ENOSPC, EDQUOT
HEADER = """\
# Who may send as our domains, and who may not. dmarcscope reads this list, and it goes before every other rule.
#
# For each sender, name and label are needed; all else is a remark, or limits it:
#
#   - name: Letterbox            # as «dmarcscope senders» names it
#     label: ours                # or: not ours, forwarder, mailing list
#     owner: Marketing           # who answers for it
#     purpose: newsletter        # what it sends
#     expected: 400-600          # messages a week, from-to; «dmarcscope senders check» tells when it is less or more
#     review: 2027-01-31         # on this day, look whether it is still needed
#     domains: [example.com]     # only for these author domains, and those below them
#     known_by:                  # only where the name alone does not tell it; any one of these is enough
#       addresses: [198.51.100.0/28]
#       ptr_suffixes: [letterbox.example]
#       dkim_domains: [letterbox.example]
#       spf_domains: [spf.letterbox.example]
#
# The first entry that fits counts. «dmarcscope senders accept NAME» and «reject NAME» write here, too, and keep what you wrote.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """What is said of a sender beside its name; None and () leave what is there. Domains and addresses are added to those there."""

    label: Label | None = None
    owner: str | None = None
    purpose: str | None = None
    expected: tuple[int, int] | None = None
    review: date | None = None
    domains: tuple[str, ...] = ()
    addresses: tuple[Network, ...] = ()


NO_REMARKS = Remarks()


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the entry as it is now and as it was (None: it is new), and whether the file is new."""

    path: Path
    now: ListedSender
    before: ListedSender | None
    new_file: bool

    @property
    def changed(self) -> bool:
        """Whether anything is other than before."""
        return self.now != self.before


def accept(path: Path, name: str, remarks: Remarks = NO_REMARKS) -> Written:
    """List a sender as one that may send: «ours», unless the remarks or the entry that is there say forwarder or mailing list.

    Raises SetupError where the file is not valid, or cannot be written.
    """
    return write(path, name, remarks, Label.OURS)


def reject(path: Path, name: str, remarks: Remarks = NO_REMARKS) -> Written:
    """List a sender as «not ours». Raises SetupError where the file is not valid, or cannot be written."""
    return write(path, name, replace(remarks, label=Label.NOT_OURS), Label.NOT_OURS)


def write(path: Path, name: str, remarks: Remarks, usual: Label) -> Written:
    """Change the entry of that name, or add one."""
    file = path.resolve()  # a link stays one
    with sole_writer(file.parent):
        return write_alone(file, path, name, remarks, usual)


def write_alone(file: Path, path: Path, name: str, remarks: Remarks, usual: Label) -> Written:
    """The same while no other does so; ``path`` is how the file is named."""
    old = read_text(file)
    text = HEADER if old is None else old
    listed = list_of(text, str(path))
    wanted = name_of(name)
    position = found(listed, wanted, path)
    before = None if position is None else listed.senders[position]
    now = described(before or ListedSender(wanted, usual), remarks, usual)
    meant = (*listed.senders, now) if position is None else (*listed.senders[:position], now, *listed.senders[position + 1 :])
    check_order(meant, str(path))
    if now != before:
        new = changed(text, str(path), position, before, now)
        save(file, new, old, path)
    return Written(path, now, before, new_file=old is None)


def found(listed: OwnerList, name: str, path: Path) -> int | None:
    """The position of the one entry of that name, None if there is none. Raises SetupError if there are several."""
    positions = [position for position, sender in enumerate(listed.senders) if sender.name.casefold() == name.casefold()]
    if len(positions) > 1:
        lines = ", ".join(str(listed.senders[position].line) for position in positions)
        raise SetupError(f"«{name}» has several entries, for different domains (lines {lines})", where=str(path), fix=BY_HAND)
    return positions[0] if positions else None


def described(sender: ListedSender, remarks: Remarks, usual: Label) -> ListedSender:
    """The entry with the remarks."""
    label = remarks.label or (usual if sender.label is Label.NOT_OURS else sender.label)
    if remarks.domains and sender.line and not sender.domains:
        fix = f"{BY_HAND}, if it is to hold for {', '.join(remarks.domains)} only"
        raise SetupError(f"«{sender.name}» is listed for all domains already (line {sender.line})", fix=fix)
    return replace(
        sender,
        label=label,
        owner=sender.owner if remarks.owner is None else remarks.owner,
        purpose=sender.purpose if remarks.purpose is None else remarks.purpose,
        expected=remarks.expected or sender.expected,
        review=remarks.review or sender.review,
        domains=tuple(dict.fromkeys((*sender.domains, *remarks.domains))),
        known_by=replace(sender.known_by, addresses=tuple(dict.fromkeys((*sender.known_by.addresses, *remarks.addresses)))),
    )


def changed(text: str, where: str, position: int | None, before: ListedSender | None, now: ListedSender) -> str:
    """The text with the entry changed or added; checked to mean just that."""
    root = tree_of(text, where)
    old = list_of(text, where).senders
    nodes = entries(root, where) if root is not None else ()
    if position is None or before is None:
        new, meant = with_entry(text, root, nodes, now), (*old, now)
    else:
        new, meant = apply(text, entry_edits(text, nodes[position], before, now)), (*old[:position], now, *old[position + 1 :])
    try:
        right = list_of(new, where).senders == meant
    except SetupError:
        right = False
    if not right:
        raise unable(Path(where))
    return new


def unable(path: Path) -> SetupError:
    """The error for a file that is written in a way that cannot be changed here."""
    return SetupError("is written in a way in which this entry cannot be changed without touching the rest", where=str(path), fix=BY_HAND)


def entry_edits(text: str, node: Node, before: ListedSender, now: ListedSender) -> list[Edit]:
    """The edits that make an entry say something else."""
    if not isinstance(node, Pairs):  # an entry that could be read is a table
        return []
    order = tuple(KEYS)
    written = dict(lines_of(now))
    keys = ("label", "owner", "purpose", "expected", "review")
    edits = set_values(text, node, {key: written[key] for key in keys if getattr(now, key) != getattr(before, key)}, order)
    domains = [quoted(name) for name in now.domains if name not in before.domains]
    if domains:
        edits.append(grown(text, node, "domains", domains, order))
    addresses = [quoted(shown(one)) for one in now.known_by.addresses if one not in before.known_by.addresses]
    if addresses:
        table = node.get("known_by")
        if isinstance(table, Pairs) and table.pairs:
            edits.append(grown(text, table, "addresses", addresses, tuple(KNOWN_KEYS)))
        else:
            edits.append(set_value(text, node, "known_by", f"{{addresses: {in_brackets(addresses)}}}", order))
    return edits


def grown(text: str, table: Pairs, key: str, written: list[str], order: tuple[str, ...]) -> Edit:
    """The edit that adds to the list of a key."""
    value = table.get(key)
    if value is None or (isinstance(value, Leaf) and value.absent):
        return set_value(text, table, key, in_brackets(written), order)
    return add_items(text, value, written)


def lines_of(sender: ListedSender) -> Iterator[tuple[str, str]]:
    """The keys of an entry as they are written, but for what it is known by."""
    yield "name", quoted(sender.name)
    yield "label", quoted(sender.label.value)
    for key in ("owner", "purpose"):
        if getattr(sender, key):
            yield key, quoted(getattr(sender, key))
    if sender.expected:
        yield "expected", f"{sender.expected[0]}-{sender.expected[1]}"
    if sender.review:
        yield "review", sender.review.isoformat()
    if sender.domains:
        yield "domains", in_brackets(map(quoted, sender.domains))


def known_lines(known: KnownBy) -> Iterator[tuple[str, str]]:
    """What a sender is known by, as it is written."""
    for key in KNOWN_KEYS:
        values: tuple[Any, ...] = getattr(known, key)
        if values:
            yield key, in_brackets(quoted(shown(value)) for value in values)


def with_entry(text: str, root: Node | None, nodes: tuple[Node, ...], sender: ListedSender) -> str:
    """The text with one more entry at the end of the list."""
    listed = root.get(TOP) if isinstance(root, Pairs) else None
    if isinstance(listed, Items) and nodes and not listed.flow:
        return below_last(text, listed, nodes, sender)
    if isinstance(listed, Items) and nodes:
        place = content_end(text, None, nodes[-1])
        return apply(text, [Edit(place, place, f", {flow_entry(sender)}")])
    if isinstance(root, Pairs) and root.flow:
        return apply(text, [set_value(text, root, TOP, f"[{flow_entry(sender)}]", (TOP,))])
    end = newline(text)
    if root is None:
        text = ended(text, end) + (end if text.strip() else "") + f"{TOP}:{end}"
    elif isinstance(root, Pairs) and listed is not None:
        key, start = root.pairs[0][0], after_colon(text, root.pairs[0][0])
        text = ended(apply(text, [Edit(start, max(start, content_end(text, key, listed)), "")]), end)
    return text + end.join(block_entry(sender, 2)) + end


def ended(text: str, end: str) -> str:
    """The text with the end of its last line."""
    return text if not text or text.endswith("\n") else text + end


def below_last(text: str, listed: Items, nodes: tuple[Node, ...], sender: ListedSender) -> str:
    """The text with one more entry below the last; with an empty line between, unless the others have none."""
    indent = column(text, listed.start)
    place = block_end(text, content_end(text, None, nodes[-1]), indent)
    end = newline(text)
    apart = len(nodes) == 1 or any(not line.strip() for line in text[listed.start : place].split("\n"))
    added = (end if apart else "") + end + end.join(block_entry(sender, indent))
    return apply(text, [Edit(place, place, added)])


def block_entry(sender: ListedSender, indent: int) -> list[str]:
    """An entry as lines of its own."""
    lines = [f"{key}: {value}" for key, value in lines_of(sender)]
    if not sender.known_by.nothing:
        lines += ["known_by:", *(f"  {key}: {value}" for key, value in known_lines(sender.known_by))]
    return [f"{' ' * indent}{'- ' if not position else '  '}{line}" for position, line in enumerate(lines)]


def flow_entry(sender: ListedSender) -> str:
    """An entry in braces."""
    parts = [f"{key}: {value}" for key, value in lines_of(sender)]
    if not sender.known_by.nothing:
        parts.append(f"known_by: {{{', '.join(f'{key}: {value}' for key, value in known_lines(sender.known_by))}}}")
    return f"{{{', '.join(parts)}}}"


def save(file: Path, text: str, old: str | None, named: Path) -> None:
    """Put a text in the place of a file, whole or not at all, with the rights that it had.

    Raises SetupError where it cannot be written, or is another than was read; StoreUnavailable where the disk is full.
    """
    part = file.with_name(f".{file.name}.{uuid4().hex}")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as opened:  # noqa: PTH123 (with a mode)
            if old is not None:
                there = file.stat()
                with suppress(PermissionError):
                    os.fchown(opened.fileno(), there.st_uid, there.st_gid)
                os.fchmod(opened.fileno(), stat.S_IMODE(there.st_mode))
            opened.write(text.encode())
            opened.flush()
            os.fsync(opened.fileno())
        if read_text(file) != old:
            raise SetupError("somebody else has changed it just now", where=str(named), fix="Look at it, and try again")
        part.replace(file)
        sync(file.parent)
    except OSError as error:
        if error.errno in FULL:
            raise StoreUnavailable(f"the disk is full ({error.strerror})", where=str(named), fix="Make room and try again") from error
        what = f"cannot be written ({error.strerror or error})"
        raise SetupError(what, where=str(named), fix="Name a file in a folder that you may write to") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """While this lasts, no other process writes a list in that folder this way. An editor may: `save` sees that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # told when it is written
        yield
        return
    try:
        with suppress(OSError):  # where a folder cannot be locked, as on some network file systems
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync(folder: Path) -> None:
    """Force the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
