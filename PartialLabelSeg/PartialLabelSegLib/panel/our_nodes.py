"""Nodes that the panel adds to the scene: how we know them, and how they go again."""

from __future__ import annotations

from typing import Any

import slicer

from .geometry import follow

OURS = "PartialLabelSeg.Role"
"""The attribute by which we know nodes of ours; its value says what the node is for."""
BINARY = "Binary labelmap"


def new_volume(name: str, role: str, scan: Any, kind: str = "vtkMRMLScalarVolumeNode") -> Any:
    """A volume node of ours in the scene of `scan`, under its transform, without voxels. It is in no list, and not saved with the scene."""
    node = scan.GetScene().CreateNodeByClass(kind)
    node.UnRegister(None)
    node.SetName(name)
    node.SetAttribute(OURS, role)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node = scan.GetScene().AddNode(node)
    follow(node, scan)
    return node


def hidden_segmentation(scan: Any, name: str, role: str) -> Any:
    """An empty segmentation node of ours with a display node, under the scan's transform; in no list, and not saved with the scene."""
    scene = scan.GetScene()
    node = slicer.vtkMRMLSegmentationNode()
    node.SetName(name)
    node.SetAttribute(OURS, role)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.GetSegmentation().SetSourceRepresentationName(BINARY)
    node = scene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetSaveWithScene(False)
    follow(node, scan)
    return node


def remove_node(node: Any) -> None:
    """Takes a node of ours, with its display nodes and its legend, out of their scene, where they are still in one."""
    scene = node.GetScene() if node is not None else None
    if scene is None:
        return
    displays = [node.GetNthDisplayNode(place) for place in range(node.GetNumberOfDisplayNodes())]
    scene.RemoveNode(node)
    for display in displays:
        if display is not None and display.GetScene() is not None:
            scene.RemoveNode(display)
    if node.IsA("vtkMRMLSegmentationNode"):
        _let_go(node.GetSegmentation())


def _let_go(segmentation: Any) -> None:
    """Parts segments from their voxels. A segmentation that ends would wipe each segment out of a label map that they share: slow, and others may use it."""
    for place in range(segmentation.GetNumberOfSegments()):
        segmentation.GetNthSegment(place).RemoveAllRepresentations()


def is_ours(node: Any) -> bool:
    return bool(node.GetAttribute(OURS))
