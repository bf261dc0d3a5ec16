"""Read aggregate reports: RFC 9990, RFC 7489, the drafts before them, and what reporters make of these.

Two ways lead to the same report. The *plain* way is for well-formed text of tags and texts alone, which nearly all reports are:
its records are recognised by shape (`shapes`) at a small part of the cost of a tree. Where anything is out of the ordinary, the
*careful* way parses the whole text strictly, and with recovery if it must, and says what was wrong. A test holds both to the
same result.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from lxml import etree
from lxml.etree import _Element

from dmarcscope.errors import ReportError
from dmarcscope.model.aggregate import AggregateReport, Record
from dmarcscope.parse import xml
from dmarcscope.parse.defects import MAX_KINDS, Defects, shorten
from dmarcscope.parse.head import KNOWN, read_head
from dmarcscope.parse.rawrecord import RECORD_NAMES, RawRecord, read_record
from dmarcscope.parse.records import RecordReader
from dmarcscope.parse.shapes import Shapes
from dmarcscope.parse.xml import local_name

MAX_NAME = 100  # characters of an unknown element's name that are shown
BLOCK = 5000  # records converted at once: enough for columns to pay, few enough to stay small

PLAIN_START = re.compile(r"\ufeff?(?:<\?xml[\t\r\n -;=?-~]*\?>[ \t\r\n]*)?(?=<feedback[ \t\r\n>])")
PLAIN_ENCODING = re.compile(r"<\?xml(?:(?!encoding)[^<>])*(?:encoding\s*=\s*[\"'](utf-8|us-ascii)[\"'][^<>]*)?\?>", re.IGNORECASE)
COMMENT = re.compile(r"<!--[^<>&-]*(?:-[^<>&-]+)*-->")  # as XML wants them (no -- inside), without anything that looks like a tag
PLAIN_COMMENT = re.compile(COMMENT.pattern.encode())
RECORD, RECORD_CLOSED, REPORT_CLOSED = "<record>", "</record>", "</feedback>"
MAX_RECORDS = 500_000
"""Records in one report: honest ones of the largest size unpacked have 300,000; 90 MB of empty ones would be 5 million."""
MAX_PLAIN = 1 << 20
"""Characters of a head or a record that the plain way takes into one tree: no honest one is a tenth of it."""
MAX_NEW = 200
"""New shapes in one report before the careful way takes over: to learn one costs ten times as much as to read it."""
BLANKS = " \t\r\n"  # XML's own; Python's strip() would swallow characters that XML forbids

STANDARD_NAMES = KNOWN | RECORD_NAMES

# What the reader has learned of texts and shapes serves every report of the process. Both forget at a fixed size.
_READER = RecordReader()
_SHAPES = Shapes()


def parse_reports(data: bytes) -> list[AggregateReport]:
    """Every report in one XML document (wrapped or joined ones included), at least one.

    Raises ReportError if the bytes hold no aggregate report or one without any fact.
    """
    plain = read_plain(data)
    if plain is not None:
        return [plain]
    found, empty = [], None
    for document in xml.documents(data):
        try:
            found.append(read_careful(document))
        except ReportError as error:
            empty = error
    if not found:
        raise empty or ReportError("holds no report")
    return found


def read_plain(data: bytes) -> AggregateReport | None:
    """The report in well-formed, plain UTF-8 text; None where the careful way has to look."""
    text = plain_text(data)
    first, last = text.find(RECORD), text.rfind(RECORD_CLOSED) + len(RECORD_CLOSED)
    start = PLAIN_START.match(text)
    if not start or not 0 < first < last or text[last:].strip(BLANKS) != REPORT_CLOSED or first > MAX_PLAIN:
        return None
    root = xml.strict_element(text[start.end() : first] + REPORT_CLOSED)
    head = (start.end() + 1, first)  # behind the root's own <
    if root is None or xml.RECORD_START.search(text, *head) or xml.ROOT.search(text, *head):
        return None
    builder = Builder()
    for block in blocks(plain_records(text, first, last)):
        whole = [raw for raw in block if raw is not None]
        if len(whole) < len(block):
            return None
        builder.add(whole)
    return builder.report(root)


def plain_text(data: bytes) -> str:
    """The text, if it is what it says: UTF-8 without anything that hides text from a plain search; else ""."""
    if hides(data):
        return ""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ""
    if b"!" in data:
        text = COMMENT.sub("", text)
    if not text.startswith("<?xml"):
        return text
    encoding = PLAIN_ENCODING.match(text)
    return text if encoding and (text.isascii() or (encoding[1] or "utf-8").lower() == "utf-8") else ""


def hides(data: bytes) -> bool:
    """Whether there are CDATA, a DOCTYPE, processing instructions or odd comments, in which anything can stand.

    A single character is looked for first: that is ten times as fast, and hardly a report has more of them than its declaration.
    """
    own = 2 if b"<?xml" in data[:8] else 0
    return (b"!" in data and data.count(b"<!") != len(PLAIN_COMMENT.findall(data))) or (data.count(b"?") > own and data.find(b"<?", 4) > 0)


def blocks(items: Iterator[RawRecord | None]) -> Iterator[list[RawRecord | None]]:
    """The items in lists of at most BLOCK."""
    while block := list(islice(items, BLOCK)):
        yield block


def plain_records(text: str, first: int, last: int) -> Iterator[RawRecord | None]:
    """Each record between the two offsets; None, and no more, where one is not plain."""
    new = 0
    while first < last:
        begin = first + len(RECORD)
        first = text.find(RECORD, begin, last)
        if first < 0:
            first = last
        chunk = text[begin:first]
        raw = _SHAPES.read(chunk)
        if raw is None and new < MAX_NEW:
            new += 1
            raw = learn(chunk)
        yield raw
        if raw is None:
            return


def learn(chunk: str) -> RawRecord | None:
    """Read a record of a new shape through the XML parser, and remember the shape."""
    element = xml.strict_element(RECORD + chunk) if len(chunk) <= MAX_PLAIN else None
    if element is None or any(local_name(inner) in {"record", "feedback"} for inner in element.iterdescendants()):
        return None
    raw = read_record(element)
    _SHAPES.learn(chunk, element)
    return raw


def read_careful(document: xml.Document) -> AggregateReport:
    """The report in one document, strictly if it is well formed, else with what can be recovered.

    Raises ReportError if there is no fact in it.
    """
    notes = list(document.notes)
    text, ampersands = xml.escape_ampersands(document.text)
    if ampersands:
        notes.append(f"{ampersands} times & that is not written as &amp;")
    try:
        builder = Builder(notes)
        root = builder.read(text, recover=False)
    except etree.XMLSyntaxError as error:
        builder = Builder([*notes, f"not well formed: {shorten(one_line(error.msg))}; read with recovery"])
        root = builder.recover(xml.mend_brackets(text, STANDARD_NAMES))
    return builder.report(root)


def one_line(message: str | None) -> str:
    """The parser's message on one line: it may quote the report."""
    return " ".join((message or "").split())


