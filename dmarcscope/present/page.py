"""The summary as one HTML page that opens from disk and asks the network for nothing: text first, charts beside their tables.

Every stranger's text goes through `safe` and through the template engine's escaping; charts get theirs as JSON in which nothing can end
the element that holds it. The page's policy allows the three scripts that it brings, by their hashes, and no others.
"""

import base64
import gzip
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from dmarcscope.model.change import Tone
from dmarcscope.model.readiness import Readiness, Stage
from dmarcscope.model.summary import Summaries, Summary, ToDo
from dmarcscope.model.summary_figures import Figure, FigureName
from dmarcscope.model.summary_tables import Point, Rest
from dmarcscope.present import coverage as covering
from dmarcscope.present.figures import Chart, charts
from dmarcscope.present.prose import sentence
from dmarcscope.present.readiness import gates
from dmarcscope.present.sheets import Sheet, class_name, groups_in_short, in_full
from dmarcscope.present.summary_wording import FIGURES, STAGES, beside, capital
from dmarcscope.present.wording import counted, day, minute, number, safe, share

NAME, SENTENCE, LINE = 80, 600, 4_000
"""Letters shown of a stranger's name, of a sentence that quotes one, and of a line to copy."""
SOURCES_OF_ALL = 6_000
"""Lines of addresses in a page of many domains, shared among them: the page stays one that opens at once."""
FEWEST_SOURCES = 50
SHOWN = 12
"""Senders in the text of the page; all of them are in its tables."""
GROUPS_SHOWN = 6
LADDER = {
    Stage.NONE: "only watch",
    Stage.QUARANTINE_TEST: "test of quarantine",
    Stage.QUARANTINE: "failing mail to spam",
    Stage.REJECT_TEST: "test of rejecting",
    Stage.REJECT: "failing mail is refused",
}
"""The steps of the policy, and what each asks of receivers."""
BETTER_UP = {FigureName.PASSING: True, FigureName.YOURS_FAILING: False}
"""Figures of which more, or less, is good news; of the others neither is."""
ARROWS = {1: "▲", 0: "=", -1: "▼"}
BUNDLE = "plotly-basic.min.js.gz"
TEMPLATES = "templates"
BETWEEN_TICKS = re.compile("`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Changed:
    """How a figure has changed: an arrow, words, and whether that is good."""

    arrow: str
    words: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Spark:
    """A small chart of a sender's course: the outline of all its messages, that of those that pass, and both in words."""

    messages: str
    passing: str
    words: str


@dataclass(frozen=True, slots=True)
class Part:
    """A domain's part of the page. ``key`` begins the ids of its elements."""

    key: str
    summary: Summary
    charts: tuple[Chart, ...]
    tables: tuple[Sheet, ...]
    forged: tuple[Sheet, ...]


def page(summaries: Summaries) -> str:
    """The whole page. It holds all there is: scripts, styles and charts; a page of one domain takes about 650 kB, most of it plotly.js."""
    engine = environment()
    parts = tuple(part(f"d{place}", one, len(summaries.summaries)) for place, one in enumerate(summaries.summaries, 1))
    style = raw(engine, "page.css")
    script = raw(engine, "page.js")
    has_charts = any(one.charts for one in parts)
    drawing = plotly() if has_charts else NO_DRAWING
    return engine.get_template("page.html").render(
        all=summaries,
        domain_parts=parts,
        h1="h1" if len(summaries.overview) == 1 and not summaries.also else "h2",
        policy=policy(style, script, drawing),
        style=Markup(style),  # noqa: S704 (our own)
        script=Markup(script),  # noqa: S704 (our own)
        plotly=drawing.packed,
    )


@cache
def environment() -> Environment:
    """The template engine: it escapes everything, and takes nothing for granted."""
    engine = Environment(
        loader=PackageLoader("dmarcscope.present", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters |= {
        "number": number,
        "share": share,
        "day": day,
        "minute": minute,
        "date": covering.day,
        "name": lambda text: safe(text, NAME),
        "words": lambda text: with_code(sentence(safe(text, SENTENCE)).removesuffix(".")),
        "told": lambda text: with_code(capital(safe(text, SENTENCE))),
        "line": lambda text: safe(text, LINE),
        "as_json": as_json,
    }
    engine.globals |= {
        "Tone": Tone,
        "SHOWN": SHOWN,
        "ladder": [(STAGES[stage], words) for stage, words in LADDER.items()],
        "FIGURES": FIGURES,
        "class_name": class_name,
        "beside": beside,
        "changed": changed,
        "counted": counted,
        "coverage_line": lambda found: sentence(covering.line(found)),
        "gates": gates,
        "link": link,
        "place": place_of,
        "spark": spark,
    }
    return engine


def with_code(text: str) -> Markup:
    """A sentence for the page: what stands between backticks is something to type.

    >>> with_code("see `fixes` <now>")
    Markup('see <code>fixes</code> &lt;now&gt;')
    """
    return Markup(BETWEEN_TICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped before)


def raw(engine: Environment, name: str) -> str:
    """A file beside the templates, as it is."""
    assert engine.loader is not None  # noqa: S101 (it was given above)
    return engine.loader.get_source(engine, name)[0].replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class Drawing:
    """plotly.js for a page: packed, as text; its hash; and which styles it brings, as a policy has them."""

    packed: str
    script: str
    styles: str


NO_DRAWING = Drawing("", "", "")


@cache
def plotly() -> Drawing:
    """plotly.js, packed for the page: the browser unpacks it. Its smallest bundle, which draws bars, is with us.

    Where that was taken out (some distributions take no built files), it is the full bundle of the plotly package: four times as much
    to read, with a style for maps that nobody can name beforehand.
    """
    file = resources.files("dmarcscope.present").joinpath("plotly", BUNDLE)
    if file.is_file():
        packed = file.read_bytes()
        # plotly.js makes an empty style element, and fills it by rules.
        return Drawing(base64.b64encode(packed).decode(), hash_of(gzip.decompress(packed)), hash_of(b""))
    return full_plotly()


def full_plotly() -> Drawing:
    """The full bundle of the plotly package."""
    from plotly.offline import get_plotlyjs

    source = get_plotlyjs().encode()
    return Drawing(base64.b64encode(gzip.compress(source, 6, mtime=0)).decode(), hash_of(source), "'unsafe-inline'")


def hash_of(text: bytes) -> str:
    """A hash as a Content-Security-Policy has it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'"


def policy(style: str, script: str, drawing: Drawing) -> str:
    """The Content-Security-Policy: nothing is allowed but what the page itself brings. A hash beside `unsafe-inline` would undo it."""
    scripts = " ".join(filter(None, (hash_of(script.encode()), drawing.script)))
    styles = drawing.styles if "unsafe" in drawing.styles else f"{hash_of(style.encode())} {drawing.styles}".strip()
    return f"default-src 'none'; script-src {scripts}; style-src {styles}; base-uri 'none'; form-action 'none'"


def as_json(chart: Chart) -> Markup:
    """A chart as JSON within an element: no `<`, `>` or `&` stands in it."""
    text = str(chart.figure.to_json(validate=False))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 (nothing is left to escape)


def part(key: str, summary: Summary, domains: int) -> Part:
    """What is shown of a domain; ``domains``: how many share the page."""
    told = with_fewer_sources(summary, max(SOURCES_OF_ALL // domains, FEWEST_SOURCES))
    return Part(key, summary, charts(summary), in_full(told), forged(summary))


def forged(summary: Summary) -> tuple[Sheet, ...]:
    """Unauthorised mail, summed up in a few lines each."""
    found = summary.unauthorised
    every = [groups_in_short("senders", "By sender", "sender", found.senders, GROUPS_SHOWN)]
    if summary.has_networks:
        every.append(groups_in_short("networks", "By network", "network", found.networks, GROUPS_SHOWN))
        every.append(groups_in_short("countries", "By country", "country", found.countries, GROUPS_SHOWN))
    every.append(groups_in_short("authors", "By the name that was forged", "author domain", found.authors, GROUPS_SHOWN))
    return tuple(one for one in every if one.rows)


def with_fewer_sources(summary: Summary, most: int) -> Summary:
    """The same with so many lines of addresses at most; the others are folded."""
    tables = summary.tables
    tail = tables.sources[most:]
    if not tail:
        return summary
    before = tables.sources_rest

    rest = Rest(
        before.count + len(tail),
        before.messages + sum(one.messages for one in tail),
        before.passing + sum(one.passing for one in tail),
        before.delivered + sum(one.delivered for one in tail),
        before.quarantined + sum(one.quarantined for one in tail),
        before.rejected + sum(one.rejected for one in tail),
    )
    return replace(summary, tables=replace(tables, sources=tables.sources[:most], sources_rest=rest))


def changed(figure: Figure) -> Changed:
    """How one of the five has changed against the period before; of what passes, the share counts."""
    if figure.change is None or figure.before is None:
        return Changed("", "no period before", Tone.NEUTRAL)
    if figure.name is FigureName.PASSING and figure.share is not None and figure.share_before is not None:
        points = round(100 * (figure.share - figure.share_before), 1)
        words = f"{abs(points)} points, from {share(figure.before, figure.whole_before or 0)}"
        return Changed(ARROWS[sign(points)], words if points else "share as before", tone_of(figure.name, points))
    percent = f" ({100 * figure.change / figure.before:+.0f} %)" if figure.before and figure.change else ""
    words = f"{number(abs(figure.change))}{percent}" if figure.change else "as before"
    return Changed(ARROWS[sign(figure.change)], words, tone_of(figure.name, figure.change))


def sign(value: float) -> int:
    """-1, 0 or 1."""
    return (value > 0) - (value < 0)


def tone_of(name: FigureName, change: float) -> Tone:
    """Whether the change of a figure is good news."""
    if name not in BETTER_UP or not change:
        return Tone.NEUTRAL
    return Tone.GOOD if (change > 0) == BETTER_UP[name] else Tone.BAD


SPARK_WIDTH, SPARK_HEIGHT = 96, 24


def spark(points: Sequence[Point]) -> Spark | None:
    """A course in small; None where there is none."""
    most = max((one.messages for one in points), default=0)
    if len(points) < 2 or not most:
        return None
    words = "; ".join(f"{one.first.day} {one.first:%b}: {number(one.messages)}, {share(one.passing, one.messages)} pass" for one in points)
    return Spark(bars([one.messages for one in points], most), bars([one.passing for one in points], most), words)


def bars(values: Sequence[int], most: int) -> str:
    """Bars as one path."""
    step = SPARK_WIDTH / len(values)
    path = ""
    for place, value in enumerate(values):
        height = max(round(SPARK_HEIGHT * value / most, 1), 1 if value else 0)
        if height:
            path += f"M{place * step + step * 0.1:.1f} {SPARK_HEIGHT}v{-height:g}h{step * 0.8:.1f}v{height:g}z"
    return path


def place_of(found: Readiness) -> int:
    """On which step of the ladder a domain stands."""
    return list(LADDER).index(found.present.stage)


def link(thing: ToDo) -> str:
    """The address to read about it, if it is one to be opened."""
    return thing.documentation if thing.documentation.startswith("https://") else ""
