"""Read the owner's own list of senders, `senders.yaml`: every wrong thing is told with its line and what to do.

    senders:
      - name: Letterbox            # as dmarcscope senders names it
        label: ours                # or: not ours, forwarder, mailing list
        owner: Marketing
        purpose: newsletter
        expected: 400-600          # messages a week
        review: 2027-01-31
        domains: [example.com]
        known_by:
          addresses: [198.51.100.0/28]
          dkim_domains: [letterbox.example]

Only name and label are needed. The first entry that fits counts; what could never count, as an entry above covers it, is an error.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from dmarcscope.enrich.yaml_tree import Items, Leaf, Node, Pairs, printable, read_text, tree_of, wrong
from dmarcscope.errors import SetupError
from dmarcscope.model.owner_list import KnownBy, Label, ListedSender, OwnerList
from dmarcscope.parse.slips import near_word
from dmarcscope.parse.values import SPELLED, domain

TOP = "senders"
LONGEST_NAME, LONGEST_TEXT = 200, 1000
RANGE = re.compile(r"(\d{1,9})\s*[-–]\s*(\d{1,9})", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
Network = IPv4Network | IPv6Network


def read_list(path: Path) -> OwnerList:
    """The list in a file; an empty one where there is no file, or nothing but comments in it.

    Raises SetupError, with file and line, for the first thing that is wrong.
    """
    text = read_text(path)
    return OwnerList() if text is None else list_of(text, str(path))


def list_of(text: str, where: str) -> OwnerList:
    """The list that a text holds; ``where`` names its file."""
    root = tree_of(text, where)
    if root is None:
        return OwnerList((), where)
    senders = tuple(entry(node, where) for node in entries(root, where))
    check_order(senders, where)
    return OwnerList(senders, where)


def entries(root: Node, where: str) -> tuple[Node, ...]:
    """The entries below the one key that there is."""
    example = "Write «senders:» and below it an entry for each, as docs/senders-list.md shows"
    if not isinstance(root, Pairs):
        raise wrong(where, root.line, f"does not begin with the key {TOP}", example)
    known_keys(root, (TOP,), "", where)
    listed = root.get(TOP)
    if listed is None or (isinstance(listed, Leaf) and listed.absent):
        return ()
    if not isinstance(listed, Items):
        raise wrong(where, listed.line, f"{TOP} must be a list", example)
    return listed.items


def entry(node: Node, where: str) -> ListedSender:
    """One entry."""
    if not isinstance(node, Pairs):
        raise wrong(where, node.line, "an entry must tell name and label", "Write «- name: …» and below it «label: ours»")
    known_keys(node, tuple(KEYS), "", where)
    for needed in ("name", "label"):
        if given(node, needed) is None:
            told = "; ".join(f"«{label}»" for label in Label)
            fix = f"Add label: one of {told}" if needed == "label" else "Add name: the sender as dmarcscope senders shows it"
            raise wrong(where, node.line, f"{needed} is missing in this entry", fix)
    return ListedSender(**values(node, KEYS, where), line=node.line)


def values(node: Pairs, readers: dict[str, Callable[[Node, str, str], Any]], where: str) -> dict[str, Any]:
    """What a table says, each key by its own reader; those without a value are left out."""
    return {key: readers[key](value, key, where) for key in readers if (value := given(node, key)) is not None}


def given(node: Pairs, key: str) -> Node | None:
    """The value of a key, if there is one."""
    value = node.get(key)
    return None if isinstance(value, Leaf) and value.absent else value


def known_keys(node: Pairs, known: tuple[str, ...], above: str, where: str) -> None:
    """Refuse a key that has no meaning here."""
    for key, _ in node.pairs:
        if key.text in known:
            continue
        if key.text in KNOWN_KEYS and "known_by" in known:
            fix = "It belongs below known_by"
        elif key.text in KEYS:
            fix = "It belongs into an entry, beside its name" if above else f"Write «{TOP}:» above, and this in an entry below it"
        else:
            near = near_word(key.text.lower(), known)
            fix = f"Did you mean {near}?" if near else f"Known here: {', '.join(known)}"
        raise wrong(where, key.line, f"unknown key {printable(key.text)[:60]!r}{above}", fix)


def text_of(node: Node, key: str, where: str) -> str:
    """A text on one line; one that is folded over several is put together."""
    if not isinstance(node, Leaf):
        raise wrong(where, node.line, f"{key} must be a text", f"Write «{key}: …» on one line")
    text = " ".join(node.text.split())
    if not text:
        raise wrong(where, node.line, f"{key} is empty", "Write a text, or leave the key out")
    return text


def reader(make: Callable[[str], Any]) -> Callable[[Node, str, str], Any]:
    """A reader of one text, by what makes its value; its error gets key and line."""

    def read(node: Node, key: str, where: str) -> Any:
        try:
            return make(text_of(node, key, where))
        except SetupError as error:
            if error.where:
                raise
            raise wrong(where, node.line, f"{key}: {error.what}", error.fix) from error

    return read


def several(make: Callable[[str], Any]) -> Callable[[Node, str, str], Any]:
    """A reader of a list of texts, or of one."""
    one = reader(make)

    def read(node: Node, key: str, where: str) -> tuple[Any, ...]:
        if isinstance(node, Leaf):
            return (one(node, key, where),)
        if not isinstance(node, Items):
            raise wrong(where, node.line, f"{key} must be a list", f"Write «{key}: [first, second]»")
        if not node.items:
            raise wrong(where, node.line, f"{key} is an empty list", "Name at least one, or leave the key out")
        found: dict[Any, None] = {}
        for item in node.items:
            value = one(item, key, where)
            if value in found:
                raise wrong(where, item.line, f"{key}: {value} stands there twice", "Leave one")
            found[value] = None
        return tuple(found)

    return read


def name_of(text: str) -> str:
    """The name of a sender as it may stand in the list. This and the following raise SetupError, without a place, for what is none."""
    name = " ".join(text.split())
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise SetupError("is no name that can be used", fix=f"Write 1 to {LONGEST_NAME} characters, none of them a control character")
    return name


def remark_of(text: str) -> str:
    """A remark of the owner's."""
    remark = " ".join(text.split())
    if not remark or not remark.isprintable() or len(remark) > LONGEST_TEXT:
        raise SetupError("is no text that can be used", fix=f"Write up to {LONGEST_TEXT} characters, none of them a control character")
    return remark


