"""Write networks into a MaxMind DB file (.mmdb, format 2.0), and count what such a file holds.

A file is a binary tree over the bits of addresses (IPv4 stands under ::/96), then the values that its leaves point to, then metadata.
The package mmdb_writer makes the same of a tree of Python objects. For half a million ranges (the whole internet) that took 59 s and
460 MB on a small machine; this takes 15 s and 100 MB.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from struct import pack
from typing import BinaryIO

from dmarcscope.model.network import Network

MARKER = b"\xab\xcd\xefMaxMind.com"
SEPARATOR = bytes(16)
BITS = 128
FOUR_BITS = 32
MAX_NODES = 1 << 24
"""Nodes of a tree, 16 bytes of memory each; a table of the whole internet has 2 million."""

POINTER, TEXT, UINT16, UINT32, MAP, UINT64, ARRAY = 1, 2, 5, 6, 7, 9, 11
LAST_PLAIN_TYPE = 7

# A node is two records side by side: how they become one number, and two again, by their size in bits.
JOINED: Mapping[int, Callable[[int, int], int]] = {24: lambda left, right: left << 24 | right, 32: lambda left, right: left << 32 | right}
SPLIT: Mapping[int, Callable[[int], tuple[int, int]]] = {
    24: lambda node: (node >> 24, node & 0xFFFFFF),
    28: lambda node: (node >> 32 | (node >> 28 & 0xF) << 24, node & 0xFFFFFFF),
    32: lambda node: (node >> 32, node & 0xFFFFFFFF),
}


class TooMuch(ValueError):
    """More networks than a tree takes."""


class NetworkTree:
    """Networks by ranges of addresses. What comes later counts where ranges overlap; what only one of them tells, stays.

    A child is the number of a node, 0 for nothing, or the negative number of a network. A node stands behind its parent.
    """

    def __init__(self) -> None:
        four = BITS - FOUR_BITS
        self._sides = (array("i", [*range(1, four + 1), 0]), array("i", [0] * (four + 1)))
        self._four = four  # the node where IPv4 begins, as many zeros from the root
        self._networks: list[Network] = [Network()]
        self._numbers: dict[Network, int] = {}
        self._joined: dict[tuple[int, int], int] = {}

    def put(self, first: IPv4Address | IPv6Address, last: IPv4Address | IPv6Address, network: Network) -> None:
        """Say of all addresses from first to last, of one version, what their network is. Raises ValueError for IPv6 below ::1:0:0."""
        four = first.version == 4
        if not four and int(first) >> FOUR_BITS == 0:
            raise ValueError("it reaches into where IPv4 addresses stand")
        new = self._number(network)
        bits = FOUR_BITS if four else BITS
        for start, free in blocks(int(first), int(last), bits):
            self._put_block(start, bits - 1, free, new)

    def _put_block(self, start: int, highest: int, free: int, new: int) -> None:
        """Put a network on the block of addresses from ``start`` on whose lowest ``free`` bits are any."""
        sides = self._sides
        node = self._four if highest == FOUR_BITS - 1 else 0
        for shift in range(highest, free, -1):
            side = sides[start >> shift & 1]
            child = side[node]
            if child <= 0:  # nothing, or a network of which this block is a part
                made = len(side)
                sides[0].append(child)
                sides[1].append(child)
                side[node] = child = made
            node = child
        if len(sides[0]) > MAX_NODES:
            raise TooMuch(f"more than {MAX_NODES:,} nodes (MAX_NODES)")
        self._join(node, start >> free & 1, new)

    def _join(self, node: int, side: int, new: int) -> None:
        """Put a network on a child, and on all below it."""
        waiting = [(node, side)]
        while waiting:
            node, side = waiting.pop()
            child = self._sides[side][node]
            if child > 0:
                waiting += [(child, 0), (child, 1)]
            else:
                self._sides[side][node] = self._both(child, new)

    def _both(self, old: int, new: int) -> int:
        """The number of what two networks say together."""
        if old in {0, new}:
            return new
        found = self._joined.get((old, new))
        if found is None:
            found = self._joined[old, new] = self._number(self._networks[-new].over(self._networks[-old]))
        return found

    def _number(self, network: Network) -> int:
        """The negative number of a network."""
        found = self._numbers.get(network)
        if found is None:
            found = self._numbers[network] = -len(self._networks)
            self._networks.append(network)
        return found

    def write(self, file: BinaryIO, *, kind: str, description: str, epoch: int) -> int:
        """Write all of it; returns the number of networks as they stand in the file, neighbours that say the same made one.

        ``kind`` and ``description`` go into the metadata, as does ``epoch``: whose time the data are of, in seconds since 1970.
        """
        order, places, count = self._simplified()
        data, offsets = section(self._networks)
        size = 24 if count + len(SEPARATOR) + len(data) < 1 << 24 else 32
        targets = [count, *(count + len(SEPARATOR) + offset for offset in offsets[1:])]
        join, width, networks = JOINED[size], size // 4, 0
        left, right = self._sides
        piece = bytearray()
        for node in order:
            one, two = left[node], right[node]
            networks += (one < 0) + (two < 0)
            piece += join(places[one] if one > 0 else targets[-one], places[two] if two > 0 else targets[-two]).to_bytes(width, "big")
            if len(piece) > 1 << 20:
                file.write(piece)
                piece.clear()
        file.write(piece + SEPARATOR + data + MARKER + metadata(count, size, kind, description, epoch))
        return networks

    def _simplified(self) -> "tuple[array[int], array[int], int]":
        """The nodes that are needed, the place of each among them, and how many: a node whose sides say the same is none."""
        left, right = self._sides
        stands = array("i", range(len(left)))
        for node in range(len(left) - 1, -1, -1):
            one, two = left[node], right[node]
            left[node] = one = stands[one] if one > 0 else one
            right[node] = two = stands[two] if two > 0 else two
            if one == two and one <= 0 and node:
                stands[node] = one
        order = array("i", (node for node, stand in enumerate(stands) if stand == node))
        places = array("i", [0]) * len(left)
        for place, node in enumerate(order):
            places[node] = place
        return order, places, len(order)


def blocks(first: int, last: int, bits: int) -> Iterator[tuple[int, int]]:
    """The fewest blocks that make up a range: where each starts, and how many of its lowest bits are any; none is all addresses.

    >>> list(blocks(5, 9, 32))
    [(5, 0), (6, 1), (8, 1)]
    """
    while first <= last:
        aligned = (first & -first).bit_length() - 1 if first else bits - 1
        free = min(aligned, (last - first + 1).bit_length() - 1, bits - 1)
        yield first, free
        first += 1 << free


def section(networks: Sequence[Network]) -> tuple[bytes, list[int]]:
    """The values of a file, and where each network begins in them; every text stands once, and is pointed to from then on."""
    data = bytearray()
    seen: dict[str, int] = {}
    offsets = []

    def add(word: str) -> None:
        if word in seen:
            data.extend(pointer(seen[word]))
        else:
            seen[word] = len(data)
            data.extend(text(word))

    for network in networks:
        offsets.append(len(data))
        data.extend(control(MAP, (network.asn is not None) + bool(network.name) + bool(network.country)))
        if network.asn is not None:
            add("autonomous_system_number")
            data.extend(uint(UINT32, network.asn))
        if network.name:
            add("autonomous_system_organization")
            add(network.name)
        if network.country:
            add("country_code")
            add(network.country)
    return bytes(data), offsets


def metadata(nodes: int, size: int, kind: str, description: str, epoch: int) -> bytes:
    """The metadata of a file."""
    facts = {
        "binary_format_major_version": uint(UINT16, 2),
        "binary_format_minor_version": uint(UINT16, 0),
        "build_epoch": uint(UINT64, epoch),
        "database_type": text(kind),
        "description": control(MAP, 1) + text("en") + text(description),
        "ip_version": uint(UINT16, 6),
        "languages": control(ARRAY, 1) + text("en"),
        "node_count": uint(UINT32, nodes),
        "record_size": uint(UINT16, size),
    }
    return control(MAP, len(facts)) + b"".join(text(name) + value for name, value in facts.items())


def control(kind: int, size: int) -> bytes:
    """The bytes before a value that tell its type and size; sizes from 29 on stand in one to three bytes of their own."""
    if size < 29:
        short, more = size, b""
    elif size < 285:
        short, more = 29, (size - 29).to_bytes(1, "big")
    elif size < 65_821:
        short, more = 30, (size - 285).to_bytes(2, "big")
    else:
        short, more = 31, (size - 65_821).to_bytes(3, "big")
    head = bytes([kind << 5 | short]) if kind <= LAST_PLAIN_TYPE else bytes([short, kind - LAST_PLAIN_TYPE])
    return head + more


def text(word: str) -> bytes:
    """A text."""
    encoded = word.encode("utf-8", "replace")
    return control(TEXT, len(encoded)) + encoded


def uint(kind: int, value: int) -> bytes:
    """A whole number, in as few bytes as it takes."""
    size = (value.bit_length() + 7) // 8
    return control(kind, size) + value.to_bytes(size, "big")


def pointer(offset: int) -> bytes:
    """A pointer to a value; each size begins where the one below ends."""
    head = POINTER << 5
    if offset < 2048:
        return pack(">H", head << 8 | offset)
    if offset < 526_336:
        return (head << 16 | 1 << 19 | offset - 2048).to_bytes(3, "big")
    if offset < 134_744_064:
        return (head << 24 | 2 << 27 | offset - 526_336).to_bytes(4, "big")
    return bytes([head | 3 << 3]) + pack(">I", offset)


def count_networks(path: Path, nodes: int, size: int) -> int:
    """How many leaves of a file's tree hold a value. ``nodes`` and ``size`` are its metadata's. Each node is looked at once, so it ends."""
    split, width = SPLIT[size], size // 4
    found = 0
    with path.open("rb") as file:
        for _ in range(nodes):
            node = file.read(width)
            if len(node) < width:
                break
            left, right = split(int.from_bytes(node, "big"))
            found += (left > nodes) + (right > nodes)
    return found
