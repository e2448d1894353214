"""Rows of a scoring table turned into readings: what was ticked, what was read, and every bad row named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.raters.studies import TEMPLATE
from PartialLabelSegLib.data.raters.score_rows import COLUMNS, ScoreRow
from PartialLabelSegLib.data.raters.scores import Target, readings_of
from PartialLabelSegLib.data.raters.types import Tick

TARGETS = {("k1", "BML"): Target(TEMPLATE, 6)}
TWO = {("k1", "tibia"): Target(TEMPLATE, 6), ("k1", "femur"): Target(TEMPLATE, 6)}


def rows(*texts: str) -> list[ScoreRow]:
    """Rows 'scan,structure,rater,slice,row,column,tick'."""
    named = [dict(zip(COLUMNS, text.split(","))) for text in texts]
    return [ScoreRow(f"line {number} of scores.csv", cells) for number, cells in enumerate(named, 2)]


def wrong(*texts: str, targets: dict[tuple[str, str], Target] = TARGETS, first: int = 0) -> list[str]:
    return [problem.message for problem in readings_of(rows(*texts), targets, first)[1]]


def test_a_rater_with_any_row_read_the_whole_scan_and_one_without_did_not() -> None:
    found, problems = readings_of(rows("k1,,ben,2,0,1,1", "k1,,anna,2,0,1,no"), TARGETS)
    assert not problems
    anna, ben = found[("k1", "BML")]
    assert (anna.rater, ben.rater) == ("anna", "ben")
    assert anna.slices is None and ben.slices is None
    assert anna.ticks == (Tick(2, 0, 1, 0.0),) and ben.ticks == (Tick(2, 0, 1, 1.0),)


def test_rows_that_say_what_was_read_narrow_it_to_these_and_the_ticked_slices() -> None:
    found, problems = readings_of(rows("k1,,anna,1-2,,,read", "k1,,anna,4,0,0,1", "k1,,ben,all,,,"), TARGETS)
    assert not problems
    anna, ben = found[("k1", "BML")]
    assert anna.slices == frozenset({1, 2, 4})
    assert ben.slices is None and ben.ticks == ()


def test_a_row_of_read_slices_without_a_structure_holds_for_all_and_with_one_for_that_alone() -> None:
    found, problems = readings_of(rows("k1,,anna,1,,,read", "k1,tibia,ben,2,,,read", "k1,femur,cara,3,0,0,1"), TWO)
    assert not problems
    tibia, femur = found[("k1", "tibia")], found[("k1", "femur")]
    assert [(one.rater, one.slices) for one in tibia] == [("anna", {1}), ("ben", {2}), ("cara", None)]
    assert [(one.rater, one.slices) for one in femur] == [("anna", {1}), ("cara", None)]


def test_a_target_that_nobody_speaks_of_has_no_reading() -> None:
    assert readings_of([], TARGETS) == ({("k1", "BML"): ()}, ())


@pytest.mark.parametrize(
    ("text", "grade"),
    [("1", 1), ("x", 1), ("YES", 1), ("0", 0), ("no", 0), ("0.25", 0.25), ("40%", 0.4), ("100 %", 1)],
)
def test_a_tick_is_a_yes_a_no_or_a_share(text: str, grade: float) -> None:
    found, problems = readings_of(rows(f"k1,,anna,2,0,1,{text}"), TARGETS)
    assert not problems
    assert found[("k1", "BML")][0].ticks[0].grade == pytest.approx(grade)


def test_a_decimal_comma_is_understood() -> None:
    row = ScoreRow("row 2", dict(zip(COLUMNS, ["k1", "", "anna", "2", "0", "1", "0,25"])))
    assert readings_of([row], TARGETS)[0][("k1", "BML")][0].ticks[0].grade == 0.25


def test_a_table_may_count_from_one() -> None:
    found, problems = readings_of(rows("k1,,anna,6,2,3,1", "k1,,ben,1-2,,,read"), TARGETS, first=1)
    assert not problems
    anna, ben = found[("k1", "BML")]
    assert anna.ticks == (Tick(5, 1, 2),) and ben.slices == frozenset({0, 1})
    assert "not a whole number from 1" in wrong("k1,,anna,0,1,1,1", first=1)[0]
    with pytest.raises(ValueError, match="from 0 or 1"):
        readings_of([], TARGETS, first=2)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("k9,,anna,2,0,1,1", "no scan of this name with a grid and a bone mask"),
        ("k1,patella,anna,2,0,1,1", "no structure of this name with a grid"),
        (",,anna,2,0,1,1", "names no scan"),
        ("k1,,,2,0,1,1", "names no rater"),
        ("k1,,anna,2,2,1,1", "row 2, column 1 is outside the grid, whose last row and column are 1 and 2"),
        ("k1,,anna,2,0,3,1", "row 0, column 3 is outside the grid"),
        ("k1,,anna,6,0,1,1", "slice 6 is not in the scan, whose last is 5"),
        ("k1,,anna,-1,0,1,1", "slice '-1' is not a whole number"),
        ("k1,,anna,2,B,1,1", "row 'B' is not a whole number"),
        ("k1,,anna,2,0,,1", "column '' is not a whole number"),
        ("k1,,anna,2,,,1", "row '' is not a whole number"),
        ("k1,,anna,2.5,0,1,1", "slice '2.5' is not"),
        ("k1,,anna,2,0,1,maybe", "tick 'maybe' is not yes, no, or a share"),
        ("k1,,anna,2,0,1,2", "tick '2' is not"),
        ("k1,,anna,2,0,1,", "tick '' is not"),
        ("k1,,anna,5-9,,,read", "slices '5-9' are not all in the scan"),
        ("k1,,anna,9-5,,,read", "slices are not understood"),
    ],
)
def test_a_bad_row_is_named_with_its_place_and_reason(row: str, message: str) -> None:
    (text,) = wrong("k1,,ben,1,0,0,1", row)
    assert text.startswith("line 3 of scores.csv: ")
    assert message in text


def test_all_bad_rows_are_named_at_once_with_their_scan_and_structure() -> None:
    problems = readings_of(rows("k9,,anna,1,0,0,1", "k1,,anna,9,0,0,1", "k1,,anna,2,0,0,1"), TARGETS)[1]
    assert [(problem.case, problem.structure) for problem in problems] == [("k9", ""), ("k1", "BML")]


def test_rows_of_a_scan_with_a_mistake_of_its_own_are_not_named_as_well() -> None:
    found, problems = readings_of(
        rows("k9,,anna,1,0,0,1", "k8,,anna,1,0,0,1", "k1,,anna,9,0,0,1"), TARGETS, 0, {"k9", "k1"}
    )
    assert [problem.case for problem in problems] == ["k8", "k1"]
    assert "slice 9" in problems[1].message
    assert set(found) == {("k1", "BML")}


def test_a_rater_who_says_two_things_of_one_cell_is_named_and_one_who_repeats_is_not() -> None:
    assert wrong("k1,,anna,2,0,1,1", "k1,,anna,2,0,1,x") == []
    (text,) = wrong("k1,,anna,2,0,1,1", "k1,,ben,2,0,1,0", "k1,,anna,2,0,1,0")
    assert text == "line 4 of scores.csv: the same rater says something else of this cell in line 2 of scores.csv."


def test_a_tick_must_name_its_structure_where_the_scan_has_several() -> None:
    assert "names no structure, and this scan has several" in wrong("k1,,anna,2,0,1,1", targets=TWO)[0]
    assert wrong("k1,femur,anna,2,0,1,1", targets=TWO) == []


def test_readings_count_slices_along_the_grids_axis() -> None:
    targets = {("k1", "BML"): Target(replace(TEMPLATE, axis=2), 14)}
    found, _ = readings_of(rows("k1,,anna,13,0,1,1"), targets)
    assert found[("k1", "BML")][0].axis == 2
