"""From bytes to elements: the one place where foreign XML is decoded, repaired and parsed.

Nothing here resolves an entity, loads a DTD or touches the network. Declared entities are refused outright: no reporter needs them,
and they are how a small file becomes a large one. What is not well formed is parsed a second time with libxml2's recovery, and
the reason is reported.
"""

import codecs
import re
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TypedDict

from lxml import etree
from lxml.etree import _Element

from dmarcscope.errors import ReportError

SLICE = 1 << 18  # characters handed to the parser at once, so that a large report is never a large tree
MAX_ELEMENTS = 100_000
"""Elements held at once outside finished records: a record of 30 signatures has 200; 90 MB of empty tags would be 3 GB of tree."""
MAX_UNENDED = 1000
"""Tags without an end that are left to libxml2's recovery, which takes quadratic time over them: 10 ms for so many."""
MAX_REPORTS = 10_000
"""Reports in one document: nobody joins more, and each costs a parser of its own, so that 1 MB of <feedback> takes seconds."""

DECLARED = re.compile(rb"""^[^<]*<\?xml[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
# Two wide characters in a row, the first of them <: a stray NUL before a narrow < is none.
UNMARKED = (
    (re.compile(rb"(?:[ \t\r\n]\0\0\0)*(?=<\0\0\0[^\0]\0\0\0)"), "utf-32-le"),
    (re.compile(rb"(?:\0\0\0[ \t\r\n])*(?=\0\0\0<\0\0\0[^\0])"), "utf-32-be"),
    (re.compile(rb"(?:[ \t\r\n]\0)*(?=<\0[^\0]\0)"), "utf-16-le"),
    (re.compile(rb"(?:\0[ \t\r\n])*(?=\0<\0[^\0])"), "utf-16-be"),
)
NO_CHARACTER_SET = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf_7", "mbcs", "oem"})
"""Codecs of Python that are no encoding of XML: some take quadratic time, some make characters that no table can hold."""

ROOT = re.compile(r"<(?:[\w.-]+:)?feedback(?=[\s>/])", re.IGNORECASE)
ROOT_END = re.compile(r"</(?:[\w.-]+:)?feedback\s*>?", re.IGNORECASE)
RECORD_START = re.compile(r"<(?:[\w.-]+:)?(record)[\s/>]", re.IGNORECASE)
RECORD_END = re.compile(r"</(?:[\w.-]+:)?record\s*>", re.IGNORECASE)
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]+")
DOCTYPE = re.compile(r"<!DOCTYPE[^<>\[\]]*>", re.IGNORECASE)
HIDDEN = re.compile(r"<!\[CDATA\[|<!--|<\?")
HIDDEN_END = {"<![CDATA[": "]]>", "<!--": "-->", "<?": "?>"}
# A < that cannot begin a tag; one that may, but never comes to its >; and a known tag of which only the > is missing.
LOOSE = re.compile(r"<(?![A-Za-z_/])")
UNENDED = re.compile(r"<(?=[^<>]*(?:<|\Z))")
UNCLOSED_TAG = re.compile(r"<(/?(?:[\w.-]+:)?([A-Za-z_]+))\s*+(?=<)")
# Something in angle brackets as the value of a text field, such as a message id, that the reporter did not escape.
BRACKETED = re.compile(r"(<(report_id|error|comment|human_result)>[^<>]*)<([^<>/]*)>(?=[^<>]*</\2>)")
CHARACTER = re.compile(r"&#([0-9]{1,7}|x[0-9A-Fa-f]{1,6});")
BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one ``feedback`` element, and what had to be put right on the way to it."""

    text: str
    notes: tuple[str, ...]


class Safety(TypedDict):
    """What a parser may not do."""

    resolve_entities: bool
    no_network: bool
    load_dtd: bool
    remove_comments: bool
    remove_pis: bool
    huge_tree: bool


SAFE: Safety = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "remove_comments": True,
    "remove_pis": True,
    "huge_tree": False,
}


def strict_element(text: str) -> _Element | None:
    """The element that a small piece of text is, or None if it is not well formed."""
    try:
        return etree.fromstring(text.encode(), etree.XMLParser(**SAFE))
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        return None


