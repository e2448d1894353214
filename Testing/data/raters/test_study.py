"""The table of a study is read line by line, and every line that cannot be used is named with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.raters.studies import COLUMNS, KNEE, KNEE_LINE, TEMPLATE, knee_bone, write_knee, write_table
from data.small_scans import write_volume
from PartialLabelSegLib.data.labels import Slices
from PartialLabelSegLib.data.raters.study import read_study
from PartialLabelSegLib.data.raters.template import grid_sum
from PartialLabelSegLib.run.failure import Failure


def test_a_line_with_a_grid_takes_the_only_scoring_table_of_the_folder(tmp_path: Path) -> None:
    study = read_study(write_knee(tmp_path))
    assert study.problems == ()
    (row,) = study.rows
    assert (row.case, row.structure, row.split) == ("knee-1", "BML", "")
    assert row.template is not None and row.template.made_on == grid_sum(KNEE)
    assert row.template.keys == TEMPLATE.keys
    assert row.scores is not None and row.scores.name == "scores.csv"
    assert read_study(tmp_path / "study.csv").rows[0].case == "knee-1"
    assert study.structures == ("BML",) and study.cases == ("knee-1",)


def test_a_line_with_masks_names_raters_and_what_they_read(tmp_path: Path) -> None:
    for name in ("anna", "ben"):
        write_volume(tmp_path / f"{name}.nrrd", KNEE, knee_bone())
    line = {**KNEE_LINE, "grid": "", "masks": "anna=anna.nrrd; ben=ben.nrrd#1", "read": "ben: 1-3", "split": "Test"}
    (row,) = read_study(write_knee(tmp_path, [line])).rows
    assert {rater: (part.path.name, part.which) for rater, part in row.masks.items()} == {
        "anna": ("anna.nrrd", ""),
        "ben": ("ben.nrrd", "1"),
    }
    assert row.read == {"ben": Slices(0, (1, 2, 3))} and row.split == "test"


def test_a_part_of_a_file_is_named_behind_a_number_sign_which_a_file_name_may_also_have(tmp_path: Path) -> None:
    write_volume(tmp_path / "bone#2.nrrd", KNEE, knee_bone())
    (row,) = read_study(write_knee(tmp_path, [{**KNEE_LINE, "bone": "bone#2.nrrd"}])).rows
    assert row.bone is not None and (row.bone.path.name, row.bone.which) == ("bone#2.nrrd", "")
    (row,) = read_study(write_knee(tmp_path, [{**KNEE_LINE, "bone": "bone.nrrd#1"}])).rows
    assert row.bone is not None and (row.bone.path.name, row.bone.which) == ("bone.nrrd", "1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"case": ""}, "names no case"),
        ({"structure": ""}, "names no structure"),
        ({"structure": "Labels"}, "cannot be called 'Labels'"),
        ({"image": ""}, "names no image"),
        ({"image": "away.nrrd"}, "image 'away.nrrd' is missing"),
        ({"image": "../knee-1.nrrd"}, "leads out of its folder"),
        ({"bone": ""}, "has a grid without a bone mask"),
        ({"bone": "away.nrrd#1"}, "bone 'away.nrrd' is missing"),
        ({"grid": ""}, "names neither a grid with a scoring table nor masks"),
        ({"grid": "away.json"}, "grid 'away.json' is missing"),
        ({"grid": "scores.csv"}, "cannot be read"),
        ({"scores": "away.csv"}, "scores 'away.csv' is missing"),
        ({"scores": "scores.csv", "grid": "", "masks": "anna=bone.nrrd"}, "no grid for its scores"),
        ({"masks": "anna=away.nrrd"}, "mask of 'anna' 'away.nrrd' is missing"),
        ({"masks": "anna=bone.nrrd;anna=bone.nrrd"}, "its masks are not understood"),
        ({"read": "anna: 3"}, "its column read is for masks"),
        ({"masks": "anna=bone.nrrd", "read": "anna 3"}, "read is not understood"),
        ({"masks": "anna=bone.nrrd", "read": "ben: 3"}, "names 'ben', who has no mask"),
        ({"masks": "a=bone.nrrd;b=bone.nrrd", "read": "a: 3; b@y: 3"}, "along different axes"),
        ({"split": "often"}, "split 'often' is not one of"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, change: dict[str, str], message: str) -> None:
    study = read_study(write_knee(tmp_path, [{**KNEE_LINE, **change}]))
    assert study.rows == ()
    assert all(problem.message.startswith("line 2 of study.csv: ") for problem in study.problems)
    assert any(message in problem.message for problem in study.problems), study.problems


def test_lines_of_one_scan_must_not_contradict_each_other(tmp_path: Path) -> None:
    other = {**KNEE_LINE, "image": "bone.nrrd", "structure": "tibia"}
    study = read_study(write_knee(tmp_path, [KNEE_LINE, KNEE_LINE, other]))
    assert len(study.rows) == 3
    assert ["already" in problem.message for problem in study.problems] == [True, False]
    assert "another image" in study.problems[1].message


def test_no_or_several_scoring_tables_must_be_told_apart(tmp_path: Path) -> None:
    write_knee(tmp_path)
    (tmp_path / "scores.json").write_text("[]", encoding="utf-8")
    assert "the folder has 2 of scores.csv" in read_study(tmp_path).problems[0].message
    (tmp_path / "scores.json").unlink()
    (tmp_path / "scores.csv").unlink()
    assert "the folder has 0 of scores.csv" in read_study(tmp_path).problems[0].message


def test_a_line_with_too_few_cells_is_named(tmp_path: Path) -> None:
    write_knee(tmp_path)
    with open(tmp_path / "study.csv", "a", encoding="utf-8") as handle:
        handle.write("knee-2,BML\n")
    (problem,) = read_study(tmp_path).problems
    assert problem.message == "line 3 of study.csv has 2 cells, the first line has 9. Give it one cell per column."


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("case", "image"), "no column 'structure'"),
        ((*COLUMNS, "bones"), "a column 'bones', which means nothing here"),
        (("case", "structure", "image", "Case"), "two columns 'case'"),
    ],
)
def test_a_table_with_other_columns_is_a_sentence(tmp_path: Path, columns: tuple[str, ...], message: str) -> None:
    write_table(tmp_path / "study.csv", [], columns)
    with pytest.raises(Failure, match=message):
        read_study(tmp_path)


def test_a_study_that_is_not_there_or_names_nothing_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no study at"):
        read_study(tmp_path)
    write_table(tmp_path / "study.csv", [])
    with pytest.raises(Failure, match="names no scan"):
        read_study(tmp_path)
    (tmp_path / "study.csv").write_text("", encoding="utf-8")
    with pytest.raises(Failure, match="is empty"):
        read_study(tmp_path)
