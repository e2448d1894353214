"""A reading says what was read as well as what was marked, and refuses to contradict itself."""

from __future__ import annotations

import numpy as np
import pytest

from PartialLabelSegLib.data.raters.types import Mistakes, Reading, Tick
from PartialLabelSegLib.data.types import Problem


def test_a_reading_of_the_whole_scan_read_every_slice() -> None:
    assert Reading("a", "anna").read(3).tolist() == [True, True, True]
    assert Reading("a", "anna", frozenset({0, 2})).read(3).tolist() == [True, False, True]


def test_a_slice_that_the_scan_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="'anna' read slice 3; the scan's slices are 0 to 2"):
        Reading("a", "anna", frozenset({1, 3})).read(3)


@pytest.mark.parametrize(
    ("cell", "grade", "message"),
    [((-1, 0, 0), 1.0, "count from 0"), ((0, 0, 0), 1.5, "0..1"), ((0, 0, 0), float("nan"), "0..1")],
)
def test_a_tick_outside_its_range_is_refused(cell: tuple[int, int, int], grade: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tick(*cell, grade)


def test_a_reading_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="not read"):
        Reading("a", "anna", frozenset({1}), (Tick(2, 0, 0),))
    with pytest.raises(ValueError, match="ticked a cell twice"):
        Reading("a", "anna", None, (Tick(2, 0, 0), Tick(2, 0, 0, 0.5)))
    with pytest.raises(ValueError, match="without ticks"):
        Reading("a", "anna", None, (Tick(2, 0, 0),), np.zeros((3, 2, 2), bool))
    with pytest.raises(ValueError, match="mask is bool"):
        Reading("a", "anna", None, (), np.zeros((3, 2, 2), np.uint8))
    with pytest.raises(ValueError, match="axis must be"):
        Reading("a", "anna", axis=3)


def test_mistakes_are_all_kept_and_the_first_twenty_are_said() -> None:
    mistakes = Mistakes("The study", [Problem(f"line {number} is wrong.") for number in range(25)])
    assert len(mistakes.problems) == 25
    assert str(mistakes).startswith("The study has 25 mistakes; nothing was written.\n- line 0 is wrong.")
    assert "- line 19 is wrong." in str(mistakes)
    assert "line 20" not in str(mistakes)
    assert str(mistakes).endswith("- and 5 more.")
    assert "has 1 mistake;" in str(Mistakes("It", [Problem("wrong.")]))
