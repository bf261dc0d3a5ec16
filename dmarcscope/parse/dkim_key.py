"""Read a DKIM key record (RFC 6376 §3.6.1, RFC 8301, RFC 8463), and what is wrong or unwise in it.

The text is that of the TXT record with its strings joined (RFC 6376 §3.6.2.2). Never raises; linear in the length of the text.
"""

import base64
import re
from collections.abc import Iterable, Iterator

from dmarcscope.model.dkim_key import DkimKey, KeyState
from dmarcscope.model.problem import Choice, Problem, Severity, worst_first
from dmarcscope.parse.public_key import ED25519_BYTES, NO_KEY, PublicKey, public_key
from dmarcscope.parse.slips import listed
from dmarcscope.parse.tag_list import first_values, form_problems, grammar, mended, tag_list

SECTION = "RFC 6376 §3.6.1"
DKIM = grammar("DKIM key", "DKIM1", ("v", "k", "p", "h", "s", "t", "n"), SECTION, removed=("g",))

LEAST_BITS, GOOD_BITS, LARGE_BITS = 1024, 2048, 4096
"""RSA keys: below the first nobody may verify, the second is advised (RFC 8301 §3.2), above the third not all can."""
MAX_SHOWN = 60
"""Characters of a number that are shown."""

BLANKS = re.compile(r"[ \t\r\n]+")
BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
ALGORITHMS = ("rsa", "ed25519")


def dkim_keys(texts: Iterable[str]) -> Choice:
    """Which of the TXT records of a selector are keys; several leave the result undefined (RFC 6376 §3.6.2.2).

    >>> len(dkim_keys(["v=DKIM1; p=", "some text"]).candidates)
    1
    """
    candidates = tuple(text for text in texts if any(tag.name.strip("\"'") in {"p", "v", "k"} for tag in tag_list(text)))
    problems: tuple[Problem, ...] = ()
    if len(candidates) > 1:
        what = f"the selector has {len(candidates)} keys; which of them a receiver takes is undefined"
        problems = (Problem(Severity.ERROR, "several-records", what, "RFC 6376 §3.6.2.2"),)
    return Choice(candidates, problems)


def dkim_key(text: str) -> DkimKey:
    """What the text of a DKIM key record says.

    >>> dkim_key("v=DKIM1; p=").state.value, dkim_key("k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").bits
    ('revoked', 256)
    """
    tags = tag_list(text)
    values = first_values(tags)
    data, encoding = decoded(values.get("p", ""))
    algorithm = values.get("k", "rsa").lower()
    key = read_key(algorithm, data)
    hashes, services, flags = words(values, "h"), words(values, "s") or ("*",), words(values, "t")
    problems = [
        *form_problems(text, tags, DKIM),
        *version_problems(text, values, [tag.name for tag in tags]),
        *encoding,
        *key_problems(values, data, key),
        *option_problems(values),
    ]
    return DkimKey(
        text,
        state(values, data, key, [tag.name for tag in tags]),
        algorithm,
        key.bits,
        key.exponent,
        hashes,
        services,
        testing="y" in flags,
        strict="s" in flags,
        notes=values.get("n", ""),
        tags=tuple((tag.name, tag.value) for tag in tags if tag.name),
        problems=worst_first(problems),
    )


def words(values: dict[str, str], name: str) -> tuple[str, ...]:
    """A list of words between colons, lower-case."""
    return tuple(word for word in (part.strip(" \t\r\n").lower() for part in values.get(name, "").split(":")) if word)


def decoded(value: str) -> tuple[bytes | None, list[Problem]]:
    """The bytes of the ``p`` tag, None if it is no base64; and what is wrong with it."""
    plain = BLANKS.sub("", value)
    problems = []
    if plain != value:
        # RFC 6376 §3.2: blanks within base64 are allowed and ignored.
        what = "«p» has blanks within its base64; they are allowed, and some receivers stumble over them"
        problems.append(Problem(Severity.NOTE, "blanks-in-key", what, "RFC 6376 §3.6.1"))
    if BASE64.fullmatch(plain) and len(plain) % 4 == 0:
        return base64.b64decode(plain), problems
    problems.append(Problem(Severity.ERROR, "bad-base64", f"«p» is no base64 ({why_no_base64(plain)})", SECTION))
    return None, problems


