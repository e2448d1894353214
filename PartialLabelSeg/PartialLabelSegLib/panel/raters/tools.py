"""What the left mouse button does over the grid: ticking cells in one stroke, or dragging corners. One tool is in hand at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from ...data.raters.template import GridTemplate
from .placing import dragged, taken_hold
from .planes import ShownSlice

Cell = tuple[int, int]


class Board(Protocol):
    """What the tools ask of the grid, and do to it."""

    def shown(self, view: str) -> ShownSlice | None: ...
    def template(self) -> GridTemplate | None: ...
    def cell_at(self, index: int, point: tuple[float, float]) -> Cell | None: ...
    def is_ticked(self, index: int, cell: Cell) -> bool: ...
    def why_not_tick(self) -> str: ...
    def refuse(self, why: str) -> None: ...
    def tick(self, index: int, cells: tuple[Cell, ...], on: bool, goes_on: bool) -> None: ...
    def place(self, template: GridTemplate, done: bool) -> None: ...


class TickTool:
    """A click ticks a cell or takes its tick away; dragging on does the same to every cell on the way, as one change."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._on = True
        self._last: tuple[int, Cell] | None = None

    def pressed(self, view: str, x: int, y: int) -> bool:
        shown = self._board.shown(view)
        cell = self._board.cell_at(shown.index, shown.point(x, y)) if shown is not None else None
        if shown is None or cell is None:
            return False
        why_not = self._board.why_not_tick()
        if why_not:
            self._board.refuse(why_not)
            return True
        self._on = not self._board.is_ticked(shown.index, cell)
        self._last = (shown.index, cell)
        self._board.tick(shown.index, (cell,), self._on, False)
        return True

    def moved(self, view: str, x: int, y: int) -> None:
        shown = self._board.shown(view)
        if shown is None or self._last is None or shown.index != self._last[0]:
            return
        cell = self._board.cell_at(shown.index, shown.point(x, y))
        if cell is not None and cell != self._last[1]:
            cells = _between(self._last[1], cell)
            self._last = (shown.index, cell)
            self._board.tick(shown.index, cells, self._on, True)

    def released(self, view: str) -> None:
        self._last = None


class PlaceTool:
    """Dragging a corner moves it, dragging inside the grid moves all of it; the slice becomes a key."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._hold: tuple[int, int, np.ndarray, tuple[float, float]] | None = None
        self._placed: GridTemplate | None = None

    def pressed(self, view: str, x: int, y: int) -> bool:
        shown, template = self._board.shown(view), self._board.template()
        if shown is None or template is None:
            return False
        corners = template.corners(shown.index)
        hold = taken_hold(shown.window(corners), (x, y))
        if hold is None:
            return False
        self._hold = (shown.index, hold, corners, shown.point(x, y))
        self._placed = None
        return True

    def moved(self, view: str, x: int, y: int) -> None:
        shown, template = self._board.shown(view), self._board.template()
        if shown is None or template is None or self._hold is None or shown.index != self._hold[0]:
            return
        index, hold, start, began = self._hold
        now = shown.point(x, y)
        found = dragged(template, index, hold, start, (now[0] - began[0], now[1] - began[1]))
        if found is not None:
            self._placed = found
            self._board.place(found, False)

    def released(self, view: str) -> None:
        self._hold = None
        if self._placed is not None:
            placed, self._placed = self._placed, None
            self._board.place(placed, True)


class Hand:
    """Hands the mouse on to the tool that is in hand; without one, everything is left to the views."""

    def __init__(self, tool: Callable[[], TickTool | PlaceTool | None]) -> None:
        self._tool = tool

    def pressed(self, view: str, x: int, y: int) -> bool:
        tool = self._tool()
        return tool is not None and tool.pressed(view, x, y)

    def moved(self, view: str, x: int, y: int) -> None:
        tool = self._tool()
        if tool is not None:
            tool.moved(view, x, y)

    def released(self, view: str) -> None:
        tool = self._tool()
        if tool is not None:
            tool.released(view)


def _between(first: Cell, last: Cell) -> tuple[Cell, ...]:
    """The cells on the way from one to another, without the first: a fast mouse leaves none out."""
    steps = max(abs(last[0] - first[0]), abs(last[1] - first[1]))
    shares = [step / steps for step in range(1, steps + 1)]
    cells = [tuple(round(a + share * (b - a)) for a, b in zip(first, last)) for share in shares]
    return tuple((cell[0], cell[1]) for cell in cells)
