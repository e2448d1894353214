"""Solids of the phantoms: their distances against geometry done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.shapes import Axes, Ellipsoid, Tube, Union, Waves, tilt

ANGLES = st.floats(-180, 180)


def at(*points: tuple[float, float, float]) -> Axes:
    columns = np.array(points, np.float32).T
    return columns[0], columns[1], columns[2]


def test_a_ball_has_its_exact_distance_everywhere_but_in_its_middle() -> None:
    ball = Ellipsoid((1.0, 2.0, 3.0), (10.0, 10.0, 10.0))
    found = ball.distance(at((1, 2, 13), (1, 2, 18), (6, 2, 3), (1 + 6, 2 + 8, 3)))
    assert found == pytest.approx([0, 5, -5, 0], abs=0.01)


def test_an_ellipsoid_reaches_its_radii_and_no_farther() -> None:
    solid = Ellipsoid((0.0, 0.0, 0.0), (4.0, 10.0, 25.0), power=2.4)
    assert solid.distance(at((4, 0, 0), (0, 10, 0), (0, 0, -25))) == pytest.approx([0, 0, 0], abs=0.01)
    assert solid.distance(at((5, 0, 0), (0, 11, 0), (0, 0, 26))) == pytest.approx([1, 1, 1], abs=0.3)


@given(ANGLES, ANGLES, ANGLES)
def test_a_tilt_turns_and_does_nothing_else(z: float, y: float, x: float) -> None:
    turn = tilt(z, y, x)
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-9) and np.linalg.det(turn) == pytest.approx(1)


def test_a_turned_ellipsoid_points_where_it_was_turned_to() -> None:
    solid = Ellipsoid((0.0, 0.0, 0.0), (2.0, 2.0, 20.0), tilt(90, 0, 0))
    tip_forward, tip_aside = solid.distance(at((0, 19, 0), (0, 0, 19)))
    assert tip_forward < 0 < tip_aside


def test_a_tube_is_as_wide_at_each_place_as_it_was_told() -> None:
    tube = Tube([(0, 0, 0), (0, 0, 10)], [2.0, 4.0])
    assert tube.distance(at((0, 2, 0), (0, 3, 5), (0, 4, 10), (0, 0, 16), (0, 0, 5))) == pytest.approx(
        [0, 0, 0, 2, -3], abs=1e-4
    )


def test_a_tube_needs_a_radius_for_each_point() -> None:
    with pytest.raises(ValueError, match="radius"):
        Tube([(0, 0, 0), (0, 0, 10)], [2.0])


def test_a_union_holds_what_either_part_holds() -> None:
    both = Union([Tube([(0, 0, 0), (0, 0, 4)], [1.0, 1.0]), Ellipsoid((9.0, 0.0, 0.0), (3.0, 3.0, 3.0))])
    assert (both.distance(at((0, 0, 2), (9, 1, 0), (4, 0, 0))) < 0).tolist() == [True, True, False]
    assert both.box() == ((-1.0, -3.0, -3.0), (12.0, 3.0, 5.0))


@given(ANGLES, ANGLES, st.integers(0, 1000))
def test_a_box_holds_the_whole_solid_however_it_is_turned_and_bumped(z: float, x: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    solid = Ellipsoid((3.0, -2.0, 5.0), (4.0, 9.0, 14.0), tilt(z, 0, x), 2.3, Waves.random(rng, 20.0), 0.5)
    low, high = solid.box()
    spots = rng.uniform(-40, 40, (400, 3)).astype(np.float32)
    inside = solid.distance((spots[:, 0], spots[:, 1], spots[:, 2])) < 0
    assert np.all((spots[inside] >= low) & (spots[inside] <= high))


@given(st.integers(0, 1000))
def test_waves_are_smooth_and_about_one_high(seed: int) -> None:
    waves = Waves.random(np.random.default_rng(seed), 100.0)
    line = np.arange(0, 400, 1, dtype=np.float32)
    values = waves.at((line, 0 * line, 0 * line))
    assert np.abs(values).max() <= 3**0.5 + 1e-4
    assert np.abs(np.diff(values)).max() <= 3**0.5 * 2 * np.pi / 80 + 1e-4
