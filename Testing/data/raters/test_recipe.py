"""A recipe makes the label that its method makes, and says what was really done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.raters.studies import knee, knee_bone, masks, reading
from PartialLabelSegLib.data.raters.consensus import majority, svls, vote_share
from PartialLabelSegLib.data.raters.rated import RatedScan
from PartialLabelSegLib.data.raters.recipe import METHODS, Recipe, make
from PartialLabelSegLib.data.raters.staple import staple
from PartialLabelSegLib.data.raters.steps import SoftSteps, prepare, soft_label


def a_scan() -> RatedScan:
    return knee(reading("anna", (2, 0, 0)), reading("ben", (2, 0, 0), (3, 1, 2)), reading("cara"))


def test_each_method_is_the_function_of_its_name() -> None:
    scan = a_scan()
    expected = {
        "steps": soft_label(prepare(scan), SoftSteps()),
        "share": vote_share(scan),
        "majority": majority(scan),
        "staple": staple(scan, knee_bone()).label,
        "svls": svls(scan, 1.0),
    }
    assert set(expected) == set(METHODS)
    for method, label in expected.items():
        np.testing.assert_array_equal(make(scan, Recipe(method)).label.plane, label.plane)


def test_staple_says_how_good_each_rater_is() -> None:
    raters = make(a_scan(), Recipe("staple")).raters
    assert list(raters) == ["anna", "ben", "cara"]
    assert raters["cara"]["sensitivity"] < raters["ben"]["sensitivity"]


def test_steps_that_need_a_bone_are_left_out_where_there_is_none_and_that_is_said() -> None:
    made = make(masks(np.ones((2, 2, 2))), Recipe())
    assert made.steps is not None and not made.steps.inside_bone and not made.steps.bright and made.steps.neighbours
    assert make(a_scan(), Recipe()).steps == SoftSteps()
    assert make(a_scan(), Recipe("share")).steps is None


def test_the_hard_label_holds_what_reaches_the_threshold() -> None:
    made = make(masks(np.ones((1, 1, 1)), np.zeros((1, 1, 1))), Recipe("share"))
    assert made.hard().all()
    assert not replace(made, threshold=0.51).hard().any()


def test_a_recipe_says_only_what_counts() -> None:
    assert Recipe("share").to_json() == {"method": "share", "threshold": 0.5}
    assert Recipe("svls", sigma=2.0).to_json() == {"method": "svls", "sigma_voxels": 2.0, "threshold": 0.5}
    assert Recipe().to_json()["steps"]["bright_percentile"] == 90.0


@pytest.mark.parametrize("change", [{"method": "mean"}, {"threshold": 0.0}, {"threshold": 1.1}, {"sigma": 0.0}])
def test_a_recipe_that_means_nothing_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="got"):
        replace(Recipe(), **change)  # type: ignore[arg-type]
