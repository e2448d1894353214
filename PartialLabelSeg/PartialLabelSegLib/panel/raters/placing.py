"""Where a grid lies: the first placement on a bone, a slice fitted anew, and what the mouse takes hold of. Nothing here knows of views."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...data.raters.placement import Corners
from ...data.raters.template import RECTANGLE, GridTemplate, around_bone

ONE_BOX, EVERY_SLICE, THIS_SLICE = "one box", "every slice", "this slice"
FITS = (ONE_BOX, EVERY_SLICE, THIS_SLICE)
ROWS, COLUMNS = 8, 8
WHOLE = -1
"""Instead of a corner's number: the whole grid."""
_REACH = 14.0
"""So near to a corner, in pixels, the mouse takes hold of it."""
_MARGIN = 1.5
"""Voxels around the bone in a first placement."""


def fitted(template: GridTemplate | None, bone: np.ndarray, how: str, index: int | None, axis: int = 0) -> GridTemplate:
    """A grid placed on the bone (bool, z, y, x), with the rows, columns and ways of the one before. ValueError: no bone there.

    how: one box around the whole bone, the same on every slice; a box of its own on every slice; or a box on slice `index` only.
    """
    rows, columns = (template.rows, template.columns) if template else (ROWS, COLUMNS)
    follow = template.follow if template else RECTANGLE
    axis = template.axis if template else axis
    if how == EVERY_SLICE:
        return around_bone(bone, rows, columns, axis, follow)
    planes = np.moveaxis(bone, axis, 0)
    if how == THIS_SLICE and template is not None and index is not None:
        return template.with_corners(index, box_of(planes[index]))
    places = np.flatnonzero(planes.any(axis=(1, 2)))
    if not places.size:
        raise ValueError("there is no bone to place a grid on")
    whole = np.logical_or.reduce(planes[places])
    return GridTemplate(rows, columns, {int(places[len(places) // 2]): box_of(whole)}, axis, follow)


def box_of(plane: np.ndarray) -> Corners:
    """The corners of the box around the bone on a slice, a little wider. ValueError: there is none."""
    first, second = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    if not first.size:
        raise ValueError("there is no bone on this slice")
    top, bottom = float(first[0]) - _MARGIN, float(first[-1]) + _MARGIN
    left, right = float(second[0]) - _MARGIN, float(second[-1]) + _MARGIN
    return ((top, left), (top, right), (bottom, right), (bottom, left))


def with_shape(template: GridTemplate, rows: int, columns: int, follow: str) -> GridTemplate:
    """The same corners with other rows, columns, or another way to follow the bone."""
    return GridTemplate(rows, columns, template.keys, template.axis, follow, template.made_on)


def taken_hold(corners: np.ndarray, place: tuple[float, float]) -> int | None:
    """The corner (0..3) of (4, 2) pixels under a pixel, WHOLE inside of them, None elsewhere."""
    distances = np.linalg.norm(corners - np.array(place), axis=1)
    if distances.min() <= _REACH:
        return int(np.argmin(distances))
    sides = np.roll(corners, -1, axis=0) - corners
    towards = np.array(place) - corners
    turns = sides[:, 0] * towards[:, 1] - sides[:, 1] * towards[:, 0]
    return WHOLE if bool((turns > 0).all() or (turns < 0).all()) else None


def dragged(
    template: GridTemplate, index: int, hold: int, start: np.ndarray, by: tuple[float, float]
) -> GridTemplate | None:
    """The grid with a corner (or all, WHOLE) of slice `index` moved by so much from `start` (4, 2); None where that is no grid."""
    moved = start.copy()
    moved[slice(None) if hold == WHOLE else hold] += by
    try:
        return template.with_corners(index, as_corners(moved))
    except ValueError:
        return None


def as_corners(array: np.ndarray) -> Corners:
    points = [(float(first), float(second)) for first, second in array]
    return (points[0], points[1], points[2], points[3])


def slice_axis(spacing_mm: Any) -> int:
    """The array axis that counts a scan's slices: that of much the largest spacing (z, y, x), else z, as they are stored."""
    thick = int(np.argmax(spacing_mm))
    others = max(value for axis, value in enumerate(spacing_mm) if axis != thick)
    return thick if spacing_mm[thick] > 1.5 * others else 0
