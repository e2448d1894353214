"""The names of the structures above the scan table: upright where the columns are wide, turned where they are narrow; each a button with a menu."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt

from ..qt_subset import get
from ..view_models import StructureView
from .shades import qcolor, shade

TALLEST, WIDEST = 9.0, 12.0
"""Names that are longer than this many lines of text, turned or upright, are shortened."""
PADDING = 6


class StructureHeader:
    """A strip of buttons that scrolls with the table below it. `clicked(index, place)`: with a click or a key; the place on the screen is below the name."""

    def __init__(self, clicked: Callable[[int, Any], None]) -> None:
        self._clicked = clicked
        self._names: tuple[StructureView, ...] = ()
        self._look: tuple[object, ...] = ()
        self._height = 0
        self.buttons: list[Any] = []
        self.widget = qt.QScrollArea()
        self.widget.setObjectName("structure_header")
        self.widget.setFrameShape(qt.QFrame.NoFrame)
        self.widget.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        self.widget.setVerticalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        self.widget.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        self._strip = qt.QWidget()
        self._layout = qt.QHBoxLayout(self._strip)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addStretch(1)
        self.widget.setWidget(self._strip)

    def show(self, structures: Sequence[StructureView], column: int, tail: int) -> None:
        """Draws the names for columns of `column` pixels, followed by `tail` empty pixels. Does nothing where nothing has changed."""
        structures = tuple(structures)
        ink, base = shade(self.widget, qt.QPalette.WindowText), shade(self.widget, qt.QPalette.Window)
        if [item.name for item in structures] != [item.name for item in self._names]:
            self._rebuild(len(structures))
            self._look = ()
        if self._look != (structures, column, ink, base):
            self._names, self._look = structures, (structures, column, ink, base)
            self._draw(column)
        self._strip.setFixedSize(column * len(structures) + tail, self._height)
        self.widget.setFixedHeight(self._height)

    def scroll_to(self, value: int) -> None:
        self.widget.horizontalScrollBar().setValue(value)

    def _rebuild(self, count: int) -> None:
        for button in self.buttons:
            self._layout.removeWidget(button)
            button.setParent(None)
            button.deleteLater()
        self.buttons = [self._button(index) for index in range(count)]

    def _button(self, index: int) -> Any:
        button = qt.QToolButton()
        button.setObjectName(f"structure_{index}")
        button.setAutoRaise(True)
        button.clicked.connect(lambda checked=False, index=index, button=button: self._pressed(index, button))
        self._layout.insertWidget(index, button)
        return button

    def upright_width(self, structures: Sequence[StructureView]) -> int:
        """The width of columns below which the names are turned; beyond a limit they are shortened instead."""
        metrics = self.widget.fontMetrics()
        longest = max((metrics.horizontalAdvance(item.name) for item in structures), default=0)
        return int(min(longest, WIDEST * metrics.height()) + self._side() + 3 * PADDING)

    def _side(self) -> int:
        """The side of the square that shows a structure's colour."""
        return int(self.widget.fontMetrics().height() * 0.6)

    def _pressed(self, index: int, button: Any) -> None:
        self._clicked(index, button.mapToGlobal(qt.QPoint(0, self._height)))

    def _draw(self, column: int) -> None:
        metrics = self.widget.fontMetrics()
        longest = max((metrics.horizontalAdvance(item.name) for item in self._names), default=0)
        upright = self.upright_width(self._names) <= column
        turned = min(longest, int(TALLEST * metrics.height())) + self._side() + 4 * PADDING
        self._height = metrics.height() + 2 * PADDING if upright else turned
        for item, button in zip(self._names, self.buttons):
            picture = self._picture(item, column, upright)
            button.setIcon(qt.QIcon(picture))
            button.setIconSize(qt.QSize(column, self._height))
            button.setFixedSize(column, self._height)
            code = f" ({item.terminology})" if item.terminology else ""
            button.setToolTip(
                f"{item.name}{code}. Click to rename it, merge it with another structure, or mark whole columns."
            )
            button.setAccessibleName(item.name)

    def _ratio(self) -> float:
        """Pixels of the screen per pixel of Qt; two where an older Qt cannot be asked, which is sharp enough for all."""
        asked = getattr(self.widget, "devicePixelRatioF", None)
        return 2.0 if asked is None else float(asked())

    def _picture(self, item: StructureView, column: int, upright: bool) -> Any:
        """The colour of a structure and its name, `column` pixels wide."""
        ratio = self._ratio()
        picture = qt.QPixmap(int(column * ratio), int(self._height * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(qt.QColor(0, 0, 0, 0))
        painter = qt.QPainter(picture)
        painter.setRenderHint(qt.QPainter.Antialiasing)
        painter.setFont(get(self.widget, "font"))
        metrics = self.widget.fontMetrics()
        side = self._side()
        painter.setPen(qcolor(shade(self.widget, qt.QPalette.WindowText), 0.5))
        painter.setBrush(qt.QBrush(qcolor(item.color)))
        top = self._height - PADDING - side
        painter.drawRect(PADDING if upright else (column - side) // 2, top, side, side)
        painter.setPen(qcolor(shade(self.widget, qt.QPalette.WindowText)))
        room = column - side - 3 * PADDING if upright else self._height - side - 3 * PADDING
        text = metrics.elidedText(item.name, qt.Qt.ElideMiddle, room)
        if upright:
            painter.drawText(side + 2 * PADDING, top + side, text)
        else:
            painter.translate(float((column + metrics.ascent() - metrics.descent()) // 2), float(top - PADDING))
            painter.rotate(-90.0)
            painter.drawText(0, 0, text)
        painter.end()
        return picture
