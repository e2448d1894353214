"""A grid on key slices: between them it moves evenly, beyond them it stays, and it can draw itself in to the bone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.raters.studies import CORNERS, KNEE, TEMPLATE, knee_bone
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.raters.placement import Corners
from PartialLabelSegLib.data.raters.template import (
    OUTLINE,
    GridTemplate,
    around_bone,
    grid_sum,
    read_template,
    write_template,
)
from PartialLabelSegLib.run.failure import Failure


def square(low: float, high: float) -> Corners:
    return ((low, low), (low, high), (high, high), (high, low))


def test_between_two_key_slices_each_corner_moves_on_a_straight_line() -> None:
    template = GridTemplate(2, 2, {2: square(0, 10), 6: square(4, 18), 7: square(0, 1)})
    np.testing.assert_allclose(template.corners(3), square(1, 12))
    np.testing.assert_allclose(template.corners(5), square(3, 16))
    np.testing.assert_array_equal(template.corners(6), square(4, 18))


def test_before_the_first_and_after_the_last_key_slice_the_grid_stays() -> None:
    template = GridTemplate(2, 2, {2: square(0, 10), 6: square(4, 18)})
    np.testing.assert_array_equal(template.corners(0), square(0, 10))
    np.testing.assert_array_equal(template.corners(9), square(4, 18))


def test_the_cells_of_the_small_knee_by_hand() -> None:
    cells = TEMPLATE.cells(3, (12, 14))
    expected = np.full((12, 14), -1)
    for cell, (rows, columns) in enumerate([(r, c) for r in (2, 6) for c in (2, 5, 8)]):
        expected[rows : rows + 4, columns : columns + 3] = cell
    np.testing.assert_array_equal(cells, expected)
    assert TEMPLATE.cell_at(3, (6.2, 9.9)) == (1, 2)
    assert TEMPLATE.cell_at(3, (1.0, 9.9)) is None


def test_a_grid_that_follows_the_outline_divides_the_bones_height_and_each_rows_width() -> None:
    # A bone like an L: rows 2..3 are 8 wide (columns 2..9), rows 4..5 are 4 wide (columns 2..5).
    bone = np.zeros((10, 14), bool)
    bone[2:4, 2:10] = bone[4:6, 2:6] = True
    template = GridTemplate(2, 2, {0: ((-0.5, -0.5), (-0.5, 13.5), (9.5, 13.5), (9.5, -0.5))}, follow=OUTLINE)
    expected = np.full((10, 14), -1)
    expected[2:4, 2:6], expected[2:4, 6:10], expected[4:6, 2:4], expected[4:6, 4:6] = 0, 1, 2, 3
    np.testing.assert_array_equal(template.cells(0, (10, 14), bone), expected)
    placement = template.placement(0, bone)
    np.testing.assert_allclose(placement.polygon(1, 1), [[3.5, 3.5], [3.5, 5.5], [5.5, 5.5], [5.5, 3.5]], atol=1e-9)


def test_a_grid_that_follows_the_outline_leaves_out_bone_beyond_its_corners() -> None:
    template = replace(TEMPLATE, follow=OUTLINE)
    cells = template.cells(2, (12, 14), knee_bone()[2])
    np.testing.assert_array_equal(cells, TEMPLATE.cells(2, (12, 14)))


def test_on_a_slice_without_bone_the_quadrilateral_itself_is_divided() -> None:
    template = replace(TEMPLATE, follow=OUTLINE)
    empty = np.zeros((12, 14), bool)
    np.testing.assert_array_equal(template.cells(2, (12, 14), empty), TEMPLATE.cells(2, (12, 14)))
    np.testing.assert_array_equal(template.cells(2, (12, 14)), TEMPLATE.cells(2, (12, 14)))


def test_a_row_of_the_outline_that_misses_the_bone_has_the_whole_bones_width() -> None:
    bone = np.zeros((9, 9), bool)
    bone[0, 1:7] = bone[8, 2:5] = True
    template = GridTemplate(3, 1, {0: square(-0.5, 8.5)}, follow=OUTLINE)
    widths = template.placement(0, bone).widths * 9 - 0.5
    np.testing.assert_allclose(widths, [[0.5, 6.5], [0.5, 6.5], [1.5, 4.5]], atol=1e-9)


def test_the_first_placement_is_the_box_around_the_bone_on_each_of_its_slices() -> None:
    template = around_bone(knee_bone(), 2, 3)
    assert sorted(template.keys) == [1, 2, 3, 4]
    assert template.keys[1] == ((1.5, 1.5), (1.5, 11.5), (9.5, 11.5), (9.5, 1.5))
    assert ((template.cells(2, (12, 14)) >= 0) == knee_bone()[2]).all()
    along_x = around_bone(knee_bone(), 2, 3, axis=2)
    assert sorted(along_x.keys) == list(range(2, 12))
    assert along_x.keys[2] == ((0.5, 1.5), (0.5, 9.5), (4.5, 9.5), (4.5, 1.5))
    with pytest.raises(ValueError, match="no bone"):
        around_bone(np.zeros((2, 3, 3), bool), 2, 2)


def test_a_corner_that_is_moved_makes_a_key_slice_and_a_key_can_be_taken_away() -> None:
    moved = TEMPLATE.with_corners(4, square(3, 9))
    assert sorted(moved.keys) == [0, 4] and sorted(TEMPLATE.keys) == [0]
    assert moved.without_key(0).keys == {4: square(3, 9)}
    with pytest.raises(ValueError, match="at least one slice"):
        TEMPLATE.without_key(0)


def test_a_template_is_read_as_it_was_written(tmp_path: Path) -> None:
    template = GridTemplate(4, 5, {3: square(0.5, 9.25), 0: CORNERS}, axis=2, follow=OUTLINE)
    write_template(tmp_path / "grid.json", template, KNEE)
    assert read_template(tmp_path / "grid.json") == replace(template, made_on=grid_sum(KNEE))
    assert "spacing" not in (tmp_path / "grid.json").read_text(encoding="utf-8")


def test_corners_that_would_cross_between_two_key_slices_are_refused() -> None:
    low, high = (0.0, 0.0), (0.0, 9.0)
    turned = ((9.0, 9.0), (9.0, 0.0), low, high)
    assert GridTemplate(2, 2, {0: square(0, 9), 1: turned}).corners(1).tolist() == [list(point) for point in turned]
    with pytest.raises(ValueError, match="between slices 0 and 2 the corners cross"):
        GridTemplate(2, 2, {0: square(0, 9), 2: turned})


def test_a_template_of_another_scan_or_beyond_its_slices_is_refused() -> None:
    replace(TEMPLATE, made_on=grid_sum(KNEE)).check_grid(KNEE)
    TEMPLATE.check_grid(KNEE)
    other = Grid(KNEE.size, (0.5, 0.5, 3.1), KNEE.origin, KNEE.direction)
    with pytest.raises(Failure, match="other voxels"):
        replace(TEMPLATE, made_on=grid_sum(KNEE)).check_grid(other)
    with pytest.raises(Failure, match="slice 6, but the scan's slices are 0 to 5"):
        TEMPLATE.with_corners(6, CORNERS).check_grid(KNEE)


def test_the_sum_of_a_grid_does_not_hang_on_what_a_file_format_rounds() -> None:
    rounded = Grid(KNEE.size, (0.5000000119, 0.5, 3.0), (-3.0000001, 2.0, 10.0), KNEE.direction)
    assert grid_sum(rounded) == grid_sum(KNEE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 0}, "1 to 100 rows"),
        ({"rows": "2"}, "whole numbers"),
        ({"format": 2}, "format is 2"),
        ({"axis": "w"}, "not one of x, y, z"),
        ({"follow": "bone"}, "follows a"),
        ({"keys": {}}, "at least one slice"),
        ({"keys": {"-1": [[0, 0], [0, 4], [4, 4], [4, 0]]}}, "not a slice number"),
        ({"keys": {"1": [[0, 0], [0, 4], [4, 4]]}}, "four corners"),
        ({"keys": {"1": [[0, 0], [4, 4], [0, 4], [4, 0]]}}, "slice 1 do not form a convex"),
        ({"keys": {"1": [[0, 0], [0, "a"], [4, 4], [4, 0]]}}, "four corners"),
        ({"keys": {"0": [[0, 0], [0, 4], [4, 4], [4, 0]], "1": [[0, 0], [4, 0], [4, 4], [0, 4]]}}, "clockwise"),
        ({"keys": [1]}, 'no "keys"'),
        ({"made_on": "x"}, "made_on"),
    ],
)
def test_a_template_that_is_not_understood_is_a_sentence(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    (tmp_path / "grid.json").write_text(json.dumps({**TEMPLATE.to_json(), **change}), encoding="utf-8")
    with pytest.raises(Failure, match=message):
        read_template(tmp_path / "grid.json")


def test_a_template_that_is_no_object_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "grid.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(Failure, match="not understood"):
        read_template(tmp_path / "grid.json")
