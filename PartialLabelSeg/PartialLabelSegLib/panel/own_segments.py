"""Segmentation nodes of ours: voxels of a structure are added and taken away box by box, and every change can be undone exactly."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer

from ..data.seg_nrrd import TERMINOLOGY
from ..data.types import Structure
from ..relabel.components import Box
from ..relabel.export import ORIGIN_TAG
from .geometry import follow, ijk_to_ras_of, vtk_matrix
from .masks import Region, around, image_matrix, intersection, mask_in, mask_in_steps, shape_of, tight, within
from .our_nodes import BINARY, OURS
from .segments import STRUCTURE_TAG, tags_of
from .slabs import slabs_of
from .steps import Steps
from .volumes import image_array, new_image

SCAN = "PartialLabelSeg.Scan"
"""The attribute that says of which scan (by name) a node of ours is."""


@dataclass(frozen=True, eq=False)
class Change:
    """What one call changed: within `box`, the voxels that became part of the structure, and those that ceased to be; bool (z, y, x).

    origin, origin_before: the tag of the segment after and before; "" where there was none.
    """

    structure: Structure
    box: Box
    added: np.ndarray
    removed: np.ndarray
    origin: str = ""
    origin_before: str = ""

    @property
    def voxels(self) -> int:
        return int(np.count_nonzero(self.added)) + int(np.count_nonzero(self.removed))

    def reversed(self) -> Change:
        """The change that takes this one back."""
        return Change(self.structure, self.box, self.removed, self.added, self.origin_before, self.origin)


class OwnSegments:
    """The segments of a node of ours that lies on a scan's voxels: one per structure, found by a tag, whatever the user calls it.

    A segment is there as long as it has voxels. The voxels may be edited by the user in the Segment Editor at any time.
    """

    def __init__(self, node: Any, volume: Any) -> None:
        self.node = node
        self.volume = volume

    @property
    def _segmentation(self) -> Any:
        return self.node.GetSegmentation()

    def segment_id(self, structure: str) -> str:
        """The id of a structure's segment; empty where it has no voxels."""
        for place in range(self._segmentation.GetNumberOfSegments()):
            if tags_of(self._segmentation.GetNthSegment(place)).get(STRUCTURE_TAG) == structure:
                return str(self._segmentation.GetNthSegmentID(place))
        return ""

    def structures(self) -> tuple[str, ...]:
        """The structures that have a segment, in order."""
        segments = (self._segmentation.GetNthSegment(n) for n in range(self._segmentation.GetNumberOfSegments()))
        return tuple(tag for tag in (tags_of(segment).get(STRUCTURE_TAG, "") for segment in segments) if tag)

    def mask(self, structure: str) -> Region | None:
        """The voxels of a structure: a box of the scan and a bool mask of it; None where there are none."""
        key = self.segment_id(structure)
        return mask_in(self.node, key, self.volume) if key else None

    def mask_in_steps(self, structure: str) -> Steps[Region | None]:
        """The same, in steps."""
        key = self.segment_id(structure)
        return (yield from mask_in_steps(self.node, key, self.volume)) if key else None

    def voxels(self, structure: str) -> int:
        found = self.mask(structure)
        return 0 if found is None else int(np.count_nonzero(found[1]))

    def origin(self, structure: str) -> str:
        """The tag that says where a structure's voxels come from; empty where it has none."""
        key = self.segment_id(structure)
        return tags_of(self._segmentation.GetSegment(key)).get(ORIGIN_TAG, "") if key else ""

    def add(self, structure: Structure, region: Region, origin: str) -> Change:
        """Adds the voxels of a region that the structure does not have yet."""
        box, mask = region
        before = self._covered(structure.name, box)
        return self.apply(
            Change(structure, box, mask & ~before, np.zeros_like(mask), origin, self.origin(structure.name))
        )

    def remove(self, structure: Structure, region: Region) -> Change:
        """Takes away the voxels of a region that the structure has."""
        box, mask = region
        before, origin = self._covered(structure.name, box), self.origin(structure.name)
        return self.apply(Change(structure, box, np.zeros_like(mask), mask & before, origin, origin))

    def put(self, structure: Structure, region: Region, origin: str) -> Change:
        """Makes a region all that the structure has."""
        old = self.mask(structure.name)
        box = region[0] if old is None else around(region[0], old[0])
        wanted = np.zeros(shape_of(box), bool)
        wanted[within(region[0], box)] = region[1]
        before = self._covered(structure.name, box)
        return self.apply(
            Change(structure, box, wanted & ~before, before & ~wanted, origin, self.origin(structure.name))
        )

    def fill(self, structure: Structure, region: Region | None, origin: str = "") -> None:
        """As `put`, for what nobody will undo: faster. None takes the structure away."""
        key = self.segment_id(structure.name)
        if region is not None:
            key = self._store(key, structure, oriented(region, self.volume))
            if origin:
                self._segmentation.GetSegment(key).SetTag(ORIGIN_TAG, origin)
        elif key:
            self._segmentation.RemoveSegment(key)

    def holds(self, structure: str, region: Region, origin: str = "") -> Steps[bool]:
        """Whether a structure has a label map of its own that is this very region, as `fill` has left it."""
        key, (box, mask) = self.segment_id(structure), region
        image = self.image(structure)
        extent = tuple(place for span in reversed(box) for place in (span.start, span.stop - 1))
        if image is None or image.GetExtent() != extent or _is_shared(self._segmentation, key):
            return False
        if self.origin(structure) != origin or not np.allclose(
            image_matrix(image), ijk_to_ras_of(self.volume), atol=1e-6
        ):
            return False
        array = image_array(image)
        for slab in slabs_of(mask.shape):
            if not np.array_equal(array[slab], mask[slab]):
                return False
            yield slab.stop / len(mask)
        return True

    def image(self, structure: str) -> Any:
        """The vtkOrientedImageData that holds a structure's voxels (it may hold others' too); None where it has none."""
        key = self.segment_id(structure)
        return self._segmentation.GetSegment(key).GetRepresentation(BINARY) if key else None

    def since(self, structure: Structure, before: Region | None, origin_before: str, origin: str) -> Change:
        """What the user has changed since a structure had the voxels `before`, as a change that can be taken back. origin: the new tag."""
        now = self.mask(structure.name)
        there = [region for region in (before, now) if region is not None]
        if not there:
            nothing = np.zeros((1, 1, 1), bool)
            return Change(structure, (slice(0, 1),) * 3, nothing, nothing, "", origin_before)
        box = there[0][0] if len(there) == 1 else around(there[0][0], there[1][0])
        old, new = np.zeros(shape_of(box), bool), self._covered(structure.name, box)
        if before is not None:
            old[within(before[0], box)] = before[1]
        key = self.segment_id(structure.name)
        if key:
            self._segmentation.GetSegment(key).SetTag(ORIGIN_TAG, origin)
        return Change(structure, box, new & ~old, old & ~new, origin if key else "", origin_before)

    def clear(self, structure: Structure) -> Change | None:
        """Takes the whole structure away; None where there is none."""
        found = self.mask(structure.name)
        return None if found is None else self.remove(structure, found)

    def apply(self, change: Change) -> Change:
        """Makes a change, or makes it again; `apply(change.reversed())` takes it back, exactly. Returns it."""
        key = self.segment_id(change.structure.name)
        if change.voxels:
            result = _changed(self.mask(change.structure.name), change)
            if result is None:
                self._segmentation.RemoveSegment(key)
                return change
            key = self._store(key, change.structure, oriented(result, self.volume))
        if key and change.origin:
            self._segmentation.GetSegment(key).SetTag(ORIGIN_TAG, change.origin)
        return change

    def _store(self, key: str, structure: Structure, image: Any) -> str:
        if key:
            _replace(self._segmentation, key, image)
            return key
        return self._new_segment(structure, image)

    def _covered(self, structure: str, box: Box) -> np.ndarray:
        """bool: what of `box` the structure covers now."""
        covered = np.zeros(shape_of(box), bool)
        found = self.mask(structure)
        inner = intersection(found[0], box) if found is not None else None
        if found is not None and inner is not None:
            covered[within(inner, box)] = found[1][within(inner, found[0])]
        return covered

    def _new_segment(self, structure: Structure, image: Any) -> str:
        segment = slicer.vtkSegment()
        segment.SetName(structure.name)
        segment.SetColor(*structure.color)
        segment.SetTag(STRUCTURE_TAG, structure.name)
        if structure.terminology:
            segment.SetTag(TERMINOLOGY, structure.terminology)
        segment.AddRepresentation(BINARY, image)
        segment.SetLabelValue(1)
        # The same id each time, so that how the user chose to see it survives undo and redo.
        key = f"Structure_{zlib.crc32(structure.name.encode()):08x}"
        free = str(self._segmentation.GenerateUniqueSegmentID(key))
        self._segmentation.AddSegment(segment, free)
        return free


