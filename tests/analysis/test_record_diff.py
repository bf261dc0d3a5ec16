"""The difference between two answers, in words that somebody understands."""

from datetime import UTC, datetime

import pytest

from dmarcscope.analysis.record_diff import MAX_LINES, changes, difference
from dmarcscope.model.answer import Outcome, Question
from dmarcscope.model.observation import Observation

AT = datetime(2026, 5, 4, tzinfo=UTC)
NXDOMAIN, NO_DATA = Outcome.NXDOMAIN, Outcome.NO_DATA


def seen(
    *records: str, outcome: Outcome = Outcome.FOUND, aliases: tuple[str, ...] = (), strings=(), name: str = "example.com"
) -> Observation:
    return Observation(Question(name, "TXT"), outcome, records, strings, aliases, False, AT, AT)


ROWS = [
    # before, after, lines, why
    (seen("v=DMARC1; p=none"), seen("v=DMARC1; p=reject"), ["~ p=none → p=reject"], "a tag has another value"),
    (
        seen("v=DMARC1; p=none; pct=50"),
        seen("v=DMARC1; p=none; rua=mailto:a@b.example"),
        ["- pct=50", "+ rua=mailto:a@b.example"],
        "a tag is gone, another is new",
    ),
    (seen("v=DMARC1; p=none"), seen("v=DMARC1;p=none"), ["~ v=DMARC1; p=none → v=DMARC1;p=none"], "only written otherwise"),
    (seen("v=spf1 mx -all"), seen("v=spf1 mx include:v.example ~all"), ["- -all", "+ include:v.example", "+ ~all"], "terms"),
    (seen("v=spf1 a mx -all"), seen("v=spf1 mx a -all"), ["~ the terms stand in another order: mx a -all"], "the order of terms"),
    (
        seen("google-site=1", "v=spf1 -all"),
        seen("google-site=2", "v=spf1 -all"),
        ["- google-site=1", "+ google-site=2"],
        "other texts are whole",
    ),
    (seen("v=spf1 -all"), seen("v=spf1 -all", "v=spf1 mx -all"), ["+ v=spf1 mx -all"], "a second record"),
    (seen("k=rsa; p=AAA"), seen("v=DKIM1; p="), ["- k=rsa", "~ p=AAA → p=", "+ v=DKIM1"], "a key is revoked"),
    (seen("v=DMARC1; p=none"), seen(outcome=NXDOMAIN), ["~ the name does not exist any more", "- v=DMARC1; p=none"], "gone with its name"),
    (seen(outcome=NXDOMAIN), seen("v=DMARC1; p=none"), ["+ v=DMARC1; p=none"], "new"),
    (seen(outcome=NXDOMAIN), seen(outcome=NO_DATA), ["~ no records now"], "the name is there now"),
    (
        seen("p=A", aliases=("a.v.example",)),
        seen("p=A", aliases=("b.v.example",)),
        ["~ by way of a.v.example; now b.v.example"],
        "another way to the same",
    ),
    (seen("ab", strings=(("a", "b"),)), seen("ab", strings=(("ab",),)), ["~ the same text, cut into strings otherwise"], "strings"),
]


@pytest.mark.parametrize(("before", "after", "lines", "why"), ROWS, ids=[row[-1] for row in ROWS])
def test_difference(before, after, lines, why):
    assert sorted(difference(before, after)) == sorted(lines)


def test_hostile_records_end_in_few_lines():
    many = difference(seen(*(f"a{number}" for number in range(5000))), seen(*(f"b{number}" for number in range(5000))))
    assert len(many) <= MAX_LINES
    long = difference(seen("v=spf1 " + "a " * 300_000), seen("v=spf1 " + "b " * 300_000))
    assert all(len(line) < 200 for line in long)


def test_changes_are_told_name_by_name():
    first, second, other = seen("a"), seen("b"), seen("c", name="other.example")
    found = changes([first, second, other])
    assert [(one.after, one.before) for one in found] == [(first, None), (second, first), (other, None)]
    assert [bool(one.difference) for one in found] == [False, True, False]
