"""Questions and answers as octets: whatever comes is read or refused, and names go there and back."""

import contextlib

import bad_nameserver as bad
import dns.message
import dns.name
import pytest
from bad_nameserver import made
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.lookup import wire
from dmarcscope.lookup.chain import BadChain, Chain
from dmarcscope.lookup.names import BadName, wire_name


def message_for(kind, *records):
    """A question and the octets of an answer to it."""
    query = dns.message.make_query("a.example.com.", kind, id=7)
    message = made(bad.Query(query.to_wire(), query, False, 0), records)
    return wire.question_of(wire_name("a.example.com"), wire.kind_number(kind)), message


SEEDS = [
    message_for("A", *bad.A_RECORD),
    message_for("TXT", '{name} 300 IN TXT "one" "two"', '{name} 300 IN TXT ""'),
    message_for("MX", "{name} 300 IN MX 10 mx.example.com."),
    message_for("SOA", *bad.SOA_RECORD),
    message_for("AAAA", "{name} 300 IN CNAME b.example.com.", "b.example.com. 300 IN AAAA 2001:db8::1"),
    message_for("CAA", '{name} 300 IN CAA 0 issue "ca.example.net"'),
]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8), st.integers(0, 400))
def test_arbitrary_octets_are_read_or_unreadable(seed, changes, length):
    """A changed message: read, or refused, and nothing else; chains end, too."""
    question, message = seed
    octets = bytearray(message)
    start = wire.HEADER_SIZE + len(question)
    for place, octet in changes:
        octets[start + place % (len(octets) - start)] = octet
    octets = bytes(octets[: start + length])
    with contextlib.suppress(wire.Unreadable, BadChain):
        Chain("a.example.com", int.from_bytes(question[-4:-2], "big")).follow(wire.read_reply(octets, question))


@given(st.binary(max_size=64))
def test_arbitrary_octets_are_no_answer(octets):
    assert not wire.is_answer(octets, SEEDS[0][0])


@given(st.lists(st.binary(min_size=1, max_size=63), min_size=1, max_size=4).filter(lambda labels: sum(map(len, labels)) < 240))
def test_names_go_there_and_back(labels):
    """Whatever the octets of a name, its text asks for it again, in lower case."""
    octets = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    text, end = wire.read_name(octets, 0)
    assert end == len(octets)
    assert wire_name(text) == octets.lower()
    assert text == dns.name.from_wire(octets, 0)[0].to_text(omit_final_dot=True).lower()


@given(st.text(max_size=40))
def test_any_text_is_a_name_or_bad(text):
    with contextlib.suppress(BadName):
        assert wire_name(text).endswith(b"\0")


@pytest.mark.parametrize(("question", "message"), SEEDS, ids=["A", "TXT", "MX", "SOA", "AAAA", "CAA"])
def test_records_are_as_dnspython_reads_them(question, message):
    """But for what an ``Answer`` has otherwise: no final dots, lower case, strings joined."""
    kind = int.from_bytes(question[-4:-2], "big")
    read = [record for record in wire.read_reply(message, question).records if record.kind == kind]
    expected = [rdata for rrset in dns.message.from_wire(message).answer if rrset.rdtype == kind for rdata in rrset]
    for record, rdata in zip(read, expected, strict=True):
        if kind == wire.TXT:
            assert record.strings == tuple(string.decode("latin-1") for string in rdata.strings)
            assert record.text == "".join(record.strings)
        else:
            assert record.text == rdata.to_text().replace(". ", " ").removesuffix(".")


def test_chain_of_pointers_costs_little():
    """A name over thousands of pointers is refused before it is followed to its end."""
    octets = b"\0" * 12 + b"\0\0" + b"".join((0xC000 | at).to_bytes(2, "big") for at in range(12, 12 + 2 * 6000, 2))
    with pytest.raises(wire.Unreadable, match="too often"):
        wire.read_name(octets, len(octets) - 2)
