"""Where a node's voxels lie: MRML counts to the right, anterior and superior, our grids to the left, posterior and superior.

A scan's grid is that of its own voxels, before any transform that the node was put under. What we add to the scene for a scan is put under
the same transform, so that it lies on the scan whatever the transform does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk

from ..data.geometry import Grid
from ..run.failure import Failure

_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
"""RAS <-> LPS."""


def matrix_array(matrix: Any) -> np.ndarray:
    """A vtkMatrix4x4 as float64 (4, 4)."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def vtk_matrix(array: np.ndarray) -> Any:
    """float (4, 4) as a vtkMatrix4x4."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy([float(value) for value in np.reshape(array, 16)])
    return matrix


def ijk_to_ras(grid: Grid) -> np.ndarray:
    """float64 (4, 4): voxel (x, y, z, 1) of a grid to RAS mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(grid.direction, (3, 3)) * np.array(grid.spacing)
    matrix[:3, 3] = grid.origin
    return _FLIP @ matrix


def grid_of_matrix(to_ras: np.ndarray, size: tuple[int, int, int]) -> Grid:
    """The grid of an IJK-to-RAS matrix and a size (x, y, z). ValueError: axes that are not at right angles, or no volume."""
    lps = _FLIP @ to_ras
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    if not np.isfinite(lps).all() or spacing.min() <= 0:
        raise ValueError(f"a grid needs a spacing above 0, got {spacing}")
    direction = tuple(float(value) for value in (lps[:3, :3] / spacing).ravel())
    x, y, z = (float(value) for value in spacing)
    left, posterior, superior = (float(value) for value in lps[:3, 3])
    return Grid((int(size[0]), int(size[1]), int(size[2])), (x, y, z), (left, posterior, superior), direction)


def ijk_to_ras_of(volume: Any) -> np.ndarray:
    """float64 (4, 4) of a volume node, without its transform."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix_array(matrix)


def grid_of(volume: Any) -> Grid:
    """The grid of a volume node's voxels. Failure: it has no voxels, or axes that are not at right angles."""
    image = volume.GetImageData()
    if image is None or min(image.GetDimensions()) < 1:
        raise Failure("it has no voxels.", case=volume.GetName(), way_out="Load the scan again, or leave it out.")
    try:
        return grid_of_matrix(ijk_to_ras_of(volume), image.GetDimensions())
    except ValueError:
        raise Failure(
            "its axes are not at right angles to each other (a sheared grid), which is not supported.",
            case=volume.GetName(),
            way_out="Resample it to a straight grid in 3D Slicer (Resample Scalar/Vector/DWI Volume), and use that volume.",
        ) from None


def into_volume(node: Any, volume: Any) -> np.ndarray:
    """float64 (4, 4): the node's own RAS to the volume's own RAS, through the transforms that they were put under.

    Failure: one of them is bent in a way that no matrix says, and not the other in the same way.
    """
    if node.GetTransformNodeID() == volume.GetTransformNodeID():
        return np.eye(4)
    transforms = slicer.vtkMRMLTransformNode
    pair = (node.GetParentTransformNode(), volume.GetParentTransformNode())
    between = vtk.vtkGeneralTransform()
    transforms.GetTransformBetweenNodes(*pair, between)
    if not transforms.IsGeneralTransformLinear(between):
        raise Failure(
            f"'{node.GetName()}' and the scan were put under different transforms, and one of them bends space.",
            case=volume.GetName(),
            way_out="Put both under the same transform in the Transforms module, or harden the transform.",
        )
    matrix = vtk.vtkMatrix4x4()
    transforms.GetMatrixTransformBetweenNodes(*pair, matrix)
    return matrix_array(matrix)


def follow(node: Any, volume: Any) -> None:
    """Puts a node of ours under the transform that the scan was put under (or under none)."""
    if node.GetTransformNodeID() != volume.GetTransformNodeID():
        node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())


def whole_step(matrix: np.ndarray) -> tuple[int, int, int] | None:
    """(x, y, z) where the matrix from voxels to voxels only shifts by whole voxels (to a hundredth), else None."""
    shift = matrix[:3, 3]
    whole = np.rint(shift)
    if np.abs(matrix[:3, :3] - np.eye(3)).max() > 1e-4 or np.abs(shift - whole).max() > 0.01:
        return None
    return int(whole[0]), int(whole[1]), int(whole[2])


def lies_on(grid: Grid, volume: Any) -> bool:
    """Whether a grid is that of a volume node's voxels, to a hundredth of a millimetre."""
    image = volume.GetImageData()
    if image is None or tuple(image.GetDimensions()) != grid.size:
        return False
    ends = [(0, size) for size in grid.size]
    corners = np.array([(x, y, z, 1) for x in ends[0] for y in ends[1] for z in ends[2]], float)
    return bool(np.abs(corners @ (ijk_to_ras(grid) - ijk_to_ras_of(volume)).T).max() < 0.01)


def point_of(volume: Any, ijk: tuple[float, float, float]) -> tuple[float, float, float]:
    """The place in the views (RAS mm) of a voxel (x, y, z) of a scan, wherever its transform puts it."""
    r, a, s = (ijk_to_ras_of(volume) @ [*ijk, 1.0])[:3]
    return place_in_views(volume, (r, a, s))


def place_in_views(volume: Any, ras: tuple[float, float, float]) -> tuple[float, float, float]:
    """The place in the views (RAS mm) of a point of a scan's own space, wherever its transform puts it."""
    return _through(volume.GetParentTransformNode(), None, np.array(ras))


def voxel_at(volume: Any, ras: tuple[float, float, float]) -> tuple[int, int, int]:
    """The voxel (x, y, z) of a scan at a place in the views; it may lie outside the scan."""
    own = _through(None, volume.GetParentTransformNode(), np.array(ras))
    x, y, z = np.rint((np.linalg.inv(ijk_to_ras_of(volume)) @ [*own, 1.0])[:3])
    return int(x), int(y), int(z)


def _through(source: Any, target: Any, point: np.ndarray) -> tuple[float, float, float]:
    """A point under one transform node (None: the world) as seen under another."""
    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(source, target, transform)
    r, a, s = transform.TransformPoint([float(value) for value in point])
    return float(r), float(a), float(s)
