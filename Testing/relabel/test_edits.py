"""Drawings: saved cropped, read back where they were drawn, and refused where they are not what was drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.relabel.edits import read_edit, read_edits, write_edit
from PartialLabelSegLib.relabel.review import Decision, Edit
from PartialLabelSegLib.run.failure import Failure


def flat(edit: Edit, folder: Path, grid: Grid) -> list[int]:
    decision = Decision("CT 1", "Liver", "edited", edit=edit)
    return read_edits(folder, [decision], grid)[edit.file].tolist()


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_a_drawing_comes_back_where_it_was_drawn(
    tmp_path_factory: pytest.TempPathFactory, a_grid: Grid, seed: int, share: float
) -> None:
    folder = tmp_path_factory.mktemp("round")
    random = np.random.default_rng(seed)
    start = tuple(int(random.integers(0, size)) for size in a_grid.shape)
    shape = [int(random.integers(1, size - at + 1)) for at, size in zip(start, a_grid.shape)]
    mask = random.random(shape) < share
    edit = write_edit(folder, "CT_1", mask, (start[0], start[1], start[2]), a_grid)
    whole = np.zeros(a_grid.shape, bool)
    whole[tuple(slice(at, at + size) for at, size in zip(start, shape))] = mask
    assert flat(edit, folder, a_grid) == np.flatnonzero(whole).tolist()


def test_only_the_drawn_box_is_saved_on_the_scans_own_grid(tmp_path: Path, a_grid: Grid) -> None:
    mask = np.zeros(a_grid.shape, bool)
    mask[1, 2:4, 3] = True
    edit = write_edit(tmp_path, "CT_1", mask, (0, 0, 0), a_grid)
    image = sitk.ReadImage(str(tmp_path / edit.file))
    assert image.GetSize() == (1, 2, 1) and image.GetPixelIDValue() == sitk.sitkUInt8
    own = a_grid.image(np.zeros(a_grid.shape, np.uint8))
    assert image.GetOrigin() == pytest.approx(own.TransformIndexToPhysicalPoint((3, 2, 1)))
    start, voxels = read_edit(tmp_path, edit, a_grid)
    assert start == (1, 2, 3) and voxels.all()


def test_each_drawing_has_a_file_of_its_own(tmp_path: Path, a_grid: Grid) -> None:
    one = np.ones((1, 1, 1), bool)
    names = [write_edit(tmp_path, case, one, (0, 0, 0), a_grid).file for case in ("CT", "CT", "CT-2", "CT", "CT-2")]
    assert names == [f"edits/{name}.nrrd" for name in ("CT-1", "CT-2", "CT-2-1", "CT-3", "CT-2-2")]


def test_a_drawing_beyond_the_scan_is_a_mistake(tmp_path: Path, a_grid: Grid) -> None:
    with pytest.raises(ValueError, match="does not lie in a scan"):
        write_edit(tmp_path, "CT_1", np.ones((1, 1, 2), bool), (0, 0, a_grid.shape[2] - 1), a_grid)
    with pytest.raises(ValueError, match="does not lie in a scan"):
        write_edit(tmp_path, "CT_1", np.ones((1, 1, 1), bool), (-1, 0, 0), a_grid)


def test_a_drawing_that_is_not_what_was_drawn_is_refused(tmp_path: Path, a_grid: Grid) -> None:
    mask = np.ones((1, 2, 2), bool)
    edit = write_edit(tmp_path, "CT_1", mask, (1, 1, 1), a_grid)
    elsewhere = write_edit(tmp_path, "CT_1", mask, (1, 1, 2), a_grid)
    path = tmp_path / edit.file

    def refused(words: str) -> None:
        with pytest.raises(Failure, match=f"Case 'CT 1', structure 'Liver'.*{words}.*draw anew"):
            flat(edit, tmp_path, a_grid)

    content = path.read_bytes()
    path.write_bytes((tmp_path / elsewhere.file).read_bytes())
    refused("checksum")
    path.write_bytes(content[: len(content) // 2])
    refused("damaged")
    path.write_bytes(b"somebody else's diary")
    refused("damaged")
    path.unlink()
    refused("missing")
    path.write_bytes(content)
    assert len(flat(edit, tmp_path, a_grid)) == 4


@pytest.mark.parametrize(
    "grid",
    [
        Grid((9, 9, 9), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)),
        Grid((2, 2, 1), (0.7, 0.8, 2.5), (500.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)),
    ],
)
def test_a_drawing_of_another_scan_is_refused(tmp_path: Path, a_grid: Grid, grid: Grid) -> None:
    edit = write_edit(tmp_path, "CT_1", np.ones((1, 2, 2), bool), (0, 0, 0), a_grid)
    with pytest.raises(Failure, match="another one"):
        flat(edit, tmp_path, grid)


def test_a_drawing_outside_the_round_is_not_followed(tmp_path: Path, a_grid: Grid) -> None:
    for file in ("../secret.nrrd", "/etc/passwd", "C:\\a.nrrd"):
        with pytest.raises(Failure, match="leads out|cannot be followed"):
            flat(Edit(file, 0), tmp_path, a_grid)
