"""A desktop window as Slicer's: a panel at the left, three slice views and a 3D view at the right, a status line below."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from host.slicer_host import SLICES, SlicerHost
from host.turns import Turns
from host.view_bar import SliceBar, badge
from host.views import SliceView, ThreeDView, ViewLabel

PANEL_WIDTH = 420


class Window:
    """The window on a host's scene. `close()` ends its views; the scene goes on."""

    def __init__(self, host: SlicerHost) -> None:
        self.host = host
        self.widget = QtWidgets.QMainWindow()
        self.widget.setWindowTitle("Partial Label Segmentation")
        turns = Turns()
        self.labels = {name: ViewLabel(SliceView(host, name), name, turns) for name in SLICES}
        self.bars = {name: SliceBar(name, host.slice_logics[name]) for name in SLICES}
        self.threed = ViewLabel(ThreeDView(host), "3D", turns)
        self._panel_area = QtWidgets.QScrollArea()
        self._panel_area.setWidgetResizable(True)
        self._panel_area.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._panel_area.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self._splitter = QtWidgets.QSplitter()
        self._splitter.addWidget(self._panel_area)
        self._splitter.addWidget(self._four_up())
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setChildrenCollapsible(False)
        self.widget.setCentralWidget(self._splitter)
        self.widget.statusBar().showMessage("")
        self.resize(1400, 860)

    def _four_up(self) -> QtWidgets.QWidget:
        """Slicer's usual layout: Red and 3D above, Green and Yellow below."""
        area = QtWidgets.QWidget()
        grid = QtWidgets.QGridLayout(area)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        cells = [_cell(self.bars[name].widget, label) for name, label in self.labels.items()]
        cells.insert(1, _cell(_row(badge("3D")), self.threed))
        for i, cell in enumerate(cells):
            grid.addWidget(cell, i // 2, i % 2)
            grid.setRowStretch(i // 2, 1)
            grid.setColumnStretch(i % 2, 1)
        return area

    def set_panel(self, widget: Any) -> None:
        """Puts the panel in its place, in which it scrolls as Slicer's panels do."""
        self._panel_area.setWidget(widget)

    def resize(self, width: int, height: int, panel_width: int = PANEL_WIDTH) -> None:
        """The whole window, and how much of its width the panel has."""
        self.widget.resize(width, height)
        self._splitter.setSizes([panel_width, max(1, width - panel_width)])

    def show(self) -> None:
        """Opens the window (off screen where there is no display)."""
        self.widget.show()

    def views(self) -> list[ViewLabel]:
        """All four."""
        return [*self.labels.values(), self.threed]

    def interactors(self) -> dict[str, Any]:
        """The interactors of the slice views."""
        return {name: label.view.interactor for name, label in self.labels.items() if label.view is not None}

    def fit_slices(self) -> None:
        """The whole scan in each slice view."""
        for label in self.labels.values():
            if label.view is not None:
                label.view.fit()

    def fit_3d(self) -> None:
        """Everything that the 3D view shows, once it has been drawn."""
        QtCore.QTimer.singleShot(0, lambda: self.threed.view is not None and self.threed.view.fit())

    def draw(self) -> None:
        """All views at once, for a picture."""
        for label in self.views():
            label.draw()

    def grab(self) -> QtGui.QPixmap:
        """The window as it would be seen, with its views up to date."""
        self.draw()
        return self.widget.grab()

    def close(self) -> None:
        """Ends the views and the window."""
        for bar in self.bars.values():
            bar.close()
        for label in self.views():
            label.close_view()
        self._panel_area.takeWidget()
        self.widget.close()
        self.widget.deleteLater()


def _row(widget: QtWidgets.QWidget) -> QtWidgets.QWidget:
    """A widget at the left of an otherwise empty bar."""
    made = QtWidgets.QWidget()
    layout = QtWidgets.QHBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(widget)
    layout.addStretch(1)
    return made


def _cell(bar: QtWidgets.QWidget, view: QtWidgets.QWidget) -> QtWidgets.QWidget:
    """A view under its bar."""
    bar.setFixedHeight(22)
    made = QtWidgets.QWidget()
    layout = QtWidgets.QVBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addWidget(bar)
    layout.addWidget(view, 1)
    return made
