"""Write the vectors of this folder and ``expected.json``: one report, and what each oddity makes of it.

The report has two records: four messages that fail DMARC, three that pass. Each row of ROWS changes one thing. Run it from
anywhere with ``python make.py``; the result is committed, and a test compares.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent

HEAD = """<feedback>
<version>1.0</version>
<report_metadata>
<org_name>reporter.example</org_name>
<email>dmarc@reporter.example</email>
<report_id>20260105.1</report_id>
<date_range><begin>1767571200</begin><end>1767657599</end></date_range>
</report_metadata>
<policy_published>
<domain>example.com</domain>
<adkim>r</adkim>
<aspf>r</aspf>
<p>none</p>
<sp>none</sp>
<pct>100</pct>
</policy_published>
"""
FIRST = """<record>
<row>
<source_ip>192.0.2.1</source_ip>
<count>4</count>
<policy_evaluated><disposition>none</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated>
</row>
<identifiers><header_from>example.com</header_from></identifiers>
<auth_results><spf><domain>other.example</domain><scope>mfrom</scope><result>pass</result></spf></auth_results>
</record>
"""
SECOND = """<record>
<row>
<source_ip>198.51.100.2</source_ip>
<count>3</count>
<policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated>
</row>
<identifiers><header_from>example.com</header_from></identifiers>
<auth_results>
<dkim><domain>example.com</domain><selector>s1</selector><result>pass</result></dkim>
<spf><domain>example.com</domain><scope>mfrom</scope><result>softfail</result></spf>
</auth_results>
</record>
"""
END = "</feedback>\n"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
TEXT = DECLARATION + HEAD + FIRST + SECOND + END
REPORT = HEAD + FIRST + SECOND + END
SPF = "<spf><domain>other.example</domain><scope>mfrom</scope><result>pass</result></spf>"


class Row(NamedTuple):
    """A vector: its name, its bytes, what must come of it, and why it is there."""

    name: str
    data: bytes
    why: str
    defects: tuple[tuple[str, str], ...] = ()
    records: int = 2
    messages: int = 7
    dmarc_pass: int = 3
    reports: int = 1
    refused: str = ""


def swap(old: str, new: str) -> bytes:
    """The report with the first ``old`` replaced; it must be there."""
    assert old in TEXT, old
    return TEXT.replace(old, new, 1).encode()


def swap_all(old: str, new: str) -> bytes:
    assert old in TEXT, old
    return TEXT.replace(old, new).encode()


def ip(written: str) -> bytes:
    return swap("192.0.2.1", written)


def count(written: str) -> bytes:
    return swap("<count>4</count>", f"<count>{written}</count>")


def dates(begin: str, end: str) -> bytes:
    return swap("<begin>1767571200</begin><end>1767657599</end>", f"<begin>{begin}</begin><end>{end}</end>")


def first_dkim(written: str) -> bytes:
    return swap("<dkim>fail</dkim>", written)


SPELLED = "written otherwise"
MALFORMED = ("feedback", "not well formed")
FEEDBACK = "feedback"


def bytes_and_frames() -> Iterator[Row]:
    """Encodings, and what stands around the report."""
    yield Row("plain", TEXT.encode(), "what all others are measured by")
    yield Row("no-declaration", REPORT.encode(), "the declaration is optional in XML 1.0")
    yield Row("utf-8-bom", b"\xef\xbb\xbf" + TEXT.encode(), "written by Windows tools")
    yield Row(
        "leading-blank-lines",
        b"\n\n" + TEXT.encode(),
        "XML forbids it; templates do it",
        ((FEEDBACK, "blanks before"),),
    )
    yield Row("leading-junk", b"HTTP/1.1 200 OK\r\n\r\n" + TEXT.encode(), "a header left in", ((FEEDBACK, "15 bytes before"),))
    yield Row(
        "trailing-junk",
        TEXT.encode() + b"-- \nsent by cron",
        "a mail footer left in",
        ((FEEDBACK, "bytes after the end"),),
    )
    yield Row("trailing-blanks", TEXT.encode() + b"\r\n \r\n", "blanks behind the root are legal")
    yield Row("nul-after", TEXT.encode() + b"\0" * 512, "padding of a tape block", ((FEEDBACK, "512 characters that XML"),))
    yield Row(
        "nul-one-before",
        b"\0" + TEXT.encode(),
        "one NUL and < look like UTF-16",
        ((FEEDBACK, "1 characters that XML"),),
    )
    yield Row("nul-three-before", b"\0\0\0" + TEXT.encode(), "and three like UTF-32", ((FEEDBACK, "3 characters that XML"),))
    yield Row("nul-inside", swap("<email>dm", "<email>\0dm"), "NUL in a value", ((FEEDBACK, "characters that XML"),))
    data = swap(" encoding", "\0encoding")
    yield Row("nul-in-declaration", data, "NUL where a blank was", ((FEEDBACK, "characters that XML"),))
    yield Row("nul-in-tag", swap("<feedback>", "<feed\0back>"), "NUL in the root's name", ((FEEDBACK, "characters that XML"),))
    yield Row(
        "control-between-tags",
        swap("</row>", "</row>\x1c"),
        "Python takes U+001C for a blank, XML forbids it",
        ((FEEDBACK, "XML does not"),),
    )
    yield Row("crlf", TEXT.replace("\n", "\r\n").encode(), "line ends of Windows")
    umlaut = TEXT.replace("reporter.example</org", "Müller € GmbH</org")
    latin = umlaut.replace(" €", "")
    yield Row("latin-1-declared", latin.replace("UTF-8", "iso-8859-1").encode("latin-1"), "as declared")
    yield Row("cp1252-declared", umlaut.replace("UTF-8", "windows-1252").encode("cp1252"), "as declared")
    yield Row("cp1252-undeclared", umlaut.encode("cp1252"), "declared as UTF-8: said, not guessed", ((FEEDBACK, "byte 0xFC"),))
    yield Row(
        "latin-1-no-declaration",
        REPORT.replace("r.e", "ü.e").encode("latin-1"),
        "UTF-8 is the default",
        ((FEEDBACK, "byte 0xFC"),),
    )
    yield Row(
        "ascii-declared-utf-8",
        umlaut.replace("UTF-8", "us-ascii").encode(),
        "UTF-8 is meant",
        ((FEEDBACK, "declared as us-ascii"),),
    )
    yield Row("ascii-declared", TEXT.replace("UTF-8", "US-ASCII").encode(), "as declared")
    yield Row(
        "invalid-utf-8",
        swap("reporter.example<", "r\x00<").replace(b"\0", b"\xff\xfe\xc3"),
        "no encoding at all",
        ((FEEDBACK, "byte 0xFF"),),
    )
    yield Row("utf-16-bom", TEXT.replace("UTF-8", "UTF-16").encode("utf-16"), "with byte order mark")
    yield Row("utf-16-le", TEXT.encode("utf-16-le"), "without byte order mark", ((FEEDBACK, "utf-16-le without"),))
    yield Row("utf-16-be", TEXT.encode("utf-16-be"), "without byte order mark", ((FEEDBACK, "utf-16-be without"),))
    yield Row("utf-16-le-newline", ("\n" + TEXT).encode("utf-16-le"), "a wide blank first", ((FEEDBACK, "utf-16-le without"),))
    yield Row("utf-32", TEXT.encode("utf-32"), "four bytes each")
    yield Row(
        "utf-16-declared-only",
        TEXT.replace("UTF-8", "UTF-16").encode(),
        "converted on its way",
        ((FEEDBACK, "but is not"),),
    )
    yield Row(
        "unknown-encoding",
        TEXT.replace("UTF-8", "x-none").encode(),
        "nobody knows it",
        ((FEEDBACK, "unknown encoding"),),
    )
    for codec in ("undefined", "punycode", "idna", "utf-7", "unicode_escape", "cp037"):
        data = TEXT.replace("UTF-8", codec).encode()
        yield Row(f"codec-{codec}", data, "a codec of Python that no XML is in", ((FEEDBACK, "but is not"),))
    yield Row(
        "codec-zlib",
        TEXT.replace("UTF-8", "zlib").encode(),
        "a codec that is no text",
        ((FEEDBACK, "unknown encoding"),),
    )
    yield Row("wrapped-root", (DECLARATION + "<result>" + REPORT + "</result>").encode(), "wrapped", ((FEEDBACK, "wrapped"),))
    yield Row("two-roots", TEXT.encode() * 2, "two files joined", (), 4, 14, 6, 2)
    yield Row(
        "two-wrapped",
        (f"<a>{REPORT}{REPORT}</a>").encode(),
        "an envelope for two",
        ((FEEDBACK, "wrapped"),),
        4,
        14,
        6,
        2,
    )
    yield Row("doctype", swap("<feedback>", '<!DOCTYPE feedback SYSTEM "f.dtd">\n<feedback>'), "never loaded")


def names_and_spaces() -> Iterator[Row]:
    """Namespaces, prefixes, case."""
    yield Row("namespace-rfc9990", swap("<feedback>", '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">'), "RFC 9990's own")
    yield Row("namespace-any", swap("<feedback>", '<feedback xmlns="http://dmarc.example/xml/0.2">'), "any will do")
    mixed = swap_all("<record>", '<record xmlns="urn:mixed">').replace(b"<feedback>", b'<feedback xmlns="urn:other">')
    yield Row("namespace-mixed", mixed, "head in one, records in another")
    inner = swap_all("<record>", '<record xmlns="">').replace(b"<feedback>", b'<feedback xmlns="urn:other">')
    yield Row("namespace-emptied", inner, "what .NET serialisers make of children")
    one = swap("<record>", '<record xmlns="">')
    yield Row("attribute-on-first-record", one, "the first of two records only: neither may be lost")
    prefixed = TEXT.replace("</", "\0").replace("<?", "\1").replace("<", "<d:").replace("\0", "</d:").replace("\1", "<?")
    yield Row("prefix", prefixed.replace("<d:feedback>", '<d:feedback xmlns:d="urn:d">').encode(), "all with a prefix")
    yield Row("prefix-undeclared", prefixed.encode(), "the prefix is never declared", (MALFORMED,))
    upper = TEXT
    for name in ("feedback", "record", "row", "count", "policy_evaluated", "org_name"):
        upper = upper.replace(f"<{name}>", f"<{name.upper()}>").replace(f"</{name}>", f"</{name.upper()}>")
    yield Row("upper-case-tags", upper.encode(), "names in capitals")
    yield Row(
        "schema-location",
        swap("<feedback>", '<feedback xmlns:x="urn:x" x:schemaLocation="a b">'),
        "attributes are ignored",
    )


def head_fields() -> Iterator[Row]:
    """Metadata, dates, policy."""
    meta, policy = "report_metadata", "policy_published"
    yield Row("version-missing", swap("<version>1.0</version>\n", ""), "drafts have none")
    yield Row(
        "version-last",
        TEXT.replace("<version>1.0</version>\n", "").replace(END, "<version>1.0</version>" + END).encode(),
        "order is free",
    )
    yield Row(
        "org-name-missing",
        swap("<org_name>reporter.example</org_name>\n", ""),
        "required",
        ((f"{meta}/org_name", "missing"),),
    )
    yield Row("email-empty", swap("dmarc@reporter.example", ""), "required", ((f"{meta}/email", "empty"),))
    yield Row("report-id-escaped-brackets", swap("20260105.1", "&lt;1@reporter.example&gt;"), "a message id as report id")
    yield Row("report-id-raw-brackets", swap("20260105.1", "<1@reporter.example>"), "and not escaped", (MALFORMED,))
    yield Row("report-id-raw-word", swap("20260105.1", "<a1b2>"), "looks like a tag", (MALFORMED,))
    yield Row(
        "metadata-errors",
        swap("</report_metadata>", "<error>one</error><error>two</error></report_metadata>"),
        "both kept",
    )
    yield Row("dates-fraction", dates("1767571200.0", "1767657599.75"), "a float printed", (("date_range/begin", SPELLED),))
    yield Row(
        "dates-milliseconds",
        dates("1767571200000", "1767657599999"),
        "Java's clock",
        (("date_range/begin", "milliseconds"),),
    )
    yield Row(
        "dates-iso",
        dates("2026-01-05T00:00:00Z", "2026-01-05 23:59:59"),
        "as text",
        (("date_range/begin", "ISO text"),),
    )
    yield Row("dates-reversed", dates("1767657599", "1767571200"), "end first", ((f"{meta}/date_range", "ends before"),))
    yield Row("dates-no-length", dates("1767571200", "1767571200"), "equal", ((f"{meta}/date_range", "no length"),))
    yield Row(
        "dates-words",
        dates("soon", ""),
        "no time at all",
        (("date_range/begin", "not a time"), ("date_range/end", "missing")),
    )
    yield Row("dates-huge", dates("9" * 20, "-5"), "no believable time", (("date_range/begin", "no believable"),))
    yield Row("pct-empty", swap("<pct>100</pct>", "<pct/>"), "empty says nothing")
    yield Row("sp-empty", swap("<sp>none</sp>", "<sp></sp>"), "empty says nothing")
    yield Row("adkim-missing", swap("<adkim>r</adkim>\n", ""), "it has a default in DNS, none here")
    yield Row("p-upper-case", swap("<p>none</p>", "<p> NONE </p>"), "case and blanks", ((f"{policy}/p", SPELLED),))
    yield Row("p-unknown", swap("<p>none</p>", "<p>monitor</p>"), "kept as written", ((f"{policy}/p", "not a word"),))
    start, stop = TEXT.index("<policy_published>"), TEXT.index("</policy_published>") + len("</policy_published>")
    whole = TEXT[start:stop]
    yield Row("policy-missing", TEXT.replace(whole, "").encode(), "required", ((policy, "missing"),))
    yield Row(
        "policy-empty",
        TEXT.replace(whole, "<policy_published/>").encode(),
        "required",
        ((f"{policy}/domain", "missing"),),
    )
    yield Row("policy-twice", TEXT.replace(whole, whole * 2).encode(), "the first counts", ((policy, "given 2 times"),))
    yield Row("policy-after-records", TEXT.replace(whole, "").replace(END, whole + END).encode(), "order is free")
    yield Row(
        "policy-domain-idn",
        swap("<domain>example.com<", "<domain>Bücher.example.<"),
        "U-label",
        ((f"{policy}/domain", SPELLED),),
    )
    extra = swap("<policy_published>", "<extension><email>x</email><version>9</version></extension><policy_published>")
    yield Row("extension-with-known-names", extra, "an extension may use any name for anything")
    yield Row("unknown-elements", swap("<policy_published>", "<invention>1</invention><policy_published>"), "counted, no harm")


def record_fields() -> Iterator[Row]:
    """Counts and addresses."""
    spelled = (("count", SPELLED),)
    none = "adds no messages"
    yield Row("count-blanks", count(" 4 "), "blanks do not count", spelled)
    yield Row("count-decimal", count("4.0"), "a float printed", spelled)
    yield Row("count-missing", swap("<count>4</count>", ""), "never one", (("count", "missing"),), messages=3)
    yield Row("count-empty", count(""), "never one", (("count", none),), messages=3)
    yield Row("count-zero", count("0"), "kept", (("count", "no messages"),), messages=3)
    yield Row("count-negative", count("-4"), "never subtracted", (("count", none),), messages=3)
    yield Row("count-huge", count("1" + "0" * 29), "sums must stay exact", (("count", none),), messages=3)
    yield Row("count-half", count("4.5"), "no whole number", (("count", none),), messages=3)
    yield Row("count-other-digits", count("٤"), "xs:integer is ASCII", (("count", none),), messages=3)
    yield Row(
        "count-twice",
        swap("<count>4</count>", "<count>4</count><count>9</count>"),
        "first",
        (("count", "more than once"),),
    )
    odd = (("source_ip", SPELLED),)
    yield Row("ip-blanks", ip(" 192.0.2.1\n"), "blanks", odd)
    yield Row("ip-brackets", ip("[192.0.2.1]"), "as in a mail header", odd)
    yield Row("ip-port", ip("192.0.2.1:25"), "with port", odd)
    yield Row("ip6-port", ip("[2001:DB8::1]:25"), "with brackets and port", odd)
    yield Row("ip-mapped", ip("::ffff:192.0.2.1"), "one address, one form", odd)
    yield Row("ip-bogus", ip("999.1.1.1"), "kept as written", (("source_ip", "not an IP"),))
    yield Row("ip-empty", ip(""), "no source known", (("source_ip", "empty"),))
    yield Row("ip-missing", swap("<source_ip>192.0.2.1</source_ip>", ""), "no source known", (("source_ip", "missing"),))


def verdicts_and_identifiers() -> Iterator[Row]:
    """What the receiver made of it, and the author."""
    raw = (("policy_evaluated/dkim", "raw result"),)
    yield Row("verdict-none", first_dkim("<dkim>none</dkim>"), "never a pass", raw)
    yield Row("verdict-softfail", first_dkim("<dkim>softfail</dkim>"), "never a pass", raw)
    yield Row("verdict-hardfail", first_dkim("<dkim>hardfail</dkim>"), "never a pass", raw)
    unknown = (("policy_evaluated/dkim", "verdict unknown"),)
    yield Row("verdict-unknown", first_dkim("<dkim>unknown</dkim>"), "neither pass nor fail", unknown)
    yield Row("verdict-empty", first_dkim("<dkim/>"), "neither pass nor fail", unknown)
    yield Row("verdict-missing", first_dkim(""), "neither pass nor fail", (("policy_evaluated/dkim", "missing"),))
    upper = first_dkim("<dkim> PASS </dkim>")
    yield Row("verdict-upper-case", upper, "a pass all the same", (("policy_evaluated/dkim", SPELLED),), dmarc_pass=7)
    foreign = first_dkim("").replace(b"</row>", b"</row><x><dkim>pass</dkim></x>", 1)
    yield Row("verdict-in-invention", foreign, "no verdict may come from there", (("policy_evaluated/dkim", "missing"),))
    extension = first_dkim("").replace(b"</row>", b"</row><extension><dkim>pass</dkim><count>9</count></extension>", 1)
    yield Row("verdict-in-extension", extension, "nor from there", (("policy_evaluated/dkim", "missing"),))
    misspelt = TEXT.replace("policy_evaluated", "polcy_evaluated").encode()
    yield Row("policy-evaluated-misspelt", misspelt, "fields are found by name", (("policy_evaluated", "missing"),))
    place = "policy_evaluated/disposition"
    yield Row("disposition-upper-case", swap("<disposition>none", "<disposition>None"), "case", ((place, SPELLED),))
    yield Row("disposition-pass", swap("<disposition>none", "<disposition>pass"), "RFC 9990 knows it")
    yield Row("disposition-unknown", swap("<disposition>none", "<disposition>15"), "kept", ((place, "not a word"),))
    reason = "<reason><type>{}</type><comment>c</comment></reason></policy_evaluated>"
    yield Row(
        "reason-two",
        swap("</policy_evaluated>", "<reason><type>forwarded</type></reason>" + reason.format("other")),
        "both",
    )
    yield Row("reason-type-empty", swap("</policy_evaluated>", reason.format("")), "kept", (("reason/type", "empty"),))
    yield Row("reason-unknown", swap("</policy_evaluated>", reason.format("arc")), "kept", (("reason/type", "not a word"),))
    yield Row("identities", swap_all("identifiers>", "identities>"), "a draft's name", (("identifiers", "named identities"),))
    identifiers = "<identifiers><header_from>example.com</header_from></identifiers>\n"
    yield Row("identifiers-missing", swap(identifiers, ""), "no author known", (("identifiers", "missing"),))
    yield Row("identifiers-empty", swap(identifiers, "<identifiers/>"), "no author", (("identifiers/header_from", "missing"),))
    name = "identifiers/header_from"
    yield Row(
        "header-from-trailing-dot",
        swap("<header_from>example.com", "<header_from>example.com."),
        "dot",
        ((name, SPELLED),),
    )
    yield Row(
        "header-from-idn",
        swap("<header_from>example.com", "<header_from>BÜCHER.example"),
        "U-label",
        ((name, SPELLED),),
    )
    yield Row("header-from-address", swap("<header_from>", "<header_from>joe@"), "kept", ((name, "not a domain"),))
    yield Row(
        "header-from-one-megabyte",
        swap("<header_from>", "<header_from>" + "a" * (1 << 20)),
        "kept in part",
        ((name, "not a domain"),),
    )
    row = TEXT[TEXT.index("<row>") : TEXT.index("</row>") + 6]
    yield Row("row-missing", swap("<row>", "").replace(b"</row>", b"", 1), "fields are found by name", (("row", "missing"),))
    yield Row("record-empty", TEXT.replace(FIRST, "<record></record>").encode(), "kept", (("row", "missing"),), messages=3)
    yield Row("record-self-closed", TEXT.replace(FIRST, "<record/>").encode(), "kept", (("row", "missing"),), messages=3)
    yield Row("record-attribute", swap("<record>", '<record n="1">'), "kept")
    yield Row(
        "row-outside-record",
        TEXT.replace(END, row + END).encode(),
        "no record, but said",
        (("record", "outside of any record"),),
    )
    no_records = (DECLARATION + HEAD + END).encode()
    yield Row("zero-records", no_records, "sent by some for quiet days", (("record", "holds no records"),), 0, 0, 0)


def auth_results() -> Iterator[Row]:
    """What the receiver found: DKIM and SPF results."""
    spf = "auth_results/spf"
    yield Row(
        "auth-results-missing",
        TEXT.replace(f"<auth_results>{SPF}</auth_results>", "").encode(),
        "verdicts stay",
        (("auth_results", "missing"),),
    )
    yield Row(
        "auth-results-empty",
        TEXT.replace(f"<auth_results>{SPF}</auth_results>", "<auth_results/>").encode(),
        "verdicts stay",
    )
    yield Row("spf-empty", TEXT.replace(SPF, "<spf/>").encode(), "says nothing", ((spf, "without parts"),))
    yield Row("spf-bare", TEXT.replace(SPF, "<spf>pass</spf>").encode(), "never a verdict", ((spf, "without parts"),))
    yield Row(
        "spf-missing",
        TEXT.replace(SPF, "<dkim><domain>a.example</domain><result>none</result></dkim>").encode(),
        "optional",
    )
    yield Row("spf-several", TEXT.replace(SPF, SPF + SPF.replace("mfrom", "helo")).encode(), "both kept")
    result = f"{spf}/result"
    yield Row(
        "spf-result-empty",
        TEXT.replace(SPF, SPF.replace(">pass<", "><")).encode(),
        "says nothing",
        ((result, "empty"),),
    )
    yield Row(
        "spf-result-missing",
        TEXT.replace(SPF, "<spf><domain>a.example</domain></spf>").encode(),
        "said",
        ((result, "missing"),),
    )
    for word in ("hardfail", "unknown", "invalid"):
        yield Row(
            f"spf-{word}",
            TEXT.replace(SPF, SPF.replace(">pass<", f">{word}<")).encode(),
            "kept",
            ((result, "not a word"),),
        )
    yield Row(
        "spf-domain-empty",
        TEXT.replace(SPF, SPF.replace("other.example", "")).encode(),
        "said",
        ((f"{spf}/domain", "empty"),),
    )
    dkim = "".join(f"<dkim><domain>d{n}.example</domain><selector>s{n}</selector><result>fail</result></dkim>" for n in range(30))
    yield Row("dkim-thirty", TEXT.replace(SPF, dkim + SPF).encode(), "all kept: the 17th may be the one that aligns")
    human = TEXT.replace(SPF, SPF.replace("</spf>", "<human_result>&lt;a&gt; &amp; b</human_result></spf>"))
    yield Row("human-result-escaped", human.encode(), "text as meant")
    yield Row(
        "value-one-megabyte",
        human.replace("&lt;a&gt;", "x" * (1 << 20)).encode(),
        "cut and said",
        ((f"{spf}/human_result", "cut after"),),
    )


def broken_xml() -> Iterator[Row]:
    """What is not well formed, and what hides in well-formed text."""
    yield Row("mismatched-tags", swap("</disposition>", "</dispositon>"), "31 of 3,200 real files", (MALFORMED,))
    yield Row("record-end-misspelt", swap("</record>", "</recrod>"), "the next record must not be lost", (MALFORMED,))
    yield Row("bare-ampersand", swap("reporter.example<", "Smith & Sons<"), "not escaped", ((FEEDBACK, "1 times &"),))
    yield Row("unknown-entity", swap("reporter.example<", "A&nbsp;B<"), "HTML's, not XML's", ((FEEDBACK, "1 times &"),))
    yield Row("raw-less-than", swap("reporter.example<", "a < b<"), "not escaped", (MALFORMED,))
    yield Row("tag-without-its-end", swap("</count>", "</count"), "only the > is missing", (MALFORMED,))
    yield Row(
        "last-greater-than-missing",
        TEXT.rstrip()[:-1].encode(),
        "one reporter, always",
        ((FEEDBACK, "last > is missing"),),
    )
    whole = DECLARATION + HEAD + FIRST
    yield Row(
        "cut-in-second-record",
        (whole + SECOND[:200]).encode(),
        "the whole ones are kept",
        ((FEEDBACK, "200 bytes after the last whole record"),),
        1,
        4,
        0,
    )
    yield Row("cut-after-record", (whole + SECOND).encode(), "nothing lost but the end", ((FEEDBACK, "cut short: 0 bytes"),))
    yield Row(
        "cut-in-head",
        (DECLARATION + HEAD[:200]).encode(),
        "the facts before the cut",
        ((FEEDBACK, "cut short before"),),
        0,
        0,
        0,
    )
    yield Row("cdata", swap("reporter.example<", "<![CDATA[A & B <C> <record>]]><"), "text, not markup")
    yield Row("comment-with-record", swap("<record>", "<!-- <record><count>9</count></record> --><record>"), "not read")
    yield Row("comment-with-report", (f"<!-- {REPORT} -->" + REPORT).encode(), "an old report, commented out")
    yield Row("comment-with-double-hyphen", swap("<record>", "<!-- a -- b --><record>"), "forbidden, harmless")
    yield Row("comment-unclosed", swap("</feedback>", "<!-- </feedback>"), "the records stand before it", (MALFORMED,))
    yield Row("processing-instruction", swap("<record>", "<?php echo '<record>' ?><record>"), "not read")
    yield Row("processing-instruction-first", swap("<feedback>", '<?xml-stylesheet href="a"?><feedback>'), "legal")
    yield Row(
        "nested-records",
        TEXT.replace("</record>\n<record>", "<record>").replace(END, "</record>" + END).encode(),
        "both kept",
    )
    yield Row(
        "no-facts",
        b"<feedback></feedback>",
        "nothing to keep",
        records=0,
        messages=0,
        dmarc_pass=0,
        reports=0,
        refused="without any fact",
    )
    nothing = Row("", b"", "", records=0, messages=0, dmarc_pass=0, reports=0)
    yield nothing._replace(name="no-feedback", data=b"<html></html>", why="another document", refused="no <feedback> element")
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    bomb = f'<!DOCTYPE feedback [<!ENTITY l0 "lol">{levels}]>'
    yield nothing._replace(
        name="entity-bomb",
        data=swap("<feedback>", bomb + "<feedback>").replace(b"20260105.1", b"&l8;"),
        why="300 MB",
        refused="entities",
    )
    outside = '<!DOCTYPE feedback [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    yield nothing._replace(
        name="entity-external",
        data=swap("<feedback>", outside + "<feedback>").replace(b"20260105.1", b"&x;"),
        why="a file",
        refused="entities",
    )


def rows() -> list[Row]:
    parts = (bytes_and_frames, names_and_spaces, head_fields, record_fields, verdicts_and_identifiers, auth_results, broken_xml)
    return [row for part in parts for row in part()]


def files() -> dict[str, bytes]:
    """Every vector by its file name."""
    return {f"{number:03}-{row.name}.xml": row.data for number, row in enumerate(rows(), 1)}


def expected() -> dict[str, dict[str, Any]]:
    """What must come of each, by file name."""
    facts = ("why", "reports", "records", "messages", "dmarc_pass", "defects", "refused")
    return {name: {fact: getattr(row, fact) for fact in facts} for name, row in zip(files(), rows(), strict=True)}


def main() -> None:
    for old in HERE.glob("[0-9]*.xml"):
        old.unlink()
    for name, data in files().items():
        (HERE / name).write_bytes(data)
    (HERE / "expected.json").write_text(json.dumps(expected(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
