"""A scan of the scene as files for the worker, written in steps: `<stem>.nrrd`, and `<stem>.seg.nrrd` with all that is drawn in it.

The segmentation node is only read. Its label maps are written as they are, on their own grid; the importer lays them on the scan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from ..data.geometry import Grid
from ..data.seg_nrrd import MOST_SEGMENTS_A_LAYER, SegmentHead, file_header
from ..relabel.components import Box
from ..run.failure import Failure
from .geometry import grid_of, grid_of_matrix, ijk_to_ras_of, into_volume, vtk_matrix, whole_step
from .masks import around, box_of, image_matrix, intersection, shape_of, within
from .our_nodes import BINARY
from .segments import DrawnSegment, drawn, labelmaps_in_steps
from .steps import Steps, scaled
from .stream import write_packed, write_volume
from .volumes import array_of, image_array

IMAGE, SEGMENTS = ".nrrd", ".seg.nrrd"


def write_scan(folder: Path, stem: str, volume: Any, segmentation: Any = None) -> Steps[tuple[Path, Path | None]]:
    """Writes a volume node and, where one is given and has segments, a segmentation node. The paths of both files.

    Failure: the volume cannot be a scan, or the segments cannot be written as label maps.
    """
    image = folder / f"{stem}{IMAGE}"
    drawing = segmentation is not None and segmentation.GetSegmentation().GetNumberOfSegments() > 0
    share = 0.8 if drawing else 1.0
    yield from scaled(write_volume(image, array_of(volume), grid_of(volume)), 0.0, share)
    path = folder / f"{stem}{SEGMENTS}"
    if not drawing:
        path.unlink(missing_ok=True)
        return image, None
    yield from scaled(write_segmentation(path, segmentation, volume), share, 1.0)
    return image, path


def write_segmentation(path: Path, node: Any, volume: Any) -> Steps[None]:
    """Writes what is drawn in a segmentation node, with names, colours, terminology and the tags that mean something here."""
    segmentation = yield from scaled(labelmaps_in_steps(node, volume), 0.0, 0.0)
    segments = drawn(segmentation)
    yield 0.0
    layers = _layers(segmentation, segments, node, volume)
    places = _places(layers)
    assert places is not None
    box = reduce(around, places)
    grid = _grid(layers[0], into_volume(node, volume), (box[2].start, box[1].start, box[0].start), shape_of(box))
    kept, tables = _values(segments, len(layers))
    heads = [SegmentHead(item.id, item.name, item.color, item.terminology, item.tags, *place) for item, place in kept]
    whole = tuple(slice(0, size) for size in grid.shape)
    header = file_header(grid, len(layers), heads, [(head.layer, head.value, whole) for head in heads])
    size = int(np.prod(grid.shape)) * len(layers)
    pieces = _pieces([image_array(image) for image in layers], places, box, tables)
    yield from write_packed(path, header, pieces, size)


def _layers(segmentation: Any, segments: Sequence[DrawnSegment], node: Any, volume: Any) -> list[Any]:
    """The label maps in which something is drawn, all on the voxels of the first; one empty voxel where nothing is."""
    used = sorted({segment.layer for segment in segments if not segment.empty})
    images = [segmentation.GetLayerDataObject(layer, BINARY) for layer in used]
    if not images:
        return [_blank(node, volume)]
    if _places(images) is not None:
        return images
    # Drawn on several grids: all are laid on the scan's.
    reference = slicer.vtkOrientedImageData()
    reference.SetExtent(*volume.GetImageData().GetExtent())
    reference.SetImageToWorldMatrix(vtk_matrix(np.linalg.inv(into_volume(node, volume)) @ ijk_to_ras_of(volume)))
    return [_laid_on(image, reference) for image in images]


def _places(images: Sequence[Any]) -> list[Box] | None:
    """Where label maps lie among the voxels of the first; None where they are not on the same voxels."""
    first = np.linalg.inv(image_matrix(images[0]))
    places = []
    for image in images:
        shift = whole_step(first @ image_matrix(image))
        if shift is None:
            return None
        places.append(box_of(image.GetExtent(), shift))
    return places


def _blank(node: Any, volume: Any) -> Any:
    image = slicer.vtkOrientedImageData()
    image.SetExtent(0, 0, 0, 0, 0, 0)
    image.SetImageToWorldMatrix(vtk_matrix(np.linalg.inv(into_volume(node, volume)) @ ijk_to_ras_of(volume)))
    image.AllocateScalars(3, 1)
    image_array(image)[:] = 0
    return image


def _laid_on(image: Any, reference: Any) -> Any:
    result = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(image, reference, result)
    return result


def _grid(image: Any, to_volume: np.ndarray, first: tuple[int, int, int], shape: tuple[int, int, int]) -> Grid:
    """The grid of voxels that begin at `first` (x, y, z) of a label map, in the scan's own space."""
    matrix = to_volume @ image_matrix(image)
    matrix[:3, 3] = (matrix @ np.array([*first, 1.0]))[:3]
    try:
        return grid_of_matrix(matrix, (shape[2], shape[1], shape[0]))
    except ValueError:
        raise Failure(
            "the segmentation was put under a transform that shears it.",
            way_out="Harden the transform in the Transforms module, or put scan and segmentation under the same one.",
        ) from None


def _values(
    segments: Sequence[DrawnSegment], layers: int
) -> tuple[list[tuple[DrawnSegment, tuple[int, int]]], list[np.ndarray]]:
    """Each segment's layer and value in the file, and per layer the table from its values to those (all others to 0)."""
    used = sorted({segment.layer for segment in segments if not segment.empty}) or [-1]
    highest = max((segment.value for segment in segments), default=0)
    tables = [np.zeros(max(257, highest + 2), np.uint8) for _ in range(layers)]
    taken = [0] * layers
    kept = []
    for segment in segments:
        layer = used.index(segment.layer) if segment.layer in used and not segment.empty else 0
        taken[layer] += 1
        if taken[layer] > MOST_SEGMENTS_A_LAYER:
            raise Failure(
                f"more than {MOST_SEGMENTS_A_LAYER} segments share a layer.",
                way_out="Delete segments that are not needed.",
            )
        if not segment.empty:
            tables[layer][segment.value] = taken[layer]
        kept.append((segment, (layer, taken[layer])))
    return kept, tables


def _pieces(arrays: list[np.ndarray], places: list[Box], box: Box, tables: list[np.ndarray]) -> Iterator[memoryview]:
    """The voxels of all layers side by side, a few rows of a slice at a time."""
    z, y, x = box
    rows = max(1, (1 << 20) // max(1, (x.stop - x.start) * len(arrays)))
    for plane in range(z.start, z.stop):
        for first in range(y.start, y.stop, rows):
            part: Box = (slice(plane, plane + 1), slice(first, min(first + rows, y.stop)), x)
            mixed = np.zeros((*shape_of(part), len(arrays)), np.uint8)
            for layer, (array, place, table) in enumerate(zip(arrays, places, tables)):
                inner = intersection(part, place)
                if inner is not None:
                    values = np.clip(array[within(inner, place)], 0, len(table) - 1)
                    mixed[(*within(inner, part), layer)] = table[values]
            yield mixed.reshape(-1).data.cast("B")
