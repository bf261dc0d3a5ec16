"""The file of networks: made of the tables that makers hand out, whole or not at all, with whose data it is; and what is told of it."""

import errno
import gzip
import io
import json
import os
import tarfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dmarcscope.enrich import network_table
from dmarcscope.enrich.networks import EXAMPLES, OURS, open_networks
from dmarcscope.errors import SetupError, StoreUnavailable
from dmarcscope.model.network import Network
from dmarcscope.ops.data import build, status

FOUR = '8.8.8.0,8.8.8.255,15169,Google LLC\n8.8.9.0,8.8.11.255,64500,"Example ""Hosting"", Inc."\n'
SIX = "2606:4700::,2606:4700:ffff:ffff:ffff:ffff:ffff:ffff,13335,Cloudflare\n"
COUNTRIES = "8.8.8.0,8.8.8.127,US\n8.8.10.0,8.8.10.255,NL\n9.9.9.0,9.9.9.255,CH\n"
TSV = "0.0.0.0\t0.255.255.255\t0\tNone\tNot routed\n8.8.8.0\t8.8.8.255\t15169\tUS\tGOOGLE - Google, LLC\n2606:4700::\t2606:4700::ff\t13335\tUS\tCF\n"
PACKAGE = json.dumps({"name": "@ip-location-db/asn", "version": "2.3.2026061719", "license": "SEE LICENSE"})
SYSTEMS = {"asn-ipv4.csv": FOUR, "asn-ipv6.csv": SIX, "asn-ipv4-num.csv": "134744064,134744319,1,Wrong\n", "package.json": PACKAGE}
SAID = "Example Networks (example.com); CC0"
GOOGLE = Network(15169, "Google LLC")


