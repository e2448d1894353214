"""Probabilities come back from a file as they went in, to half a stored step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from data.raters.studies import KNEE
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.raters.soft_files import scale_of, stored, write_soft


def some_plane(seed: int = 0) -> np.ndarray:
    plane = np.random.default_rng(seed).random(KNEE.shape).astype(np.float32)
    plane[0], plane[1] = 0, 1
    return plane


@pytest.mark.parametrize(("bits", "kind"), [(32, np.float32), (16, np.uint16), (8, np.uint8)])
@pytest.mark.parametrize("name", ["soft.nrrd", "soft.nii.gz"])
def test_a_volume_comes_back_within_half_a_step(tmp_path: Path, bits: int, kind: type, name: str) -> None:
    write_soft(tmp_path / name, [some_plane()], KNEE, bits)
    image = sitk.ReadImage(str(tmp_path / name))
    array = sitk.GetArrayFromImage(image)
    assert array.dtype == kind and Grid.from_image(image).same_as(KNEE)
    found = array * scale_of(bits)
    assert np.abs(found - some_plane()).max() <= (0 if bits == 32 else scale_of(bits) / 2 + 1e-7)
    assert (found[0] == 0).all() and (found[1] == 1).all()


def test_an_nrrd_file_says_its_scale(tmp_path: Path) -> None:
    write_soft(tmp_path / "soft.nrrd", [some_plane()], KNEE, 8)
    assert sitk.ReadImage(str(tmp_path / "soft.nrrd")).GetMetaData("PartialLabelSeg.Scale") == "1/255"


def test_several_structures_lie_along_a_fourth_axis(tmp_path: Path) -> None:
    write_soft(tmp_path / "soft.nii.gz", [some_plane(1), some_plane(2)], KNEE, 32)
    image = sitk.ReadImage(str(tmp_path / "soft.nii.gz"))
    assert image.GetSize() == (14, 12, 6, 2)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image)[1], some_plane(2))


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="8, 16 or 32"):
        stored(some_plane(), 12)
    for wrong in (-0.01, 1.01, float("nan")):
        with pytest.raises(ValueError, match=r"lie in 0\.\.1"):
            stored(np.full((1, 1, 1), wrong, np.float32), 8)
