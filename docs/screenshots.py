"""Make the two pictures of the sample domain's page for the README: `python docs/screenshots.py` (needs Chromium and Playwright)."""

import base64
import shutil
import struct
import sys
import tempfile
import zlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from dmarcscope import open_store, wiring
from dmarcscope.config.loading import load
from dmarcscope.ops.summarise import summarise
from dmarcscope.present.page import page
from dmarcscope.tables.queries import Filter

HERE = Path(__file__).parent
SAMPLES = HERE.parent / "sample_reports"
CONFIG = SAMPLES / "dmarcscope.toml"
DOMAIN = "example.com"
MADE = datetime(2026, 5, 26, 6, tzinfo=UTC)
PICTURES = (
    ("summary-light.png", 1120, 1180, "light", 1.0),
    ("summary-phone-dark.png", 390, 844, "dark", 1.5),
)
"""Name, width, height and colours of each, and pixels of the picture per pixel of the page."""
LARGEST = 150_000
COLOURS = 200
PIXELS = """async (data) => {
  const picture = new Image();
  picture.src = `data:image/png;base64,${data}`;
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.width; canvas.height = picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  const found = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let text = "";
  for (let at = 0; at < found.length; at += 32768) text += String.fromCharCode(...found.subarray(at, at + 32768));
  return [canvas.width, canvas.height, btoa(text)];
}"""
"""What a picture holds: width, height and its pixels, four bytes each."""


def sample_page(folder: Path) -> Path:
    """The page of the sample domain, from a store made in the folder."""
    with open_store(folder / "store", config=CONFIG) as store:
        store.ingest([SAMPLES / "reports"])
        store.resolve(dns=wiring.dns_settings(load(CONFIG)))
        found = summarise(store.files, [DOMAIN], Filter(), wiring.knowledge(CONFIG), MADE)
    made = folder / "page.html"
    made.write_text(page(found))
    return made


def picture(browser: Browser, made: Path, width: int, height: int, scheme: str, scale: float) -> bytes:
    """What one sees first, in few colours."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=scale)
    tab = context.new_page()
    tab.goto(made.as_uri())
    tab.wait_for_function("() => [...document.querySelectorAll('.plot')].every((one) => one.querySelector('.main-svg'))")
    shot = base64.b64encode(tab.screenshot()).decode()
    wide, high, pixels = context.new_page().evaluate(PIXELS, shot)
    context.close()
    return indexed(base64.b64decode(pixels), wide, high)


def indexed(pixels: bytes, width: int, height: int) -> bytes:
    """A PNG of few colours, the most frequent ones; each other is shown as the nearest of them."""
    every = memoryview(pixels).cast("I")
    frequent = [colour for colour, _ in Counter(every).most_common(COLOURS)]
    places = {colour: min(range(len(frequent)), key=lambda at, one=colour: distance(frequent[at], one)) for colour in set(every)}
    lines = b"".join(b"\0" + bytes(places[colour] for colour in every[row * width : (row + 1) * width]) for row in range(height))
    palette = b"".join(colour.to_bytes(4, sys.byteorder)[:3] for colour in frequent)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"PLTE", palette)
        + chunk(b"IDAT", zlib.compress(lines, 9))
        + chunk(b"IEND", b"")
    )


def distance(one: int, other: int) -> int:
    """How far two colours are apart."""
    return sum((a - b) ** 2 for a, b in zip(one.to_bytes(4, sys.byteorder), other.to_bytes(4, sys.byteorder), strict=True))


def chunk(name: bytes, data: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def main() -> None:
    """Make both."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is not installed (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as folder:
        made = sample_page(Path(folder))
        take(chromium, made)


def take(chromium: str, made: Path) -> None:
    """Take the pictures of a page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, width, height, scheme, scale in PICTURES:
            shot = picture(browser, made, width, height, scheme, scale)
            if len(shot) > LARGEST:
                sys.exit(f"{name} has {len(shot):,} bytes, more than {LARGEST:,}")
            (HERE / name).write_bytes(shot)
            print(f"{name}: {len(shot):,} bytes")
        browser.close()


if __name__ == "__main__":
    main()
