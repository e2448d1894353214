"""Completed segmentations as nodes of the scene: those that the worker wrote, and before it did, what was drawn with what was accepted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import slicer

from ..data.label_files import place_of
from ..data.seg_nrrd import read_heads
from ..data.types import Structure
from ..run.failure import Failure
from .accepted import ACCEPTED, COMPLETED, completed_segments, finish_in_steps
from .application import Application, nodes_of_class
from .geometry import follow
from .our_nodes import OURS, is_ours, remove_node
from .own_segments import SCAN, OwnSegments, own_node
from .segments import STRUCTURE_TAG, drawn
from .state import Scan
from .steps import Steps, scaled


def load_completed(scene: Any, path: Path, scan: str, volume: Any = None, words: str = COMPLETED) -> Any:
    """The segmentation of a file of the worker as the node '<scan> <words>', in the place of one that was loaded before. Failure: it cannot be read.

    volume: its scan, where that is in the scene.
    """
    _check(path, scan)
    earlier = _earlier(scene, scan, words)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{scan} {words}")
    # Before the voxels: reading asks for one where there is none, and a node needs its scene for that.
    node.CreateDefaultDisplayNodes()
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    if not storage.ReadData(node) or not node.GetSegmentation().GetNumberOfSegments():
        remove_node(node)
        raise _unreadable(path, scan)
    remove_node(earlier)
    node.SetName(f"{scan} {words}")
    node.SetAttribute(OURS, words)
    node.SetAttribute(SCAN, scan)
    segmentation = node.GetSegmentation()
    for place in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(place)
        segment.SetTag(STRUCTURE_TAG, segment.GetName())
    if volume is not None:
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        follow(node, volume)
    return node


def _check(path: Path, scan: str) -> None:
    """Failure where the file is not one that Slicer can read: it ends with all that it holds at a file that was cut off."""
    if not path.is_file():
        raise Failure(
            f"there is no {path.name} in {place_of(path.parent)}.",
            case=scan,
            way_out="Learn to the end, then try again.",
        )
    try:
        heads = read_heads(path)
    except (Failure, OSError):
        heads = ()
    if not heads:
        raise _unreadable(path, scan)


def _unreadable(path: Path, scan: str) -> Failure:
    text = f"{path.name} in {place_of(path.parent)} cannot be read."
    return Failure(text, case=scan, way_out="Resume learning: it is written again.")


def _earlier(scene: Any, scan: str, words: str) -> Any:
    for place in range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")):
        node = scene.GetNthNodeByClass(place, "vtkMRMLSegmentationNode")
        if node.GetAttribute(OURS) == words and node.GetAttribute(SCAN) == scan:
            return node
    return None


def put_together(volume: Any, name: str, scan: Scan | None, expert: Any, structures: Sequence[Structure]) -> Steps[Any]:
    """The node '<name> completed' with what the expert drew (expert: a segmentation node, or None) and what was accepted; both stay as they are."""
    remove_node(_earlier(volume.GetScene(), name, COMPLETED))
    completed = completed_segments(volume, name)
    accepted_node = own_node(volume, name, ACCEPTED, create=False)
    accepted = OwnSegments(accepted_node, volume) if accepted_node is not None else None
    for done, structure in enumerate(structures, 1):
        drawings = drawings_of(expert, scan, structure.name)
        finishing = finish_in_steps(completed, structure, drawings, accepted)
        yield from scaled(finishing, (done - 1) / len(structures), done / len(structures))
    return completed.node


def show_completed(
    application: Application, nodes: Sequence[Any], scan: str, volume: Any, others: Iterable[Any]
) -> None:
    """Of these completed segmentations only that of a scan is in sight, on its volume; what it was made of, where that is ours, is hidden.

    others: the segmentations of other scans.
    """
    hidden = [node for node in others if node not in nodes]
    names = {node.GetAttribute(SCAN) for node in nodes}
    for node in nodes_of_class(application.scene, "vtkMRMLSegmentationNode"):
        if is_ours(node) and node.GetAttribute(SCAN) in names and node not in nodes:
            hidden.append(node)
    if volume is not None:
        application.show_volume(volume)
        for node in hidden:
            node.SetDisplayVisibility(False)
    for node in nodes:
        node.SetDisplayVisibility(node.GetAttribute(SCAN) == scan)


def drawings_of(expert: Any, scan: Scan | None, structure: str) -> list[tuple[Any, str]]:
    """The expert's segments that count as a structure, as (node, segment id)."""
    if expert is None:
        return []
    names = scan.names if scan is not None else {}
    segments = drawn(expert.GetSegmentation())
    return [(expert, item.id) for item in segments if names.get(item.name, item.name) == structure and not item.empty]
