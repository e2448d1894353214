"""A DICOM series is read as one volume, and refused where its slices form no regular grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from data.small_scans import OBLIQUE, grey_values
from PartialLabelSegLib.data.dicom import is_dicom_folder
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.image_io import looks_like_scan, read_scan
from PartialLabelSegLib.run.failure import Failure


def write_series(folder: Path, series: str = "1.2.3", places: list[float] | None = None, tilt_mm: float = 0.0) -> Path:
    """A CT series on the oblique grid, its files in no order; `places` along the normal in slices, `tilt_mm` a shift per slice."""
    folder.mkdir(parents=True, exist_ok=True)
    array = grey_values(OBLIQUE)
    matrix = np.reshape(OBLIQUE.direction, (3, 3))
    cosines = "\\".join(f"{value:.14g}" for value in matrix[:, :2].T.ravel())
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for index, place in enumerate(places if places is not None else range(OBLIQUE.size[2])):
        image = sitk.GetImageFromArray(array[index])
        image.SetSpacing(OBLIQUE.spacing[:2])
        position = np.array(OBLIQUE.origin) + matrix[:, 2] * OBLIQUE.spacing[2] * place + matrix[:, 0] * tilt_mm * index
        for tag, value in {
            "0008|0060": "CT",
            "0008|0018": f"{series}.{index + 1}",
            "0020|000d": "1.2",
            "0020|000e": series,
            "0020|0013": str(index),
            "0020|0032": "\\".join(f"{part:.12g}" for part in position),
            "0020|0037": cosines,
        }.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{(index * 7) % 5}-{series}.dcm"))
        writer.Execute(image)
    return folder


def test_a_series_is_the_volume_that_it_was_cut_from(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct")
    assert is_dicom_folder(folder)
    assert looks_like_scan(folder)
    image = read_scan(folder)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), grey_values(OBLIQUE))
    found = Grid.from_image(image)
    np.testing.assert_allclose(found.origin, OBLIQUE.origin, atol=1e-3)
    np.testing.assert_allclose(found.spacing, OBLIQUE.spacing, atol=1e-3)
    np.testing.assert_allclose(found.direction, OBLIQUE.direction, atol=1e-5)


def test_a_folder_without_dicom_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    assert not is_dicom_folder(tmp_path)
    with pytest.raises(Failure, match="holds no DICOM series"):
        read_scan(tmp_path)


def test_two_series_in_one_folder_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path, "1.2.3")
    write_series(tmp_path, "1.2.4")
    with pytest.raises(Failure, match="2 DICOM series"):
        read_scan(tmp_path)


def test_a_missing_slice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="not evenly spaced"):
        read_scan(write_series(tmp_path, places=[0, 1, 3, 4]))


def test_a_tilted_gantry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="tilted"):
        read_scan(write_series(tmp_path, tilt_mm=0.5))


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("share", [0.5, 0.97])
def test_a_slice_that_was_cut_off_is_a_sentence(tmp_path: Path, number: int, share: float) -> None:
    folder = write_series(tmp_path)
    file = sorted(folder.iterdir())[number]
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(Failure, match="DICOM"):
        read_scan(folder)
