"""What is drawn in a segmentation node: its segments, by name, colour and tags, and which of them are empty. Nothing here changes the node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import slicer
import vtk

from ..data.importers.segments import SLICES_TAG, STATE_TAG
from ..data.seg_nrrd import TERMINOLOGY
from ..data.types import clean_name
from ..relabel.export import ORIGIN_TAG
from ..run.failure import Failure
from .geometry import ijk_to_ras_of, into_volume, vtk_matrix
from .our_nodes import BINARY
from .steps import Steps, finish_now
from .volumes import image_array

SURFACE = "Closed surface"
STRUCTURE_TAG = "PartialLabelSeg.Structure"
"""In segmentations of ours: the structure that a segment is, whatever the user calls it."""
TAGS = (TERMINOLOGY, ORIGIN_TAG, STATE_TAG, SLICES_TAG, STRUCTURE_TAG)
_SLAB = 1 << 21
"""Voxels looked at in one go: a few milliseconds."""


@dataclass(frozen=True)
class DrawnSegment:
    """A segment as a segmentation node holds it. `color` RGB in 0..1; `tags` those of TAGS but the terminology; layer, value: where its voxels are."""

    id: str
    name: str
    color: tuple[float, float, float]
    terminology: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    empty: bool = False
    layer: int = 0
    value: int = 1


def labelmaps(node: Any, volume: Any) -> Any:
    """The node's vtkSegmentation where it has label maps, else one in which they are made on the volume's grid (of a drawn surface).

    Failure: it cannot be turned into label maps.
    """
    return finish_now(labelmaps_in_steps(node, volume))


def labelmaps_in_steps(node: Any, volume: Any, only: str = "") -> Steps[Any]:
    """The same, a segment at a time. only: of this segment alone, by its id. The drawing itself stays as it is."""
    segmentation = node.GetSegmentation()
    if segmentation.GetNumberOfSegments() == 0 or segmentation.ContainsRepresentation(BINARY):
        return segmentation
    matrix, size = _matrix_for(node, volume), volume.GetImageData()
    geometry = slicer.vtkSegmentationConverter.SerializeImageGeometry(matrix, size)
    result = slicer.vtkSegmentation()
    result.SetSourceRepresentationName(BINARY)
    keys = [segmentation.GetNthSegmentID(place) for place in range(segmentation.GetNumberOfSegments())]
    wanted = [key for key in keys if only in ("", key)]
    for done, key in enumerate(wanted, 1):
        segment = _as_label_map(segmentation, key, geometry)
        if segment is None:
            source = segmentation.GetSourceRepresentationName()
            raise Failure(
                f"its segments are kept as '{source}', which cannot be turned into voxels.",
                case=volume.GetName(),
                way_out="Create a binary labelmap in the Segmentations module, or leave this segmentation out.",
            )
        result.AddSegment(segment, key)
        yield done / len(wanted)
    return result


def _as_label_map(segmentation: Any, key: str, geometry: str) -> Any:
    """A copy of a segment that has a label map only; None where it cannot be made."""
    source, segment = segmentation.GetSourceRepresentationName(), segmentation.GetSegment(key)
    one = slicer.vtkSegmentation()
    one.SetSourceRepresentationName(source)
    copy = slicer.vtkSegment()
    copy.DeepCopyMetadata(segment)
    shape = segment.GetRepresentation(source)
    if shape is None:
        return None
    copy.AddRepresentation(source, shape)
    one.AddSegment(copy, key)
    one.SetConversionParameter(slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName(), geometry)
    if not one.CreateRepresentation(BINARY):
        return None
    # A new segment, for the surface must not go with the one that it was made of.
    result = slicer.vtkSegment()
    result.DeepCopyMetadata(segment)
    result.AddRepresentation(BINARY, copy.GetRepresentation(BINARY))
    result.SetLabelValue(copy.GetLabelValue())
    return result


def _matrix_for(node: Any, volume: Any) -> Any:
    """The volume's voxels to the segmentation node's own RAS."""
    return vtk_matrix(np.linalg.inv(into_volume(node, volume)) @ ijk_to_ras_of(volume))


def drawn(segmentation: Any) -> tuple[DrawnSegment, ...]:
    """The segments of a vtkSegmentation, in order. Of two with the same name both are there."""
    found = []
    filled: dict[int, set[int]] = {}
    for place in range(segmentation.GetNumberOfSegments()):
        key, segment = segmentation.GetNthSegmentID(place), segmentation.GetNthSegment(place)
        layer = segmentation.GetLayerIndex(key, BINARY) if segmentation.ContainsRepresentation(BINARY) else -1
        tags = tags_of(segment)
        terminology = tags.pop(TERMINOLOGY, "")
        value = int(segment.GetLabelValue())
        if layer >= 0 and layer not in filled:
            filled[layer] = _values_in(segmentation, layer)
        color = tuple(float(min(1.0, max(0.0, part))) for part in segment.GetColor())
        name = clean_name(segment.GetName() or "") or clean_name(key) or f"Segment_{place + 1}"
        empty = value not in filled[layer] if layer >= 0 else _is_bare(segment)
        found.append(DrawnSegment(key, name, (color[0], color[1], color[2]), terminology, tags, empty, layer, value))
    return tuple(found)


def tags_of(segment: Any) -> dict[str, str]:
    """Those tags of a vtkSegment that mean something here, by name."""
    tags: dict[str, str] = {}
    for name in TAGS:
        value = vtk.reference("")
        if segment.GetTag(name, value):
            tags[name] = str(value)
    return tags


def _is_bare(segment: Any) -> bool:
    bounds = [0.0] * 6
    segment.GetBounds(bounds)
    return bool(bounds[1] < bounds[0])


def _values_in(segmentation: Any, layer: int) -> set[int]:
    """The values of the layer's segments that some voxel has. Looks no further than it must."""
    array = image_array(segmentation.GetLayerDataObject(layer, BINARY))
    wanted = {
        int(segmentation.GetSegment(key).GetLabelValue()) for key in segmentation.GetSegmentIDsForLayer(layer, BINARY)
    }
    found: set[int] = set()
    for slab in slabs(array):
        found |= {value for value in wanted - found if (slab == value).any()}
        if found == wanted:
            break
    return found


def slabs(array: np.ndarray) -> Iterator[np.ndarray]:
    """An array in flat pieces of a few million voxels."""
    flat = array.reshape(-1)
    for first in range(0, flat.size, _SLAB):
        yield flat[first : first + _SLAB]
