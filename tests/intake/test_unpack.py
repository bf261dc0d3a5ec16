"""Every vector comes out as ``expected.json`` says, nothing raises, and every limit holds."""

import gzip
import hashlib
import json
import random
import resource
import subprocess
import sys
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcscope.intake.limits import Limits
from dmarcscope.intake.unpack import Leaf, LeafKind, Unpacked, unpack

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors" / "containers"
EXPECTED = json.loads((VECTORS / "expected.json").read_text(encoding="utf-8"))
ONE = (VECTORS / "001-plain.xml").read_bytes()
SHARED = ROOT.parent / "shared"
BOMBS = [name for name in EXPECTED if name.startswith("08")]


def xml_of(unpacked: Unpacked) -> list[Leaf]:
    return [leaf for leaf in unpacked.leaves if leaf.kind is LeafKind.XML]


@pytest.mark.parametrize("name", EXPECTED)
def test_vector(name: str) -> None:
    row = EXPECTED[name]
    if ".msg" in name:
        pytest.importorskip("olefile")
    found = unpack((VECTORS / name).read_bytes())
    assert [(leaf.path, leaf.kind.value) for leaf in found.leaves] == [(path, kind) for path, kind, _ in row["leaves"]], row["why"]
    for leaf, (_, _, note) in zip(found.leaves, row["leaves"], strict=True):
        assert note in " ".join(leaf.notes), row["why"]
    assert [refusal.path for refusal in found.refusals] == [path for path, _ in row["refusals"]], row["why"]
    for refusal, (_, reason) in zip(found.refusals, row["refusals"], strict=True):
        assert reason in refusal.reason, row["why"]


@pytest.mark.parametrize("name", [name for name, row in EXPECTED.items() if row["report"] in ("whole", "cut")])
def test_the_bytes_of_the_report_are_the_ones_that_were_packed(name: str) -> None:
    sources = ((VECTORS / "001-plain.xml").read_bytes(), (VECTORS / "020-two-reports.zip").read_bytes())
    whole = {sources[0], *(leaf.data for leaf in xml_of(unpack(sources[1])))}
    for leaf in xml_of(unpack((VECTORS / name).read_bytes())):
        if EXPECTED[name]["report"] == "whole":
            assert leaf.data.rstrip() in {data.rstrip() for data in whole}
        else:
            assert leaf.data.startswith(b"<?xml")
            assert leaf.data.count(b"</record>") > 10, "whole records before the break are kept"


LIMIT_ROWS = [
    (Limits(max_input_bytes=10), ONE, "MAX_INPUT_BYTES", "the artefact itself"),
    (Limits(max_leaf_bytes=100), ONE, "MAX_LEAF_BYTES", "a plain report is a leaf as well"),
    (Limits(max_leaf_bytes=100), (VECTORS / "010-one-member.xml.gz").read_bytes(), "MAX_LEAF_BYTES", "gzip"),
    (Limits(max_total_bytes=500), (VECTORS / "020-two-reports.zip").read_bytes(), "MAX_TOTAL_BYTES", "zip"),
    (Limits(max_members=1), (VECTORS / "020-two-reports.zip").read_bytes(), "MAX_MEMBERS", "zip"),
    (Limits(max_members=1), (VECTORS / "011-two-members.xml.gz").read_bytes(), "MAX_MEMBERS", "members of gzip"),
    (Limits(max_members=1), (VECTORS / "036-folder-of-reports.tar").read_bytes(), "MAX_MEMBERS", "tar"),
    (Limits(max_depth=1), (VECTORS / "017-twice.gz").read_bytes(), "MAX_DEPTH", "gzip in gzip"),
    (Limits(max_ratio=2, ratio_floor_bytes=9), (VECTORS / "031-plain.bz2").read_bytes(), "MAX_RATIO", "bzip2"),
    (Limits(max_ratio=2, ratio_floor_bytes=9), (VECTORS / "032-plain.xz").read_bytes(), "MAX_RATIO", "xz"),
]


