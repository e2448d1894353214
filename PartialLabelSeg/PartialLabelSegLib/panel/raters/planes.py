"""Which slice of a scan a view shows, and where points of that slice lie in the view's window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk

from ...run.failure import Failure
from ..geometry import ijk_to_ras_of, matrix_array

_PARALLEL = 0.999
"""The least cosine between a view's normal and the scan's slice axis; a view that is tilted more shows several slices at once."""


@dataclass(frozen=True, eq=False)
class ShownSlice:
    """Slice `index` of the scan in a view. to_window: float64 (2, 3), a point (first, second, 1) of the slice to pixels of the window."""

    index: int
    to_window: np.ndarray

    def window(self, points: np.ndarray) -> np.ndarray:
        """float64 (..., 2): pixels from the lower left, of points (..., 2) of the slice."""
        result: np.ndarray = points @ self.to_window[:, :2].T + self.to_window[:, 2]
        return result

    def point(self, x: float, y: float) -> tuple[float, float]:
        """The point of the slice under a pixel."""
        first, second = np.linalg.solve(self.to_window[:, :2], np.array([x, y], float) - self.to_window[:, 2])
        return float(first), float(second)


def voxels_to_world(volume: Any) -> np.ndarray:
    """float64 (4, 4): voxel (x, y, z, 1) of a scan to RAS in the views. Failure: it was put under a transform that bends space."""
    matrix = vtk.vtkMatrix4x4()
    parent = volume.GetParentTransformNode()
    if parent is not None:
        if not parent.IsTransformToWorldLinear():
            raise Failure(
                "it was put under a transform that bends space, and a grid is straight.",
                case=volume.GetName(),
                way_out="Harden the transform in the Transforms module.",
            )
        slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(parent, None, matrix)
    result: np.ndarray = matrix_array(matrix) @ ijk_to_ras_of(volume)
    return result


def count_along(volume: Any, axis: int) -> int:
    """How many slices a scan has along array axis `axis` of (z, y, x)."""
    return int(volume.GetImageData().GetDimensions()[2 - axis])


def in_plane(axis: int) -> tuple[int, int]:
    """The voxel axes (of x, y, z as 0, 1, 2) of a slice's first and second coordinate."""
    first, second = (2 - other for other in (0, 1, 2) if other != axis)
    return first, second


def voxel(axis: int, index: int, point: tuple[float, float]) -> tuple[float, float, float]:
    """The voxel (x, y, z) of a point of a slice."""
    result = [0.0, 0.0, 0.0]
    result[2 - axis] = float(index)
    for place, value in zip(in_plane(axis), point):
        result[place] = float(value)
    return (result[0], result[1], result[2])


def shown_slice(to_world: np.ndarray, axis: int, count: int, view: Any) -> ShownSlice | None:
    """The slice of a scan that a slice node shows; None where the view is tilted against it or lies beyond the scan."""
    if not _is_parallel(to_world, axis, view):
        return None
    index = slice_at(to_world, axis, view)
    if not 0 <= index < count:
        return None
    first, second = in_plane(axis)
    whole = np.linalg.inv(matrix_array(view.GetXYToRAS())) @ to_world
    offset = whole[:2, 3] + whole[:2, 2 - axis] * index
    return ShownSlice(index, np.stack([whole[:2, first], whole[:2, second], offset], axis=1))


def slice_at(to_world: np.ndarray, axis: int, view: Any) -> int:
    """The slice nearest to the plane of a view that is parallel to it; it may lie beyond the scan."""
    on_plane = matrix_array(view.GetSliceToRAS())[:, 3]
    return int(np.rint((np.linalg.inv(to_world) @ on_plane)[2 - axis]))


def _is_parallel(to_world: np.ndarray, axis: int, view: Any) -> bool:
    normal = matrix_array(view.GetSliceToRAS())[:3, 2]
    across = to_world[:3, 2 - axis]
    within = to_world[:3, list(in_plane(axis))]
    lengths = np.linalg.norm(within, axis=0)
    straight = abs(normal @ across) >= _PARALLEL * np.linalg.norm(normal) * np.linalg.norm(across)
    tilted = np.abs(normal @ within) > np.sqrt(1 - _PARALLEL**2) * np.linalg.norm(normal) * lengths
    return bool(straight and not tilted.any())


def nearest_view(to_world: np.ndarray, axis: int, views: list[Any]) -> Any:
    """Of slice nodes the one whose plane is nearest to the scan's slices; None without views."""
    across = to_world[:3, 2 - axis] / np.linalg.norm(to_world[:3, 2 - axis])

    def cosine(view: Any) -> float:
        return abs(float(matrix_array(view.GetSliceToRAS())[:3, 2] @ across))

    return max(views, key=cosine) if views else None