def why_no_base64(plain: str) -> str:
    """What keeps a text from being base64."""
    odd = sorted(set(re.findall(r"[^A-Za-z0-9+/=]", plain)))
    if odd:
        return f"it has {listed(odd)}"
    return "its length is wrong: characters are missing, or another text follows it"


def read_key(algorithm: str, data: bytes | None) -> PublicKey:
    """The key in the bytes of the ``p`` tag."""
    if not data or algorithm not in ALGORITHMS:
        return NO_KEY
    # RFC 8463 §4.2: an Ed25519 key is its 32 octets as they are, without any wrapping.
    if algorithm == "ed25519":
        return PublicKey("ed25519", len(data) * 8, raw=data) if len(data) == ED25519_BYTES else NO_KEY
    found = public_key(data)
    return found if found.kind == "rsa" else NO_KEY


def state(values: dict[str, str], data: bytes | None, key: PublicKey, names: list[str]) -> KeyState:
    """What the record is good for."""
    # RFC 6376 §3.6.1: v, where it is there, is first and says DKIM1, or the record is discarded.
    if "v" in values and (values["v"] != "DKIM1" or names[0] != "v"):
        return KeyState.UNUSABLE
    # RFC 6376 §3.6.1: an empty p means that the key was revoked.
    if "p" in values and data == b"":
        return KeyState.REVOKED
    hashes, services = words(values, "h"), words(values, "s")
    # RFC 6376 §3.6.1: hashes and services that are not listed are not allowed.
    if (hashes and "sha256" not in hashes) or (services and not {"*", "email"} & set(services)):
        return KeyState.UNUSABLE
    # RFC 8301 §3.2: verifiers do not accept RSA keys of fewer than 1024 bits.
    return KeyState.USABLE if key.bits and (key.kind != "rsa" or key.bits >= LEAST_BITS) else KeyState.UNUSABLE


def version_problems(text: str, values: dict[str, str], names: list[str]) -> Iterator[Problem]:
    """The version, and characters that were published by mistake."""
    if "\\" in text or '"' in text:
        what = "backslashes or quotation marks of a zone file are published as a part of the record"
        yield Problem(Severity.ERROR, "published-quotes", what, SECTION, mended(text, DKIM))
    if "v" in values and names[0] != "v":
        yield Problem(
            Severity.ERROR, "version-not-first", "«v» is there and not first: the record is discarded", SECTION, mended(text, DKIM)
        )
    elif "v" in values and values["v"] != "DKIM1":
        what = f"{listed(['v=' + values['v']])} is not «v=DKIM1», letter for letter: the record is discarded"
        yield Problem(Severity.ERROR, "wrong-version", what, SECTION, "v=DKIM1")
    elif "v" not in values:
        what = "«v=DKIM1» is missing; it is advised at the beginning"
        yield Problem(Severity.NOTE, "no-version", what, SECTION)
    if "p" not in values:
        yield Problem(Severity.ERROR, "no-key", "«p» is missing: there is no key", SECTION)


def key_problems(values: dict[str, str], data: bytes | None, key: PublicKey) -> Iterator[Problem]:
    """The key itself."""
    algorithm = values.get("k", "rsa").lower()
    if algorithm not in ALGORITHMS:
        what = f"{listed(['k=' + algorithm])} is no kind of key that receivers know"
        yield Problem(Severity.ERROR, "unknown-algorithm", what, SECTION)
        return
    if data == b"" and "p" in values:
        yield Problem(Severity.NOTE, "revoked", "«p» is empty: the key is revoked", SECTION)
    if not data:
        return
    if not key.bits:
        yield unreadable(algorithm, data)
    elif key.kind == "rsa":
        yield from rsa_problems(key)


