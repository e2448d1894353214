"""Segmentation files of every format read as the same masks, and what is no segmentation refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.seg_nrrd import Segment, write_seg_nrrd
from PartialLabelSegLib.metrics.mask_files import MaskFile, Naming, Place, read_masks
from PartialLabelSegLib.run.failure import Failure

LABELS = np.array([[[0, 1, 1, 2], [0, 0, 2, 2], [4, 4, 0, 0]]] * 2, dtype=np.uint8)


def write(path: Path, array: NDArray, spacing: tuple[float, float, float] = (0.5, 1.0, 2.5)) -> Path:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing[: image.GetDimension()])
    sitk.WriteImage(image, str(path))
    return path


def write_segments(path: Path, array: NDArray, names: tuple[str, ...]) -> Path:
    image = sitk.GetImageFromArray(array)
    for index, name in enumerate(names):
        for key, value in {"ID": f"S{index}", "Name": name, "LabelValue": str(index + 1), "Layer": "0"}.items():
            image.SetMetaData(f"Segment{index}_{key}", value)
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("ending", ["nrrd", "nii", "nii.gz", "mha", "mhd"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64])
def test_a_plain_label_map_is_read_by_its_values(tmp_path: Path, ending: str, dtype: type) -> None:
    file = read_masks(write(tmp_path / f"a.{ending}", LABELS.astype(dtype)))
    assert list(file.places) == ["label 1", "label 2", "label 4"]
    assert file.naming is Naming.VALUES
    assert file.grid.spacing_mm == (2.5, 1.0, 0.5)
    np.testing.assert_array_equal(file.mask("label 2"), LABELS == 2)


def test_names_come_from_the_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        json.dumps({"structures": {"Liver": 2, "Spleen": 1, "Kidney": 3}}), encoding="utf-8"
    )
    file = read_masks(write(tmp_path / "a.nii.gz", LABELS))
    assert list(file.places) == ["Liver", "Spleen", "Kidney"]
    np.testing.assert_array_equal(file.mask("Liver"), LABELS == 2)
    assert not file.mask("Kidney").any()
    assert file.unnamed_values() == (4,)


@pytest.mark.parametrize("beside", [True, False])
def test_names_come_from_nnu_nets_description_in_the_folder_or_its_parent(tmp_path: Path, beside: bool) -> None:
    folder = tmp_path / "labelsTr"
    folder.mkdir()
    labels = {"background": 0, "liver": 1, "liver and tumour": [1, 2], "ignore": 4}
    ((folder if beside else tmp_path) / "dataset.json").write_text(json.dumps({"labels": labels}), encoding="utf-8")
    file = read_masks(write(folder / "a.nii.gz", LABELS))
    assert list(file.places) == ["liver", "liver and tumour"]
    np.testing.assert_array_equal(file.mask("liver and tumour"), (LABELS == 1) | (LABELS == 2))
    np.testing.assert_array_equal(file.known(), LABELS != 4)
    assert file.unnamed_values() == ()


def test_the_first_nnu_nets_description_is_read_as_well(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text(
        json.dumps({"labels": {"0": "background", "1": "anterior", "2": "posterior"}}), encoding="utf-8"
    )
    file = read_masks(write(tmp_path / "a.nii.gz", LABELS))
    assert file.places == {"anterior": Place(0, (1,)), "posterior": Place(0, (2,))}
    assert file.known() is None


def test_names_that_are_given_come_first(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"structures": {"Liver": 2}}), encoding="utf-8")
    file = read_masks(write(tmp_path / "a.nii.gz", LABELS), {"Spleen": 4})
    np.testing.assert_array_equal(file.mask("Spleen"), LABELS == 4)
    assert list(file.places) == ["Spleen"]


def test_segments_are_read_by_their_names(tmp_path: Path) -> None:
    path = write_segments(tmp_path / "a.seg.nrrd", LABELS, ("Liver", "Spleen"))
    file = read_masks(path)
    assert file.naming is Naming.SEGMENTS
    np.testing.assert_array_equal(file.mask("Liver"), LABELS == 1)
    np.testing.assert_array_equal(file.mask("Spleen"), LABELS == 2)
    assert list(read_masks(path, {"Spleen": 7}).places) == ["Spleen"]


def test_a_flat_image_is_a_volume_of_one_slice(tmp_path: Path) -> None:
    assert read_masks(write(tmp_path / "a.nrrd", LABELS[0])).grid.shape == (1, 3, 4)


def test_another_grid_is_reached_by_nearest_neighbour(tmp_path: Path) -> None:
    file = read_masks(write(tmp_path / "a.nrrd", LABELS, spacing=(1.0, 1.0, 1.0)))
    finer = Grid((8, 6, 2), (0.5, 0.5, 1.0), (-0.25, -0.25, 0.0), file.grid.direction)
    np.testing.assert_array_equal(file.on(finer).mask("label 2"), np.repeat(np.repeat(LABELS == 2, 2, 1), 2, 2))
    shifted = Grid((4, 3, 2), (1.0, 1.0, 1.0), (2.0, 0.0, 0.0), file.grid.direction)
    expected = np.zeros_like(LABELS)
    expected[:, :, :2] = LABELS[:, :, 2:]
    np.testing.assert_array_equal(file.on(shifted).mask("label 2"), expected == 2)


def test_a_label_map_without_names_takes_those_of_another(tmp_path: Path) -> None:
    unnamed = read_masks(write(tmp_path / "a.nrrd", LABELS))
    (tmp_path / "b.json").write_text(json.dumps({"structures": {"Liver": 1, "Gall bladder": 9}}), encoding="utf-8")
    named = read_masks(write(tmp_path / "b.nrrd", LABELS))
    assert list(unnamed.named_as(named).places) == ["Liver", "Gall bladder", "label 2", "label 4"]


def test_a_scan_is_not_taken_for_a_label_map(tmp_path: Path) -> None:
    scan = np.linspace(0, 3000, 24).reshape(2, 3, 4)
    for array, words in (
        (scan, "holds fractions"),
        ((scan - 1000).astype(np.int16), "looks like a scan"),
        (np.arange(2000, dtype=np.int16).reshape(10, 10, 20), "looks like a scan"),
        (np.array([[[0, 70000]]], dtype=np.int32), "looks like a scan"),
        (np.array([[[0, np.nan]]]), "holds fractions"),
    ):
        with pytest.raises(Failure, match=f"scan.nrrd {words}"):
            read_masks(write(tmp_path / "scan.nrrd", array))


def test_a_file_that_is_no_volume_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nrrd").write_bytes(b"NRRD0004\nnot an image")
    sitk.WriteImage(sitk.Image([4, 4, 4], sitk.sitkVectorUInt8, 3), str(tmp_path / "b.nrrd"))
    sitk.WriteImage(sitk.Image([4, 4, 4, 2], sitk.sitkUInt8), str(tmp_path / "c.nii"))
    for name in ("a.nrrd", "b.nrrd", "c.nii"):
        with pytest.raises(Failure, match=name):
            read_masks(tmp_path / name)


def test_two_segments_of_one_name_are_refused(tmp_path: Path) -> None:
    path = write_segments(tmp_path / "a.seg.nrrd", LABELS, ("Liver", "Liver"))
    with pytest.raises(Failure, match=r"Structure 'Liver': a.seg.nrrd has several segments of that name"):
        read_masks(path)


def test_segments_that_share_voxels_are_kept_whole(tmp_path: Path) -> None:
    masks = {"Liver": LABELS > 0, "Tumour": LABELS == 2, "Empty": LABELS > 9}
    segments = [Segment(name, name, (1.0, 0.0, 0.0), "", mask) for name, mask in masks.items()]
    grid = Grid((4, 3, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    write_seg_nrrd(tmp_path / "a.seg.nrrd", segments, grid)
    file = read_masks(tmp_path / "a.seg.nrrd")
    for name, mask in masks.items():
        np.testing.assert_array_equal(file.mask(name), mask)
        np.testing.assert_array_equal(file.on(grid).mask(name), mask)


@pytest.mark.parametrize(
    "structures", [{}, [], "Liver", {"Liver": "one"}, {"Liver": -1}, {"Liver": 1.5}, {"Liver": [True]}]
)
def test_a_description_without_sense_is_refused(tmp_path: Path, structures: object) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"structures": structures}), encoding="utf-8")
    with pytest.raises(Failure, match=r"a.json does not say which whole number stands for"):
        read_masks(write(tmp_path / "a.nrrd", LABELS))


def test_a_damaged_description_is_named(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text('{"labels": {', encoding="utf-8")
    with pytest.raises(Failure, match=r"dataset\.json"):
        read_masks(write(tmp_path / "a.nrrd", LABELS))


def test_a_json_file_about_something_else_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"spacing": [1, 1, 1]}', encoding="utf-8")
    (tmp_path / "dataset.json").write_text("[1, 2]", encoding="utf-8")
    assert read_masks(write(tmp_path / "a.nrrd", LABELS)).naming is Naming.VALUES


def test_layers_must_fit_the_grid(tmp_path: Path) -> None:
    grid = read_masks(write(tmp_path / "a.nrrd", LABELS)).grid
    with pytest.raises(ValueError, match="grid's shape"):
        MaskFile(tmp_path, grid, (LABELS[:1],), {}, Naming.VALUES)
