"""Generalised energy distance: by hand, its bounds, and the masks that stand for a probability."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import jaccard_score

from PartialLabelSegLib.metrics.energy import energy_distance, level_sets

MASKS = st.lists(hnp.arrays(np.bool_, (2, 3, 2)), min_size=1, max_size=4)


def line(text: str) -> np.ndarray:
    return np.array([letter == "1" for letter in text])


def test_one_mask_against_two_raters_is_as_computed_by_hand() -> None:
    # d(S, Y1) = 1 - 1/2, d(S, Y2) = 1 - 0; d(Y1, Y2) = 1 - 1/3, which is two of the four pairs of raters.
    distance = energy_distance([line("1000")], [line("1100"), line("0110")])
    assert distance == pytest.approx(2 * (1 / 2 + 1) / 2 - 0 - 2 * (2 / 3) / 4)


def test_both_sides_spread_is_taken_off() -> None:
    # d(S1, S2) = 1, d(S1, Y) = d(S2, Y) = 1/2: 2 * 1/2 - 2/4 - 0.
    assert energy_distance([line("10"), line("01")], [line("11")]) == pytest.approx(0.5)


def test_empty_masks_are_equal_and_an_empty_one_is_far_from_any_other() -> None:
    empty, full = line("00"), line("11")
    assert energy_distance([empty], [empty, empty]) == 0
    assert energy_distance([empty], [full]) == 2


@given(MASKS)
def test_a_set_has_no_distance_to_itself(masks: list[np.ndarray]) -> None:
    assert energy_distance(masks, masks[::-1]) == pytest.approx(0, abs=1e-12)


@given(MASKS, MASKS)
def test_it_is_symmetric_and_lies_between_0_and_2(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    distance = energy_distance(first, second)
    assert -1e-12 <= distance <= 2
    assert energy_distance(second, first) == pytest.approx(distance)


@settings(max_examples=20)
@given(MASKS, MASKS)
def test_it_is_what_another_jaccard_index_gives(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    def mean(one: list[np.ndarray], other: list[np.ndarray]) -> float:
        return float(np.mean([1 - jaccard_score(a.ravel(), b.ravel(), zero_division=1.0) for a in one for b in other]))

    expected = 2 * mean(first, second) - mean(first, first) - mean(second, second)
    assert energy_distance(first, second) == pytest.approx(expected)


def test_a_mask_of_each_level_holds_what_is_above_it() -> None:
    masks = level_sets(np.array([0.0, 0.25, 0.3, 0.75, 1.0]), 2)
    assert [mask.tolist() for mask in masks] == [[False, False, True, True, True], [False, False, False, False, True]]


@given(hnp.arrays(np.float64, 5, elements=st.floats(0, 1)), st.integers(1, 20))
def test_a_voxel_lies_in_as_many_masks_as_it_is_probable(probability: np.ndarray, count: int) -> None:
    share = np.mean(level_sets(probability, count), axis=0)
    assert np.all(np.abs(share - probability) <= 0.5 / count + 1e-9)


def test_sets_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one mask"):
        energy_distance([], [line("1")])
    with pytest.raises(ValueError, match="one shape"):
        energy_distance([line("1")], [line("11")])
    with pytest.raises(ValueError, match="boolean"):
        energy_distance([np.ones(2, np.uint8).astype(object)], [line("11")])
    with pytest.raises(ValueError, match="count must be at least 1"):
        level_sets(np.ones(2), 0)
