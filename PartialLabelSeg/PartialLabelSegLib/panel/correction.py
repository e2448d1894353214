"""A suggestion that is being corrected in the Segment Editor: a node of ours with one segment, until it is used or discarded."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.types import Structure
from .application import nodes_of_class
from .masks import Region
from .our_nodes import OURS, remove_node
from .own_segments import SCAN, OwnSegments, own_node

ROLE = "being corrected"
STRUCTURE = "PartialLabelSeg.Corrected"
NOWHERE: Region = ((slice(0, 1), slice(0, 1), slice(0, 1)), np.zeros((1, 1, 1), bool))


class Correction:
    """At most one in a scene. It is found by its node, so that it survives saving and reopening."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene

    def node(self) -> Any:
        nodes = nodes_of_class(self._scene, "vtkMRMLSegmentationNode")
        return next((node for node in nodes if node.GetAttribute(OURS) == ROLE), None)

    def what(self) -> tuple[str, str] | None:
        """The scan and the structure that are being corrected; None where nothing is."""
        node = self.node()
        return (node.GetAttribute(SCAN) or "", node.GetAttribute(STRUCTURE) or "") if node is not None else None

    def begin(self, volume: Any, scan: str, structure: Structure, region: Region | None) -> tuple[Any, str]:
        """The node to draw in, and the id of its segment, which begins with the voxels of a region."""
        self.end()
        node = own_node(volume, scan, ROLE)
        node.SetName(f"{structure.name} in {scan} (being corrected)")
        node.SetAttribute(STRUCTURE, structure.name)
        segments = OwnSegments(node, volume)
        if region is None:
            # The editor needs a segment to draw in; one without voxels is none of ours, so it is made by hand.
            key = node.GetSegmentation().AddEmptySegment("", structure.name, list(structure.color))
            node.GetSegmentation().GetSegment(key).SetTag("PartialLabelSeg.Structure", structure.name)
            return node, str(key)
        segments.fill(structure, region)
        return node, segments.segment_id(structure.name)

    def drawn(self, volume: Any) -> Region:
        """What is drawn by now; nowhere where it was all erased."""
        node, what = self.node(), self.what()
        found = OwnSegments(node, volume).mask(what[1]) if node is not None and what is not None else None
        return NOWHERE if found is None else found

    def end(self) -> None:
        """Takes the node out of the scene."""
        remove_node(self.node())
