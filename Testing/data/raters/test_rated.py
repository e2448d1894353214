"""A rated scan holds parts that fit together, and shows each rater's marks as a mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.raters.studies import KNEE, TEMPLATE, knee, knee_bone, masks, reading
from PartialLabelSegLib.data.raters.rated import RatedScan, rater_masks
from PartialLabelSegLib.data.raters.template import GridTemplate
from PartialLabelSegLib.data.raters.types import Reading, Tick


def test_a_ticked_cell_is_a_mask_of_its_voxels_inside_the_bone() -> None:
    scan = knee(reading("anna", (2, 0, 0)), reading("ben", (0, 0, 0), (4, 1, 2)), reading("cara"))
    found = rater_masks(scan)
    expected = np.zeros((3, *KNEE.shape), bool)
    expected[0, 2, 2:6, 2:5] = True
    # The cell on slice 0 has no bone.
    expected[1, 4, 6:10, 8:11] = True
    np.testing.assert_array_equal(found, expected)


def test_without_a_bone_mask_a_ticked_cell_counts_whole_and_a_grade_of_zero_does_not_count() -> None:
    ticks = (Tick(0, 0, 0, 0.25), Tick(0, 0, 1, 0.0))
    scan = RatedScan((Reading("a", "anna", None, ticks),), KNEE.shape, TEMPLATE)
    found = rater_masks(scan)
    assert found[0, 0, 2:6, 2:5].all() and found.sum() == 12


def test_a_mask_counts_only_on_the_slices_that_were_read() -> None:
    full = np.ones((3, 2, 2), bool)
    found = rater_masks(masks(full, full, slices=[None, {1}]))
    assert found[0].all()
    assert found[1].tolist() == [[[False] * 2] * 2, [[True] * 2] * 2, [[False] * 2] * 2]


def test_readers_are_counted_slice_by_slice() -> None:
    scan = knee(reading("anna"), reading("ben", slices={1, 2}), reading("cara", slices={2}))
    assert scan.readers().tolist() == [1, 2, 3, 1, 1, 1]


def test_a_grid_along_another_axis_marks_planes_of_that_axis() -> None:
    template = GridTemplate(1, 1, {0: ((-0.5, -0.5), (-0.5, 1.5), (1.5, 1.5), (1.5, -0.5))}, axis=2)
    one = Reading("a", "anna", None, (Tick(3, 0, 0),), axis=2)
    scan = RatedScan((one,), (3, 4, 5), template)
    assert scan.count == 5 and scan.plane_shape == (3, 4)
    assert np.argwhere(rater_masks(scan)[0]).tolist() == [[z, y, 3] for z in (0, 1) for y in (0, 1)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"readings": ()}, "different raters"),
        ({"readings": (reading("anna"), reading("anna"))}, "different raters"),
        ({"readings": (reading("anna"), Reading("a", "b", axis=1))}, "different axes"),
        ({"readings": (reading("anna", (2, 2, 0)),)}, "no cell of the grid"),
        ({"readings": (reading("anna", (6, 0, 0)),)}, "no cell of the grid"),
        ({"readings": (reading("anna", slices={6}),)}, "read slice 6"),
        ({"readings": (Reading("a", "b", None, (), np.zeros((1, 2, 3), bool)),)}, "mask of 'b'"),
        ({"template": None}, "need a grid"),
        ({"template": replace(TEMPLATE, axis=1)}, "need a grid along the same slices"),
        ({"bone": knee_bone().astype(np.uint8)}, "bone must be bool"),
        ({"image": np.zeros((1, 2, 3))}, "image must be"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(knee(reading("anna", (2, 0, 0))), **change)  # type: ignore[arg-type]
