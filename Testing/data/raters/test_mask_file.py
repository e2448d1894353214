"""A mask out of a file: all of it, one value, one segment, or one rater's part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from data.raters.studies import KNEE, knee_bone
from data.small_scans import STRAIGHT, write_segments, write_volume
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.raters.mask_file import Part, read_mask, read_masks
from PartialLabelSegLib.run.failure import Failure


def two_values() -> np.ndarray:
    values = knee_bone().astype(np.uint8)
    values[3] *= 2
    return values


def test_whatever_is_not_zero_is_marked_unless_a_value_is_named(tmp_path: Path) -> None:
    path = write_volume(tmp_path / "bones.nii.gz", KNEE, two_values())
    mask, problems = read_mask(Part(path), KNEE)
    np.testing.assert_array_equal(mask, knee_bone())
    assert problems == () and mask.dtype == bool
    np.testing.assert_array_equal(read_mask(Part(path, "2"), KNEE)[0], two_values() == 2)


@pytest.mark.parametrize(
    ("which", "message"), [("3", "no voxel of the value 3"), ("0", "no label value"), ("tibia", "no label value")]
)
def test_a_value_that_is_not_there_is_a_sentence(tmp_path: Path, which: str, message: str) -> None:
    path = write_volume(tmp_path / "bones.nii.gz", KNEE, two_values())
    with pytest.raises(Failure, match=message):
        read_mask(Part(path, which), KNEE)


def test_a_segment_is_found_by_its_name(tmp_path: Path) -> None:
    tibia, femur = two_values() == 1, two_values() == 2
    path = write_segments(tmp_path / "bones.seg.nrrd", KNEE, {"tibia": tibia, "femur": femur})
    np.testing.assert_array_equal(read_mask(Part(path, "femur"), KNEE)[0], femur)
    np.testing.assert_array_equal(read_mask(Part(path), KNEE)[0], tibia | femur)
    with pytest.raises(Failure, match=r"no segment 'patella'. It has: tibia, femur"):
        read_mask(Part(path, "patella"), KNEE)


def test_each_segment_of_a_segmentation_is_a_rater(tmp_path: Path) -> None:
    anna, ben = two_values() == 1, two_values() > 0
    path = write_segments(tmp_path / "raters.seg.nrrd", KNEE, {"anna": anna, "ben": ben})
    masks, problems = read_masks(path, KNEE)
    assert list(masks) == ["anna", "ben"] and problems == ()
    np.testing.assert_array_equal(masks["ben"], ben)


def test_each_part_along_a_fourth_axis_is_a_rater(tmp_path: Path) -> None:
    parts = [two_values() == 1, two_values() == 2]
    sitk.WriteImage(sitk.JoinSeries([KNEE.image(part) for part in parts]), str(tmp_path / "readers.nii.gz"))
    masks, _ = read_masks(tmp_path / "readers.nii.gz", KNEE)
    assert list(masks) == ["reader-1", "reader-2"]
    np.testing.assert_array_equal(masks["reader-2"], parts[1])


def test_one_mask_that_does_not_say_whose_it_is_is_a_sentence(tmp_path: Path) -> None:
    path = write_volume(tmp_path / "mask.nrrd", KNEE, knee_bone())
    with pytest.raises(Failure, match="nothing says whose it is"):
        read_masks(path, KNEE)


def test_a_mask_on_another_grid_is_brought_to_the_scan_and_said(tmp_path: Path) -> None:
    coarse = Grid((7, 6, 6), (1.0, 1.0, 3.0), (-2.75, 2.25, 10.0), KNEE.direction)
    path = write_volume(tmp_path / "mask.nrrd", coarse, np.ones(coarse.shape, np.uint8))
    mask, problems = read_mask(Part(path), KNEE)
    assert mask.all()
    assert "lies on another grid" in problems[0].message


def test_a_mask_elsewhere_in_space_is_a_sentence(tmp_path: Path) -> None:
    away = Grid(STRAIGHT.size, STRAIGHT.spacing, (500.0, 0.0, 0.0), STRAIGHT.direction)
    path = write_volume(tmp_path / "mask.nrrd", away, np.ones(away.shape, np.uint8))
    with pytest.raises(Failure, match="elsewhere in space"):
        read_mask(Part(path), KNEE)
