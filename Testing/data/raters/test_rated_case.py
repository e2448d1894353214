"""The scans of a study come one after the other, or not at all: then everything that is wrong is said at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from data.raters.studies import CORNERS, KNEE, KNEE_LINE, SCORES, TEMPLATE, knee_bone, write_knee
from data.small_scans import STRAIGHT, write_volume
from data.test_dicom import write_series
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.raters.rated_case import RatedCase, rated_cases, scan_grid
from PartialLabelSegLib.data.raters.study import read_study
from PartialLabelSegLib.data.raters.template import write_template
from PartialLabelSegLib.data.raters.types import Mistakes


def cases(folder: Path) -> list[RatedCase]:
    return list(rated_cases(read_study(folder)))


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        cases(folder)
    return [problem.sentence() for problem in caught.value.problems]


def test_a_study_of_ticks_is_read_whole(tmp_path: Path) -> None:
    (case,) = cases(write_knee(tmp_path))
    assert case.case == "knee-1" and case.grid == KNEE and case.series is None and case.warnings == ()
    scan = case.structures["BML"]
    assert [(one.rater, len(one.ticks)) for one in scan.readings] == [("anna", 1), ("ben", 2), ("cara", 0)]
    assert scan.bone is not None and scan.image is not None
    np.testing.assert_array_equal(scan.bone, knee_bone())
    assert scan.readers().tolist() == [3] * 6


def test_masks_count_on_the_slices_that_are_said_to_be_read(tmp_path: Path) -> None:
    line = {**KNEE_LINE, "bone": "", "grid": "", "masks": "ben=bone.nrrd;anna=bone.nrrd", "read": "ben: 1-3"}
    scan = cases(write_knee(tmp_path, [line]))[0].structures["BML"]
    assert [one.rater for one in scan.readings] == ["anna", "ben"]
    assert scan.readers().tolist() == [1, 2, 2, 2, 1, 1]
    assert scan.bone is None and scan.template is None


def test_a_scan_may_have_ticks_of_some_raters_and_masks_of_others(tmp_path: Path) -> None:
    scan = cases(write_knee(tmp_path, [{**KNEE_LINE, "masks": "dora=bone.nrrd"}]))[0].structures["BML"]
    assert [one.rater for one in scan.readings] == ["anna", "ben", "cara", "dora"]
    assert (
        "'anna' has ticks and a mask" in mistakes(write_knee(tmp_path, [{**KNEE_LINE, "masks": "anna=bone.nrrd"}]))[0]
    )


def test_readers_in_one_file_may_have_read_different_slices(tmp_path: Path) -> None:
    write_knee(tmp_path)
    part = KNEE.image(knee_bone())
    sitk.WriteImage(sitk.JoinSeries([part, part]), str(tmp_path / "readers.nii.gz"))
    line = {**KNEE_LINE, "bone": "", "grid": "", "masks": "readers.nii.gz", "read": "reader-2@y: 3-4"}
    scan = cases(write_knee(tmp_path, [line]))[0].structures["BML"]
    assert scan.axis == 1 and scan.readers().tolist() == [1, 1, 1, 2, 2, *[1] * 7]
    strange = {**line, "read": "reader-3: 1"}
    assert "'reader-3', who has no mask" in mistakes(write_knee(tmp_path, [strange]))[0]


def test_everything_that_is_wrong_is_said_at_once_and_no_scan_is_handed_out(tmp_path: Path) -> None:
    lines = [
        KNEE_LINE,
        {**KNEE_LINE, "case": "knee-2", "bone": ""},
        {**KNEE_LINE, "case": "knee-3", "bone": "empty.nrrd"},
        {**KNEE_LINE, "case": "knee-4", "bone": "away.nrrd"},
        {**KNEE_LINE, "case": "knee-5", "image": "broken.nrrd"},
    ]
    scores = SCORES + "".join(f"knee-{number},anna,2,0,0\n" for number in (2, 3, 4, 5, 9)) + "knee-1,anna,2,7,0\n"
    write_knee(tmp_path, lines, scores)
    write_volume(tmp_path / "empty.nrrd", KNEE, np.zeros(KNEE.shape, np.uint8))
    away = Grid(STRAIGHT.size, STRAIGHT.spacing, (500.0, 0.0, 0.0), STRAIGHT.direction)
    write_volume(tmp_path / "away.nrrd", away, np.ones(away.shape, np.uint8))
    (tmp_path / "broken.nrrd").write_bytes(b"NRRD0004\n")
    stream = rated_cases(read_study(tmp_path))
    with pytest.raises(Mistakes) as caught:
        next(stream)
    problems = caught.value.problems
    assert [problem.case for problem in problems] == ["knee-2", "knee-5", "knee-9", "knee-1", "knee-3", "knee-4"]
    said = "\n".join(problem.sentence() for problem in problems)
    for expected in (
        "line 3 of study.csv: it has a grid without a bone mask",
        "line 10 of scores.csv: the study has no scan of this name",
        "line 11 of scores.csv: row 7, column 0 is outside the grid",
        "Case 'knee-3', structure 'BML': its bone mask is empty",
        "Case 'knee-4', structure 'BML': away.nrrd lies elsewhere",
        "Case 'knee-5'",
    ):
        assert expected in said, said


def test_a_mistake_in_a_later_scan_is_raised_after_the_earlier_ones(tmp_path: Path) -> None:
    lines = [KNEE_LINE, {**KNEE_LINE, "case": "knee-2", "bone": "empty.nrrd"}]
    write_knee(tmp_path, lines, SCORES + "knee-2,anna,2,0,0\n")
    write_volume(tmp_path / "empty.nrrd", KNEE, np.zeros(KNEE.shape, np.uint8))
    stream = rated_cases(read_study(tmp_path))
    assert next(stream).case == "knee-1"
    with pytest.raises(Mistakes, match="bone mask is empty"):
        next(stream)


def test_a_scan_that_nobody_read_is_named(tmp_path: Path) -> None:
    write_knee(tmp_path, [KNEE_LINE, {**KNEE_LINE, "case": "knee-2"}])
    (sentence,) = mistakes(tmp_path)
    assert sentence.startswith("Case 'knee-2', structure 'BML': scores.csv has no row of anybody who read it.")


def test_a_grid_of_another_scan_is_named(tmp_path: Path) -> None:
    write_knee(tmp_path)
    other = Grid(KNEE.size, (0.4, 0.5, 3.0), KNEE.origin, KNEE.direction)
    write_template(tmp_path / "grid.json", TEMPLATE, other)
    assert "was made on an image with other voxels" in mistakes(tmp_path)[0]
    write_template(tmp_path / "grid.json", replace(TEMPLATE, keys={9: CORNERS}), KNEE)
    assert "corners on slice 9" in mistakes(tmp_path)[0]


def test_a_bone_on_another_grid_is_used_and_said(tmp_path: Path) -> None:
    write_knee(tmp_path, [{**KNEE_LINE, "bone": "coarse.nrrd"}])
    coarse = Grid((7, 6, 6), (1.0, 1.0, 3.0), (-2.75, 2.25, 10.0), KNEE.direction)
    write_volume(tmp_path / "coarse.nrrd", coarse, np.ones(coarse.shape, np.uint8))
    (case,) = cases(tmp_path)
    assert case.warnings[0].sentence().startswith("Case 'knee-1', structure 'BML': coarse.nrrd lies on another grid")


def test_a_dicom_series_is_kept_as_where_the_scan_came_from(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct")
    grid = scan_grid(folder)
    write_volume(tmp_path / "anna.nrrd", grid, np.ones(grid.shape, np.uint8))
    line = {"case": "ct-1", "structure": "nodule", "image": "ct", "masks": "anna=anna.nrrd"}
    (case,) = cases(write_knee(tmp_path, [line]))
    assert case.series == folder


@pytest.mark.parametrize("name", ["scan.nrrd", "scan.nii.gz", "scan.mha"])
def test_the_grid_of_a_scan_is_known_from_its_header(tmp_path: Path, name: str) -> None:
    assert scan_grid(write_volume(tmp_path / name, KNEE)).same_as(KNEE)
