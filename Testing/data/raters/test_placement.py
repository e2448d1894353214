"""The cells of a grid on one slice: by hand for squares, and by the grid's own lines for any quadrilateral."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from PartialLabelSegLib.data.raters.placement import Placement, signed_areas

SQUARE = np.array([[0.0, 0.0], [0.0, 4.0], [4.0, 4.0], [4.0, 0.0]])


def quadrilaterals() -> st.SearchStrategy[np.ndarray]:
    """Squares of 40 voxels whose corners are moved by up to 15 each way (always convex), turned and mirrored."""

    def moved(shifts: list[float], turn: int, mirrored: bool) -> np.ndarray:
        corners = np.array([[5.0, 5.0], [5.0, 45.0], [45.0, 45.0], [45.0, 5.0]]) + np.reshape(shifts, (4, 2))
        corners = np.roll(corners, turn, axis=0)
        return corners[:, ::-1].copy() if mirrored else corners

    shifts = st.lists(st.floats(-9, 9), min_size=8, max_size=8)
    return st.builds(moved, shifts, st.integers(0, 3), st.booleans())


def test_a_square_of_two_by_two_cells_by_hand() -> None:
    cells = Placement.plain(SQUARE, 2, 2).cells((6, 6))
    assert cells.dtype == np.int32
    assert cells.tolist() == [
        [0, 0, 1, 1, 1, -1],
        [0, 0, 1, 1, 1, -1],
        [2, 2, 3, 3, 3, -1],
        [2, 2, 3, 3, 3, -1],
        [2, 2, 3, 3, 3, -1],
        [-1, -1, -1, -1, -1, -1],
    ]


def test_a_grid_that_reaches_beyond_the_slice_is_cut_at_its_edge() -> None:
    placement = Placement.plain(SQUARE - 2.0, 2, 2)
    assert placement.cells((2, 4)).tolist() == [[3, 3, 3, -1], [3, 3, 3, -1]]
    assert (Placement.plain(SQUARE + 20, 2, 2).cells((6, 6)) == -1).all()


def test_a_trapezoid_is_cut_by_lines_that_join_even_parts_of_opposite_edges() -> None:
    # The line between the two columns runs from (0, 4) down to (8, 6).
    placement = Placement.plain(np.array([[0.0, 2.0], [0.0, 6.0], [8.0, 12.0], [8.0, 0.0]]), 2, 2)
    assert placement.cell_at((4.0, 4.9)) == (1, 0)
    assert placement.cell_at((4.0, 5.1)) == (1, 1)
    assert placement.cell_at((3.9, 5.1)) == (0, 1)
    assert placement.cell_at((4.0, 0.9)) is None
    np.testing.assert_allclose(placement.polygon(0, 1), [[0, 4], [0, 6], [4, 9], [4, 5]])


@settings(max_examples=40)
@given(quadrilaterals(), st.integers(1, 4), st.integers(1, 7))
def test_every_cell_holds_its_own_middle_and_the_grid_holds_no_other(
    corners: np.ndarray, rows: int, columns: int
) -> None:
    placement = Placement.plain(corners, rows, columns)
    for row in range(rows):
        for column in range(columns):
            middle = placement.polygon(row, column).mean(axis=0)
            assert placement.cell_at((float(middle[0]), float(middle[1]))) == (row, column)
    assert placement.cell_at((float(corners[:, 0].min()) - 1.0, float(corners[:, 1].mean()))) is None


@settings(max_examples=40)
@given(quadrilaterals(), st.integers(1, 4), st.integers(1, 4))
def test_each_voxel_lies_in_the_polygon_of_its_cell_and_one_without_cell_lies_outside_the_grid(
    corners: np.ndarray, rows: int, columns: int
) -> None:
    placement = Placement.plain(corners, rows, columns)
    cells = placement.cells((50, 50))
    first, second = np.mgrid[:50, :50]
    for cell in range(rows * columns):
        polygon = placement.polygon(*divmod(cell, columns))
        assert _inside(polygon, first[cells == cell], second[cells == cell], 1e-6).all()
    assert not _inside(corners, first[cells == -1], second[cells == -1], -1e-6).any()


def _inside(polygon: np.ndarray, first: np.ndarray, second: np.ndarray, slack: float) -> np.ndarray:
    """Half-plane tests, an independent way to say the same."""
    sign = np.sign(signed_areas(polygon)[0])
    inside = np.ones(first.shape, bool)
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0)):
        edge = end - start
        side = (first - start[0]) * edge[1] - (second - start[1]) * edge[0]
        inside &= sign * side >= -slack * np.hypot(*edge)
    return inside


@given(quadrilaterals(), st.floats(0, 1), st.floats(0, 1))
def test_the_shares_of_a_point_lead_back_to_it(corners: np.ndarray, u: float, v: float) -> None:
    placement = Placement.plain(corners, 1, 1)
    point = placement.point(u, v)
    found = placement.shares(point[0:1], point[1:2])
    np.testing.assert_allclose(np.ravel(found), [u, v], atol=1e-7)


@pytest.mark.parametrize(
    "corners",
    [
        SQUARE[[0, 2, 1, 3]],
        np.array([[0.0, 0.0], [0.0, 4.0], [1.0, 1.0], [4.0, 0.0]]),
        np.zeros((4, 2)),
    ],
)
def test_corners_that_form_no_convex_quadrilateral_are_refused(corners: np.ndarray) -> None:
    with pytest.raises(ValueError, match="convex"):
        Placement.plain(corners, 2, 2)


def test_rows_and_columns_need_some_extent() -> None:
    with pytest.raises(ValueError, match="extent"):
        Placement(SQUARE, (0.5, 0.5), np.array([[0.0, 1.0]]), 1)
    with pytest.raises(ValueError, match="rows and columns"):
        Placement.plain(SQUARE, 2, 0)
    with pytest.raises(ValueError, match="no cell 2, 0"):
        Placement.plain(SQUARE, 2, 2).polygon(2, 0)
