"""Overlap of two masks: counts by hand, empty masks by the stated rule, properties, scikit-learn as the oracle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from PartialLabelSegLib.metrics.overlap import Overlap, overlap

SHAPES = hnp.array_shapes(min_dims=3, max_dims=3, max_side=4)


@st.composite
def two_masks(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    shape = draw(SHAPES)
    return draw(hnp.arrays(np.bool_, shape)), draw(hnp.arrays(np.bool_, shape))


def volume(*voxels: tuple[int, int, int], shape: tuple[int, int, int] = (2, 3, 4)) -> NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=np.bool_)
    for voxel in voxels:
        mask[voxel] = True
    return mask


def test_every_measure_of_a_small_case_is_as_counted_by_hand() -> None:
    predicted = volume((0, 0, 0), (0, 0, 1), (0, 0, 2))
    reference = volume((0, 0, 1), (0, 0, 2), (1, 0, 0), (1, 0, 1), (1, 0, 2))
    result = overlap(predicted, reference, voxel_ml=0.5)
    assert result == Overlap(true_positive=2, false_positive=1, false_negative=3, voxel_ml=0.5)
    assert (result.predicted, result.reference) == (3, 5)
    assert result.dice == 4 / 8
    assert result.jaccard == 2 / 6
    assert result.precision == 2 / 3
    assert result.recall == 2 / 5
    assert (result.volume_predicted_ml, result.volume_reference_ml) == (1.5, 2.5)
    assert result.volume_error_ml == -1.0
    assert result.relative_volume_error == -0.4


def test_two_empty_masks_agree() -> None:
    result = overlap(volume(), volume(), voxel_ml=1.0)
    assert (result.dice, result.jaccard, result.volume_error_ml) == (1.0, 1.0, 0.0)
    assert math.isnan(result.precision)
    assert math.isnan(result.recall)
    assert math.isnan(result.relative_volume_error)


def test_one_empty_mask_means_no_overlap() -> None:
    missed = overlap(volume(), volume((0, 0, 0)), voxel_ml=2.0)
    assert (missed.dice, missed.jaccard, missed.recall, missed.volume_error_ml) == (0.0, 0.0, 0.0, -2.0)
    assert missed.relative_volume_error == -1.0
    assert math.isnan(missed.precision)
    invented = overlap(volume((0, 0, 0)), volume(), voxel_ml=2.0)
    assert (invented.dice, invented.jaccard, invented.precision, invented.volume_error_ml) == (0.0, 0.0, 0.0, 2.0)
    assert math.isnan(invented.recall)
    assert math.isnan(invented.relative_volume_error)


def test_voxels_outside_the_known_part_count_in_neither_mask() -> None:
    predicted, reference = volume((0, 0, 0), (0, 0, 1), (1, 1, 1)), volume((0, 0, 1), (0, 0, 2), (1, 2, 2))
    within = volume((0, 0, 0), (0, 0, 1), (0, 0, 2))
    assert overlap(predicted, reference, 1.0, within) == Overlap(1, 1, 1, 1.0)
    assert overlap(predicted, reference, 1.0, volume()).dice == 1.0
    assert predicted.sum() == 3
    assert reference.sum() == 3


def test_a_mask_of_one_voxel_in_a_volume_of_one_voxel_is_measured() -> None:
    one = np.ones((1, 1, 1), dtype=np.bool_)
    assert overlap(one, one, 1.0).dice == 1.0
    assert overlap(one, ~one, 1.0).dice == 0.0


@given(two_masks())
@settings(max_examples=200)
def test_swapping_the_masks_swaps_precision_and_recall_and_the_sign_of_the_volume_error(
    masks: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> None:
    forth, back = overlap(*masks, voxel_ml=0.3), overlap(*masks[::-1], voxel_ml=0.3)
    assert forth.dice == back.dice
    assert forth.jaccard == back.jaccard
    assert forth.volume_error_ml == -back.volume_error_ml
    np.testing.assert_equal(forth.precision, back.recall)


@given(two_masks())
@settings(max_examples=200)
def test_dice_and_jaccard_stay_in_0_to_1_and_follow_from_each_other(
    masks: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> None:
    result = overlap(*masks, voxel_ml=1.0)
    assert 0.0 <= result.jaccard <= result.dice <= 1.0
    assert result.dice == pytest.approx(2 * result.jaccard / (1 + result.jaccard))
    assert (result.dice == 1.0) == bool(np.array_equal(*masks))


@given(two_masks(), st.integers(0, 2))
@settings(max_examples=100)
def test_mirroring_both_masks_changes_nothing(masks: tuple[NDArray[np.bool_], NDArray[np.bool_]], axis: int) -> None:
    mirrored = overlap(np.flip(masks[0], axis), np.flip(masks[1], axis), voxel_ml=1.0)
    assert mirrored == overlap(*masks, voxel_ml=1.0)


@given(two_masks())
@settings(max_examples=100)
def test_measures_agree_with_scikit_learn_where_both_masks_have_voxels(
    masks: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> None:
    predicted, reference = masks
    if not (predicted.any() and reference.any()):
        return
    result = overlap(predicted, reference, 1.0)
    truth, guess = reference.ravel(), predicted.ravel()
    assert result.dice == pytest.approx(f1_score(truth, guess))
    assert result.jaccard == pytest.approx(jaccard_score(truth, guess))
    assert result.precision == pytest.approx(precision_score(truth, guess))
    assert result.recall == pytest.approx(recall_score(truth, guess))


def test_a_wrong_input_is_named() -> None:
    mask = volume()
    with pytest.raises(ValueError, match="predicted mask must be a boolean array, got uint8"):
        overlap(mask.astype(np.uint8), mask, 1.0)
    with pytest.raises(ValueError, match="reference mask must be a boolean array, got float64"):
        overlap(mask, mask.astype(np.float64), 1.0)
    with pytest.raises(ValueError, match=r"one shape, got \(2, 3, 4\) and \(2, 3, 5\)"):
        overlap(mask, volume(shape=(2, 3, 5)), 1.0)
    with pytest.raises(ValueError, match="the within mask must have one shape"):
        overlap(mask, mask, 1.0, within=volume(shape=(1, 3, 4)))


@pytest.mark.parametrize("voxel_ml", [0.0, -1.0, math.nan, math.inf])
def test_a_voxel_without_a_volume_is_refused(voxel_ml: float) -> None:
    with pytest.raises(ValueError, match="voxel_ml is a volume above 0"):
        overlap(volume(), volume(), voxel_ml)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="false_negative is a voxel count"):
        Overlap(0, 0, -1, 1.0)
