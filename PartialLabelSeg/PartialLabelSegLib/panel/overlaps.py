"""Which segments of a segmentation share voxels, found slice by slice so that the window lives meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import slicer

from .geometry import whole_step
from .masks import box_of, image_matrix, intersection, within
from .our_nodes import BINARY
from .volumes import image_array


def overlap_steps(segmentation: Any) -> Iterator[frozenset[frozenset[str]]]:
    """Looks slab by slab for segments that share voxels; yields what is found so far (pairs of segment ids). Only layers can overlap."""
    pairs: set[frozenset[str]] = set()
    layers = range(segmentation.GetNumberOfLayers(BINARY)) if segmentation.ContainsRepresentation(BINARY) else range(0)
    for first in layers:
        for second in range(first + 1, len(layers)):
            for found in _shared(segmentation, first, second):
                pairs |= found
                yield frozenset(pairs)
    yield frozenset(pairs)


def _shared(segmentation: Any, first: int, second: int) -> Iterator[set[frozenset[str]]]:
    images = [segmentation.GetLayerDataObject(layer, BINARY) for layer in (first, second)]
    names = [
        {
            int(segmentation.GetSegment(key).GetLabelValue()): key
            for key in segmentation.GetSegmentIDsForLayer(layer, BINARY)
        }
        for layer in (first, second)
    ]
    arrays = _common(*images)
    if arrays is None:
        return
    for z in range(arrays[0].shape[0]):
        one, other = arrays[0][z], arrays[1][z]
        both = (one != 0) & (other != 0)
        values = {(int(a), int(b)) for a, b in np.unique(np.stack([one[both], other[both]]), axis=1).T}
        yield {frozenset((names[0][a], names[1][b])) for a, b in values if a in names[0] and b in names[1]}


def _common(first: Any, second: Any) -> list[np.ndarray] | None:
    """The voxels that two label maps of one geometry have both; the second is laid on the first's where their geometries differ."""
    if not slicer.vtkOrientedImageDataResample.DoGeometriesMatchIgnoreOrigin(first, second):
        moved = slicer.vtkOrientedImageData()
        slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(second, first, moved)
        second = moved
    shift = whole_step(np.linalg.inv(image_matrix(first)) @ image_matrix(second))
    arrays = image_array(first), image_array(second)
    if shift is None or not arrays[0].size or not arrays[1].size:
        return None
    boxes = [box_of(first.GetExtent()), box_of(second.GetExtent(), shift)]
    inner = intersection(boxes[0], boxes[1])
    return None if inner is None else [array[within(inner, box)] for array, box in zip(arrays, boxes)]
