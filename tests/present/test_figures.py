"""The charts agree with the summary to the message, and take a stranger's text for text."""

import pytest
import summaries

from dmarcscope.model.verdict import SenderClass
from dmarcscope.present.figures import BECAME, LOOKS, SHARES, Chart, brief, charts, days, label, passing, step_of

WITH_MAIL = [name for name in summaries.ALL if name not in {"nothing", "without-mail"}]


def chart(name: str, key: str) -> Chart:
    return next(one for one in charts(summaries.ALL[name]().summaries[0]) if one.key == key)


def numbers(found: Chart, column: int) -> list[int]:
    rows = [*found.table.rows, *([found.table.foot] if found.table.foot else [])]
    return [int(row[column].replace(",", "")) for row in rows]


@pytest.mark.parametrize("name", WITH_MAIL)
def test_days_sum_up_to_all_messages(name) -> None:
    found = chart(name, "days")
    messages = summaries.ALL[name]().summaries[0].messages
    assert sum(sum(trace.y) for trace in found.figure.data) == messages
    assert sum(numbers(found, 1)) == messages


@pytest.mark.parametrize("name", WITH_MAIL)
def test_dispositions_are_those_of_the_classes(name) -> None:
    summary = summaries.ALL[name]().summaries[0]
    found = chart(name, "dispositions")
    for column, key in enumerate(BECAME, 2):
        assert sum(numbers(found, column)) == sum(getattr(one, key) for one in summary.classes)
    for at in range(len(found.table.rows)):
        assert sum(trace.x[at] for trace in found.figure.data) == pytest.approx(100)


@pytest.mark.parametrize("name", WITH_MAIL)
def test_passing_shares_hold_all_your_senders(name) -> None:
    summary = summaries.ALL[name]().summaries[0]
    found = chart(name, "passing")
    yours = [summary.of_class(one) for one in (SenderClass.YOURS_ALIGNED, SenderClass.YOURS_NEEDS_FIXING)]
    assert sum(numbers(found, 2)) == sum(one.messages for one in yours)
    assert sum(numbers(found, 3)) == sum(one.passing for one in yours)
    assert len(found.table.rows) <= 16


@pytest.mark.parametrize("name", WITH_MAIL)
def test_heat_map_holds_all_messages(name) -> None:
    assert sum(numbers(chart(name, "heat-map"), 3)) == summaries.ALL[name]().summaries[0].messages


@pytest.mark.parametrize("name", WITH_MAIL)
def test_networks_hold_all_messages(name) -> None:
    summary = summaries.ALL[name]().summaries[0]
    found = chart(name, "networks")
    whole = sum(one.messages for one in summary.networks.groups) + summary.networks.rest.messages
    assert sum(sum(trace.x) for trace in found.figure.data) == whole
    assert sum(numbers(found, 2)) == whole


@pytest.mark.parametrize("name", WITH_MAIL)
def test_each_has_a_title_an_alternative_and_a_table(name) -> None:
    for found in charts(summaries.ALL[name]().summaries[0]):
        assert found.title
        assert len(found.alternative) > len(found.title)
        assert found.table.rows
        assert all(len(row) == len(found.table.head) for row in found.table.rows)
        assert {trace.type for trace in found.figure.data} == {"bar"}  # the smallest bundle of plotly.js draws no others


def test_nothing_is_drawn_of_nothing() -> None:
    assert charts(summaries.without_mail().summaries[0]) == ()
    assert days(()) is None
    assert passing((), {}) is None


def test_classes_differ_by_more_than_colour() -> None:
    looks = list(LOOKS.values())
    assert len({one.pattern for one in looks}) == len(looks)
    assert len({one.colour for one in looks}) == len(looks)
    assert len({one.pattern for one in BECAME.values()}) == len(BECAME)


def test_changes_of_what_is_published_are_marked() -> None:
    found = chart("typical", "days")
    assert [shape.x0 for shape in found.figure.layout.shapes] == [3.5]  # before 15 May, the fifth day
    assert [one.text for one in found.figure.layout.annotations] == ["1"]
    assert found.notes == ("15 May: example.com has 2 SPF records since then",)


def test_names_that_begin_alike_stay_apart() -> None:
    found = chart("long-names", "heat-map")
    assert len(found.figure.layout.yaxis.ticktext) == len(found.figure.layout.yaxis.tickvals) == 5


@pytest.mark.parametrize(
    ("text", "shown", "why"),
    [
        ("<a href='javascript:x'>y</a>", "&lt;a href=&#x27;".replace("&#x27;", "'"), "Plotly would make a link of it"),
        ("a&lt;b", "a&amp;lt;b", "what looks like an entity is none"),
        ("", "not known", "an empty name"),
        ("evil\u202eexe", "evil\\u202eexe", "marks that turn the direction are shown"),
    ],
)
def test_labels_are_text(text, shown, why) -> None:
    assert label(text).startswith(shown), why


@pytest.mark.parametrize(
    ("part", "whole", "step", "words"),
    [(0, 9, 0, "0"), (1, 1000, 1, "1"), (1, 2, 2, "50"), (899, 1000, 2, "89"), (9, 10, 3, "90"), (999, 1000, 3, "99"), (5, 5, 4, "100")],
)
def test_steps_of_shares(part, whole, step, words) -> None:
    assert step_of(part, whole) == step
    assert brief(part, whole) == words
    assert step < len(SHARES)


def test_no_foreign_text_where_plotly_reads_templates() -> None:
    for found in charts(summaries.hostile().summaries[0]):
        for trace in found.figure.data:
            assert "<script" not in str(trace.name)
            assert trace.hovertemplate.startswith("%{customdata}")
            assert all("script" not in text for text in trace.customdata)
