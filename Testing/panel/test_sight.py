"""A jump shows the point in every view, and the scan stays in sight: beyond it there is nothing to see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.host_application import HostApplication
from host.slicer_host import SlicerHost
from panel.scene_nodes import add_scan
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.panel.geometry import point_of
from PartialLabelSegLib.panel.sight import BEYOND, _within, is_in_sight

SIZE, SPACING = (40, 30, 60), (2.0, 2.0, 2.5)
TURNED = (0.96, 0.28, 0.0, -0.28, 0.96, 0.0, 0.0, 0.0, 1.0)
STRAIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
EDGES = [(0, 0, 0), (39, 29, 59), (39, 15, 0), (0, 29, 30), (20, 0, 59), (20, 15, 59)]


def shown_scan(application: HostApplication, direction: tuple[float, ...] = STRAIGHT) -> Any:
    grid = Grid(SIZE, SPACING, (10.0, -40.0, 100.0), direction)
    scan = add_scan(application.scene, grid, np.full(grid.shape, 7, np.int16))
    application.show_volume(scan)
    application.fit_slices()
    return scan


def share_of_scan(node: Any, scan: Any) -> float:
    """How much of a view's window, or of the scan where that is the smaller, is filled by the scan; along the axis on which it is least."""
    bounds = [0.0] * 6
    scan.GetRASBounds(bounds)
    corners = np.array([(r, a, s, 1.0) for r in bounds[:2] for a in bounds[2:4] for s in bounds[4:]])
    matrix = node.GetXYToRAS()
    to_ras = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
    places = (corners @ np.linalg.inv(to_ras).T)[:, :2]
    size = np.array(node.GetDimensions()[:2], float)
    low, high = places.min(axis=0), places.max(axis=0)
    seen = np.minimum(high, size) - np.maximum(low, 0)
    return float((seen / np.minimum(size, high - low)).min())


@pytest.mark.parametrize("direction", [STRAIGHT, TURNED], ids=["straight", "oblique"])
@pytest.mark.parametrize("zoom", [1.0, 0.4, 0.1])
def test_a_jump_to_the_edge_of_a_scan_keeps_the_scan_in_sight(
    application: HostApplication, host: SlicerHost, zoom: float, direction: tuple[float, ...]
) -> None:
    scan = shown_scan(application, direction)
    for node in application.slice_nodes():
        node.SetFieldOfView(*(zoom * length for length in node.GetFieldOfView()[:2]), 1)
        node.UpdateMatrices()
    for edge in EDGES:
        point = point_of(scan, edge)
        application.jump_to(point)
        for node in application.slice_nodes():
            assert is_in_sight(node, point), (node.GetLayoutName(), edge)
            assert share_of_scan(node, scan) > 1 - BEYOND - 0.02, (node.GetLayoutName(), edge)


def test_a_view_that_was_moved_away_from_the_scan_comes_back_to_it(
    application: HostApplication, host: SlicerHost
) -> None:
    scan = shown_scan(application)
    for node in application.slice_nodes():
        node.JumpSliceByCentering(1000, 1000, 1000)
    application.jump_to(point_of(scan, EDGES[0]))
    assert all(share_of_scan(node, scan) > 1 - BEYOND - 0.02 for node in application.slice_nodes())


def test_a_point_in_sight_moves_no_view_sideways(application: HostApplication, host: SlicerHost) -> None:
    scan = shown_scan(application)
    red, green, yellow = application.slice_nodes()
    before = [[node.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)] for node in (red, green, yellow)]
    r, a, s = point_of(scan, (15, 12, 40))
    application.jump_to((r, a, s))
    after = [[node.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)] for node in (red, green, yellow)]
    np.testing.assert_allclose(after, [[*before[0][:2], s], [before[1][0], a, before[1][2]], [r, *before[2][1:]]])


def test_without_a_scan_a_view_is_centred_on_the_point(application: HostApplication, host: SlicerHost) -> None:
    application.show_volume(None)
    application.jump_to((5000.0, -3000.0, 900.0))
    for node in application.slice_nodes():
        np.testing.assert_allclose(
            [node.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)], [5000.0, -3000.0, 900.0], atol=1e-6
        )


number = st.floats(-1e4, 1e4)


@given(number, st.floats(0, 1e4), st.floats(1, 5e3), st.floats(0, 1))
def test_a_point_of_the_scan_is_in_a_window_of_whatever_size(
    low: float, length: float, size: float, share: float
) -> None:
    place = low + share * length
    as_array = lambda value: np.array([value, value])  # noqa: E731
    middle = _within(as_array(place), as_array(low), as_array(low + length), as_array(size))[0]
    assert abs(place - middle) <= (0.5 - BEYOND) * size + 1e-6 * (abs(place) + size)
