"""Networks of addresses: which are looked up, what is read of each maker's file, and that no file does any harm."""

import random
import sys
from datetime import date
from io import BytesIO
from ipaddress import IPv4Address, IPv6Address, ip_address

import maxminddb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdbs import ELSEWHERE, GOOGLE, HOSTILE, SIX, everywhere, value

from dmarcscope.enrich import networks as module
from dmarcscope.enrich.mmdb import NetworkTree, control, pointer, text
from dmarcscope.enrich.networks import EXAMPLES, OURS, Networks, open_networks, used_files
from dmarcscope.errors import SetupError
from dmarcscope.model.network import Network

OURS_SAYS = Network(64500, "Example Hosting", "NL")
MAXMIND = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Hosting"}


@pytest.fixture
def opened(tmp_path):
    def make(*files: bytes) -> Networks:
        paths = [tmp_path / f"{number}.mmdb" for number in range(len(files))]
        for path, data in zip(paths, files, strict=True):
            path.write_bytes(data)
        return open_networks(paths)

    return make


@pytest.mark.parametrize(
    ("ip", "found", "why"),
    [
        (GOOGLE, True, "a public address"),
        (SIX, True, "a public address of IPv6"),
        ("::ffff:8.8.8.8", True, "IPv4 as it stands in IPv6"),
        (" 8.8.8.8 ", True, "spaces around"),
        ("10.1.2.3", False, "RFC 1918"),
        ("192.168.0.1", False, "RFC 1918"),
        ("::ffff:10.1.2.3", False, "private, as it stands in IPv6"),
        ("127.0.0.1", False, "loopback"),
        ("169.254.1.1", False, "link-local"),
        ("100.64.0.1", False, "shared by carriers (RFC 6598)"),
        ("224.0.0.1", False, "multicast"),
        ("240.0.0.1", False, "reserved"),
        ("255.255.255.255", False, "broadcast"),
        ("0.0.0.0", False, "nobody"),  # noqa: S104
        ("192.0.2.1", False, "documentation"),
        ("2001:db8::1", False, "documentation"),
        ("::1", False, "loopback"),
        ("fe80::1%eth0", False, "link-local with a zone"),
        ("fc00::1", False, "unique local"),
        ("ff02::1", False, "multicast"),
        ("", False, "nothing"),
        ("unknown", False, "no address"),
        ("8.8.8.8/32", False, "a network, no address"),
        ("8.8.8", False, "too short"),
        ("134744072", False, "a number"),
        ("8" * 10_000, False, "far too long"),
    ],
)
def test_which_are_looked_up(opened, ip, found, why):
    table = opened(everywhere(value(MAXMIND)))
    assert (table.of(ip) is not None) == found, why


