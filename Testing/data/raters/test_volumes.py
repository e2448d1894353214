"""The table of volumes, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.raters.studies import knee, masks, reading
from PartialLabelSegLib.data.raters.rated import rater_masks
from PartialLabelSegLib.data.raters.recipe import Recipe, make
from PartialLabelSegLib.data.raters.volumes import mean_grades, volumes_of, write_volumes


def test_a_rater_has_ticked_cells_and_their_volume_inside_the_bone() -> None:
    scan = knee(reading("anna", (2, 0, 0), (0, 0, 0)), reading("ben", (2, 0, 0), slices={1, 2}))
    made = make(scan, Recipe("share"))
    anna, ben, hard, soft = volumes_of("knee-1", "BML", made, rater_masks(scan), 0.75)
    # Slice 0 has no bone: the cell counts as ticked, and has no volume.
    assert (anna.slices_read, anna.ticked_cells, anna.voxels, anna.ml) == (6, 2, 12, 9.0)
    assert (ben.slices_read, ben.ticked_cells, ben.voxels, ben.ml) == (2, 1, 12, 9.0)
    # Of slice 0, which anna alone read, the share of the votes is 1: that method knows no bone.
    assert (hard.kind, hard.ticked_cells, hard.voxels) == ("hard", 2, 24)
    assert (soft.kind, soft.rater, soft.ticked_cells, soft.voxels) == ("soft", "", 2, 24)


def test_the_label_of_all_has_mean_grades_and_expected_voxels() -> None:
    scan = knee(reading("anna", (2, 0, 0), (3, 0, 0)), reading("ben", (2, 0, 0)), reading("cara", (2, 0, 0)))
    grades = mean_grades(scan)
    assert grades is not None and grades.shape == (6, 2, 3)
    assert grades[2, 0, 0] == 1.0 and grades[3, 0, 0] == pytest.approx(1 / 3)
    rows = volumes_of("knee-1", "BML", make(scan, Recipe("share")), rater_masks(scan), 0.75)
    hard, soft = rows[-2:]
    assert (hard.ticked_cells, hard.voxels) == (1, 12)
    assert soft.ticked_cells == pytest.approx(4 / 3)
    assert soft.voxels == pytest.approx(16, rel=1e-6) and soft.ml == pytest.approx(12, rel=1e-6)


def test_raters_with_masks_have_no_ticked_cells(tmp_path: Path) -> None:
    scan = masks(np.ones((2, 2, 2)), np.zeros((2, 2, 2)))
    rows = volumes_of("a", "nodule", make(scan, Recipe("share")), rater_masks(scan), 0.001)
    assert mean_grades(scan) is None
    write_volumes(tmp_path / "volumes.csv", rows)
    assert (tmp_path / "volumes.csv").read_text(encoding="utf-8") == (
        "case,structure,kind,rater,slices_read,ticked_cells,voxels,ml\n"
        "a,nodule,rater,r0,2,,8,0.008\n"
        "a,nodule,rater,r1,2,,0,0\n"
        "a,nodule,hard,,2,,8,0.008\n"
        "a,nodule,soft,,2,,4,0.004\n"
    )