def label_of(text: str) -> Label:
    """What the owner says of a sender."""
    if text in set(Label):
        return Label(text)
    near = near_word(text.lower().replace("-", " ").replace("_", " "), list(Label))
    told = ", ".join(f"«{label}»" for label in Label)
    raise SetupError(f"{printable(text)[:60]!r} is not one of {told}", fix=f"Did you mean «{near}»?" if near else "Write one of them")


def expected_of(text: str) -> tuple[int, int]:
    """How many messages a week are expected.

    >>> expected_of("400-600")
    (400, 600)
    """
    found = RANGE.fullmatch(text)
    if not found:
        raise SetupError(
            f"{printable(text)[:60]!r} is no range of messages a week", fix="Write it from low to high, without thousands marks: 400-600"
        )
    low, high = int(found[1]), int(found[2])
    if low > high:
        raise SetupError(f"{low} is more than {high}", fix=f"Write {high}-{low}")
    return low, high


def review_of(text: str) -> date:
    """On which day the entry is to be looked at again.

    >>> review_of("2027-01-31")
    datetime.date(2027, 1, 31)
    """
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise SetupError(f"{printable(text)[:60]!r} is no day", fix="Write year, month and day: 2027-01-31")


def address_of(text: str) -> Network:
    """An address, or a block of them.

    >>> address_of("192.0.2.10"), address_of("2001:DB8::/32")
    (IPv4Network('192.0.2.10/32'), IPv6Network('2001:db8::/32'))
    """
    try:
        network = ip_network(text)
    except ValueError:
        fix = "Write addresses such as 192.0.2.10, 2001:db8::10 or 198.51.100.0/28"
        with suppress(ValueError):
            fix = f"Did you mean {ip_network(text, strict=False)}?"
        raise SetupError(f"{printable(text)[:60]!r} is no address and no block of addresses", fix=fix) from None
    if not network.prefixlen:
        raise SetupError(f"{network} is every address there is", fix="Name those of this sender")
    return network


