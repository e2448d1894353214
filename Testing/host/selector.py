"""A selector of nodes as Slicer's qMRMLNodeComboBox, made of a plain combo box."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from PySide6 import QtWidgets

from PartialLabelSegLib.panel.application import nodes_of_class

SCENE_EVENTS = (slicer.vtkMRMLScene.NodeAddedEvent, slicer.vtkMRMLScene.NodeRemovedEvent)


class Selector:
    """A combo box with the scene's nodes of some classes."""

    def __init__(self, scene: Any, class_names: tuple[str, ...], changed: Callable[[Any], None]) -> None:
        self.widget = QtWidgets.QComboBox()
        self.widget.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._scene = scene
        self._class_names = class_names
        self._changed = changed
        self._tags = [scene.AddObserver(name, lambda *_: self._fill()) for name in SCENE_EVENTS]
        self._fill()
        self.widget.currentIndexChanged.connect(lambda index: self._changed(self.node()))
        self.widget.destroyed.connect(lambda *_, tags=tuple(self._tags): [scene.RemoveObserver(tag) for tag in tags])

    def _fill(self) -> None:
        """Shows the nodes that there are now; `changed` is called only if the picked one is gone."""
        before = self.widget.currentData()
        self.widget.blockSignals(True)
        self.widget.clear()
        self.widget.addItem("None", "")
        for class_name in self._class_names:
            for node in nodes_of_class(self._scene, class_name):
                if not node.GetHideFromEditors():
                    self.widget.addItem(node.GetName(), node.GetID())
        self.widget.setCurrentIndex(max(0, self.widget.findData(before or "")))
        self.widget.blockSignals(False)
        if before and self.widget.currentData() != before:
            self._changed(None)

    def node(self) -> Any:
        identifier = self.widget.currentData()
        return self._scene.GetNodeByID(identifier) if identifier else None

    def set_node(self, node: Any) -> None:
        self.widget.blockSignals(True)
        self.widget.setCurrentIndex(max(0, self.widget.findData(node.GetID() if node else "")))
        self.widget.blockSignals(False)