def _changed(old: Region | None, change: Change) -> Region | None:
    """A mask after a change, cut to its voxels; None where none is left."""
    if old is None:
        return tight(change.box, change.added)
    box = around(old[0], change.box)
    mask = np.zeros(shape_of(box), bool)
    mask[within(old[0], box)] = old[1]
    part = mask[within(change.box, box)]
    part |= change.added
    part &= ~change.removed
    return tight(box, mask)


def oriented(region: Region, volume: Any) -> Any:
    """A box and its mask as a vtkOrientedImageData on the voxels of a scan."""
    box, mask = region
    image = new_image(mask.shape, np.uint8, (box[0].start, box[1].start, box[2].start))
    image.SetImageToWorldMatrix(vtk_matrix(ijk_to_ras_of(volume)))
    image_array(image)[:] = mask
    return image


def _replace(segmentation: Any, key: str, image: Any) -> None:
    """Gives a segment other voxels; surfaces made of the former ones go. The other segments stay as they are."""
    segment = segmentation.GetSegment(key)
    if _is_shared(segmentation, key):
        _leave_shared(segment)
    segment.AddRepresentation(BINARY, image)
    segment.SetLabelValue(1)
    # The segmentation hears of it as of any edit: views are drawn anew, and representations made of it are dropped.
    image.Modified()


