"""Calibration: bins by hand, a second implementation, and sums over scans."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from PartialLabelSegLib.metrics.calibration import Reliability, reliability

Voxels = tuple[np.ndarray, np.ndarray]


@st.composite
def voxels(draw: st.DrawFn) -> Voxels:
    count = draw(st.integers(1, 60))
    # Sixteenths lie on the edges of some bins and not of others.
    values = st.one_of(st.integers(0, 16).map(lambda part: part / 16), st.floats(0, 1))
    return draw(hnp.arrays(np.float64, count, elements=values)), draw(hnp.arrays(np.bool_, count))


def ece_voxel_by_voxel(probability: np.ndarray, truth: np.ndarray, bins: int) -> float:
    """Guo et al. 2017, Eq. 3, as a loop over (low, high] bins."""
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = (probability > low) & (probability <= high) | ((probability == 0) & (number == 0))
        if inside.any():
            total += inside.mean() * abs(truth[inside].mean() - probability[inside].mean())
    return total


def test_two_bins_are_as_computed_by_hand() -> None:
    result = reliability(np.array([0.1, 0.3, 0.6, 1.0]), np.array([False, True, True, True]), bins=2)
    assert result.counts.tolist() == [2, 2]
    assert result.mean_probability.tolist() == pytest.approx([0.2, 0.8])
    assert result.frequency.tolist() == [0.5, 1.0]
    assert result.ece == pytest.approx(0.5 * 0.3 + 0.5 * 0.2)
    assert result.worst == pytest.approx(0.3)
    assert result.brier == pytest.approx((0.01 + 0.49 + 0.16 + 0) / 4)


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    result = reliability(np.array([0.0, 0.5, 0.500001]), np.array([False, True, True]), bins=2)
    assert result.counts.tolist() == [2, 1]


def test_a_share_of_raters_is_compared_as_a_share() -> None:
    result = reliability(np.array([0.5, 0.5]), np.array([0.25, 0.75]), bins=10)
    assert result.ece == 0.0 and result.brier == pytest.approx(0.0625)


def test_only_what_is_within_counts() -> None:
    probability, truth = np.array([[0.9, 0.9], [0.0, 0.0]]), np.array([[True, False], [True, True]])
    result = reliability(probability, truth, within=np.array([[True, True], [False, False]]))
    assert result.voxels == 2 and result.ece == pytest.approx(0.4)


@given(voxels(), st.integers(1, 20))
def test_it_is_the_sum_that_the_paper_defines(pair: Voxels, bins: int) -> None:
    assert reliability(*pair, bins=bins).ece == pytest.approx(ece_voxel_by_voxel(*pair, bins), abs=1e-12)


@given(voxels())
def test_the_bins_are_those_of_scikit_learn_between_the_edges(pair: Voxels) -> None:
    probability, truth = pair
    # scikit-learn has [low, high) bins, so that values on an edge are moved off it first.
    probability = np.where(probability * 8 == np.round(probability * 8), probability * 0.9 + 0.031, probability)
    frequency, mean = calibration_curve(truth, probability, n_bins=8)
    result = reliability(probability, truth, bins=8)
    filled = result.counts > 0
    assert result.frequency[filled] == pytest.approx(frequency) and result.mean_probability[filled] == pytest.approx(
        mean
    )


@given(voxels())
def test_the_brier_score_is_that_of_scikit_learn(pair: Voxels) -> None:
    probability, truth = pair
    assert reliability(probability, truth).brier == pytest.approx(brier_score_loss(truth, probability), abs=1e-12)


@given(voxels(), voxels())
def test_two_scans_added_are_both_scans_at_once(first: Voxels, second: Voxels) -> None:
    probability, truth = (np.concatenate(parts) for parts in zip(first, second))
    together = reliability(probability, truth)
    added = reliability(*first) + reliability(*second)
    assert added.counts.tolist() == together.counts.tolist()
    assert added.ece == pytest.approx(together.ece) and added.brier == pytest.approx(together.brier)


def test_without_voxels_there_is_no_error_to_measure() -> None:
    result = reliability(np.zeros(0), np.zeros(0, bool))
    assert math.isnan(result.ece) and math.isnan(result.worst) and math.isnan(result.brier)


def test_probabilities_in_half_precision_are_summed_exactly_enough() -> None:
    result = reliability(np.full(100_000, 0.25, np.float16), np.zeros(100_000, bool))
    assert result.ece == pytest.approx(0.25)


def test_what_does_not_fit_is_refused() -> None:
    ones = np.ones(3)
    with pytest.raises(ValueError, match="truth must have the probability's shape"):
        reliability(ones, np.ones(2))
    with pytest.raises(ValueError, match="the probability must lie in 0..1"):
        reliability(np.array([1.5]), np.ones(1))
    with pytest.raises(ValueError, match="the truth must lie in 0..1"):
        reliability(np.ones(1), np.array([math.nan]))
    with pytest.raises(ValueError, match="bins must be at least 1"):
        reliability(ones, ones, bins=0)
    with pytest.raises(ValueError, match="one length"):
        Reliability(np.zeros(2, np.int64), np.zeros(3), np.zeros(2), 0.0)
