"""The charts of a summary, as Plotly figures: pure functions of its parts, the same for the page and for notebooks.

Each has a title that says what it shows, a text alternative, and the table behind it. Classes are told apart by colour, by pattern and by
name; the colours are those of Okabe and Ito, which people who see colours otherwise tell apart. Only bars are drawn, which the smallest
bundle of plotly.js knows. A stranger's text stands at an axis only, as a label of a numbered place: names that are alike stay apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from dmarcscope.model.change import Change
from dmarcscope.model.summary import Summary
from dmarcscope.model.summary_figures import ClassTotal
from dmarcscope.model.summary_tables import Group, Groups, Matrix, Rest, SenderTrend, Span
from dmarcscope.model.verdict import YOURS, SenderClass
from dmarcscope.present.sheets import Sheet, class_name, named, sheet, sums
from dmarcscope.present.wording import counted, number, safe, share

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Look(NamedTuple):
    """How something is drawn: its colour, the pattern on it, and the colour of text on it."""

    colour: str
    pattern: str = ""
    ink: str = "#000000"


LOOKS = {
    SenderClass.YOURS_ALIGNED: Look("#0072B2", "", "#ffffff"),
    SenderClass.YOURS_NEEDS_FIXING: Look("#E69F00", "/"),
    SenderClass.FORWARDED: Look("#56B4E9", "."),
    SenderClass.MAILING_LIST: Look("#009E73", "-"),
    SenderClass.UNAUTHORISED: Look("#D55E00", "x"),
    SenderClass.UNKNOWN: Look("#9A9A9A", "\\"),
}
"""How classes look."""
BECAME = {
    "delivered": Look("#56B4E9"),
    "quarantined": Look("#E69F00", "/"),
    "rejected": Look("#D55E00", "x"),
    "untold": Look("#9A9A9A", "."),
}
"""How it looks what receivers did."""
BECAME_NAMES = {"delivered": "delivered", "quarantined": "quarantined", "rejected": "rejected", "untold": "not told"}
PASSED = {"passing": Look("#0072B2", "", "#ffffff"), "not passing": Look("#E69F00", "/")}
SHARES = (
    (0.0, "0 %", Look("#DF8A55", "x")),
    (0.5, "below 50 %", Look("#EDB98B", "/")),
    (0.9, "below 90 %", Look("#F4E3B0")),
    (1.0, "below 100 %", Look("#9CCBEA")),
    (2.0, "100 %", Look("#0072B2", "", "#ffffff")),
)
"""The steps of a share that passes: up to which share, how it is called, how it looks."""
BARS = 15
"""Bars of a chart that are told apart at a glance."""
LABEL = 28
"""Letters of a name beside a bar."""
LABELS = 8
"""Days below a chart."""
ROW, ROOM = 30, 64
"""Pixels of a bar, and of what is above and below all of them."""
FEW = 5
"""Ticks of an axis; and reporters that fill the width of a heat map."""
UNITS = 100
QUARTERS = {"tickvals": [0, 25, 50, 75, 100], "ticktext": ["0 %", "25 %", "50 %", "75 %", "100 %"]}
LEGEND = {"traceorder": "normal", "itemclick": False, "itemdoubleclick": False, "font": {"size": 12}}


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart. ``title`` says what it shows, ``caption`` how to read it, ``alternative`` is for those who do not see it.

    ``wide``: it needs more room than a phone has, and is to be moved sideways there.
    """

    key: str
    title: str
    caption: str
    alternative: str
    figure: "Figure"
    table: Sheet
    wide: bool = False
    notes: tuple[str, ...] = ()

    @property
    def legend(self) -> tuple[tuple[str, Look], ...]:
        """What each colour and pattern is, in their order."""
        return tuple((trace.name, Look(trace.marker.color, trace.marker.pattern.shape or "")) for trace in self.figure.data)


