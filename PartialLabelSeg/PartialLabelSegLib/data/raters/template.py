"""A grid laid over a bone: rows x columns, placed on key slices by its four corners and interpolated between them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ...run.failure import Failure
from ...run.files import read_json, write_json
from ..geometry import Grid
from ..importers.cells import AXIS_LETTERS
from .placement import Corners, Placement, Point, signed_areas

FORMAT = 1
RECTANGLE, OUTLINE = "rectangle", "outline"
MOST_CELLS = 100
"""Along one side of a grid."""
_WAY_OUT = (
    'Write, for example, {"format": 1, "rows": 6, "columns": 8, "axis": "z", "follow": "rectangle", '
    '"keys": {"12": [[80, 90], [80, 200], [260, 210], [255, 85]]}}.'
)


@dataclass(frozen=True)
class GridTemplate:
    """The grid of one structure in one scan, in index coordinates alone.

    rows, columns: how many cells. axis: the array axis of (z, y, x) that counts the slices; a slice's coordinates are the other two, in order.
    keys: the four corners on some slices, at least one. Between two key slices each corner moves on a straight line; before the first and
    after the last key slice the grid stays where that key has it. So one key alone holds for every slice.
    follow: 'rectangle' divides the quadrilateral evenly; 'outline' draws it in to the bone on each slice: the rows divide the bone's height
    within the quadrilateral, and the columns of each row divide the bone's width within that row.
    made_on: `grid_sum` of the scan's grid, None where unsaid.
    """

    rows: int
    columns: int
    keys: Mapping[int, Corners]
    axis: int = 0
    follow: str = RECTANGLE
    made_on: int | None = None

    def __post_init__(self) -> None:
        if not (1 <= self.rows <= MOST_CELLS and 1 <= self.columns <= MOST_CELLS):
            raise ValueError(f"a grid has 1 to {MOST_CELLS} rows and columns, got {self.rows} x {self.columns}")
        if self.axis not in (0, 1, 2) or self.follow not in (RECTANGLE, OUTLINE):
            raise ValueError(f"a grid needs an axis 0, 1 or 2 and follows a {RECTANGLE} or {OUTLINE}")
        if not self.keys or min(self.keys) < 0:
            raise ValueError("a grid needs its corners on at least one slice, counted from 0")
        turns = set()
        for index, corners in self.keys.items():
            areas = signed_areas(_array(corners, index))
            if not (np.all(areas > 0) or np.all(areas < 0)):
                raise ValueError(f"the corners on slice {index} do not form a convex quadrilateral in order")
            turns.add(bool(areas[0] > 0))
        if len(turns) > 1:
            raise ValueError("the corners run clockwise on one slice and anticlockwise on another")
        self._check_between()

    def _check_between(self) -> None:
        """Corners that turn too far between two key slices would cross on the way."""
        places = sorted(self.keys)
        for first, second in pairwise(places):
            share = np.linspace(0, 1, second - first + 1)[:, None, None]
            start, end = _array(self.keys[first], first), _array(self.keys[second], second)
            areas = signed_areas((1 - share) * start + share * end)
            if not (np.all(areas > 0) or np.all(areas < 0)):
                raise ValueError(
                    f"between slices {first} and {second} the corners cross; place them on a slice between"
                )

    @property
    def cells_per_slice(self) -> int:
        return self.rows * self.columns

    def holds(self, row: int, column: int) -> bool:
        return 0 <= row < self.rows and 0 <= column < self.columns

    def corners(self, index: int) -> np.ndarray:
        """float64 (4, 2): the corners on slice `index`: top left, top right, bottom right, bottom left."""
        places = sorted(self.keys)
        after = next((place for place in places if place >= index), places[-1])
        before = next((place for place in reversed(places) if place <= index), places[0])
        if before >= after:
            return _array(self.keys[min(max(index, places[0]), places[-1])], index)
        share = (index - before) / (after - before)
        return (1 - share) * _array(self.keys[before], before) + share * _array(self.keys[after], after)

    def placement(self, index: int, bone: np.ndarray | None = None) -> Placement:
        """The grid on slice `index`. bone: bool plane of that slice, used where the grid follows the outline.

        Without a bone on that slice the quadrilateral itself is divided.
        """
        corners = self.corners(index)
        plain = Placement.plain(corners, self.rows, self.columns)
        if self.follow == RECTANGLE or bone is None:
            return plain
        return drawn_in(plain, bone)

    def cells(self, index: int, shape: tuple[int, int], bone: np.ndarray | None = None) -> np.ndarray:
        """int32 `shape`: row * columns + column at each voxel of slice `index`; -1 outside the grid."""
        return self.placement(index, bone).cells(shape)

    def cell_at(self, index: int, point: Point, bone: np.ndarray | None = None) -> tuple[int, int] | None:
        """(row, column) at a point of slice `index`; None outside the grid."""
        return self.placement(index, bone).cell_at(point)

    def with_corners(self, index: int, corners: Corners) -> GridTemplate:
        """The same with these corners on slice `index`, which becomes a key slice. ValueError: they do not form a convex quadrilateral."""
        return replace(self, keys={**self.keys, index: corners})

    def without_key(self, index: int) -> GridTemplate:
        """The same without the key on slice `index`; ValueError where it is the last one."""
        return replace(self, keys={place: corners for place, corners in self.keys.items() if place != index})

    def check_grid(self, grid: Grid) -> None:
        """Failure: the template was made on another grid, or its key slices are not in the scan."""
        if self.made_on is not None and self.made_on != grid_sum(grid):
            raise Failure(
                "its grid template was made on an image with other voxels.", way_out="Place the grid on this scan."
            )
        last = grid.shape[self.axis] - 1
        beyond = [index for index in self.keys if index > last]
        if beyond:
            raise Failure(
                f"its grid template has corners on slice {min(beyond)}, but the scan's slices are 0 to {last}.",
                way_out="Place the grid on this scan.",
            )

    def to_json(self) -> dict[str, Any]:
        keys = {str(index): [list(point) for point in self.keys[index]] for index in sorted(self.keys)}
        return {
            "format": FORMAT,
            "rows": self.rows,
            "columns": self.columns,
            "axis": AXIS_LETTERS[self.axis],
            "follow": self.follow,
            "keys": keys,
            "made_on": self.made_on,
        }

    @classmethod
    def from_json(cls, value: Any) -> GridTemplate:
        """ValueError: not a template of this format; says what is wrong."""
        if not isinstance(value, dict) or not isinstance(value.get("keys"), dict):
            raise ValueError('it has no "keys" with the corners on at least one slice')
        if value.get("format", FORMAT) != FORMAT:
            raise ValueError(f"its format is {value['format']!r}, this version reads {FORMAT}")
        rows, columns = value.get("rows"), value.get("columns")
        if not all(isinstance(part, int) and not isinstance(part, bool) for part in (rows, columns)):
            raise ValueError('"rows" and "columns" must be whole numbers')
        letter, follow, made_on = value.get("axis", "z"), value.get("follow", RECTANGLE), value.get("made_on")
        if letter not in ("z", "y", "x"):
            raise ValueError(f"its axis {letter!r} is not one of x, y, z")
        if made_on is not None and not isinstance(made_on, int):
            raise ValueError('"made_on" must be a whole number')
        keys = {_slice_number(text): _corners(text, points) for text, points in value["keys"].items()}
        return cls(int(rows), int(columns), keys, AXIS_LETTERS.index(letter), str(follow), made_on)  # type: ignore[arg-type]


def drawn_in(plain: Placement, bone: np.ndarray) -> Placement:
    """A plain placement drawn in to the voxels of `bone` (bool, one slice) that lie within it; unchanged where there are none.

    The height is that of the bone, cut into even rows; the width of each row is the bone's within that row. Both reach half a voxel (measured
    along the middle of the quadrilateral) beyond the outermost centres, but not beyond the quadrilateral. A row without bone has the whole bone's width.
    """
    box = plain.box((int(bone.shape[0]), int(bone.shape[1])))
    u, v = plain.shares_in(box)
    chosen = bone[box] & (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
    u, v = u[chosen], v[chosen]
    if not u.size:
        return plain
    top, bottom = _padded(u.min(), u.max(), plain.point(0, 0.5) - plain.point(1, 0.5))
    row = np.minimum(((u - top) / (bottom - top) * plain.rows).astype(np.int64), plain.rows - 1)
    left, right = np.full(plain.rows, np.inf), np.full(plain.rows, -np.inf)
    np.minimum.at(left, row, v)
    np.maximum.at(right, row, v)
    empty = np.isinf(left)
    left[empty], right[empty] = v.min(), v.max()
    widths = np.stack(_padded(left, right, plain.point(0.5, 0) - plain.point(0.5, 1)), axis=1)
    return Placement(plain.corners, (float(top), float(bottom)), widths, plain.columns)


def _padded(low: np.ndarray, high: np.ndarray, across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A range of shares, half a voxel wider on both sides; `across` is the whole range in voxels."""
    half = 0.5 / float(np.hypot(*across))
    return np.maximum(low - half, 0), np.minimum(high + half, 1)


