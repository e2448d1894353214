"""Intraclass correlation: the published example, a second formula, and the cases without an answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from PartialLabelSegLib.metrics.icc import MeanSquares, icc_single

# Shrout and Fleiss (1979), Table 2: six targets, four judges.
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
TABLES = hnp.arrays(
    np.float64,
    st.tuples(st.integers(2, 7), st.integers(2, 5)),
    elements=st.integers(-50, 50).map(float),
)


def test_the_published_example_has_the_published_mean_squares() -> None:
    squares = MeanSquares.of(SHROUT_FLEISS)
    assert (round(squares.scans, 2), round(squares.raters, 2), round(squares.error, 2)) == (11.24, 32.49, 1.02)


def test_the_published_example_has_the_published_correlation_and_interval() -> None:
    result = icc_single(SHROUT_FLEISS)
    assert round(result.value, 2) == 0.29
    # R, psych::ICC on the same table: ICC2 0.29, 0.019 to 0.76.
    assert (round(result.low, 3), round(result.high, 2)) == (0.019, 0.76)
    assert (result.scans, result.raters, result.level) == (6, 4, 0.95)


def test_a_table_of_two_by_two_is_as_computed_by_hand() -> None:
    # Scans 1 and 3 on average, raters 2 - 1/2 and 2 + 1/2, no residual: BMS = 4, JMS = 1, EMS = 0, so 4 / (4 + 0 + 2 * 1 / 2).
    result = icc_single(np.array([[0.5, 1.5], [2.5, 3.5]]))
    assert result.value == pytest.approx(4 / 5)


def test_a_shift_of_one_rater_lowers_the_agreement() -> None:
    shifted = SHROUT_FLEISS + np.array([0, 0, 0, 30])
    assert icc_single(shifted).value < icc_single(SHROUT_FLEISS).value


@given(TABLES)
def test_it_is_the_ratio_of_variance_components_of_a_two_way_table(table: np.ndarray) -> None:
    result = icc_single(table)
    # Variance components by sums of squares about the margins, computed cell by cell.
    n, k = table.shape
    grand = table.mean()
    residual = sum(
        (table[i, j] - table[i].mean() - table[:, j].mean() + grand) ** 2 for i in range(n) for j in range(k)
    ) / ((n - 1) * (k - 1))
    scans = (k * sum((table[i].mean() - grand) ** 2 for i in range(n)) / (n - 1) - residual) / k
    raters = (n * sum((table[:, j].mean() - grand) ** 2 for j in range(k)) / (k - 1) - residual) / n
    whole = scans + raters + residual
    if whole < 1e-9:
        assert math.isnan(result.value)
    else:
        assert result.value == pytest.approx(scans / whole, abs=1e-9)


@settings(max_examples=50)
@given(TABLES, st.floats(0.1, 10), st.floats(-100, 100))
def test_units_and_the_order_of_scans_and_raters_do_not_matter(table: np.ndarray, factor: float, shift: float) -> None:
    first, second = icc_single(table), icc_single(table[::-1, ::-1] * factor + shift)
    # An interval near a perfect or a negative correlation is a ratio of tiny numbers, so only the value is compared to the digit.
    assert second.value == pytest.approx(first.value, abs=1e-6, nan_ok=True)


@given(hnp.arrays(np.float64, (6, 3), elements=st.floats(0, 10)), st.floats(0.5, 0.9))
def test_a_surer_interval_is_wider_and_holds_the_value(noise: np.ndarray, level: float) -> None:
    table = np.arange(6.0)[:, None] * 5 + noise
    narrow, wide = icc_single(table, level), icc_single(table, 0.99)
    assert wide.low <= narrow.low + 1e-9 and narrow.high <= wide.high + 1e-9
    assert wide.low - 1e-9 <= narrow.value <= wide.high + 1e-9


def test_equal_columns_agree_perfectly_and_without_a_width() -> None:
    result = icc_single(np.repeat(np.arange(5.0)[:, None], 3, axis=1))
    assert (result.value, result.low, result.high) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    "table", [np.ones((4, 3)), np.ones((1, 3)), np.arange(4.0)[:, None], np.ones((0, 2)), np.eye(2)]
)
def test_what_has_no_answer_is_nan(table: np.ndarray) -> None:
    result = icc_single(table)
    assert math.isnan(result.value) and math.isnan(result.low) and math.isnan(result.high)


@pytest.mark.parametrize("table", [np.ones(4), np.array([[1.0, math.nan], [2.0, 3.0]])])
def test_a_table_that_is_none_or_has_gaps_is_refused(table: np.ndarray) -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        icc_single(table)


def test_a_level_that_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        icc_single(SHROUT_FLEISS, 95)