def decode(data: bytes) -> tuple[str, list[str]]:
    """The text of a report, and what was odd about its encoding.

    A byte order mark counts before the declaration, and the declaration before the default. Bytes that do not fit become U+FFFD:
    guessing another encoding could invent a name; the note tells the bytes.
    """
    for mark, name in BOMS:
        if data.startswith(mark):
            return replace_undecodable(data[len(mark) :], name, [])
    for pattern, name in UNMARKED:
        if before := pattern.match(data[:1024]):
            return replace_undecodable(data[before.end() :], name, [f"{name} without a byte order mark"])
    declared = DECLARED.match(data[:1024])
    name = declared.group(1).decode() if declared else "utf-8"
    try:
        codec = codecs.lookup(name).name
        narrow = codec.replace("-", "_") not in NO_CHARACTER_SET and b"<?xml ".decode(codec, "replace") == "<?xml "
    except LookupError:
        return replace_undecodable(data, "utf-8", [f"unknown encoding {name}"])
    if not narrow:  # the declaration itself could be read, so the text was converted on its way and the declaration was not
        return replace_undecodable(data, "utf-8", [f"declared as {name}, but is not"])
    if codec == "ascii" and not data.isascii():
        return replace_undecodable(data, "utf-8", [f"declared as {name}, but is not; read as utf-8"])
    return replace_undecodable(data, codec, [])


def replace_undecodable(data: bytes, name: str, notes: list[str]) -> tuple[str, list[str]]:
    """Decode; what does not fit the encoding becomes U+FFFD and a note."""
    try:
        return data.decode(name), notes
    except UnicodeDecodeError as error:
        odd = data[error.start : error.start + 1].hex().upper()
        reading = data[error.start : error.start + 1].decode("cp1252", "replace")
        note = f"byte 0x{odd} at {error.start} is not {name} (Windows-1252 would read {reading!r}); shown as U+FFFD"
        return data.decode(name, "replace"), [*notes, note]


def documents(data: bytes) -> Iterator[Document]:
    """Each ``feedback`` element in the bytes: wrapped, repeated, or with anything before and after it.

    Raises ReportError if there is none, or if entities are declared.
    """
    text, notes = decode(data)
    text = text.removeprefix("\ufeff")
    clean = ILLEGAL.sub("", text)
    if len(clean) != len(text):
        notes.append(f"{len(text) - len(clean)} characters that XML does not allow, removed")
    if "<!ENTITY" in clean:
        raise ReportError("declares XML entities, which no DMARC report needs", fix="It is kept unread; ask the reporter")
    if clean.lstrip().startswith("<?xml") and not clean.startswith("<?xml"):
        notes.append("blanks before the XML declaration")
    text = lay_open(clean)
    starts = [match.start() for match in ROOT.finditer(text)]
    if not starts:
        raise ReportError("holds no <feedback> element, so it is no aggregate report")
    if len(starts) > MAX_REPORTS:
        raise ReportError(f"holds more than {MAX_REPORTS} reports in one document (MAX_REPORTS)", fix="Split it")
    before = DOCTYPE.sub("", text[: starts[0]]).strip()
    if before.startswith("<") and before.endswith(">"):
        notes.append("wrapped in other elements")
    elif before:
        notes.append(f"{len(before.encode('utf-8', 'replace'))} bytes before the report, ignored")
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        body, more = trim(text[start:end])
        yield Document(body, (*notes, *more))