def has_facts(report: AggregateReport) -> bool:
    """Whether anything in the report is worth keeping: a word of metadata, a domain, or a record with a source or a count."""
    metadata = report.metadata
    told = (metadata.org_name, metadata.email, metadata.report_id, metadata.begin, metadata.end, report.policy.domain)
    return any(told) or any(record.source_ip or record.count for record in report.records)


def listed_names(names: Counter[str]) -> dict[str, int]:
    """How often each name stands, shortened; beyond MAX_KINDS names the rest is counted together under "…"."""
    listed: Counter[str] = Counter()
    for name, times in names.items():
        short = name if len(name) <= MAX_NAME else name[:MAX_NAME] + "…"
        listed[short if short in listed or len(listed) < MAX_KINDS else "…"] += times
    return dict(listed)


class Builder:
    """Gathers records block by block, so that raw texts of a large report need not be held all at once."""

    def __init__(self, notes: Iterable[str] = ()) -> None:
        self.defects = Defects()
        for note in notes:
            self.defects.report("feedback", None, note)
        self._records: list[Record] = []
        self._waiting: list[RawRecord] = []
        self._unknown: Counter[str] = Counter()

    def add(self, raws: list[RawRecord]) -> None:
        """Convert raw records, and count their elements that no standard names. Raises ReportError beyond MAX_RECORDS."""
        if len(self._records) + len(raws) > MAX_RECORDS:
            raise ReportError(f"holds more than {MAX_RECORDS} records (MAX_RECORDS)")
        self._records.extend(_READER.convert(raws, len(self._records) + 1, self.defects))
        for raw in raws:
            if raw.unknown:
                self._unknown.update(raw.unknown)

    def read(self, text: str, *, recover: bool) -> _Element:
        """Add every record of the text; the root with all the rest. Raises XMLSyntaxError as the parser does."""
        self._waiting = []
        root = xml.read_elements(text, self._read_one, recover=recover)
        self.add(self._waiting)
        lost = sum(1 for _ in xml.RECORD_START.finditer(text)) - len(self._records)
        if lost > 0:
            self.defects.report("record", None, f"{lost} records could not be recovered")
        return root

    def recover(self, text: str) -> _Element:
        """Add what libxml2's recovery makes of the text; the root. Raises ReportError if that is nothing."""
        try:
            return self.read(text, recover=True)
        except etree.XMLSyntaxError as error:
            raise ReportError(f"holds no XML that can be read: {shorten(one_line(error.msg))}") from error

    def _read_one(self, element: _Element) -> None:
        self._waiting.append(read_record(element))
        if len(self._waiting) >= BLOCK:
            self.add(self._waiting)
            self._waiting = []

    def report(self, root: _Element) -> AggregateReport:
        """The whole report, given the root that holds all but the records. Raises ReportError if there is no fact in it."""
        head = read_head(root, self.defects)
        if not self._records:
            self.defects.report("record", None, "the report holds no records")
        report = AggregateReport(
            metadata=head.metadata,
            policy=head.policy,
            records=tuple(self._records),
            dialect=head.dialect,
            version=head.version,
            namespace=head.namespace,
            defects=self.defects.listed(),
            unknown_elements=listed_names(head.unknown + self._unknown),
        )
        if not has_facts(report):
            raise ReportError("holds a <feedback> element without any fact")
        return report
