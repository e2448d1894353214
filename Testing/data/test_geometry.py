"""Grids in patient space: what is refused, what stays where it was, and the resampling rules."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from data.small_scans import IDENTITY, OBLIQUE, STRAIGHT, grey_values, turned
from PartialLabelSegLib.data.geometry import Grid, resample_image, resample_labels

# No scanner writes an angle of 1e-300, and the inverse of such a matrix is no number.
ANGLES = st.floats(-180, 180).map(lambda angle: round(angle, 9))
SPACINGS = st.tuples(*[st.floats(0.3, 6.0)] * 3)
SIZES = st.tuples(*[st.integers(1, 9)] * 3)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    order = draw(st.permutations([0, 1, 2]))
    signs = draw(st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3))
    matrix = np.reshape(turned(draw(ANGLES), draw(ANGLES)), (3, 3))[:, order] * np.array(signs)
    return Grid(draw(SIZES), draw(SPACINGS), (1.0, -2.0, 3.0), tuple(float(value) for value in matrix.ravel()))


def centre(grid: Grid, index: tuple[int, int, int]) -> np.ndarray:
    """The place of a voxel (x, y, z), as SimpleITK has it."""
    return np.array(grid.image(np.zeros(grid.shape, np.uint8)).TransformIndexToPhysicalPoint(index))


@pytest.mark.parametrize(
    ("size", "spacing", "origin", "direction"),
    [
        ((0, 5, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), IDENTITY),
        ((6, 5, 4), (1.0, 0.0, 1.0), (0.0, 0.0, 0.0), IDENTITY),
        ((6, 5, 4), (1.0, float("nan"), 1.0), (0.0, 0.0, 0.0), IDENTITY),
        ((6, 5, 4), (1.0, 1.0, 1.0), (0.0, float("inf"), 0.0), IDENTITY),
        ((6, 5), (1.0, 1.0), (0.0, 0.0), (1.0, 0.0, 0.0, 1.0)),
        # Its determinant is 1, but its axes are not at right angles, or not of length 1.
        ((6, 5, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0.5, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)),
        ((6, 5, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (2.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 1.0)),
    ],
)
def test_a_grid_that_is_none_is_refused(size: tuple, spacing: tuple, origin: tuple, direction: tuple) -> None:
    with pytest.raises(ValueError, match="grid"):
        Grid(size, spacing, origin, direction)


@given(grids())
def test_a_grid_survives_json_and_an_image(grid: Grid) -> None:
    assert Grid.from_json(json.loads(json.dumps(grid.to_json()))) == grid
    assert Grid.from_image(grid.image(np.zeros(grid.shape, np.int16))).same_as(grid)


def test_shape_and_spacing_are_in_array_order() -> None:
    assert OBLIQUE.shape == (4, 5, 6)
    assert OBLIQUE.spacing_mm == (2.5, 0.9, 0.7)
    assert OBLIQUE.voxel_ml == pytest.approx(0.7 * 0.9 * 2.5 / 1000)


def test_an_array_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        OBLIQUE.image(np.zeros((6, 5, 4), np.uint8))


@pytest.mark.parametrize(("shift", "same"), [(5e-4, True), (2e-3, False)])
def test_grids_are_the_same_within_a_thousandth_of_a_millimetre(shift: float, same: bool) -> None:
    moved = Grid(STRAIGHT.size, STRAIGHT.spacing, (shift, 0.0, 0.0), STRAIGHT.direction)
    assert STRAIGHT.same_as(moved) is same


def test_a_small_turn_shows_at_the_far_corner() -> None:
    large = Grid((512, 512, 300), (0.8, 0.8, 1.0), (0.0, 0.0, 0.0), IDENTITY)
    assert not large.same_as(Grid(large.size, large.spacing, large.origin, turned(0.01)))


@given(grids(), SPACINGS)
def test_another_spacing_leaves_the_outer_corner_where_it_is(grid: Grid, spacing: tuple[float, float, float]) -> None:
    other = grid.with_spacing(spacing)
    matrix = np.reshape(grid.direction, (3, 3))
    corners = [np.array(item.origin) - matrix @ (np.array(item.spacing) / 2) for item in (grid, other)]
    np.testing.assert_allclose(corners[0], corners[1], atol=1e-9)
    assert other.spacing_mm == spacing
    extents = [np.array(item.size) * np.array(item.spacing) for item in (grid, other)]
    assert np.all((np.abs(extents[0] - extents[1]) <= np.array(other.spacing) / 2 + 1e-9) | (np.array(other.size) == 1))


@given(grids())
def test_the_canonical_grid_has_the_same_voxels(grid: Grid) -> None:
    other = grid.canonical()
    corners = [
        sorted(
            tuple(np.round(centre(item, (x, y, z)), 5))
            for x in (0, item.size[0] - 1)
            for y in (0, item.size[1] - 1)
            for z in (0, item.size[2] - 1)
        )
        for item in (grid, other)
    ]
    np.testing.assert_allclose(corners[0], corners[1], atol=1e-4)
    assert sorted(other.size) == sorted(grid.size)
    # Never more than the half right angle of the greedy assignment away from left, posterior, superior.
    assert np.all(np.diag(np.reshape(other.direction, (3, 3))) >= 0)


def test_the_canonical_grid_of_a_sagittal_scan_is_axial() -> None:
    # Stored x runs to the feet, y to the front, z to the left.
    grid = Grid((4, 5, 6), (3.0, 2.0, 1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0, -1.0, 0.0, -1.0, 0.0, 0.0))
    found = grid.canonical()
    assert found.size == (6, 5, 4)
    assert found.spacing == (1.0, 2.0, 3.0)
    assert found.direction == IDENTITY
    assert found.origin == (0.0, -8.0, -9.0)


@given(grids())
def test_labels_go_to_the_canonical_grid_and_back_unchanged(grid: Grid) -> None:
    labels = np.random.default_rng(1).integers(0, 5, grid.shape).astype(np.uint8)
    there = resample_labels(grid.image(labels), grid.canonical())
    back = sitk.GetArrayFromImage(resample_labels(there, grid))
    np.testing.assert_array_equal(back, labels)


def test_labels_are_0_beyond_their_grid_and_nearest_within() -> None:
    labels = np.ones(STRAIGHT.shape, np.uint8)
    wide = Grid((10, 5, 4), (1.0, 1.0, 1.0), (-1.6, 0.0, 0.0), IDENTITY)
    found = sitk.GetArrayFromImage(resample_labels(STRAIGHT.image(labels), wide))
    # Centres at -1.6, -0.6, 0.4 ... 7.4; the labels reach from -0.5 to 5.5.
    assert found[0, 0].tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 0, 0]


def test_an_image_is_linear_between_its_voxels_and_constant_beyond() -> None:
    ramp = np.broadcast_to(np.arange(6, dtype=np.float32) * 10, STRAIGHT.shape).copy()
    wide = Grid((4, 5, 4), (1.0, 1.0, 1.0), (-2.0, 0.0, 0.0), IDENTITY)
    half = Grid((5, 5, 4), (1.0, 1.0, 1.0), (0.5, 0.0, 0.0), IDENTITY)
    assert sitk.GetArrayFromImage(resample_image(STRAIGHT.image(ramp), wide))[0, 0].tolist() == [0, 0, 0, 10]
    np.testing.assert_allclose(
        sitk.GetArrayFromImage(resample_image(STRAIGHT.image(ramp), half))[2, 2], [5, 15, 25, 35, 45]
    )


def test_a_coarser_image_is_smoothed_along_the_coarser_axes_only() -> None:
    grid = Grid((32, 32, 8), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), IDENTITY)
    stripes = np.zeros(grid.shape, np.float32)
    stripes[:, :, ::2] = 100
    coarse = sitk.GetArrayFromImage(resample_image(grid.image(stripes), grid.with_spacing((1.0, 1.0, 4.0))))
    # Without smoothing the values would be those of single stripes, or of the middle between two, by chance of the phase.
    assert np.abs(coarse[:, :, 1:-1] - 50).max() < 5
    levels = np.broadcast_to((np.arange(8, dtype=np.float32) % 2 * 100)[:, None, None], grid.shape).copy()
    kept = sitk.GetArrayFromImage(resample_image(grid.image(levels), grid.with_spacing((1.0, 1.0, 4.0))))
    np.testing.assert_allclose(kept[:, 0, 0], levels[:, 0, 0], atol=1e-3)


def test_resampling_to_the_same_grid_changes_nothing() -> None:
    array = grey_values(OBLIQUE)
    np.testing.assert_allclose(sitk.GetArrayFromImage(resample_image(OBLIQUE.image(array), OBLIQUE)), array, atol=1e-2)


@given(grids(), st.integers(0, 2))
def test_an_axis_of_the_canonical_grid_is_found_among_the_stored_ones(grid: Grid, axis: int) -> None:
    stored, canonical = grid.stored_axis(axis), grid.canonical()
    assert grid.shape[stored] == canonical.shape[axis]
    assert grid.spacing_mm[stored] == canonical.spacing_mm[axis]
    # The two run along one line in space, whatever their sizes are.
    one, other = (
        np.reshape(item.direction, (3, 3))[:, 2 - place] for item, place in ((grid, stored), (canonical, axis))
    )
    assert abs(float(one @ other)) > 0.999
