"""Distances in mm between the surfaces of a predicted and a reference mask: computed once, many measures derived.

Definitions. A voxel of a mask is on its surface where one of its face neighbours (6 in 3D, 4 in 2D) is outside the mask; beyond
the volume's border is outside. An axis along which the volume has one voxel only has no neighbours, so a volume of one slice is
compared by its outlines. A distance runs between centres of voxels: from a surface voxel of one mask to the nearest surface voxel
of the other. Every surface voxel counts once, however large the area is that it stands for.

Empty masks. Both empty: all measures are 0 mm. Only one empty: no distance exists, and all measures are nan.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .overlap import check_masks


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """The distances in mm, float64, of every surface voxel to the nearest one of the other mask.

    `to_reference_mm` has one value per surface voxel of the prediction, `to_predicted_mm` one per surface voxel of the
    reference. Where only one mask is empty, its own array is empty and the other is filled with nan.
    """

    to_reference_mm: NDArray[np.float64]
    to_predicted_mm: NDArray[np.float64]

    def __post_init__(self) -> None:
        for distances in (self.to_reference_mm, self.to_predicted_mm):
            if distances.ndim != 1 or np.any(distances < 0):
                raise ValueError("Surface distances are arrays of one axis with values of at least 0 mm.")

    @property
    def hausdorff_mm(self) -> float:
        """Hausdorff distance: the larger of the two directed maxima."""
        return self.percentile_mm(100.0)

    @property
    def hausdorff95_mm(self) -> float:
        """HD95: the larger of the two directed 95th percentiles, each interpolated linearly."""
        return self.percentile_mm(95.0)

    @property
    def average_mm(self) -> float:
        """Average symmetric surface distance (ASD): the mean over the surface voxels of both masks together."""
        if self.without_distance is not None:
            return self.without_distance
        return float(np.mean(np.concatenate([self.to_reference_mm, self.to_predicted_mm])))

    def percentile_mm(self, percent: float) -> float:
        """The larger of the two directed percentiles, `percent` in 0..100."""
        if self.without_distance is not None:
            return self.without_distance
        return float(max(np.percentile(self.to_reference_mm, percent), np.percentile(self.to_predicted_mm, percent)))

    @property
    def without_distance(self) -> float | None:
        """The answer for empty masks: 0 where both are empty, nan where one is; None where distances exist."""
        empty = (self.to_reference_mm.size == 0) + (self.to_predicted_mm.size == 0)
        return {0: None, 1: math.nan, 2: 0.0}[empty]


def surface_distances(
    predicted: NDArray[np.bool_], reference: NDArray[np.bool_], spacing_mm: Sequence[float]
) -> SurfaceDistances:
    """Measure how far the surfaces of two boolean masks of one shape lie apart.

    `spacing_mm` has one value above 0 per array axis, in the order of the axes: (z, y, x).
    Raises ValueError for masks that are not boolean or differ in shape, and for a wrong spacing.
    """
    check_masks(predicted, reference, "reference")
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    if spacing.shape != (predicted.ndim,) or not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise ValueError(f"spacing_mm needs {predicted.ndim} values above 0, one per axis, got {tuple(spacing_mm)}.")
    predicted_mm, reference_mm = surface_voxels(predicted) * spacing, surface_voxels(reference) * spacing
    return SurfaceDistances(
        to_reference_mm=_nearest_mm(predicted_mm, reference_mm),
        to_predicted_mm=_nearest_mm(reference_mm, predicted_mm),
    )


def surface_voxels(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Indices (n, axes) of the voxels of a boolean mask that have a face neighbour outside it, in array order."""
    box = _bounding_box(mask)
    if box is None:
        return np.empty((0, mask.ndim), dtype=np.intp)
    # Outside its bounding box the mask has no voxel, so the border of the box is treated as the volume's border.
    cropped = mask[box]
    inside = cropped.copy()
    for axis in range(mask.ndim):
        if mask.shape[axis] > 1:
            _erode(np.moveaxis(cropped, axis, 0), np.moveaxis(inside, axis, 0))
    return np.argwhere(cropped & ~inside) + np.array([edge.start for edge in box], dtype=np.intp)


def _erode(mask: NDArray[np.bool_], inside: NDArray[np.bool_]) -> None:
    """Clear `inside` where a neighbour along the first axis is outside `mask`."""
    inside[1:] &= mask[:-1]
    inside[:-1] &= mask[1:]
    inside[0] = inside[-1] = False


def _bounding_box(mask: NDArray[np.bool_]) -> tuple[slice, ...] | None:
    """The smallest box that holds every voxel of the mask; None where it is empty."""
    edges = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        (filled,) = np.nonzero(mask.any(axis=others))
        if filled.size == 0:
            return None
        edges.append(slice(int(filled[0]), int(filled[-1]) + 1))
    return tuple(edges)


def _nearest_mm(start_mm: NDArray[np.float64], target_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each start point (n, axes) to the nearest target point (m, axes); nan where there is no target."""
    if len(target_mm) == 0:
        return np.full(len(start_mm), np.nan)
    # A tree of the surface points alone: for two organs that lie close it takes a seventh of the time of a distance
    # transform, and its memory grows with the surfaces and not with the box around them. Exact all the same.
    return np.asarray(cKDTree(target_mm, balanced_tree=False).query(start_mm)[0], dtype=np.float64)
