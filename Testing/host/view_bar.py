"""The bar over a slice view, as Slicer has it: the view's colour and letter, a slider through the scan, and the position."""

from __future__ import annotations

from typing import Any

import vtk
from PySide6 import QtCore, QtGui, QtWidgets

COLOURS = {"Red": "#f34a33", "Green": "#6eb04b", "Yellow": "#edd54c", "3D": "#7476b9"}
AXES = {"Red": "S", "Green": "A", "Yellow": "R"}
STEPS_PER_MM = 10


def badge(name: str) -> QtWidgets.QLabel:
    """The view's letter on its colour."""
    made = QtWidgets.QLabel("3D" if name == "3D" else name[0])
    made.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
    made.setFixedWidth(24)
    made.setAutoFillBackground(True)
    palette = made.palette()
    palette.setColor(QtGui.QPalette.ColorRole.Window, QtGui.QColor(COLOURS[name]))
    palette.setColor(QtGui.QPalette.ColorRole.WindowText, QtGui.QColor("black"))
    made.setPalette(palette)
    return made


class SliceBar:
    """Moves a slice logic, and follows it. `close()` before the logic goes."""

    def __init__(self, name: str, logic: Any) -> None:
        self._logic = logic
        self._axis = AXES[name]
        self.widget = QtWidgets.QWidget()
        self.slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self._position = QtWidgets.QLabel()
        self._position.setMinimumWidth(80)
        layout = QtWidgets.QHBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 4, 0)
        layout.addWidget(badge(name))
        layout.addWidget(self.slider, 1)
        layout.addWidget(self._position)
        self._tag = logic.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self.follow())
        self.slider.valueChanged.connect(self._move)
        self.follow()

    def follow(self) -> None:
        """Shows where the slice is, and how far the scan reaches."""
        bounds = [0.0] * 6
        self._logic.GetLowestVolumeSliceBounds(bounds)
        offset = self._logic.GetSliceOffset()
        self.slider.blockSignals(True)
        self.slider.setRange(round(bounds[4] * STEPS_PER_MM), round(bounds[5] * STEPS_PER_MM))
        self.slider.setValue(round(offset * STEPS_PER_MM))
        self.slider.blockSignals(False)
        self._position.setText(f"{self._axis}: {self._along_axis():.1f} mm")

    def position(self) -> str:
        """Where the slice is, as it is shown."""
        return self._position.text()

    def _along_axis(self) -> float:
        """Where the slice is in the patient: along right to left the slice's own axis points the other way."""
        row = "RAS".index(self._axis)
        return float(self._logic.GetSliceNode().GetSliceToRAS().GetElement(row, 3))

    def _move(self, value: int) -> None:
        self._logic.SetSliceOffset(value / STEPS_PER_MM)
        self._logic.SnapSliceOffsetToIJK()

    def close(self) -> None:
        """Follows no longer."""
        self._logic.RemoveObserver(self._tag)