def charts(summary: Summary) -> tuple[Chart, ...]:
    """The charts of a domain that have something to show."""
    found = (
        days(summary.spans, summary.marks),
        passing(summary.yours, summary.senders_rest),
        dispositions(summary.classes),
        networks(summary.networks) if summary.has_networks else None,
        heat_map(summary.matrix),
    )
    return tuple(one for one in found if one is not None)


def label(text: str, width: int = LABEL) -> str:
    """A stranger's text as Plotly shows it as it is: what Plotly would take for markup is written as entities.

    >>> label("<b>R&D</b>")
    '&lt;b&gt;R&amp;D&lt;/b&gt;'
    """
    return named(text, width).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def days(spans: Sequence[Span], marks: Sequence[Change] = ()) -> Chart | None:
    """Messages a day (or a week, of a long period), stacked by class; changes of what is published are marked and numbered."""
    whole = sum(one.messages for one in spans)
    if not whole:
        return None
    unit = "day" if all(one.first == one.last for one in spans) else "week"
    traces = [
        bar(
            class_name(of),
            LOOKS[of],
            x=list(range(len(spans))),
            y=[one.by_class.get(of, 0) for one in spans],
            customdata=[f"{when(one)}: {number(one.by_class.get(of, 0))} {class_name(of)}" for one in spans],
            hovertemplate="%{customdata}<extra></extra>",
        )
        for of in SenderClass
        if any(one.by_class.get(of, 0) for one in spans)
    ]
    places = marked(spans, marks)
    top = max(spans, key=lambda one: one.messages)
    step = -(-len(spans) // LABELS)
    at = list(range(0, len(spans), step))
    layout = base(340) | {
        "barmode": "stack",
        "bargap": 0.25,
        "xaxis": axis(tickvals=at, ticktext=[short_day(spans[place]) for place in at], range=[-0.6, len(spans) - 0.4]),
        "yaxis": counts_axis(top.messages, title={"text": f"messages a {unit}"}),
        "shapes": [mark(place) for place in places],
        "annotations": [mark_label(place, numbers) for place, numbers in places.items()],
    }
    head = f"*{unit},messages," + ",".join(class_name(of).replace(",", "") for of in SenderClass) + ",pass DMARC"
    rows = [
        (when(one), number(one.messages), *(number(one.by_class.get(of, 0)) for of in SenderClass), number(one.passing)) for one in spans
    ]
    title = f"Messages a {unit}, by what they are"
    told = f"{title}. {counted(whole, 'message')} in {counted(len(spans), unit)}; the most, {number(top.messages)}, on {when(top)}."
    notes = tuple(f"{one.day.day} {one.day:%B}: {safe(one.words, 200)}" for one in ordered(spans, marks))
    return Chart(
        "days",
        title,
        f"Most on {when(top)}: {counted(top.messages, 'message')}." + (" Dashed lines: what you publish has changed." if places else ""),
        told + (f" {counted(len(notes), 'change')} of what is published are marked." if notes else ""),
        figure(traces, layout),
        sheet("days", title, head, rows),
        notes=notes,
    )


def passing(senders: Sequence[SenderTrend], rest: Mapping[SenderClass, Rest]) -> Chart | None:
    """Which share of each of your senders' mail passes DMARC."""
    if not senders:
        return None
    told = [(one.line.sender, one.line.sender_class, one.line.messages, one.line.dmarc_pass) for one in senders]
    tail = [(1, *one[2:]) for one in told[BARS:]] + [(rest[of].count, rest[of].messages, rest[of].passing) for of in YOURS if of in rest]
    first = told[:BARS]
    labels = [label(name) for name, *_ in first]
    bars: list[tuple[str, SenderClass | None, int, int]] = [*first]
    if tail:
        count, messages, good = (sum(column) for column in zip(*tail, strict=True))
        bars.append((counted(count, "other sender"), None, messages, good))
        labels.append(counted(count, "other sender"))
    places = list(range(len(bars)))
    traces = [
        bar(
            "passing" if good else "not passing",
            PASSED["passing" if good else "not passing"],
            orientation="h",
            y=places,
            x=[(one[3] if good else one[2] - one[3]) * UNITS / one[2] if one[2] else 0 for one in bars],
            customdata=[f"{number(one[3] if good else one[2] - one[3])} of {counted(one[2], 'message')}" for one in bars],
            hovertemplate="%{customdata} %{fullData.name}<extra></extra>",
            text=[share(one[3], one[2]) if good else "" for one in bars],
            textposition="inside",
            insidetextanchor="start",
        )
        for good in (True, False)
    ]
    layout = base(ROOM + ROW * len(bars)) | {
        "barmode": "stack",
        "bargap": 0.3,
        "xaxis": axis(range=[0, UNITS], showgrid=True, **QUARTERS),
        "yaxis": names_axis(labels),
    }
    title = "Which of your senders pass DMARC"
    rows = [(named(name) if of else name, class_name(of), *sums(messages, good)) for name, of, messages, good in bars]
    failing = [named(one[0], LABEL) for one in bars if one[3] < one[2] and one[1] is SenderClass.YOURS_NEEDS_FIXING]
    failing_text = f" Not all passes of: {', '.join(failing)}." if failing else ""
    return Chart(
        "passing",
        title,
        "Share of each sender's messages; those with most messages first.",
        f"{title}: a bar for each of {counted(len(bars), 'sender')}.{failing_text}",
        figure(traces, layout),
        sheet("passing", title, "*sender,*class,messages,pass DMARC,share", rows),
    )


def dispositions(classes: Sequence[ClassTotal]) -> Chart | None:
    """What receivers did with the mail of each class."""
    told = [one for one in classes if one.messages]
    if not told:
        return None
    places = list(range(len(told)))
    traces = [
        bar(
            BECAME_NAMES[key],
            look,
            orientation="h",
            y=places,
            x=[getattr(one, key) * UNITS / one.messages for one in told],
            text=[number(getattr(one, key)) if getattr(one, key) else "" for one in told],
            textposition="inside",
            insidetextanchor="middle",
            customdata=[f"{class_name(one.sender_class)}: {number(getattr(one, key))} {BECAME_NAMES[key]}" for one in told],
            hovertemplate="%{customdata}<extra></extra>",
        )
        for key, look in BECAME.items()
        if any(getattr(one, key) for one in told)
    ]
    layout = base(ROOM + ROW * len(told)) | {
        "barmode": "stack",
        "bargap": 0.3,
        "xaxis": axis(range=[0, UNITS], showgrid=True, **QUARTERS),
        "yaxis": names_axis([class_name(one.sender_class) for one in told]),
    }
    title = "What receivers did with each kind of mail"
    rows = [
        (class_name(one.sender_class), number(one.messages), *(number(getattr(one, key)) for key in BECAME), number(one.overridden))
        for one in told
    ]
    words = "; ".join(
        f"{class_name(one.sender_class)}: "
        + ", ".join(f"{number(getattr(one, key))} {BECAME_NAMES[key]}" for key in BECAME if getattr(one, key))
        for one in told
    )
    return Chart(
        "dispositions",
        title,
        "Share of each kind; the numbers are messages.",
        f"{title}. {words}.",
        figure(traces, layout),
        sheet("dispositions", title, "*class,messages,delivered,quarantined,rejected,not told,policy not followed", rows),
    )


def heat_map(found: Matrix) -> Chart | None:
    """Sender by reporter: which share passes, as each reporter saw it."""
    if not found.rows or not found.reporters:
        return None
    reporters = [label(one, 18) if one else "others" for one in found.reporters]
    rows = [label(one.sender, 24) if one.sender_class else "others" for one in found.rows]
    cells = [
        (y, x, messages, good)
        for y, row in enumerate(found.rows)
        for x, (messages, good) in enumerate(zip(row.messages, row.passing, strict=True))
        if messages
    ]
    shown = [trace for at in range(len(SHARES)) if (trace := places_of_step(at, cells))["x"]]
    layout = base(ROOM + 60 + ROW * len(rows)) | {
        "barmode": "overlay",
        "xaxis": axis(
            tickvals=list(range(len(reporters))),
            ticktext=reporters,
            range=[-0.5, max(len(reporters), FEW) - 0.5],
            side="top",
            tickangle=-40,
        ),
        "yaxis": names_axis(rows),
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.02, "yanchor": "top"} | LEGEND,
    }
    title = "Whose mail passes at whom: senders by reporter"
    head = "*sender,*class,*reporter,messages,pass DMARC,share"
    table = [
        (
            named(found.rows[y].sender) if found.rows[y].sender_class else "others",
            class_name(found.rows[y].sender_class),
            named(found.reporters[x]) if found.reporters[x] else "others",
            *sums(messages, good),
        )
        for y, x, messages, good in cells
    ]
    return Chart(
        "heat-map",
        title,
        "Share of messages that pass DMARC, as each reporter saw it; an empty place: it told of none.",
        f"{title}: {counted(len(rows), 'sender')} by {counted(len(reporters), 'reporter')}; the share that passes in each place.",
        figure(shown, layout),
        sheet("heat-map", title, head, table),
        wide=True,
    )


