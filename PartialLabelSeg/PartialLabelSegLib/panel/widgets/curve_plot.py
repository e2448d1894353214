"""The live curves of learning: validation Dice per structure above, the loss below, and a legend with the latest values."""

from __future__ import annotations

import math
from typing import Any

import qt

from ...data.contrast import readable
from ..qt_subset import get
from ..view_models import Color, CurvesView, CurveView
from .chart import GAP, Area, Line, draw_frame, draw_line, draw_marks, mean_of, ticks, top_of
from .curve_legend import Entry, draw_legend, legend_height
from .shades import repeats, shade

DICE_LINES, LOSS_LINES = 10, 5
"""Heights of the two charts in lines of text."""
DIMMED = 0.25
EMPTY = "The curves appear here once it learns."


class CurvePlot(qt.QWidget):
    """Paints a `CurvesView`. Its height follows from its width: the legend takes as many lines as it needs."""

    def __init__(self) -> None:
        qt.QWidget.__init__(self)
        self._view = CurvesView()
        self._highlight = ""
        self.setObjectName("curve_plot")
        self.setAccessibleName("Curves of learning")
        self.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        self._adjust_height()

    def show_curves(self, view: CurvesView, highlight: str = "") -> None:
        """`highlight`: the structure whose curve stands out; '' for none."""
        if (view, highlight) == (self._view, self._highlight):
            return
        self._view, self._highlight = view, highlight
        self.setAccessibleDescription(summary(view))
        self._adjust_height()
        self.update()

    def resizeEvent(self, event: Any) -> None:
        self._adjust_height()

    def paintEvent(self, event: Any) -> None:
        painter = qt.QPainter(self)
        painter.setRenderHint(qt.QPainter.Antialiasing)
        painter.setFont(get(self, "font"))
        ink = shade(self, qt.QPalette.WindowText)
        if not self._view.loss and not any(curve.points for curve in self._view.dice):
            self._paint_empty(painter)
        else:
            self._paint_dice(painter, ink)
            self._paint_loss(painter, ink)
            draw_legend(painter, self.entries(), (0, self._legend_top(), self._width()), ink)
        painter.end()

    def _width(self) -> int:
        return int(get(self, "width"))

    def _line(self) -> int:
        return int(self.fontMetrics().height())

    def _adjust_height(self) -> None:
        rows = legend_height(self.entries(), self._width(), self.fontMetrics())
        height = int(self._legend_top() + rows + GAP) if self._view.loss or self._view.dice else 4 * self._line()
        if get(self, "minimumHeight") != height:
            self.setFixedHeight(height)

    def _legend_top(self) -> int:
        return (DICE_LINES + LOSS_LINES + 5) * self._line()

    def _area(self, top: int, lines: int, y_from: float, y_to: float) -> Area:
        left = int(self.fontMetrics().horizontalAdvance("0.000") + GAP)
        return Area(
            left, top, max(10, self._width() - left - 2 * GAP), lines * self._line(), self._last_step(), y_from, y_to
        )

    def _last_step(self) -> float:
        curves = [self._view.loss, *(curve.points for curve in self._view.dice)]
        return max([1.0, float(self._view.steps), *(points[-1][0] for points in curves if points)])

    def _paint_empty(self, painter: Any) -> None:
        painter.setPen(get(self, "palette").color(qt.QPalette.PlaceholderText))
        text = self.fontMetrics().elidedText(EMPTY, qt.Qt.ElideRight, self._width() - 2 * GAP)
        painter.drawText(GAP, 2 * self._line(), text)

    def _paint_dice(self, painter: Any, ink: Color) -> None:
        area = self._area(int(1.5 * self._line()), DICE_LINES, 0.0, 1.0)
        draw_frame(painter, area, ink, "Dice on the validation scans", False)
        draw_marks(painter, area, self._view.marks, ink, True)
        if not any(curve.points for curve in self._view.dice):
            painter.drawText(area.left + 2 * GAP, area.top + area.height // 2, "not measured yet")
        ordered = sorted(zip(self._view.dice, self._lines()), key=lambda pair: pair[0].structure == self._highlight)
        for _, line in ordered:
            draw_line(painter, area, line)
        if len(self._view.dice) > 1:
            mean = mean_of(curve.points for curve in self._view.dice)
            draw_line(painter, area, Line(mean, ink, 0, 3.0, DIMMED if self._highlight else 0.8))

    def _paint_loss(self, painter: Any, ink: Color) -> None:
        high = ticks(0.0, top_of(self._view.loss), LOSS_LINES)
        area = self._area((DICE_LINES + 3) * self._line(), LOSS_LINES, 0.0, max([top_of(self._view.loss), *high]))
        draw_frame(painter, area, ink, "Loss (falls while it learns)", True)
        draw_marks(painter, area, self._view.marks, ink, False)
        accent = readable(shade(self, qt.QPalette.Highlight), shade(self, qt.QPalette.Window))
        draw_line(painter, area, Line(self._view.loss, accent))

    def _lines(self) -> list[Line]:
        """One per structure, in colours that can be read here; like colours are dashed differently."""
        background = shade(self, qt.QPalette.Window)
        dashes = repeats([curve.color for curve in self._view.dice])
        return [
            self._styled(curve, readable(curve.color, background), dash) for curve, dash in zip(self._view.dice, dashes)
        ]

    def _styled(self, curve: CurveView, color: Color, dash: int) -> Line:
        if not self._highlight:
            return Line(curve.points, color, dash)
        stands_out = curve.structure == self._highlight
        return Line(curve.points, color, dash, 3.0 if stands_out else 1.2, 1.0 if stands_out else DIMMED)

    def entries(self) -> list[Entry]:
        """The legend: the mean first, then every structure with its latest value."""
        curves = self._view.dice
        made = [Entry(curve.structure, latest(curve.points), line) for curve, line in zip(curves, self._lines())]
        if len(curves) < 2:
            return made
        mean = mean_of(curve.points for curve in curves)
        return [Entry("mean", latest(mean), Line((), shade(self, qt.QPalette.WindowText), 0, 3.0, 0.8)), *made]


def latest(points: Any) -> float | None:
    """The last finite value of a curve."""
    return next((value for _, value in reversed(points) if math.isfinite(value)), None)


def summary(view: CurvesView) -> str:
    """The plot in a sentence, for who cannot see it."""
    parts = [(curve.structure, latest(curve.points)) for curve in view.dice]
    dice = ", ".join(f"{name} {value:.2f}" for name, value in parts if value is not None)
    loss = latest(view.loss)
    return f"Dice: {dice or 'not measured yet'}. Loss: {'none yet' if loss is None else f'{loss:.3f}'}."
