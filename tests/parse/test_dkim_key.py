"""DKIM keys: the vectors, the small DER reader, and what no text may do."""

import base64
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.model.dkim_key import DkimKey, KeyState
from dmarcscope.parse.dkim_key import dkim_key, dkim_keys
from dmarcscope.parse.public_key import NO_KEY, public_key

VECTORS = sorted((Path(__file__).parent.parent / "vectors" / "dkim_key").glob("*.json"))

# Octets, and why they are no key.
NO_KEYS: list[tuple[str, str]] = [
    ("", "nothing"),
    ("30", "a tag without a length"),
    ("3080", "an indefinite length, which DER has not"),
    ("3084ffffffff", "a length above anything"),
    ("308201", "a length that is cut"),
    ("3003020105", "one integer"),
    ("3006040105020103", "no integer"),
    ("020105", "no sequence"),
    ("300b3003060103030400020105", "another algorithm"),
]


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    vector = json.loads(path.read_text())
    key = dkim_key(vector["text"])
    assert key.state == vector["state"], vector["why"]
    assert [problem.code for problem in key.problems] == vector["codes"], vector["why"]
    for name, value in vector["values"].items():
        assert plain(key, name) == value, (name, vector["why"])
    for problem, fix in zip(key.problems, vector.get("fixes", ()), strict=False):
        assert problem.fix == fix, vector["why"]


def plain(key: DkimKey, name: str) -> object:
    """A field as JSON has it."""
    value = getattr(key, name)
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize(("octets", "why"), NO_KEYS, ids=range(len(NO_KEYS)))
def test_no_key(octets: str, why: str) -> None:
    assert public_key(bytes.fromhex(octets)) == NO_KEY, why


def test_every_problem_says_where_it_is_written() -> None:
    for path in VECTORS:
        for problem in dkim_key(json.loads(path.read_text())["text"]).problems:
            assert problem.what, path
            assert problem.section.startswith("RFC "), path


def test_several_keys_are_undefined() -> None:
    choice = dkim_keys(["v=DKIM1; p=", "k=rsa; p=", "hello"])
    assert (choice.text, [problem.code for problem in choice.problems]) == (None, ["several-records"])
    assert dkim_keys(["v=DKIM1; p=", "hello"]).text == "v=DKIM1; p="


@given(st.binary())
def test_no_octets_raise(data: bytes) -> None:
    public_key(data)
    for kind in ("rsa", "ed25519"):
        assert dkim_key(f"v=DKIM1; k={kind}; p={base64.b64encode(data).decode()}").state in KeyState


NEAR = st.text(st.sampled_from(list('v=DKIM1;kprsaedhtny: \t\\"+/=AB')))


@given(st.one_of(st.text(), NEAR, NEAR.map(lambda text: f"v=DKIM1; {text}")))
def test_no_text_raises(text: str) -> None:
    key = dkim_key(text)
    assert key.text == text
    assert key.state is not KeyState.USABLE or key.bits
    dkim_keys([text])


def der(tag: int, content: bytes) -> bytes:
    """One DER element."""
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


@given(st.integers(2**511, 2**4096), st.sampled_from([3, 17, 65537]), st.booleans())
def test_rsa_keys_of_any_length(modulus: int, exponent: int, wrapped: bool) -> None:
    integers = b"".join(der(2, number.to_bytes(number.bit_length() // 8 + 1, "big")) for number in (modulus, exponent))
    key = der(0x30, integers)
    if wrapped:
        key = der(0x30, der(0x30, bytes.fromhex("06092a864886f70d0101010500")) + der(3, b"\0" + key))
    found = dkim_key(f"v=DKIM1; p={base64.b64encode(key).decode()}")
    assert (found.bits, found.exponent) == (modulus.bit_length(), exponent)
    for end in range(0, len(key), 7):
        assert public_key(key[:end]) == NO_KEY, "what is cut is no key"


@pytest.mark.parametrize("filler", [" ", ";", "A", "A ", "p=", "h:", "="])
def test_long_texts_take_no_time(filler: str) -> None:
    for start in ("v=DKIM1; p=", "v=DKIM1; h=", ""):
        before = time.perf_counter()
        dkim_key(start + filler * (300_000 // len(filler)))
        assert time.perf_counter() - before < 10, "linear: what is not takes minutes"
