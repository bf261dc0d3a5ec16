"""A real Chromium that opens pages from disk; every request that it makes and everything that it complains of is kept."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

NOT_TESTED = "NOT TESTED: pages. Install Chromium (apt-get install chromium) for these tests"
PROGRAM = shutil.which("chromium")
DRAWN = "() => [...document.querySelectorAll('.plot')].every((one) => one.querySelector('.main-svg'))"
"""Whether every chart is there."""
PATIENCE = 60_000  # milliseconds; a chart takes 200
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def need_chromium() -> str:
    """Where Chromium is; the test is skipped where it is not, and fails where it must be there."""
    if PROGRAM is None:
        if os.environ.get("DMARCSCOPE_REQUIRE_SERVERS"):
            pytest.fail(NOT_TESTED)
        pytest.skip(NOT_TESTED)
    return PROGRAM


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of the test's own, without a window."""
    program = need_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])  # root in a container has no sandbox
        yield browser
        browser.close()


@dataclass
class Opened:
    """An opened page: ``asked`` are the addresses that it asked for beside itself, ``complaints`` what the console says."""

    page: Page
    context: BrowserContext
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def wait_for_charts(self) -> None:
        self.page.wait_for_function(DRAWN, timeout=PATIENCE)


@contextmanager
def opened(browser: Browser, file: Path, **settings) -> Iterator[Opened]:
    """A page opened from disk, ready to be looked at. ``settings`` are those of the browser's context."""
    context = browser.new_context(**({"viewport": WIDE, "color_scheme": "light"} | settings))
    found = Opened(context.new_page(), context)
    own = file.as_uri()
    found.page.on("request", lambda request: found.asked.append(request.url) if request.url.partition("#")[0] != own else None)
    found.page.on("console", lambda message: found.complaints.append(message.text) if message.type in {"error", "warning"} else None)
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("dialog", lambda dialog: (found.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    found.page.goto(own)
    yield found
    context.close()