def lay_open(text: str) -> str:
    """The text without comments and processing instructions, and with CDATA as plain text.

    What looks like an element inside them is none, and must be neither read nor counted. An unclosed one stays as it is.
    """
    parts, position, unclosed = [], 0, set()
    for start in HIDDEN.finditer(text):
        opening = start.group()
        if start.start() < position or opening in unclosed:
            continue
        end = text.find(HIDDEN_END[opening], start.end())
        if end < 0:  # nor will any later one of its kind be closed: do not look again
            unclosed.add(opening)
            continue
        parts.append(text[position : start.start()])
        if opening == "<![CDATA[":
            inside = text[start.end() : end]
            parts.append(inside.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
        position = end + len(HIDDEN_END[opening])
    return "".join([*parts, text[position:]]) if position else text


def trim(text: str) -> tuple[str, list[str]]:
    """Cut what stands behind the end of the report; where the end itself is missing, keep the whole records."""
    notes: list[str] = []
    end = last_match(ROOT_END, text)  # an earlier one belongs to text that went wrong
    if end:
        after = text[end.end() :].strip()
        if after and not after.startswith("</"):  # a wrapper's end tag is no junk
            notes.append(f"{len(text[end.end() :].encode('utf-8', 'replace'))} bytes after the end of the report, ignored")
        text = text[: end.end()]
        if not text.endswith(">"):
            text, notes = text + ">", [*notes, "the last > is missing"]
    else:
        text, notes = cut_short(text)
    return text, notes


def last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The last place where a pattern matches."""
    last = deque(pattern.finditer(text), maxlen=1)
    return last[0] if last else None


def cut_short(text: str) -> tuple[str, list[str]]:
    """A report without its end: what follows the last whole record is lost, and how much that is gets said."""
    last = last_match(RECORD_END, text)
    first = RECORD_START.search(text)
    keep = last.end() if last else first.start() if first else len(text)
    lost = len(text[keep:].strip().encode("utf-8", "replace"))
    if last is None and first is None:
        return text, ["cut short before the first record"]
    return text[:keep], [f"cut short: {lost} bytes after the last whole record are lost"]


def escape_ampersands(text: str) -> tuple[str, int]:
    """Write each & that begins no known reference as &amp;, and say how many there were.

    A reference to a character that XML forbids is none: with recovery, lxml raises over half a surrogate pair.

    >>> escape_ampersands("a & b &lt; &#65; &#xD800;")
    ('a &amp; b &lt; &#65; &amp;#xD800;', 2)
    """
    text, bare = BARE_AMPERSAND.subn("&amp;", text)
    forbidden = sum(1 for found in CHARACTER.finditer(text) if not is_character(found[1]))
    if forbidden:
        text = CHARACTER.sub(lambda found: found[0] if is_character(found[1]) else f"&amp;{found[0][1:]}", text)
    return text, bare + forbidden


def is_character(number: str) -> bool:
    """Whether XML 1.0 (§2.2) allows the character that a reference names by its number."""
    code = int(number[1:], 16) if number[0] == "x" else int(number)
    if code < 0x20:
        return code in {0x9, 0xA, 0xD}
    return code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF


def mend_brackets(text: str, names: frozenset[str]) -> str:
    """Escape each < that begins no tag, and close the tags of these names where only the > is missing.

    >>> mend_brackets("<report_id><1@a></report_id><count>4</count <spf>a < b</spf>", frozenset({"count"}))
    '<report_id>&lt;1@a&gt;</report_id><count>4</count><spf>a &lt; b</spf>'
    """
    text = BRACKETED.sub(r"\1&lt;\3&gt;", text)
    text = UNCLOSED_TAG.sub(lambda found: f"<{found[1]}>" if found[2].lower() in names else found[0], text)
    text = LOOSE.sub("&lt;", text)
    if sum(1 for _ in UNENDED.finditer(text)) > MAX_UNENDED:
        text = UNENDED.sub("&lt;", text)
    return text


def read_elements(text: str, each: Callable[[_Element], None], *, recover: bool) -> _Element:
    """Hand each finished record to ``each`` and free it, so that memory does not grow; return the root with all the rest.

    Raises XMLSyntaxError where the text is not well formed, unless it is to recover; and ReportError if nothing is left then.
    """
    # Recovery leaves undeclared prefixes in the tag, where the parser's own filter does not see through them.
    spellings = {"feedback"} | {found[1] for found in RECORD_START.finditer(text)}
    tags = None if recover else [f"{{*}}{name}" for name in spellings]
    parser = etree.XMLPullParser(events=("start", "end"), tag=tags, recover=recover, **SAFE)
    top: _Element | None = None
    for start in range(0, len(text), SLICE):
        parser.feed(text[start : start + SLICE].encode("utf-8", "replace"))
        for event, element in parser.read_events():
            if top is None:
                top = element
            if event == "end" and local_name(element) == "record":
                each(element)
                release(element)
        if top is not None and sum(1 for _ in islice(top.iter(), MAX_ELEMENTS)) == MAX_ELEMENTS:
            raise ReportError(f"holds {MAX_ELEMENTS} elements outside finished records (MAX_ELEMENTS)")
    root = parser.close()
    if root is None:
        raise ReportError("holds no XML that can be read")
    return root


def release(element: _Element) -> None:
    """Empty a finished record and take out the one before it (the parser may still be writing beside this one)."""
    element.clear(keep_tail=False)
    before, parent = element.getprevious(), element.getparent()
    if before is not None and parent is not None and local_name(before) == "record":
        parent.remove(before)


def local_name(element: _Element) -> str:
    """The tag without namespace, also where a prefix was never declared, in lower case."""
    return plain_tag(element.tag)  # type: ignore[arg-type]  # what lxml gives as a tag can be hashed


@lru_cache(maxsize=1024)
def plain_tag(tag: Hashable) -> str:
    """A tag as the parser gives it, without namespace or prefix; "" for what is no element."""
    return tag.rpartition("}")[2].rpartition(":")[2].lower() if isinstance(tag, str) else ""
