"""Fleiss' kappa: by hand, against statsmodels, and on cells that not every rater read."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from statsmodels.stats import inter_rater

from PartialLabelSegLib.metrics.kappa import fleiss_kappa, tick_counts


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    """Counts of equally often rated items, made of the ratings themselves."""
    raters, categories = draw(st.integers(2, 7)), draw(st.integers(2, 4))
    ratings = draw(hnp.arrays(np.int64, (draw(st.integers(1, 12)), raters), elements=st.integers(0, categories - 1)))
    return np.stack([(ratings == value).sum(axis=1) for value in range(categories)], axis=1)


def test_a_table_of_three_cells_is_as_computed_by_hand() -> None:
    # Two raters: both yes, both no, one each. Observed 2/3; shares 1/2 and 1/2, expected 1/2.
    result = fleiss_kappa(np.array([[0, 2], [2, 0], [1, 1]]))
    assert result.observed == pytest.approx(2 / 3) and result.expected == pytest.approx(1 / 2)
    assert result.value == pytest.approx(1 / 3)
    assert (result.items, result.ratings) == (3, 6)


@given(tables())
def test_it_is_that_of_statsmodels(table: np.ndarray) -> None:
    assume(np.count_nonzero(table.sum(axis=0)) > 1)
    assert fleiss_kappa(table).value == pytest.approx(inter_rater.fleiss_kappa(table), abs=1e-12)


@given(tables())
def test_cells_that_one_rater_read_change_nothing(table: np.ndarray) -> None:
    once = np.zeros((3, table.shape[1]), np.int64)
    once[:, 0] = 1
    assert fleiss_kappa(np.concatenate([table, once])) == fleiss_kappa(table)


def test_items_with_different_numbers_of_raters_are_as_computed_by_hand() -> None:
    # Agreement within items: 1/3 of three raters, 1 of two. Five ratings, three of them yes.
    result = fleiss_kappa(np.array([[2, 1], [0, 2]]))
    expected = (2 / 5) ** 2 + (3 / 5) ** 2
    assert result.observed == pytest.approx((1 / 3 + 1) / 2) and result.expected == pytest.approx(expected)
    assert result.value == pytest.approx((2 / 3 - expected) / (1 - expected))


@pytest.mark.parametrize("table", [np.array([[3, 0], [3, 0]]), np.zeros((0, 2), int), np.array([[1, 0], [0, 1]])])
def test_without_a_second_category_or_a_second_rater_there_is_no_kappa(table: np.ndarray) -> None:
    assert math.isnan(fleiss_kappa(table).value)


@pytest.mark.parametrize("table", [np.array([1, 2]), np.array([[1, -1]]), np.array([[0.5, 1.5]])])
def test_counts_that_are_none_are_refused(table: np.ndarray) -> None:
    with pytest.raises(ValueError, match="whole numbers from 0"):
        fleiss_kappa(table)


def test_an_unread_cell_is_not_a_no() -> None:
    ticks = np.array([[True, False, False], [True, True, False], [False, False, False]])
    read = np.array([[True, True, False], [True, True, True], [True, False, False]])
    assert tick_counts(ticks, read).tolist() == [[1, 2], [1, 1], [1, 0]]


def test_a_tick_in_an_unread_cell_and_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="not read"):
        tick_counts(np.array([[True]]), np.array([[False]]))
    with pytest.raises(ValueError, match="boolean"):
        tick_counts(np.array([[1]]), np.array([[True]]))
