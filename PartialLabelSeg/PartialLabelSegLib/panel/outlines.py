"""All that is suggested in a scan as outlines, one segment per structure; they share one label map, so that nothing is copied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import slicer

from ..data.types import Structure
from ..relabel.export import ORIGIN_TAG
from .geometry import ijk_to_ras, vtk_matrix
from .our_nodes import BINARY, hidden_segmentation
from .segments import STRUCTURE_TAG
from .suggestions import Suggestions

ROLE = "suggested"


def make_outlines(scan: Any, suggestions: Suggestions, structures: Iterable[Structure]) -> Any:
    """The segmentation node of ours with the suggestions of a scan; in no list, and not saved with the scene."""
    node = hidden_segmentation(scan, f"{scan.GetName()} suggested", ROLE)
    image = suggestions.label_image
    image.SetImageToWorldMatrix(vtk_matrix(ijk_to_ras(suggestions.grid)))
    for structure in structures:
        if structure.name in suggestions.boxes:
            segment = slicer.vtkSegment()
            segment.SetName(f"{structure.name} (suggested)")
            segment.SetColor(*structure.color)
            segment.SetTag(ORIGIN_TAG, ROLE)
            segment.SetTag(STRUCTURE_TAG, structure.name)
            segment.AddRepresentation(BINARY, image)
            segment.SetLabelValue(suggestions.value(structure.name))
            node.GetSegmentation().AddSegment(segment, segment_id(suggestions, structure.name))
    return node


def segment_id(suggestions: Suggestions, structure: str) -> str:
    """The id of a structure's segment in our nodes."""
    return f"Structure_{suggestions.value(structure)}"


def show_only(node: Any, ids: Iterable[str]) -> None:
    """Shows these segments of a node and hides the others."""
    wanted = set(ids)
    display = node.GetDisplayNode()
    modified = display.StartModify()
    for key in node.GetSegmentation().GetSegmentIDs():
        if display.GetSegmentVisibility(key) != (key in wanted):
            display.SetSegmentVisibility(key, key in wanted)
    display.EndModify(modified)