Cell = tuple[int, int, int, int]
"""A place of the heat map: row, column, messages, and how many of them pass."""


def places_of_step(at: int, cells: Sequence[Cell]) -> dict[str, Any]:
    """The places of the heat map whose share falls into a step, as bars that fill them."""
    _, name, look = SHARES[at]
    of = [one for one in cells if step_of(one[3], one[2]) == at]
    return bar(
        name,
        look,
        orientation="h",
        width=0.94,
        base=[x - 0.48 for _, x, *_ in of],
        x=[0.96] * len(of),
        y=[y for y, *_ in of],
        text=[brief(good, messages) for *_, messages, good in of],
        textposition="inside",
        insidetextanchor="middle",
        customdata=[f"{share(good, messages)} of {counted(messages, 'message')}" for *_, messages, good in of],
        hovertemplate="%{customdata} pass<extra></extra>",
    )


def networks(found: Groups) -> Chart | None:
    """The networks that most mail comes from."""
    if not found.groups:
        return None
    first, tail = found.groups[: BARS - 5], found.groups[BARS - 5 :]
    bars = [(label(one.key), one.messages, one.passing) for one in first]
    rest = Rest(found.rest.count + len(tail), found.rest.messages + total(tail, "messages"), found.rest.passing + total(tail, "passing"))
    if rest:
        bars.append((counted(rest.count, "other network"), rest.messages, rest.passing))
    traces = [
        bar(
            name,
            PASSED[name],
            orientation="h",
            y=list(range(len(bars))),
            x=[good if name == "passing" else messages - good for _, messages, good in bars],
            customdata=[
                f"{number(good if name == 'passing' else messages - good)} of {counted(messages, 'message')}" for _, messages, good in bars
            ],
            hovertemplate="%{customdata} %{fullData.name}<extra></extra>",
        )
        for name in PASSED
    ]
    layout = base(ROOM + ROW * len(bars)) | {
        "barmode": "stack",
        "bargap": 0.3,
        "xaxis": counts_axis(max(messages for _, messages, _ in bars)),
        "yaxis": names_axis([name for name, *_ in bars]),
    }
    title = "The networks that most mail comes from"
    rows = [(named(one.key), number(one.sources), *sums(one.messages, one.passing)) for one in found.groups]
    foot = (counted(found.rest.count, "other network"), "", *sums(found.rest.messages, found.rest.passing)) if found.rest else ()
    return Chart(
        "networks",
        title,
        "All mail as your domain, whoever sent it.",
        f"{title}: {'; '.join(f'{named(one.key, LABEL)} {number(one.messages)}' for one in first)}.",
        figure(traces, layout),
        sheet("networks", title, "*network,addresses,messages,pass DMARC,share", rows, foot),
    )


