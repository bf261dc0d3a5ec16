"""The mail about a summary: parsed again, its parts are there and agree; nothing in it can be followed, loaded or run; it stays small."""

import io
import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser

import pytest
import summaries
from lxml import html as lxml_html

from dmarcscope.model.change import Tone
from dmarcscope.model.summary_figures import Finding, Reason, SummaryVerdict
from dmarcscope.present import mail
from dmarcscope.present.defang import defanged, exact_html
from dmarcscope.present.summary_text import text
from dmarcscope.present.wording import number

HEAD = mail.Head("dmarc@example.com", ("owner@example.com", "boss@example.com"), "<1@example.com>", datetime(2026, 5, 19, 7, tzinfo=UTC))
LINK = re.compile(r"(?<![\w.@-])(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*", re.IGNORECASE)
SCHEME = re.compile(r"\b(?:https?|javascript|ftp|mailto|data):\S", re.IGNORECASE)
VOID = {"script", "img", "iframe", "object", "embed", "link", "form", "input", "svg", "style", "video", "audio", "base"}


def composed(found, attachments=()):
    return mail.compose(found, HEAD, text(found), attachments)


def parsed(written):
    return message_from_bytes(written.content, policy=default)


class Elements(HTMLParser):
    """Elements and attributes of a page, and its text as mail programs look for links: element by element."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("name", sorted(summaries.ALL))
def test_the_mail_parsed_again(name):
    found = summaries.ALL[name]()
    written = composed(found)
    message = parsed(written)
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert not [part.defects for part in message.walk() if part.defects]
    assert message["Subject"] == written.subject
    assert (message["From"].addresses[0].addr_spec, message["Message-ID"]) == ("dmarc@example.com", "<1@example.com>")
    assert [one.addr_spec for one in message["To"].addresses] == list(HEAD.recipients)
    assert (message["Auto-Submitted"], message["Date"].datetime) == ("auto-generated", HEAD.date)
    assert written.content == composed(found).content, "the same content is the same bytes"
    assert max(map(len, written.content.split(b"\r\n"))) <= 998, "RFC 5322 §2.1.1"
    assert written.content.isascii()
    assert b"\n" not in written.content.replace(b"\r\n", b"")
    page = message.get_body(("html",)).get_content()
    assert len(page.encode()) < 100_000, "some mail programs cut it above 102 KB"
    elements = Elements(page)
    assert not VOID & set(elements.tags)
    assert not [one for one in elements.attributes if one[1].startswith("on") or one[1] in {"src", "background", "srcset", "class2"}]
    assert "url(" not in page


@pytest.mark.parametrize("name", ["typical", "several", "one-sender", "huge"])
def test_figures_agree_in_all_parts(name):
    found = summaries.ALL[name]()
    written = composed(found)
    message = parsed(written)
    shown = lxml_html.document_fromstring(message.get_body(("html",)).get_content()).text_content()
    plain = message.get_body(("plain",)).get_content()
    for one in found.summaries:
        assert written.figures[one.domain] == {figure.name.value: figure.messages for figure in one.figures}
        for figure in one.figures:
            assert number(figure.messages) in shown
            assert number(figure.messages) in plain


def test_a_long_tail_keeps_its_sum():
    found = summaries.huge().summaries[0]
    shown = lxml_html.document_fromstring(mail.html(summaries.huge())).text_content()
    told = sum(one.line.messages for one in found.yours[: mail.MOST])
    whole = sum(found.of_class(one).messages for one in mail.TAILS["yours"])
    assert f"{number(whole - told)} messages" in shown


def test_hostile_names():
    """Nothing is followed, run or loaded; the header has one line; no mark turns the text around."""
    found = summaries.hostile()
    message = parsed(composed(found))
    assert message["Bcc"] is None
    assert not re.search(r"[\r\n\x00-\x1f]", message["Subject"])
    page = message.get_body(("html",)).get_content()
    elements = Elements(page)
    assert "a" not in elements.tags, "documentation that is no https address is no link"
    assert not VOID & set(elements.tags)
    assert not [value for _, _, value in elements.attributes if SCHEME.search(value)]
    for part in (*elements.texts, message.get_body(("plain",)).get_content()):
        assert not SCHEME.search(part), part[:200]
        assert not [name for name in LINK.findall(part) if name.endswith("evil.example")]
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", part)
    assert any("{{ 7 * 7 }}" in part for part in elements.texts), "no template in a name is run"


def test_lines_to_copy_keep_their_letters():
    found = summaries.typical()
    message = parsed(composed(found))
    shown = lxml_html.document_fromstring(message.get_body(("html",)).get_content()).text_content()
    plain = message.get_body(("plain",)).get_content()
    records = [record for one in found.summaries[0].to_do for record in one.records]
    assert records
    for record in records:
        assert record in shown
        assert record in plain
    assert "deskpilot[.]example" in shown
    assert "deskpilot[.]example" in plain
    assert not re.search(r"(?<!_spf\.)deskpilot\.example", plain), "but for the line to copy"


@pytest.mark.parametrize("others", [(), summaries.several().summaries[1:]], ids=["of one domain", "of several"])
def test_what_is_missing_is_said_first(others):
    found = summaries.typical().summaries[0]
    why = ("Reports are missing: 1 reporter that usually reports is silent.", "All else is well.")
    reasons = (Reason(Finding.REPORTS_MISSING, Tone.WARNING, 1), Reason(Finding.QUIET, Tone.GOOD))
    verdict = SummaryVerdict(Tone.WARNING, "Something to look at.", why, "example.com: 1 reporter silent, week 20", reasons)
    together = summaries.together(replace(found, verdict=verdict), *others)
    message = parsed(composed(together))
    shown = lxml_html.document_fromstring(message.get_body(("html",)).get_content()).text_content()
    assert shown.index(why[0]) < shown.index("Something to look at.")
    assert message.get_body(("plain",)).get_content().startswith(f"example.com: {why[0]}" if others else why[0])


SIZES = [
    (200_000, "random", ["page.html"], "as it is"),
    (900_000, "random", [], "too large even packed"),
    (3_000_000, "same", ["page.html.zip"], "packed"),
    (80_000_000, "same", ["page.html.zip"], "packed well"),
]


@pytest.mark.parametrize(("size", "kind", "names", "why"), SIZES, ids=[case[-1] for case in SIZES])
def test_no_mail_is_larger_than_a_megabyte(size, kind, names, why):
    import random

    content = random.Random(1).randbytes(size) if kind == "random" else b"<p>the same</p>" * (size // 15)
    written = composed(summaries.typical(), [mail.Attachment("page.html", "text/html", content)])
    assert len(written.content) <= mail.LARGEST
    message = parsed(written)
    files = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
    assert list(files) == names
    if names == ["page.html.zip"]:
        with zipfile.ZipFile(io.BytesIO(files["page.html.zip"])) as archive:
            assert archive.read("page.html") == content
    elif names:
        assert part_bytes(message) == content
    for part in ("plain", "html"):
        told = " ".join(lxml_html.document_fromstring(message.get_body((part,)).get_content()).text_content().split())
        assert ("not attached" in told) == (not names) == bool(written.left_out)
        assert all(name in told for name in names)


def part_bytes(message):
    """The first attachment's bytes."""
    return next(message.iter_attachments()).get_payload(decode=True)


