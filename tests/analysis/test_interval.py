"""Wilson intervals against published values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcscope.analysis.interval import wilson

PUBLISHED = [
    # successes, trials, low, high, where it is printed
    (81, 263, 0.2553, 0.3662, "Newcombe 1998, table I, method 3"),
    (15, 148, 0.0624, 0.1605, "Newcombe 1998, table I, method 3"),
    (0, 20, 0.0000, 0.1611, "Newcombe 1998, table I, method 3"),
    (1, 29, 0.0061, 0.1718, "Newcombe 1998, table I, method 3"),
    (29, 29, 0.8830, 1.0000, "the mirror image of 0 of 29: 29 / (29 + 1.96²)"),
    (5, 10, 0.2366, 0.7634, "Agresti and Coull 1998; scipy.stats.binomtest(5, 10).proportion_ci(method='wilson')"),
    (0, 10, 0.0000, 0.2775, "1.96² / (10 + 1.96²), as scipy has it"),
    (10, 10, 0.7225, 1.0000, "its mirror image"),
]


@pytest.mark.parametrize(("successes", "trials", "low", "high", "where"), PUBLISHED)
def test_published_values(successes, trials, low, high, where):
    assert [round(end, 4) for end in wilson(successes, trials)] == [low, high], where


def test_nothing_tried_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 10**9).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_it_holds_the_share_and_stays_within_0_and_1(pair):
    successes, trials = pair
    low, high = wilson(successes, trials)
    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1


@given(st.integers(1, 10**6).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_failures_are_the_mirror_image(pair):
    successes, trials = pair
    low, high = wilson(successes, trials)
    other_low, other_high = wilson(trials - successes, trials)
    assert abs(low - (1 - other_high)) < 1e-9
    assert abs(high - (1 - other_low)) < 1e-9


def test_more_messages_make_it_narrower():
    widths = [wilson(99 * times, 100 * times).high - wilson(99 * times, 100 * times).low for times in (1, 10, 100)]
    assert widths == sorted(widths, reverse=True)
