"""The colours of confidence as a bar, and how expert labels, suggestions and accepted voxels are drawn."""

from __future__ import annotations

from typing import Any

import qt

from ..qt_subset import get, label, paragraph
from ..view_models_decide import OUTLINE, STRIPED, Color, KeyEntry, LegendView
from .fitting import breakable

BAR_HEIGHT = 16
SWATCH_WIDTH, SWATCH_HEIGHT = 26, 14
SHARPNESS = 2
MOST_STOPS = 24


class ColorBar(qt.QWidget):
    """Colours from left to right; hatched outside of what is shown."""

    def __init__(self, name: str, height: int = BAR_HEIGHT) -> None:
        qt.QWidget.__init__(self)
        self._colors: tuple[Color, ...] = ()
        self._stops: list[tuple[float, Any]] = []
        self._shown = (0.0, 1.0)
        self.setObjectName(name)
        self.setMinimumHeight(height)
        self.setMaximumHeight(height)
        self.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)

    def show_colors(self, colors: tuple[Color, ...], first: float = 0.0, last: float = 1.0) -> None:
        """The colours from left to right; the part from `first` to `last` (shares of the width) is shown, the rest hatched."""
        if (colors, (first, last)) != (self._colors, self._shown):
            if colors != self._colors:
                self._colors, self._stops = colors, _stops(colors)
            self._shown = (first, last)
            self.update()

    def paintEvent(self, event: Any) -> None:
        if not self._stops:
            return
        width, height = get(self, "width"), get(self, "height")
        painter = qt.QPainter(self)
        gradient = qt.QLinearGradient(0.0, 0.0, float(width), 0.0)
        for share, color in self._stops:
            gradient.setColorAt(share, color)
        painter.fillRect(0, 0, width, height, qt.QBrush(gradient))
        start, stop = (round(share * width) for share in self._shown)
        self._paint_hidden(painter, 0, start, height)
        self._paint_hidden(painter, stop, width, height)
        painter.end()

    def _paint_hidden(self, painter: Any, start: int, stop: int, height: int) -> None:
        if start >= stop:
            return
        palette = get(self, "palette")
        painter.fillRect(start, 0, stop - start, height, palette.color(qt.QPalette.Window))
        hatching = qt.QBrush(palette.color(qt.QPalette.Mid), qt.Qt.BDiagPattern)
        painter.fillRect(start, 0, stop - start, height, hatching)


class Legend:
    """The bar with words at its ends, and the key below it."""

    def __init__(self) -> None:
        self.bar = ColorBar("legend_bar")
        self._title = paragraph("", "legend_title")
        self._low, self._high = label("", "legend_low"), label("", "legend_high")
        self._key_widget = qt.QWidget()
        self._key_layout = qt.QGridLayout(self._key_widget)
        self._key_layout.setContentsMargins(0, 4, 0, 0)
        self._key_layout.setVerticalSpacing(5)
        self._key_layout.setColumnStretch(1, 1)
        self._entries: tuple[KeyEntry, ...] = ()
        self._key_parts: list[Any] = []
        self.widget = self._laid_out()

    def _laid_out(self) -> Any:
        widget = qt.QWidget()
        widget.setObjectName("legend")
        grid = qt.QGridLayout(widget)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        self._high.setAlignment(qt.Qt.AlignRight)
        grid.addWidget(self._title, 0, 0, 1, 2)
        grid.addWidget(self.bar, 1, 0, 1, 2)
        grid.addWidget(self._low, 2, 0)
        grid.addWidget(self._high, 2, 1)
        grid.addWidget(self._key_widget, 3, 0, 1, 2)
        return widget

    def show(self, view: LegendView | None) -> None:
        self.widget.setVisible(view is not None)
        if view is None:
            return
        self._title.setText(breakable(view.title))
        self._low.setText("not shown" if view.cut > 0 else view.low)
        self._high.setText(view.high)
        for part in (self._title, self.bar, self._low, self._high):
            part.setVisible(bool(view.colors))
        self.bar.show_colors(view.colors, view.cut, 1.0)
        hatched = " Hatched: below the share to accept, not shown." if view.cut > 0 else ""
        self.bar.setToolTip(f"Left: {view.low}. Right: {view.high}.{hatched}")
        if view.key != self._entries:
            self._show_key(view.key)

    def _show_key(self, entries: tuple[KeyEntry, ...]) -> None:
        self._entries = entries
        for old in self._key_parts:
            old.setParent(None)
            old.deleteLater()
        self._key_parts = []
        for place, entry in enumerate(entries):
            picture = qt.QLabel()
            picture.setPixmap(swatch(entry))
            words = paragraph(breakable(entry.words), f"legend_key_{place}")
            self._key_layout.addWidget(picture, place, 0)
            self._key_layout.addWidget(words, place, 1)
            self._key_parts += [picture, words]


def swatch(entry: KeyEntry) -> Any:
    """A small picture of a voxel kind as it is drawn over the slices."""
    width, height = SWATCH_WIDTH * SHARPNESS, SWATCH_HEIGHT * SHARPNESS
    picture = qt.QPixmap(width, height)
    picture.fill(qt.QColor(0, 0, 0, 0))
    painter = qt.QPainter(picture)
    color = _color(entry.color)
    if entry.form == OUTLINE:
        painter.setPen(qt.QPen(qt.QBrush(color), 2.0 * SHARPNESS))
        painter.drawRect(SHARPNESS, SHARPNESS, width - 2 * SHARPNESS, height - 2 * SHARPNESS)
    else:
        painter.fillRect(0, 0, width, height, color)
    if entry.form == STRIPED:
        painter.setPen(qt.QPen(qt.QBrush(qt.QColor(0, 0, 0)), 2.5 * SHARPNESS))
        for x in range(-height, width, 8 * SHARPNESS):
            painter.drawLine(x, height, x + height, 0)
    painter.end()
    picture.setDevicePixelRatio(float(SHARPNESS))
    return picture


def _stops(colors: tuple[Color, ...]) -> list[tuple[float, Any]]:
    """Some of the colours with their shares of the bar, enough for the eye and few enough to paint at every move of a slider."""
    last = len(colors) - 1
    places = sorted({round(last * share / MOST_STOPS) for share in range(MOST_STOPS + 1)}) if colors else []
    return [(place / max(1, last), _color(colors[place])) for place in places]


def _color(color: Color) -> Any:
    return qt.QColor.fromRgbF(*(float(part) for part in color))
