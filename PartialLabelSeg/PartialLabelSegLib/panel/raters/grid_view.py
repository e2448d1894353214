"""One slice view's picture of the raters' work: grid, ticked cells, cursor, corners, outlines, and a line of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .drawn_grid import around, lower_part
from .paint import Color, Shapes, Words
from .planes import ShownSlice

WHITE: Color = (1.0, 1.0, 1.0)
BLACK: Color = (0.0, 0.0, 0.0)
BONE: Color = (0.9, 0.9, 0.8)
HANDLE = 7.0
"""Half a corner's width, in pixels."""
_NOTHING = np.zeros((0, 2, 2))


@dataclass(frozen=True, eq=False)
class Marked:
    """Cells (n, 4, 2) of a slice in one rater's colour. fill: how much of each is filled, from below; around it there is always a line."""

    quads: np.ndarray
    color: Color
    fill: float = 1.0


@dataclass(frozen=True, eq=False)
class Picture:
    """What a view shows of a slice, in points of that slice.

    lines: (n, 2, 2) of the grid; faint: of a slice that is not read. bone: its outline, (n, 2, 2). cursor: (1, 4, 2), the cell that the keys move. outlines: line
    segments with their colours. corners: (4, 2) that can be dragged, `is_key` where they were set on this very slice.
    """

    lines: np.ndarray
    faint: bool = False
    bone: np.ndarray | None = None
    marked: tuple[Marked, ...] = ()
    cursor: np.ndarray | None = None
    outlines: tuple[tuple[np.ndarray, Color], ...] = ()
    corners: np.ndarray | None = None
    is_key: bool = False
    words: str = ""
    color: Color = WHITE


class GridView:
    """The actors in one slice view. `remove()` takes them away."""

    def __init__(self, interactor: Any) -> None:
        self._window = interactor.GetRenderWindow()
        self._renderer = main_renderer(self._window)
        self._shade, self._lines = Shapes(1, 3.0), Shapes(2, 1.0)
        self._bone_shade, self._bone = Shapes(1, 3.0), Shapes(2, 1.2)
        self._fills, self._mark_shade, self._marks = Shapes(0), Shapes(3, 4.0), Shapes(3, 2.0)
        self._outline_shade, self._outlines = Shapes(4, 4.0), Shapes(5, 2.0)
        self._cursor_shade, self._cursor = Shapes(6, 5.0), Shapes(7, 2.5)
        self._handles, self._handle_rims = Shapes(8), Shapes(9, 2.0)
        self._words = Words(10)
        under: list[Shapes | Words] = [self._fills, self._shade, self._bone_shade, self._lines, self._bone]
        over: list[Shapes | Words] = [self._mark_shade, self._marks, self._outline_shade, self._outlines]
        self._all = [*under, *over, self._cursor_shade, self._cursor, self._handles, self._handle_rims, self._words]
        # Drawn in the order in which they are added.
        for part in sorted(self._all, key=lambda each: int(each.actor.GetLayerNumber())):
            self._renderer.AddViewProp(part.actor)

    def draw(self, picture: Picture | None, shown: ShownSlice | None) -> None:
        """Shows a picture, or nothing."""
        if picture is None or shown is None:
            for part in self._all:
                part.actor.SetVisibility(False)
            return
        lines = shown.window(picture.lines)
        self._shade.put([(lines, BLACK, 0.25)])
        self._lines.put([(lines, WHITE, 0.4 if picture.faint else 0.75)])
        bone = _NOTHING if picture.bone is None else shown.window(picture.bone)
        self._bone_shade.put([(bone, BLACK, 0.4)])
        self._bone.put([(bone, BONE, 1.0)])
        marked = [(item, shown.window(item.quads)) for item in picture.marked]
        self._fills.put([(lower_part(quads, item.fill), item.color, 0.35) for item, quads in marked if item.fill])
        self._mark_shade.put([(around(quads), BLACK, 0.4) for item, quads in marked])
        self._marks.put([(around(quads), item.color, 1.0) for item, quads in marked])
        outlines = [(shown.window(part), color) for part, color in picture.outlines]
        self._outline_shade.put([(part, BLACK, 0.5) for part, _ in outlines])
        self._outlines.put([(part, color, 1.0) for part, color in outlines])
        cursor = _NOTHING if picture.cursor is None else around(shown.window(picture.cursor))
        self._cursor_shade.put([(cursor, BLACK, 0.7)])
        self._cursor.put([(cursor, WHITE, 1.0)])
        self._draw_corners(picture, shown)
        width, height = self._window.GetSize()
        self._words.put(picture.words, picture.color, (width / 2, height - 8))

    def _draw_corners(self, picture: Picture, shown: ShownSlice) -> None:
        quads = np.zeros((0, 4, 2))
        if picture.corners is not None:
            square = HANDLE * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
            quads = shown.window(picture.corners)[:, None] + square
        color = picture.color if picture.is_key else BLACK
        self._handles.put([(quads, color, 1.0 if picture.is_key else 0.4)])
        self._handle_rims.put([(around(quads), WHITE, 1.0)])

    def remove(self) -> None:
        """Takes everything out of the view."""
        for part in self._all:
            self._renderer.RemoveViewProp(part.actor)


def main_renderer(window: Any) -> Any:
    """The renderer of a view that draws the slice itself, not the one for what lies over everything."""
    renderers = window.GetRenderers()
    every = [renderers.GetItemAsObject(place) for place in range(renderers.GetNumberOfItems())]
    return min(every, key=lambda renderer: int(renderer.GetLayer()))
