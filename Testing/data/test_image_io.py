"""Scans and label maps of every format: one volume, one number a voxel, or a sentence."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from data.small_scans import OBLIQUE, STRAIGHT, grey_values, write_volume
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.image_io import ENDINGS, looks_like_scan, read_label_map, read_scan, volume_stem
from PartialLabelSegLib.run.failure import Failure


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_scan_keeps_its_values_and_its_place_in_every_format(tmp_path: Path, ending: str) -> None:
    image = read_scan(write_volume(tmp_path / f"a b{ending}", OBLIQUE))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), grey_values(OBLIQUE))
    assert Grid.from_image(image).same_as(OBLIQUE)


def test_a_nifti_file_of_another_program_lies_where_that_program_says(tmp_path: Path) -> None:
    affine = np.array([[-2.0, 0, 0, 7], [0, 0, 3, -5], [0, 1.5, 0, 11], [0, 0, 0, 1]])
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / "a.nii.gz")
    image = read_scan(tmp_path / "a.nii.gz")
    right_anterior_superior = affine @ np.array([1, 2, 3, 1])
    np.testing.assert_allclose(
        image.TransformIndexToPhysicalPoint((1, 2, 3)), right_anterior_superior[:3] * (-1, -1, 1), atol=1e-4
    )
    assert image[1, 2, 3] == array[1, 2, 3]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.nii.gz", "a"),
        ("A.NII.GZ", "A"),
        ("a.b.nrrd", "a.b"),
        ("a.mha", "a"),
        ("a.seg.nrrd", None),
        ("a.Seg.nrrd", None),
        (".a.nrrd", None),
        ("a.txt", None),
        (".nrrd", None),
    ],
)
def test_the_stem_of_a_volume_is_its_name_without_the_ending(name: str, stem: str | None) -> None:
    assert volume_stem(Path(name)) == stem
    assert looks_like_scan(Path("nowhere") / name) is (stem is not None)


def test_a_flat_image_becomes_a_volume_of_one_slice(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((3, 4), np.int16)), str(tmp_path / "a.nrrd"))
    assert read_scan(tmp_path / "a.nrrd").GetSize() == (4, 3, 1)


def test_a_fourth_axis_of_one_is_left_out_and_a_longer_one_refused(tmp_path: Path) -> None:
    for count in (1, 3):
        sitk.WriteImage(
            sitk.JoinSeries([STRAIGHT.image(grey_values(STRAIGHT))] * count), str(tmp_path / f"{count}.nrrd")
        )
    assert read_scan(tmp_path / "1.nrrd").GetSize() == STRAIGHT.size
    with pytest.raises(Failure, match="3 volumes"):
        read_scan(tmp_path / "3.nrrd")


@pytest.mark.parametrize("values", [2, 3, 4])
def test_a_colour_image_is_refused(tmp_path: Path, values: int) -> None:
    path = write_volume(tmp_path / "a.nrrd", STRAIGHT, np.zeros((*STRAIGHT.shape, values), np.uint8))
    for read in (read_scan, read_label_map):
        with pytest.raises(Failure, match=f"{values} values a voxel"):
            read(path)


def test_one_component_in_a_vector_image_is_a_scan(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nrrd", STRAIGHT, grey_values(STRAIGHT)[..., None])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_scan(tmp_path / "a.nrrd")), grey_values(STRAIGHT))


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.ones(STRAIGHT.shape, np.complex64)), str(tmp_path / "a.mha"))
    with pytest.raises(Failure, match="2 values a voxel"):
        read_scan(tmp_path / "a.mha")


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_a_voxel_that_is_no_number_is_counted_and_refused(tmp_path: Path, strange: float) -> None:
    array = grey_values(STRAIGHT).astype(np.float32)
    array[1, 2, 3] = strange
    with pytest.raises(Failure, match="1 voxel whose value is not a number"):
        read_scan(write_volume(tmp_path / "a.nrrd", STRAIGHT, array))


def test_numbers_of_double_precision_become_single(tmp_path: Path) -> None:
    path = write_volume(tmp_path / "a.nrrd", STRAIGHT, np.full(STRAIGHT.shape, 0.1))
    assert read_scan(path).GetPixelID() == sitk.sitkFloat32


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii", "a.nrrd", "a.mha"])
def test_a_text_file_under_an_images_name_is_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<html>Not found</html>", encoding="utf-8")
    for read in (read_scan, read_label_map):
        with pytest.raises(Failure, match="is not a readable NRRD, NIfTI or MetaImage file"):
            read(tmp_path / name)


def test_a_sheared_grid_is_a_sentence(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[0, 1] = 0.3
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 5, 6), np.int16), affine), tmp_path / "a.nii.gz")
    with pytest.raises(Failure, match="right angles"):
        read_scan(tmp_path / "a.nii.gz")


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.full(STRAIGHT.shape, 3.0, np.float64), np.uint8),
        (np.full(STRAIGHT.shape, 255, np.int16), np.uint8),
        (np.full(STRAIGHT.shape, 256, np.int32), np.uint16),
        (np.full(STRAIGHT.shape, -1, np.int16), np.int32),
        (np.full(STRAIGHT.shape, 70_000.0, np.float32), np.int32),
    ],
)
def test_labels_come_in_the_smallest_kind_that_holds_them(tmp_path: Path, array: np.ndarray, kind: type) -> None:
    found, grid = read_label_map(write_volume(tmp_path / "a.nrrd", STRAIGHT, array))
    assert found.dtype == kind
    np.testing.assert_array_equal(found, array)
    assert grid == STRAIGHT


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_fractions_are_no_labels(tmp_path: Path, value: float) -> None:
    path = write_volume(tmp_path / "a.nrrd", STRAIGHT, np.full(STRAIGHT.shape, value, np.float32))
    with pytest.raises(Failure, match="fractions"):
        read_label_map(path)


@pytest.mark.parametrize("value", [1e12, np.inf])
def test_huge_values_are_no_labels(tmp_path: Path, value: float) -> None:
    path = write_volume(tmp_path / "a.nrrd", STRAIGHT, np.full(STRAIGHT.shape, value, np.float64))
    with pytest.raises(Failure, match="no label map"):
        read_label_map(path)


def test_a_folder_is_no_label_file(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="folder"):
        read_label_map(tmp_path)
