"""A grid, its cells and the outlines of masks as line segments and quadrilaterals of a slice, ready to be drawn."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...data.raters.placement import Placement


def grid_lines(placement: Placement) -> np.ndarray:
    """float64 (n, 2, 2): the lines of a grid: of each row its sides and the lines between its columns, and the lines between rows."""
    rows, columns = placement.rows, placement.columns
    u = np.linspace(*placement.height, rows + 1)
    share = np.linspace(0, 1, columns + 1)
    low, high = placement.widths[:, :1], placement.widths[:, 1:]
    v = low + (high - low) * share
    top, bottom = (np.broadcast_to(part[:, None], v.shape) for part in (u[:-1], u[1:]))
    upright = _points(placement, np.stack([top, bottom], -1), np.stack([v, v], -1)).reshape(-1, 2, 2)
    # The line between two rows reaches as far as the wider of them.
    left = np.minimum(np.append(low, low[-1]), np.insert(low, 0, low[0]))
    right = np.maximum(np.append(high, high[-1]), np.insert(high, 0, high[0]))
    level = _points(placement, np.stack([u, u], -1), np.stack([left, right], -1))
    return np.concatenate([upright, level])


def cell_quads(placement: Placement, cells: Iterable[tuple[int, int]], inset: float = 0.0) -> np.ndarray:
    """float64 (n, 4, 2): the corners of cells (row, column), in order around each; drawn in by a share of the cell on all sides."""
    places = np.array(sorted(cells), np.int64).reshape(-1, 2)
    rows, columns = places.T
    height = (placement.height[1] - placement.height[0]) / placement.rows
    low, high = placement.widths[rows].T
    width = (high - low) / placement.columns
    top, bottom = (placement.height[0] + height * (rows + part) for part in (inset, 1 - inset))
    left, right = (low + width * (columns + part) for part in (inset, 1 - inset))
    return _points(placement, np.stack([top, top, bottom, bottom], 1), np.stack([left, right, right, left], 1))


def lower_part(quads: np.ndarray, share: float) -> np.ndarray:
    """float64 (n, 4, 2): of each of the quadrilaterals of `cell_quads` the lower part, so much of its height."""
    result = quads.copy()
    result[:, :2] = quads[:, [3, 2]] + share * (quads[:, :2] - quads[:, [3, 2]])
    return result


def around(quads: np.ndarray) -> np.ndarray:
    """float64 (4 n, 2, 2): the sides of quadrilaterals (n, 4, 2) as line segments."""
    return np.stack([quads, np.roll(quads, -1, axis=1)], axis=2).reshape(-1, 2, 2)


def outline(mask: np.ndarray) -> np.ndarray:
    """float64 (n, 2, 2): the border of a bool plane, along the edges of its voxels; runs of edges in a line are one segment."""
    padded = np.pad(mask, 1)
    across = padded[1:, 1:-1] != padded[:-1, 1:-1]
    along = padded[1:-1, 1:] != padded[1:-1, :-1]
    level, upright = _runs(across), _runs(along.T)
    lines = [
        np.stack([level[:, [0, 1]], level[:, [0, 2]]], axis=1),
        np.stack([upright[:, [1, 0]], upright[:, [2, 0]]], axis=1),
    ]
    return np.concatenate(lines) - 0.5


def _runs(edges: np.ndarray) -> np.ndarray:
    """int (n, 3): line, first and end of each run of True in the rows of a bool array."""
    steps = np.diff(np.pad(edges, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    line, first = np.nonzero(steps == 1)
    _, end = np.nonzero(steps == -1)
    return np.stack([line, first, end], axis=1).astype(float)


def _points(placement: Placement, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """float64 (..., 2): the points with these shares of the quadrilateral."""
    top_left, top_right, bottom_right, bottom_left = placement.corners
    u, v = u[..., None], v[..., None]
    top, bottom = top_left + v * (top_right - top_left), bottom_left + v * (bottom_right - bottom_left)
    result: np.ndarray = top + u * (bottom - top)
    return result