def domain_of(text: str) -> str:
    """A domain as lower-case A-labels; it stands for itself and all below it, so a leading «*.» says nothing more.

    >>> domain_of("*.Example.COM.")
    'example.com'
    """
    found = domain(text.removeprefix("*.").removeprefix("."))
    name = found.value
    # A name such as "com" would take in half the world, and one that ends in digits is an address.
    if name is None or found.problem not in {None, SPELLED} or "." not in name or name.rpartition(".")[2].isdigit():
        raise SetupError(f"{printable(text)[:60]!r} is no domain that can be used", fix="Write one with a dot in it, such as example.com")
    return str(name)


def known_by(node: Node, key: str, where: str) -> KnownBy:
    """By what a sender is known."""
    if not isinstance(node, Pairs):
        raise wrong(where, node.line, f"{key} must be a table", f"Write below it what it is known by: {', '.join(KNOWN_KEYS)}")
    known_keys(node, tuple(KNOWN_KEYS), " below known_by", where)
    return KnownBy(**values(node, KNOWN_KEYS, where))


KEYS: dict[str, Callable[[Node, str, str], Any]] = {
    "name": reader(name_of),
    "label": reader(label_of),
    "owner": reader(remark_of),
    "purpose": reader(remark_of),
    "expected": reader(expected_of),
    "review": reader(review_of),
    "domains": several(domain_of),
    "known_by": known_by,
}
"""The keys of an entry, in the order in which they are written."""
KNOWN_KEYS: dict[str, Callable[[Node, str, str], Any]] = {
    "addresses": several(address_of),
    "ptr_suffixes": several(domain_of),
    "dkim_domains": several(domain_of),
    "spf_domains": several(domain_of),
}
"""The keys below ``known_by``."""


def check_order(senders: Iterable[ListedSender], where: str) -> None:
    """Refuse an entry, or a part of one, that can never count as one further up covers it. Raises SetupError."""
    seen: dict[tuple[str, Any], list[ListedSender]] = {}
    for sender in senders:
        for kind, value in marks(sender):
            for wider in itself_and_above(kind, value):
                for earlier in seen.get((kind, wider), ()):
                    if covers(earlier.domains, sender.domains):
                        raise covered(sender, earlier, kind, value, wider, where)
        for mark in marks(sender):
            seen.setdefault(mark, []).append(sender)


def covered(sender: ListedSender, earlier: ListedSender, kind: str, value: Any, wider: Any, where: str) -> SetupError:
    """The error for what can never count."""
    place = where if not sender.line else f"{where}:{sender.line}"
    first = f" (line {earlier.line})" if earlier.line else ""
    if kind == "name":
        return SetupError(f"«{sender.name}» is listed already{first}", where=place, fix="Make one entry of both, or tell different domains")
    what = f"{kind}: {shown(value)} of «{sender.name}» is " + ("also in" if value == wider else f"covered by {shown(wider)} in")
    fix = "The first entry that fits counts: take it out of one of them" + ("" if value == wider else ", or put the narrower entry above")
    return SetupError(f"{what} «{earlier.name}»{first}, and would never count", where=place, fix=fix)


def shown(value: Any) -> str:
    """An address without the length of a block of one."""
    return str(value.network_address) if isinstance(value, Network) and value.num_addresses == 1 else str(value)


def marks(sender: ListedSender) -> Iterator[tuple[str, Any]]:
    """All by which a sender is known, each with its kind."""
    yield "name", sender.name.casefold()
    for kind in KNOWN_KEYS:
        for value in getattr(sender.known_by, kind):
            yield kind, value


def itself_and_above(kind: str, value: Any) -> Iterator[Any]:
    """What covers a mark: itself, and every wider domain or block of addresses."""
    yield value
    if isinstance(value, Network):
        for length in range(value.prefixlen - 1, 0, -1):
            yield value.supernet(new_prefix=length)
    elif kind != "name":
        labels = value.split(".")
        for first in range(1, len(labels) - 1):
            yield ".".join(labels[first:])


def covers(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    """Whether one entry's domains take in all of another's; none are all.

    >>> covers((), ("example.com",)), covers(("example.com",), ()), covers(("example.com",), ("news.example.com",))
    (True, False, True)
    """
    return not wide or (bool(narrow) and all(any(name == top or name.endswith(f".{top}") for top in wide) for name in narrow))