def folder(path: Path, files: dict[str, str]) -> Path:
    path.mkdir()
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def tgz(path: Path, files: dict[str, str | bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            data = text if isinstance(text, bytes) else text.encode()
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def table(path: Path, text: str, at: date = date(2026, 5, 14)) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    seconds = datetime(at.year, at.month, at.day, 12, tzinfo=UTC).timestamp()
    os.utime(path, (seconds, seconds))
    return path


@pytest.mark.parametrize(
    ("make", "dated", "why"),
    [
        (lambda path: [tgz(path / "asn.tgz", SYSTEMS)], date(2026, 6, 17), "what npm pack gives; its version tells the day"),
        (lambda path: [folder(path / "package", SYSTEMS)], date(2026, 6, 17), "the same unpacked"),
        (lambda path: [table(path / "asn-ipv4.csv", FOUR), table(path / "asn-ipv6.csv", SIX)], date(2026, 5, 14), "its files alone"),
    ],
)
def test_tables_of_one_maker(tmp_path, make, dated, why):
    made = build(make(tmp_path), tmp_path / "new" / "networks.mmdb")
    known = open_networks([made.file])
    assert known.of("8.8.8.8") == GOOGLE, why
    assert known.of("8.8.11.255") == Network(64500, 'Example "Hosting", Inc.')
    assert known.of("2606:4700::1111") == Network(13335, "Cloudflare")
    assert known.of("8.8.12.0") is None
    assert (made.lines, made.systems, made.dated) == (3, 3, dated)
    assert known.attribution == (made.attribution,) == (network_table.ROUTES,)
    assert known.built == dated


@pytest.mark.parametrize("order", [1, -1])
def test_systems_and_countries_become_one_file(tmp_path, order):
    tables = [tgz(tmp_path / "asn.tgz", SYSTEMS), table(tmp_path / "asn-country-ipv4.csv", COUNTRIES)]
    made = build(tables[::order], tmp_path / "x.mmdb")
    known = open_networks([made.file])
    assert known.of("8.8.8.8") == Network(15169, "Google LLC", "US")
    assert known.of("8.8.8.200") == GOOGLE, "the country's range is smaller"
    assert known.of("8.8.10.1").country == "NL", "and so is another"
    assert known.of("8.8.9.1").country == ""
    assert known.of("9.9.9.9") == Network(country="CH"), "a country without a system"
    assert set(made.attribution.split("; ")) >= {"CC BY 4.0"}
    assert "RouteViews" in made.attribution
    assert "Countries by NRO" in made.attribution
    assert made.dated == date(2026, 5, 14), "the older of both"
    assert made.networks == status([made.file], date(2026, 6, 1))[0].networks


def test_iptoasn(tmp_path):
    made = build([table(tmp_path / "ip2asn-combined.tsv.gz", TSV)], tmp_path / "x.mmdb")
    known = open_networks([made.file])
    assert known.of("8.8.8.8") == Network(15169, "GOOGLE - Google, LLC", "US")
    assert known.of("2606:4700::1") == Network(13335, "CF", "US")
    assert made.lines == 2, "what is not routed tells nothing"
    assert "public domain" in made.attribution


def test_of_lines_that_overlap_the_later_counts(tmp_path):
    lines = "8.0.0.0,8.255.255.255,1,Large\n8.8.8.0,8.8.8.255,2,Small\n"
    known = open_networks([build([table(tmp_path / "asn-ipv4.csv", lines)], tmp_path / "x.mmdb").file])
    assert known.of("8.8.8.8") == Network(2, "Small")
    assert known.of("8.8.9.0") == Network(1, "Large")


def test_whose_data_it_is_may_be_said(tmp_path):
    made = build([table(tmp_path / "mine.csv", "start,end,asn,name\n" + FOUR)], tmp_path / "x.mmdb", attribution=SAID)
    assert open_networks([made.file]).attribution == (SAID,)
    assert made.lines == 2, "a heading is left out"


def test_another_package_says_its_licence(tmp_path):
    package = json.dumps({"name": "@ip-location-db/iptoasn-asn", "version": "2.3.2026061719", "license": "PDDL-1.0"})
    made = build([tgz(tmp_path / "x.tgz", {**SYSTEMS, "package.json": package})], tmp_path / "x.mmdb")
    assert made.attribution == "@ip-location-db/iptoasn-asn; PDDL-1.0"


def test_a_table_of_documentation_alone_is_an_example(tmp_path):
    lines = "192.0.2.0,192.0.2.255,64496,Example Hosting\n2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,64497,Another\n"
    made = build([table(tmp_path / "example.csv", lines)], tmp_path / "x.mmdb", attribution=SAID)
    assert made.examples
    assert open_networks([made.file]).of("192.0.2.1") == Network(64496, "Example Hosting")
    assert status([made.file], date(2026, 6, 1))[0].kind == EXAMPLES
    mixed = build([table(tmp_path / "mixed.csv", lines + FOUR)], tmp_path / "x.mmdb", attribution=SAID)
    assert not mixed.examples
    assert open_networks([mixed.file]).of("192.0.2.1") is None
    assert status([mixed.file], date(2026, 6, 1))[0].kind == OURS


def bomb(path: Path) -> Path:
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(40):
            file.write(bytes(1 << 20))
    return path


@pytest.mark.parametrize(
    ("make", "said", "why"),
    [
        (lambda path: path / "none.csv", "there is no such file", "a slip in the name"),
        (lambda path: folder(path / "f", {"README.md": "x"}), "does not say whose data", "another folder"),
        (lambda path: folder(path / "f", {"package.json": PACKAGE}), "holds no table of networks", "the package without its tables"),
        (
            lambda path: tgz(path / "x.tgz", {"package.json": PACKAGE, "asn-ipv4-num.csv": "1,2,3,4"}),
            "holds no table",
            "plain numbers alone",
        ),
        (lambda path: table(path / "mine.csv", FOUR), "does not say whose data it holds.*--attribution", "nobody knows the maker"),
        (lambda path: table(path / "asn-ipv4.csv", ""), "tell of no network", "nothing in it"),
        (
            lambda path: table(path / "asn-ipv4.csv", "8.8.8.0,8.8.8.255\n"),
            "line 1: has 2 columns, and 4 or 3 are known",
            "too few columns",
        ),
        (lambda path: table(path / "asn-ipv4.csv", FOUR + "8.8.8.9,8.8.8.0,1,X\n"), "line 3: '8.8.8.9, 8.8.8.0' is no range", "backwards"),
        (lambda path: table(path / "asn-ipv4.csv", FOUR + "8.8.8.9,2001::,1,X\n"), "is no range", "of two versions"),
        (lambda path: table(path / "asn-ipv4-num.csv", "1,2,3,A\n4,5,6,B\n"), "line 2: '4, 5' is no range.*plain numbers", "numbers"),
        (lambda path: table(path / "asn-ipv6.csv", "::,2001::,1,X\n"), "where IPv4 addresses stand", "all of IPv4 with it"),
        (lambda path: table(path / "asn-ipv4.csv", "x" * 20_000), "a line of more than 10,000 bytes", "one endless line"),
        (lambda path: table(path / "asn-ipv4.csv", '8.8.8.0,8.8.8.255,1,"' + "x\n" * 90_000), "is damaged", "a quote that never ends"),
        (lambda path: table(path / "asn-ipv4.tsv", FOUR), "has 1 columns, and 5 are known", "commas where tabs should be"),
        (lambda path: bomb(path / "asn-ipv4.csv.gz"), "a line of more than", "zeros, packed"),
        (lambda path: bomb(path / "x.tgz"), "is damaged|does not say", "zeros, packed, for an archive"),
    ],
)
def test_what_is_no_table_is_told(tmp_path, make, said, why):
    target = tmp_path / "x.mmdb"
    target.write_bytes(b"as it was")
    with pytest.raises(SetupError, match=said):
        build([make(tmp_path)], target)
    assert target.read_bytes() == b"as it was", why
    assert not list(tmp_path.glob(".x.mmdb*")), "nothing half-made is left"


@pytest.mark.parametrize("name", ["asn.tgz", "asn-ipv4.csv.gz"])
@pytest.mark.parametrize("cut", [10, 60, -30, -4])
def test_a_download_that_broke_off_is_told(tmp_path, name, cut):
    whole = tgz(tmp_path / name, SYSTEMS) if name.endswith("tgz") else table(tmp_path / name, FOUR * 50)
    whole.write_bytes(whole.read_bytes()[:cut])
    with pytest.raises(SetupError, match=r"is damaged|does not say whose"):
        build([whole], tmp_path / "x.mmdb")


def test_a_table_beyond_all_measure_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(network_table, "MAX_BYTES", 10_000)
    with pytest.raises(SetupError, match="MAX_BYTES"):
        build([table(tmp_path / "asn-ipv4.csv", FOUR * 1000)], tmp_path / "x.mmdb")
    with pytest.raises(SetupError, match="MAX_BYTES"):
        build([tgz(tmp_path / "x.tgz", {"asn-ipv4.csv": FOUR * 1000, "package.json": PACKAGE})], tmp_path / "x.mmdb")


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    target = tmp_path / "x.mmdb"
    target.write_bytes(b"as it was")

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        build([table(tmp_path / "asn-ipv4.csv", FOUR)], target)
    assert target.read_bytes() == b"as it was"
    assert not list(tmp_path.glob(".x.mmdb*"))


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match=r"cannot be written.*--target"):
        build([table(tmp_path / "asn-ipv4.csv", FOUR)], tmp_path / "file" / "x.mmdb")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SetupError, match=r"cannot be written.*--target"):
        build([tmp_path / "asn-ipv4.csv"], tmp_path / "folder")


