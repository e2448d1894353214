"""Where the trusted scans support a given label and where they speak against it, as a volume in colours that lies over the slices.

What nobody drew is supported nearly everywhere, which is of no interest and would cover the scan: outside the label only doubt is shown.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from ..relabel.doubts import ONE
from ..run.failure import Failure
from .ambiguity import Said, read_said
from .doubts import WeightFiles
from .geometry import grid_of
from .our_nodes import new_volume
from .steps import Steps, scaled
from .stream import read_into
from .volumes import give, image_array, new_image, place
from .weight_colors import weights_table

ROLE = "weights"
STRONGEST = 3 * ONE
"""The weight that has the strongest colour: 20 to 1. The same in all scans, so that they can be compared."""
_VOXELS = 1 << 20


def make_weight_map(scan: Any, structure: str, weights: WeightFiles) -> Steps[Any]:
    """The node with the weights of a structure (int16, on the scan's grid). Failure: absent, damaged, or of another image than is loaded."""
    grid = grid_of(scan)
    image = new_image(grid.shape, np.int16)
    try:
        yield from scaled(read_into(image_array(image), weights.files[structure]), 0.0, 0.5)
        said = yield from scaled(read_said(weights.labels), 0.5, 0.7)
        yield from scaled(_only_doubt_outside(image_array(image), said, structure), 0.7, 1.0)
    except Failure as failure:
        text = f"the weights of its labels cannot be shown: {failure.wrong}"
        raise Failure(text, case=str(scan.GetName()), way_out=failure.way_out) from None
    node = new_volume(f"{scan.GetName()} {structure} weights of the label", ROLE, scan)
    # Before the voxels: the display node would otherwise go through all of them for a contrast that is not wanted.
    _display(node)
    place(node, grid)
    give(node, image)
    return node


def _only_doubt_outside(weights: np.ndarray, said: Said, structure: str) -> Steps[None]:
    """Takes away, in place, the support of what is not drawn."""
    value = said.structures.index(structure) + 1
    also = said.overlap(value)
    kept = weights.reshape(-1)[also]
    thick = max(1, _VOXELS // max(1, weights[0].size))
    for first in range(0, weights.shape[0], thick):
        part = weights[first : first + thick]
        np.minimum(part, 0, out=part, where=said.label_map[first : first + thick] != value)
        yield min(1.0, (first + thick) / weights.shape[0])
    weights.reshape(-1)[also] = kept


def _display(node: Any) -> None:
    display = slicer.vtkMRMLScalarVolumeDisplayNode()
    display.SetSaveWithScene(False)
    display.SetHideFromEditors(True)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(-STRONGEST, STRONGEST)
    display.InterpolateOff()
    display = node.GetScene().AddNode(display)
    display.SetAndObserveColorNodeID(weights_table(node.GetScene()).GetID())
    node.SetAndObserveDisplayNodeID(display.GetID())
