"""A made-up knee in the scene: thick slices, a bone that changes from slice to slice, bright spots in it, and a panel to read it with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6 import QtCore, QtGui, QtTest

from host.host_application import HostApplication
from host.window import Window
from panel.panel_window import PanelWindow
from panel.scene_nodes import add_scan, add_segmentation
from panel.showing import settle
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.panel.geometry import point_of
from PartialLabelSegLib.panel.raters.controller import RatersController
from PartialLabelSegLib.panel.raters.planes import voxel
from PartialLabelSegLib.panel.state import Scan

STRAIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
GRID = Grid((96, 112, 14), (1.0, 1.0, 4.0), (-48.0, -56.0, -28.0), STRAIGHT)
SPOTS = ((6, 50, 40), (7, 52, 41), (8, 70, 60))


def bone(shape: tuple[int, int, int] = GRID.shape) -> np.ndarray:
    """bool (z, y, x): a tilted egg, on slices 2 to 11 of 14."""
    z, y, x = np.indices(shape)
    middle = shape[0] / 2 - 0.5
    width = 26 - 1.5 * abs(z - middle)
    inside = ((y - shape[1] / 2) / 34) ** 2 + ((x - shape[2] / 2 - 0.2 * (y - shape[1] / 2)) / width) ** 2 < 1
    return np.asarray(inside & (abs(z - middle) < 5.1))


def image(mask: np.ndarray, seed: int = 0) -> np.ndarray:
    """int16 (z, y, x): dark bone in grey tissue, with bright spots that are lesions."""
    rng = np.random.default_rng(seed)
    grey = np.where(mask, 120, 210).astype(float) + rng.normal(0, 8, mask.shape)
    z, y, x = np.indices(mask.shape)
    for at in SPOTS:
        grey += 120 * np.exp(-(((z - at[0]) / 1.2) ** 2 + ((y - at[1]) / 6) ** 2 + ((x - at[2]) / 5) ** 2))
    outside = ((y - mask.shape[1] / 2) / 52) ** 2 + ((x - mask.shape[2] / 2) / 44) ** 2 > 1
    grey[outside] = 20
    return np.clip(grey, 0, 400).astype(np.int16)


def add_knee(scene: Any, name: str = "knee 1", grid: Grid = GRID) -> tuple[Any, Any]:
    """The scan and the segmentation with its bone, Femur."""
    mask = bone(grid.shape)
    scan = add_scan(scene, grid, image(mask), name)
    drawn = add_segmentation(scan, grid, {"Femur": mask}, f"{name} drawn")
    drawn.GetDisplayNode().SetVisibility2DFill(False)
    return scan, drawn


class AtKnee:
    """The panel in a window on a scene with a knee, with its raters' page open. `close()` ends it."""

    def __init__(
        self, application: HostApplication, window: Window, wait_until: Callable[..., None], grid: Grid = GRID
    ) -> None:
        self.window = window
        self.scan, self.drawn = add_knee(application.scene, "knee 1", grid)
        self.opened = PanelWindow(application, window, wait_until)
        self.desk = self.opened.desk
        self.desk.change(scans=(Scan("knee 1", self.scan.GetID(), self.drawn.GetID()),))
        self.opened.click("raters_open")
        self.settle()

    @property
    def controller(self) -> RatersController:
        return self.opened.panel._raters

    @property
    def rating(self) -> Any:
        return self.controller.room.rating

    def settle(self) -> None:
        together = self.controller.room.together
        self.opened.until(lambda: not self.desk.busy and not together.busy, what="the page to be done")
        self.desk.tell_now()
        settle()
        self.opened.until(lambda: not self.desk.busy and not together.busy, what="the page to be done")

    def click(self, name: str) -> None:
        self.opened.click(name)
        self.settle()

    def add_rater(self, name: str) -> None:
        self.opened.find("raters_name").setText(name)
        self.click("raters_add")

    def read(self, name: str = "Anna", index: int = 6) -> None:
        """A grid is laid, somebody reads, a slice is shown."""
        self.click("raters_fit_one_box")
        self.click("raters_part_read")
        self.add_rater(name)
        self.go_to(index)

    def go_to(self, index: int) -> None:
        self.controller.stage.go_to(index)
        self.settle()
        assert self.controller.stage.index == index

    def pixel(self, point: tuple[float, float], view: str = "Red") -> QtCore.QPoint:
        """Where a point of the shown slice lies in the view's label, whose first row is at the top."""
        shown = self.controller.stage.shown(view)
        assert shown is not None
        x, y = shown.window(np.array(point, float))
        label = self.window.labels[view]
        ratio = label.devicePixelRatio()
        return QtCore.QPoint(round(x / ratio), round(label.height() - 1 - y / ratio))

    def middle_of(self, row: int, column: int) -> tuple[float, float]:
        """The middle of a cell on the shown slice."""
        placement = self.controller.room.placement(self.controller.stage.index or 0)
        assert placement is not None
        first, second = placement.polygon(row, column).mean(axis=0)
        return float(first), float(second)

    def press_cell(self, row: int, column: int) -> None:
        """A real click on a cell in the slice view."""
        label = self.window.labels["Red"]
        QtTest.QTest.mouseClick(
            label,
            QtCore.Qt.MouseButton.LeftButton,
            QtCore.Qt.KeyboardModifier.NoModifier,
            self.pixel(self.middle_of(row, column)),
        )
        self.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float], moves: int = 4) -> None:
        """The left button held down from one point of the shown slice to another."""
        label, button, keys = (
            self.window.labels["Red"],
            QtCore.Qt.MouseButton.LeftButton,
            QtCore.Qt.KeyboardModifier.NoModifier,
        )
        first, last = self.pixel(start), self.pixel(end)
        QtTest.QTest.mousePress(label, button, keys, first)
        for step in range(1, moves + 1):
            place = first + (last - first) * (step / moves)
            QtTest.QTest.mouseMove(label, place)
            label.mouseMoveEvent(_move(place))
        QtTest.QTest.mouseRelease(label, button, keys, last)
        self.settle()

    def ras(self, index: int, point: tuple[float, float]) -> tuple[float, float, float]:
        return point_of(self.scan, voxel(0, index, point))

    def key(self, key: QtCore.Qt.Key) -> None:
        QtTest.QTest.keyClick(self.window.widget, key)
        self.settle()

    def picture(self, name: str) -> None:
        self.opened.picture(name)

    def close(self) -> None:
        self.opened.close()


def _move(place: QtCore.QPoint) -> Any:
    none, left = QtCore.Qt.MouseButton.NoButton, QtCore.Qt.MouseButton.LeftButton
    return QtGui.QMouseEvent(
        QtCore.QEvent.Type.MouseMove,
        QtCore.QPointF(place),
        QtCore.QPointF(place),
        none,
        left,
        QtCore.Qt.KeyboardModifier.NoModifier,
    )
