"""How far raters agree, as a picture: the Dice of each pair as shaded squares, and each rater's volumes against the consensus."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import qt

from ...data.contrast import Color, luminance, mixed, readable
from ...metrics.agreement import Agreement, PairAgreement, RaterAgreement
from ..qt_subset import get
from .chart import FAINT, GAP, SOFT, label_of, ticks
from .shades import qcolor, shade

_LOW, _HIGH = (0.93, 0.95, 0.98), (0.02, 0.28, 0.55)
"""The shades of a Dice of 0 and of 1."""
_NAME_SHARE = 0.3
_SPREAD = (0, -4, 4, -2, 2, -6, 6)
"""Dots of a row lie at these heights by turns, so that equal ones can be counted."""


class AgreementFigure(qt.QWidget):
    """Paints an `Agreement`; its height follows from how many raters there are."""

    def __init__(self) -> None:
        qt.QWidget.__init__(self)
        self._result: Agreement | None = None
        self._colors: tuple[Color, ...] = ()
        self.setObjectName("raters_figure")
        self.setAccessibleName("Agreement of the raters")
        self.setToolTip(
            "Above: Dice of each pair of raters. Below: each scan's volume minus that of the majority; "
            "upright line: bias, band: limits of agreement."
        )
        self.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)

    def show_agreement(self, result: Agreement | None, colors: tuple[Color, ...]) -> None:
        """colors: of the raters, in their order."""
        if result is self._result and colors == self._colors:
            return
        self._result, self._colors = result, colors
        if result is not None:
            self.setFixedHeight(self._matrix_height() + int(3.3 * self._line()) + self._row() * len(result.raters))
            self.setAccessibleDescription(summary(result))
        self.update()

    def paintEvent(self, event: Any) -> None:
        if self._result is None:
            return
        painter = qt.QPainter(self)
        painter.setRenderHint(qt.QPainter.Antialiasing)
        painter.setFont(get(self, "font"))
        ink = shade(self, qt.QPalette.WindowText)
        if self._matrix_height():
            self._paint_matrix(painter, self._result, ink)
        self._paint_bias(painter, self._result, ink)
        painter.end()

    def _line(self) -> int:
        return int(self.fontMetrics().height())

    def _row(self) -> int:
        return int(self._line() * 1.5)

    def _left(self) -> int:
        """Where names end."""
        assert self._result is not None
        widest = max(self.fontMetrics().horizontalAdvance(item.rater) for item in self._result.raters)
        return int(min(widest + 2 * GAP, _NAME_SHARE * get(self, "width")))

    def _matrix_height(self) -> int:
        """One rater has no pairs."""
        assert self._result is not None
        count = len(self._result.raters)
        return 3 * self._line() + self._row() * count if count > 1 else 0

    def _name(self, painter: Any, text: str, place: tuple[int, int], room: int, to_right: bool) -> None:
        """A name, shortened to the room that there is: ending at a place, or around it."""
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(text, qt.Qt.ElideRight, max(room, 8))
        wide = metrics.horizontalAdvance(shown)
        painter.drawText(int(place[0] - (wide if to_right else wide // 2)), int(place[1]), shown)

    def _paint_matrix(self, painter: Any, result: Agreement, ink: Color) -> None:
        names = [item.rater for item in result.raters]
        pairs = {frozenset((pair.first, pair.second)): pair for pair in result.pairs}
        left, row, line = self._left(), self._row(), self._line()
        size = min(4 * line, (int(get(self, "width")) - left - GAP) // len(names))
        ascent = int(painter.fontMetrics().ascent())
        painter.setPen(qcolor(ink))
        painter.drawText(0, ascent, "Dice of each pair")
        for number, name in enumerate(names):
            top = 2 * line + GAP + number * row
            painter.setPen(qcolor(ink))
            self._name(painter, name, (left - GAP, top + (row + ascent) // 2 - 1), left - GAP, True)
            self._name(painter, name, (left + number * size + size // 2, line + ascent), size - GAP, False)
            for column, other in enumerate(names):
                pair = pairs.get(frozenset((name, other))) if name != other else None
                _square(painter, pair, (left + column * size, top, size - 2, row - 2), ink)

    def _paint_bias(self, painter: Any, result: Agreement, ink: Color) -> None:
        left, row, line, top = self._left(), self._row(), self._line(), self._matrix_height()
        right = int(get(self, "width")) - 3 * GAP
        ascent = int(painter.fontMetrics().ascent())
        painter.setPen(qcolor(ink))
        painter.drawText(0, top + ascent, "Volume minus the majority's, mL")
        first, bottom = top + int(1.3 * line), top + int(1.3 * line) + row * len(result.raters)
        low, high = span(result.raters)

        def across(value: float) -> float:
            return left + (min(max(value, low), high) - low) / (high - low) * (right - left)

        for value in ticks(low, high, max(2, (right - left) // (5 * line))):
            x, text = int(across(value)), label_of(round(value, 6))
            painter.setPen(qcolor(ink, SOFT if value == 0 else FAINT))
            painter.drawLine(x, first, x, bottom)
            painter.setPen(qcolor(ink, SOFT))
            painter.drawText(x - painter.fontMetrics().horizontalAdvance(text) // 2, bottom + ascent + GAP, text)
        background = shade(self, qt.QPalette.Window)
        for number, rater in enumerate(result.raters):
            middle = first + number * row + row // 2
            painter.setPen(qcolor(ink))
            self._name(painter, rater.rater, (left - GAP, middle + ascent // 2 - 1), left - GAP, True)
            _volumes(painter, rater, (middle, row), across, (readable(self._colors[number], background), ink))


def _square(painter: Any, pair: PairAgreement | None, box: tuple[int, int, int, int], ink: Color) -> None:
    """One pair; only a frame for a rater and himself, or two who read no scan in common."""
    x, y, width, height = (int(value) for value in box)
    if pair is None or math.isnan(pair.dice.mean):
        painter.setPen(qcolor(ink, FAINT))
        painter.setBrush(qt.QBrush())
        painter.drawRect(x, y, width, height)
        return
    color = mixed(_LOW, _HIGH, min(max(pair.dice.mean, 0.0), 1.0))
    painter.fillRect(x, y, width, height, qcolor(color))
    painter.setPen(qcolor((0.0, 0.0, 0.0) if luminance(color) > 0.3 else (1.0, 1.0, 1.0)))
    text, metrics = f"{pair.dice.mean:.2f}", painter.fontMetrics()
    painter.drawText(
        x + (width - int(metrics.horizontalAdvance(text))) // 2, y + (height + int(metrics.ascent())) // 2 - 1, text
    )


def _volumes(
    painter: Any, rater: RaterAgreement, place: tuple[int, int], across: Any, colors: tuple[Color, Color]
) -> None:
    """A rater's row: the band of the limits, a dot for each scan, the bias."""
    middle, row = place
    color, ink = colors
    limits = [across(value) for value in rater.limits_ml if math.isfinite(value)]
    if len(limits) == 2:
        painter.fillRect(
            int(limits[0]), middle - row // 3, max(1, int(limits[1] - limits[0])), 2 * (row // 3), qcolor(color, 0.25)
        )
    painter.setPen(qcolor(color))
    painter.setBrush(qt.QBrush(qcolor(color, 0.7)))
    for number, one in enumerate(rater.volumes):
        painter.drawEllipse(int(across(one.bias_ml)) - 3, middle - 3 + _SPREAD[number % len(_SPREAD)], 6, 6)
    painter.setBrush(qt.QBrush())
    if rater.bias_ml.n:
        pen = qt.QPen(qcolor(ink))
        pen.setWidthF(2.0)
        painter.setPen(pen)
        x = int(across(rater.bias_ml.mean))
        painter.drawLine(x, middle - row // 3, x, middle + row // 3)


def span(raters: Sequence[RaterAgreement]) -> tuple[float, float]:
    """All differences and limits, with 0 in between, and never without a width."""
    values = [0.0, *(one.bias_ml for rater in raters for one in rater.volumes)]
    values += [value for rater in raters for value in rater.limits_ml if math.isfinite(value)]
    margin = 0.05 * (max(values) - min(values)) or 1.0
    return min(values) - margin, max(values) + margin


def summary(result: Agreement) -> str:
    """The picture in a sentence, for who cannot see it."""
    pairs = ", ".join(f"{pair.first} and {pair.second} {pair.dice.mean:.2f}" for pair in result.pairs)
    bias = ", ".join(f"{item.rater} {item.bias_ml.mean:+.2f}" for item in result.raters)
    return f"Dice: {pairs or 'no pairs'}. Volume minus the majority's in mL: {bias}."
