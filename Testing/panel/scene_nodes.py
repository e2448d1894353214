"""Scans, segmentations and suggestions in a scene, in a line each, for the panel's tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from scipy import ndimage
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.prediction import Prediction, fixed_point, write_prediction
from PartialLabelSegLib.data.types import PALETTE
from PartialLabelSegLib.relabel.select import rank_volume

KINDS = {
    np.dtype(np.uint8): vtk.VTK_UNSIGNED_CHAR,
    np.dtype(np.int16): vtk.VTK_SHORT,
    np.dtype(np.uint16): vtk.VTK_UNSIGNED_SHORT,
}


def to_ras(grid: Grid) -> np.ndarray:
    """Voxel (x, y, z, 1) to right-anterior-superior mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(grid.direction, (3, 3)) * np.array(grid.spacing)
    matrix[:3, 3] = grid.origin
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix


def as_vtk(matrix: np.ndarray) -> Any:
    result = vtk.vtkMatrix4x4()
    result.DeepCopy([float(value) for value in matrix.ravel()])
    return result


def add_scan(scene: Any, grid: Grid, array: np.ndarray, name: str = "CT") -> Any:
    """A volume node with these voxels (z, y, x; one value each, or more along a fourth axis)."""
    image = vtk.vtkImageData()
    image.SetDimensions(*grid.size)
    values = array.reshape(-1, array.shape[3]) if array.ndim == 4 else array.ravel()
    image.GetPointData().SetScalars(numpy_to_vtk(values, deep=True))
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(as_vtk(to_ras(grid)))
    node.SetAndObserveImageData(image)
    node.CreateDefaultDisplayNodes()
    return node


def add_segmentation(
    scan: Any, grid: Grid, masks: Mapping[str, np.ndarray], name: str = "Segmentation", shared: bool = False
) -> Any:
    """A segmentation node with these masks on a grid: ids id0, id1, ...; a layer each, or one that they share."""
    node = scan.GetScene().AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(scan)
    common = np.zeros(grid.shape, np.uint8)
    for number, mask in enumerate(masks.values(), 1):
        common[mask] = number
    layer = oriented(common, grid)
    for number, (title, mask) in enumerate(masks.items()):
        segment = slicer.vtkSegment()
        segment.SetName(title)
        segment.SetColor(*PALETTE[number % len(PALETTE)])
        segment.SetTag("TerminologyEntry", f"code^{title}")
        segment.AddRepresentation("Binary labelmap", layer if shared else oriented(mask.astype(np.uint8), grid))
        segment.SetLabelValue(number + 1 if shared else 1)
        node.GetSegmentation().AddSegment(segment, f"id{number}")
    return node


def oriented(array: np.ndarray, grid: Grid) -> Any:
    """An array as Slicer holds label maps."""
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(*grid.size)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(array).ravel(), deep=True))
    image.SetImageToWorldMatrix(as_vtk(to_ras(grid)))
    return image


def mask_by_points(node: Any, key: str, grid: Grid) -> np.ndarray:
    """bool: the voxels of `grid` that a segment covers, found voxel by voxel through patient space; the oracle for everything here."""
    result = np.zeros(grid.shape, bool)
    segment = node.GetSegmentation().GetSegment(key)
    image = segment.GetRepresentation("Binary labelmap") if segment else None
    if image is None or image.GetNumberOfPoints() == 0:
        return result
    x0, x1, y0, y1, z0, z1 = image.GetExtent()
    array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(z1 - z0 + 1, y1 - y0 + 1, x1 - x0 + 1)
    found = np.argwhere(array == segment.GetLabelValue())[:, ::-1] + np.array([x0, y0, z0])
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    world = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
    indices = np.c_[found, np.ones(len(found))] @ (np.linalg.inv(to_ras(grid)) @ world).T
    np.testing.assert_allclose(indices, np.rint(indices), atol=1e-3)
    x, y, z = np.rint(indices[:, :3]).astype(int).T
    result[z, y, x] = True
    return result


def full(region: tuple[Any, np.ndarray] | None, grid: Grid) -> np.ndarray:
    """A region as a mask of the whole scan."""
    mask = np.zeros(grid.shape, bool)
    if region is not None:
        mask[region[0]] = region[1]
    return mask


def bytes_of(node: Any) -> list[tuple[Any, ...]]:
    """Everything that a segment is, to compare before and after."""
    segmentation = node.GetSegmentation()
    found = []
    for number in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(number)
        image = segment.GetRepresentation("Binary labelmap")
        scalars = bytes(memoryview(image.GetPointData().GetScalars())) if image and image.GetNumberOfPoints() else b""
        names: list[str] = []
        segment.GetContainedRepresentationNames(names)
        extent = image.GetExtent() if image else None
        found.append(
            (segmentation.GetNthSegmentID(number), segment.GetName(), segment.GetColor(), extent, scalars, names)
        )
    return found


def predicted_like(
    truth: np.ndarray, structures: Sequence[str], known: Sequence[str], seed: int = 0
) -> tuple[Prediction, Labels]:
    """A prediction that is nearly the truth, unsure near edges, and labels in which only the `known` structures are drawn."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=truth.shape).astype(np.float32), 2)
    noise /= max(float(noise.std()), 1e-6)
    depth = ndimage.distance_transform_edt(truth > 0).astype(np.float32)
    label = np.where(ndimage.binary_dilation(truth > 0), ndimage.grey_dilation(truth, 3), 0).astype(np.uint8)
    label[truth > 0] = truth[truth > 0]
    label[(noise > 1.5) & (depth < 2)] = 0
    confidence = np.clip(0.5 + 0.12 * depth + 0.12 * noise, 0.02, 1).astype(np.float32) * (label > 0)
    flags = tuple(name in known for name in structures)
    drawn = np.array([0] + [value if flag else 0 for value, flag in enumerate(flags, 1)], np.uint8)[truth]
    labels = Labels.expert(tuple(structures), drawn, flags)
    rank = rank_volume(labels, label, confidence)
    return Prediction(tuple(structures), label, fixed_point(confidence), fixed_point(confidence), rank), labels


def write_predicted(
    folder: Path, truth: np.ndarray, grid: Grid, structures: Sequence[str], known: Sequence[str]
) -> Prediction:
    """The same in a folder, as the worker leaves it."""
    prediction, _ = predicted_like(truth, structures, known)
    write_prediction(folder, prediction, grid)
    return prediction
