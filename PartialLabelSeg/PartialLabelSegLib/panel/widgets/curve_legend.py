"""The legend of the curves: a piece of line, the name and the latest value, in as many columns as fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import qt

from ..view_models import Color
from .chart import GAP, Line, dash_style
from .shades import qcolor

SAMPLE = 1.6
"""Length of the piece of line, in lines of text."""
NARROWEST, WIDEST, WIDEST_OF_MANY, MANY = 9.0, 18.0, 10.5, 16
"""Width of a column, in lines of text; where there are many entries their names are shortened rather than put one below the other."""
NOT_MEASURED = "–"


@dataclass(frozen=True)
class Entry:
    """value: the latest Dice; None where it was never measured."""

    name: str
    value: float | None
    line: Line

    def value_text(self) -> str:
        return NOT_MEASURED if self.value is None else f"{self.value:.2f}"


def column_width(entries: Sequence[Entry], metrics: Any) -> int:
    """Pixels that an entry should have."""
    line = metrics.height()
    longest = max((metrics.horizontalAdvance(f"{entry.name} {entry.value_text()}") for entry in entries), default=0)
    widest = WIDEST_OF_MANY if len(entries) > MANY else WIDEST
    return int(min(widest * line, max(NARROWEST * line, longest + (SAMPLE + 2) * line)))


def legend_rows(entries: Sequence[Entry], width: int, metrics: Any) -> int:
    """How many lines the entries take in a widget of this width."""
    columns = max(1, width // column_width(entries, metrics))
    return -(-len(entries) // columns)


def legend_height(entries: Sequence[Entry], width: int, metrics: Any) -> int:
    """The same in pixels."""
    return int(legend_rows(entries, width, metrics) * (metrics.height() + GAP))


def draw_legend(painter: Any, entries: Sequence[Entry], place: tuple[int, int, int], ink: Color) -> None:
    """Draws the entries column by column at `place`: (left, top, width)."""
    left, top, width = place
    metrics = painter.fontMetrics()
    rows = max(1, legend_rows(entries, width, metrics))
    wide = min(width, column_width(entries, metrics))
    for index, entry in enumerate(entries):
        x, y = left + (index // rows) * wide, top + (index % rows) * (metrics.height() + GAP)
        _draw_entry(painter, entry, (x, y, wide - 2 * GAP), ink)


def _draw_entry(painter: Any, entry: Entry, place: tuple[int, int, int], ink: Color) -> None:
    x, y, width = place
    metrics = painter.fontMetrics()
    sample, middle = int(SAMPLE * metrics.height()), y + metrics.height() // 2
    pen = qt.QPen(qcolor(entry.line.color, entry.line.opacity))
    pen.setWidthF(max(2.0, float(entry.line.thickness)))
    pen.setStyle(dash_style(entry.line.dash))
    painter.setPen(pen)
    painter.drawLine(x, middle, x + sample, middle)
    painter.setPen(qcolor(ink, max(0.6, entry.line.opacity)))
    value = entry.value_text()
    room = width - sample - 2 * GAP - metrics.horizontalAdvance(value)
    name = metrics.elidedText(entry.name, qt.Qt.ElideMiddle, room)
    painter.drawText(x + sample + GAP, y + metrics.ascent(), name)
    painter.drawText(x + width - metrics.horizontalAdvance(value), y + metrics.ascent(), value)