def test_it_goes_where_it_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    made = build([table(tmp_path / "asn-ipv4.csv", FOUR)])
    assert made.file == tmp_path / "home" / "dmarcscope" / "networks.mmdb"


def test_lines_are_counted_on_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr("dmarcscope.ops.data.EVERY", 2)
    told: list[int] = []
    build([table(tmp_path / "asn-ipv4.csv", FOUR * 2 + SIX)], tmp_path / "x.mmdb", progress=told.append)
    assert sum(told) == 5


@pytest.mark.parametrize(
    ("today", "age", "old"), [(date(2026, 6, 17), 0, False), (date(2026, 9, 15), 90, False), (date(2026, 9, 16), 91, True)]
)
def test_status(tmp_path, today, age, old):
    made = build([tgz(tmp_path / "asn.tgz", SYSTEMS)], tmp_path / "x.mmdb")
    (found,) = status([made.file], today)
    assert (found.age_days, found.is_old) == (age, old)
    assert found.networks == made.networks == 4, "a range of three networks stands as two"
    assert found.attribution == network_table.ROUTES
    assert found.dated == date(2026, 6, 17)


def test_status_of_a_damaged_file(tmp_path):
    (tmp_path / "x.mmdb").write_bytes(b"\x00" * 100)
    with pytest.raises(SetupError, match=r"is damaged, or no \.mmdb file"):
        status([tmp_path / "x.mmdb"], date(2026, 6, 17))
