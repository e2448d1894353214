"""Grades: in a study that has them a tick may say less than all of it; keys give them, tables bring them, and nothing loses them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6 import QtCore

from panel.rated_scene import AtKnee
from PartialLabelSegLib.data.raters.score_rows import read_rows
from PartialLabelSegLib.panel.raters.drawn_grid import lower_part
from PartialLabelSegLib.panel.raters.grid_view import Picture
from PartialLabelSegLib.panel.raters.rating import Rater, Rating, Study, level_of, levels_for
from PartialLabelSegLib.panel.raters.rating_text import from_json, to_json
from PartialLabelSegLib.panel.raters.readings import reading
from PartialLabelSegLib.panel.raters.score_file import score_rows

Key = QtCore.Qt.Key
ANNA = Rater("Anna", frozenset({(5, 0, 1), (5, 2, 3), (6, 1, 1)}), frozenset({5, 6}), None, {(5, 2, 3): 1 / 3})


def test_a_grade_belongs_to_a_tick_and_is_less_than_a_whole_one() -> None:
    assert [ANNA.grade(cell) for cell in ((5, 0, 1), (5, 2, 3), (5, 0, 0))] == [1, 1 / 3, 0]
    for grades in ({(5, 9, 9): 0.5}, {(5, 0, 1): 0.0}, {(5, 0, 1): 1.0}):
        with pytest.raises(ValueError, match="grade"):
            replace(ANNA, grades=grades)
    with pytest.raises(ValueError, match="1 to 9 grades"):
        Study(levels=10)


def test_a_new_grade_takes_the_place_of_the_old_one_and_goes_with_the_tick() -> None:
    higher = ANNA.ticked(5, [(2, 3)], 2 / 3)
    assert higher.grades == {(5, 2, 3): 2 / 3} and higher.ticks == ANNA.ticks
    assert ANNA.ticked(5, [(2, 3)]).grades == {}
    gone = ANNA.ticked(5, [(2, 3)], 0.0)
    assert gone.grades == {} and gone.ticks == {(5, 0, 1), (6, 1, 1)}


def test_levels_are_the_fewest_that_hold_the_grades() -> None:
    assert levels_for([]) == levels_for([1.0, 0.0]) == 1
    assert levels_for([0.5, 1.0]) == 2 and levels_for([0.33, 0.67]) == 3 and levels_for([0.25, 0.5]) == 4
    assert levels_for([0.5, 0.47, 0.31, 0.13]) == 1, "nothing up to 9 fits"
    assert [level_of(grade, 3) for grade in (0.0, 0.1, 0.33, 0.67, 1.0)] == [0, 1, 1, 2, 3]


def test_grades_go_to_json_and_back_and_into_the_scoring_table(tmp_path: Path) -> None:
    study = Study((Rating("v", "knee", raters=(ANNA,)),), None, 3, levels=3)
    assert from_json(json.loads(json.dumps(to_json(study)))) == study
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(score_rows(study)), encoding="utf-8")
    ticks = {tuple(int(row.cells[name]) for name in ("slice", "row", "column")): row for row in read_rows(path)[:3]}
    assert float(ticks[5, 2, 3].cells["tick"]) == 1 / 3 and ticks[5, 0, 1].cells["tick"] == "1"


def test_what_was_saved_without_grades_is_read() -> None:
    value = to_json(Study((Rating("v", "knee", raters=(replace(ANNA, grades={}),)),), None, 1))
    value["format"] = 1
    del value["levels"], value["ratings"][0]["raters"][0]["grades"]
    study = from_json(value)
    assert study.levels == 1 and study.ratings[0].raters[0].grades == {}


def test_the_data_room_gets_the_grades() -> None:
    found = reading(Rating("v", "knee", raters=(ANNA,)), ANNA, (8, 9, 10), lambda drawing: None)
    assert {tick.cell: tick.grade for tick in found.ticks} == {(5, 0, 1): 1, (5, 2, 3): 1 / 3, (6, 1, 1): 1}


def test_a_cell_is_filled_from_below_by_its_grade() -> None:
    quads = np.array([[[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]]])
    assert lower_part(quads, 0.25).tolist() == [[[6.0, 0.0], [6.0, 4.0], [8.0, 4.0], [8.0, 0.0]]]
    np.testing.assert_array_equal(lower_part(quads, 1.0), quads)


def with_grades(knee: AtKnee, levels: int) -> None:
    box = knee.opened.find("raters_levels")
    box.setCurrentIndex(levels - 1)
    knee.settle()


def test_keys_give_grades_which_the_label_shows(knee: AtKnee) -> None:
    knee.read()
    assert not knee.opened.is_seen("raters_level")
    knee.key(Key.Key_2)
    assert not knee.rating.current.ticks, "without grades the keys do nothing"
    with_grades(knee, 3)
    row, column = knee.controller.room.cell
    knee.key(Key.Key_1)
    knee.key(Key.Key_Right)
    knee.key(Key.Key_2)
    knee.key(Key.Key_Right)
    knee.key(Key.Key_3)
    knee.key(Key.Key_4)
    rater = knee.rating.current
    cells = [(6, row, column + step) for step in range(3)]
    assert [rater.grade(cell) for cell in cells] == [1 / 3, 2 / 3, 1] and len(rater.ticks) == 3
    assert knee.opened.find("raters_level").currentText() == "grade 3 of 3"
    picture = knee.controller._picture(6)
    assert isinstance(picture, Picture)
    fills = [item.fill for item in picture.marked]
    assert fills == [1 / 3, 2 / 3, 1] and "grade 3 of 3" in picture.words
    knee.picture("raters_grades")
    knee.click("raters_part_together")
    knee.controller.soft.choose(method="share")
    knee.settle()
    prepared = knee.controller.room.together.prepared
    assert prepared is not None
    np.testing.assert_allclose(sorted(set(prepared.sums[6]))[1:], [1 / 3, 2 / 3, 1], rtol=1e-6)
    knee.picture("raters_grades_together")


def test_a_click_gives_the_chosen_grade_and_a_second_one_takes_it_away(knee: AtKnee) -> None:
    knee.read()
    with_grades(knee, 4)
    knee.opened.find("raters_level").setCurrentIndex(1)
    knee.settle()
    knee.press_cell(3, 3)
    assert knee.rating.current.grade((6, 3, 3)) == 0.5
    knee.opened.find("raters_level").setCurrentIndex(2)
    knee.settle()
    knee.press_cell(3, 3)
    assert knee.rating.current.grade((6, 3, 3)) == 0.75, "another grade takes the place of the one before"
    knee.press_cell(3, 3)
    assert not knee.rating.current.ticks
    knee.click("raters_undo")
    assert knee.rating.current.grade((6, 3, 3)) == 0.75
    knee.key(Key.Key_0)
    assert not knee.rating.current.ticks and knee.rating.current.has_read(6)


def test_undo_brings_back_the_number_of_grades(knee: AtKnee) -> None:
    knee.read()
    with_grades(knee, 5)
    assert knee.controller.room.sitting.study.levels == 5
    knee.click("raters_undo")
    assert knee.controller.room.sitting.study.levels == 1 and not knee.opened.is_seen("raters_level")


def test_a_table_with_grades_brings_them_along(knee: AtKnee, tmp_path: Path) -> None:
    knee.read()
    table = tmp_path / "scores.csv"
    table.write_text(
        "scan,structure,rater,slice,row,column,grade\n"
        "knee 1,Femur lesion,Ben,6,3,3,0.33\n"
        "knee 1,Femur lesion,Ben,6,3,4,1\n"
        "knee 1,Femur lesion,Ben,7,2,2,0\n",
        encoding="utf-8",
    )
    knee.opened.application.answers.append(table)
    knee.click("raters_file")
    ben = knee.rating.rater_named("Ben")
    assert ben is not None, knee.desk.message
    assert ben.ticks == {(6, 3, 3), (6, 3, 4)} and ben.grades == {(6, 3, 3): 0.33}
    assert knee.controller.room.sitting.study.levels == 3
