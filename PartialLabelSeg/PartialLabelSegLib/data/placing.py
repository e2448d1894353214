"""Labels from the grid they were drawn on to the scan's grid, and how well the two fit."""

from __future__ import annotations

from enum import Enum

import numpy as np
import SimpleITK as sitk

from .geometry import Grid, resample_image, resample_labels

_SAME_VOXEL = 0.01
"""Voxel centres closer than this share of a voxel are the same voxel."""


class Fit(Enum):
    """How a label grid lies to a scan's grid."""

    SAME = "the same grid"
    COINCIDES = "the same voxels, cut or stored otherwise"
    RESAMPLED = "another grid: each voxel takes the label at its centre"
    APART = "no place in common"


def fit(source: Grid, target: Grid) -> Fit:
    """How `source` lies to `target`. COINCIDES: every voxel of one that lies in the other is a voxel of it."""
    if _is_apart(source, target) or _is_apart(target, source):
        return Fit.APART
    corners = _corners(source)
    found = _index_in(target, source, corners)
    if source.size == target.size and np.abs(found - corners).max() <= _SAME_VOXEL:
        return Fit.SAME
    steps = _index_in(target, source, np.vstack([np.zeros((1, 3)), np.eye(3)]))
    step_is_whole = np.abs(np.abs(steps[1:] - steps[0]).sum(axis=1) - 1).max() <= _SAME_VOXEL
    whole = np.abs(found - np.rint(found)).max() <= _SAME_VOXEL
    return Fit.COINCIDES if step_is_whole and whole else Fit.RESAMPLED


def place_labels(array: np.ndarray, source: Grid, target: Grid) -> np.ndarray:
    """Integer labels (z, y, x) of `source` on `target`: nearest neighbour at voxel centres; 0 outside `source`."""
    if fit(source, target) is Fit.SAME:
        return array
    placed: np.ndarray = sitk.GetArrayFromImage(resample_labels(source.image(array), target))
    return placed.astype(array.dtype, copy=False)


def place_probability(array: np.ndarray, source: Grid, target: Grid) -> np.ndarray:
    """Probabilities float32 (z, y, x) of `source` on `target`: interpolated like a scan where the voxels are others; 0 outside `source`."""
    how = fit(source, target)
    if how is Fit.SAME:
        return array
    if how is not Fit.RESAMPLED:
        placed: np.ndarray = sitk.GetArrayFromImage(resample_labels(source.image(array), target))
        return placed
    covered = sitk.GetArrayFromImage(resample_labels(source.image(np.ones(source.shape, np.uint8)), target))
    moved = sitk.GetArrayFromImage(resample_image(source.image(array), target))
    return np.clip(moved, 0, 1).astype(np.float32) * covered


def _corners(grid: Grid) -> np.ndarray:
    """The eight corner voxels as indices (x, y, z)."""
    ends = np.array(grid.size) - 1
    return np.array([(x, y, z) for x in (0, ends[0]) for y in (0, ends[1]) for z in (0, ends[2])], float)


def _index_in(target: Grid, source: Grid, indices: np.ndarray) -> np.ndarray:
    """Indices (n, 3) of `source` as indices of `target`, not rounded."""
    points = np.array(source.origin) + (indices * np.array(source.spacing)) @ np.reshape(source.direction, (3, 3)).T
    return ((points - np.array(target.origin)) @ np.linalg.inv(np.reshape(target.direction, (3, 3))).T) / np.array(
        target.spacing
    )


def _is_apart(source: Grid, target: Grid) -> bool:
    """Whether the box of `source` lies beyond one face of `target`."""
    size = np.array(source.size, float)
    faces = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * size - 0.5
    found = _index_in(target, source, faces)
    return bool(np.any(found.max(axis=0) <= -0.5) or np.any(found.min(axis=0) >= np.array(target.size) - 0.5))
