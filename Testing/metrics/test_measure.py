"""All measures of one structure in one case, and their mean and spread."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.metrics.measure import Comparison, Summary, measure, measure_label_maps, summarise

GRID = Grid((4, 3, 2), (1.0, 2.0, 5.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))


def mask(*voxels: tuple[int, int, int]) -> NDArray[np.bool_]:
    result = np.zeros(GRID.shape, dtype=np.bool_)
    for voxel in voxels:
        result[voxel] = True
    return result


def test_every_measure_is_as_computed_by_hand() -> None:
    result = measure("a", "Liver", Comparison(mask((0, 0, 0), (0, 0, 1)), mask((0, 0, 1), (1, 0, 1)), GRID))
    assert (result.case, result.structure, result.ranking) == ("a", "Liver", None)
    assert result.values() == pytest.approx(
        {
            "dice": 0.5,
            "jaccard": 1 / 3,
            "precision": 0.5,
            "recall": 0.5,
            "hd_mm": 5.0,
            "hd95_mm": 4.75,
            "asd_mm": 1.5,
            "volume_predicted_ml": 0.02,
            "volume_reference_ml": 0.02,
            "volume_error_ml": 0.0,
            "relative_volume_error": 0.0,
        }
    )


def test_where_the_truth_is_unknown_nothing_counts() -> None:
    predicted, reference = mask((0, 0, 0), (1, 2, 3)), mask((0, 0, 0), (0, 2, 0))
    within = np.zeros(GRID.shape, dtype=np.bool_)
    within[0, 0] = True
    confidence = np.zeros(GRID.shape)
    result = measure("a", "Liver", Comparison(predicted, reference, GRID, within, confidence))
    assert (result.dice, result.hd_mm, result.volume_predicted_ml) == (1.0, 0.0, 0.01)
    assert result.ranking is not None
    assert result.ranking.count == 1


def test_a_confidence_is_ranked_on_the_predicted_voxels() -> None:
    confidence = np.zeros(GRID.shape, dtype=np.uint8)
    confidence[0, 0, :3] = (250, 10, 200)
    predicted = mask((0, 0, 0), (0, 0, 1), (0, 0, 2))
    result = measure("a", "Liver", Comparison(predicted, mask((0, 0, 0), (0, 0, 2)), GRID, confidence=confidence))
    assert (result.values()["auc"], result.values()["ap_success"], result.values()["ap_error"]) == (1.0, 1.0, 1.0)


def test_label_maps_are_compared_structure_by_structure() -> None:
    predicted, reference = np.zeros(GRID.shape, np.uint8), np.zeros(GRID.shape, np.uint8)
    predicted[0, 0, 0], reference[0, 0, 0], predicted[1, 1, 1] = 1, 1, 3
    results = measure_label_maps("a", predicted, reference, GRID, {"Liver": 1, "Spleen": 3, "Kidney": 2})
    assert [(item.structure, item.dice) for item in results] == [("Liver", 1.0), ("Spleen", 0.0), ("Kidney", 1.0)]


def test_mean_and_deviation_pass_over_what_is_undefined_and_count_it() -> None:
    summary = Summary.of([1.0, math.nan, 2.0, 6.0])
    assert (summary.mean, summary.n, summary.undefined) == (3.0, 3, 1)
    assert summary.std == pytest.approx(math.sqrt(7.0))


def test_without_enough_values_there_is_no_mean_or_deviation() -> None:
    one = Summary.of([2.0, math.nan])
    assert (one.mean, one.n, one.undefined) == (2.0, 1, 1)
    assert math.isnan(one.std)
    none = Summary.of([math.nan])
    assert (none.n, none.undefined) == (0, 1)
    assert math.isnan(none.mean)


def test_a_summary_has_every_measure() -> None:
    found = measure("a", "Liver", Comparison(mask((0, 0, 0)), mask((0, 0, 0)), GRID))
    missed = measure("b", "Liver", Comparison(mask(), mask((0, 0, 0)), GRID))
    summary = summarise([found, missed])
    assert (summary["dice"].mean, summary["dice"].n, summary["dice"].undefined) == (0.5, 2, 0)
    assert summary["dice"].std == pytest.approx(math.sqrt(0.5))
    assert (summary["hd_mm"].mean, summary["hd_mm"].n, summary["hd_mm"].undefined) == (0.0, 1, 1)
    assert set(summary) == set(found.values())


def test_masks_that_do_not_fit_the_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="grid's shape"):
        measure("a", "Liver", Comparison(mask()[:1], mask()[:1], GRID))
