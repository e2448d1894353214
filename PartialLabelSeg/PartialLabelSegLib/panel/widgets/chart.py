"""One chart: a frame with ticks, lines in it, and marks where something begins. Drawn with Qt's painter alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import qt

from ..view_models import Color, Point
from .shades import qcolor

FAINT, SOFT = 0.18, 0.65
"""Opacity of the grid lines, and of the words beside the axes."""
GAP = 4


@dataclass(frozen=True)
class Area:
    """Where a chart lies in its widget, in pixels, and the range that it shows. Everything is (from left, from top)."""

    left: int
    top: int
    width: int
    height: int
    x_to: float
    y_from: float
    y_to: float

    def x(self, value: float) -> float:
        return self.left + self.width * value / max(self.x_to, 1e-9)

    def y(self, value: float) -> float:
        """Values beyond the range are drawn at its edge."""
        share = (value - self.y_from) / max(self.y_to - self.y_from, 1e-9)
        return self.top + self.height * (1 - min(1.0, max(0.0, share)))


@dataclass(frozen=True)
class Line:
    """A curve. dash: which of the dash patterns; `opacity` 0..1."""

    points: Sequence[Point]
    color: Color
    dash: int = 0
    thickness: float = 1.6
    opacity: float = 1.0


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` round values from low to high: multiples of 1, 2 or 5 times a power of ten."""
    if not high > low or most < 1:
        return []
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.9999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def label_of(value: float) -> str:
    """'0.25', '40', '12k'."""
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:g}"


def dash_style(number: int) -> Any:
    """Qt's pen style for the `number`-th line of a like colour."""
    styles = (qt.Qt.SolidLine, qt.Qt.DashLine, qt.Qt.DotLine, qt.Qt.DashDotLine, qt.Qt.DashDotDotLine)
    return styles[number % len(styles)]


def draw_frame(painter: Any, area: Area, ink: Color, title: str, with_steps: bool) -> None:
    """Axes, grid, and the words beside them."""
    metrics = painter.fontMetrics()
    for value in ticks(area.y_from, area.y_to, max(2, area.height // (2 * metrics.height()))):
        y = int(area.y(value))
        _line(painter, qcolor(ink, FAINT), (area.left, y), (area.left + area.width, y))
        painter.setPen(qcolor(ink, SOFT))
        text = label_of(value)
        painter.drawText(area.left - GAP - metrics.horizontalAdvance(text), y + metrics.ascent() // 2 - 1, text)
    bottom = area.top + area.height
    _line(painter, qcolor(ink, SOFT), (area.left, area.top), (area.left, bottom))
    _line(painter, qcolor(ink, SOFT), (area.left, bottom), (area.left + area.width, bottom))
    painter.setPen(qcolor(ink))
    painter.drawText(area.left, area.top - GAP, title)
    if with_steps:
        _draw_steps(painter, area, ink)


def _draw_steps(painter: Any, area: Area, ink: Color) -> None:
    metrics, bottom = painter.fontMetrics(), area.top + area.height
    room = metrics.horizontalAdvance("100000  ")
    for value in ticks(0, area.x_to, max(1, area.width // room)):
        x = int(area.x(value))
        _line(painter, qcolor(ink, SOFT), (x, bottom), (x, bottom + 3))
        text = f"{label_of(value)}{' steps' if value == 0 else ''}"
        painter.setPen(qcolor(ink, SOFT))
        wide, right = metrics.horizontalAdvance(text), area.left + area.width + GAP
        # The last one ends where the chart does.
        left = x if value == 0 else min(x - wide // 2, right - wide)
        painter.drawText(left, bottom + metrics.ascent() + GAP, text)


def draw_marks(painter: Any, area: Area, marks: Sequence[tuple[float, str]], ink: Color, in_words: bool) -> None:
    """A dotted upright line where something begins; its words where they fit between two lines."""
    metrics = painter.fontMetrics()
    ends = [*(value for value, _ in marks[1:]), area.x_to]
    for (value, words), end in zip(marks, ends):
        x = int(area.x(value))
        if value > 0:
            pen = qt.QPen(qcolor(ink, SOFT))
            pen.setStyle(qt.Qt.DotLine)
            painter.setPen(pen)
            painter.drawLine(x, area.top, x, area.top + area.height)
        if in_words and metrics.horizontalAdvance(words) + GAP < area.x(end) - x:
            painter.setPen(qcolor(ink, SOFT))
            painter.drawText(x + GAP, area.top + area.height - GAP, words)


def draw_line(painter: Any, area: Area, line: Line) -> None:
    """A curve; a single point as a dot."""
    points = thinned([point for point in line.points if math.isfinite(point[1])], 2 * area.width)
    if not points:
        return
    pen = qt.QPen(qcolor(line.color, line.opacity))
    pen.setWidthF(float(line.thickness))
    pen.setStyle(dash_style(line.dash))
    painter.setPen(pen)
    painter.setBrush(qt.QBrush())
    path = qt.QPainterPath()
    path.moveTo(float(area.x(points[0][0])), float(area.y(points[0][1])))
    for x, y in points[1:]:
        path.lineTo(float(area.x(x)), float(area.y(y)))
    painter.drawPath(path)
    if len(points) == 1:
        painter.setBrush(qt.QBrush(qcolor(line.color, line.opacity)))
        painter.drawEllipse(int(area.x(points[0][0])) - 2, int(area.y(points[0][1])) - 2, 4, 4)


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most about `most` of the points, the first and the last among them."""
    if len(points) <= most or most < 2:
        return list(points)
    stride = math.ceil(len(points) / most)
    kept = list(points[::stride])
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]


def mean_of(curves: Iterable[Sequence[Point]]) -> list[Point]:
    """At each step the mean of those curves that have a finite value there."""
    values: dict[float, list[float]] = {}
    for points in curves:
        for step, value in points:
            if math.isfinite(value):
                values.setdefault(step, []).append(value)
    return [(step, sum(found) / len(found)) for step, found in sorted(values.items())]


def top_of(points: Sequence[Point]) -> float:
    """The upper end of an axis for falling values: the first tenth, which is often far above the rest, may be cut off."""
    values = [value for _, value in points if math.isfinite(value)]
    kept = values[len(values) // 10 :] or [1.0]
    return max(max(kept) * 1.05, 1e-6)


def _line(painter: Any, color: Any, start: tuple[int, int], end: tuple[int, int]) -> None:
    painter.setPen(color)
    painter.drawLine(int(start[0]), int(start[1]), int(end[0]), int(end[1]))
