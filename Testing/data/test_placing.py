"""Labels from their own grid to the scan's: the same voxels stay the same, others take the label at their centre."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from data.small_scans import IDENTITY, OBLIQUE, STRAIGHT, turned
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.placing import Fit, fit, place_labels, place_probability


def a_map(grid: Grid, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 9, grid.shape).astype(np.uint8)


def moved(grid: Grid, by: tuple[float, float, float]) -> Grid:
    """The grid shifted by so many of its own voxels."""
    shift = np.reshape(grid.direction, (3, 3)) @ (np.array(by) * grid.spacing)
    x, y, z = (float(value) for value in np.array(grid.origin) + shift)
    return Grid(grid.size, grid.spacing, (x, y, z), grid.direction)


def test_the_same_grid_returns_the_same_array() -> None:
    labels = a_map(OBLIQUE)
    assert fit(OBLIQUE, OBLIQUE) is Fit.SAME
    assert place_labels(labels, OBLIQUE, OBLIQUE) is labels


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2))
def test_a_cut_of_the_grid_falls_back_into_its_place(x: int, y: int, z: int) -> None:
    labels = a_map(OBLIQUE)
    part = labels[z:, y:, x:]
    shifted = moved(OBLIQUE, (x, y, z))
    cut = Grid((part.shape[2], part.shape[1], part.shape[0]), shifted.spacing, shifted.origin, shifted.direction)
    expected = np.zeros_like(labels)
    expected[z:, y:, x:] = part
    assert fit(cut, OBLIQUE) in ((Fit.SAME,) if (x, y, z) == (0, 0, 0) else (Fit.COINCIDES,))
    np.testing.assert_array_equal(place_labels(part, cut, OBLIQUE), expected)
    np.testing.assert_array_equal(place_labels(labels, OBLIQUE, cut), part)


def test_the_same_voxels_stored_in_another_order_coincide() -> None:
    labels = a_map(OBLIQUE)
    turned_grid = OBLIQUE.canonical()
    flipped = sitk.Flip(OBLIQUE.image(labels), (True, False, True))
    assert fit(Grid.from_image(flipped), OBLIQUE) is Fit.COINCIDES
    np.testing.assert_array_equal(
        place_labels(sitk.GetArrayFromImage(flipped), Grid.from_image(flipped), OBLIQUE), labels
    )
    assert fit(turned_grid, OBLIQUE) in (Fit.SAME, Fit.COINCIDES)


@pytest.mark.parametrize(
    "other",
    [
        moved(OBLIQUE, (0.5, 0, 0)),
        OBLIQUE.with_spacing((2.5, 1.8, 0.7)),
        Grid(OBLIQUE.size, OBLIQUE.spacing, OBLIQUE.origin, turned(25, -12)),
    ],
    ids=["half a voxel beside", "coarser", "turned"],
)
def test_other_voxels_are_said_to_be_resampled(other: Grid) -> None:
    assert fit(other, OBLIQUE) is Fit.RESAMPLED


def test_each_voxel_takes_the_label_at_its_centre() -> None:
    coarse = Grid((3, 5, 4), (2.0, 1.0, 1.0), (0.5, 0.0, 0.0), IDENTITY)
    labels = np.broadcast_to(np.array([1, 2, 3], np.uint8), coarse.shape)
    assert place_labels(np.ascontiguousarray(labels), coarse, STRAIGHT)[0, 0].tolist() == [1, 1, 2, 2, 3, 3]
    fine = Grid((12, 5, 4), (0.5, 1.0, 1.0), (-0.2, 0.0, 0.0), IDENTITY)
    ramp = np.ascontiguousarray(np.broadcast_to(np.arange(12, dtype=np.uint8), fine.shape))
    # The scan's centres at 0, 1, ... lie 0.2 mm behind those of every second fine voxel.
    assert place_labels(ramp, fine, STRAIGHT)[0, 0].tolist() == [0, 2, 4, 6, 8, 10]


@given(st.floats(-12, 12), st.floats(-12, 12), st.floats(-12, 12))
def test_grids_apart_have_no_voxel_in_common(x: float, y: float, z: float) -> None:
    other = moved(OBLIQUE, (x, y, z))
    found = place_labels(np.ones(other.shape, np.uint8), other, OBLIQUE)
    # These grids have the same directions, so that the boxes of both frames decide exactly (up to a touch).
    overlap = all(abs(shift) < size for shift, size in zip((x, y, z), OBLIQUE.size))
    assert (fit(other, OBLIQUE) is not Fit.APART) == overlap
    assert not found.any() or overlap


def test_many_values_survive_in_their_own_kind() -> None:
    labels = a_map(OBLIQUE).astype(np.int32) * -1000
    found = place_labels(labels, OBLIQUE, moved(OBLIQUE, (1, 0, 0)))
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found[:, :, :-1], labels[:, :, 1:])


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2))
def test_probabilities_of_a_cut_fall_back_into_their_place_unchanged(x: int, y: int, z: int) -> None:
    soft = np.random.default_rng(1).random(OBLIQUE.shape).astype(np.float32)
    part = soft[z:, y:, x:]
    shifted = moved(OBLIQUE, (x, y, z))
    cut = Grid((part.shape[2], part.shape[1], part.shape[0]), shifted.spacing, shifted.origin, shifted.direction)
    expected = np.zeros_like(soft)
    expected[z:, y:, x:] = part
    np.testing.assert_array_equal(place_probability(part, cut, OBLIQUE), expected)


def test_probabilities_between_two_voxels_are_their_mean_and_0_beyond_the_source() -> None:
    half = moved(STRAIGHT, (0.5, 0, 0))
    soft = np.zeros(STRAIGHT.shape, np.float32)
    soft[..., 2:] = 0.8
    found = place_probability(soft, STRAIGHT, half)
    assert fit(STRAIGHT, half) is Fit.RESAMPLED and found.dtype == np.float32
    np.testing.assert_allclose(found[1, 1], [0, 0.4, 0.8, 0.8, 0.8, found[1, 1, 5]], atol=1e-6)
    far = place_probability(soft, STRAIGHT, moved(STRAIGHT, (3.5, 0, 0)))
    np.testing.assert_allclose(far[1, 1, :2], 0.8, atol=1e-6)
    assert not far[1, 1, 3:].any()