def bar(name: str, look: Look, **more: Any) -> dict[str, Any]:
    """Bars of one kind."""
    pattern = (
        {"shape": look.pattern, "solidity": 0.2, "size": 7, "bgcolor": look.colour, "fgcolor": look.ink, "fgopacity": 0.45}
        if look.pattern
        else {}
    )
    return {
        "type": "bar",
        "name": name,
        "marker": {"color": look.colour, "pattern": pattern, "line": {"width": 0}},
        "textfont": {"color": look.ink},
        "textangle": 0,
        **more,
    }


def figure(traces: Iterable[Mapping[str, Any]], layout: Mapping[str, Any]) -> "Figure":
    """A figure of traces and a layout."""
    from plotly.graph_objects import Figure

    return Figure(data=list(traces), layout=dict(layout))


def base(height: int) -> dict[str, Any]:
    """What all charts have in common; colours of text and lines are the page's, which knows whether it is light or dark."""
    return {
        "template": "none",
        "height": height,
        "margin": {"l": 8, "r": 26, "t": 8, "b": 8, "pad": 4},
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 13},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"} | LEGEND,
        "uniformtext": {"minsize": 10, "mode": "hide"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "dragmode": False,
        "hovermode": "closest",
        "showlegend": True,
    }


def axis(**more: Any) -> dict[str, Any]:
    """An axis that stays where it is."""
    return {"fixedrange": True, "automargin": True, "showgrid": False, "zeroline": False, **more}


