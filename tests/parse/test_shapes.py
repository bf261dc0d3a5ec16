"""The plain way and the careful way come to the same report, whatever the reporter's template and texts."""

from xml.sax.saxutils import escape

from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcscope.parse import aggregate, xml
from dmarcscope.parse.aggregate import MAX_NEW, read_careful, read_plain
from dmarcscope.parse.rawrecord import read_record
from dmarcscope.parse.shapes import MAX_ALIKE, MAX_SHAPES, Shapes, pattern_of, shape_of

BLANKS = st.sampled_from(["", "", "\n", "\r\n  ", "\t"])
ODD = [
    "",
    " ",
    "pass",
    "fail",
    "PASS ",
    "none",
    "192.0.2.1",
    "[::1]",
    "4",
    " 4 ",
    "4.0",
    "-1",
    "example.com",
    "Bücher.example.",
    "<a> & b",
    "]]>",
]
TEXTS = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12)
FIELDS = [
    "source_ip",
    "count",
    "disposition",
    "dkim",
    "spf",
    "header_from",
    "envelope_from",
    "envelope_to",
    "type",
    "comment",
]
PARTS = ["domain", "selector", "scope", "result", "human_result"]
SECTIONS = [
    "row",
    "policy_evaluated",
    "identifiers",
    "identities",
    "auth_results",
    "dkim",
    "spf",
    "reason",
    "invention",
    "extension",
]
HEAD = (
    "<report_metadata><org_name>r</org_name><email>e@r.example</email><report_id>1</report_id>"
    "<date_range><begin>1</begin><end>2</end></date_range></report_metadata>"
    "<policy_published><domain>example.com</domain><p>none</p></policy_published>"
)


@st.composite
def leaf(draw: st.DrawFn, names: list[str]) -> str:
    name, text = draw(st.sampled_from(names)), draw(TEXTS)
    if not text and draw(st.booleans()):
        return f"<{name}/>"
    return f"<{name}>{escape(text)}</{name}>"


@st.composite
def section(draw: st.DrawFn, depth: int) -> str:
    name, blank = draw(st.sampled_from(SECTIONS)), draw(BLANKS)
    inner = st.lists(leaf(FIELDS + PARTS) if not depth else leaf(FIELDS + PARTS) | section(depth - 1), max_size=4)
    return f"<{name}>{blank}{blank.join(draw(inner))}{blank}</{name}>"


@st.composite
def ordinary(draw: st.DrawFn) -> str:
    """A record as reporters mean it, each element there or not."""

    def some(name: str) -> str:
        return f"<{name}>{escape(draw(TEXTS))}</{name}>" if draw(st.integers(0, 9)) else draw(st.sampled_from(["", f"<{name}/>"]))

    def several(name: str, parts: list[str]) -> str:
        return "".join(f"<{name}>{''.join(map(some, parts))}</{name}>" for _ in range(draw(st.integers(0, 3))))

    blank = draw(BLANKS)
    evaluated = "".join(map(some, ["disposition", "dkim", "spf"])) + several("reason", ["type", "comment"])
    row = f"<row>{some('source_ip')}{some('count')}{blank}<policy_evaluated>{evaluated}</policy_evaluated></row>"
    identifiers = f"<identifiers>{''.join(map(some, ['envelope_to', 'envelope_from', 'header_from']))}</identifiers>"
    results = several("dkim", ["domain", "selector", "result"]) + several("spf", ["domain", "scope", "result"])
    return f"{blank}{row}{blank}{identifiers}{blank}<auth_results>{results}</auth_results>{blank}"


RECORDS = st.lists(ordinary() | st.lists(leaf(FIELDS) | section(2), max_size=5).map("".join), min_size=1, max_size=4)
ROOTS = st.sampled_from(["<feedback>", '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">', "<feedback >"])
STARTS = st.sampled_from(["", "\ufeff", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>\n'])


@given(STARTS, ROOTS, RECORDS, BLANKS, st.booleans())
@settings(max_examples=400, deadline=None)
def test_both_ways_agree(start: str, root: str, records: list[str], blank: str, twice: bool) -> None:
    records = records * 2 if twice else records  # the second time by the shape that the first has taught
    body = "".join(f"<record>{record}</record>{blank}" for record in records)
    data = f"{start}{root}{HEAD}{body}</feedback>".encode()
    plain = read_plain(data)
    (document,) = xml.documents(data)
    careful = read_careful(document)
    assert len(careful.records) == len(records)
    assert plain is None or plain == careful


@given(ordinary(), st.lists(TEXTS, min_size=40, max_size=40))
@settings(max_examples=200, deadline=None)
def test_a_shape_reads_other_texts_as_the_tree_does(record: str, texts: list[str]) -> None:
    chunk = f"{record}</record>"
    element = xml.strict_element(f"<record>{chunk}")
    assert element is not None
    shapes = Shapes()
    shapes.learn(chunk, element)
    other = chunk
    for number, text in enumerate(texts):
        other = other.replace(">fail<", f">{escape(text)}{number}<", 1)
    found = shapes.read(other)
    again = xml.strict_element(f"<record>{other}")
    assert again is not None
    assert found is None or found == read_record(again)


def test_what_is_no_plain_text_has_no_shape() -> None:
    rows = [
        ("<count a='1'>4</count></record>", "attribute"),
        ("<count>4<x/></count></record>", "mixed content"),
        ("<count>4</count>stray</record>", "text between elements"),
        ("<a/>" * 300 + "</record>", "too many tags"),
        ("<a></a><a/></record>", "one empty element written in two ways"),
    ]
    for chunk, why in rows:
        element = xml.strict_element(f"<record>{chunk}")
        assert element is not None, why
        assert shape_of(chunk, element) is None, why


def test_references_are_read_once_and_only_those_of_xml() -> None:
    shapes = Shapes()
    chunk = "<count>4</count></record>"
    element = xml.strict_element(f"<record>{chunk}")
    assert element is not None
    shapes.learn(chunk, element)
    rows = [
        ("&lt;&amp;&gt;&quot;&apos;", "<&>\"'"),
        ("&amp;lt;", "&lt;"),
        ("&#65;", None),
        ("&nbsp;", None),
        ("&", None),
    ]
    for text, meant in rows:
        found = shapes.read(f"<count>{text}</count></record>")
        assert (found.count if found else None) == meant, text


def test_blanks_of_other_alphabets_do_not_fill_a_pattern() -> None:
    pattern = pattern_of("<count>4</count>\n</record>")
    assert pattern is not None
    assert pattern.fullmatch("<count>5</count>\r\n</record>")
    assert not pattern.fullmatch("<count>5</count>\x1c</record>")


def test_shapes_are_forgotten_at_their_limit() -> None:
    shapes = Shapes()
    for number in range(2 * MAX_SHAPES):
        chunk = f"<x{number}>1</x{number}>" + "<a/>" * (number % 100) + "</record>"
        element = xml.strict_element(f"<record>{chunk}")
        assert element is not None
        shapes.learn(chunk, element)
    kept = shapes._by_size.values()
    assert sum(map(len, kept)) <= MAX_SHAPES
    assert max(map(len, kept)) <= MAX_ALIKE


def test_a_report_of_ever_new_shapes_goes_the_careful_way() -> None:
    records = "".join(f"<record><row><count>1</count></row><new{n}/></record>" for n in range(MAX_NEW + 1))
    data = f"<feedback>{HEAD}{records}</feedback>".encode()
    assert read_plain(data) is None
    (report,) = aggregate.parse_reports(data)
    assert report.messages == MAX_NEW + 1