@pytest.mark.parametrize(
    ("said", "network", "whose"),
    [
        (MAXMIND, Network(64500, "Example Hosting"), "GeoLite2-ASN, DB-IP and ip-location-db"),
        ({"country": {"iso_code": "NL"}, "registered_country": {"iso_code": "DE"}}, Network(country="NL"), "GeoLite2-Country and DB-IP"),
        ({"registered_country": {"iso_code": "DE"}}, Network(country="DE"), "GeoLite2-Country, where only the registration is known"),
        ({"country_code": "NL"}, Network(country="NL"), "ip-location-db: countries"),
        ({**MAXMIND, "country_code": "NL"}, OURS_SAYS, "ours"),
        (
            {"asn": "AS64500", "as_name": "Example Hosting", "as_domain": "example.com", "country": "Netherlands", "country_code": "NL"},
            OURS_SAYS,
            "IPinfo Lite",
        ),
        ({"asn": "AS64500", "as_name": "Example Hosting", "country": "NL", "country_name": "Netherlands"}, OURS_SAYS, "IPinfo, until 2025"),
        ({"asn": "AS64500", "name": "Example Hosting"}, Network(64500, "Example Hosting"), "IPinfo: systems"),
        ({"traits": MAXMIND, "country": {"iso_code": "NL"}}, OURS_SAYS, "GeoIP2-Enterprise"),
        ({"asn": "0", "country": "zz"}, None, "not routed, and nobody knows the country"),
        ({"asn": "AS99999999999", "as_name": 7, "country": {"iso_code": 5}}, None, "values of other types than makers write"),
        ({"city": "Utrecht"}, None, "nothing of use"),
        ("a text", None, "no map"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_layouts_of_makers(opened, said, network, whose):
    assert opened(everywhere(value(said))).of(GOOGLE) == network, whose


def test_a_name_is_cut(opened):
    assert len(opened(everywhere(value({"asn": 64500, "as_name": "x" * 5_000}))).of(GOOGLE).name) == module.MAX_NAME


def test_without_a_file_nothing_is_known():
    assert Networks().of(GOOGLE) is None
    assert Networks().attribution == ()
    assert Networks().built is None


def test_several_files_complete_each_other(opened):
    systems = everywhere(value(MAXMIND), kind="GeoLite2-ASN", description="GeoLite2 ASN database", epoch=1_780_000_000)
    both = everywhere(value({"asn": "AS64501", "as_name": "Another", "country_code": "NL"}), description="theirs", epoch=1_770_000_000)
    table = opened(systems, both)
    assert table.of(GOOGLE) == OURS_SAYS
    assert table.built == date(2026, 2, 2), "the older one"
    assert table.attribution == (module.ATTRIBUTIONS["GeoLite2"], "theirs")


def test_a_file_of_ipv4_alone_knows_no_ipv6(opened):
    table = opened(everywhere(value(MAXMIND), six=False))
    assert table.of(GOOGLE) == Network(64500, "Example Hosting")
    assert table.of(SIX) is None


def test_answers_are_remembered_within_bounds(opened, monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED", 10)
    table = opened(everywhere(value(MAXMIND)))
    for number in range(100):
        table.of(f"8.8.8.{number}")
    table.of("8.8.8.99")
    assert table._remembered.cache_info().currsize == 10
    assert table._remembered.cache_info().hits == 1


@pytest.mark.parametrize("ip", ["192.0.2.1", "198.51.100.7", "203.0.113.255", "2001:db8::1", "3fff::1"])
def test_examples_are_asked_for_documentation_alone(opened, ip):
    examples, real = everywhere(value(MAXMIND), kind=EXAMPLES), everywhere(value(MAXMIND), kind=OURS)
    assert opened(examples).of(ip)
    assert opened(examples).of(GOOGLE) is None
    assert opened(examples).of("10.0.0.1") is None
    assert opened(real).of(ip) is None
    assert opened(real, examples).of(ip)


@pytest.mark.parametrize("why", HOSTILE)
def test_hostile_files_are_refused(opened, why):
    with pytest.raises(SetupError, match=r"0\.mmdb: is damaged, or no \.mmdb file"):
        opened(HOSTILE[why]).of(GOOGLE)


def test_damaged_files_are_refused_or_answer(tmp_path):
    chance = random.Random(5)
    whole = everywhere(value({**MAXMIND, "country": {"iso_code": "NL"}}))
    path = tmp_path / "x.mmdb"
    refused = answered = 0
    for _ in range(1_500):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 1, 4))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.randrange(len(data)) if chance.random() < 0.2 else len(data)])
        try:
            table = open_networks([path])
            assert isinstance(table.of(GOOGLE), Network | None)
            assert all(isinstance(words, str) for words in table.attribution)
            assert table.files[0].count() >= 0
            answered += 1
        except SetupError:
            refused += 1
        path.unlink()
    assert refused > 100
    assert answered > 50


def test_what_is_no_file_is_told(tmp_path):
    with pytest.raises(SetupError, match="there is no such file"):
        open_networks([tmp_path / "x.mmdb"])
    with pytest.raises(SetupError, match="is no file"):
        open_networks([tmp_path])


def test_the_missing_extra_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    with pytest.raises(SetupError, match=r"pip install 'dmarcscope\[data\]'"):
        open_networks([tmp_path / "x.mmdb"])


def test_the_file_at_home_is_used_unless_others_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert used_files() == ()
    home = module.home_file()
    home.parent.mkdir()
    home.write_bytes(b"")
    assert used_files() == (home,)
    assert used_files([tmp_path / "other.mmdb"]) == (tmp_path / "other.mmdb",)


# Trees

