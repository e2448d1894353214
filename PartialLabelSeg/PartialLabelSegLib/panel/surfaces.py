"""Surfaces for the 3D view: what the expert drew and what was accepted solid, what is suggested see-through. Made of copies, on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from ..data.types import Structure
from .geometry import ijk_to_ras_of, vtk_matrix
from .masks import Region
from .our_nodes import hidden_segmentation, remove_node
from .segments import SURFACE
from .steps import Steps, scaled

ROLE = "surfaces"
MOST_VOXELS = 250_000
"""Of a structure's box; a larger one is looked at every second or third voxel. Keeps each surface within some 50 ms."""
SOLID, SEE_THROUGH = 1.0, 0.4


@dataclass(frozen=True, eq=False)
class Body:
    """A region of a scan to be drawn as a surface, looked up in steps when it is. key: the segment's id, unique. opacity: 0..1."""

    key: str
    structure: Structure
    region: Callable[[], Steps[Region | None]]
    opacity: float = SOLID


def make_surfaces(scan: Any, bodies: Sequence[Body]) -> Steps[Any]:
    """The segmentation node of ours with these surfaces, seen in 3D only; in no list, and not saved with the scene."""
    node = hidden_segmentation(scan, f"{scan.GetName()} surfaces", ROLE)
    node.GetSegmentation().SetSourceRepresentationName(SURFACE)
    display = node.GetDisplayNode()
    display.SetPreferredDisplayRepresentationName3D(SURFACE)
    display.SetVisibility2D(False)
    try:
        yield from _added(node, scan, bodies)
    except BaseException:
        # Given up for another scan: what was made so far is not left over that one.
        remove_node(node)
        raise
    return node


def _added(node: Any, scan: Any, bodies: Sequence[Body]) -> Steps[None]:
    display = node.GetDisplayNode()
    yield 0.0
    for number, body in enumerate(bodies, 1):
        half = (number - 0.5) / len(bodies)
        region = yield from scaled(body.region(), half - 0.5 / len(bodies), half)
        yield half
        if region is None:
            continue
        segment = slicer.vtkSegment()
        segment.SetName(body.structure.name)
        segment.SetColor(*body.structure.color)
        segment.AddRepresentation(SURFACE, surface_of(scan, region))
        node.GetSegmentation().AddSegment(segment, body.key)
        display.SetSegmentOpacity3D(body.key, body.opacity)
        yield number / len(bodies)


def surface_of(scan: Any, region: Region) -> Any:
    """A region's surface in the scan's own RAS, as vtkPolyData: smoothed a little, closed at the borders of the box."""
    box, mask = region
    stride = int(np.ceil((mask.size / MOST_VOXELS) ** (1 / 3)))
    small = np.pad(mask[::stride, ::stride, ::stride], 1)
    image = vtk.vtkImageData()
    image.SetDimensions(*small.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(small.astype(np.uint8).ravel(), deep=True))
    surface = vtk.vtkDiscreteFlyingEdges3D()
    surface.SetInputData(image)
    surface.ComputeNormalsOff()
    surface.ComputeGradientsOff()
    surface.SetValue(0, 1)
    smooth = vtk.vtkWindowedSincPolyDataFilter()
    smooth.SetInputConnection(surface.GetOutputPort())
    smooth.SetNumberOfIterations(20)
    smooth.SetPassBand(0.02)
    smooth.NormalizeCoordinatesOn()
    placed = vtk.vtkTransformPolyDataFilter()
    placed.SetInputConnection(smooth.GetOutputPort())
    placed.SetTransform(_placing(scan, [span.start for span in box], stride))
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputConnection(placed.GetOutputPort())
    normals.SplittingOff()
    # A grid may be left-handed, and its surfaces then come out inside out.
    normals.AutoOrientNormalsOn()
    normals.Update()
    return normals.GetOutput()


def _placing(scan: Any, first: list[int], stride: int) -> Any:
    """From the voxels of the padded, thinned box to the scan's RAS."""
    to_voxels = np.diag([stride, stride, stride, 1.0])
    to_voxels[:3, 3] = np.array(first[::-1]) - stride
    transform = vtk.vtkTransform()
    transform.SetMatrix(vtk_matrix(ijk_to_ras_of(scan) @ to_voxels))
    return transform
