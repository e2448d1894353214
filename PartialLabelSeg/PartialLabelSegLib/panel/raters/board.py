"""The grid as the mouse finds it: which cell is under it, what a tick or a dragged corner does, and which tool is in hand in which part."""

from __future__ import annotations

from collections.abc import Callable

from ...data.raters.template import GridTemplate
from .grid_actions import GridActions
from .planes import ShownSlice
from .reading_actions import ReadingActions
from .room import PLACE, READ, Room
from .tools import PlaceTool, TickTool


class GridBoard:
    """`shown(view)`: what a view shows of the scan; `redraw()` draws the views at once, while something is dragged."""

    def __init__(
        self,
        room: Room,
        grid: GridActions,
        reading: ReadingActions,
        shown: Callable[[str], ShownSlice | None],
        redraw: Callable[[], object],
    ) -> None:
        self._room, self._grid, self._reading = room, grid, reading
        self._shown, self._redraw = shown, redraw
        self._tick_tool, self._place_tool = TickTool(self), PlaceTool(self)

    def tool(self) -> TickTool | PlaceTool | None:
        """What the left button does now; None: what it does without us."""
        if self._room.mode == PLACE:
            return self._place_tool
        return self._tick_tool if self._room.mode == READ else None

    def shown(self, view: str) -> ShownSlice | None:
        return self._shown(view)

    def template(self) -> GridTemplate | None:
        return self._grid.template

    def cell_at(self, index: int, point: tuple[float, float]) -> tuple[int, int] | None:
        """(row, column) at a point of a slice; None beside the grid."""
        placement = self._room.placement(index)
        return placement.cell_at(point) if placement is not None else None

    def is_ticked(self, index: int, cell: tuple[int, int]) -> bool:
        return self._reading.is_ticked(index, cell)

    def why_not_tick(self) -> str:
        return self._reading.why_not_tick()

    def refuse(self, why: str) -> None:
        self._room.warn(why)

    def tick(self, index: int, cells: tuple[tuple[int, int], ...], on: bool, goes_on: bool) -> None:
        self._reading.tick(index, cells, on, goes_on)

    def place(self, template: GridTemplate, done: bool) -> None:
        self._grid.place(template, done)
        if not done:
            self._redraw()