@pytest.mark.parametrize(("limits", "data", "reason", "why"), LIMIT_ROWS)
def test_limit(limits: Limits, data: bytes, reason: str, why: str) -> None:
    refusals = unpack(data, limits).refusals
    assert bool(refusals) == bool(reason), why
    assert all(reason in refusal.reason for refusal in refusals), why


def test_what_comes_before_a_limit_is_kept() -> None:
    found = unpack((VECTORS / "020-two-reports.zip").read_bytes(), Limits(max_members=1))
    assert [leaf.path for leaf in found.leaves] == ["a.xml"]
    assert len(found.refusals) == 1


MEASURE = """
import resource, sys
from dmarcscope.intake.unpack import unpack
data = open(sys.argv[1], "rb").read()
unpack(b"<feedback/>")
before = resource.getrusage(resource.RUSAGE_SELF)
found = unpack(data)
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_maxrss - before.ru_maxrss, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_stays_small(name: str) -> None:
    """Below 100 MB more memory than before, and a few seconds of work, on a slow machine too."""
    command = [sys.executable, "-c", MEASURE, str(VECTORS / name)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)
    grown, seconds = run.stdout.split()
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(grown) * unit < 100_000_000
    assert float(seconds) < 5


def test_a_large_honest_report_passes() -> None:
    record = ONE[ONE.index(b"<record>") : ONE.index(b"</record>") + 9]
    rows = (record.replace(b"192.0.2.0", b"10.%d.%d.%d" % (n >> 16, n >> 8 & 255, n & 255)) for n in range(100_000))
    data = b"<feedback>" + b"".join(rows) + b"</feedback>"
    found = unpack(gzip.compress(data, 6))
    assert not found.refusals
    assert found.leaves[0].data == data


HOSTILE = [
    (
        b"From: a\nTo: b\nContent-Type: multipart/mixed; boundary=-\n\n" + b"\n---" * 300_000,
        "delimiters and nothing else",
    ),
    (b"From: a\nContent-Type: text/plain" + b';a="' * 100_000 + b"\n\nx", "a field of open quotes"),
    (b"From: a\nTo: b\n" + b"\n" * 1_000_000, "blank lines"),
    (b"From: a\n" + b" x\n" * 300_000, "one folded field"),
    (b"From x\n" + b"\n\nFrom " * 200_000, "mbox separators"),
    (b"PK\x03\x04" * 250_000, "local headers and nothing else"),
    (b"PK\x03\x04" + bytes(22) + b"PK\x05\x06" * 250_000, "end records and nothing else"),
    (b"<" + b"a" * 1_000_000, "a name without end"),
    (b"<" * 1_000_000, "tags without names"),
    (b"begin 644 a\n" * 80_000, "uuencode in uuencode"),
    (b"H4sI" + b"=A" * 500_000, "base64 of paddings"),
    (b"-- \t" * 250_000, "delimiters of blanks"),
    (b"From: a\nTo: b\n\n" + b"--" + b" " * 3_000 + b"\n" + b"--a " * 250_000, "a boundary to be sniffed"),
]


@pytest.mark.parametrize(("data", "why"), HOSTILE)
def test_hostile_input_takes_linear_time(data: bytes, why: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    unpack(data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 5, why


def test_memory_is_given_back() -> None:
    data = (VECTORS / "080-ratio.xml.gz").read_bytes()
    tracemalloc.start()
    try:
        unpack(data)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2_000_000


def test_outlook_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "olefile", None)
    found = unpack((VECTORS / "070-outlook.msg").read_bytes())
    assert "dmarcscope[msg]" in found.refusals[0].reason


SMALL = [(VECTORS / name).read_bytes() for name in EXPECTED if name not in BOMBS]


@given(st.binary(max_size=2000))
@settings(max_examples=400, deadline=None)
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    accounted(unpack(data))


STARTS = [
    b"\x1f\x8b\x08\0",
    b"PK\x03\x04",
    b"From: a\nTo: b\n",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"BZh9",
    b"\xfd7zXZ\0",
    b"x\x9c",
    b"H4sI",
]


@given(st.sampled_from(STARTS), st.binary(max_size=2000))
@settings(max_examples=400, deadline=None)
def test_arbitrary_bytes_after_a_known_start_never_raise(start: bytes, data: bytes) -> None:
    accounted(unpack(start + data))


PATCHES = st.one_of(st.sampled_from([b"\xff" * 4, b"\x00" * 4, b"\xff\xff", b"\x01"]), st.binary(min_size=1, max_size=4))


@given(
    st.sampled_from(SMALL),
    st.lists(st.tuples(st.floats(0, 1), PATCHES), max_size=6),
    st.floats(0, 1),
)
@settings(max_examples=1500, deadline=None)
def test_damaged_vectors_never_raise(data: bytes, changes: list[tuple[float, bytes]], keep: float) -> None:
    damaged = bytearray(data)
    for where, patch in changes:
        at = int(where * len(damaged))
        damaged[at : at + len(patch)] = patch
    accounted(unpack(bytes(damaged[: int(len(damaged) * max(keep, 0.2))])))


def test_mauled_vectors_never_raise() -> None:
    """Thousands of small damages at places that a seed picks: lengths and offsets break more readily than by design."""
    dice = random.Random(20260102)
    for _ in range(4000):
        data = bytearray(dice.choice(SMALL))
        for _ in range(dice.randrange(1, 8) if data else 0):
            at = dice.randrange(len(data) + 1)
            end = at + dice.choice((0, 1, 1, 4, 30))
            data[at:end] = dice.choice((b"", b"\xff" * 4, dice.randbytes(1), bytes(data[: dice.randrange(200)])))
        accounted(unpack(bytes(data)))


def accounted(found: Unpacked) -> None:
    """Something is said about every artefact, and what is said can be stored as text."""
    assert found.leaves or found.refusals
    for leaf in found.leaves:
        assert bool(leaf.data) == (leaf.kind is LeafKind.XML)
        "".join((leaf.path, *leaf.notes)).encode()
    for refusal in found.refusals:
        assert refusal.reason
        (refusal.path + refusal.reason).encode()


KINDS = {"rua": "xml", "ruf": "failure-report", "arf-abuse": "abuse-report", "tlsrpt": "tls-report"}


def _corpus() -> dict[str, Any]:
    listing = SHARED / "corpus" / "expected.json"
    found: dict[str, Any] = json.loads(listing.read_text(encoding="utf-8")) if listing.exists() else {}
    return found


@pytest.mark.parametrize(("name", "row"), _corpus().items(), ids=str)
def test_corpus(name: str, row: dict[str, Any]) -> None:
    """Real reports, where the folder is beside this one; what is inside them was established by other readers."""
    found = unpack((SHARED / "corpus" / name).read_bytes())
    reports: list[dict[str, str]] = row["reports"]
    kinds = Counter(leaf.kind.value for leaf in found.leaves if leaf.kind.value in KINDS.values())
    if row["kind"] == "none":  # XML that is no report is for the parser to say
        assert not kinds or set(kinds) == {"xml"}
        return
    assert kinds == Counter(KINDS[report["type"]] for report in reports)
    stated = {report["leaf_sha256"] for report in reports if report["type"] == "rua"}
    assert {hashlib.sha256(leaf.data).hexdigest() for leaf in xml_of(found)} == stated


@pytest.mark.parametrize("path", sorted((SHARED / "quirks").glob("[89]*-*")), ids=lambda path: path.name)
def test_odd_containers(path: Path) -> None:
    found = unpack(path.read_bytes())
    assert len(found.leaves) == (2 if "two-reports" in path.name else 1)
    assert all(leaf.data.count(b"<record>") == 2 for leaf in found.leaves)
