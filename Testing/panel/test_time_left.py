"""The time left as it is shown: it follows what is measured, calmly."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.panel import words
from PartialLabelSegLib.panel.time_left import FEW_SECONDS, TimeLeft


def test_it_counts_down_between_estimates() -> None:
    left = TimeLeft()
    assert left.at(0.0) is None
    left.measured(100.0, 0.0)
    assert left.at(0.0) == 100.0
    assert left.at(50.0) == 50.0
    assert left.at(500.0) == 0.0


def test_right_estimates_are_shown_as_they_are() -> None:
    left = TimeLeft()
    for second in range(100):
        left.measured(100.0 - second, float(second))
    shown = left.at(99.0)
    assert shown is not None and abs(shown - 1.0) < 3.0


def test_a_first_estimate_that_was_wrong_is_left_behind_within_a_minute() -> None:
    left = TimeLeft()
    left.measured(60.0, 0.0)
    for second in range(1, 61):
        left.measured(1000.0 - second, float(second))
    shown = left.at(60.0)
    assert shown is not None and abs(shown - 940.0) < 60.0


def test_one_strange_estimate_hardly_shows() -> None:
    left = TimeLeft()
    for second in range(30):
        left.measured(1e9 if second == 20 else 300.0 - second, float(second))
        shown = left.at(float(second))
        assert shown is not None and shown < 400


def test_the_words_do_not_flicker() -> None:
    left = TimeLeft()
    said = []
    for second in range(120):
        # Around three and a half minutes, where the words would change with every estimate.
        left.measured(210.0 + 8.0 * math.sin(second), float(second))
        said.append(words.time_left(left.at(float(second)) or 0.0))
    assert sum(before != after for before, after in itertools.pairwise(said)) <= 1


@given(
    st.lists(
        st.tuples(st.floats(min_value=0.0, max_value=1e6), st.floats(min_value=0.0, max_value=30.0)),
        min_size=1,
        max_size=60,
    )
)
def test_it_never_jumps_and_is_never_negative(estimates: list[tuple[float, float]]) -> None:
    left, now = TimeLeft(), 0.0
    before: float | None = None
    for seconds, passed in estimates:
        now += passed
        still = None if before is None else max(0.0, before - passed)
        left.measured(seconds, now)
        after = left._left(now)
        assert after is not None and after >= 0.0
        if still is not None:
            assert 0.8 * still - FEW_SECONDS - 1e-6 <= after <= 1.25 * still + FEW_SECONDS + 1e-6
        before = after


@given(st.floats(), st.floats())
def test_numbers_that_are_none_are_passed_over(seconds: float, now: float) -> None:
    left = TimeLeft()
    left.measured(10.0, 0.0)
    left.measured(math.nan, 1.0)
    left.measured(math.inf, 1.0)
    assert left.at(0.0) == 10.0
    left.measured(seconds, now)
    assert left.at(0.0) is not None
