"""What is drawn over a slice: in the part Grid the corners, in Read one rater's ticks and the cursor, in Together everybody's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...data.raters.placement import Placement
from .drawn_grid import around, cell_quads, grid_lines, outline
from .grid_actions import GridActions
from .grid_view import WHITE, Marked, Picture
from .paint import Color
from .placing import as_corners
from .rating import Rater, Rating
from .room import PLACE, READ, TOGETHER, Room

_NO_LINES = np.zeros((0, 2, 2))
_INSET = 0.09
"""Of a cell: how much further in each rater's frame lies, so that several can be seen in one cell."""
_MOST_FRAMES = 4


def picture_of(room: Room, grid: GridActions, index: int) -> Picture | None:
    """The picture of a slice; None where there is nothing to draw."""
    rating = room.rating
    if rating is None:
        return None
    found = _of_mode(room, rating, grid, index)
    bone = room.bone_on(index)
    return found if found is None or bone is None else replace(found, bone=outline(bone))


def _of_mode(room: Room, rating: Rating, grid: GridActions, index: int) -> Picture | None:
    if room.mode == PLACE:
        return _placing(room, grid, index)
    if room.mode == READ:
        return _reading(room, rating, index)
    return _together(room, rating, index) if room.mode == TOGETHER else None


def _placing(room: Room, grid: GridActions, index: int) -> Picture | None:
    template = grid.template
    if template is None:
        return Picture(_NO_LINES, words=f"Slice {index + 1} of {room.count}")
    bone = room.bone_on(index)
    placement = template.placement(index, bone)
    is_key = index in template.keys
    words = f"Slice {index + 1} of {room.count} · {'a key slice' if is_key else 'between keys'}"
    corners = np.array(as_corners(template.corners(index)))
    # The four sides, too: cells that are drawn in to the bone may lie far from the corners.
    lines = np.concatenate([grid_lines(placement), around(corners[None])])
    return Picture(lines, corners=corners, is_key=is_key, words=words)


def _reading(room: Room, rating: Rating, index: int) -> Picture:
    current, placement = rating.current, room.placement(index)
    color = rating.color(rating.rater)
    if current is None:
        lines = _NO_LINES if placement is None else grid_lines(placement)
        return Picture(lines, faint=True, words="Who reads? Choose a rater, or add a name.")
    read = current.has_read(index)
    words = f"{current.name} · slice {index + 1} of {room.count} · {'read' if read else 'not read yet'}"
    levels = room.sitting.study.levels
    words += f" · grade {room.level} of {levels}" if levels > 1 else ""
    others = [rater for rater in rating.raters if room.others_shown and rater.name != current.name]
    outlines = _outlines(room, rating, [current, *others], index)
    if placement is None:
        return Picture(_NO_LINES, outlines=outlines, words=words, color=color)
    marked = _graded(placement, current, index, color)
    for number, rater in enumerate(others, 1):
        quads = cell_quads(placement, rater.cells_on(index), 0.04 + _INSET * (1 + number % _MOST_FRAMES))
        marked.append(Marked(quads, rating.color(rater.name), fill=0.0))
    cursor = None
    if current.mask is None:
        cursor = cell_quads(placement, [room.cell])
    return Picture(
        grid_lines(placement),
        faint=not read,
        marked=tuple(marked),
        cursor=cursor,
        outlines=outlines,
        words=words,
        color=color,
    )


def _graded(placement: Placement, rater: Rater, index: int, color: Color) -> list[Marked]:
    """A rater's cells: the higher the grade, the fuller the cell."""
    cells = rater.cells_on(index)
    grades = {cell: rater.grade((index, *cell)) for cell in cells}
    return [
        Marked(cell_quads(placement, [cell for cell in cells if grades[cell] == grade], 0.04), color, grade)
        for grade in sorted(set(grades.values()))
    ]


def _together(room: Room, rating: Rating, index: int) -> Picture:
    placement = room.placement(index)
    marked = []
    for number, rater in enumerate(rating.raters):
        if placement is not None and rater.cells_on(index):
            quads = cell_quads(placement, rater.cells_on(index), 0.05 + _INSET * (number % _MOST_FRAMES))
            marked.append(Marked(quads, rating.color(rater.name), fill=0.0))
    outlines = (*_outlines(room, rating, rating.raters, index), *_changed(room, index))
    readers = sum(rater.has_read(index) for rater in rating.raters)
    words = f"Slice {index + 1} of {room.count} · read by {readers} of {len(rating.raters)}"
    return Picture(_NO_LINES, marked=tuple(marked), outlines=outlines, words=words)


def _outlines(
    room: Room, rating: Rating, raters: list[Rater] | tuple[Rater, ...], index: int
) -> tuple[tuple[np.ndarray, Color], ...]:
    """What raters drew, in their colours."""
    found = []
    for rater in raters:
        plane = room.plane(room.mask(rater.mask), index) if rater.mask is not None and rater.has_read(index) else None
        if plane is not None and plane.any():
            found.append((outline(plane), rating.color(rater.name)))
    return tuple(found)


def _changed(room: Room, index: int) -> tuple[tuple[np.ndarray, Color], ...]:
    """The voxels that the step in question changes on this slice, where it is the one in the main view."""
    preview, step = room.together.preview, room.together.choice.outlined
    if preview is None or index != room.index():
        return ()
    plane = preview.changed.get(step)
    return ((outline(plane), WHITE),) if plane is not None and plane.any() else ()
