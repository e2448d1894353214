"""Soft labels on their way to the network: moved like images, sure only where all raters agree, and looked at where they are likely."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ..data.geometry import Grid, resample_image, resample_labels
from ..data.labels import Labels, Marks


def without_unsure(labels: Labels) -> Labels:
    """The labels without those voxels of soft structures that are not certain: what is the liver with 0.6 is not certainly no spleen.

    Their own truth lies in the soft label. What rounds accepted where nobody read, and what all raters agree on, stays.
    """
    if not labels.soft:
        return labels
    label_map, overlaps = labels.label_map.copy(), dict(labels.overlaps)
    for name, plane in labels.soft.items():
        unsure = plane < 1
        label_map[unsure & (label_map == labels.value(name))] = 0
        if name in overlaps:
            marks, kept = overlaps[name], ~unsure.reshape(-1)[overlaps[name].indices]
            overlaps[name] = Marks(marks.indices[kept], marks.origin[kept])
    return replace(labels, label_map=label_map, overlaps=overlaps)


def moved_soft(plane: np.ndarray, source: Grid, target: Grid) -> np.ndarray:
    """A soft label float32 (z, y, x) on another grid: interpolated and, to coarser voxels, smoothed as scans are (`resample_image`).

    nan where the nearest voxel was not read. What was not read has no share in its neighbours either.
    """
    read = ~np.isnan(plane)

    def moved(array: np.ndarray) -> np.ndarray:
        return np.asarray(sitk.GetArrayFromImage(resample_image(source.image(array.astype(np.float32)), target)))

    values = moved(np.where(read, plane, 0))
    if not read.all():
        there = sitk.GetArrayFromImage(resample_labels(source.image(read), target)) > 0
        values = np.where(there, values / np.maximum(moved(read), 1e-6), np.float32(np.nan))
    return np.clip(values, 0, 1)


def spread_by(likely: np.ndarray, most: int) -> np.ndarray:
    """At most `most` flat indices (int64) of what is likely at all: each voxel as often as it is likely. Where windows can be centred."""
    found = np.flatnonzero(likely > 0)
    summed = np.cumsum(likely.reshape(-1)[found], dtype=np.float64)
    count = min(found.size, most)
    wanted = (np.arange(count) + 0.5) / count * summed[-1]
    return found[np.searchsorted(summed, wanted)].astype(np.int64, copy=False)
