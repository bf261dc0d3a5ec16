"""The page: all figures agree with the summary to the message, hostile text stays text, and nothing comes from outside."""

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace

import pytest
import summaries
from lxml import html
from plotly.offline import get_plotlyjs_version

from dmarcscope.model.change import Tone
from dmarcscope.model.summary_figures import Figure, FigureName
from dmarcscope.model.verdict import SenderClass
from dmarcscope.present.page import changed, full_plotly, page, plotly, spark
from dmarcscope.present.wording import number

MOST = 6_000_000
USUAL = 800_000
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
EVERY = list(summaries.ALL)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: page(make()) for name, make in summaries.ALL.items()}


def tree(text: str):
    return html.document_fromstring(text)


def texts(found) -> list[str]:
    return [" ".join(one.text_content().split()) for one in found]


def table(root, key: str) -> list[list[str]]:
    return [texts(row.xpath("./th|./td")) for row in root.xpath(f"//table[@id='{key}']/*[self::tbody or self::tfoot]/tr")]


def count(text: str) -> int:
    return int(text.replace(",", "") or 0)


@pytest.mark.parametrize("name", EVERY)
def test_sizes(pages, name) -> None:
    assert len(pages[name].encode()) < (MOST if name == "huge" else USUAL)


@pytest.mark.parametrize("name", EVERY)
def test_policy_allows_only_what_the_page_brings(pages, name) -> None:
    told = POLICY.search(pages[name])[1].replace("&#39;", "'")
    rules = {part.split()[0]: part.split()[1:] for part in told.split(";")}
    assert rules["default-src"] == ["'none'"]
    assert rules["base-uri"] == rules["form-action"] == ["'none'"]
    assert not any("unsafe" in one for one in (*rules["script-src"], *rules["style-src"]))
    root = tree(pages[name])
    inline = [one.text for one in root.xpath("//script[not(@type)]")]
    assert len(inline) == 1
    for kind, element in (("script-src", inline[0]), ("style-src", root.xpath("//style")[0].text)):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(element.encode()).digest()).decode()}'" in rules[kind]


@pytest.mark.parametrize("name", EVERY)
def test_nothing_comes_from_outside_and_nothing_runs_by_attribute(pages, name) -> None:
    root = tree(pages[name])
    assert root.xpath("//@src | //link | //iframe | //object | //embed | //img | //base | //form") == []
    assert root.xpath("//@style") == []
    assert [one for one in root.xpath("//@*") if one.attrname.startswith("on")] == []
    for link in root.xpath("//@href"):
        assert link.startswith(("#", "https://docs.billwell.example/")), "only our own catalogue's addresses are links"


def test_hostile_text_is_shown_as_text(pages) -> None:
    found = pages["hostile"]
    root = tree(found)
    assert len(root.xpath("//script[not(@type)]")) == 1
    assert {one.get("type") for one in root.xpath("//script[@type]")} == {"application/json", "text/plain"}
    for text in ("\u202e", "\u200b", "\x00", "\x1b", "A" * 5_000):
        assert text not in found
    assert root.xpath("//h1")[0].text_content() == "<script>alert(1)</script>"
    assert "{{ 7 * 7 }}{% raw %}" in root.text_content()
    assert root.xpath("//title")[0].text == "nul\\x00esc\\x1b[31mred\\x0d\\x0aBcc: x@example.org"


@pytest.mark.parametrize("name", EVERY)
def test_charts_are_json_that_cannot_end_its_element(pages, name) -> None:
    found = re.findall(r'<script type="application/json" id="[-\w]+">(.*?)</script>', pages[name], re.DOTALL)
    assert len(found) == len(tree(pages[name]).xpath("//figure"))
    for text in found:
        assert not set("<>&") & set(text)
        assert {"data", "layout"} <= set(json.loads(text))


@pytest.mark.parametrize("name", EVERY)
def test_ids_are_there_once(pages, name) -> None:
    ids = tree(pages[name]).xpath("//@id")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", EVERY)
