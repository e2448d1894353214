"""The ranks of a scan's suggestions as volumes in their colours; what gamma accepts is a display threshold, and nothing is computed anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from ..data.prediction import ONE
from ..relabel.select import threshold
from .colors import color_table
from .masks import shape_of
from .our_nodes import new_volume, remove_node
from .steps import Steps, finish_now
from .suggestions import Suggestions
from .volumes import give, image_array, new_image, place

ROLE = "confidence"
MOST_KEPT = 8
"""Volumes of single structures that are kept; the one that was looked at longest ago goes first."""
_VOXELS = 1 << 21


class RankVolumes:
    """The volume nodes of one scan: one with all structures, and one for each structure that was looked at by itself.

    Nodes may be deleted by the user at any time; they are made again when asked for.
    """

    def __init__(self, scan: Any, suggestions: Suggestions) -> None:
        self.scan = scan
        self._scene = scan.GetScene()
        self.suggestions = suggestions
        self._ids: dict[str, str] = {}
        self._made_last = ""
        self._gamma = 1.0

    def node(self, structure: str = "") -> Any:
        """The node of a structure ("": of all) where it is there, else None."""
        key = self._ids.get(structure)
        return self._scene.GetNodeByID(key) if key else None

    def nodes(self) -> list[Any]:
        """All nodes that are in the scene."""
        return [node for node in (self.node(structure) for structure in self._ids) if node is not None]

    def make(self, structure: str = "") -> Steps[Any]:
        """The node of a structure ("": of all), made in steps where it is not there yet. None: nothing is suggested of it."""
        found = self.node(structure)
        if found is None:
            image = self.suggestions.rank_image if not structure else (yield from self._cut(structure))
            if image is None:
                return None
            found = self._new_node(structure, image)
        self._ids[structure] = self._ids.pop(structure)
        self._made_last = structure
        self._forget_old()
        _show_from(found, self._gamma)
        yield 1.0
        return found

    def set_gamma(self, gamma: float) -> None:
        """Shows what the share gamma accepts: only the display node of the volume that was asked for last is touched; others follow in `make`."""
        self._gamma = gamma
        node = self.node(self._made_last)
        if node is not None:
            _show_from(node, gamma)

    def remove(self) -> None:
        """Takes all nodes out of the scene."""
        finish_now(self.removed())

    def removed(self) -> Steps[None]:
        """The same, a node at a time."""
        names = list(self._ids)
        for done, structure in enumerate(names, 1):
            self._drop(structure)
            yield done / len(names)

    def _cut(self, structure: str) -> Steps[Any]:
        """The ranks of one structure in its box; None where it has none."""
        box = self.suggestions.boxes.get(structure)
        if box is None:
            return None
        shape = shape_of(box)
        image = new_image(shape, np.uint16, (box[0].start, box[1].start, box[2].start))
        target, value = image_array(image), self.suggestions.value(structure)
        ranks, labels = self.suggestions.rank[box], self.suggestions.label[box]
        thick = max(1, _VOXELS // (shape[1] * shape[2]))
        for first in range(0, shape[0], thick):
            part = slice(first, first + thick)
            np.multiply(ranks[part], labels[part] == value, out=target[part])
            yield min(1.0, (first + thick) / shape[0])
        return image

    def _new_node(self, structure: str, image: Any) -> Any:
        node = new_volume(f"{self.scan.GetName()} {structure or 'all'} confidence", ROLE, self.scan)
        # Before the voxels: the display node would otherwise go through all of them for a contrast that is not wanted.
        _display(node)
        start = [image.GetExtent()[2 * axis] for axis in (2, 1, 0)]
        place(node, self.suggestions.grid, (start[0], start[1], start[2]))
        give(node, image)
        self._ids[structure] = node.GetID()
        return node

    def _forget_old(self) -> None:
        single = [name for name in self._ids if name]
        for name in single[:-MOST_KEPT]:
            self._drop(name)

    def _drop(self, structure: str) -> None:
        node = self.node(structure)
        if node is not None:
            remove_node(node)
        self._ids.pop(structure, None)


def _display(node: Any) -> None:
    display = slicer.vtkMRMLScalarVolumeDisplayNode()
    display.SetSaveWithScene(False)
    display.SetHideFromEditors(True)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0, ONE)
    # A voxel is in or out: its rank is never mixed with its neighbour's.
    display.InterpolateOff()
    display.ApplyThresholdOn()
    display = node.GetScene().AddNode(display)
    display.SetAndObserveColorNodeID(color_table(node.GetScene()).GetID())
    node.SetAndObserveDisplayNodeID(display.GetID())


def _show_from(node: Any, gamma: float) -> None:
    """The same rule by which a share is accepted: rank > threshold(gamma)."""
    display = node.GetDisplayNode()
    low = threshold(gamma) + 1
    if display is not None and (display.GetLowerThreshold(), display.GetUpperThreshold()) != (low, ONE + 1):
        display.SetThreshold(low, ONE + 1)
