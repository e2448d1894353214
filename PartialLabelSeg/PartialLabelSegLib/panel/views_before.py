"""What the views showed before the panel did, so that it can be given back, also in a scene that was saved and opened again meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .application import nodes_of_class
from .our_nodes import is_ours

BEFORE = "PartialLabelSeg.Before"
"""The attribute of a segmentation's display node: three digits, whether it was in sight, with outlines, and filled."""


class ViewsBefore:
    """The foreground of each slice view, and how segmentations of the user were shown."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        self._foregrounds: dict[str, tuple[str, float]] = {}

    def remember(self) -> None:
        """Keeps the foregrounds as they are now, where they are the user's and none are kept yet."""
        if self._foregrounds:
            return
        for view in nodes_of_class(self.scene, "vtkMRMLSliceCompositeNode"):
            volume = self.scene.GetNodeByID(view.GetForegroundVolumeID() or "")
            key = volume.GetID() if volume is not None and not is_ours(volume) else ""
            self._foregrounds[view.GetID()] = (key, view.GetForegroundOpacity())

    def show(self, node: Any, shown: bool, outlined: bool = False) -> None:
        """Shows or hides a segmentation. What is in sight is filled only: outlines are for suggestions, and each costs time to draw.

        outlined: instead, where something lies inside it that is to be seen.
        """
        display = node.GetDisplayNode() if node is not None else None
        if display is None or node.GetScene() is None:
            return
        modified = display.StartModify()
        if not display.GetAttribute(BEFORE):
            was = (display.GetVisibility(), display.GetVisibility2DOutline(), display.GetVisibility2DFill())
            display.SetAttribute(BEFORE, "".join("1" if flag else "0" for flag in was))
        display.SetVisibility(bool(shown))
        display.SetVisibility2DOutline(bool(outlined))
        display.SetVisibility2DFill(not outlined)
        display.EndModify(modified)

    def hide(self, nodes: Iterable[Any]) -> None:
        """Hides these segmentations; those that were changed for an earlier scan are as they were."""
        hidden = [node for node in nodes if node is not None]
        self._give_back(except_for={node.GetID() for node in hidden})
        for node in hidden:
            self.show(node, False)

    def restore(self) -> None:
        """Gives everything back that is still there."""
        self._give_back(set())
        for key, (volume, opacity) in self._foregrounds.items():
            view = self.scene.GetNodeByID(key)
            if view is not None:
                there = self.scene.GetNodeByID(volume) is not None if volume else False
                view.SetForegroundVolumeID(volume if there else None)
                view.SetForegroundOpacity(opacity)
        self._foregrounds = {}

    def forget(self) -> None:
        self._foregrounds = {}

    def _give_back(self, except_for: set[str]) -> None:
        for node in nodes_of_class(self.scene, "vtkMRMLSegmentationNode"):
            display = node.GetDisplayNode()
            before = display.GetAttribute(BEFORE) if display is not None else None
            if before and node.GetID() not in except_for:
                modified = display.StartModify()
                display.SetVisibility(before[:1] == "1")
                display.SetVisibility2DOutline(before[1:2] == "1")
                display.SetVisibility2DFill(before[2:3] == "1")
                display.RemoveAttribute(BEFORE)
                display.EndModify(modified)