def counts_axis(most: int, **more: Any) -> dict[str, Any]:
    """An axis of whole numbers up to some number."""
    steps = {"dtick": 1} if most < FEW else {"nticks": FEW}
    return axis(tickformat=",d", rangemode="tozero", showgrid=True, **steps, **more)


def names_axis(labels: Sequence[str]) -> dict[str, Any]:
    """An axis of names, the first on top."""
    places = list(range(len(labels)))
    return axis(tickvals=places, ticktext=list(labels), range=[len(labels) - 0.5, -0.5])


def ordered(spans: Sequence[Span], marks: Sequence[Change]) -> list[Change]:
    """The changes within the chart."""
    return [one for one in marks if spans[0].first <= one.day <= spans[-1].last]


def marked(spans: Sequence[Span], marks: Sequence[Change]) -> dict[int, list[int]]:
    """At which place of the chart which changes stand, by their numbers, which begin at 1."""
    found: dict[int, list[int]] = {}
    for count, one in enumerate(ordered(spans, marks), 1):
        place = next(at for at, span in enumerate(spans) if one.day <= span.last)
        found.setdefault(place, []).append(count)
    return found


def mark(place: int) -> dict[str, Any]:
    """A dashed line before a day."""
    return {"type": "line", "x0": place - 0.5, "x1": place - 0.5, "y0": 0, "y1": 1, "yref": "paper", "line": {"dash": "dash", "width": 1.5}}


def mark_label(place: int, numbers: Sequence[int]) -> dict[str, Any]:
    """The numbers of the changes on top of it."""
    return {
        "x": place - 0.5,
        "y": 1,
        "yref": "paper",
        "yanchor": "top",
        "xanchor": "left",
        "showarrow": False,
        "text": ", ".join(map(str, numbers)),
    }


def step_of(part: int, whole: int) -> int:
    """Which step a share falls in."""
    found = part / whole
    return next(at for at, (limit, *_) in enumerate(SHARES) if found < limit or (found == limit == 0.0))


def brief(part: int, whole: int) -> str:
    """A share without its decimals: never rounded up to all or down to nothing.

    >>> brief(999, 1000), brief(1, 1000), brief(1, 1)
    ('99', '1', '100')
    """
    percent = UNITS * part // whole
    return str(percent or (1 if part else 0))


def when(one: Span) -> str:
    """The days of a bar."""
    if one.first == one.last:
        return f"{one.first:%a} {one.first.day} {one.first:%b}"
    return f"{one.first.day} {one.first:%b} – {one.last.day} {one.last:%b}"


def short_day(one: Span) -> str:
    """Its first day, below the chart."""
    return f"{one.first.day} {one.first:%b}"


def total(groups: Sequence[Group], name: str) -> int:
    """A sum over groups."""
    return sum(getattr(one, name) for one in groups)
