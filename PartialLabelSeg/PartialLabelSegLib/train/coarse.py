"""Whole scans, coarse enough to be looked at as a whole, and how large their structures are: what a size regressor learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..config import Plan
from .prepared import PreparedCase

MOST_PIXELS, MOST_VOXELS = 64, 32
"""The most of them along the longest side of the cohort's slices, or of its volumes."""
MOST_SLICES = 64
"""As many slices of a scan, evenly spread, are learned from."""
FULL = 255


@dataclass(frozen=True, eq=False)
class Coarse:
    """A scan for the regressor. image: float16 (S, r, c), the mean grey values of coarse pixels; spacing_mm of (slice, row, column).

    even: the same with evened-out grey values (`evened`).

    slices: the indices of S that can be learned from. occupancy: uint8 (K, len(slices), r, c), how much of each coarse voxel is the structure, of 255;
    None where nothing is learned from the scan. known: bool (K,), what can be learned from it.
    """

    image: np.ndarray
    even: np.ndarray
    spacing_mm: tuple[float, float, float]
    slices: np.ndarray
    known: np.ndarray
    occupancy: np.ndarray | None = None


def coarse_spacing(plan: Plan, shapes: Sequence[tuple[int, int, int]]) -> tuple[float, float, float]:
    """The spacing in mm that the regressor sees all scans at: slices stay for a plan of slices, and nothing becomes finer than the plan.

    shapes: of the prepared training scans; the longest decides.
    """
    flat = plan.dimensions != "3d"
    lengths = np.max(np.array(shapes), axis=0) * plan.spacing_mm
    wanted = float(lengths[1:].max() / MOST_PIXELS if flat else lengths.max() / MOST_VOXELS)
    found = [max(spacing, wanted) for spacing in plan.spacing_mm]
    return (plan.spacing_mm[0] if flat else found[0], found[1], found[2])


def coarsened(case: PreparedCase, plan: Plan, spacing_mm: tuple[float, float, float], known: np.ndarray) -> Coarse:
    """The scan at about that spacing: its sides are cut into whole numbers of voxels, each the exact mean of what it covers, so that sums stay what they are."""
    lengths = [max(2, round(n * old / new)) for n, old, new in zip(case.shape, plan.spacing_mm, spacing_mm)]
    flat = plan.dimensions != "3d"
    if flat:
        lengths[0] = case.shape[0]
    matrices = [_overlap(old, new) for old, new in zip(case.shape, lengths)]
    image = _shrunk(np.asarray(case.image, np.float32), matrices, flat).astype(np.float16)
    count = min(case.shape[0], MOST_SLICES)
    slices = np.linspace(0, case.shape[0] - 1, count).round().astype(np.int64) if flat else np.arange(lengths[0])
    actual = [n * spacing / length for n, spacing, length in zip(case.shape, plan.spacing_mm, lengths)]
    place = (actual[0], actual[1], actual[2])
    if not known.any():
        return Coarse(image, evened(image), place, slices, known)
    occupancy = np.zeros((len(known), len(slices), *image.shape[1:]), np.uint8)
    for index in np.flatnonzero(known):
        mask = case.positive(int(index) + 1)
        part = mask[slices] if flat else mask
        if part.any():
            occupancy[index] = np.rint(_shrunk(part.astype(np.float32), matrices, flat) * FULL)
    return Coarse(image, evened(image), place, slices, known, occupancy)


def evened(image: np.ndarray) -> np.ndarray:
    """float16, -1 to 1: each grey value's rank among those of the scan that are not its lowest. Soft tissues, which lie close together beside bone and air, are told apart."""
    values = image.astype(np.float32)
    inner = values[values > values.min()]
    if inner.size == 0:
        return np.zeros(image.shape, np.float16)
    steps = np.unique(np.quantile(inner, np.linspace(0, 1, 65)))
    ranks = (
        np.searchsorted(np.sort(inner[:: max(1, inner.size // 20_000)]), steps) if len(steps) > 1 else np.array([0.0])
    )
    scale = max(float(ranks[-1]), 1.0)
    return np.interp(values, steps, 2 * ranks / scale - 1).astype(np.float16)


def _overlap(old: int, new: int) -> np.ndarray:
    """float32 (new, old): the share of each of `old` even pieces in each of `new` even pieces of the same length; rows sum to 1."""
    edges = np.linspace(0, old, new + 1)
    first = np.arange(old)
    covered = np.minimum(edges[1:, None], first + 1) - np.maximum(edges[:-1, None], first)
    return (np.clip(covered, 0, None) * new / old).astype(np.float32)


def _shrunk(array: np.ndarray, matrices: Sequence[np.ndarray], flat: bool) -> np.ndarray:
    depth, rows, columns = matrices
    small = rows @ (array @ columns.T)
    return small if flat else np.einsum("ab,bcd->acd", depth, small)


def slice_moments(mask: np.ndarray, spacing_mm: Sequence[float]) -> np.ndarray:
    """float64 (S, 5): the attributes of every slice (data/sizes.py) of a mask (S, rows, columns); nan for the places of an empty one."""
    area = mask.sum((1, 2)).astype(np.float64)
    found = np.full((len(mask), 5), np.nan)
    found[:, 0] = area * spacing_mm[1] * spacing_mm[2]
    there = area > 0
    for axis, along in ((0, mask.sum(2)), (1, mask.sum(1))):
        h = spacing_mm[1 + axis]
        place = (np.arange(along.shape[1]) - (along.shape[1] - 1) / 2) * h
        share = along[there] / area[there, None]
        centroid = share @ place
        found[there, 1 + axis] = centroid
        found[there, 3 + axis] = np.sqrt(np.maximum(12 * (share @ place**2 - centroid**2), 0) + h**2)
    return found


def combined(slices: np.ndarray, thickness_mm: float) -> np.ndarray:
    """float64 (7,): the attributes of a whole scan from those of its slices (S, 5), by the law of total variance; nan for the places of an empty one."""
    area = np.nan_to_num(slices[:, 0])
    found = np.full(7, np.nan)
    found[0] = area.sum() * thickness_mm
    if found[0] <= 0:
        return found
    share = area / area.sum()
    place = (np.arange(len(slices)) - (len(slices) - 1) / 2) * thickness_mm
    found[1] = share @ place
    found[4] = np.sqrt(max(12 * (share @ (place - found[1]) ** 2), 0) + thickness_mm**2)
    for axis in (0, 1):
        centroid, extent = np.nan_to_num(slices[:, 1 + axis]), np.nan_to_num(slices[:, 3 + axis])
        found[2 + axis] = share @ centroid
        found[5 + axis] = np.sqrt(share @ (extent**2) + 12 * (share @ (centroid - found[2 + axis]) ** 2))
    return found