def around_bone(bone: np.ndarray, rows: int, columns: int, axis: int = 0, follow: str = RECTANGLE) -> GridTemplate:
    """A first placement: the box around the bone on every slice that has some, half a voxel beyond the outermost centres.

    bone: bool (z, y, x). ValueError: an empty bone mask.
    """
    keys: dict[int, Corners] = {}
    for index, plane in enumerate(np.moveaxis(bone, axis, 0)):
        first, second = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
        if first.size:
            top, bottom, left, right = first[0] - 0.5, first[-1] + 0.5, second[0] - 0.5, second[-1] + 0.5
            box = ((top, left), (top, right), (bottom, right), (bottom, left))
            keys[index] = tuple((float(down), float(across)) for down, across in box)  # type: ignore[assignment]
    if not keys:
        raise ValueError("there is no bone to place a grid on")
    return GridTemplate(rows, columns, keys, axis, follow)


def grid_sum(grid: Grid) -> int:
    """CRC-32 of a grid, rounded so that a copy in another file format has the same."""
    numbers = [round(value, 3) + 0.0 for value in (*grid.spacing, *grid.origin, *grid.direction)]
    return zlib.crc32(json.dumps([list(grid.size), numbers]).encode())


def read_template(path: Path) -> GridTemplate:
    """The template of a JSON file. Failure: absent, damaged, or not understood."""
    content = read_json(path, "the grid template")
    try:
        return GridTemplate.from_json(content)
    except ValueError as error:
        raise Failure(f"the grid template {path.name} is not understood: {error}.", way_out=_WAY_OUT) from None


def write_template(path: Path, template: GridTemplate, grid: Grid) -> None:
    """Writes the template with the sum of the grid that it was placed on."""
    write_json(path, replace(template, made_on=grid_sum(grid)).to_json())


def _array(corners: Corners, index: int) -> np.ndarray:
    array = np.asarray(corners, np.float64)
    if array.shape != (4, 2) or not np.isfinite(array).all():
        raise ValueError(f"slice {index} needs four corners of two numbers each")
    return array


def _slice_number(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"the key '{text}' is not a slice number")
    return int(text)


def _corners(text: str, points: Any) -> Corners:
    try:
        array = _array(points, int(text))
    except (TypeError, ValueError):
        raise ValueError(f"slice {text} needs four corners of two numbers each") from None
    return tuple((float(first), float(second)) for first, second in array)  # type: ignore[return-value]