def test_figures_are_those_of_the_summary(pages, name) -> None:
    told = summaries.ALL[name]()
    root = tree(pages[name])
    for place, summary in enumerate(told.summaries, 1):
        part = root.xpath(f"//article[@id='d{place}']")[0]
        assert texts(part.xpath(".//dd[@class='big']")) == [number(one.messages) for one in summary.figures]
        if not summary.messages:
            continue
        senders = table(root, f"d{place}-all-senders")
        assert sum(count(row[2]) for row in senders) == summary.messages
        assert sum(count(row[4]) for row in senders) == summary.figure(FigureName.PASSING).messages
        sources = table(root, f"d{place}-all-sources")
        assert (
            sum(count(row[6]) for row in sources)
            == sum(one.messages for one in summary.tables.sources) + summary.tables.sources_rest.messages
        )
        assert sum(count(row[2]) for row in table(root, f"d{place}-all-reporters")) == sum(one.messages for one in summary.tables.reporters)
        forged = summary.of_class(SenderClass.UNAUTHORISED)
        if name != "hostile":  # there the groups hold other mail, too
            short = table(root, f"d{place}-by-senders")
            assert sum(count(row[1]) for row in short) == forged.messages
            assert sum(count(row[3]) for row in short) == forged.stopped


def test_many_domains_share_the_room_for_addresses() -> None:
    one = summaries.huge().summaries[0]
    many = summaries.together(*[replace(one, domain=f"d{at}.example") for at in range(12)])
    found = page(many)
    assert len(found.encode()) < 2 * MOST
    for place in (1, 12):
        rows = table(tree(found), f"d{place}-all-sources")
        assert len(rows) == 501
        assert sum(count(row[6]) for row in rows) == one.messages


def test_several_domains_have_an_overview_and_one_has_none(pages) -> None:
    root = tree(pages["several"])
    assert [row[0] for row in table(root, "domains")] == ["example.com", "example.net", "example.org"]
    assert len(root.xpath("//h1")) == 1
    assert tree(pages["typical"]).xpath("//table[@id='domains']") == []
    assert len(tree(pages["typical"]).xpath("//h1")) == 1


@pytest.mark.parametrize(
    ("figure", "arrow", "words", "tone", "why"),
    [
        (Figure(FigureName.REPORTED, 12, 12, 10, 10), "▲", "2 (+20 %)", Tone.NEUTRAL, "more mail is neither good nor bad"),
        (Figure(FigureName.REPORTED, 12, 12, None, None), "", "no period before", Tone.NEUTRAL, "nothing to compare with"),
        (Figure(FigureName.REPORTED, 12, 12, 0, 0), "▲", "12", Tone.NEUTRAL, "no share of nothing"),
        (Figure(FigureName.PASSING, 12, 24, 9, 10), "▼", "40.0 points, from 90.0 %", Tone.BAD, "more pass, of more: the share counts"),
        (Figure(FigureName.YOURS_FAILING, 3, 24, 9, 10), "▼", "6 (-67 %)", Tone.GOOD, "less that fails is good"),
        (Figure(FigureName.YOURS_FAILING, 9, 24, 9, 10), "=", "as before", Tone.NEUTRAL, "no change"),
    ],
)
def test_changes_of_figures(figure, arrow, words, tone, why) -> None:
    found = changed(figure)
    assert (found.arrow, found.words, found.tone) == (arrow, words, tone), why


def test_a_course_in_small() -> None:
    points = summaries.weeks(summaries.TYPICAL[0])
    found = spark(points)
    assert found.messages.count("M") == len(points)
    assert found.words.endswith("11 May: 2,187, 100 % pass")
    assert spark(points[:1]) is None
    assert spark(()) is None


def test_the_small_bundle_is_of_the_version_that_the_figures_are_made_for() -> None:
    told = gzip.decompress(base64.b64decode(plotly().packed))
    assert f"plotly.js (basic - minified) v{get_plotlyjs_version().split('.')[0]}.".encode() in told[:200]
    assert b"Licensed under the MIT license" in told[:200]


def test_the_full_bundle_fills_in() -> None:
    found = full_plotly()
    assert gzip.decompress(base64.b64decode(found.packed)).startswith(b"/**\n* plotly.js v")
    assert found.styles == "'unsafe-inline'"