def unreadable(algorithm: str, data: bytes) -> Problem:
    """Why no key was found in the bytes of ``p``."""
    found = public_key(data)
    if algorithm == "ed25519" and found.kind == "ed25519" and len(found.raw) == ED25519_BYTES:
        fix = f"p={base64.b64encode(found.raw).decode()}"
        return Problem(Severity.ERROR, "wrapped-key", "an Ed25519 key is published as its 32 bare octets", "RFC 8463 §4.2", fix)
    if algorithm == "ed25519":
        what = f"an Ed25519 key has 32 octets, and this one {len(data)}"
        return Problem(Severity.ERROR, "bad-key", what, "RFC 8463 §4.2", "k=rsa" if found.kind == "rsa" else "")
    if found.kind == "ed25519" or len(data) == ED25519_BYTES:
        return Problem(Severity.ERROR, "bad-key", "this is no RSA key; it may be an Ed25519 key without its «k» tag", SECTION, "k=ed25519")
    return Problem(Severity.ERROR, "bad-key", "the octets of «p» are no RSA public key; it may be cut short", SECTION)


def rsa_problems(key: PublicKey) -> Iterator[Problem]:
    """An RSA key that is too short, too long or odd."""
    bits = key.bits or 0
    if bits < LEAST_BITS:
        what = f"an RSA key of {bits} bits can be broken; receivers refuse less than {LEAST_BITS}"
        yield Problem(Severity.ERROR, "short-key", what, "RFC 8301 §3.2")
    elif bits < GOOD_BITS:
        what = f"an RSA key of {bits} bits is short; {GOOD_BITS} are advised"
        yield Problem(Severity.WARNING, "short-key", what, "RFC 8301 §3.2")
    elif bits > LARGE_BITS:
        what = f"receivers need not verify RSA keys of more than {LARGE_BITS} bits, and this one has {bits}"
        yield Problem(Severity.NOTE, "long-key", what, "RFC 8301 §3.2")
    if key.exponent is not None and (key.exponent < 3 or key.exponent % 2 == 0):
        yield Problem(Severity.ERROR, "bad-exponent", f"{str(key.exponent)[:MAX_SHOWN]} is no exponent of an RSA key", "RFC 8017 §3.1")
    if key.trailing:
        yield Problem(Severity.WARNING, "trailing-octets", f"{key.trailing} octets follow the key", SECTION)
    if not key.wrapped:
        what = "the key is a bare RSAPublicKey, not a SubjectPublicKeyInfo; the standard allows it, some receivers do not"
        yield Problem(Severity.NOTE, "bare-key", what, "RFC 6376 erratum 3017")


def option_problems(values: dict[str, str]) -> Iterator[Problem]:
    """Hashes, services, flags, and tags that are no more."""
    hashes, services, flags = words(values, "h"), words(values, "s"), words(values, "t")
    if hashes and "sha256" not in hashes:
        # RFC 8301 §3.1: rsa-sha1 is neither signed nor verified any more.
        what = f"«h» allows {listed(hashes)} and not sha256: nobody verifies with it"
        yield Problem(Severity.ERROR, "no-sha256", what, "RFC 8301 §3.1", "h=sha256")
    elif "sha1" in hashes:
        yield Problem(Severity.NOTE, "sha1", "«h» still allows sha1, which nobody uses any more", "RFC 8301 §3.1", "h=sha256")
    if services and not {"*", "email"} & set(services):
        yield Problem(Severity.ERROR, "not-for-mail", f"«s» allows {listed(services)}: the key is not for mail", SECTION, "s=email")
    if "y" in flags:
        what = "«t=y»: receivers treat mail signed with this key as if it were not signed"
        yield Problem(Severity.WARNING, "testing", what, SECTION)
    if "s" in flags:
        what = "«t=s»: the domain in «i» must be that of «d», not one below it"
        yield Problem(Severity.NOTE, "strict", what, SECTION)
    unknown = [flag for flag in flags if flag not in {"y", "s"}]
    if unknown:
        yield Problem(Severity.NOTE, "unknown-flag", f"«t» has flags that nobody knows: {listed(unknown)}", SECTION)
    if "g" in values:
        severity = Severity.NOTE if values["g"] == "*" else Severity.WARNING
        yield Problem(severity, "g-removed", "«g» is no longer a tag; receivers ignore it", "RFC 6376 appendix E")
