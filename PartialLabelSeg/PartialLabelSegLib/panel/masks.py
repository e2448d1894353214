"""The voxels of a scan that a segment covers: a box and a mask of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk

from ..relabel.components import Box
from .geometry import ijk_to_ras_of, into_volume, matrix_array, vtk_matrix, whole_step
from .our_nodes import BINARY
from .segments import labelmaps_in_steps
from .slabs import slabs_of
from .steps import Steps, finish_now
from .volumes import image_array

Region = tuple[Box, np.ndarray]
"""A box of a scan and the voxels that count in it: a bool array of the box's shape."""


def image_matrix(image: Any) -> np.ndarray:
    """float64 (4, 4): voxel (x, y, z, 1) of a vtkOrientedImageData to its RAS."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return matrix_array(matrix)


def box_of(extent: tuple[int, ...], shift: tuple[int, int, int] = (0, 0, 0)) -> Box:
    """An extent (x, y, z, both ends in) as slices (z, y, x), moved by whole voxels (x, y, z)."""
    x, y, z = (slice(extent[2 * axis] + shift[axis], extent[2 * axis + 1] + 1 + shift[axis]) for axis in range(3))
    return (z, y, x)


def intersection(first: Box, second: Box) -> Box | None:
    """The box that both hold; None where there is none."""
    spans = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(first, second)]
    return (spans[0], spans[1], spans[2]) if all(span.start < span.stop for span in spans) else None


def within(inner: Box, outer: Box) -> Box:
    """The slices of `inner` in an array that covers `outer`."""
    z, y, x = (slice(a.start - b.start, a.stop - b.start) for a, b in zip(inner, outer))
    return (z, y, x)


def around(first: Box, second: Box) -> Box:
    """The smallest box that holds two boxes."""
    z, y, x = (slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(first, second))
    return (z, y, x)


def shape_of(box: Box) -> tuple[int, int, int]:
    """The shape (z, y, x) of an array of a box."""
    z, y, x = (span.stop - span.start for span in box)
    return (z, y, x)


def mask_in(node: Any, segment_id: str, volume: Any) -> Region | None:
    """The voxels of a scan (its own grid) that a segment covers: a box and a bool mask of it. None: no voxel, or no such segment.

    Label maps on the scan's voxels are taken as they are, others by nearest neighbour. Failure as `labelmaps`, `into_volume`.
    """
    return finish_now(mask_in_steps(node, segment_id, volume))


def mask_in_steps(node: Any, segment_id: str, volume: Any) -> Steps[Region | None]:
    """The same, some million voxels at a time. The segment should not change meanwhile."""
    segmentation = yield from labelmaps_in_steps(node, volume, segment_id)
    segment = segmentation.GetSegment(segment_id)
    image = segment.GetRepresentation(BINARY) if segment is not None else None
    if image is None or not image_array(image).size:
        return None
    size = volume.GetImageData().GetDimensions()
    whole: Box = (slice(0, size[2]), slice(0, size[1]), slice(0, size[0]))
    to_voxels = np.linalg.inv(ijk_to_ras_of(volume)) @ into_volume(node, volume) @ image_matrix(image)
    shift = whole_step(to_voxels)
    if shift is None:
        image, shift = _on_grid(image, to_voxels, size), (0, 0, 0)
    box = box_of(image.GetExtent(), shift)
    inner = intersection(box, whole)
    if inner is None:
        return None
    return (yield from voxels_with(inner, image_array(image)[within(inner, box)], int(segment.GetLabelValue())))


def _on_grid(image: Any, to_voxels: np.ndarray, size: tuple[int, int, int]) -> Any:
    """A label map by nearest neighbour on a scan's voxels (x, y, z), whose own space is that of the voxels."""
    source = slicer.vtkOrientedImageData()
    source.ShallowCopy(image)
    source.SetImageToWorldMatrix(vtk_matrix(to_voxels))
    reference = slicer.vtkOrientedImageData()
    reference.SetExtent(0, size[0] - 1, 0, size[1] - 1, 0, size[2] - 1)
    result = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(source, reference, result)
    return result


def voxels_with(box: Box, array: np.ndarray, value: int) -> Steps[Region | None]:
    """The voxels of a value in an array of a box. Slice by slice: of a large scan no second copy is made, only of what is found."""
    rows, columns = np.zeros(array.shape[1], bool), np.zeros(array.shape[2], bool)
    planes = np.zeros(array.shape[0], bool)
    for slab in slabs_of(array.shape):
        for place, plane in enumerate(array[slab], slab.start):
            found = plane == value
            line = found.any(axis=0)
            if line.any():
                planes[place] = True
                columns |= line
                rows |= found.any(axis=1)
        yield 0.5 * slab.stop / len(array)
    inner = _spans(planes, rows, columns)
    if inner is None:
        return None
    part = array[inner]
    mask = np.empty(part.shape, bool)
    for slab in slabs_of(part.shape):
        np.equal(part[slab], value, out=mask[slab])
        yield 0.5 + 0.5 * slab.stop / len(part)
    return _moved(inner, box), mask


def tight(box: Box, mask: np.ndarray) -> Region | None:
    """A mask cut to the smallest box around its voxels; None where it has none."""
    hits = [np.asarray(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    inner = _spans(*hits)
    return None if inner is None else (_moved(inner, box), mask[inner])


def _spans(*hits: np.ndarray) -> Box | None:
    """From the first to the last hit along z, y and x; None where there is none."""
    spans = []
    for line in hits:
        places = np.flatnonzero(line)
        if not places.size:
            return None
        spans.append(slice(int(places[0]), int(places[-1]) + 1))
    return (spans[0], spans[1], spans[2])


def _moved(inner: Box, outer: Box) -> Box:
    """A box within another one, as a box of what that one lies in."""
    z, y, x = (slice(a.start + b.start, a.stop + b.start) for a, b in zip(inner, outer))
    return (z, y, x)
