"""The page in a real Chromium: it asks nobody, complains of nothing, draws every chart, works by keyboard and for those who do not see it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import summaries
from axe_playwright_python.sync_playwright import Axe
from servers.browser import PHONE, WIDE, chromium, opened

from dmarcscope.present.page import page

SECONDS_TO_OPEN = 2.0
SERIOUS = {"serious", "critical"}
ALL_OPEN = "() => document.querySelectorAll('details').forEach((one) => { one.open = true; })"
WITHOUT_CHARTS = {"exclude": [".main-svg"]}  # within a chart there is nothing but its picture, which has a text alternative
ONLY_VIOLATIONS = {"resultTypes": ["violations"]}
TOO_WIDE = "() => document.documentElement.scrollWidth - innerWidth"
LOOKS = [
    pytest.param(WIDE, "light", id="wide-light"),
    pytest.param(PHONE, "dark", id="phone-dark"),
]
EVERY = list(summaries.ALL)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name, make in summaries.ALL.items():
        made[name] = folder / f"{name}.html"
        made[name].write_text(page(make()))
    return made


@pytest.mark.parametrize(("viewport", "scheme"), LOOKS)
@pytest.mark.parametrize("name", EVERY)
def test_opens_without_a_complaint_and_asks_nobody(browser, pages, name, viewport, scheme) -> None:
    with opened(browser, pages[name], viewport=viewport, color_scheme=scheme) as found:
        found.wait_for_charts()
        assert found.complaints == []
        assert found.asked == []
        assert found.page.evaluate(TOO_WIDE) <= 0  # only tables and the heat map are moved sideways, within themselves


@pytest.mark.parametrize(
    ("name", "scheme"),
    [("typical", "light"), ("typical", "dark"), ("several", "dark"), ("hostile", "light"), ("without-mail", "light"), ("nothing", "dark")],
)
def test_axe_finds_nothing_serious(browser, pages, name, scheme) -> None:
    # The page's policy would keep axe out, too.
    with opened(browser, pages[name], color_scheme=scheme, bypass_csp=True) as found:
        found.wait_for_charts()
        found.page.evaluate(ALL_OPEN)
        violations = Axe().run(found.page, WITHOUT_CHARTS, ONLY_VIOLATIONS).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in violations if one["impact"] in SERIOUS] == []


def test_the_busiest_page_opens_soon(browser, pages) -> None:
    with opened(browser, pages["huge"]) as first:  # the browser's own first steps are not the page's
        first.wait_for_charts()
    with opened(browser, pages["typical"]) as found:
        begin = time.monotonic()
        found.page.goto(pages["huge"].as_uri())
        assert time.monotonic() - begin < SECONDS_TO_OPEN
        assert found.page.locator("h1").is_visible()


def names(found, table: str) -> list[str]:
    return [one.strip() for one in found.page.locator(f"#{table} tbody tr:visible th").all_inner_texts()]


def test_sorts_by_keyboard(browser, pages) -> None:
    with opened(browser, pages["typical"]) as found:
        head = found.page.locator("#d1-yours thead th").nth(2)
        head.locator("button").focus()
        found.page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "descending"
        assert names(found, "d1-yours") == ["Letterbox", "mail.example.com", "Billwell"]
        found.page.keyboard.press("Space")
        assert head.get_attribute("aria-sort") == "ascending"
        assert names(found, "d1-yours") == ["Billwell", "mail.example.com", "Letterbox"]
        assert "ascending" in found.page.locator("#said").inner_text()


def test_filters_by_keyboard(browser, pages) -> None:
    with opened(browser, pages["typical"]) as found:
        found.page.locator("#d1 .tables summary").first.focus()
        found.page.keyboard.press("Enter")
        found.page.keyboard.press("Tab")
        found.page.keyboard.type("BILL yours")
        assert names(found, "d1-all-senders") == ["Billwell"]
        assert found.page.locator(".filter output").first.inner_text() == "1 of 8 lines"
        found.page.keyboard.press("Control+A")
        found.page.keyboard.press("Delete")
        assert len(names(found, "d1-all-senders")) == 8


def test_copies_a_line_as_it_is(browser, pages) -> None:
    with opened(browser, pages["typical"], permissions=["clipboard-read", "clipboard-write"]) as found:
        found.page.locator(".card button").nth(1).click()
        found.page.wait_for_function("() => document.getElementById('said').textContent === 'Copied'")
        told = found.page.evaluate("() => navigator.clipboard.readText()")
        assert told == 'example.com. IN TXT "v=spf1 include:_spf.deskpilot.example mx ~all"'


def test_the_reader_chooses_the_theme(browser, pages) -> None:
    ground = "() => getComputedStyle(document.body).backgroundColor"
    with opened(browser, pages["typical"]) as found:
        light = found.page.evaluate(ground)
        button = found.page.locator("[data-theme-button]")
        button.click()
        assert (button.inner_text(), found.page.evaluate(ground)) == ("Theme: light", light)
        button.click()
        assert button.inner_text() == "Theme: dark"
        assert found.page.evaluate(ground) != light


def test_prints_with_its_charts(browser, pages) -> None:
    with opened(browser, pages["typical"], color_scheme="dark") as found:
        found.wait_for_charts()
        printed = found.page.pdf(format="A4")
        assert printed.startswith(b"%PDF")
        assert len(printed) > 50_000
        assert found.complaints == []


def test_tells_all_without_scripts(browser, pages) -> None:
    with opened(browser, pages["typical"], java_script_enabled=False) as found:
        text = found.page.locator("body").inner_text()
        assert "Charts, sorting and filters need scripts" in text
        assert found.page.locator(".plot").first.is_hidden()
        assert found.page.locator("[data-copy]").first.is_hidden()
        found.page.locator("figure summary").first.click()
        assert found.page.locator("figure table").first.is_visible()


def test_labels_of_charts_are_text(browser, pages) -> None:
    with opened(browser, pages["hostile"]) as found:
        found.wait_for_charts()
        assert found.page.locator(".plot a, .plot script, .plot img").count() == 0
        labels = found.page.locator(".plot-passing .ytick text").all_text_contents()
        assert labels[0] == "<script>alert(1)</script>"
