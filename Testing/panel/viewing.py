"""A scan with suggestions to look at, and what of it is in the scene, for the tests of the overlay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer

from data.small_scans import grey_values, turned
from host.slicer_host import SlicerHost
from panel.scene_nodes import add_scan, add_segmentation, as_vtk, predicted_like, to_ras, write_predicted
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.types import structures_named
from PartialLabelSegLib.panel.application import nodes_of_class
from PartialLabelSegLib.panel.our_nodes import OURS
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.panel.suggestions import read_suggestions
from PartialLabelSegLib.panel.viewed import Viewed
from PartialLabelSegLib.panel.volumes import image_array

GRID = Grid((48, 44, 30), (1.5, 1.5, 3.0), (-36.0, -33.0, -45.0), turned(8, -5))
NAMES = ("Liver", "Spleen", "Aorta", "Heart")
STRUCTURES = structures_named(list(NAMES))


def truth() -> np.ndarray:
    label = np.zeros(GRID.shape, np.uint8)
    z, y, x = np.indices(GRID.shape)
    label[((z - 15) / 9) ** 2 + ((y - 22) / 10) ** 2 + ((x - 14) / 9) ** 2 < 1] = 1
    label[((z - 15) / 8) ** 2 + ((y - 26) / 8) ** 2 + ((x - 35) / 7) ** 2 < 1] = 2
    label[:, 6:10, 22:26] = 3
    return label


def write_run(folder: Path) -> Path:
    """A prediction, and the labels that it was made with."""
    write_predicted(folder / "prediction", truth(), GRID, NAMES, known=["Aorta"])
    write_labels(folder / "labels", predicted_like(truth(), NAMES, ["Aorta"])[1], GRID)
    return folder


def a_scan(host: SlicerHost) -> Any:
    grey = (truth() > 0) * 80 + grey_values(GRID) // 50
    return add_scan(host.scene, GRID, grey.astype(np.int16), "CT 1")


def to_view(scan: Any, folder: Path) -> Viewed:
    """The scan with its suggestions, and an aorta that the expert drew."""
    expert = add_segmentation(scan, GRID, {"Aorta": truth() == 3}, "drawn")
    suggestions = finish_now(read_suggestions(folder / "prediction"))
    return Viewed("case 1", scan, STRUCTURES, expert, suggestions, folder / "labels")


def composites(host: SlicerHost) -> list[Any]:
    return nodes_of_class(host.scene, "vtkMRMLSliceCompositeNode")


def foreground(host: SlicerHost) -> Any:
    ids = {view.GetForegroundVolumeID() for view in composites(host)}
    assert len(ids) == 1
    return host.scene.GetNodeByID(ids.pop() or "")


def ours(host: SlicerHost) -> dict[str, Any]:
    """Nodes of ours by role; the table of colours stays."""
    nodes = [host.scene.GetNthNode(number) for number in range(host.scene.GetNumberOfNodes())]
    return {
        node.GetAttribute(OURS): node for node in nodes if node.GetAttribute(OURS) and not node.IsA("vtkMRMLColorNode")
    }


def seen(node: Any) -> np.ndarray:
    """bool on the scan: the voxels that a volume of ranks shows at its threshold."""
    display = node.GetDisplayNode()
    array = image_array(node.GetImageData())
    shown = (array >= display.GetLowerThreshold()) & (array <= display.GetUpperThreshold())
    matrix = slicer.util.arrayFromVTKMatrix(_matrix(node))
    x, y, z = np.rint((np.linalg.inv(to_ras(GRID)) @ matrix)[:3, 3]).astype(int)
    mask = np.zeros(GRID.shape, bool)
    mask[z : z + array.shape[0], y : y + array.shape[1], x : x + array.shape[2]] = shown
    return mask


def _matrix(node: Any) -> Any:
    matrix = as_vtk(np.eye(4))
    node.GetIJKToRASMatrix(matrix)
    return matrix


def state_of(host: SlicerHost) -> list[Any]:
    """The ids of all nodes but the panel's colours, and what the views and segmentations of the user show."""
    nodes = [host.scene.GetNthNode(number) for number in range(host.scene.GetNumberOfNodes())]
    views = [(view.GetForegroundVolumeID(), view.GetForegroundOpacity()) for view in composites(host)]
    drawings = [
        (
            node.GetID(),
            node.GetDisplayVisibility(),
            node.GetDisplayNode().GetVisibility2DOutline(),
            node.GetDisplayNode().GetVisibility2DFill(),
        )
        for node in nodes
        if node.IsA("vtkMRMLSegmentationNode")
    ]
    return [sorted(node.GetID() for node in nodes if not node.IsA("vtkMRMLColorNode")), views, drawings]
