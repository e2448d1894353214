"""All slices of a scan as a strip: where there is bone, which were read, which have ticks, where the grid was placed; a click goes there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from ..qt_subset import get
from ..raters.views import SliceMark

HEIGHT = 30
_TIP = (
    "All slices of the scan; click to go to one.\nLine at the bottom: there is bone. Coloured: read. Dot: has ticks. "
    "Triangle: a key slice, on which the grid was placed."
)


class SliceStrip(qt.QWidget):
    """`chosen(index)` is called for a click; `show_slices` calls nothing."""

    def __init__(self, chosen: Callable[[int], object]) -> None:
        qt.QWidget.__init__(self)
        self._chosen = chosen
        self._slices: tuple[SliceMark, ...] = ()
        self._index = -1
        self._color: Any = (0.5, 0.5, 0.5)
        self.setObjectName("raters_strip")
        self.setToolTip(_TIP)
        self.setMinimumHeight(HEIGHT)
        self.setMaximumHeight(HEIGHT)
        self.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)

    def show_slices(self, slices: tuple[SliceMark, ...], index: int, color: tuple[float, float, float]) -> None:
        """The slices, which one is shown (-1: none), and the current rater's colour."""
        if (slices, index, color) != (self._slices, self._index, self._color):
            self._slices, self._index, self._color = slices, index, color
            self.update()

    def mousePressEvent(self, event: Any) -> None:
        if self._slices:
            # Qt 6 deprecates what Qt 5 has.
            point = event.position() if hasattr(event, "position") else event.pos()
            place = int(point.x() * len(self._slices) / max(1, get(self, "width")))
            self._chosen(min(max(place, 0), len(self._slices) - 1))

    def paintEvent(self, event: Any) -> None:
        painter = qt.QPainter(self)
        width, height = get(self, "width"), get(self, "height")
        palette = get(self, "palette")
        painter.fillRect(0, 0, width, height, palette.color(qt.QPalette.Base))
        for place, mark in enumerate(self._slices):
            left, right = (round(width * edge / len(self._slices)) for edge in (place, place + 1))
            self._paint_slice(painter, mark, left, max(1, right - left))
        if 0 <= self._index < len(self._slices):
            left, right = (round(width * edge / len(self._slices)) for edge in (self._index, self._index + 1))
            painter.setPen(qt.QPen(qt.QBrush(palette.color(qt.QPalette.Text)), 2.0))
            painter.drawRect(left, 1, max(3, right - left), height - 2)
        painter.end()

    def _paint_slice(self, painter: Any, mark: SliceMark, left: int, width: int) -> None:
        height, palette = get(self, "height"), get(self, "palette")
        ink = palette.color(qt.QPalette.Text)
        gap = 1 if width > 3 else 0
        if mark.read:
            color = qt.QColor.fromRgbF(*(float(part) for part in self._color))
            painter.fillRect(left, 9, width - gap, height - 14, color)
        if mark.bone:
            painter.fillRect(left, height - 4, width - gap, 3, palette.color(qt.QPalette.Mid))
        painter.setPen(qt.QPen(qt.QBrush(ink), 1.0))
        painter.setBrush(qt.QBrush(ink))
        middle = left + (width - gap) // 2
        if mark.ticked:
            painter.drawEllipse(middle - 2, height // 2 - 1, 4, 4)
        if mark.key:
            for row in range(5):
                painter.drawLine(middle - 4 + row, 1 + row, middle + 4 - row, 1 + row)
        painter.setBrush(qt.QBrush())