def _is_shared(segmentation: Any, key: str) -> bool:
    """Whether other segments lie in the same label map. (`IsSharedBinaryLabelmap` says so of any segment that has one.)"""
    layer = segmentation.GetLayerIndex(key, BINARY)
    return layer >= 0 and len(segmentation.GetSegmentIDsForLayer(layer, BINARY)) > 1


def _leave_shared(segment: Any) -> None:
    """Takes a segment's voxels out of the label map that it shares with others (a reopened scene packs segments together)."""
    shared = segment.GetRepresentation(BINARY)
    array = image_array(shared)
    array[array == int(segment.GetLabelValue())] = 0


def own_node(volume: Any, scan: str, role: str, create: bool = True) -> Any:
    """The segmentation node of ours for a scan and a role, such as 'accepted'; None where there is none and none is wanted."""
    scene = volume.GetScene()
    for place in range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")):
        node = scene.GetNthNodeByClass(place, "vtkMRMLSegmentationNode")
        if node.GetAttribute(OURS) == role and node.GetAttribute(SCAN) == scan:
            return node
    if not create:
        return None
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{scan} {role}")
    node.SetAttribute(OURS, role)
    node.SetAttribute(SCAN, scan)
    node.GetSegmentation().SetSourceRepresentationName(BINARY)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    follow(node, volume)
    return node
