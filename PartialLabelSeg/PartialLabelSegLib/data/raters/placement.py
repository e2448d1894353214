"""The cells of a grid on one slice: a quadrilateral cut into rows and columns, straight or drawn in to the bone's outline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Point = tuple[float, float]
"""A place on a slice: continuous index along its first and its second in-plane array axis; a voxel's centre has whole numbers."""
Corners = tuple[Point, Point, Point, Point]
"""Top left, top right, bottom right, bottom left."""
_ON_THE_LINE = 1e-9
"""A point this close before a cell's first line (in cells) belongs to the cell: rounding alone put it there."""


def signed_areas(corners: np.ndarray) -> np.ndarray:
    """float64 (..., 4): twice the signed area of the triangle at each corner of (..., 4, 2). All of one sign: a convex quadrilateral."""
    before, after = np.roll(corners, 1, axis=-2) - corners, np.roll(corners, -1, axis=-2) - corners
    return np.asarray(after[..., 1] * before[..., 0] - after[..., 0] * before[..., 1], np.float64)


@dataclass(frozen=True, eq=False)
class Placement:
    """A grid of `rows` x `columns` cells on one slice.

    corners: float64 (4, 2), a convex quadrilateral in index coordinates of the slice (see `Point`, `Corners`). Within it a point has
    the shares u (0 at the top edge, 1 at the bottom) and v (0 left, 1 right), bilinear: the lines u = const and v = const are straight,
    and join points that divide opposite edges evenly.
    height: the range of u that the rows divide evenly. widths: float64 (rows, 2), the range of v that the columns of each row divide evenly.
    A plain grid has 0..1 everywhere; one that follows a bone has the bone's extent.
    """

    corners: np.ndarray
    height: tuple[float, float]
    widths: np.ndarray
    columns: int

    def __post_init__(self) -> None:
        areas = signed_areas(self.corners)
        if self.corners.shape != (4, 2) or not (np.all(areas > 0) or np.all(areas < 0)):
            raise ValueError("the four corners of a grid must form a convex quadrilateral")
        if self.columns < 1 or self.widths.ndim != 2 or self.widths.shape[1:] != (2,) or not len(self.widths):
            raise ValueError(f"a grid needs rows and columns, got {len(self.widths)} and {self.columns}")
        if not self.height[0] < self.height[1] or not bool(np.all(self.widths[:, 0] < self.widths[:, 1])):
            raise ValueError("the rows and columns of a grid need some extent")

    @classmethod
    def plain(cls, corners: np.ndarray, rows: int, columns: int) -> Placement:
        return cls(corners, (0.0, 1.0), np.tile([0.0, 1.0], (rows, 1)), columns)

    @property
    def rows(self) -> int:
        return len(self.widths)

    def cells(self, shape: tuple[int, int]) -> np.ndarray:
        """int32 `shape`: row * columns + column of the cell that holds each voxel's centre; -1 outside the grid.

        A cell holds its first lines and not its last ones, which belong to the next cell; the grid's own last lines belong to it.
        """
        result = np.full(shape, -1, np.int32)
        box = self.box(shape)
        result[box] = self.cells_at(*self.shares_in(box))
        return result

    def box(self, shape: tuple[int, int]) -> tuple[slice, slice]:
        """The part of a slice of this shape that the quadrilateral may touch; it may be empty."""
        low = np.maximum(np.ceil(self.corners.min(axis=0) - _ON_THE_LINE), 0).astype(int)
        high = np.minimum(np.floor(self.corners.max(axis=0) + _ON_THE_LINE) + 1, shape).astype(int)
        high = np.maximum(high, low)
        return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))

    def shares_in(self, box: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
        """u and v at the voxels of a part of the slice."""
        first, second = (np.arange(part.start, part.stop, dtype=float) for part in box)
        return self.shares(first[:, None], second[None, :])

    def cell_at(self, point: Point) -> tuple[int, int] | None:
        """(row, column) of the cell that holds a point; None outside the grid."""
        u, v = self.shares(np.array([[point[0]]], float), np.array([[point[1]]], float))
        cell = int(self.cells_at(u, v)[0, 0])
        return None if cell < 0 else divmod(cell, self.columns)

    def polygon(self, row: int, column: int) -> np.ndarray:
        """float64 (4, 2): the corners of a cell, in the order of `Corners`."""
        if not (0 <= row < self.rows and 0 <= column < self.columns):
            raise ValueError(f"no cell {row}, {column} in a grid of {self.rows} x {self.columns}")
        top, bottom = (self.height[0] + _extent(self.height) * part / self.rows for part in (row, row + 1))
        width = self.widths[row]
        left, right = (width[0] + _extent(width) * part / self.columns for part in (column, column + 1))
        return np.stack([self.point(u, v) for u, v in ((top, left), (top, right), (bottom, right), (bottom, left))])

    def point(self, u: float, v: float) -> np.ndarray:
        """float64 (2,): the point with these shares."""
        top_left, top_right, bottom_right, bottom_left = self.corners
        top, bottom = top_left + v * (top_right - top_left), bottom_left + v * (bottom_right - bottom_left)
        return np.asarray(top + u * (bottom - top))

    def shares(self, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """u and v of points given as a column (n, 1) of first and a row (1, m) of second coordinates (or any arrays that fit together).

        nan where the quadrilateral's bilinear map, carried on beyond its edges, does not reach a point.

        With e, f the top and left edges from the top left corner, g what the opposite edges differ, h = p - corner, and a x b the
        cross product: h = v e + u f + u v g, so (e x g) v² + (e x f - h x g) v - h x f = 0, and for u the same with e and f changed.
        Both have one discriminant, the square of the map's Jacobian; its sign, that of the quadrilateral's area, picks the root.
        """
        top_left, top_right, bottom_right, bottom_left = self.corners
        e, f, g = top_right - top_left, bottom_left - top_left, top_left - top_right + bottom_right - bottom_left
        first, second = first - top_left[0], second - top_left[1]
        e_f = _cross(e, f)
        sign = 1.0 if e_f > 0 else -1.0
        h_e, h_f = first * e[1] - second * e[0], first * f[1] - second * f[0]
        if not np.any(np.abs(g) > 1e-12 * np.abs(self.corners).max()):
            # A parallelogram: the map is linear.
            return h_e / -e_f, h_f / e_f
        h_g = first * g[1] - second * g[0]
        linear = e_f - h_g
        with np.errstate(invalid="ignore", divide="ignore"):
            root = sign * np.sqrt(linear * linear + 4.0 * _cross(e, g) * h_f)
            return 2.0 * h_e / (-e_f - h_g - root), 2.0 * h_f / (linear + root)

    def cells_at(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """int32: the cell at each pair of shares; -1 outside the grid."""
        row = _parts(u, self.height[0], _extent(self.height), self.rows)
        low, scale = self.widths[:, 0], self.columns / np.diff(self.widths, axis=1)[:, 0]
        if np.all(self.widths == self.widths[0]):
            column = _parts(v, float(low[0]), _extent(self.widths[0]), self.columns)
        else:
            inside = np.maximum(row, 0)
            column = _floored((v - low[inside]) * scale[inside], self.columns)
        cell = row * np.int32(self.columns)
        cell += column
        cell[np.minimum(row, column) < 0] = -1
        return cell


def _parts(share: np.ndarray, low: float, extent: float, count: int) -> np.ndarray:
    """int32: which of `count` even parts of low..low+extent holds each share; -1 for none."""
    return _floored((share - low) * (count / extent), count)


def _floored(place: np.ndarray, count: int) -> np.ndarray:
    """int32: the part 0..count-1 that holds each place 0..count; -1 for a place outside, or that is nan. Changes `place`."""
    place += _ON_THE_LINE
    place = np.where(place <= count + 2 * _ON_THE_LINE, place, -1.0)
    np.clip(place, -1.0, count - 0.5, out=place)
    return np.floor(place, out=place).astype(np.int32)


def _cross(a: np.ndarray, b: np.ndarray) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def _extent(span: Sequence[float] | np.ndarray) -> float:
    return float(span[1] - span[0])