ADDRESSES = st.one_of(
    st.integers(0, 40).map(lambda number: IPv4Address(0x08080800 + number)),
    st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF]).map(IPv4Address),
    st.integers(0, 40).map(lambda number: IPv6Address((0x2606 << 112) + number)),
    st.sampled_from([1 << 32, 1 << 127, (1 << 128) - 1]).map(IPv6Address),
)
NETWORKS = st.builds(Network, st.sampled_from([None, 1, 64500, (1 << 32) - 1]), st.just(""), st.sampled_from(["", "NL", "DE"])).map(
    lambda network: Network(network.asn, f"System {network.asn}" if network.asn else "", network.country)
)
RANGES = st.tuples(ADDRESSES, ADDRESSES, NETWORKS).filter(lambda parts: parts[0].version == parts[1].version)


@settings(max_examples=150, deadline=None)
@given(ranges=st.lists(RANGES, max_size=12), asked=st.lists(ADDRESSES, min_size=1, max_size=20))
def test_a_tree_says_what_was_put_in(ranges, asked):
    """Against a reading of the ranges one by one."""
    tree = NetworkTree()
    ordered = [(min(first, last), max(first, last), network) for first, last, network in ranges if network]
    for first, last, network in ordered:
        tree.put(first, last, network)
    file = BytesIO()
    tree.write(file, kind=OURS, description="a test", epoch=1)
    reader = maxminddb.open_database(BytesIO(file.getvalue()), maxminddb.MODE_FD)
    for address in asked:
        expected = Network()
        for first, last, network in ordered:
            if first.version == address.version and first <= address <= last:
                expected = network.over(expected)
        assert module.network_of(reader.get(address)) == expected


def test_neighbours_that_say_the_same_are_one(tmp_path):
    tree = NetworkTree()
    for number in range(256):
        tree.put(ip_address(f"8.8.{number}.0"), ip_address(f"8.8.{number}.255"), Network(64500, "Example Hosting"))
    path = tmp_path / "x.mmdb"
    with path.open("wb") as file:
        assert tree.write(file, kind=OURS, description="", epoch=1) == 1
    table = open_networks([path])
    assert table.files[0].count() == 1
    assert table.of("8.8.255.255")
    assert table.of("8.9.0.0") is None


def test_more_than_24_bits_of_places_are_told_apart(tmp_path):
    """With names of 17 MB in all, records of 24 bits do not reach."""
    tree = NetworkTree()
    for number in range(600):
        address = IPv4Address(0x08000000 + 2 * number)
        tree.put(address, address, Network(number + 1, f"{number} " + "x" * 30_000))
    path = tmp_path / "x.mmdb"
    with path.open("wb") as file:
        assert tree.write(file, kind=OURS, description="", epoch=1) == 600
    table = open_networks([path])
    assert table.files[0].record_size == 32
    assert table.files[0].count() == 600
    assert table.of("8.0.4.174").asn == 600
    assert table.of("8.0.0.0").asn == 1


def test_ipv6_does_not_reach_into_ipv4():
    with pytest.raises(ValueError, match="where IPv4 addresses stand"):
        NetworkTree().put(ip_address("::"), ip_address("2001::"), Network(64500))


def test_a_tree_has_an_end(monkeypatch):
    monkeypatch.setattr("dmarcscope.enrich.mmdb.MAX_NODES", 200)
    tree = NetworkTree()
    with pytest.raises(ValueError, match="MAX_NODES"):
        for number in range(10):
            tree.put(IPv6Address(number + 2 << 100), IPv6Address(number + 2 << 100), Network(64500))


@pytest.mark.parametrize("size", [0, 28, 29, 284, 285, 65_820, 65_821, 1 << 20])
def test_sizes_of_texts(opened, size):
    """Each way to write a size, up to both sides of its bounds."""
    table = opened(everywhere(value({"asn": 64500, "as_name": "x" * size})))
    assert table.of(ELSEWHERE) == Network(64500, "x" * min(size, module.MAX_NAME))


@pytest.mark.parametrize("offset", [100, 2047, 2048, 526_335, 526_336, 1_000_000])
def test_sizes_of_pointers(opened, offset):
    """Each way to write a pointer, up to both sides of its bounds."""
    head = control(7, 2) + text("as_name") + pointer(offset) + text("asn") + text("AS64500")
    table = opened(everywhere(head + bytes(offset - len(head)) + text("Example Hosting")))
    assert table.of(GOOGLE) == Network(64500, "Example Hosting")
