"""What is drawn in the scene (a bone, a rater's mask) as a mask of a whole scan, read in steps and read again after it was changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer

from ..geometry import ijk_to_ras_of, into_volume, vtk_matrix, whole_step
from ..masks import Region, box_of, intersection, mask_in_steps, voxels_with, within
from ..our_nodes import BINARY
from ..steps import Steps
from ..volumes import image_array, new_image
from .rating import Drawing


@dataclass(frozen=True, eq=False)
class _Read:
    stamp: tuple[int, ...]
    mask: np.ndarray | None


class DrawnMasks:
    """Keeps the masks of one scan. Nodes may be changed or deleted by the user at any time."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        self._read: dict[tuple[str, str, str], _Read] = {}
        self._has_changed = False

    def changed(self) -> bool:
        """Whether something was read since this was asked last."""
        before, self._has_changed = self._has_changed, False
        return before

    def mask(self, volume: Any, drawing: Drawing | None) -> np.ndarray | None:
        """bool (z, y, x) as it was read last; None where nothing is drawn, or it was not read yet. Not to be changed."""
        found = self._read.get(_key(volume, drawing)) if drawing is not None else None
        return found.mask if found is not None else None

    def is_fresh(self, volume: Any, drawing: Drawing) -> bool:
        """Whether it was read since it was changed last; what is not in the scene any more stays as it was."""
        stamp = self._stamp(volume, drawing)
        found = self._read.get(_key(volume, drawing))
        return not stamp or (found is not None and found.stamp == stamp)

    def is_there(self, drawing: Drawing) -> bool:
        """Whether the node, and the segment, are in the scene."""
        node = self.scene.GetNodeByID(drawing.node)
        if node is None:
            return False
        return not node.IsA("vtkMRMLSegmentationNode") or node.GetSegmentation().GetSegment(drawing.segment) is not None

    def read(self, volume: Any, drawing: Drawing) -> Steps[None]:
        """Reads it. Failure: it lies under another bent transform, or cannot be turned into voxels."""
        stamp = self._stamp(volume, drawing)
        node = self.scene.GetNodeByID(drawing.node)
        if node is None:
            return
        if node.IsA("vtkMRMLSegmentationNode"):
            region = yield from mask_in_steps(node, drawing.segment, volume)
        else:
            region = yield from _label_map(node, volume)
        mask = None
        if region is not None:
            mask = np.zeros(image_array(volume.GetImageData()).shape, bool)
            mask[region[0]] = region[1]
        self._read[_key(volume, drawing)] = _Read(stamp, mask)
        self._has_changed = True

    def give_up(self, volume: Any, drawing: Drawing) -> None:
        """It could not be read; it counts as empty until it is changed."""
        self._read[_key(volume, drawing)] = _Read(self._stamp(volume, drawing), None)

    def forget(self) -> None:
        self._read = {}

    def _stamp(self, volume: Any, drawing: Drawing) -> tuple[int, ...]:
        """Changes whenever what is drawn does; empty where there is no such node."""
        node = self.scene.GetNodeByID(drawing.node)
        if node is None or not self.is_there(drawing):
            return ()
        if not node.IsA("vtkMRMLSegmentationNode"):
            image = node.GetImageData()
            return (int(image.GetMTime()) if image is not None else 0, int(volume.GetImageData().GetMTime()))
        segment = node.GetSegmentation().GetSegment(drawing.segment)
        image = segment.GetRepresentation(BINARY) or segment
        return (int(image.GetMTime()), int(segment.GetLabelValue()), int(volume.GetImageData().GetMTime()))


def _key(volume: Any, drawing: Drawing) -> tuple[str, str, str]:
    return (volume.GetID(), drawing.node, drawing.segment)


def _label_map(node: Any, volume: Any) -> Steps[Region | None]:
    """The voxels of a scan where a label map volume is not 0; by nearest neighbour where it lies on other voxels."""
    if node.GetImageData() is None:
        return None
    marked = (image_array(node.GetImageData()) != 0).astype(np.uint8)
    size = volume.GetImageData().GetDimensions()
    yield 0.2
    to_voxels = np.linalg.inv(ijk_to_ras_of(volume)) @ into_volume(node, volume) @ ijk_to_ras_of(node)
    shift = whole_step(to_voxels)
    if shift is None:
        marked, shift = _resampled(marked, to_voxels, size), (0, 0, 0)
    x, y, z = marked.shape[::-1]
    box = box_of((0, x - 1, 0, y - 1, 0, z - 1), shift)
    inner = intersection(box, (slice(0, size[2]), slice(0, size[1]), slice(0, size[0])))
    if inner is None:
        return None
    return (yield from voxels_with(inner, marked[within(inner, box)], 1))


def _resampled(marked: np.ndarray, to_voxels: np.ndarray, size: tuple[int, int, int]) -> np.ndarray:
    source = new_image(marked.shape, np.uint8)
    image_array(source)[:] = marked
    source.SetImageToWorldMatrix(vtk_matrix(to_voxels))
    reference, result = slicer.vtkOrientedImageData(), slicer.vtkOrientedImageData()
    reference.SetExtent(0, size[0] - 1, 0, size[1] - 1, 0, size[2] - 1)
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(source, reference, result)
    return np.array(image_array(result))