def test_the_page_goes_before_json():
    import random

    half = random.Random(2).randbytes(500_000)
    page, data = mail.Attachment("a.html", "text/html", half), mail.Attachment("a.json", "application/json", half)
    written = composed(summaries.typical(), [page, data])
    assert [part.get_filename() for part in parsed(written).iter_attachments()] == ["a.html"]
    assert written.left_out == ("The same content as JSON is not attached: it would make this mail larger than 1 MB.",)


NAMES = [
    ("evil.example", "evil[.]example", "a stranger"),
    ("mail.example.com and example.com.", "mail.example.com and example.com.", "one's own"),
    ("notexample.com", "notexample[.]com", "ends like one's own, and is not"),
    ("example.com.evil.example", "example[.]com[.]evil[.]example", "begins like it"),
    ("https://example.com/x", "https[:]//example.com/x", "an address, even at home"),
    ("JavaScript:alert(1)", "JavaScript[:]alert(1)", "a scheme"),
    ("evil。example", "evil[.]example", "a dot that resolvers take for one (IDNA)"),
    ("bücher.example", "bücher[.]example", "beyond ASCII"),
    ("a@evil.example", "a@evil[.]example", "a mail address"),
    ("1.5 %, 12:30, v=DMARC1; p=none", "1.5 %, 12:30, v=DMARC1; p=none", "no names"),
    ("192.0.2.1", "192.0.2.1", "an address is no name"),
    ("put it into senders.yaml", "put it into senders.yaml", "our own file"),
    ("evil.example      12", "evil[.]example    12", "columns stay where they are"),
    ("evil.example 12", "evil[.]example 12", "and words apart"),
]


@pytest.mark.parametrize(("given", "shown", "why"), NAMES, ids=[case[-1] for case in NAMES])
def test_names(given, shown, why):
    assert defanged(given, ["example.com"]) == shown


def test_exact_lines_are_no_links_in_html():
    assert exact_html('a.example TXT "v=spf1"') == "a<span>.</span>example TXT &#34;v=spf1&#34;"
    assert defanged("publish: a.example. TXT x, as b.example", (), ["a.example. TXT x"]) == "publish: a.example. TXT x, as b[.]example"
    assert defanged("https://evil.example", (), ["https://evil.example"]) == "https[:]//evil[.]example"


def test_file_names_hold_nothing_to_obey():
    found = summaries.typical()
    assert mail.file_name(found, "example.com", ".html") == "example.com-2026-W20.html"
    assert mail.file_name(found, "../../a b\r\n/etc", ".html") == "a-b-etc-2026-W20.html"
    assert mail.file_name(found, "///", ".html") == "summary-2026-W20.html"
