"""Lines, filled shapes and words in the window of a slice view, in its pixels: VTK's two-dimensional actors."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from vtk.util import numpy_support

Color = tuple[float, float, float]


class Shapes:
    """Lines (two points each) or filled polygons of one kind; each shape has its colour and opacity."""

    def __init__(self, layer: int, width: float = 0.0) -> None:
        """width: of the lines, in pixels; 0 fills the shapes."""
        self._filled = width == 0
        self._data = vtk.vtkPolyData()
        mapper = vtk.vtkPolyDataMapper2D()
        mapper.SetInputData(self._data)
        mapper.SetScalarModeToUseCellData()
        self.actor = vtk.vtkActor2D()
        self.actor.SetMapper(mapper)
        self.actor.GetProperty().SetLineWidth(max(1.0, width))
        self.actor.SetLayerNumber(layer)
        self.actor.SetPickable(False)
        self.put([])

    def put(self, groups: list[tuple[np.ndarray, Color, float]]) -> None:
        """Draws shapes (n, corners, 2) in pixels, a colour and an opacity for each group, instead of those before."""
        groups = [group for group in groups if len(group[0])]
        self.actor.SetVisibility(bool(groups))
        points = [group[0].reshape(-1, 2) for group in groups]
        corners = {group[0].shape[1] for group in groups} or {2}
        assert len(corners) == 1, "shapes of one kind have the same number of corners"
        flat = np.concatenate(points) if points else np.zeros((0, 2))
        self._data.Initialize()
        self._data.SetPoints(_points(flat))
        cells = _cells(len(flat), corners.pop())
        if self._filled:
            self._data.SetPolys(cells)
        else:
            self._data.SetLines(cells)
        self._data.GetCellData().SetScalars(_colors(groups))
        self._data.Modified()


class Words:
    """One line of words with a dark ground behind it, so that it can be read on any scan."""

    def __init__(self, layer: int) -> None:
        self.actor = vtk.vtkTextActor()
        style = self.actor.GetTextProperty()
        style.SetFontSize(15)
        style.SetFontFamilyToArial()
        style.SetBackgroundColor(0.0, 0.0, 0.0)
        style.SetBackgroundOpacity(0.55)
        style.SetJustificationToCentered()
        style.SetVerticalJustificationToTop()
        self.actor.SetLayerNumber(layer)
        self.actor.SetPickable(False)
        self.put("", (1.0, 1.0, 1.0), (0.0, 0.0))

    def put(self, text: str, color: Color, place: tuple[float, float]) -> None:
        """Draws the words around the middle of their upper edge, in pixels."""
        self.actor.SetVisibility(bool(text))
        self.actor.SetInput(f" {text} ")
        self.actor.GetTextProperty().SetColor(*color)
        self.actor.SetPosition(*(float(value) for value in place))


def _points(flat: np.ndarray) -> Any:
    """Points (n, 2) in the plane of the screen."""
    points = vtk.vtkPoints()
    deep = np.zeros((len(flat), 3), np.float32)
    deep[:, :2] = flat
    points.SetData(numpy_support.numpy_to_vtk(deep, deep=True))
    return points


def _cells(points: int, corners: int) -> Any:
    cells = vtk.vtkCellArray()
    offsets = np.arange(0, points + 1, corners, dtype=np.int64)
    connections = np.arange(points, dtype=np.int64)
    cells.SetData(
        numpy_support.numpy_to_vtkIdTypeArray(offsets, deep=True),
        numpy_support.numpy_to_vtkIdTypeArray(connections, deep=True),
    )
    return cells


def _colors(groups: list[tuple[np.ndarray, Color, float]]) -> Any:
    """RGBA of each shape."""
    rows = [np.tile([*color, opacity], (len(shapes), 1)) for shapes, color, opacity in groups]
    table = np.concatenate(rows) if rows else np.zeros((0, 4))
    colors = numpy_support.numpy_to_vtk(np.round(255 * table).astype(np.uint8), deep=True)
    colors.SetName("colors")
    return colors
