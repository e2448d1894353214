"""Whether a point is in sight in a slice view, and moving the view sideways to it with as much as possible of the scan still in the view."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .geometry import matrix_array

Point = tuple[float, float, float]
MARGIN = 0.05
"""The outermost share of a window, in which a point does not count as seen."""
BEYOND = 2 * MARGIN
"""So much of a window may lie beyond the scan on a side, so that the scan's very edge can be seen."""


def is_in_sight(slice_node: Any, ras: Point) -> bool:
    """Whether a point lies within a slice view's window, apart from its outermost twentieth; a view without pixels has nothing to move."""
    size = _size(slice_node)
    if not size.all():
        return True
    place = _in_window(slice_node, [ras])[0]
    return bool(((place >= MARGIN * size) & (place <= (1 - MARGIN) * size)).all())


def bring_into_sight(slice_node: Any, ras: Point, bounds: tuple[float, ...] | None) -> None:
    """Centres a view on a point along the axes on which it is out of sight, but shows little beyond the scan.

    bounds: those of the scan (RAS mm; least and most to the right, anterior, superior), None where there is no scan. The slice that is
    shown, the zoom and the view's angle stay.
    """
    size = _size(slice_node)
    place = _in_window(slice_node, [ras])[0]
    hidden = (place < MARGIN * size) | (place > (1 - MARGIN) * size)
    middle = place
    if bounds is not None:
        corners = _in_window(slice_node, list(itertools.product(*np.reshape(bounds, (3, 2)).tolist())))
        middle = _within(place, corners.min(axis=0), corners.max(axis=0), size)
    _move(slice_node, np.where(hidden, middle - size / 2, 0.0))


def _within(middle: np.ndarray, low: np.ndarray, high: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The middle of a window that does not leave the scan further than it must (pixels); a scan that is smaller lies in the middle."""
    least, most = low + (0.5 - BEYOND) * size, high - (0.5 - BEYOND) * size
    return np.where(least > most, (low + high) / 2, np.clip(middle, np.minimum(least, most), np.maximum(least, most)))


def _size(slice_node: Any) -> np.ndarray:
    """Width and height of the view (pixels)."""
    return np.array(slice_node.GetDimensions()[:2], float)


def _in_window(slice_node: Any, points: list[Any]) -> np.ndarray:
    """float (points, 2): where points (RAS mm) lie in the view's window (pixels)."""
    to_window = np.linalg.inv(matrix_array(slice_node.GetXYToRAS()))
    return (np.column_stack([np.array(points, float), np.ones(len(points))]) @ to_window.T)[:, :2]


def _move(slice_node: Any, pixels: np.ndarray) -> None:
    """Moves the view's window sideways over the slice."""
    shift = matrix_array(slice_node.GetXYToRAS())[:3, :2] @ pixels
    to_ras = slice_node.GetSliceToRAS()
    for axis, distance in enumerate(shift):
        to_ras.SetElement(axis, 3, to_ras.GetElement(axis, 3) + float(distance))
    slice_node.UpdateMatrices()
