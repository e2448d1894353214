"""The whole panel in a window with four views, used as a person uses it: by the names of its buttons and tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6 import QtWidgets

from host.host_application import HostApplication
from host.pictures import picture
from host.window import Window
from panel.scene_nodes import mask_by_points
from panel.showing import click, click_row, settle, texts
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.panel.self_test import TINY as TINY_PLAN
from PartialLabelSegLib.panel.view import Panel

TINY = ("--threads", "1", *TINY_PLAN)
Wait = Callable[..., None]


class PanelWindow:
    """The panel at work. `close()` ends it."""

    def __init__(self, application: HostApplication, window: Window, wait_until: Wait) -> None:
        self.application = application
        self.window = window
        self._wait = wait_until
        self._closed = False
        self.panel = Panel(application)
        self.desk = self.panel.logic.desk
        self.desk.extra_arguments = TINY
        window.set_panel(self.panel.widget)
        self.panel.enter()
        settle()

    def find(self, name: str) -> Any:
        """The one visible widget of a name."""
        found = [item for item in self.panel.widget.findChildren(QtWidgets.QWidget, name) if item.isVisible()]
        assert len(found) == 1, f"{len(found)} visible widgets are called {name}"
        return found[0]

    def is_seen(self, name: str) -> bool:
        return any(item.isVisible() for item in self.panel.widget.findChildren(QtWidgets.QWidget, name))

    def click(self, name: str) -> None:
        """A click on what is visible and can be clicked."""
        widget = self.find(name)
        assert widget.isEnabled(), f"{name} cannot be clicked: {widget.toolTip()}"
        click(widget)
        settle()

    def text(self, name: str) -> str:
        return str(self.find(name).text()).replace("\u200b", "")

    def until(self, condition: Callable[[], object], seconds: float = 120.0, what: str = "") -> None:
        self._wait(condition, seconds, what)
        settle()

    def until_read(self) -> None:
        """All scans of the list were read."""
        scans = self.panel.logic.scans
        self.until(lambda: not scans.view().busy and not self.desk.busy, what="the scans to be read")

    def until_learned(self, state: str, seconds: float = 240.0) -> None:
        """Learning came to this state; fails at once where it failed."""
        learn = self.panel.logic.learn
        self.until(lambda: learn.state in (state, "failed"), seconds, f"learning to be {state}")
        assert learn.state == state, self.desk.message.text

    def until_shown(self) -> None:
        """Everything is in the views, and the queue has every scan."""
        look, decide = self.panel.logic.look, self.panel.logic.decide
        read = [-1]

        def quiet() -> bool:
            before, read[0] = read[0], len(decide.decisions.scans) if decide.decisions is not None else 0
            self.desk.tell()
            return before == read[0] and not look.busy and not self.desk.busy

        for _ in range(4):
            self.until(quiet, what="the views to be done")

    def queue(self) -> list[tuple[str, str]]:
        """What the table of the queue lists: structure and scan."""
        return [(row[0].split(" ")[-1], row[1]) for row in texts(self.find("queue"))]

    def choose(self, structure: str, scan: str) -> None:
        """A click on a line of the queue."""
        click_row(self.find("queue"), self.queue().index((structure, scan)))
        self.until_shown()

    def node(self, name: str) -> Any:
        """The node of the scene of this name, or None."""
        return self.application.scene.GetFirstNodeByName(name)

    def mask(self, segmentation: str, segment: str, grid: Grid) -> np.ndarray:
        """bool (z, y, x): the voxels of a segment of the segmentation of this name; none where it is not there."""
        node = self.node(segmentation)
        key = node.GetSegmentation().GetSegmentIdBySegmentName(segment) if node is not None else ""
        return mask_by_points(node, key, grid) if key else np.zeros(grid.shape, bool)

    def picture(self, name: str) -> None:
        settle()
        picture(self.window, name)

    def close(self) -> None:
        """Once; what learns goes on."""
        if not self._closed:
            self._closed = True
            self.panel.cleanup()
            settle()
