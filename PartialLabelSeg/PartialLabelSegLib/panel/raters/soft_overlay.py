"""A probability laid over a scan in even colours: a volume of percents as the views' foreground, filled slice by slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from ..application import Application
from ..colors import color_table
from ..geometry import grid_of
from ..our_nodes import new_volume, remove_node
from ..volumes import fill, image_array, place

ROLE = "raters' soft label"
PERCENT = 100


class SoftOverlay:
    """One volume node of ours; `remove()` takes it away. What the views showed before is for the page to give back."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._node: Any = None
        self._scan: Any = None

    def show(self, scan: Any, opacity: float) -> None:
        """Lays the volume over a scan, empty where it is new."""
        if self._node is None or self._node.GetScene() is None or self._scan is not scan:
            self.remove()
            self._node, self._scan = _new_node(scan), scan
        self._application.show_volume(scan, self._node, opacity)

    def hide(self) -> None:
        """Shows the scan alone; what was filled stays."""
        if self._scan is not None and self._scan.GetScene() is not None:
            self._application.show_volume(self._scan)

    @property
    def node(self) -> Any:
        return self._node

    def put(self, axis: int, planes: dict[int, np.ndarray]) -> None:
        """Shows probabilities (0..1) on slices of the scan."""
        if self._node is None or self._node.GetScene() is None:
            return
        image = self._node.GetImageData()
        array = np.moveaxis(image_array(image), axis, 0)
        for index, plane in planes.items():
            np.rint(plane * np.float32(PERCENT), out=array[index], casting="unsafe")
        image.GetPointData().GetScalars().Modified()
        image.Modified()

    def remove(self) -> None:
        node, self._node, self._scan = self._node, None, None
        if node is not None:
            remove_node(node)

    def forget(self) -> None:
        """The scene was closed: its nodes are gone."""
        self._node = self._scan = None


def _new_node(scan: Any) -> Any:
    node = new_volume(f"{scan.GetName()} soft label", ROLE, scan)
    display = slicer.vtkMRMLScalarVolumeDisplayNode()
    display.SetSaveWithScene(False)
    display.SetHideFromEditors(True)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0, PERCENT)
    display.InterpolateOff()
    display.ApplyThresholdOn()
    display.SetThreshold(1, PERCENT + 1)
    display = node.GetScene().AddNode(display)
    display.SetAndObserveColorNodeID(color_table(node.GetScene()).GetID())
    node.SetAndObserveDisplayNodeID(display.GetID())
    grid = grid_of(scan)
    place(node, grid)
    fill(node, np.zeros(grid.shape, np.uint8))
    return node
