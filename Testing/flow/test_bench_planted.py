"""Measures of planted errors, on maps of which the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.planted import (
    FLAGS,
    Planted,
    auc,
    in_band,
    measured,
    of_probability,
    planted_regions,
    precision,
    recall,
    recall_of_voxels,
)
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.relabel.doubts import Weighed

SHAPE = (10, 30, 30)
GRID = Grid((30, 30, 10), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
ORGAN, ADDED, LEFT_OUT = np.s_[2:8, 8:16, 8:16], np.s_[3:7, 8:12, 16:20], np.s_[3:7, 8:12, 8:11]


def planted(noise: float = 0.0) -> Planted:
    """A block was added to an organ, and another left out; the weight knows both, up to noise."""
    true, drawn = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    true[ORGAN] = drawn[ORGAN] = drawn[ADDED] = True
    drawn[LEFT_OUT] = False
    right = np.where(drawn == true, 3.0, -3.0) + noise * np.random.default_rng(0).normal(size=SHAPE)
    nothing = np.zeros(SHAPE, np.float32)
    return Planted(Weighed("Liver", drawn, np.ones(SHAPE, bool), right.astype(np.float32), nothing), true)


def test_planted_regions_are_those_added_and_those_left_out() -> None:
    regions = planted_regions(planted())
    assert [int(region.sum()) for region in regions] == [4 * 4 * 4, 4 * 4 * 3]
    assert regions[0][ADDED].all() and regions[1][LEFT_OUT].all()


def test_perfect_weights_are_perfect_and_find_both() -> None:
    case = planted()
    assert auc(case, GRID, band=True) == auc(case, GRID, band=False) == 1
    assert recall([case], GRID) == 1 and precision([case], GRID) == 1
    assert 0.5 < recall_of_voxels([case], GRID) <= 1


@pytest.mark.parametrize("band", [False, True])
def test_the_auc_is_that_of_scikit_learn(band: bool) -> None:
    case = planted(noise=4.0)
    chosen = in_band(case, GRID) if band else np.ones(SHAPE, bool)
    expected = roc_auc_score(case.right[chosen], case.weighed.weight[chosen])
    assert auc(case, GRID, band) == pytest.approx(expected) and 0.6 < expected < 0.99


def test_the_band_is_counted_in_millimetres() -> None:
    case = planted()
    # 10 mm are five voxels of 2 mm, on both sides of rows 8 to 15.
    assert np.flatnonzero(in_band(case, GRID)[5, :, 10]).tolist() == list(range(3, 21))


def test_weights_that_trust_everything_find_nothing() -> None:
    case = planted()
    weight = np.ones(SHAPE, np.float32)
    blind = Planted(Weighed("Liver", case.weighed.drawn, case.weighed.doubtful, weight, weight * 0), case.true)
    assert auc(blind, GRID, band=True) == 0.5
    assert recall([blind], GRID) == 0 and math.isnan(precision([blind], GRID))


def test_without_errors_there_is_nothing_to_measure() -> None:
    case = planted()
    right = Planted(case.weighed, case.weighed.drawn)
    assert math.isnan(recall([right], GRID)) and measured([right], GRID)["AUC_in_the_band"] == []


def test_only_the_first_ten_flags_count() -> None:
    cases, true = [], np.zeros(SHAPE, bool)
    for place in range(FLAGS + 2):
        drawn, weight = np.zeros(SHAPE, bool), np.full(SHAPE, 3.0, np.float32)
        drawn[2:6, 2:6, 2:6] = True
        weight[2:6, 2:6, 2:6] = -3.0 - place
        everywhere = np.ones(SHAPE, bool)
        cases.append(Planted(Weighed(f"S{place}", drawn, everywhere, weight, np.zeros(SHAPE, np.float32)), true))
    assert recall(cases, GRID) == pytest.approx(FLAGS / (FLAGS + 2))


def test_the_baseline_is_the_probability_of_what_is_given() -> None:
    case = planted()
    probability = np.where(case.true, np.float32(0.9), np.float32(0.2))
    baseline = of_probability(case, probability)
    assert baseline.weighed.weight[5, 9, 9] == pytest.approx(math.log(0.1 / 0.9), rel=1e-4)
    assert baseline.weighed.weight[0, 0, 0] == pytest.approx(math.log(0.8 / 0.2), rel=1e-4)
    assert auc(baseline, GRID, band=False) == 1
